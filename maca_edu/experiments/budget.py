"""The variance budget of runs: who owns the variance of the advantages that a run learns from.

budget.csv    a row for each run and owner: its variance, its share, and the 95 % interval of the share
budget.json   the command with its seed, the date, and the versions of the packages
budget.png    the shares as stacked bars, a bar for each run

What is measured, and how, stands in `training.budget`.
"""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maca_edu import envs
from maca_edu.checks import check_integer
from maca_edu.experiments.learning_curves import STYLE, save
from maca_edu.experiments.run import load
from maca_edu.experiments.sweep_tables import write_about, write_csv
from maca_edu.experiments.trust import make_environment
from maca_edu.training.budget import Share, measure_moments, mixtures, shares
from maca_edu.training.run_directory import RunDirectory

COLUMNS = ("run", "env", "method", "run_seed", "env_steps", "moments", "copies", "seed")
CRITIC, LATER, GAME = "#D55E00", "#E69F00", "#999999"  # Okabe and Ito's, and grey
LEVELS = ("#0072B2", "#56B4E9", "#BFE3F5")  # of the joint action, from dark (level 1) to light


class Budget(NamedTuple):
    """The variance budget of one run."""

    run: str  # its directory
    env: str
    method: str
    run_seed: int
    env_steps: int
    moments: int
    copies: int  # of each joint action in a moment
    seed: int
    joint_actions: int  # in each moment
    shares: list[Share]


def budget(run, moments: int = 64, copies: int = 4, seed: int = 0, trust_env: str | None = None) -> Budget:
    """Measure the variance budget of the run in a directory, as of its last checkpoint.

    moments: how many, each from an episode of its own. copies: of each joint action in a moment, even, at least 4.
    seed: decides all chance. trust_env: see `run.load`. Raises ValueError where an argument is wrong, there is no such
    run, its environment is not trusted or cannot be forked, or its critic has no value of a state.
    """
    check_integer("moments", moments, 3)
    check_integer("seed", seed, 0)
    with contextlib.closing(make_environment(RunDirectory(run), 1, trust_env)) as one:
        loaded = load(run, env=one)
        one.fork(np.array([0]), np.array([0])).close()  # says at once where it cannot be forked
    name = loaded.settings["env"]
    with contextlib.closing(envs.make(name, moments)) as env:
        advantages = measure_moments(loaded.learner, env, moments, copies, seed)
        found, joint_actions = shares(advantages, env.n_agents), len(mixtures(env.n_agents).takes_b)
    about, steps = loaded.settings, int(loaded.metrics["env_steps"][-1])
    told = (str(run), name, about["method"], about["seed"], steps, moments, copies, seed)
    return Budget(*told, joint_actions, found)


def in_words(result: Budget) -> str:
    """The budget as a small table."""
    lines = [
        f"{result.run}: {result.method} on {result.env}, seed {result.run_seed}, {result.env_steps:,} steps",
        f"{result.moments} moments, {result.joint_actions} joint actions in each, {result.copies} copies of each",
    ]
    for part in result.shares:
        interval = f"({100 * part.low:.1f} to {100 * part.high:.1f})"
        lines.append(f"  {part.owner:<30}{100 * part.share:6.1f} %  {interval:>18}")
    return "\n".join(lines)


def command_of(results: list[Budget]) -> str:
    """The command that measures these again."""
    first = results[0]
    options = ("--moments", first.moments, "--copies", first.copies, "--seed", first.seed)
    return shlex.join(["maca-edu", "budget", *(result.run for result in results), *map(str, options)])


def write_budgets(out, results: list[Budget]) -> None:
    """Write budget.csv, budget.json and budget.png to a folder, which `check_folder` found good."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for result in results:
        for owner, *numbers in result.shares:
            rows.append((*result[: len(COLUMNS)], owner, *(f"{number:.6g}" for number in numbers)))
    write_csv(out / "budget.csv", (*COLUMNS, *Share._fields), rows)
    write_about(out / "budget.json", command_of(results))
    draw(results, out / "budget.png")


def check_folder(out) -> None:
    """ValueError unless `out` is a new or an empty folder."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"out={str(out)!r} is in use; name a new or an empty folder, so that nothing is overwritten")


def draw(results: list[Budget], path: str | Path) -> None:
    """Draw the shares, a bar for each run; a share that was measured below 0 has no part of its bar."""
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(4.5 + 1.3 * len(results), 4.5), layout="constrained")
        axes = figure.subplots()
        for x, result in enumerate(results):
            draw_bar(axes, x, result)
        names = [f"{Path(result.run).name}\n{result.env_steps:,} steps" for result in results]
        axes.set_xticks(range(len(results)), names, fontsize="small")
        axes.set(xlim=(-0.6, len(results) - 0.4), ylim=(0, 100), ylabel="share of the variance\n(per cent)")
        axes.grid(visible=False, axis="x")
        by_name = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(by_name.values(), by_name, loc="outside right upper", reverse=True)
        save(figure, path)


def draw_bar(axes: Axes, x: int, result: Budget) -> None:
    """One run's shares on top of each other, with numbers where there is room."""
    bottom, level = 0.0, iter(LEVELS)
    positive = sum(max(part.share, 0.0) for part in result.shares)
    for part in result.shares:
        colour = {"critic's error": CRITIC, "later actions": LATER, "chance of the game": GAME}.get(part.owner)
        height = 100 * max(part.share, 0.0) / positive
        colour = colour or next(level)
        axes.bar(x, height, 0.7, bottom, color=colour, edgecolor="white", linewidth=1, label=part.owner)
        if height >= 6:
            dark = colour in ("#D55E00", "#0072B2")
            axes.text(x, bottom + height / 2, f"{100 * part.share:.0f}", ha="center", va="center",
                      color="white" if dark else "black")  # fmt: skip
        bottom += height
