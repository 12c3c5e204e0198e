"""What a run can see of itself: signs that a team did not learn, or could not.

A finding is a fact, not a verdict: a small game that is solved soon shows some of them too. All limits stand here. Most
is read off the columns of metrics at the end; what these do not hold, a `Watch` gathers from every rollout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maca_edu.training.records import Rollout, Sizes

FEWEST = 20  # updates; a shorter run has seen too little to say anything
EARLY = 0.25  # of the run: until then a team should still try things out
COLLAPSED = 0.1  # of the first update's entropy, which is that of a policy that knows nothing
LATE = 0.5  # of the run: what is measured from then on is no beginner's trouble
CLIPPED = 0.3  # of the samples outside PPO's interval; .05 to .2 are usual, more says that steps are too large
MISFIT = -0.05  # of the targets' variance; a critic that knows nothing explains 0, and that is measured with noise
FLAT = 1e-4  # in the reward's units; advantages are divided by their deviation plus a tenth of this
MOSTLY = 0.5  # of the updates
CHANCES = 1000  # times that an agent could have taken an action
UNSEEN = 0.5  # of the numbers in an observation; games leave a few empty


class Finding(NamedTuple):
    """Something that a run noticed."""

    name: str  # entropy, clipping, value_fit, advantages, reward, observations or actions
    value: float  # what was measured
    limit: float  # the constant above that it is beyond
    sentence: str  # for a person


# ---------------------------------------------------------------------------------------------------------------------
# What the metrics do not hold


class Glimpse(NamedTuple):
    """What one process saw in a rollout."""

    low: Tensor  # [d] the smallest of each number that a living agent observed; empty where none lived
    high: Tensor  # [d] the largest
    reward: Tensor  # [2] the smallest and the largest
    legal: Tensor  # [n, A] long, how often an agent could take an action; empty where actions are numbers
    taken: Tensor  # [n, A] long, how often it did


def glimpse(rollout: Rollout) -> Glimpse:
    """The extremes and counts of a rollout."""
    seen, reward = rollout.obs[rollout.alive], rollout.reward
    low, high = (seen.amin(dim=0), seen.amax(dim=0)) if len(seen) else (seen.flatten(), seen.flatten())
    rewards = torch.stack([reward.min(), reward.max()])
    if rollout.action.is_floating_point():
        nothing = torch.zeros(0, dtype=torch.long, device="cpu")
        return Glimpse(low.cpu(), high.cpu(), rewards.cpu(), nothing, nothing)
    alive, available = rollout.alive, rollout.available
    legal = (available & alive.unsqueeze(-1)).sum(dim=(0, 1))  # [n, A]
    taken = torch.zeros_like(legal)
    taken.scatter_add_(1, rollout.action.flatten(0, 1).T, alive.flatten(0, 1).T.long())
    return Glimpse(low.cpu(), high.cpu(), rewards.cpu(), legal.cpu(), taken.cpu())


class Watch:
    """The extremes and counts of a whole run, kept in the first process and in its checkpoints."""

    def __init__(self, sizes: Sizes):
        number = torch.get_default_dtype()
        shape = (0,) if sizes.continuous else (sizes.n_agents, sizes.n_actions)
        self.parts = dict(
            low=torch.zeros(sizes.obs, dtype=number, device="cpu"),
            high=torch.zeros(sizes.obs, dtype=number, device="cpu"),
            reward=torch.zeros(2, dtype=number, device="cpu"),
            legal=torch.zeros(shape, dtype=torch.long, device="cpu"),
            taken=torch.zeros(shape, dtype=torch.long, device="cpu"),
        )
        self.begun = False

    def take_in(self, everyones: Sequence[Glimpse]) -> None:
        """Take in a rollout, as every process saw it."""
        for one in everyones:
            if not len(one.low):  # nobody lived
                continue
            mine = self.parts if self.begun else self.parts | dict(low=one.low, high=one.high, reward=one.reward)
            self.parts = dict(
                low=torch.minimum(mine["low"], one.low),
                high=torch.maximum(mine["high"], one.high),
                reward=torch.stack(
                    [torch.minimum(mine["reward"], one.reward)[0], torch.maximum(mine["reward"], one.reward)[1]]
                ),
                legal=mine["legal"] + one.legal,
                taken=mine["taken"] + one.taken,
            )
            self.begun = True

    def state_dict(self) -> dict:
        """The extremes and counts."""
        return self.parts | {"begun": self.begun}

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called."""
        self.parts, self.begun = {name: state[name] for name in self.parts}, state["begun"]


# ---------------------------------------------------------------------------------------------------------------------
# What is found


def findings(metrics: dict[str, np.ndarray], watch: Watch) -> tuple[Finding, ...]:
    """All that a run noticed, in the order of the functions below; () where it had too few updates to tell.

    metrics: columns of metrics.csv by name, each `[updates]`.
    """
    if len(metrics.get("update", ())) < FEWEST:
        return ()
    of_numbers = not watch.parts["legal"].numel()  # actions are numbers; their entropy has no zero
    entropy = np.ones(len(metrics["entropy"])) if of_numbers else metrics["entropy"]
    left = entropy / entropy[0]  # [updates] share of the first update's entropy
    found = (
        entropy_collapsed(left),
        much_clipped(metrics),
        value_misfit(metrics),
        flat_advantages(metrics, left),
        flat_reward(watch),
        blank_observations(watch),
        untried_actions(watch),
    )
    return tuple(finding for finding in found if finding is not None)


def entropy_collapsed(left: np.ndarray) -> Finding | None:
    """The policy was nearly sure of itself before a quarter of the run was over."""
    below = np.flatnonzero(left[: int(EARLY * len(left))] < COLLAPSED)
    if not len(below):
        return None
    return Finding(
        "entropy", float(left[below[0]]), COLLAPSED,
        f"The policy was sure of itself from update {below[0] + 1} of {len(left)} on (its entropy fell below "
        f"{100 * COLLAPSED:.0f} % of what it was at first), so little was tried after that; that is good if the return "
        "is, and otherwise raise --entropy or lower --lr",
    )  # fmt: skip


def much_clipped(metrics: dict[str, np.ndarray]) -> Finding | None:
    """Many samples left PPO's interval, in the later part of the run."""
    clipped = late_mean(metrics["clip_fraction"])
    if not clipped > CLIPPED:
        return None
    return Finding(
        "clipping", clipped, CLIPPED,
        f"PPO clipped {100 * clipped:.0f} % of the samples in the later half of the run (usual is below 20 %), so an "
        "update changes the policy too much; lower --lr or --epochs",
    )  # fmt: skip


def value_misfit(metrics: dict[str, np.ndarray]) -> Finding | None:
    """One of the critic's outputs explains less of its targets than a constant would, in the later part of the run."""
    fits = {name: late_mean(column) for name, column in metrics.items() if name.endswith("_explained")}
    name = min(fits, key=lambda name: np.nan_to_num(fits[name], nan=np.inf))
    if not fits[name] < MISFIT:
        return None
    return Finding(
        "value_fit", fits[name], MISFIT,
        f"The critic's {name.removesuffix('_explained')} predicts returns worse than a constant would ({name} is "
        f"{fits[name]:.2f} in the later half of the run), so its baseline adds noise; see what it can see "
        "(--feature-norm), and lower --lr",
    )  # fmt: skip


def flat_advantages(metrics: dict[str, np.ndarray], left: np.ndarray) -> Finding | None:
    """While the policy still tried things out, all advantages were equal: what was learned from them is rounding."""
    flat = float(np.mean(metrics["advantage_std"][left >= COLLAPSED] < FLAT))
    if not flat > MOSTLY:
        return None
    return Finding(
        "advantages", flat, MOSTLY,
        f"In {100 * flat:.0f} % of the updates the advantages had no variance (a deviation below {FLAT:g}) while the "
        "policy still tried things out: no action seemed better than another, or the rewards are too small; multiply "
        "them so that returns differ by about 1",
    )  # fmt: skip


def flat_reward(watch: Watch) -> Finding | None:
    """Every step of the run paid the same, or nearly so."""
    low, high = watch.parts["reward"].tolist()
    if high - low >= FLAT:
        return None
    paid = f"{low:g}" if low == high else f"between {low:g} and {high:g}"
    return Finding(
        "reward", high - low, FLAT,
        f"Every step of the run paid {paid}: the team never met another reward, so there was nothing to learn from",
    )  # fmt: skip


def blank_observations(watch: Watch) -> Finding | None:
    """All numbers that the agents observed, or most of them, were the same in every step and for every agent."""
    constant = watch.parts["low"] == watch.parts["high"]
    share, count = constant.double().mean().item(), int(constant.sum())
    if share < UNSEEN:
        return None
    if share == 1:
        said = (
            "Every observation of the run was the same, for all agents, so no policy could tell one state from another"
        )
    else:
        which = first_few(constant.nonzero().flatten().tolist())
        said = (
            f"{count} of the {len(constant)} numbers in an observation never varied (counted from 0: {which}); look "
            "whether the game fills them"
        )
    return Finding("observations", share, UNSEEN, said)


def untried_actions(watch: Watch) -> Finding | None:
    """An agent could have taken an action many times, and never did."""
    legal, taken = watch.parts["legal"], watch.parts["taken"]
    if not legal.numel():
        return None
    never = (legal >= CHANCES) & (taken == 0)  # [n, A]
    if not never.any():
        return None
    which = first_few([f"{action} of agent {agent}" for agent, action in never.nonzero().tolist()])
    return Finding(
        "actions", float(legal[never].max()), CHANCES,
        f"Of {legal.numel()} actions {int(never.sum())} were never taken, though legal at least {CHANCES:,} times "
        f"({which}); train longer, raise --entropy, or give the game fewer actions",
    )  # fmt: skip


def late_mean(column: np.ndarray) -> float:
    """The mean of a column over the later part of a run, leaving out NaN; NaN where nothing was measured."""
    late = column[int(LATE * len(column)) :]
    known = late[~np.isnan(late)]
    return float(known.mean()) if len(known) else float("nan")


def first_few(items: list, most: int = 5) -> str:
    """The first items in words."""
    words = ", ".join(map(str, items[:most]))
    return words if len(items) <= most else f"{words}, ..."
