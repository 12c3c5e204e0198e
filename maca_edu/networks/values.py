"""The critics of the other methods, all on the same trunk, and QMIX's mixer. Their sizes give Table 6's counts.

Each raises ValueError where a size is not a positive integer, and where it is called with numbers of another shape or
such as are not finite.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maca_edu.checks import check, check_integer
from maca_edu.networks.checks import Widths, check_floats
from maca_edu.networks.layers import Trunk, orthogonal


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
    """Q(s, (., a_{-i})) for all actions of every agent i, from the state and the others' one-hot actions."""

    def __init__(
        self,
        state_size: int,
        n_agents: int,
        n_actions: int,
        hidden_sizes: tuple[int, ...] = (128, 128, 128),
        recurrent: bool = True,
        feature_norm: bool = True,
    ):
        super().__init__()
        for name, size in (("state_size", state_size), ("n_agents", n_agents), ("n_actions", n_actions)):
            check_integer(name, size, 1)
        hidden_sizes = check("hidden_sizes", hidden_sizes, Widths)
        self.state_size, self.n_agents, self.n_actions = state_size, n_agents, n_actions
        self.trunk = Trunk(state_size + n_agents * n_actions, hidden_sizes, recurrent, feature_norm)
        self.out = orthogonal(nn.Linear(hidden_sizes[-1], n_actions))

    def forward(self, state: Tensor, action: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """state `[S, s]`, action one-hot `[S, n, A]` to Q `[S, n, A]` and the memory `[S, n, H]` after each.

        Agent i's own block of the joint action is blank: that keeps Q independent of a_i and says who i is.
        """
        S = len(check_floats("state", state, f"S, {self.state_size}"))
        check_floats("action", action, f"{S}, {self.n_agents}, {self.n_actions}")
        n = self.n_agents
        others = ~torch.eye(n, dtype=torch.bool, device=action.device)
        others = action.unsqueeze(1) * others.unsqueeze(-1)  # [S, n, n, A]
        x = torch.cat([state.unsqueeze(1).expand(-1, n, -1), others.flatten(2)], dim=-1)  # [S, n, s + n * A]
        x, memory = self.trunk(x, memory, first)
        return self.out(x), memory


class UtilityCritic(nn.Module):
    """Q_i(o_i, .) of every agent, to be added up (PPO-Sum: VDN) or mixed (PPO-Mix: QMIX)."""

    def __init__(
        self,
        obs_size: int,
        n_actions: int,
        hidden_sizes: tuple[int, ...] = (128, 128),
        recurrent: bool = True,
        feature_norm: bool = True,
    ):
        super().__init__()
        self.obs_size = check_integer("obs_size", obs_size, 1)
        check_integer("n_actions", n_actions, 1)
        hidden_sizes = check("hidden_sizes", hidden_sizes, Widths)
        self.trunk = Trunk(obs_size, hidden_sizes, recurrent, feature_norm)
        self.out = orthogonal(nn.Linear(hidden_sizes[-1], n_actions))

    def forward(self, obs: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """obs `[S, n, d]` to utilities `[S, n, A]` and the memory `[S, n, H]` after each."""
        check_floats("obs", obs, f"S, n, {self.obs_size}")
        x, memory = self.trunk(obs, memory, first)
        return self.out(x), memory


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
