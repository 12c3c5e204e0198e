"""The figures of chapter 9: errors against batch size, learned critics, the doorway, the noise of turns."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

WAYS = {  # what stands where: (colour, dashes)
    "exact": ("#000000", (0, (1, 1))),
    "return": (GOOD, "-"),
    "critic": (BAD, (0, (5, 1.5))),
}
ARMS = {  # of the experiment
    "MAPPO": ("#E69F00", (0, (3, 1, 1, 1))),
    "COMA, exact": WAYS["exact"],
    "COMA, return": WAYS["return"],
    "COMA, critic": WAYS["critic"],
}


def error_curves(batches: np.ndarray, panels: dict[str, dict[str, np.ndarray]]):
    """Mean squared error of a gradient against the plays it is averaged over, a panel for each kind of error.

    batches: `[M]`; panels: `{title: {"exact", "return", "critic": [M]}}`. Both scales are logarithmic.
    Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 4.0), sharey=True)
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, (colour, dash) in WAYS.items():
            ax.plot(batches, curves[name], color=colour, linestyle=dash, linewidth=2.6, label=name)
        ax.set(xscale="log", yscale="log", xlabel="plays in a batch")
        ax.set_title(title, fontsize=13)
    axes[0].set_ylabel("mean squared error of B's gradient")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def learning_curves(panels: dict[str, dict[str, np.ndarray]], best: dict[str, float]):
    """The team's exact value after each update, a panel for each game: the mean of the runs and the middle half.

    panels: `{game: {arm: [runs, U]}}`; best: `{game: the best value there is}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 4.0))
    for ax, (game, arms) in zip(axes, panels.items(), strict=True):
        for arm, values in arms.items():
            colour, dash = ARMS[arm]
            updates = np.arange(1, values.shape[1] + 1)
            low, high = np.quantile(values, (0.25, 0.75), axis=0)
            ax.fill_between(updates, low, high, color=colour, alpha=0.12, linewidth=0)
            ax.plot(updates, values.mean(axis=0), color=colour, linestyle=dash, linewidth=2.6, label=arm)
        ax.axhline(best[game], color=NEUTRAL, linewidth=1)
        ax.set(title=game, xlabel="updates")
    axes[0].set_ylabel("value of the team")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


def bias_curves(updates: np.ndarray, panels: dict[str, dict[str, np.ndarray]]):
    """How long the critic's bias is beside the gradient, a panel for each game: the median of the runs.

    updates: `[K]`, when the critic was asked; panels: `{game: {arm: [runs, K]}}`, the ratio of lengths. The grey line
    is a bias as long as the gradient. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.8), sharey=True)
    for ax, (game, arms) in zip(axes, panels.items(), strict=True):
        for arm, ratios in arms.items():
            colour, dash = ARMS[arm]
            low, high = np.quantile(ratios, (0.25, 0.75), axis=0)
            ax.fill_between(updates, low, high, color=colour, alpha=0.12, linewidth=0)
            ax.plot(updates, np.median(ratios, axis=0), "o", color=colour, linestyle=dash, linewidth=2.6, label=arm)
        ax.axhline(1, color=NEUTRAL, linewidth=1)
        ax.set(title=game, xlabel="updates", xscale="log", yscale="log")
        ax.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
        ax.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_locator(NullLocator())
    axes[0].set_ylabel("bias / gradient")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def doorway(values: np.ndarray, paths: dict[str, np.ndarray]):
    """The team's value over both probabilities of going, and ways from the start.

    values: `[G, G]`, A's probability along the first axis, both from 0 to 1. paths: `{label: [steps, 2]}`, points
    (A's probability, B's). Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(6.4, 5.2))
    grid = np.linspace(0, 1, len(values))
    filled = ax.contourf(grid, grid, values.T, levels=np.linspace(0, 3, 13), cmap="cividis")
    fig.colorbar(filled, label="value of the team", ticks=range(4))
    looks = ((BAD, (0, (5, 1.5)), "X"), ("#CC79A7", "-", "o"), ("#56B4E9", "-", "s"))
    for (label, points), (colour, dash, mark) in zip(paths.items(), looks, strict=True):
        ax.plot(*points.T, color=colour, linestyle=dash, linewidth=3, label=label, clip_on=False)
        ax.plot(*points[-1], mark, color=colour, markeredgecolor="black", markersize=13, clip_on=False, zorder=5)
    ax.plot(*points[0], "*", color="white", markeredgecolor="black", markersize=18, zorder=5)
    ax.set(xlabel="A goes with probability", ylabel="B goes with probability", xlim=(0, 1), ylim=(0, 1))
    ax.grid(False)
    fig.legend(loc="outside upper center", ncols=3)
    return fig


def turn_noise(sizes, curves: dict[str, np.ndarray]):
    """The variance of the last agent's gradient against the size of the team, a labelled line for each factor.

    sizes: `[M]`; curves: `{label: [M]}`. The scale is logarithmic. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.6, 4.4))
    colours = (BAD, "#E69F00", "#56B4E9", GOOD)
    for (label, values), marker, colour in zip(curves.items(), "osD^", colours, strict=True):
        ax.plot(sizes, values, marker=marker, markersize=6, color=colour)
        ax.annotate(
            label, (sizes[-1], values[-1]), xytext=(10, 0), textcoords="offset points", va="center", fontsize=12
        )
    ax.set_yscale("log")
    ax.set_yticks([0.3, 0.5, 1, 2, 5], ["0.3", "0.5", "1", "2", "5"])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xlim(min(sizes) - 0.5, max(sizes) + 0.62 * (max(sizes) - min(sizes)))
    ax.set_xticks(sizes)
    ax.set_xlabel("agents on the ring")
    ax.set_ylabel("variance of the last agent's gradient")
    return fig
