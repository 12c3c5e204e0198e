"""The actor: each agent's policy, from its own observation. One network serves all agents (Table 7, "share param")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from maca_edu.checks import Count, Positive, check, check_integer, shown
from maca_edu.networks.checks import Widths, check_floats, check_kind, check_shape, check_truths
from maca_edu.networks.layers import Trunk, orthogonal


class Choice:
    """One of A actions for every agent, from logits `[S, n, A]`: `torch.distributions.Categorical` in fewer passes.

    The actions are kept as the first axis, because over a short last axis a softmax is slow. Raises ValueError where
    logits have another shape; whether they are finite, `draw_action` and `greedy` look.
    """

    def __init__(self, logits: Tensor):
        check_shape("logits", logits, "S, n, A")
        self.scores = logits.movedim(-1, 0).contiguous()  # [A, S, n]
        self.log_probs = self.scores.log_softmax(dim=0)

    @property
    def probs(self) -> Tensor:
        """`[S, n, A]`."""
        return self.scores.softmax(dim=0).movedim(0, -1).contiguous()

    def log_prob(self, action: Tensor) -> Tensor:
        """`[S, n]`, of actions `[S, n]`, long."""
        return self.log_probs.gather(0, action.unsqueeze(0)).squeeze(0)

    def entropy(self) -> Tensor:
        """`[S, n]`, in nats; an illegal action adds 0, because its log-probability is finite, see `legal_logits`."""
        return -(self.scores.softmax(dim=0) * self.log_probs).sum(dim=0)


class Gaussian(Independent):
    """Normal numbers, independent of each other, `[S, n, A]`; where `real` is False an agent has no such number.

    A number that is not real is always 0 and adds nothing to log-probability and entropy. std: `[A]` or as mean. Raises
    ValueError where a shape is another; whether mean is finite, `draw_action` and `greedy` look.
    """

    def __init__(self, mean: Tensor, std: Tensor, real: Tensor | None = None):
        S, n, A = check_shape("mean", mean, "S, n, A").shape
        check_shape("std", std, f"{A}", f"{S}, {n}, {A}")
        if real is not None:
            check_truths("real", real, f"{S}, {n}, {A}")
        super().__init__(Normal(mean, std.expand_as(mean), validate_args=False), 1, validate_args=False)
        self.real = torch.ones_like(mean, dtype=torch.bool) if real is None else real

    @property
    def mean(self) -> Tensor:
        return torch.where(self.real, self.base_dist.loc, 0.0)

    def log_prob(self, value: Tensor) -> Tensor:
        """`[S, n]`."""
        return torch.where(self.real, self.base_dist.log_prob(value), 0.0).sum(dim=-1)

    def entropy(self) -> Tensor:
        """`[S, n]`."""
        return torch.where(self.real, self.base_dist.entropy(), 0.0).sum(dim=-1)


class Actor(nn.Module):
    """Observations to action distributions.

    n_actions: how many actions there are, or how many numbers an action has where `continuous`.
    continuous: a Gaussian with std = sigmoid(log_std / std_x) * std_y, the same in every state (Table 7).
    feature_norm: LayerNorm on the observations. Raises ValueError where an argument is wrong.
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
        feature_norm: bool = True,
    ):
        super().__init__()
        self.obs_size = check_integer("obs_size", obs_size, 1)
        n_actions = check_integer("n_actions", n_actions, 1)
        continuous = check("continuous", continuous, bool)
        std_x, std_y = check("std_x", std_x, Positive), check("std_y", std_y, Positive)
        hidden_sizes = check("hidden_sizes", hidden_sizes, Widths)
        self.trunk = Trunk(obs_size, hidden_sizes, recurrent, feature_norm)
        self.out = orthogonal(nn.Linear(hidden_sizes[-1], n_actions), gain=0.01)
        self.std_x, self.std_y = std_x, std_y
        self.log_std = nn.Parameter(torch.full((n_actions,), std_x)) if continuous else None

    def forward(
        self,
        obs: Tensor,
        available: Tensor | None = None,
        memory: Tensor | None = None,
        first: Tensor | None = None,
    ) -> tuple[Choice | Gaussian, Tensor | None]:
        """The agents' distributions, with batch shape `[S, n]`, and the memory after each sample (None without a GRU).

        obs: `[S, n, d]`; available: bool `[S, n, A]`, None where every action is legal, with continuous actions the
        numbers that each agent's action has; memory, first: see `layers`.
        Raises ValueError where a shape is wrong, a number is not finite, or an agent has no legal action.
        """
        check_floats("obs", obs, f"S, n, {self.obs_size}")
        x, memory = self.trunk(obs, memory, first)  # [S, n, H]
        x = self.out(x)  # [S, n, A]
        if available is not None:
            check_truths("available", available, ", ".join(map(str, x.shape)))
        if self.log_std is None:
            return Choice(legal_logits(x, available)), memory
        std = torch.sigmoid(self.log_std / self.std_x) * self.std_y  # [A]
        return Gaussian(x, std, available), memory


def legal_logits(logits: Tensor, available: Tensor | None) -> Tensor:
    """The lowest finite number for illegal actions, so that their probability is exactly 0.

    logits: `[S, n, A]`; available: bool `[S, n, A]` or None. ValueError where an agent has no legal action.
    """
    if available is None:
        return logits
    stuck = ~available.any(dim=-1)  # [S, n]
    if stuck.any():
        sample, agent = stuck.nonzero()[0].tolist()
        raise ValueError(f"available allows agent {agent} no action in sample {sample}; at least one must be legal")
    return torch.where(available, logits, torch.finfo(logits.dtype).min)


def expected_action(distribution: Choice | Gaussian) -> Tensor:
    """E[a], `[S, n, A]`: the probabilities of a one-hot action or the Gaussian's mean; pi-bar is made of it (4.2)."""
    check_kind("distribution", distribution, Choice, Gaussian)
    return distribution.probs if isinstance(distribution, Choice) else distribution.mean


def action_std(distribution: Choice | Gaussian) -> Tensor | None:
    """The deviation of each number of a Gaussian action, `[S, n, A]`, 0 where it is not real; None for a choice."""
    check_kind("distribution", distribution, Choice, Gaussian)
    return None if isinstance(distribution, Choice) else torch.where(distribution.real, distribution.stddev, 0.0)


def draw_noise(generator: torch.Generator, shape: tuple[int, ...], continuous: bool) -> Tensor:
    """Chance for actions of the given shape, `[..., n, A]`: exponential numbers, or normal ones where continuous.

    It is drawn first and by itself: so several processes, each with some of the environments, can draw the same noise
    and take their own rows of it. Raises ValueError where an argument has another type.
    """
    check_kind("generator", generator, torch.Generator)
    shape, continuous = check("shape", shape, tuple[Count, ...]), check("continuous", continuous, bool)
    noise = torch.empty(shape, device=generator.device)
    return noise.normal_(generator=generator) if continuous else noise.exponential_(generator=generator)


def draw_action(distribution: Choice | Gaussian, noise: Tensor) -> Tensor:
    """Actions drawn from a distribution, long `[..., n]`, or `[..., n, A]` where continuous; noise: `draw_noise`'s.

    Discrete: of exponential numbers e_a with rates p_a, that is of noise_a / p_a, the smallest belongs to action a with
    probability p_a. Continuous: mean + std * noise. Raises ValueError where a shape is wrong or a number is not finite.
    """
    expected = check_floats("the distribution's E[a]", expected_action(distribution), "S, n, A")
    check_floats("noise", noise, ", ".join(map(str, expected.shape)))
    if isinstance(distribution, Choice):
        return (expected / noise).argmax(dim=-1)
    drawn = expected + distribution.stddev * noise
    return torch.where(distribution.real, drawn, 0.0)


def greedy(distribution: Choice | Gaussian) -> Tensor:
    """The likeliest actions: long `[S, n]`, or the means `[S, n, A]` where actions are continuous.

    Raises ValueError where a number is not finite.
    """
    best = check_floats("the distribution's E[a]", expected_action(distribution), "S, n, A")
    return best.argmax(dim=-1) if isinstance(distribution, Choice) else best


def together(distributions: Sequence[Choice | Gaussian]) -> Choice | Gaussian:
    """The distributions of agents with separate networks, each `[S, 1]`, as one, `[S, n]`.

    Raises ValueError where there is none, or they are not of one kind.
    """
    if not isinstance(distributions, Sequence) or not distributions:
        raise ValueError(f"distributions={shown(distributions)}; allowed is a list of one or more")
    kind = type(check_kind("distributions[0]", distributions[0], Choice, Gaussian))
    for i, distribution in enumerate(distributions):
        check_kind(f"distributions[{i}]", distribution, kind)
    if isinstance(distributions[0], Choice):
        scores = torch.cat([d.scores for d in distributions], dim=-1)  # [A, S, n]
        return Choice(scores.movedim(0, -1))
    means = torch.cat([d.base_dist.loc for d in distributions], dim=1)  # [S, n, A]
    stds = torch.cat([d.base_dist.scale for d in distributions], dim=1)
    return Gaussian(means, stds, torch.cat([d.real for d in distributions], dim=1))
