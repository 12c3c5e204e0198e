"""The tables of "Learning curves" are what the data say."""

import re
import sys
from pathlib import Path

import pytest

from maca_edu.experiments.learning_curves import curves_by_method
from maca_edu.experiments.sweep_tables import read_curves, read_final, read_measured

BOOK = Path(__file__).parents[2] / "book"
sys.path.insert(0, str(BOOK))
import curves  # noqa: E402

DATA = BOOK / "data"
NAMES = sorted(curves.FIGURES)
GUIDE = (BOOK / "guides" / "curves.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_made_of_the_data(name):
    assert (BOOK / "data" / name / "table.md").read_text() == f"{curves.table(name)}\n\n{curves.source(name)}\n"
    measured = BOOK / "data" / name / "measured.md"
    assert not measured.exists() or measured.read_text() == curves.measured(name, curves.NOISE) + "\n"
    assert (BOOK / "_static" / f"curves_{name}.png").stat().st_size > 10_000


def test_the_guide_shows_them_all():
    assert set(re.findall(r"\.\./data/(\w+)/table\.md", GUIDE)) == {*NAMES, "toys"}
    assert set(re.findall(r"\.\./_static/curves_(\w+)\.png", GUIDE)) == set(NAMES)


def test_claims_of_the_guide():
    """What the guide's sentences say, asserted on the data."""
    final = {name: read_final(DATA / name / "final.csv") for name in NAMES}
    assert min(row.win_rate for row in final["smax_2s3z"]) >= 0.9
    stuck = [row.method for row in final["fridge"] if row.return_mean != 5]
    assert sorted(stuck) == ["ppo-mix"] + ["ppo-sum"] * 3
    assert {row.return_mean for row in final["fridge"]} == {1, 5}
    fridge = curves_by_method(read_curves(DATA / "fridge" / "curves.csv"), "return_mean")
    for method, (steps, returns) in fridge.items():
        assert method.startswith("ppo-") or returns.mean(axis=0)[steps >= 1_800].min() > 4.75
    assert min(row.return_mean for row in final["practice"]) >= 0.9 * 7.961
    for row in read_measured(DATA / "smax_2s3z" / "measured.csv"):
        if row.method == "maca":
            shares = [row.means[f"variance_{name}"] for name in ("joint", "individual", "corrset")]
            assert max(shares) - min(shares) < 0.02
            assert row.means["action_r2"] < 0
            assert row.means["variance_critic"] < 0.02
