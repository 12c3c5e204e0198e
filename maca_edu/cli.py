"""The command line: `maca-edu COMMAND`, or `python -m maca_edu COMMAND`. Each command imports only what it needs."""

from __future__ import annotations

import sys
from pathlib import Path

import tyro

from maca_edu.course.class_copy import class_copy
from maca_edu.training.config import Config

app = tyro.extras.SubcommandApp()
DEFAULTS = Config()


@app.command(name="class-copy")
def class_copy_command(folder: tyro.conf.Positional[Path]) -> None:
    """Write the labs for students: without solutions, answers and outputs.

    Args:
        folder: Where to write them; a new or an empty folder.
    """
    for path in class_copy(folder):
        print(path)


@app.command(name="train")
def train_command(
    out: Path,
    env: str = "toy/fridge",
    method: str = "maca",
    steps: int = 10_000,
    seed: int = 0,
    batch: int = 32,
    resume: bool = False,
    threads: int = 1,
    config: tyro.conf.OmitArgPrefixes[Config] = DEFAULTS,
) -> None:
    """Train a method in an environment and write the run to a directory.

    Args:
        out: The run's directory, a new one unless --resume.
        env: A name that `maca-edu envs` prints, with options as in toy/ring?n_agents=8.
        method: A name that `maca-edu methods` prints.
        steps: At most so many environment-steps, counted once for the whole team.
        seed: Decides everything random.
        batch: Environments stepped together.
        resume: Go on with the run in `out`; the settings must be the same, `steps` may be larger.
        threads: Processor threads; runs are the same to the last bit for the same number.
    """
    import torch

    from maca_edu.experiments.run import train

    torch.set_num_threads(threads)
    size = config.rollout * batch

    def report(row: dict) -> None:
        updates = max(steps // size, 1)
        if row["update"] % max(updates // 10, 1) == 0 or row["update"] == updates:
            left = (updates - row["update"]) * size / row["steps_per_second"]
            speed = f"{row['steps_per_second']:,.0f} steps/s, {left:.0f} s left"
            result = f"{row['return_mean']:8.3f}" if row["episodes"] else "no episode ended"
            print(f"{row['env_steps']:>11,} steps  return {result}  {speed}", flush=True)

    train(env, method, steps, seed, out, batch, config=config, resume=resume, report=report)
    print(f"Written to {out}. Play with it: maca-edu evaluate {out}")


@app.command(name="evaluate")
def evaluate_command(run: tyro.conf.Positional[Path], episodes: int = 40, seed: int = 0) -> None:
    """Play a run's policy greedily, on seeds that training never used.

    Args:
        run: The run's directory.
        episodes: How many episodes.
        seed: Decides where they begin.
    """
    from maca_edu.experiments.run import evaluate

    for name, value in evaluate(run, episodes, seed).items():
        print(f"{name:<12} {'none: nothing to win' if value is None else f'{value:.4f}'}")


@app.command(name="methods")
def methods_command() -> None:
    """Print the methods, Table 1 of the paper: name, critic, advantage, update, source."""
    from maca_edu.training.methods import table

    print(table())


@app.command(name="envs")
def envs_command() -> None:
    """Print the environments with their numbers of agents and actions and their horizons."""
    from maca_edu import envs

    for name in envs.names():
        env = envs.make(name, 1)
        print(f"{name:<15} {env.n_agents} agents, {env.n_actions} actions, horizon {env.horizon}")


@app.command(name="params")
def params_command(task: str = "5m_vs_6m") -> None:
    """Print how many numbers each critic learns, Table 6 of the paper.

    Args:
        task: Whose sizes.
    """
    from maca_edu.experiments.parameters import critic_parameters

    for name, count in critic_parameters(task).items():
        print(f"{name:<15} {count:>9,}")


@app.command(name="doctor")
def doctor_command() -> None:
    """Print what is installed, what is missing, and how to get it."""
    from maca_edu.experiments.doctor import report

    print("\n".join(report()))


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 where it went well, 2 and one sentence where an argument was wrong."""
    try:
        app.cli(prog="maca-edu", description="The commands of the course.", args=argv)
    except ValueError as error:
        print(f"maca-edu: {error}", file=sys.stderr)
        return 2
    return 0
