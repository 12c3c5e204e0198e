"""Climb: two agents, one term of two, and a best joint action that nobody dares to try.

    term     agents    pays, A's action down and B's across
    climb    A, B              0    1    2
                          0   11  -30    0
                          1  -30    7    6
                          2    0    0    5

Against a partner who chooses at random, action 0 earns -19/3 on average, 1 earns -17/3 and 2 earns 5/3: both agents
drift to (2, 2), then B (or A) climbs to 6 and 7, and 11 stays out of reach behind the -30s.

Source: the climbing game of C. Claus and C. Boutilier, "The dynamics of reinforcement learning in cooperative
multiagent systems", AAAI 1998.
"""

from toy_envs.adapter import checked_options, environments
from toy_envs.core import OneShotGame, RewardTerm


@checked_options
def game() -> OneShotGame:
    """The climbing game: 2 agents, actions 0, 1 and 2, no options."""
    table = [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]
    return OneShotGame(2, 3, [RewardTerm("climb", (0, 1), table)], name="climb_v0")


parallel_env, env = environments(game)
