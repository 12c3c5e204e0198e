"""A run of a method that the library lacks, kept as a sweep keeps its runs (`climb_trials.py`, `units_trials.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import maca_edu
from maca_edu.experiments.provenance import commit, processor
from maca_edu.experiments.run_job import FINAL_EPISODES, FINAL_SEED
from maca_edu.files import write_whole
from maca_edu.training.methods import Method


def finish(env: str, method: Method, steps: int, seed: int, folder: Path, **options) -> None:
    """Train from where the run was stopped, and play greedily as a sweep's runs do; a finished run is left alone.

    Args:
        options: further arguments of `maca_edu.train`.
    """
    if (folder / "final.json").exists():
        return
    resume = (folder / "config.json").exists()
    run = maca_edu.train(env, method, steps, seed, folder, processes=1, device="cpu", resume=resume, **options)
    result = maca_edu.evaluate(run, FINAL_EPISODES, FINAL_SEED + seed) | dict(commit=commit(), processor=processor())
    write_whole(folder / "final.json", json.dumps(result) + "\n")
