"""The joint-action console: choose every agent's action and see which reward term paid what."""

from __future__ import annotations

import html
from itertools import product
from typing import Literal

import ipywidgets as widgets
import numpy as np

from maca_edu.checks import Natural, check, fits, in_python, shown
from maca_edu.widgets.frames import Explorer, html_leaves
from maca_edu.widgets.style import BAD, GOOD, agent_colour
from toy_envs import OneShotGame

MAX_AGENTS = 5
MAX_LEAVES = 64  # joint actions that the frames mode keeps in the page
CELL = "padding: 0.1em 0.5em; border: none; background: none; text-align: "
CHIP = (
    "display: inline-block; box-sizing: content-box; width: 1.5em; height: 1.5em; line-height: 1.5em; "
    "border-radius: 1em; margin: 1px 0.2em 1px 0; text-align: center; background: #fff; color: #000"
)


def console(game: OneShotGame, mode: str = "live", action=None) -> Explorer:
    """A row of buttons for each agent, and beside it what each reward term pays for the joint action chosen.

    mode: "live" asks the kernel; "frames" holds a panel for each of at most 64 joint actions and needs no kernel, as in
        the book.
    action: the joint action shown first, `[n]` numbers of actions (default: everyone's first).
    ValueError for a game that is not one-shot, has more than 5 agents or too many joint actions for "frames", and
    where mode or action is not one of these.
    """
    action = check_console(game, mode, action)
    width = f"{max(5, 2 + max(map(len, game.actions)))}em"
    buttons = [
        widgets.ToggleButtons(
            options=game.actions,
            index=a,
            tooltips=[f"Agent {name}: {label}" for label in game.actions],
            style={"button_width": width},
            layout={"width": "max-content"},
        )
        for name, a in zip(game.agents, action, strict=True)
    ]
    shown = live_panel(game, buttons) if mode == "live" else framed_panels(game, buttons)
    names = [widgets.HTML(f"Agent {chip(game, i)}") for i in range(game.n_agents)]
    rows = [widgets.HBox(pair, layout={"align_items": "center"}) for pair in zip(names, buttons, strict=True)]
    column = widgets.VBox(rows, layout={"flex": "0 0 auto"})
    beside = widgets.Box([column, shown], layout={"flex_flow": "row wrap", "align_items": "flex-start"})
    text = f"Joint-action console of {game.name}: run this cell to choose actions and see which reward term pays what."
    explorer = Explorer([beside], "maca-console", text)
    if mode == "live":
        explorer.add_class("maca-live")
    return explorer


def live_panel(game, buttons) -> widgets.HTML:
    """One panel, written anew whenever a button is pressed."""

    def chosen():
        return panel(game, [button.index for button in buttons])

    shown = widgets.HTML(chosen())
    for button in buttons:
        button.observe(lambda change: setattr(shown, "value", chosen()), names="index")
    return shown


def framed_panels(game, buttons) -> widgets.Stack:
    """A panel for every joint action: a Stack for agent A of Stacks for agent B ..., each linked to its agent."""
    level = html_leaves(panel(game, action) for action in product(range(game.n_actions), repeat=game.n_agents))
    for button in reversed(buttons):
        groups = [level[k : k + game.n_actions] for k in range(0, len(level), game.n_actions)]
        level = [widgets.Stack(group, selected_index=button.index) for group in groups]
        for stack in level:
            widgets.jslink((button, "index"), (stack, "selected_index"))
    return level[0]


def panel(game, action) -> str:
    """The reward terms and what each pays for one joint action `[n]`, with the total, as HTML."""
    state, _ = game.initial_states()
    step = game.step(state, np.array([action]))
    largest = max(np.abs(term.table).max() for term in game.reward_terms) or 1.0
    titles = {"Reward term": "left", "Agents": "left", "Level": "center", "Pays": "right", "loss | gain": "center"}
    head = "".join(f'<th scope="col" style="{CELL}{align}">{title}</th>' for title, align in titles.items())
    rows = "".join(
        row(game, term, paid, largest) for term, paid in zip(game.reward_terms, step.payments[0], strict=True)
    )
    return (
        '<table class="maca-console-terms" style="border-collapse: collapse; line-height: 1.6; '
        'font-variant-numeric: tabular-nums; color: inherit; margin: 0 0 0 1em">'
        f'<thead><tr style="background: none; border-bottom: 1px solid">{head}</tr></thead><tbody>{rows}</tbody>'
        '<tfoot><tr style="background: none; border-top: 1px solid; font-weight: bold">'
        f'<td colspan="3" style="{CELL}left">The team&#x27;s reward</td>'
        f'<td class="maca-console-total" style="{CELL}right">{signed(step.reward[0])}</td><td style="{CELL}left"></td>'
        "</tr></tfoot></table>"
    )


def row(game, term, paid: float, largest: float) -> str:
    """One reward term: its name, members, level, payment and bar."""
    chips = "".join(chip(game, i) for i in term.agents)
    cells = [
        ("left", html.escape(term.name)),
        ("left", chips),
        ("center", term.level),
        ("right", signed(paid)),
        ("left", bar(paid, largest)),
    ]
    return '<tr style="background: none">' + "".join(f'<td style="{CELL}{a}">{c}</td>' for a, c in cells) + "</tr>"


def chip(game, i: int) -> str:
    """Agent i's name in a ring of its colour."""
    return f'<span style="{CHIP}; border: 2px solid {agent_colour(i)}">{html.escape(game.agents[i])}</span>'


def bar(paid: float, largest: float) -> str:
    """A bar from the middle line: blue and to the right for a gain, vermillion and to the left for a loss."""
    width = 50 * abs(paid) / largest  # per cent of the track, whose middle is zero
    start, colour = (50, GOOD) if paid > 0 else (50 - width, BAD)
    return (
        '<div aria-hidden="true" style="position: relative; width: 9em; height: 1em">'
        f'<div style="position: absolute; left: {start:.1f}%; width: {width:.1f}%; height: 100%; '
        f'background: {colour}"></div>'
        '<div style="position: absolute; left: 50%; top: -0.6em; height: 2.2em; border-left: 1px solid"></div></div>'
    )


def signed(number: float) -> str:
    """A payment with its sign: "+6", "−0.5", "0"."""
    text = f"{number:+.4g}".replace("-", "−")
    return "0" if float(number) == 0 else text


def check_console(game, mode, action) -> list[int]:
    """The joint action shown first; ValueError with one sentence about the first argument that is wrong."""
    if not isinstance(game, OneShotGame):
        raise ValueError(f"game is a {type(game).__name__}; the console plays a OneShotGame")
    n, A = game.n_agents, game.n_actions
    if n > MAX_AGENTS:
        raise ValueError(f"game {game.name!r} has {n} agents; the console has room for at most {MAX_AGENTS}")
    check("mode", mode, Literal["live", "frames"])
    if mode == "frames" and A**n > MAX_LEAVES:
        raise ValueError(f'game {game.name!r} has {A**n} joint actions; mode="frames" holds at most {MAX_LEAVES}')
    if action is None:
        return [0] * n
    plain = in_python(action.tolist() if isinstance(action, np.ndarray) else action)
    if not fits(plain, tuple[Natural, ...]) or len(plain) != n or not all(a < A for a in plain):
        raise ValueError(f"action={shown(action)}; expected {n} numbers from 0 to {A - 1}, one for each agent")
    return list(plain)
