"""The toy games as team environments, beyond the contract in `test_conformance`."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from maca_edu import envs

B = 3
RANDOM = "toy/warehouse?preset=tiny&horizon=4"


def actions(env, steps, seed=0):
    return np.random.default_rng(seed).integers(env.n_actions, size=(steps, env.batch, env.n_agents))


def flat(step):
    return [*step.view, *step.final, step.reward, step.terminated, step.truncated]


def test_the_reward_is_the_games():
    env = envs.make("toy/fridge", 2)
    env.reset(0)
    step = env.step(np.array([[1, 1, 1, 0], [1, 1, 0, 1]]))
    assert step.reward.tolist() == [5.0, -1.0]
    assert step.terminated.all()
    assert step.won is None


def test_the_clock_cuts_episodes_and_the_final_view_is_kept():
    env = envs.make(RANDOM, B)
    env.reset(5)
    game = env.game
    state, cut, clock = env.state_dict()["state"], 0, np.zeros(B, dtype=int)
    for action in actions(env, 12):
        after = game.step(state, action)
        step = env.step(action)
        assert_array_equal(step.final.obs, game.observe(after.state))
        assert_array_equal(step.final.state, game.features(after.state))
        state = env.state_dict()["state"]
        assert_array_equal(step.view.obs, game.observe(state))
        ended = step.terminated | step.truncated
        assert_array_equal(state[~ended], after.state[~ended])
        clock += 1
        assert_array_equal(step.truncated, (clock == 4) & ~step.terminated)
        clock[ended] = 0
        cut += int(step.truncated.sum())
    assert cut > B


def test_a_seed_decides_everything_and_a_saved_state_goes_on():
    one, same, other = (envs.make(RANDOM, B) for _ in range(3))
    one.reset(3), same.reset(3), other.reset(4)
    assert any((a != b).any() for a, b in zip(one.view(), other.view(), strict=True))
    plays = actions(one, 20)
    for action in plays[:10]:
        for a, b in zip(flat(one.step(action)), flat(same.step(action)), strict=True):
            assert_array_equal(a, b)
    other.load_state_dict(one.state_dict())
    for action in plays[10:]:
        for a, b in zip(flat(one.step(action)), flat(other.step(action)), strict=True):
            assert_array_equal(a, b)


def test_the_credit_is_the_games_and_partners_share_a_term():
    env = envs.make("toy/ring?n_agents=5&span=2", 1)  # ropes between neighbours
    action = np.array([[1, 1, 0, 1, 1]])
    credit = env.step(action).credit
    assert env.terms == tuple(term.name for term in env.game.reward_terms)
    for term, amount, members in zip(env.game.reward_terms, credit.amount[0], credit.members[0], strict=True):
        assert amount == np.float32(term.table[tuple(action[0, list(term.agents)])])
        assert members.nonzero()[0].tolist() == sorted(term.agents)
    apart = abs(np.subtract.outer(np.arange(5), np.arange(5)))
    assert_array_equal(credit.partners()[0], np.isin(apart, (0, 1, 4)))


def test_members_are_those_of_the_state_in_which_the_team_acted():
    env = envs.make("toy/warehouse?preset=tiny&horizon=4", B)
    env.reset(0)
    for action in actions(env, 12):
        before = env.state_dict()["state"]
        assert_array_equal(env.step(action).credit.members, env.game.members(before))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy/fridg", "env='toy/fridg'; allowed are toy/fridge, toy/ring"),
        ("toy/ring?span=9", "span=9"),
        ("toy/ring?spam=2", "spam"),
        ("toy/ring?span", "options look like"),
    ],
)
def test_wrong_names_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        envs.make(name, B)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="batch=0"):
        envs.make("toy/fridge", 0)
    with pytest.raises(ValueError, match=r"action has shape \(2, 4\)"):
        envs.make("toy/fridge", B).step(np.zeros((2, 4), dtype=int))
    with pytest.raises(ValueError, match="the saved environment has 3 copies"):
        envs.make("toy/fridge", 2).load_state_dict(envs.make("toy/fridge", 3).state_dict())
