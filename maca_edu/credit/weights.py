"""The check of weights: numbers from 0 up whose sum is 1."""

from __future__ import annotations

from torch import Tensor

from maca_edu.networks.checks import check_shape

ROUNDING = 5e-3  # how far from 1 a sum may be: a row printed with three digits, as in the paper, is still one


def check_weights(name: str, weights: Tensor, shapes: tuple[str, ...]) -> None:
    """ValueError unless the last axis of `weights` holds weights, and it has one of the shapes, such as "S, n, 3"."""
    check_shape(name, weights, *shapes)
    if weights.dtype.is_complex:
        raise ValueError(f"{name} has dtype {weights.dtype}; allowed are real numbers")
    sums = weights.sum(dim=-1)
    good = (weights >= 0).all(dim=-1) & ((sums - 1).abs() <= ROUNDING)  # NaN is not good
    if not good.all():
        wrong = weights[~good][0].tolist()
        raise ValueError(f"{name} holds {[round(x, 4) for x in wrong]}; allowed are numbers from 0 up with the sum 1")
