"""Ring: agents on a circle, every few neighbours share a rope, and pulling alone only costs.

Each of the n ropes joins `span` neighbours and pays when all of them pull, so every agent belongs to `span` ropes: the
groups overlap, and no two agents belong to the same ones. Five agents, span 2:

    term       agents    pays
    pull_AB    A, B      reward if both pull, otherwise 0
    pull_BC    B, C      reward if both pull, otherwise 0
    ...                  and so on round the circle, up to pull_EA, which joins E and A
    cost_A     A         -cost if A pulls, otherwise 0
    ...                  and so on for every agent

Best where reward > cost: everybody pulls, for n (reward - cost). An agent alone does better to rest.
"""

import numpy as np

from toy_envs.adapter import checked_options, environments
from toy_envs.core import OneShotGame, RewardTerm, agent_names, check_integer, check_number


@checked_options
def game(n_agents: int = 5, span: int = 2, reward: float = 1.0, cost: float = 0.25) -> OneShotGame:
    """Ring with actions rest (0) and pull (1).

    n_agents: from span + 1 to 100. span: agents on a rope, 2 or 3. reward: what a pulled rope pays.
    cost: what pulling costs each agent. ValueError for anything else; `payoff()` refuses more than 24 agents.
    """
    span = check_integer("span", span, 2, 3)
    n_agents = check_integer("n_agents", n_agents, span + 1, 100)
    pulled = np.zeros((2,) * span)
    pulled[(1,) * span] = check_number("reward", reward)
    alone = [0.0, 0.0 - check_number("cost", cost)]
    names = agent_names(n_agents)
    ropes = [tuple((i + j) % n_agents for j in range(span)) for i in range(n_agents)]
    terms = [
        *(RewardTerm("pull_" + "".join(names[i] for i in rope), rope, pulled) for rope in ropes),
        *(RewardTerm(f"cost_{name}", (i,), alone) for i, name in enumerate(names)),
    ]
    return OneShotGame(n_agents, 2, terms, name="ring_v0", actions=("rest", "pull"))


parallel_env, env = environments(game)
