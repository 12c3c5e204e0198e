"""Table 3 on the toy games: what committed runs reached, method by method and seed by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maca_edu.experiments.sweep_tables import read_curves, read_measured

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


def measured(game: str, column: str) -> dict[str, np.ndarray]:
    """One column of measured.csv, the mean over each run's updates, `{method: [seeds]}`, of methods that have it."""
    found: dict[str, list[float]] = {}
    for row in sorted(read_measured(folder(game) / "measured.csv"), key=lambda row: row.seed):
        if np.isfinite(row.means.get(column, np.nan)):
            found.setdefault(row.method, []).append(row.means[column])
    return {method: np.array(values) for method, values in found.items()}
