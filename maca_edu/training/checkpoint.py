"""Checkpoints: everything a run needs to go on bit-identically, in a file that holds numbers and words, never code.

The file is NumPy's .npz: every tensor and array is a member of its own, and one member, `tree`, is JSON that says where
each belongs. Python's pickle, which can run code as it loads, is not used for writing and refused in reading. A file
may come from a stranger: what it declares of itself is compared with its size before anything is read, and `check`
compares its contents with the parts that they are for.
A file is written whole or not at all: under another name first, then renamed.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
import zlib

import numpy as np
import torch

from maca_edu.files import open_regular, whole_file
from maca_edu.training import rng

GENERATORS = (np.random.Generator, torch.Generator)
PLAIN = (type(None), bool, int, float, str)
KINDS = "biuf"  # NumPy's letters for booleans, integers, unsigned integers and floats
DAMAGED = (ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError, NotImplementedError, RuntimeError)


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


# ---------------------------------------------------------------------------------------------------------------------
# The file


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
        with open_regular(path) as file, zipfile.ZipFile(file) as members:
            arrays = _read(members, os.fstat(file.fileno()).st_size)
        return _decode(json.loads(arrays.pop("tree").tobytes()), arrays)
    except (*DAMAGED, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"path={os.fspath(path)!r} is not a checkpoint of this library ({error})") from None


def _read(members: zipfile.ZipFile, size: int) -> dict[str, np.ndarray]:
    """The arrays of a file of `size` bytes. Raises ValueError where they would be larger than the file itself."""
    listed = members.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in listed):
        raise ValueError("its arrays are packed; `save` never packs")
    if sum(member.file_size for member in listed) > size:
        raise ValueError("its arrays are larger than the file")
    arrays = {}
    for member in listed:
        with members.open(member) as file:
            arrays[member.filename.removesuffix(".npy")] = _read_array(file, member.file_size)
    return arrays


def _read_array(file, size: int) -> np.ndarray:
    """One array from its .npy file of `size` bytes, which are counted before memory is taken for them."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, by_columns, dtype = read_header(file)
    if dtype.kind not in KINDS or min(shape, default=0) < 0:
        raise ValueError(f"an array of {dtype} with shape {shape}")
    if math.prod(shape) * dtype.itemsize != size - file.tell():
        raise ValueError("an array is not as large as it says")
    numbers = np.frombuffer(bytearray(file.read()), dtype)
    return numbers.reshape(shape, order="F" if by_columns else "C")


def _encode(x, arrays: dict):
    """JSON for x: plain values as they are, anything else as {kind: contents}; arrays go to `arrays`."""
    if isinstance(x, PLAIN):
        return x
    if isinstance(x, torch.Tensor | np.ndarray):
        name = f"array_{len(arrays)}"
        arrays[name] = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x
        if arrays[name].dtype.kind not in KINDS:
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


# ---------------------------------------------------------------------------------------------------------------------
# Is it for these parts?


def check(parts: dict, state: dict) -> None:
    """ValueError unless `state` is one that these parts could have: nothing of it has been used before.

    Networks: tensors of the same names, shapes and types. Optimisers: the same settings, but for the learning rate.
    Other parts are compared with what they are now, see `check_like`.
    """
    if not isinstance(state, dict) or parts.keys() != state.keys():
        raise ValueError(f"it is not a state of {', '.join(sorted(parts))}")
    for name, now in capture(parts).items():
        if isinstance(parts[name], torch.optim.Optimizer):
            _check_optimiser(name, parts[name], state[name])
        else:
            check_like(name, now, state[name])


def check_like(name: str, now, found) -> None:
    """ValueError unless `found`, from a file, can stand in the place of `now`.

    Words and what is called "settings" must be equal, so that no word of a stranger's reaches anything. Arrays have the
    same type and shape, but an axis that is empty now may have grown; so may a list that is empty now. In the place of
    None, which may come to be anything, everything is allowed that has no words.
    """
    if now is None or (isinstance(now, list) and not now):
        good = _has_no_words(found) and (now is None or isinstance(found, list))
    elif isinstance(now, torch.Tensor | np.ndarray):
        good = type(found) is type(now) and found.dtype == now.dtype and _shape_fits(now.shape, found.shape)
    elif isinstance(now, dict):
        good = isinstance(found, dict) and found.keys() == now.keys()
    elif isinstance(now, list | tuple):
        good = isinstance(found, list | tuple) and len(found) == len(now)
    elif isinstance(now, float):
        good = isinstance(found, float)
    else:  # a word, a whole number, a truth value
        good = type(found) is type(now) and (not isinstance(now, str) or found == now)
    if name.endswith(".settings"):
        good = good and found == now
    if not good:
        raise ValueError(f"{name} is not what this run has there")
    if isinstance(now, dict):
        for key, value in now.items():
            check_like(f"{name}.{key}", value, found[key])
    elif isinstance(now, list | tuple) and now:
        for k, pair in enumerate(zip(now, found, strict=True)):
            check_like(f"{name}.{k}", *pair)


def _shape_fits(now: tuple[int, ...], found: tuple[int, ...]) -> bool:
    """Whether the shapes agree, where an axis of length 0 may have any length."""
    return len(now) == len(found) and all(n in (0, m) for n, m in zip(now, found, strict=True))


def _has_no_words(x) -> bool:
    """Whether x holds numbers and arrays only."""
    if isinstance(x, list | tuple):
        return all(_has_no_words(value) for value in x)
    return not isinstance(x, str | dict)


def _check_optimiser(name: str, optimiser: torch.optim.Optimizer, found) -> None:
    """ValueError unless `found` is a state of this Adam, with its settings but for the learning rate."""
    now = optimiser.state_dict()
    if not isinstance(found, dict) or found.keys() != now.keys() or not isinstance(found["state"], dict):
        raise ValueError(f"{name} is not what this run has there")
    if _settings(now["param_groups"]) != _settings(found["param_groups"]):
        raise ValueError(f"{name} has other settings than this run")
    parameters = dict(enumerate(p for group in optimiser.param_groups for p in group["params"]))
    for index, memory in found["state"].items():
        if index not in parameters:
            raise ValueError(f"{name} has a state for parameter {index!r}; there are {len(parameters)}")
        weight = parameters[index].detach().cpu()
        step = torch.zeros((), dtype=torch.float32, device="cpu")
        check_like(f"{name}.state.{index}", dict(step=step, exp_avg=weight, exp_avg_sq=weight), memory)


def _settings(groups: list[dict]) -> str:
    """The settings of an optimiser's groups of parameters but for the learning rates, as JSON.

    Raises ValueError where a rate is no finite number.
    """
    for group in groups:
        if type(group["lr"]) not in (int, float) or not 0 <= group["lr"] < math.inf:
            raise ValueError(f"a learning rate is {group['lr']!r}; allowed are finite numbers from 0")
    return json.dumps([{key: value for key, value in group.items() if key != "lr"} for group in groups])
