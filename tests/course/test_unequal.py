"""What a message says of two answers that differ can be seen."""

import numpy as np
import pytest

from maca_edu.course.unequal import told_apart, worst_place


@pytest.mark.parametrize(
    ("got", "want", "text"),
    [
        (0.5, -0.738, "-0.7380; yours is 0.5000"),
        (-2.7249, -2.7251, "-2.7251; yours is -2.7249"),
        (0.87091, 0.87094, "0.87094; yours is 0.87091"),
        (3e-7, 0.0, "0.0000000; yours is 0.0000003"),
        (-0.00001, 0.0, "0.00000; yours is -0.00001"),
        (0.5, 0.5, "0.5000; yours is 0.5000"),
    ],
)
def test_two_numbers_are_written_with_as_many_digits_as_tell_them_apart(got, want, text):
    assert told_apart(got, want) == text


def test_the_worst_place_is_the_entry_that_differs_most():
    got, want = np.zeros((2, 3)), np.zeros((2, 3))
    got[0, 1], want[1, 2] = 0.1, 0.2
    assert worst_place(got, want) == (1, 2)
    assert worst_place([0.0, 1.0], [0.0, 1.5]) == (1,)
    assert worst_place(True, False) == ()
