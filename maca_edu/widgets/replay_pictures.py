"""The pictures of the replay: the floor of the warehouse beside bars for what each step paid and was credited with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from maca_edu.widgets.style import BAD, NEUTRAL
from toy_envs.render_warehouse import LEVEL_COLOURS, draw_warehouse

WALK, LIFT = "#F0A878", BAD  # the colours of what walking and of what lifting costs
HATCHES = ("", "///", "...", "xx")  # tell apart crews of the same size


class Bars(NamedTuple):
    """One amount for each step of the episode, and how its bars look."""

    label: str | None  # None: the legend has this look already
    amounts: np.ndarray  # [T]
    colour: str
    hatch: str


def payment_bars(game, states, payments) -> list[Bars]:
    """What is paid at each step: one entry for each load, in its level's colour, then all walking and all lifting."""
    L = game.n_loads
    crews = game.unpack(states[:1]).crew[0]  # [L, n]
    bars, seen = [], {}  # seen: how many crews there were of each size so far
    for l, crew in enumerate(crews):
        level = min(int(crew.sum()), len(LEVEL_COLOURS))
        hatch = HATCHES[seen.get(level, 0) % len(HATCHES)]
        seen[level] = seen.get(level, 0) + 1
        label = f"load of {members(game, np.flatnonzero(crew))}, level {crew.sum()}"
        bars.append(Bars(label, payments[:, l], LEVEL_COLOURS[level - 1], hatch))
    # After the loads come each agent's walking and lifting in turn: walk_A, lift_A, walk_B, lift_B, ...
    bars.append(Bars("walking", payments[:, L::2].sum(axis=1), WALK, ""))
    bars.append(Bars("lifting", payments[:, L + 1 :: 2].sum(axis=1), LIFT, ""))
    return bars


def credit_bars(game, credit) -> list[Bars]:
    """What is credited at each step: one entry for each group, in the order given, coloured by its level."""
    bars, named = [], set()
    for group, amounts in credit.items():
        level = min(len(group), len(LEVEL_COLOURS))
        or_more = "+" if level == len(LEVEL_COLOURS) < game.n_agents else ""
        label = f"level {level}{or_more}" if level not in named else None
        named.add(level)
        bars.append(Bars(label, amounts, LEVEL_COLOURS[level - 1], ""))
    return bars


class Picture:
    """The floor beside one or two charts. The charts are drawn once, and their bars are uncovered step by step."""

    def __init__(self, game, states, payments, credit):
        self.game, self.states, self.payments = game, states, payments
        self.fig = Figure(figsize=(9.6, 4.4))
        self.fig.set_layout_engine("none")  # else the style's layout would move the axes whenever a picture is saved
        self.floor = self.fig.add_axes((0.0, 0.02, 0.42, 0.96))
        charts = {"paid at each step": payment_bars(game, states, payments)}
        if credit:
            charts["credit at each step"] = credit_bars(game, credit)
        height = 0.86 / len(charts)
        self.bars, self.now = [], []  # (step, bar) of all charts; a shade over the step shown, one in each chart
        for k, (title, stacked) in enumerate(charts.items()):
            ax = self.fig.add_axes((0.48, 0.12 + (len(charts) - 1 - k) * height, 0.34, height - 0.1))
            self.bars += draw_bars(ax, stacked, len(payments))
            self.now.append(ax.axvspan(0, 0.96, color="#000000", alpha=0.07, linewidth=0, zorder=0))
            ax.set_title(title, fontsize=12, loc="left", pad=4)
            ax.tick_params(labelsize=10, length=2, labelbottom=k == len(charts) - 1)
        ax.set_xlabel("step", fontsize=11, labelpad=1)

    def after(self, step, actions) -> Figure:
        """The figure as it is after `step` steps: the same figure at every call, changed in place."""
        did = (actions[step - 1], self.payments[step - 1]) if step else (None, None)
        self.floor.clear()
        draw_warehouse(self.floor, self.game, self.states[step], *did)
        for when, bar in self.bars:
            bar.set_visible(when <= step)
        for shade in self.now:
            shade.set_x(step - 0.48)
            shade.set_visible(step > 0)
        return self.fig


def draw_bars(ax, stacked: list[Bars], T: int) -> list[tuple[int, Rectangle]]:
    """Stack gains upwards and losses downwards at each of T steps; returns each bar with its step, 1 to T.

    Amounts too small to be seen get no bar.
    """
    top, bottom, drawn = np.zeros(T), np.zeros(T), []
    reach = max(sum(np.abs(bars.amounts) for bars in stacked).max(), 1e-9)
    for label, amounts, colour, hatch in stacked:
        style = dict(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0.5)
        for t in np.flatnonzero(abs(amounts) > 0.002 * reach):
            start = bottom[t] if amounts[t] < 0 else top[t]
            drawn.append((t + 1, ax.add_patch(Rectangle((t + 0.6, start), 0.8, amounts[t], **style))))
        top, bottom = top + np.maximum(amounts, 0), bottom + np.minimum(amounts, 0)
        if label:
            ax.add_patch(Rectangle((0, 0), 0, 0, label=label, **style))  # for the legend alone
    margin = 0.04 * reach
    ax.set(xlim=(0.3, T + 0.7), ylim=(bottom.min() - margin, top.max() + margin))
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set_xticks(range(1, T + 1, 1 if T <= 14 else 2 if T <= 28 else 5))
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.06), fontsize=9, frameon=False, handlelength=1.2)
    return drawn


def members(game, group) -> str:
    """A group as a word: (0, 2) is "AC"."""
    return "".join(game.agents[i] for i in group)
