"""mpe2's three cooperative games, all copies stepped together in NumPy: to the last bit what mpe2 computes one by one.

Each episode begins as mpe2 draws it. The physics is that of `mpe2._mpe_utils.core.World.step`: an action is a force,
discs that touch push each other away, then  x += v dt  and  v = v (1 - damping) + F dt  (all masses are 1). Sums are
taken in mpe2's order, since another order rounds otherwise.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs.actions import check_actions
from maca_edu.envs.forks import refuse_fork
from maca_edu.envs.pettingzoo import ParallelSingle
from maca_edu.envs.seeds import episode_seed
from maca_edu.team_env import TeamEnv, TeamStep, View

ITSELF = 1.0  # what an agent of simple_spread_v2 pays in every step for colliding with itself
PUSH = 5.0  # the force of an action of size 1
MOVES = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]], dtype=np.float64)  # directions of the five moves


class Bodies(NamedTuple):
    """B worlds of n agents, who speak in c numbers, and m landmarks."""

    agents: np.ndarray  # [B, n, 2] the agents' positions
    speed: np.ndarray  # [B, n, 2] the agents' velocities
    said: np.ndarray  # [B, n, c] what the agents said last, 0 where they are silent
    places: np.ndarray  # [B, m, 2] the landmarks' positions
    goal: np.ndarray  # [B, n] the landmark to which the agent should send the other one; -1 where there is none


class Kind(NamedTuple):
    """What one game pays and shows."""

    rewards: Callable  # rewards(bodies, radius of an agent) -> each agent's own [B, n], the team's [B]
    observe: Callable  # observe(bodies, colours of the landmarks [m, 3]) -> for each agent [B, its length]


def distances(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Of each point here, `[B, i, 2]`, to each point there, `[B, j, 2]`: `[B, i, j]`."""
    return np.sqrt(np.sum(np.square(here[:, :, None] - there[:, None]), axis=-1))


def spread_rewards(x: Bodies, size: float) -> tuple[np.ndarray, np.ndarray]:
    """An agent's own: -1 for each other agent that it touches. The team's: minus the distances from the landmarks to
    their nearest agents, added up."""
    touching = (distances(x.agents, x.agents) < size + size).sum(-1) - 1  # [B, n] without itself
    return -1.0 * touching, -sum(distances(x.agents, x.places).min(axis=1).T)


def spread_observe(x: Bodies, colours: np.ndarray) -> list[np.ndarray]:
    """Own velocity and position, the way to every landmark and every other agent, what the others say (nothing)."""
    B, n = x.agents.shape[:2]
    shown = []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        ways = np.concatenate([x.places, x.agents[:, others]], axis=1) - x.agents[:, i, None]  # [B, m + n - 1, 2]
        shown.append([x.speed[:, i], x.agents[:, i], ways.reshape(B, -1), x.said[:, others].reshape(B, -1)])
    return [np.concatenate(parts, axis=-1) for parts in shown]


def reference_rewards(x: Bodies, size: float) -> tuple[np.ndarray, np.ndarray]:
    """An agent's own: minus the other's distance to the landmark that only this agent knows. The team's: the mean of
    both."""
    goals = np.take_along_axis(x.places, x.goal[..., None], axis=1)  # [B, 2, 2]
    own = -np.sqrt(np.sum(np.square(x.agents[:, ::-1] - goals), axis=-1))
    return own, sum(own.T) / 2


def reference_observe(x: Bodies, colours: np.ndarray) -> list[np.ndarray]:
    """Own velocity, the way to every landmark, the colour of the landmark for the other, what the other says."""
    ways = x.places[:, None] - x.agents[:, :, None]  # [B, 2, m, 2]
    return [
        np.concatenate([x.speed[:, i], ways[:, i].reshape(len(ways), -1), colours[x.goal[:, i]], x.said[:, 1 - i]], -1)
        for i in range(2)
    ]


def listener_rewards(x: Bodies, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Everyone's: minus the squared distance between the listener and the landmark that the speaker knows."""
    goal = x.places[np.arange(len(x.goal)), x.goal[:, 0]]  # [B, 2]
    shared = -np.sum(np.square(x.agents[:, 1] - goal), axis=-1)
    return np.stack([shared, shared], axis=1), shared


def listener_observe(x: Bodies, colours: np.ndarray) -> list[np.ndarray]:
    """The speaker sees the colour of the landmark that it knows; the listener sees its own velocity, the way to every
    landmark, and what the speaker says."""
    ways = (x.places - x.agents[:, 1, None]).reshape(len(x.places), -1)  # [B, 2 m]
    return [colours[x.goal[:, 0]], np.concatenate([x.speed[:, 1], ways, x.said[:, 0]], axis=-1)]


KINDS = {
    "mpe/simple_spread": Kind(spread_rewards, spread_observe),
    "mpe/simple_reference": Kind(reference_rewards, reference_observe),
    "mpe/simple_speaker_listener": Kind(listener_rewards, listener_observe),
}


class Particles:
    """`batch` copies of a particle game (see `team_env.TeamEnv`).

    single: one copy, made by `mpe.single`, from which sizes, beginnings and rules are taken. name: what runs call it.
    with_itself: each agent also collides with itself, see `mpe`.
    Raises ValueError where batch is not a positive integer.
    """

    deterministic, terms, entities = True, None, None

    def __init__(self, single: ParallelSingle, batch: int, name: str, with_itself: bool = False):
        self.name, self.batch = name, check_integer("batch", batch, 1)
        self.n_agents, self.n_actions = single.n_agents, single.n_actions
        self.obs_size, self.state_size = single.obs_size, single.state_size
        self.horizon, self.continuous = single.horizon, single.continuous
        self._single, self._game, self._kind = single, single.env.game, KINDS[name.partition("?")[0]]
        self._itself = ITSELF if with_itself else 0.0
        world = self._game.world
        self._moves = np.array([agent.movable for agent in world.agents])  # [n]
        self._speaks = np.array([not agent.silent for agent in world.agents])  # [n]
        self._colours = np.array([place.color for place in world.landmarks])  # [m, 3]
        self.reset(0)

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; copy b's k-th episode has a seed drawn from (seed, b, k)."""
        B, world = self.batch, self._game.world
        n, m = len(world.agents), len(world.landmarks)
        self._seed = check_integer("seed", seed, 0)
        self._episode, self._time = np.zeros(B, dtype=np.int64), np.zeros(B, dtype=np.int64)  # [B]
        sizes = dict(agents=(B, n, 2), speed=(B, n, 2), said=(B, n, world.dim_c), places=(B, m, 2))
        self._bodies = Bodies(**{key: np.zeros(size) for key, size in sizes.items()}, goal=np.full((B, n), -1))
        for row in range(B):
            self._begin(row)
        self._view = self._see()
        return self.view()

    def _begin(self, row: int) -> None:
        """Begin the row's episode as mpe2 draws it."""
        self._game.reset(seed=episode_seed(self._seed, row, int(self._episode[row])))
        world, x = self._game.world, self._bodies
        x.agents[row] = [agent.state.p_pos for agent in world.agents]
        x.places[row] = [place.state.p_pos for place in world.landmarks]
        x.speed[row], x.said[row], self._time[row] = 0, 0, 0
        for i, agent in enumerate(world.agents):
            if getattr(agent, "_goal_b", None) is not None:
                x.goal[row, i] = world.landmarks.index(agent.goal_b)

    def view(self) -> View:
        """What is known now."""
        return View(*(array.copy() for array in self._view))

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, `[B, n]` integers or `[B, n, A]` floats. Raises ValueError where one is not legal."""
        action = check_actions(action, self._view.available, self.continuous)
        self._move(*self._meaning(action))
        self._time += 1
        reward, truncated = self._team_reward(), self._time >= self.horizon
        self._view = self._see()
        final = self.view()
        if truncated.any():
            self._episode[truncated] += 1
            for row in np.flatnonzero(truncated):
                self._begin(row)
            self._view = self._see()
        return TeamStep(self.view(), final, reward, np.zeros(self.batch, dtype=bool), truncated)

    def _meaning(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What joint actions mean: the agents' forces `[B, n, 2]`, and what they say `[B, n, c]`.

        Continuous: five numbers of a move (none, left, right, down, up), if the agent moves, then what it says.
        Discrete: the move, the word, or 5 * word + move where the agent does both.
        """
        force, said = np.zeros_like(self._bodies.agents), np.zeros_like(self._bodies.said)
        for i in range(self.n_agents):
            if self.continuous:
                own = np.clip(action[:, i], np.float32(0), np.float32(1))  # [B, A]
                if self._moves[i]:
                    force[:, i] = own[:, [2, 4]] - own[:, [1, 3]]
                    own = own[:, 5:]
                said[:, i] = own[:, : said.shape[-1]] if self._speaks[i] else 0
                continue
            own, move = (action[:, i] // 5, action[:, i] % 5) if self._moves[i] else (action[:, i], 0)
            force[:, i] = MOVES[move]
            if self._speaks[i]:
                said[np.arange(self.batch), i, own] = 1
        return force * PUSH, said

    def _move(self, force: np.ndarray, said: np.ndarray) -> None:
        """One step of mpe2's physics, in its order of sums."""
        x, world = self._bodies, self._game.world
        pairs = itertools.combinations(range(self.n_agents), 2) if world.agents[0].collide else ()
        for a, b in pairs:
            apart = x.agents[:, a] - x.agents[:, b]  # [B, 2]
            distance = np.sqrt(np.sum(np.square(apart), axis=-1, keepdims=True))
            near = world.agents[a].size + world.agents[b].size
            depth = np.logaddexp(0, -(distance - near) / world.contact_margin) * world.contact_margin
            push = world.contact_force * apart / distance * depth
            force[:, a] = push + force[:, a]
            force[:, b] = -push + force[:, b]
        x.agents[:, self._moves] += x.speed[:, self._moves] * world.dt
        x.speed[:, self._moves] *= 1 - world.damping
        x.speed[:, self._moves] += force[:, self._moves] * world.dt
        x.said[:] = said

    def _team_reward(self) -> np.ndarray:
        """The reward of each team, `[B]`: the agents' own and the team's mixed as in mpe2, then made one as the option
        reward says."""
        own, team = self._kind.rewards(self._bodies, self._game.world.agents[0].size)  # [B, n], [B]
        own = own - self._itself
        ratio = self._game.local_ratio
        mixed = own if ratio is None else team[:, None] * (1 - ratio) + own * ratio
        rows = zip(mixed.tolist(), self._time.tolist(), strict=True)
        return np.array([self._single.team_reward(row, time) for row, time in rows], dtype=np.float32)

    def _see(self) -> View:
        """What the agents see: observations padded with zeros; the state is all of them in a row, without padding."""
        real, legal = self._single.real, self._single.legal  # [n, d], [n, A]
        obs = np.zeros((self.batch, *real.shape), dtype=np.float32)  # [B, n, d]
        for i, own in enumerate(self._kind.observe(self._bodies, self._colours)):
            obs[:, i, : own.shape[-1]] = own
        available = np.broadcast_to(legal, (self.batch, *legal.shape)).copy()
        return View(obs, obs[:, real], available, np.ones(obs.shape[:2], dtype=bool))

    def fork(self, copies: np.ndarray, seeds: np.ndarray) -> TeamEnv:
        """Raises ValueError: these games cannot be copied in the middle of an episode."""
        refuse_fork(self.name)

    def state_dict(self) -> dict:
        """The bodies, the clocks, which episodes are under way, and the seed."""
        bodies = {name: array.copy() for name, array in self._bodies._asdict().items()}
        return dict(seed=self._seed, episode=self._episode.copy(), time=self._time.copy(), **bodies)

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called. Raises ValueError where the number of copies differs."""
        if len(state["episode"]) != self.batch:
            raise ValueError(f"batch={self.batch}; the saved environment has {len(state['episode'])} copies")
        self._seed, self._episode, self._time = state["seed"], state["episode"].copy(), state["time"].copy()
        self._bodies = Bodies(**{name: state[name].copy() for name in Bodies._fields})
        self._view = self._see()

    def close(self) -> None:
        """There is nothing to give back."""
