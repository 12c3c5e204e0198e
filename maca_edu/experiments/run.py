"""Train, load and evaluate by name; `maca_edu.train`, `maca_edu.load` and `maca_edu.evaluate` are these."""

from __future__ import annotations

from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.run_directory import RunDirectory
from toy_envs.core import check_integer


def train(env, method: str = "maca", steps: int = 10_000, seed: int = 0, out=None, batch: int = 32, **options):
    """Train a method of `maca-edu methods` in an environment of `maca-edu envs`; returns a `loop.Run`.

    env: a name, such as "toy/fridge", of which `batch` copies are stepped together, or a `TeamEnv`. steps: at most so
    many environment-steps, counted once for the whole team. out: a new directory, None: nothing is written.
    options: config, resume, save_every, report, see `loop.train`. Raises ValueError where an argument is wrong.
    """
    return loop.train(envs.make(env, batch) if isinstance(env, str) else env, method, steps, seed, out, **options)


def load(path) -> loop.Run:
    """The run in a directory that `train` wrote, as of its last checkpoint. Raises ValueError where there is none."""
    settings = RunDirectory(path).settings()
    return loop.load(envs.make(settings["env"], settings["batch"]), path)


def evaluate(run, episodes: int = 40, seed: int = 0) -> dict:
    """Play greedily, each episode on a seed that training never used.

    run: a `loop.Run` or a run's directory. Returns return_mean, return_std, in the units of the reward and not
    discounted, and win_rate (None where there is no winning). Raises ValueError where episodes is not positive.
    """
    check_integer("episodes", episodes, 1)
    run = run if isinstance(run, loop.Run) else load(run)
    return loop.play(run, envs.make(run.settings["env"], episodes), seed)
