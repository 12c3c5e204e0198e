"""Exercises that check themselves: properties on random games, and messages that name the misconception.

A check is a function that calls the reader's `candidate` and raises `Mistake(message)` where it is wrong:

    @exercise("The value of a joint policy", difficulty=1, minutes=5)
    def check_value(candidate):
        for q, policy in random_games():
            if not np.isclose(as_number(candidate(q, policy)), exact.value(q, policy)):
                raise Mistake("...")
"""

from __future__ import annotations

import copy
import dis
import html
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import wraps

import numpy as np

from maca_edu.checks import check, check_integer, shown
from toy_envs.core import check_generator

CHANGEABLE = (np.ndarray, list, dict, set, tuple)  # what a function could write into, or what may hold such a thing
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
    without: a module, such as "maca_edu.exact", that the answer may not use, nor be, because it has the solution.
    An answer that is still the stub becomes "not attempted", an answer that raises an exception "try again".
    What the function returns, if anything, is the message of a correct answer. ValueError where an argument is wrong.
    """
    check("title", title, str)
    check("without", without, str)
    check_integer("minutes", minutes, 1)
    if check_integer("difficulty", difficulty, 1) > 3:
        raise ValueError(f"difficulty={difficulty}; allowed are 1, 2 and 3")

    def decorate(body):
        @wraps(body)
        def check(candidate) -> Verdict:
            try:
                answer = guarded(candidate)
                if without and isinstance(candidate, types.FunctionType) and uses(candidate, without):
                    raise Mistake(f"Your function uses `{without}`, which has the solution. Write it without.")
                praise = body(answer)
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


def guarded(candidate):
    """The candidate as a check may call it: with copies of the arguments, and with its failures made a Mistake.

    It is a mistake, too, to write into an argument. NotAttempted where nothing has been filled in.
    """
    if unfilled(candidate):
        raise NotAttempted
    if not isinstance(candidate, types.FunctionType):
        return candidate
    if is_stub(candidate):
        raise NotAttempted

    def call(*args):
        copies = [copy.deepcopy(arg) if isinstance(arg, CHANGEABLE) else arg for arg in args]
        try:
            result = candidate(*copies)
        except NotImplementedError:
            raise NotAttempted from None
        except Exception as error:
            given = ", ".join(shape_of(arg) for arg in args)
            raise Mistake(f"Your function raised {describe(error)}. It was called with {given}.") from None
        if result is None:
            raise Mistake("Your function returned None. Is a `return` missing at its end?")
        if unfilled(result):
            raise NotAttempted
        for name, given, left in zip(candidate.__code__.co_varnames, args, copies, strict=False):
            if isinstance(given, CHANGEABLE) and not alike(given, left):
                raise Mistake(
                    f"Your function writes into its argument `{name}`, which belongs to whoever called it: the next "
                    "cell would compute with what is left there. Work on a copy."
                )
        return result

    return call


def alike(given, left) -> bool:
    """Whether an argument is still what it was; arrays may stand in lists, tuples and dicts."""
    if isinstance(given, np.ndarray):
        return isinstance(left, np.ndarray) and np.array_equal(given, left, equal_nan=given.dtype.kind == "f")
    if isinstance(given, dict):
        return given.keys() == left.keys() and all(alike(given[key], left[key]) for key in given)
    if isinstance(given, list | tuple):
        return len(given) == len(left) and all(map(alike, given, left))
    return given == left or not isinstance(given, int | float | str | bool | set)


def uses(function: types.FunctionType, module: str) -> bool:
    """Whether a function comes from a module, or names something that does, also through the reader's own functions."""
    if f"{function.__module__}.".startswith(f"{module}."):
        return True
    waiting, seen = [function], set()
    while waiting:
        caller = waiting.pop()
        seen.add(caller)
        for name in names_in(caller.__code__):
            named = caller.__globals__.get(name)
            home = named.__name__ if isinstance(named, types.ModuleType) else getattr(named, "__module__", None) or ""
            if f"{home}.".startswith(f"{module}."):
                return True
            if isinstance(named, types.FunctionType) and named.__module__ == function.__module__ and named not in seen:
                waiting.append(named)
    return False


def names_in(code: types.CodeType) -> set[str]:
    """The names that a function's code looks up, those in functions inside it too."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*map(names_in, inner))


def unfilled(answer) -> bool:
    """True where the answer is None or `...`, or a list, tuple or dict that still holds one of them."""
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, dict):
        return any(unfilled(part) for part in answer.values())
    return isinstance(answer, list | tuple) and any(unfilled(part) for part in answer)


def is_stub(function) -> bool:
    """True where the function's body does nothing: a docstring, `...` or `pass`."""
    code = function.__code__
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    steps = list(dis.get_instructions(code))
    return all(step.opname in nothing for step in steps) and all(
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
