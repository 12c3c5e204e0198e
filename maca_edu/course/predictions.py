"""Predict first, then look: the reader writes a guess, and `reveal` shows it beside what was measured."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np

from maca_edu.course.verdict import rich, unfilled


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


def reveal(prediction, answer, because: str = "", tolerance: float = 0.01) -> Revealed:
    """Show the reader's prediction beside the answer.

    prediction: None while nothing is written, else a number or a word. answer: of the same sort.
    because: a sentence or two on why the answer is what it is.
    tolerance: how far off a number may be and still count as the same.
    """
    shown = show_value(answer)
    if unfilled(prediction):
        return Revealed(f"You wrote no prediction. Measured: {shown}.", because)
    if isinstance(answer, str):
        same = str(prediction).strip().casefold() == answer.strip().casefold()
    else:
        try:
            same = bool(np.isclose(float(prediction), float(answer), rtol=0, atol=tolerance))
        except (TypeError, ValueError):
            return Revealed(f"You wrote {prediction!r}; a number is needed here. Measured: {shown}.", because)
    guess = show_value(prediction)
    if same:
        return Revealed(f"You predicted {guess}, and that is what comes out. Measured: {shown}.", because)
    return Revealed(f"You predicted {guess}. Measured: {shown}. What did the prediction leave out?", because)


def show_value(value) -> str:
    """A number with at most four digits, anything else as it is."""
    if isinstance(value, str):
        return value
    return f"{float(value) + 0.0:.4g}"  # + 0.0 turns -0.0 into 0
