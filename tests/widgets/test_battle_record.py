"""The recorded battles of chapter 16: what was written down obeys the rules of the game, and can be drawn."""

import numpy as np
import pytest

from maca_edu.widgets.battle_record import DATA, Moments, battle_of, recorded
from maca_edu.widgets.chapter16 import battle_frames, battle_panel, corrsets_at, sigma_frames


def test_the_file_is_small_and_says_how_it_was_made():
    assert DATA.stat().st_size < 300_000
    assert [command.split()[0] for command in recorded().about["commands"]] == ["maca-edu", "python"]


def test_terms_pay_what_the_enemies_lose_and_the_dead_hit_nobody():
    n = recorded().allies
    for battle in recorded().measured:
        lost = (battle.health[:-1] - battle.health[1:])[:, n:] / battle.health.shape[1] * 2  # n = m
        np.testing.assert_allclose(battle.amount[:-1, :-1], lost, atol=1e-3)
        assert battle.amount[-1, -1] == battle.won
    moments = recorded().moments
    assert not (moments.members & ~moments.alive[:, None]).any()
    assert moments.members[:, :-1].sum(axis=1).max() == 1  # one target for each ally


def test_attention_is_a_row_of_weights_and_training_changed_it():
    moments = recorded().moments
    for attention in (moments.attention, moments.untrained):
        np.testing.assert_allclose(attention.sum(axis=2), 1, atol=0.004)
        assert (attention >= 0).all()
    assert abs(moments.attention - moments.untrained).mean() > 0.01


def test_a_step_is_paid_by_those_who_act():
    n = recorded().allies
    for battle in recorded().measured:
        full = battle.paid_if[(slice(None), *[1] * n)]
        np.testing.assert_allclose(full, battle.amount.sum(axis=1), atol=1e-5)  # a single step holds no chance
        for i in range(n):
            idle = ~battle.moments.alive[:, i]
            both = np.moveaxis(battle.paid_if, i + 1, 1)
            np.testing.assert_allclose(both[idle, 0], both[idle, 1], atol=1e-5)  # the dead change nothing


def test_bit_i_of_a_number_becomes_the_index_of_agent_i():
    weights = 1000 * np.eye(2)
    step = dict(
        alive=[1, 1], members=[[1, 0]], attention=weights, untrained=weights, position=[[0, 0]], health=[1],
        action=[0, 0], amount=[0], paid_if=[0, 10, 20, 30], worth=[0, 0], error=[0, 0], learned=[0, 0], critic=[0, 0],
        compared=[[0, 0]],
    )  # fmt: skip
    table = battle_of(0, {"seed": 0, "won": True, "steps": [step]}, 2).paid_if[0]
    assert table[1, 0] == 10  # only agent 0 acts
    assert table[0, 1] == 20


def test_partners_share_a_term():
    members = np.array([[[1, 1, 0], [0, 0, 1]]], dtype=bool)
    moments = Moments(np.zeros(1), np.ones((1, 3), dtype=bool), members, None, None)
    np.testing.assert_array_equal(moments.partners()[0], [[1, 1, 0], [1, 1, 0], [0, 0, 1]])


def test_the_dead_are_in_nobodys_corrset():
    attention, alive = np.full((3, 3), 1 / 3), np.array([True, True, False])
    np.testing.assert_array_equal(corrsets_at(attention, alive, 1.0), [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(corrsets_at(attention, alive, 1.01), np.eye(3))


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_a_panel_draws_every_living_unit_and_says_what_was_paid(sigma):
    record = recorded()
    battle = record.measured[0]
    t = int(battle.amount[:, :-1].sum(axis=1).argmax())
    panel = battle_panel(record, battle, t, sigma)
    assert panel.count('r="11"') == (battle.health[t, : record.allies] > 0).sum()
    assert panel.count('width="20"') == (battle.health[t, record.allies :] > 0).sum()
    assert f"{battle.amount[t].max():.3f}" in panel


def test_sliders_move_over_steps_and_over_sigma():
    assert battle_frames(recorded(), every=10).children[0].options[1] == "10"
    assert sigma_frames(recorded(), 0, 3).children[0].index == 4
