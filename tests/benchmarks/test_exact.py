"""How the cost of exact credit grows with agents and actions, and what solving a game costs beside listing it."""

import numpy as np
import pytest

from maca_edu.exact import (
    baseline,
    credit_spectrum,
    enumerate_states,
    gradient_moments,
    level_shares,
    optimal_mixture,
    shapley_values,
    solve,
)
from toy_envs import warehouse_v0


def random_game(n, A):
    rng = np.random.default_rng(0)
    return rng.normal(size=(A,) * n), rng.dirichlet(np.ones(A), size=n)


def shapley(q, policy):
    return shapley_values(q, policy, [1] * q.ndim)


@pytest.mark.parametrize("function", [credit_spectrum, level_shares, shapley])
def test_two_more_agents(compare, function):
    six, eight = random_game(6, 2), random_game(8, 2)
    compare(f"{function.__name__}: 8 agents over 6", lambda: function(*eight), lambda: function(*six))


def moments(q, policy):
    return gradient_moments(q, policy, 0, baseline(q, policy, [0, 1]))


def mixture(q, policy):
    return optimal_mixture(q, policy, 0, [range(5), [0], [0, 1]])


@pytest.mark.parametrize("function", [moments, mixture])
def test_more_actions(compare, function):
    few, many = random_game(5, 3), random_game(5, 5)
    compare(f"{function.__name__} of 5 agents: 5 actions over 3", lambda: function(*many), lambda: function(*few))


def test_solving_against_listing(compare):
    game = warehouse_v0.game("small")
    enumeration, policy = enumerate_states(game), np.full((3, 6), 1 / 6)
    compare(
        "the small warehouse: solving it over listing its states",
        lambda: solve(game, policy, 0.95, enumeration),
        lambda: enumerate_states(game),
    )
