"""The games of `toy_envs` as team environments; nobody dies and every action is always legal."""

from __future__ import annotations

import copy

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs import options
from maca_edu.envs.actions import check_actions
from maca_edu.envs.family import Family
from maca_edu.envs.forks import check_fork
from maca_edu.team_env import Credit, TeamStep, View
from toy_envs import climb_v0, fridge_v0, longring_v0, penalty_v0, ring_v0, warehouse_v0, xor_v0
from toy_envs.core import Game

GAMES = {  # functions that make a game from its options
    "fridge": fridge_v0.game,
    "ring": ring_v0.game,
    "longring": longring_v0.game,
    "climb": climb_v0.game,
    "penalty": penalty_v0.game,
    "xor": xor_v0.game,
    "warehouse": warehouse_v0.game,
}


class ToyEnv:
    """`batch` copies of a game (see `team_env.TeamEnv`); an episode is truncated after the game's horizon.

    game: any object with the methods of `toy_envs.core.Game`. name: what runs call it.
    Raises ValueError where batch is not a positive integer.
    """

    continuous, deterministic, entities = False, True, None

    def __init__(self, game: Game, batch: int, name: str):
        self.game, self.name, self.horizon = game, name, game.horizon
        self.batch = check_integer("batch", batch, 1)
        self.n_agents, self.n_actions = len(game.agents), len(game.actions)
        self._legal = np.ones((self.batch, self.n_agents, self.n_actions), dtype=bool)  # all actions, always
        self.terms = tuple(term.name for term in game.reward_terms)
        view = self.reset(0)
        self.obs_size, self.state_size = view.obs.shape[-1], view.state.shape[-1]

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; all later randomness follows from the seed."""
        self._rng = np.random.default_rng(check_integer("seed", seed, 0))
        self._state = self.game.reset(self._rng, self.batch)  # [B, D]
        self._time = np.zeros(self.batch, dtype=np.int64)  # [B] steps of the episode under way
        return self.view()

    def view(self) -> View:
        """What is known now."""
        alive = np.ones((self.batch, self.n_agents), dtype=bool)
        return View(self.game.observe(self._state), self.game.features(self._state), self._legal.copy(), alive)

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions `[B, n]`. Raises ValueError where one is not allowed."""
        step = self.game.step(self._state, check_actions(action, self._legal, self.continuous))
        credit = Credit(step.payments.astype(np.float32), self.game.members(self._state).copy())
        self._state = step.state
        self._time += 1
        truncated = (self._time >= self.horizon) & ~step.terminated
        ended = step.terminated | truncated
        final = view = self.view()
        if ended.any():
            self._state = self._state.copy()
            self._state[ended] = self.game.reset(self._rng, int(ended.sum()))
            self._time[ended] = 0
            view = self.view()
        reward = step.reward.astype(np.float32)
        return TeamStep(view, final, reward, step.terminated, truncated, credit=credit)

    def fork(self, copies: np.ndarray, seeds: np.ndarray) -> ToyEnv:
        """Copies of moments, see `team_env.TeamEnv.fork`; chance enters these games with new episodes only."""
        copies, seeds = check_fork(copies, seeds, self.batch)
        fork = copy.copy(self)
        fork.batch, fork._legal = len(copies), self._legal[:1].repeat(len(copies), axis=0)
        fork._state, fork._time = self._state[copies], self._time[copies]
        fork._rng = np.random.default_rng(seeds)
        return fork

    def state_dict(self) -> dict:
        """The games' states, their clocks and the state of the random numbers."""
        return dict(state=self._state.copy(), time=self._time.copy(), rng=self._rng.bit_generator.state)

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called. Raises ValueError where the number of copies differs."""
        if len(state["time"]) != self.batch:
            raise ValueError(f"batch={self.batch}; the saved environment has {len(state['time'])} copies")
        self._state, self._time = state["state"].copy(), state["time"].copy()
        self._rng.bit_generator.state = state["rng"]

    def close(self) -> None:
        """There is nothing to give back."""


def names() -> list[str]:
    """The toy environments' names."""
    return [f"toy/{game}" for game in GAMES]


def make(name: str, batch: int) -> ToyEnv:
    """`batch` copies of the game that `name` asks for, such as "toy/ring?n_agents=8&span=3".

    Raises ValueError where there is no such game or it refuses an option.
    """
    bare, chosen = options.split(name)
    game = bare.removeprefix("toy/")
    if game not in GAMES:
        raise ValueError(f"env={name!r}; allowed are {', '.join(names())}, options as in toy/ring?n_agents=8&span=3")
    return ToyEnv(GAMES[game](**chosen), batch, name)


FAMILY = Family(names, make)
