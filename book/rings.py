"""How many updates several ways to use a critic need on rings and in the warehouse, each at the best of four rates.

    python book/rings.py one_shot
    python book/rings.py long
    python book/rings.py own_policies_16        (and _32, _64)
    python book/rings.py own_policies_64_slow
    python book/rings.py warehouse

A run is `maca-edu train` with the environment, batch, rollout, method and options that stand below. Rates are chosen on
seeds of their own. Every run is a row of book/data/rings/<name>.csv; the prediction beside it was written first. A
command that was stopped goes on with the runs that are missing.
"""

import csv
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.stats
import torch

from maca_edu import envs
from maca_edu.training.config import Config
from maca_edu.training.methods import Method, configured, find
from maca_edu.training.trainer import Trainer

DATA = Path(__file__).parent / "data" / "rings"
CORRECTED = {"returns": "corrected", "q_head": "multilinear"}


@dataclass(frozen=True)
class Race:
    """A game, what is compared in it, and when it counts as learned."""

    env: str
    batch: int
    config: Config
    updates: int  # of a run
    goal: float  # 80 % of what the best team earns
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
ONE_SHOT = Race(
    env="toy/ring?n_agents=32",
    batch=8,
    config=Config(rollout=1, epochs=2, minibatches=1, diagnose_every=0),
    updates=40,
    goal=0.8 * 32 * 0.75,
    window=5,
    rates=(0.008, 0.016, 0.032, 0.064),
    arms=WEIGHTS,
)
LONG = Race(
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


def own_policies(n_agents: int, seeds: range) -> Race:
    """The one-shot ring of triples where every agent learns a policy of its own, so that nobody learns from others."""
    return Race(
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


SLOW = replace(  # the same slow rate for both, and more updates: does a team stop for good, or come late?
    own_policies(64, range(10, 20)),
    rates=(0.002,),
    updates=100,
    arms={"joint": WEIGHTS["joint"], "individual": WEIGHTS["individual"]},
    tuning=range(0),
)
WAREHOUSE = Race(
    env="toy/warehouse?preset=practice",
    batch=64,
    config=Config(rollout=18, epochs=4, minibatches=2, entropy=0.02, diagnose_every=0),
    updates=120,
    goal=0.8 * 7.961,  # tests/exact/test_practice_optimum.py
    window=5,
    rates=(0.004, 0.008, 0.016, 0.032),
    arms={
        "joint": ("maca-jnt", {}),
        "best legal": ("maca-ob", {}),
        "joint, corrected": ("maca-jnt", CORRECTED),
        "joint, critic learns three times as long": ("maca-jnt", {"critic_epochs": 12}),
    },
    tuning=range(100, 103),
)
RACES = {
    "one_shot": ONE_SHOT,
    "long": LONG,
    "own_policies_16": own_policies(16, range(20)),
    "own_policies_32": own_policies(32, range(20)),
    "own_policies_64": own_policies(64, range(10)),
    "own_policies_64_slow": SLOW,
    "warehouse": WAREHOUSE,
}


def updates_to_goal(race: Race, method: Method, config: Config, seed: int) -> int:
    """The first update at which the mean of the last returns reaches the goal; all updates where none does."""
    trainer = Trainer(envs.make(race.env, race.batch), method, seed, config, race.updates)
    returns: list[float] = []
    while len(returns) < race.updates:
        returns.append(trainer.step()["return_mean"])
        if len(returns) >= race.window and np.mean(returns[-race.window :]) >= race.goal:
            break
    return len(returns)


class Runs:
    """The runs of a race, each done once: rows of a file that grows."""

    def __init__(self, name: str):
        self.name, self.race, self.path = name, RACES[name], DATA / f"{name}.csv"
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
            name, settings = self.race.arms[arm]
            method = find(name)
            config = configured(method, replace(self.race.config, lr=rate, **settings))
            self.done[arm, rate, seed] = updates_to_goal(self.race, method, config, seed)
            with self.path.open("a", encoding="utf-8") as file:
                print(f'"{arm}"', rate, seed, self.done[arm, rate, seed], sep=",", file=file)
        return self.done[arm, rate, seed]

    def best_rate(self, arm: str) -> float:
        """The rate with the fewest updates on the seeds for tuning."""
        return min(self.race.rates, key=lambda rate: sum(self.updates(arm, rate, seed) for seed in self.race.tuning))


class Reached(NamedTuple):
    """What an arm needed: mean updates to the goal, and the ends of their 95 % t interval over seeds."""

    mean: float
    low: float
    high: float


def reached(runs: Runs, arm: str) -> Reached:
    """What an arm needed at its best rate."""
    rate = runs.best_rate(arm)
    x = np.array([runs.updates(arm, rate, seed) for seed in runs.race.seeds])
    half = scipy.stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / len(x) ** 0.5
    return Reached(x.mean(), x.mean() - half, x.mean() + half)


def lost(runs: Runs, arm: str) -> int:
    """How many of the runs that count did not get to the goal."""
    rate = runs.best_rate(arm)
    return sum(runs.updates(arm, rate, seed) == runs.race.updates for seed in runs.race.seeds)


def table(runs: Runs) -> str:
    """A row for each arm: the rate that was chosen, and updates to the goal with their 95 % t interval."""
    lines = ["| what is subtracted | rate | updates to 80 % | 95 % interval |", "|---" * 4 + "|"]
    for arm in runs.race.arms:
        found = reached(runs, arm)
        interval = f"{found.low:.1f} to {found.high:.1f}"
        lines.append(f"| {arm} | {runs.best_rate(arm)} | {found.mean:.1f} | {interval} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RACES:
        sys.exit(f"Use: python book/rings.py {' | '.join(RACES)}")
    torch.set_num_threads(1)
    runs = Runs(sys.argv[1])
    text = table(runs)
    (DATA / f"{runs.name}.md").write_text(text + "\n", encoding="utf-8")
    print(text)
