"""Two other answers to "who earned this?": Shapley values and difference rewards."""

from __future__ import annotations

from math import factorial

import numpy as np

from maca_edu.exact.checks import check_action, check_game, check_table


def shapley_values(payoff, policy, action) -> np.ndarray:
    """Each agent's Shapley value (Shapley, 1953) for the joint action played, `[n]`.

    A coalition S plays its part of `action` while the others follow the policy: v(S) = E[payoff | a_S]. An agent's
    value is what it adds to v, averaged over all orders in which the agents may join. The values sum to
    payoff(action) - V, and the members of H share each component of `credit_spectrum` equally:
    phi_i = sum of Q_H(a) / |H| over the groups H that contain i.
    payoff: `(A,) * n`; policy: `[n, A]`; action: `[n]` integers. The unit is the payoff's.
    Raises ValueError where an argument is wrong.
    """
    payoff, policy = check_game(payoff, policy, "payoff")
    n, A = policy.shape
    action = check_action("action", action, n, A)
    v = payoff
    for i in range(n):  # axis i, one entry per action, becomes: 0 follows the policy, 1 plays action[i]
        choices = np.stack([policy[i], np.eye(A)[action[i]]])  # [2, A]
        v = np.moveaxis(np.tensordot(choices, v, axes=(1, i)), 0, i)
    size = np.indices((2,) * (n - 1)).sum(axis=0) if n > 1 else np.zeros((), dtype=int)  # |S|, agent left out
    weight = np.array([factorial(k) * factorial(n - 1 - k) / factorial(n) for k in range(n)])[size]
    return np.array([(weight * (v.take(1, axis=i) - v.take(0, axis=i))).sum() for i in range(n)])


def difference_rewards(payoff, action, default) -> np.ndarray:
    """What the payoff loses when one agent's action is replaced by its default, `[n]` (Wolpert and Tumer, 2001).

    payoff: `(A,) * n`; action: `[n]` integers; default: one action for all agents, or `[n]`. Entry i is
    payoff(a) - payoff(a with a_i replaced by default_i). The unit is the payoff's.
    Raises ValueError where an argument is wrong.
    """
    payoff = check_table("payoff", payoff)
    n, A = payoff.ndim, payoff.shape[0]
    action = check_action("action", action, n, A)
    if np.ndim(default) == 0:
        default = np.full(n, default)
    default = check_action("default", default, n, A)
    without = np.tile(action, (n, 1))  # [n, n]: row i is the joint action without agent i's own choice
    np.fill_diagonal(without, default)
    return payoff[tuple(action)] - payoff[tuple(without.T)]
