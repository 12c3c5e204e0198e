"""Statistics of learning curves: the running mean of one run, and the mean of several with its interval."""

from __future__ import annotations

import numpy as np


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


def bootstrap_interval(values: np.ndarray, draws: int = 2_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper end of the 95 % percentile bootstrap interval of the mean over seeds, each `[K]`.

    values: `[seeds, K]`, a run in each row. Whole runs are drawn with replacement, `draws` times; the interval holds
    the middle 95 % of their means. seed: decides what is drawn. Source: Efron and Tibshirani 1993, chapter 13.
    """
    runs = len(values)
    drawn = np.random.default_rng(seed).integers(runs, size=(draws, runs))
    means = values[drawn].mean(axis=1)  # [draws, K]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high
