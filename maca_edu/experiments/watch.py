"""Films of what a run has learned."""

from __future__ import annotations

from pathlib import Path

from maca_edu.envs import film
from maca_edu.training import loop


def watch(run, out, episodes: int = 1, seed: int = 0) -> Path:
    """Film a run's greedy play to `out`, a .gif or .mp4, on seeds that training never used; returns the path.

    run: a `loop.Run` or a run's directory. Raises ValueError where there is no run, the ending is another, a package
    is missing, or the environment cannot be drawn.
    """
    film.writer(Path(out))  # a wrong ending is told before the run is loaded
    if not isinstance(run, loop.Run):
        from maca_edu.experiments.run import load

        run = load(run)
    return film.record(run, run.settings["env"], out, episodes, loop.env_seed(seed, "evaluate"))
