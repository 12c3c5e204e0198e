"""The check of what `TeamEnv.fork` is given, and what environments say that cannot be forked."""

from __future__ import annotations

import numpy as np


def check_fork(copies, seeds, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `copies` and `seeds`, int64 `[B']` each, or say in one sentence what is wrong with them.

    Raises ValueError unless copies are integers from 0 to batch - 1 and seeds as many integers from 0.
    """
    copies, seeds = np.asarray(copies), np.asarray(seeds)
    if copies.ndim != 1 or not len(copies) or copies.dtype.kind not in "iu":
        raise ValueError(f"copies={copies!r}; allowed is a row of integers from 0 to {batch - 1}")
    if copies.min() < 0 or copies.max() >= batch:
        wrong = copies[(copies < 0) | (copies >= batch)][0]
        raise ValueError(f"copies holds {wrong}; allowed are 0 to {batch - 1}")
    if seeds.shape != copies.shape or seeds.dtype.kind not in "iu" or seeds.min() < 0:
        raise ValueError(f"seeds={seeds!r}; allowed are {len(copies)} integers from 0, one for each of the copies")
    return copies.astype(np.int64), seeds.astype(np.int64)


def refuse_fork(name: str) -> None:
    """ValueError: the environment called `name` cannot be copied in the middle of an episode."""
    raise ValueError(f"env={name!r} cannot be forked; environments that can are toy/..., smax/... and jaxmpe/...")
