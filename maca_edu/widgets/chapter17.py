"""The figures of chapter 17: sets that adapt, teams that stay and teams that are drawn, budgets, psi, a live run."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

METHODS = {"maca": (GOOD, "-", "o"), "coma": (BAD, (0, (4, 1.5)), "s"), "mappo": ("#000000", (0, (1, 1)), "D")}
SETS = {
    "alone": ("#000000", (0, (1, 1))),
    "everybody": (NEUTRAL, "-"),
    "one set for all states": (BAD, (0, (4, 1.5))),
    "the partners of the state": (GOOD, "-"),
}
OWNERS = ("#D55E00", "#0072B2", "#56B4E9", "#E69F00", "#999999")  # critic, levels, later, the game: as in budget.png
WEIGHTS = {"joint": ("#000000", (0, (1, 1))), "individual": (BAD, (0, (4, 1.5))), "CorrSet": (GOOD, "-")}


def noise_lines(policies, panels: dict[str, dict[str, np.ndarray]]):
    """Variance of a gradient against how decided the team is; a panel for each kind of choice.

    policies: probabilities of the action, `[P]`; panels: `{title: {name: [P]}}`, names from SETS. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.9), sharex=True, sharey=True)
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        for name, values in lines.items():
            colour, dash = SETS[name]
            ax.plot(policies, values, color=colour, linestyle=dash, linewidth=2.4, label=name)
        ax.set(title=title, xlabel="probability of pulling")
    axes[0].set_ylabel("variance of A's gradient")
    axes[0].set_ylim(0, None)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


def win_curves(steps, maps: dict[str, dict[str, np.ndarray]]):
    """Greedy win rates along training, a panel for each map: mean of the seeds, and every seed thin.

    steps: `[T]`; maps: `{map: {method: [seeds, T]}}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(maps), figsize=(9.6, 3.9), sharex=True, sharey=True)
    for ax, (title, lines) in zip(axes, maps.items(), strict=True):
        for name, values in lines.items():
            colour, dash, marker = METHODS[name]
            ax.plot(np.array(steps) / 1000, 100 * values.T, color=colour, linewidth=0.6, alpha=0.5)
            mean = 100 * values.mean(axis=0)
            ax.plot(np.array(steps) / 1000, mean, marker, linestyle=dash, color=colour, linewidth=2.4, label=name)
        ax.set(title=title, xlabel="thousand steps")
    axes[0].set(ylabel="battles won, per cent", ylim=(0, 100))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def gap_bars(gaps: dict[str, dict[str, tuple]]):
    """How far one choice is ahead of another, where groups stay and where they are drawn; a panel for each pair.

    gaps: `{panel: {team: (low, mean, high)}}` in points. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(gaps), figsize=(9.6, 2.6), sharex=True, sharey=True)
    for ax, (title, teams) in zip(axes, gaps.items(), strict=True):
        ax.axvline(0, color=NEUTRAL, linewidth=1)
        for y, (low, middle, high) in enumerate(teams.values()):
            ax.plot([low, high], [y, y], color=GOOD, linewidth=6, alpha=0.4, solid_capstyle="butt")
            ax.plot(middle, y, "D", color=GOOD, markersize=9)
        ax.set(title=title, xlabel="points", ylim=(len(teams) - 0.5, -0.5))
        ax.set_yticks(range(len(teams)), list(teams))
    return fig


def owner_bars(owners: dict[str, dict[str, float]]):
    """Who owns the variance of the advantages, a bar for each run; `{run: {owner: share}}`. Returns the figure."""
    fig, ax = plt.subplots(figsize=(9.6, 0.62 * len(owners) + 1.4))
    for y, parts in enumerate(owners.values()):
        left = 0.0
        for (name, share), colour in zip(parts.items(), OWNERS, strict=False):
            width = 100 * max(share, 0.0)
            ax.barh(y, width, 0.7, left, color=colour, edgecolor="white", label=name if y == 0 else None)
            if width >= 6:
                ink = "white" if colour in OWNERS[:2] else "black"
                ax.text(left + width / 2, y, f"{width:.0f}", ha="center", va="center", color=ink)
            left += width
    ax.set(xlabel="share of the variance, per cent", ylim=(len(owners) - 0.5, -0.5))
    ax.set_yticks(range(len(owners)), list(owners))
    ax.grid(visible=False)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def psi_lines(steps: dict[str, np.ndarray], paths: dict[str, np.ndarray]):
    """The weights of MACA's baselines along training, a panel for each kind of team, a line for each seed and weight.

    steps: `{team: [G]}`; paths: `{team: [seeds, G, 3]}`, joint, individual, CorrSet. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(paths), figsize=(9.6, 3.6), sharex=True, sharey=True)
    for ax, (team, path) in zip(axes, paths.items(), strict=True):
        ax.axhline(1 / 3, color=NEUTRAL, linewidth=1)
        for k, (name, (colour, dash)) in enumerate(WEIGHTS.items()):
            lines = ax.plot(steps[team] / 1000, path[:, :, k].T, color=colour, linestyle=dash)
            for line, width in zip(lines, np.linspace(0.8, 2.4, len(lines)), strict=True):
                line.set_linewidth(width)
            lines[-1].set_label(name)
        ax.set(title=team, xlabel="thousand steps")
    axes[0].set(ylabel="weight, mean of a generation", ylim=(0, 0.7))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def live_lines(world: str, returns, psi):
    """A short run: the return of each update (left) and psi (right), `[U]` and `[U, 3]`. Returns the figure."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.2))
    fig.suptitle(world)
    updates = np.arange(1, len(returns) + 1)
    left.plot(updates, returns, color=GOOD, linewidth=2.4)
    left.set(title="mean return", xlabel="update")
    for k, (name, (colour, dash)) in enumerate(WEIGHTS.items()):
        right.plot(updates, psi[:, k], color=colour, linestyle=dash, linewidth=2, label=name)
    right.set(title="psi, a candidate an update", xlabel="update", ylim=(0, 1))
    right.legend()
    return fig
