"""A verdict on two arms: different, equivalent, or undecided, and then how many seeds a verdict would take.

    different     Welch's t-test at the 5 % level
    equivalent    two one-sided tests at the 5 % level each: the difference is surely smaller than the margin
    undecided     neither

The margin is the difference that would not matter, and has to be named before one looks. Equivalent goes first: a
difference that is there, but surely smaller than the margin, does not matter.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import chi2, norm, t

from maca_edu.experiments.statistics import Sample

LEVEL = 0.05  # of every test
WANTED = 0.8  # the chance of a verdict for which seeds are counted
MOST_SEEDS = 100_000


class Difference(NamedTuple):
    """The difference of two arms' means."""

    mean: float
    error: float  # its standard error
    dof: float  # Welch's degrees of freedom


class Verdict(NamedTuple):
    """What can be said of two arms."""

    word: Literal["different", "equivalent", "undecided"]
    difference: float
    low: float  # of Welch's 95 % interval
    high: float
    p_different: float  # of Welch's t-test
    p_equivalent: float  # the larger one of the two one-sided tests
    seeds: int | None  # undecided: of each arm, for a verdict in four cases of five; None: not known
    seeds_at_worst: int | None  # the same if the true standard deviations are larger, as in one case of five


def decide(a: Sample, b: Sample, margin: float) -> Verdict:
    """The verdict on arms a and b. margin: in the units of the scores, above 0.

    With one seed in either arm there is no test, and the verdict is undecided.
    """
    if min(a.seeds, b.seeds) < 2:
        nan = math.nan
        return Verdict("undecided", a.mean - b.mean, nan, nan, nan, nan, None, None)
    d = welch(a, b)
    if d.error == 0:  # all runs of each arm are alike: there is nothing to estimate
        word = "equivalent" if abs(d.mean) < margin else "different"
        return Verdict(word, d.mean, d.mean, d.mean, float(d.mean == 0), float(abs(d.mean) >= margin), None, None)
    p_different = 2 * t.sf(abs(d.mean) / d.error, d.dof)
    p_equivalent = t.sf((margin - abs(d.mean)) / d.error, d.dof)
    half = t.ppf(1 - LEVEL / 2, d.dof) * d.error
    found = d.mean, d.mean - half, d.mean + half, float(p_different), float(p_equivalent)
    if p_equivalent < LEVEL:
        return Verdict("equivalent", *found, None, None)
    if p_different < LEVEL:
        return Verdict("different", *found, None, None)
    needed = seeds_needed(d.mean, (a.std, b.std), margin)
    return Verdict("undecided", *found, needed, seeds_needed(d.mean, (larger_std(a), larger_std(b)), margin))


def welch(a: Sample, b: Sample) -> Difference:
    """The difference of two means whose variances may differ, with Welch's degrees of freedom."""
    va, vb = a.std**2 / a.seeds, b.std**2 / b.seeds
    error = math.sqrt(va + vb)
    dof = (va + vb) ** 2 / (va**2 / (a.seeds - 1) + vb**2 / (b.seeds - 1)) if error else math.inf
    return Difference(a.mean - b.mean, error, dof)


def larger_std(a: Sample) -> float:
    """The standard deviation that the true one exceeds in one case of five, for normal runs."""
    return a.std * math.sqrt((a.seeds - 1) / chi2.ppf(0.2, a.seeds - 1))


def chance_of_a_verdict(difference: float, stds: tuple[float, float], seeds: int, margin: float) -> float:
    """How likely `seeds` runs of each arm end in a verdict, if difference and standard deviations are the true ones.

    Of normal runs. The measured difference is normal, its measured error is the true one times w, and w^2 is
    chi-squared over its degrees of freedom; here w takes 400 equally likely values. (With different variances
    that is an approximation, Welch's.) For each w there is a verdict where the measured difference is beyond the end of
    the t-test, or closer to 0 than the one-sided tests ask for.
    """
    d = welch(Sample(difference, stds[0], seeds), Sample(0.0, stds[1], seeds))
    w = np.sqrt(chi2.ppf((np.arange(400) + 0.5) / 400, d.dof) / d.dof)  # [400]
    beyond = t.ppf(1 - LEVEL / 2, d.dof) * w  # in units of the true error, as all that follows
    within = np.maximum(margin / d.error - t.ppf(1 - LEVEL, d.dof) * w, 0)
    shift = difference / d.error
    different = norm.sf(beyond - shift) + norm.cdf(-beyond - shift)
    equivalent = norm.cdf(within - shift) - norm.cdf(-within - shift)
    return float(np.where(within >= beyond, 1.0, different + equivalent).mean())


def seeds_needed(difference: float, stds: tuple[float, float], margin: float) -> int | None:
    """The fewest runs of each arm with which `chance_of_a_verdict` is at least WANTED; None: more than MOST_SEEDS."""

    def enough(seeds: int) -> bool:
        return chance_of_a_verdict(difference, stds, seeds, margin) >= WANTED

    high = 2
    while not enough(high):
        high *= 2
        if high > MOST_SEEDS:
            return None
    low = high // 2  # not enough, or 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
