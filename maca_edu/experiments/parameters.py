"""Table 6 of the paper: how many parameters each method's critic has, with the paper's sizes of layers."""

from __future__ import annotations

from torch import nn

from maca_edu.envs import starcraft
from maca_edu.networks import ComaCritic, MacaCritic, QMixer, UnitsCritic, UtilityCritic, VCritic, count_parameters
from maca_edu.training.records import Sizes

# The same task's state in the package smacv2: its size, and which numbers speak of which unit.
ALLY, ENEMY = ["health", "cooldown", "x", "y"], ["health", "x", "y"]
INFO = dict(n_agents=5, n_actions=12, state_shape=98, agent_features=ALLY, enemy_features=ENEMY)
IN_SMACV2 = {"5m_vs_6m": (98, starcraft.entities(INFO, enemies=6))}
TASKS = {"5m_vs_6m": Sizes(obs=124, state=249, n_agents=5, n_actions=12)}


def critic_parameters(task: str) -> dict[str, int]:
    """{method: number of parameters that gradients train in its critic}, at the sizes of a task.

    The entry "mappo over units" is of --value units, on the state of the package smacv2, of which is known which number
    speaks of which unit. The last entry counts the parameters of MACA's psi head, which CMA-ES finds and no gradient
    trains. Raises ValueError where the task's sizes are not known. Source: Table 6.
    """
    if task not in TASKS:
        raise ValueError(f"task={task!r}; allowed are {', '.join(TASKS)}")
    obs, state, n, A = TASKS[task][:4]
    maca = MacaCritic(obs, n, A)
    critics = {
        "mappo": VCritic(state),
        "mappo over units": UnitsCritic(*IN_SMACV2[task]),
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
