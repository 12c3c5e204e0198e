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
BANDS = 16  # steps of colour; where two steps meet, a contour line can be seen


def drawing(name: str, view: str, p: float, psi) -> str:
    """The triangle as SVG: heat map, a star at the best mixture, a ring at psi `[3]`, and the scale of colours."""
    psi, mixtures = np.asarray(psi, dtype=float), triangle(name, view, p)
    star, ring = mixtures.best @ CORNERS, psi @ CORNERS
    low, high = mixtures.extremes()
    alt = (
        f"Gradient variance over all mixtures, {name}, {view}, p = {p:.2f}: from {low:.4g} at the star, "
        f"{in_words(mixtures.best)}, to {high:.4g}. The ring, {in_words(psi)}, has {mixtures.variance(psi):.4g}."
    )
    text = 'fill="currentColor" font-size="14"'
    outline = " ".join(f"{x:g},{y:g}" for x, y in CORNERS)
    return (
        f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 340 358" '
        'style="flex: 0 1 320px; min-width: 240px; max-width: 320px" font-family="sans-serif">'
        f'<image x="30" y="34" width="280" height="242" href="data:image/png;base64,{heat_map(name, view, p)}"/>'
        f'<polygon points="{outline}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<text x="170" y="22" text-anchor="middle" {text}>Jnt</text>'
        f'<text x="30" y="302" text-anchor="middle" {text}>Ind</text>'
        f'<text x="310" y="302" text-anchor="middle" {text}>Cor</text>'
        f'<text x="{star[0]:.1f}" y="{star[1] + 8:.1f}" text-anchor="middle" font-size="25" fill="#fff" stroke="#000" '
        'stroke-width="1.2">★</text>'
        f'<circle cx="{ring[0]:.1f}" cy="{ring[1]:.1f}" r="8" fill="none" stroke="#000" stroke-width="5"/>'
        f'<circle cx="{ring[0]:.1f}" cy="{ring[1]:.1f}" r="8" fill="none" stroke="#fff" stroke-width="2.5"/>'
        f'{colour_scale()}<text x="30" y="352" {text}>{low:.3g}</text>'
        f'<text x="310" y="352" text-anchor="end" {text}>{high:.3g}</text>'
        f'<text x="170" y="352" text-anchor="middle" {text}>variance</text></svg>'
    )


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
