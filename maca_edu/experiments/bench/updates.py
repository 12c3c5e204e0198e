"""Whole updates on rollouts of noise: MACA's against MAPPO's, and MACA's with and without fused baselines."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch

from maca_edu.experiments.bench.timing import Ratio, Task, alternate, arithmetic, ratio
from maca_edu.experiments.presets import preset
from maca_edu.team_env import TeamStep, View
from maca_edu.training.config import Config
from maca_edu.training.learner import Learner
from maca_edu.training.methods import find
from maca_edu.training.records import Memory, Rollout, Sizes
from maca_edu.training.rollout import RolloutBuffer

SMAC = Sizes(obs=124, state=249, n_agents=5, n_actions=12)  # 5m_vs_6m (Table 6)
EPOCHS = 2  # the paper has 10, which only takes longer


@dataclass(frozen=True)
class UpdateRow:
    """MACA's update over MAPPO's on the same rollout."""

    recurrent: bool
    steps: int
    batch: int
    maca_over_mappo: Ratio  # time
    arithmetic: float  # the same ratio of what matrix products multiply and add


@dataclass(frozen=True)
class DefinitionRow:
    """MACA's update with baselines by their definition, over its update with fused ones."""

    agents: int
    recurrent: bool
    steps: int
    batch: int
    definition_over_fused: Ratio  # time of whole updates


def compare_methods(recurrent: bool, steps: int, batch: int, rounds: int) -> UpdateRow:
    """MACA's update against MAPPO's, with the networks and settings of the paper but for the epochs.

    Where matrix products take most of the time, no code gets below the ratio of the arithmetic.
    """
    rollout = noise_rollout(steps, batch)
    maca = update_task(Learner(SMAC, find("maca"), 0, paper("maca", steps, recurrent)), rollout)
    mappo = update_task(Learner(SMAC, find("mappo"), 0, paper("mappo", steps, recurrent)), rollout)
    work = arithmetic(maca) / arithmetic(mappo)
    return UpdateRow(recurrent, steps, batch, ratio(*alternate(rounds, maca, mappo)), work)


def compare_definition(agents: int, recurrent: bool, steps: int, batch: int, rounds: int) -> DefinitionRow:
    """MACA's update by `baselines="definition"` against `baselines="fused"`, for any number of agents."""
    sizes = SMAC._replace(n_agents=agents)
    rollout = noise_rollout(steps, batch, sizes)
    fused = paper("maca", steps, recurrent)
    definition = dataclasses.replace(fused, baselines="definition")
    by_definition = update_task(Learner(sizes, find("maca"), 0, definition), rollout)
    by_sums = update_task(Learner(sizes, find("maca"), 0, fused), rollout)
    return DefinitionRow(agents, recurrent, steps, batch, ratio(*alternate(rounds, by_definition, by_sums)))


def paper(method: str, steps: int, recurrent: bool) -> Config:
    """The paper's settings for 5m_vs_6m, with fewer epochs."""
    config, _ = preset("paper", "smac/5m_vs_6m", method)
    return dataclasses.replace(config, rollout=steps, epochs=EPOCHS, recurrent=recurrent)


def update_task(learner: Learner, rollout: Rollout) -> Task:
    """An update of the learner from the rollout, begun without memory."""
    rollout = rollout._replace(memory=learner.blank_memory(rollout.shape[1]))
    return lambda: learner.update(rollout)


def noise_rollout(steps: int, batch: int, sizes: Sizes = SMAC, seed: int = 0) -> Rollout:
    """A rollout of noise, with episodes of 25 steps on average."""
    generator = np.random.default_rng(seed)
    buffer = RolloutBuffer(sizes, steps, batch)
    for _ in range(steps):
        action = torch.from_numpy(generator.integers(sizes.n_actions, size=(batch, sizes.n_agents)))
        over = generator.random(batch) < 0.04
        reward = generator.standard_normal(batch, dtype=np.float32)
        now = noise_view(batch, sizes, generator)
        buffer.add(now, action, TeamStep(now, now, reward, terminated=over, truncated=np.zeros_like(over)))
    return buffer.rollout(noise_view(batch, sizes, generator), Memory(None, None))


def noise_view(batch: int, sizes: Sizes, generator: np.random.Generator) -> View:
    """Observations and states of noise in B environments, where everyone lives and may do everything."""
    n = sizes.n_agents
    obs = generator.standard_normal((batch, n, sizes.obs), dtype=np.float32)
    state = generator.standard_normal((batch, sizes.state), dtype=np.float32)
    every_action, everyone = np.ones((batch, n, sizes.n_actions), dtype=bool), np.ones((batch, n), dtype=bool)
    return View(obs, state, every_action, everyone)
