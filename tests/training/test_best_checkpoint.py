"""The checkpoint after the best greedy evaluation is kept, through interruptions, and can be loaded and played."""

import math

import pytest

import maca_edu
from maca_edu.experiments.jobs import Job, run_folder
from maca_edu.experiments.run_job import BEST_SEED, play_best, run_job
from maca_edu.training import checkpoint, loop
from maca_edu.training.config import Config
from maca_edu.training.loop import NOT_EVALUATED, greedy_score
from maca_edu.training.run_directory import RunDirectory

ENV = "toy/xor?n_agents=3"
CONFIG = Config(rollout=4, diagnose_every=0, evaluate_every=2, evaluate_episodes=5)
NAN = math.nan


@pytest.mark.parametrize(
    ("row", "score"),
    [
        ({}, NOT_EVALUATED),
        ({"greedy_return_mean": NAN, "greedy_win_rate": NAN}, NOT_EVALUATED),
        ({"greedy_return_mean": -3.0}, (0.0, -3.0)),
        ({"greedy_return_mean": 2.0, "greedy_win_rate": NAN}, (0.0, 2.0)),
        ({"greedy_return_mean": 2.0, "greedy_win_rate": 0.5}, (0.5, 2.0)),
    ],
)
def test_wins_count_before_returns(row, score):
    assert greedy_score(row) == score
    assert score >= NOT_EVALUATED


def scripted(monkeypatch, returns):
    """Let the evaluations say these returns, one after the other."""
    left = iter(returns)
    play = loop.Trainer.play
    monkeypatch.setattr(loop.Trainer, "play", lambda self, seed: play(self, seed)._replace(return_mean=next(left)))


def train(out, updates, **options):
    return maca_edu.train(ENV, "mappo", updates * 16, out=out, batch=4, config=CONFIG, save_every=100, **options)


def test_the_first_of_the_best_is_kept(tmp_path, monkeypatch):
    """Evaluations after updates 2, 4, 6, 8, 10; the run is stopped after 8, and goes on."""
    scripted(monkeypatch, [1.0, 3.0, 2.0, 3.0, 2.5])
    train(tmp_path / "run", 8)
    directory = RunDirectory(tmp_path / "run")
    assert directory.checkpoint(best=True)["updates"] == 4
    run = train(tmp_path / "run", 10, resume=True)
    assert directory.checkpoint(best=True)["updates"] == 4
    assert len(run.metrics["update"]) == 10
    best = maca_edu.load(tmp_path / "run", best=True)
    assert len(best.metrics["update"]) == 4
    last = maca_edu.load(tmp_path / "run")
    weights = [next(iter(run.learner.actor.parameters())) for run in (best, last)]
    assert not (weights[0] == weights[1]).all()


def test_a_better_evaluation_is_saved_at_once(tmp_path, monkeypatch):
    scripted(monkeypatch, [1.0, 2.0])
    train(tmp_path / "run", 4)
    kept = [checkpoint.load(tmp_path / "run" / name)["updates"] for name in ("best.npz", "state.npz")]
    assert kept == [4, 4]


def test_without_evaluations_there_is_no_best(tmp_path):
    maca_edu.train(ENV, "mappo", 64, out=tmp_path / "run", batch=4, config=Config(rollout=4, diagnose_every=0))
    assert not (tmp_path / "run" / "best.npz").exists()
    with pytest.raises(ValueError, match="has no best checkpoint"):
        maca_edu.load(tmp_path / "run", best=True)


def test_the_absolute_metric_plays_the_best_ten_times_as_long(tmp_path):
    job = Job(ENV, "mappo", 0, 160, 4, CONFIG)
    assert run_job(tmp_path, job) is None
    folder = run_folder(tmp_path, job)
    best = maca_edu.load(folder, best=True)
    played = maca_edu.evaluate(best, 50, BEST_SEED)
    assert play_best(folder, job) == {f"best_{name}": value for name, value in played.items()}
    (folder / "best.npz").write_bytes((folder / "state.npz").read_bytes())  # not that of the best evaluation
    if len(best.metrics["update"]) < job.updates:
        assert play_best(folder, job) == {}
    (folder / "best.npz").unlink()  # a run of an earlier version
    assert play_best(folder, job) == {}
