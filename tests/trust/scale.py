"""Where it stops: more and more agents, environments and seeds, each in a child process, until one is refused.

    python tests/trust/scale.py
    python tests/trust/scale.py --gigabytes 8

agents         two updates of MACA and of MAPPO in toy/ring, with 5 to 100 agents
credit         the Shapley values of one joint action of that game
environments   two updates of MACA in toy/warehouse, with 1 to 1,024 at a time
seeds          the plan of a sweep of two methods, with 1 to 100 seeds

Prints seconds and memory, or what was said where it stopped. Ends with 1 where something stopped with anything but one
sentence. Needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # children are copies of this process: it must have one thread
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
from children import in_child, limit_memory

from maca_edu import exact
from maca_edu.cli import main as command_line
from maca_edu.cli import sentence
from toy_envs import ring_v0

METHODS = ("maca", "mappo")
WAREHOUSE = "toy/warehouse?preset=practice"
AGENTS = (5, 10, 20, 30, 50, 100)
ENVIRONMENTS = (1, 4, 16, 64, 256, 1024)
SEEDS = (1, 10, 100)


def main() -> int:
    """Try everything, report, and say whether each ended well or with a sentence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=4.0, help="that a child may take")
    parser.add_argument("--only", choices=("agents", "credit", "environments", "seeds"), help="one of the four")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    works = {
        "agents": [(f"{m}, {n} agents", train(f"toy/ring?n_agents={n}", m, 16)) for m in METHODS for n in AGENTS],
        "credit": [(f"exact credit, {n} agents", functools.partial(shapley, n)) for n in AGENTS],
        "environments": [(f"{b} environments", train(WAREHOUSE, "maca", b)) for b in ENVIRONMENTS],
        "seeds": [(f"a plan of {k} seeds", functools.partial(plan, k)) for k in SEEDS],
    }
    most = int(asked.gigabytes * 2**30)
    good = [tried(*one, most) for name in works if asked.only in (None, name) for one in works[name]]
    return 0 if all(good) else 1


def tried(what: str, work: Callable[[], int], most: int) -> bool:
    """Do the work in a child that gets so much memory, and report; False where it ended with no sentence."""

    def limited() -> int:
        limit_memory(most)
        status = work()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return status

    began = time.monotonic()
    ended = in_child(limited)
    if ended.status == 0:
        megabytes = float(ended.printed.split()[-1])
        print(f"{what:<28}{time.monotonic() - began:8.1f} s {megabytes:8.0f} MB", flush=True)
        return True
    said = ended.said.strip().splitlines()
    print(f"{what:<28} stops: {said[-1] if said else ended.status}", flush=True)
    return ended.status == 2 and len(said) == 1


def train(env: str, method: str, batch: int) -> Callable[[], int]:
    """Two updates from the command line, which write nothing that stays."""
    words = ["train", "--env", env, "--method", method, "--batch", str(batch), "--rollout", "8", "--processes", "1"]

    def work() -> int:
        with tempfile.TemporaryDirectory() as folder, quiet_where_it_works() as errors:
            status = command_line([*words, "--steps", str(16 * batch), "--out", f"{folder}/run"])
            errors.status = status
        return status

    return work


class Errors(io.StringIO):
    """What a command says on its error stream, and how it ended."""

    status = 0


@contextlib.contextmanager
def quiet_where_it_works():
    """Hide progress bars; of a command that fails, its last line is shown."""
    errors = Errors()
    with contextlib.redirect_stderr(errors):
        yield errors
    if errors.status:
        print(errors.getvalue().strip().splitlines()[-1].rpartition("\r")[2], file=sys.stderr)


def shapley(n: int) -> int:
    """Shapley values of everybody's first action."""
    try:
        payoff = ring_v0.game(n_agents=n).payoff()
        exact.shapley_values(payoff, np.full((n, 2), 0.5), np.ones(n, dtype=int))
    except (ValueError, MemoryError) as error:
        print(sentence(error), file=sys.stderr)
        return 2
    return 0


def plan(seeds: int) -> int:
    """What a sweep would do."""
    words = ["sweep", "--out", "nowhere", "--envs", "toy/fridge", "--methods", "maca", "mappo", "--steps", "4096"]
    return command_line([*words, "--seeds", str(seeds), "--dry-run"])


if __name__ == "__main__":
    sys.exit(main())
