"""The check of joint actions that every environment makes before it plays them."""

from __future__ import annotations

import numpy as np


def check_actions(action, available: np.ndarray, continuous: bool) -> np.ndarray:
    """Return joint actions as an array of their type, or say in one sentence what is wrong with them.

    action: [B, n] integers, each a legal one; where continuous, [B, n, A] finite numbers of any kind.
    available: [B, n, A] bool, which actions are legal. Where continuous it has the shape only: numbers that an agent
    does not use are ignored by the game.
    Returns int64 [B, n] or float32 [B, n, A], not necessarily a copy.
    Raises ValueError, which names the first wrong entry, action[b, i] of agent i in copy b, and what is allowed there.
    """
    action = np.asarray(action)
    shape = available.shape if continuous else available.shape[:2]
    letters = "copies x agents x numbers" if continuous else "copies x agents"
    if action.shape != shape:
        raise ValueError(f"action has shape {action.shape}; expected {shape}: {letters}")
    return _finite(action) if continuous else _legal(action, available)


def _legal(action: np.ndarray, available: np.ndarray) -> np.ndarray:
    """The actions `[B, n]` as int64. Raises ValueError where one is no integer or not legal."""
    if action.dtype.kind not in "iu":
        raise ValueError(f"action has type {action.dtype}; expected integers from 0 to {available.shape[-1] - 1}")
    B, n, A = available.shape
    exists = (action >= 0) & (action < A)  # [B, n]
    known = np.where(exists, action, 0)  # [B, n]
    legal = exists & available[np.arange(B)[:, None], np.arange(n), known]  # [B, n]
    if not legal.all():
        b, i = np.argwhere(~legal)[0]
        allowed = np.flatnonzero(available[b, i]).tolist()
        raise ValueError(f"action[{b}, {i}]={action[b, i]}; allowed there are {allowed}")
    return action.astype(np.int64, copy=False)


def _finite(action: np.ndarray) -> np.ndarray:
    """The actions `[B, n, A]` as float32. Raises ValueError where one is no number or not finite."""
    if action.dtype.kind not in "fiu":
        raise ValueError(f"action has type {action.dtype}; expected numbers")
    numbers = action.astype(np.float32, copy=False)
    finite = np.isfinite(numbers)
    if not finite.all():
        b, i, k = np.argwhere(~finite)[0]
        raise ValueError(f"action[{b}, {i}, {k}]={action[b, i, k]}; allowed there are finite numbers of float32")
    return numbers
