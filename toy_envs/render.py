"""Pictures and texts of one-shot games: who did what, and which term paid what.

Agents sit on a circle, the darker the higher the number of their action. Every term is a hull round its members, strong
where it pays and pale where it does not; what a single agent's effort costs is a tag at its disc. With more than eight
agents hulls have no names: blue ones pay, vermillion ones cost, and a disc with a vermillion edge pays its own cost.
"""

from __future__ import annotations

import numpy as np

from toy_envs.core import OneShotGame, RewardTerm

GOOD, BAD, NEUTRAL, INK = "#0072B2", "#D55E00", "#6E6E6E", "#222222"  # Okabe and Ito's blue and vermillion, two greys
HULLS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442")  # their other colours tell terms apart

FEW = 8  # up to so many agents every term is named
PALE = 0.35  # opacity of the outline of a term that does not pay
ANGLES = 2 * np.pi * np.arange(360) / 360
DIRECTIONS = np.stack([np.cos(ANGLES), np.sin(ANGLES)])  # [2, 360]


def render_one_shot(game: OneShotGame, action, mode: str, title: str = "") -> str | np.ndarray:
    """The joint action [n] (None: not played yet) as text ("ansi") or as a picture ("rgb_array": uint8 [480, 640, 3]).

    title: a line that stands before the text, or small in a corner of the picture. ValueError where the action does
    not fit the game, a term has no table, or the mode is another.
    """
    if any(term.table is None for term in game.reward_terms):
        raise ValueError(
            f"game={game.name!r} has terms without tables; to be drawn it needs a method `render` of its own"
        )
    if mode == "ansi":
        text = text_one_shot(game, action)
        return f"{title}\n{text}" if title else text
    if mode != "rgb_array":
        raise ValueError(f"mode={mode!r}; allowed are 'ansi' and 'rgb_array'")
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # only here, so that playing never loads matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), dpi=100, facecolor="white", layout="none")
    canvas = FigureCanvasAgg(figure)
    draw_one_shot(figure.add_axes((0.0, 0.0, 1.0, 1.0)), game, action)
    figure.text(0.015, 0.02, title, fontsize=10, color=NEUTRAL)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def text_one_shot(game: OneShotGame, action) -> str:
    """The joint action [n] (None: not played yet) as lines of text; with many agents only the terms that pay."""
    if action is None:
        return f"{game.name}: not played yet\n  agents {' '.join(game.agents)}"
    paid, few = _payments(game, action), len(game.agents) <= FEW
    rows = [
        (term.name, " ".join(game.agents[i] for i in term.agents), _signed(payment))
        for term, payment in zip(game.reward_terms, paid, strict=True)
        if few or (payment and not _is_cost(term))
    ]
    cells = [f"{agent} {game.actions[a]}" for agent, a in zip(game.agents, action, strict=True)]
    wide = max(map(len, cells))
    lines = [f"{game.name}: reward {sum(paid):g}"]
    lines += ["   ".join(cell.ljust(wide) for cell in cells[i : i + FEW]) for i in range(0, len(cells), FEW)]
    names, groups, numbers = (max((len(row[column]) for row in rows), default=0) for column in range(3))
    lines += [f"{name:<{names}}   {group:<{groups}}   {number:>{numbers}}" for name, group, number in rows]
    if not few:
        costs = _costs(game, paid)
        lines.append(f"{np.count_nonzero(costs)} agents pay costs of their own: {_signed(costs.sum())}")
        lines.append(f"{np.count_nonzero(paid == 0)} of {len(paid)} terms pay nothing")
    return "\n  ".join(line.rstrip() for line in lines)


def draw_one_shot(ax, game: OneShotGame, action=None) -> None:
    """Draw a one-shot game and its joint action on a matplotlib axis; the writing grows with the axis.

    game: a game whose terms have tables. action: [n] integers, or None for a game not played yet.
    ValueError where the action does not fit the game.
    """
    paid = None if action is None else _payments(game, action)  # [K]
    n = len(game.agents)
    box, inches = ax.get_position(), ax.figure.get_size_inches()
    size = min(box.width * inches[0] / 6.4, box.height * inches[1] / 4.8)  # 1 at 640 x 480 pixels
    ax.set(xlim=(-2.6, 2.6), ylim=(-1.75, 2.15), aspect="equal")
    ax.set_axis_off()
    start = np.pi / 2 + (np.pi / n if n % 2 == 0 else 0)  # two agents side by side, four in a square
    angle = start - 2 * np.pi * np.arange(n) / n
    place = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # [n, 2]
    _write(ax, (0, 1.95), _headline(paid), max(10, 15 * size), weight="bold")
    draw = _draw_few if n <= FEW else _draw_many
    draw(ax, game, action, paid, place, size)


def _draw_few(ax, game, action, paid, place, size):
    """Every term by name: hulls from the largest to the smallest, then discs and tags, then labels."""
    disc = 0.33 if len(place) <= 4 else 0.25
    if len(place) in (2, 4):
        place = 1.2 * place  # nobody at the very top: room for a larger circle
    groups = [k for k, term in enumerate(game.reward_terms) if not _is_cost(term)]
    radius = disc + 0.07 + _rings(game, groups)  # [K]
    strong = np.zeros(len(game.reward_terms), dtype=bool) if paid is None else paid != 0
    for k in sorted(groups, key=lambda k: -game.reward_terms[k].level):
        points = place[list(game.reward_terms[k].agents)]
        _hull(ax, points, radius[k], _term_colour(groups, k), strong[k], size)
    for i, cost in enumerate(_costs(game, paid)):
        _agent(ax, game, action, place, i, disc, size)
        if cost:
            tag = place[i] + (0.5 * disc, 0.85 * disc)
            _write(ax, tag, _pretty(cost), max(6, 10 * size), _sign_colour(cost), box=_sign_colour(cost), ha="left")
    taken: list[np.ndarray] = []
    for k in groups:
        payment = None if paid is None else paid[k]
        text = game.reward_terms[k].name + ("" if paid is None else f"  {_pretty(payment)}")
        spot, side = _label_spot(place[list(game.reward_terms[k].agents)], radius.max(), taken)
        edge = (_term_colour(groups, k), 1.0 if strong[k] else PALE)
        _write(ax, spot, text, max(7, 11 * size), _sign_colour(payment), box=edge, ha=side)


def _draw_many(ax, game, action, paid, place, size):
    """Hulls coloured by what they pay, costs as vermillion edges, and the counts in the middle."""
    n, apart = len(place), np.linalg.norm(place[0] - place[1])
    circle = max(1.35, 1.68 / (1 + 0.49 * apart))  # as large as the picture allows
    disc = min(0.24, 0.36 * circle * apart)
    for k, term in enumerate(game.reward_terms):
        payment = 0.0 if paid is None else paid[k]
        if not _is_cost(term) and (payment or term.level <= n // 2):  # a silent hull round nearly all says nothing
            _hull(ax, circle * place[list(term.agents)], 1.35 * disc, _sign_colour(payment), payment != 0, size)
    costs = _costs(game, paid)
    for i, name in enumerate(game.agents):
        spot = circle * place[i]
        ink = _disc(ax, game, action, spot, i, disc, BAD if costs[i] < 0 else INK, size)
        if n <= 36:
            _write(ax, spot, name, 65 * disc * size, ink)
        elif i % 10 == 0:
            _write(ax, 0.88 * spot, name, 9 * size)
    _write(ax, (0, 0), _counts(game, action, paid), 12 * size, linespacing=1.7)


def _payments(game, action) -> np.ndarray:
    """What every term pays for one joint action, [K]."""
    return game.step(np.zeros((1, 1), dtype=np.int64), np.asarray(action)[None]).payments[0]


def _is_cost(term: RewardTerm) -> bool:
    """Whether the term is what one agent's own action costs, and never pays anything."""
    return term.level == 1 and term.table.max() <= 0


def _costs(game, paid) -> np.ndarray:
    """What every agent's own cost terms pay together, [n]."""
    costs = np.zeros(len(game.agents))
    for k, term in enumerate(game.reward_terms):
        if paid is not None and _is_cost(term):
            costs[term.agents[0]] += paid[k]
    return costs


def _signed(value) -> str:
    """+6, -1 or 0."""
    return f"{value:+g}" if value else "0"


def _pretty(value) -> str:
    """The same with a true minus sign, for pictures."""
    return _signed(value).replace("-", "−")


def _headline(paid) -> str:
    """The team's reward, and the sum behind it where that is short."""
    if paid is None:
        return "not played yet"
    total = f"{sum(paid):g}".replace("-", "−")
    parts = [_pretty(payment) for payment in paid if payment]
    rest = " ".join(f"{part[0]} {part[1:]}" for part in parts[1:])
    if not rest or len(rest) > 24:
        return f"reward  {total}"
    return f"reward  {parts[0].removeprefix('+')} {rest} = {total}"


def _counts(game, action, paid) -> str:
    """How many agents did what, and how many terms paid how much."""
    if paid is None:
        return f"{len(game.agents)} agents, {len(game.reward_terms)} terms"
    number = np.bincount(action, minlength=len(game.actions))
    lines = ["   ".join(f"{name}: {count}" for name, count in zip(game.actions, number, strict=True))]
    for sign in (1, -1):
        some = paid[np.sign(paid) == sign]
        if len(some):
            lines.append(f"{_pretty(some.sum())} from {len(some)} term{'s' * (len(some) > 1)}")
    return "\n".join(lines)


def _rings(game, groups) -> np.ndarray:
    """How much wider each term's hull is, [K]: more for large terms, and never the same where two share an agent."""
    members = {k: set(game.reward_terms[k].agents) for k in groups}
    ring: dict[int, int] = {}
    for k in sorted(groups, key=lambda k: len(members[k])):
        used = {ring[other] for other in ring if members[k] & members[other]}
        ring[k] = next(r for r in range(len(groups)) if r not in used)
    wider = np.zeros(len(game.reward_terms))
    wider[groups] = [ring[k] for k in groups]
    return 0.3 * wider / max(6, wider.max())


def _term_colour(groups, k) -> str:
    return HULLS[groups.index(k) % len(HULLS)]


def _sign_colour(payment) -> str:
    return NEUTRAL if not payment else GOOD if payment > 0 else BAD


def _hull(ax, points, radius, colour, strong, size):
    """The rounded hull of some points [m, 2]: in every direction as far as the farthest point, and a radius more."""
    farthest = points[(points @ DIRECTIONS).argmax(axis=0)]  # [360, 2]
    face, edge, width = ((colour, 0.35), colour, 2.2) if strong else ((colour, 0.07), (colour, PALE), 1.2)
    outline = farthest + radius * DIRECTIONS.T
    _fill(ax, outline, face, edge, width * size, 1)


def _disc(ax, game, action, spot, i, radius, edge, size) -> str:
    """An agent's disc, from white (action 0) to dark (the last); return the colour to write on it."""
    shade = 0.0 if action is None else action[i] / (len(game.actions) - 1)
    grey = str(round(1 - 0.75 * shade, 3))
    width = min(2.4 if edge == BAD else 1.4, 0.4 + 15 * radius) * size
    _fill(ax, spot + radius * DIRECTIONS.T, grey, edge, width, 4)
    return "white" if shade > 0.5 else INK


def _agent(ax, game, action, place, i, disc, size):
    """A large disc with the agent's name and, below it, its action."""
    ink = _disc(ax, game, action, place[i], i, disc, INK, size)
    below = "" if action is None else game.actions[action[i]]
    large = size * disc / 0.25
    _write(ax, place[i] + (0, 0.22 * disc if below else 0), game.agents[i], 14 * large, ink, weight="bold")
    _write(ax, place[i] - (0, 0.45 * disc), below, 9.5 * large * min(1, 6 / max(len(below), 1)), ink)


def _fill(ax, outline, face, edge, width, order):
    """A closed shape; as an artist it does not move the limits of the axis, which would take most of the time."""
    from matplotlib.patches import Polygon

    ax.add_artist(Polygon(outline, facecolor=face, edgecolor=edge, linewidth=width, zorder=order))


def _label_spot(points, radius, taken) -> tuple[np.ndarray, str]:
    """Where a term's label goes, and its alignment: outside the hull, or in the middle of a hull round the middle."""
    centre = points.mean(axis=0)
    out = np.linalg.norm(centre)
    if out < 0.1:
        spot, side = np.zeros(2), "center"
    else:
        direction = centre / out
        spot = direction * ((points @ direction).max() + radius + 0.2)
        side = "center" if abs(direction[0]) < 0.3 else "left" if direction[0] > 0 else "right"
    while any(abs(spot[0] - other[0]) < 0.8 and abs(spot[1] - other[1]) < 0.2 for other in taken):
        spot = spot - (0, 0.21)
    taken.append(spot)
    return spot, side


def _write(ax, spot, text, size, colour=INK, box=None, ha="center", **style):
    """Text at a spot; box: the edge colour of a white box round it."""
    if box is not None:
        style["bbox"] = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": box, "linewidth": 0.12 * size}
    ax.text(*spot, text, fontsize=size, color=colour, ha=ha, va="center", zorder=6, **style)
