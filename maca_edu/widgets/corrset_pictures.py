"""The pictures of the sigma explorer, as SVG: attention as a map, CorrSets as arrows, one agent's row as a ladder."""

from __future__ import annotations

import html

import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

CELL = 34  # of the map, in units of the drawing
LEFT, TOP = 30, 30  # where the map begins
RADIUS = 95  # of the circle on which the agents stand
DISC = 15
LADDER = 560  # how wide the ladder is


def attention_map(
    attention: np.ndarray,
    corrset: np.ndarray,
    partners: np.ndarray | None,
    agents,
    agent: int | None = None,
    scale: float = 1.0,
) -> str:
    """Attention `[n, n]` as shades, a row for each agent that looks; who is admitted has a frame.

    corrset, partners: bool `[n, n]`; a dot marks true partners, where they are known. agent: whose row is bold, if
    anybody's. scale: how many times larger than in the sigma explorer.
    """
    n = len(agents)
    size, cells, frames, dots = n * CELL, [], [], []
    for i, j in np.ndindex(n, n):
        x, y, share = LEFT + j * CELL, TOP + i * CELL, float(attention[i, j])
        shade = min(1.0, share / max(attention.max(), 1e-9))
        ink = ' fill="#fff"' if shade > 0.55 else ""
        number = f"{share:.2f}"[1:] if share < 0.995 else "1"
        cells.append(
            f'<path d="M{x} {y}h{CELL}v{CELL}h-{CELL}z" fill="{mixed(shade)}"/>'
            f'<text x="{x + CELL // 2}" y="{y + CELL // 2 + 4}"{ink}>{number}</text>'
        )
        if partners is not None and partners[i, j] and i != j:
            dots.append(f'<circle cx="{x + CELL - 6}" cy="{y + 6}" r="2.5"{ink}/>')
        if corrset[i, j]:
            colour = arrow_colour(partners, i, j) if i != j else NEUTRAL
            frames.append(f'<path d="M{x + 1.5} {y + 1.5}h{CELL - 3}v{CELL - 3}h-{CELL - 3}z" stroke="{colour}"/>')
    names = [
        f'<text x="{LEFT + k * CELL + CELL // 2}" y="{TOP - 8}">{html.escape(name)}</text>'
        f'<text x="{LEFT - 14}" y="{TOP + k * CELL + CELL // 2 + 4}" '
        f'font-weight="{"bold" if k == agent else "normal"}">{html.escape(name)}</text>'
        for k, name in enumerate(agents)
    ]
    body = (
        f'<g text-anchor="middle" font-size="11">{"".join(cells)}</g>{"".join(dots)}'
        f'<g fill="none" stroke-width="3">{"".join(frames)}</g>'
        f'<g text-anchor="middle" font-size="13" fill="currentColor">{"".join(names)}</g>'
    )
    alt = f"Attention: {rows_in_words(attention, agents)}. Framed are those admitted to the row's CorrSet."
    return svg(LEFT + size + 6, TOP + size + 6, alt, body, scale)


def corrset_graph(
    corrset: np.ndarray, partners: np.ndarray | None, agents, agent: int | None = None, scale: float = 1.0
) -> str:
    """An arrow from i to j where i has admitted j; blue: a true partner, vermillion: not one, grey: nobody knows.

    Dotted lines are partners that were not admitted. agent: whose disc is bold, and whose arrows are strong; None:
    everybody's arrows are. scale: how many times larger than in the sigma explorer.
    """
    n = len(agents)
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    place = 130 + RADIUS * np.stack([np.cos(angle), -np.sin(angle)], axis=1)  # [n, 2]
    faint, strong = [], []
    for i, j in np.ndindex(n, n):
        if i == j:
            continue
        lines = strong if agent in (None, i) else faint
        if corrset[i, j]:
            lines.append(arrow(place[i], place[j], arrow_colour(partners, i, j)))
        elif agent in (None, i) and partners is not None and partners[i, j]:
            lines.append(arrow(place[i], place[j], GOOD, admitted=False))
    discs = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{DISC}" fill="#fff" stroke="#000" '
        f'stroke-width="{3 if k == agent else 1.2}"/>'
        f'<text x="{x:.1f}" y="{y + 5:.1f}">{html.escape(name)}</text>'
        for k, ((x, y), name) in enumerate(zip(place, agents, strict=True))
    )
    sets = ", ".join(
        f"{name}: {''.join(agents[j] for j in np.flatnonzero(row))}" for name, row in zip(agents, corrset, strict=True)
    )
    body = (
        f'<g opacity="0.3" stroke-width="1.5">{"".join(faint)}</g><g stroke-width="2.5">{"".join(strong)}</g>'
        f'<g fill="#000" text-anchor="middle" font-size="14">{discs}</g>'
    )
    return svg(260, 260, f"CorrSets as arrows between the agents. {sets}.", body, scale)


def ladder(row: np.ndarray, sigma: float, partners: np.ndarray | None, agents, agent: int) -> str:
    """An agent's attention `[n]` as marks on a line, and the threshold: who is right of it is admitted.

    Full marks are admitted. Blue: a partner, vermillion: not one; a square: the agent itself, admitted wherever it is.
    The grey strip lies within ten per cent of 1/n.
    """
    n, end, axis = len(row), max(float(row.max()), sigma, 2 / len(row)) * 1.04, 62

    def place(share: float) -> float:
        return LEFT + share / end * (LADDER - 2 * LEFT)

    text = 'fill="currentColor" font-size="13" text-anchor="middle"'
    parts = [
        f'<rect x="{place(0.9 / n):.1f}" y="16" width="{place(1.1 / n) - place(0.9 / n):.1f}" height="{axis - 8}" '
        'fill="#6E6E6E" opacity="0.25"/>',
        f'<line x1="{LEFT}" y1="{axis}" x2="{LADDER - LEFT}" y2="{axis}" stroke="currentColor"/>',
    ]
    for rank, j in enumerate(np.argsort(row)):
        x, admitted = place(row[j]), row[j] >= sigma or j == agent
        colour = NEUTRAL if j == agent else arrow_colour(partners, agent, j)
        look = f'fill="{colour if admitted else "#fff"}" stroke="{colour}" stroke-width="2"'
        mark = f'<circle cx="{x:.1f}" cy="{axis}" r="6" {look}/>'
        if j == agent:
            mark = f'<rect x="{x - 6:.1f}" y="{axis - 6}" width="12" height="12" {look}/>'
        parts.append(
            f'{mark}<text x="{x:.1f}" y="{axis - 12 - 13 * (rank % 3)}" {text}>{html.escape(agents[j])}</text>'
        )
    x = place(sigma)
    parts.append(
        f'<line x1="{x:.1f}" y1="14" x2="{x:.1f}" y2="{axis + 12}" stroke="currentColor" stroke-width="2.5"/>'
        f'<text x="{x:.1f}" y="11" {text} font-weight="bold">σ</text>'
    )
    parts += [
        f'<text x="{place(share):.1f}" y="{axis + 26}" {text}>{label}</text>'
        for share, label in ((0, "0"), (1 / n, f"1/{n}"), (2 / n, f"2/{n}"))
    ]
    order = ", ".join(f"{agents[j]} {row[j]:.2f}" for j in np.argsort(-row))
    return svg(
        LADDER, axis + 32, f"Attention of {agents[agent]} in falling order: {order}. σ is {sigma:.3f}.", "".join(parts)
    )


def arrow(start: np.ndarray, end: np.ndarray, colour: str, admitted: bool = True) -> str:
    """A line from one disc towards another, bent a little to the right so that the way back is seen beside it.

    Dotted and without a head where the other is not admitted.
    """
    along = (end - start) / np.linalg.norm(end - start)
    aside = np.array([-along[1], along[0]])
    a, b = start + DISC * along + 3 * aside, end - (DISC + 2) * along + 3 * aside
    line = f'<path d="M{a[0]:.0f} {a[1]:.0f}L{b[0]:.0f} {b[1]:.0f}" stroke="{colour}"'
    if not admitted:
        return f'{line} stroke-width="1.5" stroke-dasharray="2 4"/>'
    left, right = b - 8 * along + 4 * aside, b - 8 * along - 4 * aside
    head = "L".join(f"{x:.0f} {y:.0f}" for x, y in (b, left, right))
    return f'{line}/><path d="M{head}Z" fill="{colour}"/>'


def arrow_colour(partners: np.ndarray | None, i: int, j: int) -> str:
    """Blue for a true partner, vermillion for another, black where nobody knows."""
    if partners is None:
        return "#000000"
    return GOOD if partners[i, j] else BAD


def mixed(shade: float) -> str:
    """From white (0) to a dark blue-grey (1), `"#rrggbb"`."""
    low, high = np.array([255, 255, 255]), np.array([40, 50, 80])
    return "#" + "".join(f"{round(x):02x}" for x in low + shade * (high - low))


def rows_in_words(attention: np.ndarray, agents) -> str:
    """Whom each agent attends to most, others only."""
    others = np.where(np.eye(len(attention), dtype=bool), -1.0, attention)
    most = others.argmax(axis=1)
    return ", ".join(f"{agents[i]} most to {agents[j]} ({others[i, j]:.2f})" for i, j in enumerate(most))


def svg(width: float, height: float, alt: str, body: str, scale: float = 1.0) -> str:
    """A drawing with its alt text, `scale` times as wide as it is, or narrower on a narrow page."""
    wide = scale * width
    return (
        f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" '
        f'style="flex: 0 1 {wide:g}px; min-width: 200px; max-width: {wide:g}px">{body}</svg>'
    )
