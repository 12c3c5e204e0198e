"""Estimators by name: ours, the bench's, or a user's function as module:function.

A module is imported only because the user has written its name on the command line; no file can name one.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys

from maca_edu.credit_bench import OTHERS, Estimator
from maca_edu.experiments.credit_bench.ours import ours


def shipped() -> dict[str, Estimator]:
    """Every estimator that needs no module, by name."""
    return {estimator.name: estimator for estimator in (*ours(), *OTHERS)}


def choose(names: list[str]) -> list[Estimator]:
    """The estimators of these names; all that are shipped where there is none.

    Raises ValueError where a name is unknown or comes twice, or a module or its function cannot be had.
    """
    known = shipped()
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"methods names {name!r} twice; each may occur once")
        if ":" not in name and name not in known:
            raise ValueError(f"methods={name!r}; allowed are {', '.join(known)}, or module:function")
    return [known[name] if name in known else users(name) for name in names] or list(known.values())


def users(name: str) -> Estimator:
    """The function that `module:function` names, from what is installed or else from the current folder."""
    module, _, function = name.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), function)):
        raise ValueError(f"methods={name!r}; allowed is module:function, as in my_package.credit:advantage")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # last: a file here never hides an installed package
        importlib.invalidate_caches()
    try:
        found = getattr(importlib.import_module(module), function, None)
    except (Exception, SystemExit) as error:
        raise ValueError(f"methods={name!r}: the module cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ValueError(f"methods={name!r}: the module {module!r} has no function {function!r}")
    if not takes_a_batch(found):
        raise ValueError(f"methods={name!r} cannot be called with a batch alone; allowed is a function of one argument")
    return Estimator(name, found)


def takes_a_batch(found) -> bool:
    """Whether it is a function, or another object, that one argument is enough to call; a class is neither."""
    if inspect.isclass(found):
        return False
    try:
        inspect.signature(found).bind(None)
    except TypeError:
        return False
    except ValueError:  # written in C, and it does not say what it takes
        return True
    return True
