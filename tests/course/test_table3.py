"""The runs behind chapter 14's ablations, as the lab reads them."""

import numpy as np
import pytest

from maca_edu.course import table3

CURVES = """env,method,seed,env_steps,return_mean,win_rate,greedy_return_mean,greedy_win_rate
g,b,1,8,2.0,,,
g,a,1,8,1.0,,,
g,a,1,16,3.0,,,
g,a,0,8,5.0,,,
"""
MEASURED = """env,method,seed,minutes,entropy,psi_joint
g,a,1,0.1,0.5,
g,a,0,0.1,0.25,
g,b,1,0.1,,0.3
"""

FINAL = """env,method,seed,return_mean,return_std,win_rate
g,a,1,2.0,0.0,
g,a,0,4.0,0.0,
"""


@pytest.fixture
def two_methods(tmp_path, monkeypatch):
    (tmp_path / "curves.csv").write_text(CURVES)
    (tmp_path / "measured.csv").write_text(MEASURED)
    (tmp_path / "final.csv").write_text(FINAL)
    monkeypatch.setitem(table3.FOLDERS, "two methods", tmp_path)
    return "two methods"


def test_a_run_counts_with_the_mean_of_its_points_and_seeds_rise(two_methods):
    runs = table3.mean_returns(two_methods)
    assert runs.keys() == {"a", "b"}
    assert runs["a"].tolist() == [5.0, 2.0]
    assert runs["b"].tolist() == [2.0]


def test_final_play_in_the_order_of_seeds(two_methods):
    assert table3.final_returns(two_methods)["a"].tolist() == [4.0, 2.0]


def test_a_column_is_of_the_methods_that_have_it(two_methods):
    assert table3.measured(two_methods, "entropy")["a"].tolist() == [0.25, 0.5]
    assert table3.measured(two_methods, "psi_joint").keys() == {"b"}


def test_curves_are_sorted_by_seed_and_steps(two_methods):
    steps, returns = table3.curves(two_methods, "b")
    assert steps.tolist() == [8]
    assert returns.tolist() == [[2.0]]
    steps, returns = table3.curves("fridge", "maca")
    assert returns.shape == (10, len(steps))
    assert np.allclose(returns.mean(axis=1), table3.mean_returns("fridge")["maca"])


def test_a_game_without_runs_is_refused():
    with pytest.raises(ValueError, match="game='chess'"):
        table3.mean_returns("chess")


@pytest.mark.parametrize("game", ["fridge", "ring", "long ring"])
def test_every_method_was_trained_on_the_same_ten_seeds(game):
    runs = table3.mean_returns(game)
    more = set() if game == "long ring" else {"maca-multilinear", "coma"}
    assert {"maca", "maca-jnt", "maca-cor", "maca-ind", "mappo"} | more <= runs.keys()
    for values in runs.values():
        assert values.shape == (10,)
        assert np.isfinite(values).all()
