"""CMA-ES as the search for psi uses it where it adapts its steps.

A module of its own, because pycma takes two seconds to import, which only a search needs.
"""

from __future__ import annotations

from cma import CMAEvolutionStrategy
from cma.sigma_adaptation import CMAAdaptSigmaCSA

__all__ = ["STEP_RANGE", "CMAEvolutionStrategy", "LimitedStepSize"]

STEP_RANGE = 3.0  # an adapted standard deviation stays between the first step / 3 and the first step * 3


class LimitedStepSize(CMAAdaptSigmaCSA):
    """CMA-ES's step-size adaptation, kept within [first step / STEP_RANGE, first step * STEP_RANGE].

    pycma's options `minstd` and `maxstd` limit the product of step size and covariance; alone, they let the step size
    fall towards 0 while the covariance grows against it.
    """

    def update2(self, strategy, **arguments) -> float:
        """The factor that changes the step size (pycma's name)."""
        wanted = strategy.sigma * super().update2(strategy, **arguments)
        smallest, largest = strategy.sigma0 / STEP_RANGE, strategy.sigma0 * STEP_RANGE
        return min(max(wanted, smallest), largest) / strategy.sigma
