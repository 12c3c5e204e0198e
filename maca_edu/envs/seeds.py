"""A seed for each episode of each copy, from the one seed that an environment was reset with."""

from __future__ import annotations

import numpy as np


def episode_seed(seed: int, copy: int, episode: int) -> int:
    """The seed, below 2**32, of a copy's episode; both are counted from 0. Independent where any of the three differs.

    seed: of the environment's reset.
    """
    return int(np.random.SeedSequence((seed, copy, episode)).generate_state(1)[0])
