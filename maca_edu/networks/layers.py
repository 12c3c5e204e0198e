"""The parts the networks share: initialisation, a GRU that forgets at episode starts, and the trunk of the baselines.

B samples are time and environments flattened, time first: B = T * E for a chunk of T steps of E environments, and B = E
for a single step. `hidden`, the GRU's memory before the chunk, has one row per environment, so its length says how B
splits. What comes back is the memory after each sample.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

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


class GruSteps(torch.autograd.Function):
    """T steps of a GRU whose memory is wiped on the way, which `nn.GRU` can do only between two calls.

        r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)    c = tanh(x_c + r * h_c)    h <- c + u * (h - c)

    x: what the input adds to r, u and c, `[T, N, 3H]`; what the memory adds is weight h + bias, `[3H, H]` and `[3H]`.
    h: the memory before, `[N, H]`; keep: 0 where it is wiped before a step, otherwise 1, `[T, N, 1]`.
    Returns the memory after every step, `[T, N, H]`. The gradient of weight is one product for all steps.
    """

    @staticmethod
    def forward(ctx, x: Tensor, h: Tensor, keep: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        size = h.shape[-1]
        gates, candidates = x.new_empty(*x.shape[:2], 2 * size), x.new_empty(*x.shape[:2], size)
        before, inner, after = (torch.empty_like(candidates) for _ in range(3))
        for t in range(len(x)):
            torch.mul(h, keep[t], out=before[t])
            own = torch.addmm(bias, before[t], weight.T)  # [N, 3H]
            torch.add(x[t, :, : 2 * size], own[:, : 2 * size], out=gates[t]).sigmoid_()
            r, u = gates[t].chunk(2, dim=-1)
            inner[t] = own[:, 2 * size :]
            torch.addcmul(x[t, :, 2 * size :], r, inner[t], out=candidates[t]).tanh_()
            h = torch.lerp(candidates[t], before[t], u, out=after[t])
        ctx.save_for_backward(keep, weight, gates, candidates, before, inner)
        return after

    @staticmethod
    @once_differentiable
    def backward(ctx, wanted: Tensor) -> tuple[Tensor | None, ...]:
        keep, weight, gates, candidates, before, inner = ctx.saved_tensors
        dx, down = [], []  # of x, and of weight h + bias
        dh = torch.zeros_like(before[0])
        for t in reversed(range(len(gates))):
            dh = dh + wanted[t]
            r, u = gates[t].chunk(2, dim=-1)
            passed = dh * u
            dc = (dh - passed) * (1 - candidates[t].square())
            dgates = torch.cat([dc * inner[t], dh * (before[t] - candidates[t])], dim=-1) * (gates[t] * (1 - gates[t]))
            dx.append(torch.cat([dgates, dc], dim=-1))
            down.append(torch.cat([dgates, dc * r], dim=-1))
            dh = torch.addmm(passed, down[-1], weight) * keep[t]
        down = torch.cat(down[::-1])  # [T * N, 3H]
        return torch.stack(dx[::-1]), dh, None, down.T @ before.flatten(0, 1), down.sum(dim=0)


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
        keep = x.new_ones(len(x)) if start is None else (~start).to(x)
        keep = keep.view(-1, *[1] * (x.dim() - 1)).expand(*x.shape[:-1], 1).reshape(steps, -1, 1)  # [T, E * ..., 1]
        gru = self.gru
        gates = linear(x.reshape(steps, -1, x.shape[-1]), gru.weight_ih_l0, gru.bias_ih_l0)  # [T, E * ..., 3H]
        before = hidden.reshape(-1, x.shape[-1])  # [E * ..., H]
        memory = GruSteps.apply(gates, before, keep, gru.weight_hh_l0, gru.bias_hh_l0).view(x.shape)
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
