"""The cockpit: its numbers against plain sums, its two modes, its figure, and what it refuses."""

import itertools
import re

import ipywidgets as widgets
import numpy as np
import pytest
import torch

import maca_edu
from maca_edu.experiments.credit import opinion
from maca_edu.experiments.episode_record import as_rollout
from maca_edu.experiments.shipped import load_shipped
from maca_edu.widgets import cockpit, cockpit_figure
from maca_edu.widgets.cockpit_explorer import FRAMES_STEPS, MIXTURES, flight_of, frame_steps, most_at_stake
from maca_edu.widgets.cockpit_numbers import read
from maca_edu.widgets.cockpit_panel import numbers_panel, relations_panel
from maca_edu.widgets.cockpit_pictures import plain, signed

NAMES = ["fridge", "ring", "warehouse", "battle"]


@pytest.fixture(scope="module")
def flights():
    return {name: flight_of(name) for name in NAMES}


def datum(html: str, name: str) -> str:
    """The text of a number in a panel."""
    return re.search(rf'data-n="{re.escape(name)}">([^<]*)<', html)[1]


@pytest.mark.parametrize("name", NAMES)
def test_as_trained_the_advantages_are_those_of_an_update_of_the_run(flights, name):
    shipped = load_shipped(name)
    learner = shipped.run.learner
    trained = opinion(learner, learner, as_rollout(shipped.record, learner))
    for t in range(shipped.record.steps):
        reading = read(flights[name], t)
        np.testing.assert_allclose(reading.from_return, trained.advantage[t], atol=1e-4)
        np.testing.assert_allclose(reading.critic.advantage, trained.critic_advantage[t], atol=1e-4)
        np.testing.assert_allclose(reading.critic.baselines, trained.baselines[:, t], atol=1e-4)
        np.testing.assert_array_equal(reading.corrset, trained.corrset[t])


@pytest.mark.parametrize(("sigma", "psi"), [(0.1, (0.2, 0.3, 0.5)), (0.35, (0, 0, 1)), (1.0, (0, 0, 1))])
def test_the_exact_line_is_a_sum_over_joint_actions(flights, sigma, psi):
    flight = flights["fridge"]
    step = most_at_stake(flight)
    reading = read(flight, step, sigma, psi)
    table, played, policy = flight.record.q[step], flight.record.action[step], flight.policy[step]
    n, A = policy.shape
    for i in range(n):
        members = {j for j in range(n) if j == i or flight.attention[step, i, j] >= sigma}
        assert set(np.flatnonzero(reading.corrset[i])) == members
        means = []
        for group in (set(range(n)), {i}, members):
            total = 0.0
            for drawn in itertools.product(range(A), repeat=n):
                chance = np.prod([policy[j, drawn[j]] for j in group])
                joint = tuple(drawn[j] if j in group else played[j] for j in range(n))
                counted_once = all(drawn[j] == 0 for j in range(n) if j not in group)
                total += chance * table[joint] * counted_once
            means.append(total)
        np.testing.assert_allclose(reading.exact.baselines[:, i], means, atol=1e-5)
        assert reading.exact.advantage[i] == pytest.approx(table[tuple(played)] - np.dot(psi, means), abs=1e-5)
        assert reading.credit[i] == pytest.approx(table[tuple(played)] - means[1], abs=1e-5)
    if sigma == 1.0:  # nobody but oneself
        np.testing.assert_allclose(reading.critic.baselines[2], reading.critic.baselines[1], atol=1e-5)


def test_at_threshold_0_the_corrset_is_the_team(flights):
    reading = read(flights["warehouse"], 3, 0.0)
    assert reading.corrset.all()
    np.testing.assert_allclose(reading.critic.baselines[2], reading.critic.baselines[0], atol=1e-4)


def test_a_battle_has_measured_credit_with_its_error(flights):
    flight = flights["battle"]
    reading = read(flight, 5)
    assert reading.exact is None
    np.testing.assert_array_equal(reading.credit, flight.record.credit[5])
    np.testing.assert_array_equal(reading.credit_error, flight.record.credit_error[5])
    assert "±" in numbers_panel(flight, 5, reading)


def test_the_dead_count_in_no_score(flights):
    flight = flights["battle"]
    step = int(np.flatnonzero(flight.record.alive[:-1].sum(axis=1) == 3)[0])
    reading = read(flight, step, 0.0)  # everybody is in every CorrSet
    living, partners = np.flatnonzero(reading.alive), flight.partners[step]
    pairs = [partners[i, j] for i in living for j in living if i != j]
    assert datum(relations_panel(flight, step, reading), "precision") == f"{np.mean(pairs):.2f}"


@pytest.mark.parametrize("name", NAMES)
def test_the_panels_say_what_was_read(flights, name):
    flight = flights[name]
    reading = read(flight, 1, 0.3, (0.5, 0.2, 0.3))
    digits = 2 if np.abs(flight.credit).max() >= 0.5 else 3
    html = numbers_panel(flight, 1, reading)
    assert datum(html, "psi Jnt") == "0.50"
    for i, agent in enumerate(flight.agents):
        assert datum(html, f"critic Cor {agent}") == plain(reading.critic.baselines[2, i], digits)
        assert datum(html, f"critic A {agent}") == signed(reading.critic.advantage[i], digits)
        assert datum(html, f"return {agent}") == signed(reading.from_return[i], digits)
        assert datum(html, f"credit {agent}") == signed(reading.credit[i], digits)
        assert datum(html, f"C {agent}") == "".join(flight.agents[j] for j in np.flatnonzero(reading.corrset[i]))
    relations = relations_panel(flight, 1, reading)
    assert datum(relations, "sigma") == "0.300"
    assert relations.count('role="img"') == 2


def parts(explorer):
    """The live cockpit's controls by their description, and its three panels."""
    _, controls, box, numbers = explorer.children
    named = {w.description: w for w in controls.children if not isinstance(w, widgets.Play)}
    return named, (*box.children, numbers)


def test_in_live_mode_the_numbers_follow_every_control(flights):
    explorer = cockpit("fridge", step=1)
    controls, (scene, relations, numbers) = parts(explorer)
    flight = flights["fridge"]
    controls["step"].value = 3
    controls["σ in 1/n"].value = 0.5
    controls["ψ Jnt"].value = 0.9
    controls["ψ Cor"].value = 0.6  # lowers the other to 0.4
    assert controls["ψ Jnt"].value == pytest.approx(0.4)
    assert controls["ψ"].value == "own"
    reading = read(flight, 2, 0.5 / 4, (0.4, 0.0, 0.6))
    assert numbers.value == numbers_panel(flight, 2, reading)
    assert relations.value == relations_panel(flight, 2, reading)
    assert "Step 3 of 8." in scene.value
    controls["ψ"].value = "Ind"
    assert numbers.value == numbers_panel(flight, 2, read(flight, 2, 0.5 / 4, (0, 1, 0)))
    controls["run"].value = "ring"
    other = flights["ring"]
    assert controls["σ in 1/n"].value == pytest.approx(1.0)
    assert numbers.value == numbers_panel(
        other, most_at_stake(other), read(other, most_at_stake(other), 1 / 5, (0, 1, 0))
    )


def test_in_frames_mode_every_choice_has_its_panel(flights):
    flight = flights["ring"]
    explorer = cockpit("ring", mode="frames")
    _, controls, buttons, box, counted = explorer.children
    steps, sigmas = controls.children
    assert steps.options[steps.index] == str(most_at_stake(flight) + 1)
    assert buttons.options == tuple(MIXTURES)
    for row, t in zip(counted.children, map(int, steps.options), strict=True):
        for inner, threshold in zip(row.children, map(float, sigmas.options), strict=True):
            for leaf, psi in zip(inner.children, MIXTURES.values(), strict=True):
                assert leaf.value == numbers_panel(flight, t - 1, read(flight, t - 1, threshold / 5, psi))
    assert len(box.children) == 2


def test_a_page_has_room_for_a_few_steps_of_a_long_episode():
    assert frame_steps(5, 2) == [0, 1, 2, 3, 4]
    for first in range(40):
        steps = frame_steps(40, first)
        assert first in steps
        assert len(steps) == FRAMES_STEPS
        assert steps == sorted(set(steps))


@pytest.mark.parametrize("name", NAMES)
def test_the_figure_shows_scene_attention_and_bars(name):
    fig = cockpit_figure(name, step=2, sigma=1.0, psi=(0, 1, 0))
    scene, attention, bars = fig.axes
    n = len(attention.get_xticks())
    assert len(bars.patches) == n * (3 if name == "battle" else 4)
    assert scene.has_data() or scene.patches


def test_a_run_of_ones_own_is_recorded_first(tmp_path):
    run = maca_edu.train("toy/xor", steps=512, batch=32)
    explorer = cockpit(run, step=2)
    assert "toy/xor" in repr(explorer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(mode="film"), 'mode=\'film\'; allowed are "live" and "frames"'),
        (dict(run="chess"), "run='chess'; allowed are 'fridge', 'ring'"),
        (dict(step=99), "step=99; allowed are 1 to 8"),
        (dict(step=True), "step=True; allowed are 1 to 8"),
        (dict(sigma=4), "sigma=4; allowed are numbers from 0 to 3"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        cockpit(**options)


def test_a_method_without_the_mixture_is_refused():
    run = maca_edu.train("toy/xor", "mappo", steps=256, batch=32)
    with pytest.raises(ValueError, match=r"it was trained with method='mappo'.*the cockpit shows maca, maca-dec"):
        cockpit(run)
    with pytest.raises(ValueError, match=re.escape("psi=(1, 1, 1); allowed are three numbers from 0 that sum to 1")):
        cockpit_figure("ring", psi=(1, 1, 1))
    assert torch.is_grad_enabled()
