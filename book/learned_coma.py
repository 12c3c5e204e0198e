"""COMA with a critic that is exact, learned as a baseline, or learned and put in the place of the reward; beside MAPPO.

    python book/learned_coma.py Fridge
    python book/learned_coma.py Ring

A run is `maca-edu train` with the settings below in a one-shot game. The learning rate of each arm is chosen on seeds
of its own. Every update of every reported run is a row of book/data/ch09/<game>.csv, at some updates with what the
critic knew by then; the prediction beside it was written first.
"""

import csv
import sys
from dataclasses import replace

import numpy as np
import torch

from maca_edu import envs, exact
from maca_edu.course.learned_critic import DATA, LOOKS, Critique, critic_tables, critique, exact_coma, team_policy
from maca_edu.training.config import Config
from maca_edu.training.methods import find
from maca_edu.training.trainer import Trainer

TUNING, SEEDS, UPDATES, BATCH = range(100, 104), range(10, 30), 50, 8
RATES = (0.0025, 0.005, 0.01, 0.02)
CONFIG = Config(rollout=1, epochs=2, minibatches=1, diagnose_every=0)
GAMES = {"Fridge": "toy/fridge", "Ring": "toy/ring?n_agents=8&span=3"}
ARMS = {"MAPPO": "return", "COMA, exact": "return", "COMA, return": "return", "COMA, critic": "critic"}


def run(name: str, arm: str, rate: float, seed: int) -> list[tuple[float, Critique | None]]:
    """The team's value after each update, and at some what COMA's critic is like; None where it is not asked."""
    env = envs.make(GAMES[name], batch=BATCH)
    method = exact_coma(env.game) if arm == "COMA, exact" else find("mappo" if arm == "MAPPO" else "coma")
    trainer = Trainer(env, method, seed, replace(CONFIG, lr=rate, advantage=ARMS[arm]), UPDATES)
    q, rows = env.game.payoff(), []
    for update in range(1, UPDATES + 1):
        trainer.step()
        policy, look = team_policy(trainer.learner, env.game), None
        if method.own_q and update in LOOKS:
            look = critique(critic_tables(trainer.learner, env.game, policy), q, policy)
        rows.append((exact.value(q, policy), look))
    return rows


def best_rate(name: str, arm: str) -> float:
    """The rate with the largest mean value on the seeds for tuning."""
    means = {}
    for rate in RATES:
        means[rate] = np.mean([[value for value, _ in run(name, arm, rate, seed)] for seed in TUNING])
    print(name, arm, {rate: round(float(mean), 3) for rate, mean in means.items()}, flush=True)
    return max(means, key=means.get)


def main(name: str) -> None:
    """Choose the rates, then run the seeds that are reported."""
    torch.set_num_threads(1)
    DATA.mkdir(parents=True, exist_ok=True)
    with (DATA / f"{name.lower()}.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("arm", "rate", "seed", "update", "value", *Critique._fields))
        for arm in ARMS:
            rate = best_rate(name, arm)
            for seed in SEEDS:
                for update, (value, look) in enumerate(run(name, arm, rate, seed), start=1):
                    numbers = (value, *(look or ()))
                    table.writerow((arm, rate, seed, update, *(f"{x:.4g}" for x in numbers)))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in GAMES:
        sys.exit(f"Use: python book/learned_coma.py {' | '.join(GAMES)}")
    main(sys.argv[1])
