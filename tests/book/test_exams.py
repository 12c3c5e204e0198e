"""The numbers of the exam's model answers, computed once more."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import nct, norm, t

from maca_edu import exact
from maca_edu.course.chapter15 import Quadratic, average, clipped_score
from maca_edu.course.chapter16 import comparison, differences, dividend, paid, partners_of
from maca_edu.course.chapter17 import blind, ends_of
from maca_edu.course.dividends import dividends_by_group


def boat(a, b, c):
    return 8.0 * a * b - a - b + 2.0 * c


REWARD = np.array([[[boat(a, b, c) for c in (0, 1)] for b in (0, 1)] for a in (0, 1)])
HALF = np.full((3, 2), 0.5)
EXAMS = Path(__file__).parents[2] / "book" / "teaching" / "exams.md"


def test_every_part_has_six_questions_of_ten_points():
    questions = re.split(r"^\*\*(\d+)\. ", EXAMS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [int(number) for number in questions[::2]] == list(range(1, 19))
    for text in questions[1::2]:
        answer = re.search(r"<details>(.*)</details>", text, re.DOTALL).group(1)
        assert sum(int(points) for points in re.findall(r"\s\((\d)\)(?=[.\s])", answer)) == 10


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


# ---------------------------------------------------------------------------------------------------------------------
# Part III

Z = np.linspace(-9, 9, 100_001)  # a standard normal number, on a grid
CHANCE = norm.pdf(Z) * (Z[1] - Z[0])


def mean(values: np.ndarray) -> float:
    """The mean of what is computed from Z."""
    return float(CHANCE @ values)


def test_averaging_out_a_number():
    smooth, bent = Quadratic(np.zeros(2), np.array([-2.0, 0.0]), np.array([[0.0, 3.0], [0.0, 0.0]])), norm.pdf(0) / 2
    means, stds = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    for b in (-1.0, 0.0, 2.0):
        assert average(smooth, means, stds, [7.0, b], [0]) == pytest.approx(3 * b - 5 / 2)
    assert mean(np.maximum(0, Z / 2)) == pytest.approx(bent) == pytest.approx(0.20, abs=0.001)
    assert average(smooth, means, stds, means, [0, 1]) + 4 * bent == pytest.approx(-1.70, abs=0.005)
    assert float(smooth(means)) == -2


def test_what_a_line_teaches():
    a = 1 + Z / 2
    q = -2 * a**2
    line = mean(q) + mean(q * Z) * Z
    by_mean, by_log = (a - 1) / 0.25, Z**2 - 1
    assert [mean(q * by_mean), mean(q * by_log)] == pytest.approx([-4, -1])
    assert [mean(line * by_mean), mean(line * by_log)] == pytest.approx([-4, 0])


def test_a_winch():
    for mu, slope in ((0.0, 2), (-1.0, 4 * 0.0228)):
        a = mu + Z / 2
        assert mean(4 * np.maximum(0, a) * (a - mu) / 0.25) == pytest.approx(slope, rel=0.003)
    assert 2 / (4 * norm.cdf(-2)) == pytest.approx(22, abs=0.05)
    c = np.maximum(0, Z / 2)
    wrong = c / 0.25
    assert [mean(wrong), mean(4 * c * wrong), mean((4 * c - 1) * wrong)] == pytest.approx([0.80, 2, 1.20], abs=0.003)
    at_the_bound = clipped_score(0, 0, 0.5, 0, math.inf)
    assert at_the_bound == pytest.approx(-1.60, abs=0.005)
    assert mean(np.where(Z > 0, Z / 0.5, at_the_bound)) == pytest.approx(0, abs=1e-4)


def test_who_hit_whom():
    damage, health = np.array([[3.0, 6, 0, 0], [0, 0, 5, 0]]), np.array([7.0, 9])
    assert np.argwhere(partners_of(damage > 0) & ~np.eye(4, dtype=bool)).tolist() == [[0, 1], [1, 0]]
    assert differences(damage, health).tolist() == [1, 4, 5, 0]
    assert (sum(differences(damage, health)), paid(damage, health)) == (10, 12)
    assert dividend(damage[0], health[0], (0, 1)) == -2
    goes, stays = np.array([11.0, 7, 12, 10]), np.array([8.0, 6, 10, 8])
    worth, error, apart = comparison(goes, stays)
    assert (worth, round(error, 2)) == (2, 0.41)
    assert [goes.var(ddof=1), stays.var(ddof=1), (goes - stays).var(ddof=1)] == pytest.approx([14 / 3, 8 / 3, 2 / 3])
    assert 4 * (apart / error) ** 2 == pytest.approx(44)


def test_drawn_partners():
    policy, sums = np.tile([0.25, 0.75], (3, 1)), np.array(list(np.ndindex(2, 2, 2))).reshape(2, 2, 2, 3)
    games = [8.0 * sums[..., 0] * sums[..., j] + 2 * sums[..., 3 - j] for j in (1, 2)]  # with B, with C

    def variance(*sets):
        each = zip(games, sets, strict=True)
        noises = [exact.gradient_moments(q, policy, 0, exact.baseline(q, policy, group))[1] for q, group in each]
        return float(np.mean(noises)) * 32

    assert variance((0,), (0,)) == pytest.approx(171)
    assert variance((0, 1), (0, 1)) == pytest.approx(162)
    assert variance((0, 1, 2), (0, 1, 2)) == pytest.approx(153)
    assert variance((0, 1), (0, 2)) == pytest.approx(171 - 27)
    q = games[0]
    alone = exact.gradient_moments(q, policy, 0, exact.baseline(q, policy, (0,)))[1]
    with_stranger = exact.gradient_moments(q, policy, 0, exact.baseline(q, policy, (0, 2)))[1]
    assert (with_stranger - alone) * 32 == pytest.approx(9)


def test_a_number_for_drawn_teams():
    w, chance = np.array([9 / 8, 1 / 8]), np.array([1 / 4, 3 / 4])  # the squared score of a rest, of a pull
    own_means = np.array([3 / 4 * 2, 8 * 3 / 4 + 3 / 4 * 2])  # the reward given A's action, over B and C
    assert chance @ w == pytest.approx(3 / 8)
    best = float(chance * w @ own_means) / (3 / 8)
    assert best == pytest.approx(3)
    _, loss = blind(np.full(2, 0.5), np.full(2, 3 / 8), np.array([best, best / 2]))
    assert loss == pytest.approx(27 / 128)


def test_three_seeds():
    p, r = np.array([60.0, 66, 72]), np.array([55.0, 58, 61])
    assert ends_of(r, p).round(1).tolist() == [-2.8, 8.0, 18.8]
    assert math.ceil(15.7 * 22.5 / 8**2) == 6
    power = [1 - nct.cdf(t.ppf(0.975, 2 * n - 2), 2 * n - 2, 8 / math.sqrt(22.5 * 2 / n)) for n in (6, 7)]
    assert power[0] < 0.8 < power[1]
    half = t.ppf(0.975, 2) * p.std(ddof=1) / math.sqrt(3)
    assert [round(p.mean() - half, 1), round(p.mean() + half, 1)] == [51.1, 80.9]
    resamples = np.array([p[list(draw)].mean() for draw in np.ndindex(3, 3, 3)])
    assert np.percentile(resamples, [2.5, 97.5], method="inverted_cdf").tolist() == [60, 72]
    assert 1 - (3 / 4) ** 3 - (1 / 4) ** 3 == 9 / 16


def test_one_significant_the_other_not():
    fixed, drawn = np.array([4.0, 6, 8]), np.array([2.0, 5, 8])
    ends = [x.mean() + np.array([-1, 1]) * t.ppf(0.975, 2) * x.std(ddof=1) / math.sqrt(3) for x in (fixed, drawn)]
    assert np.round(ends, 1).tolist() == [[1.0, 11.0], [-2.5, 12.5]]
    assert ends_of(fixed, drawn).round(1).tolist() == [-6.8, -1.0, 4.8]
    assert math.ceil(2 * (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * 6.5) == 103
    assert 2 / math.sqrt(math.pi) == pytest.approx(1.1, abs=0.05)
