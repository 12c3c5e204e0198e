"""Values, k-level baselines, and the baseline of least variance (Eq. 2, Lemma A.1, Theorem A.2, Lemma A.3)."""

import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from random_games import games, undecided

from maca_edu.exact import advantage, baseline, gradient_moments, minimum_variance_baseline, value

CLOSE = dict(rtol=1e-10, atol=1e-10)


@given(games())
def test_baseline_is_the_conditional_mean(game):
    q, policy, _, group = game
    b = baseline(q, policy, group)
    assert b.shape == q.shape
    for a in oracle.all_actions(policy):
        assert_allclose(b[a], oracle.baseline(q, policy, a, group), **CLOSE)
    assert_allclose(value(q, policy), oracle.value(q, policy), **CLOSE)
    assert_allclose(advantage(q, policy, group), q - b, **CLOSE)


@given(games())
def test_level_1_is_coma_level_n_is_q_minus_v_and_level_0_is_q(game):
    q, policy, i, _ = game
    counterfactual = np.einsum("...x,x->...", np.moveaxis(q, i, -1), policy[i])  # COMA: sum over own actions
    assert_allclose(baseline(q, policy, [i]), np.broadcast_to(np.expand_dims(counterfactual, i), q.shape), **CLOSE)
    assert_allclose(advantage(q, policy, range(q.ndim)), q - value(q, policy), **CLOSE)
    assert_allclose(baseline(q, policy, []), q, rtol=0, atol=0)


@given(games())
def test_a_baseline_is_constant_along_its_group_and_has_the_mean_of_q(game):
    q, policy, _, group = game
    b = baseline(q, policy, group)
    for j in group:
        assert (b == b.take([0], axis=j)).all()
    assert_allclose(value(b, policy), value(q, policy), **CLOSE)


@given(games(min_agents=2), st.data())
def test_nested_groups_obey_pythagoras(game, data):
    """E[(Q - b_G')^2] = E[(Q - b_G)^2] + E[(b_G - b_G')^2] for G in G'."""
    q, policy, _, outer = game
    inner = data.draw(st.sets(st.sampled_from(outer)))
    b_in, b_out = baseline(q, policy, inner), baseline(q, policy, outer)
    whole = value((q - b_out) ** 2, policy)
    assert_allclose(whole, value((q - b_in) ** 2, policy) + value((b_in - b_out) ** 2, policy), **CLOSE)


@given(games(), st.data())
def test_lemma_a1_a_baseline_without_the_own_action_has_no_gradient(game, data):
    q, policy, i, group = game
    zero, _ = gradient_moments(baseline(q, policy, group), policy, i, 0.0)
    assert_allclose(zero, 0, atol=1e-10)
    mean, _ = gradient_moments(q, policy, i, 0.0)
    for b in (baseline(q, policy, group), minimum_variance_baseline(q, policy, i, group), data.draw(st.floats(-9, 9))):
        assert_allclose(gradient_moments(q, policy, i, b)[0], mean, **CLOSE)


def test_a_baseline_that_sees_the_own_action_is_biased():
    q, policy = np.array([[1.0, 2.0], [4.0, 8.0]]), np.full((2, 2), 0.5)
    unbiased, _ = gradient_moments(q, policy, 0, 0.0)
    biased, _ = gradient_moments(q, policy, 0, baseline(q, policy, [1]))
    assert abs(unbiased - biased).max() > 1


@given(games())
def test_theorem_a2_is_the_weighted_mean(game):
    q, policy, i, group = game
    best = minimum_variance_baseline(q, policy, i, group)
    assert best.shape == q.shape
    if policy[i].max() == 1:  # no gradient, so every baseline is as good
        assert_allclose(best, baseline(q, policy, group), **CLOSE)
        return
    for a in oracle.all_actions(policy):
        assert_allclose(best[a], oracle.minimum_variance_baseline(q, policy, i, a, group), **CLOSE)


@given(games(), st.integers(0, 2**32 - 1))
def test_theorem_a2_no_other_baseline_of_the_same_arguments_is_less_noisy(game, seed):
    """Moving away from b* by d(a_{-G}) adds exactly E[d^2 |grad log pi_i|^2]."""
    q, policy, i, group = game
    best = minimum_variance_baseline(q, policy, i, group)
    d = np.random.default_rng(seed).normal(size=[1 if j in group else len(policy[0]) for j in range(q.ndim)])
    moved = gradient_moments(q, policy, i, best + d)[1]
    least = gradient_moments(q, policy, i, best)[1]
    added = sum(
        oracle.chance(policy, a) * np.broadcast_to(d, q.shape)[a] ** 2 * oracle.weight(policy, i, a)
        for a in oracle.all_actions(policy)
    )
    assert_allclose(moved, least + added, **CLOSE)
    assert moved >= least - 1e-10


@given(undecided())
def test_lemma_a3_the_two_baselines_differ_by_a_covariance(game):
    q, policy, i, group = game
    b, best = baseline(q, policy, group), minimum_variance_baseline(q, policy, i, group)
    w = np.zeros(q.shape)
    for a in oracle.all_actions(policy):
        w[a] = oracle.weight(policy, i, a)
    for a in oracle.all_actions(policy):
        mean_w = oracle.baseline(w, policy, a, group)
        covariance = oracle.baseline(q * w, policy, a, group) - oracle.baseline(q, policy, a, group) * mean_w
        assert_allclose(b[a], best[a] - covariance / mean_w, **CLOSE)


@given(games())
def test_two_equally_likely_actions_make_the_plain_baseline_the_best_one(game):
    """With pi_i = (1/2, 1/2) both scores are equally long, so the covariance of Lemma A.3 is 0."""
    q, policy, i, group = game
    assume(policy.shape[1] == 2)
    policy[i] = 0.5
    assert_allclose(minimum_variance_baseline(q, policy, i, group), baseline(q, policy, group), **CLOSE)


def test_arguments_are_neither_changed_nor_shared():
    q, policy = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [1, 0]])  # integers will do
    for group in ([], [0], [0, 1]):
        b = baseline(q, policy, group)
        b += 1  # the result is the caller's own
        assert (q == [[1, 2], [3, 4]]).all()
    assert value(q, policy) == 3
    assert isinstance(value(q, policy), float)


def test_groups_come_in_any_form():
    q, policy = np.random.default_rng(0).normal(size=(2, 2, 2)), np.full((3, 2), 0.5)
    expected = baseline(q, policy, (0, 2))
    for group in ([2, 0], {0, 2}, np.array([0, 2]), iter([2, 0]), frozenset({0, 2})):
        assert_allclose(baseline(q, policy, group), expected, rtol=0)


Q, HALF = np.zeros((2, 2, 2)), np.full((3, 2), 0.5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: value(1.0, HALF), r"q has shape \(\); expected one axis per agent"),
        (
            lambda: value(np.zeros((2, 3)), HALF),
            r"q has shape \(2, 3\); expected one axis per agent, all of one length",
        ),
        (lambda: value([[1, 2], [3]], HALF), "q is not an array of numbers"),
        (lambda: value(Q + np.nan, HALF), "q holds nan; every entry must be finite"),
        (lambda: value(Q, HALF[:2]), r"policy has shape \(2, 2\); expected \(3, 2\)"),
        (lambda: value(Q, HALF * 2), "policy has a row that sums to 2; every row must sum to 1"),
        (lambda: value(Q, [[1.5, -0.5]] * 3), "policy holds -0.5; probabilities are 0 or more"),
        (lambda: advantage({0, 1}, HALF, [0]), "q is not an array of numbers"),
        (lambda: baseline(np.zeros((0, 2), dtype=complex), HALF, [0]), "q is not an array of numbers"),
        (lambda: baseline(Q, HALF, [3]), r"group=\[3\] names agent 3; agents are 0 to 2"),
        (lambda: baseline(Q, HALF, [-1]), r"group=\[-1\] names agent -1; agents are 0 to 2"),
        (lambda: baseline(Q, HALF, [0, 0]), r"group=\[0, 0\] names an agent twice"),
        (lambda: baseline(Q, HALF, np.array(1)), r"group=array\(1\) is not a collection of agents"),
        (lambda: baseline(Q, HALF, 1), r"group=1 is not a collection of agents; write \(1,\)"),
        (
            lambda: baseline(Q, HALF, [True, False, True]),
            r"group=\[True, False, True\] names agent True",
        ),
        (lambda: baseline(Q, HALF, [4]), r"group=\[4\] names agent 4; agents are 0 to 2"),
        (lambda: baseline(Q, HALF, [0.0]), r"group=\[0\.0\] names agent 0\.0"),
        (lambda: minimum_variance_baseline(Q, HALF, 0, [1]), r"group=\[1\] does not contain agent 0"),
        (lambda: minimum_variance_baseline(Q, HALF, 5, [1]), "agent=5; allowed is an integer from 0 to 2"),
        (lambda: gradient_moments(Q, HALF, 0, np.zeros(3)), r"baseline has shape \(3,\); it must broadcast"),
        (lambda: gradient_moments(Q, HALF, 0, np.zeros((1, 2, 2, 2))), "it must broadcast to q's shape"),
        (lambda: gradient_moments(Q, HALF, 0, np.inf), "baseline holds inf"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(call, says):
    with pytest.raises(ValueError, match=says):
        call()
