"""The figures of chapter 8: tables and what fits them, what is left over, memory, and which error stops a team."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.chapter04 import SIGNS
from maca_edu.widgets.style import BAD, GOOD, NEUTRAL, level_colour


def tables(panels: dict[str, np.ndarray]):
    """Payoff tables of two agents side by side, agent A's action down and B's across; a star at the greatest entry.

    panels: `{title: [A, A]}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.4))
    limit = max(abs(table).max() for table in panels.values())
    for ax, (title, table) in zip(axes, panels.items(), strict=True):
        edges = np.arange(len(table) + 1)
        ax.pcolormesh(edges, edges, table, cmap=SIGNS, vmin=-limit, vmax=limit, edgecolors="white", linewidth=2)
        greatest = np.unravel_index(table.round(9).argmax(), table.shape)
        for (row, column), value in np.ndenumerate(table):
            text = f"{value:.3g}".replace("-", "−") + (" ★" if (row, column) == greatest else "")
            ink = "white" if abs(value) > 0.6 * limit else "black"
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink)
        ax.set(title=title, xlabel="B")
        ax.set_xticks(edges[:-1] + 0.5, edges[:-1])
        ax.set_yticks(edges[:-1] + 0.5, edges[:-1])
        ax.tick_params(length=0)
        ax.invert_yaxis()
        ax.grid(visible=False)
        ax.spines[["left", "bottom"]].set_visible(False)
    axes[0].set_ylabel("A", rotation=0, labelpad=12)
    return fig


def left_over(left: dict[str, dict[str, np.ndarray]]):
    """What each kind of fit leaves of a game's variance, stacked by level. left: `{game: {fit: [levels]}}`, shares.

    A panel for each game, with a bar for each fit. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(left), figsize=(9.6, 3.6), sharey=True)
    for ax, (game, fits) in zip(axes, left.items(), strict=True):
        places, below = np.arange(len(fits)), np.zeros(len(fits))
        for k in range(1, 4):
            part = np.array([levels[k - 1] if len(levels) >= k else 0.0 for levels in fits.values()])
            ax.bar(places, 100 * part, 0.75, bottom=below, color=level_colour(k, 3), label=f"level {k}")
            below += 100 * part
        for place, total in zip(places, below, strict=True):
            ax.annotate(f"{total:.0f}", (place, total), xytext=(0, 2), textcoords="offset points", ha="center")
        ax.set_title(game)
        ax.set_xticks(places, list(fits), rotation=45, ha="right")
        ax.grid(axis="x", visible=False)
    axes[0].set(ylabel="share of the variance\nthat is missed (per cent)", ylim=(0, 112))
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


def memory_curves(rollouts, errors: dict[str, np.ndarray], values: np.ndarray, ceiling: float):
    """Left: the error of a fit to the last rollouts, and its two parts. Right: what teams earn that follow such fits.

    rollouts: `[M]`, how many are remembered; errors: `{label: [M]}`; values: `[M]`; ceiling: with the exact signal.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8))
    for (label, error), colour, dash, marker in zip(
        errors.items(), ("black", BAD, GOOD), ("-", "--", ":"), "os^", strict=True
    ):
        left.plot(rollouts, error, color=colour, linestyle=dash, marker=marker, label=label)
    left.set(xlabel="rollouts in the fit", ylabel="error of B's gradient", ylim=(0, None))
    left.legend()
    right.plot(rollouts, values, color="black", marker="o", label="fitted")
    right.axhline(ceiling, color=NEUTRAL, linestyle="--", label="exact signal")
    right.set(xlabel="rollouts in the fit", ylabel="mean reward\nwhile learning")
    right.legend(loc="center right")
    for ax in (left, right):
        ax.set_xscale("log", base=2)
        ax.set_xticks(rollouts, [str(k) for k in rollouts])
    return fig


def fates(shares: dict[str, tuple[float, float, float]]):
    """Teams that end without the fridge, per cent, with an interval. shares: `{label: (share, low, high)}`."""
    fig, ax = plt.subplots(figsize=(9.0, 0.42 * len(shares) + 1.2))
    places = np.arange(len(shares))
    share, low, high = np.array(list(shares.values())).T
    ax.barh(places, share, 0.65, color=[BAD if "PPO" in label else NEUTRAL for label in shares])
    ax.hlines(places, low, high, color="black", linewidth=1.5)
    for place, value, end in zip(places, share, high, strict=True):
        ax.annotate(f"{value:.0f}", (end, place), xytext=(6, 0), textcoords="offset points", va="center")
    ax.set_yticks(places, list(shares))
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="teams that end without the fridge (per cent)", xlim=(0, 1.15 * high.max()))
    ax.grid(axis="y", visible=False)
    return fig


def first_updates(early: dict[str, dict[str, np.ndarray]], threshold: float):
    """The first updates of teams that end with the fridge and without: a lift's probability, its worth as the critic
    says, and its true worth.

    early: `{fate: {"least_lift" | "least_said" | "least_worth": [U]}}`. threshold: a probability to mark.
    """
    fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), sharex=True)
    titles = {
        "least_lift": "probability\nof a lift",
        "least_said": "worth of a lift,\nas the critic says",
        "least_worth": "worth of a lift,\nin truth",
    }
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        for (fate, columns), colour, dash in zip(early.items(), (GOOD, BAD), ("-", "--"), strict=True):
            ax.plot(columns[name], color=colour, linestyle=dash, label=fate)
        ax.set(title=title, xlabel="update")
        ax.set_xticks([0, 4, 8])
    axes[0].axhline(threshold, color=NEUTRAL, linestyle=":")
    for ax in axes[1:]:
        ax.axhline(0, color=NEUTRAL, linestyle=":")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig
