"""COMA with a critic that is exact, learned as a baseline, or learned and put in the place of the reward; beside MAPPO.

    python book/learned_coma.py

A run is `maca-edu train` with the settings below in a one-shot game. The learning rate of each arm is chosen on seeds
of its own. Every update of every reported run is a row of book/data/ch09/<game>.csv, with what the critic knew by then;
the prediction beside it was written first.
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from maca_edu import envs
from maca_edu.course.learned_critic import Critique, critic_tables, critique, exact_coma, team_policy
from maca_edu.training.config import Config
from maca_edu.training.methods import find
from maca_edu.training.trainer import Trainer

DATA = Path(__file__).parent / "data" / "ch09"
TUNING, SEEDS, UPDATES, BATCH = (100, 101), range(10), 50, 8
RATES = (0.005, 0.01, 0.02, 0.04, 0.08)
CONFIG = Config(rollout=1, epochs=2, minibatches=1, diagnose_every=0)
GAMES = {"Fridge": "toy/fridge", "Ring": "toy/ring?n_agents=8&span=3"}
ARMS = {"MAPPO": "return", "COMA, exact": "return", "COMA, return": "return", "COMA, critic": "critic"}


def run(name: str, arm: str, rate: float, seed: int) -> list[Critique]:
    """What `Critique` holds, after each update; without a critic of COMA's the truth stands for it."""
    env = envs.make(GAMES[name], batch=BATCH)
    method = exact_coma(env.game) if arm == "COMA, exact" else find("mappo" if arm == "MAPPO" else "coma")
    trainer = Trainer(env, method, seed, replace(CONFIG, lr=rate, advantage=ARMS[arm]), UPDATES)
    q, rows = env.game.payoff(), []
    for _ in range(UPDATES):
        trainer.step()
        policy = team_policy(trainer.learner, env.game)
        q_hat = critic_tables(trainer.learner, env.game, policy) if method.own_q else np.stack([q] * env.n_agents)
        rows.append(critique(q_hat, q, policy))
    return rows


def main() -> None:
    """Choose the rates, then run the seeds that are reported."""
    torch.set_num_threads(1)
    DATA.mkdir(parents=True, exist_ok=True)
    games = sys.argv[1:] or list(GAMES)
    for name in games:
        with (DATA / f"{name.lower()}.csv").open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("arm", "rate", "seed", "update", *Critique._fields))
            for arm in ARMS:
                means = {}
                for rate in RATES:
                    means[rate] = np.mean([[row.value for row in run(name, arm, rate, seed)] for seed in TUNING])
                best = max(means, key=means.get)
                print(name, arm, {rate: round(float(mean), 3) for rate, mean in means.items()}, flush=True)
                for seed in SEEDS:
                    for update, row in enumerate(run(name, arm, best, seed), start=1):
                        table.writerow((arm, best, seed, update, *(f"{x:.4g}" for x in row)))


if __name__ == "__main__":
    main()
