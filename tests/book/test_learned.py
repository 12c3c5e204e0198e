"""The tables of "What was learned" are made of the data, its verdicts follow from them, and so do its sentences."""

import re
from pathlib import Path

import learned
import pytest
import rings
from learned import Change, Row, verdict, words

BOOK = Path(learned.__file__).parent
GUIDE = (BOOK / "guides" / "what_was_learned.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    """A run that is missing is an error, and is not trained."""
    monkeypatch.setattr(rings, "updates_to_goal", None)


def test_tables_are_made_of_the_data():
    for name, text in (("owners", learned.budgets()), ("outcomes", learned.outcomes())):
        assert (learned.DATA / "learned" / f"{name}.md").read_text(encoding="utf-8") == text + "\n"
        assert f"../data/learned/{name}.md" in GUIDE


@pytest.mark.parametrize(
    ("mean", "half", "expected"),
    [(0.5, 0.2, "yes"), (0.5, 0.5, "yes"), (0.9, 0.2, "rather yes"), (1.1, 0.2, "rather no"), (-0.5, 0.4, "no")],
)
def test_a_verdict_by_hand(mean, half, expected):
    """Predicted is 0 to 1."""
    assert verdict(Row("", "", "", 0.0, 1.0, Change(mean, half, ""), "")) == expected


def test_words():
    assert words(Change(-0.0764, 0.0911, "")) == "−.076 ± .091"
    assert words(Change(-22.6, 15.4, "%")) == "−23 % ± 15"


def test_a_change_of_updates_by_hand(monkeypatch):
    """12, 9, 9 in place of 10: +2, -1, -1 of 10, mean 0, deviation 1.732, times 4.3027 / sqrt(3), in per cent of 10."""

    class Runs:
        def __init__(self, _):
            self.race = rings.ONE_SHOT.__class__("", 1, None, 60, 0, 5, (), {}, seeds=range(3))

        def best_rate(self, arm):
            return arm

        def updates(self, arm, rate, seed):
            assert rate == arm
            return (12, 9, 9)[seed] if arm == "new" else 10

    monkeypatch.setattr(rings, "Runs", Runs)
    assert learned.updates("", "new", "old") == pytest.approx((0, 43.03, "%"), abs=0.01)


def test_shares_of_a_run_add_up():
    rows = [line for line in learned.budgets().splitlines() if "`" in line]
    assert len(rows) == 5
    for line in rows:
        assert sum(int(cell) for cell in line.split("|")[3:7]) == pytest.approx(100, abs=2)


def test_claims_of_the_guide():
    """What the guide's sentences say, asserted on the data."""
    rows = [line.split("|") for line in learned.budgets().splitlines() if "`" in line]
    present = {game: [int(row[5]) for row in rows if game in row[1]] for game in ("warehouse", "2s3z")}
    assert (min(present["warehouse"]), max(present["warehouse"])) == (6, 14)
    assert (min(present["2s3z"]), max(present["2s3z"])) == (1, 3)
    later = [int(row[4]) for row in rows if "2s3z" in row[1]]
    assert (min(later), max(later)) == (12, 24)
    found = {(row.game, row.changed): row.found for group in learned.groups() for row in group.rows}
    everything = found[learned.BATTLE, "all three, against V over units alone"]
    assert abs(everything.mean) < everything.half == pytest.approx(0.067, abs=5e-4)
    alike = found[learned.BATTLE, "sums over units, against attention"]
    assert (alike.mean, alike.half) == pytest.approx((0.002, 0.058), abs=5e-4)


def test_every_row_leads_to_a_page():
    for group in learned.groups():
        for row in group.rows:
            page = re.fullmatch(r"\[.+\]\((\w+\.md)\)", row.page)[1]
            assert (BOOK / "guides" / page).exists()
