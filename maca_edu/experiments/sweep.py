"""A sweep: many runs, several at a time, each in a directory of its own below the sweep's.

A run that was cut off goes on from its last checkpoint when the same command is given again, and a finished run is left
alone. Beside a run's directory stands its log, which says why it failed if it did. When all runs are finished,
`sweep_tables.gather` makes tables of them.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import threading
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm.auto import tqdm

from maca_edu.checks import Count, Natural, check_fields, check_integer, check_path
from maca_edu.experiments.monitor import summary
from maca_edu.experiments.run import check_run, evaluate, train
from maca_edu.experiments.sweep_tables import gather
from maca_edu.files import clear_leftovers, open_regular, read_text, write_whole, writing_to
from maca_edu.training.config import Config
from maca_edu.training.methods import configured, find
from maca_edu.training.run_directory import RunDirectory

TABLES = ("curves", "final", "measured", "sweep")  # the stems of what a sweep itself writes
FINAL_EPISODES = 100
FINAL_SEED = 10_000  # added to the run's seed for greedy play after training


@dataclass(frozen=True)
class Job:
    """One run of a sweep: all that decides it.

    env, method: names, as in `experiments.run.train`. steps: environment-steps of the run, at most. batch: environments
    stepped together. config: every other setting. save_every: updates between two checkpoints; decides nothing else.
    Raises ValueError where one is wrong, or the steps are not enough for one update.
    """

    env: str
    method: str
    seed: Natural
    steps: Count
    batch: Count
    config: Config
    save_every: Count = 20

    def __post_init__(self):
        check_fields(self)
        in_update = self.config.rollout * self.batch
        if self.steps < in_update:
            raise ValueError(f"steps={self.steps}; one update takes rollout * batch = {in_update} steps")

    def __str__(self) -> str:
        return f"{self.method} in {self.env}, seed {self.seed}"


def sweep(out: str | Path, jobs: list[Job], command: str, processes: int = 2) -> None:
    """Train every job that is not finished, `processes` at a time, then write the sweep's tables.

    out: the sweep's directory, a new one, or one where some of these jobs were begun. command: what the user typed, for
    sweep.json. Raises ValueError where there are no jobs, where `out` holds other runs or another sweep is writing to
    it, where a finished run is damaged, and where a run fails.
    """
    check_integer("processes", processes, 1)
    check_path("out", out)
    if not jobs:
        raise ValueError("jobs=[]; a sweep needs at least one environment, one method and one seed")
    for job in {dataclasses.replace(job, seed=0) for job in jobs}:
        check_run(job.env, job.method, job.steps, job.batch, job.config)
    with writing_to(out):
        clear_leftovers(Path(out), TABLES)
        try:
            train_and_gather(out, jobs, command, processes)
        except KeyboardInterrupt as stop:
            stop.add_note(f"what was finished or saved is kept in {str(out)!r}; the same command goes on from there")
            raise


def train_and_gather(out: str | Path, jobs: list[Job], command: str, processes: int) -> None:
    """`sweep`, in a directory to which nobody else writes."""
    refuse_other_runs(out, jobs)
    unfinished = [job for job in jobs if not is_finished(run_folder(out, job), job)]
    faults = run_all(out, unfinished, processes)
    failed = [(job, fault) for job, fault in zip(unfinished, faults, strict=True) if fault is not None]
    if failed:
        job, fault = failed[0]
        raise ValueError(
            f"{len(failed)} of {len(jobs)} runs failed; the first is {job}: {fault}; "
            f"its log is {log_file(out, job)}; the same command tries again"
        )
    in_order = sorted(jobs, key=lambda job: (job.env, job.method, job.seed))
    gather(out, [run_folder(out, job) for job in in_order], command)


def is_finished(folder: Path, job: Job) -> bool:
    """Whether a run has its result. Raises ValueError where the result is damaged, or the run's files do not agree."""
    file = folder / "final.json"
    if not os.path.lexists(file):
        return False
    try:
        result = json.loads(read_text(file, 10_000))
        good = {"return_mean", "return_std", "win_rate"} <= result.keys()
    except (json.JSONDecodeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise ValueError(f"{str(file)!r} is damaged; remove it, and the same command plays again")
    RunDirectory(folder).lines_and_rows(job.steps // (job.config.rollout * job.batch))
    return True


def run_folder(out: str | Path, job: Job) -> Path:
    """The directory of a job's run: out/environment/method/seed."""
    env = job.env.replace("/", "-").replace("?", "-")
    return Path(out) / env / job.method / str(job.seed)


def log_file(out: str | Path, job: Job) -> Path:
    """The log of a job, beside its directory."""
    folder = run_folder(out, job)
    return folder.with_name(f"{folder.name}.log.txt")


def settings_of(job: Job) -> dict:
    """What the run's config.json will say, if it is this job's."""
    settings = dict(env=job.env, method=job.method, seed=job.seed, steps=job.steps, batch=job.batch)
    settings |= dataclasses.asdict(configured(find(job.method), job.config))
    return json.loads(json.dumps(settings))  # JSON has lists where Python has tuples


def refuse_other_runs(out: str | Path, jobs: list[Job]) -> None:
    """ValueError where `out` holds a run that is none of the jobs, or that was begun with other settings.

    So the tables of a sweep never mix settings, and hold exactly what the command in sweep.json asks for.
    """
    wanted = {run_folder(out, job): job for job in jobs}
    for file in sorted(Path(out).glob("*/*/*/config.json")):
        folder = file.parent
        if folder not in wanted:
            raise ValueError(
                f"out={str(out)!r} holds another run, {folder}; ask for that environment, method and seed too, "
                "or name another directory"
            )
        before, now = RunDirectory(folder).settings(), settings_of(wanted[folder])
        differ = [f"{name}={before.get(name)!r}, not {now[name]!r}" for name in now if before.get(name) != now[name]]
        if differ:
            raise ValueError(
                f"out={str(out)!r} holds a run with other settings, {folder}: {'; '.join(differ)}; "
                "name another directory"
            )


def run_all(out: str | Path, jobs: list[Job], processes: int) -> list[str | None]:
    """Run the jobs in worker processes; returns for each None, or in one sentence why it failed.

    Raises RuntimeError where a worker dies. When this process is stopped (Ctrl-C), its workers are stopped too.
    """
    fresh = multiprocessing.get_context("spawn")  # a copy of this process (fork) can hang in torch's threads
    others = multiprocessing.active_children()
    with ProcessPoolExecutor(processes, mp_context=fresh, initializer=begin_worker) as pool:
        try:
            tasks = [pool.submit(run_job, out, job) for job in jobs]
            for _ in tqdm(as_completed(tasks), total=len(tasks), unit=" runs"):
                pass
            return [task.result() for task in tasks]
        except BrokenProcessPool:
            raise RuntimeError(
                "a worker process of the sweep was killed, perhaps because memory ran out; "
                "the same command goes on with the sweep, with --processes 1 in less memory"
            ) from None
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                if worker not in others:
                    worker.terminate()
            raise


def begin_worker() -> None:
    """Prepare a worker process: one thread, and its end comes with its parent's.

    As many runs as processors, with a thread each, are faster than one run on all processors. A worker that outlived
    its parent would write to the same files as the worker of the next command.
    """
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends its workers
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Wait until the parent process is gone, then end this one."""
    multiprocessing.parent_process().join()
    os._exit(1)


def run_job(out: str | Path, job: Job) -> str | None:
    """Train a job, from its checkpoint if there is one; then play greedily and write the result to final.json.

    Returns None, or in one sentence why the run failed; its log says more.
    """
    folder = run_folder(out, job)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open_regular(log_file(out, job), "a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        try:
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
            result = evaluate(folder, FINAL_EPISODES, FINAL_SEED + job.seed, trust_env=job.env)
        except Exception as error:
            traceback.print_exc()
            return f"{type(error).__name__}: {error}"
        write_whole(folder / "final.json", json.dumps(result) + "\n")
    return None
