"""The guide "Who owns the variance" prints what `maca-edu budget` left in book/data."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

BOOK = Path(__file__).parents[2] / "book"
GUIDE = (BOOK / "guides" / "variance_budget.md").read_text(encoding="utf-8")
FOUND = " ".join((BOOK / "guides" / "what_we_found.md").read_text(encoding="utf-8").split())


def shares(name: str) -> dict[str, list[tuple[float, float, float]]]:
    """{owner: share, low and high of each run, in per cent}."""
    with (BOOK / "data" / name / "budget.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    owners = dict.fromkeys(row["owner"] for row in rows)
    parts = ("share", "low", "high")
    return {o: [tuple(100 * float(row[part]) for part in parts) for row in rows if row["owner"] == o] for o in owners}


def printed(number: float) -> str:
    """A number as the tables print it: one digit, no zero before the point, a minus that is one."""
    return re.sub(r"\b0\.", ".", f"{number:z.1f}").replace("-", "−")


@pytest.mark.parametrize("name", ["budget_practice", "budget_2s3z"])
def test_a_table_of_runs(name):
    for owner, runs in shares(name).items():
        cells = " | ".join("{} ({} to {})".format(*map(printed, run)) for run in runs)
        assert f"| {owner} | {cells} |" in GUIDE


def test_six_runs_with_random_teams():
    found = {owner: np.array([run[0] for run in runs]) for owner, runs in shares("budget_smacv2").items()}
    joint = found["joint action, level 1"] + found["joint action, levels 2 to 5"]
    table = found | {"joint action, all levels": joint}
    for owner in ("critic's error", "joint action, all levels", "later actions", "chance of the game"):
        plain, units = table[owner][:3].mean(), table[owner][3:].mean()
        assert f"| {owner} | {plain:.1f} | {units:.1f} |" in GUIDE
    error = found["critic's error"]
    assert (error > 200 / 3).all()
    assert (joint < 7).all()
    assert f"{error[:3].mean() - error[3:].mean():.1f} per cent of the whole" in GUIDE
    p = ttest_ind(error[:3], error[3:], equal_var=False).pvalue
    assert f"(p = {p:.2f}".replace("0.", ".") in GUIDE
    own = found["joint action, level 1"]
    assert f"they own {own[:3].mean():.1f} per cent, and all levels together {joint[:3].mean():.1f} (" in FOUND
    assert f"units {own[3:].mean():.1f} and {joint[3:].mean():.1f})" in FOUND


def test_the_command_is_the_one_beside_the_data():
    for name in ("budget_practice", "budget_2s3z", "budget_smacv2"):
        said = re.search(r'"command": "(.*?)"', (BOOK / "data" / name / "budget.json").read_text())[1]
        assert said in " ".join(GUIDE.replace("\\\n", " ").split())


def test_the_start_page_says_what_the_joint_action_owns_in_battles():
    battles = [shares(name) for name in ("budget_2s3z", "budget_smacv2")]
    joint = [sum(run[0] for run in runs) for owners in battles for runs in zip(*both_levels(owners), strict=True)]
    assert (len(joint), round(min(joint)), round(max(joint))) == (8, 1, 7)
    assert "one to seven hundredths in eight runs of battles" in (BOOK / "index.md").read_text(encoding="utf-8")


def both_levels(owners: dict) -> tuple[list, list]:
    """What the joint action owns alone and in groups, run by run."""
    return owners["joint action, level 1"], owners["joint action, levels 2 to 5"]
