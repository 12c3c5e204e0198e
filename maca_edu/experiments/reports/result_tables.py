"""Tables 2, 3, 5, 16 and 17: what runs reached, beside what the paper's runs reached."""

from __future__ import annotations

import math
from collections.abc import Iterable

from maca_edu.experiments.reports.notes import notes
from maca_edu.experiments.reports.published import PAPER, Published, bold, count, in_paper
from maca_edu.experiments.reports.records import RETURN, WON, ArmSummary, Cell, Report, Table, words
from maca_edu.experiments.reports.results import Run, by_env
from maca_edu.experiments.reports.settings import named_as_in_table
from maca_edu.experiments.reports.summaries import (
    Arms,
    columns_of,
    ordered,
    reference_of,
    scores_together,
    summaries_of,
)
from maca_edu.experiments.statistics import bootstrap, iqm, probability_of_improvement

TITLES = {
    2: "Table 2: evaluation win rates of all methods",
    3: "Table 3: MACA and its ablations",
    5: "Table 5: episodic returns on the particle games",
    16: "Table 16: epochs and clip parameter of MACA",
    17: "Table 17: threshold of MACA's CorrSets",
}
DIGITS = {WON: 1, RETURN: 2}  # behind the point, as the paper prints them


def results_table(number: int, runs: Iterable[Run], level: float | None = None) -> Report:
    """A table of results. number: a key of TITLES.

    level: the score to which steps are counted; None: LEVEL where games are won, otherwise none. Raises ValueError
    where there are no runs, or two arms have one name in the table.
    """
    runs = named_as_in_table(number, runs)
    if not runs:
        raise ValueError("results=[]; the directories hold no runs")
    groups = {env: ordered(number, arms) for env, arms in by_env(runs).items()}
    summaries = [summary for env, arms in groups.items() for summary in summaries_of(number, env, arms, level)]
    tables = [paper_shape(number, summaries), what_differs(number, summaries), details(summaries), *over_tasks(groups)]
    return Report(TITLES[number], tables, notes(groups, summaries, level), summaries)


def paper_shape(number: int, summaries: list[ArmSummary]) -> Table:
    """The paper's table: two rows for each environment, ours and the paper's; a column for each arm."""
    envs = list(dict.fromkeys(row.env for row in summaries))
    ours = {(row.env, row.arm): row for row in summaries}
    shown = {arm for env in envs for arm in in_paper(number, env)} | {row.arm for row in summaries}
    arms = [arm for arm in columns_of(number) if arm in shown]
    arms += [arm for arm in dict.fromkeys(row.arm for row in summaries) if arm not in arms]
    rows = []
    for env in envs:
        rows.append((Cell(env), *(our_cell(ours.get((env, arm))) for arm in arms)))
        paper = in_paper(number, env)
        if paper:
            marked = bold(paper)
            rows.append((Cell(f"paper, Table {number}"), *(paper_cell(paper.get(arm), arm in marked) for arm in arms)))
    title = f"Mean (standard deviation over seeds); the paper's numbers: {PAPER}"
    return Table(title, ("task", *arms), rows)


def what_differs(number: int, summaries: list[ArmSummary]) -> Table:
    """What has to be known before a row of ours is compared with the paper's."""
    rows = []
    for env, said in dict.fromkeys((row.env, row.differs) for row in summaries):
        cell = next(iter(in_paper(number, env).values()), None)
        paper = "" if cell is None else f"{cell.benchmark}, {count(cell.steps)} steps, {cell.seeds} seeds"
        rows.append(words(env, paper, said))
    return Table("What differs", ("task", "in the paper", "what differs here"), rows)


def our_cell(row: ArmSummary | None) -> Cell:
    """Mean and standard deviation, bold where the test does not tell the arm from the best."""
    if row is None:
        return Cell("")
    spread = "one seed" if math.isnan(row.std) else fixed(row.std, row.unit)
    return Cell(f"{fixed(row.mean, row.unit)} ({spread})", strong=bool(row.as_good_as_the_best))


def paper_cell(cell: Published | None, strong: bool) -> Cell:
    """The same of the paper."""
    if cell is None:
        return Cell("")
    unit = RETURN if cell.benchmark == "MPE" else WON
    return Cell(f"{fixed(cell.mean, unit)} ({fixed(cell.std, unit)})", strong)


def details(summaries: list[ArmSummary]) -> Table:
    """All that is known of each arm, a row for each; without columns of which nothing is known."""
    columns = ("task", "arm", "seeds", "mean, 95 % t interval", "IQM, 95 % bootstrap", "best checkpoint")
    columns += ("steps to level", "P(reference better)")
    rows = []
    for row in summaries:
        rows.append(
            words(
                row.env,
                row.arm,
                str(row.seeds),
                with_ends(row.mean, row.low, row.high, DIGITS[row.unit]),
                with_ends(row.iqm, row.iqm_low, row.iqm_high, DIGITS[row.unit]),
                best_checkpoint(row),
                in_steps(row.steps_to_level),
                "" if math.isnan(row.improvement) else f"{row.improvement:.2f}",
            )
        )
    known = [k for k in range(len(columns)) if any(row[k].text for row in rows)]
    rows = [tuple(row[k] for k in known) for row in rows]
    return Table("What the runs say of each arm", tuple(columns[k] for k in known), rows)


def best_checkpoint(row: ArmSummary) -> str:
    """The absolute metric, where all runs have it."""
    if math.isnan(row.best_mean):
        return ""
    spread = "one seed" if math.isnan(row.best_std) else fixed(row.best_std, row.unit)
    return f"{fixed(row.best_mean, row.unit)} ({spread})"


def over_tasks(groups: dict[str, Arms]) -> list[Table]:
    """The interquartile mean of each arm over several tasks, and how the reference compares; no table for one task."""
    tasks = scores_together(groups)
    if tasks is None or len(tasks.envs) < 2 or tasks.fewest_seeds() < 2:
        return []
    reference = reference_of(tasks.scores)
    rows = []
    for arm, scores in tasks.scores.items():
        better = ""
        if arm != reference:
            better = with_ends(*bootstrap(probability_of_improvement, tasks.scores[reference], scores), 2)
        rows.append(words(arm, with_ends(*bootstrap(iqm, scores), DIGITS[tasks.unit]), better))
    columns = ("arm", "IQM over all runs", f"P({reference} better)")
    return [Table(f"Over {len(tasks.envs)} tasks, with 95 % intervals of the stratified bootstrap", columns, rows)]


# ---------------------------------------------------------------------------------------------------------------------
# Numbers in words


def fixed(score: float, unit: str) -> str:
    """A score with as many digits as the paper prints."""
    return signed(f"{score:.{DIGITS[unit]}f}")


def signed(text: str) -> str:
    """The number with a true minus sign, not a hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def with_ends(value: float, low: float, high: float, digits: int) -> str:
    """A number and its interval; nothing behind it where there is none."""
    texts = [signed(f"{x:.{digits}f}") for x in (value, low, high)]
    return texts[0] if math.isnan(low) else f"{texts[0]} ({texts[1]} to {texts[2]})"


def in_steps(steps: float) -> str:
    """A number of steps; never where it is infinite."""
    if math.isnan(steps):
        return ""
    return "never" if math.isinf(steps) else count(int(steps))
