"""Learning curves as pictures: of one run, and of the methods of a sweep with intervals over their seeds."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maca_edu.experiments.statistics import running_mean, t_interval
from maca_edu.experiments.sweep_tables import MEASURES, CurvePoint
from maca_edu.files import whole_file

STYLE = str(files("maca_edu") / "maca.mplstyle")
TOGETHER = 4  # so many methods can be told apart on one pair of axes
PANELS_IN_A_ROW = 4
PICTURES = (".png", ".pdf", ".svg")  # endings


def draw_run(metrics: dict[str, np.ndarray], title: str, path: str | Path) -> None:
    """Draw what a run reached over its environment-steps: returns, and the share of games won where there is winning.

    metrics: columns of metrics.csv by name, each `[updates]`. path: the picture, a .png or .svg.
    """
    wins = "win_rate" in metrics
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(10 if wins else 6, 4), layout="constrained")
        axes = figure.subplots(1, 2 if wins else 1, squeeze=False)[0]
        draw_measure(axes[0], metrics, "return_mean", "return of the team")
        if wins:
            draw_measure(axes[1], metrics, "win_rate", "share won")
            axes[1].set_ylim(-0.02, 1.02)
        figure.suptitle(title, parse_math=False)
        save(figure, path)


def draw_measure(ax: Axes, metrics: dict[str, np.ndarray], name: str, label: str) -> None:
    """One column of a run: every update pale, the running mean in full colour, greedy evaluations as dots."""
    steps = metrics["env_steps"]
    (line,) = ax.plot(steps, running_mean(metrics[name]), label="as it learned, running mean")
    ax.plot(steps, metrics[name], color=line.get_color(), alpha=0.25, linewidth=1)
    greedy = metrics.get(f"greedy_{name}")
    if greedy is not None:
        measured = ~np.isnan(greedy)
        ax.plot(steps[measured], greedy[measured], "o", label="greedy, fresh seeds")
    ax.legend()
    ax.set(xlabel="environment-steps", ylabel=label)


class Curves(NamedTuple):
    """The learning curves of one method: steps `[K]`, and values `[seeds, K]`, a run in each row."""

    steps: np.ndarray
    values: np.ndarray


def draw_sweep(points: list[CurvePoint], measure: str, path: str | Path, methods: list[str] | None = None) -> None:
    """Draw the learning curves of a sweep in one environment: means over seeds, with 95 % t intervals.

    points: the rows of curves.csv. measure: one of `sweep_tables.MEASURES`. path: the picture, a .png or .svg.
    methods: those to draw, None: all. Up to four share one pair of axes; more get a panel each, with the means of the
    others in grey. Raises ValueError where the sweep lacks the measure or a method, or has several environments.
    """
    curves = curves_by_method(points, measure, methods)
    with matplotlib.style.context(STYLE):
        figure = draw_together(curves) if len(curves) <= TOGETHER else draw_panels(curves)
        figure.supxlabel("environment-steps", fontsize="medium")
        figure.supylabel(measure.replace("_", " "), fontsize="medium")
        save(figure, path)


def draw_together(curves: dict[str, Curves]) -> Figure:
    """All methods on one pair of axes."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.subplots()
    for method, curve in curves.items():
        draw_mean(ax, method, curve)
    ax.legend()
    return figure


def draw_panels(curves: dict[str, Curves]) -> Figure:
    """A panel for each method, with the means of the others in grey."""
    rows = -(-len(curves) // PANELS_IN_A_ROW)  # rounded up
    figure = Figure(figsize=(10, 2.3 * rows), layout="constrained")
    panels = figure.subplots(rows, PANELS_IN_A_ROW, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, (method, curve) in zip(panels, curves.items(), strict=False):
        ax.set_title(method, fontsize="medium", parse_math=False)
        for other in curves.values():
            if other is not curve:
                ax.plot(other.steps, other.values.mean(axis=0), color="0.85", linewidth=1)
        draw_mean(ax, method, curve)
    for ax in panels[len(curves) :]:
        ax.set_visible(False)
    return figure


def draw_mean(ax: Axes, method: str, curve: Curves) -> None:
    """The mean over seeds, and its interval as a band."""
    low, high = t_interval(curve.values)
    (line,) = ax.plot(curve.steps, curve.values.mean(axis=0), label=method)
    ax.fill_between(curve.steps, low, high, color=line.get_color(), alpha=0.25, linewidth=0)


def check_picture(out: Path) -> None:
    """ValueError where a picture's name has no ending of PICTURES."""
    if out.suffix not in PICTURES:
        raise ValueError(f"out={str(out)!r}; allowed are names that end in {', '.join(PICTURES)}")


def save(figure: Figure, path: str | Path) -> None:
    """Write the picture whole or not at all; its folder is made where it is missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        figure.savefig(temporary)


def curves_by_method(points: list[CurvePoint], measure: str, methods: list[str] | None = None) -> dict[str, Curves]:
    """{method: its curves}, in the order of `methods`, or for None all in the order of the points.

    Raises ValueError where the points lack the measure or a method, or come from several environments.
    """
    known = list(dict.fromkeys(point.method for point in points))
    envs = sorted({point.env for point in points})
    if len(envs) != 1:
        raise ValueError(f"the sweep has curves of {', '.join(envs) or 'nothing'}; expected one environment")
    measured = [name for name in MEASURES if any(np.isfinite(value(point, name)) for point in points)]
    if measure not in measured:
        raise ValueError(f"column={measure!r}; the sweep has {', '.join(measured)}")
    for method in methods or ():
        if method not in known:
            raise ValueError(f"method={method!r}; the sweep has {', '.join(known)}")
    return {name: aligned([p for p in points if p.method == name], measure) for name in methods or known}


def aligned(points: list[CurvePoint], measure: str) -> Curves:
    """The curves of one method's points. Raises ValueError where its runs were not measured at the same steps."""
    by_seed: dict[int, list[CurvePoint]] = {}
    for point in points:
        by_seed.setdefault(point.seed, []).append(point)
    runs = [by_seed[seed] for seed in sorted(by_seed)]
    steps = [point.env_steps for point in runs[0]]
    for run in runs:
        if [point.env_steps for point in run] != steps:
            raise ValueError(
                f"method={run[0].method!r}: the curves of seeds {runs[0][0].seed} and {run[0].seed} have different "
                "env_steps, so there is no mean over seeds"
            )
    return Curves(np.array(steps), np.array([[value(point, measure) for point in run] for run in runs]))


def value(point: CurvePoint, measure: str) -> float:
    """The entry of a point in a column of curves.csv."""
    return point[CurvePoint._fields.index(measure)]
