"""The psi explorer: controls beside the triangle of mixtures, and the numbers of the mixture chosen."""

from __future__ import annotations

import html
from typing import Annotated, Literal

import ipywidgets as widgets
import numpy as np

from maca_edu.checks import Allowed, check, shown
from maca_edu.widgets.console import signed
from maca_edu.widgets.frames import Explorer, html_leaves, html_table
from maca_edu.widgets.mixture_pictures import drawing, in_words, mixture_at
from maca_edu.widgets.mixture_variance import (
    BASELINES,
    TEAM,
    Setting,
    agents_in_view,
    components,
    settings,
    triangle,
    views_of,
)

FRAMES_P = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)  # where the slider of the frames stops


def psi_explorer(mode: str = "live", game: str = "Fridge", view: str = "B", p: float = 0.7) -> Explorer:
    """A triangle of mixtures, coloured by exact gradient variance, with sliders.

    mode: "live" asks the kernel: menus for game and view, sliders for p and psi; a click in the triangle moves the
        sliders of psi to its place. "frames" holds precomputed pictures and needs no kernel, as in the book: a slider
        for p and buttons for five choices of psi; a click in the triangle presses the button of the nearest.
    game: one of "Fridge", "Ring of six", "Rope, C overlooked", "Climb".
    view: whose gradient: the name of an agent, or "team" for the sum over all agents.
    p: the probability of each agent's likely action when the explorer opens; 0.5 to 0.99.
    ValueError where an argument is not one of these.
    """
    check_psi_explorer(mode, game, view, p)
    if mode == "live":
        children, css_class = live_controls(game, view, p), "maca-live"
    else:
        children, css_class = framed_panels(game, view, p), "maca-psi-frames"
    text = f"Psi explorer of {game}, {view}: run this cell to move the sharpness p and the mixture psi."
    explorer = Explorer(children, css_class, text)
    explorer.add_class("maca-psi")
    return explorer


def live_controls(name: str, view: str, p: float) -> list[widgets.Widget]:
    """Menus and sliders, one panel that is written anew whenever one of them changes, and a field that hears clicks."""
    look = {"style": {"description_width": "8em"}, "layout": {"width": "25em"}}
    games = widgets.Dropdown(options=list(settings()), value=name, description="game", **look)
    views = widgets.Dropdown(options=views_of(name), value=view, description="view", **look)
    sharpness = widgets.FloatSlider(p, min=0.5, max=0.99, step=0.01, description="sharpness p", **look)
    jnt = widgets.FloatSlider(0.33, min=0, max=1, step=0.01, description="ψ Jnt", **look)
    cor = widgets.FloatSlider(0.33, min=0, max=1, step=0.01, description="ψ Cor", **look)
    shown = widgets.HTML()
    clicked = widgets.Text(continuous_update=False, layout={"display": "none"})  # the drawing writes "x y time" into it
    clicked.add_class("maca-psi-click")

    def draw(change=None):
        psi = (jnt.value, max(0.0, 1 - jnt.value - cor.value), cor.value)
        shown.value = panel(games.value, views.value, sharpness.value, psi)

    def change_weight(change):  # the weights must not sum to more than 1: raising one lowers the other
        other = cor if change["owner"] is jnt else jnt
        other.value = min(other.value, round(1 - change["new"], 2))
        draw()

    def change_game(change):
        views.unobserve(draw, "value")  # the new list of views also sets a new value: draw once, not twice
        views.options = views_of(games.value)
        views.observe(draw, "value")
        draw()

    def click(change):
        x, y, _ = map(float, change["new"].split())
        new_jnt, _, new_cor = mixture_at(x, y)
        jnt.value = round(new_jnt, 2)
        cor.value = min(round(new_cor, 2), round(1 - jnt.value, 2))

    games.observe(change_game, "value")
    views.observe(draw, "value")
    sharpness.observe(draw, "value")
    jnt.observe(change_weight, "value")
    cor.observe(change_weight, "value")
    clicked.observe(click, "value")
    draw()
    return [widgets.VBox([games, views, sharpness, jnt, cor]), shown, clicked]


def framed_panels(name: str, view: str, p: float) -> list[widgets.Widget]:
    """A slider for p, buttons for psi, and a panel for every choice of the two.

    The panels are a Stack of Stacks: the slider chooses the inner Stack, the buttons choose a panel in it. The links
    work in the browser, without a kernel.
    """
    steps = sorted({*FRAMES_P, p})
    buttons = widgets.ToggleButtons(
        options=["thirds", "Ind", "Cor", "Jnt", "best"], index=0, style={"button_width": "6em"}
    )
    slider = widgets.SelectionSlider(
        options=[f"{step:.2f}" for step in steps],
        index=steps.index(p),
        description="sharpness p",
        style={"description_width": "initial"},
        layout={"width": "auto", "max_width": "44em"},
    )
    rows = []
    for step in steps:
        best = triangle(name, view, step).best
        mixtures = [np.full(3, 1 / 3), (0, 1, 0), (0, 0, 1), (1, 0, 0), best]  # in the order of the buttons
        leaves = html_leaves(panel(name, view, step, psi, mixtures) for psi in mixtures)
        leaves[0].layout.width = "100%"  # the leaves share one layout
        rows.append(widgets.Stack(leaves, selected_index=0, layout={"width": "100%"}))
        widgets.jslink((buttons, "index"), (rows[-1], "selected_index"))
    stack = widgets.Stack(rows, selected_index=slider.index, layout={"width": "100%"})
    widgets.jslink((slider, "index"), (stack, "selected_index"))
    return [slider, buttons, stack]


def panel(name: str, view: str, p: float, psi, choices=()) -> str:
    """The triangle with a circle at psi `[3]`, and beside it the numbers of this mixture, as HTML.

    choices: the mixtures that a click in the triangle can choose; empty: any.
    """
    p = round(float(p), 4)  # a slider's 0.7000000000000001 is 0.7
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0.5em 1em; align-items: center; line-height: 1.5">'
        f"{drawing(name, view, p, psi, choices)}<div>{numbers(name, view, p, psi)}{kept(name, view, psi)}</div></div>"
    )


def numbers(name: str, view: str, p: float, psi) -> str:
    """A table: mean and variance of the gradient with psi, and the variances to compare it with, as HTML."""
    mixtures = triangle(name, view, p)
    variance, (least, _) = float(mixtures.variance(psi)), mixtures.extremes()
    ratio = f"{variance / least:.2f} × the least" if least > 1e-12 else "the least is 0"
    rows = [
        ("mean gradient", mean_gradients(name, view, p)),
        ("variance", f'<strong class="maca-psi-variance">{variance:.4f}</strong> ({ratio})'),
        ("ψ, the circle", in_words(psi)),
        ("★, the least", f'<span class="maca-psi-least">{least:.4f}</span> at<br>{in_words(mixtures.best)}'),
    ]
    for baseline, alone in zip(BASELINES, mixtures.variance(np.eye(3)), strict=True):
        rows.append((f"all {baseline}", f"{alone:.4f}"))
    rows.append(("best legal baseline", f"{mixtures.floor:.4f}"))
    return html_table(rows)


def mean_gradients(name: str, view: str, p: float) -> str:
    """The mean gradient of each agent in view, one line each, as HTML; a team's lines begin with the agent's name."""
    game = settings()[name].game
    actions = [f"action {label}" if label.isdigit() else label for label in game.actions]
    lines = []
    for i, mean in triangle(name, view, p).means.items():
        entries = [f"{action} {signed(round(entry, 4))}" for action, entry in zip(actions, mean, strict=True)]
        text = ", ".join(entries)
        if view == TEAM:
            text = f"{game.agents[i]} {text}"
        lines.append(f'<span class="maca-psi-mean">{html.escape(text)}</span>')
    return "<br>".join(lines)


def kept(name: str, view: str, psi) -> str:
    """Which components of the reward the mixture keeps, in three rows by their weight, each with a bar, as HTML."""
    setting = settings()[name]
    jnt, _, cor = psi
    if view == TEAM:
        own, near, far = "every agent: what it belongs to", "what else meets its CorrSet", "the rest"
    else:
        (agent,) = agents_in_view(setting, view)
        own, near, far = (group_names(setting, groups) or "none" for groups in components(setting, agent))
    lines = "".join(
        '<div style="display: flex; gap: 0.6em; align-items: center">'
        '<span aria-hidden="true" style="flex: none; width: 5em; height: 0.8em; border: 1px solid; opacity: 0.8">'
        f'<span style="display: block; height: 100%; width: {100 * weight:.0f}%; background: #56B4E9"></span></span>'
        f'<span style="flex: none; width: 2.6em">{weight:.2f}</span><span>{html.escape(text)}</span></div>'
        for weight, text in ((1.0, own), (jnt + cor, near), (jnt, far))
    )
    return f'<div class="maca-psi-kept" style="margin-top: 0.6em">Components kept, and with what weight:{lines}</div>'


def group_names(setting: Setting, groups) -> str:
    """Groups as words: (1,) and (0, 1) are "B, AB"."""
    return ", ".join("".join(setting.game.agents[i] for i in group) for group in groups)


def check_psi_explorer(mode, game, view, p) -> None:
    """Raise ValueError with one sentence about the first argument that is wrong."""
    check("mode", mode, Literal["live", "frames"])
    if not isinstance(game, str) or game not in settings():
        raise ValueError(f"game={shown(game)}; allowed are {', '.join(map(repr, settings()))}")
    if not isinstance(view, str) or view not in views_of(game):
        raise ValueError(f"view={shown(view)}; in {game!r} allowed are {', '.join(map(repr, views_of(game)))}")
    check("p", p, Annotated[float, Allowed("numbers from 0.5 to 0.99", lambda x: 0.5 <= x <= 0.99)])
