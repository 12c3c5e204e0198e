"""Continuous actions: a team's -1 and 1 are the lowest and the highest number of any game that has bounds."""

import logging
import sys
import types

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pettingzoo import ParallelEnv

from maca_edu import envs
from maca_edu.envs import mpe, pettingzoo
from maca_edu.envs.bounds import Bounds
from maca_edu.envs.parallel_game import ParallelSingle
from maca_edu.training import loop
from maca_edu.training.config import Config


class Dial(ParallelEnv):
    """Two agents turn a dial each, once: 5 minus what they miss the best place by, as a share of the range."""

    metadata = {"name": "dial"}  # noqa: RUF012
    possible_agents = ["a", "b"]  # noqa: RUF012
    max_steps = 1

    def __init__(self, low=5.0, high=10.0, best=9.0):
        self.low, self.high, self.best, self.agents = low, high, best, []

    def observation_space(self, agent):
        return spaces.Box(0.0, 1.0, (2,), np.float32)

    def action_space(self, agent):
        return spaces.Box(self.low, self.high, (1,), np.float32)

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        return self.see(), {}

    def see(self):
        return {agent: np.array([agent == "a", agent == "b"], dtype=np.float32) for agent in self.agents}

    def step(self, actions):
        self.played = {agent: float(action[0]) for agent, action in actions.items()}
        missed = np.mean([abs(number - self.best) for number in self.played.values()]) / (self.high - self.low)
        seen, pay = self.see(), dict.fromkeys(self.agents, 5.0 - 5.0 * float(missed))
        over = dict.fromkeys(self.agents, True)
        self.agents = []
        return seen, pay, over, dict.fromkeys(over, False), {}


@pytest.fixture
def dial(monkeypatch):
    """The module `dial` with parallel_env = Dial, as if a user had written it."""
    module = types.ModuleType("dial")
    module.parallel_env = Dial
    monkeypatch.setitem(sys.modules, "dial", module)


def of_box(low, high):
    return Bounds.of(np.array([low], dtype=np.float32), np.array([high], dtype=np.float32))


@given(st.floats(-1e6, 1e6, width=32), st.floats(1, 1e6, width=32), st.floats(-1, 1, width=32))
def test_the_ends_of_the_range_are_minus_one_and_one(low, width, action):
    low, high = np.float32(low), np.float32(low) + np.float32(width)
    bounds = of_box(low, high)
    lowest, highest, between = (bounds.in_game(np.array([x], dtype=np.float32))[0] for x in (-1, 1, action))
    assert (lowest, highest) == (low, high)
    naive = float(low) + (action + 1) / 2 * (float(high) - float(low))
    assert abs(between - naive) <= 1e-6 * (abs(float(low)) + abs(float(high)))


@given(st.floats(-3, 3, width=32))
def test_a_range_that_is_minus_one_to_one_is_left_alone(action):
    given_action = np.array([action], dtype=np.float32)
    assert of_box(-1, 1).in_game(given_action).tobytes() == np.clip(given_action, -1, 1).astype(np.float32).tobytes()


@pytest.mark.parametrize(("low", "high"), [(0, np.inf), (-np.inf, 5), (-np.inf, np.inf), (-3e38, 3e38)])
def test_a_number_without_two_bounds_stays_in_the_games_units(low, high):
    numbers = np.array([-7, 0, 0.25, 7], dtype=np.float32)
    for number in numbers:
        assert of_box(low, high).in_game(number[None]) == np.clip(number, low, high)


def test_what_reaches_the_game():
    single = ParallelSingle(Dial(0.0, 255.0))
    for action, expected in (([-1, 1], [0, 255]), ([0, 9], [127.5, 255]), ([-9, 0.5], [0, 191.25])):
        single.reset(0)
        single.step(np.array(action, dtype=np.float32)[:, None])
        assert list(single.env.played.values()) == expected


def test_the_particle_games_keep_their_own_units():
    """As in HARL: from 0 to 1, of which 0 is no force."""
    single = mpe.single("mpe/simple_spread")
    assert_array_equal(single._native(0, np.array([-1, 0, 0.25, 1, 3], dtype=np.float32)), [0, 0, 0.25, 1, 1])
    scaled = pettingzoo.single("pettingzoo/mpe2.simple_spread_v3?continuous_actions=true&reward=sum&max_cycles=25")
    assert_array_equal(scaled._native(0, np.array([-1, 0, 0.5, 1, 3], dtype=np.float32)), [0, 0.5, 0.75, 1, 1])


def test_endless_numbers_are_named_once(dial, caplog):
    pettingzoo.warn_of_bounds.cache_clear()
    with caplog.at_level(logging.WARNING):
        envs.make("pettingzoo/dial?low=0&high=255", 2)
        assert not caplog.records
        for _ in range(2):
            envs.make("pettingzoo/dial?low=-4e12&high=4e12&best=0", 2)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2  # of each agent
    assert "agent 'a' has numbers without finite bounds, so they cannot be scaled to -1 to 1" in messages[0]


@pytest.mark.parametrize(("low", "high", "best"), [(5, 10, 9), (0, 255, 200)])
def test_a_best_action_inside_the_range_is_found(low, high, best, dial):
    """In the game's own units a team never leaves the lowest number, and gets 1.00 and 1.08."""
    env = envs.make(f"pettingzoo/dial?low={low}&high={high}&best={best}", 32)
    config = Config(rollout=4, lr=5e-3, entropy=0.0, minibatches=1, diagnose_every=0)
    run = loop.train(env, "mappo", 60 * 4 * 32, config=config)
    assert run.metrics["return_mean"][0] < 3.6
    assert loop.play(run, env, seed=0, episodes=32).return_mean > 4.8
