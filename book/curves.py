"""Draw the learning curves of the guide "Learning curves", and write its tables, from the data in book/data.

    python book/curves.py

Each folder of book/data is what `maca-edu sweep` left behind: curves.csv, final.csv, measured.csv, sweep.json.
"""

import json
import re
from pathlib import Path

import numpy as np

from maca_edu.experiments.learning_curves import draw_sweep
from maca_edu.experiments.sweep_tables import read_curves, read_final, read_measured
from maca_edu.files import write_whole

BOOK = Path(__file__).parent
DATA = BOOK / "data"
FIGURES = {
    "fridge": "return_mean",
    "practice": "return_mean",
    "smax_2s3z": "greedy_win_rate",
    "spread": "greedy_return_mean",
}


def table(name: str) -> str:
    """Greedy play after training, a row for each method: mean over seeds, worst and best seed, minutes."""
    finals, measured = read_final(DATA / name / "final.csv"), read_measured(DATA / name / "measured.csv")
    wins = np.isfinite(finals[0].win_rate)
    what = f"greedy {'win rate' if wins else 'return'}, mean"
    lines = [f"| method | seeds | {what} | worst seed | best seed | time of a run |", "|---" * 6 + "|"]
    for method in dict.fromkeys(row.method for row in finals):
        x = np.array([row.win_rate if wins else row.return_mean for row in finals if row.method == method])
        minutes = np.array([row.minutes for row in measured if row.method == method])
        numbers = " | ".join(f"{value:.2f}" for value in (x.mean(), x.min(), x.max()))
        lines.append(f"| {method} | {len(x)} | {numbers} | {duration(minutes)} |")
    return "\n".join(lines)


def duration(minutes: np.ndarray) -> str:
    """The shortest and the longest run."""
    if minutes.max() < 1:
        return f"{60 * minutes.min():.0f} to {60 * minutes.max():.0f} s"
    return f"{minutes.min():.1f} to {minutes.max():.1f} min"


def measured(name: str, columns: dict[str, str]) -> str:
    """What the runs measured, means over their seeds, a column for each method; columns: name in the data -> words."""
    rows = read_measured(DATA / name / "measured.csv")
    methods = list(dict.fromkeys(row.method for row in rows))
    lines = ["| measured | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for column, words in columns.items():
        means = [np.mean([row.means.get(column, np.nan) for row in rows if row.method == method]) for method in methods]
        lines.append(f"| {words} | " + " | ".join("" if np.isnan(x) else f"{x:.3f}" for x in means) + " |")
    return "\n".join(lines)


def source(name: str) -> str:
    """The command, the date and the versions."""
    about = json.loads((DATA / name / "sweep.json").read_text())
    versions = ", ".join(f"{package} {number}" for package, number in about["versions"].items())
    command = about["command"].replace("maca-edu sweep", f"maca-edu sweep --out runs/{name}")
    words = re.findall(r"(?:'[^']*'|\S)+", command)  # what stands in quotes is one word
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < 84:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    command = " \\\n    ".join(lines)
    return f"```\n{command}\n```\n\n{about['date']}; {versions}."


NOISE = {
    "noise_joint": "share of noise in the gradient with the joint baseline",
    "noise_critic": "share of noise with the critic's Q in place of the return",
    "variance_joint": "variance of the gradient with the joint baseline, over that without any",
    "variance_individual": "the same with the individual baseline",
    "variance_corrset": "with the CorrSet baseline",
    "variance_method": "with the baseline that it was trained with",
    "variance_critic": "with the critic's Q in place of the return",
    "cosine_critic": "cosine of that gradient with the joint baseline's",
    "action_r2": "R² of the critic's action part",
    "corrset_size": "agents in a CorrSet",
}


def main() -> None:
    """Write every figure and table whose data are there."""
    for name, column in FIGURES.items():
        folder = DATA / name
        if not (folder / "curves.csv").exists():
            continue
        draw_sweep(read_curves(folder / "curves.csv"), column, BOOK / "_static" / f"curves_{name}.png")
        write_whole(folder / "table.md", f"{table(name)}\n\n{source(name)}\n")
        if "variance_joint" in read_measured(folder / "measured.csv")[0].means:
            write_whole(folder / "measured.md", measured(name, NOISE) + "\n")


if __name__ == "__main__":
    main()
