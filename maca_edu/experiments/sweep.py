"""Many runs, and what they say together: curves with intervals, and greedy play at the end.

A sweep's directory has a run directory for each environment, method and seed. A sweep that was stopped goes on where
it was when the same command is given again; finished runs are left alone. `gather` makes three files of them

    curves.csv   env, method, seed, env_steps, and what was reached, at most 50 rows for each run
    final.csv    env, method, seed, and greedy play after training: 100 episodes on seeds never used before
    sweep.json   the command, the versions, the date
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import platform
import shlex
import traceback
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from maca_edu.experiments.monitor import smooth
from maca_edu.experiments.run import evaluate
from maca_edu.files import write_whole
from maca_edu.training.run_directory import RunDirectory

CURVES = ("return_mean", "win_rate", "greedy_return_mean", "greedy_win_rate")
ROWS = 50
FINAL_SEED = 10_000  # added to the run's seed


def sweep(
    run, out, envs, methods, seeds: int, steps: int, options: str = "", processes: int = 2, first_seed: int = 0
) -> None:
    """Train every method in every environment on `seeds` seeds from first_seed on, `processes` at a time, then gather.

    run: the command line, `cli.main`, which is given the words of `maca-edu train`. options: more such words.
    Raises ValueError where a run fails; its log says why.
    """
    jobs = [(env, method, seed) for seed in range(first_seed, first_seed + seeds) for env in envs for method in methods]
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=fresh, initializer=torch_alone) as pool:
        tasks = [pool.submit(one, run, out, *job, steps, options) for job in jobs]
        codes = [task.result() for task in tqdm(tasks, unit=" runs")]
    failed = [job for job, code in zip(jobs, codes, strict=True) if code]
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(jobs)} runs failed, the first {failed[0]}; the log beside its directory says why"
        )
    command = f"maca-edu sweep --envs {' '.join(map(shlex.quote, envs))} --methods {' '.join(methods)}"
    command += f" --seeds {seeds} --steps {steps}"
    command += f" --first-seed {first_seed}" if first_seed else ""
    gather(out, command + (f" --options={shlex.quote(options)}" if options else ""))


def torch_alone() -> None:
    """One thread for torch: as many runs as processors are faster than one run on all of them."""
    import torch

    torch.set_num_threads(1)


def one(run, out, env: str, method: str, seed: int, steps: int, options: str) -> int:
    """One run, begun or gone on with, and its greedy play; 0 where it went well."""
    path = folder(out, env, method, seed)
    if (path / "final.json").exists():
        return 0
    words = ["train", "--env", env, "--method", method, "--seed", str(seed), "--steps", str(steps)]
    words += ["--out", str(path), *shlex.split(options)] + (["--resume"] if (path / "config.json").exists() else [])
    path.parent.mkdir(parents=True, exist_ok=True)
    log = path.with_name(f"{path.name}.log.txt")
    with open(log, "a") as file, redirect_stdout(file), redirect_stderr(file):
        try:
            code = run(words)
        except SystemExit as stop:  # a word that the command line does not know
            code = stop.code
        except Exception:
            traceback.print_exc(file=file)
            code = 1
        if code == 0:
            write_whole(path / "final.json", json.dumps(evaluate(path, 100, FINAL_SEED + seed)) + "\n")
    return code


def folder(out, env: str, method: str, seed: int) -> Path:
    """Where a run of a sweep lives."""
    return Path(out) / env.replace("/", "-").replace("?", "-") / method / str(seed)


def gather(out, command: str) -> None:
    """Write the four files from the runs in `out`."""
    curves, finals, measured = [], [], []
    for path in sorted(Path(out).glob("*/*/*/final.json"), key=lambda p: (*p.parts[-4:-2], int(p.parts[-2]))):
        run = RunDirectory(path.parent)
        names = {name: run.settings()[name] for name in ("env", "method", "seed")}
        finals.append(names | json.loads(path.read_text()))
        rows = run.rows(10**9)
        curves += [names | row for row in thin(rows)]
        measured.append(names | means(rows))
    write(Path(out) / "curves.csv", curves)
    write(Path(out) / "measured.csv", measured)
    write(Path(out) / "final.csv", finals)
    versions = {name: version(name) for name in ("maca-edu", "torch", "numpy", "cma")} | {
        "python": platform.python_version()
    }
    about = {"command": command, "date": date.today().isoformat(), "versions": versions}
    write_whole(Path(out) / "sweep.json", json.dumps(about, indent=2) + "\n")


def means(rows: list[dict]) -> dict[str, str]:
    """Of one run: the minutes it took, and the means of what was measured, over the updates where it was."""
    minutes = sum(row[name] for row in rows for name in ("env_seconds", "act_seconds", "learn_seconds")) / 60
    first = list(rows[0]).index("advantage_std")
    names = list(rows[0])[first + 1 : list(rows[0]).index("policy_loss")]
    table = {name: np.array([row[name] for row in rows], dtype=float) for name in names}
    known = {name: x[np.isfinite(x)] for name, x in table.items()}
    return {"minutes": f"{minutes:.2f}"} | {name: f"{x.mean():.4g}" for name, x in known.items() if len(x)}


def thin(rows: list[dict]) -> list[dict]:
    """At most ROWS of a run's rows, evenly spread, the last among them: running means of what was reached."""
    kept = np.unique(np.linspace(0, len(rows) - 1, ROWS).round().astype(int))
    names = [name for name in CURVES if name in rows[0]]
    columns = {name: np.array([row[name] for row in rows], dtype=float) for name in names}
    columns = {name: x if name.startswith("greedy") else smooth(x) for name, x in columns.items()}
    if any(name.startswith("greedy") for name in names):  # measured now and then: keep those rows
        kept = np.flatnonzero(np.isfinite(columns["greedy_return_mean"]))
    return [{"env_steps": rows[k]["env_steps"]} | {name: f"{x[k]:.5g}" for name, x in columns.items()} for k in kept]


def write(path: Path, rows: list[dict]) -> None:
    """A csv of rows, whole or not at all; columns that some rows lack stay empty there."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def read(path) -> list[dict]:
    """The rows of such a csv; numbers as numbers, empty entries as NaN. ValueError where there is no such file."""
    if not Path(path).exists():
        raise ValueError(f"{str(path)!r} is not there; maca-edu sweep writes it when all runs are done")
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        return [{k: v if k in ("env", "method") else float(v or "nan") for k, v in row.items()} for row in rows]


def draw(out, column: str, path, methods=None, draws: int = 2_000) -> None:
    """Learning curves of a sweep in one environment: means over seeds, with bootstrap intervals of 95 %.

    Up to four methods share the axes; more get axes of their own, with the others in grey. Raises ValueError where the
    sweep has no such column or method, or several environments.
    """
    from importlib.resources import files

    import matplotlib.style
    from matplotlib.figure import Figure

    curves = by_method(read(Path(out) / "curves.csv"), column, methods)
    together = len(curves) <= 4
    with matplotlib.style.context(str(files("maca_edu") / "maca.mplstyle")):
        columns = 1 if together else 4
        rows = 1 if together else -(-len(curves) // columns)
        figure = Figure(figsize=(8, 4.5) if together else (10, 2.3 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for k, (method, (steps, table)) in enumerate(curves.items()):
            ax = grid[0 if together else k]
            if not together:
                ax.set_title(method, fontsize="medium")
                for other, (_, others) in curves.items():
                    if other != method:
                        ax.plot(steps[: others.shape[1]], others.mean(axis=0)[: len(steps)], color="0.85", linewidth=1)
            mean, low, high = interval(table, draws)
            (line,) = ax.plot(steps, mean, label=method)
            ax.fill_between(steps, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
        if together:
            grid[0].legend()
        for ax in grid[len(curves) :]:
            ax.set_visible(False)
        figure.supxlabel("environment-steps", fontsize="medium")
        figure.supylabel(column.replace("_", " "), fontsize="medium")
        figure.savefig(path)


def by_method(rows: list[dict], column: str, methods=None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{method: steps `[K]` and the column `[seeds, K]`}; ValueError where it is not there."""
    known = list(dict.fromkeys(row["method"] for row in rows))
    envs = sorted({row["env"] for row in rows})
    if len(envs) != 1:
        raise ValueError(f"the sweep has curves of {', '.join(envs) or 'nothing'}; expected one environment")
    if column not in rows[0]:
        raise ValueError(f"column={column!r}; the sweep has {', '.join(list(rows[0])[4:])}")
    for method in methods or ():
        if method not in known:
            raise ValueError(f"method={method!r}; the sweep has {', '.join(known)}")
    return {m: aligned([row for row in rows if row["method"] == m], column) for m in methods or known}


def aligned(rows: list[dict], column: str) -> tuple[np.ndarray, np.ndarray]:
    """The steps `[K]` and the column `[seeds, K]` of one method's rows."""
    seeds = sorted({row["seed"] for row in rows})
    by_seed = [[(row["env_steps"], row[column]) for row in rows if row["seed"] == seed] for seed in seeds]
    steps = np.array([step for step, _ in by_seed[0]])
    return steps, np.array([[value for _, value in series] for series in by_seed])


def interval(table: np.ndarray, draws: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the seeds `[seeds, K]` and the ends of its 95 % percentile bootstrap interval, each `[K]`."""
    picks = np.random.default_rng(seed).integers(len(table), size=(draws, len(table)))
    low, high = np.percentile(table[picks].mean(axis=1), [2.5, 97.5], axis=0)
    return table.mean(axis=0), low, high
