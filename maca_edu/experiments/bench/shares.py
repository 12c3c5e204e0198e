"""Where the time of a training goes: environment, acting, learning."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from maca_edu import envs
from maca_edu.experiments.doctor import installed
from maca_edu.experiments.presets import preset
from maca_edu.training.methods import find
from maca_edu.training.trainer import Trainer


@dataclass(frozen=True)
class SharesRow:
    """Shares of a training's time; they sum to 1."""

    env: str
    method: str
    batch: int
    env_share: float
    act_share: float
    learn_share: float


def shares(env: str, method: str, updates: int, batch: int = 64) -> SharesRow:
    """The shares in a short training with the preset "quick", whose first update is left out."""
    config, _ = preset("quick", env, method)
    game = envs.make(env, batch)
    try:
        trainer = Trainer(game, find(method), 0, dataclasses.replace(config, diagnose_every=0), updates + 1)
        trainer.step()  # where a game is compiled, this is when
        rows = [trainer.step() for _ in range(updates)]
    finally:
        game.close()
    seconds = np.array([(row["env_seconds"], row["act_seconds"], row["learn_seconds"]) for row in rows]).sum(axis=0)
    return SharesRow(env, method, batch, *(seconds / seconds.sum()).tolist())


def missing(env: str) -> list[str]:
    """The packages that an environment needs and that are not installed."""
    return [package for package in envs.family(env).packages if installed(package) is None]
