"""The tables of chapter 3 that were worked out by hand are what the library computes."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maca_edu import exact
from toy_envs import fridge_v0

CHAPTERS = Path(__file__).parents[2] / "book" / "chapters"
TEXT = (CHAPTERS / "03_k_level_baselines.md").read_text(encoding="utf-8")
GAME = fridge_v0.game()
Q, HALF = GAME.payoff(), np.full((4, 2), 0.5)
LLLR, LLRL = (1, 1, 1, 0), (1, 1, 0, 1)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first line begins so, below its rule."""
    lines = TEXT[TEXT.index(f"| {heading} |") :].split("\n\n")[0].splitlines()
    return [[cell.strip(" *$") for cell in line.strip("|").split("|")] for line in lines[2:]]


def number(cell: str) -> float:
    """Of "−0.25", or of the right side of "6 + 2 - 1 = 7"."""
    return float(Fraction(cell.split("=")[-1].strip().replace("−", "-")))


@pytest.mark.parametrize("row", rows("averaged out"), ids=lambda row: row[0])
def test_one_play_eight_comparisons(row):
    group = tuple("ABCD".index(name) for name in row[0].split(", "))
    baseline = exact.baseline(Q, HALF, group)
    want = [x for play in (LLLR, LLRL) for x in (baseline[play], Q[play] - baseline[play])]
    assert [number(cell) for cell in row[1:]] == want


def test_all_eight_groups_stand_there():
    assert len(rows("averaged out")) == 8


def test_other_accountants():
    own = np.zeros(4)
    payments = GAME.term_payoffs()
    for term in GAME.reward_terms:
        own[list(term.agents)] += payments[term.name][LLLR]
    columns = [
        own,
        exact.difference_rewards(Q, LLLR, default=0),
        [exact.advantage(Q, HALF, (i,))[LLLR] for i in range(4)],
        np.full(4, exact.advantage(Q, HALF, range(4))[LLLR]),
        exact.shapley_values(Q, HALF, LLLR),
    ]
    *agents, total = rows("agent")
    for i, (name, *cells) in enumerate(agents):
        assert name == "ABCD"[i]
        np.testing.assert_allclose([number(cell) for cell in cells], [column[i] for column in columns])
    np.testing.assert_allclose([number(cell) for cell in total[1:]], [np.sum(column) for column in columns])
