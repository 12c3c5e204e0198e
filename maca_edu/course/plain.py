"""What an answer gives, as plain data, so that a check says the same of it in a notebook and in a process apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np


def plain(value):
    """The value in numbers, texts, NumPy's arrays and Python's collections, as far as it is made of such things.

    A tensor becomes an array, a named tuple a tuple, a fraction a float, and what can only be walked through a list.
    Anything else stays what it is.
    """
    if isinstance(value, type | str | bytes | bool | complex):
        return value
    if isinstance(value, Mapping):
        return {plain(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, frozenset | set):
        return (frozenset if isinstance(value, frozenset) else set)(map(plain, value))
    if hasattr(value, "__array__"):
        return plain_array(value)
    if isinstance(value, Iterable):
        return [plain(part) for part in value]
    if isinstance(value, int):
        return int(value)
    return float(value) if hasattr(value, "__float__") else value


def plain_array(value):
    """An array, a tensor or one of NumPy's numbers as an array of NumPy's, or as a number where it has no axes."""
    if hasattr(value, "detach"):  # a tensor, which may remember how it was made
        value = value.detach()
    array = np.asarray(value)
    return plain(array.tolist()) if array.dtype.kind == "O" else array[()]
