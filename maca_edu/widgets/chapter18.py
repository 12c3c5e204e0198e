"""The figures of chapter 18: coverage of intervals, power, and the best of several settings."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

LINES = {"t interval": (GOOD, "-", "o"), "percentile bootstrap": (BAD, (0, (4, 1.5)), "s")}  # colour, dash, marker


def coverage_lines(seeds, panels: dict[str, dict[str, np.ndarray]], ceilings: dict[str, np.ndarray]):
    """How often intervals hold the true mean, against the number of seeds; a panel for each kind of runs.

    seeds: `[K]`; panels: `{title: {name: [K]}}`, names from LINES; ceilings: `{title: [K]}`, the share of experiments
    in which runs of both kinds are seen, where there is such a thing. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.8), sharey=True)
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        ax.axhline(95, color=NEUTRAL, linewidth=1)
        for name, shares in lines.items():
            colour, dash, marker = LINES[name]
            ax.plot(seeds, 100 * shares, color=colour, linestyle=dash, marker=marker, linewidth=2.5, label=name)
        if title in ceilings:
            ax.plot(seeds, 100 * ceilings[title], ":", color="black", linewidth=1.5, label="both kinds are seen")
        ax.set(title=title, xlabel="seeds", xticks=seeds, ylim=(40, 100))
    axes[0].set_ylabel("intervals that hold the mean, of 100")
    axes[-1].legend(loc="lower right")
    return fig


def power_lines(seeds, curves: dict[str, np.ndarray], wanted: float = 0.8):
    """The chance of a significant difference against the seeds of each arm, for three true differences.

    seeds: `[K]`; curves: `{label: [K]}`, three of them. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 4.0))
    ax.axhline(wanted, color=NEUTRAL, linewidth=1)
    looks = ((GOOD, "-"), (BAD, (0, (4, 1.5))), ("#000000", ":"))
    for (label, power), (colour, dash) in zip(curves.items(), looks, strict=True):
        ax.plot(seeds, power, color=colour, linestyle=dash, linewidth=2.5, label=label)
    ax.set(xlabel="seeds of each arm", ylabel="power", xscale="log", ylim=(0, 1.02))
    ax.set_xticks([2, 3, 5, 10, 20, 50, 100], ["2", "3", "5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.legend(title="true difference, win rate", loc="lower right")
    return fig


def curse_lines(settings, same: np.ndarray, fresh: np.ndarray, bound: np.ndarray):
    """What the best of k equally good settings seems to be worth above the truth, in standard errors.

    settings: k, `[K]`; same, fresh: reported on the seeds that chose, and on others, `[K]`; bound: `[K]`.
    Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 3.8))
    ax.plot(settings, bound, ":", color=NEUTRAL, linewidth=2, label="bound $\\sqrt{2 \\ln k}$")
    ax.plot(settings, same, "-s", color=BAD, linewidth=2.5, label="on the seeds that chose")
    ax.plot(settings, fresh, "-o", color=GOOD, linewidth=2.5, label="on fresh seeds")
    ax.set(xlabel="settings tried, k", ylabel="reported less true\n(standard errors)", xscale="log")
    ax.set_xticks(settings, [str(k) for k in settings])
    ax.minorticks_off()
    ax.legend(loc="upper left")
    return fig
