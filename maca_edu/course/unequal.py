"""Two answers that differ: where they differ most, and in numbers whose difference can be seen."""

from __future__ import annotations

import numpy as np


def worst_place(got, want) -> tuple[int, ...]:
    """The index of the entry where two arrays of one shape differ most."""
    difference = np.abs(np.subtract(got, want, dtype=float))
    return tuple(int(k) for k in np.unravel_index(difference.argmax(), difference.shape))


def told_apart(got: float, want: float, digits: int = 4) -> str:
    """The right number and the reader's, for a message: "-0.7380; yours is 0.9120".

    digits: after the point; more where these would not tell the two apart.
    """
    right, yours = (as_text(x, digits) for x in (want, got))
    while right == yours and not np.isclose(got, want, rtol=1e-12, atol=1e-12):
        digits += 1
        right, yours = (as_text(x, digits) for x in (want, got))
    return f"{right}; yours is {yours}"


def as_text(number: float, digits: int) -> str:
    """The number with so many digits after the point, and no minus before a zero."""
    return f"{round(float(number), digits) + 0.0:.{digits}f}"
