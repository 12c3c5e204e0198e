"""The pictures of the sigma explorer: attention as a map, and CorrSets as arrows between agents, both as SVG."""

from __future__ import annotations

import html

import numpy as np

from maca_edu.widgets.style import BAD, GOOD

CELL = 34  # of the map, in units of the drawing
LEFT, TOP = 30, 30  # where the map begins
RADIUS = 95  # of the circle on which the agents stand
DISC = 15


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
    n, text = len(agents), 'fill="currentColor" font-size="13"'
    size = n * CELL
    cells = []
    for i, j in np.ndindex(n, n):
        x, y, share = LEFT + j * CELL, TOP + i * CELL, float(attention[i, j])
        shade = min(1.0, share / max(attention.max(), 1e-9))
        ink = "#fff" if shade > 0.55 else "#000"
        cells.append(
            f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="rgb({mixed(shade)})"/>'
            f'<text x="{x + CELL / 2}" y="{y + CELL / 2 + 4}" text-anchor="middle" font-size="11" fill="{ink}">'
            f"{f'{share:.2f}'[1:] if share < 0.995 else '1'}</text>"
        )
        if partners is not None and partners[i, j] and i != j:
            cells.append(f'<circle cx="{x + CELL - 6}" cy="{y + 6}" r="2.5" fill="{ink}"/>')
        if corrset[i, j]:
            colour = arrow_colour(partners, i, j) if i != j else "#6E6E6E"
            cells.append(
                f'<rect x="{x + 1.5}" y="{y + 1.5}" width="{CELL - 3}" height="{CELL - 3}" fill="none" '
                f'stroke="{colour}" stroke-width="3"/>'
            )
    names = "".join(
        f'<text x="{LEFT + k * CELL + CELL / 2}" y="{TOP - 8}" text-anchor="middle" {text}>{html.escape(name)}</text>'
        f'<text x="{LEFT - 8}" y="{TOP + k * CELL + CELL / 2 + 4}" text-anchor="end" {text} '
        f'font-weight="{"bold" if k == agent else "normal"}">{html.escape(name)}</text>'
        for k, name in enumerate(agents)
    )
    alt = f"Attention: {rows_in_words(attention, agents)}. Framed are those admitted to the row's CorrSet."
    return svg(LEFT + size + 6, TOP + size + 6, alt, "".join(cells) + names, scale)


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
    lines = []
    for i, j in np.ndindex(n, n):
        if i == j:
            continue
        admitted, partner = corrset[i, j], partners is not None and partners[i, j]
        if admitted or partner:
            colour = arrow_colour(partners, i, j) if admitted else GOOD
            lines.append(arrow(place[i], place[j], colour, admitted, strong=agent is None or i == agent))
    discs = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{DISC}" fill="#fff" stroke="#000" '
        f'stroke-width="{3 if k == agent else 1.2}"/>'
        f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle" font-size="14" fill="#000">{html.escape(name)}</text>'
        for k, ((x, y), name) in enumerate(zip(place, agents, strict=True))
    )
    sets = ", ".join(
        f"{name}: {''.join(agents[j] for j in np.flatnonzero(row))}" for name, row in zip(agents, corrset, strict=True)
    )
    return svg(260, 260, f"CorrSets as arrows between the agents. {sets}.", "".join(lines) + discs, scale)


def arrow(start: np.ndarray, end: np.ndarray, colour: str, admitted: bool, strong: bool) -> str:
    """A line from one disc towards another, bent a little to the right so that the way back is seen beside it."""
    along = (end - start) / np.linalg.norm(end - start)
    aside = np.array([-along[1], along[0]])
    a, b = start + DISC * along + 3 * aside, end - (DISC + 2) * along + 3 * aside
    opacity = 1.0 if strong else 0.3
    if not admitted:
        if not strong:
            return ""
        return (
            f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" stroke="{colour}" '
            f'stroke-width="1.5" stroke-dasharray="2 4" opacity="{opacity}"/>'
        )
    left, right = b - 8 * along + 4 * aside, b - 8 * along - 4 * aside
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in (b, left, right))
    return (
        f'<g opacity="{opacity}"><line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
        f'stroke="{colour}" stroke-width="{2.5 if strong else 1.5}"/>'
        f'<polygon points="{head}" fill="{colour}"/></g>'
    )


def arrow_colour(partners: np.ndarray | None, i: int, j: int) -> str:
    """Blue for a true partner, vermillion for another, black where nobody knows."""
    if partners is None:
        return "#000000"
    return GOOD if partners[i, j] else BAD


def mixed(shade: float) -> str:
    """From white (0) to a dark blue-grey (1): red, green and blue."""
    low, high = np.array([255, 255, 255]), np.array([40, 50, 80])
    return ",".join(str(round(x)) for x in low + shade * (high - low))


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
