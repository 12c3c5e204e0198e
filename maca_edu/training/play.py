"""Playing with what was learned: greedily, and on seeds that training never used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from maca_edu.checks import check_integer
from maca_edu.team_env import TeamEnv, View, check_step, check_team_env
from maca_edu.training.learner import Learner
from maca_edu.training.rng import STREAMS, streams


class Policy:
    """Plays greedily, and remembers the episodes under way where the team has a memory."""

    def __init__(self, learner: Learner):
        self.learner, self.memory = learner, None

    def __call__(self, view: View, first: np.ndarray | None = None) -> np.ndarray:
        """The likeliest actions, `[B, n]` (continuous: `[B, n, A]`); first: bool `[B]`, where an episode begins.

        Call it once for every step; without `first` no episode begins after the first call.
        """
        first = None if first is None else torch.from_numpy(first).to(self.learner.device)
        action, self.memory = self.learner.act(view, self.memory, first, best=True)
        return action.cpu().numpy()


MOST_STEPS = 100_000  # in an episode of greedy play, or 50 horizons if that is less: nothing waits for ever


class Played(NamedTuple):
    """What some episodes were like."""

    return_mean: float  # undiscounted, in the units of the reward
    return_std: float
    win_rate: float | None  # None where there is no winning


def play_episodes(policy: Policy, env: TeamEnv, seed: int, episodes: int | None = None) -> Played:
    """Play episodes greedily; seed: the environment's.

    episodes: how many, None: one in every environment. Every environment counts its first ones, as many as the others
    or one more: the first of all to end would be the short ones. Discarded episodes do not count.
    Raises ValueError where an argument is wrong, RuntimeError where an episode goes on for more than 50
    horizons or MOST_STEPS steps.
    """
    check_team_env("env", env)
    if episodes is not None:
        check_integer("episodes", episodes, 1)
    view, first = env.reset(seed), np.ones(env.batch, dtype=bool)
    share, more = divmod(env.batch if episodes is None else episodes, env.batch)
    left = share + (np.arange(env.batch) < more)  # [B] episodes that are still to count
    so_far, returns, won = np.zeros(env.batch), [], []
    time, most = np.zeros(env.batch, dtype=int), min(50 * env.horizon, MOST_STEPS)
    while left.any():
        step = check_step(env.name, env.step(policy(view, first)))
        so_far += step.reward
        first = step.terminated | step.truncated
        time = np.where(first, 0, time + 1)
        if time.max() >= most:
            raise RuntimeError(f"{env.name}: an episode has not ended after {most} steps; its horizon is {env.horizon}")
        counted = first & (left > 0) & (step.info.get("discarded", 0.0) == 0)
        returns += so_far[counted].tolist()
        if step.won is not None:
            won += step.won[counted].tolist()
        left -= counted
        so_far[first] = 0.0
        view = step.view
    win_rate = None if step.won is None else float(np.mean(won))
    return Played(float(np.mean(returns)), float(np.std(returns)), win_rate)


def env_seed(seed: int, purpose: str) -> int:
    """The environment's seed, one for each purpose: "train" or "evaluate"; seed: an integer from 0."""
    return int(streams(check_integer("seed", seed, 0), *STREAMS)[purpose].integers(2**63))
