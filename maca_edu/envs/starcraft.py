"""SMAC and SMACv2: battles in the game StarCraft II itself, through the package `smacv2`.

    smac/5m_vs_6m            SMAC's maps, always the same teams and places
    smacv2/protoss_5_vs_5    SMACv2's scenarios, teams and places drawn anew for each episode

Options behind a question mark, as in smacv2/zerg_10_vs_10?processes=5&last_actions=true:

agent_ids      true: append to each agent's observation who it is, as a one-hot vector
last_actions   true: append to each agent's observation what it did last, as a one-hot vector
processes      how many worker processes share the games; as many as there are games where it is not said
reset_seconds  how long a game may take for a reset before it is given up, 120
step_seconds   the same for a step, 60
repair         false: play SMAC's maps with the package's own code, see `repair`
The others are those of the package that are in `starcraft_configs.OPTIONS`, such as obs_last_action.

Info: dead_allies and dead_enemies, how many units of each team are dead after the step.

What is done here because the package does not do it:
* An episode that the clock ended is truncated, not terminated.
* An agent is alive where its unit has health.
* Teams, places and the seed of the game's own random numbers follow from each episode's seed. The game is still not
  reproducible: it runs in real time inside, and what a second episode in one game process does depends on the first.
* A game that crashed, hangs, does not start or answers nonsense is killed and started anew, see `workers`.

The state is the package's own: allies' and enemies' features and the allies' last actions. Table 6 of the paper counts
249 numbers for 5m_vs_6m and 124 in an observation; those come from the wrapper in HARL's code, which adds features that
the package does not have. Here it is 98 and 55 (72 with agent_ids and last_actions).

Several trainings on one machine do not disturb each other: each game has temporary files of its own and listens on a
random port that was free a moment before. Should two games ever draw the same port in that moment, one of them fails
and is started anew.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import os
import random
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs import options, smax
from maca_edu.envs.family import Family
from maca_edu.envs.starcraft_configs import MAPS, OPTIONS, SCENARIOS, arguments, map_file
from maca_edu.envs.workers import Broken, Limits, SingleStep, Vector
from maca_edu.team_env import Entities, Group, Part, View
from toy_envs.core import check_number

GUIDE = 'see "Running on StarCraft II", book/guides/starcraft.md, and maca-edu doctor starcraft'
TRUTHS = ("agent_ids", "last_actions", "repair")  # options that are true or false


class Battle:
    """One game of StarCraft II as one copy for `workers.Vector`.

    make_game: makes a `StarCraftCapabilityEnvWrapper`, or something with its methods.
    agent_ids, last_actions: whether observations end with them.
    Whatever goes wrong in the package or the game is raised as `workers.Broken`.
    """

    continuous = False
    winnable = True
    info_names = ("dead_allies", "dead_enemies")

    def __init__(self, make_game: Callable[[], object], agent_ids: bool = False, last_actions: bool = False):
        self.make_game, self.agent_ids, self.last_actions = make_game, agent_ids, last_actions
        self.game, self.begun, self.finished = make_game(), 0, 0
        info = self.game.get_env_info()
        self.n_agents, self.n_actions, self.horizon = info["n_agents"], info["n_actions"], info["episode_limit"]
        self.state_size = info["state_shape"]
        self.entities = entities(info, self.game.n_enemies)
        self.obs_size = info["obs_shape"] + agent_ids * self.n_agents + last_actions * self.n_actions

    def reset(self, seed: int) -> View:
        """Begin an episode with teams and places drawn from the seed."""
        with broken("in reset"):
            if self.begun > 0 and self.finished == 0:  # the package would start a second game and forget the first
                self.game.close()
                self.game = self.make_game()
        self.begun, self.time = self.begun + 1, 0
        self.did = np.zeros((self.n_agents, self.n_actions), dtype=np.float32)  # [n, A] one-hot, last actions
        self.randomness = Randomness(self.game, seed)
        with self.randomness, broken("in reset"):
            restarts = self.game.force_restarts
            answer = self.game.reset()
            if answer is None or self.game.force_restarts > restarts:
                raise Broken("the game was restarted in the middle of a reset")
            teams, expected = (len(self.game.agents), len(self.game.enemies)), (self.n_agents, self.game.n_enemies)
            if teams != expected:
                raise Broken(f"{teams} units instead of {expected}")
            return self.look()

    def step(self, action: np.ndarray) -> SingleStep:
        """Play a joint action `[n]`."""
        with self.randomness, broken("in step"):
            reward, over, info = self.game.step(action.tolist())
            if "battle_won" not in info:
                raise Broken("the game was lost in a step")
            self.time += 1
            self.did = np.eye(self.n_actions, dtype=np.float32)[action]
            late = info.get("episode_limit", False) or (self.time >= self.horizon and not over)
            self.finished += bool(over)
            won = bool(info["battle_won"])
            return SingleStep(self.look(), reward, over and not late, late, won, info)

    def look(self) -> View:
        """What the agents see now. The dead see zeros, also in place of who they are and what they did."""
        alive = np.array([self.game.agents[i].health > 0 for i in range(self.n_agents)])
        obs = [np.stack(self.game.get_obs())]  # [n, d]
        if self.agent_ids:
            obs.append(np.eye(self.n_agents) * alive[:, None])
        if self.last_actions:
            obs.append(self.did * alive[:, None])
        available = np.array(self.game.get_avail_actions())  # [n, A] of 0 and 1
        return View(np.concatenate(obs, axis=1), self.game.get_state(), available, alive)

    def close(self) -> None:
        """End the game."""
        self.game.close()


def entities(info: dict, enemies: int) -> Entities:
    """Where the package's state speaks of which unit: features of the allies, then of the enemies, health first; then,
    unless it was told otherwise, the allies' last actions; then the clock, if it was told so.

    info: what the package says of itself.
    """
    allies, ally, enemy = info["n_agents"], len(info["agent_features"]), len(info["enemy_features"])
    actions = allies * ally + enemies * enemy  # where they begin
    parts = [Part(0, ally)]
    if info["state_shape"] - actions >= allies * info["n_actions"]:
        parts.append(Part(actions, info["n_actions"]))
    own, others = (
        Group("allies", allies, tuple(parts), True),
        Group("enemies", enemies, (Part(allies * ally, enemy),), True),
    )
    return Entities((own, others))


@contextlib.contextmanager
def broken(where: str):
    """Turn any exception into `workers.Broken`. where: "in reset" or "in step", for the message."""
    try:
        yield
    except Broken:
        raise
    except (Exception, SystemExit) as error:
        raise Broken(f"{type(error).__name__} {where}: {error}") from error


class Randomness:
    """Makes everything random that the package draws in an episode follow from one seed.

    The package's distributions have generators of their own, which are replaced. It also uses the generators of Python
    and NumPy that a whole process shares: inside `with` they are this episode's, outside they are as they were.
    """

    def __init__(self, game, seed: int):
        children = np.random.SeedSequence(seed).generate_state(3).tolist()
        game.env._seed = children[0]  # the game's own, read when it is launched
        # The states of the two shared generators inside `with`: Python's and NumPy's
        self.states = random.Random(children[1]).getstate(), np.random.RandomState(children[1]).get_state()
        generator = np.random.default_rng(children[2])
        for distribution in game.env_key_to_distribution_map.values():
            give_generator(distribution, generator)

    def __enter__(self):
        self.outside = random.getstate(), np.random.get_state()  # noqa: NPY002  # the package uses NumPy's global one
        random.setstate(self.states[0])
        np.random.set_state(self.states[1])  # noqa: NPY002

    def __exit__(self, *_):
        self.states = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.setstate(self.outside[0])
        np.random.set_state(self.outside[1])  # noqa: NPY002


def give_generator(distribution, generator: np.random.Generator) -> None:
    """Let a distribution of the package's, and those of which it consists, draw from `generator`."""
    if hasattr(distribution, "rng"):
        distribution.rng = generator
    for part in vars(distribution).values():
        if hasattr(part, "generate"):
            give_generator(part, generator)


def repair(game) -> None:
    """Make SMAC's own maps playable: two faults of the package, mended from outside.

    Endless waiting. At the end of an episode the package kills all units and waits for an empty map. On SMAC's maps new
    units appear at once, so it would wait for ever (issues 2 and 55 of its tracker). Now it waits until the old ones
    are gone.

    Wrong types. The package compares allies' types with the numbers of the game's ordinary units, though allies have
    numbers of their own on these maps. In 2s3z and 3s5z that is an IndexError; in 1c3s5z, MMM and bane_vs_bane all
    allies look alike. Now allies' types are counted from the map's first one.

    game: a `StarCraftCapabilityEnvWrapper`, which is changed.
    """
    battle = game.env
    battle._kill_all_units = types.MethodType(_kill_those_there, battle)
    if battle.unit_type_bits:
        battle.get_unit_type_id = functools.partial(_unit_type, battle, battle.get_unit_type_id)


def _kill_those_there(battle) -> None:
    """Kill the units on the map and step until none of them is left. If that never happens, the worker's time limit
    ends it."""
    old = {unit.tag for unit in battle._obs.observation.raw_data.units}
    battle._kill_units(sorted(old))
    while old & {unit.tag for unit in battle._obs.observation.raw_data.units}:
        battle._controller.step(2)
        battle._obs = battle._controller.observe()


def _unit_type(battle, of_enemies: Callable, unit, ally: bool) -> int:
    """Which of the map's types of unit this is: 0, 1, ... of_enemies: the package's own function for that."""
    return unit.unit_type - battle._min_unit_type if ally else of_enemies(unit, False)


def make_game(changes: dict, task: str, mend: bool = True):
    """The package's environment for a map or scenario; the game itself starts with the first reset.

    changes: to `starcraft_configs.arguments`. mend: whether SMAC's maps are repaired, see `repair`.
    """
    game = importlib.import_module("smacv2.env").StarCraftCapabilityEnvWrapper(**arguments(task) | changes)
    if mend and task in MAPS:
        repair(game)
    return game


def game_folder() -> Path:
    """Where the game is looked for: `SC2PATH`, or StarCraftII in the home folder."""
    return Path(os.environ.get("SC2PATH") or "~/StarCraftII").expanduser()


def check_game(name: str) -> None:
    """Raise ValueError where the game, or the map that the environment called `name` needs, is not there."""
    task = options.split(name)[0].partition("/")[2]
    folder = game_folder()
    map_path = folder / "Maps" / "SMAC_Maps" / map_file(task)
    if not (folder / "Versions").is_dir():
        missing = f"the game StarCraft II, which is not in {folder} (SC2PATH)"
    elif not map_path.is_file():
        missing = f"the map {map_path}"
    else:
        return
    raise ValueError(f"env={name!r} needs {missing}: {GUIDE}{_twin(task)}")


def _twin(task: str) -> str:
    """What to play without the game, as the rest of a sentence; nothing where there is nothing alike."""
    twin = f"smax/{task}"
    return f"; {twin} is much like it and needs no game" if twin in smax.names() else ""


def names() -> list[str]:
    """SMAC's maps and SMACv2's scenarios."""
    return [f"smac/{task}" for task in MAPS] + [f"smacv2/{task}" for task in SCENARIOS]


def make(name: str, batch: int) -> Vector:
    """`batch` games of the map or scenario that `name` asks for, with the options at the top of this file.

    Works without the game, until `reset`. Raises ValueError where there is no such name or option, or the package is
    not installed; `reset` does where the game or its map is not there.
    """
    bare, chosen = options.split(name)
    if bare not in names():
        raise ValueError(f"env={name!r}; allowed are {', '.join(names())}, options as in smac/3m?agent_ids=true")
    task = bare.partition("/")[2]
    if importlib.util.find_spec("smacv2") is None:
        raise ValueError(f"env={name!r} needs the package smacv2 and the game StarCraft II: {GUIDE}{_twin(task)}")
    agent_ids = options.truth("agent_ids", chosen.pop("agent_ids", False))
    last_actions = options.truth("last_actions", chosen.pop("last_actions", False))
    mend = options.truth("repair", chosen.pop("repair", True))
    processes = check_integer("processes", chosen.pop("processes", batch), 1)
    reset_seconds = _seconds("reset_seconds", chosen.pop("reset_seconds", Limits().reset))
    step_seconds = _seconds("step_seconds", chosen.pop("step_seconds", Limits().step))
    for key in chosen.keys() - OPTIONS:
        allowed = sorted([*TRUTHS, "processes", "reset_seconds", "step_seconds", *OPTIONS])
        raise ValueError(f"env={name!r} has no option {key!r}; allowed are {', '.join(allowed)}")
    for key in chosen.keys() & OPTIONS:
        if isinstance(OPTIONS[key], bool):
            options.truth(key, chosen[key])
    if "difficulty" in chosen:
        chosen["difficulty"] = str(chosen["difficulty"])  # 7 is a number in the name, a word in the package
    make_one = functools.partial(make_game, chosen, task, mend)
    return Vector(
        functools.partial(Battle, make_one, agent_ids, last_actions),
        batch,
        processes,
        name,
        deterministic=False,
        limits=Limits(reset=reset_seconds, step=step_seconds),
        ready=functools.partial(check_game, name),
    )


def _seconds(key: str, value) -> float:
    """The option `key` as a positive number of seconds. Raises ValueError where it is none."""
    seconds = check_number(key, value)
    if seconds <= 0:
        raise ValueError(f"{key}={value!r}; allowed is a positive number")
    return seconds


FAMILY = Family(names, make, packages=("smacv2", "pysc2", "s2clientprotocol"), most_at_once=8)  # each game is a program
