"""How far a sweep is, in a terminal or a notebook: runs done, a bar for each run at work, time left.

All of it is read from the files that the runs write, so it does not matter where they run.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import NamedTuple

from tqdm.auto import tqdm

from maca_edu.experiments.jobs import Job, run_folder

MOST_BARS = 24
LAST_BYTES = 20_000  # of metrics.csv, in which its last row is looked for


class Reached(NamedTuple):
    """The last row of a run's metrics.csv, as far as it matters here."""

    updates: int
    seconds_per_step: float


class Progress:
    """The progress of a sweep: `look()` now and then, `end(job)` when a run has ended, `close()` at the end.

    jobs: all runs. unfinished: those that are still to be done. Where nobody is looking (no terminal, no notebook), a
    line is printed for each run that ends, and there are no bars.
    """

    def __init__(self, out: str | Path, jobs: list[Job], unfinished: list[Job]):
        self.out, self.unfinished, self.runs = out, list(unfinished), len(jobs)
        self.shown = sys.stderr.isatty() or "ipykernel" in sys.modules
        self.before = {job: last_row(run_folder(out, job)) for job in unfinished}  # what earlier commands left
        self.pace: dict[tuple[str, str], float] = {}  # seconds of an environment-step, by environment and arm
        self.at_work = 1
        self.bars: dict[Job, tqdm] = {}
        self.bar = tqdm(total=len(jobs), initial=len(jobs) - len(unfinished), unit=" runs", disable=not self.shown)

    def look(self) -> None:
        """Bring the bars up to date."""
        at_work = []
        for job in self.unfinished:
            reached = last_row(run_folder(self.out, job))
            if reached is None or reached == self.before[job]:
                continue
            at_work.append((job, reached))
            self.pace[job.env, job.arm] = reached.seconds_per_step
        self.at_work = max(len(at_work), 1)
        if not self.shown:
            return
        for job, reached in at_work:
            if job not in self.bars and len(self.bars) < MOST_BARS:
                self.bars[job] = tqdm(total=job.updates, desc=str(job), unit=" updates", leave=False)
            if job in self.bars:
                self.bars[job].n = reached.updates
                self.bars[job].refresh()
        self.bar.set_postfix_str(self.time_left())

    def end(self, job: Job) -> None:
        """A run has ended."""
        self.unfinished.remove(job)
        if job in self.bars:
            self.bars.pop(job).close()
        self.bar.update()
        if not self.shown:
            self.say(f"{self.runs - len(self.unfinished)} of {self.runs} runs have ended; {self.time_left()}")

    def time_left(self) -> str:
        """About how long the rest will take, in words: steps that are left, at the pace so far of their arms."""
        if not self.pace:
            return ""
        mean, seconds = sum(self.pace.values()) / len(self.pace), 0.0
        for job in self.unfinished:
            reached = last_row(run_folder(self.out, job))
            updates = job.updates - (0 if reached is None else reached.updates)
            seconds += updates * job.in_update * self.pace.get((job.env, job.arm), mean)
        return f"about {duration(seconds / self.at_work)} left"

    def say(self, sentence: str) -> None:
        """Write a line beside the bars."""
        tqdm.write(sentence, file=sys.stderr)

    def close(self) -> None:
        """Take the bars away."""
        for bar in self.bars.values():
            bar.close()
        self.bar.close()


def last_row(folder: Path) -> Reached | None:
    """How far a run is; None where it has not finished an update."""
    try:
        with open(folder / "metrics.csv", "rb") as file:
            names = file.readline()
            size = file.seek(0, 2)
            file.seek(max(size - LAST_BYTES, len(names)))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return None
    whole = lines[:-1]  # what stands behind the last line's end is not yet written to its end
    if not whole:
        return None
    try:
        row = dict(zip(*csv.reader([names.decode(errors="replace"), whole[-1]]), strict=False))
        return Reached(int(row["update"]), 1 / float(row["steps_per_second"]))
    except (csv.Error, KeyError, ValueError, ZeroDivisionError):
        return None


def duration(seconds: float) -> str:
    """So many seconds in words: 40 s, 12 min, 3 h 20 min, 2 days 4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, days = minutes // 60, minutes // 1440
    if hours == 0:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days == 0 else f"{days} days {hours % 24} h"
