"""The replay player: an episode of the warehouse, step by step, beside what was paid and credited up to there."""

from __future__ import annotations

import html

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from maca_edu.widgets.frames import Explorer, figure_frame, html_leaves
from maca_edu.widgets.style import BAD, NEUTRAL
from toy_envs.render_warehouse import LEVEL_COLOURS, draw_warehouse
from toy_envs.warehouse_v0 import Warehouse

WALK, LIFT = "#F0A878", BAD  # what walking and what lifting costs
HATCHES = ("", "///", "...", "xx")  # tell apart crews of the same size
MAX_STEPS = 40  # pictures that a page has room for


def replay(game: Warehouse, states, actions, payments, credit=None, start: int = 0) -> Explorer:
    """Play, pause and scrub through an episode; it needs no kernel, so it also moves in the static book.

    states: `[T + 1, D]`, the first one before step 1; actions: `[T, n]`; payments: `[T, K]`, as `game.step` gives them.
    credit: what each group of agents is credited with at each step, `{group: [T]}`, for a second chart below the
    payments. start: the step shown first, 0 to T.
    ValueError where the shapes do not fit, the episode has more than 40 steps or the game is no warehouse.
    """
    states, actions, payments = check_episode(game, states, actions, payments)
    credit = check_credit(credit, len(actions))
    T = len(actions)
    if not 0 <= start <= T:
        raise ValueError(f"start={start}; allowed are 0 to {T}")
    picture = Picture(game, states, payments, credit)
    leaves = []
    for step in range(T + 1):
        alt, caption = describe(game, states, actions, payments, credit, step)
        leaves.append(figure_frame(picture.after(step, actions), alt) + caption)
    play = widgets.Play(value=start, min=0, max=T, interval=1000, show_repeat=False)
    slider = widgets.IntSlider(value=start, min=0, max=T, description="step", layout={"width": "24em"})
    stack = widgets.Stack(html_leaves(leaves), selected_index=start)
    widgets.jslink((play, "value"), (slider, "value"))
    widgets.jslink((slider, "value"), (stack, "selected_index"))
    controls = widgets.HBox([play, slider], layout={"flex_flow": "row wrap"})
    text = f"A replay of {T} steps in {game.name}: run this cell to play it."
    return Explorer([controls, stack], "maca-replay", text)


def payment_bars(game, states, payments):
    """What to stack at each step: `[(label, [T] amounts, colour, hatch)]`, loads first, then walking and lifting."""
    L = game.n_loads
    crews = game.unpack(states[:1]).crew[0]  # [L, n]
    bars, seen = [], {}
    for l, crew in enumerate(crews):
        level = min(int(crew.sum()), len(LEVEL_COLOURS))
        hatch = HATCHES[seen.get(level, 0) % len(HATCHES)]
        seen[level] = seen.get(level, 0) + 1
        bars.append((f"load of {members(game, np.flatnonzero(crew))}", payments[:, l], LEVEL_COLOURS[level - 1], hatch))
    bars.append(("walking", payments[:, L::2].sum(axis=1), WALK, ""))
    bars.append(("lifting", payments[:, L + 1 :: 2].sum(axis=1), LIFT, ""))
    return bars


def credit_bars(game, credit):
    """What to stack at each step: one colour for each level, in the order given."""
    bars, named = [], set()
    for group, amounts in credit.items():
        level = min(len(group), len(LEVEL_COLOURS))
        several = "+" if level == len(LEVEL_COLOURS) < game.n_agents else ""
        label = f"level {level}{several}" if level not in named else None
        named.add(level)
        bars.append((label, amounts, LEVEL_COLOURS[level - 1], ""))
    return bars


class Picture:
    """The floor beside one or two charts. The charts are drawn once and then uncovered step by step."""

    def __init__(self, game, states, payments, credit):
        self.game, self.states, self.payments = game, states, payments
        self.fig = Figure(figsize=(9.6, 4.4))
        self.fig.set_layout_engine("none")  # also when the figure is saved again
        self.floor = self.fig.add_axes((0.0, 0.02, 0.42, 0.96))
        charts = {"paid at each step": payment_bars(game, states, payments)}
        if credit:
            charts["credit at each step"] = credit_bars(game, credit)
        height = 0.86 / len(charts)
        self.bars, self.now = [], []  # (step, bar) and, in each chart, a shade over the step shown
        for k, (title, stacked) in enumerate(charts.items()):
            ax = self.fig.add_axes((0.5, 0.12 + (len(charts) - 1 - k) * height, 0.36, height - 0.1))
            self.bars += draw_bars(ax, stacked, len(payments))
            self.now.append(ax.axvspan(0, 0.96, color="#000000", alpha=0.07, linewidth=0, zorder=0))
            ax.set_title(title, fontsize=12, loc="left", pad=4)
            ax.tick_params(labelsize=10, length=2, labelbottom=k == len(charts) - 1)
        ax.set_xlabel("step", fontsize=11, labelpad=1)

    def after(self, step, actions):
        """The figure as it is after `step` steps."""
        did = (actions[step - 1], self.payments[step - 1]) if step else (None, None)
        self.floor.clear()
        draw_warehouse(self.floor, self.game, self.states[step], *did)
        for when, bar in self.bars:
            bar.set_visible(when <= step)
        for shade in self.now:
            shade.set_x(step - 0.48)
            shade.set_visible(step > 0)
        return self.fig


def draw_bars(ax, stacked, T):
    """Stack gains upwards and losses downwards; returns `[(step, bar)]` for those that can be seen."""
    top, bottom, bars = np.zeros(T), np.zeros(T), []
    reach = max(sum(np.abs(amounts) for _, amounts, _, _ in stacked).max(), 1e-9)
    for label, amounts, colour, hatch in stacked:
        style = dict(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0.5)
        for t in np.flatnonzero(abs(amounts) > 0.002 * reach):  # less is not seen
            start = bottom[t] if amounts[t] < 0 else top[t]
            bars.append((t + 1, ax.add_patch(Rectangle((t + 0.6, start), 0.8, amounts[t], **style))))
        top, bottom = top + np.maximum(amounts, 0), bottom + np.minimum(amounts, 0)
        if label:
            ax.add_patch(Rectangle((0, 0), 0, 0, label=label, **style))
    margin = 0.04 * reach
    ax.set(xlim=(0.3, T + 0.7), ylim=(bottom.min() - margin, top.max() + margin))
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set_xticks(range(1, T + 1, 1 if T <= 14 else 2 if T <= 28 else 5))
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.06), fontsize=9, frameon=False, handlelength=1.2)
    return bars


def describe(game, states, actions, payments, credit, step) -> tuple[str, str]:
    """The picture in a sentence, for those who cannot see it, and the caption below it."""
    T, rewards = len(actions), np.add.accumulate(payments, axis=1)[:, -1]
    said, so_far = "Before the first step.", 0.0
    if step:
        said = happened(game, actions[step - 1], payments[step - 1], rewards[step - 1])
        so_far = np.add.accumulate(rewards)[step - 1]
    if step and credit:
        said += credited(game, {group: amounts[step - 1] for group, amounts in credit.items()})
    layout = game.unpack(states[step : step + 1])
    places = ", ".join(
        f"{i} in row {row + 1}, column {column + 1}"
        for i, row, column in zip(game.agents, layout.row[0], layout.column[0], strict=True)
    )
    alt = f"The warehouse after {step} of {T} steps: {places}. Loads delivered: {layout.delivered.sum()}. {said}"
    caption = (
        f'<p class="maca-replay-caption" style="margin: 0.2em 0; min-height: 3.2em"><b>Step {step} of {T}.</b> '
        f'{html.escape(said)} Paid so far: <span class="maca-replay-total">{signed(so_far)}</span>.</p>'
    )
    return alt, caption


def happened(game, action, payments, reward) -> str:
    """What everybody did in one step, and what it paid."""
    acts = ", ".join(f"{i} {game.actions[a]}" for i, a in zip(game.agents, action, strict=True))
    paid = [f"{term.name} {signed(x)}" for term, x in zip(game.reward_terms, payments, strict=True) if x]
    return f"{acts}. Paid: {', '.join(paid) or 'nothing'}. Reward {signed(reward)}."


def credited(game, credit) -> str:
    """The credit of one step: its sum and the largest parts."""
    largest = sorted(credit, key=lambda group: -abs(credit[group]))[:3]
    parts = [f"{members(game, group)} {signed(credit[group], 2)}" for group in largest]
    return f" Credit {signed(sum(credit.values()), 2)}; the largest parts: {', '.join(parts)}."


def members(game, group) -> str:
    """A group as a word: (0, 2) is "AC"."""
    return "".join(game.agents[i] for i in group)


def signed(number: float, digits: int = 6) -> str:
    """A number with its sign, a true minus, and no needless digits after the point."""
    text = f"{number:+.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")
    return "0" if text in ("+", "−", "+0", "−0") else text


def check_episode(game, states, actions, payments):
    """The episode as three arrays, or one sentence about what is wrong."""
    if not isinstance(game, Warehouse):
        raise ValueError(f"game is a {type(game).__name__}; the replay shows a Warehouse")
    states, actions, payments = (np.asarray(part) for part in (states, actions, payments))
    T, n, K = len(actions), len(game.agents), len(game.reward_terms)
    if actions.shape != (T, n) or payments.shape != (T, K) or len(states) != T + 1 or T < 1:
        raise ValueError(
            f"states, actions and payments have shapes {states.shape}, {actions.shape} and {payments.shape}; "
            f"T steps of this game need (T + 1, D), (T, {n}) and (T, {K}), T at least 1"
        )
    if T > MAX_STEPS:
        raise ValueError(f"the episode has {T} steps; the replay has room for {MAX_STEPS}")
    game.unpack(states)  # says what is wrong with D
    return states, actions, payments


def check_credit(credit, T: int) -> dict:
    """The credit as `{group: [T]}`, or one sentence about what is wrong."""
    credit = {tuple(group): np.asarray(amounts, dtype=float) for group, amounts in (credit or {}).items()}
    for group, amounts in credit.items():
        if amounts.shape != (T,) or not group:
            raise ValueError(f"credit[{group}] has shape {amounts.shape}; expected ({T},) for a group of agents")
    return credit
