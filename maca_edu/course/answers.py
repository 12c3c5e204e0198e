"""Reading an answer: a check asks for the value it expects, or raises a Mistake that says what came instead."""

from __future__ import annotations

import math

import numpy as np

from maca_edu.course.plain import plain
from maca_edu.course.verdict import Mistake

ENTRIES = {"c": "complex numbers", "U": "texts", "S": "texts", "m": "lengths of time", "M": "dates"}  # by NumPy's kinds


def as_number(result, what: str = "Your function") -> float:
    """The result as a float, or a Mistake that says what came instead."""
    number = as_reals(result, "one number", what)
    if number.shape != ():
        raise Mistake(f"{what} returned {kind(result)}; one number is needed.")
    if not np.isfinite(number):
        raise Mistake(f"{what} returned {number}; a finite number is needed.")
    return float(number)


def as_array(result, shape: tuple[int, ...], what: str = "Your function") -> np.ndarray:
    """The result as a float array of this shape, or a Mistake that says what came instead."""
    array = as_reals(result, f"an array of shape {tuple(shape)}", what)
    if array.shape != tuple(shape):
        raise Mistake(f"{what} returned {kind(result)}; an array of shape {tuple(shape)} is needed.")
    if not np.isfinite(array).all():
        raise Mistake(f"{what} returned an array with a value that is not a finite number.")
    return array


def as_reals(result, needed: str, what: str) -> np.ndarray:
    """The result as a float array of any shape. What is no real number is a Mistake, also where NumPy would read it."""
    try:
        array = np.asarray(plain(result))
    except (TypeError, ValueError):
        raise Mistake(f"{what} returned {kind(result)}; {needed} is needed.") from None
    if array.dtype.kind in ENTRIES and array.size and (array.shape or array.dtype.kind == "c"):
        raise Mistake(f"{what} returned {ENTRIES[array.dtype.kind]}; real numbers are needed.")
    if array.dtype.kind not in "biuf":
        raise Mistake(f"{what} returned {kind(result)}; {needed} is needed.")
    return array.astype(float)


def as_truth(result) -> bool:
    """The result as True or False, or a Mistake that says what came instead."""
    if isinstance(result, bool | np.bool_):
        return bool(result)
    raise Mistake(f"Your function returned {kind(result)}; True or False is needed (`bool(...)` makes it so).")


def as_agents(result) -> frozenset[int]:
    """The result as a set of agents' numbers, or a Mistake that says what came instead."""
    try:
        members = list(result)
        named = sorted(i for i in members if isinstance(i, str))
        if named:
            raise Mistake(
                f"Your function names an agent {named[0]!r}. Agents are numbers here, as the axes are: 0 for A, 1 "
                "for B, 2 for C."
            )
        if any(isinstance(i, bool | np.bool_) for i in members):
            raise Mistake(
                "Your function returned True and False; the numbers of the agents are needed. `np.flatnonzero(mask)` "
                "gives those where a mask is True."
            )
        agents = frozenset(int(i) for i in members)
        if broken := [i for i in members if int(i) != i]:
            raise Mistake(f"Your function names an agent {broken[0]}. Agents are whole numbers.")
        return agents
    except (TypeError, ValueError, OverflowError):
        raise Mistake(f"Your function returned {kind(result)}; a set of agents such as {{0, 2}} is needed.") from None


def demand_any_order(call, group: tuple[int, ...], want: np.ndarray) -> None:
    """Raise a Mistake where `call` gives `want` for the group's agents in rising order, but not in the group's own."""
    rising = tuple(sorted(group))
    if group != rising and gives(call, rising, want) and not gives(call, group, want):
        raise Mistake(
            f"Your function is right for {rising} and not for {group}, which is the same group: its agents may come in "
            "any order. Sort them, or go by their numbers."
        )


def gives(call, group: tuple[int, ...], want: np.ndarray) -> bool:
    """Whether `call(group)` is this array."""
    try:
        return np.allclose(as_array(call(group), want.shape), want)
    except Mistake:
        return False


def kind(value) -> str:
    """What sort of thing this is, for a message: "an array of shape (2, 2)", "a dict"."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, int | float | np.number):
        return "one number"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def group_text(group) -> str:
    """A group of agents as a message writes it: {0, 2}."""
    return "{" + ", ".join(str(i) for i in sorted(group)) + "}"


def name_slip(got: float, exact: float, wrong: dict[str, float]) -> None:
    """Raise the Mistake of a wrong answer to "how many are enough?", where its number gives the slip away.

    got: the reader's number. exact: the right one before it is rounded up. wrong: for each message the number, rounded
    up or not, to which the slip leads.
    """
    for message, number in wrong.items():
        if got in (number, math.ceil(number)) or np.isclose(got, number, rtol=1e-9):
            raise Mistake(message)
    if abs(got - math.ceil(exact)) <= 1:
        raise Mistake(f"{got:g} is not the least whole number that is enough. Round {exact:.3f} up.")
