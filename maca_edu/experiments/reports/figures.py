"""Figures 2 to 5 of the paper, learning curves, from results directories; and three that put tasks together.

profiles      the share of runs above each score
efficiency    the interquartile mean over all runs, along training
improvement   how likely a run of one arm is better than one of another
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maca_edu.experiments.learning_curves import STYLE, save
from maca_edu.experiments.reports.published import in_paper
from maca_edu.experiments.reports.records import RETURN
from maca_edu.experiments.reports.results import Run, by_env, curves_of, measure_of
from maca_edu.experiments.reports.summaries import Arms, difference_of, ordered, reference_of, scores_together
from maca_edu.experiments.statistics import (
    bootstrap,
    iqm,
    performance_profile,
    probability_of_improvement,
    t_interval,
)

TABLE_OF = {2: 2, 3: 3, 4: 5, 5: 2}  # the table with a figure's runs
TOGETHER = ("profiles", "efficiency", "improvement")
PANELS_IN_A_ROW = 3
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")  # Okabe and Ito's
ABLATIONS = {  # the two panels that Figure 3 has for each task
    "one baseline": ("maca", "mappo", "maca-dec", "maca-jnt", "maca-cor", "maca-ind"),
    "one left out": ("maca", "maca-nocor", "maca-noind", "maca-nojnt"),
}


class Panel(NamedTuple):
    """What a panel of a figure shows."""

    env: str
    title: str
    arms: Arms


# ---------------------------------------------------------------------------------------------------------------------
# Figures 2 to 5


def draw_curves(number: int, runs: Iterable[Run], path: str | Path) -> str:
    """Draw Figure 2, 3, 4 or 5 and return its caption.

    runs: the figure shows the paper's tasks where some of its own are among them, otherwise all. path: the picture, a
    .png, .pdf or .svg. Raises ValueError where there is no run with a curve, or an arm's runs were not measured at the
    same steps.
    """
    runs = [run for run in runs if run.points]
    if not runs:
        raise ValueError("results=[]; the directories hold no learning curves")
    groups = {env: ordered(TABLE_OF[number], arms) for env, arms in by_env(runs).items()}
    groups = {env: arms for env, arms in groups.items() if belongs(number, env)} or groups
    panels = panels_of(number, groups)
    colours = looks(dict.fromkeys(arm for panel in panels for arm in panel.arms))
    with matplotlib.style.context(STYLE):
        figure, axes = grid(len(panels), in_a_row=2 if number == 3 else PANELS_IN_A_ROW)
        for ax, panel in zip(axes, panels, strict=True):
            draw_panel(ax, panel, colours)
        legend(figure, axes)
        figure.supxlabel("environment-steps", fontsize="medium")
        save(figure, path)
    return caption(number, panels)


def belongs(number: int, env: str) -> bool:
    """Whether an environment is one of a figure's own tasks: battles of random teams are of Figure 2, others of 5."""
    cells = list(in_paper(TABLE_OF[number], env).values())
    if number in (3, 4):
        return bool(cells)
    random_teams = env.rpartition("/")[2].startswith("smacv2_")  # SMAX's own maps, which the paper does not have
    benchmark = cells[0].benchmark if cells else "SMACv2" if random_teams else ""
    return benchmark == {2: "SMACv2", 5: "SMAC"}[number]


def panels_of(number: int, groups: dict[str, Arms]) -> list[Panel]:
    """The panels: one for each environment; in Figure 3 two, with the ablations of either kind."""
    whole = [Panel(env, env, arms) for env, arms in groups.items()]
    if number != 3:
        return whole
    panels = []
    for env, arms in groups.items():
        for title, names in ABLATIONS.items():
            panels.append(Panel(env, f"{env}: {title}", {arm: arms[arm] for arm in names if arm in arms}))
    return [panel for panel in panels if panel.arms] or whole


def draw_panel(ax: Axes, panel: Panel, colours: dict[str, dict]) -> None:
    """The learning curves of one environment: means over seeds with 95 % t intervals."""
    measure = measure_of(run for runs in panel.arms.values() for run in runs)
    if measure is None:
        raise ValueError(
            f"the runs in {panel.env} have no measure in common; name directories that were measured alike"
        )
    for arm, runs in panel.arms.items():
        steps, values = curves_of(runs, measure)
        draw_band(ax, arm, steps, values.mean(axis=0), *t_interval(values), colours[arm])
    ax.set_title(panel.title.replace("?", "\n?").replace(": ", ":\n"), fontsize="medium", parse_math=False)
    ax.set_ylabel(in_words(measure))
    if measure.endswith("win_rate"):
        ax.set_ylim(-2, 102)
    steps_axis(ax)


def in_words(measure: str) -> str:
    """A column of curves.csv as the label of an axis."""
    return measure.replace("win_rate", "win rate (%)").replace("_mean", "").replace("_", " ")


def caption(number: int, panels: list[Panel]) -> str:
    """What the figure shows, and what differs from the paper's."""
    said = [f"Figure {number}: means over seeds; bands are 95 % t intervals of the mean, none where there is one seed."]
    for panel in panels:
        seeds = ", ".join(f"{arm} {len(runs)}" for arm, runs in panel.arms.items())
        differs = difference_of(TABLE_OF[number], panel.env, panel.arms)
        said.append(f"{panel.title}: seeds {seeds}. Beside the paper's: {differs}.")
    return "\n".join(said)


# ---------------------------------------------------------------------------------------------------------------------
# Tasks together


def draw_together(which: str, runs: Iterable[Run], path: str | Path) -> str:
    """Draw one of TOGETHER and return its caption.

    Raises ValueError where the tasks cannot be put together, an arm has a single seed, or curves do not fit together.
    """
    groups = {env: ordered(2, arms) for env, arms in by_env(runs).items()}
    tasks = scores_together(groups)
    if tasks is None:
        raise ValueError("the tasks cannot be put together: they share no arm, or are several games that cannot be won")
    if tasks.fewest_seeds() < 2:
        raise ValueError("an arm has one seed only, of which there is no interval; name arms with more")
    colours = looks(tasks.scores)
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(7.5, 4.5), layout="constrained")
        ax = figure.subplots()
        if which == "profiles":
            draw_profiles(ax, tasks.scores, tasks.unit, colours)
        elif which == "efficiency":
            draw_efficiency(ax, {arm: [groups[env][arm] for env in tasks.envs] for arm in tasks.scores}, colours)
        else:
            draw_improvement(ax, tasks.scores)
        if which != "improvement":
            legend(figure, [ax])
        save(figure, path)
    return (
        f"{', '.join(tasks.envs)}: 95 % intervals of the stratified bootstrap over seeds, which are too narrow where "
        "seeds are few."
    )


def draw_profiles(ax: Axes, scores: dict[str, list[np.ndarray]], unit: str, colours: dict[str, dict]) -> None:
    """The share of runs above each score: the higher a line, the better the arm; where two cross, neither dominates."""
    every = np.concatenate([task for tasks in scores.values() for task in tasks])
    low, high = (every.min(), every.max()) if unit == RETURN else (0, 100)
    levels = np.linspace(low, high, 101)
    for arm, tasks in scores.items():
        share, below, above = bootstrap(lambda x: performance_profile(x, levels), tasks)
        draw_band(ax, arm, levels, share, below, above, colours[arm])
    ax.set(xlabel=f"score ({unit})", ylabel="share of runs above it", ylim=(-0.02, 1.02))


def draw_efficiency(ax: Axes, arms: dict[str, list[list[Run]]], colours: dict[str, dict]) -> None:
    """The interquartile mean of all runs of all tasks, along training."""
    measure = measure_of(run for tasks in arms.values() for runs in tasks for run in runs)
    if measure is None:
        raise ValueError("the runs have no curves with a measure in common")
    for arm, tasks in arms.items():
        curves = [curves_of(runs, measure) for runs in tasks]
        steps = curves[0].steps
        if any(not np.array_equal(curve.steps, steps) for curve in curves):
            raise ValueError(f"{arm!r}: its curves in different tasks have different env_steps")
        along = [bootstrap(iqm, [curve.values[:, k] for curve in curves]) for k in range(len(steps))]
        draw_band(ax, arm, steps, *np.array(along).T, colours[arm])
    ax.set(xlabel="environment-steps", ylabel=f"IQM, {in_words(measure)}")
    steps_axis(ax)


def draw_improvement(ax: Axes, scores: dict[str, list[np.ndarray]]) -> None:
    """How likely a run of the reference is better than one of each other arm."""
    reference = reference_of(scores)
    others = [arm for arm in scores if arm != reference]
    if not others:
        raise ValueError(f"there is no arm beside {reference!r} to compare")
    for y, arm in enumerate(others):
        value, low, high = bootstrap(probability_of_improvement, scores[reference], scores[arm])
        ax.plot([low, high], [y, y], color=COLOURS[0], linewidth=6, alpha=0.35, solid_capstyle="butt")
        ax.plot(value, y, "o", color=COLOURS[0])
    ax.axvline(0.5, color="0.5", linewidth=1)
    ax.set_yticks(range(len(others)), others)
    ax.set(xlim=(-0.02, 1.02), ylim=(len(others) - 0.5, -0.5), xlabel=f"P(a run of {reference} is the better one)")
    ax.grid(visible=False, axis="y")


# ---------------------------------------------------------------------------------------------------------------------
# Parts of a picture


def looks(arms: Iterable[str]) -> dict[str, dict]:
    """A colour and a kind of line for each arm, the same in all panels; the first arm has the thickest line."""
    found = {}
    for k, arm in enumerate(arms):
        style = ("-", "--", ":")[k // len(COLOURS) % 3]
        found[arm] = dict(color=COLOURS[k % len(COLOURS)], linestyle=style, linewidth=2.5 if k == 0 else 1.6)
    return found


def draw_band(ax: Axes, label: str, x, middle, low, high, look: dict) -> None:
    """A line, and a band where it has an interval."""
    ax.plot(x, middle, label=label, **look)
    ax.fill_between(x, low, high, color=look["color"], alpha=0.13, linewidth=0)


def grid(count: int, in_a_row: int) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels."""
    columns = min(count, in_a_row)
    rows = -(-count // columns)  # rounded up
    figure = Figure(figsize=(max(3.9 * columns, 7), 3.2 * rows + 0.8), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.set_visible(False)
    return figure, list(axes[:count])


def legend(figure: Figure, axes: list[Axes]) -> None:
    """One legend for all panels, above them."""
    lines = {}
    for ax in axes:
        for line, label in zip(*ax.get_legend_handles_labels(), strict=True):
            lines.setdefault(label, line)
    in_a_row = int(figure.get_figwidth() / 1.85)
    figure.legend(lines.values(), lines, loc="outside upper center", ncols=min(len(lines), in_a_row))


def steps_axis(ax: Axes) -> None:
    """Steps from 0, written as 50k or 2M."""
    ax.set_xlim(0)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x / 1e6:g}M" if x >= 1e6 else f"{x / 1e3:g}k" if x else "0")
    ax.locator_params(axis="x", nbins=5)
