"""One whole training in a process of its own, so that nothing of an earlier one is left: no memory, nothing compiled.

`python -m maca_edu.experiments.bench.one_training` reads a pickled Order on its input and prints a Training as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import resource
import subprocess
import sys
from dataclasses import dataclass

from maca_edu.experiments.run import train
from maca_edu.training.config import Config


@dataclass(frozen=True)
class Order:
    """What is to be trained. The first of its updates is not counted: in it, processes start and games compile."""

    env: str
    batch: int  # environments, of all processes together
    config: Config
    updates: int
    processes: int


@dataclass(frozen=True)
class Training:
    """What was measured."""

    steps_per_second: float  # environment-steps of all processes together
    env_share: float  # of the time, as the first process sees it
    peak_bytes: int  # memory of all processes together


def in_a_process_of_its_own(order: Order) -> Training:
    """Train, elsewhere. Raises RuntimeError with the training's last words where it fails."""
    command = [sys.executable, "-m", "maca_edu.experiments.bench.one_training"]
    done = subprocess.run(command, input=pickle.dumps(order), capture_output=True, check=False)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(f"a training in {order.env} ended with code {done.returncode}: {words[-1] if words else ''}")
    return Training(**json.loads(done.stdout.splitlines()[-1]))  # games may print lines before


def here(order: Order) -> Training:
    """Train MAPPO in this process and its helpers."""
    steps_per_update = order.config.rollout * order.batch
    run = train(
        order.env, "mappo", (order.updates + 1) * steps_per_update, batch=order.batch, config=order.config,
        processes=order.processes, device="cpu",
    )  # fmt: skip
    in_env, acting, learning = (run.metrics[f"{part}_seconds"][1:].sum() for part in ("env", "act", "learn"))
    seconds = in_env + acting + learning
    return Training(order.updates * steps_per_update / seconds, in_env / seconds, peak_of_all(order.processes))


def peak_of_all(processes: int) -> int:
    """The most bytes that this process and its ended helpers held, each at its own worst moment.

    The system remembers the largest helper, and their shares are equal. Libraries count in every process.
    """
    unit = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of getrusage(2)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    helper = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return unit * (own + (processes - 1) * helper)


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(here(pickle.load(sys.stdin.buffer)))))
