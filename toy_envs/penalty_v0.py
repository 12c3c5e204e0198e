"""Penalty: two equally good joint actions, and a penalty for agents who aim at different ones.

    term       agents    pays, A's action down and B's across
    penalty    A, B               0         1         2
                            0    10         0    penalty
                            1     0         2         0
                            2    penalty    0        10

Action 1 is safe and pays little. The larger the penalty, the less an agent who does not know what the other will do
likes actions 0 and 2, one of which both should take.

Source: the penalty game of C. Claus and C. Boutilier, "The dynamics of reinforcement learning in cooperative
multiagent systems", AAAI 1998, who call the penalty k and take k <= 0.
"""

from toy_envs.adapter import checked_options, environments
from toy_envs.core import OneShotGame, RewardTerm, check_number


@checked_options
def game(penalty: float = -100.0) -> OneShotGame:
    """The penalty game: 2 agents, actions 0, 1 and 2.

    penalty: what the joint actions (0, 2) and (2, 0) pay, at most 0. ValueError for anything else.
    """
    k = check_number("penalty", penalty)
    if k > 0:
        raise ValueError(f"penalty={penalty!r}; allowed is a finite number of at most 0")
    table = [[10, 0, k], [0, 2, 0], [k, 0, 10]]
    return OneShotGame(2, 3, [RewardTerm("penalty", (0, 1), table)], name="penalty_v0")


parallel_env, env = environments(game)
