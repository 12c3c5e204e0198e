"""Games that are modules of Python, installed or in the current folder: how they are imported and made."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable
from types import ModuleType


def build(name: str, module: str, function: str, chosen: dict):
    """The game that `module.function(**chosen)` makes. Raises ValueError, with the environment's name, if it fails."""
    found = import_game(name, module)
    make_game = getattr(found, function, None)
    if not callable(make_game):
        place = getattr(found, "__file__", None) or "a folder"
        raise ValueError(f"env={name!r}: the module {module!r} has no function {function!r} to make the game ({place})")
    check_arguments(name, getattr(found, "raw_env", None), make_game, chosen)
    try:
        return make_game(**chosen)
    except (Exception, SystemExit) as error:
        raise ValueError(f"env={name!r}: the game cannot be made: {in_words(error)}") from error


def import_game(name: str, module: str) -> ModuleType:
    """Import the module that has the game, from what is installed or else from the current folder.

    All code of a game that a user names is imported here and nowhere else. name: the environment's, for messages.
    Raises ValueError where there is no such module or it cannot be imported.
    """
    if module.endswith(".py"):
        raise ValueError(f"env={name!r} names a file; write the module, without .py: {name.replace('.py', '')!r}")
    if not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"env={name!r}: {module!r} is no Python module; allowed are my_game, my_package.my_game, ...")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # last: a file here never hides an installed package
        importlib.invalidate_caches()
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # games that draw with pygame would print a greeting
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"env={name!r}: {_missing(module, error.name or '')}") from error
    except (Exception, SystemExit) as error:
        raise ValueError(f"env={name!r}: importing the module {module!r} failed: {in_words(error)}") from error


def _missing(module: str, missing: str) -> str:
    """What to say where importing `module` found no module called `missing`."""
    package, _, last = missing.rpartition(".")
    if not f"{module}.".startswith(f"{missing}."):
        return f"the module {module!r} needs the module {missing!r}, which is not installed"
    if not package:
        return f"there is no Python module {missing!r}, neither installed nor as a file {missing}.py in this folder"
    near = difflib.get_close_matches(last, [part.name for part in pkgutil.iter_modules(_folders(package))], n=3)
    advice = f"; it has {', '.join(near)}" if near else ""
    return f"the package {package!r} has no module {last!r}{advice}"


def _folders(package: str) -> list[str]:
    """Where the modules of a package lie that was imported already."""
    return list(getattr(sys.modules.get(package), "__path__", []))


def check_arguments(name: str, raw: object, make_game: Callable, chosen: dict) -> None:
    """Raise ValueError where the game has no such arguments, or one that is true or false is given something else.

    PettingZoo's `parallel_env` often takes anything and hands it to `raw`, the module's raw_env: then that is asked.
    """
    parameters = _parameters(make_game)
    takes_anything = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    if takes_anything and callable(raw):
        parameters = {**_parameters(raw), **parameters}
        takes_anything = any(one.kind is one.VAR_KEYWORD for one in _parameters(raw).values())
    known = {key: one for key, one in parameters.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    for key, value in chosen.items():
        if key not in known and not takes_anything:
            if key == "render_mode":
                raise ValueError(f"env={name!r} cannot be drawn: its parallel_env takes no render_mode='rgb_array'")
            allowed = f"its options are {', '.join(known)}" if known else "it has none"
            raise ValueError(f"env={name!r}: the game has no option {key!r}; {allowed}")
        if key in known and isinstance(known[key].default, bool) and not isinstance(value, bool):
            raise ValueError(f"env={name!r}: {key}={value!r}; allowed are true and false")


def _parameters(function: Callable) -> dict[str, inspect.Parameter]:
    """A function's parameters by name; anything where Python cannot tell."""
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {"options": inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)}


def in_words(error: BaseException) -> str:
    """An exception of a game in one line, with the place in its code: "KeyError: 'a' (my_game.py, line 7)"."""
    said = " ".join(str(error).split())
    words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, SyntaxError):  # which says itself where
        return words
    frames = traceback.extract_tb(error.__traceback__)
    in_the_game = [frame for frame in frames[1:] if "site-packages" not in frame.filename and frame.filename[0] != "<"]
    place = (in_the_game or frames)[-1]
    return f"{words} ({os.path.basename(place.filename)}, line {place.lineno})"
