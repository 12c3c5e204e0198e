"""Ropes that stay against ropes that are drawn: MACA, MACA-Ind and MAPPO on rings of seven, for chapter 17.

    python book/random_rings.py

FIXED: every agent shares a rope with the next. RANDOM: with the next, the second next or the third next, drawn for each
episode and another in each round. Both are played for one round and for eight. For each of the four games the learning
rate is chosen on seeds of its own, for all methods alike; then eight fresh seeds are trained. Writes
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
BATCH, ROLLOUT, UPDATES = 8, 8, 40
RATES, TRIED, SEEDS = (0.003, 0.01), range(100, 101), range(8)
BEST = 7 * (1 - 0.25)  # everybody pulls in each round


def score(rounds: int, moving: bool, method: str, seed: int, lr: float) -> float:
    """Mean return over training, a share of the best."""
    name = f"toy/longring?n_agents=7&span=2&rounds={rounds}&moving={str(moving).lower()}"
    config = Config(rollout=ROLLOUT, lr=lr, diagnose_every=0)
    trainer = Trainer(envs.make(name, BATCH), find(method), seed, config, UPDATES)
    returns = [trainer.step()["return_mean"] for _ in range(UPDATES)]
    return float(np.nanmean(returns)) / (rounds * BEST)


def main() -> None:
    """Choose, train, write down."""
    torch.set_num_threads(1)
    rows = []
    for rounds in (1, 8):
        for moving in (False, True):
            tried = {
                lr: np.mean([score(rounds, moving, name, seed, lr) for name in METHODS for seed in TRIED])
                for lr in RATES
            }
            lr = max(tried, key=tried.get)
            print(rounds, moving, tried, flush=True)
            for seed in SEEDS:
                for name in METHODS:
                    reached = score(rounds, moving, name, seed, lr)
                    rows.append(("RANDOM" if moving else "FIXED", rounds, name, seed, lr, f"{reached:.4f}"))
            write_csv(DATA / "rings.csv", ("team", "rounds", "method", "seed", "lr", "share"), rows)


if __name__ == "__main__":
    main()
