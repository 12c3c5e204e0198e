"""What attention MACA's critic has before and after its team has learned, in games that name the true partners.

    python book/trained_attention.py
    python book/trained_attention.py "long ring"

Every row of book/data/ch11/<setting>.csv is one agent's row of attention, at one state, in one run; beside it stand its
true partners and how sure the agent is of its likely action. The prediction beside it was written first.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from maca_edu import envs
from maca_edu.course.trained_attention import DATA
from maca_edu.experiments.attention_records import attention, policies
from maca_edu.experiments.presets import preset
from maca_edu.training.loop import one_step
from maca_edu.training.methods import find
from maca_edu.training.trainer import Trainer

SEEDS, BATCH = range(20, 28), 16


class Setting(NamedTuple):
    """A game, how long a team learns it, and the states that are looked at."""

    env: str
    updates: int
    entropy: float | None  # None: that of the preset
    states: list[list[int]]  # that are looked at


SETTINGS = {
    "ring": Setting("toy/ring?n_agents=8&span=3", 64, None, [[0]]),
    "undecided ring": Setting("toy/ring?n_agents=8&span=3", 64, 1.0, [[0]]),
    "long ring": Setting("toy/longring?n_agents=7&span=3&rounds=8&moving=true", 64, None, [[0, 1], [0, 2]]),
}


def rows(name: str, seed: int):
    """The rows of one run: before the first update and after the last."""
    setting = SETTINGS[name]
    config = replace(preset(None, setting.env, "maca")[0], diagnose_every=0)
    if setting.entropy is not None:
        config = replace(config, entropy=setting.entropy)
    trainer = Trainer(envs.make(setting.env, BATCH), find("maca"), seed, config, setting.updates)
    game, states = trainer.env.game, np.array(setting.states, dtype=np.int64)
    for update in (0, setting.updates):
        while trainer.done < update:
            one_step(trainer)
        sure = policies(trainer.learner, game, states).max(axis=-1)  # [S, n]
        for number, state in enumerate(states):
            members = game.members(state[None])[0].astype(int)  # [K, n]
            partners = members.T @ members > 0
            weights = attention(trainer.learner, game, state[None])
            for agent in range(len(game.agents)):
                yield (
                    seed, update, number, agent, f"{sure[number, agent]:.3f}",
                    " ".join(f"{x:.5f}" for x in weights[agent]), "".join(str(int(x)) for x in partners[agent]),
                )  # fmt: skip


def main(names: list[str]) -> None:
    """Run these settings with every seed."""
    torch.set_num_threads(1)
    DATA.mkdir(parents=True, exist_ok=True)
    for name in names:
        with (DATA / f"{name.replace(' ', '_')}.csv").open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("seed", "update", "state", "agent", "sure", "attention", "partners"))
            for seed in SEEDS:
                table.writerows(rows(name, seed))
                file.flush()
                print(name, seed, flush=True)


if __name__ == "__main__":
    if not set(sys.argv[1:]) <= set(SETTINGS):
        sys.exit(f"Use: python book/trained_attention.py [{'] ['.join(map(repr, SETTINGS))}]")
    main(sys.argv[1:] or list(SETTINGS))
