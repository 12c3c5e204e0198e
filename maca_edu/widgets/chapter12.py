"""The figures of chapter 12: chord and curve, levels of heads, levels while a team learns, noise, clipped numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import NEUTRAL

HEADS = {
    "exact": "#000000",
    "additive": "#56B4E9",
    "multilinear": "#009E73",
    "decoder": "#D55E00",
    "conditioned": "#E69F00",
}
LEVELS = ("#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#009E73", "#F0E442")


def chords(p: np.ndarray, panels: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]):
    """What a head says when it is fed a probability, beside the straight line between its answers for the two actions.

    p: `[P]`; panels: `{title: {head: (fed, average)}}`, both `[P]`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 4.2), sharey=True)
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, (fed, average) in curves.items():
            ax.plot(p, fed, color=HEADS[name], linewidth=3, label=f"{name}, fed the average")
            ax.plot(p, average, color="black", linestyle=(0, (2, 2)), linewidth=1.6)
            ax.plot(p[[0, -1]], average[[0, -1]], "o", color="black", markersize=7)
        ax.set(title=title, xlabel="probability of lifting that is fed in")
    axes[0].set_ylabel("Q")
    handles, labels = axes[0].get_legend_handles_labels()
    dotted = plt.Line2D([], [], color="black", linestyle=(0, (2, 2)))
    fig.legend([*handles, dotted], [*labels, "average of the answers"], loc="outside upper center", ncols=3)
    return fig


def level_bars(panels: dict[str, dict[str, np.ndarray]]):
    """Variance of each level over Var Q of the game, grouped bars: a panel for each game, a colour for each head.

    panels: `{title: {head: [n]}}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 4.2), sharey=True)
    for ax, (title, heads) in zip(axes, panels.items(), strict=True):
        width = 0.8 / len(heads)
        for k, (name, shares) in enumerate(heads.items()):
            places = np.arange(1, len(shares) + 1) + (k - (len(heads) - 1) / 2) * width
            ax.bar(places, shares, width, color=HEADS[name], label=name)
        ax.set(title=title, xlabel="level", xticks=np.arange(1, len(shares) + 1))
    axes[0].set_ylabel("share of the reward's variance")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(heads))
    return fig


def level_lines(updates: np.ndarray, critic: np.ndarray, truth: np.ndarray):
    """Variances of levels while a team learns: lines for the truth, dots for what the critic says.

    updates: `[U]`; critic, truth: `[U, K]`, level k + 1 in column k. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 4.2))
    for k in range(truth.shape[1]):
        ax.plot(updates, truth[:, k], color=LEVELS[k], linewidth=2.6, label=f"level {k + 1}, exact")
        ax.plot(updates, critic[:, k], "o", color=LEVELS[k], markeredgecolor="black", label=f"level {k + 1}, critic")
    ax.set(xlabel="updates", ylabel="variance of the level")
    fig.legend(loc="outside upper center", ncols=truth.shape[1])
    return fig


def noise_lines(p: np.ndarray, curves: dict[str, np.ndarray]):
    """Gradient variance against p on a logarithmic scale: colour for the critic, dashes for the best baseline.

    curves: `{"additive, Ind", "additive, best", "exact, Ind", "exact, best", ...: [P]}`. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 4.4))
    for name, values in curves.items():
        colour = HEADS.get(name.split(",")[0], NEUTRAL)
        ax.plot(p, values, color=colour, linestyle=(0, (4, 1.5)) if "best" in name else "-", linewidth=2.8, label=name)
    ax.set(yscale="log", xlabel="p", ylabel="variance of B's gradient")
    ax.legend()
    return fig


def clipped(numbers: np.ndarray, density: np.ndarray, line: np.ndarray, means: np.ndarray, shares: np.ndarray):
    """Left: what the game makes of a number, and the best straight line; right: how much of it the line explains.

    numbers, density, line: `[X]`; means, shares: `[M]`. Returns the figure.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4))
    left.fill_between(numbers, density / density.max() - 1.5, -1.5, color=NEUTRAL, alpha=0.35, label="how often drawn")
    left.plot(numbers, np.clip(numbers, 0, 1), color=HEADS["exact"], linewidth=3, label="what the game does")
    left.plot(numbers, line, color=HEADS["additive"], linewidth=3, label="best straight line")
    left.set(xlabel="number drawn", ylabel="force", yticks=[-0.5, 0, 0.5, 1])
    left.legend(loc="upper left", fontsize=10)
    right.plot(means, shares, color=HEADS["additive"], linewidth=3)
    right.plot(0, np.interp(0, means, shares), "o", color="black", markersize=9)
    right.set(xlabel="mean of the policy", ylabel="share of variance explained", ylim=(0, 1.02))
    return fig
