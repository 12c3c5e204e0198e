"""Any PettingZoo game whose agents act at once, your own too, played by a team for one reward.

"pettingzoo/my_game?size=4" plays `parallel_env(size=4)` of my_game.py in the current folder, or of an installed module.
Four options are ours, and "game." before a name reaches an argument of the game that is called like one of them, as in
?game.horizon=9:

reward         shared (the usual one): all agents' rewards must be equal; sum or mean of the agents' rewards, the dead's
               counting as 0
horizon        steps after which an episode is cut; needed where the game does not tell when its own clock runs out
processes      how many worker processes share the copies; 0 (the usual one): they run in this process
deterministic  false: the game does not follow its seed, so that a resumed run begins new episodes. Where it is not
               said, the game is tried out

Where actions are numbers, a team's -1 is the lowest and its 1 the highest number that the game allows, whatever they
are there. A number without two finite bounds stays in the game's own units, and the log says so.

How a game is imported is in `game_module`, how it is played and checked in `parallel_game`.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs import options
from maca_edu.envs.family import Family
from maca_edu.envs.game_module import build
from maca_edu.envs.parallel_game import REWARDS, ParallelSingle
from maca_edu.envs.workers import Single, Vector

__all__ = ["FAMILY", "ParallelSingle", "build", "make", "names", "single"]

LOG = logging.getLogger(__name__)
TRIAL_STEPS = 8  # of each episode in which a game shows whether it follows its seed


def follows_its_seed(make_single: Callable[[], Single]) -> bool:
    """Whether the same seed and actions give the same episode, also later and beside another copy that plays.

    make_single: makes one copy of the game, of which two are tried out.
    """
    one, other = make_single(), make_single()
    try:
        alone = list(trial(one, seed=1))
        list(trial(other, seed=2))
        in_turn = itertools.zip_longest(trial(other, seed=1), trial(one, seed=2))
        together = [mine for mine, _ in in_turn if mine is not None]
        return len(alone) == len(together) and all(map(same, alone, together))
    finally:
        one.close()
        other.close()


def same(a: tuple, b: tuple) -> bool:
    """Whether two steps showed and paid the same."""
    return len(a) == len(b) and all(map(np.array_equal, a, b))


def trial(single: Single, seed: int) -> Iterator[tuple]:
    """The beginning of an episode with random legal actions: what was seen, and the reward and ends of each step."""
    rng = np.random.default_rng(seed)
    view, ended = single.reset(seed), False
    yield tuple(view)
    for _ in range(TRIAL_STEPS):
        if ended:
            return
        if single.continuous:
            action = rng.uniform(-1, 1, view.available.shape).astype(np.float32)
        else:
            action = (rng.random(view.available.shape) * view.available).argmax(-1)
        step = single.step(action)
        view, ended = step.view, step.terminated or step.truncated
        yield (*view, step.reward, step.terminated, step.truncated)


# ---------------------------------------------------------------------------------------------------------------------
# By name


class Asked(NamedTuple):
    """What an environment's name asks for."""

    module: str
    reward: str
    horizon: int | None  # None: the game's own clock
    processes: int
    deterministic: bool | None  # None: to be tried out
    arguments: dict  # of the game's `parallel_env`


def asked(name: str) -> Asked:
    """What `name` asks for. Raises ValueError where an option is wrong."""
    bare, chosen = options.split(name)
    deterministic = chosen.pop("deterministic", None)
    if deterministic is not None:
        options.truth("deterministic", deterministic)
    ours = [chosen.pop(key, usual) for key, usual in (("reward", "shared"), ("horizon", None), ("processes", 0))]
    if ours[0] not in REWARDS:
        allowed = f"allowed are {', '.join(REWARDS)}; an argument of the game's own is reached with game.reward"
        raise ValueError(f"env={name!r}: reward={ours[0]!r}; {allowed}")
    arguments: dict = {}
    for key, value in chosen.items():
        key = key.removeprefix("game.")
        if key in arguments:
            raise ValueError(f"env={name!r} gives the option {key!r} twice; allowed is once")
        arguments[key] = value
    return Asked(bare.removeprefix("pettingzoo/"), *ours, deterministic, arguments)


def single(name: str, **extra) -> ParallelSingle:
    """One copy of the game that `name` asks for. extra: options for the game that are not in its name.

    Raises ValueError where there is no such module or the game cannot be a team's.
    """
    wanted = asked(name)
    env = build(name, wanted.module, "parallel_env", wanted.arguments | extra)
    return ParallelSingle(env, wanted.reward, wanted.horizon, name)


def names() -> list[str]:
    """None: there are as many as modules with a game."""
    return []


def make(name: str, batch: int) -> Vector:
    """`batch` copies of the game, such as "pettingzoo/mpe2.simple_spread_v3?reward=sum".

    Raises ValueError where there is no such module or the game cannot be a team's.
    """
    wanted, make_single = asked(name), functools.partial(single, name)
    batch = check_integer("batch", batch, 1)
    deterministic = wanted.deterministic
    with contextlib.closing(make_single()) as one:
        for agent in one.unbounded():
            warn_of_bounds(name, agent)
    if deterministic is not False and not follows_its_seed(make_single):
        if deterministic:
            raise ValueError(f"env={name!r}: deterministic=True, but the same seed gave two different episodes")
        warn_of_chance(name)
        deterministic = False
    return Vector(make_single, batch, wanted.processes, name, deterministic=deterministic is not False)


@functools.cache  # once for each name
def warn_of_chance(name: str) -> None:
    """Say that a game does not follow its seed."""
    LOG.warning(
        "env=%r does not follow its seed: the same seed gave two different episodes. No two runs will be the same, and "
        "a resumed one begins new episodes; write deterministic=false where that is meant",
        name,
    )


@functools.cache  # once for each name
def warn_of_bounds(name: str, agent) -> None:
    """Say that an agent's actions have numbers that end nowhere."""
    LOG.warning(
        "env=%r: an action of agent %r has numbers without finite bounds, so they cannot be scaled to -1 to 1; a team "
        "begins near 0 with a deviation below 1/2 in the game's own units, and may never try what lies far from there",
        name,
        agent,
    )


FAMILY = Family(names, make, packages=("pettingzoo",))
