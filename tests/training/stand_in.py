"""A stand-in for a graphics card, for machines without one.

`CARD` is a device that torch takes for the CPU, so that everything computes as always. Within `with StandIn():` tensors
that were made on CARD or moved there are marked, and whatever is computed from them is marked, too. Where a marked
tensor meets one that is not, it raises RuntimeError, as torch does where a tensor on a card meets one on the CPU.
It sees what Python asks of torch, not what torch's own code does within one call.
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

CARD = torch.device("cpu", 0)  # not equal to torch.device("cpu"), which is where all other tensors are
MOVES = (Tensor.to, Tensor.cpu)
CROSSES = (*MOVES, Tensor.copy_, Tensor.data.__set__, torch._has_compatible_shallow_copy_type)  # between devices


def on_card(x) -> bool:
    """Whether a tensor is on the card."""
    return getattr(x, "on_card", False)


def goes_to_card(func, args, kwargs, tensors: list[Tensor]) -> bool:
    """Whether the result of func(*args, **kwargs) is on the card; tensors: all that are among the arguments."""
    if func == Tensor.cpu:
        return False
    if func in (Tensor.copy_, Tensor.data.__set__):
        return on_card(args[0 if func == Tensor.copy_ else 1])
    named = args[1] if func == Tensor.to and len(args) > 1 else kwargs.get("device")  # a device, a tensor or a type
    if isinstance(named, torch.device | str):
        return torch.device(named) == CARD
    if func == Tensor.to:
        return on_card(named if isinstance(named, Tensor) else args[0])
    return any(map(on_card, tensors))


class StandIn(TorchFunctionMode):
    """See the top of this file."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func == Tensor.device.__get__:
            return CARD if on_card(args[0]) else func(*args)
        looked_at = args[:1] if func == Tensor.__deepcopy__ else args  # its second is all that was copied before
        leaves = tree_leaves((looked_at, kwargs))
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        there = goes_to_card(func, args, kwargs, tensors)
        if any(map(on_card, tensors)) and func not in CROSSES:
            if any(not on_card(x) and x.dim() > 0 for x in tensors):
                raise RuntimeError(f"{func.__name__}: a tensor on the CPU meets one on the card")
            if func in (Tensor.numpy, Tensor.__array__):
                raise TypeError("a tensor on the card has no NumPy array")
        if there and any(isinstance(x, torch.Generator) for x in leaves):
            raise RuntimeError(f"{func.__name__}: the CPU's generator draws for the card")
        result = func(*args, **kwargs)
        if func in MOVES and result is args[0] and there != on_card(result):
            result = result.clone()  # torch saw nothing to move
        if func == Tensor.__iter__:
            result = list(result)
        if there:
            marked = [args[0]] if func == Tensor.data.__set__ else tree_leaves(result)
            for x in marked:
                if isinstance(x, Tensor):
                    x.on_card = True
        return iter(result) if func == Tensor.__iter__ else result
