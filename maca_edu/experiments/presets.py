"""Presets, settings that go together: toy for one-shot games, quick for longer games on two processor cores, and paper
for the settings of the paper's Tables 7-15."""

from __future__ import annotations

from maca_edu.training.config import Config
from maca_edu.training.methods import find

PRESETS = ("toy", "quick", "paper")
ONE_SHOT = ("toy/fridge", "toy/ring", "toy/climb", "toy/penalty", "toy/xor")

# Tables 8, 9 and 11-15: epochs of actor and critic, then the clip parameter on SMAC, SMACv2 and MPE.
TUNED = {
    "mappo": (10, 0.1, 0.1, 0.1),
    "ippo": (10, 0.1, 0.1, 0.1),
    "happo": (10, 0.1, 0.1, 0.1),
    "coma": (5, 0.05, 0.05, 0.05),
    "ppo-mix": (10, 0.05, 0.05, 0.05),
    "ppo-sum": (10, 0.05, 0.05, 0.05),
    "maca": (10, 0.05, 0.1, 0.1),
}


def preset(name: str | None, env: str, method: str) -> tuple[Config, int]:
    """The settings of a preset, and the number of environments that are stepped together.

    name: one of PRESETS; None: "toy" for the one-shot games, "quick" for all others. env, method: names; "paper" has
    settings of its own for each method and each family of environments. Raises ValueError where the preset or the
    method is unknown.
    """
    kind = find(method)
    if name is None:
        name = "toy" if env.partition("?")[0] in ONE_SHOT else "quick"
    if name not in PRESETS:
        raise ValueError(f"preset={name!r}; allowed are {', '.join(PRESETS)}")
    if name == "toy":
        return Config(), 32
    if name == "quick":
        sizes = dict(actor_sizes=(64, 64), critic_sizes=(128, 128), embed=64, z_size=128)
        copies = 8 if env.startswith(("smac/", "smacv2/")) else 64  # each is a program of its own
        return Config(rollout=32, lr=1e-3, clip=0.2, epochs=5, minibatches=2, **sizes), copies
    return paper(kind, env), 20


def paper(kind, env: str) -> Config:
    """The settings of Tables 7-15 for a method, a `training.methods.Method`, and the name of an environment.

    An environment that is neither SMAC nor SMACv2 gets the column of MPE, a method without a table that of MACA.
    Where the tables say nothing: rollouts of 200 steps, which like 20 environments is the default of the HARL code
    base, and psi from a linear map of z (section 4.2).
    """
    epochs, *clips = TUNED.get(kind.name, TUNED["maca"])
    settings = dict(
        rollout=200, gamma=0.99, lam=0.95, lr=5e-4, clip=clips[family(env)], epochs=epochs, minibatches=1, entropy=0.01,
        max_grad_norm=10.0, recurrent=True, chunk=10, actor_sizes=(64, 64, 64), std_x=1.0, std_y=0.5,
        critic_sizes=(128, 128) if kind.critic in ("sum", "mix") else (128, 128, 128),
    )  # fmt: skip
    if kind.critic == "maca":  # Table 10; the schedule: the authors' code
        settings |= dict(embed=64, z_size=256, critic_decay=0.01, critic_betas=(0.9, 0.95), psi_mode="linear")
        settings |= dict(critic_schedule="cosine", critic_warmup=10)
    return Config(**settings)


def family(env: str) -> int:
    """Which column of the tables an environment gets: 0 SMAC, 1 SMACv2, 2 MPE. SMAX has battles of both SMACs."""
    group, _, task = env.partition("/")
    if group == "smacv2" or (group == "smax" and task.startswith(("protoss", "terran", "zerg", "smacv2"))):
        return 1
    return 0 if group in ("smac", "smax") else 2
