"""Table 6 of the paper: how many parameters each method's critic has, with the paper's sizes of layers."""

from __future__ import annotations

from torch import nn

from maca_edu.networks import ComaCritic, MacaCritic, QMixer, UtilityCritic, VCritic, count_parameters
from maca_edu.training.records import Sizes

TASKS = {"5m_vs_6m": Sizes(obs=124, state=249, n_agents=5, n_actions=12)}


def critic_parameters(task: str) -> dict[str, int]:
    """{method: number of parameters that gradients train in its critic}, at the sizes of a task.

    The last entry counts the parameters of MACA's psi head, which CMA-ES finds and no gradient trains.
    Raises ValueError where the task's sizes are not known. Source: Table 6.
    """
    if task not in TASKS:
        raise ValueError(f"task={task!r}; allowed are {', '.join(TASKS)}")
    obs, state, n, A, _ = TASKS[task]
    maca = MacaCritic(obs, n, A)
    critics = {
        "mappo": VCritic(state),
        "happo": VCritic(state),
        "ippo": VCritic(obs),
        "coma": ComaCritic(state, n, A),
        "ppo-mix": nn.ModuleList([UtilityCritic(obs, A), QMixer(n, state)]),
        "ppo-sum": UtilityCritic(obs, A),
        "maca": maca,
    }
    counts = {name: count_parameters(critic) for name, critic in critics.items()}
    counts["maca's psi head"] = count_parameters(maca, frozen=True)
    return counts
