"""What is known of each arm: the numbers behind the tables of results."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from maca_edu.experiments.reports.published import differences, in_paper, published
from maca_edu.experiments.reports.records import RETURN, WON, ArmSummary
from maca_edu.experiments.reports.results import Run, best_scores, curves_of, final_scores, measure_of, winnable
from maca_edu.experiments.reports.settings import preset_of
from maca_edu.experiments.statistics import (
    Interval,
    as_good_as_the_best,
    bootstrap,
    iqm,
    probability_of_improvement,
    sample,
    steps_to,
    t_interval,
)

REFERENCE = ("maca epochs=10 clip=0.1", "maca sigma=1/n", "maca")  # the arm with which others are compared
LEVEL = 50.0  # per cent of battles won, to which steps are counted

Arms = dict[str, list[Run]]  # the runs of one environment by arm


class Together(NamedTuple):
    """Scores in several tasks that have one unit."""

    envs: list[str]
    unit: str
    scores: dict[str, list[np.ndarray]]  # of each arm, for each task [seeds]

    def fewest_seeds(self) -> int:
        """Of any arm in any task."""
        return min(len(scores) for tasks in self.scores.values() for scores in tasks)


def summaries_of(number: int, env: str, arms: Arms, level: float | None) -> list[ArmSummary]:
    """What is known of each arm in one environment."""
    wins = winnable(arms)
    scores = {arm: final_scores(runs, wins) for arm, runs in arms.items()}
    samples = {arm: sample(values) for arm, values in scores.items()}
    marks, paper, said = as_good_as_the_best(samples), in_paper(number, env), difference_of(number, env, arms)
    level = LEVEL if level is None and wins else level
    reference = reference_of(arms)
    summaries = []
    for arm, runs in arms.items():
        low, high = t_interval(scores[arm][:, None])
        best = sample(best_scores(runs, wins))
        better = probability_of_improvement([scores[reference]], [scores[arm]]) if arm != reference else math.nan
        cell = paper.get(arm)
        summaries.append(
            ArmSummary(
                env, arm, WON if wins else RETURN, len(runs), max(run.steps for run in runs),
                samples[arm].mean, samples[arm].std, float(low[0]), float(high[0]),
                *map(float, interval_of_iqm(scores[arm])), best.mean, best.std, median_steps(runs, level),
                float(better), marks[arm], *((cell.mean, cell.std) if cell else (math.nan, math.nan)), said,
            )
        )  # fmt: skip
    return summaries


def reference_of(arms: Iterable[str]) -> str:
    """The arm with which the others are compared: MACA as the paper has it, else the first."""
    names = list(arms)
    return next((arm for arm in REFERENCE if arm in names), names[0])


def interval_of_iqm(scores: np.ndarray) -> Interval:
    """The interquartile mean of one arm's runs, with its interval; one run has none."""
    if len(scores) == 1:
        return Interval(scores[0], math.nan, math.nan)
    return bootstrap(iqm, [scores])


def median_steps(runs: list[Run], level: float | None) -> float:
    """The median over runs of the steps at which the curve first reaches a level; NaN without a level or a curve."""
    measure = measure_of(runs)
    if level is None or measure is None:
        return math.nan
    return float(np.median([steps_to(level, *curves_of([run], measure))[0] for run in runs]))


def difference_of(number: int, env: str, arms: Arms) -> str:
    """What differs between the runs in an environment and the paper's."""
    seeds = [len(runs) for runs in arms.values()]
    every = [run for runs in arms.values() for run in runs]
    steps = [run.steps for run in every]
    presets = dict.fromkeys(map(preset_of, every))
    return differences(number, env, (min(steps), max(steps)), (min(seeds), max(seeds)), tuple(presets))


def ordered(number: int, arms: Arms) -> Arms:
    """Arms in the paper's order, then the others in theirs."""
    known = [arm for arm in columns_of(number) if arm in arms]
    return {arm: arms[arm] for arm in [*known, *(arm for arm in arms if arm not in known)]}


def columns_of(number: int) -> list[str]:
    """The arms of a table in the paper's order."""
    return list(dict.fromkeys(cell.arm for cell in published(number)))


def scores_together(groups: dict[str, Arms]) -> Together | None:
    """The scores of all arms that every task has.

    Returns of different games have no common unit, so that the tasks are those that can be won, or the only one there
    is. None: there is no such task, or no arm that they share.
    """
    won = {env: arms for env, arms in groups.items() if winnable(arms)}
    tasks = groups if len(groups) == 1 else won
    wins = len(won) > 0
    shared = [arm for arm in next(iter(tasks.values()), {}) if all(arm in arms for arms in tasks.values())]
    if not shared:
        return None
    scores = {arm: [final_scores(arms[arm], wins) for arms in tasks.values()] for arm in shared}
    return Together(list(tasks), WON if wins else RETURN, scores)
