"""Results as the JSON that the package marl-eval reads (Gorsane et al. 2022, github.com/instadeepai/marl-eval):

    environment: task: algorithm: run: step_1, ..., absolute_metrics: metric: [values]

Here smax/2s3z is the task 2s3z of the environment smax. The metrics of a step are return and win_rate, each a list with
one mean over episodes, and the credit measures that every run in an environment has. These are means over training, so
they are the same in all steps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import NamedTuple

from maca_edu.experiments.reports.results import Run, by_env, measure_of
from maca_edu.experiments.sweep_tables import CurvePoint

CREDIT = {  # our measures of credit by their columns in measured.csv
    "cosine_method": "gradient_cosine",  # with the joint baseline's: the nearest to bias that a run measures
    "variance_method": "variance",
    "corrset_precision": "partner_precision",
    "corrset_recall": "partner_recall",
    "action_r2": "action_r2",
}


class Exported(NamedTuple):
    """The JSON, and what has to be said of it."""

    text: str
    notes: list[str]


def marl_eval(runs: Iterable[Run]) -> Exported:
    """The runs as marl-eval's JSON.

    Raises ValueError where a run has no curve, or where runs of an environment differ in number or in their steps:
    marl-eval puts them into arrays.
    """
    groups = by_env(runs)
    if not groups:
        raise ValueError("results=[]; the directories hold no runs")
    data, notes = {}, []
    for family, tasks in by_family(groups).items():
        every = [run for arms in tasks.values() for group in arms.values() for run in group]
        check_alike(family, tasks)
        column = measure_of(every)
        scores = scores_of(every, column)
        kept = kept_points(every, scores)
        credit = [name for name in CREDIT if all(run.measured and name in run.measured.means for run in every)]
        notes += notes_of(family, every, column, credit)
        data[family] = {
            task: {
                arm.replace(",", ";"): {f"seed_{run.seed}": entry(run, kept, scores, credit) for run in group}
                for arm, group in arms.items()
            }
            for task, arms in tasks.items()
        }
    return Exported(json.dumps(data, indent=1) + "\n", notes)


def by_family(groups: dict[str, dict[str, list[Run]]]) -> dict[str, dict[str, dict[str, list[Run]]]]:
    """{environment: {task: {arm: runs}}} of {smax/2s3z: {arm: runs}}."""
    families = {}
    for env, arms in groups.items():
        family, _, task = env.partition("/")
        families.setdefault(family, {})[task] = arms
    return families


def check_alike(family: str, tasks: dict[str, dict[str, list[Run]]]) -> None:
    """ValueError where the tasks have different arms, or arms different numbers of runs or other steps."""
    arms = [sorted(task) for task in tasks.values()]
    runs = [run for task in tasks.values() for group in task.values() for run in group]
    if any(names != arms[0] for names in arms):
        raise ValueError(f"marl-eval wants the same arms in every task of {family}; choose some with --methods")
    if len({len(group) for task in tasks.values() for group in task.values()}) > 1:
        raise ValueError(f"marl-eval wants the same number of runs of every arm in {family}")
    steps = {tuple(point.env_steps for point in run.points) for run in runs}
    if len(steps) > 1 or measure_of(runs) is None:
        raise ValueError(f"marl-eval wants a curve of every run in {family}, all measured at the same env_steps")


def entry(run: Run, kept: list[int], scores: dict[str, str], credit: list[str]) -> dict[str, dict]:
    """The steps of a run and its absolute metrics. kept: which points. scores: columns of curves.csv by metric."""
    constant = {CREDIT[name]: [run.measured.means[name]] for name in credit}
    steps = {}
    for k, point in enumerate((run.points[k] for k in kept), 1):
        reached = {metric: [getattr(point, column)] for metric, column in scores.items()}
        steps[f"step_{k}"] = {"step_count": point.env_steps} | reached | constant
    absolute = {"return": [run.best_return_mean if has_best(run) else run.return_mean]}
    if "win_rate" in scores:
        absolute["win_rate"] = [run.best_win_rate if has_best(run) else run.win_rate]
    return steps | {"absolute_metrics": absolute | constant}


def scores_of(runs: list[Run], column: str) -> dict[str, str]:
    """{metric: column of curves.csv} of the metrics that all runs have; column: the one that they have."""
    wins, returns = (
        column.replace(old, new) for old, new in (("return_mean", "win_rate"), ("win_rate", "return_mean"))
    )
    won = all(math.isfinite(run.win_rate) for run in runs) and all_have(runs, wins)
    return {"return": returns} | ({"win_rate": wins} if won else {})


def kept_points(runs: list[Run], scores: dict[str, str]) -> list[int]:
    """The numbers of the points that every run has measured: before an episode has ended there is nothing to say."""
    count = len(runs[0].points)
    return [
        k
        for k in range(count)
        if all(math.isfinite(getattr(run.points[k], column)) for run in runs for column in scores.values())
    ]


def all_have(runs: list[Run], column: str) -> bool:
    """Whether the curves of all runs have a column."""
    k = CurvePoint._fields.index(column)
    return all(any(math.isfinite(point[k]) for point in run.points) for run in runs)


def has_best(run: Run) -> bool:
    """Whether a run kept its best checkpoint."""
    return math.isfinite(run.best_return_mean)


def notes_of(family: str, runs: list[Run], column: str, credit: list[str]) -> list[str]:
    """What the JSON cannot say about itself."""
    notes = []
    if not column.startswith("greedy"):
        notes.append(f"{family}: the steps are running means over training episodes, not evaluations.")
    if not all(map(has_best, runs)):
        notes.append(f"{family}: absolute_metrics are of the last policy where a run did not keep its best checkpoint.")
    missing = [CREDIT[name] for name in CREDIT if name not in credit]
    if missing:
        notes.append(f"{family}: left out, because not every run has it: {', '.join(missing)}.")
    return notes
