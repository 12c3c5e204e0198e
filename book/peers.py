"""Draw how MAPPO learns here and in two other code bases, and write the tables, from the data in book/data/peers.

    python book/peers.py

A folder there is one side of a comparison. Those of maca-edu are what `maca-edu sweep` left behind; those of the others
have the same columns, made of what their own code logged.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
from curves import source
from matplotlib.figure import Figure

from maca_edu.experiments.decisions import Verdict, decide
from maca_edu.experiments.learning_curves import STYLE, Curves, aligned, draw_mean, save
from maca_edu.experiments.statistics import sample, t_interval
from maca_edu.experiments.sweep_tables import FinalPlay, read_curves, read_final
from maca_edu.files import write_whole

BOOK = Path(__file__).parent
DATA = BOOK / "data" / "peers"


class Side(NamedTuple):
    """Runs of one code base, which differ in their seeds only."""

    folder: str  # in book/data/peers
    words: str


class Pair(NamedTuple):
    """One task and one list of settings in two code bases."""

    name: str
    title: str
    ours: Side
    theirs: Side
    measure: str  # a column of curves.csv
    label: str
    digits: int
    margins: tuple[float, float]  # differences that would not matter: of the mean over training, of greedy play


class Runs(NamedTuple):
    """What the runs of one side reached, each `[seeds]` but for the curves."""

    curves: Curves  # of the training episodes
    mean: np.ndarray  # of the curve
    greedy: np.ndarray  # after training


SPREAD = Pair(
    "spread", "Spread, continuous actions", Side("spread_ours", "maca-edu"), Side("spread_harl", "HARL"),
    "return_mean", "return of the team", 1, (1.5, 2.0),
)  # fmt: skip
SMAX = Pair(
    "smax", "2s3z of SMAX", Side("smax_ours", "maca-edu"), Side("smax_jaxmarl", "JaxMARL"),
    "win_rate", "share won", 2, (0.1, 0.1),
)  # fmt: skip
PAIRS = (SPREAD, SMAX)


def read(side: Side, measure: str) -> Runs:
    """The runs of one side."""
    curves = aligned(read_curves(DATA / side.folder / "curves.csv"), measure)
    finals = sorted(read_final(DATA / side.folder / "final.csv"), key=lambda row: row.seed)
    greedy = np.array([row[FinalPlay._fields.index(measure)] for row in finals])
    return Runs(curves, np.nanmean(curves.values, axis=1), greedy)


def table(pair: Pair) -> str:
    """What each side reached, means over seeds with 95 % t intervals, and what can be said of the difference."""
    sides = (pair.ours, pair.theirs)
    ours, theirs = (read(side, pair.measure) for side in sides)
    lines = [f"| {pair.label} | seeds | mean over training | at the end of training | greedy after training |"]
    lines.append("|---" * 5 + "|")
    for side, runs in zip(sides, (ours, theirs), strict=True):
        numbers = [with_interval(x, pair.digits) for x in (runs.mean, runs.curves.values[:, -1], runs.greedy)]
        lines.append(f"| {side.words} | {len(runs.greedy)} | " + " | ".join(numbers) + " |")
    said = [in_words(verdict, pair.digits) for verdict in verdicts(pair)]
    lines.append(f"| difference | | {said[0]} | | {said[1]} |")
    return "\n".join(lines)


def verdicts(pair: Pair) -> tuple[Verdict, Verdict]:
    """Ours against theirs: the mean over training, and greedy play after it."""
    ours, theirs = (read(side, pair.measure) for side in (pair.ours, pair.theirs))
    mean = decide(sample(ours.mean), sample(theirs.mean), pair.margins[0])
    return mean, decide(sample(ours.greedy), sample(theirs.greedy), pair.margins[1])


def with_interval(x: np.ndarray, digits: int) -> str:
    """The mean of `[seeds]` and half the length of its 95 % t interval."""
    low, high = t_interval(x[:, None])
    return f"{x.mean():.{digits}f} ± {(high[0] - low[0]) / 2:.{digits}f}"


def in_words(verdict: Verdict, digits: int) -> str:
    """The difference, its 95 % interval, and the verdict."""
    numbers = f"{verdict.difference:+.{digits}f} ({verdict.low:+.{digits}f} to {verdict.high:+.{digits}f})"
    return f"{numbers}, {verdict.word}"


def there(pair: Pair) -> bool:
    """Whether the data of both sides are there."""
    return all((DATA / side.folder / "final.csv").exists() for side in (pair.ours, pair.theirs))


def draw(pairs: list[Pair], path: Path) -> None:
    """A panel for each pair: the learning curves of both sides, means over seeds with 95 % t intervals."""
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(5.5 * len(pairs), 4.2), layout="constrained")
        for ax, pair in zip(figure.subplots(1, len(pairs), squeeze=False)[0], pairs, strict=True):
            for side in (pair.ours, pair.theirs):
                draw_mean(ax, side.words, read(side, pair.measure).curves)
            ax.legend()
            ax.set_title(pair.title, fontsize="medium")
            ax.set(xlabel="environment-steps", ylabel=f"{pair.label}, in training")
        save(figure, path)


def main() -> None:
    """Write the picture and the tables, and print the tables."""
    known = [pair for pair in PAIRS if there(pair)]
    draw(known, BOOK / "_static" / "peers.png")
    for pair in known:
        print(f"{pair.title}\n\n{table(pair)}\n")
        write_whole(DATA / f"{pair.name}.md", table(pair) + "\n")
        write_whole(DATA / pair.ours.folder / "source.md", source(f"peers/{pair.ours.folder}") + "\n")


if __name__ == "__main__":
    main()
