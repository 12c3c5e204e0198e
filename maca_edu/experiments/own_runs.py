"""Runs of a method that the library lacks, kept as a sweep keeps its own: tables, figures and verdicts read them.

folders = [finish_run("toy/climb", mine, 8_192, seed, f"runs/mine/{seed}") for seed in range(5)]
gather("runs/mine", folders, "python mine.py")
"""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path

from maca_edu.experiments.provenance import commit, processor
from maca_edu.experiments.run import evaluate, train
from maca_edu.experiments.run_job import FINAL_EPISODES, FINAL_SEED
from maca_edu.files import write_whole
from maca_edu.training.methods import Method


def finish_run(env: str, method: Method, steps: int, seed: int, folder: str | Path, **options) -> Path:
    """Train, from where the run was stopped, and play 100 greedy episodes on seeds that no run is trained on.

    A finished run is left alone. The team is trained in one process and on the processor, as in a sweep.

    Args:
        folder: of this run alone; it is made.
        options: further arguments of `maca_edu.train`, such as preset or config.

    Returns:
        The folder, for `sweep_tables.gather`, which makes a results directory of many.

    Raises:
        ValueError: as `maca_edu.train` does.
    """
    folder = Path(folder)
    if (folder / "final.json").exists():
        return folder
    began, resume = time.perf_counter(), (folder / "config.json").exists()
    run = train(env, method, steps, seed, folder, processes=1, device="cpu", resume=resume, **options)
    result = evaluate(run, FINAL_EPISODES, FINAL_SEED + seed)
    made = dict(date=date.today().isoformat(), processor=processor(), commit=commit())
    if not resume:
        made["seconds"] = time.perf_counter() - began
    write_whole(folder / "final.json", json.dumps(result | made) + "\n")
    return folder
