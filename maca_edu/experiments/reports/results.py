"""Runs, read from the directories that sweeps leave behind: final.csv, curves.csv, measured.csv and sweep.json.

A results directory has these four files, or folders that have them. Scores are win rates in per cent where a game can
be won, otherwise returns.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maca_edu.experiments.reports.trained import read_plan, train_alike
from maca_edu.experiments.sweep_tables import (
    CurvePoint,
    Measured,
    read_curves,
    read_final,
    read_measured,
)
from maca_edu.files import read_object

COMMITTED = Path("book/data")  # the project's own results, from its folder
LARGEST_ABOUT = 1_000_000  # bytes of a sweep.json
MEASURES = ("greedy_win_rate", "win_rate", "greedy_return_mean", "return_mean")  # of curves, the best first


class About(NamedTuple):
    """Where results come from: what sweep.json says."""

    folder: str
    command: str
    facts: tuple[tuple[str, str], ...]  # date, versions, ...: whatever else sweep.json has, as words


class Run(NamedTuple):
    """One run. NaN: not measured."""

    env: str
    arm: str  # the method, and the settings that were varied, as in "maca sigma=0.18"
    seed: int
    return_mean: float  # of greedy play after training
    win_rate: float
    best_return_mean: float  # the absolute metric: the best checkpoint, played ten times as many episodes
    best_win_rate: float
    points: tuple[CurvePoint, ...]
    measured: Measured | None
    about: About
    options: str | None  # with which it was trained, as `maca-edu train` takes them; None: not known

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells a run from all others."""
        return self.env, self.arm, self.seed

    @property
    def steps(self) -> int:
        """Environment-steps of the run; 0 where there is no curve."""
        return self.points[-1].env_steps if self.points else 0


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def read_results(folders: Iterable[str | Path]) -> list[Run]:
    """The runs of several results directories, in their order.

    A run that stands in two of them with the same numbers counts once. Raises ValueError where a directory has no
    results, where two have different numbers for the same environment, arm and seed, where the runs of an arm in an
    environment were not trained alike, and where some runs in an environment have a win rate and others not.
    """
    found: dict[tuple, Run] = {}
    for folder in folders:
        for part in parts_of(Path(folder)):
            for run in read_directory(part):
                before = found.setdefault(run.key, run)
                if str(before[:7]) != str(run[:7]):  # as text, for NaN is not equal to NaN
                    raise ValueError(
                        f"{before.about.folder!r} and {str(part)!r} have different numbers for {run.arm!r} in "
                        f"{run.env}, seed {run.seed}; name one of them only"
                    )
    runs = list(found.values())
    for env, arms in by_env(runs).items():
        for group in arms.values():
            refuse_mixed(group)
        refuse_won_in_part(env, [run for group in arms.values() for run in group])
    return runs


def refuse_mixed(runs: list[Run]) -> None:
    """ValueError where runs of an arm in an environment differ in their steps or in what they were trained with."""
    kinds = {(run.steps, run.options): run for run in reversed(runs)}
    for run, first in itertools.combinations(kinds.values(), 2):
        if run.steps != first.steps and 0 not in (run.steps, first.steps):
            facts = [f"{one.steps:,} environment-steps" for one in (first, run)]
        elif not train_alike(run.env, run.arm, first.options, run.options):
            facts = [f"the options {one.options!r}" for one in (first, run)]
        else:
            continue
        raise ValueError(
            f"the runs of {run.arm!r} in {run.env} were not trained alike, so they are no arm: seed {first.seed} in "
            f"{first.about.folder!r} has {facts[0]}, seed {run.seed} in {run.about.folder!r} has {facts[1]}; name only "
            "directories whose runs belong together"
        )


def refuse_won_in_part(env: str, runs: list[Run]) -> None:
    """ValueError where some runs in an environment have a win rate and others not: their scores have no one unit."""
    for run in runs:
        if math.isfinite(run.win_rate) != math.isfinite(runs[0].win_rate):
            raise ValueError(
                f"{run.about.folder!r}: some runs in {env} have a win rate and others not, such as seed {run.seed} of "
                f"{run.arm!r} and seed {runs[0].seed} of {runs[0].arm!r}; in one environment all have one or none"
            )


def parts_of(folder: Path) -> list[Path]:
    """The folders with results at or below a folder. Raises ValueError where there are none."""
    parts = [folder] if (folder / "final.csv").exists() else sorted(path.parent for path in folder.glob("*/final.csv"))
    if not parts:
        raise ValueError(f"{str(folder)!r} has no final.csv; name a directory that maca-edu sweep wrote")
    return parts


def read_directory(folder: Path) -> list[Run]:
    """The runs of one directory."""
    about = read_about(folder)
    points: dict[tuple, list[CurvePoint]] = {}
    for point in read_curves(folder / "curves.csv") if (folder / "curves.csv").exists() else ():
        points.setdefault(point[:3], []).append(point)
    measured = {}
    if (folder / "measured.csv").exists():
        measured = {row[:3]: row for row in read_measured(folder / "measured.csv")}
    plan = read_plan(folder, about.command)
    runs = []
    for play in read_final(folder / "final.csv"):
        key, scores = play[:3], (play.return_mean, play.win_rate, play.best_return_mean, play.best_win_rate)
        runs.append(Run(*key, *scores, tuple(points.get(key, ())), measured.get(key), about, plan.options(*key)))
    return runs


def read_about(folder: Path) -> About:
    """What a directory's sweep.json says; nothing where there is none. Raises ValueError where it is damaged."""
    file = folder / "sweep.json"
    if not file.exists():
        return About(str(folder), "", ())
    said = read_object(file, LARGEST_ABOUT, "it does not say what was run")
    command = str(said.pop("command", ""))
    return About(str(folder), command, tuple((key.replace("_", " "), in_words(value)) for key, value in said.items()))


def in_words(value) -> str:
    """An entry of sweep.json, in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return str(value)


def committed(name: str) -> list[Path]:
    """The project's own results of that name, such as table2.

    Raises ValueError where the current folder is not the project's, or it has no such results.
    """
    if not (COMMITTED / name).is_dir():
        raise ValueError(
            f"results=[]; name directories that maca-edu sweep wrote; without any, {COMMITTED / name} is read, "
            "which is not in this folder"
        )
    return [COMMITTED / name]


# ---------------------------------------------------------------------------------------------------------------------
# Looking at runs


def by_env(runs: Iterable[Run]) -> dict[str, dict[str, list[Run]]]:
    """{environment: {arm: its runs by seed}}, in the order of the runs."""
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        groups.setdefault(run.env, {}).setdefault(run.arm, []).append(run)
    return {
        env: {arm: sorted(group, key=lambda run: run.seed) for arm, group in arms.items()}
        for env, arms in groups.items()
    }


def winnable(arms: dict[str, list[Run]]) -> bool:
    """Whether scores in an environment are win rates: all of its runs have one."""
    return all(math.isfinite(run.win_rate) for runs in arms.values() for run in runs)


def final_scores(runs: list[Run], wins: bool) -> np.ndarray:
    """Greedy play after training, `[seeds]`: per cent of episodes won, or the return."""
    return np.array([100 * run.win_rate if wins else run.return_mean for run in runs])


def best_scores(runs: list[Run], wins: bool) -> np.ndarray:
    """The absolute metric, `[seeds]`, in the same units; NaN where a run made no evaluations."""
    return np.array([100 * run.best_win_rate if wins else run.best_return_mean for run in runs])


class CurvesOfRuns(NamedTuple):
    """Learning curves of runs: steps `[K]`, and scores `[seeds, K]` in per cent or as returns."""

    steps: np.ndarray
    values: np.ndarray


def measure_of(runs: Iterable[Run]) -> str | None:
    """The column of curves.csv to draw: the first of MEASURES that all runs have; None where there is none."""
    runs = list(runs)
    for k in (CurvePoint._fields.index(name) for name in MEASURES):
        if all(run.points and np.isfinite([point[k] for point in run.points]).any() for run in runs):
            return CurvePoint._fields[k]
    return None


def curves_of(runs: list[Run], measure: str) -> CurvesOfRuns:
    """The curves of runs in one environment. Raises ValueError where they were not measured at the same steps."""
    k = CurvePoint._fields.index(measure)
    scale = 100 if measure.endswith("win_rate") else 1
    steps = [point.env_steps for point in runs[0].points]
    for run in runs:
        if [point.env_steps for point in run.points] != steps:
            raise ValueError(
                f"the curves of {runs[0].arm!r}, seed {runs[0].seed}, and of {run.arm!r}, seed {run.seed}, in "
                f"{run.env} have different env_steps, so they cannot be put together"
            )
    return CurvesOfRuns(np.array(steps), scale * np.array([[point[k] for point in run.points] for run in runs]))
