"""The figures of chapter 3: the cube of one agent's groups, noise by group, noise by team size, five ways to pay."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.frames import figure_frame
from maca_edu.widgets.style import BAD, GOOD, NEUTRAL, agent_colour, level_colour

NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SHIFT = {0: -1.0, 2: 1.0, 3: -0.45}  # how far to the side a newcomer moves a corner of the cube


def group_name(group) -> str:
    """A group as a word: (0, 1, 2) is "ABC"."""
    return "".join(NAMES[i] for i in sorted(group))


def group_cube(moments: dict[tuple[int, ...], float]):
    """The eight groups of agent B in Fridge as corners of a cube; an edge leads to the group with one agent more.

    moments: `{group: second moment of its advantage}`, which is the height of the corner; a group is a rising tuple.
    Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 5.6))
    place = {group: (sum(SHIFT.get(i, 0.0) for i in group), moment) for group, moment in moments.items()}
    for newcomer, dash in zip(SHIFT, ("-", (0, (6, 1.5)), (0, (1.5, 1))), strict=True):
        for group, (x, y) in place.items():
            if newcomer in group:
                continue
            to_x, to_y = place[tuple(sorted((*group, newcomer)))]
            colour = agent_colour(newcomer)
            ax.plot([x, to_x], [y, to_y], linestyle=dash, color=colour, linewidth=2.5, zorder=1)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            ax.text((x + to_x) / 2, (y + to_y) / 2, f"+{to_y - y:.5g}", fontsize=10, ha="center", va="center", bbox=box)
        ax.plot([], [], linestyle=dash, color=agent_colour(newcomer), linewidth=2.5, label=f"{NAMES[newcomer]} joins")
    for group, (x, y) in place.items():
        box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": "black", "linewidth": 1.2}
        ax.text(x, y, group_name(group), ha="center", va="center", fontsize=12, fontweight="bold", bbox=box, zorder=3)
    ax.set_xlim(-1.75, 1.25)
    ax.margins(y=0.08)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.set_ylabel("second moment of the advantage")
    ax.legend(loc="lower left")
    return fig


def noise_bars(moments: dict, variances: dict, no_baseline: float, title: str = "", limits=(None, None)):
    """Two panels of bars, one bar for each group: second moment of the advantage, and variance of the gradient.

    no_baseline: the variance without a baseline, a dashed line. limits: where the two axes end. The least bar of each
    panel is marked with a star. Returns the figure.
    """
    groups = sorted(moments, key=lambda group: (len(group), group))
    places = -np.array([i + 0.5 * len(group) for i, group in enumerate(groups)])  # a gap between levels
    fig, axes = plt.subplots(1, 2, figsize=(9.4, 4.3), sharey=True)
    names = ("second moment of the advantage", "variance of B's gradient")
    for ax, values, name, limit in zip(axes, (moments, variances), names, limits, strict=True):
        bars = [values[group] for group in groups]
        ax.barh(places, bars, height=0.8, color=[level_colour(len(group), 4) for group in groups])
        least = int(np.argmin(bars))
        ax.annotate(
            "★", (0, places[least]), xytext=(8, 0), textcoords="offset points", va="center", color="white", fontsize=14
        )
        ax.set_xlim(0, limit)
        ax.set_xlabel(name)
        ax.grid(axis="y", visible=False)
    axes[0].set_yticks(places, [group_name(group) for group in groups])
    axes[0].tick_params(axis="y", length=0)
    for k in range(1, 5):
        middle = np.mean([place for place, group in zip(places, groups, strict=True) if len(group) == k])
        axes[1].text(1.0, middle, f"level {k}", transform=axes[1].get_yaxis_transform(), ha="right", va="center")
    axes[1].axvline(no_baseline, color=BAD, linestyle="--", label="no baseline")
    fig.legend(loc="outside upper right")
    axes[0].set_title(title)
    return fig


def noise_frame(p: float, moments: dict, variances: dict, no_baseline: float) -> str:
    """`noise_bars` as one frame of a slider over p, with the same axes in every frame (Fridge, p up to 0.95)."""
    fig = noise_bars(moments, variances, no_baseline, f"p = {p:.2f}", limits=(9, 3))
    least, quietest = (min(values, key=values.get) for values in (moments, variances))
    return figure_frame(
        fig,
        f"Bars for the eight groups of B at p = {p:.2f}. "
        f"Least second moment: {group_name(least)}, {moments[least]:.2f}. "
        f"Least gradient variance: {group_name(quietest)}, {variances[quietest]:.2f}. No baseline: {no_baseline:.2f}.",
    )


def noise_by_size(sizes, curves: dict[str, list[float]]):
    """The variance of one agent's gradient against the size of its team, a labelled line for each baseline.

    sizes: `[M]`; curves: `{label: [M]}`. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8, 4.2))
    for (label, values), marker, colour in zip(
        curves.items(), "osD", (level_colour(k) for k in (5, 3, 1)), strict=False
    ):
        ax.plot(sizes, values, marker=marker, markersize=6, color=colour)
        ax.annotate(label, (sizes[-1], values[-1]), xytext=(10, 0), textcoords="offset points", va="center")
    ax.set_xlim(min(sizes) - 0.5, max(sizes) + 0.28 * (max(sizes) - min(sizes)))
    ax.set_ylim(0, None)
    ax.set_xticks(sizes[::2])
    ax.set_xlabel("agents on the ring")
    ax.set_ylabel("variance of A's gradient")
    return fig


def five_accounts(credit: dict[str, np.ndarray]):
    """One panel for each way to pay the agents, a bar for each agent, and below the sum.

    credit: `{title: [n]}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(credit), figsize=(9.6, 2.9), sharey=True, sharex=True)
    for ax, (title, values) in zip(axes, credit.items(), strict=True):
        places = np.arange(len(values))
        ax.barh(places, values, height=0.7, color=[GOOD if v > 0 else BAD for v in values])
        for place, v in zip(places, values, strict=True):
            text = f"{v:.4g}".replace("-", "−")
            ax.annotate(text, (max(v, 0), place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=12)
        ax.set_title(title, fontsize=13)
        ax.set_xlabel(f"sum {sum(values):.4g}".replace("-", "−"), loc="left")
        ax.set_xticks([])
        ax.axvline(0, color=NEUTRAL, linewidth=1)
        ax.spines["bottom"].set_visible(False)
        ax.grid(False)
    axes[0].margins(x=0.45)
    axes[0].set_yticks(places, list(NAMES[: len(places)]))
    axes[0].invert_yaxis()
    return fig
