"""What an answer may give, and what a check gets to see of it."""

from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pytest
import torch

from maca_edu.course.plain import plain


class Pair(NamedTuple):
    low: object
    high: object


class Action(IntEnum):
    REST = 0
    LIFT = 1


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (Fraction(1, 4), 0.25),
        (Decimal("0.25"), 0.25),
        (Action.LIFT, 1),
        (True, True),
        (2j, 2j),
        ("ab", "ab"),
        (None, None),
        (..., ...),
        (Pair(Fraction(1, 2), 1), (0.5, 1)),
        ([Pair(1, Action.LIFT)], [(1, 1)]),
        ({Action.LIFT: Fraction(1, 2)}, {1: 0.5}),
        (MappingProxyType({(0,): torch.tensor(2.0)}), {(0,): 2.0}),
        ({torch.tensor(2), torch.tensor(0)}, {0, 2}),
        (frozenset({Action.LIFT}), frozenset({1})),
        (range(3), [0, 1, 2]),
        (map(float, (1, 2)), [1.0, 2.0]),
        ({"a": 1}.keys(), ["a"]),
        (torch.tensor(2.0, requires_grad=True), 2.0),
        (np.array([Fraction(1, 2), None]), [0.5, None]),
        (np.array(3), 3),
    ],
)
def test_a_value_becomes_plain(value, want):
    got = plain(value)
    assert got == want
    assert type(got) is type(want) or isinstance(got, np.generic)


@pytest.mark.parametrize("value", [torch.ones(2, 3, requires_grad=True), np.ma.masked_array(np.ones((2, 3)))])
def test_whatever_is_an_array_becomes_one_of_numpys(value):
    got = plain((value, [value]))
    for array in (got[0], got[1][0]):
        assert type(array) is np.ndarray
        np.testing.assert_array_equal(array, np.ones((2, 3)))


@pytest.mark.parametrize("value", [np.ndarray, Action, print, plain, object()])
def test_other_things_stay_what_they_are(value):
    assert plain(value) is value
