"""What the page shows: a tab for each explorer, with a sentence that says what to do with it."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from maca_edu import exact
from maca_edu.widgets import console, psi_explorer, replay, sigma_explorer
from toy_envs import fridge_v0, warehouse_v0

WAIT = '<p class="maca-app-wait">Python is preparing this explorer ...</p>'


class Tab(NamedTuple):
    """A tab of the page."""

    title: str
    chapter: int  # which explains what is seen
    sentence: str
    make: Callable[[], widgets.Widget]


def page() -> widgets.Tab:
    """The page: an explorer is made when its tab is opened for the first time, so that the first one is there soon."""
    rooms = [widgets.VBox([said(tab), widgets.HTML(WAIT)]) for tab in TABS]
    shown = widgets.Tab(rooms, titles=[tab.title for tab in TABS], selected_index=0)
    shown.add_class("maca-app")
    waiting = dict(enumerate(TABS))

    def open_tab(change=None) -> None:
        number = shown.selected_index
        if number in waiting:
            tab = waiting.pop(number)
            rooms[number].children = [said(tab), made(tab)]

    shown.observe(open_tab, "selected_index")
    open_tab()
    return shown


def said(tab: Tab) -> widgets.HTML:
    """A tab's sentence."""
    return widgets.HTML(f'<p class="maca-app-sentence">{html.escape(tab.sentence)} (Chapter {tab.chapter})</p>')


def made(tab: Tab) -> widgets.Widget:
    """A tab's explorer; where it cannot be made, a sentence in its place, for nobody would see the error."""
    try:
        return tab.make()
    except Exception as error:
        reason = html.escape(f"{type(error).__name__}: {error}")
        return widgets.HTML(f'<p role="alert">This explorer could not be made. {reason}</p>')


def cockpit() -> widgets.Widget:
    """The cockpit; it needs torch, which takes a moment to import."""
    from maca_edu.widgets import cockpit

    return cockpit("warehouse")


def trained_replay() -> widgets.Widget:
    """The episode that the cockpit shows, with what was paid, and the exact credit of every group of agents."""
    from maca_edu.widgets.cockpit_explorer import flight_of
    from maca_edu.widgets.cockpit_numbers import in_double

    flight = flight_of("warehouse")
    record = flight.record
    game, before = warehouse_v0.game("practice"), record.scene["state"]  # [T, D]
    after = game.step(before[-1:], record.action[-1:]).state
    credit: dict[tuple[int, ...], list[float]] = {}
    for q, policy, action in zip(record.q, flight.policy, record.action, strict=True):
        for group, part in exact.credit_spectrum(q, in_double(policy)).items():
            if group:  # all but (), which is the value
                credit.setdefault(group, []).append(part[tuple(action)])
    return replay(game, np.concatenate([before, after]), record.action, record.amount, credit)


TABS = (
    Tab(
        "Who paid?",
        1,
        "Choose what every agent does, and see what each term of the reward pays for it.",
        lambda: console(fridge_v0.game(), action=np.array([1, 1, 1, 0])),
    ),
    Tab(
        "Weights ψ",
        5,
        "Mix three baselines with the weights ψ: the mean of the gradient stays, its variance changes.",
        psi_explorer,
    ),
    Tab(
        "Threshold σ",
        11,
        "Move the threshold σ: whom does attention admit to the CorrSet, and are they the true partners?",
        lambda: sigma_explorer(game="Warehouse", update=8),
    ),
    Tab(
        "Cockpit",
        14,
        "One moment of a trained team: the credit that MACA gives every agent, beside the true credit.",
        cockpit,
    ),
    Tab(
        "Replay",
        6,
        "Play an episode of a trained team: above what each step paid, below who earned it.",
        trained_replay,
    ),
)
