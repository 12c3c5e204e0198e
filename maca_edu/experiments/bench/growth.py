"""What one sample costs MAPPO and MACA as the team grows, and as more environments are stepped together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from maca_edu.experiments.bench.critics import joint_actions
from maca_edu.experiments.bench.timing import Ratio, Task, alternate, ratio, repeat
from maca_edu.experiments.bench.updates import SMAC, noise_rollout, noise_view, update_task
from maca_edu.experiments.presets import preset
from maca_edu.networks import MacaCritic, VCritic
from maca_edu.training.learner import Learner
from maca_edu.training.methods import find


@dataclass(frozen=True)
class GrowthRow:
    """The time per sample at one size. The unit of the first two is MAPPO's time per sample at the smallest size."""

    size: int  # agents or environments
    mappo: Ratio
    maca: Ratio
    maca_over_mappo: Ratio


class Pair(NamedTuple):
    """What is measured at one size: the same work, done by both."""

    mappo: Task
    maca: Task
    samples: int  # in the work


def with_agents(sizes: tuple[int, ...], rounds: int) -> list[GrowthRow]:
    """Critics for n agents: forward, MACA's with its baselines, and backward."""
    return grow(sizes, [repeated(critics(n), 200 // n) for n in sizes], rounds)


def with_environments(sizes: tuple[int, ...], rounds: int) -> list[GrowthRow]:
    """Acting in B environments and learning from it."""
    return grow(sizes, [repeated(acting_and_learning(B), 64 // B) for B in sizes], rounds)


def grow(sizes: tuple[int, ...], pairs: list[Pair], rounds: int) -> list[GrowthRow]:
    """Measure both tasks of all pairs alternately; a pair for each size."""
    tasks = [task for pair in pairs for task in (pair.mappo, pair.maca)]
    times = alternate(rounds, *tasks)
    unit = per_sample(times[0], pairs[0])
    rows = []
    for size, pair, mappo, maca in zip(sizes, pairs, times[0::2], times[1::2], strict=True):
        mappo, maca = per_sample(mappo, pair), per_sample(maca, pair)
        rows.append(GrowthRow(size, ratio(mappo, unit), ratio(maca, unit), ratio(maca, mappo)))
    return rows


def repeated(pair: Pair, times: int) -> Pair:
    """The same work several times over, at least once."""
    times = max(times, 1)
    return Pair(repeat(pair.mappo, times), repeat(pair.maca, times), times * pair.samples)


def per_sample(times: list[float], pair: Pair) -> list[float]:
    """Seconds per sample."""
    return [seconds / pair.samples for seconds in times]


def critics(n: int, samples: int = 64, obs_size: int = 64, n_actions: int = 12) -> Pair:
    """A forward and a backward pass of both critics for n agents, without GRUs.

    The sizes of the observations are fixed, the state is all of them: that is how a state grows.
    """
    torch.manual_seed(0)
    obs = torch.randn(samples, n, obs_size)
    policy, action, groups = joint_actions(samples, n, n_actions)
    maca_critic = MacaCritic(obs_size, n, n_actions, recurrent=False)
    mappo_critic = VCritic(n * obs_size, recurrent=False)

    def maca():
        z, _ = maca_critic(obs)
        v, q = maca_critic.value(z), maca_critic.q(z, action)
        baselines = maca_critic.baselines(z, policy, action, groups)
        (v.square().mean() + q.square().mean() + baselines.square().mean()).backward()

    def mappo():
        v, _ = mappo_critic(obs.flatten(1))
        v.square().mean().backward()

    return Pair(mappo, maca, samples)


def acting_and_learning(batch: int, steps: int = 8, epochs: int = 2) -> Pair:
    """A few steps of acting and the update that follows, with the preset "quick" at the sizes of 5m_vs_6m."""
    rollout = noise_rollout(steps, batch)
    view = noise_view(batch, SMAC, np.random.default_rng(0))

    def task(method: str) -> Task:
        config, _ = preset("quick", "smax/5m_vs_6m", method)
        config = dataclasses.replace(config, rollout=steps, epochs=epochs)
        learner = Learner(SMAC, find(method), 0, config)
        learn = update_task(learner, rollout)

        def act_and_learn():
            for _ in range(steps):
                learner.act(view, memory=None, first=None)
            learn()

        return act_and_learn

    return Pair(task("mappo"), task("maca"), steps * batch)
