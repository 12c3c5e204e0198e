"""The learning curves of our MAPPO and of its peers' over each other: records, figures and tables.

    python book/peer_curves.py

makes the figures and tables of the guide "As fast as its peers?" from the runs that peer_spread.py and peer_smax.py
left in book/data/peers: NAME.csv, the curves, and NAME_runs.csv, greedy play after training and what a run cost.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
import scipy.stats
from matplotlib.figure import Figure

from maca_edu.experiments.decisions import welch
from maca_edu.experiments.learning_curves import STYLE, Curves, draw_mean, save
from maca_edu.experiments.statistics import Interval, sample
from maca_edu.experiments.sweep_tables import read_csv, texts, write_csv
from maca_edu.files import write_whole

BOOK = Path(__file__).parent
DATA = BOOK / "data" / "peers"
CHANGED = ("JaxMARL's, LayerNorm", "ours, values as they are")  # see peer_smax.py


class Part(NamedTuple):
    """A part of a training: the episodes that ended in it."""

    env_steps: int  # at its end, from the beginning of training
    episodes: int
    return_mean: float
    won: float = math.nan  # the share of the episodes


class Trained(NamedTuple):
    """A run: its curve, and greedy play after it on fresh episodes."""

    parts: list[Part]
    greedy_return: float
    greedy_won: float = math.nan


class Point(NamedTuple):
    """A row of NAME.csv: a part of a run."""

    side: str
    seed: int
    env_steps: int
    episodes: int
    return_mean: float
    won: float


class Ran(NamedTuple):
    """A row of NAME_runs.csv."""

    side: str
    seed: int
    greedy_return: float
    greedy_won: float
    core_minutes: float
    minutes: float
    date: str


# ---------------------------------------------------------------------------------------------------------------------
# Records


def in_parts(rows: list[Part], count: int) -> list[Part]:
    """The updates of a run put together to `count` parts of as many updates each."""
    size = len(rows) // count
    return [together(rows[k : k + size]) for k in range(0, size * count, size)]


def together(rows: list[Part]) -> Part:
    """One part out of several, each episode counted once; not a number where no episode ended."""
    episodes = np.array([row.episodes for row in rows])
    counted = np.array([row[2:] for row in rows])[episodes > 0]  # [K, 2], returns and wins
    means = np.average(counted, axis=0, weights=episodes[episodes > 0]) if len(counted) else (math.nan, math.nan)
    return Part(rows[-1].env_steps, int(episodes.sum()), *map(float, means))


def run_all(name: str, sides: dict[str, Callable[[int], Trained]], seeds: list[int]) -> None:
    """Train every side with every seed; what the files hold already is not made again."""
    for seed in seeds:
        for side, train in sides.items():
            if any((row.side, row.seed) == (side, seed) for row in read_runs(name)):
                continue
            began, on_core = time.perf_counter(), time.process_time()
            trained = train(seed)
            minutes = [(time.process_time() - on_core) / 60, (time.perf_counter() - began) / 60]
            ran = Ran(side, seed, trained.greedy_return, trained.greedy_won, *minutes, date.today().isoformat())
            points = read_points(name) + [Point(side, seed, *part) for part in trained.parts]
            write_csv(DATA / f"{name}.csv", Point._fields, [(*p[:4], *texts(p[4:], ".4g")) for p in points])
            runs = [*read_runs(name), ran]
            write_csv(DATA / f"{name}_runs.csv", Ran._fields, [(*r[:2], *texts(r[2:6], ".4g"), r.date) for r in runs])
            print(*ran, file=sys.stderr)


def read_points(name: str) -> list[Point]:
    """The rows of NAME.csv; none where there is no such file."""
    path = DATA / f"{name}.csv"
    rows = [list(row.values()) for row in read_csv(path)] if path.exists() else []
    return [Point(row[0], *map(int, row[1:4]), *(float(x or "nan") for x in row[4:])) for row in rows]


def read_runs(name: str) -> list[Ran]:
    """The rows of NAME_runs.csv; none where there is no such file."""
    path = DATA / f"{name}_runs.csv"
    rows = [list(row.values()) for row in read_csv(path)] if path.exists() else []
    return [Ran(row[0], int(row[1]), *(float(x or "nan") for x in row[2:6]), row[6]) for row in rows]


# ---------------------------------------------------------------------------------------------------------------------
# What they say


class Measure(NamedTuple):
    """A number for each run."""

    words: str
    of_run: Callable[[list[Point], Ran], float]


def over(column: str, after: float = 0.0, until: float = 1.0) -> Callable[[list[Point], Ran], float]:
    """The mean of a column over the episodes between two shares of training."""

    def of_run(points: list[Point], run: Ran) -> float:
        steps = points[-1].env_steps
        known = [p for p in points if after * steps < p.env_steps <= until * steps and p.episodes]
        return float(np.average([getattr(p, column) for p in known], weights=[p.episodes for p in known]))

    return of_run


RETURN = (
    Measure("return, all of training", over("return_mean")),
    Measure("return, last fifth", over("return_mean", after=0.8)),
    Measure("return, greedy after training", lambda points, run: run.greedy_return),
)
WON = (
    Measure("share won, all of training", over("won")),
    Measure("share won, last fifth", over("won", after=0.8)),
    Measure("share won, greedy after training", lambda points, run: run.greedy_won),
)
EARLY = Measure("return, first fifth", over("return_mean", until=0.2))


def scores(name: str, side: str, measure: Measure) -> np.ndarray:
    """A number for each run of a side, `[seeds]`."""
    points = [point for point in read_points(name) if point.side == side]
    runs = [run for run in read_runs(name) if run.side == side]
    return np.array([measure.of_run([p for p in points if p.seed == run.seed], run) for run in runs])


def verdict(lead: Interval) -> str:
    """Of the first side: ahead, behind, or undecided where the interval holds 0."""
    return "ahead" if lead.low > 0 else "behind" if lead.high < 0 else "undecided"


def lead(ours: np.ndarray, theirs: np.ndarray) -> Interval:
    """The difference of the means, ours minus theirs, with its 95 % interval by Welch's t."""
    difference = welch(sample(ours), sample(theirs))
    half = scipy.stats.t.ppf(0.975, difference.dof) * difference.error
    return Interval(difference.mean, difference.mean - half, difference.mean + half)


def shown(found: Interval) -> str:
    """A difference with its interval."""
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def with_minus(lines: list[str]) -> str:
    """The lines of a table, with minus signs in its numbers."""
    return "\n".join([*lines[:2], *(line.replace("-", "−") for line in lines[2:])])


def table(name: str, peer: str, measures: tuple[Measure, ...], ours: str = "ours") -> str:
    """A row for each measure: the means over seeds with their deviation, and how far ours leads."""
    lines = [f"| | {peer} | {ours} | {ours} minus {peer} | |", "|---" * 5 + "|"]
    for measure in measures:
        both = [scores(name, side, measure) for side in (peer, ours)]
        theirs, own = (f"{x.mean():.2f} ± {x.std(ddof=1):.2f}" for x in both)
        found = lead(both[1], both[0])
        lines.append(f"| {measure.words} | {theirs} | {own} | {shown(found)} | {verdict(found)} |")
    return with_minus(lines)


def why(measures: tuple[Measure, ...]) -> str:
    """A row for JaxMARL's as it is, and one for each change: means, and how far ours as it is leads."""
    lines = [f"| | {' | '.join(f'{measure.words} | ours minus this' for measure in measures)} |"]
    lines.append("|---" * (1 + 2 * len(measures)) + "|")
    for side in ("JaxMARL's", *CHANGED):
        cells = [side]
        for measure in measures:
            theirs = scores("smax", side, measure)
            found = lead(scores("smax", "ours", measure), theirs)
            cells += [f"{theirs.mean():.2f} ± {theirs.std(ddof=1):.2f}", shown(found)]
        lines.append(f"| {' | '.join(cells)} |")
    return with_minus(lines)


def curves(name: str, side: str, column: str) -> Curves:
    """The curves of a side's runs."""
    points = [point for point in read_points(name) if point.side == side]
    seeds = sorted({point.seed for point in points})
    values = [[getattr(p, column) for p in points if p.seed == seed] for seed in seeds]
    return Curves(np.array([p.env_steps for p in points if p.seed == seeds[0]]), np.array(values))


def draw(name: str, sides: tuple[str, ...], columns: dict[str, str], path: Path) -> None:
    """The curves of the sides over each other, a panel for each column; columns: name -> words for its axis."""
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(8 if len(columns) == 1 else 10, 4), layout="constrained")
        panels = figure.subplots(1, len(columns), squeeze=False)[0]
        for ax, (column, words) in zip(panels, columns.items(), strict=True):
            for side in sides:
                draw_mean(ax, side, curves(name, side, column))
            ax.set(xlabel="environment-steps", ylabel=words)
            ax.xaxis.set_major_formatter("{x:,.0f}")
        panels[0].legend()
        save(figure, path)


def main() -> None:
    """Every figure and table."""
    static = BOOK / "_static"
    for name in ("spread", "spread_long"):
        draw(name, ("HARL's", "ours"), {"return_mean": "return of an episode"}, static / f"peers_{name}.png")
        write_whole(DATA / f"{name}.md", table(name, "HARL's", RETURN) + "\n")
    columns = {"return_mean": "return of a battle", "won": "share of battles won"}
    draw("smax", ("JaxMARL's", "ours"), columns, static / "peers_smax.png")
    write_whole(DATA / "smax.md", table("smax", "JaxMARL's", RETURN + WON) + "\n")
    sides = ("JaxMARL's", "ours", *CHANGED)
    draw("smax", sides, {"return_mean": "return of a battle"}, static / "peers_smax_why.png")
    write_whole(DATA / "smax_why.md", why((EARLY, RETURN[0])) + "\n")


if __name__ == "__main__":
    main()
