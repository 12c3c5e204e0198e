"""The game of pairs, its critic, and the ranking score of chapter 10."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maca_edu.course import chapter10
from maca_edu.course.partners import Pairs, attention_of, fit_pairs, pairs_sample, ranking_score
from maca_edu.envs.toy import ToyEnv


@given(st.integers(0, 10_000), st.sampled_from((2, 4, 6)))
def test_a_pair_that_pulls_earns_its_two_signs(seed, n):
    rng, game = np.random.default_rng(seed), Pairs(n)
    state, action = game.reset(rng, 3), rng.integers(2, size=(3, n))
    step, members = game.step(state, action), game.members(state)
    for b in range(3):
        sign, partner = state[b, :n], state[b, n:]
        assert (partner[partner] == np.arange(n)).all()
        assert (partner != np.arange(n)).all()
        earned = sum(sign[i] + sign[partner[i]] for i in range(n) if action[b, i] and action[b, partner[i]]) / 2
        assert step.payments[b].sum() == earned
        assert {tuple(np.flatnonzero(m)) for m in members[b]} == {tuple(sorted((i, partner[i]))) for i in range(n)}


def test_training_gets_the_partners_that_the_sample_has():
    env = ToyEnv(Pairs(), 5, "pairs")
    env.reset(3)
    state = env._state
    partners = env.step(np.ones((5, 6), dtype=int)).credit.partners()
    assert (partners == np.eye(6, dtype=bool)[state[:, 6:]] | np.eye(6, dtype=bool)).all()


def test_an_agent_sees_its_own_sign_and_no_other():
    game = Pairs()
    state = game.reset(np.random.default_rng(0), 4)
    turned = state.copy()
    turned[:, 2] *= -1
    changed = (game.observe(state) != game.observe(turned)).any(axis=-1)
    assert (changed == (np.arange(6) == 2)).all()


@given(st.integers(0, 10_000))
def test_the_ranking_score_is_what_listing_all_pairs_gives(seed):
    attention, partners = list(chapter10.moments(seed))[seed % 6]
    found = ranking_score(torch.from_numpy(attention)[None], torch.from_numpy(partners)[None])
    assert found == pytest.approx(chapter10.score(attention, partners))


def test_the_dead_do_not_count_in_the_ranking_score():
    attention = torch.tensor([[[0.2, 0.5, 0.2, 0.1]] * 4])
    partners = torch.zeros(1, 4, 4, dtype=torch.bool)
    partners[0, 0, 2] = partners[0, 2, 0] = True
    alive = torch.tensor([[True, False, True, True]])
    assert ranking_score(attention, partners) == pytest.approx((0.5 + 0.5) / 2)
    assert ranking_score(attention, partners, alive) == 1.0
    assert np.isnan(ranking_score(attention, partners, torch.tensor([[True, False, False, False]])))


def test_equal_attention_scores_one_half():
    partners = torch.rand(8, 5, 5, generator=torch.Generator().manual_seed(0)) < 0.4
    assert ranking_score(torch.full((8, 5, 5), 0.2), partners) == 0.5


def test_a_critic_that_is_fitted_in_no_batches_is_as_it_was_drawn():
    obs, _, _, _ = pairs_sample(Pairs(), np.random.default_rng(0), 4)
    first, again, other = (attention_of(fit_pairs("conditioned", seed, 0), obs) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
