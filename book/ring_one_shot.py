"""How many updates six ways to weigh baselines need on the one-shot ring, each at the best of four learning rates.

    python book/ring_one_shot.py

A run is `maca-edu train --env toy/ring?n_agents=32 --batch 8 --rollout 1 --epochs 2 --minibatches 1 --diagnose-every 0
--steps 320` with the arm's method and options and a learning rate. Rates are chosen on seeds of their own. Every run is
a row of book/data/ring_one_shot/updates.csv; the prediction beside it was written first.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.config import Config

OUT = Path(__file__).parent / "data" / "ring_one_shot" / "updates.csv"
GAME, BATCH, UPDATES = "toy/ring?n_agents=32", 8, 40
CONFIG = Config(rollout=1, epochs=2, minibatches=1, diagnose_every=0)
ARMS = {  # method, its settings
    "joint alone": ("maca-jnt", {}),
    "equal thirds": ("maca", {"psi_step": 1e-6}),  # the search stays where it begins
    "CMA-ES": ("maca", {}),
    "least squares": ("maca-lsq", {}),
    "best legal": ("maca-ob", {}),
    "individual alone": ("maca-ind", {}),
}
RATES, TUNING, SEEDS = (0.002, 0.004, 0.008, 0.016), (100, 101), range(8)
GOAL, WINDOW = 19.2, 5  # 80 % of 24, which 32 pulling agents earn; the mean of so many updates must reach it


def updates_to_goal(returns: np.ndarray) -> int:
    """The first update at which the mean of the last WINDOW returns reaches GOAL; UPDATES where none does."""
    means = np.convolve(returns, np.ones(WINDOW) / WINDOW, mode="valid")
    reached = np.flatnonzero(means >= GOAL)
    return int(reached[0]) + WINDOW if len(reached) else UPDATES


def run(arm: str, rate: float, seed: int, file) -> int:
    """Train once, and write the row."""
    method, settings = ARMS[arm]
    config = replace(CONFIG, lr=rate, **settings)
    trained = loop.train(envs.make(GAME, BATCH), method, UPDATES * BATCH, seed, config=config)
    updates = updates_to_goal(trained.metrics["return_mean"])
    print(arm, rate, seed, updates, sep=",", file=file, flush=True)
    return updates


def main() -> None:
    """Choose each arm's rate, then run it on fresh seeds."""
    with open(OUT, "w", encoding="utf-8") as file:
        print("# python book/ring_one_shot.py", "arm,rate,seed,updates", sep="\n", file=file)
        best = {}
        for arm in ARMS:
            best[arm] = min(RATES, key=lambda rate, arm=arm: sum(run(arm, rate, seed, file) for seed in TUNING))
        for arm, rate in best.items():
            x = np.array([run(arm, rate, seed, file) for seed in SEEDS])
            print(f"{arm:<17} rate {rate:<6} updates {x.mean():5.1f} +- {x.std(ddof=1) / len(x) ** 0.5:.1f}")


if __name__ == "__main__":
    main()
