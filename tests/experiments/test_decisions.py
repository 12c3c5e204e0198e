"""Verdicts on two arms: against SciPy's tests, and by simulation of how often they are right."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from maca_edu.experiments.decisions import chance_of_a_verdict, decide, larger_std, seeds_needed
from maca_edu.experiments.statistics import Sample, sample


def verdicts(difference, stds, seeds, margin, simulations=20_000):
    """The words of many simulated comparisons, worked out from the textbook's formulas, all at once."""
    rng = np.random.default_rng(0)
    x = rng.normal(difference, stds[0], size=(simulations, seeds))
    y = rng.normal(0, stds[1], size=(simulations, seeds))
    return words_of(x, y, margin)


def words_of(x, y, margin):
    """The words for runs `[simulations, seeds]`."""
    seeds = x.shape[1]
    a, b = x.var(axis=1, ddof=1) / seeds, y.var(axis=1, ddof=1) / seeds
    error, dof = np.sqrt(a + b), (a + b) ** 2 * (seeds - 1) / (a**2 + b**2)
    distance = abs(x.mean(axis=1) - y.mean(axis=1))
    different = 2 * scipy.stats.t.sf(distance / error, dof) < 0.05
    equivalent = scipy.stats.t.sf((margin - distance) / error, dof) < 0.05
    return np.where(equivalent, "equivalent", np.where(different, "different", "undecided"))


def test_the_tests_are_scipys():
    rng = np.random.default_rng(0)
    for margin in (0.3, 1.0, 3.0):
        x, y = rng.normal(0.5, 1, size=5), rng.normal(0, 2, size=8)
        found = decide(sample(x), sample(y), margin)
        welch = scipy.stats.ttest_ind(x, y, equal_var=False)
        ends = welch.confidence_interval(0.95)
        above = scipy.stats.ttest_ind(x + margin, y, equal_var=False, alternative="greater").pvalue
        below = scipy.stats.ttest_ind(x - margin, y, equal_var=False, alternative="less").pvalue
        assert found.p_different == pytest.approx(welch.pvalue)
        assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
        assert found.p_equivalent == pytest.approx(max(above, below))


@pytest.mark.parametrize(
    ("a", "b", "margin", "word"),
    [
        (Sample(80, 2, 5), Sample(60, 2, 5), 5, "different"),
        (Sample(80, 1, 5), Sample(80.5, 1, 5), 5, "equivalent"),
        (Sample(80, 0.1, 5), Sample(80.5, 0.1, 5), 5, "equivalent"),  # the difference is there, but does not matter
        (Sample(80, 10, 5), Sample(75, 10, 5), 5, "undecided"),
        (Sample(80, math.nan, 1), Sample(60, 2, 5), 5, "undecided"),
        (Sample(1, 0, 5), Sample(1, 0, 5), 0.1, "equivalent"),
        (Sample(1, 0, 5), Sample(0, 0, 5), 0.1, "different"),
    ],
)
def test_a_verdict(a, b, margin, word):
    assert decide(a, b, margin).word == decide(b, a, margin).word == word
    assert decide(a, b, margin).difference == -decide(b, a, margin).difference


def test_the_simulated_words_are_those_of_decide():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.5, 0.4, size=(50, 5)), rng.normal(0, 0.3, size=(50, 5))
    expected = [decide(sample(a), sample(b), 0.7).word for a, b in zip(x, y, strict=True)]
    assert words_of(x, y, 0.7).tolist() == expected
    assert len(set(expected)) == 3


def test_arms_that_are_alike_are_called_different_one_time_in_twenty():
    found = verdicts(0.0, (1.0, 1.0), 5, margin=0.01)
    assert (found == "different").mean() == pytest.approx(0.05, abs=0.01)


def test_arms_a_margin_apart_are_called_equivalent_one_time_in_twenty():
    found = verdicts(0.5, (0.3, 0.6), 20, margin=0.5)
    assert (found == "equivalent").mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("difference", "stds", "seeds", "margin"),
    [(0.1, (0.1, 0.1), 5, 0.05), (0.0, (0.1, 0.1), 20, 0.1), (0.05, (0.1, 0.05), 12, 0.1), (0.2, (0.1, 0.2), 6, 0.05),
     (0.02, (0.05, 0.05), 8, 0.05), (0.0, (1.0, 1.0), 3, 0.1)],
)  # fmt: skip
def test_the_chance_of_a_verdict_is_what_simulations_find(difference, stds, seeds, margin):
    share = (verdicts(difference, stds, seeds, margin) != "undecided").mean()
    assert chance_of_a_verdict(difference, stds, seeds, margin) == pytest.approx(share, abs=0.03)


def test_without_a_margin_the_chance_is_the_power_of_the_t_test():
    """The power of the two-sample t-test from the noncentral t distribution, for equal variances."""
    seeds, difference = 8, 1.2
    shift, dof = difference / math.sqrt(2 / seeds), 2 * seeds - 2
    end = scipy.stats.t.ppf(0.975, dof)
    power = scipy.stats.nct.sf(end, dof, shift) + scipy.stats.nct.cdf(-end, dof, shift)
    assert chance_of_a_verdict(difference, (1.0, 1.0), seeds, 1e-9) == pytest.approx(power, abs=2e-3)


@settings(max_examples=30)
@given(st.floats(-1, 1), st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0.1, 1))
def test_seeds_needed_are_the_fewest(difference, std_a, std_b, margin):
    needed = seeds_needed(difference, (std_a, std_b), margin)
    assert needed is None or chance_of_a_verdict(difference, (std_a, std_b), needed, margin) >= 0.8
    if needed is not None and needed > 2:
        assert chance_of_a_verdict(difference, (std_a, std_b), needed - 1, margin) < 0.8


def test_an_undecided_verdict_says_how_many_seeds_it_takes():
    a, b = Sample(80.0, 10.0, 5), Sample(75.0, 10.0, 5)
    found = decide(a, b, 5.0)
    assert found.seeds == seeds_needed(5.0, (10.0, 10.0), 5.0)
    assert found.seeds_at_worst > found.seeds > 5
    assert seeds_needed(5.0, (10.0, 10.0), 5.0) > seeds_needed(5.0, (3.0, 3.0), 5.0)
    assert seeds_needed(1e-6, (10.0, 10.0), 1e-6) is None


def test_the_larger_deviation_is_exceeded_one_time_in_five():
    rng = np.random.default_rng(0)
    found = [larger_std(sample(rng.normal(size=5))) for _ in range(2_000)]
    assert (np.array(found) < 1).mean() == pytest.approx(0.2, abs=0.03)


def test_looking_after_every_seed_finds_differences_that_are_not_there():
    """Two like arms, tested after every seed from 3 to 10: the guide says how often one look at least errs."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 20_000, 10))
    looks = [words_of(x[:, :n], y[:, :n], 1e-9) == "different" for n in range(3, 11)]
    assert np.any(looks, axis=0).mean() == pytest.approx(0.15, abs=0.01)
