"""The three owners and corrected returns against every episode of small games, written out."""

import itertools
from collections import defaultdict

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from maca_edu.exact import (
    corrected_return,
    corrected_share,
    enumerate_states,
    lambda_return,
    level_shares,
    solve,
    three_owners,
    visits,
)
from maca_edu.exact.returns import follow
from toy_envs import RewardTerm, Step, longring_v0, ring_v0, warehouse_v0

JOINT = list(itertools.product(range(2), repeat=2))


class Stairs:
    """A random game of two agents: three steps with two states each; a joint action leads down, or ends the game."""

    name, agents, actions, horizon = "stairs", ("A", "B"), ("left", "right"), 20
    reward_terms = (RewardTerm("pay", (0, 1)),)

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.to, self.ends = rng.integers(0, 2, size=(6, 2, 2)), rng.random((6, 2, 2)) < 0.2
        self.ends[4:] = True
        self.pays = rng.normal(size=(6, 2, 2, 1))

    def initial_states(self):
        return np.array([[0], [1]]), np.array([0.3, 0.7])

    def step(self, state, action):
        at = (state[:, 0], action[:, 0], action[:, 1])
        below = 2 * (state[:, 0] // 2 + 1) % 6
        return Step((below + self.to[at])[:, None], self.pays[at], self.ends[at])


class Case:
    """A game, a policy and a wrong critic, with g, all by the numbers of `enumerate_states`."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.game = Stairs(seed)
        self.listed = enumerate_states(self.game)
        self.S = len(self.listed.states)
        self.policy, self.critic = rng.dirichlet(np.ones(2), size=(self.S, 2)), rng.normal(size=self.S)
        g = rng.normal(size=(self.S, 2, 2))
        self.g = g - np.einsum("sa,sb,sab->s", self.policy[:, 0], self.policy[:, 1], g)[:, None, None]

    def episodes(self, s, steps):
        """Every way in which at most `steps` steps from s may go: yields (chance, [(s, action, reward, next s)])."""
        if steps == 0 or s < 0:
            yield 1.0, []
            return
        for a in JOINT:
            k = 2 * a[0] + a[1]
            after = self.listed.next_state[s, k]
            for p, rest in self.episodes(after, steps - 1):
                yield oracle.chance(self.policy[s], a) * p, [(s, a, self.listed.reward[s, k], after), *rest]

    def moments(self, gamma, lam, g, steps=3):
        """Of all moments of all episodes: weight, which moment, its joint action and its advantage."""
        value, rows = np.append(self.critic, 0.0), []
        for start, chance in enumerate(self.listed.initial):
            for p, episode in self.episodes(start, steps) if chance else ():
                later = 0.0
                for t in reversed(range(len(episode))):
                    s, a, reward, after = episode[t]
                    A = reward + gamma * value[after] - value[s] + gamma * lam * later
                    later = A - g[s][a]
                    rows.append((chance * p, (s, steps - t) if steps < 3 else s, a, A))
        return rows


def owners_by_hand(rows):
    """The law of total variance, by groups of rows (weight, moment, action, A)."""
    total = sum(row[0] for row in rows)

    def spread_of_means(key):
        weight, summed = defaultdict(float), defaultdict(float)
        for w, moment, a, A in rows:
            weight[key(moment, a, A)] += w / total
            summed[key(moment, a, A)] += w / total * A
        mean = sum(summed.values())
        return sum(weight[k] * (summed[k] / weight[k] - mean) ** 2 for k in weight if weight[k] > 0)

    by_moment = spread_of_means(lambda moment, a, A: moment)
    by_action = spread_of_means(lambda moment, a, A: (moment, a))
    return by_moment, by_action - by_moment, spread_of_means(lambda moment, a, A: A) - by_action


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.6, 1.0]), st.sampled_from([0.7, 1.0]))
def test_three_owners_against_every_episode(seed, lam, gamma):
    case = Case(seed)
    found = three_owners(case.game, case.policy, gamma, lam, case.critic)
    assert_allclose(found, owners_by_hand(case.moments(gamma, lam, 0 * case.g)), rtol=1e-9, atol=1e-12)
    with_g = three_owners(case.game, case.policy, gamma, lam, case.critic, case.g)
    assert_allclose(with_g, owners_by_hand(case.moments(gamma, lam, case.g)), rtol=1e-9, atol=1e-12)
    assert_allclose(with_g[:2], found[:2])  # no bias, whatever g is
    assert_allclose(sum(found.shares), 1)
    cut = three_owners(case.game, case.policy, gamma, lam, case.critic, horizon=2)
    assert_allclose(cut, owners_by_hand(case.moments(gamma, lam, 0 * case.g, steps=2)), rtol=1e-9, atol=1e-12)


def test_an_exact_critic_owns_nothing_and_the_rest_is_the_budget_of_chapter_6():
    case = Case(4)
    for lam in (0.0, 0.95, 1.0):
        owners = three_owners(case.game, case.policy, 0.9, lam)
        known = lambda_return(case.game, case.policy, 0.9, lam)
        weight = visits(case.game, case.policy)
        assert abs(owners.critic) < 1e-15
        assert_allclose(owners.shares.now, weight @ known.own / (weight @ known.variance))
    assert three_owners(case.game, case.policy, 0.9, 0.0).later == 0


def test_two_steps_with_a_pencil():
    """The example of chapter 6: two steps, each pays 1 if the agent plays 1, and a critic that says 1 of both."""

    class Two:
        name, agents, actions, horizon = "two", ("A",), ("0", "1"), 2
        reward_terms = (RewardTerm("pay", (0,)),)

        def initial_states(self):
            return np.array([[0]]), np.ones(1)

        def step(self, state, action):
            return Step(state + 1, action.astype(float), state[:, 0] == 1)

    half = np.full((1, 2), 0.5)
    assert_allclose(three_owners(Two(), half, 1, 1, [1, 1]), (1 / 16, 1 / 4, 1 / 8))
    assert_allclose(three_owners(Two(), half, 1, 1, [1, 1]).shares, (1 / 7, 4 / 7, 2 / 7))
    assert_allclose(three_owners(Two(), half, 1, 0, [1, 1]).shares, (1 / 2, 1 / 2, 0))
    assert_allclose(three_owners(Two(), half, 1, 1).shares, (0, 2 / 3, 1 / 3), atol=1e-15)
    g = np.array([[-0.5, 0.5], [-0.5, 0.5]])  # what the action adds, in either state
    assert_allclose(three_owners(Two(), half, 1, 1, g=g).shares, (0, 1, 0), atol=1e-15)
    assert_allclose(three_owners(Two(), half, 1, 1, [1, 1], g).shares, (1 / 5, 4 / 5, 0), atol=1e-15)
    assert_allclose(three_owners(Two(), half, 1, 1, g=g / 2).shares.now, 8 / 9)
    assert_allclose(corrected_share([1 / 4, 1 / 4], [1 / 4, 1 / 16], 1, 1), 8 / 9)


@pytest.mark.parametrize("lam", [0.5, 0.95, 1.0])
def test_the_formula_of_corrected_returns_is_dynamic_programming(lam):
    game, gamma = warehouse_v0.game(n_agents=2, height=2, width=2, crews=((0,), (0, 1)), random=False), 0.9
    listed = enumerate_states(game)
    policy = np.array([[0.05, 0.1, 0.1, 0.3, 0.05, 0.4], [0.1, 0.1, 0.2, 0.2, 0.1, 0.3]])
    V, Q = solve(game, policy, gamma, listed)
    _, joint, P = follow(game, policy, listed)
    A = Q.reshape(joint.shape) - V[:, None]
    for known in (0.0, 0.7, 1.0):  # g knows a part of every joint action's advantage
        left = (joint * ((1 - known) * A) ** 2).sum(axis=1)
        now_t, left_t, at = [], [], listed.initial
        for _ in range(3_000):
            now_t.append(at @ (joint * A**2).sum(axis=1))
            left_t.append(at @ left)
            at = P.T @ at
        assert at.sum() < 1e-9  # by then every episode is over
        owners = three_owners(game, policy, gamma, lam, g=known * (Q - V[:, None, None]), enumeration=listed)
        assert_allclose(owners.shares.now, corrected_share(now_t, left_t, gamma, lam), rtol=1e-7)
    assert_allclose(owners.shares, (0, 1, 0), atol=1e-9)  # who knows all needs no luck
    same = corrected_return(game, policy, gamma, lam, 0.0, enumeration=listed)
    assert_allclose(same.variance, lambda_return(game, policy, gamma, lam, enumeration=listed).variance, rtol=1e-9)


def test_a_perfect_g_leaves_an_agent_of_the_long_ring_what_one_round_does():
    game, policy, gamma, lam = longring_v0.game(n_agents=4, rounds=6), np.full((4, 2), 0.5), 0.9, 0.95
    V, Q = solve(game, policy, gamma)
    payoff = ring_v0.game(n_agents=4).payoff()
    beta, rounds = (gamma * lam) ** 2, np.arange(6)
    later = payoff.var() * np.mean([beta * (1 - beta**left) / (1 - beta) for left in rounds])
    assert_allclose(three_owners(game, policy, gamma, lam), (0, payoff.var(), later), atol=1e-12)
    assert_allclose(three_owners(game, policy, gamma, lam, g=Q - V.reshape(-1, 1, 1, 1, 1))[2], 0, atol=1e-12)
    assert_allclose(level_shares(Q[0], policy), level_shares(payoff, policy), atol=1e-12)


def test_wrong_arguments_are_refused():
    case = Case(0)
    with pytest.raises(ValueError, match="g has the mean 3 in state number 0; it has to be 0 everywhere"):
        three_owners(case.game, case.policy, 0.9, 0.9, g=3 * np.ones((case.S, 2, 2)))
    with pytest.raises(ValueError, match=r"g has shape \(1, 2\); expected a number for each"):
        three_owners(case.game, case.policy, 0.9, 0.9, g=np.ones((1, 2)))
    with pytest.raises(ValueError, match="horizon=3 goes without g only"):
        three_owners(case.game, case.policy, 0.9, 0.9, g=case.g, horizon=3)
    with pytest.raises(ValueError, match="nobody has a share"):
        _ = three_owners(longring_v0.game(), np.tile([1.0, 0.0], (5, 1)), 0.9, 0.9).shares
    with pytest.raises(ValueError, match=r"now has shape \(2,\) and left \(3,\)"):
        corrected_share([1, 1], [1, 1, 1], 0.9, 0.9)
    for wrong in (1e300, -0.1, "x", None):
        with pytest.raises(ValueError, match="gamma="):
            corrected_share([1, 1], [1, 1], wrong, 0.9)
        with pytest.raises(ValueError, match="lam="):
            corrected_share([1, 1], [1, 1], 0.9, wrong)
    with pytest.raises(ValueError, match="hold no variance"):
        corrected_share([0, 0], [0, 0], 0.9, 0.9)
    for now, left in (([1, -0.5], [1, 1]), ([1, 1], [1, -0.5])):
        with pytest.raises(ValueError, match=r"holds -0\.5; variances are 0 or more"):
            corrected_share(now, left, 0.9, 0.9)
