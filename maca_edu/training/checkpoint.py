"""Checkpoints: everything a run needs to go on bit-identically, in a file that holds numbers and words, never code.

The file is NumPy's .npz: every tensor and array is a member of its own, and one member, `tree`, is JSON that says where
each belongs. Python's pickle, which can run code as it loads, is not used for writing and refused in reading.
A file is written whole or not at all: under another name first, then renamed.
"""

from __future__ import annotations

import json
import os
import zipfile

import numpy as np
import torch

from maca_edu.files import whole_file
from maca_edu.training import rng

GENERATORS = (np.random.Generator, torch.Generator)
PLAIN = (type(None), bool, int, float, str)


def capture(parts: dict) -> dict:
    """The state of every part: a generator's state, `state_dict()` of networks, optimisers and normalisers, and
    anything else (counters, settings) as it is."""
    state = {}
    for name, part in parts.items():
        if isinstance(part, GENERATORS):
            state[name] = rng.get_state(part)
        else:
            state[name] = part.state_dict() if hasattr(part, "state_dict") else part
    return state


def restore(parts: dict, state: dict) -> dict:
    """Load into the parts what `capture` found; returns those that are plain values.

    Raises ValueError where the names differ: a part that is forgotten is a run that goes on differently.
    """
    if parts.keys() != state.keys():
        raise ValueError(f"the checkpoint differs in {sorted(parts.keys() ^ state.keys())}; expected {sorted(parts)}")
    plain = {}
    for name, part in parts.items():
        if isinstance(part, GENERATORS):
            rng.set_state(part, state[name])
        elif hasattr(part, "load_state_dict"):
            part.load_state_dict(state[name])
        else:
            plain[name] = state[name]
    return plain


def save(path: str | os.PathLike, state) -> None:
    """Write nested dicts, lists and tuples of tensors, arrays, numbers, words and None to `path`, whole or not at all.

    Raises ValueError where the state holds anything else.
    """
    arrays = {}
    tree = json.dumps(_encode(state, arrays))
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, tree=np.frombuffer(tree.encode(), dtype=np.uint8), **arrays)


def load(path: str | os.PathLike):
    """Read what `save` wrote. Raises ValueError where the file is no such checkpoint; executes nothing."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _decode(json.loads(arrays.pop("tree").tobytes()), arrays)
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"path={os.fspath(path)!r} is not a checkpoint of this library ({error})") from None


def _encode(x, arrays: dict):
    """JSON for x: plain values as they are, anything else as {kind: contents}; arrays go to `arrays`."""
    if isinstance(x, PLAIN):
        return x
    if isinstance(x, torch.Tensor | np.ndarray):
        name = f"array_{len(arrays)}"
        arrays[name] = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x
        if arrays[name].dtype.kind not in "biuf":
            raise ValueError(f"an array of {x.dtype} cannot be saved; allowed are booleans, integers and floats")
        return {"tensor" if isinstance(x, torch.Tensor) else "array": name}
    if isinstance(x, dict):
        return {"dict": [[_encode(key, arrays), _encode(value, arrays)] for key, value in x.items()]}
    if isinstance(x, list | tuple):
        return {"tuple" if isinstance(x, tuple) else "list": [_encode(value, arrays) for value in x]}
    raise ValueError(f"{x!r} cannot be saved; allowed are tensors, arrays, numbers, words, None, dicts, lists, tuples")


def _decode(x, arrays: dict):
    """The inverse of `_encode`."""
    if not isinstance(x, dict):
        return x
    ((kind, contents),) = x.items()
    if kind == "dict":
        return {_decode(key, arrays): _decode(value, arrays) for key, value in contents}
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](_decode(value, arrays) for value in contents)
    return torch.from_numpy(arrays[contents]) if kind == "tensor" else arrays[contents]
