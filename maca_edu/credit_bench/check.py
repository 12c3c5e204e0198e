"""The bench as one line in the tests of another library."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from maca_edu.credit_bench.batch import CreditBatch
from maca_edu.credit_bench.estimators import Estimator
from maca_edu.credit_bench.score import Bench, Score


@cache
def small_bench() -> Bench:
    """The games without the growth, made once."""
    return Bench(sizes=())


def check(function: Callable[[CreditBatch], object], variance: float | None = None, name: str = "yours") -> Score:
    """Try an estimator on all games, and fail where its mean gradient is wrong.

    function: of a `CreditBatch`; returns advantages `[S, n]`, an array or a tensor, or these and CorrSets. variance:
    the most that its gradient may have, exact critic, as a multiple of what the best legal baseline leaves, on average
    over the games (geometric mean); None: anything. Returns the whole score.
    Raises AssertionError, which names the misconception, and ValueError where the function gives no advantages.
    """
    score = small_bench().score(Estimator(name, function))
    wrong = [finding.sentence for finding in score.findings if finding.wrong]
    if wrong:
        raise AssertionError(f"{name} {'; '.join(wrong)}")
    if variance is not None and not score.variance("exact") <= variance:
        raise AssertionError(
            f"{name} has {score.variance('exact'):.2f} times the least variance; allowed is {variance:g}"
        )
    return score
