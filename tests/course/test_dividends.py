"""Dividends agree with the formula of Theorem 1.1, summed over all smaller groups."""

from itertools import combinations

import numpy as np
import pytest

from maca_edu.course.dividends import all_groups, anchored_terms, dividends_by_group


def by_the_formula(payoff, reference, action):
    """The dividend at one joint action: the alternating sum of Theorem 1.1, over all H inside G."""
    G = [i for i, (a, o) in enumerate(zip(action, reference, strict=True)) if a != o]
    total = 0.0
    for size in range(len(G) + 1):
        for H in combinations(G, size):
            played = tuple(a if i in H else o for i, (a, o) in enumerate(zip(action, reference, strict=True)))
            total += (-1) ** (len(G) - size) * payoff[played]
    return total


@pytest.mark.parametrize(("A", "reference"), [(2, (0,)), (2, (1, 0, 1)), (3, (2, 0)), (3, (0, 1, 2, 1))])
def test_every_dividend_is_that_of_the_formula(A, reference):
    payoff = np.random.default_rng(0).normal(size=(A,) * len(reference))
    want = [by_the_formula(payoff, reference, action) for action in np.ndindex(payoff.shape)]
    np.testing.assert_allclose(anchored_terms(payoff, reference).ravel(), want, atol=1e-12)


def test_dividends_by_group_where_all_members_leave_their_reference():
    payoff = np.random.default_rng(1).normal(size=(2, 2, 2))
    found = dividends_by_group(payoff, (1, 0, 1))
    assert list(found) == all_groups(3) == [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert found[()] == payoff[1, 0, 1]
    assert found[0, 2] == pytest.approx(by_the_formula(payoff, (1, 0, 1), (0, 0, 0)))
    assert sum(found.values()) == pytest.approx(payoff[0, 1, 0])  # everybody has left


def test_the_payoff_is_read_and_not_changed():
    payoff = np.arange(4.0).reshape(2, 2)
    anchored_terms(payoff, (1, 1))
    np.testing.assert_array_equal(payoff, [[0, 1], [2, 3]])


@pytest.mark.parametrize("reference", [(0,), (0, 0, 0), (0, 2), (-1, 0)])
def test_a_wrong_reference_is_one_sentence(reference):
    with pytest.raises(ValueError, match=r"reference=.*allowed are 2 actions, one for each agent, below .*\(2, 2\)"):
        anchored_terms(np.zeros((2, 2)), reference)
