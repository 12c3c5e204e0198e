"""One training in several processes: this one, and helpers that it starts on the same machine.

Each process has its share of the environments and computes with one thread. This one is process 0: it alone writes,
reports and evaluates. What may go wrong, and what happens then:

* A helper dies or fails: the next meeting fails in this process, which says so in one sentence with the helper's last
  words. What was saved is whole, and the run can be resumed.
* This process ends, is killed or interrupted: the helpers notice that their input has ended, and end too.

Helpers are new Python processes that import this library and nothing of the caller's, so this works in scripts without
`if __name__ == "__main__":`, in notebooks and at the command line.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from maca_edu import envs
from maca_edu.checks import shown
from maca_edu.experiments.memory import keep_memory
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.methods import Method
from maca_edu.training.processes import ManyProcesses, OneProcess, Processes

SMALL = (
    8_192  # steps in a rollout, of all environments, below which there is one process unless more are asked for: with
)
# 16,384 two processes were 1.4 to 1.9 times as fast as one, with 1,600 about as fast (book/data/bench/worlds.txt)


class Share(NamedTuple):
    """What a helper is told."""

    rank: int
    count: int  # processes
    meeting: str
    env: str
    batch: int  # environments of each process
    method: str | Method
    steps: int
    seed: int
    config: Config
    save_every: int
    device: str


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(asked: int | None, method: Method, config: Config, batch: int) -> int:
    """How many processes a training gets.

    asked: a number, or None: as many as there are cores, at most one for each environment and a number that divides
    them; but one where a rollout is small, or where the method cannot be sent to other processes. Raises ValueError
    where the number asked for is not possible.
    """
    if asked is None:
        if config.rollout * batch < SMALL or not can_be_sent(method):
            return 1
        return max(n for n in range(1, min(cores(), batch) + 1) if batch % n == 0)
    if type(asked) is not int or asked < 1 or batch % asked:
        divisors = ", ".join(str(n) for n in range(1, batch + 1) if batch % n == 0)
        raise ValueError(f"processes={shown(asked)}; for {batch} environments allowed are {divisors}")
    if asked > 1 and not can_be_sent(method):
        raise ValueError(
            f"processes={asked}; method={method.name!r} is defined in a notebook or a script, where other processes "
            "cannot find it: put it into a module of its own, or take processes=1"
        )
    return asked


def can_be_sent(method: Method) -> bool:
    """Whether another Python process can import all that the method consists of."""
    try:
        words = pickle.dumps(method)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return b"__main__" not in words


@contextlib.contextmanager
def helpers(share: Share) -> Iterator[Processes]:
    """Start the helpers 1, 2, ... that `share` describes (its own rank is 0), and meet them; they end with the block.

    Raises RuntimeError, with a helper's last words, where one failed.
    """
    if share.count == 1:
        yield OneProcess()
        return
    with tempfile.TemporaryDirectory(prefix="maca-edu-") as folder:
        share = share._replace(meeting=str(Path(folder) / "meeting"))
        started = [Helper(share._replace(rank=rank), Path(folder)) for rank in range(1, share.count)]
        try:
            yield ManyProcesses(0, share.count, share.meeting)
        except RuntimeError as error:
            lost = [helper.last_words() for helper in started if helper.has_ended()]
            if lost:
                raise RuntimeError(f"{lost[0]}; what was saved is whole, go on with it (resume)") from error
            raise
        finally:
            for helper in started:
                helper.end()


class Helper:
    """A helper process, as the one that started it sees it."""

    def __init__(self, share: Share, folder: Path):
        self.share, self.log = share, folder / f"helper_{share.rank}.txt"
        code = "from maca_edu.experiments.parallel import help_along; help_along()"
        with open(self.log, "wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for the process that the user sees
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
            )
        self.process.stdin.write(pickle.dumps(share))
        self.process.stdin.flush()  # and left open: its end tells the helper that this process is gone

    def has_ended(self) -> bool:
        """Whether it is gone, which may show a moment after its connections are closed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=2.0)
        return self.process.poll() is not None

    def last_words(self) -> str:
        """How it ended, and what it said last."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        who = f"process {self.share.rank} of {self.share.count} ended with code {self.process.returncode}"
        return f"{who}: {lines[-1]}" if lines else who

    def end(self) -> None:
        """Let it finish what it is about to finish, then end it."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def help_along() -> None:
    """What a helper does: its share of the training that it reads about on its input."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as told:
        share: Share = pickle.load(told)
    threading.Thread(target=end_with_the_caller, daemon=True).start()
    keep_memory()
    torch.set_num_threads(1)
    env = envs.make(share.env, share.batch)
    try:
        loop.train(
            env, share.method, share.steps, share.seed, config=share.config, save_every=share.save_every,
            device=share.device, processes=ManyProcesses(share.rank, share.count, share.meeting),
        )  # fmt: skip
    finally:
        env.close()


def end_with_the_caller() -> None:
    """Wait until the input ends, because the caller is gone, and end."""
    os.read(sys.stdin.fileno(), 1)  # nothing more is ever written, so this returns at the end
    os._exit(1)
