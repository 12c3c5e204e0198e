"""Numbers that are not finite end a run before they are saved: the last checkpoint stays good."""

from __future__ import annotations

import math

import numpy as np
import torch


def first_not_finite(x, name: str = "") -> str | None:
    """The name of the first number, tensor or array that is not finite, None where there is none.

    x: nested dicts, lists and tuples of them; other things are passed over. name: of x itself.
    """
    if isinstance(x, dict):
        items = x.items()
    elif isinstance(x, list | tuple):
        items = enumerate(x)
    else:
        return None if is_finite(x) else name
    for key, value in items:
        found = first_not_finite(value, f"{name}.{key}" if name else str(key))
        if found is not None:
            return found
    return None


def is_finite(x) -> bool:
    """Whether all numbers in a tensor, an array or a number are finite; true for all that is no number."""
    if isinstance(x, torch.Tensor):
        return bool(torch.isfinite(x).all())
    if isinstance(x, np.ndarray):
        return x.dtype.kind not in "fc" or bool(np.isfinite(x).all())
    return not isinstance(x, float) or math.isfinite(x)


@torch.no_grad()
def fault_of(row: dict[str, float], *networks: torch.nn.Module) -> str | None:
    """What is not finite after an update: the name of a loss in its row of metrics, or of a weight; None: nothing.

    A loss or error that is NaN or infinite is a fault; other columns are NaN where nothing was measured.
    """
    for name, value in row.items():
        if name.endswith(("_loss", "_rmse")) and not math.isfinite(value):
            return name
    for network in networks:
        sums = torch.stack([weights.sum() for weights in network.parameters()])  # fast: one question to the device
        if not torch.isfinite(sums).all():
            name = first_not_finite(network.state_dict())
            if name is not None:  # otherwise only a sum was too large
                return name
    return None
