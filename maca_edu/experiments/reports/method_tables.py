"""Table 1, the advantages of the methods, and Table 6, the sizes of their critics."""

from __future__ import annotations

from collections.abc import Iterable

from maca_edu.experiments.parameters import critic_parameters
from maca_edu.experiments.reports.notes import sources
from maca_edu.experiments.reports.published import PAPER, costs
from maca_edu.experiments.reports.records import Cell, Report, Table
from maca_edu.experiments.reports.results import Run
from maca_edu.training.methods import METHODS
from maca_edu.training.ppo import update_in_turn

EXPECTED = r"\mathbb{{E}}_{{{}}}[Q(s, a)]"
OWN, JOINT, GROUP = (EXPECTED.format(x) for x in (r"a_i \sim \pi_i", r"a \sim \pi", "a_{C_i}"))
UTILITY = r"Q_i(s, a_i) - \mathbb{E}_{a_i \sim \pi_i}[Q_i(s, a_i)]"
RETURN = "Q(s, a) is the lambda-return, unless --advantage critic"
PSI_HEAD = "maca's psi head"  # as `critic_parameters` calls it
READS = "Q_i reads o_i instead of s, as the sizes in Table 6 say"
# The paper's rows, in its order: the method, its advantage in LaTeX, and what is done differently here.
TABLE_1 = (
    ("coma", f"Q(s, a) - {OWN}", RETURN),
    ("mappo", f"Q(s, a) - {JOINT}", "Q(s, a) is the lambda-return, and V(s) the expectation"),
    ("ippo", UTILITY, "Q_i is the lambda-return of V(o_i), and V(o_i) the expectation"),
    ("ppo-sum", rf"{UTILITY}; \; Q = \sum_i Q_i", READS),
    ("ppo-mix", rf"{UTILITY}; \; Q = f([Q_i]), \; \partial Q / \partial Q_i \ge 0", READS),
    (
        "happo",
        rf"\left(\prod_{{j=1}}^{{i-1}} \frac{{\bar\pi_j(a_j \mid s)}}{{\pi_j(a_j \mid s)}}\right) (Q(s, a) - {JOINT})",
        "Q(s, a) is the lambda-return, and V(s) the expectation; agents take turns in a random order",
    ),
    ("maca-cor", f"Q(s, a) - {GROUP}; \\; \\{{i\\}} \\subset C_i \\subset N", RETURN),
    ("maca", rf"Q(s, a) - (\psi^1 {JOINT} + \psi^2 {OWN} + \psi^3 {GROUP}); \; [\psi^m] \in \Delta(3)", RETURN),
)


def methods_table() -> Report:
    """Table 1: each method's update and advantage, in the paper's words and as the library has them."""
    rows = []
    for name, formula, differs in TABLE_1:
        method = METHODS[name]
        update = "sequential" if method.update is update_in_turn else "simultaneous"
        texts = [Cell(text) for text in (method.critic_in_words, method.formula, differs)]
        rows.append((Cell(name), Cell(update), Cell(formula, maths=True), *texts))
    columns = ("method", "update", "advantage in the paper", "critic here", "advantage here", "what differs")
    others = ", ".join(name for name in METHODS if name not in {row[0] for row in TABLE_1})
    notes = [
        f"Advantages in the paper: {PAPER}, Table 1. Advantages here: the functions of maca_edu/training/methods.py.",
        f"Methods that Table 1 does not have: {others}; maca-edu methods prints them all.",
    ]
    return Report("Table 1: advantage functions", [Table("Advantage of agent i", columns, rows)], notes)


def costs_table(runs: Iterable[Run] = ()) -> Report:
    """Table 6: how many numbers each critic learns, and how long a run took.

    runs: of which minutes are shown, if any were measured.
    """
    runs = list(runs)
    counts, rows = critic_parameters("5m_vs_6m"), []
    for paper in costs():
        found = counts[paper.method]
        agrees = "nothing" if found == paper.parameters else f"{found - paper.parameters:+,}"
        rows.append(
            (
                *map(Cell, (paper.method, f"{found:,}", f"{paper.parameters:,}", agrees, f"{paper.hours:g}")),
                Cell(minutes_of([run for run in runs if run.arm == paper.method])),
            )
        )
    columns = ("method", "parameters here", "paper", "what differs", "hours in the paper", "minutes here")
    envs = ", ".join(dict.fromkeys(run.env for run in runs))
    notes = [
        f"Paper: {PAPER}, Table 6, of 5m_vs_6m in SMAC. Its hours are of 8M steps in StarCraft II on one core.",
        f"MACA's psi head has {counts[PSI_HEAD]:,} parameters more, which no gradient trains; the "
        "paper's number is without them.",
    ]
    if runs:
        notes.append(
            f"Minutes are of runs in {envs}, of {max(run.steps for run in runs):,} steps at most, with other runs on "
            "the same machine; only their order of magnitude compares."
        )
    return Report("Table 6: sizes of the critics", [Table("Parameters and time", columns, rows)], notes + sources(runs))


def minutes_of(runs: list[Run]) -> str:
    """The mean of the minutes that runs took."""
    minutes = [run.measured.minutes for run in runs if run.measured is not None]
    return f"{sum(minutes) / len(minutes):.1f}" if minutes else ""
