"""mpe2's three cooperative games, many at once: what mpe2 computes for one world, in arrays for all, to the last bit.

Each episode begins as mpe2 draws it. The physics below is `mpe2._mpe_utils.core.World.step`: a force is taken from the
action, discs that touch push each other away, then x += v dt and v = v (1 - damping) + F dt (all masses are 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.team_env import TeamStep, View

PUSH = 5.0  # the force of an action of size 1
MOVES = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]], dtype=np.float64)  # of the discrete actions


class Bodies(NamedTuple):
    """B worlds of n agents and m landmarks."""

    agents: np.ndarray  # [B, n, 2] where they are
    speed: np.ndarray  # [B, n, 2]
    said: np.ndarray  # [B, n, c] what they said last, 0 where they are silent
    places: np.ndarray  # [B, m, 2] where the landmarks are
    goal: np.ndarray  # [B, n] each agent's landmark, to which it should send the other one; -1 where it has none


class Kind(NamedTuple):
    """What one game pays and shows."""

    rewards: Callable  # (bodies, size of an agent) -> each agent's own [B, n], the team's [B]
    observe: Callable  # (bodies, colours of the landmarks [m, 3]) -> a list of [B, d] for each agent


def distances(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Between points `[B, i, 2]` and `[B, j, 2]`: `[B, i, j]`."""
    return np.sqrt(np.sum(np.square(here[:, :, None] - there[:, None]), axis=-1))


def spread_rewards(x: Bodies, size: float) -> tuple[np.ndarray, np.ndarray]:
    """An agent's own: -1 for each other that it touches. The team's: minus each landmark's distance to the nearest."""
    touching = (distances(x.agents, x.agents) < size + size).sum(-1) - 1  # [B, n] without itself
    return -1.0 * touching, -sum(distances(x.agents, x.places).min(axis=1).T)


def spread_observe(x: Bodies, colours: np.ndarray) -> list[np.ndarray]:
    """Own speed and place, the way to every landmark and every other agent, what the others say (nothing)."""
    B, n = x.agents.shape[:2]
    shown = []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        ways = np.concatenate([x.places, x.agents[:, others]], axis=1) - x.agents[:, i, None]  # [B, m + n - 1, 2]
        shown.append([x.speed[:, i], x.agents[:, i], ways.reshape(B, -1), x.said[:, others].reshape(B, -1)])
    return [np.concatenate(parts, axis=-1) for parts in shown]


def reference_rewards(x: Bodies, size: float) -> tuple[np.ndarray, np.ndarray]:
    """An agent's own: minus the other's distance to the landmark that only this one knows. The team's: their mean."""
    goals = np.take_along_axis(x.places, x.goal[..., None], axis=1)  # [B, 2, 2]
    own = -np.sqrt(np.sum(np.square(x.agents[:, ::-1] - goals), axis=-1))
    return own, sum(own.T) / 2


def reference_observe(x: Bodies, colours: np.ndarray) -> list[np.ndarray]:
    """Own speed, the way to every landmark, the colour of the other's landmark, what the other says."""
    ways = x.places[:, None] - x.agents[:, :, None]  # [B, 2, m, 2]
    return [
        np.concatenate([x.speed[:, i], ways[:, i].reshape(len(ways), -1), colours[x.goal[:, i]], x.said[:, 1 - i]], -1)
        for i in range(2)
    ]


def listener_rewards(x: Bodies, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Both get minus the squared distance between the listener and the landmark that the speaker knows."""
    goal = x.places[np.arange(len(x.goal)), x.goal[:, 0]]  # [B, 2]
    shared = -np.sum(np.square(x.agents[:, 1] - goal), axis=-1)
    return np.stack([shared, shared], axis=1), shared


def listener_observe(x: Bodies, colours: np.ndarray) -> list[np.ndarray]:
    """The speaker sees its landmark's colour; the listener its own speed, the ways to all, and what the other says."""
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
    Raises ValueError where batch is not a positive integer.
    """

    deterministic, partners = True, None

    def __init__(self, single, batch: int, name: str):
        self.name, self.batch = name, check_integer("batch", batch, 1)
        for field in ("n_agents", "n_actions", "obs_size", "state_size", "horizon", "continuous"):
            setattr(self, field, getattr(single, field))
        self._single, self._game, self._kind = single, single.env.game, KINDS[name.partition("?")[0]]
        world = self._game.world
        self._moves = np.array([agent.movable for agent in world.agents])  # [n]
        self._speaks = np.array([not agent.silent for agent in world.agents])  # [n]
        self._colours = np.array([place.color for place in world.landmarks])  # [m, 3]
        self.reset(0)

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; environment i's k-th begins with a seed drawn from (seed, i, k)."""
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
        """Have mpe2 draw the episode that is next in this row."""
        words = (self._seed, row, int(self._episode[row]))
        self._game.reset(seed=int(np.random.SeedSequence(words).generate_state(1)[0]))
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
        self._move(*self._meaning(self._checked(np.asarray(action))))
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
        """The forces `[B, n, 2]` and words `[B, n, c]` in joint actions."""
        force, said = np.zeros_like(self._bodies.agents), np.zeros_like(self._bodies.said)
        for i in range(self.n_agents):
            if self.continuous:
                own = np.clip(action[:, i], np.float32(0), np.float32(1))  # [B, A] moves first, then words
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
        pairs = [(a, b) for b in range(self.n_agents) for a in range(b)] if world.agents[0].collide else []
        for a, b in sorted(pairs):
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
        """One reward for each team, `[B]`: each agent's own and the team's mixed as mpe2 does, then added up."""
        own, team = self._kind.rewards(self._bodies, self._game.world.agents[0].size)  # [B, n], [B]
        ratio = self._game.local_ratio
        mixed = own if ratio is None else team[:, None] * (1 - ratio) + own * ratio
        rows = zip(mixed.tolist(), self._time.tolist(), strict=True)
        return np.array([self._single.team_reward(row, time) for row, time in rows], dtype=np.float32)

    def _see(self) -> View:
        """The worlds as observations, padded, and as states: all observations in a row."""
        real, legal = self._single.real, self._single.legal
        obs = np.zeros((self.batch, *real.shape), dtype=np.float32)  # [B, n, d]
        for i, own in enumerate(self._kind.observe(self._bodies, self._colours)):
            obs[:, i, : own.shape[-1]] = own
        available = np.broadcast_to(legal, (self.batch, *legal.shape)).copy()
        return View(obs, obs[:, real], available, np.ones(obs.shape[:2], dtype=bool))

    def _checked(self, action: np.ndarray) -> np.ndarray:
        """The joint actions. Raises ValueError where one is not legal."""
        legal = self._single.legal
        shape = (self.batch, *legal.shape) if self.continuous else (self.batch, self.n_agents)
        if action.shape != shape:
            raise ValueError(f"action has shape {action.shape}; expected {shape}")
        if self.continuous:
            if not np.isfinite(action).all():
                raise ValueError("action has a number that is not finite")
            return action.astype(np.float32)
        if action.dtype.kind not in "iu":
            raise ValueError(f"action has type {action.dtype}; expected integers")
        sizes = legal.sum(-1)  # [n]
        for row, agent in np.argwhere((action < 0) | (action >= sizes))[:1]:
            allowed = list(range(sizes[agent]))
            raise ValueError(f"action[{row}, {agent}]={action[row, agent]}; allowed are {allowed}")
        return action

    def state_dict(self) -> dict:
        """The bodies, the clocks, and which episodes are under way."""
        bodies = {name: array.copy() for name, array in self._bodies._asdict().items()}
        return dict(seed=self._seed, episode=self._episode.copy(), time=self._time.copy(), **bodies)

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called. Raises ValueError where the number of environments differs."""
        if len(state["episode"]) != self.batch:
            raise ValueError(f"batch={self.batch}; the saved environment has {len(state['episode'])} copies")
        self._seed, self._episode, self._time = state["seed"], state["episode"].copy(), state["time"].copy()
        self._bodies = Bodies(**{name: state[name].copy() for name in Bodies._fields})
        self._view = self._see()

    def close(self) -> None:
        """There is nothing to give back."""
