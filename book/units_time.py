"""Where the processor's time of an update goes, with V by an MLP and with V over units: the table of the guide.

    python book/units_time.py       # writes book/data/units/time.md

Times are those of the processor, not of the clock, so that other programs on the machine change them little. They are
means over the updates after the first, in which JAX compiles the game.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from dataclasses import replace
from pathlib import Path

import torch

from maca_edu import envs
from maca_edu.experiments.memory import keep_memory
from maca_edu.experiments.presets import preset
from maca_edu.files import write_whole
from maca_edu.training.methods import configured, find
from maca_edu.training.trainer import Trainer

ENV, UPDATES = "smax/2s3z", 10
PARTS = {  # {what it is: the file and the function that does it}
    "play": ("trainer.py", "collect"),
    "ask the critic": ("judging.py", "judge"),
    "train the policies": ("ppo.py", "update_together"),
    "train the critic": ("ppo.py", "improve_critic"),
    "whole update": ("trainer.py", "step"),
}


def milliseconds(method: str, value: str) -> list[float]:
    """What each part of an update takes, in the order of `PARTS`."""
    config, batch = preset(None, ENV, method)
    config = configured(find(method), replace(config, value=value, diagnose_every=0))
    trainer = Trainer(envs.make(ENV, batch), find(method), 0, config, UPDATES + 1)
    trainer.step()
    profile = cProfile.Profile(time.process_time)
    for _ in range(UPDATES):
        profile.runcall(trainer.step)
    found = pstats.Stats(profile).stats  # {(file, line, function): (..., cumulative seconds, callers)}
    seconds = {(Path(file).name, function): numbers[3] for (file, _, function), numbers in found.items()}
    return [1000 * seconds[part] / UPDATES for part in PARTS.values()]


def main() -> None:
    """Measure and write the table."""
    torch.set_num_threads(1)
    keep_memory()
    arms = [(method, value) for method in ("mappo", "maca") for value in ("mlp", "units")]
    columns = [milliseconds(*arm) for arm in arms]
    names = ("MAPPO", "MAPPO, units", "MACA", "MACA, units")
    lines = ["| ms of processor time | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    for part, row in zip(PARTS, zip(*columns, strict=True), strict=True):
        lines.append(f"| {part} | " + " | ".join(f"{x:.0f}" for x in row) + " |")
    write_whole(Path(__file__).parent / "data" / "units" / "time.md", "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
