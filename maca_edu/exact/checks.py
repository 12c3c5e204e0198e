"""The checks every function of this package makes on its arguments: one clear sentence, or the argument as arrays."""

from __future__ import annotations

import numpy as np

from toy_envs import core
from toy_envs.core import check_integer, check_number, check_whole_numbers, members, shown, whole

LARGEST = 1e140  # sums of squares up to here are finite
TOLERANCE = 1e-9  # how far from 1 the probabilities of a policy may sum


def check_numbers(name: str, array) -> np.ndarray:
    """Return the argument `array` as floats none of which is masked, or so large that no float holds its square."""
    check_unmasked(name, array)
    numbers = core.check_numbers(name, array)
    largest = abs(numbers).max(initial=0.0)
    if largest > LARGEST:
        raise ValueError(f"{name} holds a number of size {largest:.3g}; allowed is up to {LARGEST:g}, in larger units")
    return numbers


def check_unmasked(name: str, array) -> None:
    """ValueError where entries of an array are masked: what stands under a mask is no number to compute with."""
    if np.ma.is_masked(array):
        raise ValueError(f"{name} has masked entries; allowed are arrays without a mask")


def check_variances(name: str, array) -> np.ndarray:
    """Return the argument `array` as numbers of which none is negative."""
    array = check_numbers(name, array)
    if (array < 0).any():
        raise ValueError(f"{name} holds {array.min():g}; variances are 0 or more")
    return array


def check_share(name: str, number) -> float:
    """Return the argument `number` as a float from 0 to 1."""
    number = check_number(name, number)
    if not 0 <= number <= 1:
        raise ValueError(f"{name}={number}; allowed are 0 to 1")
    return number


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
    return check_integer("agent", agent, 0, n_agents - 1)


def check_group(group, n_agents: int, agent: int | None = None) -> tuple[int, ...]:
    """Return `group` as a sorted tuple; where `agent` is given, the group has to contain it (Lemma A.1)."""
    named = members(group)
    if named is None:
        raise ValueError(f"group={shown(group)} is not a collection of agents; write ({shown(group)},)")
    for member in named:
        number = whole(member)
        if number is None or not 0 <= number < n_agents:
            raise ValueError(f"group={shown(list(named))} names agent {shown(member)}; agents are 0 to {n_agents - 1}")
    group = sorted(map(whole, named))
    if len(set(group)) < len(group):
        raise ValueError(f"group={group} names an agent twice; each may occur once")
    if agent is not None and agent not in group:
        raise ValueError(f"group={group} does not contain agent {agent}; a baseline must average out its own action")
    return tuple(group)


def check_action(name: str, action, n_agents: int, n_actions: int) -> np.ndarray:
    """Return one joint action as an integer array `[n]`."""
    check_unmasked(name, action)
    return check_whole_numbers(name, action, (n_agents,), n_actions - 1, "one action per agent")
