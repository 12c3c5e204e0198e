"""What a team's environment is: B copies of a game, stepped together, one reward for the whole team.

Steps are counted per environment, never per agent. Where an episode ends the environment starts the next one by
itself; a step returns both what the agents see now and what they saw last, from which an episode that the clock cut
off is bootstrapped.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class View(NamedTuple):
    """What is known before the agents act."""

    obs: np.ndarray  # [B, n, d] float32, each agent's observation
    state: np.ndarray  # [B, s] float32, for the critic
    available: np.ndarray  # [B, n, A] bool, the legal actions, at least one for each agent
    alive: np.ndarray  # [B, n] bool


class TeamStep(NamedTuple):
    """What a step returns."""

    view: View  # now, after the environments whose episodes ended were reset
    final: View  # before that; where no episode ended the same as view
    reward: np.ndarray  # [B] float32
    terminated: np.ndarray  # [B] bool, the game is over: nothing follows
    truncated: np.ndarray  # [B] bool, the clock ran out; never where terminated
    won: np.ndarray | None  # [B] bool, the episode that ended was won; None where there is no winning


class TeamEnv(Protocol):
    """B environments of n agents with A actions each."""

    name: str
    batch: int
    n_agents: int
    n_actions: int
    obs_size: int
    state_size: int
    horizon: int  # steps after which an episode is cut

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; the seed decides all that follows, but for the actions."""

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, integers `[B, n]`. Raises ValueError where one is not legal."""

    def view(self) -> View:
        """What is known now; the view that the last reset or step returned."""

    def state_dict(self) -> dict:
        """Numbers and words from which another copy of the environment goes on identically."""

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state` was saved."""
