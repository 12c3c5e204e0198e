"""Tries to make the library lose work, tear a file or show a traceback, at random moments: `make trust`.

    python tests/trust/trust.py                      # ten minutes
    python tests/trust/trust.py --minutes 50 --seed 7
    python tests/trust/trust.py --tries 1            # each kind once
    python tests/trust/trust.py --seed 7 --only "full disk" --attempt 12   # one attempt again

Prints for each kind how many attempts were made and survived, and the command that repeats one that was not; ends with
1 where there is one. Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # children are copies of this process: it must have one thread
sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))

import faults
import torch
import wrong

Attempt = Callable[[random.Random, Path], str | None]

KINDS: dict[str, Attempt] = {
    "kill in training": faults.killed_in_training,
    "kill at the folder": faults.killed_at_the_folder,
    "kill at a checkpoint": faults.killed_at_a_checkpoint,
    "kill at metrics": faults.killed_at_metrics,
    "kill in a sweep": faults.killed_in_a_sweep,
    "kill at tables": faults.killed_at_tables,
    "kill in a film": faults.killed_in_a_film,
    "stop": faults.stopped,
    "full disk": faults.full_disk,
    "small disk": faults.small_disk,
    "little memory": faults.little_memory,
    "wrong clock": faults.wrong_clock,
    "command line": wrong.command,
    "call": wrong.call,
    "crafted run": wrong.crafted_run,
}


def main() -> int:
    """Make attempts of all kinds in turn until the time is over, and report."""
    asked = arguments()
    seed = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    torch.set_num_threads(1)
    kinds = list(KINDS) if asked.only is None else asked.only
    tried, survived = Counter(), Counter()
    until = time.monotonic() + 60 * asked.minutes
    number = asked.attempt or 0
    while time.monotonic() < until and (asked.tries is None or number < (asked.attempt or 0) + asked.tries):
        for kind in kinds:
            if time.monotonic() < until:
                tried[kind] += 1
                survived[kind] += survives(kind, seed, number)
        number += 1
    report(kinds, tried, survived)
    return 0 if tried == survived and tried.total() > 0 else 1


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="no attempt begins after so many (10)")
    parser.add_argument("--seed", type=int, help="of all random numbers; otherwise a new one, which is printed")
    parser.add_argument("--tries", type=int, help="so many attempts of each kind at most")
    parser.add_argument("--only", action="append", choices=KINDS, help="this kind; may be given several times")
    parser.add_argument("--attempt", type=int, help="the attempt of that number alone")
    asked = parser.parse_args()
    if asked.attempt is not None and asked.tries is None:
        asked.tries = 1
    return asked


def survives(kind: str, seed: int, number: int) -> bool:
    """Make one attempt; where it is not survived, say how, and how to repeat it."""
    with tempfile.TemporaryDirectory(prefix="maca-edu-trust-") as folder:
        try:
            fault = KINDS[kind](random.Random(f"{seed} {kind} {number}"), Path(folder))
        except Exception:
            fault = traceback.format_exc()
    if fault is not None:
        print(f'NOT SURVIVED: {kind}: {fault}\n  again: --seed {seed} --only "{kind}" --attempt {number}', flush=True)
    return fault is None


def report(kinds: list[str], tried: Counter, survived: Counter) -> None:
    """A table of how it went."""
    print(f"{'':<24}{'tried':>8}{'survived':>10}")
    for kind in kinds:
        print(f"{kind:<24}{tried[kind]:>8}{survived[kind]:>10}")
    print(f"{'all':<24}{tried.total():>8}{survived.total():>10}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
