"""The memory in which the caller and the copies of a game exchange seeds, actions and results: a row for each copy."""

from __future__ import annotations

from multiprocessing.sharedctypes import RawArray
from typing import NamedTuple

import numpy as np

from maca_edu.team_env import View


class Sizes(NamedTuple):
    """What decides the shapes: the letters B, n, A, d, s, K of `SharedArrays`."""

    batch: int  # B
    n_agents: int  # n
    n_actions: int  # A
    obs_size: int  # d
    state_size: int  # s
    infos: int  # K, how many numbers are in info
    continuous: bool


class SharedArrays(NamedTuple):
    """The arrays; whoever writes to one changes what the other side reads."""

    # The caller writes
    seed: np.ndarray  # [B] int64, of the episode that is to begin next
    action: np.ndarray  # [B, n] int64 or, where continuous, [B, n, A] float32
    # The copies write
    view: View  # what the agents see now
    final: View  # what they saw last, where an episode ended in the last step
    reward: np.ndarray  # [B] float32
    terminated: np.ndarray  # [B] bool
    truncated: np.ndarray  # [B] bool
    won: np.ndarray  # [B] bool
    info: np.ndarray  # [B, K] float32
    stepped: np.ndarray  # [B] bool, set by the copy once all of its step is written, cleared by the caller


def row_type(sizes: Sizes) -> np.dtype:
    """The NumPy record type of one copy's row."""
    _, n, A, d, s, K, continuous = sizes
    number, flag, whole = np.float32, np.bool_, np.int64
    view = np.dtype(
        [("obs", number, (n, d)), ("state", number, (s,)), ("available", flag, (n, A)), ("alive", flag, (n,))],
        align=True,
    )
    action = ("action", number, (n, A)) if continuous else ("action", whole, (n,))
    asked = [("seed", whole), action]
    seen = [("view", view), ("final", view)]
    flags = [(name, flag) for name in ("terminated", "truncated", "won", "stepped")]
    return np.dtype([*asked, *seen, ("reward", number), ("info", number, (K,)), *flags], align=True)


def allocate(sizes: Sizes, between_processes: bool):
    """Bytes for all rows, zero at first; between_processes: in memory that worker processes can be handed."""
    size = sizes.batch * row_type(sizes).itemsize
    return RawArray("b", size) if between_processes else bytearray(size)


def arrays_in(memory, sizes: Sizes) -> SharedArrays:
    """The arrays that lie in bytes from `allocate`, without copying."""
    rows = np.frombuffer(memory, row_type(sizes))  # [B]
    return SharedArrays(
        seed=rows["seed"],
        action=rows["action"],
        view=View(*(rows["view"][name] for name in View._fields)),
        final=View(*(rows["final"][name] for name in View._fields)),
        reward=rows["reward"],
        terminated=rows["terminated"],
        truncated=rows["truncated"],
        won=rows["won"],
        info=rows["info"],
        stepped=rows["stepped"],
    )
