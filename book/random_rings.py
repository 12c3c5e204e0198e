"""Ropes that stay against ropes that are drawn: MACA, MACA-Ind and MAPPO on rings of seven, for chapter 17.

    python book/random_rings.py

FIXED: every agent shares a rope with the next. RANDOM: with the next, the second next or the third next, drawn for each
episode. An episode has one round. The learning rate is that of chapter 14's ring, which was chosen on other seeds. Writes
book/data/ch17/rings.csv, a row for each run: its mean return over training, over the best possible.
"""

from __future__ import annotations

import numpy as np
import torch

from maca_edu import envs
from maca_edu.course.random_teams import DATA
from maca_edu.experiments.sweep_tables import write_csv
from maca_edu.training.config import Config
from maca_edu.training.methods import find
from maca_edu.training.trainer import Trainer

METHODS = ("maca", "maca-ind", "mappo")
BATCH, ROLLOUT, UPDATES, LR, SEEDS = 8, 8, 40, 0.03, range(8)
BEST = 7 * (1 - 0.25)  # everybody pulls


def score(moving: bool, method: str, seed: int) -> float:
    """Mean return over training, a share of the best."""
    name = f"toy/longring?n_agents=7&span=2&rounds=1&moving={str(moving).lower()}"
    config = Config(rollout=ROLLOUT, lr=LR, diagnose_every=0)
    trainer = Trainer(envs.make(name, BATCH), find(method), seed, config, UPDATES)
    return float(np.mean([trainer.step()["return_mean"] for _ in range(UPDATES)])) / BEST


def main() -> None:
    """Train, write down."""
    torch.set_num_threads(1)
    rows = []
    for seed in SEEDS:
        for moving in (False, True):
            for method in METHODS:
                rows.append(("RANDOM" if moving else "FIXED", method, seed, f"{score(moving, method, seed):.4f}"))
        print(*rows[-6:], sep="\n", flush=True)
        write_csv(DATA / "rings.csv", ("team", "method", "seed", "share"), rows)


if __name__ == "__main__":
    main()
