"""How noisy the policy gradient is, exactly, and which mixture of baselines makes it least noisy.

One joint action a is drawn from the policy; agent i's estimate of its gradient (Eq. 1, softmax logits) is

    g = (Q(a) - b(a)) (e_{a_i} - pi_i),      a vector [A], one entry per logit
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import nnls

from maca_edu.exact.baselines import average_out, baseline, squared_scores
from maca_edu.exact.checks import check_agent, check_game, check_group, check_numbers
from toy_envs.core import check_number


def power_of_two(numbers: np.ndarray) -> float:
    """One no larger than the largest number and more than half of it; 1 where all are 0.

    Numbers divided by it lose no digit, and their squares do not vanish.
    """
    largest = float(abs(numbers).max(initial=0.0))
    return math.ldexp(0.5, math.frexp(largest)[1]) if largest else 1.0


def gradient_moments(q, policy, agent, baseline) -> tuple[np.ndarray, float]:
    """Mean `[A]` and total variance E|g|^2 - |E g|^2 of agent's gradient estimate from one joint action (Eq. 1).

    q: `(A,) * n`; policy: `[n, A]`; baseline: an array that broadcasts to q's shape (0.0: none). Nothing else is asked
    of the baseline: one that depends on the agent's own action gives a biased mean.
    Raises ValueError where an argument is wrong or the baseline does not fit q. A variance below 1e-308, of a q below
    1e-154, is 0.
    """
    q, policy = check_game(q, policy)
    agent = check_agent(agent, q.ndim)
    baseline = check_numbers("baseline", baseline)
    try:
        adv = q - np.broadcast_to(baseline, q.shape)
    except ValueError:
        raise ValueError(f"baseline has shape {baseline.shape}; it must broadcast to q's shape {q.shape}") from None
    pi = policy[agent]
    others = [j for j in range(q.ndim) if j != agent]
    first = average_out(adv, policy, others).ravel()  # [A]: E[adv | a_i]
    second = average_out(adv**2, policy, others).ravel()  # [A]: E[adv^2 | a_i]
    score = np.eye(len(pi)) - pi  # [A, A]: row x is grad log pi(x)
    mean = (pi * first) @ score  # [A]
    square = (pi * second) @ squared_scores(pi)
    return mean, max(0.0, float(square - mean @ mean))  # rounding may leave -1e-17


def optimal_mixture(q, policy, agent, groups) -> np.ndarray:
    """The weights psi of the groups' baselines whose mixture has the least gradient variance (Eq. 3 and 4).

    q: `(A,) * n`; policy: `[n, A]`; groups: a list of groups, each containing `agent`; the paper's are joint,
    individual, CorrSet. Returns psi `[len(groups)]`, psi >= 0, sum 1: with the baseline sum of psi_m b_m, the variance
    that `gradient_moments` gives is the least on the simplex. Two groups with the same baseline share their weight
    arbitrarily. Groups that leave no variance at all (a deterministic agent, a q without its action) share it equally.
    Raises ValueError where an argument is wrong, `groups` is empty or a group does not contain the agent.

    Why it is exact. The mean of g does not depend on psi (Lemma A.1), so we minimise c(psi) = E|g|^2 = |C psi|^2, where
    column m of C is (q - b_m) times the root of probability times squared score. Non-negative least squares minimises
    |C x|^2 + (1'x - 1)^2 over x >= 0. Write x = s psi: for a fixed direction psi the best scale is s = 1 / (1 + c) and
    leaves c / (1 + c), which grows with c. So the best x points where c is least, and psi = x / sum(x).
    """
    q, policy = check_game(q, policy)
    agent = check_agent(agent, q.ndim)
    try:
        groups = list(groups)
    except TypeError:
        raise ValueError(f"groups={groups!r} is not a list of groups") from None
    groups = [check_group(group, q.ndim, agent) for group in groups]
    if not groups:
        raise ValueError("groups is empty; give at least one group")
    weight = np.ones(())  # becomes pi(a) |grad log pi_i(a_i)|^2, of q's shape
    for j in range(q.ndim):
        pi = policy[j]
        weight = np.multiply.outer(weight, pi * squared_scores(pi) if j == agent else pi)
    root = np.sqrt(weight)
    C = np.stack([(root * (q - baseline(q, policy, group))).ravel() for group in groups], axis=1)  # [A^n, M]
    return shortest_mixture(C, 1e-14 * abs(q).max() * np.sqrt(weight.sum()))


def shortest_mixture(columns, zero: float = 0.0) -> np.ndarray:
    """The psi `[M]`, psi >= 0 with sum 1, for which |columns @ psi| is least; columns: `[rows, M]`, M >= 1.

    Columns no longer than `zero` share the weight equally where there are any. Why non-negative least squares finds
    it is told in `optimal_mixture`. Raises ValueError where an argument is wrong.
    """
    columns, zero = check_numbers("columns", columns), check_number("zero", zero)
    if columns.ndim != 2 or columns.shape[1] == 0:
        raise ValueError(f"columns has shape {columns.shape}; expected (rows, M), one column or more")
    if zero < 0:
        raise ValueError(f"zero={zero:g}; allowed is a length of 0 or more")
    unit = power_of_two(columns)
    columns = columns / unit
    norm = np.linalg.norm(columns, axis=0)  # [M]
    nothing = norm <= zero / unit
    if nothing.any():
        return nothing / nothing.sum()
    R = np.linalg.qr(columns / norm.min(), mode="r")  # [min(rows, M), M]: |R x| = |columns x| / norm.min(), few rows
    x, _ = nnls(np.vstack([R, np.ones(len(norm))]), np.append(np.zeros(len(R)), 1.0))
    return x / x.sum()
