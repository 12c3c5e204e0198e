"""Battles of SMAX, the StarCraft-like game of JaxMARL, against its scripted enemy; `smax_scenarios` lists the maps.

The game is JaxMARL's `HeuristicEnemySMAX`, all B battles stepped by one compiled function. What is done here:

* Episodes. JaxMARL's own automatic reset hides the last view and mixes up the end of the game with the end of time,
  so it is not used. A battle is terminated where a team is dead, truncated where the clock runs out before that.
  JaxMARL looks at its clock before it counts the step, so that `max_steps=100` plays 101; here 100 means 100.
* Winning. All enemies dead and an ally alive. Both teams dead at once is a draw, and a draw or the end of time is no
  win; it is also what JaxMARL pays its bonus of 1 for.
* Walls. A unit that touches the edge of the map dies (`walls=true`), ally or enemy, and an enemy's death there pays
  like any other: JaxMARL's default, kept so that results compare with those published for it. StarCraft has no such
  rule; `walls=false` switches it off.
* State. JaxMARL's world state gives positions in map units (0 to 32), the cooldown of weapons in seconds, falling
  without bound below zero while a unit does not shoot, and kinds as numbers 0 to 5. By default it is scaled
  (`state=scaled`): positions as shares of the map, cooldown as a share of the weapon's own, clipped to 0 to 1 as in
  the observations, kinds as numbers 0 to 1. `state=raw` leaves it as it is.
* Random numbers. Every battle has a key of its own, from the seed: key, step key, reset key = split(key, 3).

Actions: north, east, south, west, stop, then shoot at enemy 0, 1, ...; the dead may only stop.
Reward: the share of the enemies' health that was removed in the step, divided by their number, and 1 for a win.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from functools import lru_cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from maca_edu.envs import options
from maca_edu.envs.core import TeamStep, View
from maca_edu.envs.smax_scenarios import BATTLES, KINDS, Battle
from toy_envs.core import check_integer

PACKAGES = ("jaxmarl",)
MOVES = 5  # actions that are no shots
EDGE = 2  # how far from the map's edge the units of our own random maps start
STATES = ("scaled", "raw")
RESTARTS = 8  # battles restarted at a time: few end in the same step


class Units(NamedTuple):
    """Where the units are now, allies first."""

    position: np.ndarray  # [B, n + m, 2] float32, in map units, 0 to 32
    health: np.ndarray  # [B, n + m] float32, share of a whole unit's; 0 where dead
    kind: np.ndarray  # [B, n + m] int64, index in smax_scenarios.KINDS


def import_jax():
    """The packages jax and jaxmarl.environments.smax, on the CPU, with the compiler's cache kept between runs.

    The cache is in `JAX_COMPILATION_CACHE_DIR` where that is set, otherwise in ~/.cache/maca-edu/jax (or below
    `XDG_CACHE_HOME`). Raises ValueError where a package is missing.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        with silence():
            import jax
            from jaxmarl.environments import smax
    except ModuleNotFoundError as error:
        raise ValueError(f"smax/... needs the package {error.name}: pip install 'maca-edu[jax]'") from None
    if jax.config.jax_compilation_cache_dir is None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(home / "maca-edu" / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    return jax, smax


@contextlib.contextmanager
def silence():
    """Print nothing. Importing jaxmarl prints two lines about something else, and leaves sys.stdout and sys.stderr set
    to what they were when Python started, which would take a notebook's output away: both are put back."""
    before = sys.stdout, sys.stderr, sys.__stdout__
    sys.stdout = sys.__stdout__ = io.StringIO()
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.__stdout__ = before


def build(battle: Battle, walls: bool, time_limit: int):
    """JaxMARL's environment of a battle; its clock rings after `time_limit` steps."""
    jax, smax = import_jax()
    kinds = [KINDS.index(kind) for kind in battle.kinds]
    fixed = np.zeros(battle.allies + battle.enemies) if battle.random else kinds
    types = jax.numpy.array(fixed, dtype=jax.numpy.uint8)
    scenario = smax.Scenario(types, battle.allies, battle.enemies, battle.random, battle.random)
    game = smax.HeuristicEnemySMAX(scenario=scenario, walls_cause_death=walls, max_steps=time_limit - 1)
    game._env._push_units_away = partial(push_apart, game._env)
    if battle.random and battle.kinds != KINDS:
        limit_to(game._env, kinds)
    return game


def push_apart(core, state):
    """The state with living units that overlap moved apart, as JaxMARL's `_push_units_away` does.

    This runs eight times a step. Written for each coordinate alone it is compiled to code that makes the whole step
    1.6 times faster than JaxMARL's, whose sums run over the two coordinates.
    """
    import jax.numpy as jnp

    x, y = state.unit_positions.T
    dx, dy = x[:, None] - x, y[:, None] - y  # [n + m, n + m]
    distance = jnp.sqrt(dx * dx + dy * dy) + jnp.identity(len(x)) + 1e-6
    radius = core.unit_type_radiuses[state.unit_types]
    overlap = jnp.maximum((radius[:, None] + radius) / distance - 1, 0)
    overlap = jnp.where(state.unit_alive[:, None] & state.unit_alive, overlap, 0) / 2
    moved = jnp.stack([x + (dx * overlap).sum(1), y + (dy * overlap).sum(1)], axis=1)
    return state.replace(unit_positions=jnp.where(state.unit_alive[:, None], moved, state.unit_positions))


def limit_to(core, kinds: list[int]) -> None:
    """Make a map with random teams draw them from some of SMAX's kinds only, and start everyone inside the map.

    JaxMARL's own maps draw from all kinds and leave a unit outside the map in one battle of ten, dead at once where
    walls kill.
    """
    import jax
    import jax.numpy as jnp

    start, size = core.position_generator.generate, core.num_allies

    def teams(key):
        team = jax.random.choice(key, jnp.array(kinds, dtype=jnp.uint8), (size,))
        return jnp.concatenate([team, team])

    def starts(key):
        return jnp.clip(start(key), EDGE, jnp.array([core.map_width, core.map_height]) - EDGE)

    core.unit_type_generator = SimpleNamespace(generate=teams)
    core.position_generator = SimpleNamespace(generate=starts)


class Programs:
    """The game as functions of one battle, and compiled for many.

    A battle is a pair (game, key): JaxMARL's state and the key from which its later random numbers come.
    """

    def __init__(self, game, scaled: bool):
        jax, _ = import_jax()
        self.game, self.scaled, self.core = game, scaled, game._env
        self.start = jax.jit(jax.vmap(self.first))
        self.step = jax.jit(self.play)

    def first(self, key):
        """A new battle and its view."""
        import jax

        key, reset_key = jax.random.split(key)
        obs, game = self.game.reset(reset_key)
        return (strong(game), key), self.see(obs, game)

    def see(self, obs, game) -> View:
        """What is known before the agents act: obs [n, d], state [s], available [n, A], alive [n]."""
        import jax.numpy as jnp

        team, state = self.game.agents, game.state
        available = self.game.get_avail_actions(game)
        return View(
            jnp.stack([obs[agent] for agent in team]),
            self.scale(obs["world_state"]) if self.scaled else obs["world_state"],
            jnp.stack([available[agent] for agent in team]).astype(bool),
            state.unit_health[: len(team)] > 0,
        )

    def scale(self, state):
        """JaxMARL's world state `[s]` with every number of about size 1."""
        import jax.numpy as jnp

        core, units = self.core, self.core.num_agents
        each, team, kind = jnp.split(state, [len(state) - 2 * units, len(state) - units])
        each = each.reshape(units, -1)  # [n + m, 10] health, x, y, cooldown, six bits
        ready = core.unit_type_weapon_cooldowns[kind.astype(int)]
        position = each[:, 1:3] / jnp.array([core.map_width, core.map_height])
        cooldown = jnp.clip(each[:, 3] / ready, 0, 1)[:, None]
        each = jnp.concatenate([each[:, :1], position, cooldown, each[:, 4:]], axis=1)
        return jnp.concatenate([each.reshape(-1), team, kind / (len(KINDS) - 1)])

    def move(self, battle, action):
        """One step of one battle: the battle, its view and what happened, without a restart."""
        import jax
        import jax.numpy as jnp

        game, key = battle
        key, step_key, reset_key = jax.random.split(key, 3)
        actions = {agent: action[i] for i, agent in enumerate(self.game.agents)}
        obs, game, rewards, _, _ = self.game.step_env(step_key, game, actions)
        health, n = game.state.unit_health, len(self.game.agents)
        dead = jnp.stack([(health[:n] <= 0).sum(), (health[n:] <= 0).sum()])  # [2] allies, enemies
        over = (dead[0] == n) | (dead[1] == len(health) - n)
        late = (game.state.step > self.core.max_steps) & ~over
        won = (dead[1] == len(health) - n) & (dead[0] < n)
        battle = strong(game), key
        return battle, reset_key, self.see(obs, game), (rewards[self.game.agents[0]], over, late, won, dead)

    def play(self, battles, action):
        """One step of all battles `[B, ...]`, those that ended restarted: battles, view, final, outcome."""
        import jax
        import jax.numpy as jnp

        battles, reset_keys, final, outcome = jax.vmap(self.move)(battles, action)
        B = len(action)

        def restart(carry):
            ended, battles, view = carry
            rows = jnp.nonzero(ended, size=min(RESTARTS, B), fill_value=B)[0]  # B: no battle, dropped below
            put = partial(jax.tree.map, lambda all, new: all.at[rows].set(new, mode="drop"))
            new_battles, new_view = jax.vmap(self.first)(reset_keys[jnp.minimum(rows, B - 1)])
            return ended.at[rows].set(False, mode="drop"), put(battles, new_battles), put(view, new_view)

        ended = outcome[1] | outcome[2]
        _, battles, view = jax.lax.while_loop(lambda carry: carry[0].any(), restart, (ended, battles, final))
        return battles, view, final, outcome


def strong(tree):
    """The same arrays without JAX's weak types, which would have `step` compiled again for each function's battles."""
    import jax

    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, x.dtype), tree)


@lru_cache
def programs(battle: Battle, walls: bool, time_limit: int, state: str) -> Programs:
    """The compiled functions of a battle, shared by all who play it."""
    return Programs(build(battle, walls, time_limit), state == "scaled")


class SmaxEnv:
    """`batch` battles of a map against JaxMARL's scripted enemy (see `core.TeamEnv` and the top of this file).

    name: what runs call it. walls: units die at the edge of the map. time_limit: steps after which a battle is
    truncated. state: "scaled" or "raw". Raises ValueError where one is not allowed or JaxMARL is not installed.
    """

    continuous = False

    def __init__(self, battle: Battle, batch: int, name: str, *, walls=True, time_limit=100, state="scaled"):
        if not isinstance(walls, bool):
            raise ValueError(f"walls={walls!r}; allowed are true and false")
        if state not in STATES:
            raise ValueError(f"state={state!r}; allowed are {', '.join(STATES)}")
        self.name, self.batch = name, check_integer("batch", batch, 1)
        self.horizon = check_integer("time_limit", time_limit, 2)
        self._programs = programs(battle, walls, self.horizon, state)
        core = self._programs.core
        self.n_agents, self.n_actions = battle.allies, battle.enemies + MOVES
        self.obs_size, self.state_size = core.obs_size, core.state_size
        self._full_health = np.asarray(core.unit_type_health)
        self.reset(0)

    def reset(self, seed: int) -> View:
        """Start new battles everywhere; all later random numbers follow from the seed."""
        keys = np.random.SeedSequence(seed).generate_state(2 * self.batch).reshape(self.batch, 2)
        jax, _ = import_jax()
        self._battles, view = self._programs.start(jax.device_put(keys, jax.devices("cpu")[0]))
        self._view = to_numpy(view)
        return self.view()

    def view(self) -> View:
        """What is known now."""
        return View(*(array.copy() for array in self._view))

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, integers `[B, n]`. Raises ValueError where one is not legal."""
        result = self._programs.step(self._battles, self._checked(action))
        self._battles = result[0]
        view, final, (reward, terminated, truncated, won, dead) = to_numpy(result[1:])
        self._view = view
        info = dict(dead_allies=dead[:, 0], dead_enemies=dead[:, 1])
        return TeamStep(self.view(), final, reward, terminated, truncated, won, info)

    def _checked(self, action) -> np.ndarray:
        """The action as int32, or ValueError."""
        action, shape = np.asarray(action), (self.batch, self.n_agents)
        if action.shape != shape or action.dtype.kind not in "iu":
            raise ValueError(f"action has shape {action.shape} and type {action.dtype}; allowed are integers {shape}")
        inside = (action >= 0) & (action < self.n_actions)
        index = np.where(inside, action, 0)[..., None]
        legal = inside & np.take_along_axis(self._view.available, index, axis=-1)[..., 0]
        if not legal.all():
            b, i = np.argwhere(~legal)[0]
            allowed = np.flatnonzero(self._view.available[b, i]).tolist()
            raise ValueError(f"action[{b}, {i}]={action[b, i]}; allowed there are {allowed}")
        return action.astype(np.int32)

    def positions(self) -> Units:
        """Where all units are now, how healthy and of what kind, for pictures; after a battle's end, the next one's."""
        now = self._battles[0].state
        position, health, kind = (np.array(x) for x in (now.unit_positions, now.unit_health, now.unit_types))
        return Units(position, health / self._full_health[kind], kind.astype(np.int64))

    def state_dict(self) -> dict:
        """The battles, their keys and the last view, all as arrays."""
        import_jax()[0].block_until_ready(self._battles)
        return dict(battles=self._named(self._battles), view=self.view()._asdict())

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called. Raises ValueError where it belongs to other battles."""
        jax, _ = import_jax()
        here, saved = self._named(self._battles), state["battles"]
        shapes = [{name: (x.shape, x.dtype) for name, x in arrays.items()} for arrays in (here, saved)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"the saved battles differ from {self.name!r} with batch={self.batch}")
        leaves = [jax.device_put(np.array(saved[name]), jax.devices("cpu")[0]) for name in here]
        self._battles = jax.tree.unflatten(jax.tree.structure(self._battles), leaves)
        self._view = View(**{name: np.array(x) for name, x in state["view"].items()})

    def _named(self, battles) -> dict[str, np.ndarray]:
        """The battles' arrays by name."""
        jax, _ = import_jax()
        leaves = jax.tree_util.tree_leaves_with_path(battles)
        return {jax.tree_util.keystr(path, simple=True, separator="/"): np.array(leaf) for path, leaf in leaves}

    def close(self) -> None:
        """There is nothing to give back."""


def to_numpy(tree):
    """The arrays of a tuple, or of tuples in it, as arrays of NumPy's that nobody else writes to."""
    jax, _ = import_jax()
    return jax.tree.map(np.array, tree)


def names() -> list[str]:
    """The maps' names."""
    return [f"smax/{battle}" for battle in BATTLES]


def sizes(name: str) -> tuple[int, int]:
    """How many agents and actions the map called `name` has, without starting anything."""
    battle = _battle(name)
    return battle.allies, battle.enemies + MOVES


def make(name: str, batch: int) -> SmaxEnv:
    """`batch` battles of the map that `name` asks for, such as "smax/2s3z?walls=false&state=raw".

    Raises ValueError where there is no such map or option, or JaxMARL is not installed.
    """
    _, chosen = options.split(name)
    battle, allowed = _battle(name), ("walls", "time_limit", "state")
    if unknown := chosen.keys() - set(allowed):
        raise ValueError(f"env={name!r} has no option {', '.join(sorted(unknown))}; allowed are {', '.join(allowed)}")
    return SmaxEnv(battle, batch, name, **chosen)


def _battle(name: str) -> Battle:
    """The battle that `name`, options or not, is about. Raises ValueError where there is none."""
    battle = options.split(name)[0].removeprefix("smax/")
    if battle not in BATTLES:
        raise ValueError(f"env={name!r}; allowed are {', '.join(names())}, options as in smax/2s3z?walls=false")
    return BATTLES[battle]
