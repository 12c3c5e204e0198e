"""Checks of what a user gives: whole numbers, paths, and values of an annotated type. The games have their own.

An annotation says what is allowed, and `check` reads it from there:

    int, float, str, bool          a number is finite, and a truth value is no number
    Literal["q", "v+q"]            one of these words
    tuple[int, ...], float | None  several values, or one of several types
    Annotated[int, Allowed("integers from 1", lambda x: x >= 1)]    what a type cannot say: words and a test
"""

from __future__ import annotations

import functools
import operator
import os
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import numpy as np


class Allowed(NamedTuple):
    """What an annotation allows beyond its type."""

    words: str
    test: Callable[[Any], bool]


Count = Annotated[int, Allowed("integers from 1", lambda x: x >= 1)]
Natural = Annotated[int, Allowed("integers from 0", lambda x: x >= 0)]
Positive = Annotated[float, Allowed("positive numbers", lambda x: x > 0)]
NotNegative = Annotated[float, Allowed("numbers from 0", lambda x: x >= 0)]
Share = Annotated[float, Allowed("0 to 1", lambda x: 0 <= x <= 1)]
LONGEST = 200  # characters of a value in a message
WORDS = {int: "integers", float: "finite numbers", str: "words", bool: "True and False", NoneType: "None"}
WORDS[Path] = "paths of files and folders"


def check(name: str, value, kind):
    """Return the argument `value`, which has the annotated type `kind`; ValueError that names the argument otherwise.

    A number of NumPy's comes back as Python's, and a list as a tuple.
    """
    plain = in_python(value)
    if not fits(plain, kind):
        raise ValueError(f"{name}={shown(value)}; allowed are {allowed(kind)}")
    return plain


def check_fields(record) -> None:
    """`check` every field of a dataclass, which may be frozen, by its annotation."""
    for name, kind in annotations(type(record)).items():
        object.__setattr__(record, name, check(name, getattr(record, name), kind))


@functools.cache
def annotations(record: type) -> dict[str, object]:
    """The annotated type of every field of a dataclass, by name."""
    return typing.get_type_hints(record, include_extras=True)


def shown(value) -> str:
    """The value as Python writes it, in one line, and not a long one."""
    line = " ".join(repr(value).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def in_python(value):
    """The value with Python's numbers for NumPy's, and tuples for lists."""
    if isinstance(value, np.generic):
        return value.item()
    return tuple(map(in_python, value)) if isinstance(value, list | tuple) else value


def fits(value, kind) -> bool:
    """Whether a value has an annotated type."""
    parts = get_args(kind)
    if get_origin(kind) is Annotated:
        return fits(value, parts[0]) and bool(parts[1].test(value))
    if get_origin(kind) is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if get_origin(kind) is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = parts[:1] * len(value) if Ellipsis in parts else parts
        return len(value) == len(kinds) and all(map(fits, value, kinds))
    if parts:  # a type or another
        return any(fits(value, part) for part in parts)
    if kind is float:
        return type(value) in (int, float) and abs(value) <= sys.float_info.max  # false for what is not a number
    return type(value) is kind


def allowed(kind) -> str:
    """What an annotated type allows, in words."""
    parts = get_args(kind)
    if get_origin(kind) is Annotated:
        return parts[1].words if isinstance(parts[1], Allowed) else allowed(parts[0])
    if get_origin(kind) is Literal:
        return ", ".join(map(str, parts))
    if get_origin(kind) is tuple:
        return f"any number of {allowed(parts[0])}" if Ellipsis in parts else f"{len(parts)} of {allowed(parts[0])}"
    return " and ".join(map(allowed, parts)) if parts else WORDS.get(kind, kind.__name__)


def check_integer(name: str, value, low: int) -> int:
    """Return the argument `value` as an int of at least `low`; ValueError that names the argument where it is not."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < low:
        raise ValueError(f"{name}={shown(value)}; allowed is an integer of at least {low}")
    return number


def check_parts(name: str, value, parts: tuple[str, ...], words: str):
    """Return the argument `value`, which has all attributes in `parts`; words: what is allowed."""
    lacking = [part for part in parts if not hasattr(value, part)]
    if lacking:
        raise ValueError(f"{name}={shown(value)} lacks {', '.join(lacking)}; allowed is {words}")
    return value


def check_path(name: str, value) -> Path:
    """Return the argument `value` as a path; ValueError that names the argument where it is none, or is empty."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ValueError(f"{name}={shown(value)}; allowed is the path of a file or a folder")
    return Path(value)
