"""The figures of chapter 11: prices, variances of sets, entries around 1/n, precision and recall, runs as dots."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

SETS = {  # how the variance of a set is drawn: colour and dash
    "alone": ("#009E73", "-"),
    "nearest partners": ("#CC79A7", "-"),
    "all partners": (GOOD, "-"),
    "partners and D": ("#E69F00", (0, (4, 1.5))),
    "everybody": (BAD, (0, (6, 1.5, 1, 1.5))),
    "best set": ("#000000", (0, (1, 1))),
}


def price_lines(p: np.ndarray, prices: dict[str, np.ndarray]):
    """What it costs an agent to keep the component of each group, against p; below zero it saves.

    p: `[P]`; prices: `{name: [P]}`, five at most; a sum of groups, "C + AC", is dashed. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 4))
    colours = ("#009E73", "#CC79A7", "#E69F00", "#000000", "#0072B2")
    for (name, values), colour in zip(prices.items(), colours, strict=False):
        ax.plot(p, values, color=colour, linestyle="--" if "+" in name else "-", linewidth=2.8, label=name)
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set(xlabel="p", ylabel="price")
    ax.legend(title="component of")
    return fig


def set_lines(p: np.ndarray, panels: dict[str, dict[str, np.ndarray]]):
    """The variance of an agent's gradient with the baselines of several sets, against p; a panel for each game.

    p: `[P]`; panels: `{title: {set: [P]}}`, sets from SETS. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 4.2))
    shown = {}
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, values in curves.items():
            colour, dash = SETS[name]
            (shown[name],) = ax.plot(p, values, color=colour, linestyle=dash, linewidth=2.8)
        ax.set(title=title, xlabel="p", ylim=(0, None))
    axes[0].set_ylabel("variance of the gradient")
    order = [name for name in SETS if name in shown]
    fig.legend([shown[name] for name in order], order, loc="outside upper center", ncols=3)
    return fig


def entry_bars(panels: dict[str, tuple[np.ndarray, np.ndarray]]):
    """How attention to others is spread, in units of 1/n: steps before and after training; grey: .9 to 1.1.

    panels: `{setting: (entries untrained, entries trained)}`, both flat. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.6), sharey=True)
    edges = np.linspace(0, 3, 31)
    for ax, (title, (before, after)) in zip(axes, panels.items(), strict=True):
        ax.axvspan(0.9, 1.1, color=NEUTRAL, alpha=0.3, linewidth=0)
        for entries, colour, dash, name in (
            (before, NEUTRAL, (0, (4, 1.5)), "untrained"),
            (after, GOOD, "-", "trained"),
        ):
            share = np.histogram(np.minimum(entries, 2.999), edges)[0] / len(entries)
            ax.stairs(100 * share, edges, color=colour, linestyle=dash, linewidth=2, label=name)
        ax.set(title=title, xlabel="entry in 1/n")
        ax.set_xticks([0, 1, 2, 3], ["0", "1", "2", "3+"])
    axes[0].set_ylabel("per cent of the entries")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def found_lines(sigma: np.ndarray, panels: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]):
    """Precision (top) and recall (below) as sigma moves; grey: .9 to 1.1.

    sigma: `[S]` in units of 1/n; panels: `{setting: {curve: (precision, recall)}}`, each `[S]`, NaN where nobody is
    admitted; the curves are "untrained", "trained" and the chance of each. Returns the figure.
    """
    fig, axes = plt.subplots(2, len(panels), figsize=(9.6, 5.4), sharex=True, sharey=True)
    looks = {
        "untrained": (NEUTRAL, (0, (4, 1.5))),
        "chance, untrained": (NEUTRAL, (0, (1, 1))),
        "trained": (GOOD, "-"),
        "chance, trained": (GOOD, (0, (1, 1))),
    }
    for column, (title, curves) in zip(axes.T, panels.items(), strict=True):
        for name, pair in curves.items():
            colour, dash = looks[name]
            for ax, values in zip(column, pair, strict=True):
                ax.plot(sigma, values, color=colour, linestyle=dash, linewidth=2.2, label=name)
        for ax in column:
            ax.axvspan(0.9, 1.1, color=NEUTRAL, alpha=0.3, linewidth=0)
        column[0].set_title(title)
        column[1].set(xlabel="σ in 1/n", ylim=(0, 1.02))
    axes[0, 0].set_ylabel("precision")
    axes[1, 0].set_ylabel("recall")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


def run_dots(groups: dict[str, tuple[np.ndarray, np.ndarray]], line: float, ylabel: str):
    """One dot for each run, before and after training, for several settings, beside the value of pure chance.

    groups: `{setting: (untrained [runs], trained [runs])}`. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 3.8))
    ax.axhline(line, color="black", linestyle=(0, (1, 1)), label="chance")
    for k, pair in enumerate(groups.values()):
        for shift, runs, colour, marker, name in (
            (-0.15, pair[0], NEUTRAL, "o", "untrained"),
            (0.15, pair[1], GOOD, "D", "trained"),
        ):
            ax.plot(
                np.full(len(runs), k + shift), runs, marker, color=colour, alpha=0.7, label=name if k == 0 else None
            )
            ax.plot([k + shift - 0.1, k + shift + 0.1], [np.mean(runs)] * 2, color=colour, linewidth=3)
    ax.set(xticks=range(len(groups)), ylabel=ylabel)
    ax.set_xticklabels(groups)
    fig.legend(loc="outside upper center", ncols=3)
    return fig
