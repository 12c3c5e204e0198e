"""The measured worth of actions against dynamic programming, and its chance."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from maca_edu import envs, exact
from maca_edu.networks import Choice
from maca_edu.training.counterfactual import advantages, alternatives, difference_rewards, forked_returns, worth

GAMMA, R, B = 0.8, 400, 4
GAME = "toy/warehouse?preset=tiny&horizon=40"  # .8 to the power of 40 is 1e-4: the horizon does not matter


class Table:
    """A policy `[n, A]`, the same in every state."""

    def __init__(self, policy):
        self.logits = torch.tensor(policy).log()

    def __call__(self, obs, available, memory, first):
        return Choice(self.logits.expand(len(obs), -1, -1)), memory


@pytest.fixture(scope="module")
def world():
    """Four moments of a small warehouse, an undecided policy, its exact Q there `[B, A, ..., A]`, and actions."""
    env, rng = envs.make(GAME, B), np.random.default_rng(2)
    env.reset(2)
    for _ in range(3):
        env.step(rng.integers(env.n_actions, size=(B, env.n_agents)))
    policy = rng.dirichlet(np.ones(env.n_actions), size=env.n_agents)
    enumeration = exact.enumerate_states(env.game)
    _, Q = exact.solve(env.game, policy, GAMMA, enumeration)
    numbers = [np.flatnonzero((enumeration.states == state).all(1))[0] for state in env.state_dict()["state"]]
    return env, policy, Q[numbers], rng.integers(env.n_actions, size=(B, 6, env.n_agents))


def measured(world, seed=0):
    """Returns `[B, 6, R]`, and what they should be on average, `[B, 6]`."""
    env, policy, Q, actions = world
    played = np.repeat(actions[:, :, None], R, axis=2)
    returns = forked_returns(env, np.arange(B), played, Table(policy), GAMMA, seed)
    return returns, np.array([[Q[m][tuple(action)] for action in actions[m]] for m in range(B)])


def test_the_measured_worth_is_that_of_dynamic_programming(world):
    returns, exactly = measured(world)
    mean, error = worth(returns)
    assert exactly.std() > 10 * error.mean()
    assert (abs(mean - exactly) < 4 * error + 1e-3).all()


def test_actions_share_their_chance_so_that_differences_are_less_noisy(world):
    returns, exactly = measured(world)
    paired = worth(returns[:, 1:] - returns[:, :1])
    assert (abs(paired.mean - (exactly[:, 1:] - exactly[:, :1])) < 4 * paired.error + 1e-3).all()
    alone = worth(returns).error
    assert paired.error.mean() < 0.9 * np.hypot(alone[:, 1:], alone[:, :1]).mean()
    env, policy, _, actions = world
    twice = np.repeat(actions[:, :1, None], 2, axis=1).repeat(5, axis=2)  # the same action, twice
    returns = forked_returns(env, np.arange(B), twice, Table(policy), GAMMA)
    assert_array_equal(returns[:, 0], returns[:, 1])
    assert (returns[:, 0].std(axis=-1) > 0).any()


def test_the_seed_decides_and_the_environment_stays_where_it_is(world):
    env, before = world[0], world[0].state_dict()
    one, same, other = (measured(world, seed)[0] for seed in (3, 3, 4))
    assert_array_equal(one, same)
    assert (one != other).any()
    assert_array_equal(env.state_dict()["state"], before["state"])
    assert_array_equal(env.state_dict()["time"], before["time"])


def test_advantages_and_difference_rewards_are_those_of_the_exact_q(world):
    env, policy, Q, actions = world
    action, everything = actions[0, 0], np.ones((env.n_agents, env.n_actions), dtype=bool)
    rows = alternatives(action, everything)  # [n, A, n]
    played = np.repeat(rows.reshape(1, -1, 1, env.n_agents), R, axis=2)
    returns = forked_returns(env, np.array([0]), played, Table(policy), GAMMA).reshape(*everything.shape, R)
    found, removed = advantages(returns, action, policy), difference_rewards(returns, action, 0)
    at = tuple(action)
    for i in range(env.n_agents):
        true = exact.advantage(Q[0], policy, {i})[at]
        assert abs(found.mean[i] - true) < 4 * found.error[i] + 1e-3
        true = Q[0][at] - Q[0][(*at[:i], 0, *at[i + 1 :])]
        assert abs(removed.mean[i] - true) < 4 * removed.error[i] + 1e-3


def test_the_lookahead_ends_the_play():
    env, asked = envs.make(GAME, B), []
    env.reset(4)
    action = np.random.default_rng(4).integers(env.n_actions, size=(B, 1, 2, env.n_agents))

    def policy(obs, available, memory, first):
        asked.append(len(obs))
        return Table(np.full((env.n_agents, env.n_actions), 1 / env.n_actions))(obs, available, memory, first)

    one = forked_returns(env, np.arange(B), action, policy, GAMMA, lookahead=1)
    assert asked == []
    rewards = [env.game.step(env.state_dict()["state"], action[:, 0, r]).reward for r in range(2)]
    np.testing.assert_allclose(one[:, 0], np.stack(rewards, axis=1), atol=1e-6)
    forked_returns(env, np.arange(B), action, policy, GAMMA, lookahead=3)
    assert asked == [2 * B] * 2
    with pytest.raises(ValueError, match="lookahead=0"):
        forked_returns(env, np.arange(B), action, policy, GAMMA, lookahead=0)


def test_alternatives_leave_out_what_is_illegal():
    available = np.array([[True, True, True], [False, True, False]])
    rows = alternatives(np.array([2, 1]), available)
    assert rows.tolist() == [[[0, 1], [1, 1], [2, 1]], [[2, 1], [2, 1], [2, 1]]]


class Counting:
    """A policy with a memory of how much it has seen: it takes action 0 until it has seen four views, then 1."""

    def __call__(self, obs, available, memory, first):
        memory = memory + 1
        late = memory[..., 0] >= 4  # [X, n]
        return Choice(torch.where(torch.stack([late, ~late], dim=-1), -torch.inf, 0.0).double()), memory


def test_the_policys_memory_goes_on():
    env, asked = envs.make("toy/ring?n_agents=3&span=2", 1), []

    class Long:
        """Ring, but five rounds of it."""

        def __getattr__(self, name):
            return 5 if name == "horizon" else getattr(env, name)

        def fork(self, copies, seeds):
            fork = env.fork(copies, seeds)

            def step(action):
                asked.append(action[0].tolist())
                return type(env).step(fork, action)._replace(terminated=np.array([False]))

            fork.step = step
            return fork

    memory = torch.full((1, 3, 1), 1.0)  # one view was seen when the moment was copied
    forked_returns(Long(), np.array([0]), np.ones((1, 1, 1, 3), dtype=int), Counting(), 1.0, memory=memory)
    assert [actions[0] for actions in asked] == [1, 0, 0, 1, 1]


def test_wrong_arguments_are_refused(world):
    env, policy, _, actions = world
    with pytest.raises(ValueError, match=r"gamma=1.5; allowed are 0 to 1"):
        forked_returns(env, np.arange(B), actions[:, :, None], Table(policy), 1.5)
    with pytest.raises(ValueError, match=r"actions has shape \(4, 6, .\); expected 4 moments"):
        forked_returns(env, np.arange(B), actions, Table(policy), 1.0)
    with pytest.raises(ValueError, match="1 copies; a standard error needs at least 2"):
        worth(np.zeros((3, 1)))
