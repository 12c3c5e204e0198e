"""What the credit is made of: the one way to write Q as a sum of components, one for each group of agents.

Under a product policy (Hoeffding, 1948; "functional ANOVA")

    Q(a) = sum over H of Q_H(a_H),     E[Q_H] = 0 over the action of any one member,     Q_{} = V

Averaging over a_G deletes the components that meet G and leaves the others alone, so the advantage of any group can be
read off:  Q - E_{a_G}[Q] = sum of Q_H over all H that meet G.
"""

from __future__ import annotations

import numpy as np

from maca_edu.exact.baselines import average, average_out
from maca_edu.exact.checks import check_game
from maca_edu.exact.moments import power_of_two

MAX_NUMBERS = 2**26  # the components hold (A + 1)^n numbers; this many take 512 MiB


def components(q: np.ndarray, policy: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
    """The components by group; an axis has length A where the agent belongs to the group and 1 elsewhere."""
    n, A = policy.shape
    if (A + 1) ** n > MAX_NUMBERS:
        raise ValueError(
            f"q has {n} axes of {A}: its spectrum holds {A + 1}^{n} numbers; at most {MAX_NUMBERS:,} are allowed"
        )
    parts = {(): q}
    for i in range(n):  # split every part into its average over a_i and the rest
        split = {}
        for group, part in parts.items():
            split[group] = average(part, policy[i], i)
            split[(*group, i)] = part - split[group]
        parts = split
    return dict(sorted(parts.items(), key=lambda item: (len(item[0]), item[0])))


def credit_spectrum(q, policy) -> dict[tuple[int, ...], np.ndarray]:
    """Every component Q_H of Q, by group: `{(): V, (0,): Q_0, ..., (0, 1): Q_01, ...}`, each of q's shape.

    q: `(A,) * n`; policy: `[n, A]`. The keys are sorted tuples, small groups first, 2^n of them. Each component is a
    read-only view that depends on its members' actions only; they sum to q. The unit is q's.
    Raises ValueError where an argument is wrong or the (A + 1)^n numbers are more than 2^26.
    """
    q, policy = check_game(q, policy)
    return {group: np.broadcast_to(part, q.shape) for group, part in components(q, policy).items()}


def level_shares(q, policy) -> np.ndarray:
    """The share of Var(Q) that each credit assignment level k = 1..n holds, `[n]`, entry k - 1 for level k; sum 1.

    Components of different groups are uncorrelated, so Var(Q) is the sum of E[Q_H^2], and the level is k = |H|.
    q: `(A,) * n`; policy: `[n, A]`.
    Raises ValueError where an argument is wrong, and where Var(Q) = 0: then there is nothing to share.
    """
    q, policy = check_game(q, policy)
    q = q / power_of_two(q)  # shares have no unit, and squares of small numbers vanish
    variance = np.zeros(q.ndim + 1)
    for group, part in components(q, policy).items():
        variance[len(group)] += average_out(part**2, policy, group).item()
    variance = variance[1:]  # level 0 is V, which does not vary
    if variance.sum() <= (1e-14 * abs(q).max()) ** 2:  # zero, up to rounding
        raise ValueError("q does not vary under this policy (Var(Q) = 0), so no level has a share of it")
    return variance / variance.sum()
