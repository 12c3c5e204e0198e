"""What each family of environments offers under its names."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from maca_edu.team_env import TeamEnv


class Sizes(NamedTuple):
    """What is worth knowing of an environment before it is made; the words are those of `team_env.TeamEnv`."""

    n_agents: int
    n_actions: int
    continuous: bool
    horizon: int


class Family(NamedTuple):
    """Environments that one adapter makes."""

    names: Callable[[], list[str]]  # of all that can be listed, whether their packages are installed or not
    make: Callable[..., TeamEnv]  # make(name, batch): ValueError where there is no such environment
    packages: tuple[str, ...] = ()  # Python packages that must be installed
    sizes: Callable[[str], Sizes] | None = None  # sizes(name) without making one, where that takes long
    takes_device: bool = False  # make(name, batch, device) plays there and hands its views on without copies
    most_at_once: int | None = None  # how many copies an evaluation plays at the same time at most; None: any number
