"""Drawings of the warehouse: a text, a picture with a list of what each term paid, and a floor plan for any axes."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

LEVEL_COLOURS = ("#56B4E9", "#E69F00", "#009E73")  # Okabe-Ito: a crew of one, of two, of three or more
GAIN, COST = "#0072B2", "#D55E00"
INK, FAINT, LINE, FLOOR, DOCK = "#262626", "#8A8A8A", "#DDD8CE", "#FAF8F3", "#EFEBE2"

DPI = 100
HEADINGS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}  # x grows to the right, y downwards


# -- the floor plan ---------------------------------------------------------------------------------------------------


def draw_warehouse(ax, game, state, action=None, payments=None) -> None:
    """Draw the floor, the loads and the agents of one state `[D]` into `ax`.

    action: `[n]`, what each agent did to get here: a wedge on its disc points where it walked, raised arms say that
    it lifted. payments: `[K]`, what each term paid; the loads that moved then trail lines behind them.
    """
    layout = _first(game, state)
    ax.set(xlim=(-0.06, game.width + 0.06), ylim=(game.height + 0.06, -0.3), aspect="equal")
    ax.set_axis_off()
    points = _points_per_cell(ax, game)
    _draw_floor(ax, game, points)
    for l in range(game.n_loads):
        crew = np.flatnonzero(layout.crew[l])
        moved = payments is not None and np.ravel(payments)[l] > 0
        _draw_load(ax, game, l, layout.load[l], [game.agents[i] for i in crew], moved, points)
    did = [None] * game.n_agents if action is None else [game.actions[a] for a in np.ravel(action)]
    cells = layout.row * game.width + layout.column
    for cell in np.unique(cells):
        here = np.flatnonzero(cells == cell)
        row, column = divmod(cell, game.width)
        centres, radius = _places(len(here))
        for i, (x, y) in zip(here, centres, strict=True):
            _draw_agent(ax, column + x, row + y, radius, game.agents[i], did[i], points)


def _first(game, state):
    """The layout of one state, given as `[D]` or `[1, D]`, without the batch axis."""
    layout = game.unpack(np.reshape(state, (1, -1)))
    return type(layout)(*(part[0] for part in layout))


def _points_per_cell(ax, game) -> float:
    """How many points (1/72 inch) one cell of the floor measures on paper."""
    box = ax.get_position()
    width, height = ax.figure.get_size_inches()
    return 72 * min(width * box.width / (game.width + 0.12), height * box.height / (game.height + 0.36))


def _draw_floor(ax, game, points) -> None:
    H, W = game.height, game.width
    ax.add_patch(Rectangle((0, 0), W, H, facecolor=FLOOR, edgecolor="none", zorder=0))
    ax.add_patch(Rectangle((W - 1, 0), 1, H, facecolor=DOCK, edgecolor="#D3CCBE", hatch="///", linewidth=0, zorder=0.5))
    for x in range(W + 1):
        ax.plot((x, x), (0, H), color=LINE, linewidth=0.014 * points, zorder=1, solid_capstyle="projecting")
    for y in range(H + 1):
        ax.plot((0, W), (y, y), color=LINE, linewidth=0.014 * points, zorder=1, solid_capstyle="projecting")
    ax.add_patch(Rectangle((0, 0), W, H, fill=False, edgecolor=FAINT, linewidth=0.022 * points, zorder=1.5))
    ax.text(W - 0.5, -0.15, "dock", ha="center", va="center", fontsize=0.16 * points, color=INK)


def _draw_load(ax, game, row, column, crew, moved, points) -> None:
    """A crate in the upper half of its cell; once delivered only its outline stays, at the dock."""
    colour = LEVEL_COLOURS[min(len(crew), len(LEVEL_COLOURS)) - 1]
    delivered = column == game.width - 1
    x, y, width, height = column + 0.12, row + 0.08, 0.76, 0.36
    if delivered:
        style = dict(facecolor="white", edgecolor=colour, linestyle=(0, (2, 1.5)), alpha=0.9)
    else:
        style = dict(facecolor=colour, edgecolor=INK)
        start, end, middle = column + 0.92, game.width - 0.92, y + height / 2  # the way to the dock
        ax.plot((start, end), (middle, middle), color=FAINT, linewidth=0.015 * points, linestyle=(0, (1, 2)), zorder=2)
        head = [(end + 0.06, middle), (end - 0.01, middle - 0.04), (end - 0.01, middle + 0.04)]
        ax.add_patch(Polygon(head, facecolor=FAINT, edgecolor="none", zorder=2))
    box = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.05", linewidth=0.025 * points, zorder=3, **style
    )
    ax.add_patch(box)
    if not delivered:
        for edge in (x + 0.06, x + width - 0.06):  # the boards at both ends
            ax.plot((edge, edge), (y, y + height), color=INK, linewidth=0.012 * points, zorder=3.1)
    if moved:
        for k, length in enumerate((0.2, 0.3, 0.2)):
            level = y + height * (k + 1) / 4
            ax.plot((x - 0.05 - length, x - 0.05), (level, level), color=GAIN, linewidth=0.03 * points, zorder=2.9)
    text = "".join(crew) if len("".join(crew)) <= 6 else f"{len(crew)} agents"
    size = min(0.22, 0.72 / len(text)) * points
    ax.text(
        x + width / 2,
        y + height / 2 + 0.01,
        text + (" ✓" if delivered else ""),
        ha="center",
        va="center",
        fontsize=0.75 * size if delivered else size,
        color=INK,
        fontweight="normal" if delivered else "bold",
        zorder=3.2,
    )


def _places(count: int) -> tuple[list[tuple[float, float]], float]:
    """Where `count` discs stand below the crate in a cell, in rows, and their radius, as large as will fit."""
    room_x, room_y, top = 0.98, 0.52, 0.47

    def radius(rows):  # wedges and arms need room too: 2.6 radii to the side, 2.7 above
        return min(room_x / math.ceil(count / rows) / 2.6, room_y / rows / 2.7, 0.15)

    rows = max(range(1, count + 1), key=radius)
    per_row = math.ceil(count / rows)
    centres = []
    for k in range(count):
        line, place = divmod(k, per_row)
        length = min(per_row, count - line * per_row)
        centres.append((0.5 + (place - (length - 1) / 2) * room_x / per_row, top + room_y * (line + 0.53) / rows))
    return centres, radius(rows)


def _draw_agent(ax, x, y, radius, name, did, points) -> None:
    ax.add_patch(Circle((x, y), radius, facecolor=INK, edgecolor="white", linewidth=0.012 * points, zorder=5))
    size = 1.25 * radius / max(1, 0.62 * len(name)) * points
    ax.text(x, y + 0.06 * radius, name, ha="center", va="center", fontsize=size, color="white", zorder=6)
    if did == "lift":
        for side in (-1, 1):
            ax.plot(
                (x + side * 0.7 * radius, x + side * 1.0 * radius),
                (y - 0.6 * radius, y - 1.6 * radius),
                color=INK,
                linewidth=0.3 * radius * points,
                solid_capstyle="round",
                zorder=4,
            )
    elif did in HEADINGS:
        dx, dy = HEADINGS[did]
        tip, base, half = 1.6 * radius, 1.08 * radius, 0.5 * radius
        corners = [(tip, 0), (base, half), (base, -half)]
        turned = [(x + a * dx - b * dy, y + a * dy + b * dx) for a, b in corners]
        ax.add_patch(Polygon(turned, facecolor=INK, edgecolor="none", zorder=4))


# -- the picture ------------------------------------------------------------------------------------------------------


def as_image(game, state, action=None, payments=None) -> np.ndarray:
    """The floor plan beside a list of what each term paid, uint8 `[height, width, 3]`; one size for every state."""
    cell = min(1.15, 8 / max(game.height, game.width))  # inches
    floor = cell * np.array([game.width + 0.12, game.height + 0.36])
    bars = np.array([3.9, 0.23 * len(game.reward_terms) + 0.75])
    key, margin = 0.4, 0.15
    width, height = floor[0] + bars[0] + 3 * margin, max(floor[1] + key, bars[1]) + 2 * margin
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="none")
    canvas = FigureCanvasAgg(figure)

    def axes(left, top, size):
        return figure.add_axes((left / width, 1 - (top + size[1]) / height, size[0] / width, size[1] / height))

    below = margin + max(0, (height - 2 * margin - floor[1] - key) / 2)
    draw_warehouse(axes(margin, below, floor), game, state, action, payments)
    _draw_key(axes(margin, below + floor[1], (floor[0], key)), floor[0], key)
    above = margin + max(0, (height - 2 * margin - bars[1]) / 2)
    draw_payments(axes(2 * margin + floor[0], above, bars), game, state, payments)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def draw_payments(ax, game, state, payments=None) -> None:
    """List the reward terms in `ax`, each with a bar of what it paid (`[K]`; None: no step yet), and the reward."""
    paid = None if payments is None else np.ravel(payments)
    crews = _first(game, state).crew
    most = game.value * max(len(crew) for crew in game.crews)
    zero, scale = 0.42, 0.38 / most  # the bars' left edge and length, as parts of the width
    K = len(game.reward_terms)
    ax.set(xlim=(0, 1), ylim=(K + 0.2, -2.6))
    ax.set_axis_off()
    total = "no step yet" if paid is None else f"reward  {_signed(float(np.add.accumulate(paid)[-1]))}"
    ax.text(0, -1.9, "What each term paid", fontsize=11, fontweight="bold", color=INK, va="center")
    ax.text(1, -1.9, total, fontsize=11, color=INK, va="center", ha="right")
    ax.plot((0, 1), (-1.05, -1.05), color=LINE, linewidth=1)
    ax.plot((zero, zero), (-0.6, K - 0.4), color=FAINT, linewidth=0.8)
    for k, term in enumerate(game.reward_terms):
        amount = 0.0 if paid is None else float(paid[k])
        name = term.name
        if game.random and k < game.n_loads:
            name += " (" + "".join(game.agents[i] for i in np.flatnonzero(crews[k])) + ")"
        name = name if len(name) <= 20 else name[:19] + "…"
        colour = INK if amount else FAINT
        ax.text(0, k, name, fontsize=9, color=colour, va="center")
        if paid is not None:
            ax.text(1, k, _signed(amount), fontsize=9, color=colour, va="center", ha="right")
        if amount:
            ax.add_patch(Rectangle((zero, k - 0.3), amount * scale, 0.6, color=GAIN if amount > 0 else COST))


def _draw_key(ax, width, height) -> None:
    """What the signs mean, in inches: the colours of the crates, the wedge, the arms."""
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    y, text = 0.25, dict(fontsize=8, va="center", color=INK)
    ax.text(0.07, y, "crew of", **text)
    for k, (label, colour) in enumerate(zip(("1", "2", "3+"), LEVEL_COLOURS, strict=True)):
        x = 0.55 + 0.33 * k
        ax.add_patch(FancyBboxPatch((x, y - 0.06), 0.12, 0.12, boxstyle="round,pad=0,rounding_size=0.02", fc=colour))
        ax.text(x + 0.16, y, label, **text)
    _draw_agent(ax, 1.75, y, 0.07, "", "right", 72)
    ax.text(1.92, y, "walked", **text)
    _draw_agent(ax, 2.52, y + 0.03, 0.07, "", "lift", 72)
    ax.text(2.68, y, "lifted", **text)


# -- the text ---------------------------------------------------------------------------------------------------------


def as_text(game, state, action=None, payments=None) -> str:
    """The floor as text: [AB] is a load of crew A, B; below it agents stand; then actions and payments, if any."""
    layout = _first(game, state)
    cells = [[["", ""] for _ in range(game.width)] for _ in range(game.height)]
    for l, crew in enumerate(layout.crew):
        name = "".join(game.agents[i] for i in np.flatnonzero(crew))
        cells[l][layout.load[l]][0] = f"({name})" if layout.delivered[l] else f"[{name}]"
    for name, row, column in zip(game.agents, layout.row, layout.column, strict=True):
        cells[row][column][1] = (cells[row][column][1] + " " * (len(name) > 1) + name).strip()
    room = max(4, *(len(text) for row in cells for cell in row for text in cell))

    rule = "+" + "+".join(["-" * (room + 2)] * game.width) + "+"
    lines = [" " * ((room + 3) * (game.width - 1)) + "dock".center(room + 4).rstrip(), rule]
    for row in cells:
        lines += ["|" + "|".join(f" {cell[part]:^{room}} " for cell in row) + "|" for part in (0, 1)] + [rule]
    if action is not None:
        lines.append("  ".join(f"{i} {game.actions[a]}" for i, a in zip(game.agents, np.ravel(action), strict=True)))
    if payments is not None:
        paid = np.ravel(payments)
        names = [term.name for term in game.reward_terms]
        lines += [f"{name:<10} {x:+g}" for name, x in zip(names, paid, strict=True) if x]
        lines.append(f"{'reward':<10} {np.add.accumulate(paid)[-1]:+g}")
    return "\n".join(lines)


def _signed(amount: float) -> str:
    """A number with its sign and no needless digits; a true minus."""
    return "0" if amount == 0 else f"{amount:+.6g}".replace("-", "−")
