"""Table 6 of the paper: how many numbers each method's critic learns, with the paper's sizes of layers."""

from __future__ import annotations

from torch import nn

from maca_edu.networks import ComaCritic, MacaCritic, QMixer, UtilityCritic, VCritic, count_parameters
from maca_edu.training.records import Sizes

TASKS = {"5m_vs_6m": Sizes(obs=124, state=249, n_agents=5, n_actions=12)}


def critic_parameters(task: str) -> dict[str, int]:
    """{critic: parameters} at the sizes of a task; the last entry, psi's head, is found by CMA-ES and counted apart.

    Raises ValueError where the task's sizes are not known.
    """
    if task not in TASKS:
        raise ValueError(f"task={task!r}; allowed are {', '.join(TASKS)}")
    obs, state, n, A, _ = TASKS[task]
    maca, shared = MacaCritic(obs, n, A), VCritic(state)
    critics = {"mappo": shared, "happo": shared, "ippo": VCritic(obs), "coma": ComaCritic(state, n, A)}
    critics |= {"ppo-mix": nn.ModuleList([UtilityCritic(obs, A), QMixer(n, state)]), "ppo-sum": UtilityCritic(obs, A)}
    counts = {name: count_parameters(critic) for name, critic in (critics | {"maca": maca}).items()}
    return counts | {"maca's psi head": count_parameters(maca, frozen=True)}
