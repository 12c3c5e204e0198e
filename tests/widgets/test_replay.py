"""The replay player: every step has its picture, its words and its total, and follows the slider without a kernel."""

import base64
import io
import re

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from maca_edu.widgets import replay, style
from maca_edu.widgets.replay import credited, signed
from maca_edu.widgets.replay_pictures import credit_bars, payment_bars
from toy_envs import fridge_v0, warehouse_v0

STAY, UP, DOWN, LEFT, RIGHT, LIFT = range(6)


def episode(game, actions):
    """What happens if these joint actions are played from the game's first state."""
    states, payments = [game.reset(np.random.default_rng(0), 1)[0]], []
    for action in actions:
        step = game.step(states[-1][None], np.array([action]))
        states.append(step.state[0])
        payments.append(step.payments[0])
    return np.array(states), np.array(actions), np.array(payments)


@pytest.fixture(scope="module")
def small():
    game = warehouse_v0.game("small")
    actions = [(LEFT, LIFT, STAY)] * 2 + [(LIFT, STAY, LEFT)] * 2 + [(DOWN, STAY, RIGHT), (LEFT, LEFT, UP)]
    actions += [(LIFT, LIFT, DOWN)]
    return game, *episode(game, actions)


def captions(explorer):
    (_, stack) = explorer.children
    return [re.sub("<[^>]*>", "", child.value) for child in stack.children]


def test_the_words_of_every_step_are_what_happened(small):
    game, states, actions, payments = small
    said = captions(replay(game, states, actions, payments))
    assert len(said) == 8
    assert said[0] == "Step 0 of 7. Before the first step. Paid so far: 0."
    assert said[3] == (
        "Step 3 of 7. A lift, B stay, C left. Paid: load_A +1, lift_A −0.125, walk_C −0.0625. Reward +0.8125. "
        "Paid so far: +0.4375."
    )
    for step, text in enumerate(said):
        total = float(re.search(r"so far: (.*)\.$", text)[1].replace("−", "-"))
        assert total == payments[:step].sum()


def test_every_step_has_a_picture_of_its_own(small):
    style.use()
    explorer = replay(*small)
    pictures = [re.search(r'base64,([^"]*)"', child.value)[1] for child in explorer.children[1].children]
    assert len(set(pictures)) == len(pictures) == 8
    sizes = {Image.open(io.BytesIO(base64.b64decode(data))).size for data in pictures}
    assert sizes == {(960, 440)}
    alts = [re.search(r'alt="([^"]*)"', child.value)[1] for child in explorer.children[1].children]
    assert "after 0 of 7 steps: A in row 1, column 3, B in row 2, column 3, C in row 3, column 3." in alts[0]
    assert "Loads delivered: 2." in alts[7]


def test_bars_up_to_the_step_shown_and_none_beyond(small):
    """Right of the step shown the chart of step 3 is white where that of step 7 has bars."""
    explorer = replay(*small)
    images = []
    for step in (3, 7):
        data = re.search(r'base64,([^"]*)"', explorer.children[1].children[step].value)[1]
        images.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), dtype=int))
    orange = [(abs(image - (0xE6, 0x9F, 0x00)).max(axis=2) < 12)[:, 465:780].sum() for image in images]
    assert orange[0] == 0  # the load of A and B moves at step 7
    assert orange[1] > 1_000


def test_play_moves_the_slider_and_the_slider_moves_the_pictures(small, monkeypatch):
    links = []
    monkeypatch.setattr(widgets, "jslink", lambda source, target: links.append((source, target)))
    explorer = replay(*small, start=2)
    controls, stack = explorer.children
    play, slider = controls.children
    assert "maca-replay" in explorer._dom_classes
    assert (play.min, play.max, slider.min, slider.max) == (0, 7, 0, 7)
    assert play.value == slider.value == stack.selected_index == 2
    assert links == [((play, "value"), (slider, "value")), ((slider, "value"), (stack, "selected_index"))]
    assert repr(explorer) == "A replay of 7 steps in warehouse_v0: run this cell to play it."


def test_the_bars_of_a_step_add_up_to_its_reward(small):
    game, states, _, payments = small
    bars = payment_bars(game, states, payments)
    assert [each.label for each in bars] == [
        "load of A, level 1",
        "load of AB, level 2",
        "load of ABC, level 3",
        "walking",
        "lifting",
    ]
    np.testing.assert_array_equal(sum(each.amounts for each in bars), payments.sum(axis=1))


def test_loads_of_one_crew_size_differ_by_their_hatch():
    game = warehouse_v0.game("team")
    states, _, payments = episode(game, [(STAY,) * 5])
    looks = [(each.colour, each.hatch) for each in payment_bars(game, states, payments)]
    assert len(set(looks)) == len(looks)


def test_crews_that_are_drawn_are_those_of_the_episode():
    game = warehouse_v0.game("tiny")
    state = game.place([(0, 0), (1, 1)], [0, 1], crews=((0, 1), (1,)))
    step = game.step(state, np.array([[STAY, LIFT]]))
    states = np.concatenate([state, step.state])
    labels = [each.label for each in payment_bars(game, states, step.payments)]
    assert labels[:2] == ["load of AB, level 2", "load of B, level 1"]


def test_credit_is_named_and_coloured_by_level(small):
    game, states, actions, payments = small
    credit = {(0,): np.linspace(-1, 1, 7), (0, 1): np.zeros(7), (0, 2): np.full(7, 0.25), (0, 1, 2): np.zeros(7)}
    said = captions(replay(game, states, actions, payments, credit))
    assert "Credit +1.25; the largest parts: A +1, AC +0.25, AB 0." in said[7]
    assert "Credit" not in said[0]
    bars = credit_bars(game, credit)
    assert [each.label for each in bars] == ["level 1", "level 2", None, "level 3"]
    assert bars[1].colour == bars[2].colour != bars[0].colour


def test_parts_that_look_the_same_have_one_order_whatever_their_last_bits(small):
    for noise in (1e-12, -1e-12):
        credit = {(1,): 0.04 + noise, (0, 2): 0.04 - noise, (0,): -0.04, (2,): 0.03}
        assert "; the largest parts: A −0.04, B +0.04, AC +0.04." in credited(small[0], credit)


def test_an_episode_is_small_enough_for_a_page():
    game = warehouse_v0.game("small")
    rng = np.random.default_rng(0)
    states, actions, payments = episode(game, rng.integers(6, size=(30, 3)))
    explorer = replay(game, states, actions, payments, {(i,): rng.normal(size=30) for i in range(3)})
    assert sum(len(child.value) for child in explorer.children[1].children) < 1_500_000


def test_an_episode_without_any_payment_can_be_shown():
    game = warehouse_v0.game("small")
    said = captions(replay(game, *episode(game, [(STAY, STAY, STAY)])))
    assert "Paid: nothing. Reward 0." in said[1]


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [(1.0625, 6, "+1.0625"), (-2.0, 6, "−2"), (-0.0, 6, "0"), (10.0, 6, "+10"), (-0.004, 2, "0"), (-0.125, 2, "−0.12")],
)
def test_numbers_carry_their_sign(number, digits, text):
    assert signed(number, digits) == text


def test_wrong_arguments_are_one_sentence(small):
    game, states, actions, payments = small
    for arguments, message in (
        ((fridge_v0.game(), states, actions, payments), "game is a OneShotGame; the replay shows a Warehouse"),
        ((game, states[:-1], actions, payments), "states, actions and payments have shapes"),
        ((game, states[:1], actions[:0], payments[:0]), "T at least 1"),
        ((game, states, actions, payments[:, :2]), "states, actions and payments have shapes"),
        ((game, states[:, :4], actions, payments), "state has shape"),
        ((game, np.tile(states[:1], (42, 1)), np.zeros((41, 3), int), np.zeros((41, 9))), "has room for 40"),
        ((game, states, actions, payments, {(0,): [1.0]}), r"credit\[\(0,\)\] has shape \(1,\); expected \(7,\)"),
        ((game, states, actions, payments, None, 8), "start=8; allowed are 0 to 7"),
    ):
        with pytest.raises(ValueError, match=message):
            replay(*arguments)
