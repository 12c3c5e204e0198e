"""The table of the deviations is made of the data, and the guide's claims hold in them."""

import deviations
import numpy as np
from deviations import ARMS, DATA, MACA, difference, read


def test_the_table_is_made_of_the_data():
    assert (DATA / "table.md").read_text(encoding="utf-8") == deviations.table() + "\n"


def test_a_difference_by_hand():
    # differences 1, 2, 3: mean 2, deviation 1, t(.975; 2) = 4.3027, half length 4.3027 / sqrt(3)
    assert difference(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])) == "+2.00 ± 2.48"


def test_claims_of_the_guide():
    maca = read(MACA)
    found = {arm.method: read(arm) for arm in ARMS if arm.folder == "methods"}
    assert maca.greedy.min() >= 0.95
    assert np.abs(found["maca-attention"].greedy - maca.greedy).max() <= 0.01
    assert found["maca-text"].greedy.max() < 0.5 * maca.greedy.min()
    assert found["maca-released"].greedy.max() < found["maca-text"].greedy.min()
    one = {arm.folder: read(arm) for arm in ARMS if arm.folder != "methods" and (DATA / arm.folder).exists()}
    assert one["raw"].greedy.max() == 0
    assert round(300 * one["critics_q"].greedy.mean()) == 1
    for arm in (one["expected"], one["three_heads"], found["maca-attention"]):
        assert np.abs(arm.mean.mean() - maca.mean.mean()) < 0.08
    assert (maca.mean - one["one_step"].mean).mean() > 0.3
