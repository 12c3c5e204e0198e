"""The figures of chapter 15: a Gaussian over its reward, levels against certainty, clipped numbers, particles."""

from __future__ import annotations

import html

import matplotlib.pyplot as plt
import numpy as np

from maca_edu.widgets.corrset_pictures import svg
from maca_edu.widgets.frames import Explorer, figure_frame, frames
from maca_edu.widgets.style import AGENT_COLOURS, BAD, GOOD, NEUTRAL

NAMES = "ABCDEFGH"  # of the agents
SIDE, EDGE = 340, 1.2  # of a drawing of particles: pixels, and the world's units from its middle to its edge


def bell(x: np.ndarray, mean: float, std: float) -> np.ndarray:
    """The density of a normal number at x."""
    return np.exp(-(((x - mean) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))


def certainty_frames(reward, line, variances, stds, start: int = 0) -> Explorer:
    """A slider over an agent's deviation: its bell over the reward with the best line, and the noise of its gradient.

    reward: reward(a), for arrays. line: line(std) gives height at 0 and slope of the best line. variances(std)
    gives `{baseline: variance}`. The mean is 0.
    """
    pictures = [certainty_picture(reward, *line(std), variances(std), std) for std in stds]
    return frames(pictures, [f"{std:.2f}" for std in stds], "τ", start=start)


def certainty_picture(reward, height: float, slope: float, variances: dict[str, float], std: float) -> str:
    """One frame of `certainty_frames`, as HTML."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.6), width_ratios=(3, 2))
    x = np.linspace(-2.2, 2.2, 400)
    left.fill_between(x, -4 + bell(x, 0, std) * 0.8, -4, color="#56B4E9", alpha=0.5, linewidth=0)
    left.plot(x, reward(x), color="black", label="reward")
    left.plot(x, height + slope * x, color=BAD, linestyle=(0, (4, 1.5)), linewidth=2.5, label="best line")
    left.set(xlabel="action", ylim=(-4, 3), title=f"τ = {std:.2f}")
    left.legend(loc="upper left")
    right.bar(list(variances), list(variances.values()), color=[NEUTRAL, "#56B4E9", GOOD])
    right.set(title="variance of the estimate", ylim=(0, 26))
    for k, number in enumerate(variances.values()):
        right.text(k, number + 0.4, f"{number:.1f}", ha="center")
    told = ", ".join(f"{name} {number:.1f}" for name, number in variances.items())
    alt = (
        f"A bell of deviation {std:.2f} around 0 below the reward and its best line. Variance of the estimate: {told}."
    )
    return figure_frame(fig, alt)


def fresh_lines(K: np.ndarray, fresh: dict[str, np.ndarray], exact: dict[str, float]):
    """Variance of a gradient against the number of fresh actions; horizontal lines for exact baselines.

    K: `[X]`; fresh: `{label: [X]}`; exact: `{label: variance}`. Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 4.0))
    for (label, values), colour in zip(fresh.items(), (GOOD, BAD), strict=False):
        ax.plot(K, values, "o-", color=colour, linewidth=2.5, label=label)
    for (label, value), dash in zip(exact.items(), (":", (0, (4, 1.5)), "-"), strict=False):
        ax.axhline(value, color="black", linestyle=dash, linewidth=1.6, label=label)
    ax.set(xscale="log", xlabel="fresh actions K", ylabel="variance of A's gradient", ylim=(0, None))
    ax.set_xticks(K, [str(k) for k in K])
    ax.minorticks_off()
    ax.legend()
    return fig


def level_lines(stds: np.ndarray, panels: dict[str, np.ndarray]):
    """Shares of the levels in the reward's variance against the agents' deviation.

    stds: `[T]`; panels: `{title: [n, T]}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.8), sharey=True)
    looks = ((GOOD, "-", "o"), (BAD, (0, (4, 1.5)), "s"), ("#000000", ":", "D"))
    for ax, (title, shares) in zip(axes, panels.items(), strict=True):
        for k, (row, (colour, dash, marker)) in enumerate(zip(shares, looks, strict=True)):
            ax.plot(stds, 100 * row, color=colour, linestyle=dash, marker=marker, linewidth=2.4, label=f"level {k + 1}")
        ax.set(title=title, xlabel="deviation τ of all three", xscale="log", ylim=(-2, 102))
        ax.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5, 1], ["0.02", "0.05", "0.1", "0.2", "0.5", "1"])
        ax.minorticks_off()
    axes[0].set_ylabel("per cent of the variance")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def line_frames(lamps, means: np.ndarray, stds: np.ndarray, values: np.ndarray, updates) -> Explorer:
    """A slider over updates: three agents' bells move over a line with lamps.

    lamps: `[m]`; means, stds: `[U, n]`; values: the team's value at each, `[U]`; updates: their numbers, `[U]`.
    """
    pictures = [line_picture(lamps, *row) for row in zip(means, stds, values, updates, strict=True)]
    return frames(pictures, [str(u) for u in updates], "update")


def line_picture(lamps, mean: np.ndarray, std: np.ndarray, value: float, update: int) -> str:
    """One frame of `line_frames`, as HTML."""
    fig, ax = plt.subplots(figsize=(8.4, 3.2))
    x = np.linspace(-2, 2, 500)
    for i, (m, s) in enumerate(zip(mean, std, strict=True)):
        y = bell(x, m, s)
        ax.fill_between(x, y, color=AGENT_COLOURS[i], alpha=0.35, linewidth=0)
        ax.plot(x, y, color=AGENT_COLOURS[i])
        ax.text(m, min(y.max(), 4.6) + 0.15 + 0.4 * i, NAMES[i], color="black", ha="center", fontweight="bold")
    ax.plot(lamps, np.zeros(len(lamps)), "s", color="black", markersize=11, clip_on=False)
    ax.set(xlim=(-2, 2), ylim=(0, 6), yticks=[], xlabel="place", title=f"value {value:.2f}".replace("-", "−"))
    where = ", ".join(f"{NAMES[i]} around {m:.1f}" for i, m in enumerate(mean))
    return figure_frame(
        fig, f"After {update} updates: {where}. The lamps stand at {', '.join(f'{l:g}' for l in lamps)}."
    )


def team_curves(updates, curves: dict[str, np.ndarray]):
    """The mean value of many teams while they learn, a line for each baseline; `{label: [teams, U]}`. The figure."""
    fig, ax = plt.subplots(figsize=(8.4, 3.8))
    looks = ((NEUTRAL, ":"), ("#56B4E9", (0, (4, 1.5))), (BAD, (0, (1, 1))), (GOOD, "-"))
    for (label, values), (colour, dash) in zip(curves.items(), looks, strict=True):
        ax.plot(updates, values.mean(axis=0), color=colour, linestyle=dash, linewidth=2.6, label=label)
    ax.set(xlabel="updates", ylabel="value, mean of the teams", ylim=(-1.8, 0))
    ax.legend(loc="upper left")
    return fig


def bound_lines(means: np.ndarray, gradients: dict[str, np.ndarray], variances: dict[str, np.ndarray]):
    """Gradients (left) and variances of their estimates (right) against the mean of a policy clipped at 0 and 1.

    means: `[M]`; gradients, variances: `{label: [M]}`. Returns the figure.
    """
    fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.8))
    looks = {"drawn": ("#000000", "-"), "clipped as drawn": (BAD, (0, (4, 1.5))), "clipped": (GOOD, (0, (1, 1)))}
    for ax, lines in zip(axes, (gradients, variances), strict=True):
        ax.axvspan(0, 1, color=NEUTRAL, alpha=0.15, linewidth=0)
        for label, values in lines.items():
            colour, dash = looks[label]
            ax.plot(means, values, color=colour, linestyle=dash, linewidth=2.8, label=f"score: {label}")
        ax.set(xlabel="mean of the policy", ylim=(0, None))
    axes[0].set_title("mean of the estimate")
    axes[1].set_title("its variance")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def drift_lines(updates: np.ndarray, means: dict[str, np.ndarray]):
    """Where a policy's mean goes when the best action is the upper bound, 1; `{label: [U]}`. Returns the figure."""
    fig, ax = plt.subplots(figsize=(8.4, 3.4))
    ax.axhspan(0, 1, color=NEUTRAL, alpha=0.15, linewidth=0)
    looks = ((GOOD, "-"), (BAD, (0, (4, 1.5))))
    for (label, values), (colour, dash) in zip(means.items(), looks, strict=True):
        ax.plot(updates, values, color=colour, linestyle=dash, linewidth=2.6, label=label)
    ax.set(xlabel="updates", ylabel="mean of the policy", xscale="log")
    ax.legend()
    return fig


# ---------------------------------------------------------------------------------------------------------------------
# Particles


def film(agents: np.ndarray, places: np.ndarray, paid: list[dict[str, float]], every: int = 2) -> Explorer:
    """A slider over the steps of an episode of Spread: nearest agents, touches, and what every term paid.

    agents: `[T, n, 2]`; places: `[m, 2]`; paid: for each step what each term paid, by the term's name.
    every: so many steps apart are the pictures.
    """
    pictures = [
        f'<div style="display: flex">{particles(here, places)}</div><div>{html.escape(in_words(terms))}</div>'
        for here, terms in list(zip(agents, paid, strict=True))[::every]
    ]
    return frames(pictures, [str(t) for t in range(0, len(agents), every)], "step")


def particles(agents: np.ndarray, places: np.ndarray, radius: float = 0.15) -> str:
    """Agents as discs, landmarks as squares; grey lines to the nearest agent, vermillion lines where two touch; SVG."""
    scale = SIDE / (2 * EDGE)

    def point(place) -> tuple[float, float]:
        return (place[0] + EDGE) * scale, (EDGE - place[1]) * scale

    ways = np.linalg.norm(agents[:, None] - places[None], axis=-1)  # [n, m]
    marks = []
    for k, place in enumerate(places):
        (x1, y1), (x2, y2) = point(agents[ways[:, k].argmin()]), point(place)
        marks.append(f'<path d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}" stroke="#8A8A8A" stroke-width="2"/>')
    for k, place in enumerate(places):
        x, y = point(place)
        marks.append(
            f'<rect x="{x - 9:.0f}" y="{y - 9:.0f}" width="18" height="18" fill="#E69F00" stroke="#000"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}" font-size="12" text-anchor="middle" fill="#000">{k + 1}</text>'
        )
    for i, place in enumerate(agents):
        x, y = point(place)
        marks.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius * scale:.0f}" fill="#56B4E9" fill-opacity="0.8" '
            'stroke="#000"/>'
            f'<text x="{x:.0f}" y="{y + 5:.0f}" font-size="14" text-anchor="middle" fill="#000">{NAMES[i]}</text>'
        )
    touching = []
    for i, j in zip(*np.triu_indices(len(agents), 1), strict=True):
        if np.linalg.norm(agents[i] - agents[j]) < 2 * radius:
            (x1, y1), (x2, y2) = point(agents[i]), point(agents[j])
            marks.append(f'<path d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}" stroke="{BAD}" stroke-width="6"/>')
            touching.append(NAMES[i] + NAMES[j])
    nearest = ", ".join(f"{NAMES[i]} is nearest to landmark {k + 1}" for k, i in enumerate(ways.argmin(axis=0)))
    alt = f"Three agents and three landmarks: {nearest}. Touching: {', '.join(touching) or 'nobody'}."
    return svg(SIDE, SIDE, alt, "".join(marks))


def in_words(terms: dict[str, float]) -> str:
    """What every term paid in a step."""
    told = [f"{name} {amount:+.2f}".replace("-", "−") for name, amount in terms.items() if abs(amount) > 5e-3]
    return "; ".join(told or ["nothing paid"]) + "."


def linear_bars(groups: dict[str, dict[str, float]]):
    """How much of the return's variance each description explains, for groups of moments; `{group: {name: per cent}}`.

    Returns the figure.
    """
    fig, ax = plt.subplots(figsize=(8.4, 3.8))
    names = list(next(iter(groups.values())))
    looks = ((GOOD, ""), ("#56B4E9", "//"), (BAD, ".."))
    for k, (name, (colour, hatch)) in enumerate(zip(names, looks, strict=True)):
        spots = np.arange(len(groups)) + (k - 1) * 0.26
        values = [shares[name] for shares in groups.values()]
        ax.bar(spots, values, 0.24, color=colour, hatch=hatch, edgecolor="white", label=name)
        for x, value in zip(spots, values, strict=True):
            ax.text(x, value + 1, f"{value:.0f}", ha="center", fontsize=11)
    ax.set_xticks(range(len(groups)), list(groups))
    ax.set(ylabel="per cent of the variance", ylim=(0, 108))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig
