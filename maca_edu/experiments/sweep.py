"""A sweep: many runs, several at a time, each in a directory of its own below the sweep's.

The sweep's directory holds plan.csv, the list of its runs. A finished run is left alone, and one that was cut off goes
on from its last checkpoint when the same command is given again. A run that fails is tried once more; then the others
go on without it, and its log, beside its directory, says why. When all runs are finished, `sweep_tables.gather` makes
tables of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Protocol

from maca_edu.checks import check_path
from maca_edu.experiments.jobs import Job, folder_of, log_file, run_folder, settings_of
from maca_edu.experiments.local_engine import LocalEngine
from maca_edu.experiments.plans import is_plan, write_plan
from maca_edu.experiments.run import check_run
from maca_edu.experiments.run_job import is_finished, source_of_game
from maca_edu.experiments.sweep_progress import Progress
from maca_edu.experiments.sweep_tables import (
    gather,
    read_curves,
    read_final,
    read_measured,
    result_of,
    wall_hours,
    write_tables,
)
from maca_edu.files import clear_leftovers, writing_to
from maca_edu.training.run_directory import RunDirectory, of_another_version

TABLES = ("plan", "curves", "final", "measured", "sweep")  # the stems of what a sweep itself writes
LOOK_EVERY = 0.5  # seconds between two looks at how far the runs are


class Engine(Protocol):
    """Whoever runs the jobs of a sweep: processes of this machine, or a cluster."""

    def submit(self, job: Job) -> None:
        """Take in a run, to be done when there is room for it."""

    @property
    def processes(self) -> int:
        """How many runs there can be at a time."""

    def finished(self, seconds: float) -> list[tuple[Job, str | None]]:
        """The runs that ended within so many seconds, each with None or the reason why it failed."""

    def close(self) -> None:
        """End all that is still at work."""


def sweep(out: str | Path, jobs: list[Job], command: str, engine: Engine | None = None) -> None:
    """Train every job that is not finished, several at a time, then write the sweep's tables.

    out: the sweep's directory, a new one, or one where some of these jobs were begun. command: what the user typed, for
    sweep.json. engine: None: one process for each processor of this machine. Raises ValueError where there are no jobs,
    where `out` holds other runs, tables of runs that are gone or files that no sweep wrote, where another sweep is
    writing to it, where a finished run is damaged, and where a run fails twice.
    """
    check_path("out", out)
    if not jobs:
        raise ValueError("jobs=[]; a sweep needs at least one environment, one method and one seed")
    for job in {dataclasses.replace(job, seed=0) for job in jobs}:
        check_run(job.env, job.method, job.steps, job.batch, job.config)
    engine = LocalEngine(out) if engine is None else engine
    with writing_to(out):
        clear_leftovers(Path(out), TABLES)
        try:
            train_and_gather(out, jobs, command, engine)
        except KeyboardInterrupt as stop:
            stop.add_note(f"what was finished or saved is kept in {str(out)!r}; the same command goes on from there")
            raise


def train_and_gather(out: str | Path, jobs: list[Job], command: str, engine: Engine) -> None:
    """`sweep`, in a directory to which nobody else writes."""
    refuse_what_is_no_sweep(Path(out))
    refuse_other_runs(out, jobs)
    refuse_another_game(out, jobs)
    refuse_tables_without_runs(out)
    wall_hours(Path(out) / "sweep.json")  # complains before anything is run
    unfinished = [job for job in jobs if not is_finished(run_folder(out, job), job)]
    write_plan(Path(out) / "plan.csv", jobs)
    began = time.perf_counter()
    failed = run_all(out, jobs, unfinished, engine)
    if failed:
        job, fault = next(iter(failed.items()))
        raise ValueError(
            f"{len(failed)} of {len(jobs)} runs failed; the first is {job}: {fault}; "
            f"its log is {log_file(out, job)}; the same command tries again"
        )
    in_order = sorted(jobs, key=lambda job: (job.env, job.arm, job.seed))
    runs = [run_folder(out, job) for job in in_order]
    if unfinished or not (Path(out) / "sweep.json").exists() or not tables_are_of(out, jobs):
        gather(out, runs, command, time.perf_counter() - began)
    else:  # no run is new, so nothing new is to be said of when and where
        write_tables(Path(out), runs)


def tables_are_of(out: str | Path, jobs: list[Job]) -> bool:
    """Whether the tables in `out` have exactly these runs. Not if a sweep was cut off between its last run and its
    tables, or if finished runs were copied there."""
    final = Path(out) / "final.csv"
    rows = read_final(final) if final.exists() else []
    return {(row.env, row.method, row.seed) for row in rows} == {(job.env, job.arm, job.seed) for job in jobs}


def run_all(out: str | Path, jobs: list[Job], unfinished: list[Job], engine: Engine) -> dict[Job, str]:
    """Have the engine run what is unfinished; returns the jobs that failed twice, each with the reason.

    When this process is stopped (Ctrl-C), the engine's workers are stopped too.
    """
    left, tried, failed = set(unfinished), set(), {}
    with contextlib.closing(engine), contextlib.closing(Progress(out, jobs, unfinished)) as progress:
        for job in unfinished:
            engine.submit(job)
        while left:
            for job, fault in engine.finished(LOOK_EVERY):
                if fault is not None and job not in tried:
                    tried.add(job)
                    progress.say(f"{job} failed and is tried once more: {fault}")
                    engine.submit(job)
                    continue
                left.remove(job)
                if fault is not None:
                    failed[job] = fault
                    progress.say(f"{job} failed twice: {fault}; its log is {log_file(out, job)}")
                progress.end(job)
            progress.look()
    return failed


def refuse_what_is_no_sweep(out: Path) -> None:
    """ValueError where `out` is the directory of a run, or its plan.csv is a file that no sweep wrote."""
    for name in ("config.json", "state.npz"):
        if (out / name).exists():
            raise ValueError(f"out={str(out)!r} is the directory of a run, with its {name}; name another directory")
    if (out / "plan.csv").exists() and not is_plan(out / "plan.csv"):
        raise ValueError(
            f"out={str(out)!r} holds a plan.csv that is no plan, and this sweep would write over it; name another "
            "directory"
        )


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
        if of_another_version(before):
            raise ValueError(
                f"out={str(out)!r} holds a run of a version of this library with other settings, {folder}; "
                "name another directory"
            )
        differ = [f"{name}={before.get(name)!r}, not {now[name]!r}" for name in now if before.get(name) != now[name]]
        if differ:
            raise ValueError(
                f"out={str(out)!r} holds a run with other settings, {folder}: {'; '.join(differ)}; "
                "name another directory"
            )


def refuse_another_game(out: str | Path, jobs: list[Job]) -> None:
    """ValueError where a finished run is of a user's game whose file has changed since: its seeds would be no arm."""
    games = {env: source_of_game(env) for env in {job.env for job in jobs}}
    for job in jobs:
        folder = run_folder(out, job)
        if games[job.env] is None or not (folder / "final.json").exists():
            continue
        before = result_of(folder).get("game", games[job.env])  # runs of earlier versions do not say it
        if before != games[job.env]:
            raise ValueError(
                f"out={str(out)!r} holds a run of {job.env}, {folder}, that was made before the file of that game was "
                "changed; name another directory"
            )


def refuse_tables_without_runs(out: str | Path) -> None:
    """ValueError where a table in `out` holds a run that is gone: new tables would not have it any more."""
    for name, read in (("final.csv", read_final), ("curves.csv", read_curves), ("measured.csv", read_measured)):
        file = Path(out) / name
        for env, arm, seed in dict.fromkeys(row[:3] for row in read(file)) if file.exists() else ():
            folder = folder_of(out, env, arm, seed)
            if not (folder / "config.json").exists():
                raise ValueError(
                    f"out={str(out)!r} holds a {name} with a run that is gone from its folder, {folder}, and this "
                    "sweep would write over it; name another directory"
                )
