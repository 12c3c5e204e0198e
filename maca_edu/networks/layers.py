"""The parts the networks share: initialisation, a GRU that forgets at episode starts, and the trunk of the baselines.

B samples are time and environments flattened, time first: B = T * E for a chunk of T steps of E environments, and B = E
for a single step. `hidden`, the GRU's memory before the chunk, has one row per environment, so its length says how B
splits. What comes back is the memory after each sample.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

RELU_GAIN = 2**0.5


def orthogonal(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """Orthogonal weights and zero biases, in place; returns the layer (section C, Table 7)."""
    for parameter in layer.parameters():
        if parameter.ndim >= 2:
            nn.init.orthogonal_(parameter, gain)
        else:
            nn.init.zeros_(parameter)
    return layer


def count_parameters(model: nn.Module, frozen: bool = False) -> int:
    """How many numbers gradient descent trains in `model` (Table 6); with `frozen`, how many it leaves alone.

    Frozen is only the psi head, whose 771 numbers CMA-ES finds.
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad != frozen)


def eye(like: Tensor) -> Tensor:
    """Every agent by itself: the boolean identity `[n, n]`, n and device from `like`, `[..., n, n]`."""
    return torch.eye(like.shape[-1], dtype=torch.bool, device=like.device)


class Recurrence(nn.Module):
    """A GRU and a LayerNorm; the memory of an environment is wiped where an episode starts."""

    def __init__(self, size: int):
        super().__init__()
        self.gru = orthogonal(nn.GRU(size, size))
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor, hidden: Tensor | None, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """x `[B, ..., H]`, hidden `[E, ..., H]` (None: blank, E = B), start bool `[B]` (None: no episode starts).

        Returns the features and the memory after every sample, both `[B, ..., H]`; the memory of the last E samples
        is what the next steps begin with. Raises ValueError where B is not a multiple of E.
        """
        hidden = torch.zeros_like(x) if hidden is None else hidden
        if len(x) % len(hidden):
            raise ValueError(f"{len(x)} samples are not whole steps of the {len(hidden)} environments in hidden")
        steps = len(x) // len(hidden)
        sequence = x.reshape(steps, -1, x.shape[-1])  # [T, E * ..., H]
        memory = hidden.reshape(1, -1, x.shape[-1])  # [1, E * ..., H]
        if start is None:
            start = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        start = start.view(steps, -1)  # [T, E]
        memories, cuts = [], [0, *(t for t in range(1, steps) if start[t].any()), steps]
        for t, end in pairwise(cuts):  # one call of the GRU between two cuts
            keep = ~start[t].repeat_interleave(memory.shape[1] // len(hidden))  # [E * ...]
            after, memory = self.gru(sequence[t:end], torch.where(keep[:, None], memory, 0.0))
            memories.append(after)
        memory = torch.cat(memories).view(x.shape)  # a GRU's output is its memory
        return self.norm(memory), memory


class Trunk(nn.Module):
    """LayerNorm on the input, layers of Linear, ReLU, LayerNorm, and a GRU where `recurrent` (Tables 6 and 7)."""

    def __init__(self, in_size: int, hidden_sizes: tuple[int, ...], recurrent: bool):
        super().__init__()
        sizes = (in_size, *hidden_sizes)
        layers: list[nn.Module] = [nn.LayerNorm(in_size)]
        for before, after in pairwise(sizes):
            layers += [orthogonal(nn.Linear(before, after), RELU_GAIN), nn.ReLU(), nn.LayerNorm(after)]
        self.layers = nn.Sequential(*layers)
        self.recurrence = Recurrence(sizes[-1]) if recurrent else None

    def forward(self, x: Tensor, hidden: Tensor | None = None, start: Tensor | None = None):
        """x `[B, ..., d]` to features `[B, ..., H]` and the memory after each sample (None without a GRU)."""
        x = self.layers(x)
        return (x, None) if self.recurrence is None else self.recurrence(x, hidden, start)
