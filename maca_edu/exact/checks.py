"""The checks every function of this package makes on its arguments: one clear sentence, or the argument as arrays."""

from __future__ import annotations

import operator

import numpy as np

TOLERANCE = 1e-9  # how far from 1 the probabilities of a policy may sum


def check_numbers(name: str, array) -> np.ndarray:
    """Return `array` as finite floats (a float array is not copied)."""
    try:
        array = np.asarray(array, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not an array of numbers") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {array[~np.isfinite(array)].flat[0]}; every entry must be finite")
    return array


def check_table(name: str, table) -> np.ndarray:
    """Return `table` as an array of shape `(A,) * n`: one axis per agent, all of one length."""
    table = check_numbers(name, table)
    if table.ndim == 0 or table.size == 0 or len(set(table.shape)) != 1:
        raise ValueError(f"{name} has shape {table.shape}; expected one axis per agent, all of one length A >= 1")
    return table


def check_policy(policy, shape: tuple[int, ...]) -> np.ndarray:
    """Return `policy` as an array of the given shape whose last axis holds distributions."""
    policy = check_numbers("policy", policy)
    if policy.shape != shape:
        raise ValueError(f"policy has shape {policy.shape}; expected {shape}: a row of probabilities per agent")
    if (policy < 0).any():
        raise ValueError(f"policy holds {policy.min():g}; probabilities are 0 or more")
    total = policy.sum(axis=-1)
    if (abs(total - 1) > TOLERANCE).any():
        worst = total.flat[abs(total - 1).argmax()]
        raise ValueError(f"policy has a row that sums to {worst:.12g}; every row must sum to 1 within {TOLERANCE:g}")
    return policy


def check_game(q, policy, name: str = "q") -> tuple[np.ndarray, np.ndarray]:
    """Return the value table `(A,) * n` and the policy `[n, A]` that goes with it."""
    q = check_table(name, q)
    return q, check_policy(policy, (q.ndim, q.shape[0]))


def check_agent(agent, n_agents: int) -> int:
    """Return `agent` as a number from 0 to n - 1."""
    try:
        if isinstance(agent, bool):
            raise TypeError
        number = operator.index(agent)
    except TypeError:
        raise ValueError(f"agent={agent!r} is not a whole number; agents are 0 to {n_agents - 1}") from None
    if not 0 <= number < n_agents:
        raise ValueError(f"agent={number} does not exist; agents are 0 to {n_agents - 1}")
    return number


def check_group(group, n_agents: int, agent: int | None = None) -> tuple[int, ...]:
    """Return `group` as a sorted tuple; where `agent` is given, the group has to contain it."""
    try:
        members = list(group)
    except TypeError:
        raise ValueError(f"group={group!r} is not a collection of agents; write ({group!r},)") from None
    members = sorted(check_agent(member, n_agents) for member in members)
    if len(set(members)) < len(members):
        raise ValueError(f"group={members} names an agent twice; each may occur once")
    if agent is not None and agent not in members:
        raise ValueError(f"group={members} does not contain agent {agent}; a baseline must average out its own action")
    return tuple(members)


def check_action(name: str, action, n_agents: int, n_actions: int) -> np.ndarray:
    """Return one joint action as an integer array `[n]`."""
    action = np.asarray(action)
    if action.shape != (n_agents,):
        raise ValueError(f"{name} has shape {action.shape}; expected ({n_agents},): one action per agent")
    if action.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {action.dtype}; expected integers from 0 to {n_actions - 1}")
    if action.min() < 0 or action.max() >= n_actions:
        wrong = action[(action < 0) | (action >= n_actions)][0]
        raise ValueError(f"{name} holds {wrong}; allowed are 0 to {n_actions - 1}")
    return action
