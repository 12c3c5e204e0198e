"""The figures of chapter 14: the whole of MACA with its shapes, how true credit is, Table 3 with its intervals."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

BASELINES = {
    "joint": "#0072B2",
    "CorrSet": "#009E73",
    "individual": "#D55E00",
    "MACA": "#000000",
    "critic's own Q": "#CC79A7",
}
CRITICS = {"additive": "#56B4E9", "multilinear": "#009E73"}


class Place(NamedTuple):
    """Where a box of Figure 1 stands, and what it is called."""

    title: str
    x: float
    y: float


PLACES = {
    "obs": Place("observations", 0, 3),
    "embedding": Place("embedding, GRU", 1, 3),
    "attention": Place(r"attention $\alpha$", 2, 3),
    "tokens": Place("tokens $h_1 .. h_n$", 3, 3),
    "z": Place("$z$", 4, 3),
    "v": Place("head of V", 5, 3),
    "policy": Place("policy, actions", 0, 1.5),
    "corrset": Place(r"CorrSets: $\alpha_{ij} \geq \sigma$", 2, 1.5),
    "bars": Place(r"$\bar\pi$: Jnt, Ind, Cor", 3, 1.5),
    "q": Place("head of Q, linear", 4, 1.5),
    "psi": Place(r"head of $\psi$", 5, 1.5),
    "target": Place(r"$\lambda$-return", 0, 0),
    "baselines": Place("three baselines", 4, 0),
    "mixture": Place("mixture", 5, 0),
    "advantage": Place("advantage", 2, 0),
}
STRAIGHT = (
    ("obs", "embedding"), ("embedding", "attention"), ("attention", "tokens"), ("tokens", "z"), ("z", "v"), ("z", "q"),
    ("z", "psi"), ("attention", "corrset"), ("corrset", "bars"), ("bars", "q"), ("q", "baselines"), ("psi", "mixture"),
    ("baselines", "mixture"), ("target", "advantage"),
)  # fmt: skip
BENT = (("policy", "bars"), ("mixture", "advantage"))  # below the boxes between them
WIDTH, HEIGHT = 0.84, 0.86


def figure_1(shapes: dict[str, tuple[int, ...]], parameters: dict[str, int]):
    """MACA's parts as boxes: the shape of what each hands on, and how many numbers in it are trained.

    shapes: of the boxes in PLACES, by name; those without one have none written. parameters: likewise. Returns the
    figure.
    """
    fig, ax = plt.subplots(figsize=(11, 5.6))
    for start, end in STRAIGHT:
        arrow(ax, PLACES[start], PLACES[end])
    for start, end in BENT:
        bend(ax, PLACES[start], PLACES[end])
    for name, place in PLACES.items():
        trained = name in parameters
        colour = GOOD if trained else NEUTRAL
        box = FancyBboxPatch(
            (place.x - WIDTH / 2, place.y - HEIGHT / 2), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="white", edgecolor=colour, linewidth=2.4 if trained else 1.4, zorder=3,
        )  # fmt: skip
        ax.add_patch(box)
        lines = [place.title]
        if name in shapes:
            lines.append(f"[{', '.join(map(str, shapes[name]))}]")
        if trained:
            lines.append(f"{parameters[name]:,}")
        ax.text(place.x, place.y, "\n".join(lines), ha="center", va="center", fontsize=10, linespacing=1.5, zorder=4)
    ax.set(xlim=(-0.5, 5.5), ylim=(-0.9, 3.6))
    ax.axis("off")
    return fig


def arrow(ax, start: Place, end: Place):
    """A straight arrow from one box to another, to the right, down, or down to the right."""
    if start.y == end.y:
        tail, head = (start.x + WIDTH / 2, start.y), (end.x - WIDTH / 2, end.y)
    else:
        aside = WIDTH / 4 * (end.x > start.x)
        tail, head = (start.x + aside, start.y - HEIGHT / 2), (end.x - aside, end.y + HEIGHT / 2)
    draw_arrow(ax, tail, head)


def bend(ax, start: Place, end: Place, depth: float = 0.62):
    """An arrow below the boxes between two of one row."""
    y = start.y - depth
    ax.plot([start.x, start.x, end.x], [start.y - HEIGHT / 2, y, y], color=NEUTRAL, linewidth=1.4, zorder=1)
    draw_arrow(ax, (end.x, y), (end.x, end.y - HEIGHT / 2))


def draw_arrow(ax, tail: tuple[float, float], head: tuple[float, float]):
    """An arrow from point to point."""
    ax.add_patch(FancyArrowPatch(tail, head, arrowstyle="-|>", mutation_scale=14, color=NEUTRAL, linewidth=1.4))


def credit_lines(updates: np.ndarray, panels: dict[str, dict[str, np.ndarray]], ceilings: dict[str, np.ndarray]):
    """How an advantage goes with the true credit while a team learns: a panel for each critic, a line for a baseline.

    updates: `[U]`; panels: `{critic: {baseline: [U]}}`; ceilings: `{critic: [U]}`, what the individual baseline could
    reach. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(10, 4.4), sharey=True)
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, values in curves.items():
            ax.plot(updates, values, "o-", color=BASELINES[name], linewidth=2.6, markersize=5, label=name)
        ax.plot(
            updates, ceilings[title], ":", color=BASELINES["individual"], linewidth=2.2, label="individual, best sum"
        )
        ax.set(title=f"{title} critic", xlabel="updates", ylim=(-0.1, 1.05))
    axes[0].set_ylabel("correlation with the true credit")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def level_agreement(levels: dict[str, np.ndarray]):
    """Correlation of a critic's own components with the true ones, bars by level; levels: `{critic: [K]}`."""
    fig, ax = plt.subplots(figsize=(7.6, 3.8))
    width = 0.8 / (len(levels) + 1)
    K = len(next(iter(levels.values())))
    bars = {"return less a baseline": np.ones(K)} | levels
    for k, (name, values) in enumerate(bars.items()):
        places = np.arange(1, K + 1) + (k - (len(bars) - 1) / 2) * width
        ax.bar(places, values, width, color=CRITICS.get(name, "#000000"), label=name)
    ax.set(xlabel="level", ylabel="correlation with the truth", xticks=range(1, K + 1), ylim=(-0.05, 1.05))
    fig.legend(loc="outside upper center", ncols=3)
    return fig


def shares(rows: dict[str, dict[str, float]]):
    """Correlation with the true credit by kind of return, grouped bars by baseline; rows: `{kind: {baseline: r}}`."""
    fig, ax = plt.subplots(figsize=(8, 3.8))
    names = list(next(iter(rows.values())))
    for k, name in enumerate(names):
        places = np.arange(len(rows)) + (k - (len(names) - 1) / 2) * 0.8 / len(names)
        values = [row[name] for row in rows.values()]
        ax.bar(places, values, 0.8 / len(names), color=BASELINES[name], label=name)
    ax.set(xticks=range(len(rows)), ylabel="correlation with the true credit", ylim=(0, 1.05))
    ax.set_xticklabels(rows)
    fig.legend(loc="outside upper center", ncols=len(names))
    return fig


def beside_the_runs(panels: dict[str, tuple[np.ndarray, np.ndarray]], live: dict[str, np.ndarray], best: float):
    """Learning curves of committed runs in grey, and of live ones in colour, a panel for each method.

    panels: `{method: (updates [U], runs [seeds, U])}`; live: `{method: [runs, U']}`, one point for each update; best: a
    line. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(10, 3.6), sharey=True)
    for ax, (name, (updates, runs)) in zip(axes, panels.items(), strict=True):
        ax.plot(updates, runs.T, color=NEUTRAL, linewidth=1, alpha=0.6)
        ax.plot(np.arange(1, live[name].shape[1] + 1), live[name].T, color=GOOD, linewidth=2.6)
        ax.axhline(best, color="black", linestyle=":", linewidth=1.4)
        ax.set(title=name, xlabel="updates")
    axes[0].set_ylabel("mean return")
    return fig


def forest(panels: dict[str, dict[str, tuple[float, float, float]]]):
    """Differences with their intervals, a panel for each game, a row for each method; a filled dot where 0 is outside.

    panels: `{game: {method: (mean, low, high)}}`. Returns the figure.
    """
    methods = list(dict.fromkeys(name for rows in panels.values() for name in rows))
    fig, axes = plt.subplots(1, len(panels), figsize=(11, 4.6), sharey=True)
    for ax, (title, rows) in zip(axes, panels.items(), strict=True):
        for name, (mean, low, high) in rows.items():
            y = -methods.index(name)
            apart = low > 0 or high < 0
            colour = (GOOD if mean > 0 else BAD) if apart else NEUTRAL
            ax.plot([low, high], [y, y], color=colour, linewidth=2.6)
            ax.plot(mean, y, "o", color=colour, markerfacecolor=colour if apart else "white", markersize=8)
        ax.axvline(0, color="black", linewidth=1.2)
        ax.set(title=title, yticks=range(0, -len(methods), -1))
        ax.set_yticklabels(methods)
    fig.supxlabel("mean return over training, less MACA's (95 % interval)", fontsize=12)
    return fig
