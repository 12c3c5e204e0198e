"""The figures of chapter 13: generations, the null direction, two judges, noise along a run, what a search finds."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])  # of the triangle: Jnt, Ind, Cor
LINES = {  # of the ways to choose psi: colour, dash and width; CMA-ES must show beneath the random walk's dots
    "equal thirds": (NEUTRAL, (0, (4, 1.5)), 2.5),
    "CMA-ES": ("#CC79A7", "-", 7),
    "random walk": ("#000000", (0, (1, 1)), 2.5),
    "least squares": (GOOD, "-", 2.5),
    "individual": ("#009E73", (0, (6, 1.5, 1, 1.5)), 2.5),
}


def generations(loss, shots: dict[int, tuple]):
    """Candidates of some generations on the level lines of a loss, each with its ellipse of one standard deviation.

    loss: of points `[..., 2]`; shots: `{generation: (mean [2], covariance [2, 2], candidates [population, 2])}`.
    Returns the figure.
    """
    fig, axes = plt.subplots(1, len(shots), figsize=(9.6, 3.2), sharex=True, sharey=True)
    x, y = np.meshgrid(np.linspace(-2, 5, 281), np.linspace(-2.5, 3.5, 241))
    height = loss(np.stack([x, y], axis=-1))
    for ax, (number, (mean, covariance, candidates)) in zip(axes, shots.items(), strict=True):
        ax.contour(x, y, height, levels=[4.0**k for k in range(6)], colors=NEUTRAL, linewidths=0.7)
        values, directions = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(directions[1, 1], directions[0, 1]))
        size = 2 * np.sqrt(values)
        spread = Ellipse(mean, size[1], size[0], angle=angle, fill=False, edgecolor=BAD, linewidth=2)
        spread.set_label("one standard deviation")
        ax.add_patch(spread)
        ax.plot(*candidates.T, "o", color=GOOD, markersize=5, label="candidates", linestyle="")
        ax.plot(*mean, "+", color=BAD, markersize=12, markeredgewidth=2, label="mean", linestyle="")
        ax.set(title=f"generation {number}", xlim=(-2, 5), ylim=(-2.5, 3.5), aspect="equal")
        ax.grid(False)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def spread_lines(curves: dict[str, tuple[np.ndarray, np.ndarray]]):
    """How wide the candidates are spread, over generations, on a logarithmic scale.

    curves: `{title: ([G] in the null direction, [G] in the plane)}`; a panel each. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(curves), figsize=(9.6, 3.6), sharey=True)
    for ax, (title, (null, plane)) in zip(axes, curves.items(), strict=True):
        ax.plot(null, color=BAD, linestyle=(0, (4, 1.5)), linewidth=2.5, label="null direction")
        ax.plot(plane, color=GOOD, linewidth=2.5, label="plane")
        ax.set(yscale="log", title=title, xlabel="generation")
    axes[0].set_ylabel("standard deviation")
    axes[0].legend()
    return fig


def triangle_grid(steps: int = 40) -> np.ndarray:
    """Mixtures on a regular grid of the triangle, `[points, 3]`."""
    return np.array([(i, j, steps - i - j) for i in range(steps + 1) for j in range(steps + 1 - i)]) / steps


def judges(psi: np.ndarray, panels: dict[str, dict]):
    """What a mixture adds to the expected gain of one update, on the triangle of mixtures.

    psi: `[points, 3]`; panels: `{title: {"gain": [points], "return": psi [3], "quiet": psi [3]}}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 4.3))
    place = psi @ CORNERS
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        drawn = ax.tricontourf(*place.T, panel["gain"], levels=12, cmap="cividis")
        for name, marker, size in (("quiet", "o", 18), ("return", "*", 13)):
            ax.plot(
                *(panel[name] @ CORNERS), marker, color="white", markeredgecolor="black", markersize=size, clip_on=False
            )
        for name, (x, y), side in zip(("Jnt", "Ind", "Cor"), CORNERS, ("right", "left", "center"), strict=True):
            ax.annotate(name, (x, y), xytext=(0, -26 if y == 0 else 14), textcoords="offset points", ha=side)
        ax.set(title=title, xlim=(-0.12, 1.12), ylim=(-0.12, 1.0), aspect="equal")
        ax.set_axis_off()
        ax.set_title(title, pad=16)
        fig.colorbar(drawn, ax=ax, shrink=0.7, label="gain over Ind's / step²")
    star, ring = (
        axes[0].plot([], [], marker, color="white", markeredgecolor="black", markersize=12, linestyle="")[0]
        for marker in "*o"
    )
    fig.legend([star, ring], ["most gain", "least variance"], loc="outside lower center", ncols=2)
    return fig


def lead_line(lead: np.ndarray, half_width: np.ndarray):
    """By how much one way to learn is ahead of another, over updates, with a band. Both `[updates]`."""
    fig, ax = plt.subplots(figsize=(8.4, 3.4))
    updates = np.arange(len(lead))
    ax.fill_between(updates, lead - half_width, lead + half_width, color=GOOD, alpha=0.25, linewidth=0)
    ax.plot(updates, lead, color=GOOD, linewidth=2.5)
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set(xlabel="update", ylabel="value with Jnt less with Ind")
    return fig


def noise_along(ratios: dict[str, np.ndarray], takes_over: int):
    """The gradient's variance with each choice of psi, divided by that of the best mixture, over updates.

    ratios: `{name: [updates]}`, names from LINES; takes_over: when least squares has seen enough. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 4.2))
    for name, values in ratios.items():
        colour, dash, width = LINES[name]
        ax.plot(values, color=colour, linestyle=dash, linewidth=width, label=name)
    ax.axhline(1, color=NEUTRAL, linewidth=1)
    ax.axvline(takes_over, color=NEUTRAL, linewidth=1, linestyle=":")
    ax.annotate(
        "40 samples", (takes_over, 0.3), xycoords=("data", "axes fraction"), xytext=(5, 0), textcoords="offset points"
    )
    ax.set(xlabel="update", ylabel="variance over the best mixture's", yscale="log")
    ax.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    ax.minorticks_off()
    ax.legend(ncols=2)
    return fig


def found_by_effect(effects, errors: np.ndarray, marks: dict[str, float], nothing: float):
    """The largest error of a weight that a search ends with, against the effect of psi in standard deviations.

    effects: `[E]`; errors: `[E, runs]`; marks: `{game: effect}`; nothing: equal thirds' error. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 4.2))
    ax.plot(np.repeat(effects, errors.shape[1]), errors.ravel(), "o", color=NEUTRAL, alpha=0.5, markersize=4)
    ax.plot(effects, np.median(errors, axis=1), "-o", color=GOOD, linewidth=2.5, markersize=8, label="median")
    ax.axhline(nothing, color=BAD, linestyle=(0, (4, 1.5)), label="equal thirds, no search")
    for (name, effect), height in zip(marks.items(), np.linspace(0.92, 0.6, len(marks)), strict=True):
        ax.axvline(effect, color="black", linewidth=1, linestyle=":")
        ax.annotate(
            name, (effect, height), xycoords=("data", "axes fraction"), xytext=(5, 0), textcoords="offset points"
        )
    ax.set(xscale="log", xlabel="effect of the best psi on an update, in standard deviations of a return")
    ax.set_ylabel("largest error of a weight")
    ax.set_ylim(0, None)
    ax.legend(loc="lower left")
    return fig
