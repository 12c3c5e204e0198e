"""Exact credit: every number of Part I computed by summing over all joint actions, with NumPy and nothing learned.

Three objects recur. `q` is a table of one value per joint action, shape `(A,) * n`, axis i for agent i's action: the
payoff of a one-shot game, or Q(s, .) in one state. `policy` is `[n, A]`, row i the probabilities pi_i of agent i's
actions; agents choose independently, so the joint policy is the product of the rows. `group` is any iterable of
agent numbers.

    baselines   Whose actions are averaged out?   value, baseline, advantage, minimum_variance_baseline
    moments     How noisy is the gradient?        gradient_moments, optimal_mixture, shortest_mixture
    spectrum    What is the credit made of?       credit_spectrum, level_shares
    credit      What else is called credit?       shapley_values, difference_rewards
    dynamic     And over time?                    enumerate_states, solve, solve_terms, term_spectrum
    returns     What does a lambda-return know?   lambda_return, visits
    budget      Who owns its variance?            three_owners, corrected_return, corrected_share

Arguments are read, never changed. A wrong one raises ValueError, which names it and says what is allowed.
"""

from maca_edu.exact.baselines import advantage, baseline, minimum_variance_baseline, value
from maca_edu.exact.budget import Owners, corrected_return, corrected_share, three_owners
from maca_edu.exact.credit import difference_rewards, shapley_values
from maca_edu.exact.dynamic import Enumeration, enumerate_states, solve, solve_terms, term_spectrum
from maca_edu.exact.moments import gradient_moments, optimal_mixture, shortest_mixture
from maca_edu.exact.returns import LambdaReturn, lambda_return, visits
from maca_edu.exact.spectrum import credit_spectrum, level_shares

__all__ = [
    "Enumeration",
    "LambdaReturn",
    "Owners",
    "advantage",
    "baseline",
    "corrected_return",
    "corrected_share",
    "credit_spectrum",
    "difference_rewards",
    "enumerate_states",
    "gradient_moments",
    "lambda_return",
    "level_shares",
    "minimum_variance_baseline",
    "optimal_mixture",
    "shapley_values",
    "shortest_mixture",
    "solve",
    "solve_terms",
    "term_spectrum",
    "three_owners",
    "value",
    "visits",
]
