"""What a host of copies is told to do, and what a worker process answers. Arrays go through `shared_arrays`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reset:
    """Begin an episode in every copy, on the seed in its row."""


@dataclass(frozen=True)
class Step:
    """Play the action in every copy's row; where an episode ends, begin the next on the seed in the row."""


@dataclass(frozen=True)
class Replay:
    """Begin an episode in every copy, on the seed in its row, and play the actions given."""

    played: list[list[np.ndarray]]  # for each copy of the host the joint actions, [n] or [n, A], one for each step


@dataclass(frozen=True)
class Close:
    """Close the copies and end; there is no answer."""


Command = Reset | Step | Replay


@dataclass(frozen=True)
class Done:
    """The command was carried out."""


@dataclass(frozen=True)
class Resetting:
    """An episode ended in a step and the next one is about to begin, which may take the time of a reset."""


@dataclass(frozen=True)
class Lost:
    """A copy raised `Broken`: the process is of no more use."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """A copy raised another exception."""

    report: str  # which copy, the message and the traceback


Answer = Done | Resetting | Lost | Failed
