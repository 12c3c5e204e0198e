"""What the networks make of the numbers that a game shows, before they learn from them (`Config.feature_norm`).

layer     every observation by itself, LayerNorm: minus the mean of its own numbers, over their deviation (Table 7).
          Two things are lost: what all its numbers have in common, and how far they lie apart. (1, 2, 3) and (2, 4, 6)
          are the same then, and an observation of one number is always 0.
none      numbers are read as they are.
running   every number by itself: minus its mean over all that was seen so far, over its deviation.

"layer" and "none" are the networks' own, at the beginning of `Trunk` and `Encoder`. "running" stands here: observations
and states are normalised before any network reads them, actor, critics and mixer alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from maca_edu.training.processes import Processes
from maca_edu.training.records import Rollout, Seen

FARTHEST = 10.0  # deviations from the mean; what lies farther out is read as this
ROUNDING = 1e-6  # a deviation below this share of the mean is rounding: the number has not varied
NARROW = 3  # LayerNorm takes two of d dimensions; up to here that is more than half of what could be seen


class RunningNorm:
    """Mean and deviation of each of d numbers over all samples that were taken in; every sample weighs the same.

    Kept in float64. A number that has not varied so far, like every number before the first update, is divided by 1.
    """

    def __init__(self, size: int):
        self.count = torch.zeros((), dtype=torch.float64, device="cpu")
        self.mean, self.square = (torch.zeros(size, dtype=torch.float64, device="cpu") for _ in range(2))  # [d]

    def update(self, x: Tensor, processes: Processes) -> None:
        """Take in samples `[N, d]` of all processes; N may differ between them and be 0."""
        x = x.detach().to(torch.float64)
        own = torch.tensor(float(len(x)), dtype=torch.float64, device=x.device)
        sums = torch.stack([x.sum(dim=0), x.square().sum(dim=0)])  # [2, d]
        means = processes.average(sums / own.clamp(min=1), own).cpu()
        count = processes.average(own, torch.ones_like(own)).cpu() * processes.count
        self.count = self.count + count
        share = count / self.count.clamp(min=1)
        self.mean, self.square = (
            self.mean + share * (means[0] - self.mean),
            self.square + share * (means[1] - self.square),
        )

    @property
    def deviation(self) -> Tensor:
        """`[d]`, 1 where a number has not varied."""
        deviation = (self.square - self.mean.square()).clamp(min=0).sqrt()
        return torch.where(deviation > ROUNDING * self.mean.abs(), deviation, 1.0)

    def normalise(self, x: Tensor) -> Tensor:
        """`[..., d]`, in deviations from the mean, at most FARTHEST."""
        return ((x - self.mean.to(x)) / self.deviation.to(x)).clamp(-FARTHEST, FARTHEST)

    def state_dict(self) -> dict:
        """The count and the two means."""
        return {"count": self.count, "mean": self.mean, "square": self.square}

    def load_state_dict(self, state: dict) -> None:
        """Continue with the statistics that `state_dict` saved."""
        self.count, self.mean, self.square = state["count"], state["mean"], state["square"]


class Features:
    """Running norms of observations and states. One for all agents: an agent's own mean would hide who it is."""

    def __init__(self, obs_size: int, state_size: int):
        self.obs, self.state = RunningNorm(obs_size), RunningNorm(state_size)

    def read(self, seen: Seen) -> Seen:
        """What is seen, normalised."""
        return seen._replace(obs=self.obs.normalise(seen.obs), state=self.state.normalise(seen.state))

    def read_rollout(self, rollout: Rollout) -> Rollout:
        """A rollout, all that was seen in it normalised."""
        return rollout._replace(
            obs=self.obs.normalise(rollout.obs),
            state=self.state.normalise(rollout.state),
            finals=rollout.finals._replace(seen=self.read(rollout.finals.seen)),
            last=self.read(rollout.last),
        )

    def take_in(self, rollout: Rollout, processes: Processes) -> None:
        """Let the statistics see a rollout as it was played: the states, and what the living observed."""
        self.obs.update(rollout.obs[rollout.alive], processes)
        self.state.update(rollout.state.flatten(0, 1), processes)


def hidden_by_layer_norm(what: str, x: Tensor) -> str | None:
    """One sentence where LayerNorm over the last axis of x `[..., d]` hides most of what varies in x; None elsewhere.

    It hides nothing where all rows have the same mean and deviation, as those that say who an agent is. what: x's name.
    """
    size = x.shape[-1]
    mean, deviation = x.double().mean(dim=-1), x.double().std(dim=-1, correction=0)
    if size > NARROW or (is_constant(mean) and is_constant(deviation)):
        return None
    left = {1: "0 always: the networks see nothing", 2: "one bit: which of them is larger"}
    kept = left.get(size, "their proportions: what all have in common, and how far they lie apart, is lost")
    numbers = "1 number" if size == 1 else f"{size} numbers"
    return (
        f"feature_norm='layer' leaves of {what} of {numbers} only {kept}; take feature_norm='running' or "
        "'none' (--feature-norm running) where that matters"
    )


def is_constant(x: Tensor) -> bool:
    """Whether all entries are equal, up to float32's rounding."""
    return bool(x.max() - x.min() <= ROUNDING * x.abs().max())
