"""What the commands `table` and `figure` do: from directories to a text or a picture."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from maca_edu.checks import check
from maca_edu.experiments.learning_curves import check_picture
from maca_edu.experiments.reports import formats
from maca_edu.experiments.reports.attention import draw_attention
from maca_edu.experiments.reports.figures import TABLE_OF, TOGETHER, draw_curves, draw_together
from maca_edu.experiments.reports.marl_eval import marl_eval
from maca_edu.experiments.reports.method_tables import costs_table, methods_table
from maca_edu.experiments.reports.records import Report
from maca_edu.experiments.reports.result_tables import results_table
from maca_edu.experiments.reports.results import Run, committed, read_results

FORMATS: dict[str, Callable[[Report], str]] = {
    "markdown": formats.markdown, "latex": formats.latex, "csv": formats.csv_text,
}  # fmt: skip
ENDINGS = {"markdown": ".md", "latex": ".tex", "csv": ".csv", "marl-eval": ".json"}
KEPT = (  # what sweeps and runs write
    "plan.csv", "curves.csv", "final.csv", "measured.csv", "sweep.json", "config.json", "metrics.csv", "final.json",
)  # fmt: skip
EXAMPLE = Path(__file__).parents[1] / "runs" / "warehouse"  # a run of Figure 6 that needs no other package


class Printed(NamedTuple):
    """A text, and notes that are no part of it."""

    text: str
    notes: list[str]


def check_table_file(out: Path, format: str) -> None:
    """ValueError where a table's file has not the ending of its format, or a name under which results are kept."""
    if out.suffix != ENDINGS[format]:
        raise ValueError(f"out={str(out)!r}; allowed with format={format!r} are names that end in {ENDINGS[format]}")
    if out.name in KEPT:
        raise ValueError(f"out={str(out)!r}; allowed are names other than those of results: {', '.join(KEPT)}")


def printed_table(
    number: int, folders: Sequence[Path], format: str, methods: list[str] | None = None, level: float | None = None
) -> Printed:
    """A table of the paper as a text. The arguments are those of `maca-edu table`.

    Raises ValueError where a directory has no results, the project's own are not there, an arm is not in them, the
    level is no finite number, or the table has no runs to export.
    """
    check("level", level, float | None)
    if format == "marl-eval":
        if number in (1, 6):
            raise ValueError(f"format='marl-eval'; allowed for Table {number} are {', '.join(FORMATS)}")
        return Printed(*marl_eval(chosen(runs_for(number, folders), methods)))
    if number == 1:
        report = methods_table()
    elif number == 6:
        report = costs_table(chosen(read_results(folders), methods))
    else:
        report = results_table(number, chosen(runs_for(number, folders), methods), level)
    return Printed(FORMATS[format](report), [])


def runs_for(table: int, folders: Sequence[Path]) -> list[Run]:
    """The runs of a table: those in the folders, or without any the project's own."""
    return read_results(folders or committed(f"table{table}"))


def chosen(runs: list[Run], methods: list[str] | None) -> list[Run]:
    """The runs of some arms, in the order of `methods`. Raises ValueError where an arm is not there."""
    if methods is None:
        return runs
    known = list(dict.fromkeys(run.arm for run in runs))
    for method in methods:
        if method not in known:
            raise ValueError(f"methods={method!r}; the results have {', '.join(known) or 'no arms'}")
    return [run for method in methods for run in runs if run.arm == method]


def drawn_figure(
    which: str,
    folders: Sequence[Path],
    out: Path,
    methods: list[str] | None = None,
    seed: int = 0,
    step: int = 0,
    trust_env: str | None = None,
) -> str:
    """Draw a figure and return its caption. The arguments are those of `maca-edu figure`.

    Raises ValueError where the picture has another ending, a directory has no results, or they do not make the figure.
    """
    check_picture(out)
    if which == "6":
        if len(folders) != 1:
            raise ValueError(
                f"results has {len(folders)} directories; Figure 6 is of one run, which maca-edu train wrote, "
                f"or of one that comes with the library: maca-edu figure 6 {shlex.quote(str(EXAMPLE))}"
            )
        return draw_attention(folders[0], out, seed, step, trust_env)
    if which in TOGETHER:
        return draw_together(which, chosen(runs_for(2, folders), methods), out)
    number = int(which)
    return draw_curves(number, chosen(runs_for(TABLE_OF[number], folders), methods), out)
