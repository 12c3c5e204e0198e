"""The long ring: payments against plain loops, groups that move, and values against the one-shot ring."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maca_edu import exact
from toy_envs import longring_v0, ring_v0


@st.composite
def games(draw):
    span = draw(st.integers(2, 3))
    moving = draw(st.booleans())
    n = draw(st.integers(2 * span + 1 if moving else span + 1, 9))
    return longring_v0.game(n, span, draw(st.integers(1, 4)), reward=2.0, cost=0.5, moving=moving)


def play(game, seed, batch=3):
    """A random game: (state, action, step) of every round."""
    rng = np.random.default_rng(seed)
    state, rounds = game.reset(rng, batch), []
    for _ in range(game.horizon):
        action = rng.integers(2, size=(batch, game.n_agents))
        step = game.step(state, action)
        rounds.append((state, action, step))
        state = step.state
    return rounds


@given(games(), st.integers(0, 1000))
def test_every_rope_pays_when_all_its_agents_pull(game, seed):
    n = game.n_agents
    for state, action, step in play(game, seed):
        for b, (_, distance) in enumerate(state):
            ropes = [[(i + distance * j) % n for j in range(game.span)] for i in range(n)]
            paid = [2.0 if all(action[b, rope]) else 0.0 for rope in ropes]
            costs = [-0.5 * pull for pull in action[b]]
            assert step.payments[b].tolist() == paid + costs
            members = game.members(state)[b]
            assert [set(np.flatnonzero(row)) for row in members] == [set(rope) for rope in ropes] + [
                {i} for i in range(n)
            ]


@given(games(), st.integers(0, 1000))
def test_it_ends_after_its_rounds_and_moves_in_between(game, seed):
    rounds = play(game, seed)
    assert [step.terminated.all() for *_, step in rounds] == [False] * (game.horizon - 1) + [True]
    for (before, *_), (after, *_) in itertools.pairwise(rounds):
        assert (after[:, 0] == before[:, 0] + 1).all()
        assert (after[:, 1] == before[:, 1] % game.distances + 1).all()


@given(games())
def test_no_two_ropes_join_the_same_agents(game):
    for state in game.initial_states()[0]:
        ropes = game.members(state[None])[0, : game.n_agents]
        assert (ropes.sum(axis=1) == game.span).all()
        assert len(np.unique(ropes, axis=0)) == game.n_agents


@given(games(), st.integers(0, 1000))
def test_agents_see_who_they_are_what_is_left_and_their_mates(game, seed):
    n = game.n_agents
    for state, *_ in play(game, seed):
        seen, ropes = game.observe(state), game.members(state)[:, :n]
        assert (seen[:, :, :n] == np.eye(n)).all()
        np.testing.assert_allclose(seen[:, :, n], np.tile(1 - state[:, :1] / game.horizon, n), atol=1e-6)
        if game.moving:
            for b in range(len(state)):
                for i in range(n):
                    mates = ropes[b, ropes[b, :, i]].any(axis=0)
                    mates[i] = False
                    assert (seen[b, i, n + 1 :] == mates).all()
        for row, (played, distance) in zip(game.features(state), state, strict=True):
            marked = [*range(game.horizon), *(f"d{d}" for d in range(1, game.distances + 1) if game.moving)]
            shown = {mark for mark, number in zip(marked, row, strict=True) if number == 1}
            assert shown == {played, f"d{distance}"} & set(marked)


def test_one_round_is_the_ring():
    long, short = longring_v0.game(6, 3, rounds=1), ring_v0.game(6, 3)
    actions = np.random.default_rng(0).integers(2, size=(50, 6))
    state = long.reset(np.random.default_rng(0), 50)
    np.testing.assert_array_equal(
        long.step(state, actions).payments, short.step(np.zeros((50, 1), int), actions).payments
    )
    assert [term.name for term in long.reward_terms] == [term.name for term in short.reward_terms]


@pytest.mark.parametrize("moving", [False, True])
def test_dynamic_programming_agrees_with_the_one_shot_ring(moving):
    """Q of a round is the round's reward and the discounted value of what follows, which the action does not change."""
    game = longring_v0.game(5, 2, rounds=3, moving=moving)
    policy = np.random.default_rng(0).dirichlet([1, 1], size=5)
    states = exact.enumerate_states(game)
    V, Q = exact.solve(game, policy, 0.9, states)
    by_state = {tuple(state): s for s, state in enumerate(states.states)}
    assert len(by_state) == 3 * game.distances
    for (played, distance), s in by_state.items():
        reward = game.round_game(distance).payoff()
        following = by_state.get((played + 1, distance % game.distances + 1))
        expected = reward + 0.9 * (0.0 if following is None else V[following])
        np.testing.assert_allclose(Q[s], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(span=4), "span=4; allowed is an integer from 2 to 3"),
        (dict(n_agents=3, span=3), "n_agents=3; allowed is an integer from 4 to 100"),
        (dict(rounds=0), "rounds=0; allowed is an integer of at least 1"),
        (dict(cost=np.inf), "cost=inf; allowed is a finite number"),
        (dict(moving=1), "moving=1; allowed are True and False"),
        (dict(n_agents=4, moving=True), "moving=True with n_agents=4 leaves one way to tie ropes of 2; allowed is an"),
        (dict(length=4), "unknown option 'length'; the options of this game are: n_agents, span, rounds, reward"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        longring_v0.game(**options)


@pytest.mark.parametrize("state", [[[0, 2]], [[21, 1]], [[-1, 1]], [[0, 0]], [0, 1], [[0.0, 1.0]], [[0, 1, 1]]])
def test_states_of_no_such_game_are_refused(state):
    with pytest.raises(ValueError, match="state"):
        longring_v0.game().step(np.array(state), np.zeros((len(state), 5), int))


def test_text_and_picture_show_the_round_that_was_played():
    game = longring_v0.game(5, 2, rounds=4, moving=True)
    state = np.array([[1, 2]])
    step = game.step(state, np.array([[1, 0, 1, 0, 0]]))  # at distance 2, A and C share a rope
    text = game.render(step.state[0], np.array([1, 0, 1, 0, 0]), step.payments[0], "ansi").splitlines()
    assert text[0] == "round 2 of 4"
    assert "reward 0.5" in text[1]
    assert any(line.split() == ["pull_AC", "A", "C", "+1"] for line in text)
    picture = game.render(step.state[0], np.array([1, 0, 1, 0, 0]), step.payments[0], "rgb_array")
    assert picture.shape == (480, 640, 3)
    assert game.render(state[0], None, None, "ansi").startswith("round 1 of 4\nlongring_v0: not played yet")
