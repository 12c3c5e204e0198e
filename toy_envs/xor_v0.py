"""Xor: everything depends on everybody, and nothing on anybody alone.

    term    agents    pays
    xor     all       1 if an odd number of agents play 1, otherwise 0 (two agents: 1 if they differ)

While the others toss fair coins, an agent's own action does not change the expected reward at all: all of the reward's
variance sits in the one level that contains every agent.
"""

import numpy as np

from toy_envs.adapter import checked_options, environments
from toy_envs.core import OneShotGame, RewardTerm, check_integer


@checked_options
def game(n_agents: int = 2) -> OneShotGame:
    """Xor of n_agents agents with actions 0 and 1.

    n_agents: from 2 to 16 (the one table has 2**n_agents entries). ValueError for anything else.
    """
    n_agents = check_integer("n_agents", n_agents, 2, 16)
    odd = np.indices((2,) * n_agents).sum(axis=0) % 2  # [2] * n
    return OneShotGame(n_agents, 2, [RewardTerm("xor", tuple(range(n_agents)), odd)], name="xor_v0")


parallel_env, env = environments(game)
