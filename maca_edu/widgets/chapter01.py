"""The figures of chapter 1: all totals at a glance, what-ifs, dividends by level, and rewards seen and not seen."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL
from toy_envs.render import draw_one_shot


def letters(action, actions=("rest", "lift")) -> str:
    """A joint action as a word of initials: (1, 1, 0, 0) is "LLRR"."""
    return "".join(actions[a][0].upper() for a in action)


def totals_map(payoff: np.ndarray, mark: float | None = None):
    """A heat map of a payoff `[2, 2, 2, 2]`: a column for each joint action of A, B, C, a row for each action of D.

    mark: totals equal to it get a frame. Returns the figure.
    """
    table = payoff.reshape(8, 2).T  # [2, 8]
    fig, ax = plt.subplots(figsize=(8.2, 2.9))
    image = ax.imshow(table, aspect="auto")
    for (row, column), total in np.ndenumerate(table):
        shade = "black" if total > np.mean([table.min(), table.max()]) else "white"
        ax.text(column, row, f"{total:g}".replace("-", "−"), ha="center", va="center", color=shade, fontsize=15)
        if mark is not None and np.isclose(total, mark):
            box = plt.Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor=BAD, linewidth=3.5)
            ax.add_patch(box)
    ax.set_xticks(range(8), [letters(a) for a in np.ndindex(2, 2, 2)], family="monospace")
    ax.set_yticks([0, 1], ["D rests", "D lifts"])
    ax.set_xlabel("actions of A, B, C (L lift, R rest)")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    fig.colorbar(image, ax=ax, label="team's reward", pad=0.02)
    return fig


def signed_bars(ax, values, labels):
    """Bars from zero: blue up, vermillion down, and a grey dot where the value is zero."""
    values = np.where(np.isclose(values, 0), 0.0, values)
    places = np.arange(len(values))
    ax.bar(places, values, width=0.7, color=[GOOD if v > 0 else BAD for v in values])
    for place, value in zip(places, values, strict=True):
        if value == 0:
            ax.plot(place, 0, "o", color=NEUTRAL, markersize=5)
        else:
            ax.annotate(
                f"{value:+g}".replace("-", "−"),
                (place, value),
                xytext=(0, 3 if value > 0 else -3),
                textcoords="offset points",
                ha="center",
                va="bottom" if value > 0 else "top",
                fontsize=12,
            )
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set_xticks(places, labels)
    ax.grid(axis="x", visible=False)


def side_by_side(game, actions):
    """Pictures of a game at several joint actions `[[n], ...]`, one beside the other. Returns the figure."""
    fig, axes = plt.subplots(1, len(actions), figsize=(4.2 * len(actions), 3.4), layout="none")
    fig.subplots_adjust(0, 0, 1, 1, wspace=0)
    for ax, action in zip(axes, actions, strict=True):
        draw_one_shot(ax, game, action)
        for text in ax.texts:
            text.set_fontsize(1.2 * text.get_fontsize())
    return fig


def what_if_bars(payoff: np.ndarray, agent: int = 1):
    """What the agent's lift is worth (payoff with it less payoff without it) for each choice of the others.

    payoff: `[2] * 4`. Returns the figure.
    """
    worth = payoff.take(1, axis=agent) - payoff.take(0, axis=agent)  # [2, 2, 2]
    others = [name for i, name in enumerate("ABCD") if i != agent]
    fig, ax = plt.subplots(figsize=(7.6, 3.4))
    signed_bars(ax, worth.ravel(), [letters(a) for a in np.ndindex(worth.shape)])
    ax.set_xticks(ax.get_xticks(), [label.get_text() for label in ax.get_xticklabels()], family="monospace")
    ax.margins(y=0.15)
    ax.set_xlabel(f"what {', '.join(others)} do (L lift, R rest)")
    ax.set_ylabel(f"worth of {'ABCD'[agent]}'s lift")
    return fig


def dividend_bars(terms: dict[str, np.ndarray], references: dict[str, tuple[int, ...]]):
    """One panel for each title: the dividend of every group when all its members leave their reference.

    terms: `{title: [2] * n}` as `anchored_terms` returns them; references: `{title: n actions}`. Returns the figure.
    """
    fig, axes = plt.subplots(len(terms), 1, figsize=(9, 3.1 * len(terms)), sharex=True, sharey=True)
    n = len(next(iter(references.values())))
    acting = sorted(np.ndindex((2,) * n), key=lambda who: (sum(who), [-w for w in who]))  # who leaves the reference
    names = ["".join("ABCDEFGH"[i] for i in range(n) if who[i]) or "∅" for who in acting]
    starts = [next(j for j, who in enumerate(acting) if sum(who) == k) for k in range(n + 1)] + [len(acting)]
    for ax, (title, table) in zip(np.atleast_1d(axes), terms.items(), strict=True):
        played = [tuple(o ^ w for o, w in zip(references[title], who, strict=True)) for who in acting]
        for k in range(0, n + 1, 2):  # a shade behind every second level
            ax.axvspan(starts[k] - 0.5, starts[k + 1] - 0.5, color="#F2F2F2", zorder=0)
        signed_bars(ax, [table[a] for a in played], names)
        ax.set_title(title)
        ax.set_xlim(-0.5, len(acting) - 0.5)
        ax.margins(y=0.2)
        ax.set_ylabel("dividend")
    first, last = np.atleast_1d(axes)[[0, -1]]
    for k in range(n + 1):
        middle = (starts[k] + starts[k + 1] - 1) / 2
        first.text(
            middle, 0.04, f"level {k}", transform=first.get_xaxis_transform(), ha="center", color=NEUTRAL, fontsize=11
        )
    last.set_xlabel("group (a grey dot: its dividend is zero)")
    return fig


def seen_and_fitted(rewards: np.ndarray, fitted: np.ndarray, seen: np.ndarray, names, title: str = ""):
    """All true rewards as bars, blue where seen, grey where not; a black diamond where the fitted dividends put them.

    rewards, fitted: `[M]`; seen: bool `[M]`; names of the M joint actions. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.6, 3.6))
    places = np.arange(len(rewards))
    for which, colour, label in ((seen, GOOD, "reward, seen"), (~seen, "#BBBBBB", "reward, not seen")):
        ax.vlines(places[which], 0, rewards[which], color=colour, linewidth=13, label=label)
        zero = which & np.isclose(rewards, 0)
        ax.plot(places[zero], rewards[zero], "_", color=colour, markersize=13, markeredgewidth=4)
    ax.plot(places, fitted, "D", color="black", markersize=6, label="fitted")
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set_ylim(-4.4, 7.6)
    ax.set_xticks(places, names, rotation=90, family="monospace")
    ax.set_ylabel("team's reward")
    ax.grid(axis="x", visible=False)
    ax.set_title(title)
    ax.legend(ncols=3, loc="upper left", columnspacing=1.2, handlelength=1.2)
    return fig
