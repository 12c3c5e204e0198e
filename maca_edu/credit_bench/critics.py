"""What an estimator may ask: a critic that knows Q exactly, or one that was fitted to a few plays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from maca_edu.credit_bench.moments import Moments, drawn_rows, in_units
from maca_edu.credit_bench.sums import Part, Parts, look_up
from maca_edu.exact import credit_spectrum

PLAYS = 100  # that the fitted critic has seen
RIDGE = 1.0


@dataclass(frozen=True)
class Critic:
    """A guess of Q, and of who shares a term of the reward with whom."""

    q: Parts
    corrset: np.ndarray  # [N, n, n] bool, row i is C_i

    def in_units(self, scale: float, shift: float = 0.0) -> Critic:
        """The same critic where every payment is times `scale`, and every Q plus `shift`."""
        return replace(self, q=in_units(self.q, scale, shift))


def exact(moments: Moments) -> Critic:
    """The critic that is never wrong."""
    return Critic(moments.q, moments.partners)


def fitted(moments: Moments, rng: np.random.Generator) -> Critic:
    """A critic fitted to PLAYS plays of a one-shot game, by ridge regression.

    It has a constant, a number for each action of each agent, and one for each two actions of each two agents.

    C_i holds i and everyone whose interaction with i is at least as large as the mean agent's, as attention with the
    paper's threshold 1/n would say. Raises ValueError where the game is not one-shot.
    """
    if not moments.one_shot:
        raise ValueError(f"moments={moments.name!r} go on after the joint action; a critic is fitted to one-shot games")
    rows = drawn_rows(moments, PLAYS, rng)
    target = look_up(moments.q, rows.state, rows.action)
    groups = [*combinations(range(moments.n_agents), 1), *combinations(range(moments.n_agents), 2)]
    shapes = [(moments.n_actions,) * len(group) for group in groups]
    columns = [indicators(rows.action, group, shape) for group, shape in zip(groups, shapes, strict=True)]
    X, constant = np.concatenate(columns, axis=1), target.mean()
    weights = np.linalg.solve(X.T @ X + RIDGE * np.eye(X.shape[1]), X.T @ (target - constant))
    tables = np.split(weights, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
    parts = [Part((), np.full(1, constant))]
    for group, shape, table in zip(groups, shapes, tables, strict=True):
        parts.append(Part(group, table.reshape(1, *shape)))
    return Critic(tuple(parts), interacting(parts, moments.policy[0])[None])


def indicators(action: np.ndarray, group: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Which actions a group played, one-hot, `[S, A^k]`."""
    number = np.ravel_multi_index(tuple(action[:, list(group)].T), shape)
    return np.eye(int(np.prod(shape)))[number]


def interacting(parts: list[Part], policy: np.ndarray) -> np.ndarray:
    """Whose interaction with agent i is no smaller than average, bool `[n, n]`; everyone's with itself."""
    n = len(policy)
    strength = np.zeros((n, n))
    for part in parts:
        if len(part.agents) == 2:
            i, j = part.agents
            component = credit_spectrum(part.table[0], policy[[i, j]])[0, 1]
            joint = np.multiply.outer(policy[i], policy[j])
            strength[i, j] = strength[j, i] = np.sqrt((joint * component**2).sum())
    share = strength / np.maximum(strength.sum(axis=1, keepdims=True), 1e-12)
    return (share >= 1 / n) | np.eye(n, dtype=bool)
