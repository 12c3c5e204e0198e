"""How long an agent's score is, and the policy that is weighed by it: what makes a baseline the best one.

The score is the gradient of log pi_i(a_i) by the logits of agent i's softmax, e_{a_i} - pi_i (Eq. 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from maca_edu.credit.weights import check_weights


def squared_scores(policy: Tensor) -> Tensor:
    """|grad log pi(a)|^2 for each action a, by the logits: |e_a - pi|^2; `[..., A]` like policy.

    Raises ValueError where policy holds no weights.
    """
    check_weights("policy", policy, ("..., A",))
    actions = torch.eye(policy.shape[-1], dtype=policy.dtype, device=policy.device)
    return (actions - policy.unsqueeze(-2)).square().sum(dim=-1)


def weighed_by_score(policy: Tensor) -> Tensor:
    """x with x(a) proportional to pi(a) |grad log pi(a)|^2 and sum 1, `[..., A]` like policy.

    In the place of the policy it turns the individual baseline into the best legal one, E[Q w] / E[w] over a_i
    (Theorem A.2; Kuba et al., 2021), for every critic that is linear in agent i's action. With two actions it swaps
    their probabilities. A policy without a choice stays as it is: its score is 0.
    """
    weighed = policy * squared_scores(policy)
    total = weighed.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, weighed / total.clamp_min(torch.finfo(total.dtype).tiny), policy)
