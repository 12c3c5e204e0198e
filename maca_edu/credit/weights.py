"""The check of weights: numbers from 0 up whose sum is 1."""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDING = 5e-3  # how far from 1 a sum may be: a row printed with three digits, as in the paper, is still one


def check_weights(name: str, weights: Tensor, shapes: tuple[str, ...]) -> None:
    """ValueError unless the last axis of `weights` holds weights, and it has one of the shapes, such as "S, n, 3".

    Letters stand for any length, numbers for themselves.
    """
    if not isinstance(weights, Tensor) or not any(fits(weights.shape, shape) for shape in shapes):
        allowed = " or ".join(f"[{shape}]" for shape in shapes)
        found = list(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
        raise ValueError(f"{name} has the shape {found}; expected {allowed}")
    sums = weights.sum(dim=-1)
    good = (weights >= 0).all(dim=-1) & ((sums - 1).abs() <= ROUNDING)  # NaN is not good
    if not good.all():
        wrong = weights[~good][0].tolist()
        raise ValueError(f"{name} holds {[round(x, 4) for x in wrong]}; allowed are numbers from 0 up with the sum 1")


def fits(shape: torch.Size, pattern: str) -> bool:
    """Whether a shape is as the pattern says; a letter that comes twice is one length."""
    names, known = pattern.split(", "), {}
    if len(names) != len(shape):
        return False
    return all(
        length == int(name) if name.isdigit() else known.setdefault(name, length) == length
        for name, length in zip(names, shape, strict=True)
    )
