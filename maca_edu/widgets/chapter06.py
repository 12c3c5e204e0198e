"""The figures of chapter 6: the floor, the variance budget, what one agent hears, groups along an episode, lambda."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL, level_colour
from toy_envs.render_warehouse import draw_warehouse


def floors(game, moments):
    """The floor of the warehouse at several moments of an episode, side by side.

    moments: `[(title, state [D], action [n] or None, payments [K] or None)]`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(moments), figsize=(9.6, 3.5), layout="none")
    fig.subplots_adjust(0.01, 0.02, 0.99, 0.88, wspace=0.06)
    for ax, (title, state, action, payments) in zip(axes, moments, strict=True):
        draw_warehouse(ax, game, state, action, payments)
        ax.set_title(title, fontsize=13, pad=8)
    return fig


def budget_curves(lams, curves: dict[str, np.ndarray], floor: np.ndarray, steps, cut, mark: float):
    """The share of the variance that the present joint action owns: left against lambda, right against steps collected.

    lams: `[M]`; curves: `{label: [M]}`, the shares; floor: `[M]`, the share where steps never end.
    steps, cut: `[T]` each, numbers of steps collected and the shares with them, where lambda is `mark`.
    Returns the figure.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True)
    for (label, shares), colour, dash in zip(
        curves.items(), (level_colour(4), level_colour(1)), ("--", "-"), strict=True
    ):
        left.plot(lams, 100 * shares, color=colour, linestyle=dash, label=label)
    left.plot(lams, 100 * floor, color=NEUTRAL, linestyle=":", label="endless: 1 − (γλ)²")
    left.axvline(mark, color=NEUTRAL, linewidth=1)
    left.set(xlabel="λ", ylabel="owned by the current\njoint action (per cent)", ylim=(0, 103), xlim=(0, 1))
    left.legend(loc="lower left")
    right.plot(steps, 100 * cut, "o", color=level_colour(1), markersize=5)
    right.axhline(100 * np.interp(mark, lams, floor), color=NEUTRAL, linestyle=":")
    right.set_xscale("log", base=2)
    right.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    right.set(xlabel=f"steps collected, λ = {mark}")
    return fig


def shares_by_lambda(lams, parts: dict[str, np.ndarray]):
    """A stack of shares in per cent against lambda, from the bottom up. parts: `{label: [M]}`. Returns the figure."""
    fig, ax = plt.subplots(figsize=(8, 4.2))
    total = sum(parts.values())
    colours = (GOOD, level_colour(3), level_colour(5), "#D8D8D8")
    hatches = ("", "//", "..", "")
    stacks = ax.stackplot(lams, [100 * part / total for part in parts.values()], labels=list(parts), colors=colours)
    for stack, hatch in zip(stacks, hatches, strict=True):
        stack.set(hatch=hatch, edgecolor="white", linewidth=0.8)
    ax.set(xlim=(0, 1), ylim=(0, 100), xlabel="λ", ylabel="share of the variance\n(per cent)")
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles[::-1], labels[::-1], loc="outside right upper")
    return fig


def groups_along(acts, noise: dict[str, np.ndarray], psi: np.ndarray, names=("Jnt", "Ind", "Cor")):
    """Above, one agent's gradient noise by group and step, relative to the quietest group (a star); below, psi.

    acts: `[T]` short texts, what was done at each step; noise: `{group: [T]}`; psi: `[T, 3]`. Returns the figure.
    """
    T = len(acts)
    fig, (above, below) = plt.subplots(2, 1, figsize=(9.6, 5.4), sharex=True, height_ratios=(1.5, 1))
    table = np.array(list(noise.values()))
    ratio = table / table.min(axis=0)
    image = above.pcolormesh(
        np.arange(T + 1) + 0.5, np.arange(len(noise) + 1), ratio, cmap="cividis_r", vmin=1, vmax=1.4
    )
    image.set(edgecolor="white", linewidth=2)
    for (g, t), value in np.ndenumerate(ratio):
        text = "★" if value == 1 else f"{value:.2f}"
        above.text(
            t + 1, g + 0.5, text, ha="center", va="center", fontsize=10, color="white" if value > 1.2 else "black"
        )
    above.set_yticks(np.arange(len(noise)) + 0.5, list(noise))
    above.invert_yaxis()
    above.set_title("noise of A's gradient, relative to the quietest group")
    bottom, steps = np.zeros(T), np.arange(1, T + 1)
    for name, weight, colour, hatch in zip(
        names, psi.T, (level_colour(4), NEUTRAL, level_colour(1)), ("..", "", "//"), strict=True
    ):
        below.bar(steps, weight, bottom=bottom, color=colour, hatch=hatch, edgecolor="white", label=name)
        bottom = bottom + weight
    below.set(ylim=(0, 1), ylabel="best ψ", xlabel="step, and what A, B and C do in it")
    below.set_xticks(steps, [f"{step}\n{text}" for step, text in zip(steps, acts, strict=True)], fontsize=10)
    below.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    for ax in (above, below):
        ax.grid(visible=False)
        ax.tick_params(length=0)
        for side in ax.spines.values():
            side.set_visible(False)
    return fig


def bias_and_noise(lams, bias, noise):
    """Squared bias and later noise of the lambda-return as an estimate of Q, and their sum. `[M]` each. The figure."""
    fig, ax = plt.subplots(figsize=(8, 4.2))
    both = bias + noise
    ax.plot(lams, both, color="black", marker="o", label="together")
    ax.plot(lams, bias, color=BAD, linestyle="--", marker="s", label="bias², of the wrong critic")
    ax.plot(lams, noise, color=GOOD, linestyle=":", marker="^", label="noise, of later steps")
    best = int(np.argmin(both))
    ax.plot(lams[best], both[best], marker="o", markersize=15, markerfacecolor="none", color="black")
    ax.annotate(
        f"least at {lams[best]:.2f}",
        (lams[best], both[best]),
        xytext=(-14, 14),
        textcoords="offset points",
        ha="center",
    )
    ax.set(xlabel="λ", ylabel="mean squared error", ylim=(0, 1.12 * both.max()))
    ax.legend(loc="upper right")
    return fig


def set_sizes(sizes: np.ndarray, agent: str):
    """How many partners an agent has, over all crews that can be drawn. sizes: `[n]`, per cent with 1..n members."""
    fig, ax = plt.subplots(figsize=(7, 3.4))
    places = np.arange(1, len(sizes) + 1)
    bars = ax.bar(places, sizes, width=0.7, color=[level_colour(k) for k in places])
    ax.bar_label(bars, [f"{share:.1f} %" for share in sizes], padding=3)
    ax.set(xlabel=f"members of {agent}'s CorrSet at the start of an episode", ylabel="episodes (per cent)")
    ax.set_ylim(0, 1.15 * sizes.max())
    ax.grid(axis="x", visible=False)
    return fig
