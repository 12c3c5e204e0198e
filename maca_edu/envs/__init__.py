"""Environments: an adapter for each family of games to the contract in `maca_edu.team_env`.

options      options behind a name
compiled     what any game of JaxMARL needs
workers      games that are stepped one at a time, in this process or in others
film         episodes as moving pictures

toy          the games of toy_envs                     toy/fridge, toy/ring, ...
mpe          particle games of the package mpe2        mpe/simple_spread, ...
jaxmpe       the same from JaxMARL, many at once       jaxmpe/simple_spread, ...
smax         battles from JaxMARL                      smax/2s3z, smax/protoss_5_vs_5, ...
starcraft    StarCraft II, by the package smacv2       smac/5m_vs_6m, smacv2/zerg_10_vs_10, ...
pettingzoo   any parallel game with a shared reward    pettingzoo/mpe2.simple_spread_v3, ...
"""

from __future__ import annotations

import importlib
import importlib.util

from maca_edu.team_env import TeamEnv, TeamStep, View

__all__ = ["TeamEnv", "TeamStep", "View", "describe", "family", "make", "names"]

# Which module serves a name, by what stands before its slash. Each has names(), make(name, batch) and PACKAGES.
FAMILIES = {
    "toy": "toy",
    "mpe": "mpe",
    "jaxmpe": "jaxmpe",
    "smax": "smax",
    "smac": "starcraft",
    "smacv2": "starcraft",
    "pettingzoo": "pettingzoo",
}


def family(name: str):
    """The module that serves `name`. Raises ValueError where there is none."""
    prefix = name.partition("/")[0]
    if prefix not in FAMILIES:
        allowed = ", ".join(f"{known}/..." for known in FAMILIES)
        raise ValueError(f"env={name!r}; allowed are {allowed}, see maca-edu envs; options as in toy/ring?n_agents=8")
    return importlib.import_module(f"maca_edu.envs.{FAMILIES[prefix]}")


def names() -> list[str]:
    """All environments' names, installed or not."""
    modules = dict.fromkeys(FAMILIES.values())
    return [name for module in modules for name in importlib.import_module(f"maca_edu.envs.{module}").names()]


def make(name: str, batch: int) -> TeamEnv:
    """`batch` copies of the environment called `name`, to be reset with a seed.

    name: one of `names()`, with options of the game behind a question mark: "toy/ring?n_agents=8&span=3".
    Raises ValueError where there is no such environment or option, or what it needs is not installed.
    """
    return family(name).make(name, batch)


def describe(name: str) -> str:
    """How many agents and actions an environment has, and its horizon where it is cheap to tell."""
    module = family(name)
    if hasattr(module, "sizes"):  # where making one takes long
        unit = "numbers each" if getattr(module, "CONTINUOUS", False) else "actions"
        return "{} agents, {} {}".format(*module.sizes(name), unit)
    env = module.make(name, 1)
    try:
        actions = f"{env.n_actions} numbers each" if env.continuous else f"{env.n_actions} actions"
        return f"{env.n_agents} agents, {actions}, horizon {env.horizon}"
    finally:
        env.close()
