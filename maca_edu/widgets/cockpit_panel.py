"""What the cockpit shows of a moment, as HTML: the scene, the relations between agents, and the numbers."""

from __future__ import annotations

import html

import numpy as np

from maca_edu.widgets.cockpit_numbers import Flight, Opinion, Reading
from maca_edu.widgets.cockpit_pictures import (
    CRITIC,
    RETURN,
    TRUE,
    acts,
    bars_svg,
    paid,
    plain,
    reach_of,
    scene,
    signed,
)
from maca_edu.widgets.corrset_moments import scores
from maca_edu.widgets.corrset_pictures import CELL, LEFT, attention_map, corrset_graph

BASELINES = ("Jnt", "Ind", "Cor")
# Large type, for a projector; the tables of the book have lines and colours of their own, which are taken away.
STYLE = """<style>
.maca-cockpit { --jp-widgets-font-size: 16px; --jp-widgets-inline-height: 34px; --jp-widgets-inline-label-width: 5em;
  font-size: 17px; line-height: 1.45 }
.maca-cockpit .widget-html-content { font-size: 17px; line-height: 1.45; overflow-x: auto }
.maca-cockpit table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 17px; color: inherit;
  margin: 0; width: auto }
.maca-cockpit tr { background: none !important }
.maca-cockpit th, .maca-cockpit td { padding: 0 0.3em; border: none; background: none !important; text-align: right;
  vertical-align: middle; white-space: nowrap; color: inherit }
.maca-cockpit th { font-weight: normal }
.maca-cockpit thead th { vertical-align: bottom }
.maca-cockpit .left { text-align: left }
.maca-cockpit tbody tr.first > * { border-top: 1px solid #8A8A8A }
.maca-cockpit tr.dead { opacity: 0.45 }
</style>"""


def digits_of(flight: Flight) -> int:
    """How many digits after the point the numbers of an episode need."""
    return 2 if np.abs(flight.credit).max() >= 0.5 else 3


def scene_panel(flight: Flight, step: int) -> str:
    """The picture of a moment, and what was done and paid, as HTML."""
    alt = f"{flight.title}, step {step + 1} of {flight.record.steps}. {acts(flight, step)}. {paid(flight, step)}"
    return (
        f'<div style="max-width: 360px">{scene(flight, step, alt)}<div style="min-height: 3em">'
        f'<b class="maca-cockpit-step">Step {step + 1} of {flight.record.steps}.</b> '
        f"{html.escape(paid(flight, step))}</div></div>"
    )


def relations_panel(flight: Flight, step: int, reading: Reading) -> str:
    """Attention and CorrSets of a moment, and how well they find the partners, as HTML."""
    n, partners = len(flight.agents), flight.partners[step]
    scale = float(np.clip(330 / (LEFT + 6 + n * CELL), 1.2, 1.8))
    living = np.ix_(reading.alive, reading.alive)  # the dead count nowhere
    found = scores(reading.corrset[living], partners[living])
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0.5em 1.2em; align-items: center">'
        f"{attention_map(reading.attention, reading.corrset, partners, flight.agents, None, scale)}"
        f"{corrset_graph(reading.corrset, partners, flight.agents, None, 1.1)}</div>"
        f"<div>Attention, CorrSets framed at σ = {datum('sigma', plain(reading.sigma, 3))} = "
        f"{plain(n * reading.sigma, 2)}/{n}. Partners: precision {datum('precision', share(found.precision))}, "
        f"recall {datum('recall', share(found.recall))}, by chance {share(found.chance)}.</div>"
    )


def numbers_panel(flight: Flight, step: int, reading: Reading) -> str:
    """Baselines, advantages and true credit of every agent, as HTML."""
    digits, known = digits_of(flight), reading.exact is not None
    weights = reading.psi.mean(axis=0)
    psi = ", ".join(f"{name} {datum(f'psi {name}', plain(x, 2))}" for name, x in zip(BASELINES, weights, strict=True))
    exact_q = f", exact {datum('exact q', plain(reading.exact.q, digits))}" if known else ""
    reach, rows = reach_of(reading), []
    for i in range(len(flight.agents)):
        rows += agent_rows(flight, step, reading, i, reach, digits)
    table = f"<table><thead>{head(reading)}</thead><tbody>{''.join(rows)}</tbody></table>"
    return (
        f"<div>ψ = {psi}. &emsp;Q(s, a): critic {datum('critic q', plain(reading.critic.q, digits))}{exact_q}, "
        f"λ-return {datum('return', plain(flight.returns[step], digits))}</div>"
        f'<div style="overflow-x: auto">{table}</div>'
    )


def head(reading: Reading) -> str:
    """The heads of the table's columns, the last with the colours of the bars."""
    names = ("", "", *BASELINES, "b", "Q − b", "G − b", "true<br>credit")
    cells = "".join(f'<th scope="col">{name}</th>' for name in names)
    colours = [(TRUE, "true credit")] + [(TRUE, "exact Q − b")] * (reading.exact is not None)
    colours += [(CRITIC, "critic's Q − b"), (RETURN, "G − b")]
    key = "<br>".join(
        f'<span style="color: {colour}">{"□" if name.startswith("exact") else "■"}</span> {name}'
        for colour, name in colours
    )
    return f'<tr>{cells}<th scope="col" class="left" style="font-size: 14px; line-height: 1.2">{key}</th></tr>'


def agent_rows(flight: Flight, step: int, reading: Reading, i: int, reach: float, digits: int) -> list[str]:
    """An agent's rows: what the critic says and, where it is known, what the exact Q says."""
    name, action = flight.agents[i], int(flight.record.action[step, i])
    lines = 1 if reading.exact is None else 2
    members = "".join(flight.agents[j] for j in np.flatnonzero(reading.corrset[i]))
    probability = flight.policy[step, i, action]
    both = f'rowspan="{lines}"'
    credit = signed(reading.credit[i], digits)
    error = "" if reading.credit_error is None else f" ± {plain(2 * reading.credit_error[i], digits)}"
    left = (
        f'<th scope="row" class="left" {both}><b>{html.escape(name)}</b> {html.escape(flight.actions[action])} '
        f"({share(probability)})<br>C = {datum(f'C {name}', html.escape(members))}</th>"
    )
    right = (
        f"<td {both}>{datum(f'credit {name}', credit)}{error}</td>"
        f'<td class="left" {both}>{bars_svg(reading, i, reach)}</td>'
    )
    from_return = f"<td>{datum(f'return {name}', signed(reading.from_return[i], digits))}</td>"
    style = "first" if reading.alive[i] else "first dead"
    rows = [
        f'<tr class="{style}">{left}{opinion_cells("critic", reading.critic, i, name, digits)}{from_return}{right}</tr>'
    ]
    if reading.exact is not None:
        rows.append(f"<tr>{opinion_cells('exact', reading.exact, i, name, digits)}<td></td></tr>")
    return rows


def opinion_cells(who: str, opinion: Opinion, i: int, name: str, digits: int) -> str:
    """The three baselines, their mixture and the advantage of an agent, as cells."""
    cells = [f'<td class="left">{who}</td>']
    for baseline, row in zip(BASELINES, opinion.baselines, strict=True):
        cells.append(f"<td>{datum(f'{who} {baseline} {name}', plain(row[i], digits))}</td>")
    cells.append(f"<td>{datum(f'{who} b {name}', plain(opinion.mixture[i], digits))}</td>")
    cells.append(f"<td>{datum(f'{who} A {name}', signed(opinion.advantage[i], digits))}</td>")
    return "".join(cells)


def datum(name: str, text: str) -> str:
    """A number with its name, by which tests find it in the page."""
    return f'<span data-n="{html.escape(name)}">{text}</span>'


def share(x: float) -> str:
    """A share with two digits, a dash where there is none."""
    return "–" if np.isnan(x) else f"{x:.2f}"
