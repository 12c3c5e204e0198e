"""Why the predictions come out as they do: kept out of the labs, where they would stand beside the question."""

REASONS = {
    "ch01_how_many_pay_zero": "RRRR, LRRL, LRLR and LLRR. In three of them a backpack pays for two efforts.",
    "ch01_who_worked": "The four agree about no agent: each one lifts in some and rests in some.",
    "ch01_how_many_rewards": "One constant, 8 agents and 28 pairs: as many equations as unknowns.",
    "ch02_mean_changes": "100 times the mean score is 100 times 0.",
    "ch02_variance_factor": "The noise is 49 times as wide: half of 100, against a deviation of about 1.",
    "ch02_share_saved": "V is the best constant here, but it is close to 0. The noise comes from the actions, B's own "
    "and the others', and no constant knows them.",
    "ch03_quietest_group": "An undecided agent's noise follows the cube: B alone is its lowest corner. ABCD needs 2.4 "
    "times as many plays.",
    "ch03_ring_factor": "The joint advantage holds every rope and every cost of the ring, so its variance doubles; the "
    "mean gradient, which is subtracted, does not grow.",
    "ch04_share_at_half": "Three parts of level 1 against three of level 2 and one of level 3, all alike: 3/7.",
    "ch04_share_at_nine_tenths": "Each further member multiplies the variance by 1/9, the odds that an agent rests: "
    "243/271.",
    "ch04_parts_that_teach_b": "Only B's own: with a partner in the group, good and bad company cancel on average.",
    "ch05_number": "With 0.5 both estimates are the same 0.45: B's own dice add no noise.",
    "ch05_factor": "Nearly all of B's noise is made by its own dice.",
    "ch05_joint_weight": "B's CorrSet holds all of its partners; D is a stranger.",
    "ch06_owned_now": "Each surprise is charged to its own step and to every step before it. An endless stream would "
    "leave 11.5 per cent to the present joint action; an episode that ends leaves a little more.",
    "ch06_same_group": "AB where A and B lift together, ABC where all three do, A alone in all other steps. The best "
    "mixture follows.",
    "ch11_times": "Overlooked are the prices of A, C and AC, which save 0.60 together; D's effort costs 0.016.",
    "ch11_least_at_half": "An undecided agent's prices are all positive, those of its partners too.",
    "ch11_between": "Our teams' rows are peaked: two of three entries are below 1/n, a few far above. Those of "
    "Figure 6, of another net in another game, are flatter, so there it is 4 of 20.",
    "ch10_largest_entry": "Five products with a deviation of 1: the largest is about 1.16, and e to that power "
    "outweighs the rest.",
    "ch10_mates_first": "One net is at 67, another at 41, and there they were before training, which hardly moved "
    "them.",
    "ch10_who_finds_them": "The additive head's best fit to these plays does not contain the pairing. Who does not "
    "need to know does not ask.",
    "ch14_untrained": "A constant takes nothing out, but the return brings B's credit whole: 28 of 67 parts of the "
    "variance, and the root of 28/67 is .65.",
    "ch14_apart": "COMA, MACA-NoInd and MACA-NoCor fall behind. The intervals of the others hold zero, and the joint "
    "baseline and MAPPO are as good as MACA.",
    "ch14_above_chance": "The critic's loss asks for returns, and nothing in it asks attention to find partners.",
    "ch15_line": "The score in log τ is even around the mean, a line is odd. It cannot say whether to be more certain.",
    "ch15_bounds": "Only numbers drawn between the bounds tell the mean where to go, and at −1 they are three in a "
    "thousand.",
    "ch15_spread": "Without a collision nearly all of it is level 1. A touch is a jump that two agents make together.",
    "ch16_sum_of_differences": "Leave out either shot, and the other one takes the 4. Neither seems to have earned "
    "anything.",
    "ch16_with_partner": "Most of the time is spent walking and waiting for the weapon. An ally that hits somebody has "
    "company in two of five cases.",
    "ch16_times_chance": "The critic's attention does not know who hits what. It is not trained to know it.",
    "ch17_adapts": "B and C change places. A set that changes with them holds a partner in both teams, and no "
    "stranger.",
    "ch17_more_ahead": "The partners are behind alone in both, by nearly the same: plays with other ropes differ by "
    "names only, as long as all agents pull alike. Alone names nobody, so it adapts by itself.",
    "ch17_teams_explain": "A line in the counts predicts nothing for battles that it was not fitted to. Both sides "
    "have the same units, which may be why.",
}
