"""The measured owners of an advantage's variance against dynamic programming and against models made by hand."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.testing import assert_allclose

from maca_edu import exact
from maca_edu.envs.toy import ToyEnv
from maca_edu.exact.returns import follow
from maca_edu.networks import Choice
from maca_edu.team_env import TeamStep, View
from maca_edu.training.budget import (
    level_weights,
    measure_moments,
    mixtures,
    owner_names,
    product_of_strangers,
    products_of,
    shares,
)
from maca_edu.training.config import Config
from maca_edu.training.learner import Learner
from maca_edu.training.methods import find
from maca_edu.training.records import CriticWords, Memory, as_seen
from maca_edu.training.trainer import sizes_of
from toy_envs import longring_v0, ring_v0, warehouse_v0

GAMMA = 0.9


class Policy:
    """A policy `[n, A]`, the same in every state."""

    def __init__(self, policy):
        self.logits = torch.tensor(policy, dtype=torch.float32).log()

    def __call__(self, obs, available, memory, first):
        return Choice(self.logits.expand(len(obs), -1, -1)), memory


class Critic:
    """V by the features of the state, `{bytes of a row: value}`."""

    needs_action = False

    def __init__(self, values):
        self.values = values

    def bootstrap(self, x):
        return torch.tensor([self.values[row.tobytes()] for row in x.state.numpy()], dtype=torch.float64)

    def judge(self, x):
        return CriticWords((), bootstrap=self.bootstrap(x), memory=None)


def stand_in(policy, critic, lam, **settings):
    """What measuring asks of a learner."""
    cpu, config = torch.device("cpu"), Config(gamma=GAMMA, lam=lam, **settings)
    return SimpleNamespace(
        actor=Policy(policy), critic=critic, config=config, device=cpu,
        read=lambda view: as_seen(view, cpu), blank_memory=lambda batch: Memory(None, None),
    )  # fmt: skip


def by_features(game, listed, V):
    """A critic that says V `[S]`."""
    rows = [row.tobytes() for row in game.features(listed.states)]
    assert len(set(rows)) == len(rows)
    return Critic(dict(zip(rows, V.tolist(), strict=True)))


def measured(game, policy, V, listed, lam, moments, copies=4, seed=0):
    learner = stand_in(policy, by_features(game, listed, V), lam)
    advantages = measure_moments(learner, ToyEnv(game, moments, game.name), moments, copies, seed)
    return shares(advantages, len(game.agents))


def assert_near(found, expected, names):
    """Every share within four standard errors; expected: variances, in the order of the owners."""
    assert [part.owner for part in found] == names
    assert_allclose(sum(part.share for part in found), 1)
    for part, share in zip(found, np.array(expected) / np.sum(expected), strict=True):
        error = (part.high - part.share) / scipy.stats.t.ppf(0.975, 100)
        assert abs(part.share - share) < 4 * error + 1e-6, part.owner


@pytest.mark.parametrize("lam", [0.0, 0.95, 1.0])
@pytest.mark.parametrize("off", [0.0, 1.0])
def test_the_long_ring_where_all_shares_are_known(lam, off):
    game, policy = longring_v0.game(n_agents=5, rounds=4), np.tile([0.4, 0.6], (5, 1))
    listed = exact.enumerate_states(game)
    V, _ = exact.solve(game, policy, GAMMA, listed)
    payoff = ring_v0.game(n_agents=5).payoff()
    one, *others = exact.level_shares(payoff, policy)
    sigma2 = exact.value(payoff**2, policy) - exact.value(payoff, policy) ** 2
    e = off * np.array([3.0, 0.0, -2.0, 1.0, 0.0])  # the critic's error in every round, 0 after the last
    beta, weights = (GAMMA * lam) ** 2, (GAMMA * lam) ** np.arange(4)
    m = np.array([weights[: 4 - t] @ (GAMMA * e[t + 1 :] - e[t:4]) for t in range(4)])
    later = sigma2 * np.mean([beta ** np.arange(1, 4 - t) @ np.ones(3 - t) for t in range(4)])
    expected = [m.var(), sigma2 * one, sigma2 * sum(others), later, 0.0]
    assert_allclose(
        exact.three_owners(game, policy, GAMMA, lam, V + e[:4]), (m.var(), sigma2, later), rtol=1e-9, atol=1e-12
    )
    found = measured(game, policy, V + e[:4], listed, lam, moments=101)
    assert_near(found, expected, owner_names(5))
    if lam == 0:
        assert abs(found[3].share) < 1e-9  # nothing later enters
    if off:
        assert found[0].low > 0.2


@pytest.mark.parametrize("lam", [0.0, 0.95])
def test_a_warehouse_that_the_clock_cuts(lam):
    cut = 5
    game = warehouse_v0.game(n_agents=2, height=2, width=2, crews=((0,), (0, 1)), random=False, horizon=cut)
    policy = np.array([[0.05, 0.1, 0.1, 0.3, 0.05, 0.4], [0.1, 0.1, 0.2, 0.2, 0.1, 0.3]])
    listed = exact.enumerate_states(game)
    V = exact.solve(game, policy, GAMMA, listed)[0] + np.random.default_rng(3).normal(size=len(listed.states))
    owners = exact.three_owners(game, policy, GAMMA, lam, V, horizon=cut, enumeration=listed)
    P, now, levels, total = follow(game, policy, listed)[2], listed.initial, np.zeros(2), 0.0
    for left in range(cut, 0, -1):
        q = exact.lambda_return(game, policy, GAMMA, lam, V, left, listed)
        for s in np.flatnonzero(now):
            levels += now[s] * q.own[s] * exact.level_shares(q.mean[s], policy)
        total, now = total + now.sum(), P.T @ now
    assert_allclose(levels.sum() / total, owners.now)
    found = measured(game, policy, V, listed, lam, moments=101)
    assert_near(found, [owners.critic, *(levels / total), owners.later, 0.0], owner_names(2))


class Dice:
    """Two rounds for two agents; a round pays how many play 1, and three times a number that is drawn."""

    name, n_agents, n_actions, horizon, continuous = "dice", 2, 2, 2, False

    def __init__(self, batch):
        self.batch = batch

    def reset(self, seed):
        self.chance = [np.random.default_rng((seed, b)) for b in range(self.batch)]
        self.round = np.zeros(self.batch, dtype=int)
        return self.view()

    def view(self):
        state = self.round[:, None].astype(np.float32)
        return View(state[:, None].repeat(2, axis=1), state, np.ones((self.batch, 2, 2), bool), state > -1)

    def step(self, action):
        reward = action.sum(axis=1) + 3 * np.array([chance.normal() for chance in self.chance])
        over = self.round == 1
        self.round = 1 - self.round
        return TeamStep(self.view(), self.view(), reward.astype(np.float32), over, np.zeros(self.batch, dtype=bool))

    def fork(self, copies, seeds):
        fork = Dice(len(copies))
        fork.round, fork.chance = self.round[copies], [np.random.default_rng(seed) for seed in seeds]
        return fork

    def close(self):
        pass


def test_the_chance_of_the_game_and_the_later_actions_are_told_apart():
    values = {np.float32([t]).tobytes(): v for t, v in ((0, 1 + GAMMA), (1, 1.0))}
    learner, half = stand_in(np.full((2, 2), 0.5), Critic(values), 0.5), 0.5 * (0.5 * GAMMA) ** 2
    found = shares(measure_moments(learner, Dice(101), 101, 6), 2)
    expected = [0.0, 0.5, 0.0, 0.5 * half, 9 * (1 + 0.5 * (0.5 * GAMMA) ** 2)]
    assert_near(found, expected, owner_names(2))
    assert found[-1].low > 0.8
    assert found[-2].high < 0.05


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_levels_of_random_tables(n):
    """A = a table of the joint action + what moments, the game's chance and later actions add, all of them normal."""
    rng, M, K = np.random.default_rng(n), 300, 3
    table, policy = rng.normal(size=(2,) * n), rng.dirichlet([4, 4], size=n)
    takes_b = mixtures(n).takes_b
    a, b = ((rng.random((M, 1, n)) < policy[:, 1]).astype(int) for _ in range(2))
    q = table[tuple(np.moveaxis(np.where(takes_b, b, a), -1, 0))]  # [M, J]
    luck = 0.5 * rng.normal(size=(M, 1, K, 1)) + 0.7 * rng.normal(size=(M, len(takes_b), K, 2))
    A = 7 + 0.6 * rng.normal(size=(M, 1, 1, 1)) + q[:, :, None, None] + luck
    levels = exact.level_shares(table, policy) * (exact.value(table**2, policy) - exact.value(table, policy) ** 2)
    levels = levels if n <= 3 else [levels[0], levels[1:].sum()]
    found = shares(A[..., None], n)
    assert_near(found, [0.36, *levels, 0.49, 0.25], owner_names(n))
    assert all(part.high - part.low < 0.35 for part in found)
    twice = shares(np.stack([A, A], axis=-1), n)  # two agents with the same values
    assert_allclose([part[1:] for part in twice], [part[1:] for part in found])


@pytest.mark.parametrize("n", [2, 4])
def test_products_are_those_of_all_pairs_of_different_copies(n):
    rng, M, K, E = np.random.default_rng(n), 3, 3, 2
    design, (distances, _) = mixtures(n), level_weights(n)
    A = rng.normal(size=(M, len(design.weight), K, 2, E))
    found = products_of(A, design, distances)
    for m in range(M):
        sums = {d: [0.0, 0.0] for d in distances}  # of products and of weights
        game = 0.0
        for i, j in itertools.product(range(len(design.weight)), repeat=2):
            d = int((design.takes_b[i] != design.takes_b[j]).sum())
            game += (i == j) * design.weight[i] * (A[m, i, :, 0] * A[m, i, :, 1]).mean()
            for (k, one), (l, other) in itertools.product(itertools.product(range(K), range(2)), repeat=2):
                if d in sums and k != l:
                    weight = design.weight[i] if d in (0, n) else 1.0
                    sums[d][0] += weight * (A[m, i, k, one] * A[m, j, l, other]).mean()
                    sums[d][1] += weight
        assert_allclose(found.sharing[m], [total / weights for total, weights in sums.values()])
        assert_allclose(found.game[m], game)
        assert_allclose(found.whole[m], design.weight @ (A[m] ** 2).mean(axis=(1, 2, 3)))
    pairs = [(found.mean[m] * found.mean[l]).mean() for m in range(M) for l in range(M) if l != m]
    assert_allclose(product_of_strangers(found.mean), np.mean(pairs))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_levels_from_exact_products(n):
    """sharing[d]: E[q q'] of two joint actions of which d agents' parts are drawn apart, over all choices of them."""
    rng = np.random.default_rng(n)
    q, policy = rng.normal(size=(3,) * n), rng.dirichlet(np.ones(3), size=n)
    distances, levels = level_weights(n)
    sharing = []
    for d in distances:
        apart = [exact.baseline(q, policy, group) if d else q for group in itertools.combinations(range(n), d)]
        sharing.append(np.mean([exact.value(np.broadcast_to(b, q.shape) ** 2, policy) for b in apart]))
    expected = exact.level_shares(q, policy) * (exact.value(q**2, policy) - exact.value(q, policy) ** 2)
    expected = expected if n <= 3 else [expected[0], expected[1:].sum()]
    assert_allclose(levels @ sharing, expected, rtol=1e-9)


def test_estimates_are_right_on_average_and_intervals_hold_the_truth():
    """300 small measurements of a model without critic's error: means within 4 standard errors, 95 % intervals."""
    rng, M, held, critic = np.random.default_rng(0), 12, 0, []
    takes_b = mixtures(2).takes_b
    for _ in range(300):
        a, b = (rng.integers(2, size=(M, 1, 2)) for _ in range(2))
        q = np.where(takes_b, b, a).sum(axis=-1)[:, :, None, None]  # its variance is 1/2
        A = q + rng.normal(size=(M, 1, 2, 1)) + rng.normal(size=(M, 4, 2, 2))
        found = shares(A[..., None], 2)
        critic.append([part.variance for part in found])
        held += found[3].low < 1 / 2.5 < found[3].high  # later actions: 1 of 1/2 + 1 + 1
    error = np.std(critic, axis=0) / np.sqrt(300)
    assert (abs(np.mean(critic, axis=0) - (0, 0.5, 0, 1, 1)) < 4 * error + 1e-12).all()
    assert 270 <= held <= 297


@pytest.mark.parametrize("method", ["mappo", "ippo", "maca", "coma", "ppo-sum"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_runs_of_every_critic(method, recurrent):
    env = ToyEnv(longring_v0.game(n_agents=3, rounds=3), 4, "ring")
    config = Config(recurrent=recurrent, actor_sizes=(8,), critic_sizes=(8,), embed=8, z_size=8)
    learner = Learner(sizes_of(env), find(method), 0, config)
    if learner.critic.needs_action:
        with pytest.raises(ValueError, match="has no V"):
            measure_moments(learner, env, 4, 4)
        return
    advantages = measure_moments(learner, env, 4, 4, seed=1)
    assert advantages.shape == (4, 8, 2, 2, 3 if method == "ippo" else 1)
    assert (advantages == measure_moments(learner, env, 4, 4, seed=1)).all()
    assert (advantages != measure_moments(learner, env, 4, 4, seed=2)).any()
    assert_allclose(sum(part.share for part in shares(advantages, 3)), 1)


def test_corrected_returns_and_time_limits_are_the_runs_own():
    game, policy = longring_v0.game(n_agents=3, rounds=4), np.full((3, 2), 0.5)
    listed = exact.enumerate_states(game)
    V, Q = exact.solve(game, policy, GAMMA, listed)
    critic = by_features(game, listed, V)
    round_of = {row: t for t, row in enumerate(critic.values)}

    def judge(x):
        rows = [round_of[row.tobytes()] for row in x.state.numpy()]
        action = x.action.numpy()
        known = [0.0 if t == 4 else Q[t][tuple(a)] - V[t] for t, a in zip(rows, action, strict=True)]
        return CriticWords((), bootstrap=critic.bootstrap(x), memory=None, correction=torch.tensor(known))

    critic.values[game.features(np.array([[4, 1]])).tobytes()] = 0.0
    learner = stand_in(policy, SimpleNamespace(needs_action=False, judge=judge, bootstrap=critic.bootstrap), 0.95)
    found = shares(measure_moments(learner, ToyEnv(game, 20, "ring"), 20, 4), 3)
    assert abs(found[-2].share) < 1e-9  # a perfect g takes later actions out

    env = ToyEnv(game, 40, "ring")
    env.horizon = 2  # cut after two rounds of four: with HARL's rule the last advantage is 0
    learner = stand_in(policy, by_features(game, listed, V + 5.0), 0.0, time_limits="harl")
    advantages = measure_moments(learner, env, 40, 4)
    nothing = (advantages == 0).all(axis=(1, 2, 3, 4))
    assert 8 < nothing.sum() < 32


def test_wrong_arguments_are_refused():
    game = longring_v0.game(n_agents=3, rounds=2)
    learner = stand_in(np.full((3, 2), 0.5), by_features(game, exact.enumerate_states(game), np.zeros(2)), 0.9)
    env = ToyEnv(game, 4, "ring")
    for moments, copies, message in (
        (2, 4, "moments=2; allowed is an integer of at least 3"),
        (4, 3, "copies=3; allowed is an even integer of at least 4"),
        (4, 2, "copies=2; allowed is an even integer of at least 4"),
        (5, 4, "env has 4 copies; expected one for each of moments=5"),
    ):
        with pytest.raises(ValueError, match=message):
            measure_moments(learner, env, moments, copies)
    with pytest.raises(ValueError, match="does not vary"):
        shares(np.ones((4, 8, 2, 2, 1)), 3)
