"""Why is the baseline that leaves the least variance the slowest in Climb? A trial for the guide "Learning curves".

    python book/climb_trials.py runs/climb_own maca-ob maca-ind maca-ob-own maca-ind-own --first-seed 20
    python book/climb_trials.py runs/climb_raw maca-ob maca-ind maca-ob-own maca-ob-raw maca-ind-raw --first-seed 30

Its baseline lies far from V, and how far differs between agents; the mean advantage of all agents, which every update
subtracts, does not take that away. In the arms whose names end in -own the mean of every agent's own advantages is
subtracted before. In those whose names end in -raw no mean is subtracted, and the deviation divided by is that within
each agent.

It writes what `maca-edu sweep` writes, and goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from maca_edu.experiments.own_runs import finish_run
from maca_edu.experiments.presets import preset
from maca_edu.experiments.sweep_tables import gather
from maca_edu.training.advantages import Advantage
from maca_edu.training.methods import METHODS, Method
from maca_edu.training.ppo import Descent, PolicyBatch, PolicyLog, update_together
from maca_edu.training.records import JudgedBatch
from maca_edu.training.team import Team

ENV, STEPS = "toy/climb", 8_192


def own(method: Method) -> Method:
    """The method with every agent's advantages less their own mean; in Climb nobody dies."""

    def advantage(batch: JudgedBatch) -> Tensor:  # [S, n]
        plain = method.advantage(batch)
        return plain - plain.mean(dim=0)

    return dataclasses.replace(method, name=f"{method.name}-own", advantage=advantage)


def raw(method: Method) -> Method:
    """The method with nothing subtracted from its advantages."""

    def update(team: Team, batch: PolicyBatch, advantage: Advantage, descent: Descent) -> PolicyLog:
        spread = advantage.raw - advantage.raw.mean(dim=0)  # [S, n]
        advantage.mean, advantage.deviation = torch.zeros(()), spread.square().mean().sqrt()
        return update_together(team, batch, advantage, descent)

    return dataclasses.replace(method, name=f"{method.name}-raw", update=update)


OB, IND = METHODS["maca-ob"], METHODS["maca-ind"]
ARMS = {arm.name: arm for arm in (OB, IND, own(OB), own(IND), raw(OB), raw(IND))}


def main() -> None:
    """Train every arm on every seed, play greedily, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("arms", nargs="+", choices=ARMS)
    parser.add_argument("--first-seed", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    folders = []
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        for name in asked.arms:
            folders.append(train(ARMS[name], seed, asked.out / name / str(seed)))
    words = (f"runs/{asked.out.name}", *asked.arms, "--first-seed", asked.first_seed, "--seeds", asked.seeds)
    gather(asked.out, folders, " ".join(["python book/climb_trials.py", *map(str, words)]))


def train(method: Method, seed: int, folder: Path) -> Path:
    """One run as those of the plan `toys` are."""
    settings, copies = preset("toy", ENV, method)
    settings = dataclasses.replace(settings, diagnose_every=0)
    return finish_run(ENV, method, STEPS, seed, folder, batch=copies, config=settings)


if __name__ == "__main__":
    main()
