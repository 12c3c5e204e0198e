"""Estimators that are no methods of ours: old answers, and newer ones whose definition their papers state.

Each is a function of a `CreditBatch` that returns advantages `[S, n]`, with NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maca_edu.credit_bench.batch import CreditBatch

ORDERS = 4  # orders of joining that a sampled Shapley value draws for each row
DEFAULT = 0  # the action that stands for doing nothing


@dataclass(frozen=True)
class Estimator:
    """An advantage estimator, and what a reader wants to know of it."""

    name: str
    function: Callable[[CreditBatch], np.ndarray]
    formula: str = "yours"
    source: str = "you"
    critic: bool = True
    """asks the critic, so that it is tried with a fitted one, too"""
    note: str = ""
    """what the bench leaves out of it, a clause after the name"""


def played(x: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Of a number for each action, `[S, n, A]`, those of the actions played, `[S, n]`."""
    return np.take_along_axis(x, action[:, :, None], axis=2)[:, :, 0]


def with_default(batch: CreditBatch) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers `[S n]` and the joint actions `[S n, n]` in which one agent does nothing, row after row."""
    S, n = batch.action.shape
    row, agent = np.divmod(np.arange(S * n), n)
    action = batch.action[row]
    action[np.arange(S * n), agent] = DEFAULT
    return row, action


def no_baseline(batch: CreditBatch) -> np.ndarray:
    """The return, for everybody (Williams, 1992)."""
    return np.repeat(batch.returns[:, None], batch.action.shape[1], axis=1)


def difference_rewards(batch: CreditBatch) -> np.ndarray:
    """What the return loses where agent i does nothing, as the critic has it (Wolpert and Tumer, 2001)."""
    row, action = with_default(batch)
    return batch.returns[:, None] - batch.ask(row, action).reshape(batch.action.shape)


def agent_importance(batch: CreditBatch) -> np.ndarray:
    """What the payment of this step loses where agent i does nothing (Mahjoub et al., 2023).

    They use it to explain what a team does. As an advantage it does not see what an action brings later.
    """
    row, action = with_default(batch)
    return batch.reward[:, None] - batch.simulate(row, action).reshape(batch.action.shape)


def shapley_sampled(batch: CreditBatch) -> np.ndarray:
    """The Shapley value of agent i's action, over ORDERS orders of joining drawn for each row (Shapley, 1953).

    Who has joined plays what it played; the others play an action drawn from their policies, one draw for each order.
    """
    S, n = batch.action.shape
    value = np.zeros((S, n))
    for _ in range(ORDERS):
        order = batch.rng.random((S, n)).argsort(axis=1)
        below = batch.rng.random((S, n, 1)) > batch.policy.cumsum(axis=2)[:, :, :-1]
        action = below.sum(axis=2)  # [S, n] of those who have not joined
        before = batch.ask(np.arange(S), action)
        for place in range(n):
            agent = order[:, place]
            action[np.arange(S), agent] = batch.action[np.arange(S), agent]
            after = batch.ask(np.arange(S), action)
            value[np.arange(S), agent] += (after - before) / ORDERS
            before = after
    return value


def leave_one_out(batch: CreditBatch) -> np.ndarray:
    """The return less the mean return of the batch's other rows (Kool et al., 2019)."""
    S, n = batch.action.shape
    others = (batch.returns.sum() - batch.returns) / (S - 1)
    return np.repeat((batch.returns - others)[:, None], n, axis=1)


def group_relative(batch: CreditBatch) -> np.ndarray:
    """The return less the batch's mean, over the batch's deviation: GRPO's advantage (Shao et al., 2024)."""
    z = (batch.returns - batch.returns.mean()) / (batch.returns.std() + 1e-8)
    return np.repeat(z[:, None], batch.action.shape[1], axis=1)


def coma_q(batch: CreditBatch) -> np.ndarray:
    """Q(s, a) - E_{a_i}[Q(s, a)], both from the critic, as COMA has it (Foerster et al., 2018)."""
    return played(batch.q_values, batch.action) - (batch.policy * batch.q_values).sum(axis=2)


OTHERS = (
    Estimator("no-baseline", no_baseline, "G", "Williams 1992", critic=False),
    Estimator("leave-one-out", leave_one_out, "G - mean of the other rows' G", "Kool et al. 2019", critic=False),
    Estimator("group-relative", group_relative, "(G - mean G) / std G", "Shao et al. 2024", critic=False),
    Estimator("difference", difference_rewards, "G - Q(0, a_-i)", "Wolpert and Tumer 2001"),
    Estimator("agent-importance", agent_importance, "r - r(0, a_-i)", "Mahjoub et al. 2023", critic=False),
    Estimator("shapley-sampled", shapley_sampled, "mean over orders of Q's gain", "Shapley 1953"),
    Estimator("coma-q", coma_q, "critic's Q - E_ai[Q]", "Foerster et al. 2018"),
)
