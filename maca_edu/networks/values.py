"""The critics of the other methods, all on the same trunk, and QMIX's mixer. Their sizes give Table 6's counts.

Two of them say what an agent's own action is worth, with all else as it is: of each of its A actions (`OfChoice`), or
of an action of A numbers (`OfNumbers`). Both can be asked for Q of an action, and for its mean over the agent's policy.

Each raises ValueError where a size is not a positive integer, and where it is called with numbers of another shape or
such as are not finite.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maca_edu.checks import check, check_integer
from maca_edu.networks.checks import Widths, check_floats
from maca_edu.networks.layers import RELU_GAIN, Trunk, orthogonal

SMALLEST_STD = 1e-6  # of what goes into a ReLU: below it the mean is that of a constant


class OfChoice(NamedTuple):
    """Q of each of an agent's A actions."""

    values: Tensor  # [S, n, A]

    def of(self, action: Tensor) -> Tensor:
        """Q of actions `[S, n]`, long: `[S, n]`."""
        return self.values.gather(-1, action.unsqueeze(-1)).squeeze(-1)

    def mean(self, policy: Tensor, std: None = None) -> Tensor:
        """E[Q] over the agent's own action, `[S, n]`; policy: its probabilities, `[S, n, A]`."""
        return (policy * self.values).sum(dim=-1)

    def times(self, scale: float, shift: float = 0.0) -> OfChoice:
        """scale * Q + shift."""
        return OfChoice(self.values * scale + shift)


class OfNumbers(NamedTuple):
    """Q of an agent's action of A numbers: Q(a) = constant + sum_h weight_h relu(start_h + slope_h . a)."""

    start: Tensor  # [S, n, H]
    slope: Tensor  # [H, A]
    weight: Tensor  # [H]
    constant: Tensor  # []
    values: None = None  # there is no list of actions

    def of(self, action: Tensor) -> Tensor:
        """Q of actions `[S, n, A]`: `[S, n]`."""
        return self._add_up(F.relu(self.start + action @ self.slope.T))

    def mean(self, policy: Tensor, std: Tensor) -> Tensor:
        """E[Q] over the agent's own action, `[S, n]`, exactly: without samples, and whatever action was played.

        policy, std: mean and deviation of independent Gaussian numbers, `[S, n, A]`. What goes into a ReLU is then
        Gaussian, too, with mean m and deviation s, and E[relu] = m Phi(m / s) + s phi(m / s), with Phi and phi the
        distribution and the density of a standard Gaussian number.
        """
        m = self.start + policy @ self.slope.T  # [S, n, H]
        s = (std.square() @ self.slope.square().T).sqrt().clamp(min=SMALLEST_STD)
        z = m / s
        density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
        return self._add_up(m * torch.special.ndtr(z) + s * density)

    def times(self, scale: float, shift: float = 0.0) -> OfNumbers:
        """scale * Q + shift."""
        return self._replace(weight=scale * self.weight, constant=scale * self.constant + shift)

    def _add_up(self, units: Tensor) -> Tensor:
        return units @ self.weight + self.constant


class NumbersHead(nn.Module):
    """Features `[S, n, H]` to Q of an action of A numbers: a layer of ReLUs on both, and a sum.

    No LayerNorm follows the ReLUs: through it the mean over a Gaussian would not be known.
    """

    def __init__(self, size: int, n_numbers: int):
        super().__init__()
        self.size = size
        self.hidden = orthogonal(nn.Linear(size + n_numbers, size), RELU_GAIN)
        self.out = orthogonal(nn.Linear(size, 1))

    def forward(self, features: Tensor) -> OfNumbers:
        of_features, slope = self.hidden.weight.split([self.size, self.hidden.in_features - self.size], dim=1)
        start = F.linear(features, of_features, self.hidden.bias)
        return OfNumbers(start, slope, self.out.weight[0], self.out.bias[0])


def own_head(size: int, n_actions: int, continuous: bool) -> nn.Linear | NumbersHead:
    """What leads from features to the worth of an agent's own action; n_actions: of actions, or of numbers in one."""
    if check("continuous", continuous, bool):
        return NumbersHead(size, n_actions)
    return orthogonal(nn.Linear(size, n_actions))


def own_q(head: nn.Linear | NumbersHead, features: Tensor) -> OfChoice | OfNumbers:
    """The worth of an agent's own action, from features `[S, n, H]`."""
    return head(features) if isinstance(head, NumbersHead) else OfChoice(head(features))


class VCritic(nn.Module):
    """V(s): the critic of MAPPO and HAPPO on the state, and of IPPO on each agent's own observation.

    feature_norm, here and below: LayerNorm on the input.
    """

    def __init__(
        self,
        in_size: int,
        hidden_sizes: tuple[int, ...] = (128, 128, 128),
        recurrent: bool = True,
        feature_norm: bool = True,
    ):
        super().__init__()
        self.in_size = check_integer("in_size", in_size, 1)
        hidden_sizes = check("hidden_sizes", hidden_sizes, Widths)
        self.trunk = Trunk(in_size, hidden_sizes, recurrent, feature_norm)
        self.out = orthogonal(nn.Linear(hidden_sizes[-1], 1))

    def forward(self, x: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """Values `[S]` of states `[S, s]`, or `[S, n]` of observations `[S, n, d]`, and memory after each sample."""
        check_floats("x", x, f"S, {self.in_size}", f"S, n, {self.in_size}")
        x, memory = self.trunk(x, memory, first)
        return self.out(x).squeeze(-1), memory


class ComaCritic(nn.Module):
    """Q(s, (., a_{-i})) of whatever every agent i might do, from the state and the others' actions.

    continuous: an action is n_actions numbers, not one of n_actions.
    """

    def __init__(
        self,
        state_size: int,
        n_agents: int,
        n_actions: int,
        hidden_sizes: tuple[int, ...] = (128, 128, 128),
        recurrent: bool = True,
        feature_norm: bool = True,
        continuous: bool = False,
    ):
        super().__init__()
        for name, size in (("state_size", state_size), ("n_agents", n_agents), ("n_actions", n_actions)):
            check_integer(name, size, 1)
        hidden_sizes = check("hidden_sizes", hidden_sizes, Widths)
        self.state_size, self.n_agents, self.n_actions = state_size, n_agents, n_actions
        self.trunk = Trunk(state_size + n_agents * n_actions, hidden_sizes, recurrent, feature_norm)
        self.out = own_head(hidden_sizes[-1], n_actions, continuous)

    def forward(self, state: Tensor, action: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """state `[S, s]`, action `[S, n, A]`, one-hot or numbers, to the worth of own actions and memory `[S, n, H]`.

        Agent i's own block of the joint action is blank: that keeps Q independent of a_i and says who i is.
        """
        S = len(check_floats("state", state, f"S, {self.state_size}"))
        check_floats("action", action, f"{S}, {self.n_agents}, {self.n_actions}")
        n = self.n_agents
        others = ~torch.eye(n, dtype=torch.bool, device=action.device)
        others = action.unsqueeze(1) * others.unsqueeze(-1)  # [S, n, n, A]
        x = torch.cat([state.unsqueeze(1).expand(-1, n, -1), others.flatten(2)], dim=-1)  # [S, n, s + n * A]
        x, memory = self.trunk(x, memory, first)
        return own_q(self.out, x), memory


class UtilityCritic(nn.Module):
    """Q_i(o_i, .) of every agent, to be added up (PPO-Sum: VDN) or mixed (PPO-Mix: QMIX).

    continuous: an action is n_actions numbers, not one of n_actions.
    """

    def __init__(
        self,
        obs_size: int,
        n_actions: int,
        hidden_sizes: tuple[int, ...] = (128, 128),
        recurrent: bool = True,
        feature_norm: bool = True,
        continuous: bool = False,
    ):
        super().__init__()
        self.obs_size = check_integer("obs_size", obs_size, 1)
        check_integer("n_actions", n_actions, 1)
        hidden_sizes = check("hidden_sizes", hidden_sizes, Widths)
        self.trunk = Trunk(obs_size, hidden_sizes, recurrent, feature_norm)
        self.out = own_head(hidden_sizes[-1], n_actions, continuous)

    def forward(self, obs: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """obs `[S, n, d]` to the utility of each agent's own action and the memory `[S, n, H]` after each."""
        check_floats("obs", obs, f"S, n, {self.obs_size}")
        x, memory = self.trunk(obs, memory, first)
        return own_q(self.out, x), memory


def vdn(utilities: Tensor) -> Tensor:
    """Q(s, a) as the sum of the agents' utilities: `[S, n]` to `[S]` (Table 1, row PPO-Sum)."""
    return check_floats("utilities", utilities, "S, n").sum(dim=-1)


class QMixer(nn.Module):
    """Q(s, a) as a mixture of utilities that falls in none of them (Table 1, row PPO-Mix).

    A two-layer network whose weights hypernetworks make from the state; their absolute values keep dQ / dQ_i >= 0.
    """

    def __init__(self, n_agents: int, state_size: int, embed: int = 128, hyper: int = 128):
        super().__init__()
        self.n_agents = check_integer("n_agents", n_agents, 1)
        self.state_size = check_integer("state_size", state_size, 1)
        check_integer("embed", embed, 1)
        check_integer("hyper", hyper, 1)

        def two_layers(out_size: int) -> nn.Module:
            return nn.Sequential(nn.Linear(state_size, hyper), nn.ReLU(), nn.Linear(hyper, out_size))

        self.weight_1 = two_layers(n_agents * embed)
        self.bias_1 = nn.Linear(state_size, embed)
        self.weight_2 = two_layers(embed)
        self.bias_2 = two_layers(1)
        orthogonal(self)

    def forward(self, utilities: Tensor, state: Tensor) -> Tensor:
        """utilities `[S, n]`, state `[S, s]` to Q `[S]`."""
        S = len(check_floats("state", state, f"S, {self.state_size}"))
        check_floats("utilities", utilities, f"{S}, {self.n_agents}")
        weight_1 = self.weight_1(state).abs().unflatten(-1, (utilities.shape[-1], -1))  # [S, n, embed]
        x = F.elu(torch.einsum("bn,bne->be", utilities, weight_1) + self.bias_1(state))  # [S, embed]
        return (x * self.weight_2(state).abs()).sum(dim=-1) + self.bias_2(state).squeeze(-1)  # [S]
