"""How networks read numbers: what LayerNorm hides, what running statistics are, and that a run says so."""

import dataclasses
import logging

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from maca_edu import envs
from maca_edu.networks import Actor
from maca_edu.team_env import TeamStep, View
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.feature_norm import RunningNorm, hidden_by_layer_norm
from maca_edu.training.methods import METHODS, find
from maca_edu.training.processes import OneProcess
from maca_edu.training.trainer import Trainer

SMALL = Config(
    rollout=8, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4, chunk=4,
    recurrent=True, feature_norm="running",
)  # fmt: skip
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=5"


class Gauge:
    """Two agents read a gauge, 0 or `high`, and get 5 if both say which, 2.5 if one does."""

    deterministic, terms, entities = True, None, None
    name, n_agents, n_actions, state_size, horizon, continuous = "test/gauge", 2, 2, 1, 1, False

    def __init__(self, batch, high=255.0, numbers=1):
        self.batch, self.high, self.obs_size = batch, high, numbers
        self.reset(0)

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        self.draw()
        return self.view()

    def draw(self):
        self.is_high = self.rng.integers(2, size=self.batch)

    def view(self):
        state = (self.high * self.is_high[:, None]).astype(np.float32)
        obs = np.broadcast_to(state[:, None], (self.batch, 2, self.obs_size)).copy()
        return View(obs, state, np.ones((self.batch, 2, 2), dtype=bool), np.ones((self.batch, 2), dtype=bool))

    def step(self, action):
        reward = 5 * (action == self.is_high[:, None]).mean(axis=1)
        final = self.view()
        self.draw()
        over = np.ones(self.batch, dtype=bool)
        return TeamStep(self.view(), final, reward.astype(np.float32), over, ~over)

    def state_dict(self):
        return dict(is_high=self.is_high.copy())

    def load_state_dict(self, state):
        self.is_high = state["is_high"].copy()

    def close(self):
        pass


@pytest.mark.parametrize("method", ["mappo", "maca"])
def test_layer_norm_is_blind_to_one_number_and_the_others_are_not(method):
    returns = {}
    for norm in ("layer", "none", "running"):
        config = Config(
            rollout=4,
            lr=1e-2,
            minibatches=1,
            diagnose_every=0,
            actor_sizes=(16,),
            critic_sizes=(16,),
            feature_norm=norm,
        )
        run = loop.train(Gauge(32), method, 15 * 4 * 32, config=config)
        returns[norm] = loop.play(run, Gauge(200), seed=0).return_mean
    assert 2 < returns["layer"] < 3  # two guesses
    assert returns["none"] == returns["running"] == 5


def test_layer_norm_hides_shift_and_scale():
    x = torch.tensor([[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [11.0, 12.0, 13.0]]])
    for feature_norm in (True, False):
        torch.manual_seed(0)
        logits = Actor(3, 2, (8,), feature_norm=feature_norm)(x)[0].scores[:, 0]  # [A, n]
        same = torch.allclose(logits, logits[:, :1].expand_as(logits), atol=1e-4)
        assert same == feature_norm


# ---------------------------------------------------------------------------------------------------------------------
# Running statistics


def test_running_statistics_are_those_of_all_samples():
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0, 1e-3, 1e3]) + 50
    norm = RunningNorm(4)
    for part in x.split([1, 29, 0, 30]):
        norm.update(part, OneProcess())
    assert norm.count == 60
    expected = (x.double() - x.double().mean(dim=0)) / x.double().std(dim=0, correction=0)
    assert_close(norm.normalise(x.double()), expected)
    assert_close(norm.normalise(x[:, None].expand(-1, 2, -1))[:, 1], norm.normalise(x))


def test_what_never_varied_becomes_zero_and_what_is_far_is_cut():
    norm = RunningNorm(3)
    assert norm.normalise(torch.tensor([[5.0, 0.0, -2.0]])).tolist() == [[5.0, 0.0, -2.0]]  # nothing seen yet
    norm.update(torch.tensor([[0.1, 0.0, -1.0]] * 999 + [[0.1, 0.0, 1.0]]), OneProcess())
    assert norm.normalise(torch.tensor([0.1, 0.0, 100.0])).tolist() == pytest.approx([0.0, 0.0, 10.0], abs=1e-6)
    assert norm.normalise(torch.tensor([0.6, 3.0, -1.0]))[:2].tolist() == pytest.approx([0.5, 3.0])


def test_what_was_acted_on_is_what_is_judged():
    """Statistics change at the end of an update only: the ratios of the first minibatch are 1."""
    config = dataclasses.replace(SMALL, epochs=1, minibatches=1)
    trainer = Trainer(Gauge(8), find("mappo"), 0, config)
    for update in range(3):
        counts = float(trainer.learner.features.obs.count)
        row = trainer.step()
        assert row["clip_fraction"] == 0
        assert abs(row["policy_loss"]) < 1e-5  # minus the mean of normalised advantages
        assert float(trainer.learner.features.obs.count) == counts + 8 * 8 * 2 == (update + 1) * 128
    assert trainer.learner.features.state.mean == pytest.approx(127.5, rel=0.5)


@pytest.mark.parametrize("norm", ["none", "running"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains(method, norm):
    config = dataclasses.replace(SMALL, feature_norm=norm)
    run = loop.train(envs.make(WAREHOUSE, 4), method, 96, config=config)
    assert np.isfinite(run.metrics["critic_loss"]).all()
    kinds = {type(module.layers[0]) for module in run.learner.actor.modules() if hasattr(module, "layers")}
    assert kinds == {torch.nn.Identity}
    for module in run.learner.critic.modules():
        if hasattr(module, "embedding") or hasattr(module, "layers"):
            first = getattr(module, "embedding", None) or module.layers
            assert not isinstance(first[0], torch.nn.LayerNorm)


@pytest.mark.parametrize("method", ["mappo", "maca"])
def test_a_resumed_run_goes_on_with_its_statistics(method, tmp_path):
    def train(updates, **options):
        return loop.train(envs.make(WAREHOUSE, 4), method, updates * 32, config=SMALL, **options)

    whole = train(6)
    train(3, out=tmp_path / "run")
    resumed = train(6, out=tmp_path / "run", resume=True)
    for one, other in zip(whole.learner.actor.parameters(), resumed.learner.actor.parameters(), strict=True):
        assert torch.equal(one, other)
    loaded = loop.load(envs.make(WAREHOUSE, 1), tmp_path / "run").learner.features
    for one, other in ((whole.learner.features.obs, loaded.obs), (whole.learner.features.state, loaded.state)):
        assert torch.equal(one.mean, other.mean)
        assert torch.equal(one.square, other.square)
        assert one.count == other.count > 0


# ---------------------------------------------------------------------------------------------------------------------
# What a run says


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[0.0], [3.0]], "of 1 number only 0 always"),
        ([[1.0, 2.0], [5.0, 2.0]], "of 2 numbers only one bit"),
        ([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]], "of 3 numbers only their proportions"),
        ([[1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]], None),  # half of four dimensions is left
        ([[3.0], [3.0]], None),  # there is nothing to see
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], None),  # who an agent is
    ],
)
def test_what_is_hidden(x, message):
    said = hidden_by_layer_norm("observations", torch.tensor(x))
    assert (said is None) if message is None else message in said


def test_a_run_warns_once_at_its_start(tmp_path, caplog):
    config = Config(rollout=4, minibatches=1)

    def messages(env, steps, **options):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            loop.train(env, "mappo", steps, config=options.pop("config", config), **options)
        return [record.getMessage() for record in caplog.records]

    (said,) = messages(Gauge(8), 64, out=tmp_path / "run")
    assert "env='test/gauge': feature_norm='layer' leaves of observations of 1 number only 0 always" in said
    assert "--feature-norm running" in said
    assert not messages(Gauge(8), 96, out=tmp_path / "run", resume=True)
    assert not messages(Gauge(8), 64, config=dataclasses.replace(config, feature_norm="running"))
    assert not messages(envs.make("toy/xor", 8), 64)
    (said,) = messages(Gauge(8, numbers=4), 64)  # its state is one number
    assert "leaves of states of 1 number" in said


def test_an_unknown_word_is_refused():
    with pytest.raises(ValueError, match="feature_norm='batch'; allowed are layer, none, running"):
        Config(feature_norm="batch")
