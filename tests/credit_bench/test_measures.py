"""The measures against plain loops and against what chapters 4 and 5 prove."""

import itertools

import numpy as np
import pytest

from maca_edu import exact
from maca_edu.credit_bench import critics, games, measures
from maca_edu.credit_bench.batch import make_batch
from maca_edu.credit_bench.moments import Moments, drawn_rows, every_row, one_shot, over_time, probability
from toy_envs import climb_v0, fridge_v0, longring_v0, xor_v0

CASES = [games.random_game(1, n_agents=4), one_shot("climb", climb_v0.game(), [[0.7, 0.2, 0.1]] * 2)]


def tried(moments: Moments, advantage_of):
    rows = every_row(moments)
    batch = make_batch(moments, rows, critics.exact(moments))
    known = measures.truth(moments)
    return known, measures.measure(moments, known, rows, advantage_of(batch), batch.returns, sampled=False)


def naive_moments(moments: Moments, advantage: np.ndarray):
    """Mean gradient of every agent and the sum of their variances, by a loop over joint actions."""
    policy, n = moments.policy[0], moments.n_agents
    mean, square = np.zeros((n, moments.n_actions)), 0.0
    for row, a in enumerate(itertools.product(range(moments.n_actions), repeat=n)):
        chance = np.prod([policy[i][a[i]] for i in range(n)])
        for i in range(n):
            g = advantage[row, i] * (np.eye(moments.n_actions)[a[i]] - policy[i])
            mean[i] += chance * g
            square += chance * (g**2).sum()
    return mean, square - (mean**2).sum()


@pytest.mark.parametrize("moments", CASES, ids=lambda m: m.name)
def test_bias_and_variance_are_those_of_a_loop(moments):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(every_row(moments).state), moments.n_agents))
    advantage_of = lambda batch: 0.7 * batch.returns[:, None] + noise  # noqa: E731
    known, found = tried(moments, advantage_of)
    rows = every_row(moments)
    batch = make_batch(moments, rows, critics.exact(moments))
    mean, variance = naive_moments(moments, advantage_of(batch))
    true, least = naive_moments(moments, batch.returns[:, None] - batch.best)
    np.testing.assert_allclose(known.gradient[0], true, atol=1e-12)
    assert known.least == pytest.approx(least)
    scale = (mean * true).sum() / (true**2).sum()
    assert found.gradient.bias == pytest.approx(np.linalg.norm(mean - true) / np.linalg.norm(true))
    assert found.gradient.scale == pytest.approx(scale)
    assert found.gradient.turn == pytest.approx(np.linalg.norm(mean - scale * true) / scale / np.linalg.norm(true))
    assert found.variance == pytest.approx(variance / scale**2 / least)


@pytest.mark.parametrize("moments", CASES, ids=lambda m: m.name)
def test_the_batch_shows_exact_baselines(moments):
    q, policy, rows = moments.table[0], moments.policy[0], every_row(moments)
    batch = make_batch(moments, rows, critics.exact(moments))
    at = tuple(rows.action.T)
    np.testing.assert_allclose(rows.weight, probability(moments, rows.state, rows.action))
    np.testing.assert_allclose(batch.q, q[at])
    np.testing.assert_allclose(batch.value, exact.value(q, policy))
    for i in range(moments.n_agents):
        np.testing.assert_allclose(batch.baselines[1, :, i], exact.baseline(q, policy, [i])[at], atol=1e-12)
        corrset = np.flatnonzero(moments.partners[0, i])
        np.testing.assert_allclose(batch.baselines[2, :, i], exact.baseline(q, policy, corrset)[at], atol=1e-12)
        best = exact.minimum_variance_baseline(q, policy, i, [i])
        np.testing.assert_allclose(batch.best[:, i], best[at], atol=1e-12)
        alone = exact.credit_spectrum(q, policy)[(i,)] + exact.value(q, policy) / moments.n_agents
        own = np.take_along_axis(batch.utilities[:, i], rows.action[:, i : i + 1], axis=1)[:, 0]
        np.testing.assert_allclose(own, alone[at], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "partners", "others"), [("joint", 1, 1), ("individual", 1, 0), ("half", 1, 0.25), ("Shapley", None, 0)]
)
def test_components_are_kept_as_chapter_4_says(name, partners, others):
    moments = games.random_game(2, n_agents=4)
    q, policy = moments.table[0], moments.policy[0]

    def advantage_of(batch):
        if name == "Shapley":
            return np.stack([exact.shapley_values(q, policy, a) for a in batch.action])
        mix = {"joint": 1.0, "individual": 0.0, "half": 0.5}[name]
        return batch.returns[:, None] - mix * batch.baselines[0] - (1 - mix) * batch.baselines[1]

    _, found = tried(moments, advantage_of)
    assert found.kept.signal == pytest.approx(1)
    assert found.kept.others == pytest.approx(others, abs=1e-9)
    if partners is None:  # each component's share is 1 / |H|, and its square counts
        parts = [(H, (probability_table(policy) * x**2).sum()) for H, x in exact.credit_spectrum(q, policy).items()]
        shared = sum(v / len(H) for H, v in parts if len(H) > 1)
        partners = shared / sum(v * len(H) for H, v in parts if len(H) > 1)
    assert found.kept.partners == pytest.approx(partners)


def probability_table(policy: np.ndarray) -> np.ndarray:
    table = np.ones(())
    for row in policy:
        table = np.multiply.outer(table, row)
    return table


def test_the_signal_is_the_credit_of_level_1():
    _, found = tried(CASES[0], lambda b: np.take_along_axis(b.utilities, b.action[:, :, None], 2)[:, :, 0] - 1.0)
    alone = found.correlation
    assert alone[0] > 0.99  # agents' means differ: V / n is the same for all, so nothing else is in it
    assert all(x is None or abs(x) < 1e-9 for x in alone[1:])


def test_fridge_is_chapter_5s():
    """The team of chapter 5: the individual baseline against the best one, from `maca_edu.exact`."""
    lift = [0.1, 0.9]
    moments = one_shot("fridge", fridge_v0.game(), [lift, lift, lift, lift[::-1]])
    q, policy = moments.table[0], moments.policy[0]
    least = sum(
        exact.gradient_moments(q, policy, i, exact.minimum_variance_baseline(q, policy, i, [i]))[1] for i in range(4)
    )
    individual = sum(exact.gradient_moments(q, policy, i, exact.baseline(q, policy, [i]))[1] for i in range(4))
    known, found = tried(moments, lambda b: b.returns[:, None] - b.baselines[1])
    assert known.least == pytest.approx(least)
    assert found.variance == pytest.approx(individual / least)


def test_partners_are_counted_without_oneself():
    moments = games.random_game(3)
    rows = every_row(moments)
    true = moments.partners[rows.state]
    nobody, everybody = np.broadcast_to(np.eye(5, dtype=bool), true.shape), np.ones_like(true)
    assert measures.partners(moments, rows, true) == pytest.approx((1, 1))
    assert measures.partners(moments, rows, everybody).recall == pytest.approx(1)
    pairs = moments.partners[0].sum() - 5
    assert measures.partners(moments, rows, everybody).precision == pytest.approx(pairs / 20)
    assert measures.partners(moments, rows, nobody).recall == 0


def test_later_luck_is_in_the_returns_and_in_the_least_variance():
    """On the long ring Q is known by hand, and what follows a round is as noisy as the dynamic programme says."""
    game = longring_v0.game(n_agents=4, span=3, rounds=3)
    policy = np.tile([0.4, 0.6], (4, 1))
    moments = over_time("long ring", game, policy, 3, np.random.default_rng(0))
    rows = every_row(moments)
    batch = make_batch(moments, rows, critics.exact(moments))
    np.testing.assert_allclose(rows.weight @ (batch.returns - batch.q), 0, atol=1e-12)
    spread = rows.weight @ (batch.returns - batch.q) ** 2
    one_round = exact.lambda_return(game, policy, 0.99, 0.95)
    beta = (0.99 * 0.95) ** 2
    own = one_round.own[0]  # the same in every round
    assert spread == pytest.approx((beta * (own + beta * own) + beta * own + 0) / 3)
    _, found = tried(moments, lambda b: b.returns[:, None] - b.best)
    assert found.variance == pytest.approx(1)
    assert found.gradient.bias == pytest.approx(0, abs=1e-12)


def test_drawn_rows_tell_what_every_row_tells():
    moments = games.random_game(4)
    rows = drawn_rows(moments, 40_000, np.random.default_rng(0))
    batch = make_batch(moments, rows, critics.exact(moments))
    known = measures.truth(moments)
    advantage = 0.5 * (batch.returns[:, None] - batch.baselines[0])
    drawn = measures.measure(moments, known, rows, advantage, batch.returns, sampled=True)
    _, every = tried(moments, lambda b: 0.5 * (b.returns[:, None] - b.baselines[0]))
    assert drawn.variance == pytest.approx(every.variance, rel=0.06)
    assert drawn.gradient.scale == pytest.approx(0.5, abs=0.02)
    assert drawn.gradient.bias == pytest.approx(0.5, abs=0.02)
    assert drawn.gradient.z > 20
    assert drawn.kept == pytest.approx(every.kept, rel=0.05)
    assert drawn.correlation[:2] == pytest.approx(every.correlation[:2], abs=0.02)


def test_the_fitted_critic_is_near_the_game_and_not_the_game():
    moments = games.random_game(102)
    found = critics.fitted(moments, np.random.default_rng(0))
    rows = every_row(moments)
    batch, truth = (make_batch(moments, rows, critic) for critic in (found, critics.exact(moments)))
    error = rows.weight @ (batch.q - truth.q) ** 2
    assert 0 < error < 0.1 * (rows.weight @ (truth.q - truth.value) ** 2)
    with pytest.raises(ValueError, match="one-shot games"):
        critics.fitted(games.games_over_time()[0], np.random.default_rng(0))


def test_a_game_without_a_gradient_is_refused():
    undecided = one_shot("xor", xor_v0.game(3), np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match="'xor' has no gradient"):
        measures.truth(undecided)
