"""The figures of chapter 2: means and whiskers of baselines, the estimator's distribution, and learning curves."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.style import BAD, GOOD, NEUTRAL

COLOURS = ("#000000", "#009E73", "#56B4E9", "#E69F00", "#CC79A7")  # one for each way of learning
TINY = 1e-9  # an estimate closer to zero than this is zero up to rounding


def means_and_whiskers(rows: dict[str, tuple[float, float, bool]], truth: float):
    """One dot per baseline at the mean estimate, whiskers of one standard error; legal ones blue, others vermillion.

    rows: `{name: (mean, standard error, legal)}`, the first on top. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(7.6, 0.5 * len(rows) + 1.6))
    for place, (mean, error, legal) in enumerate(rows.values()):
        ax.errorbar(mean, place, xerr=error, fmt="o", color=GOOD if legal else BAD, capsize=4, markersize=9)
    ax.axvline(truth, color=NEUTRAL, linestyle="--", linewidth=1.5)
    ax.set_yticks(range(len(rows)), rows.keys())
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("mean estimate for B's lift logit, ± one standard error")
    handles = [plt.Line2D([], [], marker="o", linestyle="", color=colour, markersize=9) for colour in (GOOD, BAD)]
    handles.append(plt.Line2D([], [], color=NEUTRAL, linestyle="--", linewidth=1.5))
    fig.legend(handles, ["legal", "depends on B's action", "true gradient"], loc="outside upper center", ncols=3)
    return fig


def binned(values: np.ndarray, probabilities: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The probability in each bin; a value on an edge gives half to either side."""
    left = np.histogram(values - TINY, edges, weights=probabilities)[0]
    right = np.histogram(values + TINY, edges, weights=probabilities)[0]
    return (left + right) / 2


def estimate_histograms(panels: dict[str, tuple[np.ndarray, np.ndarray]], truth: float, width: float, title: str):
    """Stacked histograms of an estimate: vermillion below zero, blue above, grey at zero; a dashed line at the truth.

    panels: `{name: (values, probabilities)}`, the first on top. width: of the bars, one of which is centred on zero.
    Returns the figure.
    """
    centres = width * np.arange(round(-1.8 / width), round(2.8 / width) + 1)
    edges = np.append(centres - width / 2, centres[-1] + width / 2)
    heights = {name: binned(*estimate, edges) for name, estimate in panels.items()}
    top = 1.2 * max(h.max() for h in heights.values())
    fig, axes = plt.subplots(len(panels), 1, figsize=(7.6, 6.4), sharex=True, sharey=True)
    for ax, (name, (values, probabilities)) in zip(axes, panels.items(), strict=True):
        below = np.zeros(len(centres))
        for part, colour in ((values < -TINY, BAD), (abs(values) <= TINY, NEUTRAL), (values > TINY, GOOD)):
            share = binned(values[part], probabilities[part], edges)
            seen = share > 1e-5
            ax.bar(centres[seen], share[seen], width=0.85 * width, bottom=below[seen], color=colour)
            below += share
        wrong = 100 * probabilities[values < -TINY].sum()
        ax.axvline(truth, color="black", linestyle="--", linewidth=1.5)
        ax.set_title(name, fontsize=13)
        ax.text(0.99, 0.82, f"wrong way: {wrong:.1f} %", color=BAD, ha="right", transform=ax.transAxes)
        ax.set_ylim(0, top)
    axes[len(panels) // 2].set_ylabel("share of batches")
    axes[-1].set_xlim(-2, 3)
    axes[-1].set_xlabel("estimate for B's lift logit (dashed: the true gradient)")
    fig.suptitle(title, x=0.02, ha="left", fontweight="bold")
    return fig


def learning_figure(values: dict[str, np.ndarray], ends: dict[str, np.ndarray], kinds, optimum: float):
    """Left, each method's mean value during learning with its quartiles; right, how its teams ended.

    values: `{name: [teams, updates]}`, the value before each update; ends: `{name: [3]}`, the shares of the three
    `kinds` of ending, the best first. Returns the figure.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), width_ratios=(1, 1))
    left.axhline(optimum, color=NEUTRAL, linestyle="--", linewidth=1.5)
    for (name, v), colour in zip(values.items(), COLOURS, strict=False):
        updates = np.arange(v.shape[1])
        left.fill_between(updates, *np.quantile(v, (0.25, 0.75), axis=0), color=colour, alpha=0.2)
        left.plot(updates, v.mean(axis=0), color=colour, label=name)
    left.set(xlabel="update", ylabel="value of the team")
    left.legend(loc="center right", bbox_to_anchor=(1, 0.42))
    before = np.zeros(len(ends))
    for kind, colour, share in zip(kinds, (GOOD, NEUTRAL, BAD), 100 * np.array(list(ends.values())).T, strict=True):
        bars = right.barh(list(ends), share, left=before, color=colour, label=kind, height=0.7)
        labels = [f"{x:.0f}" if x >= 4 else "" for x in share]
        right.bar_label(bars, labels, label_type="center", color="white", fontsize=12)
        before = before + share
    right.set(xlim=(0, 100), xlabel="% of teams")
    right.grid(visible=False)
    right.invert_yaxis()
    right.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, columnspacing=1, handlelength=1)
    return fig
