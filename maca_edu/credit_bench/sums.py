"""Q as a sum of parts, each a table over the actions of a few agents: so that teams of 64 have an exact Q, too.

A table `(A,) * n` of 64 agents fits in no memory. A ring's payoff does, as the sum of its ropes and costs. A part that
is added keeps what it is when agents are averaged out, so every baseline of the sum is the sum of the parts' baselines.
N states may differ in their tables, not in the parts' agents.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """One part: whose actions it reads, and its table for every state."""

    agents: tuple[int, ...]
    table: np.ndarray  # [N, A, ..., A], one axis for each of the agents, in their order


Parts = tuple[Part, ...]


def look_up(parts: Parts, state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """The sum for the joint actions `[S, n]` in the states `[S]`, `[S]`."""
    total = np.zeros(len(state))
    for part in parts:
        total += part.table[(state, *(action[:, j] for j in part.agents))]
    return total


def averaged(part: Part, policy: np.ndarray, group: np.ndarray) -> Part:
    """The part with the actions of a group averaged out.

    policy: `[N, n, A]`; group: bool `[N, n]`, the members in each state. The table keeps its shape.
    """
    table = part.table
    for axis, j in enumerate(part.agents, start=1):
        along = [1] * table.ndim
        along[0], along[axis] = policy.shape[0], policy.shape[2]
        mean = (table * policy[:, j].reshape(along)).sum(axis=axis, keepdims=True)
        member = group[:, j].reshape(-1, *[1] * (table.ndim - 1))
        table = np.where(member, mean, table)
    return Part(part.agents, table)


def group_baseline(parts: Parts, policy, group, state, action) -> np.ndarray:
    """The sum with the group's actions averaged out and the others' as played, `[S]` (Eq. 2).

    policy `[N, n, A]`, group bool `[N, n]`, state `[S]`, action `[S, n]`.
    """
    return look_up(tuple(averaged(part, policy, group) for part in parts), state, action)


def own_values(parts: Parts, state: np.ndarray, action: np.ndarray, agent: int, n_actions: int) -> np.ndarray:
    """The sum for each action of one agent, the others' as played, `[S, A]`."""
    mine = tuple(part for part in parts if agent in part.agents)
    rest = look_up(tuple(part for part in parts if agent not in part.agents), state, action)
    values, instead = np.empty((len(state), n_actions)), action.copy()
    for c in range(n_actions):
        instead[:, agent] = c
        values[:, c] = rest + look_up(mine, state, instead)
    return values


def written_out(parts: Parts, n_agents: int, n_actions: int) -> np.ndarray:
    """The sum as one table for every state, `[N, A, ..., A]` with n axes of actions."""
    n_states = len(parts[0].table)
    total = np.zeros((n_states, *(n_actions,) * n_agents))
    for part in parts:
        order = np.argsort(part.agents)
        shape = [n_actions if j in part.agents else 1 for j in range(n_agents)]
        total += part.table.transpose(0, *(1 + order)).reshape(n_states, *shape)
    return total
