"""The check of joint actions that every environment makes."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from maca_edu.envs.actions import check_actions

LEGAL = np.array([[[1, 1, 0], [0, 1, 0]], [[1, 1, 1], [1, 0, 1]]], dtype=bool)  # [2, 2, 3]


def first_illegal(action, available):
    """The naive search: row by row, agent by agent; None where all is legal."""
    B, n, A = available.shape
    for b in range(B):
        for i in range(n):
            a = action[b, i]
            if a < 0 or a >= A or not available[b, i, a]:
                return b, i
    return None


def test_the_first_illegal_action_is_named_as_a_naive_search_finds_it():
    rng, refused, played = np.random.default_rng(0), 0, 0
    for _ in range(300):
        available = rng.random((2, 3, 4)) < 0.8
        available[..., 0] |= ~available.any(-1)
        action = rng.integers(-1 if rng.random() < 0.2 else 0, 5 if rng.random() < 0.2 else 4, size=(2, 3))
        wrong = first_illegal(action, available)
        if wrong is None:
            assert_array_equal(check_actions(action, available, continuous=False), action)
            played += 1
            continue
        b, i = wrong
        allowed = [a for a in range(4) if available[b, i, a]]
        expected = f"action[{b}, {i}]={action[b, i]}; allowed there are {allowed}"
        with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
            check_actions(action, available, continuous=False)
        refused += 1
    assert min(refused, played) > 30


def test_actions_get_their_type():
    for given in ([[0, 1], [2, 0]], np.array([[0, 1], [2, 0]], dtype=np.uint8)):
        action = check_actions(given, LEGAL, continuous=False)
        assert action.dtype == np.int64
        assert action.tolist() == [[0, 1], [2, 0]]
    numbers = check_actions(np.full(LEGAL.shape, 2), LEGAL, continuous=True)
    assert numbers.dtype == np.float32
    assert (numbers == 2).all()  # where continuous, available says which numbers are used, not which are legal


@pytest.mark.parametrize(
    ("action", "continuous", "message"),
    [
        (np.zeros((2, 3), int), False, "action has shape (2, 3); expected (2, 2): copies x agents"),
        (np.zeros((2, 2)), True, "action has shape (2, 2); expected (2, 2, 3): copies x agents x numbers"),
        (np.zeros((2, 2)), False, "action has type float64; expected integers from 0 to 2"),
        (np.zeros((2, 2), bool), False, "action has type bool; expected integers from 0 to 2"),
        (np.full((2, 2, 3), "1"), True, "action has type <U1; expected numbers"),
        ([[[0, 0, 0], [0, 0, 0]], [[0, np.inf, 0]] * 2], True, "action[1, 0, 1]=inf; allowed there are finite numbers"),
    ],
)
def test_what_is_no_joint_action_is_refused(action, continuous, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_actions(action, LEGAL, continuous)
