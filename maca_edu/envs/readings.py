"""Reading what a stranger's game says: observations, masks of legal actions, rewards, ends. Never a number unchecked.

Every function takes `where`, the beginning of its message, and raises ValueError, one sentence, where a value cannot be
what it should be.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import numpy as np
from gymnasium import spaces

LIMIT = 1e12  # of observations, states and rewards: networks square numbers, and float32 ends at 3e38
MASK = re.compile("(action|legal|avail|available|valid|allowed)*(action|actions|move|moves)?masks?")
LEGAL = re.compile("(legal|avail|available|valid|allowed|possible)(action|move)s?")
FORBIDDEN = re.compile("(illegal|unavailable|invalid|forbidden|disallowed)(action|move)s?(masks?)?")


# ---------------------------------------------------------------------------------------------------------------------
# Numbers


def numbers(where: str, what: str, value) -> np.ndarray:
    """A value as numbers of float64 in a row. what: "the observation", ..., for the message."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):  # lists in a list, of different lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{where}: {what} is {short(value)}; needed are numbers")
    array = array.astype(np.float64).reshape(-1)
    check_size(where, what, array)
    return array


def check_size(where: str, what: str, array: np.ndarray) -> None:
    """Raise ValueError where a number is not finite or so large that float32 would lose it."""
    good = np.abs(array) <= LIMIT  # false for nan
    if not good.all():
        raise ValueError(
            f"{where}: {what} holds {array[~good].flat[0]:g}; allowed are numbers from -{LIMIT:g} to {LIMIT:g}"
        )


def number(where: str, what: str, value) -> float:
    """A value as one number; arrays of one number are welcome."""
    if type(value) is float and -LIMIT <= value <= LIMIT:  # by far the most frequent, and the fastest
        return value
    row = numbers(where, what, value)
    if row.size != 1:
        raise ValueError(f"{where}: {what} is {short(value)}; needed is one number")
    return float(row[0])


def vector(where: str, space: spaces.Space, value) -> np.ndarray:
    """A value of an observation space as a vector: numbers in a row, choices one-hot, parts one after another."""
    match space:
        case spaces.Box() | spaces.MultiBinary():
            row = numbers(where, "the observation", value)
            if np.shape(value) != space.shape:
                raise ValueError(f"{where}: the observation has shape {np.shape(value)}; its space is {space}")
            return row
        case spaces.Discrete():
            return _one_hot(where, value, [space.n], space.start)
        case spaces.MultiDiscrete():
            return _one_hot(where, value, space.nvec.reshape(-1), space.start.reshape(-1))
        case spaces.Dict():
            if not isinstance(value, Mapping) or not value.keys() >= space.spaces.keys():
                raise ValueError(f"{where}: the observation is {short(value)}; its space is {space}")
            return np.concatenate([vector(where, part, value[key]) for key, part in space.spaces.items()])
        case spaces.Tuple():
            if not isinstance(value, tuple | list) or len(value) != len(space.spaces):
                raise ValueError(f"{where}: the observation is {short(value)}; its space is {space}")
            return np.concatenate([vector(where, part, own) for part, own in zip(space.spaces, value, strict=True)])
    raise ValueError(f"{where}: the observation space is {space}; {SPACES}")


SPACES = "allowed are Box, Discrete, MultiDiscrete and MultiBinary of gymnasium, and Dict and Tuple of them"


def length(where: str, space: spaces.Space) -> int:
    """How many numbers `vector` makes of a space's values."""
    match space:
        case spaces.Box() | spaces.MultiBinary() | spaces.Discrete() | spaces.MultiDiscrete():
            return spaces.flatdim(space)
        case spaces.Dict():
            return sum(length(where, part) for part in space.spaces.values())
        case spaces.Tuple():
            return sum(length(where, part) for part in space.spaces)
    raise ValueError(f"{where}: the observation space is {space}; {SPACES}")


def _one_hot(where: str, value, sizes, starts) -> np.ndarray:
    """Whole numbers, of which the k-th is one of sizes[k] from starts[k] on, as one-hot vectors in a row."""
    row = numbers(where, "the observation", value)
    choice = row - starts
    if row.shape != (len(sizes),) or not ((choice >= 0) & (choice < sizes) & (choice % 1 == 0)).all():
        raise ValueError(f"{where}: the observation is {short(value)}; its space has {list(map(int, sizes))} values")
    return np.concatenate([np.arange(size) == k for size, k in zip(sizes, choice, strict=True)]).astype(np.float64)


def flag(where: str, what: str, flags, agent) -> bool:
    """Whether the game says so for the agent, or for everybody ("__all__"); what it does not say is false."""
    if flags is None:
        return False
    if not isinstance(flags, Mapping):
        raise ValueError(f"{where}: {what} are {short(flags)}; needed is a dictionary by agent")
    for key in (agent, "__all__"):
        said = flags.get(key)
        if said is True or (said is not None and said is not False and number(where, f"one of {what}", said)):
            return True
    return False


def short(value) -> str:
    """A value in few words."""
    words = " ".join(repr(value).split())
    return words if len(words) <= 80 else words[:77] + "..."


# ---------------------------------------------------------------------------------------------------------------------
# Masks of legal actions


def without_masks(space: spaces.Space) -> spaces.Space:
    """The part of an observation space that is seen; a Dict of one part is that part."""
    if not isinstance(space, spaces.Dict):
        return space
    rest = {key: part for key, part in space.spaces.items() if not names_a_mask(key)}
    return next(iter(rest.values())) if len(rest) == 1 else spaces.Dict(rest)


@functools.cache
def names_a_mask(key) -> bool:
    """Whether a key says which actions are legal or are not: action_mask, avail_actions, legal_moves, ..."""
    return any(pattern.fullmatch(_bare(key)) for pattern in (MASK, LEGAL, FORBIDDEN))


@functools.cache
def _bare(key) -> str:
    """A key in small letters only: actionmask for action_mask, actionMask and "action mask"."""
    return re.sub("[^a-z]", "", str(key).lower())


def seen_in(where: str, space: spaces.Space, value):
    """What is seen in an observation that may be a dictionary although its space, without masks, is none."""
    if isinstance(space, spaces.Dict) or not isinstance(value, Mapping):
        return value
    rest = {key: part for key, part in value.items() if not names_a_mask(key)}
    if len(rest) == 1:
        return next(iter(rest.values()))
    for key in ("observation", "obs"):
        if key in rest:
            return rest[key]
    raise ValueError(f"{where}: the observation is a dictionary of {', '.join(map(str, value))}; its space is {space}")


def masks_in(where: str, observation, info) -> list[tuple[str, object]]:
    """All that an observation and an info say about legal actions, each with its name."""
    if info is not None and not isinstance(info, Mapping):
        raise ValueError(f"{where}: the info is {short(info)}; needed is a dictionary")
    said = [part for part in (observation, info) if isinstance(part, Mapping)]
    return [(key, value) for part in said for key, value in part.items() if names_a_mask(key) and value is not None]


def mask(where: str, key: str, value, size: int, start: int = 0) -> np.ndarray:
    """Which actions are legal, bool `[size]`, at least one.

    value: a zero or a one for each action or, where the key does not say "mask", perhaps the numbers of the legal
    actions; the first action is number `start`.
    """
    word = _bare(key)
    if FORBIDDEN.fullmatch(word):
        raise ValueError(
            f"{where}: {key!r} says what is not allowed; needed is action_mask, 1 where an action is legal"
        )
    is_set = isinstance(value, set | frozenset | range)
    row = numbers(where, key, list(value) if is_set else value)
    is_mask = not is_set and row.shape == (size,) and ((row == 0) | (row == 1)).all() and row.any()
    may_be_list = "mask" not in word and np.asarray(value).dtype.kind != "b"
    is_list = may_be_list and _distinct(row - start, size)
    if is_mask and is_list and isinstance(value, list | tuple) and "avail" not in word:  # two actions, and [0, 1]
        raise ValueError(f"{where}: {key}={value!r} may be a mask or a list of actions; give a mask, as action_mask")
    if is_mask:
        return row == 1
    if is_list:
        return np.isin(np.arange(size), row - start)
    raise ValueError(f"{where}: the {key} is {short(value)}; needed are {size} values, 0 or 1, at least one of them 1")


def _distinct(row: np.ndarray, size: int) -> bool:
    """Whether a row holds at least one of the numbers 0 to size - 1, none twice, and nothing else."""
    return row.size > 0 and bool(np.isin(row, np.arange(size)).all()) and len(np.unique(row)) == row.size
