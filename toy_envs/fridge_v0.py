"""Fridge: three agents carry a fridge, one of them a backpack as well, and a fourth only watches.

The example from the introduction of the MACA paper, as a one-shot game. A, B and C move the fridge if all three lift.
A also has a backpack to bring, and brings it whenever A lifts. Every lift is an effort, for D too, who belongs to
nothing that pays. One number tells the team how it went:

    term        agents     pays
    fridge      A, B, C    6 if all three lift, otherwise 0
    backpack    A          2 if A lifts, otherwise 0
    effort_A    A          -1 if A lifts, otherwise 0
    effort_B    B          -1 if B lifts, otherwise 0
    effort_C    C          -1 if C lifts, otherwise 0
    effort_D    D          -1 if D lifts, otherwise 0

Best: A, B and C lift while D rests, for 6 + 2 - 3 = 5.
"""

import numpy as np

from toy_envs.adapter import checked_options, environments
from toy_envs.core import OneShotGame, RewardTerm, agent_names, check_number


@checked_options
def game(fridge: float = 6.0, backpack: float = 2.0, effort: float = 1.0) -> OneShotGame:
    """Fridge with agents A, B, C, D and actions rest (0) and lift (1).

    fridge, backpack: what the two pieces pay. effort: what each lift costs. ValueError where one is not finite.
    """
    carried = np.zeros((2, 2, 2))
    carried[1, 1, 1] = check_number("fridge", fridge)
    cost = [0.0, 0.0 - check_number("effort", effort)]
    terms = [
        RewardTerm("fridge", (0, 1, 2), carried),
        RewardTerm("backpack", (0,), [0.0, check_number("backpack", backpack)]),
        *(RewardTerm(f"effort_{name}", (i,), cost) for i, name in enumerate(agent_names(4))),
    ]
    return OneShotGame(4, 2, terms, name="fridge_v0", actions=("rest", "lift"))


parallel_env, env = environments(game)
