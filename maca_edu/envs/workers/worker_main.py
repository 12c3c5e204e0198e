"""What runs in a worker process. However it ends, all programs that it started end with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading

from maca_edu.envs.workers.commands import Close, Done, Failed, Lost, Resetting
from maca_edu.envs.workers.copies import Copies, Plan, report
from maca_edu.envs.workers.single import Broken


def work(plan: Plan, pipe, folder: str) -> None:
    """Serve until told to end. pipe: to the calling process; folder: where temporary files belong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setsid()  # a process group of its own
    threading.Thread(target=end_with_the_parent, args=(folder,), daemon=True).start()
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    try:
        serve(plan, pipe)
    finally:
        end(folder)


def serve(plan: Plan, pipe) -> None:
    """Make the copies, then carry out one command after another, until `Close` or a fault."""
    try:
        copies = Copies(plan, before_reset=lambda: pipe.send(Resetting()))
        while not isinstance(command := pipe.recv(), Close):
            copies.carry_out(command)
            pipe.send(Done())
        copies.close()
    except Broken as error:
        pipe.send(Lost(str(error)))
    except Exception as error:  # also where the calling process is gone: then nobody hears of it
        pipe.send(Failed(report(plan.rows, error)))


def end_with_the_parent(folder: str) -> None:
    """Wait until the calling process is gone, then end too."""
    multiprocessing.parent_process().join()
    end(folder)


def end(folder: str) -> None:
    """Remove the temporary files, then kill this process and all programs that it started."""
    shutil.rmtree(folder, ignore_errors=True)
    kill_group(os.getpid())


def kill_group(pid: int) -> None:
    """Kill the process group that a worker process leads; harmless where there is none."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
