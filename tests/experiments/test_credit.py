"""A run's true and learned credit side by side."""

import copy
import csv
import dataclasses
import json

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image

import maca_edu
from maca_edu import envs, exact
from maca_edu.cli import main
from maca_edu.experiments import credit
from maca_edu.experiments.credit import correlation, credit_of
from maca_edu.experiments.credit_files import write_credit
from maca_edu.training.config import Config
from maca_edu.training.records import as_seen

SMALL = Config(
    rollout=4, minibatches=1, epochs=1, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, diagnose_every=0
)
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=4"


@pytest.fixture(scope="module")
def maca():
    return maca_edu.train(WAREHOUSE, "maca", steps=96, batch=4, config=SMALL)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_measured_is_the_true_advantage_of_the_policy():
    run = maca_edu.train("toy/fridge", "mappo", steps=64, batch=8, config=SMALL)
    episode = next(credit_of(run, 1, seed=0, copies=2))
    view = envs.make("toy/fridge", 1).view()
    seen = as_seen(view, torch.device("cpu"))
    with torch.no_grad():
        policy = run.learner.actor(seen.obs, seen.available)[0].probs[0].double().numpy()
    policy /= policy.sum(-1, keepdims=True)
    payoff, action = envs.make("toy/fridge", 1).game.payoff(), tuple(episode.action[0])
    mean, error = episode.measured.advantage
    exactly = [exact.advantage(payoff, policy, {i})[action] for i in range(4)]
    assert_allclose(mean[0], exactly, atol=1e-6)  # nothing follows, so no chance is left
    assert_allclose(error, 0, atol=1e-6)
    assert episode.measured.q.mean[0] == pytest.approx(payoff[action])
    assert episode.learned.q is None
    assert len(set(episode.learned.advantage[0].tolist())) == 1  # MAPPO: the same for all


def test_with_running_norms_networks_read_what_they_were_trained_on(monkeypatch):
    config = dataclasses.replace(SMALL, feature_norm="running")
    learner = maca_edu.train(WAREHOUSE, "maca", steps=96, batch=4, config=config).learner
    read = []
    actor = learner.actor
    monkeypatch.setattr(learner, "actor", Watched(actor, read))
    moments = list(credit.play(learner, envs.make(WAREHOUSE, 1), 5, 2))
    rollout = credit.rollout_of(learner, moments, 5)
    for k, moment in enumerate(moments):
        as_trained = learner.read(moment.view)
        assert torch.equal(rollout.obs[k], as_trained.obs)
        assert torch.equal(rollout.state[k], as_trained.state)
    assert torch.equal(read[0], learner.read(moments[0].view).obs)
    shown = as_seen(moments[0].view, torch.device("cpu")).obs
    assert not torch.equal(read[0], shown)  # else this test could not fail
    assert all(obs.abs().max() <= 10 for obs in read)  # copies of a moment, too, are read in deviations from the mean


class Watched:
    """A policy that remembers what it was shown."""

    def __init__(self, actor, read):
        self.actor, self.read = actor, read

    def __call__(self, obs, available, memory=None, first=None):
        self.read.append(obs)
        return self.actor(obs, available, memory, first)

    def blank_memory(self, *arguments):
        return self.actor.blank_memory(*arguments)


def test_the_critics_word_is_that_of_an_update(maca):
    """The played episode as the rollout of an update: the same judgement, returns and row."""
    learner = copy.deepcopy(maca.learner)
    moments = list(credit.play(learner, envs.make(WAREHOUSE, 1), 5, 2))
    rollout = credit.rollout_of(learner, moments, 5)
    told, row, seen = credit.opinion(learner, learner, rollout), learner.method.advantage, []
    learner.measure = lambda rollout, judgement, batch, advantage, diagnose: seen.append((batch, advantage)) or {}
    learner.update(rollout)
    batch, advantage = seen[0]
    assert_allclose(told.advantage, advantage.numpy(), rtol=1e-5, atol=1e-6)
    assert_allclose(told.critic_advantage, row(batch._replace(target=batch.q)).numpy(), rtol=1e-5, atol=1e-6)
    assert (told.corrset == batch.corrset.numpy()).all()


def test_the_files_agree_with_the_game_and_with_each_other(maca, tmp_path):
    summary, files = write_credit(maca, tmp_path / "credit", episodes=2, seed=1, copies=3)
    assert sorted(path.name for path in (tmp_path / "credit").iterdir()) == sorted(path.name for path in files)
    agents, steps, terms = (rows_of(tmp_path / "credit" / f"{name}.csv") for name in ("agents", "steps", "terms"))
    assert len(steps) == summary.steps
    assert len(agents) == 2 * summary.steps  # two agents, who never die
    for step in steps:
        paid = [row for row in terms if (row["episode"], row["step"]) == (step["episode"], step["step"])]
        assert sum(float(row["amount"]) for row in paid) == pytest.approx(float(step["reward"]), abs=1e-5)
        whose = {row["term"]: row["members"] for row in paid}
        assert whose["walk_A"] == "0"
    told = json.loads((tmp_path / "credit" / "summary.json").read_text())
    assert told["steps"] == summary.steps
    x, y = (np.array([float(row[name]) for row in agents]) for name in ("learned_advantage", "measured_advantage"))
    assert told["learned"]["correlation"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-3)
    assert told["learned"]["corrset_precision"] is not None
    assert told["untrained"] != told["learned"]
    with Image.open(tmp_path / "credit" / "credit.gif") as film:
        assert film.n_frames > 2


def test_the_seed_decides_the_credit(maca):
    one, same, other = (next(credit_of(maca, 1, seed, 2)) for seed in (0, 0, 1))
    assert (one.measured.advantage.mean == same.measured.advantage.mean).all()
    assert (one.learned.advantage == same.learned.advantage).all()
    assert one.seed != other.seed


def test_a_correlation_with_a_constant_is_none():
    assert correlation(np.zeros(3), np.arange(3.0)) is None
    assert correlation(np.arange(3.0), -np.arange(3.0)) == pytest.approx(-1)


def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path, capsys):
    run, used = tmp_path / "run", tmp_path / "used"
    maca_edu.train("mpe/simple_spread?continuous=false", "mappo", steps=16, batch=4, config=SMALL, out=run)
    used.mkdir()
    (used / "mine.txt").write_text("mine")
    for out, words in ((used, "is in use"), (tmp_path / "new", "does not declare who earns what; games that do")):
        assert main(["credit", str(run), "--out", str(out)]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match="copies=1"):
        write_credit(run, tmp_path / "new", copies=1)
