"""The games on which estimators are tried: Part I's, random ones, the long ring, a warehouse."""

from __future__ import annotations

import numpy as np

from maca_edu.credit_bench.moments import Moments, one_shot, over_time
from toy_envs import climb_v0, fridge_v0, longring_v0, penalty_v0, ring_v0, warehouse_v0, xor_v0
from toy_envs.core import OneShotGame, RewardTerm

RANDOM = (101, 102, 103)  # seeds of the random games
GROWTH = (4, 8, 16, 32, 64)


def ring(n_agents: int) -> Moments:
    """The ring whose ropes join three agents, everybody pulling with probability 0.7; any n from 4."""
    return one_shot(f"ring {n_agents}", ring_v0.game(n_agents, 3), np.tile([0.3, 0.7], (n_agents, 1)))


def random_game(seed: int, n_agents: int = 5, n_actions: int = 3) -> Moments:
    """A game whose reward terms belong to groups that were drawn and overlap, and a policy that was drawn.

    Four groups of two or three agents, then a term for each agent alone. Entries are standard normal, times the size of
    the group; rows of the policy are Dirichlet with parameter 2.
    """
    rng = np.random.default_rng(seed)
    terms = []
    for k in range(4):
        group = tuple(sorted(rng.choice(n_agents, size=rng.integers(2, 4), replace=False).tolist()))
        table = len(group) * rng.normal(size=(n_actions,) * len(group))
        terms.append(RewardTerm(f"group_{k}", group, table))
    terms += [RewardTerm(f"alone_{i}", (i,), rng.normal(size=n_actions)) for i in range(n_agents)]
    policy = rng.dirichlet([2.0] * n_actions, n_agents)
    return one_shot(f"random {seed}", OneShotGame(n_agents, n_actions, terms), policy)


def one_shot_games() -> list[Moments]:
    """Part I's games, at policies that know a little, and the random ones."""
    lift, pull, most = [0.1, 0.9], [0.3, 0.7], [0.7, 0.2, 0.1]
    return [
        one_shot("fridge", fridge_v0.game(), [lift, lift, lift, lift[::-1]]),
        one_shot("ring", ring_v0.game(8, 3), [pull] * 8),
        one_shot("climb", climb_v0.game(), [most] * 2),
        one_shot("penalty", penalty_v0.game(), [most] * 2),
        one_shot("xor", xor_v0.game(3), [pull] * 3),
        *(random_game(seed) for seed in RANDOM),
    ]


def games_over_time() -> list[Moments]:
    """The long ring and a warehouse of three agents with two overlapping crews of two."""
    rng = np.random.default_rng(0)
    ring = longring_v0.game(n_agents=7, span=3, rounds=10)
    floor = warehouse_v0.game("small", height=2, width=3, crews=((0, 1), (1, 2)))
    carriers = np.tile([0.12] * 5 + [0.4], (3, 1))
    return [
        over_time("long ring", ring, np.tile([0.3, 0.7], (7, 1)), 10, rng),
        over_time("warehouse", floor, carriers, 24, rng),
    ]


def all_games() -> list[Moments]:
    """Everything but the growth."""
    return one_shot_games() + games_over_time()
