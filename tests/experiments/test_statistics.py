"""Statistics of runs against SciPy, against loops that can be read in a minute, and by simulation."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from maca_edu.experiments.statistics import (
    Sample,
    as_good_as_the_best,
    bootstrap,
    iqm,
    performance_profile,
    probability_of_improvement,
    sample,
    steps_to,
)

scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=9).map(np.array)
two_tasks = st.tuples(scores, scores)


def naive_iqm(values):
    """The mean without the best and the worst quarter, rounded down."""
    values, quarter = sorted(values), len(values) // 4
    kept = values[quarter : len(values) - quarter]
    return sum(kept) / len(kept)


def naive_improvement(ours, others):
    """The mean over tasks of the share of pairs that ours win, ties half."""
    shares = []
    for x, y in zip(ours, others, strict=True):
        won = [1 if a > b else 0.5 if a == b else 0 for a in x for b in y]
        shares.append(sum(won) / len(won))
    return sum(shares) / len(shares)


def naive_profile(tasks, level):
    """The mean over tasks of the share of runs above a level."""
    return sum(sum(x > level for x in task) / len(task) for task in tasks) / len(tasks)


@given(two_tasks)
def test_the_interquartile_mean(tasks):
    assert iqm(tasks) == pytest.approx(naive_iqm([*tasks[0], *tasks[1]]))


@given(two_tasks, two_tasks)
def test_the_probability_of_improvement(ours, others):
    assert probability_of_improvement(ours, others) == pytest.approx(naive_improvement(ours, others))
    assert probability_of_improvement(ours, others) == pytest.approx(1 - probability_of_improvement(others, ours))


@given(scores, scores)
def test_the_probability_of_improvement_is_mann_and_whitneys_u(x, y):
    u = scipy.stats.mannwhitneyu(x, y, method="asymptotic").statistic
    assert probability_of_improvement([x], [y]) == pytest.approx(u / (len(x) * len(y)))


@given(two_tasks)
def test_the_performance_profile(tasks):
    levels = np.array([-5.5, -1.0, 0.0, 2.5])
    expected = [naive_profile(tasks, level) for level in levels]
    np.testing.assert_allclose(performance_profile(tasks, levels), expected)


def test_statistics_of_resamples_are_those_of_each():
    """A leading axis changes nothing: three resamples at once, or one after the other."""
    rng = np.random.default_rng(0)
    ours, others = ([rng.normal(size=(3, 5)), rng.normal(size=(3, 4))] for _ in range(2))
    for k in range(3):
        mine, theirs = ([task[k] for task in tasks] for tasks in (ours, others))
        assert iqm(ours)[k] == pytest.approx(iqm(mine))
        assert probability_of_improvement(ours, others)[k] == probability_of_improvement(mine, theirs)
        levels = np.array([-1.0, 0.5])
        assert performance_profile(ours, levels)[k].tolist() == performance_profile(mine, levels).tolist()


def test_the_bootstrap_is_scipys():
    values = np.random.default_rng(0).normal(size=12)
    ours = bootstrap(iqm, [values], draws=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), lambda x, axis: scipy.stats.trim_mean(x, 0.25, axis=axis), n_resamples=20_000, method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert ours.value == naive_iqm(values)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_the_bootstrap_is_stratified():
    """Runs are drawn within each task, so where the runs of a task are alike, so are all resamples."""
    tasks = [np.full(4, 1.0), np.full(4, 9.0)]
    assert bootstrap(iqm, tasks) == (5, 5, 5)
    assert bootstrap(probability_of_improvement, tasks, [np.full(2, 0.0), np.full(2, 9.0)]) == (0.75, 0.75, 0.75)


def test_the_bootstrap_follows_its_seed():
    values = [np.arange(6.0)]
    assert bootstrap(iqm, values, seed=1) == bootstrap(iqm, values, seed=1)
    assert bootstrap(iqm, values, draws=50, seed=1) != bootstrap(iqm, values, draws=50, seed=2)


@pytest.mark.parametrize(("tasks", "seeds", "coverage"), [(1, 3, 0.75), (1, 5, 0.90), (3, 3, 0.87), (3, 5, 0.91)])
def test_how_often_the_bootstrap_holds_the_true_value(tasks, seeds, coverage):
    """As its docstring says; with 600 simulations the share is known to within .03."""
    rng, held = np.random.default_rng(0), 0
    for k in range(600):
        found = bootstrap(iqm, [rng.normal(size=seeds) for _ in range(tasks)], draws=200, seed=k)
        held += found.low <= 0 <= found.high
    assert held / 600 == pytest.approx(coverage, abs=0.03)


def test_steps_to_a_level_by_hand():
    steps = np.array([10, 20, 30])
    curves = np.array([[0.1, 0.5, 0.4], [0.6, 0.2, 0.9], [0.0, 0.1, np.nan]])
    assert steps_to(0.5, steps, curves).tolist() == [20, 10, math.inf]
    assert np.median(steps_to(0.5, steps, curves)) == 20
    assert np.median(steps_to(0.9, steps, curves)) == math.inf  # one of three arrives


def test_a_sample_by_hand():
    assert sample(np.array([1.0, 2.0, 3.0])) == (2.0, 1.0, 3)
    assert math.isnan(sample(np.array([1.0])).std)


def test_marks_are_scipys_t_tests():
    rng = np.random.default_rng(0)
    for _ in range(20):
        arms = {name: rng.normal(mean, 1, size=5) for name, mean in (("a", 0), ("b", 1), ("c", 2), ("d", 4))}
        best = max(arms.values(), key=np.mean)
        expected = {name: x is best or scipy.stats.ttest_ind(x, best).pvalue >= 0.05 for name, x in arms.items()}
        assert as_good_as_the_best({name: sample(x) for name, x in arms.items()}) == expected


def test_no_mark_from_one_seed():
    one, two = Sample(9.0, math.nan, 1), Sample(5.0, 1.0, 5)
    assert as_good_as_the_best({"one": one, "two": two}) == {"one": None, "two": None}
    assert as_good_as_the_best({"one": one._replace(mean=0.0), "two": two}) == {"one": None, "two": True}


def test_arms_without_spread_are_told_apart_by_their_means():
    fridge = {"a": Sample(5.0, 0.0, 3), "b": Sample(5.0, 0.0, 3), "c": Sample(1.0, 0.0, 3)}
    assert as_good_as_the_best(fridge) == {"a": True, "b": True, "c": False}
