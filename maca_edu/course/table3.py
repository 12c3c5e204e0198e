"""Table 3 on the toy games: what committed runs reached, method by method and seed by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maca_edu.experiments.sweep_tables import read_curves, read_final, read_measured

DATA = Path(__file__).parents[2] / "book" / "data"
FOLDERS = {  # where the tables of each game's sweep are
    "fridge": DATA / "fridge",
    "ring": DATA / "ch14" / "ring",
    "long ring": DATA / "ch14" / "long_ring",
    "warehouse": DATA / "practice",  # maca and mappo only
}


def folder(game: str) -> Path:
    """Where the tables of a game's sweep are. Raises ValueError where there is no such game."""
    if game not in FOLDERS:
        raise ValueError(f"game={game!r}; allowed are {', '.join(FOLDERS)}")
    return FOLDERS[game]


def mean_returns(game: str) -> dict[str, np.ndarray]:
    """The mean return over training of every run, `{method: [seeds]}`, seeds in rising order.

    game: "fridge", "ring", "long ring" or "warehouse". A run's mean is that of its points in curves.csv.
    Raises ValueError where there is no such game.
    """
    points: dict[str, dict[int, list[float]]] = {}
    for point in read_curves(folder(game) / "curves.csv"):
        points.setdefault(point.method, {}).setdefault(point.seed, []).append(point.return_mean)
    return {method: np.array([np.mean(runs[seed]) for seed in sorted(runs)]) for method, runs in points.items()}


def final_returns(game: str) -> dict[str, np.ndarray]:
    """What trained teams earn when each agent plays its likeliest action, `{method: [seeds]}`, seeds in rising order.

    Raises ValueError where there is no such game.
    """
    found: dict[str, list[float]] = {}
    for play in sorted(read_final(folder(game) / "final.csv"), key=lambda play: play.seed):
        found.setdefault(play.method, []).append(play.return_mean)
    return {method: np.array(values) for method, values in found.items()}


def curves(game: str, method: str) -> tuple[np.ndarray, np.ndarray]:
    """The learning curves of a method: environment-steps `[points]`, and the return `[seeds, points]`.

    The return is the running mean of the training episodes. Raises ValueError where there is no such game.
    """
    points = [point for point in read_curves(folder(game) / "curves.csv") if point.method == method]
    steps = np.unique([point.env_steps for point in points])
    seeds = np.unique([point.seed for point in points])
    returns = {(point.seed, point.env_steps): point.return_mean for point in points}
    return steps, np.array([[returns[seed, step] for step in steps] for seed in seeds])


def measured(game: str, column: str) -> dict[str, np.ndarray]:
    """One column of measured.csv, the mean over each run's updates, `{method: [seeds]}`, of methods that have it."""
    found: dict[str, list[float]] = {}
    for row in sorted(read_measured(folder(game) / "measured.csv"), key=lambda row: row.seed):
        if np.isfinite(row.means.get(column, np.nan)):
            found.setdefault(row.method, []).append(row.means[column])
    return {method: np.array(values) for method, values in found.items()}
