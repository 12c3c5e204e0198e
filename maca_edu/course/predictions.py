"""Predict first, then look: the reader writes a guess, and `reveal` shows it beside what was measured."""

from __future__ import annotations

import html
import numbers
from dataclasses import dataclass

import numpy as np

from maca_edu.checks import NotNegative, check, shown
from maca_edu.course.reasons import REASONS
from maca_edu.course.verdict import rich, unfilled
from toy_envs import agent_names


@dataclass(frozen=True)
class Revealed:
    """What `reveal` displays: one text, as a box in the browser."""

    text: str
    because: str

    def __repr__(self) -> str:
        return f"{self.text} {self.because}".strip()

    def _repr_html_(self) -> str:
        because = f"<br>{rich(self.because)}" if self.because else ""
        return (
            '<div class="maca-reveal" style="border-left: 6px solid #56B4E9; padding: 0.5em 1em; margin: 0.5em 0">'
            f"{html.escape(self.text)}{because}</div>"
        )


def reveal(prediction, answer, because: str = "", tolerance: float = 0.01, reason: str = "") -> Revealed:
    """Show the reader's prediction beside the answer. Whatever the reader wrote, nothing is raised.

    prediction: None while nothing is written. answer: a number; a word; or a set of agents' names, {"A", "B"}, which
    may be predicted as "AB", "b, a", ["A", "B"] or by the agents' numbers, (0, 1), in any order.
    because: a sentence or two on why the answer is what it is.
    tolerance: how far off a number may be and still count as the same.
    reason: instead of `because`, the name of a sentence in maca_edu.course.reasons.
    ValueError where one of the others is wrong: that is the lab's mistake, not the reader's.
    """
    check("because", because, str)
    check("tolerance", tolerance, NotNegative)
    if check("reason", reason, str):
        if reason not in REASONS:
            raise ValueError(f"reason={reason!r}; allowed are the names in maca_edu.course.reasons")
        because = REASONS[reason]
    if not isinstance(answer, str | set | frozenset | numbers.Real | np.ndarray | np.generic) or np.ndim(answer):
        raise ValueError(f"answer={shown(answer)}; allowed are a number, a word, or a set of agents' names")
    measured = f"Measured: {show_value(answer)}."
    if unfilled(prediction):
        return Revealed(f"You wrote no prediction. {measured}", because)
    read, needed = reader_of(answer)
    try:
        guess = read(prediction)
    except (TypeError, ValueError, OverflowError):
        return Revealed(f"You wrote {written(prediction)}; {needed} is needed here. {measured}", because)
    if agree(guess, read(answer), tolerance):
        return Revealed(f"You predicted {show_value(guess)}, and that is what comes out. {measured}", because)
    return Revealed(f"You predicted {show_value(guess)}. {measured} What did the prediction leave out?", because)


def reader_of(answer):
    """How a prediction of this sort of answer is read, and what to call it: (function, words)."""
    if isinstance(answer, str):
        return as_word, "a word"
    if isinstance(answer, set | frozenset):
        return as_group, "a group of agents, such as 'AB'"
    return as_float, "a number"


def as_float(prediction) -> float:
    """A number; TypeError or ValueError where it is none."""
    if isinstance(prediction, bool):
        raise TypeError
    return float(prediction)


def as_word(prediction) -> str:
    """A word without the spaces and the full stop around it; TypeError where it is none."""
    if not isinstance(prediction, str):
        raise TypeError
    return prediction.strip(" .")


def as_group(prediction) -> frozenset[str]:
    """Agents' names, upper case: of "AB", "a, b", "{A, B}", ["A", 1] or 1, which is B. TypeError where it is none."""
    if isinstance(prediction, str):
        return frozenset(letter for letter in prediction.upper().replace(" AND ", " ") if letter.isalpha())
    if isinstance(prediction, bool):
        raise TypeError
    if isinstance(prediction, numbers.Integral):
        return frozenset(agent_names(26)[prediction]) if 0 <= prediction < 26 else frozenset({str(prediction)})
    return frozenset().union(*(as_group(part) for part in prediction))


def agree(guess, answer, tolerance: float) -> bool:
    """Whether what was predicted is what came out."""
    if isinstance(answer, float):
        return bool(np.isclose(guess, answer, rtol=0, atol=tolerance))
    return guess.casefold() == answer.casefold() if isinstance(answer, str) else guess == answer


def written(prediction) -> str:
    """What the reader wrote, in one short line."""
    text = " ".join(repr(prediction).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def show_value(value) -> str:
    """A number with at most four digits, a group by its names, a word as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, set | frozenset):
        return "".join(sorted(value)) or "nobody"
    return f"{float(value) + 0.0:.4g}"  # + 0.0 turns -0.0 into 0
