"""Sections 3 and 4 of the paper as pure functions of tensors: groups, and the mixture of their baselines.

groups    attention_rollout, corrset, marginals, one_hot
mixture   mix, without, attention_psi
scores    squared_scores, weighed_by_score

Table 1, which joins them, is `maca_edu.training.methods`: there a method is its advantage, its critic and its update.
"""

from maca_edu.credit.groups import attention_rollout, corrset, marginals, one_hot
from maca_edu.credit.mixture import CORRSET, INDIVIDUAL, JOINT, attention_psi, mix, without
from maca_edu.credit.scores import squared_scores, weighed_by_score

__all__ = [
    "CORRSET",
    "INDIVIDUAL",
    "JOINT",
    "attention_psi",
    "attention_rollout",
    "corrset",
    "marginals",
    "mix",
    "one_hot",
    "squared_scores",
    "weighed_by_score",
    "without",
]
