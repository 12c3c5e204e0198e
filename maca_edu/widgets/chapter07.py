"""The figures of chapter 7: curves with and without a part of PPO, the clipped surrogate, an agent's ratio and the
team's."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL, level_colour


class Panel(NamedTuple):
    """Curves to compare."""

    title: str
    ylabel: str
    curves: dict[str, np.ndarray]  # {label: [seeds, U]}, a line for each seed
    line: float | None = None  # a number worth marking
    line_name: str | None = None  # and what it is


def with_and_without(panels: list[Panel], width: float = 9.6):
    """Panels side by side, each with a few ways to learn; the first is drawn in blue, the second in vermillion.

    Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(width, 4.2))
    looks = ((GOOD, "-"), (BAD, "--"), (level_colour(1), ":"), (level_colour(4), "-."))
    for ax, panel in zip(np.atleast_1d(axes), panels, strict=True):
        for (label, runs), (colour, dash) in zip(panel.curves.items(), looks, strict=False):
            for k, run in enumerate(runs):
                ax.plot(run, color=colour, linestyle=dash, linewidth=1.8, label=label if k == 0 else None)
        if panel.line is not None:
            ax.axhline(panel.line, color=NEUTRAL, linewidth=1, label=panel.line_name)
        ax.set(xlabel="updates", ylabel=panel.ylabel)
        ax.set_title(panel.title)
        fig_legend = ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=11)
        fig_legend.set_in_layout(True)
    return fig


def surrogate(clip: float):
    """PPO's surrogate of one entry against the ratio, for praise on the left and blame on the right. The figure."""
    fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.6))
    rho = np.linspace(0.4, 1.6, 400)
    for ax, advantage, word in zip(axes, (1.0, -1.0), ("praise, A = 1", "blame, A = −1"), strict=True):
        value = np.minimum(rho * advantage, rho.clip(1 - clip, 1 + clip) * advantage)
        moves = rho < 1 + clip if advantage > 0 else rho > 1 - clip
        ax.axvspan(1 - clip, 1 + clip, color="#EEEEEE", label="within the clip")
        ax.plot(rho, np.where(moves, value, np.nan), color=GOOD, label="the policy is moved")
        ax.plot(rho, np.where(moves, np.nan, value), color=BAD, linestyle="--", label="slope 0")
        ax.plot(1, advantage, "o", color="black", linestyle="", label="first step")
        ax.set(xlabel="ratio ρ of new to old probability", ylabel="surrogate")
        ax.set_title(word)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


def ratios(own: np.ndarray, joint: np.ndarray, clip: float):
    """Histograms of the agents' ratios and of the team's, on one axis of factors. Arrays of any shape. The figure."""
    fig, axes = plt.subplots(2, 1, figsize=(8, 4.4), sharex=True)
    edges = np.geomspace(0.25, 4, 81)
    for ax, x, word, colour in zip(
        axes, (own, joint), ("one agent", "the team"), (level_colour(1), level_colour(4)), strict=True
    ):
        counts, _ = np.histogram(np.ravel(x), edges)
        ax.bar(edges[:-1], 100 * counts / np.size(x), width=np.diff(edges), align="edge", color=colour)
        ax.axvspan(1 - clip, 1 + clip, color="#EEEEEE", zorder=-1)
        ax.set_xscale("log")
        ax.set(ylabel="per cent")
        ax.set_title(word)
        ax.minorticks_off()
    axes[1].set_xticks([0.25, 0.5, 0.8, 1, 1.2, 2, 4], ["¼", "½", "0.8", "1", "1.2", "2", "4"])
    axes[1].set_xlabel("new over old probability of what was played")
    return fig
