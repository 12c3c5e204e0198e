"""How near the search for psi comes to the best psi: the table in the text of `maca_edu.training.psi_search`.

The world is made up: the best psi's effect on an update's gain is known, and the return is measured with noise of sd 1.
Its seeds were not used to choose the defaults.
"""

import numpy as np
import pytest

from maca_edu.networks import MacaCritic
from maca_edu.training.psi_search import PsiSearch

BEST = np.array([(0.6, 0.1, 0.3), (0.1, 0.8, 0.1), (0.2, 0.2, 0.6)])
BUDGETS = (640, 1280, 2560)
DRIFT = 0.18  # the return's rise by each update, whatever psi: what runs on SMAX showed, in units of the noise
SEEDS = range(1000, 1021)
TABLE = {  # (hold, population): {effect of the best psi in units of the noise's sd, inf without noise: errors}
    (1, 16): {np.inf: (0.01, 0.01, 0.01), 3: (0.02, 0.04, 0.02), 1: (0.07, 0.03, 0.03), 0.17: (0.20, 0.12, 0.12)},
    (4, 8): {np.inf: (0.02, 0.01, 0.01), 3: (0.02, 0.03, 0.02), 1: (0.03, 0.03, 0.04), 0.17: (0.10, 0.08, 0.07)},
}


def psi(eta):
    e = np.exp(np.clip(eta[:, 0], -MacaCritic.LOGIT_BOUND, MacaCritic.LOGIT_BOUND))
    return e / e.sum()


def errors(search, seed, effect, best):
    """The largest error of a weight after each budget."""
    noise = np.random.default_rng([seed, 1]).normal(0, np.isfinite(effect), max(BUDGETS) + 1)
    effect = effect if np.isfinite(effect) else 3.0
    R, found = 0.0, []
    search.tell(R + noise[0])
    for update in range(1, max(BUDGETS) + 1):
        distance = ((psi(search.ask()) - best) ** 2).sum() / ((1 / 3 - best) ** 2).sum()
        R += DRIFT + effect * (1 - distance)
        search.tell(R + noise[update])
        if update in BUDGETS:
            found.append(np.abs(psi(search.mean) - best).max())
    return found


@pytest.mark.parametrize("effect", [np.inf, 3.0, 1.0, 0.17])
@pytest.mark.parametrize(("hold", "population"), [(1, 16), (4, 8)])
def test_median_error_of_psi(benchmark, hold, population, effect):
    def searches():
        return [
            errors(PsiSearch(seed=seed, population=population, hold=hold), seed, effect, BEST[seed % 3])
            for seed in SEEDS
        ]

    medians = np.median(benchmark.pedantic(searches, rounds=1), axis=0)
    benchmark.extra_info["median error"] = np.round(medians, 3).tolist()
    np.testing.assert_allclose(medians, TABLE[hold, population][effect], atol=0.006)
