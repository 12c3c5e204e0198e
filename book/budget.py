"""How fast one core could learn at best: the arithmetic of an update, and how fast the core multiplies matrices.

    python book/budget.py

The update is MAPPO's with a GRU on SMAX's 5m_vs_6m in the settings of JaxMARL's script, of 64 environments.
"""

import time

import torch

from maca_edu.experiments.bench.timing import arithmetic
from maca_edu.experiments.bench.updates import noise_rollout
from maca_edu.training.config import Config
from maca_edu.training.learner import Learner
from maca_edu.training.methods import MAPPO
from maca_edu.training.records import Sizes

SIZES = Sizes(obs=140, state=132, n_agents=5, n_actions=11)
STEPS, BATCH = 128, 64
SETTINGS = Config(
    rollout=STEPS, epochs=4, minibatches=4, actor_sizes=(128, 128), critic_sizes=(128, 128), recurrent=True,
    chunk=STEPS, diagnose_every=0,
)  # fmt: skip
ROWS = (640, 2_560, 10_240)  # of the matrices: few as in a GRU's step, many as in a layer


def multiplications_per_second(rows: int, repeats: int = 200) -> float:
    """Multiplications and additions a second in products of `[rows, 128]` and `[128, 384]`."""
    a, b = torch.randn(rows, 128), torch.randn(128, 384)
    a @ b
    began = time.perf_counter()
    for _ in range(repeats):
        a @ b
    return 2 * rows * 128 * 384 * repeats / (time.perf_counter() - began)


def main() -> None:
    """Print the budget."""
    torch.set_num_threads(1)
    learner = Learner(SIZES, MAPPO, 0, SETTINGS)
    rollout = noise_rollout(STEPS, BATCH, SIZES)._replace(memory=learner.blank_memory(BATCH))
    needed = arithmetic(lambda: learner.update(rollout))
    print(f"an update of {STEPS * BATCH:,} steps: {needed / 1e9:.0f} billion multiplications and additions")
    speeds = [multiplications_per_second(rows) for rows in ROWS]
    for rows, speed in zip(ROWS, speeds, strict=True):
        print(f"products with {rows:>6,} rows: {speed / 1e9:.0f} billion a second")
    print(f"so at most {STEPS * BATCH * max(speeds) / needed:,.0f} steps a second, if nothing else took time")


if __name__ == "__main__":
    main()
