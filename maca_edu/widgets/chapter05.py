"""The figures of chapter 5: noise against sharpness, the two parabolas, weights of the best mixture, random games."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import NEUTRAL

BASELINES = {"Jnt": "#56B4E9", "Ind": "#009E73", "Cor": "#E69F00"}  # one colour for each corner of the triangle
DASHES = {"best mixture": ("#000000", (0, (4, 1.5))), "best legal": (NEUTRAL, (0, (1, 1)))}


def noise_curves(p: np.ndarray, panels: dict[str, dict[str, np.ndarray]]):
    """Variance against p on a logarithmic scale, a panel for each agent, a line for each baseline.

    p: `[P]`; panels: `{title: {"Jnt", "Ind", "Cor", "best mixture", "best legal": [P]}}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 4.3))
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, values in curves.items():
            colour, dash = DASHES.get(name, (BASELINES.get(name), "-"))
            ax.plot(p, values, color=colour, linestyle=dash, linewidth=2.6, label=name)
        ax.set_yscale("log")
        ax.set_title(title)
        ax.set_xlabel("p")
    axes[0].set_ylabel("variance of the gradient")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(curves))
    return fig


def parabolas(curves: dict[str, tuple[float, float]], chosen: dict[str, float]):
    """What each knob adds to the variance: s x^2 - 2 c x for x from 0 to 1, with the best setting marked.

    curves: `{label: (c, s)}`; chosen: `{label: best x}`. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(7.6, 4))
    x = np.linspace(0, 1, 201)
    for (label, (c, s)), colour in zip(curves.items(), (BASELINES["Cor"], BASELINES["Jnt"]), strict=True):
        ax.plot(x, s * x**2 - 2 * c * x, color=colour, linewidth=3, label=label)
        best = chosen[label]
        ax.plot(best, s * best**2 - 2 * c * best, "*", color="white", markeredgecolor="black", markersize=18)
    ax.axhline(0, color=NEUTRAL, linewidth=1)
    ax.set_xlabel("setting of the knob")
    ax.set_ylabel("added to Ind's variance")
    ax.legend()
    return fig


def weight_areas(p: np.ndarray, panels: dict[str, np.ndarray]):
    """The best mixture against p as stacked areas, a panel for each agent.

    p: `[P]`; panels: `{title: [P, 3]}`, the weights of Jnt, Ind, Cor. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.9), sharey=True)
    order = (1, 2, 0)  # Ind at the bottom, Jnt on top
    names = list(BASELINES)
    for ax, (title, psi) in zip(axes, panels.items(), strict=True):
        areas = ax.stackplot(p, psi[:, order].T, colors=[BASELINES[names[m]] for m in order])
        for area, hatch in zip(areas, ("", "//", ".."), strict=True):
            area.set(hatch=hatch, edgecolor="white")
        ax.set(xlim=(p[0], p[-1]), ylim=(0, 1), xlabel="p", title=title)
        ax.grid(False)
    axes[0].set_ylabel("weight")
    fig.legend(areas, [names[m] for m in order], loc="outside upper center", ncols=3)
    return fig


def kind_bars(shares: dict[str, dict[str, float]]):
    """How often each kind of mixture is best, a stacked bar for each sharpness.

    shares: `{sharpness: {kind: share}}`, the kinds in the same order everywhere. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.8, 4.2))
    kinds = list(next(iter(shares.values())))
    colours = ["#009E73", "#E69F00", "#56B4E9", "#F0E442", "#0072B2", "#CC79A7", "#000000"]
    left = np.zeros(len(shares))
    places = np.arange(len(shares))
    for kind, colour in zip(kinds, colours, strict=True):
        width = np.array([share[kind] for share in shares.values()])
        ax.barh(places, width, left=left, color=colour, label=kind, height=0.8, edgecolor="white", linewidth=0.8)
        for place, w, start in zip(places, width, left, strict=True):
            if w >= 0.05:
                ink = "white" if colour in ("#0072B2", "#000000", "#009E73") else "black"
                ax.text(start + w / 2, place, f"{100 * w:.0f}", ha="center", va="center", color=ink, fontsize=11)
        left += width
    ax.set_yticks(places, shares.keys())
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    ax.set_ylabel("p or 1 − p")
    ax.grid(False)
    fig.legend(loc="outside upper center", ncols=4)
    return fig
