"""The tables of a sweep hold what its runs' metrics say, and are read as they were written."""

import json
import math

import numpy as np
import pytest

from maca_edu.experiments import sweep_tables as tables
from maca_edu.experiments.run import evaluate, train
from maca_edu.training.config import Config

RUN = ("toy/xor", "mappo", 3)
NAN = float("nan")


def test_a_curve_is_a_thinned_running_mean():
    rows = [{"env_steps": 10 * k, "return_mean": float(k)} for k in range(1, 201)]
    points = tables.curve(*RUN, rows)
    assert len(points) == 50
    assert [*points[-1][:4]] == [*RUN, 2_000]
    assert points[-1].return_mean == np.mean(range(191, 201))
    assert math.isnan(points[-1].win_rate)


def test_a_curve_with_evaluations_has_their_points():
    rows = [{"env_steps": k, "return_mean": 0.0, "greedy_return_mean": 1.0 if k % 3 == 0 else NAN} for k in range(1, 8)]
    assert [(p.env_steps, p.greedy_return_mean) for p in tables.curve(*RUN, rows)] == [(3, 1.0), (6, 1.0)]
    never = [row | {"greedy_return_mean": NAN} for row in rows]
    assert len(tables.curve(*RUN, never)) == 7


def test_means_are_of_what_was_measured():
    clocks = {"env_seconds": 10.0, "act_seconds": 20.0, "learn_seconds": 30.0}
    rows = [{"update": 1, "return_mean": 5.0, "entropy": 1.0, "noise_none": NAN, "psi_joint": NAN} | clocks]
    rows += [{"update": 2, "return_mean": 5.0, "entropy": 2.0, "noise_none": 4.0, "psi_joint": NAN} | clocks]
    assert tables.means(*RUN, rows) == tables.Measured(*RUN, 2.0, {"entropy": 1.5, "noise_none": 4.0})


def test_tables_are_read_as_they_were_written(tmp_path):
    points = [tables.CurvePoint(*RUN, 8, 1.5), tables.CurvePoint(*RUN, 16, NAN, 0.25, 2.0, 1.0)]
    finals = [tables.FinalPlay(*RUN, 1 / 3, 0.1, NAN), tables.FinalPlay("smax/3m", "maca", 0, 2.0, 0.0, 1.0)]
    finals += [tables.FinalPlay("smax/3m", "maca sigma=0.3", 0, 2.0, 0.0, 1.0, 1.75, 0.5, 0.875)]
    measured = [tables.Measured(*RUN, 0.25, {"entropy": 0.5}), tables.Measured(*RUN, 1.0, {"psi_joint": 0.125})]
    tables.write_curves(tmp_path / "curves.csv", points)
    tables.write_final(tmp_path / "final.csv", finals)
    tables.write_measured(tmp_path / "measured.csv", measured)
    assert str(tables.read_curves(tmp_path / "curves.csv")) == str(points)  # as text, for NaN is not equal to NaN
    assert str(tables.read_final(tmp_path / "final.csv")) == str(finals)
    assert tables.read_measured(tmp_path / "measured.csv") == measured
    with pytest.raises(ValueError, match=r"none.csv' is not there; maca-edu sweep writes it"):
        tables.read_curves(tmp_path / "none.csv")


def test_runs_are_gathered(tmp_path):
    folder = tmp_path / "toy-fridge" / "maca" / "0"
    run = train("toy/fridge", "maca", 256, out=folder, batch=8, config=Config(rollout=8))
    result = evaluate(folder, 10)
    (folder / "final.json").write_text(json.dumps(result))
    tables.gather(tmp_path, [folder], "maca-edu sweep ...")
    (final,) = tables.read_final(tmp_path / "final.csv")
    assert (final.env, final.method, final.seed) == ("toy/fridge", "maca", 0)
    assert final.return_mean == result["return_mean"]
    (measured,) = tables.read_measured(tmp_path / "measured.csv")
    for name in ("entropy", "psi_joint", "variance_joint"):
        assert measured.means[name] == pytest.approx(np.nanmean(run.metrics[name]), rel=1e-3)
    assert [p.env_steps for p in tables.read_curves(tmp_path / "curves.csv")] == run.metrics["env_steps"].tolist()
    about = json.loads((tmp_path / "sweep.json").read_text())
    assert about["command"] == "maca-edu sweep ..."
    assert {"maca-edu", "torch", "python"} <= about["versions"].keys()


def test_tables_of_earlier_versions_are_read(tmp_path):
    (tmp_path / "final.csv").write_text("env,method,seed,return_mean,return_std,win_rate\ntoy/xor,mappo,3,1.0,0.5,\n")
    (final,) = tables.read_final(tmp_path / "final.csv")
    assert (final.return_mean, final.return_std) == (1.0, 0.5)
    assert all(math.isnan(x) for x in final[5:])


RESULT = {"return_mean": 1.0, "return_std": 0.5, "win_rate": None, "seconds": 3.0, "arm": "mappo", "commit": "a"}


@pytest.mark.parametrize(
    "content",
    [
        *([1], 7, None, "x"),
        *(RESULT | {name: wrong} for name in RESULT for wrong in ([1], {}, True) if name != "win_rate"),
        *(RESULT | {"win_rate": wrong} for wrong in ("x", [0.5], 10**400)),
        *(RESULT | {"arm": 3}, RESULT | {"processor": None}, RESULT | {"best_win_rate": "x"}),
    ],
)
def test_a_result_of_another_type_is_named(tmp_path, content):
    (tmp_path / "final.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"final.json' is damaged: it is not the result of a run; remove it"):
        tables.result_of(tmp_path)


def test_a_result_may_lack_what_was_not_measured(tmp_path):
    for content in (RESULT, {}, RESULT | {"return_mean": NAN, "best_win_rate": None}):
        (tmp_path / "final.json").write_text(json.dumps(content))
        assert str(tables.result_of(tmp_path)) == str(content)


@pytest.mark.parametrize("content", [[1], 7, None, {"wall_hours": "x"}, {"wall_hours": None}, {"wall_hours": [1]}])
def test_a_damaged_sweep_json_is_named(tmp_path, content):
    assert tables.wall_hours(tmp_path / "sweep.json") == 0
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"sweep.json' is damaged: it does not say what was run; remove it"):
        tables.wall_hours(tmp_path / "sweep.json")


@pytest.mark.parametrize("text", ["env,method\ntoy/xor,mappo\n", "env,method,seed,return_mean\ntoy/xor,mappo,3,x\n"])
def test_a_damaged_final_csv_is_named(tmp_path, text):
    (tmp_path / "final.csv").write_text(text)
    with pytest.raises(ValueError, match=r"final.csv' is damaged: row 1 is not the result of a run"):
        tables.read_final(tmp_path / "final.csv")


def test_sweep_json_names_every_commit_and_adds_up_hours(tmp_path):
    """Two runs of 60 and 30 minutes; the sweep is finished twice, each time in half an hour."""
    runs = [tmp_path / "0", tmp_path / "1"]
    results = {"seconds": 3600, "commit": "a", "processor": "P"}, {"seconds": 1800, "commit": "b", "processor": "P"}
    for run, result in zip(runs, results, strict=True):
        run.mkdir()
        (run / "final.json").write_text(json.dumps(result))
    for wall_hours in (0.5, 1.0):
        tables.write_about_runs(tmp_path / "sweep.json", runs, "a command", 1800.0)
        about = json.loads((tmp_path / "sweep.json").read_text())
        assert (about["cpu_hours"], about["wall_hours"]) == (1.5, wall_hours)
    assert (about["command"], about["commit"], about["processor"]) == ("a command", "a, b", "P")
