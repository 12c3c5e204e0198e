"""The paper's own numbers, and what has to be known before ours are compared with them.

The numbers are in data/published.csv (Tables 2, 3, 5, 16 and 17) and data/table6.csv, as printed by Zhao and Xie
(2025), arXiv:2508.06836. Win rates are in per cent. The paper trained five seeds of each arm and does not say which
kind of standard deviation it prints.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from maca_edu.experiments.statistics import Sample, as_good_as_the_best
from maca_edu.experiments.sweep_tables import read_csv

DATA = files("maca_edu") / "experiments" / "reports" / "data"
PAPER = "Zhao and Xie (2025), arXiv:2508.06836"


class Published(NamedTuple):
    """A cell of one of the paper's tables of results."""

    table: int
    benchmark: str  # SMAC, SMACv2 or MPE
    task: str  # as an environment is called here: 5m_vs_6m, simple_spread
    arm: str
    mean: float  # per cent of battles won, or return
    std: float
    steps: int
    seeds: int


class Cost(NamedTuple):
    """A row of Table 6, of 5m_vs_6m."""

    method: str
    parameters: int
    hours: float


@lru_cache
def published(table: int) -> tuple[Published, ...]:
    """The cells of a table of results, in the paper's order."""
    cells = []
    for row in read_csv(DATA / "published.csv"):
        if int(row["table"]) == table:
            name = row["benchmark"], row["task"], row["arm"]
            numbers = float(row["mean"]), float(row["std"]), int(row["steps"]), int(row["seeds"])
            cells.append(Published(table, *name, *numbers))
    return tuple(cells)


def costs() -> list[Cost]:
    """The rows of Table 6."""
    rows = read_csv(DATA / "table6.csv")
    return [Cost(row["method"], int(row["parameters"]), float(row["hours"])) for row in rows]


def task_of(env: str) -> str:
    """What the paper's data call an environment's task: smax/5m_vs_6m?walls=false is 5m_vs_6m."""
    return env.partition("?")[0].rpartition("/")[2]


def in_paper(table: int, env: str) -> dict[str, Published]:
    """{arm: the paper's cell} of an environment's task; {} where the paper does not have it."""
    return {cell.arm: cell for cell in published(table) if cell.task == task_of(env)}


def bold(cells: dict[str, Published]) -> set[str]:
    """The arms of a row that the paper's test does not tell from the best, see `as_good_as_the_best`.

    Worked out from means and standard deviations as printed.
    """
    marks = as_good_as_the_best({arm: Sample(cell.mean, cell.std, cell.seeds) for arm, cell in cells.items()})
    return {arm for arm, marked in marks.items() if marked}


# ---------------------------------------------------------------------------------------------------------------------
# What differs

OTHER_GAMES = {  # by what stands before the name's slash, where the paper has the task
    "smax": "SMAX, not StarCraft II",
    "jaxmpe": "JaxMARL's MPE",
    "mpe": "mpe2's MPE",
}


def differences(
    table: int, env: str, steps: tuple[int, int], seeds: tuple[int, int], presets: tuple[str | None, ...]
) -> str:
    """What differs between our runs in an environment and the paper's, in words.

    steps: the fewest and the most of our runs. seeds: of an arm. presets: of our runs, None: not known.
    """
    cells = in_paper(table, env)
    if not cells:
        noun = "seed" if seeds == (1, 1) else "seeds"
        return f"the paper has no such task; {how_many(steps)} steps, {how_many(seeds)} {noun}"
    cell = next(iter(cells.values()))
    family = env.partition("/")[0]
    said = [OTHER_GAMES[family]] if family in OTHER_GAMES else []
    if task_of(env) == "simple_spread" and "collisions=v2" not in env:
        said.append("no self-collisions (they cost 37.5 in the paper's returns)")
    if cell.benchmark == "MPE" and "continuous=false" in env:
        said.append("discrete actions, not continuous ones")
    if steps != (cell.steps, cell.steps):
        said.append(f"{how_many(steps)} of {count(cell.steps)} steps")
    if seeds != (cell.seeds, cell.seeds):
        said.append(f"{how_many(seeds)} of {cell.seeds} seeds")
    others = [preset for preset in presets if preset not in (None, "paper")]
    if others:
        said.append(f"preset {' and '.join(others)}, not the paper's settings")
    return "; ".join(said) or "nothing that the results say"


def count(steps: int) -> str:
    """A number of steps: 800, 204.8k, 8M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if steps >= size:
            return f"{steps / size:.4g}{letter}"
    return str(steps)


def how_many(ends: tuple[int, int]) -> str:
    """3, or 3 to 5; 204.8k, or 20.48k to 204.8k."""
    low, high = map(count, ends)
    return low if low == high else f"{low} to {high}"
