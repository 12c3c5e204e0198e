"""From attention to CorrSets, and what their baselines cost: the mathematics behind the sigma explorer.

A recorded game holds, for some updates of a training, one moment of the game: the attention alpha `[n, n]` of MACA's
critic, the policy, and the exact Q of that policy. A threshold sigma then makes the CorrSets

    j is in C_i  where  alpha_ij >= sigma  or  j = i

and a CorrSet makes a baseline, whose gradient variance is exact (Theorem A.2).
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from importlib.resources import files
from itertools import combinations
from typing import NamedTuple

import numpy as np

from maca_edu import exact

FIGURE_6 = "Figure 6 of the paper"
PUBLISHED = (  # attention of five agents, 5m_vs_6m
    (0.353, 0.146, 0.141, 0.216, 0.143),
    (0.166, 0.358, 0.154, 0.174, 0.146),
    (0.164, 0.140, 0.346, 0.160, 0.190),
    (0.220, 0.155, 0.153, 0.331, 0.141),
    (0.168, 0.149, 0.181, 0.156, 0.347),
)


class Moment(NamedTuple):
    """One moment of a game, as a team sees it after so many updates."""

    update: int
    attention: np.ndarray  # [n, n] rows sum to 1
    policy: np.ndarray | None  # [n, A]; None: not known
    q: np.ndarray | None  # [A] * n, exact; None: not known


class Recorded(NamedTuple):
    """A game, and how attention developed in it."""

    title: str
    moment: str  # in words
    agents: tuple[str, ...]
    partners: np.ndarray | None  # [n, n] bool, who shares a term of the reward with whom; None: not known
    steps: tuple[Moment, ...]

    def at(self, update: int) -> Moment:
        """The moment after so many updates."""
        return next(step for step in self.steps if step.update == update)


class Scores(NamedTuple):
    """CorrSets against the true partners; oneself does not count. NaN where there is nothing to count."""

    size: float  # members of a CorrSet, oneself included
    precision: float  # of those admitted, the share that are partners
    recall: float  # of the partners, the share that is admitted
    chance: float  # the precision of CorrSets drawn at random


class Variances(NamedTuple):
    """The exact variance of one agent's gradient, with the baseline that averages out ..."""

    individual: float  # ... the agent alone
    corrset: float  # ... the CorrSet
    chance: float  # ... a set of the same size, drawn at random: the mean
    partners: float  # ... the true partners
    best: float  # ... the set that leaves least
    joint: float  # ... everybody


@cache
def recorded() -> dict[str, Recorded]:
    """The games of the explorer, by title; the last is the published matrix, of which nothing else is known."""
    text = (files("maca_edu") / "widgets" / "data" / "attention.json").read_text(encoding="utf-8")
    games = {}
    for game in json.loads(text)["games"]:
        shape = (len(game["actions"]),) * len(game["agents"])
        steps = []
        for s in game["steps"]:
            policy = np.array(s["policy"])
            policy /= policy.sum(axis=1, keepdims=True)  # they are stored with six digits
            steps.append(Moment(s["update"], np.array(s["attention"]), policy, np.reshape(s["q"], shape)))
        partners = np.array(game["partners"], dtype=bool)
        games[game["title"]] = Recorded(game["title"], game["moment"], tuple(game["agents"]), partners, tuple(steps))
    published = Moment(0, np.array(PUBLISHED), None, None)
    names = tuple(str(i + 1) for i in range(len(PUBLISHED)))
    games[FIGURE_6] = Recorded(FIGURE_6, "one moment of a trained team, 5m_vs_6m", names, None, (published,))
    return games


def corrsets(attention: np.ndarray, sigma: float) -> np.ndarray:
    """Who is in whose CorrSet, bool `[n, n]`; row i is C_i."""
    return (attention >= sigma) | np.eye(len(attention), dtype=bool)


def scores(corrset: np.ndarray, partners: np.ndarray | None) -> Scores:
    """How well the CorrSets `[n, n]` find the partners `[n, n]`; None: only their size is known."""
    n, size = len(corrset), float(corrset.sum(axis=1).mean())
    if partners is None or n < 2:
        return Scores(size, np.nan, np.nan, np.nan)
    others = ~np.eye(n, dtype=bool)
    admitted, true = corrset & others, partners & others
    hits = (admitted & true).sum()
    precision = hits / admitted.sum() if admitted.any() else np.nan
    recall = hits / true.sum() if true.any() else np.nan
    # An agent that admits m others at random finds m * (its partners) / (n - 1) of them.
    expected = (admitted.sum(axis=1) * true.sum(axis=1)).sum() / (n - 1)
    chance = expected / admitted.sum() if admitted.any() else np.nan
    return Scores(size, float(precision), float(recall), float(chance))


@lru_cache(maxsize=4096)
def variance(title: str, update: int, agent: int, group: tuple[int, ...]) -> float:
    """The exact variance of an agent's gradient with the baseline that averages out a group."""
    moment = recorded()[title].at(update)
    baseline = exact.baseline(moment.q, moment.policy, group)
    return exact.gradient_moments(moment.q, moment.policy, agent, baseline)[1]


def sets_with(agent: int, n: int, size: int) -> list[tuple[int, ...]]:
    """All sets of `size` agents that hold one agent in particular, each as a rising tuple."""
    others = [j for j in range(n) if j != agent]
    return [tuple(sorted((agent, *some))) for some in combinations(others, size - 1)]


@lru_cache(maxsize=256)
def best_set(title: str, update: int, agent: int) -> tuple[int, ...]:
    """Of all sets that hold the agent, the one whose baseline leaves the least variance; of equal ones the smallest."""
    n = len(recorded()[title].agents)
    every = [group for size in range(1, n + 1) for group in sets_with(agent, n, size)]
    costs = np.array([variance(title, update, agent, group) for group in every])
    return every[np.flatnonzero(costs <= costs.min() * (1 + 1e-9))[0]]


def variances(title: str, update: int, agent: int, sigma: float) -> Variances | None:
    """What the CorrSet of an agent costs, and what to compare it with; None where the game is not known."""
    game = recorded()[title]
    if game.partners is None:
        return None
    n, moment = len(game.agents), game.at(update)
    members = np.flatnonzero(corrsets(moment.attention, sigma)[agent])
    partners = np.flatnonzero(game.partners[agent] | (np.arange(n) == agent))

    def cost(group) -> float:
        return variance(title, update, agent, tuple(int(j) for j in group))

    return Variances(
        individual=cost((agent,)),
        corrset=cost(members),
        chance=float(np.mean([cost(group) for group in sets_with(agent, n, len(members))])),
        partners=cost(partners),
        best=cost(best_set(title, update, agent)),
        joint=cost(range(n)),
    )
