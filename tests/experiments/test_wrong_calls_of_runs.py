"""`train`, `load`, `evaluate` and what they stand on refuse wrong types in one sentence that names the argument."""

import numpy as np
import pytest

import maca_edu
from maca_edu import envs
from maca_edu.experiments.presets import preset
from maca_edu.experiments.trust import trusted
from maca_edu.experiments.watch import watch
from maca_edu.training import loop
from maca_edu.training.config import Config

SMALL = Config(rollout=4)
WRONG = (3, -1, True, 2.5, float("nan"), [], {}, object(), np.ones((2, 2)), b"x", "a\nb", "")
WORDS = ("a\nb", "")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run and its directory."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return maca_edu.train("toy/xor", "mappo", 16, batch=4, config=SMALL, out=folder), folder


def train(**changes):
    return maca_edu.train(**dict(env="toy/xor", method="mappo", steps=16, batch=4, config=SMALL) | changes)


def train_in_env(**changes):
    return loop.train(**dict(env=envs.make("toy/xor", 4), method="mappo", steps=16, config=SMALL) | changes)


CALLS = [  # a function, the name of its argument, and values that are right
    (train, "env", ()),
    (train, "method", ()),
    (train, "steps", ()),
    (train, "seed", (3,)),
    (train, "batch", (3,)),
    (train, "preset", ()),
    (train, "config", ()),
    (train, "resume", (True,)),
    (train, "save_every", (3,)),
    (train, "progress", (True,)),
    (train, "processes", ()),
    (train, "device", ()),
    (train, "spare", ()),
    (train_in_env, "env", ()),
    (train_in_env, "method", ()),
    (train_in_env, "report", ()),
    (train_in_env, "spare", ()),
    (train_in_env, "device", ()),
    (train_in_env, "processes", ()),
    (lambda path: maca_edu.load(path), "path", WORDS[:1]),
    (lambda run: maca_edu.evaluate(run), "run", WORDS[:1]),
    (lambda run: watch(run, "film.gif"), "run", WORDS[:1]),
    (lambda out: watch("run", out), "out", WORDS[:1]),
    (lambda name: envs.make(name, 1), "env", ()),
    (envs.family, "env", ()),
    (envs.describe, "env", ()),
    (lambda episodes: envs.at_once("toy/xor", episodes), "episodes", (3,)),
    (lambda seed: envs.make("toy/xor", 1).reset(seed), "seed", (3,)),
    (lambda preset_name: preset(preset_name, "toy/xor", "maca"), "preset", ()),
    (lambda name: trusted("toy/xor", name), "trust_env", WORDS),
]


def says(call, name: str):
    """Whether a call raises ValueError with one sentence that names the argument."""
    with pytest.raises(ValueError, match=rf"^[^\n]*\b{name}\b[^\n]*$"):
        call()


@pytest.mark.parametrize(("call", "name", "right"), CALLS)
def test_a_wrong_type_is_named(call, name, right):
    for value in WRONG:
        if not any(value is one for one in right):
            says(lambda value=value: call(**{name: value}) if call in (train, train_in_env) else call(value), name)


def test_wrong_arguments_around_a_run_are_named(run):
    trained, folder = run
    world = envs.make("toy/xor", 2)
    for value in WRONG:
        says(lambda value=value: loop.play(value, world, 0), "run")
        says(lambda value=value: loop.play(trained, value, 0), "env")
        says(lambda value=value: maca_edu.load(folder, env=value), "env")
        says(lambda value=value: maca_edu.load(folder, method=value), "method")
        says(lambda value=value: maca_edu.evaluate(trained, 2, env=value), "env")
        if value is not WRONG[0]:  # 3 is a number
            says(lambda value=value: loop.play(trained, world, value), "seed")
            says(lambda value=value: loop.play(trained, world, 0, value), "episodes")
        if not isinstance(value, str):
            says(lambda value=value: maca_edu.load(folder, trust_env=value), "trust_env")
