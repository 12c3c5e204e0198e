"""Checks of whole numbers, for every part of the library but the games, which stand alone and have their own."""

from __future__ import annotations

import operator


def check_integer(name: str, value, low: int) -> int:
    """Return the argument `value` as an int of at least `low`; ValueError that names the argument where it is not."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < low:
        raise ValueError(f"{name}={value!r}; allowed is an integer of at least {low}")
    return number
