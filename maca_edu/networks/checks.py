"""The checks every network makes of what it is given: one clear sentence, or the tensor.

A shape is written as in the comments, "S, n, 5": a number stands for itself, a letter for any length, the same one
wherever it comes again, and "..." at the beginning for any number of axes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import torch
from torch import Tensor

from maca_edu.checks import Allowed, Count, shown

Widths = Annotated[tuple[Count, ...], Allowed("one width or more, each an integer from 1", len)]


def check_floats(name: str, x, *shapes: str) -> Tensor:
    """Return the argument `x`, finite floating-point numbers of one of the shapes; ValueError otherwise."""
    x = check_shape(name, x, *shapes)
    if not x.dtype.is_floating_point:
        raise ValueError(f"{name} has dtype {x.dtype}; expected floating-point numbers")
    if not all_finite(x):
        wrong = x[~x.isfinite()][0].item()
        raise ValueError(f"{name} holds {wrong}; every number must be finite")
    return x


def check_truths(name: str, x, *shapes: str) -> Tensor:
    """Return the argument `x`, truth values of one of the shapes; ValueError otherwise."""
    x = check_shape(name, x, *shapes)
    if x.dtype != torch.bool:
        raise ValueError(f"{name} has dtype {x.dtype}; expected torch.bool")
    return x


def check_shape(name: str, x, *shapes: str) -> Tensor:
    """Return the argument `x`, a tensor of one of the shapes; ValueError otherwise."""
    expected = " or ".join(f"[{shape}]" for shape in shapes)
    if not isinstance(x, Tensor):
        raise ValueError(f"{name}={shown(x)}; expected a tensor {expected}")
    if not any(fits_shape(x.shape, shape) for shape in shapes):
        raise ValueError(f"{name} has the shape {list(x.shape)}; expected {expected}")
    return x


def check_kind(name: str, x, *kinds: type):
    """Return the argument `x`, an instance of one of the classes; ValueError otherwise."""
    if not isinstance(x, kinds):
        raise ValueError(f"{name}={shown(x)}; allowed is a {' or a '.join(kind.__name__ for kind in kinds)}")
    return x


def all_finite(x: Tensor) -> bool:
    """Whether all numbers are finite: where one is not, nor is the largest absolute value.

    On a graphics card the answer would have to be waited for in every layer, so nobody asks: a run looks at its numbers
    once an update (`training.finite`).
    """
    return x.is_cuda or x.numel() == 0 or bool(x.detach().abs().max().isfinite())


@lru_cache(maxsize=4096)
def fits_shape(shape: torch.Size, pattern: str) -> bool:
    """Whether a shape is as the pattern says."""
    names, known = pattern.split(", "), {}
    if names[0] == "...":
        names = names[1:]
        shape = shape[max(0, len(shape) - len(names)) :]
    if len(names) != len(shape):
        return False
    return all(
        length == int(name) if name.isdigit() else known.setdefault(name, length) == length
        for name, length in zip(names, shape, strict=True)
    )
