"""Dividends: the one way to split a payoff into a part for each group of agents, given a reference action for each.

With o the reference, the dividend of the group G is (chapter 1, Theorem 1.1)

    m_G(a_G) = sum over H inside G of (-1)^(|G| - |H|) r(a_H, o_-H)

It is zero as soon as a member of G plays its reference, and the dividends of all groups sum to the reward r(a).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from maca_edu.checks import Natural, check_integer, fits, in_python, shown
from toy_envs.core import check_numbers


def anchored_terms(payoff: np.ndarray, reference) -> np.ndarray:
    """Every dividend of a payoff `[A] * n`, as an array of the same shape (Theorem 1.1).

    The entry at the joint action a is m_G(a_G), where G are the agents whose action in a is not their reference. So
    every joint action holds one dividend; the reference itself holds that of the empty group, the reward paid there.
    reference: one action for each agent; ValueError where it is not. The unit is the payoff's.
    """
    payoff = check_numbers("payoff", payoff)
    n = payoff.ndim
    plain = in_python(reference.tolist() if isinstance(reference, np.ndarray) else reference)
    good = fits(plain, tuple[Natural, ...]) and len(plain) == n
    if not good or not all(o < A for o, A in zip(plain, payoff.shape, strict=True)):
        raise ValueError(
            f"reference={shown(reference)}; allowed are {n} actions, one for each agent, below the numbers of actions "
            f"{payoff.shape}"
        )
    terms = np.array(payoff, dtype=float)
    for i, o in enumerate(reference):
        at_reference = terms.take([o], axis=i)
        terms = terms - at_reference
        terms[(slice(None),) * i + (slice(o, o + 1),)] = at_reference
    return terms


def dividends_by_group(payoff: np.ndarray, reference) -> dict[tuple[int, ...], float]:
    """Each group's dividend when all its members leave their reference, for a payoff `[2] * n` of two actions."""
    terms = anchored_terms(payoff, reference)
    if set(terms.shape) != {2}:
        raise ValueError(f"payoff has shape {terms.shape}; expected two actions of each agent")
    return {group: entry_where_group_acts(terms, reference, group) for group in all_groups(terms.ndim)}


def entry_where_group_acts(table: np.ndarray, reference, group) -> float:
    """The entry of a table `[2] * n` where the members of `group` leave their reference and the others play it."""
    return float(table[tuple(1 - o if i in group else o for i, o in enumerate(reference))])


def all_groups(n: int) -> list[tuple[int, ...]]:
    """All subsets of n agents, nobody and everybody included, the small ones first."""
    check_integer("n", n, 0)
    return [group for size in range(n + 1) for group in combinations(range(n), size)]
