"""Why is the baseline that leaves the least variance the slowest in Climb? A trial for the guide "Learning curves".

    python book/climb_trials.py runs/climb_trials --first-seed 20 --seeds 10

Before an update the mean advantage of all agents is subtracted. Where the agents' baselines differ, this moves each
agent's advantages away from zero. In the arms whose names end in -own the mean of every agent's own advantages is
subtracted before, so that nothing of it is left.

It writes what `maca-edu sweep` writes, and goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from torch import Tensor

import maca_edu
from maca_edu.experiments.presets import preset
from maca_edu.experiments.provenance import commit, processor
from maca_edu.experiments.run_job import FINAL_EPISODES, FINAL_SEED
from maca_edu.experiments.sweep_tables import gather
from maca_edu.files import write_whole
from maca_edu.training.methods import METHODS, Method
from maca_edu.training.records import JudgedBatch

ENV, STEPS = "toy/climb", 8_192
BOTH = (METHODS["maca-ob"], METHODS["maca-ind"])


def own(method: Method) -> Method:
    """The method with every agent's advantages less their own mean; in Climb nobody dies."""

    def advantage(batch: JudgedBatch) -> Tensor:  # [S, n]
        plain = method.advantage(batch)
        return plain - plain.mean(dim=0)

    return dataclasses.replace(method, name=f"{method.name}-own", advantage=advantage)


def main() -> None:
    """Train every arm on every seed, play greedily, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--first-seed", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    folders = []
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        for method in (*BOTH, *map(own, BOTH)):
            folders.append(asked.out / method.name / str(seed))
            if not (folders[-1] / "final.json").exists():
                train(method, seed, folders[-1])
    words = ("runs/climb_trials", "--first-seed", asked.first_seed, "--seeds", asked.seeds)
    gather(asked.out, folders, " ".join(["python book/climb_trials.py", *map(str, words)]))


def train(method: Method, seed: int, folder: Path) -> None:
    """One run as those of the plan `toys` are, in a folder of its own."""
    settings, copies = preset("toy", ENV, method)
    settings = dataclasses.replace(settings, diagnose_every=0)
    resume = (folder / "config.json").exists()
    run = maca_edu.train(ENV, method, STEPS, seed, folder, copies, config=settings, resume=resume, processes=1)
    result = maca_edu.evaluate(run, FINAL_EPISODES, FINAL_SEED + seed) | dict(commit=commit(), processor=processor())
    write_whole(folder / "final.json", json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
