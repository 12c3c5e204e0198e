"""Make the tables of the guide "What was learned": who owns the variance, and what came out of each prediction.

    python book/learned.py

All numbers come from data that other scripts and sweeps left in book/data. The predictions were written there before
the runs, in files called prediction.txt.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import deviations
import numpy as np
import rings
import units

from maca_edu.files import write_whole

DATA = Path(__file__).parent / "data"
OWNERS = ("critic's error", "later actions", "joint action", "chance of the game")
REMEDIES, UNITS, DEVIATIONS = "[remedies](remedies.md)", "[V over units](units.md)", "[deviations](deviations.md)"
BATTLE = "`smax/2s3z`"
INF, ALIKE, NEAR = math.inf, (-0.03, 0.03), (-0.08, 0.08)


# ---------------------------------------------------------------------------------------------------------------------
# Who owns the variance


def owners(folder: str) -> str:
    """A row for each run that `maca-edu budget` measured: its owners' shares in per cent, all levels taken together."""
    with (DATA / folder / "budget.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = []
    for run in dict.fromkeys(row["run"] for row in rows):
        own = [row for row in rows if row["run"] == run]
        shares = [sum(float(row["share"]) for row in own if row["owner"].startswith(owner)) for owner in OWNERS]
        steps = f"{int(own[0]['env_steps']):,}"
        lines.append(f"| `{own[0]['env']}` | {steps} | " + " | ".join(f"{100 * share:.0f}" for share in shares) + " |")
    return "\n".join(lines)


def budgets() -> str:
    """The table of the owners."""
    columns = ("game", "steps trained", *OWNERS)
    head = "| " + " | ".join(columns) + " |\n|---|--:|" + "--:|" * len(OWNERS)
    return "\n".join([head, owners("budget_practice"), owners("budget_2s3z")])


# ---------------------------------------------------------------------------------------------------------------------
# Predictions and outcomes


class Change(NamedTuple):
    """A mean difference over seeds, each against the same seed of the reference, and half of its 95 % t interval."""

    mean: float
    half: float
    unit: str  # "%" of the reference's mean, or "" for a share of battles won


class Row(NamedTuple):
    """A prediction and what came out."""

    game: str
    changed: str  # and what it is compared with
    predicted: str
    low: float  # the prediction as an interval, in the unit of what was found
    high: float
    found: Change
    page: str  # which has the data and the command


class Group(NamedTuple):
    """The rows about one owner."""

    owner: str
    rows: list[Row]


def verdict(row: Row) -> str:
    """Whether the whole interval lies where it was predicted (yes), none of it (no), or if a part, whether the mean."""
    mean, half, _ = row.found
    if row.low <= mean - half and mean + half <= row.high:
        return "yes"
    if mean + half < row.low or mean - half > row.high:
        return "no"
    return "rather yes" if row.low <= mean <= row.high else "rather no"


def words(change: Change) -> str:
    """A change as the table prints it."""
    mean, half, unit = change
    text = f"{round(mean):+d} % ± {half:.0f}" if unit == "%" else f"{mean:+.3f} ± {half:.3f}".replace("0.", ".")
    return text.replace("-", "−")


def updates(race: str, arm: str, reference: str) -> Change:
    """How many updates more an arm needs than another, in per cent of what that one needs."""
    runs = rings.Runs(race)
    needed, others = (
        np.array([runs.updates(name, runs.best_rate(name), seed) for seed in runs.race.seeds])
        for name in (arm, reference)
    )
    return Change(*units.interval(100 * (needed - others) / others.mean()), "%")


def wins(arm: units.Arm, reference: units.Arm) -> Change:
    """How much more an arm wins than another, on average over training."""
    other, runs = units.compared(units.Comparison("", (reference, arm)))
    return Change(*units.interval(runs.mean - other.mean), "")


def deviates(folder: str, method: str = "maca", greedy: bool = False) -> Change:
    """How much more MACA with a deviation wins than without it: on average over training, or greedily after it."""
    arm = next(arm for arm in deviations.ARMS if (arm.folder, arm.method) == (folder, method))
    runs, maca = deviations.read(arm), deviations.read(deviations.MACA)
    return Change(*units.interval(runs.greedy - maca.greedy if greedy else runs.mean - maca.mean), "")


OTHER_MAPS = {  # what was predicted for V over units on other maps
    "smacv2_5_units_mappo": ("+.03 to +.08", 0.03, 0.08),
    "smacv2_5_units_maca": ("0 to +.05", 0.0, 0.05),
    "5m_vs_6m_mappo": ("within .02", -0.02, 0.02),
    "5m_vs_6m_maca": ("within .02", -0.02, 0.02),
}


def critics_error() -> list[Row]:
    """A better V."""
    longer = "joint, critic learns three times as long"
    unlike = "an MLP without LayerNorm, against a deeper one without"
    rows = [
        Row(BATTLE, "V over units, in MAPPO", "above +.05", 0.05, INF, wins(units.UNITS, units.MLP), UNITS),
        Row(BATTLE, "sums over units, against attention", "within .03", *ALIKE, wins(units.SUMS, units.UNITS), UNITS),
        Row(BATTLE, unlike, "within .03", *ALIKE, wins(units.PLAIN, units.WHOLE), UNITS),
        Row(BATTLE, "V(s) is Q(s, π), in MACA", "within .08", *NEAR, deviates("expected"), DEVIATIONS),
        Row(BATTLE, "three heads, own returns, in MACA", "within .08", *NEAR, deviates("three_heads"), DEVIATIONS),
        Row(BATTLE, "one-step targets, in MACA", "less than .1 lost", -0.1, INF, deviates("one_step"), DEVIATIONS),
    ]
    for comparison in filter(units.there, units.MAPS):
        reference, arm = comparison.arms
        name, method = comparison.name.rsplit("_", 1)
        changed = f"V over units, in {method.upper()}"
        rows.append(Row(f"`smax/{name}`", changed, *OTHER_MAPS[comparison.name], wins(arm, reference), UNITS))
    return rows + warehouse(longer, longer.removeprefix("joint, "), "10 to 25 % fewer updates", -25, -10)


def warehouse(arm: str, changed: str, predicted: str, low: float, high: float) -> list[Row]:
    """The row of an arm of the warehouse against the joint baseline alone; none where its runs are not there."""
    if not (rings.DATA / "warehouse.md").exists():
        return []
    return [Row("warehouse", changed, predicted, low, high, updates("warehouse", arm, "joint"), REMEDIES)]


def later_actions() -> list[Row]:
    """Corrected returns."""

    def row(baseline: str, predicted: str, low: float) -> Row:
        found = updates("long", f"{baseline}, corrected", baseline)
        return Row("long ring", f"corrected returns, {baseline} baseline", predicted, low, -10, found, REMEDIES)

    return [
        row("joint", "a tenth to a third fewer updates", -100 / 3),
        row("individual", "at least a tenth fewer", -INF),
        row("best legal", "at least a tenth fewer", -INF),
        *warehouse("joint, corrected", "corrected returns, joint baseline", "0 to 15 % fewer updates", -15, 0),
    ]


def present_action() -> list[Row]:
    """Which baseline is subtracted."""
    joint, ring = "joint baseline, against the individual one", "one-shot ring of"
    shared, rounds = updates("one_shot", "joint", "individual"), updates("long", "individual", "joint")
    rows = [
        Row(
            f"{ring} 32, one policy for all",
            joint,
            "half as many updates more (withdrawn after eight seeds)",
            50,
            INF,
            shared,
            REMEDIES,
        )
    ]
    for n in (16, 32, 64):
        if (rings.DATA / f"own_policies_{n}.md").exists():
            found = updates(f"own_policies_{n}", "joint", "individual")
            rows.append(Row(f"{ring} {n}, a policy for each", joint, "more updates", 0, INF, found, REMEDIES))
    slow = "own_policies_64_slow"
    per_cent = 100 / rings.reached(rings.Runs(slow), "individual").mean
    same_rate = Row(
        f"{ring} 64, a policy for each, one slow rate",
        joint,
        "5 to 15 updates more",
        5 * per_cent,
        15 * per_cent,
        updates(slow, "joint", "individual"),
        REMEDIES,
    )
    attention = deviates("methods", "maca-attention")
    return [
        *rows,
        same_rate,
        Row("long ring", "individual baseline, against the joint one", "within a tenth", -10, 10, rounds, REMEDIES),
        Row(BATTLE, "psi from attention, in MACA", "within .08", *NEAR, attention, DEVIATIONS),
        *warehouse("best legal", "best legal baseline, against the joint one", "within a tenth", -10, 10),
    ]


def everything() -> list[Row]:
    """All remedies at once."""
    found = wins(units.Arm("smax_2s3z_plus", "all three remedies"), units.UNITS)
    return [Row(BATTLE, "all three, against V over units alone", "within .06", -0.06, 0.06, found, UNITS)]


def bent() -> list[Row]:
    """What is no question of variance, because it changes the expected gradient."""
    half, greedy = deviations.read(deviations.MACA).greedy.mean() / 2, deviates("critics_q", greedy=True)
    changed = "critic's Q for the return, in MACA, greedy play"
    return [
        Row(BATTLE, changed, "more than half of the wins lost", -INF, -half, greedy, DEVIATIONS),
        Row(BATTLE, "baselines in other units, in MACA", "more than .1 lost", -INF, -0.1, deviates("raw"), DEVIATIONS),
    ]


def groups() -> list[Group]:
    """All rows, by owner."""
    return [
        Group("The critic's error", critics_error()),
        Group("Later actions", later_actions()),
        Group("The present joint action", present_action()),
        Group("All three", everything()),
        Group("Not the variance: the gradient is bent", bent()),
    ]


def outcomes() -> str:
    """The table of predictions and outcomes."""
    columns = ("game", "what was changed", "predicted", "found", "held", "data and command")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for group in groups():
        lines.append(f"| **{group.owner}** |" + " |" * (len(columns) - 1))
        for row in group.rows:
            cells = (row.game, row.changed, row.predicted, words(row.found), verdict(row), row.page)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", tally(groups())])


def tally(rows: list[Group]) -> str:
    """How many predictions held, as a sentence."""
    verdicts = [verdict(row) for group in rows for row in group.rows]
    yes, rather, rather_no, no = (verdicts.count(word) for word in ("yes", "rather yes", "rather no", "no"))
    return (
        f"Of {len(verdicts)} predictions {yes} held and {rather} rather did; {no} did not and {rather_no} rather not."
    )


def main() -> None:
    """Write both tables."""
    write_whole(DATA / "learned" / "owners.md", budgets() + "\n")
    write_whole(DATA / "learned" / "outcomes.md", outcomes() + "\n")


if __name__ == "__main__":
    main()
