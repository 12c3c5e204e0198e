"""The runs that come with the library: they load, they play, and their episodes are what playing them again gives."""

import importlib.util
import json

import numpy as np
import pytest
import torch

import maca_edu
from maca_edu import envs, exact
from maca_edu.experiments import ship
from maca_edu.experiments.episode_record import as_rollout, exact_q, load_record, save_record
from maca_edu.experiments.shipped import NAMES, load_shipped

TOYS = [name for name in NAMES if name != "battle"]
PLAYABLE = TOYS if importlib.util.find_spec("jaxmarl") is None else list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_holds_no_code_and_says_how_it_was_made(name):
    folder = ship.OUT / name
    files = {path.name for path in folder.iterdir()}
    assert files == {"config.json", "metrics.csv", "state.npz", "episode.npz", "about.json"}
    assert sum(path.stat().st_size for path in folder.iterdir()) <= ship.LARGEST
    for archive in ("state.npz", "episode.npz"):
        with np.load(folder / archive, allow_pickle=False) as arrays:  # raises where one would need pickle
            assert all(arrays[key].dtype != object for key in arrays)
    about, config = (json.loads((folder / file).read_text("utf-8")) for file in ("about.json", "config.json"))
    assert about["training"] == ship.RECIPES[name].command
    assert {"command", "training_seed", "episode_seed", "date", "versions"} <= about.keys()
    assert config["seed"] == about["training_seed"]
    assert f"--steps {config['steps']} " in about["training"] + " "


@pytest.mark.parametrize("name", NAMES)
def test_what_the_record_says_adds_up(name):
    shipped = load_shipped(name)
    record = shipped.record
    T, n = record.action.shape
    np.testing.assert_allclose(record.amount.sum(axis=1), record.reward, atol=1e-5)
    assert record.available[np.arange(T)[:, None], np.arange(n), record.action].all(), "only legal actions were played"
    assert len(record.obs) == T + 1
    rollout = as_rollout(record, shipped.run.learner)
    np.testing.assert_array_equal(rollout.reward[:, 0], record.reward)
    assert bool(rollout.terminated[-1, 0]) != bool(rollout.truncated[-1, 0])


@pytest.mark.parametrize("name", PLAYABLE)
def test_playing_the_recorded_actions_again_gives_the_record(name):
    record = load_shipped(name).record
    env = envs.make(record.env, 1)
    one_shot = env.horizon == 1
    view = env.reset(record.seed)
    for t, action in enumerate(record.action):
        if one_shot:
            view = env.reset(record.seed + t)
        np.testing.assert_allclose(view.obs[0], record.obs[t], atol=1e-4)
        step = env.step(action[None])
        np.testing.assert_allclose(step.credit.amount[0], record.amount[t], atol=1e-4)
        np.testing.assert_array_equal(step.credit.members[0], record.members[t])
        assert bool(step.terminated[0]) == bool(record.terminated[t])
        view = step.view
    env.close()


@pytest.mark.parametrize("name", TOYS)
def test_the_run_plays_and_the_policy_allows_what_was_played(name):
    shipped = load_shipped(name)
    played = maca_edu.evaluate(shipped.run, episodes=4)
    assert np.isfinite(played["return_mean"])
    learner, record = shipped.run.learner, shipped.record
    rollout = as_rollout(record, learner)
    distribution, _ = learner.actor(rollout.obs[:, 0], rollout.available[:, 0], None, None)
    chosen = distribution.log_prob(torch.from_numpy(record.action))
    assert (chosen > np.log(1e-4)).all()


@pytest.mark.parametrize("name", ["fridge", "longring"])
def test_the_exact_q_is_that_of_the_game_and_of_this_policy(name):
    shipped = load_shipped(name)
    record, env = shipped.record, envs.make(shipped.record.env, 1)
    again = exact_q(env.game, record.scene["state"], shipped.run.learner)
    np.testing.assert_allclose(again, record.q, atol=1e-5)
    if name == "fridge":
        np.testing.assert_array_equal(record.q[0], env.game.payoff())
    else:  # what is done now changes nothing later: Q differs from the round's payment by a constant
        for table, state in zip(record.q, record.scene["state"], strict=True):
            rest = table - env.game.round_game(int(state[1])).payoff()
            np.testing.assert_allclose(rest, rest.flat[0], atol=1e-6)


@pytest.mark.parametrize("name", ["fridge", "ring", "longring"])
def test_what_was_measured_agrees_with_the_exact_credit(name):
    """In these games copies of a moment differ in nothing, so the measured credit has no error."""
    shipped = load_shipped(name)
    record, rollout = shipped.record, as_rollout(shipped.record, shipped.run.learner)
    distribution, _ = shipped.run.learner.actor(rollout.obs[:, 0], rollout.available[:, 0], None, None)
    policy = distribution.probs.detach().double().numpy()
    policy /= policy.sum(axis=-1, keepdims=True)
    for t, i in np.ndindex(record.credit.shape):
        advantage = exact.advantage(record.q[t], policy[t], (i,))[tuple(record.action[t])]
        assert record.credit[t, i] == pytest.approx(advantage, abs=1e-4)


def test_an_unknown_name_and_a_file_of_something_else_are_refused(tmp_path):
    with pytest.raises(ValueError, match="name='chess'; allowed are 'fridge', 'ring'"):
        load_shipped("chess")
    with pytest.raises(ValueError, match="is not the record of an episode"):
        load_record(ship.OUT / "ring" / "state.npz")
    record = load_shipped("ring").record
    save_record(tmp_path / "again.npz", record)
    again = load_record(tmp_path / "again.npz")
    assert again.terms == record.terms
    np.testing.assert_array_equal(again.q, record.q)
