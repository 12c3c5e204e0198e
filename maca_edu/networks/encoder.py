"""MACA's encoder: the agents' observations become tokens that attend to one another (Figure 1).

    obs -> LayerNorm, Linear, GELU, LayerNorm -> GRU -> LayerNorm -> blocks -> LayerNorm -> tokens h_1 .. h_n

Nothing tells the agents apart but their observations: permute them and the tokens are permuted. The weights of every
block's attention are returned, because CorrSets are made of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from maca_edu.checks import check, check_integer
from maca_edu.networks.checks import check_floats
from maca_edu.networks.layers import Recurrence, first_layer, input_norm, softmax


class Attention(nn.Module):
    """Multi-head attention that also returns its weights; without `context` the tokens attend to themselves.

    Raises ValueError where n_heads does not divide size, and forward where a shape is wrong or a number is not finite.
    """

    def __init__(self, size: int, n_heads: int):
        super().__init__()
        self.size = check_integer("size", size, 1)
        check_integer("n_heads", n_heads, 1)
        if size % n_heads:
            raise ValueError(f"n_heads={n_heads} does not divide embed={size}")
        self.n_heads = n_heads
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.project = nn.Linear(size, size)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x `[..., n, E]`, context `[..., m, E]` to the output `[..., n, E]` and the weights `[..., heads, n, m]`."""
        check_floats("x", x, f"..., n, {self.size}")
        layers = (self.query, self.key, self.value)
        if context is None:  # all from the same tokens: one product
            weight, bias = torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])
            projected = linear(x, weight, bias).chunk(3, dim=-1)
        else:
            check_floats("context", context, f"..., m, {self.size}")
            projected = [layer(tokens) for layer, tokens in zip(layers, (x, context, context), strict=True)]
        q, k, v = (
            y.unflatten(-1, (self.n_heads, -1)).transpose(-3, -2) for y in projected
        )  # [..., heads, n, E / heads]
        weights = softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5)  # [..., heads, n, m]
        return self.project((weights @ v).transpose(-3, -2).flatten(-2)), weights


class Block(nn.Module):
    """A pre-LN transformer block: attention, then an MLP as wide as the tokens, each added to its input."""

    def __init__(self, size: int, n_heads: int):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.attention = Attention(size, n_heads)
        self.mlp = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.Linear(size, size))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x `[..., n, E]` to the same shape and the weights `[..., heads, n, n]`."""
        y, weights = self.attention(self.norm_1(x))
        x = x + y
        return x + self.mlp(self.norm_2(x)), weights


class Encoder(nn.Module):
    """Observations `[S, n, d]` to tokens `[S, n, E]` and the attention weights of every block.

    feature_norm: False leaves out the LayerNorm on the observations. Raises ValueError where a size is not a positive
    integer, and forward where a shape is wrong or a number is not finite.
    """

    def __init__(
        self, obs_size: int, embed: int, n_layers: int, n_heads: int, recurrent: bool, feature_norm: bool = True
    ):
        super().__init__()
        self.obs_size = check_integer("obs_size", obs_size, 1)
        check_integer("embed", embed, 1)
        check_integer("n_layers", n_layers, 1)
        self.embedding = nn.Sequential(
            input_norm(obs_size, feature_norm), nn.Linear(obs_size, embed), nn.GELU(), nn.LayerNorm(embed)
        )
        self.recurrence = Recurrence(embed) if check("recurrent", recurrent, bool) else None
        self.norm_in, self.norm_out = nn.LayerNorm(embed), nn.LayerNorm(embed)
        self.blocks = nn.ModuleList(Block(embed, n_heads) for _ in range(n_layers))

    def forward(self, obs: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """Tokens `[S, n, E]`, one `[S, heads, n, n]` per block (rows sum to 1), memory after each sample or None."""
        check_floats("obs", obs, f"S, n, {self.obs_size}")
        norm, layer, *others = self.embedding
        x = first_layer(obs, norm, layer)  # [S, n, E]
        for layer in others:
            x = layer(x)
        if self.recurrence is not None:
            x, memory = self.recurrence(x, memory, first)
        x, attentions = self.norm_in(x), []
        for block in self.blocks:
            x, weights = block(x)
            attentions.append(weights)
        return self.norm_out(x), tuple(attentions), memory


def t_fixup(module: nn.Module, n_layers: int):
    """T-Fixup (Table 10): Xavier weights, zero biases, and each block's last layers times 0.67 * n_layers^(-1/4)."""
    for name, parameter in module.named_parameters():
        if parameter.ndim >= 2:
            nn.init.xavier_uniform_(parameter)
            if name.endswith(("project.weight", "mlp.2.weight")):
                parameter.data *= 0.67 * n_layers**-0.25
        elif "bias" in name:
            nn.init.zeros_(parameter)


# What the authors' code multiplies by 0.67 * n_layers^(-1/4), beside Xavier's weights; the value projection also by
# the square root of 2.
SCALED_AS_RELEASED = {"value.weight": 2**0.5, "project.weight": 1.0, "mlp.0.weight": 1.0, "mlp.2.weight": 1.0}


def t_fixup_as_released(module: nn.Module, n_layers: int):
    """T-Fixup as the authors' code has it: four matrices of each block are scaled, and a GRU stays orthogonal."""
    recurrent = {id(p) for part in module.modules() if isinstance(part, nn.GRU) for p in part.parameters()}
    for name, parameter in module.named_parameters():
        if parameter.ndim >= 2 and id(parameter) not in recurrent:
            nn.init.xavier_uniform_(parameter)
            if ".blocks." in name:
                for ending, factor in SCALED_AS_RELEASED.items():
                    if name.endswith(ending):
                        parameter.data *= factor * 0.67 * n_layers**-0.25
        elif "bias" in name:
            nn.init.zeros_(parameter)
