"""Sections 3 and 4 of the paper as pure functions of tensors: groups, their baselines' mixture, Table 1.

groups    attention_rollout, corrset, marginals, one_hot
mixture   mix, without, attention_psi
table1    one function per method, and ROWS, which finds it by name
"""

from maca_edu.credit.groups import attention_rollout, corrset, marginals, one_hot
from maca_edu.credit.mixture import attention_psi, mix, without
from maca_edu.credit.table1 import ROWS

__all__ = ["ROWS", "attention_psi", "attention_rollout", "corrset", "marginals", "mix", "one_hot", "without"]
