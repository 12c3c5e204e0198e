"""What the guide says of the runs of Tables 16 and 17 on the ring."""

import pytest

from maca_edu.experiments.reports.results import COMMITTED, read_results


@pytest.mark.parametrize(("table", "settings"), [("table16", 6), ("table17", 5)])
def test_every_run_on_the_ring_ends_with_the_best_team(table, settings):
    runs = read_results([COMMITTED / table])
    assert {run.env for run in runs} == {"toy/ring"}
    assert len({run.arm for run in runs}) == settings
    assert [run.return_mean for run in runs] == [3.75] * settings * 3
