"""The figures of chapter 10: attention before it has learned, a Figure 6 of our own, and scores before and after."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL


def untrained(largest: dict[int, tuple[float, float]], scores: np.ndarray):
    """How uneven attention is before training, and how often untrained nets put a partner first.

    largest: by number of agents, a row's mean largest entry as measured and as normal products give it; scores: of many
    untrained nets. Returns the figure.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8))
    agents = list(largest)
    measured, predicted = zip(*largest.values(), strict=True)
    left.plot(agents, measured, "o", color=GOOD, markersize=9, label="untrained nets")
    left.plot(agents, predicted, color=BAD, label="softmax of normal numbers")
    left.plot(agents, [1 / n for n in agents], color=NEUTRAL, linestyle=(0, (4, 1.5)), label="uniform, 1/n")
    left.set(title="Largest entry of a row", xlabel="agents", ylim=(0, 0.8), xticks=agents)
    left.legend()
    right.hist(scores, bins=np.linspace(0.2, 0.8, 25), color=GOOD)
    right.axvline(0.5, color=BAD, linestyle=(0, (4, 1.5)))
    right.set(title="Ranking score", xlabel="of an untrained net", ylabel="nets")
    return fig


def matrices(columns: dict[str, dict[str, np.ndarray]], names):
    """True partners, an untrained net and a trained one, a row of maps for each; squares mark partners.

    columns: `{game: {"partners": bool [n, n], "untrained": [n, n], "trained": [n, n]}}`; names: of the agents. Returns
    the figure.
    """
    kinds = ("partners", "untrained", "trained")
    fig, axes = plt.subplots(3, len(columns), figsize=(2.5 * len(columns), 7.4), squeeze=False)
    for column, (game, maps) in zip(axes.T, columns.items(), strict=True):
        n = len(maps["partners"])
        for ax, kind in zip(column, kinds, strict=True):
            ax.imshow(np.where(np.eye(n) == 1, np.nan, maps[kind]), cmap="cividis", vmin=0, vmax=0.6)
            for i, j in np.argwhere(maps["partners"]):
                if i != j:
                    ax.add_patch(
                        plt.Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, edgecolor=BAD, linewidth=2)
                    )
            ax.set_xticks(range(n), names[:n], fontsize=9)
            ax.set_yticks(range(n), names[:n], fontsize=9)
            ax.tick_params(length=0)
            ax.grid(False)
            for side in ax.spines.values():
                side.set_visible(False)
        column[0].set_title(game, fontsize=11)
    for ax, kind in zip(axes[:, 0], kinds, strict=True):
        ax.set_ylabel(kind)
    return fig


def before_and_after(scores: dict[str, tuple[np.ndarray, np.ndarray]]):
    """Ranking scores of untrained and trained nets, a line for each seed; `{label: ([seeds], [seeds])}`.

    Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(9.6, 4.2))
    for place, (before, after) in enumerate(scores.values()):
        for x, y in zip(before, after, strict=True):
            ax.plot([place - 0.2, place + 0.2], [x, y], color=NEUTRAL, linewidth=1)
        ax.plot(np.full(len(before), place - 0.2), before, "o", color=NEUTRAL)
        ax.plot(np.full(len(after), place + 0.2), after, "o", color=GOOD)
    ax.axhline(0.5, color=BAD, linestyle=(0, (4, 1.5)))
    ax.set_xticks(range(len(scores)), list(scores), fontsize=11)
    ax.set(ylabel="ranking score", ylim=(0.3, 1.02))
    ax.plot([], [], "o", color=NEUTRAL, label="untrained")
    ax.plot([], [], "o", color=GOOD, label="trained")
    ax.legend(loc="upper left")
    return fig


def heard(shares: np.ndarray, weights: np.ndarray, chance: float):
    """What is understood of the partner's sign against the attention it gets, both `[X]`; chance: equal weights.

    Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 3.6))
    ax.plot(weights, shares, color=GOOD, linewidth=2.5, label="understood")
    ax.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1, linestyle=(0, (4, 1.5)), label="as much as attention")
    ax.axvline(chance, color=BAD, linewidth=1.5, linestyle=":", label="equal weights")
    ax.set(xlabel="attention to the partner", ylabel="share of its sign", xlim=(0, 1), ylim=(0, 1))
    ax.legend(loc="lower right")
    return fig
