"""Whose actions a baseline averages out: attention, CorrSets, and the pi-bar that a group makes of policy and action.

A group is a boolean mask `[n, n]` or `[S, n, n]`; row i is G_i. Joint: all true. Individual: the diagonal.
"""

from __future__ import annotations

import torch
from torch import Tensor

from maca_edu.checks import Share, check, shown
from maca_edu.credit.weights import check_weights
from maca_edu.networks.checks import check_floats, check_shape, check_truths
from maca_edu.networks.layers import eye


def attention_rollout(attentions, residual: bool = False) -> Tensor:
    """How much each agent's last token depends on each observation, `[S, n, n]`, rows sum to 1 (section 4.2).

    attentions: the blocks' weights, first to last, each `[S, n, n]` or `[S, heads, n, n]` (heads are averaged).
    residual: average each block's weights with the identity for its residual connection (Abnar and Zuidema, 2020). With
    one block every diagonal entry is then at least 1/2, so a threshold of 1/n admits hardly any partner.
    Raises ValueError where there is no block, or a block's rows are no weights.
    """
    if not isinstance(attentions, list | tuple):
        raise ValueError(f"attentions={shown(attentions)}; allowed is a list of the blocks' weights")
    if not attentions:
        raise ValueError("attentions is empty; rollout needs the weights of at least one block")
    for i, weights in enumerate(attentions):
        check_weights(f"attentions[{i}]", weights, ("S, n, n", "S, heads, n, n"))
        if (weights.shape[0], weights.shape[-1]) != (attentions[0].shape[0], attentions[0].shape[-1]):
            raise ValueError(f"attentions[{i}] has the shape {list(weights.shape)}; S and n are those of attentions[0]")
    check("residual", residual, bool)
    rollout = None
    for weights in attentions:
        weights = weights.mean(dim=1) if weights.dim() == 4 else weights  # [S, n, n]
        if residual:
            weights = (weights + eye(weights)) / 2
        rollout = weights if rollout is None else weights @ rollout
    return rollout


def corrset(attention: Tensor, sigma: float) -> Tensor:
    """Who is strongly correlated with whom, bool `[S, n, n]`: j is in C_i if attention_ij >= sigma, or j = i.

    Source: section 4.2. attention: `[S, n, n]`, rows of weights; sigma: from 0 to 1, the paper's is 1/n.
    Raises ValueError where they are not.
    """
    check_weights("attention", attention, ("S, n, n",))
    return (attention >= check("sigma", sigma, Share)) | eye(attention)


def marginals(policy: Tensor, action: Tensor, group: Tensor) -> Tensor:
    """All of pi-bar, `[S, n, n, A]`: entry [b, i, j] is policy[b, j] if j is in G_i, otherwise a_j (section 4.2).

    policy: `[S, n, A]`; action: long `[S, n]`, or one-hot or continuous `[S, n, A]`; group: bool `[n, n]` or
    `[S, n, n]`. The naive way to baselines, `critic.q(z, marginals(...))`; `critic.baselines` gets there without it.
    Raises ValueError where group is not bool or a shape is wrong.
    """
    S, n, _A = check_floats("policy", policy, "S, n, A").shape
    check_truths("group", group, f"{n}, {n}", f"{S}, {n}, {n}")
    return torch.where(group.unsqueeze(-1), policy.unsqueeze(1), one_hot(action, policy).unsqueeze(1))


def one_hot(action: Tensor, policy: Tensor) -> Tensor:
    """Long actions `[S, n]` as one-hot vectors like policy `[S, n, A]`; vectors are returned as they are.

    Raises ValueError where action has another shape, or names an action that does not exist.
    """
    S, n, A = check_shape("policy", policy, "S, n, A").shape
    check_shape("action", action, f"{S}, {n}", f"{S}, {n}, {A}")
    if action.dim() == policy.dim():
        return check_floats("action", action, f"{S}, {n}, {A}")
    if action.dtype != torch.long:
        raise ValueError(f"action has dtype {action.dtype}; expected torch.long")
    if action.numel() and not (action.min() >= 0 and action.max() < A):
        wrong = action[(action < 0) | (action >= A)][0].item()
        raise ValueError(f"action holds {wrong}; allowed are 0 to {A - 1}")
    return torch.nn.functional.one_hot(action, A).to(policy.dtype)
