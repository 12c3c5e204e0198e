"""The tables of a sweep: what its runs reached and measured, gathered into four files that outlive the runs.

curves.csv    the learning curves: 50 points of each run at most, or its greedy evaluations where there were any
final.csv     greedy play after training, and of the best checkpoint (the absolute metric): a row for each run
measured.csv  the minutes a run took, and the means of everything else that its metrics.csv holds: a row for each run
sweep.json    the command, the date, the versions of the packages, the commit, the processor, the hours it took
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maca_edu.checks import fits
from maca_edu.experiments.provenance import commit, processor, versions
from maca_edu.experiments.statistics import running_mean
from maca_edu.files import open_regular, read_object, write_whole
from maca_edu.training.run_directory import RunDirectory

POINTS = 50
CLOCKS = ("env_seconds", "act_seconds", "learn_seconds")  # their sum is the time of an update


class CurvePoint(NamedTuple):
    """A row of curves.csv: what a run had reached after so many environment-steps. NaN: not measured.

    return_mean and win_rate are running means over the training episodes; the greedy columns are single evaluations.
    """

    env: str
    method: str
    seed: int
    env_steps: int
    return_mean: float
    win_rate: float = math.nan
    greedy_return_mean: float = math.nan
    greedy_win_rate: float = math.nan


MEASURES = CurvePoint._fields[4:]  # the columns of curves.csv that can be drawn


class FinalPlay(NamedTuple):
    """A row of final.csv: greedy play of a trained team. Returns are undiscounted; win_rate NaN: nothing can be won.

    best_*: the same of the checkpoint with the best greedy evaluation during training, in ten times the episodes of an
    evaluation; NaN: the run made no evaluations, or was made before best checkpoints were kept.
    """

    env: str
    method: str
    seed: int
    return_mean: float
    return_std: float
    win_rate: float
    best_return_mean: float = math.nan
    best_return_std: float = math.nan
    best_win_rate: float = math.nan


class Measured(NamedTuple):
    """A row of measured.csv. means: by the column's name in metrics.csv, over the updates in which it was measured.

    Which columns there are depends on the method and the environment, so the means are a dict.
    """

    env: str
    method: str
    seed: int
    minutes: float
    means: dict[str, float]


def gather(out: str | Path, runs: list[Path], command: str, wall_seconds: float | None = None) -> None:
    """Write the four files to `out`.

    runs: the directories of finished runs, each with a final.json, the result of its greedy play. command: what made
    them. wall_seconds: how long it took, by the clock on the wall. Raises ValueError where a directory holds no run.
    sweep.json comes first: if this is cut off, the tables tell that it has to be done again.
    """
    write_about_runs(Path(out) / "sweep.json", runs, command, wall_seconds)
    write_tables(Path(out), runs)


def write_tables(out: Path, runs: list[Path]) -> None:
    """Write the three tables of finished runs to `out`."""
    curves, finals, measured = [], [], []
    for path in runs:
        run, result = RunDirectory(path), result_of(path)
        settings, rows = run.settings(), run.rows(10**9)
        if any("env_steps" not in row for row in rows[:1]):
            raise ValueError(f"{str(run.metrics)!r} is damaged: its first line does not name the columns of a run")
        name = settings["env"], result.get("arm", settings["method"]), settings["seed"]
        curves += curve(*name, rows)
        finals.append(final_play(*name, result))
        measured.append(means(*name, rows))
    write_curves(out / "curves.csv", curves)
    write_final(out / "final.csv", finals)
    write_measured(out / "measured.csv", measured)


def write_about_runs(path: Path, runs: list[Path], command: str, wall_seconds: float | None) -> None:
    """Write sweep.json; commits and processors are those of the runs, cpu_hours what they took together.

    wall_hours: what the sweep.json that is replaced says, and `wall_seconds` more; without commands that were cut off.
    """
    results = [result_of(run) for run in runs]
    more = {name: ", ".join(distinct(results, name)) for name in ("commit", "processor")}
    more["cpu_hours"] = round(sum(map(seconds_of_run, runs)) / 3600, 3)
    if wall_seconds is not None:
        more["wall_hours"] = round(wall_hours(path) + wall_seconds / 3600, 3)
    write_about(path, command, more)


def wall_hours(path: Path) -> float:
    """The hours that a sweep.json says; 0 where there is none. Raises ValueError where it is damaged."""
    damage = "it does not say what was run; remove it, and the same command writes it again"
    hours = read_object(path, 100_000, damage).get("wall_hours", 0.0) if path.exists() else 0.0
    if not fits(hours, float):
        raise ValueError(f"{str(path)!r} is damaged: {damage}")
    return hours


def result_of(run: Path) -> dict:
    """What a run's final.json says; a dict, because runs of earlier versions say less.

    Raises ValueError where it is damaged.
    """
    file, damage = run / "final.json", "it is not the result of a run; remove it, and the same command plays again"
    result = read_object(file, 10_000, damage)
    numbers = (result.get(name) for name in (*FinalPlay._fields[3:], "seconds"))
    words = (result.get(name, "") for name in ("arm", "commit", "processor"))
    if not all(is_number(x) for x in numbers) or not all(isinstance(x, str) for x in words):
        raise ValueError(f"{str(file)!r} is damaged: {damage}")
    return result


def is_number(x) -> bool:
    """Whether a value from JSON is a number, NaN for one, or None, which stands for none."""
    return isinstance(x, float) or fits(x, float | None)


def seconds_of_run(run: Path) -> float:
    """What a finished run took; of runs of earlier versions, the clocks of their updates alone are known."""
    seconds = result_of(run).get("seconds")
    return clocks(RunDirectory(run).rows(10**9)) if seconds is None else seconds


def distinct(results: list[dict], name: str) -> list[str]:
    """The different values under a name, in the order in which they come; "unknown" where one is missing."""
    return list(dict.fromkeys(result.get(name, "unknown") for result in results))


def curve(env: str, method: str, seed: int, rows: list[dict]) -> list[CurvePoint]:
    """The points of a run's learning curve.

    rows: of its metrics.csv; they stay dicts because every method and environment adds columns of its own. The points
    are the greedy evaluations where there were any, otherwise POINTS rows, evenly spread, the last among them.
    """
    columns = {name: column(rows, name) for name in MEASURES}
    for name in ("return_mean", "win_rate"):
        columns[name] = running_mean(columns[name])
    kept = np.flatnonzero(np.isfinite(columns["greedy_return_mean"]))
    if len(kept) == 0:
        kept = np.unique(np.linspace(0, len(rows) - 1, POINTS).round().astype(int))
    points = []
    for k in kept:
        reached = {name: float(values[k]) for name, values in columns.items()}
        points.append(CurvePoint(env, method, seed, rows[k]["env_steps"], **reached))
    return points


def final_play(env: str, method: str, seed: int, result: dict) -> FinalPlay:
    """The row of a run in final.csv; result: what `experiments.run.evaluate` returned, or a run's final.json holds."""
    found = [result.get(name) for name in FinalPlay._fields[3:]]
    return FinalPlay(env, method, seed, *(math.nan if x is None else x for x in found))


def means(env: str, method: str, seed: int, rows: list[dict]) -> Measured:
    """The row of a run in measured.csv; rows: of its metrics.csv."""
    minutes = clocks(rows) / 60
    elsewhere = ("update", "env_steps", "steps_per_second", *CLOCKS, *MEASURES)
    found = {}
    for name in rows[0]:
        values = column(rows, name)
        known = values[np.isfinite(values)]
        if name not in elsewhere and len(known):
            found[name] = float(known.mean())
    return Measured(env, method, seed, minutes, found)


def clocks(rows: list[dict]) -> float:
    """The seconds that updates took, without greedy evaluations; rows: of metrics.csv."""
    return float(sum(column(rows, name).sum() for name in CLOCKS))


def column(rows: list[dict], name: str) -> np.ndarray:
    """One column of metrics.csv, `[updates]`; NaN where a row lacks it."""
    return np.array([row.get(name, math.nan) for row in rows], dtype=float)


def write_curves(path: Path, points: list[CurvePoint]) -> None:
    """Write curves.csv, with five digits."""
    write_csv(path, CurvePoint._fields, [(*point[:4], *texts(point[4:], ".5g")) for point in points])


def read_curves(path: str | Path) -> list[CurvePoint]:
    """The rows of a curves.csv. Raises ValueError where there is no such file, or it is damaged."""
    points = []
    for number, row in enumerate(read_csv(path), 1):
        try:
            points.append(CurvePoint(*run_in(row), int(row["env_steps"]), *scores(row, MEASURES)))
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{str(path)!r} is damaged: row {number} is not a point of a curve") from None
    return points


def write_final(path: Path, finals: list[FinalPlay]) -> None:
    """Write final.csv, with all digits."""
    write_csv(path, FinalPlay._fields, [(*final[:3], *texts(final[3:])) for final in finals])


def read_final(path: str | Path) -> list[FinalPlay]:
    """The rows of a final.csv. Raises ValueError where there is no such file, or it is damaged."""
    finals = []
    for number, row in enumerate(read_csv(path), 1):
        try:
            finals.append(FinalPlay(*run_in(row), *scores(row, FinalPlay._fields[3:])))
            if math.isnan(finals[-1].return_mean):
                raise ValueError("return_mean is missing")
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{str(path)!r} is damaged: row {number} is not the result of a run") from None
    return finals


def write_measured(path: Path, measured: list[Measured]) -> None:
    """Write measured.csv, with four digits; what a run did not measure stays empty."""
    names = list(dict.fromkeys(name for row in measured for name in row.means))
    lines = []
    for row in measured:
        values = [row.means.get(name, math.nan) for name in names]
        lines.append((*row[:3], f"{row.minutes:.2f}", *texts(values, ".4g")))
    write_csv(path, (*Measured._fields[:4], *names), lines)


def read_measured(path: str | Path) -> list[Measured]:
    """The rows of a measured.csv. Raises ValueError where there is no such file, or it is damaged."""
    measured = []
    for number, row in enumerate(read_csv(path), 1):
        names = list(row)[4:]
        try:
            entries = zip(names, numbers(row, names), strict=True)
            known = {name: value for name, value in entries if not math.isnan(value)}
            measured.append(Measured(*run_in(row), float(row["minutes"]), known))
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{str(path)!r} is damaged: row {number} is not what a run measured") from None
    return measured


def write_about(path: Path, command: str, more: dict | None = None) -> None:
    """Write sweep.json, or another file that says where numbers come from; more: what else it shall say."""
    about = {"command": command, "date": date.today().isoformat(), "versions": versions()}
    about |= {"commit": commit(), "processor": processor()} | (more or {})
    write_whole(path, json.dumps(about, indent=2) + "\n")


def texts(values: Iterable[float], form: str = "") -> list[str]:
    """Numbers as the entries of a csv, written as `form` says; NaN is an empty entry."""
    return ["" if math.isnan(value) else format(value, form) for value in values]


def numbers(row: dict[str, str], names: Iterable[str]) -> list[float]:
    """The entries of a csv's row as numbers; empty and missing ones are NaN."""
    return [float(row.get(name) or "nan") for name in names]


def run_in(row: dict[str, str]) -> tuple[str, str, int]:
    """The environment, the arm and the seed in a csv's row. Raises ValueError where the seed is none."""
    if int(row["seed"]) < 0:
        raise ValueError(f"seed={row['seed']}")
    return row["env"], row["method"], int(row["seed"])


def scores(row: dict[str, str], names: Iterable[str]) -> list[float]:
    """`numbers` that are returns and win rates. Raises ValueError where no game can have such a score."""
    found = dict(zip(names, numbers(row, names), strict=True))
    for name, score in found.items():
        if math.isinf(score) or (name.endswith("win_rate") and not math.isnan(score) and not 0 <= score <= 1):
            raise ValueError(f"{name}={score}")
    return list(found.values())


def write_csv(path: Path, names: Iterable[str], rows: list[tuple]) -> None:
    """Write a csv whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def read_csv(path: str | Path) -> list[dict[str, str]]:
    """The rows of a csv by the names in its first line.

    Raises ValueError where there is no such file, or no csv, or its end or some of its cells are missing.
    """
    if not Path(path).exists():
        raise ValueError(f"{str(path)!r} is not there; maca-edu sweep writes it when all runs are done")
    with open_regular(path, "r", newline="", encoding="utf-8", errors="replace") as file:
        text = file.read()
    if not text.endswith("\n"):
        raise ValueError(f"{str(path)!r} is damaged: its last line has no end, so the file was cut off")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ValueError(f"{str(path)!r} is not a table that maca-edu sweep wrote ({error})") from None
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise ValueError(f"{str(path)!r} is damaged: row {number} has not as many cells as the first line")
    return rows
