"""How many updates several ways to use a critic need on the ring, each at the best of four learning rates.

    python book/rings.py one_shot
    python book/rings.py long
    python book/rings.py own_policies_16        (and _32, _64)

A run is `maca-edu train` with the environment, batch, rollout, method and options that stand below. Rates are chosen on
seeds of their own. Every run is a row of book/data/rings/<name>.csv; the prediction beside it was written first. A
command that was stopped goes on with the runs that are missing.
"""

import csv
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.stats
import torch

from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.config import Config

DATA = Path(__file__).parent / "data" / "rings"
CORRECTED = {"returns": "corrected", "q_head": "multilinear"}


@dataclass(frozen=True)
class Ring:
    """A game, what is compared in it, and when it counts as learned."""

    env: str
    batch: int
    config: Config
    updates: int  # of a run
    goal: float  # 80 % of what a team earns that always pulls
    window: int  # the mean return of so many updates must reach the goal
    rates: tuple[float, ...]
    arms: dict[str, tuple[str, dict]]  # {name: (method, its settings)}
    tuning: range = range(100, 102)  # seeds on which rates are chosen
    seeds: range = range(10)  # seeds of the table


WEIGHTS = {
    "joint": ("maca-jnt", {}),
    "equal thirds": ("maca", {"psi_step": 1e-6}),  # the search stays where it begins
    "CMA-ES": ("maca", {}),
    "least squares": ("maca-lsq", {}),
    "individual": ("maca-ind", {}),
    "best legal": ("maca-ob", {}),
}
ONE_SHOT = Ring(
    env="toy/ring?n_agents=32",
    batch=8,
    config=Config(rollout=1, epochs=2, minibatches=1, diagnose_every=0),
    updates=40,
    goal=0.8 * 32 * 0.75,
    window=5,
    rates=(0.008, 0.016, 0.032, 0.064),
    arms=WEIGHTS,
)
LONG = Ring(
    env="toy/longring?n_agents=16&span=3&rounds=20",
    batch=4,
    config=Config(rollout=20, epochs=2, minibatches=1, diagnose_every=0),
    updates=60,
    goal=0.8 * 20 * 16 * 0.75,
    window=5,
    rates=(0.004, 0.008, 0.016, 0.032),
    arms={
        "joint": ("maca-jnt", {}),
        "individual": ("maca-ind", {}),
        "best legal": ("maca-ob", {}),
        "joint, corrected": ("maca-jnt", CORRECTED),
        "individual, corrected": ("maca-ind", CORRECTED),
        "best legal, corrected": ("maca-ob", CORRECTED),
    },
)


def own_policies(n_agents: int, seeds: range) -> Ring:
    """The one-shot ring of triples where every agent learns a policy of its own, so that nobody learns from others."""
    return Ring(
        env=f"toy/ring?n_agents={n_agents}&span=3",
        batch=8,
        config=Config(rollout=1, epochs=2, minibatches=1, diagnose_every=0, separate=True),
        updates=60,
        goal=0.8 * n_agents * 0.75,
        window=5,
        rates=(0.002, 0.004, 0.008, 0.016),
        arms=WEIGHTS,
        tuning=range(100, 106),
        seeds=seeds,
    )


RINGS = {
    "one_shot": ONE_SHOT,
    "long": LONG,
    "own_policies_16": own_policies(16, range(20)),
    "own_policies_32": own_policies(32, range(20)),
    "own_policies_64": own_policies(64, range(10)),
}


def updates_to_goal(returns: np.ndarray, ring: Ring) -> int:
    """The first update at which the mean of the last returns reaches the goal; all updates where none does."""
    means = np.convolve(returns, np.ones(ring.window) / ring.window, mode="valid")
    reached = np.flatnonzero(means >= ring.goal)
    return int(reached[0]) + ring.window if len(reached) else ring.updates


class Runs:
    """The runs of a ring, each done once: rows of a file that grows."""

    def __init__(self, name: str):
        self.name, self.ring, self.path = name, RINGS[name], DATA / f"{name}.csv"
        self.done: dict[tuple[str, float, int], int] = {}
        if self.path.exists():
            with self.path.open(encoding="utf-8") as file:
                for row in csv.DictReader(line for line in file if not line.startswith("#")):
                    self.done[row["arm"], float(row["rate"]), int(row["seed"])] = int(row["updates"])
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(f"# python book/rings.py {name}\narm,rate,seed,updates\n", encoding="utf-8")

    def updates(self, arm: str, rate: float, seed: int) -> int:
        """How many updates a run needed; it is trained where it is missing."""
        if (arm, rate, seed) not in self.done:
            method, settings = self.ring.arms[arm]
            config = replace(self.ring.config, lr=rate, **settings)
            steps = self.ring.updates * self.ring.batch * config.rollout
            trained = loop.train(envs.make(self.ring.env, self.ring.batch), method, steps, seed, config=config)
            self.done[arm, rate, seed] = updates_to_goal(trained.metrics["return_mean"], self.ring)
            with self.path.open("a", encoding="utf-8") as file:
                print(f'"{arm}"', rate, seed, self.done[arm, rate, seed], sep=",", file=file)
        return self.done[arm, rate, seed]

    def best_rate(self, arm: str) -> float:
        """The rate with the fewest updates on the seeds for tuning."""
        return min(self.ring.rates, key=lambda rate: sum(self.updates(arm, rate, seed) for seed in self.ring.tuning))


def table(runs: Runs) -> str:
    """A row for each arm: the rate that was chosen, and updates to the goal with their 95 % t interval."""
    lines = ["| what is subtracted | rate | updates to 80 % | 95 % interval |", "|---" * 4 + "|"]
    for arm in runs.ring.arms:
        rate = runs.best_rate(arm)
        x = np.array([runs.updates(arm, rate, seed) for seed in runs.ring.seeds])
        width = scipy.stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / len(x) ** 0.5
        lines.append(f"| {arm} | {rate} | {x.mean():.1f} | {x.mean() - width:.1f} to {x.mean() + width:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RINGS:
        sys.exit(f"Use: python book/rings.py {' | '.join(RINGS)}")
    torch.set_num_threads(1)
    runs = Runs(sys.argv[1])
    text = table(runs)
    (DATA / f"{runs.name}.md").write_text(text + "\n", encoding="utf-8")
    print(text)
