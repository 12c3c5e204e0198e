"""Whose actions a baseline averages out: attention, CorrSets, and the pi-bar that a group makes of policy and action.

A group is a boolean mask `[n, n]` or `[S, n, n]`; row i is G_i. Joint: all true. Individual: the diagonal.
"""

from __future__ import annotations

import torch
from torch import Tensor

from maca_edu.credit.weights import check_weights
from maca_edu.networks.layers import eye


def attention_rollout(attentions, residual: bool = False) -> Tensor:
    """How much each agent's last token depends on each observation, `[S, n, n]`, rows sum to 1 (section 4.2).

    attentions: the blocks' weights, first to last, each `[S, n, n]` or `[S, heads, n, n]` (heads are averaged).
    residual: average each block's weights with the identity for its residual connection (Abnar and Zuidema, 2020). With
    one block every diagonal entry is then at least 1/2, so a threshold of 1/n admits hardly any partner.
    Raises ValueError where there is no block.
    """
    if not attentions:
        raise ValueError("attentions is empty; rollout needs the weights of at least one block")
    rollout = None
    for weights in attentions:
        weights = weights.mean(dim=1) if weights.dim() == 4 else weights  # [S, n, n]
        if residual:
            weights = (weights + eye(weights)) / 2
        rollout = weights if rollout is None else weights @ rollout
    return rollout


def corrset(attention: Tensor, sigma: float) -> Tensor:
    """Who is strongly correlated with whom, bool `[S, n, n]`: j is in C_i if attention_ij >= sigma, or j = i (4.2).

    attention: `[S, n, n]`, rows of weights; sigma: from 0 to 1, the paper's is 1/n.
    Raises ValueError where they are not.
    """
    check_weights("attention", attention, ("S, n, n",))
    if not 0 <= sigma <= 1:
        raise ValueError(f"sigma={sigma}; allowed is a number from 0 to 1")
    return (attention >= sigma) | eye(attention)


def marginals(policy: Tensor, action: Tensor, group: Tensor) -> Tensor:
    """All of pi-bar, `[S, n, n, A]`: entry [b, i, j] is policy[b, j] if j is in G_i, otherwise a_j (section 4.2).

    policy: `[S, n, A]`; action: long `[S, n]`, or one-hot or continuous `[S, n, A]`; group: bool `[n, n]` or
    `[S, n, n]`. The naive way to baselines, `critic.q(z, marginals(...))`; `critic.baselines` gets there without it.
    Raises ValueError where group is not bool or a shape is wrong.
    """
    if policy.dim() != 3 or action.shape[:2] != policy.shape[:2] or group.shape[-2:] != (policy.shape[1],) * 2:
        raise ValueError(
            f"policy, action and group have the shapes {list(policy.shape)}, {list(action.shape)} and "
            f"{list(group.shape)}; expected [S, n, A], [S, n] or [S, n, A], and [n, n] or [S, n, n]"
        )
    if group.dtype != torch.bool:
        raise ValueError(f"group has dtype {group.dtype}; expected torch.bool, row i marks the members of G_i")
    return torch.where(group.unsqueeze(-1), policy.unsqueeze(1), one_hot(action, policy).unsqueeze(1))


def one_hot(action: Tensor, policy: Tensor) -> Tensor:
    """Long actions `[S, n]` as one-hot vectors like policy `[S, n, A]`; vectors are returned as they are."""
    if action.dim() == policy.dim():
        return action
    return torch.nn.functional.one_hot(action, policy.shape[-1]).to(policy.dtype)
