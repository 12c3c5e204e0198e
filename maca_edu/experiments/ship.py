"""Make the runs that come with the library again.

    python -m maca_edu.experiments.ship [NAME ...]

Each is trained by the command below, an episode of it is recorded, and what belongs to it is written to
maca_edu/experiments/runs/<name>: config.json, metrics.csv and state.npz of the run, episode.npz, and about.json, which
says how they were made. The battle needs JaxMARL. Of a checkpoint only what is needed to play is kept, so these runs
cannot be trained on. The first three trainings stop early, while the policies still try things: a team that is sure of
itself leaves no credit to assign.
"""

from __future__ import annotations

import datetime
import json
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import torch

from maca_edu.experiments.episode_record import record_episode, save_record
from maca_edu.experiments.run import load
from maca_edu.experiments.shipped import NAMES
from maca_edu.files import write_whole
from maca_edu.training import checkpoint
from maca_edu.training.trainer import OF_TRAINER

OUT = Path(__file__).parent / "runs"
COMMAND = "python -m maca_edu.experiments.ship"
KEPT = ("config.json", "metrics.csv", "state.npz")  # of a run's directory
LARGEST = 1_000_000  # bytes of all files of a run


class Recipe(NamedTuple):
    """How a run is trained, and which episode of it is recorded."""

    command: str  # but for --out
    seed: int  # of the episode
    copies: int
    lookahead: int | None = None


TRAIN = "maca-edu train --method maca --seed 0 --processes 1"
EARLY = "--lr 5e-4 --critic-epochs 100"
SMALL = "--actor-sizes 48 48 --embed 24 --z-size 48"
RECIPES = {
    "fridge": Recipe(f"{TRAIN} --env toy/fridge --steps 1024 {EARLY}", seed=0, copies=64),
    "ring": Recipe(f"{TRAIN} --env toy/ring --steps 1024 {EARLY}", seed=0, copies=64),
    "longring": Recipe(
        f"{TRAIN} --env 'toy/longring?n_agents=7&span=3&rounds=8&moving=true' --steps 8192 {EARLY} {SMALL}",
        seed=0,
        copies=64,
    ),
    "warehouse": Recipe(
        f"{TRAIN} --env 'toy/warehouse?preset=practice' --steps 409600 --batch 128 --lr 1e-3 --entropy 0.05 "
        f"--epochs 4 --minibatches 4 {SMALL}",
        seed=0,
        copies=64,
    ),
    "battle": Recipe(f"{TRAIN} --env smax/2s3z --steps 204800 --batch 32 {SMALL}", seed=0, copies=16, lookahead=8),
}


def make(name: str) -> None:
    """Train a run, record an episode of it, and write its files. Raises RuntimeError where they are too large."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        words = [*shlex.split(RECIPES[name].command)[1:], "--out", str(path)]
        subprocess.run([sys.executable, "-m", "maca_edu", *words], check=True)
        take(name, path)


def take(name: str, path: Path) -> None:
    """Record an episode of the run in `path`, and write what ships of both. Raises RuntimeError as `make`."""
    recipe = RECIPES[name]
    record = record_episode(load(path), recipe.seed, recipe.copies, recipe.lookahead)
    save_record(path / "episode.npz", record)
    write_whole(path / "about.json", json.dumps(about(name), indent=2) + "\n")
    keep_what_plays(path / "state.npz")
    kept = [path / file for file in (*KEPT, "episode.npz", "about.json")]
    size = sum(file.stat().st_size for file in kept)
    if size > LARGEST:
        raise RuntimeError(f"{name} takes {size:,} bytes; allowed are {LARGEST:,}")
    (OUT / name).mkdir(parents=True, exist_ok=True)
    for file in kept:
        shutil.copyfile(file, OUT / name / file.name)
    print(f"{name}: {size:,} bytes, an episode of {record.steps} steps", flush=True)


def keep_what_plays(path: Path) -> None:
    """Take out of a checkpoint what only training needs: the environments, and what the optimisers remember."""
    state = checkpoint.load(path)
    kept = {name: part for name, part in state.items() if name == "updates" or name not in OF_TRAINER}
    for name in ("actor_optimiser", "critic_optimiser"):
        kept[name]["state"] = {}
    checkpoint.save(path, kept)


def about(name: str) -> dict:
    """How the files of a run are made."""
    recipe = RECIPES[name]
    packages = ("maca-edu", "torch", "numpy", "cma", *(("jax", "jaxmarl") if "smax/" in recipe.command else ()))
    return {
        "command": f"{COMMAND} {name}",
        "training": recipe.command,
        "training_seed": 0,
        "episode_seed": recipe.seed,
        "copies": recipe.copies,
        "lookahead": recipe.lookahead,
        "date": datetime.date.today().isoformat(),
        "versions": {package: version_of(package) for package in packages} | {"python": platform.python_version()},
    }


def version_of(package: str) -> str:
    """The version of a package, or that it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def main() -> None:
    """Make the runs that the command line names, or all."""
    torch.set_num_threads(1)
    chosen = sys.argv[1:] or list(NAMES)
    unknown = [name for name in chosen if name not in RECIPES]
    if unknown:
        sys.exit(f"name={unknown[0]!r}; allowed are {', '.join(RECIPES)}")
    for name in chosen:
        make(name)


if __name__ == "__main__":
    main()
