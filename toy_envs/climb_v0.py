"""Climb: two agents, one term of two, and a best joint action that nobody dares to try.

    term     agents    pays, A's action down and B's across
    climb    A, B              0    1    2
                          0   11  -30    0
                          1  -30    7    6
                          2    0    0    5

While both choose at random, A's actions earn -19/3, -17/3 and 5/3 on average and B's earn -19/3, -23/3 and 11/3: both
turn to action 2. From (2, 2) A can climb to (1, 2) for 6 and B to (1, 1) for 7; the 11 at (0, 0) stays behind the -30s.

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
