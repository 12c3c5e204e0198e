"""The actor: each agent's policy, from its own observation. One network serves all agents (Table 7, "share param")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from maca_edu.checks import check_integer
from maca_edu.networks.layers import Trunk, orthogonal


class Choice:
    """One of A actions for every agent, from logits `[B, n, A]`: `torch.distributions.Categorical` in fewer passes.

    The actions are kept as the first axis, because over a short last axis a softmax is slow.
    """

    def __init__(self, logits: Tensor):
        self.scores = logits.movedim(-1, 0).contiguous()  # [A, B, n]
        self.log_probs = self.scores.log_softmax(dim=0)

    @property
    def probs(self) -> Tensor:
        """`[B, n, A]`."""
        return self.scores.softmax(dim=0).movedim(0, -1).contiguous()

    def log_prob(self, action: Tensor) -> Tensor:
        """`[B, n]`, of actions `[B, n]`, long."""
        return self.log_probs.gather(0, action.unsqueeze(0)).squeeze(0)

    def entropy(self) -> Tensor:
        """`[B, n]`, in nats; an illegal action adds 0, because its log-probability is finite, see `legal_logits`."""
        return -(self.scores.softmax(dim=0) * self.log_probs).sum(dim=0)


class Gaussian(Independent):
    """Normal numbers, independent of each other, `[B, n, A]`; where `real` is False an agent has no such number.

    A number that is not real is always 0 and adds nothing to log-probability and entropy.
    """

    def __init__(self, mean: Tensor, std: Tensor, real: Tensor | None = None):
        super().__init__(Normal(mean, std.expand_as(mean), validate_args=False), 1, validate_args=False)
        self.real = torch.ones_like(mean, dtype=torch.bool) if real is None else real

    @property
    def mean(self) -> Tensor:
        return torch.where(self.real, self.base_dist.loc, 0.0)

    def log_prob(self, value: Tensor) -> Tensor:
        """`[B, n]`."""
        return torch.where(self.real, self.base_dist.log_prob(value), 0.0).sum(dim=-1)

    def entropy(self) -> Tensor:
        """`[B, n]`."""
        return torch.where(self.real, self.base_dist.entropy(), 0.0).sum(dim=-1)


class Actor(nn.Module):
    """Observations to action distributions.

    n_actions: how many actions there are, or how many numbers an action has where `continuous`.
    continuous: a Gaussian with std = sigmoid(log_std / std_x) * std_y, the same in every state (Table 7).
    Raises ValueError where a size is not a positive integer.
    """

    def __init__(
        self,
        obs_size: int,
        n_actions: int,
        hidden_sizes: tuple[int, ...] = (64, 64, 64),
        recurrent: bool = False,
        continuous: bool = False,
        std_x: float = 1.0,
        std_y: float = 0.5,
    ):
        super().__init__()
        check_integer("obs_size", obs_size, 1)
        check_integer("n_actions", n_actions, 1)
        self.trunk = Trunk(obs_size, hidden_sizes, recurrent)
        self.out = orthogonal(nn.Linear(hidden_sizes[-1], n_actions), gain=0.01)
        self.std_x, self.std_y = std_x, std_y
        self.log_std = nn.Parameter(torch.full((n_actions,), std_x)) if continuous else None

    def forward(
        self,
        obs: Tensor,
        available: Tensor | None = None,
        hidden: Tensor | None = None,
        start: Tensor | None = None,
    ) -> tuple[Choice | Gaussian, Tensor | None]:
        """The agents' distributions, with batch shape `[B, n]`, and the memory after each sample (None without a GRU).

        obs: `[B, n, d]`; available: bool `[B, n, A]`, None where every action is legal, with continuous actions the
        numbers that each agent's action has; hidden, start: see `layers`.
        Raises ValueError where an agent has no legal action.
        """
        x, memory = self.trunk(obs, hidden, start)  # [B, n, H]
        x = self.out(x)  # [B, n, A]
        if self.log_std is None:
            return Choice(legal_logits(x, available)), memory
        std = torch.sigmoid(self.log_std / self.std_x) * self.std_y  # [A]
        return Gaussian(x, std, available), memory


def legal_logits(logits: Tensor, available: Tensor | None) -> Tensor:
    """The lowest finite number for illegal actions, so that their probability is exactly 0.

    logits: `[B, n, A]`; available: bool `[B, n, A]` or None. ValueError where an agent has no legal action.
    """
    if available is None:
        return logits
    if available.dtype != torch.bool or available.shape != logits.shape:
        raise ValueError(
            f"available is {available.dtype} of shape {tuple(available.shape)}; "
            f"expected torch.bool of shape {tuple(logits.shape)}"
        )
    stuck = ~available.any(dim=-1)  # [B, n]
    if stuck.any():
        sample, agent = stuck.nonzero()[0].tolist()
        raise ValueError(f"available allows agent {agent} no action in sample {sample}; at least one must be legal")
    return torch.where(available, logits, torch.finfo(logits.dtype).min)


def expected_action(distribution: Choice | Gaussian) -> Tensor:
    """E[a], `[B, n, A]`: the probabilities of a one-hot action or the Gaussian's mean; pi-bar is made of it (4.2)."""
    return distribution.probs if isinstance(distribution, Choice) else distribution.mean


def sample(distribution: Choice | Gaussian, generator: torch.Generator) -> Tensor:
    """Draw actions with the generator: long `[B, n]`, or `[B, n, A]` where actions are continuous."""
    if isinstance(distribution, Choice):
        probs = distribution.probs
        return torch.multinomial(probs.flatten(0, -2), 1, generator=generator).view(probs.shape[:-1])
    noise = torch.normal(0.0, distribution.stddev, generator=generator)
    return torch.where(distribution.real, distribution.mean + noise, 0.0)


def greedy(distribution: Choice | Gaussian) -> Tensor:
    """The likeliest actions: long `[B, n]`, or the means `[B, n, A]` where actions are continuous."""
    best = expected_action(distribution)
    return best.argmax(dim=-1) if isinstance(distribution, Choice) else best


def together(distributions: Sequence[Choice | Gaussian]) -> Choice | Gaussian:
    """The distributions of agents with separate networks, each `[B, 1]`, as one, `[B, n]`."""
    if isinstance(distributions[0], Choice):
        scores = torch.cat([d.scores for d in distributions], dim=-1)  # [A, B, n]
        return Choice(scores.movedim(0, -1))
    means = torch.cat([d.base_dist.loc for d in distributions], dim=1)  # [B, n, A]
    stds = torch.cat([d.base_dist.scale for d in distributions], dim=1)
    return Gaussian(means, stds, torch.cat([d.real for d in distributions], dim=1))
