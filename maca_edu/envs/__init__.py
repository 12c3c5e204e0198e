"""Environments: one contract, and an adapter for each family of games.

core    TeamEnv, View, TeamStep      what the training loop asks for
toy     the games of toy_envs        toy/fridge, toy/ring, ...
"""

from maca_edu.envs.core import TeamEnv, TeamStep, View
from maca_edu.envs.toy import ToyEnv, names
from maca_edu.envs.toy import make as _make_toy

__all__ = ["TeamEnv", "TeamStep", "ToyEnv", "View", "make", "names"]


def make(name: str, batch: int) -> TeamEnv:
    """`batch` copies of the environment called `name`, to be reset with a seed.

    name: one of `names()`, with options of the game behind a question mark: "toy/ring?n_agents=8&span=3".
    Raises ValueError where there is no such environment or option.
    """
    if name.partition("?")[0] not in names():
        raise ValueError(f"env={name!r}; allowed are {', '.join(names())}, options as in toy/ring?n_agents=8&span=3")
    return _make_toy(name, batch)
