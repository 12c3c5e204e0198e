"""The figures of chapter 4: level spectra, what a baseline keeps, signal and noise, and which noises meet."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from maca_edu.widgets.chapter03 import NAMES, group_name
from maca_edu.widgets.frames import figure_frame
from maca_edu.widgets.style import BAD, GOOD, level_colour

OTHERS = "#B5B5B5"  # noise that a baseline can remove: light grey
KINDS = {"signal": GOOD, "noise with partners": BAD, "noise of others": OTHERS}
SIGNS = LinearSegmentedColormap.from_list("signs", [BAD, "white", GOOD])


def kind_of(group, agent: int) -> str:
    """What the component of a group is for an agent: "signal", "noise with partners" or "noise of others"."""
    if agent not in group:
        return "noise of others"
    return "signal" if len(group) == 1 else "noise with partners"


def stack_levels(ax, places, shares, n_levels: int = 3, thickness: float = 0.8, horizontal: bool = False):
    """Stack the levels' shares of the variance, level 1 first, one bar at each place; shares above n_levels are zero.

    shares: one array `[n]` for each place.
    """
    draw, start = (ax.barh, "left") if horizontal else (ax.bar, "bottom")
    below = np.zeros(len(places))
    for k in range(1, n_levels + 1):
        part = np.array([share[k - 1] if len(share) >= k else 0.0 for share in shares])
        draw(places, part, thickness, color=level_colour(k, 3), label=f"level {k}", **{start: below})
        below += part


def level_panels(shares: dict[str, dict[float, np.ndarray]]):
    """One panel for each game, a bar for each policy: how the levels share the variance of the reward.

    shares: `{game: {p: [n]}}`, levels above 3 empty. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(shares), figsize=(9.6, 3.6), sharey=True)
    for ax, (game, by_policy) in zip(axes, shares.items(), strict=True):
        places = np.arange(len(by_policy))
        stack_levels(ax, places, list(by_policy.values()))
        ax.set_title(game)
        ax.set_xticks(places, [f"{p:g}" for p in by_policy])
        ax.set_xlabel("p")
        ax.grid(visible=False)
    axes[0].set_ylabel("share of the variance")
    axes[0].set_ylim(0, 1)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


def keep_matrix(agent: int, variances: dict[tuple[int, ...], float], kept: dict[str, dict[tuple[int, ...], float]]):
    """Top: the variance of each component, coloured by what it is for the agent. Below: how much each method keeps.

    variances: by group, in the order of the columns. kept: `{method: {group: weight}}`. Returns the figure.
    """
    groups = list(variances)
    fig, (top, below) = plt.subplots(
        2, 1, figsize=(9.4, 4.6), sharex=True, height_ratios=(1, 0.32 * len(kept)), gridspec_kw={"hspace": 0.02}
    )
    places = np.arange(len(groups))
    top.bar(places, variances.values(), 0.7, color=[KINDS[kind_of(group, agent)] for group in groups])
    for place, variance in zip(places, variances.values(), strict=True):
        top.annotate(f"{variance:.5g}", (place, variance), xytext=(0, 2), textcoords="offset points", ha="center")
    top.set_ylim(0, 1.25 * max(variances.values()))
    top.set_ylabel("variance")
    top.tick_params(axis="x", length=0)
    top.grid(visible=False)
    weights = np.array([[row[group] for group in groups] for row in kept.values()])
    rows = np.arange(len(kept) + 1)
    below.pcolormesh(
        places_to_edges(places), rows, weights, cmap="cividis", vmin=0, vmax=1, edgecolors="white", linewidth=2
    )
    for (row, column), weight in np.ndenumerate(weights):
        colour = "black" if weight > 0.45 else "white"
        below.text(column, row + 0.5, f"{weight:g}", ha="center", va="center", color=colour, fontsize=12)
    below.invert_yaxis()
    below.set_xticks(places, [group_name(group) for group in groups])
    below.set_yticks(np.arange(len(kept)) + 0.5, kept)
    below.tick_params(length=0)
    below.grid(visible=False)
    below.spines[["left", "bottom"]].set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in KINDS.values()]
    fig.legend(handles, KINDS, loc="outside upper center", ncols=3)
    return fig


def places_to_edges(places: np.ndarray) -> np.ndarray:
    """The borders of cells of width 1 with these centres."""
    return np.append(places - 0.5, places[-1] + 0.5)


def split_bars(splits: dict[str, list[dict[str, float]]]):
    """One panel for each policy, a stacked bar for each agent: signal, noise with partners, noise of others.

    splits: `{title: [{kind: share} for each agent]}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(splits), figsize=(9.4, 3.2), sharey=True)
    for ax, (title, agents) in zip(axes, splits.items(), strict=True):
        for place, shares in enumerate(agents):
            left = 0.0
            for kind, colour in KINDS.items():
                ax.barh(place, shares[kind], 0.7, left=left, color=colour)
                if shares[kind] > 0.05:
                    ink = "black" if kind == "noise of others" else "white"
                    middle = left + shares[kind] / 2
                    ax.text(middle, place, f"{100 * shares[kind]:.0f}", ha="center", va="center", color=ink)
                left += shares[kind]
        ax.set_title(title)
        ax.set_xlim(0, 1)
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        ax.set_yticks(range(len(agents)), NAMES[: len(agents)])
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False)
    axes[0].invert_yaxis()
    axes[0].set_xlabel("share of the reward's variance", loc="left")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in KINDS.values()]
    fig.legend(handles, KINDS, loc="outside upper center", ncols=3)
    return fig


def spectrum_figure(p: float, levels: dict[str, np.ndarray], parts: dict[tuple[int, ...], float], agent: int = 1):
    """Left: the levels' shares in several games. Right: each component's share in one game, as an agent sees it.

    levels: `{game: [n]}`. parts: shares by group. Returns the figure.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.2), width_ratios=(1, 1.15))
    stack_levels(left, np.arange(len(levels)), list(levels.values()), thickness=0.6, horizontal=True)
    left.set_yticks(np.arange(len(levels)), levels)
    left.invert_yaxis()
    left.set_xlim(0, 1)
    left.set_xlabel("share of the variance")
    left.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=3, columnspacing=1, handlelength=1)
    places = -np.array([i + 0.4 * len(group) for i, group in enumerate(parts)])  # a gap between levels
    right.barh(places, parts.values(), 0.8, color=[KINDS[kind_of(group, agent)] for group in parts])
    right.set_yticks(places, [group_name(group) for group in parts])
    right.set_xlim(0, 0.6)
    right.set_xlabel(f"share of the variance in Fridge (p = {p:g})")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in KINDS.values()]
    names = [f"{NAMES[agent]}'s signal", *list(KINDS)[1:]]
    right.legend(handles, names, loc="lower right", framealpha=1, frameon=True, edgecolor="none")
    for ax in (left, right):
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", visible=False)
    return fig


def spectrum_frame(p: float, levels: dict[str, np.ndarray], parts: dict[tuple[int, ...], float]) -> str:
    """`spectrum_figure` as one frame of a slider over p, with the same axes in every frame."""
    shown = "; ".join(
        f"{game} {', '.join(f'{100 * share:.0f}' for share in shares[:3])}" for game, shares in levels.items()
    )
    largest = max(parts, key=parts.get)
    alt = (
        f"At p = {p:g}, levels 1, 2, 3 own these percentages of the variance: {shown}. In Fridge B's signal owns "
        f"{100 * parts[1,]:.0f} %; the largest component is {group_name(largest)} with {100 * parts[largest]:.0f} %."
    )
    return figure_frame(spectrum_figure(p, levels, parts), alt)


def meeting_noises(names: list[str], tables: dict[str, np.ndarray]):
    """Correlations of components, weighed with the squared score, one heat map for each policy.

    names: `[M]`; tables: `{title: [M, M]}`, numbers from -1 to 1. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(tables), figsize=(9.4, 4.6), sharey=True)
    places = np.arange(len(names))
    for ax, (title, table) in zip(axes, tables.items(), strict=True):
        edges = places_to_edges(places)
        ax.pcolormesh(edges, edges, table, cmap=SIGNS, vmin=-1, vmax=1, edgecolors="#DDDDDD", linewidth=0.5)
        for (row, column), value in np.ndenumerate(table):
            if abs(value) > 0.005:
                text = f"{value:.2g}".replace("-", "−")
                ink = "white" if abs(value) > 0.45 else "black"
                ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=11)
        ax.set_title(title)
        ax.set_xticks(places, names)
        ax.set_yticks(places, names)
        ax.tick_params(length=0, labelsize=11)
        ax.set_aspect("equal")
        ax.grid(visible=False)
        ax.spines[["left", "bottom"]].set_visible(False)
    axes[0].invert_yaxis()
    return fig
