"""What one copy of a game must offer to be stepped by `Vector`, and for how long it may take."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from maca_edu.team_env import Entities, View


class SingleStep(NamedTuple):
    """What a step of one copy returns. A plain tuple in this order serves as well."""

    view: View  # after the step, without a reset: obs [n, d], state [s], available [n, A], alive [n]
    reward: float
    terminated: bool  # the game is over
    truncated: bool  # the clock ran out; ignored where terminated
    won: bool | None  # None where there is no winning
    info: dict[str, float]  # the numbers that `Single.info_names` lists, perhaps others, which are ignored


class Single(Protocol):
    """One copy of a game. Its arrays have no batch axis; NumPy converts them to the types of `team_env.View`."""

    n_agents: int
    n_actions: int  # how many actions there are; where continuous, how many numbers an action has
    obs_size: int
    state_size: int
    horizon: int  # steps after which an episode is cut
    continuous: bool
    winnable: bool  # whether episodes can be won
    info_names: tuple[str, ...]  # the numbers in every step's info that become the environment's
    entities: Entities | None  # which numbers of the state speak of which unit; None: not known

    def reset(self, seed: int) -> View:
        """Begin an episode, decided by the seed, which is below 2**32. A plain tuple in a View's order will do."""

    def step(self, action: np.ndarray) -> SingleStep:
        """Play a joint action, `[n]` integers or `[n, A]` floats, which was checked."""

    def close(self) -> None:
        """Give everything back."""


class Broken(RuntimeError):
    """To be raised by a `Single` whose game is of no more use: it is made anew, and its episode is discarded."""


class Limits(NamedTuple):
    """How many seconds a worker process may take. Copies in the calling process cannot be stopped and have no limit."""

    start: float = 120.0  # to start Python, import and make all its copies
    reset: float = 120.0  # for a reset of one copy
    step: float = 60.0  # for a step of one copy
