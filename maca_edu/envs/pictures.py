"""Pictures of games that are played on a plane, and the line of text above every picture of a film.

Colours are Okabe and Ito's, which the colour-blind can tell apart. Whatever a colour says, a shape, a number or a
letter says too.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from toy_envs.core import agent_names

INK, FAINT, LINE, FLOOR = "#262626", "#8A8A8A", "#DDD8CE", "#FAF8F3"
ALLIES, ENEMIES = "#0072B2", "#D55E00"
PLACES = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442")
CODES = ("Ma", "Mr", "St", "Ze", "Zl", "Hy")  # what stands on SMAX's kinds of unit, in the order of their numbers
SIDE, STRIP = 560, 44  # pixels: a plane's side, the height of the line of text above it
SMOOTH = 2  # a plane is drawn so many times larger, then reduced, which smooths its edges


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def titled(picture: np.ndarray | Image.Image, left: str, right: str) -> Image.Image:
    """The picture with a line of text above it; both sides become even, as films need them."""
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    width = picture.width + picture.width % 2
    sheet = Image.new("RGB", (width, picture.height + picture.height % 2 + STRIP), "white")
    sheet.paste(picture, (0, STRIP))
    pen, middle = ImageDraw.Draw(sheet), STRIP / 2
    room = width - 36 - pen.textlength(right, font(16, bold=True))
    size = next((size for size in range(16, 8, -1) if pen.textlength(left, font(size)) <= room), 8)
    pen.text((12, middle), left, INK, font(size), "lm")
    pen.text((width - 12, middle), right, INK, font(16, bold=True), "rm")
    pen.line((0, STRIP - 1, width, STRIP - 1), LINE)
    return sheet


class Plane:
    """A square part of a plane to draw on.

    low, high: coordinates at its edges, the same for x and y; y grows upwards. side: of the picture, in pixels.
    """

    def __init__(self, low: float, high: float, side: int = SIDE):
        self.low, self.scale, self.side = low, side * SMOOTH / (high - low), side
        self.image = Image.new("RGB", (side * SMOOTH, side * SMOOTH), FLOOR)
        self.pen = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point is in the image, in pixels."""
        return (x - self.low) * self.scale, self.image.height - (y - self.low) * self.scale

    def grid(self, step: float) -> None:
        """Faint lines at the multiples of `step`."""
        high = self.low + self.image.width / self.scale
        for k in range(math.ceil(self.low / step), math.floor(high / step) + 1):
            self.line((k * step, self.low), (k * step, high), LINE, 1)
            self.line((self.low, k * step), (high, k * step), LINE, 1)

    def line(self, start, end, colour: str, width: float, dash: float = 0.0) -> None:
        """A line between two points, `width` pixels wide, in dashes of `dash` pixels where that is not 0."""
        start, end = np.array(self.at(*start)), np.array(self.at(*end))
        length = float(np.hypot(*(end - start)))
        cuts = np.arange(0, length, dash * SMOOTH) if dash else np.array([0.0])
        ends = np.minimum(cuts + dash * SMOOTH / 2, length) if dash else np.array([length])
        for a, b in zip(cuts / max(length, 1e-9), ends / max(length, 1e-9), strict=True):
            points = [*(start + a * (end - start)), *(start + b * (end - start))]
            self.pen.line(points, colour, max(round(width * SMOOTH), 1))

    def disc(self, x: float, y: float, radius: float, colour: str, text: str = "", edge: str = INK) -> None:
        """A disc, its radius in the world's units, with a text inside it."""
        column, row = self.at(x, y)
        r = radius * self.scale
        self.pen.ellipse((column - r, row - r, column + r, row + r), colour, edge, round(1.5 * SMOOTH))
        self._text(column, row, text, r, colour)

    def square(self, x: float, y: float, radius: float, colour: str, text: str = "") -> None:
        """A square with a text in it; radius: half of its side, in the world's units."""
        column, row = self.at(x, y)
        r = radius * self.scale
        self.pen.rounded_rectangle((column - r, row - r, column + r, row + r), r / 4, colour, INK, round(1.5 * SMOOTH))
        self._text(column, row, text, r, colour)

    def _text(self, column: float, row: float, text: str, r: float, colour: str) -> None:
        size = round(r * (1.25 if len(text) < 2 else 0.95))
        self.pen.text((column, row), text, text_colour(colour), font(size, bold=True), "mm")

    def note(self, x: float, y: float, text: str) -> None:
        """Small text with its middle at (x, y), and a pale edge that keeps it readable on whatever is there."""
        self.pen.text(self.at(x, y), text, INK, font(11 * SMOOTH), "mm", stroke_width=2 * SMOOTH, stroke_fill=FLOOR)

    def cross(self, x: float, y: float, radius: float, colour: str) -> None:
        """A cross of two diagonals, for what is no more."""
        self.line((x - radius, y - radius), (x + radius, y + radius), colour, 2)
        self.line((x - radius, y + radius), (x + radius, y - radius), colour, 2)

    def bar(self, x: float, y: float, width: float, share: float, colour: str) -> None:
        """A bar of health, `width` wide, with the middle of its upper edge at (x, y). share: 0, empty, to 1, full."""
        left, top = self.at(x - width / 2, y)
        right, thick = left + width * self.scale, 4 * SMOOTH
        self.pen.rectangle((left, top, right, top + thick), "white", INK, SMOOTH // 2)
        self.pen.rectangle((left, top, left + (right - left) * float(np.clip(share, 0, 1)), top + thick), colour)

    def picture(self) -> Image.Image:
        """What was drawn, reduced to `side` pixels."""
        return self.image.resize((self.side, self.side), Image.Resampling.LANCZOS)


def text_colour(background: str) -> str:
    """Nearly black or white, whichever stands out from the background, a colour such as "#0072B2"."""
    red, green, blue = (int(background[i : i + 2], 16) for i in (1, 3, 5))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 130 else "#FFFFFF"


def below(picture: Image.Image, lines: list[str], height: int = 24) -> Image.Image:
    """The picture with lines of text below it."""
    sheet = Image.new("RGB", (picture.width, picture.height + height * len(lines) + 10), "white")
    sheet.paste(picture, (0, 0))
    pen = ImageDraw.Draw(sheet)
    for k, line in enumerate(lines):
        pen.text((12, picture.height + 5 + height * (k + 0.5)), line, INK, font(14), "lm")
    return sheet


def particles(world) -> Image.Image:
    """A world of mpe2: agents are discs with letters, landmarks are squares with numbers.

    An agent that should go to a landmark has the landmark's colour, and a dashed line leads there. What agents say
    stands below, a bar for each number.
    """
    agents, places = world.agents, world.landmarks
    reach = max(abs(x) for entity in world.entities for x in entity.state.p_pos) + 0.2
    edge = max(1.25, math.ceil(4 * reach) / 4)  # the picture shows everything, and changes its scale seldom
    plane, small = Plane(-edge, edge), edge / 20
    plane.grid(0.5)
    target = {id(a.goal_a): places.index(a.goal_b) for a in agents if getattr(a, "_goal_a", None) is not None}
    colours = [PLACES[k % len(PLACES)] if target else "#D9D4C8" for k in range(len(places))]
    for agent in agents:
        if id(agent) in target:
            plane.line(agent.state.p_pos, places[target[id(agent)]].state.p_pos, FAINT, 1.5, dash=8)
    for k, place in enumerate(places):
        plane.square(*place.state.p_pos, small, colours[k], str(k + 1))
    names = agent_names(len(agents))
    for name, agent in zip(names, agents, strict=True):
        colour = colours[target[id(agent)]] if id(agent) in target else ("#FFFFFF" if target else ALLIES)
        plane.disc(*agent.state.p_pos, max(agent.size, 1.2 * small), colour, name)
    said = [(name, agent.state.c) for name, agent in zip(names, agents, strict=True) if not agent.silent]
    return messages(plane.picture(), said)


def messages(picture: Image.Image, said: list) -> Image.Image:
    """The picture with a row of bars below it for each (agent's name, numbers from 0 to 1)."""
    if not said:
        return picture
    sheet = below(picture, [f"{name} says" for name, _ in said], 34)
    pen = ImageDraw.Draw(sheet)
    for k, (_, numbers) in enumerate(said):
        floor = picture.height + 5 + 34 * (k + 1) - 4
        for j, number in enumerate(np.clip(numbers, 0, 1)):
            left = 86 + 30 * j
            pen.rectangle((left, floor - 26, left + 20, floor), FLOOR, LINE)
            pen.rectangle((left, floor - 26 * float(number), left + 20, floor), ALLIES)
    return sheet


def battle(units, allies: int, shots: list[tuple[int, int]], kinds: tuple[str, ...]) -> Image.Image:
    """A battle of SMAX on its map of 32 x 32: allies are blue discs, enemies vermillion squares, the dead crosses.

    Each team is numbered from 0, in the order of its agents' actions and of the reward's terms.
    units: `smax.Units` of one battle, position [u, 2], health [u], kind [u]; shots: (who, at whom), numbers of units.
    kinds: the kinds' names, in the order of `CODES`.
    """
    plane, radius = Plane(-0.5, 32.5, 620), 0.75
    plane.grid(4)
    for who, at in shots:
        plane.line(units.position[who], units.position[at], FAINT, 1.5)
    order = np.argsort(units.health)  # the living on top
    for u in order:
        (x, y), colour, health = units.position[u], ALLIES if u < allies else ENEMIES, float(units.health[u])
        if health <= 0:
            plane.cross(x, y, radius / 2, colour)
            continue
        draw = plane.disc if u < allies else plane.square
        draw(x, y, radius, colour, CODES[units.kind[u]])
        plane.bar(x, y + 1.7 * radius, 2 * radius, health, colour)
    for u in np.flatnonzero(units.health > 0):
        x, y = units.position[u]
        plane.note(x, y - 1.55 * radius, str(u if u < allies else u - allies))
    here = "   ".join(f"{CODES[k]} {kinds[k]}" for k in np.unique(units.kind))
    legend = "discs: the team   squares: the enemy   crosses: the dead   below each: its number"
    return below(plane.picture(), [legend, here])
