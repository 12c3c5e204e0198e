"""Enumeration and dynamic programming, against plain loops and simulation."""

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from maca_edu.exact import (
    baseline,
    credit_spectrum,
    dynamic,
    enumerate_states,
    solve,
    solve_terms,
    term_spectrum,
    value,
)
from maca_edu.exact.dynamic import written_out
from toy_envs import RewardTerm, Step, climb_v0, fridge_v0, longring_v0, ring_v0, warehouse_v0


class Corridor:
    """Two agents on cells 0..2 walk left or right; the game is over, and pays both, when they meet in cell 2."""

    name, agents, actions, horizon = "corridor", ("A", "B"), ("left", "right"), 20
    reward_terms = (RewardTerm("meet", (0, 1)), RewardTerm("walk_A", (0,)), RewardTerm("walk_B", (1,)))

    def initial_states(self):
        return np.array([[0, 0], [1, 0], [0, 0]]), np.array([0.5, 0.25, 0.25])  # [0, 0] is listed twice

    def step(self, state, action):
        reached = np.clip(state + 2 * action - 1, 0, 2)
        met = (reached == 2).all(axis=1)
        payments = np.stack([10.0 * met, -0.5 * (action[:, 0] == 1), -0.25 * (action[:, 1] == 1)], axis=1)
        return Step(reached, payments, met)


class Lottery(Corridor):
    """A random game of 6 states: every joint action leads to a random state or to the end."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.to = rng.integers(0, 6, size=(6, 2, 2))
        self.ends = rng.random((6, 2, 2)) < 0.2
        self.pays = rng.normal(size=(6, 2, 2, 3))

    def initial_states(self):
        return np.array([[0]]), np.ones(1)

    def step(self, state, action):
        at = (state[:, 0], action[:, 0], action[:, 1])
        return Step(self.to[at][:, None], self.pays[at], self.ends[at])


HALF = np.full((2, 2), 0.5)


def random_policy(enumeration, n, A, seed, concentration=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(A, concentration), size=(len(enumeration.states), n))


def test_corridor_is_written_out_whole():
    states, initial, next_state, reward = enumerate_states(Corridor())
    assert {tuple(row) for row in states.tolist()} == oracle.reachable(Corridor())
    assert len(states) == 8  # nine cells, and where they meet the game is over
    assert states[:2].tolist() == [[0, 0], [1, 0]]
    assert initial.tolist() == [0.75, 0.25, 0, 0, 0, 0, 0, 0]
    actions = dynamic.joint_actions(2, 2)
    assert actions.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    for s, state in enumerate(states):
        for a, action in enumerate(actions):
            step = Corridor().step(state[None], action[None])
            assert reward[s, a] == step.reward[0]
            if step.terminated[0]:
                assert next_state[s, a] == -1
            else:
                assert states[next_state[s, a]].tolist() == step.state[0].tolist()


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 0.9]))
def test_v_is_that_of_value_iteration_on_random_games(seed, gamma):
    game = Lottery(seed)
    e = enumerate_states(game)
    policy = random_policy(e, 2, 2, seed)
    number = {tuple(row): s for s, row in enumerate(e.states.tolist())}
    V, Q = solve(game, policy, gamma, e)
    swept = oracle.value_iteration(game, lambda state: policy[number[state]], gamma, sweeps=300)
    assert V.shape == (len(e.states),)
    assert Q.shape == (len(e.states), 2, 2)
    for state, s in number.items():
        assert_allclose(V[s], swept[state], rtol=1e-9, atol=1e-9)
        assert_allclose(value(Q[s], policy[s]), V[s], rtol=1e-9, atol=1e-9)
        for action in oracle.all_actions(policy[s]):
            step = game.step(np.array([state]), np.array([action]))
            after = 0.0 if step.terminated[0] else swept[tuple(step.state[0].tolist())]
            assert_allclose(Q[s][action], step.reward[0] + gamma * after, rtol=1e-9, atol=1e-9)


def test_without_discount_v_is_the_expected_sum():
    V, _ = solve(Corridor(), HALF, 1.0)
    swept = oracle.value_iteration(Corridor(), lambda state: HALF, 1.0, sweeps=2_000)
    states = enumerate_states(Corridor()).states.tolist()
    assert_allclose(V, [swept[tuple(state)] for state in states], rtol=1e-10)


@pytest.mark.parametrize("gamma", [0.0, 0.9, 0.999, 1.0])
def test_iteration_and_elimination_agree(gamma, monkeypatch):
    direct = solve(Corridor(), HALF, gamma)
    monkeypatch.setattr(dynamic, "DIRECT", 0)
    iterated = solve(Corridor(), HALF, gamma)
    assert_allclose(iterated[0], direct[0], rtol=1e-10)
    assert_allclose(iterated[1], direct[1], rtol=1e-10)


def test_chunks_do_not_matter(monkeypatch):
    whole, terms = enumerate_states(Corridor()), solve_terms(Corridor(), HALF, 0.9)
    monkeypatch.setattr(dynamic, "CHUNK", 4)
    for one, other in zip(whole, enumerate_states(Corridor()), strict=True):
        assert (one == other).all()
    for name, (V, Q) in solve_terms(Corridor(), HALF, 0.9).items():
        assert_allclose(V, terms[name][0], rtol=1e-14)
        assert_allclose(Q, terms[name][1], rtol=1e-14)


@pytest.mark.parametrize("module", [fridge_v0, ring_v0, climb_v0])
def test_a_one_shot_game_has_one_state_and_q_is_its_payoff(module):
    game = module.game()
    n, A = game.n_agents, game.n_actions
    for gamma in (0.0, 0.9, 1.0):
        V, Q = solve(game, np.full((n, A), 1 / A), gamma)
        assert (Q[0] == game.payoff()).all()
        assert_allclose(V, [value(game.payoff(), np.full((n, A), 1 / A))], rtol=1e-13)
    for name, (_, Q) in solve_terms(game, np.full((n, A), 1 / A), 0.9).items():
        assert (Q[0] == game.term_payoffs()[name]).all()


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_terms_add_up_and_so_do_their_spectra(seed):
    game = Lottery(seed)
    e = enumerate_states(game)
    policy = random_policy(e, 2, 2, seed)
    V, Q = solve(game, policy, 0.9, e)
    terms = solve_terms(game, policy, 0.9, e)
    assert list(terms) == ["meet", "walk_A", "walk_B"]
    assert_allclose(sum(v for v, _ in terms.values()), V, rtol=1e-9, atol=1e-9)
    assert_allclose(sum(q for _, q in terms.values()), Q, rtol=1e-9, atol=1e-9)
    for s in range(len(e.states)):
        spectra = term_spectrum(terms, policy, s)
        for group, part in credit_spectrum(Q[s], policy[s]).items():
            assert_allclose(sum(spectrum[group] for spectrum in spectra.values()), part, rtol=1e-9, atol=1e-9)


def test_over_time_a_term_reaches_agents_that_do_not_belong_to_it():
    """A's walking costs end sooner when B comes to the meeting: B's action matters to A's own term."""
    policy = np.full((2, 2), 0.5)
    terms = solve_terms(Corridor(), policy, 0.9)
    states = enumerate_states(Corridor()).states.tolist()
    spectrum = term_spectrum(terms, policy, states.index([1, 1]))["walk_A"]
    assert abs(spectrum[(1,)]).max() > 0.01


def test_a_policy_per_state_or_the_same_everywhere():
    e = enumerate_states(Corridor())
    same = solve(Corridor(), HALF, 0.9, e)
    each = solve(Corridor(), np.broadcast_to(HALF, (8, 2, 2)), 0.9)
    assert (same[0] == each[0]).all()
    assert (same[1] == each[1]).all()


@pytest.fixture(scope="module")
def tiny():
    game = warehouse_v0.game("tiny")
    return game, enumerate_states(game)


def test_tiny_warehouse_by_simulation(tiny):
    game, e = tiny
    policy = random_policy(e, 2, 6, seed=0)
    number = {tuple(row): s for s, row in enumerate(e.states.tolist())}
    V, _ = solve(game, policy, 0.9, e)
    rng = np.random.default_rng(1)
    for start in (0, 3_000):
        state, alive, returns = np.repeat(e.states[[start]], 4_000, axis=0), np.ones(4_000, dtype=bool), 0.0
        for t in range(80):  # 0.9^80 = 2e-4
            s = np.array([number.get(tuple(row), 0) for row in state.tolist()])
            action = (rng.random((4_000, 2, 1)) > policy[s].cumsum(axis=2)).sum(axis=2).clip(max=5)
            step = game.step(state, action)
            returns = returns + 0.9**t * step.reward * alive
            state, alive = step.state, alive & ~step.terminated
        assert abs(returns.mean() - V[start]) < 4 * returns.std() / np.sqrt(4_000)


def test_tiny_warehouse_per_term(tiny):
    game, e = tiny
    policy = random_policy(e, 2, 6, seed=4)
    V, Q = solve(game, policy, 0.95, e)
    V_terms, Q_terms = zip(*solve_terms(game, policy, 0.95, e).values(), strict=True)
    assert len(V_terms) == len(game.reward_terms)
    assert_allclose(sum(V_terms), V, rtol=1e-12, atol=1e-12)
    assert_allclose(sum(Q_terms), Q, rtol=1e-12, atol=1e-12)


def test_small_warehouse_is_solved_exactly():
    game = warehouse_v0.game("small")
    e = enumerate_states(game)
    assert len(e.states) <= 50_000
    assert e.initial.sum() == 1
    policy = random_policy(e, 3, 6, seed=2)
    V, Q = solve(game, policy, 0.95, e)
    number = {tuple(row): s for s, row in enumerate(e.states.tolist())}
    rng = np.random.default_rng(3)
    for s in rng.integers(len(V), size=200):
        assert_allclose(baseline(Q[s], policy[s], range(3)), V[s], rtol=1e-9, atol=1e-9)
        action = rng.integers(6, size=3)
        step = game.step(e.states[[s]], action[None])
        after = 0.0 if step.terminated[0] else V[number[tuple(step.state[0].tolist())]]
        assert_allclose(Q[s][tuple(action)], step.reward[0] + 0.95 * after, rtol=1e-12)


def test_without_discount_a_game_must_end():
    e = enumerate_states(Corridor())
    policy = np.full((8, 2, 2), 0.5)
    policy[e.states[:, 0] > 0, 0] = [0, 1]  # A walks to the meeting, but from cell 0 it never leaves
    policy[e.states[:, 0] == 0, 0] = [1, 0]
    with pytest.raises(ValueError, match=r"gamma=1 needs a game that ends, .* never ends from 3 of 8 states"):
        solve(Corridor(), policy, 1.0)
    away = np.array([[1.0, 0.0], [0.5, 0.5]])  # the last step could be taken, but A never takes it
    with pytest.raises(ValueError, match="never ends from 8 of 8 states"):
        solve(Corridor(), away, 1.0)
    solve(Corridor(), away, 0.999)
    V, _ = solve(Corridor(), np.array([[0.0, 1.0], [0.0, 1.0]]), 1)  # straight there: two steps
    assert_allclose(V[0], 10 - 2 * 0.75)


@pytest.mark.parametrize("direct", [0, 2_000])
def test_endless_episodes_are_refused_rather_than_guessed(direct, monkeypatch):
    monkeypatch.setattr(dynamic, "DIRECT", direct)
    for chance in (3e-3, 1e-4, 1e-7, 1e-13, 1e-17):  # of walking right: two agents need four such steps
        almost = np.array([[1 - chance, chance]] * 2)
        with pytest.raises(ValueError, match=r"gamma=1 with this policy makes episodes too long"):
            solve(Corridor(), almost, 1)
        solve(Corridor(), almost, 0.99)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: enumerate_states(Corridor(), max_states=5), "'corridor' has more than max_states=5 states"),
        (lambda: enumerate_states(ring_v0.game(n_agents=40)), "at least 1 states with 1,099,511,627,776 joint actions"),
        (lambda: solve(Corridor(), HALF, 1.5), "gamma=1.5; allowed are 0 to 1"),
        (lambda: solve(Corridor(), HALF, float("nan")), "gamma=nan; allowed is a finite number"),
        (lambda: solve(Corridor(), HALF[:1], 0.9), r"policy has shape \(1, 2\); expected \(2, 2\)"),
        (lambda: solve(Corridor(), np.zeros((3, 2, 2)), 0.9), r"policy has shape \(3, 2, 2\); expected \(8, 2, 2\)"),
        (lambda: solve(Corridor(), HALF / 2, 0.9), "policy has a row that sums to 0.5"),
        (
            lambda: solve(Corridor(), HALF, 0.9, enumerate_states(climb_v0.game())),
            r"enumeration has 9 joint actions; 'corridor' has 2\^2 = 4",
        ),
        (
            lambda: term_spectrum(solve_terms(Corridor(), HALF, 0.9), HALF, 8),
            "state=8; allowed is an integer from 0 to 7",
        ),
    ],
)
def test_wrong_arguments_say_what_is_wrong(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("solved", [solve, solve_terms])
def test_the_enumeration_of_another_game_is_refused(solved):
    """Fridge and a ring of four agents have as many joint actions, and one state each."""
    says = r"enumeration is that of another game than this 'ring_v0'; allowed is what enumerate_states\(game\) returned"
    with pytest.raises(ValueError, match=says):
        solved(ring_v0.game(4, 3), np.full((4, 2), 0.5), 0.9, enumerate_states(fridge_v0.game()))


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        (longring_v0.game(n_agents=4, rounds=3), longring_v0.game(n_agents=4, rounds=4)),
        (longring_v0.game(n_agents=4, rounds=4), longring_v0.game(n_agents=4, rounds=3)),
        (longring_v0.game(n_agents=4, span=2), longring_v0.game(n_agents=4, span=3)),
        (
            warehouse_v0.game(n_agents=2, height=2, width=2, crews=((0,), (0, 1)), random=False),
            warehouse_v0.game(n_agents=2, height=2, width=2, crews=((0,), (0, 1)), random=True),
        ),
        (
            warehouse_v0.game(n_agents=2, height=2, width=2, crews=((0,), (0, 1))),
            warehouse_v0.game(n_agents=2, height=2, width=2, crews=((1,), (0, 1))),
        ),
    ],
    ids=["fewer rounds", "more rounds", "span", "start", "crews"],
)
def test_games_that_differ_in_one_respect_are_told_apart(mine, others):
    with pytest.raises(ValueError, match="enumeration is that of another game"):
        written_out(mine, enumerate_states(others))
    listed = enumerate_states(mine)
    assert written_out(mine, listed) is listed


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({}, "terms={}; allowed is what solve_terms returned"),
        ({"a": 1}, "terms={'a': 1}; allowed is what solve_terms returned"),
        ({"a": (1, 2)}, r"terms has Qs of shapes 'a': \(\); allowed is one shape \(S, A, ..., A\)"),
        ({"a": (1, "x")}, "Q of term 'a' is not an array of numbers"),
        ({"a": (1, [[1.0, 2.0], [3.0]])}, "Q of term 'a' is not an array of numbers"),
        (
            {"a": (1, np.zeros((1, 2, 2))), "b": (1, np.zeros((2, 2, 2)))},
            r"shapes 'a': \(1, 2, 2\), 'b': \(2, 2, 2\); allowed is one",
        ),
    ],
)
def test_what_solve_terms_did_not_return(terms, says):
    with pytest.raises(ValueError, match=says):
        term_spectrum(terms, HALF, 0)
