"""The engine of a sweep on one machine: worker processes with one thread each, as many as processors and memory allow.

A worker takes one run after the other. When one is killed, perhaps because memory ran out, its run counts as failed,
and from then on one worker less is kept.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch

from maca_edu.checks import check_integer
from maca_edu.experiments.jobs import Job
from maca_edu.experiments.memory import free_memory, held_by
from maca_edu.experiments.parallel import cores
from maca_edu.experiments.run_job import run_job

FIRST_GUESS = 2**30  # bytes that a run is taken to need before one has shown what it needs
KILLED = "its process was killed, perhaps because memory ran out"


@dataclass
class Worker:
    """A worker process, the pipe to it, and the run that it is at; None: it waits."""

    process: multiprocessing.Process
    pipe: Connection
    job: Job | None = None


class LocalEngine:
    """Runs jobs on this machine; `sweep.Engine` says what the methods do. processes: at most so many; None: one for
    each processor."""

    def __init__(self, out: str | Path, processes: int | None = None):
        self.out = out
        self.processes = cores() if processes is None else check_integer("processes", processes, 1)
        self.waiting: deque[Job] = deque()
        self.workers: list[Worker] = []
        self.need = FIRST_GUESS

    def submit(self, job: Job) -> None:
        """Take in a run."""
        self.waiting.append(job)

    def finished(self, seconds: float) -> list[tuple[Job, str | None]]:
        """The runs that ended within so many seconds, each with None or the reason why it failed."""
        self.hand_out()
        ready = wait([worker.pipe for worker in self.workers], timeout=seconds)
        heard = [self.hear(worker) for worker in list(self.workers) if worker.pipe in ready]
        return [(job, fault) for job, fault in heard if job is not None]

    def hand_out(self) -> None:
        """Give a run to every worker that waits, and start further workers while there are runs and memory for them."""
        while self.waiting:
            idle = [worker for worker in self.workers if worker.job is None and worker.process.is_alive()]
            if not idle and (len(self.workers) >= self.processes or not self.has_room()):
                return
            worker = idle[0] if idle else self.start_worker()
            worker.job = self.waiting.popleft()
            worker.pipe.send(worker.job)

    def has_room(self) -> bool:
        """Whether one more worker fits beside what the present ones will still take; the first one always does.

        Every run is taken to need as much as the one that has needed most.
        """
        free, held = free_memory(), [held_by(worker.process.pid) for worker in self.workers]
        if not self.workers or free is None or None in held:
            return True
        self.need = max(self.need, *(memory.peak for memory in held))
        still_to_come = sum(self.need - memory.now for memory in held)
        return free >= still_to_come + self.need

    def start_worker(self) -> Worker:
        """A new worker."""
        fresh = multiprocessing.get_context("spawn")  # a copy of this process (fork) can hang in torch's threads
        here, there = fresh.Pipe()
        process = fresh.Process(target=work, args=(self.out, there), daemon=True)
        process.start()
        there.close()
        self.workers.append(Worker(process, here))
        return self.workers[-1]

    def hear(self, worker: Worker) -> tuple[Job | None, str | None]:
        """What a worker says of its run; a worker that was killed says nothing more, and may have had no run."""
        job = worker.job
        try:
            fault = worker.pipe.recv()
        except (EOFError, OSError):
            self.workers.remove(worker)
            self.processes = max(len(self.workers), 1)
            fault = KILLED
        worker.job = None
        return job, fault

    def close(self) -> None:
        """End all workers, those that are in the midst of a run, too."""
        for worker in self.workers:
            worker.pipe.close()  # tells a worker that waits to end by itself
            if worker.job is not None:
                worker.process.terminate()
        for worker in self.workers:
            worker.process.join()


def work(out: str | Path, pipe: Connection) -> None:
    """What a worker process does: the runs that come through the pipe, one after the other."""
    begin_worker()
    with contextlib.suppress(EOFError):  # the parent is gone
        while True:
            pipe.send(run_job(out, pipe.recv()))


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
