"""What a run notices about itself: each finding in a small game where it occurs, and nothing in a healthy run."""

import numpy as np
import pytest
import torch

from maca_edu.team_env import TeamStep, View
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.findings import FEWEST, Watch, glimpse
from maca_edu.training.methods import find
from maca_edu.training.trainer import Trainer, sizes_of

SIZES = dict(actor_sizes=(16,), critic_sizes=(16,), minibatches=1, diagnose_every=0)


class Signs:
    """Two agents see `numbers` signs, and each is paid for an action that tells the first of them.

    pay(right, rng): the reward `[B]`, from the share of agents who were right, `[B]`. blank: so many of the numbers are
    always 0.
    """

    deterministic, partners = True, None
    name, n_agents, horizon, continuous = "test/signs", 2, 1, False

    def __init__(self, batch, pay=lambda right, rng: right, numbers=6, blank=0, n_actions=2):
        self.batch, self.pay, self.blank, self.n_actions = batch, pay, blank, n_actions
        self.obs_size = self.state_size = numbers
        self.reset(0)

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        self.draw()
        return self.view()

    def draw(self):
        self.seen = self.rng.choice([-1.0, 1.0], size=(self.batch, self.obs_size)).astype(np.float32)
        self.seen[:, : self.blank] = 0

    def view(self):
        legal = np.ones((self.batch, 2, self.n_actions), dtype=bool)
        return View(np.repeat(self.seen[:, None], 2, axis=1), self.seen.copy(), legal, legal[..., 0].copy())

    def step(self, action):
        right = (action == (self.seen[:, :1] > 0)).mean(axis=1)
        reward, final = self.pay(right, self.rng), self.view()
        self.draw()
        over = np.ones(self.batch, dtype=bool)
        return TeamStep(self.view(), final, reward.astype(np.float32), over, ~over)

    def state_dict(self):
        return dict(seen=self.seen.copy(), rng=str(self.rng.bit_generator.state))

    def load_state_dict(self, state):
        self.seen, self.rng.bit_generator.state = state["seen"].copy(), eval(state["rng"])

    def close(self):
        pass


def noise(right, rng):
    return rng.normal(size=len(right))


def found(env, updates=FEWEST, **settings):
    """The findings of a short run, by their names."""
    config = Config(**(SIZES | dict(rollout=4) | settings))
    run = loop.train(env, "mappo", updates * config.rollout * env.batch, config=config)
    return {finding.name: finding for finding in run.findings}


def test_a_healthy_run_notices_nothing():
    assert not found(Signs(32), lr=2e-3)


def test_a_short_run_says_nothing():
    assert not found(Signs(8, numbers=4, blank=4), updates=FEWEST - 1)
    assert found(Signs(8, numbers=4, blank=4))


def test_entropy():
    finding = found(Signs(32), updates=40, lr=2e-2, entropy=0.0)["entropy"]
    assert finding.value < finding.limit == 0.1
    assert "of 40 on (its entropy fell below 10 %" in finding.sentence


def test_clipping():
    finding = found(Signs(8, noise), lr=0.1, epochs=10)["clipping"]
    assert finding.value > finding.limit == 0.3
    assert f"PPO clipped {100 * finding.value:.0f} %" in finding.sentence


def test_value_fit():
    """A critic that learns noise by heart."""
    finding = found(Signs(8, noise), lr=2e-2, epochs=20)["value_fit"]
    assert finding.value < finding.limit < 0
    assert "v_explained is -" in finding.sentence
