"""What policy and critic think of a rollout, before anything is learned from it.

One pass over the T B samples finds again what the GRUs remembered at every step. What follows is judged, too: what is
seen after the last step, and what was seen last in each episode that the clock cut.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from maca_edu.networks import action_std, draw_action, expected_action
from maca_edu.training.critics import Critic
from maca_edu.training.records import (
    CriticInput,
    CriticWords,
    Memory,
    PolicyWords,
    Rollout,
    Seen,
    in_one_row,
)
from maca_edu.training.team import Team


class Following(NamedTuple):
    """The critic's word about what comes after a step, in the units of the reward; X = B or E."""

    bootstrap: Tensor  # [X] or [X, n]
    values: tuple[Tensor, ...]  # the critic's outputs, each [X] or [X, n]; () where no action was drawn


class Judgement(NamedTuple):
    """What both think of the S samples of a rollout, and of what follows them."""

    policy: PolicyWords
    x: CriticInput  # what the critic read
    critic: CriticWords
    values: tuple[Tensor, ...]  # the critic's outputs in the units of the reward, each [S] or [S, n]
    memory_after: Memory  # of the last step, [B, ...]
    last: Following  # after the last step, [B, ...]
    finals: Following  # after the last step of each episode that the clock cut, [E, ...]


@torch.no_grad()
def judge(team: Team, critic: Critic, rollout: Rollout) -> Judgement:
    """Ask policy and critic about a rollout."""
    # What was played: S = T B samples.
    seen = Seen(in_one_row(rollout.obs), in_one_row(rollout.state), in_one_row(rollout.available))
    first, action = in_one_row(rollout.first), in_one_row(rollout.action)
    policy = ask_policy(team, seen, first, rollout.memory.actor, action)
    x = CriticInput(seen.obs, seen.state, action, policy.expected, first, rollout.memory.critic, policy.std)
    words = critic.judge(x)

    # What follows: B views after the last steps, and E views on which episodes were cut.
    cuts, (T, B) = rollout.finals.index, rollout.shape
    before = torch.cat([torch.arange((T - 1) * B, T * B, device=cuts.device), cuts])  # [B + E], samples
    views = Seen(*(torch.cat(pair) for pair in zip(rollout.last, rollout.finals.seen, strict=True)))
    begins = torch.cat([rollout.last_first, torch.zeros_like(cuts, dtype=torch.bool)])
    memory = memory_at(Memory(policy.memory, words.memory), before)
    after_last = memory_at(memory, slice(B))
    following = look_ahead(team, critic, views, begins, memory, rollout.chance)
    last = Following(following.bootstrap[:B], tuple(y[:B] for y in following.values))
    finals = Following(following.bootstrap[B:], tuple(y[B:] for y in following.values))
    return Judgement(policy, x, words, in_reward_units(critic, words.outputs), after_last, last, finals)


def ask_policy(team: Team, seen: Seen, first: Tensor, memory: Tensor | None, action: Tensor) -> PolicyWords:
    """What the policy thinks of samples and of the actions played in them."""
    distribution, memory = team(seen.obs, seen.available, memory, first)
    return PolicyWords(
        expected_action(distribution), distribution.log_prob(action), distribution.entropy(), memory,
        action_std(distribution),
    )  # fmt: skip


def look_ahead(
    team: Team, critic: Critic, seen: Seen, first: Tensor, memory: Memory, chance: Tensor | None
) -> Following:
    """The critic's word about X views; with chance `[X, n, A]` an action is drawn in each, and the critic is told."""
    distribution, _ = team(seen.obs, seen.available, memory.actor, first)
    action = None if chance is None else draw_action(distribution, chance)
    policy, std = expected_action(distribution), action_std(distribution)
    x = CriticInput(seen.obs, seen.state, action, policy, first, memory.critic, std)
    values = () if action is None else in_reward_units(critic, critic.predict(x))
    return Following(critic.bootstrap(x), values)


def memory_at(memory: Memory, rows: Tensor | slice) -> Memory:
    """Some rows of a memory."""
    actor = None if memory.actor is None else memory.actor[rows]
    return Memory(actor, None if memory.critic is None else memory.critic[rows])


def in_reward_units(critic: Critic, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A critic's outputs in the units of the reward."""
    pairs = zip(critic.outputs, outputs, strict=True)
    return tuple(output.norm.denormalise(y) for output, y in pairs)
