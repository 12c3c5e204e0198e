"""Presets, settings that go together: toy for one-shot games, quick for longer games on two processor cores, and paper
for the settings of the paper's Tables 7-15."""

from __future__ import annotations

from dataclasses import replace

from maca_edu.checks import shown
from maca_edu.training.config import Config
from maca_edu.training.methods import Method, find

PRESETS = ("toy", "quick", "paper")
ONE_SHOT = ("toy/fridge", "toy/ring", "toy/climb", "toy/penalty", "toy/xor")


def preset(name: str | None, env: str, method: str | Method) -> tuple[Config, int]:
    """The settings of a preset, and the number of environments that are stepped together.

    name: one of PRESETS; None: "toy" for the one-shot games, "quick" for all others. env: a name. method: a name or a
    `Method`; "paper" has settings of its own for each method and each family of environments, and what belongs to the
    method is in every preset. Raises ValueError where the preset or the method is unknown.
    """
    method = find(method)
    if name is None:
        name = "toy" if env.partition("?")[0] in ONE_SHOT else "quick"
    if not isinstance(name, str) or name not in PRESETS:
        raise ValueError(f"preset={shown(name)}; allowed are {', '.join(PRESETS)}")
    if name == "toy":
        config, copies = Config(), 32
    elif name == "quick":
        sizes = dict(actor_sizes=(64, 64), critic_sizes=(128, 128), embed=64, z_size=128)
        copies = 8 if env.startswith(("smac/", "smacv2/")) else 64  # each is a program of its own
        config = Config(rollout=32, lr=1e-3, clip=0.2, epochs=5, minibatches=2, **sizes)
    else:
        config, copies = paper(method, env), 20
    return replace(config, **method.settings), copies


def paper(method: Method, env: str) -> Config:
    """The settings of Tables 7-15. An environment that is neither SMAC nor SMACv2 gets the column of MPE; SMAX has
    battles of both SMACs."""
    settings = method.paper
    group, _, task = env.partition("/")
    random_teams = task.startswith(("protoss", "terran", "zerg", "smacv2"))
    if group == "smacv2" or (group == "smax" and random_teams):
        clip = settings.clip_smacv2
    elif group in ("smac", "smax"):
        clip = settings.clip_smac
    else:
        clip = settings.clip_mpe
    return replace(settings.config, clip=clip)
