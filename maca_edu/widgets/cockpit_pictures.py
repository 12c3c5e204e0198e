"""The pictures of the cockpit: the scene of a moment, and the bars of an agent's credit."""

from __future__ import annotations

import base64
import html
import io
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from maca_edu.envs import pictures, smax, toy
from maca_edu.envs.smax_scenarios import KINDS
from maca_edu.widgets.cockpit_numbers import Flight, Reading
from toy_envs import OneShotGame
from toy_envs.render import draw_one_shot
from toy_envs.render_warehouse import draw_warehouse
from toy_envs.warehouse_v0 import Warehouse

TRUE, RETURN, CRITIC = "#009E73", "#0072B2", "#E69F00"  # Okabe and Ito's, as in the films of `maca-edu credit`
WIDE, THICK = 140, 10  # of an agent's bars together, and of one bar, in pixels


class Bar(NamedTuple):
    """A bar for one number of an agent."""

    what: str
    length: float  # in units of the reward
    colour: str
    hollow: bool = False
    error: float = 0.0  # two standard errors


def bars_of(reading: Reading, agent: int) -> list[Bar]:
    """An agent's bars, in the order of the legend."""
    error = 0.0 if reading.credit_error is None else 2 * float(reading.credit_error[agent])
    bars = [Bar("true credit", float(reading.credit[agent]), TRUE, error=error)]
    if reading.exact is not None:
        bars.append(Bar("exact Q − b", float(reading.exact.advantage[agent]), TRUE, hollow=True))
    bars.append(Bar("critic's Q − b", float(reading.critic.advantage[agent]), CRITIC))
    bars.append(Bar("λ-return − b", float(reading.from_return[agent]), RETURN))
    return bars


def reach_of(reading: Reading) -> float:
    """How long the longest bar of a moment can be: the bars keep their scale while psi moves."""
    lengths = [np.abs(reading.credit).max(), np.abs(reading.from_return).max()]
    for opinion in (reading.critic, reading.exact):
        if opinion is not None:
            lengths += [np.abs(opinion.q - opinion.baselines).max(), np.abs(opinion.advantage).max()]
    return max(*map(float, lengths), 1e-9)


def bars_svg(reading: Reading, agent: int, reach: float) -> str:
    """An agent's bars as SVG: to the right of the middle line where positive, to the left where negative."""
    bars, middle = bars_of(reading, agent), WIDE / 2
    scale, height = (middle - 4) / reach, len(bars) * (THICK + 2) + 2
    drawn = []
    for k, bar in enumerate(bars):
        y, end = 2 + k * (THICK + 2), middle + scale * bar.length
        fill = "none" if bar.hollow else bar.colour
        drawn.append(
            f'<rect x="{min(middle, end):.1f}" y="{y}" width="{abs(end - middle):.1f}" height="{THICK}" fill="{fill}" '
            f'stroke="{bar.colour}" stroke-width="1.5"/>'
        )
        if bar.error:
            low, high = max(end - scale * bar.error, 0), min(end + scale * bar.error, WIDE)
            drawn.append(f'<path d="M{low:.1f} {y + THICK / 2}H{high:.1f}" stroke="currentColor" stroke-width="2"/>')
    return (
        f'<svg aria-hidden="true" viewBox="0 0 {WIDE} {height}" width="{WIDE}" height="{height}">{"".join(drawn)}'
        f'<path d="M{middle} 0V{height}" stroke="currentColor"/></svg>'
    )


# ---------------------------------------------------------------------------------------------------------------------
# The scene


def scene(flight: Flight, step: int, alt: str) -> str:
    """The game before the joint action of a step, as `<img>` with its alt text."""
    fig = Figure(figsize=(4.2, 4.2) if flight.record.env.startswith("smax/") else (4.2, 3.2), dpi=100, layout="none")
    canvas = FigureCanvasAgg(fig)
    draw_scene(fig.add_axes((0, 0, 1, 1)), flight, step)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()  # with 64 colours a chart looks the same and takes a third of the bytes
    picture.quantize(64, dither=Image.Dither.NONE).save(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}" style="width: 100%; max-width: 360px">'


def draw_scene(ax, flight: Flight, step: int) -> None:
    """Draw the game before the joint action of a step on a matplotlib axis.

    One-shot games and rings show the action itself, and what it pays.
    """
    record, action = flight.record, flight.record.action[step]
    if record.env.startswith("smax/"):
        units = smax.Units(*(record.scene[name][step] for name in smax.Units._fields))
        n = len(flight.agents)
        shots = [(i, n + a - smax.MOVES) for i, a in enumerate(action.tolist()) if a >= smax.MOVES]
        ax.imshow(np.asarray(pictures.battle(units, n, shots, KINDS)))
        ax.set(**nearer(units))
        ax.set_axis_off()
        return
    game, state = toy.make(record.env, 1).game, record.scene["state"][step]
    if isinstance(game, Warehouse):
        draw_warehouse(ax, game, state)
    elif isinstance(game, OneShotGame):
        draw_one_shot(ax, game, action)
    else:  # the long ring: a round of it is a one-shot game
        draw_one_shot(ax, game.round_game(int(state[1])), action)


def nearer(units: smax.Units) -> dict[str, tuple[float, float]]:
    """The part of a battle's picture in which the living are, as limits of its axes, in pixels."""
    side, low, high = 620, -0.5, 32.5  # of the picture, and of the map that it shows
    living = units.position[units.health > 0]
    first, last = living.min(axis=0), living.max(axis=0)
    middle, reach = (first + last) / 2, max(5.0, float((last - first).max()) / 2 + 2)
    middle = np.clip(middle, low + reach, high - reach) if 2 * reach < high - low else np.full(2, (low + high) / 2)
    reach = min(reach, (high - low) / 2)
    left, right = side * (middle[0] - reach - low) / (high - low), side * (middle[0] + reach - low) / (high - low)
    top, bottom = side * (high - middle[1] - reach) / (high - low), side * (high - middle[1] + reach) / (high - low)
    return dict(xlim=(left, right), ylim=(bottom, top))


def acts(flight: Flight, step: int) -> str:
    """Who does what in a step, in words."""
    record = flight.record
    return ", ".join(
        f"{agent} {flight.actions[a]}"
        for agent, a, alive in zip(flight.agents, record.action[step], record.alive[step], strict=True)
        if alive
    )


def paid(flight: Flight, step: int) -> str:
    """The reward of a step, and the largest of the terms that it is made of."""
    record = flight.record
    amounts = record.amount[step]
    largest = [k for k in np.argsort(-np.abs(amounts), kind="stable") if amounts[k]][:4]
    terms = ", ".join(f"{record.terms[k]} {signed(amounts[k], 2)}" for k in largest)
    more = np.count_nonzero(amounts) - len(largest)
    rest = f" and {more} more" if more else ""
    return f"Reward {signed(record.reward[step], 2)}{': ' if terms else ''}{terms}{rest}."


def signed(number: float, digits: int) -> str:
    """A number with its sign, a true minus, and so many digits after the point."""
    return f"{round(float(number), digits) + 0.0:+.{digits}f}".replace("-", "−")


def plain(number: float, digits: int) -> str:
    """A number with a true minus and so many digits after the point."""
    return f"{round(float(number), digits) + 0.0:.{digits}f}".replace("-", "−")
