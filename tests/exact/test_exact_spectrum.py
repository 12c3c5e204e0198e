"""The credit spectrum: every line of the theorem of chapter 4, on random games."""

import numpy as np
import oracle
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from random_games import games, meets, undecided

from maca_edu.exact import advantage, baseline, credit_spectrum, gradient_moments, level_shares, value
from toy_envs import OneShotGame, RewardTerm, climb_v0, ring_v0, xor_v0

CLOSE = dict(rtol=1e-10, atol=1e-10)


@given(games())
def test_q_is_the_sum_of_its_components_and_the_first_is_v(game):
    q, policy, _, _ = game
    spectrum = credit_spectrum(q, policy)
    assert list(spectrum) == oracle.subsets(range(q.ndim))  # small groups first, then in order
    assert all(part.shape == q.shape for part in spectrum.values())
    assert_allclose(sum(spectrum.values()), q, **CLOSE)
    assert_allclose(spectrum[()], value(q, policy), **CLOSE)


@given(games(), st.data())
def test_components_are_those_of_inclusion_and_exclusion(game, data):
    q, policy, _, _ = game
    spectrum = credit_spectrum(q, policy)
    group = data.draw(st.sampled_from(list(spectrum)))
    for a in oracle.all_actions(policy):
        assert_allclose(spectrum[group][a], oracle.component(q, policy, a, group), **CLOSE)


@given(games())
def test_a_component_depends_on_its_members_only_and_has_mean_zero_over_each(game):
    q, policy, _, _ = game
    for group, part in credit_spectrum(q, policy).items():
        for j in range(q.ndim):
            if j in group:
                assert_allclose(baseline(part, policy, [j]), 0, atol=1e-10)
            else:
                assert (part == part.take([0], axis=j)).all()


@given(undecided())
def test_the_spectrum_is_the_only_such_sum(game):
    """Components built at random with these two properties are found again."""
    q, policy, _, _ = game
    built = credit_spectrum(q, policy)
    built = {key: part * (1 + len(key) + sum(key)) for key, part in built.items()}  # scaling keeps both properties
    again = credit_spectrum(sum(built.values()), policy)
    for key in built:
        assert_allclose(again[key], built[key], rtol=1e-9, atol=1e-9)


@given(games())
def test_components_are_uncorrelated(game):
    q, policy, _, _ = game
    spectrum = credit_spectrum(q, policy)
    variance = value((q - value(q, policy)) ** 2, policy)
    assert_allclose(sum(value(part**2, policy) for group, part in spectrum.items() if group), variance, **CLOSE)
    whole, last = spectrum[tuple(range(q.ndim))], spectrum[(0,)]
    if q.ndim > 1:
        assert_allclose(value(whole * last, policy), 0, atol=1e-9)


@given(games())
def test_an_advantage_keeps_exactly_the_components_that_meet_its_group(game):
    q, policy, i, group = game
    spectrum = credit_spectrum(q, policy)
    for G in ([i], group, range(q.ndim)):  # individual, CorrSet, joint
        kept = sum(part for H, part in spectrum.items() if meets(H, G))
        assert_allclose(advantage(q, policy, G), kept, **CLOSE)


@given(games(), st.tuples(*[st.floats(0, 1)] * 3))
def test_maca_weighs_components_as_the_theorem_says(game, weights):
    assume(sum(weights) > 0.1)
    q, policy, i, corrset = game
    jnt, ind, cor = np.array(weights) / sum(weights)
    b = jnt * baseline(q, policy, range(q.ndim)) + ind * baseline(q, policy, [i]) + cor * baseline(q, policy, corrset)

    def weight(H):
        if not H:
            return 0.0
        if i in H:
            return 1.0
        return jnt + cor if meets(H, corrset) else jnt

    expected = sum(weight(H) * part for H, part in credit_spectrum(q, policy).items())
    assert_allclose(q - b, expected, **CLOSE)


@given(games())
def test_a_component_without_the_agent_is_noise_to_it(game):
    """Its expected gradient is 0; the gradient of Q is that of the components with the agent."""
    q, policy, i, _ = game
    mean, _ = gradient_moments(q, policy, i, 0.0)
    own = 0.0
    for H, part in credit_spectrum(q, policy).items():
        gradient, _ = gradient_moments(part, policy, i, 0.0)
        if i in H:
            own = own + gradient
        else:
            assert_allclose(gradient, 0, atol=1e-10)
    assert_allclose(own, mean, **CLOSE)


@settings(max_examples=15)
@given(games())
def test_level_shares_are_the_levels_parts_of_the_variance(game):
    q, policy, _, _ = game
    variance = value((q - value(q, policy)) ** 2, policy)
    assume(variance > 1e-3)
    shares = level_shares(q, policy)
    assert shares.shape == (q.ndim,)
    assert (shares >= 0).all()
    assert_allclose(shares.sum(), 1, rtol=1e-14)
    expected = np.zeros(q.ndim)
    for H in oracle.subsets(range(q.ndim)):
        if H:
            square = sum(
                oracle.chance(policy, a) * oracle.component(q, policy, a, H) ** 2 for a in oracle.all_actions(policy)
            )
            expected[len(H) - 1] += square / variance
    assert_allclose(shares, expected, rtol=1e-8, atol=1e-8)


def test_level_shares_of_known_games():
    half = np.full((3, 2), 0.5)
    assert_allclose(level_shares(xor_v0.game(n_agents=3).payoff(), half), [0, 0, 1], atol=1e-15)  # parity: level n only
    assert_allclose(level_shares(np.indices((2, 2, 2)).sum(axis=0), half), [1, 0, 0], atol=1e-15)  # a sum: level 1 only
    ring = level_shares(ring_v0.game(cost=0.0).payoff(), np.full((5, 2), 0.5))
    assert_allclose(ring[2:], 0, atol=1e-15)  # ropes for two
    # Rope for i and j, p = 1/2: level 1 of an agent is (1/2 + 1/2)(a - 1/2), of a pair (a - 1/2)(a' - 1/2).
    assert_allclose(ring[:2], [(5 / 4) / (5 / 4 + 5 / 16), (5 / 16) / (5 / 4 + 5 / 16)])


@given(st.integers(0, 2**32 - 1))
def test_a_reward_term_has_components_of_its_members_subsets_only(seed):
    rng = np.random.default_rng(seed)
    terms = [
        RewardTerm("trio", (2, 0, 3), rng.normal(size=(2,) * 3)),
        RewardTerm("pair", (1, 3), rng.normal(size=(2, 2))),
    ]
    game = OneShotGame(4, 2, terms)
    spectrum = credit_spectrum(game.payoff(), rng.dirichlet([1, 1], 4))
    for H, part in spectrum.items():
        if not set(H) <= {0, 2, 3} and not set(H) <= {1, 3}:
            assert_allclose(part, 0, atol=1e-12)


def test_no_variance_is_refused_with_the_reason():
    constant, sure, half = np.full((2, 2, 2), 0.1), np.eye(2)[[0, 1, 0]], np.full((3, 2), 0.5)
    rounded = np.array([[0.3, 0.7], [0.1, 0.9], [0.2, 0.8]])  # averages of 0.1 that are not quite 0.1
    for q, policy in (
        (constant, half),
        (constant, rounded),
        (xor_v0.game(n_agents=3).payoff(), sure),
        (np.zeros((2, 2, 2)), half),
    ):
        with pytest.raises(ValueError, match=r"q does not vary under this policy \(Var\(Q\) = 0\)"):
            level_shares(q, policy)


def test_components_are_read_only_and_q_is_left_alone():
    q = climb_v0.game().payoff()
    kept = q.copy()
    spectrum = credit_spectrum(q, np.full((2, 3), 1 / 3))
    with pytest.raises(ValueError, match="read-only"):
        spectrum[(0,)] += 1
    assert (q == kept).all()


def test_a_spectrum_too_large_to_hold_is_refused():
    with pytest.raises(ValueError, match=r"its spectrum holds 3\^18 numbers; at most 67,108,864"):
        credit_spectrum(np.zeros((2,) * 18), np.full((18, 2), 0.5))


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e130])
def test_shares_have_no_unit(unit):
    q, policy = np.random.default_rng(0).normal(size=(2, 2, 2)), np.array([[0.3, 0.7]] * 3)
    assert_allclose(level_shares(q * unit, policy), level_shares(q, policy), rtol=1e-9)
