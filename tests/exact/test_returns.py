"""Lambda-returns against plain loops over whole episodes, against simulation, and against what theory says of them."""

import itertools
from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from maca_edu.exact import enumerate_states, lambda_return, solve, visits
from toy_envs import RewardTerm, Step, fridge_v0, warehouse_v0


class Maze:
    """A random game of two agents and five states: every joint action leads to a random state or to the end."""

    name, agents, actions, horizon = "maze", ("A", "B"), ("left", "right"), 20
    reward_terms = (RewardTerm("pay", (0, 1)),)

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.to, self.ends = rng.integers(0, 5, size=(5, 2, 2)), rng.random((5, 2, 2)) < 0.3
        self.ends[:, 0, 0] = True
        self.pays = rng.normal(size=(5, 2, 2, 1))

    def initial_states(self):
        return np.arange(5)[:, None], np.array([0.4, 0.3, 0.2, 0.1, 0.0])

    def step(self, state, action):
        at = (state[:, 0], action[:, 0], action[:, 1])
        return Step(self.to[at][:, None], self.pays[at], self.ends[at])


def random_case(seed):
    game, rng = Maze(seed), np.random.default_rng(seed)
    return game, rng.dirichlet(np.ones(2), size=(5, 2)), rng.normal(size=5)


def episodes(game, policy, s, steps):
    """Every way in which the next `steps` steps may go: yields (chance, [(state, action, reward, next state)])."""
    if steps == 0 or s is None:
        yield 1.0, []
        return
    for action in itertools.product(range(2), repeat=2):
        step = game.step(np.array([[s]]), np.array([action]))
        after = None if step.terminated[0] else int(step.state[0, 0])
        for p, rest in episodes(game, policy, after, steps - 1):
            yield oracle.chance(policy[s], action) * p, [(s, action, float(step.reward[0]), after), *rest]


def backward(episode, critic, gamma, lam):
    """The lambda-return of an episode: the critic speaks for what comes after the last step."""
    last = episode[-1][3]
    G = 0.0 if last is None else critic[last]
    for _, _, reward, after in reversed(episode):
        G = reward + gamma * ((1 - lam) * (0.0 if after is None else critic[after]) + lam * G)
    return G


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.6, 1.0]), st.integers(1, 4))
def test_every_episode_up_to_the_horizon(seed, lam, gamma, horizon):
    game, policy, critic = random_case(seed)
    got = lambda_return(game, policy, gamma, lam, critic, horizon)
    for s in range(5):
        first, second, by_action = 0.0, 0.0, np.zeros((2, 2))
        for p, episode in episodes(game, policy, s, horizon):
            G = backward(episode, critic, gamma, lam)
            first, second = first + p * G, second + p * G * G
            by_action[episode[0][1]] += p * G / oracle.chance(policy[s], episode[0][1])
        assert_allclose(got.mean[s], by_action, rtol=1e-9, atol=1e-9)
        assert_allclose(got.variance[s], second - first**2, rtol=1e-9, atol=1e-9)
        own = sum(oracle.chance(policy[s], a) * (by_action[a] - first) ** 2 for a in itertools.product((0, 1), (0, 1)))
        assert_allclose(got.own[s], own, rtol=1e-9, atol=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from([0.5, 0.9]))
def test_a_long_horizon_is_the_whole_game(seed, lam, gamma):
    game, policy, critic = random_case(seed)
    for given_critic in (critic, None):
        whole = lambda_return(game, policy, gamma, lam, given_critic)
        cut = lambda_return(game, policy, gamma, lam, given_critic, horizon=400)
        for one, other in zip(whole, cut, strict=True):
            assert_allclose(one, other, rtol=1e-8, atol=1e-8)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.4, 0.95, 1.0]), st.sampled_from([0.5, 0.99, 1.0]))
def test_an_exact_critic_or_lambda_one_gives_q_and_a_wrong_one_a_known_bias(seed, lam, gamma):
    game, policy, critic = random_case(seed)
    e = enumerate_states(game)
    V, Q = solve(game, policy, gamma, e)
    assert_allclose(lambda_return(game, policy, gamma, lam).mean, Q, rtol=1e-9, atol=1e-9)
    assert_allclose(lambda_return(game, policy, gamma, lam, V).mean, Q, rtol=1e-9, atol=1e-9)
    assert_allclose(lambda_return(game, policy, gamma, 1.0, critic).mean, Q, rtol=1e-8, atol=1e-8)
    # the critic's error along the way ahead, each step ahead weighted by gamma lambda once more
    bias = lambda_return(game, policy, gamma, lam, critic).mean - Q
    P = np.zeros((5, 5))
    for s in range(5):
        for a in itertools.product(range(2), repeat=2):
            after = e.next_state[s].reshape(2, 2)[a]
            if after >= 0:
                P[s, after] += oracle.chance(policy[s], a)
    ahead, error, power = np.zeros(5), critic - V, np.eye(5)
    for _ in range(400):
        ahead, power = ahead + power @ error, gamma * lam * power @ P
    want = gamma * (1 - lam) * np.append(ahead, 0.0)[e.next_state].reshape(5, 2, 2)
    assert_allclose(bias, want, rtol=1e-8, atol=1e-8)


def test_in_a_one_shot_game_the_joint_action_owns_everything():
    policy = np.full((4, 2), 0.5)
    mean, variance, own = lambda_return(fridge_v0.game(), policy, 0.99, 0.95)
    assert (mean[0] == fridge_v0.game().payoff()).all()
    assert variance[0] == own[0]
    assert_allclose(own[0], fridge_v0.game().payoff().var(), rtol=1e-12)


def test_two_carriers_by_hand():
    """Two agents lift or stay, one half each; the load pays 2 a cell and has two cells to go; gamma = 2/3."""
    game = warehouse_v0.game(n_agents=2, height=1, width=3, crews=((0, 1),), random=False, walk_cost=0.0, lift_cost=0.0)
    e = enumerate_states(game)
    states = e.states.tolist()
    two, one = (states.index(game.place([(0, c), (0, c)], [c])[0].tolist()) for c in (0, 1))
    policy = np.array([[0.5, 0, 0, 0, 0, 0.5]] * 2)
    mean, variance, own = lambda_return(game, policy, 2 / 3, 1.0, enumeration=e)
    assert_allclose(mean[two][5, 5], 8 / 3)
    assert_allclose(mean[one][5, 0], 2 / 3)
    assert_allclose([own[two], own[one]], [16 / 27, 1 / 3])
    assert_allclose([variance[two], variance[one]], [35 / 36, 1 / 2])
    now, all_of_it = 4 * (own[two] + own[one]), 4 * (variance[two] + variance[one])  # four steps a cell
    assert_allclose([now, all_of_it, now / all_of_it], [100 / 27, 53 / 9, 100 / 159])


def test_the_order_of_two_baselines_turns_round_over_an_episode():
    """Two carriers, one cell to go, lambda = 0, in fractions: A's estimate in a step, and its sum over an episode."""
    lift, value, later = Fraction(1, 2), Fraction(1), Fraction(2, 3)  # later: gamma V, if the load stays where it is
    steps = list(itertools.product([True, False], repeat=2))  # does A lift? does B? each with chance 1/4

    def variances(baseline):
        """Of both logits together, in one step and summed over the episode, which ends when both lift."""
        estimate = {(a, b): ((2 if a and b else later) - baseline(b)) * (a - lift) for a, b in steps}  # A's lift logit
        mean = sum(estimate.values()) / 4
        square = sum(x * x for x in estimate.values()) / 4
        total = mean / (1 - Fraction(3, 4))  # the episode goes on with chance 3/4
        goes_on = sum(x for both, x in estimate.items() if both != (True, True)) / 4
        square_of_total = (square + 2 * goes_on * total) / (1 - Fraction(3, 4))
        return 2 * (square - mean**2), 2 * (square_of_total - total**2)

    assert variances(lambda b: (2 + later) / 2 if b else later) == (Fraction(1, 18), Fraction(4, 9))
    assert variances(lambda b: value) == (Fraction(1, 9), Fraction(2, 9))


def test_visits_count_the_steps_of_simulated_episodes():
    game, policy, _ = random_case(3)
    got, cut = visits(game, policy), visits(game, policy, horizon=2)
    rng, counted, counted_cut, M = np.random.default_rng(0), np.zeros(5), np.zeros(5), 20_000
    state = rng.choice(5, size=(M, 1), p=game.initial_states()[1])
    for t in range(200):
        counted += np.bincount(state[:, 0], minlength=5)
        counted_cut += np.bincount(state[:, 0], minlength=5) * (t < 2)
        action = (rng.random((len(state), 2)) > policy[state[:, 0], :, 0]).astype(int)
        step = game.step(state, action)
        state = step.state[~step.terminated]
        if len(state) == 0:
            break
    assert_allclose(got, counted / M, atol=0.03)
    assert_allclose(cut, counted_cut / M, atol=0.02)
    assert_allclose(visits(game, policy, horizon=500), got, rtol=1e-9)


def test_simulated_warehouse():
    """The variance of 4,000 lambda-advantages from one state of the tiny warehouse."""
    game = warehouse_v0.game("tiny")
    e = enumerate_states(game)
    policy = np.random.default_rng(5).dirichlet(np.full(6, 0.5), size=(len(e.states), 2))
    critic = np.random.default_rng(6).normal(size=len(e.states))
    gamma, lam, start, M = 0.9, 0.8, 1_000, 4_000
    mean, variance, _ = lambda_return(game, policy, gamma, lam, critic, enumeration=e)
    rng, s, alive, G, weight = np.random.default_rng(7), np.full(M, start), np.ones(M, dtype=bool), np.zeros(M), 1.0
    for _ in range(60):  # 0.72^60 = 3e-9
        action = (rng.random((M, 2, 1)) > policy[s].cumsum(axis=2)).sum(axis=2).clip(max=5)
        j = action @ (6, 1)
        after = e.next_state[s, j]
        known = e.reward[s, j] + gamma * (1 - lam) * np.append(critic, 0.0)[after]
        G, weight = G + weight * known * alive, weight * gamma * lam
        alive, s = alive & (after >= 0), np.where(after >= 0, after, s)
    expected = float(np.einsum("i,j,ij->", *policy[start], mean[start]))
    assert abs(G.mean() - expected) < 4 * np.sqrt(variance[start] / M)
    assert abs(G.var() / variance[start] - 1) < 0.15


class Endless(Maze):
    """Never over."""

    def step(self, state, action):
        step = super().step(state, action)
        return step._replace(terminated=np.zeros_like(step.terminated))


def test_an_endless_stream_of_equal_steps_leaves_one_minus_gamma_lambda_squared():
    game = Endless(0)
    game.pays[:] = game.pays[0]  # every state pays alike, so V is constant and every step has the same variance
    _, variance, own = lambda_return(game, np.full((2, 2), 0.5), 0.9, 0.8)
    assert_allclose(own / variance, 1 - 0.72**2, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(gamma=1.5), "gamma=1.5; allowed are 0 to 1"),
        (dict(lam=-0.1), "lam=-0.1; allowed are 0 to 1"),
        (dict(horizon=0), "horizon=0; allowed are whole numbers from 1"),
        (dict(horizon=2.5), "horizon=2.5; allowed are whole numbers from 1"),
        (dict(critic=np.zeros(4)), r"critic has shape \(4,\); expected \(5,\)"),
        (dict(critic=[0.0, 0.0, np.nan, 0.0, 0.0]), "critic holds nan"),
    ],
)
def test_wrong_arguments_are_one_sentence(options, message):
    arguments = dict(gamma=0.9, lam=0.9) | options
    with pytest.raises(ValueError, match=message):
        lambda_return(Maze(0), np.full((2, 2), 0.5), **arguments)


def test_a_game_that_never_ends_needs_a_horizon():
    half = np.full((2, 2), 0.5)
    for call in (lambda: visits(Endless(0), half), lambda: lambda_return(Endless(0), half, 1.0, 1.0)):
        with pytest.raises(ValueError, match="never ends"):
            call()
    assert_allclose(visits(Endless(0), half, horizon=7).sum(), 7)
    with pytest.raises(ValueError, match="horizon=-1"):
        visits(Endless(0), half, horizon=-1)
