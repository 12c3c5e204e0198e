"""The replay player: an episode of the warehouse, step by step, beside what was paid and credited up to there."""

from __future__ import annotations

import html

import ipywidgets as widgets
import numpy as np

from maca_edu.checks import check_integer, shown
from maca_edu.widgets.frames import Explorer, figure_frame, html_leaves
from maca_edu.widgets.replay_pictures import Picture, members
from toy_envs.core import check_numbers, check_whole_numbers
from toy_envs.warehouse_v0 import Warehouse

MAX_STEPS = 40  # pictures that a page has room for


def replay(game: Warehouse, states, actions, payments, credit=None, start: int = 0) -> Explorer:
    """Play and pause an episode, or move a slider through it. It needs no kernel, so it also moves in the static book.

    states: `[T + 1, D]`, the first one before step 1; actions: `[T, n]`; payments: `[T, K]`, as `game.step` gives them.
    credit: what each group of agents is credited with at each step, `{group: [T]}`, for a second chart below the
        payments.
    start: how many steps are over in the picture shown first, 0 to T.
    ValueError where the shapes do not fit, the episode has more than 40 steps or the game is no warehouse.
    """
    states, actions, payments = check_episode(game, states, actions, payments)
    credit = check_credit(credit, len(actions))
    T = len(actions)
    if check_integer("start", start, 0) > T:
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


def describe(game, states, actions, payments, credit, step) -> tuple[str, str]:
    """After `step` steps: the picture in words, for readers who cannot see it, and the caption below it, as HTML."""
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
    """What everybody did in one step, and what it paid, in words."""
    acts = ", ".join(f"{i} {game.actions[a]}" for i, a in zip(game.agents, action, strict=True))
    paid = [f"{term.name} {signed(x)}" for term, x in zip(game.reward_terms, payments, strict=True) if x]
    return f"{acts}. Paid: {', '.join(paid) or 'nothing'}. Reward {signed(reward)}."


def credited(game, credit) -> str:
    """What one step was credited with, `{group: number}`, in words: the sum and the three largest parts.

    Of parts that look the same, small groups come first, in the order of their agents, whatever their last bits say.
    """
    largest = sorted(credit, key=lambda group: (-round(abs(credit[group]), 2), len(group), group))[:3]
    parts = [f"{members(game, group)} {signed(credit[group], 2)}" for group in largest]
    return f" Credit {signed(sum(credit.values()), 2)}; the largest parts: {', '.join(parts)}."


def signed(number: float, digits: int = 6) -> str:
    """A number with its sign, a true minus, and no needless digits after the point."""
    text = f"{number:+.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")
    return "0" if text in ("+", "−", "+0", "−0") else text


def check_episode(game, states, actions, payments):
    """The episode as three arrays; ValueError where they do not fit together or are too long."""
    if not isinstance(game, Warehouse):
        raise ValueError(f"game is a {type(game).__name__}; the replay shows a Warehouse")
    states = check_whole_numbers("states", states, (None, None))
    actions = check_whole_numbers("actions", actions, (None, len(game.agents)), len(game.actions) - 1)
    payments = check_numbers("payments", payments)
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
    """The credit as `{group: [T]}`, empty where none is given; ValueError where a group has not T numbers."""
    if credit is not None and not isinstance(credit, dict):
        raise ValueError(f"credit={shown(credit)}; allowed is {{group: [T]}}, or None")
    credit = {tuple(group): check_numbers(f"credit[{group}]", amounts) for group, amounts in (credit or {}).items()}
    for group, amounts in credit.items():
        if amounts.shape != (T,) or not group:
            raise ValueError(f"credit[{group}] has shape {amounts.shape}; expected ({T},) for a group of agents")
    return credit
