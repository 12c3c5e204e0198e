"""Shapley values, by their axioms, and difference rewards."""

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from random_games import games

from maca_edu.exact import credit_spectrum, difference_rewards, shapley_values, value
from toy_envs import fridge_v0

CLOSE = dict(rtol=1e-10, atol=1e-10)


def some_action(data, q):
    return np.array(data.draw(st.lists(st.integers(0, q.shape[0] - 1), min_size=q.ndim, max_size=q.ndim)))


@settings(max_examples=50)
@given(games(), st.data())
def test_shapley_values_are_the_average_over_all_orders(game, data):
    q, policy, _, _ = game
    action = some_action(data, q)
    phi = shapley_values(q, policy, action)
    assert phi.shape == (q.ndim,)
    assert_allclose(phi, oracle.shapley_values(q, policy, action), **CLOSE)


@given(games(), st.data())
def test_efficiency(game, data):
    q, policy, _, _ = game
    action = some_action(data, q)
    assert_allclose(shapley_values(q, policy, action).sum(), q[tuple(action)] - value(q, policy), **CLOSE)


@given(games(min_agents=2), st.data())
def test_symmetry(game, data):
    """Two agents that a swap does not tell apart earn the same."""
    q, policy, i, _ = game
    j = (i + 1) % q.ndim
    q = q + q.swapaxes(i, j)
    policy[j] = policy[i]
    action = some_action(data, q)
    action[j] = action[i]
    phi = shapley_values(q, policy, action)
    assert_allclose(phi[i], phi[j], **CLOSE)


@given(games(), st.data())
def test_a_null_player_earns_nothing(game, data):
    q, policy, i, _ = game
    q = np.broadcast_to(q.take([0], axis=i), q.shape)
    assert_allclose(shapley_values(q, policy, some_action(data, q))[i], 0, atol=1e-10)


@given(games(), st.floats(-3, 3), st.integers(0, 2**32 - 1), st.data())
def test_linearity(game, factor, seed, data):
    q, policy, _, _ = game
    other = np.random.default_rng(seed).normal(size=q.shape)
    action = some_action(data, q)
    phi = shapley_values(q + factor * other, policy, action)
    apart = shapley_values(q, policy, action) + factor * shapley_values(other, policy, action)
    assert_allclose(phi, apart, **CLOSE)


@given(games(), st.data())
def test_members_share_every_component_equally(game, data):
    q, policy, _, _ = game
    action = some_action(data, q)
    expected = np.zeros(q.ndim)
    for H, part in credit_spectrum(q, policy).items():
        expected[list(H)] += part[tuple(action)] / max(len(H), 1)
    assert_allclose(shapley_values(q, policy, action), expected, **CLOSE)


@given(games(), st.data())
def test_difference_rewards_replace_one_action_at_a_time(game, data):
    q, _, _, _ = game
    action, default = some_action(data, q), some_action(data, q)
    found = difference_rewards(q, action, default)
    for i in range(q.ndim):
        without = list(action)
        without[i] = default[i]
        assert found[i] == q[tuple(action)] - q[tuple(without)]
    assert (difference_rewards(q, action, 1) == difference_rewards(q, action, [1] * q.ndim)).all()


def test_fridge_by_hand():
    """Everybody lifts: 6 + 2 - 4 = 4. Without A 6 and 2 are lost, 1 saved; without B or C 6 lost, 1 saved."""
    payoff = fridge_v0.game().payoff()
    assert difference_rewards(payoff, [1, 1, 1, 1], 0).tolist() == [7, 5, 5, -1]
    rest = np.tile([1.0, 0.0], (4, 1))  # against agents who rest: the fridge is shared in three
    assert_allclose(shapley_values(payoff, rest, [1, 1, 1, 1]), [2 + 2 - 1, 2 - 1, 2 - 1, -1])


Q, HALF = np.zeros((2, 2)), np.full((2, 2), 0.5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: shapley_values(Q, HALF, [0]), r"action has shape \(1,\); expected \(2,\)"),
        (lambda: shapley_values(Q, HALF, [0, 2]), "action holds 2; allowed are 0 to 1"),
        (lambda: shapley_values(Q, HALF, [0.0, 1.0]), "action has dtype float64; expected integers from 0 to 1"),
        (lambda: shapley_values(1.0, HALF, [0, 1]), r"payoff has shape \(\)"),
        (lambda: difference_rewards(Q, [0, -1], 0), "action holds -1"),
        (lambda: difference_rewards(Q, [0, 1], 2), "default holds 2; allowed are 0 to 1"),
        (lambda: difference_rewards(Q, [0, 1], [0]), r"default has shape \(1,\)"),
        (lambda: difference_rewards(Q, [0, 1], 0.5), "default has dtype float64"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(call, says):
    with pytest.raises(ValueError, match=says):
        call()
