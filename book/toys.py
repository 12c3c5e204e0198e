"""Every method in the toy games: the picture and the table of the guide "Learning curves".

    python book/toys.py

Reads book/data/toys_<game>/final.csv, which `maca-edu sweep toys` left behind, and writes book/data/toys/table.md,
commands.md and book/_static/toys.png. A column or a panel is left out while the data of its game are not there.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
from curves import source
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maca_edu.experiments.learning_curves import STYLE, save
from maca_edu.experiments.sweep_tables import read_final
from maca_edu.files import write_whole
from maca_edu.training.methods import METHODS

BOOK = Path(__file__).parent
DATA = BOOK / "data"


class Game(NamedTuple):
    """A game of the plan: its data are in book/data/toys_<folder>."""

    folder: str
    title: str
    best: float  # the return of the best team


GAMES = (
    Game("fridge", "Fridge", 5.0),
    Game("ring16", "Ring of 16, ropes of 3", 12.0),
    Game("climb", "Climb", 11.0),
    Game("longring", "Long ring", 75.0),
    Game("practice", "Practice warehouse", 7.961),
)


def there() -> list[Game]:
    """The games whose data are there."""
    return [game for game in GAMES if (DATA / f"toys_{game.folder}" / "final.csv").exists()]


def returns(game: Game) -> dict[str, np.ndarray]:
    """Greedy returns after training, a value for each seed, by method in the order of the library."""
    rows = read_final(DATA / f"toys_{game.folder}" / "final.csv")
    return {name: np.array([row.return_mean for row in rows if row.method == name]) for name in METHODS}


def table() -> str:
    """A row for each method, a column for each game: the mean over seeds, and in brackets the worst seed."""
    games = there()
    values = [returns(game) for game in games]
    seeds = [len(next(iter(by_method.values()))) for by_method in values]
    head = [f"{game.title}, {number} seed{'s' * (number > 1)}" for game, number in zip(games, seeds, strict=True)]
    lines = ["| method | " + " | ".join(head) + " |", "|---" + "|--:" * len(games) + "|"]
    lines.append("| *the best team* | " + " | ".join(f"*{game.best:g}*" for game in games) + " |")
    for name in METHODS:
        cells = [f"{by_method[name].mean():z.2f} ({by_method[name].min():z.2f})" for by_method in values]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(path: Path) -> None:
    """A panel for each game, a line for each method, a dot for each seed; dashed, what the best team earns."""
    games = there()
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(2.3 * len(games) + 1.5, 7), layout="constrained")
        panels = figure.subplots(1, len(games), sharey=True, squeeze=False)[0]
        for ax, game in zip(panels, games, strict=True):
            draw_game(ax, game)
        panels[0].set_yticks(range(len(METHODS)), METHODS)
        panels[0].invert_yaxis()
        figure.supxlabel("return in greedy play after training, a dot for each seed", fontsize="medium")
        save(figure, path)


def draw_game(ax: Axes, game: Game) -> None:
    """The seeds of every method. Dots are moved up and down a little, so that equal ones can be counted."""
    for line, values in enumerate(returns(game).values()):
        heights = line + np.linspace(-0.28, 0.28, len(values))
        ax.plot(np.sort(values), heights, "o", markersize=3, color="C0", alpha=0.8)
    ax.axvline(game.best, color="0.4", linestyle="--", linewidth=1)
    ax.set_xlim(-0.08 * game.best, 1.08 * game.best)
    ax.set_title(game.title.replace(", ", ",\n"), fontsize="medium")
    ax.grid(axis="y", color="0.9")


def commands() -> str:
    """The command of every game, with its date and the versions."""
    return "\n\n".join(source(f"toys_{game.folder}") for game in there()) + "\n"


def main() -> None:
    """Write the table, the commands and the picture."""
    write_whole(DATA / "toys" / "table.md", table())
    write_whole(DATA / "toys" / "commands.md", commands())
    draw(BOOK / "_static" / "toys.png")


if __name__ == "__main__":
    main()
