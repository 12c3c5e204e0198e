"""The numbers of the exam's model answers, computed once more."""

import numpy as np
import pytest

from maca_edu import exact
from maca_edu.course.dividends import dividends_by_group


def boat(a, b, c):
    return 8.0 * a * b - a - b + 2.0 * c


REWARD = np.array([[[boat(a, b, c) for c in (0, 1)] for b in (0, 1)] for a in (0, 1)])
HALF = np.full((3, 2), 0.5)


def test_dividends():
    nothing, everything = dividends_by_group(REWARD, (0, 0, 0)), dividends_by_group(REWARD, (1, 1, 1))
    assert {group: m for group, m in nothing.items() if m} == {(0,): -1, (1,): -1, (2,): 2, (0, 1): 8}
    assert {group: m for group, m in everything.items() if m} == {(): 8, (0,): -7, (1,): -7, (2,): -2, (0, 1): 8}
    assert REWARD[1, 1, 1] - REWARD[0, 1, 1] == 7


def test_value_gradient_and_baselines():
    assert exact.value(REWARD, HALF) == 2
    mean, _ = exact.gradient_moments(REWARD, HALF, 0, 0.0)
    assert mean[1] == pytest.approx(3 / 4)
    for group, advantage, variance in [((0,), 7 / 2, 2), ((0, 1), 5, 25 / 8), ((0, 1, 2), 6, 29 / 8)]:
        assert exact.advantage(REWARD, HALF, group)[1, 1, 1] == pytest.approx(advantage)
        baseline = exact.baseline(REWARD, HALF, group)
        assert exact.gradient_moments(REWARD, HALF, 0, baseline)[1] == pytest.approx(variance)
    assert exact.advantage(REWARD, HALF, (0, 1, 2))[1, 1, 0] == pytest.approx(4)


def test_spectrum():
    variances = {
        group: float((component**2).mean()) for group, component in exact.credit_spectrum(REWARD, HALF).items()
    }
    assert {g: v for g, v in variances.items() if g and v} == pytest.approx(
        {(0,): 9 / 4, (1,): 9 / 4, (2,): 1, (0, 1): 4}
    )
    assert exact.level_shares(REWARD, HALF)[:2].round(2).tolist() == [0.58, 0.42]


def test_best_baseline_is_the_swap():
    policy = np.array([[0.1, 0.9], [0.5, 0.5], [0.5, 0.5]])
    individual = exact.baseline(REWARD, policy, (0,))
    best = exact.minimum_variance_baseline(REWARD, policy, 0, (0,))
    assert np.broadcast_to(individual, REWARD.shape)[0, 1, 0] == pytest.approx(5.3)
    assert np.broadcast_to(best, REWARD.shape)[0, 1, 0] == pytest.approx(-0.3)


def test_the_budget_of_two_steps():
    beta = 0.25
    assert (1 - beta) / (1 - 0.5 * beta - 0.5 * beta**2) == pytest.approx(8 / 9)


def test_the_best_sum_of_a_table():
    table, half = np.array([[4.0, 0.0], [0.0, 8.0]]), np.full((2, 2), 0.5)
    parts = exact.credit_spectrum(table, half)
    best = sum(part for group, part in parts.items() if len(group) < 2)
    assert np.broadcast_to(best, (2, 2)).tolist() == [[1, 3], [3, 5]]
    assert ((table - best) ** 2).mean() == 9
    assert table.var() == 11


def test_corrsets():
    attention = np.array([[0.4, 0.3, 0.2, 0.1], [0.26, 0.24, 0.26, 0.24], [0.1, 0.2, 0.3, 0.4], [0.25] * 4])
    admitted = (attention >= 0.25) & ~np.eye(4, dtype=bool)
    partners = np.zeros((4, 4), dtype=bool)
    partners[0, 1] = partners[1, 0] = partners[2, 3] = partners[3, 2] = True
    assert [row.nonzero()[0].tolist() for row in admitted] == [[1], [0, 2], [3], [0, 1, 2]]
    assert (admitted & partners).sum() / admitted.sum() == pytest.approx(4 / 7)
    assert (admitted & partners).sum() / partners.sum() == 1


def test_levels_of_a_head():
    table, half = np.array([[0.0, 0.0], [4.0, 6.0]]), np.full((2, 2), 0.5)
    shares = exact.level_shares(table, half)
    assert exact.value(table, half) == 5 / 2
    assert shares[1] == pytest.approx((1 / 4) / (27 / 4))
