"""The parts the networks share: initialisation, a GRU that forgets where an episode begins, and the critics' trunk.

S samples are time and environments flattened, time first: S = T B for a chunk of T steps of B environments, and S = B
for a single step. `memory`, the GRU's before the chunk, has one row per environment, so its length says how S splits.
What comes back is the memory after each sample.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import layer_norm, linear

from maca_edu.checks import check, check_integer
from maca_edu.networks.checks import Widths, check_floats, check_kind, check_truths

RELU_GAIN = 2**0.5
sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward  # (grad, output)


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

    Frozen is only the psi head, which CMA-ES fills in (771 numbers at the paper's sizes). Raises ValueError where an
    argument has another type.
    """
    check_kind("model", model, nn.Module)
    check("frozen", frozen, bool)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad != frozen)


def eye(like: Tensor) -> Tensor:
    """Every agent by itself: the boolean identity `[n, n]`, n and device from `like`, `[..., n, n]`."""
    return torch.eye(like.shape[-1], dtype=torch.bool, device=like.device)


def softmax(x: Tensor) -> Tensor:
    """Softmax over the last axis, any shape; torch's own is some ten times slower where that axis is short.

    With the axis first in memory, torch works on many rows at once.
    """
    return x.movedim(-1, 0).contiguous().softmax(dim=0).movedim(0, -1)


class GruSteps(torch.autograd.Function):
    """T steps of a GRU whose memory is wiped on the way, which `nn.GRU` can do only between two calls.

        r, u = sigmoid(V x + W h)    c = tanh(V_c x + r * (W_c h))    h <- c + u * (h - c)

    with a bias at each product. x: the inputs, `[T, N, d]`; h: the memory before, `[N, H]`; keep: 0 where it
    is wiped before a step, otherwise 1, `[T, N, 1]`. Weights `[3H, d]` and `[3H, H]` and biases `[3H]` are those of
    `nn.GRU`: rows of r, then u, then c. Returns the memory after every step, `[T, N, H]`.

    Faster than autograd: only W h is a product per step; those of V, and of the gradients of V and W, are one for all.
    """

    @staticmethod
    def forward(ctx, x, h, keep, weight_x, weight_h, bias_x, bias_h):
        size, (T, N) = h.shape[-1], x.shape[:2]
        rows, both = x.flatten(0, 1), (bias_x + bias_h)[: 2 * size]
        gates = torch.addmm(both, rows, weight_x[: 2 * size].T).view(T, N, 2 * size)  # becomes r, u
        candidates = torch.addmm(bias_x[2 * size :], rows, weight_x[2 * size :].T).view(T, N, size)  # becomes c
        before, inner, after = (torch.empty_like(candidates) for _ in range(3))  # inner: W_c h
        weight_gates, weight_c, bias_c = weight_h[: 2 * size].T, weight_h[2 * size :].T, bias_h[2 * size :]
        for t in range(T):
            torch.mul(h, keep[t], out=before[t])
            own = gates[t]
            r, u = torch.addmm(own, before[t], weight_gates, out=own).sigmoid_().chunk(2, dim=-1)
            torch.addmm(bias_c, before[t], weight_c, out=inner[t])
            c = candidates[t].addcmul_(r, inner[t]).tanh_()
            h = torch.lerp(c, before[t], u, out=after[t])
        ctx.save_for_backward(x, keep, weight_x, weight_h, gates, candidates, before, inner)
        return after

    @staticmethod
    @once_differentiable
    def backward(ctx, wanted: Tensor) -> tuple[Tensor | None, ...]:
        x, keep, weight_x, weight_h, gates, candidates, before, inner = ctx.saved_tensors
        T, N, size = before.shape
        # Columns: W_c h, r, u, c. The first three depend on the memory, the last three on the input.
        d = wanted.new_empty(T, N, 4 * size)
        weight = weight_h.roll(size, dims=0)  # rows in the order of the first three
        dh = torch.zeros_like(wanted[0])
        for t in reversed(range(T)):
            r, u = gates[t].chunk(2, dim=-1)
            dh += wanted[t]
            passed = dh * u
            dc = tanh_backward(dh - passed, candidates[t])
            dgates = torch.cat([dc * inner[t], dh * (before[t] - candidates[t])], dim=-1)
            d[t] = torch.cat([dc * r, sigmoid_backward(dgates, gates[t]), dc], dim=-1)
            dh = torch.addmm(passed, d[t, :, : 3 * size], weight).mul_(keep[t])
        d = d.view(T * N, 4 * size)
        of_memory, of_input = d[:, : 3 * size], d[:, size:]
        dweight_x, dweight_h = of_input.T @ x.flatten(0, 1), (of_memory.T @ before.flatten(0, 1)).roll(-size, dims=0)
        total = d.sum(dim=0)
        dbias_x, dbias_h = total[size:], total[: 3 * size].roll(-size, dims=0)
        return (of_input @ weight_x).view(x.shape), dh, None, dweight_x, dweight_h, dbias_x, dbias_h


class Recurrence(nn.Module):
    """A GRU and a LayerNorm; the memory of an environment is wiped where an episode begins."""

    def __init__(self, size: int):
        super().__init__()
        self.gru = orthogonal(nn.GRU(size, size))
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor, memory: Tensor | None, first: Tensor | None) -> tuple[Tensor, Tensor]:
        """x `[S, ..., H]`, memory `[B, ..., H]` (None: blank, B = S), first bool `[S]` (None: no episode begins).

        Returns the features and the memory after every sample, both `[S, ..., H]`; the memory of the last B samples
        is what the next steps begin with. Raises ValueError where a shape is wrong, a number is not finite or S is not
        a multiple of B.
        """
        if first is not None:
            check_truths("first", first, f"{len(x)}")
        memory = torch.zeros_like(x) if memory is None else memory
        check_floats("memory", memory, ", ".join(map(str, ("B", *x.shape[1:]))))
        if not len(memory) or len(x) % len(memory):
            raise ValueError(f"{len(x)} samples are not whole steps of the {len(memory)} environments in memory")
        steps = len(x) // len(memory)
        keep = x.new_ones(len(x)) if first is None else (~first).to(x)
        keep = keep.view(-1, *[1] * (x.dim() - 1)).expand(*x.shape[:-1], 1).reshape(steps, -1, 1)  # [T, B * ..., 1]
        gru = self.gru
        weights = gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0
        inputs, before = x.reshape(steps, -1, x.shape[-1]), memory.reshape(-1, x.shape[-1])  # [T, B * ..., H] and T = 1
        memory = GruSteps.apply(inputs, before, keep, *weights).view(x.shape)
        return self.norm(memory), memory


def input_norm(size: int, feature_norm: bool) -> nn.Module:
    """What comes before a network's first layer: LayerNorm over the `size` numbers of its input, or nothing."""
    return nn.LayerNorm(size) if check("feature_norm", feature_norm, bool) else nn.Identity()


def first_layer(x: Tensor, norm: nn.Module, layer: nn.Linear) -> Tensor:
    """layer(norm(x)) for an input that needs no gradient, in two matrix products where autograd takes three.

    norm: of `input_norm`.
    With y = (x - mean) / std the LayerNorm is y * scale + shift, and W (y * scale + shift) + b is (W * scale) y +
    (W shift + b): a layer on y, which no parameter changes. Autograd would take the gradient of scale from that of x.
    """
    if not isinstance(norm, nn.LayerNorm):
        return layer(x)
    y = layer_norm(x, norm.normalized_shape, eps=norm.eps)
    return linear(y, layer.weight * norm.weight, layer.weight @ norm.bias + layer.bias)


class Trunk(nn.Module):
    """LayerNorm on the input, layers of Linear, ReLU, LayerNorm, and a GRU where `recurrent` (Tables 6 and 7).

    feature_norm: False leaves out the LayerNorm on the input. Raises ValueError where an argument is wrong.
    """

    def __init__(self, in_size: int, hidden_sizes: tuple[int, ...], recurrent: bool, feature_norm: bool = True):
        super().__init__()
        sizes = (check_integer("in_size", in_size, 1), *check("hidden_sizes", hidden_sizes, Widths))
        layers: list[nn.Module] = [input_norm(in_size, feature_norm)]
        for before, after in pairwise(sizes):
            layers += [orthogonal(nn.Linear(before, after), RELU_GAIN), nn.ReLU(inplace=True), nn.LayerNorm(after)]
        self.layers = nn.Sequential(*layers)
        self.recurrence = Recurrence(sizes[-1]) if check("recurrent", recurrent, bool) else None

    def forward(self, x: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """x `[S, ..., d]` to features `[S, ..., H]` and the memory after each sample (None without a GRU)."""
        norm, linear, *others = self.layers
        x = first_layer(x, norm, linear)
        for layer in others:
            x = layer(x)
        return (x, None) if self.recurrence is None else self.recurrence(x, memory, first)
