"""The contract between a game and whoever trains in it: B copies of a game, stepped together, one reward for the team.

This is the whole of it: training uses no name of an environment that is not here, and every environment has them all.
The adapters that follow the contract are in `maca_edu.envs`.

Steps are counted per environment, never per agent. Where an episode ends the environment starts the next one by
itself; a step returns both what the agents see now and what they saw last, from which an episode that the clock cut
off is bootstrapped.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np

NOTHING = MappingProxyType({})


class View(NamedTuple):
    """What is known before the agents act.

    All four are NumPy arrays, or all four are arrays of another library that speak DLPack: `torch.from_dlpack` gives a
    tensor that shares their memory, on the device where they are. These nobody may write to. Only an environment that
    was made with a device shows them, see `maca_edu.envs.make`.
    """

    obs: np.ndarray  # [B, n, d] float32, each agent's observation
    state: np.ndarray  # [B, s] float32, the state of the game, for a central critic
    available: np.ndarray  # [B, n, A] bool, the legal actions, at least one for each agent
    alive: np.ndarray  # [B, n] bool


class TeamStep(NamedTuple):
    """What a step returns.

    The views are as `View` says; all else is small and always NumPy's.

    info holds numbers, each `[B]`, that are read where an episode ended; their means over episodes become columns of
    the run's metrics. The adapters in `maca_edu.envs` use these names:

    "dead_allies", "dead_enemies"   how many units of each team are dead after the step (SMAX, SMAC, SMACv2)
    "discarded"                     1 where the game broke down and the episode was given up; the step then counts as
                                    truncated

    Training gives a meaning to "discarded" only: such an episode says nothing of the team and is left out of all
    statistics but the count of discarded ones.
    """

    view: View  # now; where an episode ended, of the next one
    final: View  # after the step and before any reset: where an episode ended, what was seen last; elsewhere as view
    reward: np.ndarray  # [B] float32
    terminated: np.ndarray  # [B] bool, the game is over: nothing follows
    truncated: np.ndarray  # [B] bool, the clock ran out; never where terminated
    won: np.ndarray | None = None  # [B] bool, the episode that ended was won; None where there is no winning
    info: dict[str, np.ndarray] = NOTHING


class TeamEnv(Protocol):
    """B environments of n agents with A actions each.

    Agents whose own spaces are smaller than others' are padded: with zeros in obs, with False in available. Arrays
    that an environment returned are the caller's: later steps do not change them.
    """

    name: str
    batch: int
    n_agents: int
    n_actions: int  # how many actions there are; where continuous, how many numbers an action has
    obs_size: int
    state_size: int
    horizon: int  # steps after which an episode is cut
    continuous: bool  # actions are float32 [B, n, A], clipped to -1 to 1 or the game's own range, see `envs.bounds`;
    # available marks the numbers used
    deterministic: bool  # the same seed and actions give the same episode, so that a saved one can be continued
    partners: np.ndarray | None  # [n, n] bool, who earns a term of the reward together with whom; None: not known

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; the seed decides all that follows, but for the actions."""

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, integers `[B, n]` or, where continuous, floats `[B, n, A]`.

        action: a NumPy array; an environment whose views speak DLPack takes a tensor, too, on any device.
        Raises ValueError where one is not legal or not finite.
        """

    def view(self) -> View:
        """What is known now; the view that the last reset or step returned."""

    def state_dict(self) -> dict:
        """Arrays, numbers and words from which another copy of the environment goes on identically.

        Where the game is not deterministic, `load_state_dict` begins new episodes instead.
        """

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state` was saved."""

    def close(self) -> None:
        """Give back processes, windows and memory; calling it twice is harmless."""
