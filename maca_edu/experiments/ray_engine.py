"""The engine of a sweep on many machines: every run is a task of Ray's, with one processor and some memory.

Ray is started here, or is the one of a cluster that `ray start` has begun. The sweep's directory must be one that all
machines of the cluster see under the same name. Where a worker or a whole machine is lost, Ray gives its runs to
others, which go on from the checkpoints.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import torch

from maca_edu.experiments.jobs import Job, run_folder
from maca_edu.experiments.run_job import run_job
from maca_edu.files import writing_to
from maca_edu.installing import install_command

MEMORY = 2 * 2**30  # bytes that a run is given; a machine takes no more runs than fit
LOSSES = 5  # so often a run may lose its worker or its machine
PATIENCE = 60  # seconds in which the lock of a lost worker may stay


class RayEngine:
    """Runs jobs as tasks of Ray's; `sweep.Engine` says what the methods do.

    address: "auto" for the cluster that this machine belongs to, or host:port of its head; None: that of the
    environment's RAY_ADDRESS, or where there is none a Ray of this machine alone. Raises ValueError where the package
    ray is missing or the cluster does not answer.
    """

    def __init__(self, out: str | Path, address: str | None = None):
        self.out, self.jobs = Path(out).absolute(), {}  # jobs: what Ray promises -> which job it is
        self.ray = start_ray(address)
        self.task = self.ray.remote(num_cpus=1, memory=self.memory(), max_retries=LOSSES)(run_task)

    @property
    def processes(self) -> int:
        """How many runs the cluster can take at a time, as it is now."""
        has = self.ray.cluster_resources()
        return int(max(min(has.get("CPU", 1), has.get("memory", MEMORY) // self.memory()), 1))

    def memory(self) -> int:
        """The bytes that a run is given: MEMORY, or what the largest machine has."""
        largest = max(node["Resources"].get("memory", 0) for node in self.ray.nodes() if node["Alive"])
        return int(min(MEMORY, largest))

    def submit(self, job: Job) -> None:
        """Take in a run."""
        self.jobs[self.task.remote(str(self.out), job)] = job

    def finished(self, seconds: float) -> list[tuple[Job, str | None]]:
        """The runs that ended within so many seconds, each with None or the reason why it failed."""
        done, _ = self.ray.wait(list(self.jobs), num_returns=1, timeout=seconds)
        return [(self.jobs.pop(promise), self.fault_of(promise)) for promise in done]

    def fault_of(self, promise) -> str | None:
        """What a task that has ended says."""
        try:
            return self.ray.get(promise)
        except self.ray.exceptions.RayError as error:
            return f"its worker was lost {LOSSES + 1} times: {str(error).splitlines()[0]}"

    def close(self) -> None:
        """End all tasks that are still at work, and leave the cluster."""
        self.ray.shutdown()


def start_ray(address: str | None):
    """The package ray, connected to a cluster. Raises ValueError where that cannot be."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        import ray
    except ImportError:
        raise ValueError(f"engine='ray' needs the package ray; get it with: {install_command('cluster')}") from None
    refuse_silent(address)
    try:
        ray.init(address, include_dashboard=None if address else False, log_to_driver=False, logging_level="error")
    except Exception as error:  # Ray has no class for its own: a plain Exception where it could not be started in time
        raise ValueError(f"address={address!r}: Ray does not start or answer: {str(error).splitlines()[0]}") from None
    return ray


def refuse_silent(address: str | None) -> None:
    """ValueError where nobody listens at host:port; Ray itself would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host, int(port)), timeout=5.0).close()
    except (OSError, ValueError, OverflowError):
        raise ValueError(f"address={address!r}: nobody answers there; allowed are auto, or host:port") from None


def run_task(out: str, job: Job) -> str | None:
    """What a worker does with one run: `run_job`, with one thread, once a lost worker has let go of the run."""
    torch.set_num_threads(1)
    wait_for_lock(run_folder(out, job))
    return run_job(out, job)


def wait_for_lock(folder: Path) -> None:
    """Wait until nobody writes to the folder, or PATIENCE is at its end.

    A worker that lost its machine's Ray ends a moment later, and a file system that is shared by machines may take a
    while to notice that a lock's owner is gone.
    """
    for _ in range(PATIENCE):
        try:
            with writing_to(folder):
                return
        except ValueError:
            time.sleep(1.0)
