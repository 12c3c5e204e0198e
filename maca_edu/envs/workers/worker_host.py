"""The host of copies in a process of its own, as the calling process sees it: start, time limits, kill."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.process
import shutil
import signal
import tempfile
import time

from maca_edu.envs.workers.commands import Close, Command, Done, Failed, Lost, Replay, Reset, Resetting, Step
from maca_edu.envs.workers.copies import Plan
from maca_edu.envs.workers.single import Limits
from maca_edu.envs.workers.worker_main import kill_group, work

SPAWN = multiprocessing.get_context("spawn")


class WorkerHost:
    """The host of copies in a worker process, which starts with the first command. See `hosts.Host`."""

    def __init__(self, plan: Plan, limits: Limits):
        self.plan, self.limits, self.rows, self.failures = plan, limits, plan.rows, 0
        self.process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Start the process. Its temporary files are in a folder that is removed with it."""
        self.folder = tempfile.mkdtemp(prefix="maca-edu-")
        self.pipe, theirs = SPAWN.Pipe()
        process = SPAWN.Process(target=work, args=(self.plan, theirs, self.folder), daemon=True)
        old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: Ctrl-C is not for the child
        try:
            process.start()
            self.process = process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)
            theirs.close()
            if self.process is None:
                shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, command: Command) -> None:
        """Send a command, and set the time by which it must be carried out."""
        self.seconds = len(self.rows) * seconds_for(command, self.limits)
        if self.process is None:
            self.seconds += self.limits.start
            self.start()
        self.deadline = time.monotonic() + self.seconds
        with contextlib.suppress(OSError):  # the process may be dead, as finish will find
            self.pipe.send(command)

    def finish(self) -> str | None:
        """Wait until it is carried out. Returns why the process is lost, None where all is well.

        Raises RuntimeError where a copy raised an exception that is not `Broken`.
        """
        while True:
            if not self.pipe.poll(max(self.deadline - time.monotonic(), 0.0)):
                return f"no answer in {self.seconds:g} seconds"
            try:
                answer = self.pipe.recv()
            except (EOFError, OSError):
                self.process.join(1.0)
                return f"its process ended with code {self.process.exitcode}"
            match answer:
                case Resetting():
                    self.deadline += self.limits.reset
                    self.seconds += self.limits.reset
                case Lost(reason):
                    return reason
                case Failed(report):
                    raise RuntimeError(report)
                case Done():
                    return None

    def say_goodbye(self) -> None:
        """Ask the process to close its copies and end."""
        if self.process is not None:
            with contextlib.suppress(OSError):  # it may be dead already
                self.pipe.send(Close())

    def wait(self, until: float) -> None:
        """Wait for the process to end, until `time.monotonic()` is `until`."""
        if self.process is not None:
            multiprocessing.connection.wait([self.process.sentinel], max(until - time.monotonic(), 0.0))

    def kill(self) -> None:
        """Kill the process and all programs that it started, and remove its temporary files."""
        process, self.process = self.process, None
        if process is None:
            return
        kill_group(process.pid)
        process.kill()
        process.join()
        process.close()
        self.pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def seconds_for(command: Command, limits: Limits) -> float:
    """How long a command may take for each copy; the resets that follow a step are added when they begin."""
    match command:
        case Reset():
            return limits.reset
        case Step():
            return limits.step
        case Replay(played):
            return limits.reset + limits.step * max(map(len, played))
