"""How long exact credit takes. Both of the first two should stay under 50 ms, so that sliders follow the hand."""

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


def test_credit_spectrum_of_8_agents_with_2_actions(benchmark):
    assert len(benchmark(credit_spectrum, *random_game(8, 2))) == 256


def test_gradient_moments_of_5_agents_with_5_actions(benchmark):
    q, policy = random_game(5, 5)
    benchmark(gradient_moments, q, policy, 0, baseline(q, policy, [0, 1]))


def test_level_shares_of_8_agents_with_2_actions(benchmark):
    benchmark(level_shares, *random_game(8, 2))


def test_optimal_mixture_of_5_agents_with_5_actions(benchmark):
    q, policy = random_game(5, 5)
    benchmark(optimal_mixture, q, policy, 0, [range(5), [0], [0, 1]])


def test_shapley_values_of_8_agents_with_2_actions(benchmark):
    benchmark(shapley_values, *random_game(8, 2), [1] * 8)


@pytest.fixture(scope="module")
def small():
    game = warehouse_v0.game("small")
    return game, enumerate_states(game)


def test_enumerate_the_small_warehouse(benchmark):
    benchmark.pedantic(enumerate_states, (warehouse_v0.game("small"),), rounds=2)


def test_solve_the_small_warehouse(benchmark, small):
    game, enumeration = small
    benchmark.pedantic(solve, (game, np.full((3, 6), 1 / 6), 0.95, enumeration), rounds=3)
