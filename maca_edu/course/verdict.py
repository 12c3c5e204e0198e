"""Exercises that check themselves: properties on random games, and messages that name the misconception.

A check is a function that calls the reader's `candidate` and raises `Mistake(message)` where it is wrong:

    @exercise("The value of a joint policy", difficulty=1, minutes=5)
    def check_value(candidate):
        for q, policy in random_games():
            if not np.isclose(as_number(candidate(q, policy)), exact.value(q, policy)):
                raise Mistake("...")
"""

from __future__ import annotations

import contextlib
import copy
import dis
import functools
import html
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from maca_edu.checks import check, check_integer, shown
from maca_edu.course.plain import plain
from toy_envs.core import check_generator

CHANGEABLE = (np.ndarray, list, dict, set, tuple)  # what a function could write into, or what may hold such a thing
NOTHING = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}  # the steps of a body that does nothing
RAISING = {"LOAD_GLOBAL", "PUSH_NULL", "PRECALL", "CALL", "RAISE_VARARGS"}  # and of one that only raises an exception
# status: (icon, colour)
LOOKS = {"correct": ("✔", "#009E73"), "not attempted": ("○", "#6E6E6E"), "try again": ("✘", "#D55E00")}


@dataclass(frozen=True)
class Verdict:
    """What a check says: `status` is "correct", "not attempted" or "try again", `message` tells the reader why."""

    status: str
    message: str

    def __post_init__(self):
        check("message", self.message, str)
        if not isinstance(self.status, str) or self.status not in LOOKS:
            raise ValueError(f"status={shown(self.status)}; allowed are {', '.join(map(repr, LOOKS))}")

    def __repr__(self) -> str:
        return f"{LOOKS[self.status][0]} {self.status.capitalize()}. {self.message}"

    def _repr_html_(self) -> str:
        icon, colour = LOOKS[self.status]
        return (
            f'<div class="maca-verdict" style="border-left: 6px solid {colour}; padding: 0.5em 1em; margin: 0.5em 0">'
            f"<strong>{icon} {self.status.capitalize()}.</strong> {rich(self.message)}</div>"
        )


class Mistake(Exception):
    """Raised inside a check: the message tells the reader which misconception the answer shows."""


class NotAttempted(Exception):
    """Raised inside a check when the answer is still the untouched stub."""


def exercise(title: str, difficulty: int, minutes: int, without: str = ""):
    """Turn a function that raises `Mistake` into a check that returns a `Verdict`.

    difficulty: 1 to 3; with the minutes it makes the label of the heading in the lab: "difficulty 2 of 3, 10 minutes".
    without: a module, such as "maca_edu.exact", of which no code may run in the answer, because it has the solution.
    An answer that is still the stub becomes "not attempted", an answer that raises an exception "try again".
    What the function returns, if anything, is the message of a correct answer. ValueError where an argument is wrong.
    """
    check("title", title, str)
    check("without", without, str)
    check_integer("minutes", minutes, 1)
    if check_integer("difficulty", difficulty, 1) > 3:
        raise ValueError(f"difficulty={difficulty}; allowed are 1, 2 and 3")

    def decorate(body):
        @functools.wraps(body)
        def check(candidate) -> Verdict:
            try:
                praise = body(guarded(candidate, without))
            except NotAttempted:
                return Verdict(
                    "not attempted", "Write your answer in the cell above, run it, then run this cell again."
                )
            except Mistake as mistake:
                return Verdict("try again", str(mistake))
            except Exception as error:
                return Verdict("try again", f"Your answer could not be checked: {describe(error)}.")
            return Verdict("correct", praise or "Your answer passes every test.")

        check.title, check.difficulty, check.minutes, check.without = title, difficulty, minutes, without
        check.label = f"difficulty {difficulty} of 3, {minutes} minutes"
        return check

    return decorate


class Guarded:
    """A function that a check calls as it is: it copies what it is given, and its failures are Mistakes already."""

    def __init__(self, call):
        self.call = call

    def __call__(self, *args):
        return self.call(*args)


def guarded(candidate, without: str = ""):
    """The candidate as a check may use it: as plain data, or as a function that returns such.

    The function gets copies of the arguments, and its failures become a Mistake. It is a mistake, too, to write into an
    argument, or to run code of the module `without`. NotAttempted where nothing has been filled in.
    """
    if unfilled(candidate):
        raise NotAttempted
    if isinstance(candidate, Guarded):
        return candidate
    if not callable(candidate):
        return plain(candidate)
    if is_stub(candidate):
        raise NotAttempted
    demand_without(without, [candidate.__module__] if hasattr(candidate, "__module__") else [])

    def call(*args):
        copies = [copy.deepcopy(arg) if isinstance(arg, CHANGEABLE) else arg for arg in args]
        failed, ran = "", set()
        try:
            with watch(ran) if without else contextlib.nullcontext():
                result = plain(candidate(*(handed(arg) if callable(arg) else arg for arg in copies)))
        except Exception as error:
            failed = describe(error)
        demand_without(without, ran)
        if failed:
            given = ", ".join(shape_of(arg) for arg in args)
            raise Mistake(f"Your function raised {failed}. It was called with {given}.")
        demand_filled(result)
        for name, given, left in zip(argument_names(candidate, len(args)), args, copies, strict=True):
            if isinstance(given, CHANGEABLE) and not alike(given, left):
                raise Mistake(
                    f"Your function writes into its argument {name}, which belongs to whoever called it: the next "
                    "cell would compute with what is left there. Work on a copy."
                )
        return result

    return Guarded(call)


def demand_without(without: str, modules) -> None:
    """Raise a Mistake where one of the modules is `without` or a part of it."""
    if without and any(f"{module}.".startswith(f"{without}.") for module in modules):
        raise Mistake(f"Your function uses `{without}`, which has the solution. Write it without.")


@contextlib.contextmanager
def watch(ran: set):
    """Add the names of the modules whose code runs meanwhile, by whatever name it was called; not this file's own."""

    def note(frame, event, _):
        if event == "call" and frame.f_globals.get("__name__") not in (__name__, plain.__module__):
            ran.add(frame.f_globals.get("__name__"))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


def handed(function):
    """A check's own function as an answer may call it: with any sort of array, and whatever modules it needs itself."""

    def call(*args, **named):
        args, named = plain(args), plain(named)
        watching = sys.getprofile()
        sys.setprofile(None)
        try:
            return function(*args, **named)
        finally:
            sys.setprofile(watching)

    return call


def demand_filled(result) -> None:
    """Raise NotAttempted where a result is the stub's `...`, and a Mistake where it, or a part of it, is None."""
    if result is Ellipsis:
        raise NotAttempted
    if result is None:
        raise Mistake("Your function returned None. Is a `return` missing at its end?")
    if unfilled(result):
        parts = result if isinstance(result, dict) else dict(enumerate(result))
        key, part = next((key, part) for key, part in parts.items() if unfilled(part))
        hole = "is `...`" if part is Ellipsis else "is None" if part is None else "has a part that is None or `...`"
        raise Mistake(f"Entry {key!r} of what your function returned {hole}.")


def argument_names(function, count: int) -> list[str]:
    """What a message calls a function's first arguments: `name`, or "number 2" where the name cannot be read."""
    try:
        names = [f"`{name}`" for name in inspect.signature(function).parameters]
    except (TypeError, ValueError):
        names = []
    return [*names[:count], *(f"number {place + 1}" for place in range(len(names), count))]


def alike(given, left) -> bool:
    """Whether an argument is still what it was; arrays may stand in lists, tuples and dicts."""
    if isinstance(given, np.ndarray):
        return isinstance(left, np.ndarray) and np.array_equal(given, left, equal_nan=given.dtype.kind == "f")
    if isinstance(given, dict):
        return given.keys() == left.keys() and all(alike(given[key], left[key]) for key in given)
    if isinstance(given, list | tuple):
        return len(given) == len(left) and all(map(alike, given, left))
    return given == left or not isinstance(given, int | float | str | bool | set)


def unfilled(answer) -> bool:
    """True where the answer is None or `...`, or a list, tuple or dict that still holds one of them."""
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, dict):
        return any(unfilled(part) for part in answer.values())
    return isinstance(answer, list | tuple) and any(unfilled(part) for part in answer)


def is_stub(function) -> bool:
    """True where the function's body does nothing: a docstring, `...`, `pass` or `raise NotImplementedError`."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", getattr(type(function).__call__, "__code__", None))
    if code is None:
        return False
    steps = list(dis.get_instructions(code))
    if code.co_names == ("NotImplementedError",):
        return all(step.opname in NOTHING | RAISING for step in steps)
    return all(step.opname in NOTHING for step in steps) and all(
        step.argval is None for step in steps if step.opname in {"LOAD_CONST", "RETURN_CONST"}
    )


def describe(error: Exception) -> str:
    """An exception in a few words: its type and the first line of its message."""
    text = str(error).split("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shape_of(value) -> str:
    """A value in a few words: an array by its shape, anything else as it is written."""
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)


def rich(text: str) -> str:
    """The text as HTML, with `code` between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def random_game(rng: np.random.Generator, n: int, A: int) -> tuple[np.ndarray, np.ndarray]:
    """A payoff table `q` of shape `[A] * n` and a joint policy `[n, A]`, each agent's probabilities summing to 1."""
    check_generator("rng", rng)
    n, A = check_integer("n", n, 1), check_integer("A", A, 1)
    return rng.normal(size=(A,) * n), rng.dirichlet(np.ones(A), size=n)


def random_games(count: int = 5, n: int = 3, A: int = 2, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`count` random games (q, policy), always the same ones for the same seed."""
    rng = np.random.default_rng(check_integer("seed", seed, 0))
    for _ in range(check_integer("count", count, 0)):
        yield random_game(rng, n, A)
