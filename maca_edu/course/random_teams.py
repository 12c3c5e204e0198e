"""Chapter 17: what committed runs reached with groups that stay and with groups that are drawn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maca_edu.envs import starcraft
from maca_edu.envs.smax_scenarios import BATTLES, KINDS
from maca_edu.experiments.sweep_tables import read_csv, read_curves, read_final

DATA = Path(__file__).parents[2] / "book" / "data" / "ch17"
TEAMS = ("FIXED", "RANDOM")
METHODS = ("maca", "coma", "mappo")
MAPS = ("protoss_5_vs_5", "smacv2_5_units")
PLANNED = ("maca", "maca-ind", "mappo")


class Wins(NamedTuple):
    """What the runs on one map reached; every array has the seeds in rising order."""

    steps: np.ndarray  # [points] environment-steps of the greedy evaluations
    along: dict[str, np.ndarray]  # {method: [seeds, points]} greedy win rates along training
    final: dict[str, np.ndarray]  # {method: [seeds]} greedy win rates after the last update


def team_of(env: str) -> str:
    """FIXED or RANDOM, from the name of a battle."""
    drawn = BATTLES[env.partition("?")[0].removeprefix("smax/")].random and "team=" not in env
    return TEAMS[1] if drawn else TEAMS[0]


def wins(battle: str) -> Wins:
    """The runs of MACA, COMA and MAPPO on a map: "protoss_5_vs_5" or "smacv2_5_units".

    Raises ValueError where there are none.
    """
    points = [point for point in read_curves(DATA / "curves.csv") if point.env == f"smax/{battle}"]
    if not points:
        raise ValueError(f"battle={battle!r}; allowed are {', '.join(MAPS)}")
    steps, seeds = np.unique([point.env_steps for point in points]), np.unique([point.seed for point in points])
    along = {(point.method, point.seed, point.env_steps): point.greedy_win_rate for point in points}
    rows = [row for row in read_final(DATA / "final.csv") if row.env == f"smax/{battle}"]
    final = {(row.method, row.seed): row.win_rate for row in rows}
    return Wins(
        steps,
        {name: np.array([[along[name, seed, t] for t in steps] for seed in seeds]) for name in METHODS},
        {name: np.array([final[name, seed] for seed in seeds]) for name in METHODS},
    )


class Planned(NamedTuple):
    """What the planned battles reached: one team for all battles of a run against a new one for each, else alike."""

    seeds: np.ndarray  # [k] those of which all runs are finished, in rising order
    along: dict[str, np.ndarray]  # {team: [k, 3]} per cent won by PLANNED, mean of the greedy evaluations in training
    final: dict[str, np.ndarray]  # {team: [k, 3]} per cent won of 100 greedy battles after the last update


def planned() -> Planned:
    """The battles on smax/smacv2_5_units that prediction.txt plans, FIXED and RANDOM, by seed and method of PLANNED."""
    along: dict[tuple, list[float]] = {}
    for point in read_curves(DATA / "battles" / "curves.csv"):
        if np.isfinite(point.greedy_win_rate):
            along.setdefault((team_of(point.env), point.seed, point.method), []).append(100 * point.greedy_win_rate)
    rows = read_final(DATA / "battles" / "final.csv")
    final = {(team_of(row.env), row.seed, row.method): 100 * row.win_rate for row in rows}
    every = [(team, method) for team in TEAMS for method in PLANNED]
    seeds = sorted(s for s in {row.seed for row in rows} if all((team, s, name) in final for team, name in every))

    def table(found: dict, team: str) -> np.ndarray:
        return np.array([[np.mean(found[team, s, name]) for name in PLANNED] for s in seeds])

    return Planned(np.array(seeds), *({team: table(found, team) for team in TEAMS} for found in (along, final)))


def psi_paths(team: str) -> tuple[np.ndarray, np.ndarray]:
    """The weights of MACA's baselines along training: environment-steps `[updates]`, psi `[seeds, updates, 3]`.

    The order is that of the paper: joint, individual, CorrSet.
    """
    rows = [row for row in read_csv(DATA / "psi.csv") if row["team"] == team]
    seeds = sorted({row["seed"] for row in rows}, key=int)
    paths = [
        [[float(row[f"psi_{name}"]) for name in ("joint", "individual", "corrset")] for row in rows if row["seed"] == s]
        for s in seeds
    ]
    return np.array([int(row["env_steps"]) for row in rows if row["seed"] == seeds[0]]), np.array(paths)


def corrsets() -> dict[str, np.ndarray]:
    """Of teams that learned RANDOM, for every kind of the other agent `[seeds, 4]`: pairs, and how many are admitted,

    are partners, are both. Kinds that are never drawn have no pairs.
    """
    rows, names = read_csv(DATA / "corrsets.csv"), ("pairs", "admitted", "partners", "both")
    return {kind: np.array([[int(row[x]) for x in names] for row in rows if row["kind"] == kind]) for kind in KINDS}


def precision(team: str) -> dict[str, np.ndarray]:
    """Of MACA's runs, means over training `[seeds]`: the "size" of CorrSets, their "precision" and that of "chance"."""
    rows = [row for row in read_csv(DATA / "precision.csv") if row["team"] == team]
    return {name: np.array([float(row[name]) for row in rows]) for name in ("size", "precision", "chance")}


def budgets() -> dict[str, dict[str, float]]:
    """Who owns the variance of the advantages of two runs: `{"FIXED": {owner: share}, "RANDOM": ...}`."""
    found: dict[str, dict[str, float]] = {team: {} for team in TEAMS}
    for row in read_csv(DATA / "budget.csv"):
        found[row["team"]][row["owner"]] = float(row["share"])
    return found


class Battles(NamedTuple):
    """Battles that trained teams played, those of one seed after those of another; X in all."""

    seed: np.ndarray  # [X]
    counts: np.ndarray  # [X, 6] how many units of each kind the team has
    value: np.ndarray  # [X] the critic's value of the first moment
    returns: np.ndarray  # [X]
    won: np.ndarray  # [X] bool


def battles() -> Battles:
    """The battles of the teams that learned RANDOM."""
    rows = read_csv(DATA / "battles.csv")
    counts = np.array([[int(row[kind]) for kind in KINDS] for row in rows])
    numbers = {name: np.array([float(row[name]) for row in rows]) for name in ("seed", "value", "return", "won")}
    return Battles(numbers["seed"], counts, numbers["value"], numbers["return"], numbers["won"] > 0)


WORLDS = {  # what a short live run plays: how many copies of the game, and how many updates
    "smacv2/protoss_5_vs_5": (2, 17),
    "smax/smacv2_5_units": (8, 17),
    "toy/longring?n_agents=7&span=2&rounds=20&moving=true": (8, 17),
}


def world() -> str:
    """The first of WORLDS that can be played here: SMACv2 with StarCraft II, else SMAX with JaxMARL, else a toy."""
    game, battle, toy = WORLDS
    try:
        starcraft.check_game(game)
        if find_spec("smacv2"):
            return game
    except ValueError:
        pass
    return battle if find_spec("jaxmarl") else toy
