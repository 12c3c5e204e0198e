"""Whose actions are averaged out: values, k-level baselines and the baseline of least variance.

The baseline of a group G averages Q over the actions of G and keeps everybody else's (Eq. 2):

    b(a) = E[Q(a)],  a_G drawn from pi_G, a_{-G} as played

G = {i} is COMA's baseline, G = N is the value V, and a CorrSet lies in between.
"""

from __future__ import annotations

import numpy as np

from maca_edu.exact.checks import check_agent, check_game, check_group


def average(q: np.ndarray, pi: np.ndarray, axis: int) -> np.ndarray:
    """Average one agent's action out: `pi` is its `[A]` distribution, its axis stays with length 1."""
    return np.expand_dims(np.tensordot(q, pi, axes=(axis, 0)), axis)


def average_out(q: np.ndarray, policy: np.ndarray, group) -> np.ndarray:
    """Average out the actions of every agent in `group`; their axes stay with length 1."""
    for i in group:
        q = average(q, policy[i], i)
    return q


def squared_scores(pi: np.ndarray) -> np.ndarray:
    """|grad log pi(x)|^2 for each action x, `[A]`: with softmax logits the gradient is e_x - pi."""
    return ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)


def value(q, policy) -> float:
    """V = E[Q(a)] over the joint policy (section 3.1).

    q: `(A,) * n`; policy: `[n, A]`. The unit is q's.
    Raises ValueError where q or policy has a wrong shape, or a row of policy is not a distribution.
    """
    q, policy = check_game(q, policy)
    return average_out(q, policy, range(q.ndim)).item()


def baseline(q, policy, group) -> np.ndarray:
    """The k-level baseline of `group`, k = len(group): Q with the group's actions averaged out (Eq. 2).

    q: `(A,) * n`; policy: `[n, A]`; group: agents, in any order. Returns a new array of q's shape, constant along the
    group's axes. The empty group averages nothing and gives q itself. The group need not contain any agent in
    particular; as a baseline for agent i's gradient it must contain i (Lemma A.1).
    Raises ValueError where q, policy or group is wrong (an agent out of range, or named twice).
    """
    q, policy = check_game(q, policy)
    group = check_group(group, q.ndim)
    return np.broadcast_to(average_out(q, policy, group), q.shape).copy()


def advantage(q, policy, group) -> np.ndarray:
    """The k-level advantage Q - b: what the group's actions add to their average (section 4.1).

    Shapes and errors are those of `baseline`; the result has q's shape.
    """
    averaged = baseline(q, policy, group)  # first, because it checks the arguments
    return np.asarray(q, dtype=float) - averaged


def minimum_variance_baseline(q, policy, agent, group) -> np.ndarray:
    """The baseline of least gradient variance among those that ignore the group's actions (Theorem A.2).

    b* = E[Q w] / E[w] over a_G, with w = |grad log pi_i(a_i)|^2 for softmax logits; it is `baseline` plus
    Cov(Q, w) / E[w] (Lemma A.3). q: `(A,) * n`; policy: `[n, A]`; group: agents, `agent` among them. Returns a new
    array of q's shape, constant along the group's axes.
    Where agent's policy is deterministic, E[w] = 0: the gradient is 0 with any baseline, and the plain one
    is returned.
    Raises ValueError where an argument is wrong or the group does not contain the agent.
    """
    q, policy = check_game(q, policy)
    agent = check_agent(agent, q.ndim)
    group = check_group(group, q.ndim, agent)
    w = squared_scores(policy[agent])  # [A]
    expected = policy[agent] @ w
    if expected == 0:
        return baseline(q, policy, group)
    along_agent = [-1 if i == agent else 1 for i in range(q.ndim)]
    return baseline(q * (w / expected).reshape(along_agent), policy, group)
