"""V(s) of a state that describes units, such as two armies: a token for each unit, and one look at the living.

    a unit's numbers -> Linear of its group, ReLU, LayerNorm -> Linear, ReLU -> token
    tokens of a group -> their mean -> all groups' means, side by side: the summary
    summary -> Linear -> queries -> attention over all tokens -> what was looked at
    summary, what was looked at -> Trunk -> V

Each query looks at all units once, so that the work grows with their number, not with its square. Permute the units
of a group and V stays the same. A dead unit's token counts as zeros in the mean, and no query sees it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from maca_edu.checks import check, check_integer
from maca_edu.networks.checks import Widths, check_floats, check_kind
from maca_edu.networks.layers import RELU_GAIN, Trunk, orthogonal, softmax
from maca_edu.team_env import Entities, Group

UNSEEN = -1e9  # the score of what no query may see; finite, so that nothing breaks where all are dead


class Embedding(nn.Module):
    """The numbers of a group's units, made as wide as a token."""

    def __init__(self, group: Group, embed: int):
        super().__init__()
        where = torch.from_numpy(group.where())  # [count, width]
        self.register_buffer("where", where, persistent=False)
        self.health_first, self.count = group.health_first, group.count
        self.layer = orthogonal(nn.Linear(where.shape[1], embed), RELU_GAIN)

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """States `[S, s]` to `[S, count, E]` and who lives, bool `[S, count]`."""
        numbers = state[:, self.where]  # [S, count, width]
        first = numbers[..., 0]
        alive = first > 0 if self.health_first else torch.ones_like(first, dtype=torch.bool)
        return relu(self.layer(numbers)), alive


class UnitsCritic(nn.Module):
    """V(s) by attention over the units of a state; entities: which numbers speak of which unit.

    embed: width of a token. n_heads: how many queries there are; 0: no attention, the summary is all. hidden_sizes,
    recurrent: of the trunk that follows. Numbers that speak of no unit go into the trunk as they are. Raises ValueError
    where an argument is wrong.
    """

    def __init__(
        self,
        state_size: int,
        entities: Entities,
        embed: int = 32,
        n_heads: int = 2,
        hidden_sizes: tuple[int, ...] = (128, 128, 128),
        recurrent: bool = True,
    ):
        super().__init__()
        self.state_size = check_integer("state_size", state_size, 1)
        check_kind("entities", entities, Entities)
        check_integer("embed", embed, 1)
        hidden_sizes = check("hidden_sizes", hidden_sizes, Widths)
        self.n_heads = check_integer("n_heads", n_heads, 0)
        self.groups = nn.ModuleList(Embedding(group, embed) for group in entities.groups)
        self.norm, self.layer = nn.LayerNorm(embed), orthogonal(nn.Linear(embed, embed), RELU_GAIN)
        others = torch.from_numpy(entities.others(state_size))
        self.register_buffer("others", others, persistent=False)
        summary = len(self.groups) * embed
        self.ask = orthogonal(nn.Linear(summary, n_heads * embed)) if n_heads else None
        self.trunk = Trunk(summary + n_heads * embed + len(others), hidden_sizes, recurrent)
        self.out = orthogonal(nn.Linear(hidden_sizes[-1], 1))

    def forward(self, state: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """Values `[S]` of states `[S, s]`, and memory after each sample; memory, first: see `layers`."""
        check_floats("state", state, f"S, {self.state_size}")
        tokens, alive = self.tokens(state)
        summary = self.summary(tokens, alive)
        looked_at = [] if self.ask is None else [self.attend(summary, tokens, alive)]
        x, memory = self.trunk(torch.cat([summary, *looked_at, state[:, self.others]], dim=-1), memory, first)
        return self.out(x).squeeze(-1), memory

    def tokens(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """A token for each of the m units of all groups, `[S, m, E]`, and who lives, bool `[S, m]`."""
        embedded, alive = zip(*(group(state) for group in self.groups), strict=True)
        return relu(self.layer(self.norm(torch.cat(embedded, dim=1)))), torch.cat(alive, dim=1)

    def summary(self, tokens: Tensor, alive: Tensor) -> Tensor:
        """The mean of each group's tokens, the dead ones' as zeros: `[S, groups * E]`."""
        living = (tokens * alive.unsqueeze(-1)).split([group.count for group in self.groups], dim=1)
        return torch.cat([group.mean(dim=1) for group in living], dim=-1)

    def attend(self, summary: Tensor, tokens: Tensor, alive: Tensor) -> Tensor:
        """What the queries find among the living, `[S, heads * E]`."""
        query = self.ask(summary).unflatten(-1, (self.n_heads, -1))  # [S, heads, E]
        scores = query @ tokens.transpose(-2, -1) / tokens.shape[-1] ** 0.5  # [S, heads, m]
        weights = softmax(scores.masked_fill(~alive.unsqueeze(-2), UNSEEN))
        return (weights @ tokens).flatten(1)
