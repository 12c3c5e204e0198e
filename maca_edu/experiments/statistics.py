"""Statistics of runs: how good an arm is, how sure that is, and how it compares with others.

An arm is a method with its settings; a run of it differs from the others in its seed. A score is one number for each
run. `Tasks` are the scores of one arm in several tasks, an array for each task. Its last axis is over runs; axes before
it, if any, are over resamples, so that every statistic works on one set of runs and on thousands of resamples alike.

    running_mean                  of one curve
    sample, t_interval            of one arm in one task
    iqm, performance_profile      of one arm over tasks       Agarwal et al. 2021
    probability_of_improvement    of one arm over another     Agarwal et al. 2021
    bootstrap                     intervals of these three
    steps_to                      how soon a curve reaches a level
    as_good_as_the_best           the paper's bold numbers
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats

Tasks = Sequence[np.ndarray]  # of each task the scores of all runs, [..., seeds]


class Sample(NamedTuple):
    """The scores of an arm's runs in one task."""

    mean: float
    std: float  # with seeds - 1 in its denominator; NaN for one seed
    seeds: int


class Interval(NamedTuple):
    """A statistic and its 95 % interval."""

    value: float
    low: float
    high: float


# ---------------------------------------------------------------------------------------------------------------------
# One arm in one task


def running_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each entry and those before it, over a window of a twentieth of the curve, shape `[K]` as `values`.

    Entries that are NaN are left out of the means; where a window has nothing else, its mean is NaN.
    """
    width = max(len(values) // 20, 1)
    means = np.full(len(values), np.nan)
    for k in range(len(values)):
        window = values[max(k + 1 - width, 0) : k + 1]
        known = window[~np.isnan(window)]
        if len(known):
            means[k] = known.mean()
    return means


def sample(scores: np.ndarray) -> Sample:
    """Mean and standard deviation of scores `[seeds]`."""
    std = float(np.std(scores, ddof=1)) if len(scores) > 1 else math.nan
    return Sample(float(np.mean(scores)), std, len(scores))


def t_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper end of Student's 95 % interval of the mean over seeds, each `[K]`; NaN for one seed.

    values: `[seeds, K]`, a run in each row. Where runs are normally distributed, 95 of 100 such intervals hold the true
    mean, however few the seeds. Where they are not, fewer do: with 5 seeds 88 of 100 for exponential numbers, and 67
    for runs that end near 1 four times in five and near 0 otherwise. (The percentile bootstrap, which many papers use,
    holds it 75 and 84 times of 100 with 3 and 5 normal seeds; the tests simulate all of this.)
    """
    seeds = len(values)
    mean = values.mean(axis=0)
    if seeds == 1:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    error = values.std(axis=0, ddof=1) / math.sqrt(seeds)
    width = scipy.stats.t.ppf(0.975, seeds - 1) * error
    return mean - width, mean + width


def steps_to(level: float, steps: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """The steps at which each run's curve first reaches a level, `[seeds]`; infinite where it never does.

    steps: `[K]`. curves: `[seeds, K]`. A median over runs is honest about those that never arrive; a mean is not.
    """
    there = curves >= level
    return np.where(there.any(axis=1), steps[there.argmax(axis=1)], np.inf)


# ---------------------------------------------------------------------------------------------------------------------
# One arm over tasks, and two arms against each other


def iqm(tasks: Tasks) -> np.ndarray:
    """The interquartile mean of all runs of all tasks: the mean of what is left without the best and worst quarter.

    Of N runs, a quarter of N rounded down is left out at either end. A task with more runs than another counts more.
    Source: Agarwal et al. 2021.
    """
    return scipy.stats.trim_mean(np.concatenate(tasks, axis=-1), 0.25, axis=-1)


def performance_profile(tasks: Tasks, levels: np.ndarray) -> np.ndarray:
    """The share of runs whose score is above each level, `[..., L]`: the mean over tasks of the share in each task.

    Source: Agarwal et al. 2021, run-score distributions.
    """
    return np.mean([(task[..., None] > levels).mean(axis=-2) for task in tasks], axis=0)


def probability_of_improvement(ours: Tasks, others: Tasks) -> np.ndarray:
    """How likely a run of ours has a higher score than a run of the others, in a task drawn at random.

    All pairs of runs of a task are compared; a tie counts half. It says how often, not by how much.
    Source: Agarwal et al. 2021.
    """
    each = []
    for x, y in zip(ours, others, strict=True):
        x, y = x[..., :, None], y[..., None, :]
        each.append(((x > y) + 0.5 * (x == y)).mean(axis=(-2, -1)))
    return np.mean(each, axis=0)


def bootstrap(statistic: Callable[..., np.ndarray], *arms: Tasks, draws: int = 2000, seed: int = 0) -> Interval:
    """A statistic of one arm or several, with its 95 % percentile interval from the stratified bootstrap.

    In each of `draws` resamples the runs of every task are drawn anew from that task's runs, with replacement.
    The interval is too narrow where runs are few: of normal runs, that of the interquartile mean holds the true value
    75 and 90 times of 100 with 3 and 5 runs in one task, 87 and 91 times with as many in each of 3 tasks (simulated in
    the tests).
    A statistic of shape `[L]` has ends of that shape. Source: Agarwal et al. 2021.
    """
    rng = np.random.default_rng(seed)
    resamples = [[task[rng.integers(len(task), size=(draws, len(task)))] for task in tasks] for tasks in arms]
    low, high = np.percentile(statistic(*resamples), [2.5, 97.5], axis=0)
    return Interval(statistic(*arms), low, high)


# ---------------------------------------------------------------------------------------------------------------------
# The paper's bold numbers


def as_good_as_the_best(arms: dict[str, Sample]) -> dict[str, bool | None]:
    """Which arms are not significantly different from the one with the highest mean, as the paper marks its Table 2.

    The best arm and every other get a two-sample t-test with pooled variance at the 5 % level. None: no test, because
    the arm or the best one has a single seed. Not different is not the same as equal: with few seeds almost nothing
    differs significantly. Source: section 5.2; Snedecor and Cochran 1980.
    """
    best = max(arms.values(), key=lambda arm: arm.mean)
    return {name: None if min(arm.seeds, best.seeds) < 2 else not differ(arm, best) for name, arm in arms.items()}


def differ(a: Sample, b: Sample) -> bool:
    """Whether the means of two arms differ significantly: two-sample t-test, pooled variance, 5 % level."""
    if a.std == b.std == 0:
        return a.mean != b.mean  # the test would divide by zero
    return bool(scipy.stats.ttest_ind_from_stats(*a, *b).pvalue < 0.05)
