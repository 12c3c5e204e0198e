"""A verdict on two arms: different, equivalent within a margin, or undecided, and how many more seeds it would take."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from maca_edu.experiments.decisions import LEVEL, WANTED, Verdict, decide
from maca_edu.experiments.reports.published import count
from maca_edu.experiments.reports.results import (
    Run,
    best_scores,
    by_env,
    curves_of,
    final_scores,
    measure_of,
    read_results,
    refuse_won_in_part,
    winnable,
)
from maca_edu.experiments.statistics import Sample, probability_of_improvement, sample

Measure = Literal["final", "best", "curve"]
MARGIN = 5.0  # per cent of games won
MEASURES = {
    "final": "greedy play after training",
    "best": "the best checkpoint",
    "curve": "the mean of the learning curve",
}


class Arm(NamedTuple):
    """An arm in a results directory, as DIR:ARM names it."""

    folder: Path
    name: str  # "" where the directory has one arm only

    def __str__(self) -> str:
        return f"{self.folder}:{self.name}" if self.name else str(self.folder)


class Comparison(NamedTuple):
    """Two arms in one environment."""

    env: str
    measure: Measure
    unit: str
    names: tuple[str, str]
    samples: tuple[Sample, Sample]
    steps: tuple[int, int]
    column: str | None  # of curves.csv, where curves are compared
    margin: float
    improvement: float  # probability that a run of the first is better than one of the second
    verdict: Verdict


def parse_arm(text: str) -> Arm:
    """DIR:ARM, or DIR where the directory has one arm only. Raises ValueError where the directory is missing."""
    folder, _, name = (text, "", "") if Path(text).is_dir() else text.rpartition(":")
    if not folder or not Path(folder).is_dir():
        raise ValueError(f"arm={text!r}; allowed is DIR:ARM, a results directory and an arm in it: runs/toys:maca")
    return Arm(Path(folder), name)


def compare(a: Arm, b: Arm, margin: float | None = None, measure: Measure = "final") -> list[Comparison]:
    """The verdicts on two arms, one for each environment that both were trained in.

    margin: the difference that would not matter, in per cent of games won or in units of the return; None: MARGIN
    where games are won. measure: what is compared, see MEASURES. Raises ValueError where an arm is not there, the arms
    share no environment, have a run in common or differ in whether games are won, the margin is missing or not
    positive, or the measure was not taken.
    """
    if margin is not None and not 0 < margin < np.inf:
        raise ValueError(f"margin={margin}; allowed are positive numbers")
    groups = [runs_of(arm) for arm in (a, b)]
    shared = [env for env in groups[0] if env in groups[1]]
    if not shared:
        raise ValueError(f"{str(a)!r} and {str(b)!r} share no environment")
    return [compared(env, groups[0][env], groups[1][env], margin, measure) for env in shared]


def names_of(a: Run, b: Run) -> tuple[str, str]:
    """What to call two arms; with their directories where both have one name."""
    if a.arm != b.arm:
        return a.arm, b.arm
    return f"{Path(a.about.folder).name}:{a.arm}", f"{Path(b.about.folder).name}:{b.arm}"


def runs_of(arm: Arm) -> dict[str, list[Run]]:
    """{environment: the runs of an arm}. Raises ValueError where the directory lacks the arm."""
    found = by_env(read_results([arm.folder]))
    names = list(dict.fromkeys(name for arms in found.values() for name in arms))
    name = arm.name or names[0]
    if name not in names or (not arm.name and len(names) > 1):
        raise ValueError(f"arm={str(arm)!r}; {str(arm.folder)!r} has {', '.join(names)}")
    return {env: arms[name] for env, arms in found.items() if name in arms}


def compared(env: str, a: list[Run], b: list[Run], margin: float | None, measure: Measure) -> Comparison:
    """The verdict on the runs of two arms in one environment."""
    refuse_the_same(env, a, b)
    refuse_won_in_part(env, [*a, *b])
    wins = winnable({"a": a, "b": b})
    if margin is None and not wins:
        raise ValueError(
            f"margin=None; in {env} scores are returns, so name the difference that would not matter: --margin 0.5"
        )
    margin = MARGIN if margin is None else margin
    column = column_of([*a, *b], wins) if measure == "curve" else None
    scores = [scores_of(runs, wins, measure, column) for runs in (a, b)]
    samples = tuple(map(sample, scores))
    return Comparison(
        env, measure, "per cent" if wins else "return", names_of(a[0], b[0]), samples, (a[0].steps, b[0].steps), column,
        margin, float(probability_of_improvement(*([x] for x in scores))), decide(*samples, margin),
    )  # fmt: skip


def refuse_the_same(env: str, a: list[Run], b: list[Run]) -> None:
    """ValueError where a run stands in both arms, in one directory or in copies of it."""
    ours = {str(run._replace(about=None)) for run in a}  # as text, for NaN is not equal to NaN
    for run in b:
        if str(run._replace(about=None)) in ours:
            raise ValueError(
                f"{a[0].about.folder!r} and {run.about.folder!r} have the same run of {run.arm!r} in {env}, seed "
                f"{run.seed}; name two arms that share no run"
            )


def column_of(runs: list[Run], wins: bool) -> str:
    """The column of curves.csv in which two arms are compared: the best that all runs of both have.

    Raises ValueError where there is none, or the runs were not measured at the same steps.
    """
    column = measure_of(runs)
    if column is None or column.endswith("win_rate") != wins:
        raise ValueError(f"measure='curve'; the curves of the two arms in {runs[0].env} have no such column in common")
    curves_of(runs, column)
    return column


def scores_of(runs: list[Run], wins: bool, measure: Measure, column: str | None) -> np.ndarray:
    """One number for each run, `[seeds]`; column: of curves.csv. Raises ValueError where it was not measured."""
    if measure == "final":
        return final_scores(runs, wins)
    scores = best_scores(runs, wins) if measure == "best" else np.nanmean(curves_of(runs, column).values, axis=1)
    if np.isnan(scores).any():
        raise ValueError(f"measure={measure!r}; {runs[0].about.folder!r} does not have it for every run")
    return scores


# ---------------------------------------------------------------------------------------------------------------------
# In words


def in_words(found: Comparison) -> str:
    """The verdict and what it rests on."""
    width = max(len(name) for name in (*found.names, "difference"))
    column = "" if found.column is None else f", column {found.column}"
    lines = [f"{found.env}, {MEASURES[found.measure]}{column} ({found.unit})"]
    for name, (mean, std, seeds), steps in zip(found.names, found.samples, found.steps, strict=True):
        runs = "1 seed" if seeds == 1 else f"{seeds} seeds, standard deviation {std:.2f}"
        lines.append(f"  {name:<{width}} {mean:8.2f}   {runs}, {count(steps)} steps each")
    verdict = found.verdict
    lines.append(f"  {'difference':<{width}} {verdict.difference:+8.2f}   {interval_in_words(verdict)}")
    lines.append(f"  a run of {found.names[0]} is the better one in {found.improvement:.0%} of pairs of runs")
    lines.append(textwrap.fill(f"{verdict.word}: {reason(found)}", 100, initial_indent="  ", subsequent_indent="    "))
    if found.steps[0] != found.steps[1]:
        lines.append("  The runs differ in length, so the difference is not one of arms alone.")
    return "\n".join(lines)


def interval_in_words(verdict: Verdict) -> str:
    """The interval of the difference, where there is one."""
    if np.isnan(verdict.low):
        return "no interval from one seed"
    return f"95 % interval {verdict.low:+.2f} to {verdict.high:+.2f} (Welch)"


def reason(found: Comparison) -> str:
    """Why the verdict is what it is, in a sentence or two."""
    verdict, (a, b) = found.verdict, found.samples
    if min(a.seeds, b.seeds) < 2:
        return "one seed says nothing about others; train at least three of each"
    if a.std == b.std == 0:
        return "all runs of an arm ended with the same score, so there is nothing to estimate"
    if verdict.word == "different":
        better = found.names[0] if verdict.difference > 0 else found.names[1]
        return f"{better} is better (p = {verdict.p_different:.2g})"
    if verdict.word == "equivalent":
        there = ", though it is there" if verdict.p_different < LEVEL else ""
        return f"the difference is smaller than the margin of {found.margin:g} (p = {verdict.p_equivalent:.2g}){there}"
    return f"neither a difference nor equivalence within {found.margin:g} is shown; {seeds_in_words(found)}"


def seeds_in_words(found: Comparison) -> str:
    """How many more seeds a verdict would take."""
    needed, at_worst = found.verdict.seeds, found.verdict.seeds_at_worst
    if needed is None:
        return "if difference and spread are as measured, more seeds than anybody has would be needed"
    more = [max(needed - one.seeds, 0) for one in found.samples]
    each = f"{more[0]} more of each" if more[0] == more[1] else f"{more[0]} and {more[1]} more"
    worst = "" if at_worst is None else f"; {at_worst} of each if the spread is larger, as it is in one case of five"
    return (
        f"it takes {each}: {needed} seeds of each give a verdict with a chance of {WANTED:.0%} if difference and "
        f"spread are as measured{worst}"
    )
