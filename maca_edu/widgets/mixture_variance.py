"""The gradient variance of every mixture of three baselines, exactly: the mathematics behind the psi explorer.

A mixture psi = (psi_Jnt, psi_Ind, psi_Cor) weighs the joint, the individual and the CorrSet baseline (Eq. 3). The
weights are at least 0 and sum to 1, so a mixture is a point of a triangle whose corners are the three baselines. With
A_m the advantage of baseline m, the mixture's advantage is sum_m psi_m A_m (Eq. 4), and the gradient g of agent i has

    E|g|^2 = sum_mk psi_m psi_k M_mk,    M_mk = E[|grad log pi_i|^2 A_m A_k]

The mean of g does not depend on psi (Lemma A.1). So the nine numbers M and this mean tell the variance of any mixture.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from maca_edu import exact
from maca_edu.exact.baselines import squared_scores
from toy_envs import climb_v0, fridge_v0, ring_v0
from toy_envs.core import OneShotGame, RewardTerm

BASELINES = ("Jnt", "Ind", "Cor")  # the order of every psi and of M
TEAM = "team"  # the view of all agents together


class Setting(NamedTuple):
    """A game, a CorrSet for each agent, and the action that each agent plays with probability p."""

    game: OneShotGame
    corrsets: tuple[tuple[int, ...], ...]
    likely: tuple[int, ...]  # [n] the action that has probability p; the agent's other actions share the rest equally

    def policy(self, p: float) -> np.ndarray:
        """The joint policy `[n, A]` of agents as decided as p."""
        n, A = self.game.n_agents, self.game.n_actions
        policy = np.full((n, A), (1 - p) / (A - 1))
        policy[range(n), self.likely] = p
        return policy


@cache
def settings() -> dict[str, Setting]:
    """The games of the explorer, by the name that its menu shows."""
    pays = np.zeros((2, 2, 2))
    pays[1, 1, 1] = 1.0
    rope = OneShotGame(3, 2, [RewardTerm("rope", (0, 1, 2), pays)], name="rope", actions=("rest", "pull"))
    neighbours = tuple(tuple(sorted({(i - 1) % 6, i, (i + 1) % 6})) for i in range(6))
    return {
        "Fridge": Setting(fridge_v0.game(), ((0, 1, 2),) * 3 + ((3,),), (1, 1, 1, 0)),
        "Ring of six": Setting(ring_v0.game(n_agents=6), neighbours, (1,) * 6),
        "Rope, C overlooked": Setting(rope, ((0, 1), (0, 1), (2,)), (1, 1, 1)),
        "Climb": Setting(climb_v0.game(), ((0, 1), (0, 1)), (0, 0)),
    }


def views_of(name: str) -> list[str]:
    """Whose gradient can be looked at in the game of this name: each agent's, and the team's."""
    return [*settings()[name].game.agents, TEAM]


def agents_in_view(setting: Setting, view: str) -> list[int]:
    """The numbers of the agents whose gradients a view adds up: one agent, or all of them."""
    if view == TEAM:
        return list(range(setting.game.n_agents))
    return [setting.game.agents.index(view)]


class Triangle(NamedTuple):
    """What is needed to compute the gradient variance of any mixture: one game, one view, one p."""

    M: np.ndarray  # [3, 3] in the order of BASELINES; for a team the sum over its agents
    means: dict[int, np.ndarray]  # the mean gradient [A] of each agent in view
    best: np.ndarray  # [3] the mixture of least variance
    floor: float  # the least variance of any legal baseline, mixture or not (Theorem A.2)

    def variance(self, psi) -> np.ndarray:
        """The exact variance of each of the mixtures `[..., 3]`, shape `[...]`."""
        psi = np.asarray(psi, dtype=float)
        square = np.einsum("...m,mk,...k->...", psi, self.M, psi)  # E|g|^2
        return np.maximum(0.0, square - sum(mean @ mean for mean in self.means.values()))

    def extremes(self) -> tuple[float, float]:
        """The least and the largest variance of any mixture. A convex function is largest at a corner."""
        return float(self.variance(self.best)), float(self.variance(np.eye(3)).max())


@lru_cache(maxsize=64)
def triangle(name: str, view: str, p: float) -> Triangle:
    """The triangle of the game of this name, for one agent or for the team.

    A team shares one psi, and its variance is the sum of its agents' variances.
    """
    setting = settings()[name]
    q, policy = setting.game.payoff(), setting.policy(p)
    M, means, floor = np.zeros((3, 3)), {}, 0.0
    for i in agents_in_view(setting, view):
        M += second_moments(q, policy, i, setting.corrsets[i])
        best_baseline = exact.minimum_variance_baseline(q, policy, i, (i,))
        means[i], least = exact.gradient_moments(q, policy, i, best_baseline)
        floor += least
    return Triangle(M, means, best_mixture(M), floor)


def second_moments(q: np.ndarray, policy: np.ndarray, agent: int, corrset) -> np.ndarray:
    """M `[3, 3]` of one agent: M_mk = E[|grad log pi_i|^2 A_m A_k], with the baselines in the order of BASELINES."""
    groups = (range(q.ndim), (agent,), corrset)
    advantages = [exact.advantage(q, policy, group) for group in groups]  # three arrays [A, ..., A]
    along_agent = [-1 if j == agent else 1 for j in range(q.ndim)]
    weight = squared_scores(policy[agent]).reshape(along_agent)  # [1, ..., A, ..., 1]
    M = np.zeros((3, 3))
    for m, k in np.ndindex(3, 3):
        M[m, k] = exact.value(weight * advantages[m] * advantages[k], policy)
    return M


def best_mixture(M: np.ndarray) -> np.ndarray:
    """The psi `[3]` of least variance, in closed form (chapter 5, the theorem on two knobs).

    Call u = psi_Jnt + psi_Cor the near knob and v = psi_Jnt the far knob, 0 <= v <= u <= 1. Then

        E|g|^2 = M_Ind,Ind + (s u^2 - 2 c u) + (t v^2 - 2 d v)

    There is no term in u v: b_Cor - V depends only on agents outside the CorrSet, and given their actions
    b_Ind - b_Cor has mean zero. So each parabola has its own lowest point. Where these would need v > u, the two knobs
    stand at one place, the lowest point of the sum of the parabolas.
    """
    J, I, C = 0, 1, 2
    s, c = M[C, C] - 2 * M[I, C] + M[I, I], M[I, I] - M[I, C]
    t, d = M[J, J] - 2 * M[C, J] + M[C, C], M[I, C] - M[I, J]
    tiny = 1e-12 * abs(M).max()  # a parabola this flat is zero up to rounding: its knob does nothing, so leave it at 0
    u = c / s if s > tiny else 0.0
    v = d / t if t > tiny else 0.0
    if v > u:
        u = v = (c + d) / (s + t)
    u, v = np.clip([u, v], 0.0, 1.0)
    return np.array([v, 1 - u, u - v])


class Components(NamedTuple):
    """The groups that can hold a component of the reward, sorted by what they are for one agent."""

    own: list[tuple[int, ...]]  # with the agent: every mixture keeps them in full
    near: list[tuple[int, ...]]  # without it, but meeting its CorrSet: kept with weight psi_Jnt + psi_Cor
    far: list[tuple[int, ...]]  # the rest: kept with weight psi_Jnt


def components(setting: Setting, agent: int) -> Components:
    """The groups inside the game's reward terms, small ones first, as they look to the agent."""
    everybody = range(setting.game.n_agents)
    terms = [set(term.agents) for term in setting.game.reward_terms]
    corrset = set(setting.corrsets[agent])
    found = Components([], [], [])
    for size in range(1, len(everybody) + 1):
        for group in combinations(everybody, size):
            if not any(set(group) <= term for term in terms):
                continue  # it holds no component
            if agent in group:
                found.own.append(group)
            elif corrset & set(group):
                found.near.append(group)
            else:
                found.far.append(group)
    return found
