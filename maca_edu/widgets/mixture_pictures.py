"""The picture of the psi explorer: a triangle of mixtures, coloured by their gradient variance."""

from __future__ import annotations

import base64
import html
import io
from functools import cache, lru_cache

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from maca_edu.widgets.mixture_variance import BASELINES, triangle

CORNERS = np.array([[170.0, 34.0], [30.0, 276.0], [310.0, 276.0]])  # x and y of Jnt, Ind, Cor in the drawing
WIDTH, HEIGHT = 336, 290  # of the heat map, in pixels
TEXT = 'fill="currentColor" font-size="14"'  # how the drawing writes
BANDS = 16  # steps of colour; where two steps meet, a contour line can be seen

# What a click in the drawing does, in JavaScript: `this` is the group of all that can be clicked. First: where it was.
PLACE = "const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.getScreenCTM().inverse());"
# With a kernel: write x, y and the time into a hidden field. The time makes two clicks on one place differ.
TELL_PYTHON = """
const field = this.closest('.maca-psi').querySelector('.maca-psi-click input');
field.value = [at.x, at.y, event.timeStamp].join(' ');
field.dispatchEvent(new Event('change', {bubbles: true}));
"""
# Without: press the button of the nearest dot. Dots and buttons have the same order.
PRESS_NEAREST = """
const dots = [...this.querySelectorAll('.maca-psi-dot')];
const distances = dots.map(dot => Math.hypot(dot.cx.baseVal.value - at.x, dot.cy.baseVal.value - at.y));
const nearest = distances.indexOf(Math.min(...distances));
this.closest('.maca-psi').querySelectorAll('.widget-toggle-buttons button')[nearest].click();
"""


def drawing(name: str, view: str, p: float, psi, choices=()) -> str:
    """The triangle as SVG: heat map, a star at the best mixture, a circle at psi `[3]`, and the scale of colours.

    choices: the mixtures that a click can choose, in the order of the buttons; each gets a dot. Empty: any mixture.
    """
    mixtures = triangle(name, view, p)
    low, high = mixtures.extremes()
    alt = (
        f"Gradient variance over all mixtures, {name}, {view}, p = {p:.2f}: from {low:.4g} at the star, "
        f"{in_words(mixtures.best)}, to {high:.4g}. The circle, {in_words(psi)}, has {mixtures.variance(psi):.4g}."
    )
    on_click = html.escape(PLACE + (PRESS_NEAREST if choices else TELL_PYTHON))
    return (
        f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 340 358" '
        'style="flex: 0 1 320px; min-width: 240px; max-width: 320px" font-family="sans-serif">'
        f'<g onclick="{on_click}" style="cursor: pointer">'
        f"<title>A click chooses {'the nearest dot or star' if choices else 'this mixture'}</title>"
        f'<image x="30" y="34" width="280" height="242" href="data:image/png;base64,{heat_map(name, view, p)}"/>'
        f"{outline()}{marks(mixtures.best, psi, choices)}</g>"
        f'{colour_scale()}<text x="30" y="352" {TEXT}>{low:.3g}</text>'
        f'<text x="310" y="352" text-anchor="end" {TEXT}>{high:.3g}</text>'
        f'<text x="170" y="352" text-anchor="middle" {TEXT}>variance</text></svg>'
    )


@cache
def outline() -> str:
    """The triangle's edges, and the names of its corners, as SVG."""
    points = " ".join(f"{x:g},{y:g}" for x, y in CORNERS)
    return (
        f'<polygon points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<text x="170" y="22" text-anchor="middle" {TEXT}>Jnt</text>'
        f'<text x="30" y="302" text-anchor="middle" {TEXT}>Ind</text>'
        f'<text x="310" y="302" text-anchor="middle" {TEXT}>Cor</text>'
    )


def marks(best, psi, choices) -> str:
    """A dot at each of the choices, a star at the best mixture and a circle at psi `[3]`, as SVG."""
    dots = "".join(
        f'<circle class="maca-psi-dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#fff" stroke="#000"/>'
        for x, y in (np.asarray(choice) @ CORNERS for choice in choices)
    )
    star, circle = best @ CORNERS, np.asarray(psi, dtype=float) @ CORNERS
    place = f'cx="{circle[0]:.1f}" cy="{circle[1]:.1f}"'
    return (
        f'{dots}<text x="{star[0]:.1f}" y="{star[1] + 8:.1f}" text-anchor="middle" font-size="25" fill="#fff" '
        'stroke="#000" stroke-width="1.2">★</text>'
        f'<circle {place} r="8" fill="none" stroke="#000" stroke-width="5"/>'
        f'<circle {place} r="8" fill="none" stroke="#fff" stroke-width="2.5"/>'
    )


def mixture_at(x: float, y: float) -> np.ndarray:
    """The mixture `[3]` at a point of the drawing, in its units; outside the triangle, the nearest one on the edge."""
    psi = np.linalg.solve(np.vstack([CORNERS.T, np.ones(3)]), [x, y, 1.0])
    while psi.min() < 0:  # one pass for each weight that ends at 0
        positive = psi > 0
        excess = psi[positive].sum() - 1
        psi = np.where(positive, psi - excess / positive.sum(), 0.0)
    return psi


def in_words(psi) -> str:
    """A mixture in words: "Jnt 0.33, Ind 0.33, Cor 0.33"."""
    return ", ".join(f"{baseline} {max(0.0, weight):.2f}" for baseline, weight in zip(BASELINES, psi, strict=True))


@cache
def colours() -> np.ndarray:
    """The colour of each step `[BANDS, 3]`, dark for little variance: red, green and blue from 0 to 255 (cividis)."""
    rgba = plt.get_cmap("cividis")(np.linspace(0, 1, BANDS))
    return np.round(255 * rgba[:, :3]).astype(np.uint8)


@cache
def colour_scale() -> str:
    """All colours side by side, from the least variance to the largest, as SVG."""
    step = 280 / BANDS
    return "".join(
        f'<rect x="{30 + k * step:.2f}" y="318" width="{step + 0.3:.2f}" height="14" fill="rgb({r},{g},{b})"/>'
        for k, (r, g, b) in enumerate(colours())
    )


@lru_cache(maxsize=64)
def heat_map(name: str, view: str, p: float) -> str:
    """The triangle's colours as a PNG in base64, transparent outside the triangle."""
    mixtures, (inside, psi) = triangle(name, view, p), pixels()
    low, high = mixtures.extremes()
    share = np.zeros(len(psi))  # 0 at the least variance, 1 at the largest
    if high - low > 1e-12 * (1 + high):  # else all mixtures are equal, up to rounding
        share = (mixtures.variance(psi) - low) / (high - low)
    bands = np.full((HEIGHT, WIDTH), BANDS, dtype=np.uint8)  # the number BANDS stands for transparent
    bands[inside] = np.clip((share * BANDS).astype(int), 0, BANDS - 1)
    image = Image.fromarray(bands)
    image.putpalette([*colours().ravel().tolist(), 0, 0, 0])
    buffer = io.BytesIO()
    image.save(buffer, format="png", transparency=BANDS)
    return base64.b64encode(buffer.getvalue()).decode()


@cache
def pixels() -> tuple[np.ndarray, np.ndarray]:
    """Which pixels of the heat map lie in the triangle, bool `[HEIGHT, WIDTH]`, and the mixture at each, `[K, 3]`."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    jnt = 1 - y / HEIGHT
    cor = x / WIDTH - jnt / 2
    psi = np.stack([jnt, 1 - jnt - cor, cor], axis=-1)
    inside = (psi >= -0.003).all(axis=-1)  # half a pixel too many, hidden under the outline
    return inside, psi[inside]
