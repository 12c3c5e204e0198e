"""What policy and critic think of a rollout, before anything is learned from it.

One pass over the T B samples finds again what the GRUs remembered at every step. What follows is judged, too: what is
seen after the last step, and what was seen last in each episode that the clock cut.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from maca_edu.networks import expected_action
from maca_edu.training.critics import Critic
from maca_edu.training.records import (
    CriticInput,
    CriticWords,
    JudgedBatch,
    Memory,
    PolicyWords,
    Rollout,
    Seen,
    in_one_row,
)
from maca_edu.training.team import Team, draw_action


class NextNoise(NamedTuple):
    """Chance for actions that the critic wants to know where none was played yet (COMA's critic, for instance)."""

    last: Tensor  # [B, n, A], after the last step
    finals: Tensor  # [E, n, A], after the last step of each episode that the clock cut


class Following(NamedTuple):
    """The critic's word about what comes after a step, in the units of the reward."""

    bootstrap: Tensor  # [X] or [X, n]
    values: tuple[Tensor, ...]  # the critic's outputs, each [X] or [X, n]; () where no action was drawn


class Judgement(NamedTuple):
    """What both think of the S samples of a rollout, and of what follows them."""

    policy: PolicyWords
    x: CriticInput  # what the critic read
    critic: CriticWords
    values: tuple[Tensor, ...]  # the critic's outputs in the units of the reward, each [S] or [S, n]
    memory_after: Memory  # after the last step, [B, ...]
    last: Following  # after the last step, [B, ...]
    finals: Following | None  # after the last step of each episode that the clock cut, [E, ...]; None where E = 0


@torch.no_grad()
def judge(team: Team, critic: Critic, rollout: Rollout, noise: NextNoise | None) -> Judgement:
    """Ask policy and critic about a rollout; noise: None where the critic wants to know no further actions."""
    seen = Seen(in_one_row(rollout.obs), in_one_row(rollout.state), in_one_row(rollout.available))
    first, action = in_one_row(rollout.first), in_one_row(rollout.action)
    policy = ask_policy(team, seen, first, rollout.memory.actor, action)
    x = CriticInput(seen.obs, seen.state, action, policy.expected, first, rollout.memory.critic)
    words = critic.judge(x)

    after = Memory(policy.memory, words.memory)  # [S, ...], the memory after each sample
    at_end = memory_at(after, slice(-rollout.shape[1], None))
    last = follow(team, critic, rollout.last, rollout.last_first, at_end, noise and noise.last)
    finals, cuts = None, rollout.finals.index
    if len(cuts):
        nothing_begins = torch.zeros_like(cuts, dtype=torch.bool)
        memory = memory_at(after, cuts)
        finals = follow(team, critic, rollout.finals.seen, nothing_begins, memory, noise and noise.finals)
    values = in_reward_units(critic, words.outputs)
    return Judgement(policy, x, words, values, at_end, last, finals)


def memory_at(after: Memory, samples: Tensor | slice) -> Memory:
    """The memory after some of the samples; after: of all of them, `[S, ...]`."""
    actor = None if after.actor is None else after.actor[samples]
    critic = None if after.critic is None else after.critic[samples]
    return Memory(actor, critic)


def ask_policy(team: Team, seen: Seen, first: Tensor, memory: Tensor | None, action: Tensor) -> PolicyWords:
    """What the policy thinks of samples and of the actions played in them."""
    distribution, memory = team(seen.obs, seen.available, memory, first)
    return PolicyWords(expected_action(distribution), distribution.log_prob(action), distribution.entropy(), memory)


def follow(team: Team, critic: Critic, seen: Seen, first: Tensor, memory: Memory, noise: Tensor | None) -> Following:
    """The critic's word about X views; with noise an action is drawn in each, and the critic is told."""
    distribution, _ = team(seen.obs, seen.available, memory.actor, first)
    action = None if noise is None else draw_action(distribution, noise)
    x = CriticInput(seen.obs, seen.state, action, expected_action(distribution), first, memory.critic)
    values = () if action is None else in_reward_units(critic, critic.predict(x))
    return Following(critic.bootstrap(x), values)


def in_reward_units(critic: Critic, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A critic's outputs in the units of the reward."""
    pairs = zip(critic.outputs, outputs, strict=True)
    return tuple(output.norm.denormalise(y) for output, y in pairs)


def batch_of(words: CriticWords, target: Tensor, action: Tensor, policy: Tensor, alive: Tensor) -> JudgedBatch:
    """What an advantage is computed from, HAPPO's factor still 1.

    target `[S, 1]` or `[S, n]`, action `[S, n]` or `[S, n, A]`, policy `[S, n, A]`, alive `[S, n]`.
    """
    return JudgedBatch(
        target,
        action,
        policy,
        alive,
        factor=torch.ones_like(target[:, :1]),
        value=words.value,
        q=words.q,
        q_values=words.q_values,
        baselines=words.baselines,
        psi=words.psi,
        attention=words.attention,
        corrset=words.corrset,
    )
