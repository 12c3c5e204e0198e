"""The figures of chapter 16: a recorded battle as drawings, levels of its rewards, partners, comparisons, worths."""

from __future__ import annotations

import html

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.battle_record import Battle, Recorded
from maca_edu.widgets.corrset_pictures import arrow_colour, attention_map, svg
from maca_edu.widgets.frames import Explorer, frames
from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

CODES = {"marine": "Ma", "marauder": "Mr", "stalker": "St", "zealot": "Ze", "zergling": "Zl", "hydralisk": "Hy"}
NAMES = "ABCDEFGHIJ"  # of the allies
MOVES = ("north", "east", "south", "west", "stop")
WIDTH, HEIGHT, EDGE = 420, 320, 26  # of a drawing, and its margin
NEAREST = 5  # map units: a drawing shows at least so many in each direction


def battle_frames(record: Recorded, battle: int = 0, sigma: float = 1.0, every: int = 2, start: int = 0) -> Explorer:
    """A slider over the steps of a measured battle: units, health, shots, partners, attention and CorrSets.

    sigma: the threshold in units of 1/n. every: so many steps apart are the pictures. start: the step shown first.
    """
    shown = range(0, len(record.measured[battle].action), every)
    pictures = [battle_panel(record, record.measured[battle], t, sigma) for t in shown]
    return frames(pictures, [str(t) for t in shown], "step", start=start // every)


def sigma_frames(record: Recorded, battle: int, step: int, sigmas=(0, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.5, 2)):
    """A slider over the threshold, in units of 1/n, at one step of a measured battle."""
    pictures = [battle_panel(record, record.measured[battle], step, sigma) for sigma in sigmas]
    return frames(pictures, [f"{sigma:.2f}" for sigma in sigmas], "σ in 1/n", start=len(sigmas) // 2)


def corrsets_at(attention: np.ndarray, alive: np.ndarray, sigma: float) -> np.ndarray:
    """The CorrSets of the living, bool `[..., n, n]`; sigma: in units of 1/n. Everybody is in their own set."""
    n = attention.shape[-1]
    both = alive[..., :, None] & alive[..., None, :]
    return (attention >= sigma / n) & both | np.eye(n, dtype=bool)


def battle_panel(record: Recorded, battle: Battle, t: int, sigma: float) -> str:
    """One step: the battle on the left, attention on the right, what was paid below; HTML."""
    moments, n = battle.moments, record.allies
    corrset = corrsets_at(moments.attention[t], moments.alive[t], sigma)
    partners = moments.partners()[t]
    drawing = battle_drawing(record, battle, t, corrset, partners)
    weights = attention_map(moments.attention[t], corrset, partners, NAMES[:n], -1)
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0.5em 1.5em; align-items: center">'
        f"{drawing}<div>{weights}</div></div><div>{html.escape(paid_in_words(battle, t))}</div>"
        f'<div>Thick lines: hits. Arrows: who admits whom, <span style="color: {GOOD}">■</span> blue if they hit the '
        f'same enemy, <span style="color: {BAD}">■</span> vermillion if not. On the right: attention, dots are true '
        "partners, frames are CorrSets.</div>"
    )


def battle_drawing(record: Recorded, battle: Battle, t: int, corrset: np.ndarray, partners: np.ndarray) -> str:
    """Units with their health, hits as black lines, CorrSets as arrows between the allies; SVG."""
    n, living = record.allies, battle.health[t] > 0
    place = places(battle.position[t], living)
    lines = []
    for e, hit in enumerate(battle.moments.members[t][:-1]):
        for i in np.flatnonzero(hit):
            lines.append(segment(place[i], place[n + e], "currentColor", 3))
    for i, j in np.argwhere(corrset & ~np.eye(n, dtype=bool)):
        lines.append(segment(place[i], place[j], arrow_colour(partners, i, j), 2, aside=3, head=True))
    units = [unit(record, battle, t, k, place[k]) for k in np.flatnonzero(living)]
    alt = f"Step {t} of a battle. {paid_in_words(battle, t)}"
    return svg(WIDTH, HEIGHT, alt, f'<g fill="none">{"".join(lines)}</g>{"".join(units)}')


def places(position: np.ndarray, living: np.ndarray) -> np.ndarray:
    """Where units stand in a drawing that shows all who live, `[n + m, 2]`; position: in map units, y upwards."""
    low, high = position[living].min(axis=0), position[living].max(axis=0)
    room = np.array([WIDTH, HEIGHT]) - 2 * EDGE
    scale = (room / np.maximum(high - low, NEAREST)).min()
    place = room / 2 + EDGE + scale * (position - (low + high) / 2)
    return np.stack([place[:, 0], HEIGHT - place[:, 1]], axis=1)


def segment(start, end, colour: str, width: float, aside: float = 0.0, head: bool = False) -> str:
    """A line between two units, moved a little to its right; head: with a dot at its end."""
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    shift = aside * np.array([-along[1], along[0]])
    (x1, y1), (x2, y2) = start + shift + 11 * along, end + shift - 11 * along
    line = f'<path d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}" stroke="{colour}" stroke-width="{width}"/>'
    return f'{line}<circle cx="{x2:.0f}" cy="{y2:.0f}" r="4" fill="{colour}"/>' if head else line


def unit(record: Recorded, battle: Battle, t: int, k: int, place: np.ndarray) -> str:
    """An ally as a disc with its letter, an enemy as a square with its kind; a bar of health above."""
    x, y = place
    ally = k < record.allies
    text = NAMES[k] if ally else CODES[record.kinds[k]]
    edge = 'stroke="#000" stroke-width="1"'
    shape = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="11" fill="#56B4E9" {edge}/>'
    if not ally:
        shape = f'<rect x="{x - 10:.0f}" y="{y - 10:.0f}" width="20" height="20" fill="#E69F00" {edge}/>'
    share = float(np.clip(battle.health[t, k], 0, 1))
    return (
        f'{shape}<text x="{x:.0f}" y="{y + 4:.0f}" font-size="11" text-anchor="middle" fill="#000">{text}</text>'
        f'<rect x="{x - 11:.0f}" y="{y - 18:.0f}" width="22" height="4" fill="#fff" stroke="#000" stroke-width="0.5"/>'
        f'<rect x="{x - 11:.0f}" y="{y - 18:.0f}" width="{22 * share:.1f}" height="4" fill="#000"/>'
    )


def paid_in_words(battle: Battle, t: int) -> str:
    """What every term paid in a step, and for whom."""
    told = []
    for k, (amount, members) in enumerate(zip(battle.amount[t], battle.moments.members[t], strict=True)):
        if abs(amount) > 5e-4:
            who = "".join(NAMES[i] for i in np.flatnonzero(members)) or "nobody"
            what = f"enemy {k}" if k < battle.amount.shape[1] - 1 else "the win"
            told.append(f"{what} paid {amount:.3f} for {who}")
    return ("; ".join(told) or "nothing was paid") + "."


# ---------------------------------------------------------------------------------------------------------------------
# Charts


def level_bars(levels: dict[str, np.ndarray]):
    """The mean reward of a step by level, positive dividends up and negative ones down, for several sets of steps.

    levels: `{name: [2, L]}`, the positive and the negative part of levels 1 to L. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(levels), figsize=(9.6, 3.6), sharey=True)
    for ax, (name, (above, below)) in zip(np.atleast_1d(axes), levels.items(), strict=True):
        k = np.arange(1, len(above) + 1)
        ax.bar(k, above, color=GOOD, label="positive")
        ax.bar(k, below, color=BAD, label="negative", hatch="//", edgecolor="white")
        ax.axhline(0, color="black", linewidth=1)
        ax.set(title=name, xlabel="level", xticks=k)
    np.atleast_1d(axes)[0].set_ylabel("dividends, mean per step")
    fig.legend(*np.atleast_1d(axes)[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def found_lines(sigma: np.ndarray, curves: dict[str, np.ndarray]):
    """Precision (left) and recall (right) against sigma in units of 1/n; `{name: [2, S]}`. Returns the figure."""
    fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.8), sharex=True)
    looks = {"untrained": (NEUTRAL, (0, (4, 1.5))), "trained": (GOOD, "-"), "chance": ("#000000", (0, (1, 1)))}
    for name, pair in curves.items():
        colour, dash = looks[name]
        for ax, values in zip(axes, pair, strict=True):
            ax.plot(sigma, values, color=colour, linestyle=dash, linewidth=2.4, label=name)
    for ax, title in zip(axes, ("precision", "recall"), strict=True):
        ax.axvspan(0.9, 1.1, color=NEUTRAL, alpha=0.3, linewidth=0)
        ax.set(title=title, xlabel="σ in 1/n")
    axes[0].set_ylim(0, None)
    axes[1].set_ylim(0, 1.02)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def error_lines(lookaheads, shared: np.ndarray, alone: np.ndarray):
    """Scatter of a forked comparison against how far it looks, with shared chance and without; `[L]` each."""
    fig, ax = plt.subplots(figsize=(8.4, 3.8))
    ax.plot(lookaheads, alone, "o--", color=NEUTRAL, linewidth=2.2, label="every copy its own chance")
    ax.plot(lookaheads, shared, "D-", color=GOOD, linewidth=2.2, label="shared chance")
    ax.set_xscale("log", base=2)
    ax.set_xticks(lookaheads, [str(x) for x in lookaheads])
    ax.set(xlabel="steps that count", ylabel="scatter of a comparison")
    ax.set_yscale("log")
    fig.legend(loc="outside upper center", ncols=2)
    return fig


def worth_dots(worth: np.ndarray, learned: np.ndarray, shooters: np.ndarray):
    """Learned against measured advantages, a panel for each number of agents that hit the same enemy; `[X]` each."""
    kinds = {"hits nothing": shooters == 0, "hits alone": shooters == 1, "hits with others": shooters >= 2}
    fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.6), sharex=True, sharey=True)
    for ax, (title, chosen) in zip(axes, kinds.items(), strict=True):
        ax.axhline(0, color=NEUTRAL, linewidth=1)
        ax.axvline(0, color=NEUTRAL, linewidth=1)
        ax.plot(worth[chosen], learned[chosen], ".", color=GOOD, alpha=0.6)
        ax.set(title=title, xlabel="measured worth")
    axes[0].set_ylabel("learned advantage")
    return fig
