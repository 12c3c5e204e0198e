"""JaxMARL's games made with a device: the same games as with NumPy's views, read by torch where they are."""

import logging

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from maca_edu import envs
from maca_edu.envs import compiled
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.records import as_tensor
from maca_edu.training.trainer import Trainer

pytest.importorskip("jaxmarl")

B = 8
SMAX, MPE = "smax/3m?time_limit=19", "jaxmpe/simple_spread?continuous=false&horizon=11"
NUMBERS = "jaxmpe/simple_speaker_listener?horizon=9"  # actions are numbers


def random_actions(env, view, rng):
    """Legal joint actions [B, n], or numbers [B, n, A], partly out of range."""
    chance = rng.random((B, env.n_agents, env.n_actions))
    if env.continuous:
        return (1.4 * chance - 0.2).astype(np.float32)
    return np.where(np.asarray(view.available), chance, -1).argmax(-1)


def numbers(step):
    """All that a step returned, as NumPy's arrays."""
    views = [as_tensor(x).numpy() for x in (*step.view, *step.final)]
    won = [] if step.won is None else [step.won]
    return [*views, step.reward, step.terminated, step.truncated, *won, *step.info.values()]


@pytest.mark.parametrize("name", [SMAX, MPE, NUMBERS])
def test_whole_episodes_are_those_of_numpys_views(name):
    plain, device, rng = envs.make(name, B), envs.make(name, B, "cpu"), np.random.default_rng(0)
    views, ended = (plain.reset(3), device.reset(3)), 0
    for _ in range(40):
        action = random_actions(plain, views[0], rng)
        steps = plain.step(action), device.step(torch.from_numpy(action))
        for x, y in zip(*map(numbers, steps), strict=True):
            assert_array_equal(x, y)
            assert x.dtype == y.dtype
        assert all(isinstance(x, np.ndarray) for x in numbers(steps[1])[8:])
        views = steps[0].view, steps[1].view
        ended += int((steps[0].terminated | steps[0].truncated).sum())
    assert ended >= 2 * B
    plain.load_state_dict(device.state_dict())  # what one saved the other goes on with
    action = random_actions(plain, views[0], rng)
    for x, y in zip(numbers(plain.step(action)), numbers(device.step(action)), strict=True):
        assert_array_equal(x, y)


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_training_is_the_same_to_the_last_bit(recurrent):
    config = Config(rollout=10, epochs=2, chunk=5, actor_sizes=(16,), critic_sizes=(16,), recurrent=recurrent)
    runs = [loop.train(envs.make(SMAX, B, device), "maca", 4 * 10 * B, 0, config=config) for device in (None, "cpu")]
    learned = [[*run.learner.actor.parameters(), *run.learner.critic.parameters()] for run in runs]
    assert all(torch.equal(x, y) for x, y in zip(*learned, strict=True))
    fresh = Trainer(envs.make(SMAX, B), loop.find("maca"), 0, config).learner.actor.parameters()
    assert not any(torch.equal(x, y) for x, y in zip(fresh, runs[0].learner.actor.parameters(), strict=True))


def test_tensors_share_memory_and_stay_valid():
    env, rng = envs.make(SMAX, B, "cpu"), np.random.default_rng(0)
    view = env.reset(0)
    tensors = [as_tensor(x) for x in view]
    assert [x.data_ptr() for x in tensors] == [x.unsafe_buffer_pointer() for x in view]
    assert [x.dtype for x in tensors] == [torch.float32, torch.float32, torch.bool, torch.bool]
    before = [x.clone() for x in tensors]
    for _ in range(25):
        view = env.step(random_actions(env, view, rng)).view
    assert not torch.equal(as_tensor(view.obs), before[0])
    del env, view
    assert all(torch.equal(x, y) for x, y in zip(tensors, before, strict=True))


ILLEGAL = [torch.full((B, 3), a) for a in (-1, 5, 8, 2**32)]  # 5 is a shot at someone out of range, 8 does not exist
WRONG = [*ILLEGAL, torch.zeros(B, 2, dtype=torch.long), torch.zeros(B, 3), torch.zeros(B, 3, dtype=torch.bool)]


@pytest.mark.parametrize("action", WRONG)
def test_wrong_tensors_are_refused_in_numpys_words_and_nothing_is_played(action):
    plain, device = envs.make(SMAX, B), envs.make(SMAX, B, "cpu")
    words = []
    for env, wrong in ((plain, action.numpy()), (device, action)):
        env.reset(0)
        with pytest.raises(ValueError, match="action") as refused:
            env.step(wrong)
        words.append(str(refused.value))
    assert words[0] == words[1]
    stop = np.full((B, 3), 4)
    for x, y in zip(numbers(plain.step(stop)), numbers(device.step(stop)), strict=True):
        assert_array_equal(x, y)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_numbers_that_are_not_finite_are_refused(value):
    env = envs.make(NUMBERS, B, "cpu")
    action = torch.zeros(B, env.n_agents, env.n_actions, dtype=torch.float64)
    env.step(action)
    action[2, 1, 0] = value
    with pytest.raises(ValueError, match=r"action\[2, 1, 0\]"):
        env.step(action)


@pytest.mark.parametrize("name", ["toy/fridge", "pettingzoo/toy_envs.fridge_v0"])
def test_other_games_show_numpys_arrays(name):
    env = envs.make(name, B, "cuda")
    assert all(isinstance(x, np.ndarray) for x in env.reset(0))
    env.close()


def test_where_jax_sees_no_card_games_are_played_on_the_processor_and_the_log_says_so_once(caplog):
    if any(device.platform == "gpu" for device in compiled.import_jax()[0].devices()):
        pytest.skip("JAX sees a card")
    compiled.card.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            view = envs.make(MPE, B, "cuda").reset(0)
    assert [as_tensor(x).device.type for x in view] == ["cpu"] * 4
    assert len(caplog.messages) == 1
    assert "JaxMARL's games are played on the processor: JAX sees no graphics card 0" in caplog.messages[0]
