"""Film a run: its greedy play as a moving picture."""

from __future__ import annotations

from pathlib import Path

from maca_edu.checks import check_path
from maca_edu.envs import film
from maca_edu.experiments.run import load
from maca_edu.training import loop


def watch(run, out, episodes: int = 1, seed: int = 0, trust_env: str | None = None) -> Path:
    """Film a run's greedy play to `out`, a .gif or .mp4, on seeds that training never used; returns the path.

    run: a `loop.Run` or a run's directory. seed: decides where the episodes begin. trust_env: see `run.load`. Raises
    ValueError where there is no such run, its environment is not trusted, `out` has another ending, a package is
    missing, or the environment cannot be drawn.
    """
    film.writer(check_path("out", out))  # complains about a wrong ending before the run is loaded, which takes longer
    run = run if isinstance(run, loop.Run) else load(check_path("run", run), trust_env=trust_env)
    return film.record(run, run.settings["env"], out, episodes, loop.env_seed(seed, "evaluate"))
