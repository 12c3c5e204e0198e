"""The one-shot games pay what their stories say."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toy_envs import climb_v0, fridge_v0, penalty_v0, ring_v0, xor_v0

MODULES = (fridge_v0, ring_v0, climb_v0, penalty_v0, xor_v0)


def test_fridge_terms_in_order_with_their_members():
    game = fridge_v0.game()
    assert game.agents == ("A", "B", "C", "D")
    assert game.actions == ("rest", "lift")
    assert [(term.name, term.agents) for term in game.reward_terms] == [
        ("fridge", (0, 1, 2)),
        ("backpack", (0,)),
        ("effort_A", (0,)),
        ("effort_B", (1,)),
        ("effort_C", (2,)),
        ("effort_D", (3,)),
    ]


@given(fridge=st.integers(-9, 9), backpack=st.integers(-9, 9), effort=st.integers(-9, 9))
def test_fridge_pays_its_story(fridge, backpack, effort):
    payoff = fridge_v0.game(fridge=fridge, backpack=backpack, effort=effort).payoff()
    for a, b, c, d in itertools.product((0, 1), repeat=4):
        expected = -effort * (a + b + c + d)
        if a and b and c:
            expected += fridge
        if a:
            expected += backpack
        assert payoff[a, b, c, d] == expected


def test_fridge_has_the_known_best_and_mean():
    payoff = fridge_v0.game().payoff()
    assert payoff.max() == payoff[1, 1, 1, 0] == 5.0
    assert payoff.mean() == -0.25
    assert (payoff[..., 0] > payoff[..., 1]).all()  # D should rest, whatever the others do


@settings(max_examples=30)
@given(st.data())
def test_ring_pays_its_story(data):
    span = data.draw(st.integers(2, 3))
    n = data.draw(st.integers(span + 1, 100))
    game = ring_v0.game(n_agents=n, span=span, reward=3.0, cost=0.5)
    action = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    step = game.step(np.zeros((1, 1), dtype=int), action[None])
    for i in range(n):
        rope = [action[(i + j) % n] for j in range(span)]
        assert step.payments[0, i] == (3.0 if all(rope) else 0.0)
        assert game.reward_terms[i].agents == tuple((i + j) % n for j in range(span))
        assert step.payments[0, n + i] == (-0.5 if action[i] else 0.0)
    assert step.reward[0] == pytest.approx(sum(step.payments[0]), abs=1e-12)


def test_ring_names_its_ropes():
    names = [term.name for term in ring_v0.game(4, span=3).reward_terms]
    assert names == ["pull_ABC", "pull_BCD", "pull_CDA", "pull_DAB", "cost_A", "cost_B", "cost_C", "cost_D"]


def test_ring_enumerates_small_circles_and_refuses_large_ones():
    payoff = ring_v0.game(5).payoff()
    assert payoff.max() == payoff[1, 1, 1, 1, 1] == 5 * 0.75
    with pytest.raises(ValueError, match=r"the payoff of 'ring_v0' has 2\^100 joint actions; at most 16,777,216"):
        ring_v0.game(100).payoff()


def test_climb_is_claus_and_boutiliers_game():
    game = climb_v0.game()
    assert game.payoff().tolist() == [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]
    assert [(term.name, term.agents) for term in game.reward_terms] == [("climb", (0, 1))]


@given(st.floats(-1e6, 0))
def test_penalty_is_claus_and_boutiliers_game(k):
    assert penalty_v0.game(penalty=k).payoff().tolist() == [[10, 0, k], [0, 2, 0], [k, 0, 10]]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_xor_pays_for_an_odd_number_and_nothing_else_matters(n):
    game = xor_v0.game(n)
    payoff = game.payoff()
    for action in itertools.product((0, 1), repeat=n):
        assert payoff[action] == sum(action) % 2
    assert [term.level for term in game.reward_terms] == [n]


@pytest.mark.parametrize("module", MODULES)
def test_every_game_is_called_like_its_module(module):
    assert module.game().name == module.__name__.removeprefix("toy_envs.")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ring_v0.game(span=4), "span=4; allowed is an integer from 2 to 3"),
        (lambda: ring_v0.game(3, span=3), "n_agents=3; allowed is an integer from 4 to 100"),
        (lambda: ring_v0.game(101), "n_agents=101; allowed is an integer from 3 to 100"),
        (lambda: ring_v0.game(cost=np.nan), "cost=nan; allowed is a finite number"),
        (lambda: fridge_v0.game(effort="much"), "effort='much'; allowed is a finite number"),
        (lambda: penalty_v0.game(penalty=1), "penalty=1; allowed is a finite number of at most 0"),
        (lambda: xor_v0.game(1), "n_agents=1; allowed is an integer from 2 to 16"),
        (
            lambda: fridge_v0.game(frigde=1),
            "unknown option 'frigde'; the options of this game are: fridge, backpack, effort",
        ),
        (lambda: climb_v0.game(n_agents=3), "unknown option 'n_agents'; the options of this game are: none"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make()
