"""The sigma explorer: a threshold turns attention into CorrSets, and everything that follows from it moves at once."""

from __future__ import annotations

import html
from typing import Annotated, Literal

import ipywidgets as widgets
import numpy as np

from maca_edu.checks import Allowed, check, shown
from maca_edu.widgets.corrset_moments import Recorded, best_set, corrsets, recorded, scores, variances
from maca_edu.widgets.corrset_pictures import attention_map, corrset_graph, ladder
from maca_edu.widgets.frames import Explorer, html_leaves, html_table
from maca_edu.widgets.style import BAD, GOOD

FRAMES_UPDATES = (0, 1, 2, 8, 64)  # every picture counts in a notebook's size
EQUAL = 0.01  # variances that differ by less are called equal, and none of them is called the best
FRAMES_SIGMA = (0.0, 0.5, 0.9, 0.95, 1.0, 1.05, 1.1, 1.5, 2.5)  # in units of 1/n; .9 to 1.1 are Table 17's


def sigma_explorer(
    mode: str = "live", game: str = "Fridge", agent: str | None = None, update: int | None = None, sigma: float = 1.0
) -> Explorer:
    """Attention, CorrSets, precision and recall, and the exact variance of the baseline, while sigma moves.

    mode: "live" asks the kernel: menus for game and agent, sliders for sigma and for the update. "frames" holds
        precomputed pictures and needs no kernel, as in the book: sliders for sigma and for the update.
    game: one of "Fridge", "Ring of eight", "Long ring that moves", "Warehouse", "Figure 6 of the paper".
    agent: whose CorrSet is looked at; None: the first. update: how much the team has learned; None: the last one
        recorded. sigma: the threshold when the explorer opens, in units of 1/n, 0 to 3.
    ValueError where an argument is not one of these.
    """
    check("mode", mode, Literal["live", "frames"])
    if not isinstance(game, str) or game not in recorded():
        raise ValueError(f"game={shown(game)}; allowed are {', '.join(map(repr, recorded()))}")
    chosen = recorded()[game]
    updates = [step.update for step in chosen.steps]
    agent = chosen.agents[0] if agent is None else agent
    update = updates[-1] if update is None else update
    if not isinstance(agent, str) or agent not in chosen.agents:
        raise ValueError(f"agent={shown(agent)}; in {game!r} allowed are {', '.join(map(repr, chosen.agents))}")
    if type(update) is not int or update not in updates:
        raise ValueError(f"update={shown(update)}; in {game!r} allowed are {', '.join(map(str, updates))}")
    check("sigma", sigma, Annotated[float, Allowed("numbers from 0 to 3, in units of 1/n", lambda x: 0 <= x <= 3)])
    build, css_class = (live_controls, "maca-live") if mode == "live" else (framed_panels, "maca-sigma-frames")
    text = f"Sigma explorer of {game}: run this cell to move the threshold sigma."
    explorer = Explorer(build(chosen, agent, update, sigma), css_class, text)
    explorer.add_class("maca-sigma")
    return explorer


def live_controls(game: Recorded, agent: str, update: int, sigma: float) -> list[widgets.Widget]:
    """Menus and sliders, and one panel that is written anew whenever one of them changes."""
    look = {"style": {"description_width": "8em"}, "layout": {"width": "26em"}}
    games = widgets.Dropdown(options=list(recorded()), value=game.title, description="game", **look)
    agents = widgets.Dropdown(options=game.agents, value=agent, description="agent", **look)
    threshold = widgets.FloatSlider(sigma, min=0, max=3, step=0.05, description="σ in 1/n", **look)
    learned = widgets.SelectionSlider(
        options=[step.update for step in game.steps], value=update, description="updates", **look
    )
    shown = widgets.HTML()

    def hide_or_show_updates():
        learned.layout.display = None if len(learned.options) > 1 else "none"

    def draw(change=None):
        shown.value = panel(recorded()[games.value], agents.value, learned.value, threshold.value)

    def change_game(change):
        now = recorded()[games.value]
        for control, options in ((agents, now.agents), (learned, [step.update for step in now.steps])):
            control.unobserve(draw, "value")  # new options also set a new value: draw once, not thrice
            control.options = options
            control.observe(draw, "value")
        learned.value = now.steps[-1].update
        hide_or_show_updates()
        draw()

    games.observe(change_game, "value")
    for control in (agents, threshold, learned):
        control.observe(draw, "value")
    hide_or_show_updates()
    draw()
    return [widgets.VBox([games, agents, threshold, learned]), shown]


def framed_panels(game: Recorded, agent: str, update: int, sigma: float) -> list[widgets.Widget]:
    """A slider for sigma, one for the update, and a panel for every pair: a Stack of Stacks, linked in the browser."""
    thresholds = sorted({*FRAMES_SIGMA, float(sigma)})
    updates = [step.update for step in game.steps if step.update in {*FRAMES_UPDATES, update}]
    look = {"style": {"description_width": "initial"}, "layout": {"width": "auto", "max_width": "44em"}}
    sigmas = widgets.SelectionSlider(
        options=[f"{x:.2f}" for x in thresholds], index=thresholds.index(float(sigma)), description="σ in 1/n", **look
    )
    learned = widgets.SelectionSlider(
        options=[str(x) for x in updates], index=updates.index(update), description="updates", **look
    )
    rows = []
    for after in updates:
        leaves = html_leaves(panel(game, agent, after, threshold) for threshold in thresholds)
        leaves[0].layout.width = "100%"  # the leaves share one layout
        rows.append(widgets.Stack(leaves, selected_index=sigmas.index, layout={"width": "100%"}))
        widgets.jslink((sigmas, "index"), (rows[-1], "selected_index"))
    stack = widgets.Stack(rows, selected_index=learned.index, layout={"width": "100%"})
    widgets.jslink((learned, "index"), (stack, "selected_index"))
    return [sigmas, learned, stack] if len(updates) > 1 else [sigmas, stack]


def panel(game: Recorded, agent: str, update: int, sigma: float) -> str:
    """The map, the graph, the numbers and the ladder at a threshold of sigma / n, as HTML."""
    n, i = len(game.agents), game.agents.index(agent)
    attention = game.at(update).attention
    corrset = corrsets(attention, sigma / n)
    pictures = attention_map(attention, corrset, game.partners, game.agents, i) + corrset_graph(
        corrset, game.partners, game.agents, i
    )
    return (
        f'<div style="line-height: 1.5"><div>{html.escape(game.title)}: {html.escape(game.moment)}</div>'
        '<div style="display: flex; flex-wrap: wrap; gap: 0.5em 1.5em; align-items: center">'
        f"{pictures}<div>{numbers(game, i, update, sigma)}</div></div>"
        f"{ladder(attention[i], sigma / n, game.partners, game.agents, i)}{legend(game)}</div>"
    )


def numbers(game: Recorded, agent: int, update: int, sigma: float) -> str:
    """A table: how well the CorrSets find the partners, and what the agent's own CorrSet costs, as HTML."""
    n, name = len(game.agents), game.agents[agent]
    corrset = corrsets(game.at(update).attention, sigma / n)
    found = scores(corrset, game.partners)
    members = "".join(game.agents[j] for j in np.flatnonzero(corrset[agent]))
    rows = [
        ("σ", f'<strong class="maca-sigma-value">{sigma / n:.3f}</strong> = {sigma:.2f}/{n}'),
        (f"C of {name}", f'<span class="maca-sigma-members">{members}</span>'),
        ("mean size", f"{found.size:.2f} of {n}"),
    ]
    if game.partners is not None:
        rows.append(
            (
                "precision",
                f'<span class="maca-sigma-precision">{share(found.precision)}</span> (chance {share(found.chance)})',
            )
        )
        rows.append(("recall", f'<span class="maca-sigma-recall">{share(found.recall)}</span>'))
        costs = variances(game.title, update, agent, sigma / n)
        best = "".join(game.agents[j] for j in best_set(game.title, update, agent))
        if max(costs) <= (1 + EQUAL) * min(costs):
            best = f"all within {100 * EQUAL:.0f} %"
        kinds = ("Ind", "Cor, this σ", "&emsp;by chance", "Cor, true partners", f"Cor, best: {best}", "Jnt")
        rows.append((f"gradient variance of {name}", ""))
        for what, cost in zip(kinds, costs, strict=True):
            key = ' class="maca-sigma-variance"' if what.startswith("Cor, this") else ""
            rows.append((f"&emsp;{what}", f"{bar(cost / (max(costs) or 1.0))} <span{key}>{cost:#.3g}</span>"))
    else:
        rows.append(("true partners", "not known"))
    return html_table(rows)


def bar(part: float) -> str:
    """A bar for a share from 0 to 1, as HTML."""
    return (
        '<span aria-hidden="true" style="display: inline-block; width: 5em; height: 0.7em; border: 1px solid">'
        f'<span style="display: block; height: 100%; width: {100 * part:.0f}%; background: #56B4E9"></span></span>'
    )


def share(x: float) -> str:
    """A share with two digits, a dash where there is none."""
    return "–" if np.isnan(x) else f"{x:.2f}"


def legend(game: Recorded) -> str:
    """What the marks mean, as HTML."""
    if game.partners is None:
        return (
            "<div>A frame and an arrow: admitted to the CorrSet of the agent in the row. "
            "Grey strip: σ from 0.9/n to 1.1/n.</div>"
        )
    return (
        "<div>Dot: a true partner. Frame and arrow: admitted to the CorrSet of the agent in the row, "
        f'<span style="color: {GOOD}">■</span> blue if a partner, '
        f'<span style="color: {BAD}">■</span> vermillion if not. '
        "Dotted arrow: a partner overlooked. Grey strip: σ from 0.9/n to 1.1/n.</div>"
    )
