"""A bench for credit: does an advantage estimator know who earned it? It needs no torch.

An estimator is a function of a `CreditBatch` that returns an advantage for each row and agent, `[S, n]`. It is tried on
games whose true credit is known.

    sums         A Q that 64 agents can have          parts over a few agents each
    moments      What is true                         Q, policies, partners, the luck of later actions
    games        Which games                          Part I's, random ones, the long ring, a warehouse
    critics      Who may be asked for Q               the exact critic, one fitted to a hundred plays
    batch        What an estimator is shown           CreditBatch
    estimators   Who else is tried                    difference rewards, Shapley values, ...
    measures     How good is it?                      bias, variance, noise kept, correlation, partners
    probes       What does it do to its rows?         other orders, other units, part of the rows
    findings     And what is its misconception?       a name and a sentence
    score        All of it                            Bench, Score
    check        For the tests of another library     check
"""

from maca_edu.credit_bench.batch import CreditBatch, make_batch
from maca_edu.credit_bench.check import check
from maca_edu.credit_bench.estimators import OTHERS, Estimator
from maca_edu.credit_bench.findings import Finding
from maca_edu.credit_bench.score import Bench, Score, ranked

__all__ = ["OTHERS", "Bench", "CreditBatch", "Estimator", "Finding", "Score", "check", "make_batch", "ranked"]
