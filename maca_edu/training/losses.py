"""The losses of PPO and HAPPO: how far may one batch move the policy, and what is the critic's error?

Entries are samples of agents, `[..., n]` or any other shape; `active` marks those of agents alive. Dead agents act on
paper only, so they weigh nothing in the actor's loss and in the advantages' mean and deviation. The critic's loss is a
plain mean: the team's value is defined whoever lives.
"""

from __future__ import annotations

import torch
from torch.nn.functional import huber_loss


def masked_mean(x, active=None):
    """Mean of x over the entries where active (bool, x's shape; None: all); 0 where there are none."""
    if active is None:
        return x.mean()
    return torch.where(active, x, 0.0).sum() / active.sum().clamp(min=1)


def action_ratio(log_prob, old_log_prob, dims: int = 0):
    """pi_new(a) / pi_old(a); actions of several numbers multiply their ratios ("prod" aggregation in HARL).

    log_prob, old_log_prob: `[...]`, or `[..., D]` with dims = 1, the log-probability of each of D numbers.
    """
    gap = log_prob - old_log_prob
    return (gap.sum(dim=-1) if dims else gap).exp()


def policy_loss(ratio, advantage, clip: float, active=None):
    """PPO's clipped surrogate, to be minimised: -E[min(rho A, clip(rho, 1 - c, 1 + c) A)] (Schulman et al., 2017).

    ratio, advantage, active: one shape. The gradient is 0 where the ratio has already left the interval on the side
    that the advantage asks for. HAPPO multiplies its (normalised) advantage by `next_factor` first: it is positive,
    so it may stand inside the minimum or outside.
    """
    surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    return -masked_mean(surrogate, active)


def clip_fraction(ratio, clip: float, active=None):
    """The share of entries whose ratio lies outside 1 - clip to 1 + clip."""
    return masked_mean(((ratio - 1).abs() > clip).to(ratio.dtype), active)


def entropy(policy, active=None):
    """Mean entropy in nats of the rows of policy, `[..., A]`; illegal actions (probability 0) add nothing.

    active: bool, policy's shape without the last axis. The gradient is finite at probability 0.
    """
    log = policy.clamp(min=torch.finfo(policy.dtype).tiny).log()
    return masked_mean(-(policy * log).sum(dim=-1), active)


def normalise_advantage(advantage, active=None, eps: float = 1e-5):
    """(A - mean) / (standard deviation + eps) over the active entries, any shape; 0 where not active."""
    if active is None:
        active = torch.ones_like(advantage, dtype=torch.bool)
    centred = torch.where(active, advantage - masked_mean(advantage, active), 0.0)
    return centred / (masked_mean(centred.square(), active).sqrt() + eps)


def value_loss(value, old_value, target, clip: float | None, delta: float = 10.0):
    """The critic's clipped Huber loss, a plain mean; all three in the critic's normalised units and of one shape.

    Huber: e^2 / 2 up to |e| = delta, then delta (|e| - delta / 2). Clipped: the larger of the losses of value and of
    old_value + clip(value - old_value, -c, c), so leaving the interval never pays (Schulman et al., 2017; Yu et al.,
    2022). clip None: not clipped. No gradient reaches old_value and target.
    """
    old_value, target = old_value.detach(), target.detach()
    loss = huber_loss(value, target, reduction="none", delta=delta)
    if clip is not None:
        clipped = old_value + (value - old_value).clamp(-clip, clip)
        loss = torch.maximum(loss, huber_loss(clipped, target, reduction="none", delta=delta))
    return loss.mean()


def agent_order(n_agents: int, generator: torch.Generator) -> list[int]:
    """The order in which HAPPO updates the agents this time: a random permutation."""
    return torch.randperm(n_agents, generator=generator).tolist()


def next_factor(factor, ratio, active=None):
    """HAPPO's weight for the next agent, after one agent's update: factor times that agent's pi_new / pi_old.

    All of one shape, usually `[B]`; the first agent's factor is 1. Where the updated agent was dead it stays. No
    gradient passes. Source: M^{i_{1:m}} of Kuba et al. (2022), Table 1 (row HAPPO) of the MACA paper.
    """
    ratio = ratio.detach()
    return factor * (ratio if active is None else torch.where(active, ratio, 1.0))


def sequential_factors(ratio, order, active=None):
    """HAPPO's weights of all agents at once: for each the product of the ratios of the agents before it in order.

    ratio, active: `[..., n]`; order: a permutation of the n agents. Raises ValueError where it is not one.
    """
    if sorted(order) != list(range(ratio.shape[-1])):
        raise ValueError(f"order={order}; allowed is every agent from 0 to {ratio.shape[-1] - 1} once")
    factors = torch.ones_like(ratio)
    now = torch.ones_like(ratio[..., 0])
    for i in order:
        factors[..., i] = now
        now = next_factor(now, ratio[..., i], None if active is None else active[..., i])
    return factors
