"""Exercises that check themselves: properties on random games, and messages that name the misconception.

A check is a function that calls the reader's `candidate` and raises `Mistake(message)` where it is wrong:

    @exercise("The value of a joint policy", difficulty=1, minutes=5)
    def check_value(candidate):
        for q, policy in random_games():
            if not np.isclose(as_number(candidate(q, policy)), exact.value(q, policy)):
                raise Mistake("...")
"""

from __future__ import annotations

import dis
import html
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import wraps

import numpy as np

# status: (icon, colour)
LOOKS = {"correct": ("✔", "#009E73"), "not attempted": ("○", "#6E6E6E"), "try again": ("✘", "#D55E00")}


@dataclass(frozen=True)
class Verdict:
    """What a check says: `status` is "correct", "not attempted" or "try again", `message` tells the reader why."""

    status: str
    message: str

    def __post_init__(self):
        if self.status not in LOOKS:
            raise ValueError(f"status={self.status!r}; allowed are {', '.join(map(repr, LOOKS))}")

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


def exercise(title: str, difficulty: int, minutes: int):
    """Turn a function that raises `Mistake` into a check that returns a `Verdict`.

    difficulty: 1 to 3; with the minutes it makes the label of the heading in the lab: "difficulty 2 of 3, 10 minutes".
    An answer that is still the stub becomes "not attempted", an answer that raises an exception "try again".
    What the function returns, if anything, is the message of a correct answer. ValueError for another difficulty.
    """
    if difficulty not in (1, 2, 3):
        raise ValueError(f"difficulty={difficulty}; allowed are 1, 2 and 3")

    def decorate(body):
        @wraps(body)
        def check(candidate) -> Verdict:
            try:
                praise = body(guarded(candidate))
            except NotAttempted:
                return Verdict(
                    "not attempted", "Write your answer in the cell above, run it, then run this cell again."
                )
            except Mistake as mistake:
                return Verdict("try again", str(mistake))
            except Exception as error:
                return Verdict("try again", f"Your answer could not be checked: {describe(error)}.")
            return Verdict("correct", praise or "Your answer passes every test.")

        check.title, check.difficulty, check.minutes = title, difficulty, minutes
        check.label = f"difficulty {difficulty} of 3, {minutes} minutes"
        return check

    return decorate


def guarded(candidate):
    """The candidate as a check may call it: with copies of the arguments, and with its failures made a Mistake.

    NotAttempted where nothing has been filled in.
    """
    if unfilled(candidate):
        raise NotAttempted
    if not isinstance(candidate, types.FunctionType):
        return candidate
    if is_stub(candidate):
        raise NotAttempted

    def call(*args):
        copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]  # a reader may write into them
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
        return result

    return call


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
    return rng.normal(size=(A,) * n), rng.dirichlet(np.ones(A), size=n)


def random_games(count: int = 5, n: int = 3, A: int = 2, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`count` random games (q, policy), always the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield random_game(rng, n, A)
