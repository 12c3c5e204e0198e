"""A moment of the cockpit as one matplotlib figure, for texts, slides and films."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from maca_edu.experiments.episode_record import Record
from maca_edu.widgets.cockpit_explorer import flight_of, most_at_stake
from maca_edu.widgets.cockpit_numbers import Flight, Reading, read
from maca_edu.widgets.cockpit_panel import BASELINES, digits_of
from maca_edu.widgets.cockpit_pictures import acts, bars_of, draw_scene, paid, plain
from maca_edu.widgets.corrset_pictures import arrow_colour
from maca_edu.widgets.style import NEUTRAL


def cockpit_figure(
    run="ring", step: int | None = None, sigma: float | None = None, psi=None, record: Record | None = None
) -> Figure:
    """The scene, attention with its CorrSets, and the advantages beside the true credit, in one figure.

    run, step, sigma (in units of 1/n), record: see `cockpit`. psi: weights of the joint, individual and CorrSet
    baselines, which sum to 1; None: as trained. ValueError where an argument is wrong.
    """
    flight = run if isinstance(run, Flight) else flight_of(run, record)
    at = most_at_stake(flight) if step is None else step - 1
    if not 0 <= at < flight.record.steps:
        raise ValueError(f"step={step!r}; allowed are 1 to {flight.record.steps}")
    if psi is not None and (len(psi) != 3 or min(psi) < 0 or abs(sum(psi) - 1) > 1e-6):
        raise ValueError(f"psi={psi!r}; allowed are three numbers from 0 that sum to 1")
    n = len(flight.agents)
    reading = read(flight, at, None if sigma is None else min(sigma / n, 1.0), psi)
    fig = plt.figure(figsize=(13, 5), layout="none")
    draw_scene(fig.add_axes((0.0, 0.02, 0.33, 0.8)), flight, at)
    draw_attention(fig.add_axes((0.36, 0.14, 0.24, 0.62)), flight, at, reading)
    draw_bars(fig.add_axes((0.65, 0.17, 0.34, 0.55)), flight, reading)
    title = f"{flight.title}, step {at + 1} of {flight.record.steps}. {paid(flight, at)}"
    fig.text(0.01, 0.94, title, fontsize=13, weight="bold")
    fig.text(0.01, 0.885, acts(flight, at), fontsize=13)
    return fig


def draw_attention(ax, flight: Flight, step: int, reading: Reading) -> None:
    """Attention as shades, who is admitted to a CorrSet in a frame, true partners with a dot."""
    n, partners = len(flight.agents), flight.partners[step]
    ax.imshow(reading.attention, cmap="Greys", vmin=0, vmax=max(reading.attention.max(), 1e-9) * 1.3)
    for i, j in np.ndindex(n, n):
        dark = reading.attention[i, j] > 0.6 * reading.attention.max()
        ink = "white" if dark else "black"
        ax.text(j, i, f"{reading.attention[i, j]:.2f}"[1:], ha="center", va="center", fontsize=10, color=ink)
        if partners[i, j] and i != j:
            ax.plot(j + 0.33, i - 0.33, "o", color=ink, markersize=4)
        if reading.corrset[i, j]:
            colour = NEUTRAL if i == j else arrow_colour(partners, i, j)
            ax.add_patch(Rectangle((j - 0.45, i - 0.45), 0.9, 0.9, fill=False, edgecolor=colour, linewidth=2.5))
    ax.set_xticks(range(n), flight.agents)
    ax.set_yticks(range(n), flight.agents)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.set_title(f"attention, σ = {reading.sigma:.3f}", fontsize=13)


def draw_bars(ax, flight: Flight, reading: Reading) -> None:
    """Every agent's true credit and its advantages, as bars beside each other."""
    n, digits = len(flight.agents), digits_of(flight)
    columns = [bars_of(reading, i) for i in range(n)]  # [n][bars]
    count = len(columns[0])
    width = 0.8 / count
    for k in range(count):
        for i in range(n):
            bar = columns[i][k]
            face = "none" if bar.hollow else bar.colour
            place = i - 0.4 + (k + 0.5) * width
            error = bar.error or None
            ax.bar(place, bar.length, 0.9 * width, facecolor=face, edgecolor=bar.colour, linewidth=1.5, yerr=error)
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set_xticks(range(n), flight.agents)
    ax.grid(axis="x", visible=False)
    key = [
        Patch(facecolor="none" if bar.hollow else bar.colour, edgecolor=bar.colour, linewidth=1.5, label=bar.what)
        for bar in columns[0]
    ]
    ax.legend(handles=key, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=11, frameon=False)
    psi = ", ".join(f"{name} {plain(x, 2)}" for name, x in zip(BASELINES, reading.psi.mean(axis=0), strict=True))
    exact = "" if reading.exact is None else f", exact {plain(reading.exact.q, digits)}"
    ax.set_xlabel(f"ψ: {psi}\nQ(s, a): critic {plain(reading.critic.q, digits)}{exact}", fontsize=12)
