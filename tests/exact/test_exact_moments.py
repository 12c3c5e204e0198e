"""The exact mean and variance of the gradient estimate, and the mixture of least variance (Eq. 1, 3, 4)."""

import itertools

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from random_games import games
from scipy.optimize import minimize

from maca_edu.exact import advantage, baseline, gradient_moments, optimal_mixture, shortest_mixture
from toy_envs import fridge_v0, ring_v0


def noise(q, policy, agent, groups, psi):
    """The variance with the mixture psi."""
    return gradient_moments(q, policy, agent, mixed(q, policy, groups, psi))[1]


def mixed(q, policy, groups, psi):
    return sum(weight * baseline(q, policy, group) for weight, group in zip(psi, groups, strict=True))


def is_optimal(q, policy, agent, groups, psi, tolerance=1e-10):
    """The certificate of a minimum of |C psi|^2 on the simplex: <C psi, C_m> >= |C psi|^2 for every m."""
    kept = q - mixed(q, policy, groups, psi)
    slopes = []
    for group in groups:
        product = kept * advantage(q, policy, group)
        slopes.append(
            sum(oracle.chance(policy, a) * oracle.weight(policy, agent, a) * product[a] for a in np.ndindex(q.shape))
        )
    return min(slopes) >= (1 - tolerance) * (psi @ slopes) - 1e-12 * abs(q).max() ** 2


@given(games(), st.sampled_from(["none", "group", "constant"]))
def test_moments_are_those_of_the_definition(game, kind):
    q, policy, i, group = game
    b = {"none": 0.0, "group": baseline(q, policy, group), "constant": 1.5}[kind]
    mean, variance = gradient_moments(q, policy, i, b)
    expected_mean, expected_variance = oracle.gradient_moments(q, policy, i, np.broadcast_to(b, q.shape))
    assert mean.shape == (policy.shape[1],)
    assert isinstance(variance, float)
    assert_allclose(mean, expected_mean, atol=1e-10)
    assert_allclose(variance, expected_variance, atol=1e-8)
    assert variance >= 0


@given(games())
def test_a_deterministic_agent_has_no_gradient(game):
    q, policy, i, _ = game
    policy[i] = np.eye(policy.shape[1])[0]
    mean, variance = gradient_moments(q, policy, i, 0.0)
    assert (mean == 0).all()
    assert variance == 0


def test_moments_are_those_of_samples():
    q, rng = ring_v0.game().payoff(), np.random.default_rng(3)
    policy = rng.dirichlet([1, 1], 5)
    b = baseline(q, policy, [1])
    draws = np.stack([rng.random(200_000) < row[1] for row in policy], axis=1).astype(int)
    g = (q - b)[tuple(draws.T)][:, None] * (np.eye(2)[draws[:, 1]] - policy[1])
    mean, variance = gradient_moments(q, policy, 1, b)
    assert_allclose(g.mean(axis=0), mean, atol=0.01)
    assert_allclose(g.var(axis=0).sum(), variance, rtol=0.02)


@settings(max_examples=40)
@given(games(min_agents=2))
def test_optimal_mixture_beats_every_point_of_a_grid_and_slsqp(game):
    q, policy, i, group = game
    groups = [range(q.ndim), [i], group]
    psi = optimal_mixture(q, policy, i, groups)
    assert psi.shape == (3,)
    assert (psi >= 0).all()
    assert_allclose(psi.sum(), 1, rtol=1e-14)
    least = noise(q, policy, i, groups, psi)
    tolerance = 1e-12 * max(1, abs(q).max() ** 2)
    grid = [np.array(p) / 20 for p in itertools.product(range(21), repeat=3) if sum(p) == 20]
    assert least <= min(noise(q, policy, i, groups, p) for p in grid) + tolerance
    found = minimize(
        lambda p: noise(q, policy, i, groups, p),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        method="SLSQP",
    )
    assert least <= noise(q, policy, i, groups, np.clip(found.x, 0, None) / np.clip(found.x, 0, None).sum()) + tolerance
    assert_allclose(least, found.fun, rtol=1e-3, atol=1e-4)  # SLSQP stops early


@settings(max_examples=60)
@given(games(), st.data())
def test_optimal_mixture_of_any_list_satisfies_the_conditions_of_a_minimum(game, data):
    q, policy, i, _ = game
    more = st.sets(st.integers(0, q.ndim - 1)).map(lambda group: group | {i})
    groups = data.draw(st.lists(more, min_size=1, max_size=6))  # the same group may come twice
    psi = optimal_mixture(q, policy, i, groups)
    assert_allclose(psi.sum(), 1, rtol=1e-14)
    assert is_optimal(q, policy, i, groups, psi)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e6, 1e12])
def test_optimal_mixture_does_not_depend_on_the_unit_of_q(scale):
    rng = np.random.default_rng(4)
    for _ in range(20):
        q, policy = rng.normal(size=(2, 2, 2)), rng.dirichlet([1, 1], 3)
        groups = [range(3), [0], [0, 1]]
        assert_allclose(optimal_mixture(scale * q, policy, 0, groups), optimal_mixture(q, policy, 0, groups), atol=1e-9)


def test_optimal_mixture_holds_when_one_baseline_is_far_noisier():
    rng = np.random.default_rng(5)
    for _ in range(20):
        q = rng.normal(size=(2, 2, 2)) + 1e6 * rng.normal(size=(1, 1, 2))  # agent 2 shakes the joint advantage
        policy = rng.dirichlet([2, 2], 3)
        groups = [range(3), [0], [0, 1]]
        psi = optimal_mixture(q, policy, 0, groups)
        assert psi[0] < 1e-4
        least = noise(q, policy, 0, groups, psi)
        assert least <= noise(q, policy, 0, groups, [0, *optimal_mixture(q, policy, 0, groups[1:])]) * (1 + 1e-9)
        for corner in np.eye(3):
            for t in (1e-7, 1e-5, 1e-3, 0.1):
                assert least <= noise(q, policy, 0, groups, psi + t * (corner - psi)) * (1 + 1e-9)


def test_optimal_mixture_picks_the_baselines_without_noise():
    q, half = fridge_v0.game().payoff(), np.full((4, 2), 0.5)
    q_without_D = q[..., :1] + np.zeros(2)
    assert_allclose(optimal_mixture(q_without_D, half, 3, [range(4), [3], [3, 0]]), [0, 1, 0])
    assert_allclose(optimal_mixture(np.full((2, 2), 0.1), half[:2], 0, [[0, 1], [0]]), [0.5, 0.5])
    assert_allclose(optimal_mixture(q, np.eye(2)[[0, 1, 0, 1]], 0, [range(4), [0]]), [0.5, 0.5])


def test_what_is_left_by_rounding_is_no_noise():
    """q does not depend on what agent 0 does: its own baseline leaves 0, or what rounding leaves of it."""
    rng = np.random.default_rng(0)
    q = np.broadcast_to(rng.normal(size=(1, 3, 3)), (3, 3, 3))
    policy = rng.dirichlet(np.ones(3), size=3)
    assert abs(q - baseline(q, policy, (0,))).max() > 0  # rounding, or this tests nothing
    assert optimal_mixture(q, policy, 0, [(0,), (0, 1, 2), (0,)]).tolist() == [0.5, 0.0, 0.5]


def test_sharp_policies_can_make_a_mixture_the_best():
    """Subsets {0,1,2} {0} {2,3} {3,4}: a mixture of individual and CorrSet beats either one alone."""
    q = np.zeros((2,) * 5)
    for subset in ((0, 1, 2), (0,), (2, 3), (3, 4)):
        q[tuple(1 if i in subset else slice(None) for i in range(5))] += len(subset)
    p = np.array([0.9, 0.7, 0.9, 0.1, 0.7])
    policy, groups = np.stack([1 - p, p], axis=1), [range(5), [0], [0, 1, 2]]
    psi = optimal_mixture(q, policy, 0, groups)
    alone = [noise(q, policy, 0, groups, corner) for corner in np.eye(3)]
    assert psi[0] < 1e-9
    assert psi[1:].min() > 0.01
    assert noise(q, policy, 0, groups, psi) < 0.999 * min(alone)


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ([], "groups is empty"),
        ([[0], [1]], r"group=\[1\] does not contain agent 0"),
        ([0], r"group=0 is not a collection"),
        (0, "groups=0 is not a list of groups"),
    ],
)
def test_wrong_groups_say_what_is_wrong(groups, says):
    with pytest.raises(ValueError, match=says):
        optimal_mixture(np.ones((2, 2)), np.full((2, 2), 0.5), 0, groups)


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-9, 1e9, 1e130])
def test_a_mixture_has_no_unit(unit):
    rng = np.random.default_rng(0)
    q, policy = rng.normal(size=(2, 2, 2)), np.array([[0.3, 0.7]] * 3)
    groups = [(0, 1, 2), (0,)]
    assert_allclose(optimal_mixture(q * unit, policy, 0, groups), optimal_mixture(q, policy, 0, groups), rtol=1e-9)
    columns = rng.normal(size=(5, 2))
    assert_allclose(shortest_mixture(columns * unit), shortest_mixture(columns), rtol=1e-9)
    assert_allclose(shortest_mixture(np.eye(2) * [unit, 2 * unit], 1.5 * unit), [1, 0])


@pytest.mark.parametrize(
    ("columns", "zero", "says"),
    [
        (np.eye(2) * 1j, 0.0, "columns is not an array of numbers"),
        ([["a"]], 0.0, "columns is not an array of numbers"),
        ([[1.0, 2.0], [3.0]], 0.0, "columns is not an array of numbers"),
        ([[np.nan, 1.0]], 0.0, "columns holds nan; every entry must be finite"),
        ([1.0, 2.0], 0.0, r"columns has shape \(2,\); expected \(rows, M\), one column or more"),
        (np.zeros((3, 0)), 0.0, r"columns has shape \(3, 0\); expected \(rows, M\), one column or more"),
        (np.eye(2), np.nan, "zero=nan; allowed is a finite number"),
        (np.eye(2), -1.0, "zero=-1; allowed is a length of 0 or more"),
    ],
)
def test_what_is_no_columns(columns, zero, says):
    with pytest.raises(ValueError, match=says):
        shortest_mixture(columns, zero)
