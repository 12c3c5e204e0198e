"""Which environments of somebody else's run are made without being asked for.

A run's config.json names its environment. That name may come from a stranger, and "pettingzoo/some.module" imports that
module, which runs whatever code is in it. So a module that a run names is imported only where the user names it too.
The games that come with this library and its packages need no such word.
"""

from __future__ import annotations

import shlex

from maca_edu.checks import shown
from maca_edu.envs import TeamEnv, family, make, options
from maca_edu.training.run_directory import RunDirectory

KNOWN_GAMES = (  # modules behind pettingzoo/... that come with this library, mpe2 and PettingZoo
    *("toy_envs.climb_v0", "toy_envs.fridge_v0", "toy_envs.longring_v0", "toy_envs.penalty_v0"),
    *("toy_envs.ring_v0", "toy_envs.warehouse_v0", "toy_envs.xor_v0"),
    *("mpe2.simple_v3", "mpe2.simple_adversary_v3", "mpe2.simple_crypto_v3", "mpe2.simple_push_v3"),
    *("mpe2.simple_reference_v3", "mpe2.simple_speaker_listener_v4", "mpe2.simple_spread_v3", "mpe2.simple_tag_v3"),
    *("mpe2.simple_world_comm_v3", "mpe2.collect_treasure_v1", "mpe2.simple_formation_v1", "mpe2.simple_line_v1"),
    *("pettingzoo.butterfly.cooperative_pong_v5", "pettingzoo.butterfly.knights_archers_zombies_v10"),
    *("pettingzoo.butterfly.pistonball_v6", "pettingzoo.classic.rps_v2"),
    *("pettingzoo.sisl.multiwalker_v9", "pettingzoo.sisl.pursuit_v4", "pettingzoo.sisl.waterworld_v4"),
)
LARGEST_OPTION = 100_000  # a game with more agents, places or steps could fill the memory


def trusted(env: str, trust_env: str | None) -> str:
    """The environment's name that a run gives, where it may be made.

    trust_env: a module, or the whole name of an environment, that the user has given for this call. Raises ValueError
    where making the environment would import a module that the user has not named, or takes an enormous option.
    """
    if trust_env is not None and not isinstance(trust_env, str):
        raise ValueError(f"trust_env={shown(trust_env)}; allowed is the name of a module or of an environment")
    name, chosen = options.split(env)
    family(name)  # complains where there is none
    prefix, _, module = name.partition("/")
    if trust_env is not None and trust_env in (env, name, module):
        return env
    if prefix == "pettingzoo" and module not in KNOWN_GAMES:
        raise ValueError(
            f"the run's environment is {env!r}: to make it, the Python module {module!r} would be imported, which can "
            f"run any code; if you know and trust that module, allow it with --trust-env {module} (in Python "
            f"trust_env={module!r})"
        )
    for key, value in chosen.items():
        if is_enormous(value):
            raise ValueError(
                f"the run's environment is {env!r}, and its option {key} is beyond {LARGEST_OPTION:,}; if you want "
                f"that, allow it with --trust-env {env!r} (in Python trust_env={env!r})"
            )
    return env


def word_of_trust(env: str) -> str:
    """What a command that plays a run in this environment needs beside the run: " --trust-env my_game", mostly ""."""
    try:
        trusted(env, None)
    except ValueError:
        return f" --trust-env {shlex.quote(options.split(env)[0].partition('/')[2])}"
    return ""


def make_environment(directory: RunDirectory, batch: int, trust_env: str | None) -> TeamEnv:
    """`batch` copies of the environment that the run in a directory names, where it may be made, see `trusted`.

    Raises ValueError with the name of the file where it may not, or there is no such environment.
    """
    env = directory.settings()["env"]
    try:
        return make(trusted(env, trust_env), batch)
    except ValueError as error:
        raise ValueError(f"{str(directory.config)!r}: {error}") from None


def is_enormous(value) -> bool:
    """Whether an option's value is or holds a number beyond LARGEST_OPTION, or is no simple value."""
    if isinstance(value, list):
        return len(value) > 1_000 or any(map(is_enormous, value))
    if isinstance(value, int | float):
        return not abs(value) <= LARGEST_OPTION  # NaN too
    return isinstance(value, dict)
