"""Battles of SMAX, the StarCraft-like game of JaxMARL, against its scripted enemy; `smax_scenarios` lists the maps.

The game is JaxMARL's `HeuristicEnemySMAX`, all B battles stepped by one compiled function. Options behind the map's
name, as in smax/2s3z?walls=false: walls=true, time_limit=100, state=scaled or raw.

Actions: north, east, south, west, stop, then shoot at enemy 0, 1, ...; the dead may only stop.
Reward: the share of the enemies' health that was removed in the step, divided by their number, and 1 for a win.
Credit: a term for each enemy, what the team was paid for its loss of health, and a term for the win. Members of an
enemy's term are the allies who hit it in the step, also where others' shots in the same moment would have been enough.
Members of the win are all who were alive when its step began; where nothing is won it has none. An enemy that runs into
the edge of the map is paid for like any other, if need be without members.
Info: dead_allies and dead_enemies, how many units of each team are dead after the step.

What is done here:

* Episodes. JaxMARL's own automatic reset hides the last view and mixes up the end of the game with the end of time,
  so it is not used. A battle is terminated where a team is dead, truncated where the clock runs out before that.
  JaxMARL looks at its clock before it counts the step, so that its `max_steps=100` plays 101; here `time_limit=100`
  means 100.
* Winning. All enemies dead and an ally alive: what JaxMARL pays its bonus of 1 for. Both teams dead at once is a draw;
  neither a draw nor the end of time is a win.
* Walls. A unit that touches the edge of the map dies (`walls=true`), ally or enemy, and an enemy's death there pays
  like any other: JaxMARL's default, kept so that results compare with those published for it. StarCraft has no such
  rule; `walls=false` switches it off.
* State. JaxMARL's world state gives positions in map units (0 to 32), the cooldown of weapons in seconds, falling
  without bound below zero while a unit does not shoot, and kinds as numbers 0 to 5. By default it is scaled
  (`state=scaled`): positions as shares of the map, cooldown as a share of the weapon's own, clipped to 0 to 1 as in
  the observations, kinds as numbers 0 to 1. `state=raw` leaves it as it is.
* Random numbers. Every battle has a key of its own, from the seed; `compiled` says how it is used.
"""

from __future__ import annotations

from functools import lru_cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs import options
from maca_edu.envs.compiled import CompiledEnv, Moved, Outcome, Programs, import_jax, place_of
from maca_edu.envs.family import Family, Sizes
from maca_edu.envs.smax_scenarios import BATTLES, KINDS, Battle
from maca_edu.team_env import Credit, Entities, Group, Part, View

if TYPE_CHECKING:
    import torch

MOVES = 5  # actions that are no shots
EDGE = 2  # how far from the map's edge the units of our own random maps start
STATES = ("scaled", "raw")


class Units(NamedTuple):
    """Where the units of battles are now: n allies, then m enemies. The units of one battle have no batch axis."""

    position: np.ndarray  # [B, n + m, 2] float32, in map units, 0 to 32
    health: np.ndarray  # [B, n + m] float32, share of a whole unit's; 0 where dead
    kind: np.ndarray  # [B, n + m] int64, index in smax_scenarios.KINDS


class Asked(NamedTuple):
    """What a name asks for."""

    battle: Battle
    walls: bool  # units die at the edge of the map
    time_limit: int  # steps after which a battle is truncated
    scaled: bool  # the state is scaled
    team: tuple[str, ...] = ()  # the allies, and so the enemies, of every battle on a map with random teams; (): drawn


def build(battle: Battle, walls: bool, time_limit: int, team: tuple[str, ...] = ()):
    """JaxMARL's environment of a battle, with a clock that says stop after `time_limit` steps."""
    jax, environments = import_jax()
    smax = environments.smax
    kinds = [KINDS.index(kind) for kind in battle.kinds]
    fixed = np.zeros(battle.allies + battle.enemies) if battle.random else kinds
    types = jax.numpy.array(fixed, dtype=jax.numpy.uint8)
    scenario = smax.Scenario(types, battle.allies, battle.enemies, battle.random, battle.random)
    game = smax.HeuristicEnemySMAX(scenario=scenario, walls_cause_death=walls, max_steps=time_limit - 1)
    game._env._push_units_away = partial(push_apart, game._env)
    if battle.random and battle.kinds != KINDS:
        limit_to(game._env, kinds)
    if team:
        game._env.unit_type_generator = SimpleNamespace(generate=lambda key: jax.numpy.tile(numbers(team), 2))
    return game


def numbers(team: tuple[str, ...]) -> np.ndarray:
    """SMAX's numbers of kinds."""
    return np.array([KINDS.index(kind) for kind in team], dtype=np.uint8)


def push_apart(core, state):
    """The state with living units that overlap moved apart, as JaxMARL's `_push_units_away` does.

    This runs eight times a step. JaxMARL adds up over an axis of the two coordinates; with each coordinate in an array
    of its own the compiled step as a whole is 1.6 times faster.
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


def entities(allies: int, enemies: int, features: int) -> Entities:
    """Where JaxMARL's world state speaks of which unit: features of all units, health first, then teams, then kinds."""
    units = allies + enemies
    team, kind = features * units, (features + 1) * units  # where these begin

    def group(name: str, first: int, count: int) -> Group:
        return Group(
            name, count, (Part(features * first, features), Part(team + first, 1), Part(kind + first, 1)), True
        )

    return Entities((group("allies", 0, allies), group("enemies", allies, enemies)))


class Game:
    """A battle for `compiled.Programs`: JaxMARL's environment, changed as the top of this file says."""

    continuous = False

    def __init__(self, asked: Asked):
        battle = asked.battle
        self.game = build(battle, asked.walls, asked.time_limit, asked.team)
        self.horizon, self.scaled = asked.time_limit, asked.scaled
        self.core = self.game._env
        self.n_agents, self.n_actions = battle.allies, battle.enemies + MOVES
        self.obs_size, self.state_size = self.core.obs_size, self.core.state_size
        self.terms = (*(f"enemy_{e}" for e in range(battle.enemies)), "win")
        self.entities = entities(battle.allies, battle.enemies, len(self.core.own_features))

    def first(self, key):
        """A new battle and its view."""
        import jax

        key, reset_key = jax.random.split(key)
        obs, game = self.game.reset(reset_key)
        return (game, key), self.see(obs, game)

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

    def move(self, battle, action) -> Moved:
        """One step of one battle; action [n]."""
        import jax

        game, key = battle
        key, step_key, reset_key = jax.random.split(key, 3)
        before = game.state
        actions = {agent: action[i] for i, agent in enumerate(self.game.agents)}
        obs, game, rewards, _, _ = self.game.step_env(step_key, game, actions)
        health, n = game.state.unit_health, self.n_agents
        allies, enemies = (health[:n] <= 0).sum(), (health[n:] <= 0).sum()  # dead
        over = (allies == n) | (enemies == len(health) - n)
        late = (game.state.step >= self.horizon) & ~over
        won = (enemies == len(health) - n) & (allies < n)
        info = dict(dead_allies=allies, dead_enemies=enemies)
        credit = self.credit(before, game.state, action, won)
        outcome = Outcome(rewards[self.game.agents[0]], over, late, won, info, credit)
        return Moved((game, key), reset_key, self.see(obs, game), outcome)

    def credit(self, before, after, action, won) -> Credit:
        """Who earned what in a step, from JaxMARL's states before and after it: amount [K], members [K, n].

        A weapon's cooldown falls by the same in each of the step's world frames, and jumps up where it is fired. So an
        ally has fired, which it only does at a living enemy in range, where the cooldown fell by less than that. After
        a shot it is higher by the whole step's fall at least, as the shortest cooldown is seven frames: half of it
        tells the two apart.
        """
        import jax.numpy as jnp

        core, n = self.core, self.n_agents
        full = core.unit_type_health[before.unit_types]
        loss = ((before.unit_health - after.unit_health) / full)[n:] / core.num_enemies  # [m]
        fall = core.time_per_step * core.world_steps_per_env_step
        fired = after.unit_weapon_cooldowns[:n] > before.unit_weapon_cooldowns[:n] - fall / 2  # [n]
        hit = fired & (action == MOVES + jnp.arange(core.num_enemies)[:, None])  # [m, n]
        winners = won & before.unit_alive[:n]
        return Credit(jnp.append(loss, won.astype(loss.dtype)), jnp.concatenate([hit, winners[None]]))


@lru_cache
def programs(asked: Asked) -> Programs:
    """The compiled functions of a battle, shared by all who play it in this process."""
    return Programs(Game(asked))


class SmaxEnv(CompiledEnv):
    """`batch` battles of a map against JaxMARL's scripted enemy (see `team_env.TeamEnv` and the top of this file)."""

    def positions(self) -> Units:
        """Where all units are now, how healthy and of what kind, for pictures; after a battle's end, the next one's."""
        now = self._copies[0].state
        position, health, kind = (np.array(x) for x in (now.unit_positions, now.unit_health, now.unit_types))
        whole = np.asarray(self._programs.game.core.unit_type_health)
        return Units(position, health / whole[kind], kind.astype(np.int64))


def names() -> list[str]:
    """The maps' names."""
    return [f"smax/{battle}" for battle in BATTLES]


def sizes(name: str) -> Sizes:
    """The sizes of the map that `name` asks for; nothing is imported or compiled. Raises ValueError as `make`."""
    asked = _asked(name)
    return Sizes(asked.battle.allies, asked.battle.enemies + MOVES, Game.continuous, asked.time_limit)


def make(name: str, batch: int, device: torch.device | str | None = None) -> SmaxEnv:
    """`batch` battles of the map that `name` asks for, such as "smax/2s3z?walls=false&state=raw".

    device: see `envs.make`. Raises ValueError where there is no such map or option, or JaxMARL is not installed.
    """
    asked, place = _asked(name), place_of(device)  # JAX hears of the device before a game is built
    return SmaxEnv(programs(asked), batch, name, place)


def _asked(name: str) -> Asked:
    """What `name` asks for. Raises ValueError where there is no such map or option."""
    bare, chosen = options.split(name)
    battle = bare.removeprefix("smax/")
    if battle not in BATTLES:
        raise ValueError(f"env={name!r}; allowed are {', '.join(names())}, options as in smax/2s3z?walls=false")
    walls, state = options.truth("walls", chosen.pop("walls", True)), chosen.pop("state", "scaled")
    time_limit = check_integer("time_limit", chosen.pop("time_limit", 100), 1)
    team = _team(battle, chosen.pop("team", None))
    if chosen:
        raise ValueError(f"env={name!r} has no option {', '.join(chosen)}; allowed are walls, time_limit, state, team")
    if state not in STATES:
        raise ValueError(f"state={state!r}; allowed are {', '.join(STATES)}")
    return Asked(BATTLES[battle], walls, time_limit, state == "scaled", team)


def _team(name: str, asked) -> tuple[str, ...]:
    """The team that the option asks for; (): none. Raises ValueError where the map has no such team."""
    if asked is None:
        return ()
    battle, team = BATTLES[name], tuple(str(asked).split(","))
    if not battle.random:
        raise ValueError(f"team={asked!r} on smax/{name}; allowed is a team on maps with random teams")
    if len(team) != battle.allies or not set(team) <= set(battle.kinds):
        allowed = f"{battle.allies} kinds with commas between them, out of {', '.join(battle.kinds)}"
        raise ValueError(f"team={asked!r}; allowed on smax/{name} are {allowed}")
    return team


FAMILY = Family(names, make, packages=("jaxmarl",), sizes=sizes, takes_device=True)
