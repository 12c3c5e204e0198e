"""The three baselines of MACA's critic: fused, against Q of pi-bar written out for every agent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from maca_edu.credit import marginals
from maca_edu.experiments.bench.timing import Ratio, alternate, peak_bytes, ratio
from maca_edu.networks import Encoding, MacaCritic
from maca_edu.networks.layers import eye

HEADS = ("additive", "conditioned", "multilinear")


@dataclass(frozen=True)
class BaselinesRow:
    """The baselines of one of the critic's heads, forward."""

    head: str
    samples: int
    agents: int
    actions: int
    naive_over_fused: Ratio  # time
    naive_bytes: int  # the most memory held at once
    fused_bytes: int


@torch.no_grad()
def compare_baselines(head: str, samples: int, rounds: int, n: int = 25, n_actions: int = 30) -> BaselinesRow:
    """Fused baselines against naive ones; the defaults are the sizes of the battle 25m."""
    torch.manual_seed(0)
    critic = MacaCritic(10, n, n_actions, head=head, recurrent=False)
    z, _ = critic(torch.randn(samples, n, 10))
    policy, action, groups = joint_actions(samples, n, n_actions)

    def naive():
        return naive_baselines(critic, z, policy, action, groups)

    def fused():
        return critic.baselines(z, policy, action, groups)

    naive_seconds, fused_seconds = alternate(rounds, naive, fused)
    time = ratio(naive_seconds, fused_seconds)
    return BaselinesRow(head, samples, n, n_actions, time, peak_bytes(naive), peak_bytes(fused))


def naive_baselines(critic: MacaCritic, z: Encoding, policy: Tensor, action: Tensor, groups: Tensor) -> Tensor:
    """What `critic.baselines` gives, `[3, B, n]`, from pi-bar written out, `[B, n, n, A]` for each baseline."""
    everyone, alone = torch.ones_like(groups), eye(groups).expand_as(groups)
    return torch.stack([critic.q(z, marginals(policy, action, group)) for group in (everyone, alone, groups)])


def joint_actions(samples: int, n: int, n_actions: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Random policies and one-hot actions `[B, n, A]`, and CorrSets of about half the agents, bool `[B, n, n]`."""
    generator = torch.Generator().manual_seed(seed)
    policy = torch.rand(samples, n, n_actions, generator=generator)
    policy /= policy.sum(dim=-1, keepdim=True)
    action = torch.eye(n_actions)[torch.randint(n_actions, (samples, n), generator=generator)]
    groups = torch.rand(samples, n, n, generator=generator) < 0.5
    return policy, action, groups | eye(groups)
