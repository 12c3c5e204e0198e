"""What has to be known to read a table of results."""

from __future__ import annotations

from collections.abc import Iterable

from maca_edu.experiments.reports.records import WON, ArmSummary
from maca_edu.experiments.reports.results import Run
from maca_edu.experiments.reports.summaries import LEVEL, Arms, reference_of

FEW = 4  # seeds; of fewer the interquartile mean leaves none out

SCORES = (
    "Scores are of greedy play after training, on fresh seeds: per cent of episodes won, or the return where nothing "
    "is won. The best checkpoint is the one with the best evaluation, played ten times as long; empty where a run did "
    "not keep it."
)
BOLD = (
    "Bold: the best mean, and those that a two-sample t-test (pooled variance, 5 % level) does not tell from it, as "
    "the paper marks its Table 2. Marks in the paper's rows are worked out from its means and standard deviations. Not "
    "told apart is not equal, least of all with few seeds: see maca-edu compare."
)
INTERVALS = (
    "The t interval holds the true mean 95 times of 100 if runs are roughly normal, however few they are. The "
    "bootstrap's is too narrow with few runs: it holds the true IQM 75 and 90 times of 100 with 3 and 5 normal runs in "
    "one task."
)


def notes(groups: dict[str, Arms], summaries: list[ArmSummary], level: float | None) -> list[str]:
    """The notes below a table; level: the score to which steps are counted, None: as `summaries_of` has it."""
    said = [SCORES, BOLD]
    alone = [f"{row.arm} in {row.env}" for row in summaries if row.seeds == 1]
    if alone:
        said.append(f"One seed, so no standard deviation, no interval and no test: {', '.join(alone)}.")
    if any(row.seeds < 3 for row in summaries):
        said.append("With fewer than three seeds nothing can be concluded.")
    said.append(INTERVALS)
    if any(row.seeds < FEW for row in summaries):
        said.append("With fewer than four seeds in a task nothing is left out there, and the IQM is the mean.")
    if level is not None or any(row.unit == WON for row in summaries):
        goal = f"{LEVEL:g} per cent won" if level is None else f"{level:g}"
        said.append(f"Steps are the median over runs until the learning curve first reaches {goal}.")
    references = ", ".join(dict.fromkeys(reference_of(arms) for arms in groups.values()))
    said.append(
        f"The reference is {references}; P is the share of pairs of runs in which its run is the better one, ties "
        "counted half."
    )
    return said + sources(run for arms in groups.values() for runs in arms.values() for run in runs)


def sources(runs: Iterable[Run]) -> list[str]:
    """Where the results come from, a line for each directory."""
    lines = []
    for about in dict.fromkeys(run.about for run in runs):
        facts = "; ".join(value if name == "date" else f"{name} {value}" for name, value in about.facts)
        said = f"`{about.command}` ({facts})" if about.command else "no sweep.json"
        lines.append(f"{about.folder}: {said}")
    return lines
