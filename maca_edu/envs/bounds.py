"""The units of continuous actions: a team speaks from -1 to 1, a game in numbers of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maca_edu.envs.readings import LIMIT


class Bounds(NamedTuple):
    """The range of an action's numbers in a game, as a team meets it: -1 is the lowest, 1 the highest.

    A team begins near 0 with a deviation below 1/2, so in a game's own units it might never see more than a corner of
    the range. A number without two finite bounds has no such units: it stays in the game's own.
    """

    low: np.ndarray  # [...] the shape of the game's action
    high: np.ndarray  # [...]
    scaled: np.ndarray  # [...] bool, the team speaks from -1 to 1, which is something else in the game

    @staticmethod
    def of(low: np.ndarray, high: np.ndarray) -> Bounds:
        """Those of a game's action space."""
        return Bounds(low, high, finite_bounds(low, high) & ~((low == -1) & (high == 1)))

    def in_game(self, action: np.ndarray) -> np.ndarray:
        """A team's numbers in the game's units, clipped to its range."""
        low = np.where(self.scaled, self.low, -1.0).astype(np.float64)
        high = np.where(self.scaled, self.high, 1.0).astype(np.float64)
        share = (np.clip(action, -1, 1) + 1) / 2  # of the way from low to high
        scaled = low * (1 - share) + high * share  # exact at both ends
        own = np.where(self.scaled, scaled, action)
        return np.clip(own.astype(self.low.dtype), self.low, self.high)


def finite_bounds(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which numbers have two bounds, bool of their shape; one beyond LIMIT, such as float32's largest, is none."""
    return (np.abs(low) <= LIMIT) & (np.abs(high) <= LIMIT)
