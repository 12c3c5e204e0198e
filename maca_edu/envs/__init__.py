"""Environments: an adapter for each family of games to the contract in `maca_edu.team_env`.

toy          the games of toy_envs                          toy/fridge, toy/ring, ...
mpe          particle games of the package mpe2             mpe/simple_spread, ...
jaxmpe       the same games from JaxMARL, compiled          jaxmpe/simple_spread, ...
smax         battles from JaxMARL, compiled                 smax/2s3z, smax/protoss_5_vs_5, ...
starcraft    StarCraft II itself, by the package smacv2     smac/5m_vs_6m, smacv2/zerg_10_vs_10, ...
pettingzoo   any PettingZoo game whose agents act at once   pettingzoo/mpe2.simple_spread_v3, ...

What the adapters share:

family       what a family of environments offers
options      options behind a name
actions      the check of joint actions
forks        the check of what `TeamEnv.fork` is given
seeds        a seed for each episode of each copy
game_module  games that are modules of Python: how they are imported and made
readings     the check of all that a stranger's game says
workers      games that are stepped one at a time, in this process or in others
compiled     games of JaxMARL, all copies stepped by one compiled function
particles    mpe2's games, all copies stepped together in NumPy

film         episodes as moving pictures, drawn by `pictures`

Environments of the same name may be made in any number, in one process or in several, each with a seed of its own:
they share nothing but a folder of JAX's compiler, see `compiled.import_jax`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from maca_edu.checks import check_integer, shown
from maca_edu.envs import jaxmpe, mpe, pettingzoo, smax, starcraft, toy
from maca_edu.envs.family import Family, Sizes
from maca_edu.team_env import TeamEnv, TeamStep, View

if TYPE_CHECKING:
    import torch  # not when this runs: it takes seconds, which processes that only step games do without

__all__ = ["Family", "TeamEnv", "TeamStep", "View", "at_once", "describe", "family", "make", "names", "sizes"]

FAMILIES = {  # by what stands before a name's slash
    "toy": toy.FAMILY,
    "mpe": mpe.FAMILY,
    "jaxmpe": jaxmpe.FAMILY,
    "smax": smax.FAMILY,
    "smac": starcraft.FAMILY,
    "smacv2": starcraft.FAMILY,
    "pettingzoo": pettingzoo.FAMILY,
}


def family(name: str) -> Family:
    """The family that the environment called `name` is of. Raises ValueError where there is none."""
    prefix = name.partition("/")[0] if isinstance(name, str) else None
    if prefix not in FAMILIES:
        allowed = ", ".join(f"{known}/..." for known in FAMILIES)
        raise ValueError(
            f"env={shown(name)}; allowed are {allowed}, see maca-edu envs; options as in toy/ring?n_agents=8"
        )
    return FAMILIES[prefix]


def names() -> list[str]:
    """The names of all environments that can be listed, whether what they need is installed or not."""
    families = dict.fromkeys(FAMILIES.values())  # each once
    return [name for one in families for name in one.names()]


def make(name: str, batch: int, device: torch.device | str | None = None) -> TeamEnv:
    """`batch` copies of the environment called `name`, to be reset with a seed.

    name: one of `names()`, with options of the game behind a question mark: "toy/ring?n_agents=8&span=3".
    device: torch's, on which views are wanted. JaxMARL's games (smax, jaxmpe) play there and show arrays that speak
    DLPack, see `team_env.View`; all others show NumPy arrays, as every environment does with None.
    Raises ValueError where there is no such environment or option, or what it needs is not installed.
    """
    chosen = family(name)
    return chosen.make(name, batch, device) if chosen.takes_device else chosen.make(name, batch)


def at_once(name: str, episodes: int) -> int:
    """How many copies of the environment called `name` an evaluation of so many episodes plays at the same time.

    One for each episode, but no more than its family allows where each copy is a large program.
    """
    most, episodes = family(name).most_at_once, check_integer("episodes", episodes, 1)
    return episodes if most is None else min(episodes, most)


def sizes(name: str) -> Sizes:
    """How many agents and actions the environment called `name` has, and its horizon."""
    known = family(name)
    if known.sizes is not None:
        return known.sizes(name)
    with contextlib.closing(known.make(name, 1)) as env:
        return Sizes(env.n_agents, env.n_actions, env.continuous, env.horizon)


def describe(name: str) -> str:
    """How many agents and actions the environment called `name` has, and its horizon, in words."""
    known = sizes(name)
    actions = f"{known.n_actions} numbers each" if known.continuous else f"{known.n_actions} actions"
    return f"{known.n_agents} agents, {actions}, horizon {known.horizon}"
