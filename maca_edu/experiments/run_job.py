"""What a worker does with one run of a sweep: train it, play greedily, and write down the result.

The result, final.json, says what greedy play reached after training and, where the run made evaluations, with its best
checkpoint; and how the run was made: the seconds it took, the date, the processor, the commit, and for a game of the
user's own the SHA-256 of its file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, datetime
from pathlib import Path

from maca_edu.envs import options
from maca_edu.experiments.jobs import Job, log_file, run_folder
from maca_edu.experiments.monitor import summary
from maca_edu.experiments.provenance import commit, processor
from maca_edu.experiments.run import evaluate, train
from maca_edu.experiments.sweep_tables import clocks, result_of
from maca_edu.experiments.trust import KNOWN_GAMES
from maca_edu.files import open_regular, write_whole
from maca_edu.training.loop import NOT_EVALUATED, greedy_score
from maca_edu.training.run_directory import RunDirectory

FINAL_EPISODES = 100
FINAL_SEED = 10_000  # added to the run's seed for greedy play after training
BEST_SEED = 20_000  # added to the run's seed for greedy play of its best checkpoint
BEST_TIMES = 10  # so many times the episodes of an evaluation are played with the best checkpoint


def run_job(out: str | Path, job: Job) -> str | None:
    """Train a job, from its checkpoint if there is one; then play greedily and write the result to final.json.

    Returns None, or in one sentence why the run failed; its log says more.
    """
    folder = run_folder(out, job)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open_regular(log_file(out, job), "a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
            print(f"{datetime.now():%Y-%m-%d %H:%M:%S} {job} begins or goes on, on {socket.gethostname()}", flush=True)
            result = logged(lambda: train_and_play(folder, job))
            write_whole(folder / "final.json", json.dumps(result) + "\n")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def logged(work: Callable[[], dict]) -> dict:
    """What `work` returns; where it raises an exception, the log says where."""
    try:
        return work()
    except Exception:
        traceback.print_exc()
        raise


def train_and_play(folder: Path, job: Job) -> dict:
    """The result of a run, as final.json holds it.

    Its seconds are those of this process, and the updates' clocks of processes that were cut off before.
    """
    game = source_of_game(job.env)  # as it is when the game is made
    began, seconds_before = time.perf_counter(), clocks(RunDirectory(folder).rows(10**9))
    run = train(
        job.env,
        job.method,
        job.steps,
        job.seed,
        folder,
        batch=job.batch,
        config=job.config,
        resume=(folder / "config.json").exists(),
        save_every=job.save_every,
        progress=True,
        processes=1,  # a sweep has one run for each core instead
        device="cpu",
    )
    print(summary(run))
    result = evaluate(folder, FINAL_EPISODES, FINAL_SEED + job.seed, trust_env=job.env) | play_best(folder, job)
    seconds = seconds_before + time.perf_counter() - began
    made = dict(seconds=seconds, date=date.today().isoformat(), processor=processor(), commit=commit())
    return {"arm": job.arm} | result | made | ({} if game is None else {"game": game})


def source_of_game(env: str) -> str | None:
    """The SHA-256 of the file with a user's game, as in pettingzoo/my_game; None: the game comes with a package, or has
    no file. What the file imports does not count."""
    family, _, module = options.split(env)[0].partition("/")
    if family != "pettingzoo" or module in KNOWN_GAMES:
        return None
    try:
        return hashlib.sha256(Path(importlib.util.find_spec(module).origin).read_bytes()).hexdigest()
    except (ImportError, AttributeError, TypeError, ValueError, OSError):  # no such module, or one without a file
        return None


def play_best(folder: Path, job: Job) -> dict:
    """The absolute metric: what the checkpoint with the best greedy evaluation reaches on fresh seeds, in ten times as
    many episodes. {} where there were no evaluations, or a run began before best checkpoints were kept."""
    directory = RunDirectory(folder)
    scores = [greedy_score(row) for row in directory.rows(job.updates)]
    if max(scores) == NOT_EVALUATED or not directory.best.exists():
        return {}
    if directory.checkpoint(best=True)["updates"] != scores.index(max(scores)) + 1:
        return {}
    episodes = BEST_TIMES * job.config.evaluate_episodes
    result = evaluate(folder, episodes, BEST_SEED + job.seed, trust_env=job.env, best=True)
    return {f"best_{name}": value for name, value in result.items()}


def is_finished(folder: Path, job: Job) -> bool:
    """Whether a run has its result. Raises ValueError where the result is damaged, or the run's files do not agree."""
    file = folder / "final.json"
    if not os.path.lexists(file):
        return False
    missing = sorted({"return_mean", "return_std", "win_rate"} - result_of(folder).keys())
    if missing:
        raise ValueError(
            f"{str(file)!r} is damaged: it lacks {', '.join(missing)}; remove it, and the same command plays again"
        )
    RunDirectory(folder).lines_and_rows(job.updates)
    return True
