"""What a report is made of, before it becomes Markdown, LaTeX or CSV."""

from __future__ import annotations

from typing import NamedTuple

WON, RETURN = "per cent won", "return"  # units of scores


class Cell(NamedTuple):
    """An entry of a table."""

    text: str
    strong: bool = False  # set in bold: not significantly different from the best
    maths: bool = False  # LaTeX mathematics


class Table(NamedTuple):
    """A table: the words above its columns, and its rows of as many cells."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


class ArmSummary(NamedTuple):
    """What is known of an arm in an environment: a row of the CSV. NaN: not known. Intervals are 95 % intervals."""

    env: str
    arm: str
    unit: str  # of all scores
    seeds: int
    steps: int  # of each run
    mean: float  # over runs, of greedy play after training
    std: float
    low: float  # of the t interval of the mean
    high: float
    iqm: float
    iqm_low: float  # of the percentile bootstrap
    iqm_high: float
    best_mean: float  # of the absolute metric
    best_std: float
    steps_to_level: float  # median over runs; infinite where at most half of them arrive
    improvement: float  # probability that a run of the reference arm is better than one of this arm
    as_good_as_the_best: bool | None  # by the t-test; None: no test
    paper_mean: float
    paper_std: float
    differs: str  # between our runs and the paper's


class Report(NamedTuple):
    """A report: tables, then notes. summaries: the numbers behind them, for the CSV."""

    title: str
    tables: list[Table]
    notes: list[str]
    summaries: list[ArmSummary] = []  # noqa: RUF012  (never changed)


def words(*texts: str) -> tuple[Cell, ...]:
    """A row of plain cells."""
    return tuple(Cell(text) for text in texts)
