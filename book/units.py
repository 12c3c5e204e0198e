"""Make the tables and the picture of the guide "V over units" from the data in book/data/units.

    python book/units.py

A folder there is what `maca-edu sweep` left behind for one arm of a comparison: smax_2s3z_units holds the runs of
--value units on smax/2s3z. On other maps the arms without units come from the sweeps of Table 2. Arms of one
comparison have the same seeds and are compared seed by seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import matplotlib.style
import numpy as np
from curves import source
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import t as student

from maca_edu.experiments.learning_curves import STYLE, Curves, aligned, draw_mean, save
from maca_edu.experiments.sweep_tables import read_curves, read_final, read_measured
from maca_edu.files import write_whole

BOOK = Path(__file__).parent
DATA = BOOK / "data" / "units"


class Arm(NamedTuple):
    """Runs that differ in their seeds only."""

    folder: str  # in book/data/units
    words: str
    method: str | None = None  # whose runs, where the folder has those of several


class Comparison(NamedTuple):
    """Arms of which each is compared with the first."""

    name: str
    arms: tuple[Arm, ...]
    timed: bool = False  # the arms ran at the same time, so that their times can be compared


MLP, UNITS = Arm("smax_2s3z_mlp", "MLP"), Arm("smax_2s3z_units", "units, attention")
SUMS = Arm("smax_2s3z_sums", "units, no attention")
PLAIN, WHOLE = Arm("smax_2s3z_plain", "MLP, no LayerNorm"), Arm("smax_2s3z_whole", "deeper MLP, no LayerNorm")
MACA, MACA_UNITS = Arm("maca_mlp", "MACA"), Arm("maca_units", "MACA, units")

MAIN = Comparison("smax_2s3z", (MLP, UNITS, SUMS), timed=True)
OTHERS = (
    Comparison("attention", (SUMS, UNITS), timed=True),
    Comparison("layernorm", (MLP, PLAIN, WHOLE)),
    Comparison("apart", (SUMS, Arm("smax_2s3z_apart", "units apart, no attention"), MLP)),
    Comparison("maca", (MACA, MACA_UNITS)),
    Comparison("plus", (MLP, UNITS, Arm("smax_2s3z_plus", "all three remedies"))),
    Comparison("epochs", (MLP, Arm("smax_2s3z_epochs", "MLP, 15 critic epochs"))),
)
TABLE_2 = {"smacv2_5_units": "../table2/smacv2_5_units", "5m_vs_6m": "5m_vs_6m"}  # {map: runs without units}
MAPS = tuple(
    Comparison(f"{name}_{method}", (Arm(folder, words, method), Arm(f"{name}_{method}_units", f"{words}, units")))
    for name, folder in TABLE_2.items()
    for method, words in (("mappo", "MAPPO"), ("maca", "MACA"))
)
DRAWN = Comparison("all", (MLP, PLAIN, WHOLE, SUMS, UNITS))


class Runs(NamedTuple):
    """What the runs of an arm reached; all but the curves `[seeds]`."""

    seeds: np.ndarray
    curves: Curves  # win rates of training
    mean: np.ndarray  # of the win rate over training
    to_half: np.ndarray  # steps until the curve first reached .5; not a number where it never did
    to_most: np.ndarray  # the same for .9
    greedy: np.ndarray  # win rate of greedy play after training
    error: np.ndarray  # root mean square of returns minus V, before V has seen them
    minutes: np.ndarray


def read(arm: Arm, seeds: int | None = None) -> Runs:
    """The runs of an arm, or the first `seeds` of them."""
    curves = aligned(of_method(arm, read_curves(DATA / arm.folder / "curves.csv")), "win_rate")
    final = of_method(arm, read_final(DATA / arm.folder / "final.csv"))
    measured = of_method(arm, read_measured(DATA / arm.folder / "measured.csv"))
    runs = Runs(
        np.array([row.seed for row in final]),
        curves,
        np.nanmean(curves.values, axis=1),
        first_at(curves, 0.5),
        first_at(curves, 0.9),
        np.array([row.win_rate for row in final]),
        np.array([row.means["v_rmse"] for row in measured]),
        np.array([row.minutes for row in measured]),
    )
    cut = Curves(curves.steps, curves.values[:seeds])
    return Runs(*(cut if part is curves else part[:seeds] for part in runs))


def of_method(arm: Arm, rows: list) -> list:
    """The rows of the arm's method; all where it names none."""
    return [row for row in rows if arm.method in (None, row.method)]


def first_at(curves: Curves, level: float) -> np.ndarray:
    """The steps at which each run's curve first reaches a level, `[seeds]`; not a number where it never does."""
    there = curves.values >= level
    return np.where(there.any(axis=1), curves.steps[there.argmax(axis=1)], np.nan)


def compared(comparison: Comparison) -> list[Runs]:
    """The runs of all arms, of the seeds that all of them have."""
    fewest = min(len(read(arm).seeds) for arm in comparison.arms)
    runs = [read(arm, fewest) for arm in comparison.arms]
    if any((other.seeds != runs[0].seeds).any() for other in runs):
        raise ValueError(f"the arms of {comparison.name!r} have different seeds")
    return runs


def interval(x: np.ndarray) -> tuple[float, float]:
    """The mean of differences `[seeds]`, and half the length of its 95 % t interval."""
    return x.mean(), student.ppf(0.975, len(x) - 1) * x.std(ddof=1) / len(x) ** 0.5


def table(comparison: Comparison) -> str:
    """What each arm reached, means over its seeds, a row for each."""
    columns = (
        "arm",
        "seeds",
        "mean win rate",
        "steps to 50 %",
        "steps to 90 %",
        "greedy win rate",
        "rms of return - V",
    )
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for arm, runs in zip(comparison.arms, compared(comparison), strict=True):
        steps = [reached(runs.to_half), reached(runs.to_most)]
        numbers = [f"{runs.mean.mean():.2f}", *steps, f"{runs.greedy.mean():.2f}", f"{runs.error.mean():.3f}"]
        lines.append(f"| {arm.words} | {len(runs.seeds)} | " + " | ".join(numbers) + " |")
    return "\n".join(lines)


def reached(steps: np.ndarray) -> str:
    """The mean of the steps over the runs that got there, in thousands, and how many did."""
    there = steps[~np.isnan(steps)]
    return f"{there.mean() / 1000:.0f}k ({len(there)} of {len(steps)} runs)" if len(there) else "never"


def differences(comparison: Comparison) -> str:
    """Each arm minus the first, seed by seed: means with 95 % t intervals, and how many seeds agree."""
    columns = ("against " + comparison.arms[0].words, "mean win rate", "50 % sooner", "90 % sooner", "greedy win rate")
    columns += ("rms of return - V", *(("time of a run", "time to 50 %") if comparison.timed else ()))
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    first, *others = compared(comparison)
    for arm, runs in zip(comparison.arms[1:], others, strict=True):
        entries = [
            f"{signed(runs.mean - first.mean)}; higher on {(runs.mean > first.mean).sum()} of {len(runs.seeds)}",
            sooner(runs.to_half, first.to_half),
            sooner(runs.to_most, first.to_most),
            signed(runs.greedy - first.greedy),
            ratio(runs.error, first.error),
        ]
        if comparison.timed:
            entries.append(ratio(runs.minutes, first.minutes))
            entries.append(ratio(runs.minutes * runs.to_half, first.minutes * first.to_half))
        lines.append(f"| {arm.words} | " + " | ".join(entries) + " |")
    return "\n".join(lines)


def signed(x: np.ndarray) -> str:
    """A mean difference with its interval."""
    mean, half = interval(x)
    return f"{mean:+.3f} ± {half:.3f}"


def sooner(steps: np.ndarray, others: np.ndarray) -> str:
    """On how many seeds the first reach a level sooner, and later; never counts as later than any step."""
    steps, others = (np.where(np.isnan(x), np.inf, x) for x in (steps, others))
    return f"{(steps < others).sum()} sooner, {(steps > others).sum()} later"


def ratio(x: np.ndarray, others: np.ndarray) -> str:
    """The geometric mean of ratios, with its 95 % t interval in logarithms; empty where a number is missing."""
    mean, half = interval(np.log(x / others))
    if np.isnan(mean):
        return ""
    return f"× {np.exp(mean):.2f} ({np.exp(mean - half):.2f} to {np.exp(mean + half):.2f})"


def there(comparison: Comparison) -> bool:
    """Whether the data of all arms are there."""
    return all((DATA / arm.folder / "final.csv").exists() for arm in comparison.arms)


def own_arms(comparison: Comparison) -> list[Arm]:
    """The arms whose runs were made for this guide, not for Table 2."""
    return [arm for arm in comparison.arms if arm.method is None]


def draw(comparison: Comparison, path: Path) -> None:
    """Left the learning curves with 95 % bootstrap intervals, right the mean win rate of every seed, arm by arm."""
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(11, 4.5), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1))
        runs = compared(comparison)
        for arm, one in zip(comparison.arms, runs, strict=True):
            draw_mean(left, arm.words, one.curves)
        left.legend(loc="upper left", fontsize="small")
        left.set_xticks(range(0, 200_001, 50_000), ["0", "50k", "100k", "150k", "200k"])
        left.set(xlabel="environment-steps", ylabel="share won in training", ylim=(-0.02, 1.02))
        draw_seeds(right, comparison, runs, [line.get_color() for line in left.get_lines()])
        save(figure, path)


def draw_seeds(ax: Axes, comparison: Comparison, runs: list[Runs], colours: list[str]) -> None:
    """A line for each seed through the mean win rates of its runs."""
    means = np.stack([one.mean for one in runs])  # [arms, seeds]
    ax.plot(means, color="0.75", linewidth=1)
    for k, (values, colour) in enumerate(zip(means, colours, strict=True)):
        ax.plot(np.full(len(values), k), values, "o", color=colour)
    words = [arm.words.replace(", ", ",\n").replace(" MLP", "\nMLP") for arm in comparison.arms]
    ax.set_xticks(range(len(runs)), words, fontsize="small")
    ax.set(ylabel="mean over training", ylim=(0, None), xlim=(-0.4, len(runs) - 0.6))


def main() -> None:
    """Write the tables and the picture of every comparison whose data are there."""
    for comparison in filter(there, (MAIN, *OTHERS, *MAPS)):
        write_whole(DATA / f"{comparison.name}.md", f"{table(comparison)}\n\n{differences(comparison)}\n")
        for arm in own_arms(comparison):
            write_whole(DATA / arm.folder / "source.md", source(f"units/{arm.folder}") + "\n")
    if there(DRAWN):
        draw(DRAWN, BOOK / "_static" / "units_smax_2s3z.png")


if __name__ == "__main__":
    main()
