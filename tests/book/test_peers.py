"""The tables of "As fast as its peers?" are what the data say, and so are its sentences."""

from pathlib import Path

import numpy as np
import peers
import pytest

GUIDE = (Path(__file__).parents[2] / "book" / "guides" / "peers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("pair", peers.PAIRS, ids=lambda pair: pair.name)
def test_tables_are_made_of_the_data(pair):
    assert (peers.DATA / f"{pair.name}.md").read_text(encoding="utf-8") == peers.table(pair) + "\n"
    assert f"../data/peers/{pair.name}.md" in GUIDE


@pytest.mark.parametrize("pair", peers.PAIRS, ids=lambda pair: pair.name)
def test_both_sides_played_the_same_number_of_steps(pair):
    ours, theirs = (peers.read(side, pair.measure) for side in (pair.ours, pair.theirs))
    np.testing.assert_array_equal(ours.curves.steps, theirs.curves.steps)
    assert len(ours.greedy) == len(theirs.greedy) == len(ours.mean)


def test_an_interval_by_hand():
    """1, 2, 3: mean 2, standard deviation 1, and t of two degrees of freedom is 4.303."""
    assert peers.with_interval(np.array([1.0, 2.0, 3.0]), 2) == "2.00 ± 2.48"
