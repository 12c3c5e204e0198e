"""The scores as a picture: a radar for each estimator, six questions on six axes, 1 on the rim and 0 in the middle."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from maca_edu.credit_bench.score import Score
from maca_edu.experiments.credit_bench.tables import levels, mean, merged, worst_turn
from maca_edu.experiments.learning_curves import save

STYLE = str(files("maca_edu") / "maca.mplstyle")
IN_A_ROW = 4
AXES = (
    "points right",  # 1 - the largest turn over the games, exact critic
    "points right,\nfitted critic",  # the same with the fitted one, or the exact one where none is asked
    "quiet",  # the least variance over its own, at most 1
    "quiet at\nn = 64",  # the same on the ring of 64 agents
    "spares\nothers' noise",  # 1 - the share of the noise of others that is kept
    "follows\nthe signal",  # correlation with the true credit of level 1
)
GREY, BLUE, RED = "#6E6E6E", "#0072B2", "#D55E00"


def ratings(score: Score) -> np.ndarray:
    """The six numbers from 0 to 1, `[6]`."""
    turn, fitted = worst_turn(score, "exact"), worst_turn(score, "fitted")
    largest = score.growth[-1].variance if score.growth else np.nan
    numbers = [
        1 - turn,
        1 - (turn if fitted is None else fitted),
        1 / score.variance("exact"),
        1 / largest,
        1 - (mean(m.kept.others for m in score.of("exact")) or 0.0),
        levels(score)[0] or 0.0,
    ]
    return np.nan_to_num(np.clip(numbers, 0, 1))


def draw(scores: list[Score], path: Path, names: list[str] | None = None) -> None:
    """Draw the radars, those with a misconception in red. names: which estimators; None: all. path: a .png or .svg."""
    groups = [(score, same) for score, same in merged(scores) if names is None or set(names) & set(same)]
    rows = -(-len(groups) // IN_A_ROW)
    columns = min(IN_A_ROW, len(groups))
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(3.6 * columns, 3.6 * rows), layout="constrained")
        angle = np.linspace(0, 2 * np.pi, len(AXES), endpoint=False)
        for k, (score, same) in enumerate(groups):
            ax = figure.add_subplot(rows, columns, k + 1, projection="polar")
            ax.set_theta_offset(np.pi / 2)
            ax.set_theta_direction(-1)
            around, rating = np.append(angle, angle[0]), ratings(score)
            colour = RED if score.wrong else BLUE
            ax.plot(around, np.append(rating, rating[0]), color=colour)
            ax.fill(around, np.append(rating, rating[0]), color=colour, alpha=0.25)
            ax.set_ylim(0, 1)
            ax.set_yticks([0.5, 1.0], labels=[])
            ax.set_xticks(angle, labels=AXES, fontsize=8, color=GREY)
            ax.tick_params(axis="x", pad=10)
            ax.spines["polar"].set_color("#CCCCCC")
            shown = [name for name in same if names is None or name in names]
            ax.set_title(shown[0], loc="center", fontsize=12, parse_math=False)
        save(figure, path)
