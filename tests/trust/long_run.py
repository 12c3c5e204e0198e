"""Whether memory and open files stay flat: in one long training, and over many short ones.

    python tests/trust/long_run.py --minutes 120 --resets 500
    python tests/trust/long_run.py --minutes 10 --env toy/ring

Prints one line for each tenth of the time: memory, open files and threads of this process. Ends with 1 where one of the
last five lines has more open files or threads than the fifth, or a tenth more memory. Needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import maca_edu
from maca_edu import envs
from maca_edu.experiments.presets import preset
from maca_edu.experiments.run import MonitorFromFirstRow
from maca_edu.training import loop
from maca_edu.training.methods import find

LINES = 10
MORE = 1.1  # times the memory of the fifth line


class Held(NamedTuple):
    """What this process holds."""

    megabytes: float
    files: int
    threads: int


def main() -> int:
    """Train, reset, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0, help="of the training")
    parser.add_argument("--resets", type=int, default=500, help="short trainings, each with a new game")
    parser.add_argument("--env", default="toy/warehouse?preset=practice", help="the environment")
    parser.add_argument("--method", default="maca")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="maca-edu-long-") as folder:
        first = train(asked.env, asked.method, asked.minutes, Path(folder) / "run")
        print(f"training: {'flat' if is_flat(first) else 'NOT FLAT'}", flush=True)
        second = reset(asked.env, asked.method, asked.resets)
        print(f"resets: {'flat' if is_flat(second) else 'NOT FLAT'}", flush=True)
    return 0 if is_flat(first) and is_flat(second) else 1


def train(env: str, method: str, minutes: float, out: Path) -> list[Held]:
    """One training of so many minutes; what this process holds at each tenth of the time."""
    config, batch = preset(None, env, find(method))
    monitor = MonitorFromFirstRow(out, 10**12, progress=False)
    lines: list[Held] = []
    began = time.monotonic()

    def look(row: dict) -> None:
        """Take in a row of metrics, now and then look at this process, and end the run when the time is over."""
        monitor(row)
        passed = (time.monotonic() - began) / 60
        if passed >= minutes * (len(lines) + 1) / LINES:
            lines.append(held())
            show(f"{passed:7.1f} min, update {row['update']:7,}", lines[-1])
        if passed >= minutes:
            raise KeyboardInterrupt

    with contextlib.closing(envs.make(env, batch)) as made, contextlib.suppress(KeyboardInterrupt):
        loop.train(made, method, 10**12, 0, out, config, report=look)
    monitor.close()
    return lines


def reset(env: str, method: str, times: int) -> list[Held]:
    """So many trainings of two updates, one after the other, each with an environment of its own that is reset; what
    this process holds at each tenth of them."""
    config, batch = preset(None, env, find(method))
    lines: list[Held] = []
    for number in range(1, times + 1):
        maca_edu.train(env, method, 2 * batch * config.rollout, number, processes=1)
        if number * LINES // times > len(lines):
            lines.append(held())
            show(f"reset {number:5}", lines[-1])
    return lines


def held() -> Held:
    """What this process holds now, after it has let go of what it no longer needs."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Held(int(status["VmRSS"].split()[0]) / 1024, len(os.listdir("/proc/self/fd")), int(status["Threads"]))


def show(when: str, now: Held) -> None:
    """A line of the report."""
    print(f"{when}: {now.megabytes:7.1f} MB, {now.files} files, {now.threads} threads", flush=True)


def is_flat(lines: list[Held]) -> bool:
    """Whether the later half holds no more than what was held in the middle."""
    middle, later = lines[len(lines) // 2 - 1], lines[len(lines) // 2 :]
    more = [x for x in later if x.files > middle.files or x.threads > middle.threads]
    return not more and all(x.megabytes <= MORE * middle.megabytes for x in later)


if __name__ == "__main__":
    sys.exit(main())
