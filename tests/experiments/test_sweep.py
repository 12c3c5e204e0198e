"""A sweep goes on where it stopped, and its curves are the runs'."""

import json

import numpy as np
import pytest

from maca_edu.cli import main
from maca_edu.experiments import sweep
from maca_edu.training.run_directory import RunDirectory

WORDS = ["sweep", "--envs", "toy/xor?n_agents=2", "--methods", "mappo", "--steps", "512"]
WORDS += ["--seeds", "2", "--first-seed", "3"]


def test_a_sweep_is_gathered_and_goes_on(tmp_path, capsys):
    out = tmp_path / "sweep"
    assert main([*WORDS, "--out", str(out)]) == 0
    run = sweep.folder(out, "toy/xor?n_agents=2", "mappo", 4)
    finals = sweep.read(out / "final.csv")
    assert [row["seed"] for row in finals] == [3, 4]
    assert finals[1]["return_mean"] == json.loads((run / "final.json").read_text())["return_mean"]
    entropy = [row["entropy"] for row in RunDirectory(run).rows(99)]
    assert sweep.read(out / "measured.csv")[1]["entropy"] == pytest.approx(np.mean(entropy), rel=1e-3)
    before = (run / "state.npz").stat().st_mtime_ns
    (sweep.folder(out, "toy/xor?n_agents=2", "mappo", 3) / "final.json").unlink()  # as if stopped there
    assert main([*WORDS, "--out", str(out)]) == 0
    assert (run / "state.npz").stat().st_mtime_ns == before
    assert str(sweep.read(out / "final.csv")) == str(finals)
    command = json.loads((out / "sweep.json").read_text())["command"]
    assert command.startswith("maca-edu sweep --envs 'toy/xor?n_agents=2' --methods mappo")
    assert main(["curves", str(out), "--out", str(tmp_path / "curves.png")]) == 0
    assert main(["curves", str(out), "--out", str(tmp_path / "x.png"), "--column", "win_rate"]) == 2
    assert "column='win_rate'; the sweep has return_mean" in capsys.readouterr().err
    assert (tmp_path / "curves.png").stat().st_size > 5_000
    assert main([*WORDS, "--out", str(tmp_path / "bad"), "--options=--lr -1"]) == 2
    assert "2 of 2 runs failed" in capsys.readouterr().err


def test_curves_are_thinned_running_means():
    rows = [{"env_steps": 10 * k, "return_mean": float(k)} for k in range(1, 201)]
    kept = sweep.thin(rows)
    assert len(kept) == 50
    assert kept[-1] == {"env_steps": 2000, "return_mean": f"{np.mean(range(191, 201)):.5g}"}
    rows = [row | {"greedy_return_mean": 1.0 if k % 50 == 0 else float("nan")} for k, row in enumerate(rows, 1)]
    assert [row["env_steps"] for row in sweep.thin(rows)] == [500, 1000, 1500, 2000]


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(10, 400))  # 400 independent samples of ten seeds
    mean, low, high = sweep.interval(table, 1_000)
    np.testing.assert_allclose(mean, table.mean(axis=0))
    assert 0.85 < ((low <= 0) & (high >= 0)).mean() < 0.97  # percentile intervals of ten are a little short
