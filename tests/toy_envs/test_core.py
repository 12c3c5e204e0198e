"""The core against plain loops, and every sentence it says about wrong input."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toy_envs import OneShotGame, RewardTerm, agent_names, fridge_v0, longring_v0, warehouse_v0
from toy_envs.core import check_action, check_integer, check_number


@st.composite
def one_shot_games(draw):
    """Games of 1 to 4 agents with 1 to 6 terms over agents in any order, and payments that do not add up exactly."""
    n, A = draw(st.integers(1, 4)), draw(st.integers(2, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups = [rng.permutation(n)[: rng.integers(1, n + 1)] for _ in range(draw(st.integers(1, 6)))]
    terms = [RewardTerm(f"term{k}", group, rng.normal(size=(A,) * len(group))) for k, group in enumerate(groups)]
    return OneShotGame(n, A, terms)


def joint_actions(game):
    return list(itertools.product(range(game.n_actions), repeat=game.n_agents))


def pay(term, action):
    """One term's payment: follow the table's axes agent by agent."""
    entry = term.table
    for agent in term.agents:
        entry = entry[action[agent]]
    return float(entry)


@given(one_shot_games())
def test_term_payoffs_and_payoff_agree_with_plain_loops(game):
    terms, total = game.term_payoffs(), game.payoff()
    assert list(terms) == [term.name for term in game.reward_terms]
    assert total.shape == (game.n_actions,) * game.n_agents
    for action in joint_actions(game):
        added = 0.0
        for term in game.reward_terms:
            assert terms[term.name][action] == pay(term, action)
            added += pay(term, action)
        assert total[action] == added  # to the last bit


@given(one_shot_games())
def test_step_pays_what_the_tables_say_and_ends_the_game(game):
    actions = joint_actions(game)
    step = game.step(game.reset(np.random.default_rng(0), len(actions)), np.array(actions))
    assert step.state.tolist() == [[1]] * len(actions)
    assert step.terminated.all()
    for row, action in enumerate(actions):
        added = 0.0
        for k, term in enumerate(game.reward_terms):
            assert step.payments[row, k] == pay(term, action)
            added += pay(term, action)
        assert step.reward[row] == added == game.payoff()[action]


@given(one_shot_games())
def test_members_are_the_agents_of_each_term(game):
    members = game.members(game.reset(np.random.default_rng(0), 3))
    assert members.shape == (3, len(game.reward_terms), game.n_agents)
    for batch in members:
        for row, term in zip(batch, game.reward_terms, strict=True):
            assert {i for i in range(game.n_agents) if row[i]} == set(term.agents)


def test_axes_of_a_table_follow_the_order_of_its_agents():
    table = np.arange(9.0).reshape(3, 3)
    payoff = OneShotGame(3, 3, [RewardTerm("pair", (2, 0), table)]).payoff()
    for a, b, c in itertools.product(range(3), repeat=3):
        assert payoff[a, b, c] == table[c, a]


def test_a_term_keeps_a_private_read_only_table():
    table = np.zeros((2, 2))
    term = RewardTerm("pair", (0, 1), table)
    table[0, 0] = 7.0
    assert term.table[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        term.table[0, 0] = 7.0


def test_payoff_can_be_changed_without_changing_the_game():
    game = OneShotGame(1, 2, [RewardTerm("one", (0,), [0.0, 1.0])])
    game.payoff()[1] = 9.0
    assert game.payoff().tolist() == [0.0, 1.0]


def test_observations_tell_the_agents_apart_and_features_are_constant():
    game = OneShotGame(3, 2, [RewardTerm("one", (0,), [0.0, 1.0])])
    state = game.reset(np.random.default_rng(0), 2)
    assert game.observe(state).dtype == game.features(state).dtype == np.float32
    assert np.array_equal(game.observe(state), [np.eye(3)] * 2)
    assert np.array_equal(game.features(state), [[1.0], [1.0]])
    states, probability = game.initial_states()
    assert states.tolist() == [[0]]
    assert probability.tolist() == [1.0]


def test_levels_and_names():
    assert RewardTerm("pair", (2, 0)).level == 2
    assert agent_names(4) == ("A", "B", "C", "D")
    assert agent_names(26)[-1] == "Z"
    assert agent_names(27)[::26] == ("A0", "A26")


@pytest.mark.parametrize(
    ("agents", "table", "sentence"),
    [
        ((), None, "term 'x': agents is empty; name at least one agent"),
        ((1, 0, 1), None, "term 'x': agents=(1, 0, 1) names an agent twice; each may occur once"),
        ((0, -1), None, "term 'x': agents=(0, -1); allowed are integers from 0 up"),
        ((0.5,), None, "term 'x': agents=(0.5,); allowed are integers from 0 up"),
        (np.array(3), None, "term 'x': agents=array(3); allowed are integers from 0 up"),
        (3, None, "term 'x': agents=3; allowed are integers from 0 up"),
        ("AB", None, "term 'x': agents='AB'; allowed are integers from 0 up"),
        (
            (0, 1),
            [1.0, 2.0],
            "term 'x': table has shape (2,); 2 agents need 2 axes of one length, the number of actions",
        ),
        (
            (0,),
            [[1.0, 2.0]],
            "term 'x': table has shape (1, 2); 1 agent needs 1 axis of one length, the number of actions",
        ),
        (
            (0, 1),
            [[1, 2, 3], [4, 5, 6]],
            "term 'x': table has shape (2, 3); 2 agents need 2 axes of one length, the number of actions",
        ),
        (
            (0, 1),
            [[1], [2, 3]],
            "term 'x': table is not an array of numbers; allowed are finite real numbers",
        ),
        ((0,), [0.0, np.nan], "term 'x': table holds nan; every entry must be finite"),
    ],
)
def test_a_wrong_term_is_named(agents, table, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        RewardTerm("x", agents, table)


ONE = RewardTerm("one", (0,), [0.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (dict(n_agents=0), "n_agents=0; allowed is an integer of at least 1"),
        (dict(n_agents=2.0), "n_agents=2.0; allowed is an integer of at least 1"),
        (dict(n_actions=1), "n_actions=1; allowed is an integer of at least 2"),
        (dict(terms=[]), "terms is empty; a game needs at least one reward term"),
        (dict(terms=[ONE, ONE]), "two terms are called 'one'; every term needs a name of its own"),
        (
            dict(terms=[RewardTerm("far", (0, 2), np.zeros((2, 2)))]),
            "term 'far' names agent 2; with n_agents=2 agents are 0 to 1",
        ),
        (dict(n_actions=3), "term 'one': table has shape (2,); expected (3,)"),
        (dict(terms=[RewardTerm("none", (0, 1))]), "term 'none': table has shape None; expected (2, 2)"),
        (dict(actions=["rest"]), "actions=('rest',); n_actions=2 are needed, all different"),
    ],
)
def test_a_wrong_game_is_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        OneShotGame(**{"n_agents": 2, "n_actions": 2, "terms": [ONE]} | arguments)


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ([[0, 1, 1]], "action has shape (1, 3); expected (1, 2): games x agents"),
        ([0, 1], "action has shape (2,); expected (1, 2): games x agents"),
        ([[0.0, 1.0]], "action has dtype float64; expected integers from 0 to 1"),
        ([[0, 2]], "action holds 2; allowed are 0 to 1"),
        ([[-1, 0]], "action holds -1; allowed are 0 to 1"),
    ],
)
def test_a_wrong_action_is_refused_in_one_sentence(action, sentence):
    game = OneShotGame(2, 2, [ONE])
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        game.step(game.reset(np.random.default_rng(0), 1), action)


def test_an_empty_batch_is_allowed():
    assert check_action(np.zeros((0, 2), dtype=int), 0, 2, 2).shape == (0, 2)


def test_a_payoff_that_is_too_large_is_refused_before_it_is_built():
    game = OneShotGame(25, 2, [ONE], name="wide")
    sentence = "the payoff of 'wide' has 2^25 joint actions; at most 16,777,216 can be enumerated"
    for build in (game.payoff, game.term_payoffs):
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            build()


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (lambda: check_integer("span", 4, 2, 3), "span=4; allowed is an integer from 2 to 3"),
        (lambda: check_integer("span", "2", 2, 3), "span='2'; allowed is an integer from 2 to 3"),
        (lambda: check_number("cost", np.inf), "cost=inf; allowed is a finite number"),
        (lambda: check_number("cost", "dear"), "cost='dear'; allowed is a finite number"),
        (lambda: check_number("cost", None), "cost=None; allowed is a finite number"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(check, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check()


NO_STATES = [3, None, "x", [], [0], [[0, 0]], [[0.5]], [[True]], {}, np.zeros((1, 1)), np.array([[np.nan]])]


@pytest.mark.parametrize("state", NO_STATES)
@pytest.mark.parametrize(
    "game", [fridge_v0.game(), longring_v0.game(), warehouse_v0.game()], ids=lambda game: game.name
)
def test_what_is_no_state_is_refused_in_one_sentence(game, state):
    action = np.zeros((1, len(game.agents)), dtype=int)
    for call in (game.observe, game.features, game.members, lambda state: game.step(state, action)):
        with pytest.raises(ValueError, match=r"^state\b[^\n]*$"):
            call(state)


@pytest.mark.parametrize(
    "game", [fridge_v0.game(), longring_v0.game(), warehouse_v0.game()], ids=lambda game: game.name
)
def test_what_is_no_generator_and_no_batch_is_refused(game):
    for rng in (None, 0, "x", np.random):
        with pytest.raises(ValueError, match=r"^rng="):
            game.reset(rng, 1)
    for batch in (0, -1, 1.5, True, "x", None):
        with pytest.raises(ValueError, match=r"^batch="):
            game.reset(np.random.default_rng(0), batch)
