"""Training uses no name of an environment that is not in `TeamEnv`."""

import dataclasses

import numpy as np
import pytest
from small_worlds import Recall

import maca_edu
from maca_edu import envs
from maca_edu.team_env import TeamEnv, View
from maca_edu.training import loop
from maca_edu.training.config import Config

SMALL = Config(
    rollout=8, epochs=1, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4,
    psi_design="paired", evaluate_every=1, evaluate_episodes=4, diagnose_every=1,
)  # fmt: skip
METHODS = {name for name, member in vars(TeamEnv).items() if callable(member) and not name.startswith("_")}
CONTRACT = set(TeamEnv.__annotations__) | METHODS
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=5"


class Strict:
    """An environment of which only the names of the contract can be read, and none can be written."""

    def __init__(self, env):
        vars(self)["_env"], vars(self)["_asked"] = env, set()

    def __getattr__(self, name):
        if name not in CONTRACT:  # no AttributeError, which `hasattr` would swallow
            raise AssertionError(f"training asked an environment for {name}, which TeamEnv does not have")
        self._asked.add(name)
        return getattr(self._env, name)

    def __setattr__(self, name, value):
        raise AssertionError(f"training set {name} of an environment")


def strict(batch=6):
    return Strict(envs.make(WAREHOUSE, batch))


def test_the_strict_environment_is_strict():
    assert {"reset", "step", "view", "fork", "state_dict", "load_state_dict", "close"} == METHODS
    assert {"name", "batch", "deterministic", "terms", "entities"} < CONTRACT
    for name in ("game", "_rng", "_time"):
        assert hasattr(envs.make(WAREHOUSE, 1), name)
        with pytest.raises(AssertionError, match=f"asked an environment for {name}"):
            hasattr(strict(), name)


@pytest.mark.parametrize("method", ["maca", "happo", "coma"])
def test_training_asks_for_the_contract_only(method, tmp_path):
    """Through all that a run does: paired search, evaluation, checkpoints, resuming, loading, playing."""
    config, asked, out = dataclasses.replace(SMALL, recurrent=method == "happo"), set(), tmp_path / "run"
    for updates, resume in ((2, False), (4, True)):
        env, spare = strict(), strict(4)
        run = loop.train(env, method, updates * 48, config=config, out=out, resume=resume, save_every=1, spare=spare)
        asked |= env._asked | spare._asked
    assert run.metrics["update"].tolist() == [1, 2, 3, 4]
    assert np.isfinite(run.metrics["greedy_return_mean"]).all()
    env = strict(3)
    played = loop.play(loop.load(env, out), env, seed=0)
    assert np.isfinite(played.return_mean)
    whole = loop.train(envs.make(WAREHOUSE, 6), method, 4 * 48, config=config, spare=envs.make(WAREHOUSE, 4))
    np.testing.assert_array_equal(run.metrics["return_mean"], whole.metrics["return_mean"])
    assert {"state_dict", "load_state_dict", "deterministic", "entities", "continuous"} <= asked


def test_maca_edu_train_asks_for_the_contract_only():
    env = strict()
    run = maca_edu.train(env, "mappo", 48, config=Config(rollout=8))
    assert run.settings["env"] == env.name
    assert np.isfinite(maca_edu.evaluate(run, episodes=3)["return_mean"])


class Breaks(Recall):
    """Recall, whose steps break the contract in one way. fault: what becomes of a `TeamStep`."""

    def __init__(self, batch, fault):
        self.fault = fault
        super().__init__(batch)

    def step(self, action):
        return self.fault(super().step(action))


def reusing():
    """A fault: every view is shown in the same arrays."""
    arrays = []

    def fault(step):
        arrays.extend(np.copy(x) for x in step.view if len(arrays) < 4)
        for array, x in zip(arrays, step.view, strict=True):
            array[...] = x
        return step._replace(view=View(*arrays))

    return fault


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (reusing(), "a step changed the obs that was shown before it; arrays that an environment returned are the"),
        (lambda s: s._replace(terminated=s.terminated.astype(int)), "terminated is an array of int64; needed is a"),
        (lambda s: s._replace(truncated=s.truncated.tolist()), "truncated is list; needed is a NumPy array of bool"),
        (lambda s: s._replace(truncated=s.terminated), "an episode is terminated and truncated; truncated is never"),
        (lambda s: s._replace(reward=s.reward.astype(object)), "reward is an array of object; needed is a NumPy array"),
        (lambda s: s._replace(reward=s.reward * np.nan), "reward holds nan; every number must be finite"),
    ],
)
def test_a_step_that_breaks_the_contract_is_named(fault, message):
    with pytest.raises(ValueError, match=f"^update 1: env='test/recall': {message}"):
        loop.train(Breaks(4, fault), "mappo", 4 * 8, config=Config(rollout=8))


@pytest.mark.parametrize("word", ["obs", "state"])
def test_numbers_that_are_not_finite_are_named_as_the_games(word):
    class Shows(Recall):
        def view(self):
            view = super().view()
            return view._replace(**{word: np.where(self.time.max() == 2, np.nan, getattr(view, word))})

    env = Shows(4)
    with pytest.raises(ValueError, match=f"^update 1: env='test/recall' shows {word} that is not finite$"):
        loop.train(env, "mappo", 4 * 8, config=Config(rollout=8))


def test_so_it_is_in_greedy_play():
    run = loop.train(Recall(4), "mappo", 4 * 8, config=Config(rollout=8))
    with pytest.raises(ValueError, match="env='test/recall': terminated is an array of int64"):
        loop.play(run, Breaks(4, lambda s: s._replace(terminated=s.terminated.astype(int))), seed=0)


def test_an_environment_may_show_the_same_array_again_where_it_leaves_it_alone():
    always = np.ones((4, 2, 2), dtype=bool)
    env = Breaks(4, lambda s: s._replace(view=s.view._replace(available=always)))
    loop.train(env, "mappo", 4 * 8, config=Config(rollout=8))
