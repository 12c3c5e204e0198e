"""What each deviation between the paper's text, its code and our MACA costs: the table of the guide.

    python book/deviations.py      # reads book/data/deviations, writes table.md there

A folder there is what `maca-edu sweep` left behind; the prediction beside them was written first.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from maca_edu.experiments.sweep_tables import read_curves, read_final

DATA = Path(__file__).parent / "data" / "deviations"


class Arm(NamedTuple):
    """Runs that are compared: a sweep's folder, the method in it, and what the table calls it."""

    folder: str
    method: str
    words: str


MACA = Arm("methods", "maca", "MACA, our default")
ARMS = (
    MACA,
    Arm("methods", "maca-attention", "psi from attention (`maca-attention`)"),
    Arm("expected", "maca", "V(s) is Q(s, pi) (`--critic-outputs q`)"),
    Arm("three_heads", "maca", "three heads, own returns"),
    Arm("one_step", "maca", "one-step targets (`--critic-targets td`)"),
    Arm("raw", "maca", "baselines in other units (`--raw-baselines`)"),
    Arm("critics_q", "maca", "critic's Q for the return (`--advantage critic`)"),
    Arm("methods", "maca-text", "the text (`maca-text`)"),
    Arm("methods", "maca-released", "the code (`maca-released`)"),
)


class Reached(NamedTuple):
    """What the runs of an arm reached, each `[seeds]`."""

    mean: np.ndarray  # of the win rate over training
    greedy: np.ndarray  # win rate of greedy play after training


def read(arm: Arm) -> Reached:
    """The runs of an arm, by seed."""
    points = [point for point in read_curves(DATA / arm.folder / "curves.csv") if point.method == arm.method]
    seeds = sorted({point.seed for point in points})
    curves = [[point.win_rate for point in points if point.seed == seed] for seed in seeds]
    final = {row.seed: row.win_rate for row in read_final(DATA / arm.folder / "final.csv") if row.method == arm.method}
    return Reached(np.array([np.nanmean(curve) for curve in curves]), np.array([final[seed] for seed in seeds]))


def difference(x: np.ndarray, reference: np.ndarray) -> str:
    """The mean difference over seeds, with half the length of its 95 % t interval."""
    d = x - reference
    half = student.ppf(0.975, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    return f"{d.mean():+.2f} ± {half:.2f}"


def table() -> str:
    """A row for each arm whose runs are there."""
    columns = ("arm", "seeds", "mean win rate", "less MACA's", "greedy win rate", "less MACA's")
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    maca = read(MACA)
    for arm in ARMS:
        if not (DATA / arm.folder / "final.csv").exists():
            continue
        runs = read(arm)
        cells = [arm.words, str(len(runs.mean))]
        for own, reference in zip(runs, maca, strict=True):
            cells += [f"{own.mean():.2f}", "" if arm is MACA else difference(own, reference)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    text = table()
    (DATA / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)
