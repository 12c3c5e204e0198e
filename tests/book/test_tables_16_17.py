"""What the guide says of the runs of Tables 16 and 17."""

import numpy as np
import pytest

from maca_edu.experiments.reports.results import COMMITTED, read_results


@pytest.mark.parametrize(("table", "settings"), [("table16", 6), ("table17", 5)])
def test_every_run_on_the_ring_ends_with_the_best_team(table, settings):
    runs = [run for run in read_results([COMMITTED / table]) if run.env == "toy/ring"]
    assert len({run.arm for run in runs}) == settings
    assert [run.return_mean for run in runs] == [3.75] * settings * 3


def wins(table):
    """Per cent of battles won on protoss_5_vs_5, by arm, in the order of the seeds."""
    runs = [run for run in read_results([COMMITTED / table]) if run.env == "smax/protoss_5_vs_5"]
    runs = sorted(runs, key=lambda run: run.seed)
    return {arm: [round(100 * run.win_rate) for run in runs if run.arm == arm] for arm in {run.arm for run in runs}}


def test_the_thresholds_of_table_17_in_the_battle():
    found = wins("table17")
    means = [np.mean(found[f"maca sigma={sigma}"]) for sigma in (0.18, 0.19, 0.2, 0.21, 0.22)]
    assert [round(mean) for mean in means] == [42, 43, 41, 39, 37]
    assert found["maca sigma=0.2"] == [67, 27, 30]


def test_the_epochs_of_table_16_in_the_battle():
    found = wins("table16")
    assert found["maca epochs=10 clip=0.1"] == [34, 32, 32]
    assert found["maca epochs=5 clip=0.1"] == [56, 43, 56]
    assert found["maca epochs=5 clip=0.05"] == [53, 34, 45]
    five, ten = [[x for arm in found if f"epochs={n} " in arm for x in found[arm]] for n in (5, 10)]
    assert (len(five), len(ten)) == (6, 12)
    assert (round(np.mean(five)), round(np.mean(ten))) == (48, 30)
    assert sum(x > y for x in five for y in ten) == 69
