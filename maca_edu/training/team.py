"""The team's policies: one network for all agents, or one for each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from maca_edu.networks import Actor, Choice, Gaussian, together
from maca_edu.training.config import Config
from maca_edu.training.records import Sizes


class Team(nn.Module):
    """The agents' policies: one network for all, or with shared=False one for each agent."""

    def __init__(self, sizes: Sizes, config: Config, shared: bool):
        super().__init__()
        options = dict(continuous=sizes.continuous, std_x=config.std_x, std_y=config.std_y, recurrent=config.recurrent)
        options["feature_norm"] = config.feature_norm == "layer"
        count = 1 if shared else sizes.n_agents
        nets = (Actor(sizes.obs, sizes.n_actions, config.actor_sizes, **options) for _ in range(count))
        self.nets = nn.ModuleList(nets)
        self.memory_shape = (sizes.n_agents, config.actor_sizes[-1]) if config.recurrent else None

    def blank_memory(self, batch: int, device: torch.device) -> Tensor | None:
        """The memory before anything was seen, `[B, n, H]`; None without GRUs."""
        return None if self.memory_shape is None else torch.zeros(batch, *self.memory_shape, device=device)

    def forward(
        self,
        obs: Tensor,
        available: Tensor,
        memory: Tensor | None = None,
        first: Tensor | None = None,
        agent: int | None = None,
    ) -> tuple[Choice | Gaussian, Tensor | None]:
        """Distributions `[S, n]` and the GRUs' memory after each sample, `[S, n, H]` or None.

        obs `[S, n, d]`, available `[S, n, A]`, memory `[B, n, H]` before the first sample of each environment, first
        `[S]`, where an episode begins. With agent, all of these with n = 1, for that agent alone.
        """
        if len(self.nets) == 1:
            return self.nets[0](obs, available, memory, first)
        if agent is not None:
            return self.nets[agent](obs, available, memory, first)
        distributions, memories = [], []
        for i, net in enumerate(self.nets):
            own = slice(i, i + 1)
            own_memory = None if memory is None else memory[:, own]
            distribution, after = net(obs[:, own], available[:, own], own_memory, first)
            distributions.append(distribution)
            memories.append(after)
        return together(distributions), None if memories[0] is None else torch.cat(memories, dim=1)
