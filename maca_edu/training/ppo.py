"""PPO: several passes over a rollout, in random minibatches, for the policies and for the critic; HAPPO's order.

Dead agents act on paper only, so they weigh nothing in the policies' loss (`alive` marks the others). The critic's loss
is a plain mean: the team's value is defined whoever lives.

A network with a GRU learns from chunks of consecutive steps of one environment, each begun with the memory that the
rollout had there (truncated backpropagation through time); for a network without one a chunk is a single step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import huber_loss

from maca_edu.training.advantages import Advantage, masked_mean
from maca_edu.training.config import Config
from maca_edu.training.critics import Critic
from maca_edu.training.judging import Judgement
from maca_edu.training.processes import NO_VARIANCE, Processes, variances
from maca_edu.training.records import CriticInput, Rollout, in_one_row
from maca_edu.training.team import Team

HUBER_DELTA = 10.0  # Table 7

# ---------------------------------------------------------------------------------------------------------------------
# What is learned from


class Descent(NamedTuple):
    """How gradients are followed: the same for policies and critic, each with an optimiser of its own."""

    optimiser: torch.optim.Optimizer
    config: Config
    shuffles: torch.Generator  # draws the minibatches
    processes: Processes


class PolicyBatch(NamedTuple):
    """What the policies learn from: S = T B samples of n agents, or of one."""

    shape: tuple[int, int]  # T, B
    obs: Tensor  # [S, n, d]
    available: Tensor  # [S, n, A] bool
    alive: Tensor  # [S, n] bool
    action: Tensor  # [S, n] or [S, n, A]
    log_prob: Tensor  # [S, n], of the action, by the policy that played
    first: Tensor  # [S] bool
    memory: Tensor | None  # [T / chunk, B, n, H], the GRU's before each chunk

    def of_agent(self, i: int) -> PolicyBatch:
        """The batch of one agent, n = 1."""
        own = slice(i, i + 1)
        return PolicyBatch(
            self.shape, self.obs[:, own], self.available[:, own], self.alive[:, own], self.action[:, own],
            self.log_prob[:, own], self.first, None if self.memory is None else self.memory[:, :, own],
        )  # fmt: skip


def policy_batch(rollout: Rollout, judgement: Judgement, chunk: int) -> PolicyBatch:
    """What the policies learn from a rollout; chunk: steps through which a GRU's error is passed back."""
    x, words = judgement.x, judgement.policy
    available, alive = in_one_row(rollout.available), in_one_row(rollout.alive)
    memory = before_chunks(rollout.memory.actor, words.memory, rollout.shape, chunk)
    return PolicyBatch(rollout.shape, x.obs, available, alive, x.action, words.log_prob, x.first, memory)


class CriticBatch(NamedTuple):
    """What the critic learns from: S = T B samples, and for each of its outputs what it said and should have said."""

    shape: tuple[int, int]  # T, B
    x: CriticInput  # [S, ...]; its memory is the one before each chunk, [T / chunk, B, ...]
    before: tuple[Tensor, ...]  # each [S] or [S, n], what the critic said, in its own units
    targets: tuple[Tensor, ...]  # the same shapes and units


def critic_batch(
    rollout: Rollout, judgement: Judgement, critic: Critic, targets: list[Tensor], chunk: int
) -> CriticBatch:
    """What the critic learns from a rollout; targets: for each output, `[S]` or `[S, n]`, in the reward's units."""
    memory = before_chunks(rollout.memory.critic, judgement.critic.memory, rollout.shape, chunk)
    normalised = (output.norm.normalise(y) for output, y in zip(critic.outputs, targets, strict=True))
    x = judgement.x._replace(memory=memory)
    return CriticBatch(rollout.shape, x, judgement.critic.outputs, tuple(normalised))


class PolicyLog(NamedTuple):
    """Means over all minibatches."""

    policy_loss: float
    clip_fraction: float


class Chunks(NamedTuple):
    """One minibatch: M chunks of L consecutive steps."""

    numbers: Tensor  # [M], which of the T / L * B chunks, counted like samples, time first
    samples: Tensor  # [L * M], their samples, time first

    def of(self, x: Tensor) -> Tensor:
        """The chunks' samples of x `[S, ...]`."""
        return x.index_select(0, self.samples)

    def memory(self, before: Tensor | None) -> Tensor | None:
        """The memory `[M, ...]` before the chunks, from the one before every chunk, `[T / L, B, ...]`."""
        return None if before is None else before.flatten(0, 1).index_select(0, self.numbers)


def minibatches(
    shape: tuple[int, int],
    length: int,
    count: int,
    generator: torch.Generator,
    processes: Processes,
    device: torch.device | str = "cpu",
) -> Iterator[Chunks]:
    """One pass: every sample once, in `count` minibatches of chunks of `length` steps, the chunks in random order.

    shape: T and B. device: where the numbers are wanted; the order is drawn on the CPU, so that it is the same
    everywhere. With several processes all draw the same order of all their chunks, and each keeps its own.
    Raises ValueError where T does not divide into chunks, or there are fewer chunks than minibatches.
    """
    T, B = shape
    if length < 1 or T % length:
        divisors = ", ".join(str(c) for c in range(1, T + 1) if T % c == 0)
        raise ValueError(f"chunk={length}; for {T} steps allowed are {divisors}")
    everywhere = B * processes.count
    if not 1 <= count <= T // length * everywhere:
        raise ValueError(f"minibatches={count}; allowed are 1 to {T // length * everywhere}, the number of chunks")
    order = torch.randperm(T // length * everywhere, generator=generator, device="cpu")
    for numbers in order.tensor_split(count):
        row, env = numbers // everywhere, numbers % everywhere - processes.rank * B  # [M]
        mine = (env >= 0) & (env < B)
        row, env = row[mine], env[mine]
        time = row * length + torch.arange(length, device="cpu")[:, None]  # [L, M]
        yield Chunks((row * B + env).to(device), (time * B + env).flatten().to(device))


def before_chunks(start: Tensor | None, after: Tensor | None, shape: tuple[int, int], length: int) -> Tensor | None:
    """The memory before each chunk, `[T / length, B, ...]`; None without a GRU.

    start: before the rollout, `[B, ...]`; after: after each sample, `[S, ...]`.
    """
    if start is None:
        return None
    after = after.unflatten(0, shape)  # [T, B, ...]
    return torch.cat([start[None], after[length - 1 : -1 : length]])


# ---------------------------------------------------------------------------------------------------------------------
# The policies


def update_together(team: Team, batch: PolicyBatch, advantage: Advantage, descent: Descent) -> PolicyLog:
    """PPO for all agents at once."""
    nobody_before = torch.ones_like(batch.log_prob[:, :1])  # HAPPO's factor
    return improve_policy(team, batch, advantage.normalised(nobody_before), descent)


def update_in_turn(team: Team, batch: PolicyBatch, advantage: Advantage, descent: Descent) -> PolicyLog:
    """HAPPO: the agents one after the other in a random order, each allowing for what those before it have changed.

    The next agent's advantage is weighed by M, the product of new over old probability of the agents updated so far:
    its gradient is then that of a team in which they play their new policies already (Kuba et al., 2022).
    """
    factor = torch.ones_like(batch.log_prob[:, :1])  # [S, 1], M
    agents = batch.log_prob.shape[1]
    logs = []
    for i in torch.randperm(agents, generator=descent.shuffles, device="cpu").tolist():
        own = batch.of_agent(i)
        logs.append(improve_policy(team, own, advantage.normalised(factor)[:, i : i + 1], descent, agent=i))
        with torch.no_grad():
            start = None if own.memory is None else own.memory[0]
            distribution, _ = team(own.obs, own.available, start, own.first, agent=i)
            ratio = (distribution.log_prob(own.action) - own.log_prob).exp()
        factor = next_factor(factor, ratio, own.alive)
    return PolicyLog(*(sum(values) / agents for values in zip(*logs, strict=True)))


def next_factor(factor: Tensor, ratio: Tensor, alive: Tensor) -> Tensor:
    """HAPPO's M for the next agent, after one agent's update: M times that agent's pi_new / pi_old.

    All of one shape. Where the updated agent was dead M stays. Source: M^{i_{1:m}} of Kuba et al. (2022), Table 1 (row
    HAPPO) of the MACA paper.
    """
    return factor * torch.where(alive, ratio, 1.0)


def improve_policy(
    team: Team, batch: PolicyBatch, advantage: Tensor, descent: Descent, agent: int | None = None
) -> PolicyLog:
    """PPO's epochs: raise the clipped surrogate and the entropy (Schulman et al., 2017).

    advantage: `[S, n]`, normalised. agent: whose network, where the batch is of one agent with a network of its own.
    """
    c = descent.config
    length = 1 if batch.memory is None else c.chunk
    parts = (batch.shape, length, c.minibatches, descent.shuffles, descent.processes, batch.obs.device)
    log = []
    for _ in range(c.epochs):
        for chunks in minibatches(*parts):
            if not len(chunks.numbers):
                log.append(sit_out(descent, 2))
                continue
            alive, memory = chunks.of(batch.alive), chunks.memory(batch.memory)
            obs, available = chunks.of(batch.obs), chunks.of(batch.available)
            distribution, _ = team(obs, available, memory, chunks.of(batch.first), agent)
            ratio = (distribution.log_prob(chunks.of(batch.action)) - chunks.of(batch.log_prob)).exp()  # new over old
            surrogate = policy_loss(ratio, chunks.of(advantage), c.clip, alive)
            loss = surrogate
            if c.entropy:
                loss = loss - c.entropy * masked_mean(distribution.entropy(), alive)
            numbers = torch.stack([surrogate.detach(), clip_fraction(ratio, c.clip, alive)])
            log.append(descend(descent, loss, numbers, alive.sum()))
    return PolicyLog(*torch.stack(log).double().mean(dim=0).tolist())


def policy_loss(ratio: Tensor, advantage: Tensor, clip: float, alive: Tensor | None = None) -> Tensor:
    """PPO's clipped surrogate, to be minimised: -E[min(rho A, clip(rho, 1 - c, 1 + c) A)] (Schulman et al., 2017).

    ratio, advantage, alive: one shape. The gradient is 0 where the ratio has already left the interval on the side
    that the advantage asks for; at ratio 1 it is that of Eq. 1. The numbers of one continuous action share one ratio
    ("prod" aggregation, Table 7).
    """
    surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    return -masked_mean(surrogate, alive)


def clip_fraction(ratio: Tensor, clip: float, alive: Tensor | None = None) -> Tensor:
    """The share of entries whose ratio lies outside 1 - clip to 1 + clip; no gradient."""
    outside = (ratio.detach() - 1).abs() > clip
    return masked_mean(outside.to(ratio.dtype), alive)


# ---------------------------------------------------------------------------------------------------------------------
# The critic


def take_in(targets: list[Tensor], judgement: Judgement, critic: Critic, processes: Processes) -> dict[str, float]:
    """Let each output's ValueNorm see its targets; returns how far the critic was off before, as columns of metrics.

    targets: `[S]` or `[S, n]` for each output, in the units of the reward, like the errors' root mean square. Beside it
    stands the share of the targets' variance that the output had explained, which its mean does not matter for.
    A critic that corrects returns also learns from them how far its correction can be trusted, for later rollouts.
    """
    errors = {}
    for output, value, target in zip(critic.outputs, judgement.values, targets, strict=True):
        size = torch.tensor(target.numel(), device=target.device)
        square = processes.average((value - target).square().mean(), size)
        errors[f"{output.name}_rmse"] = square.sqrt().item()
        errors[f"{output.name}_explained"] = explained(value, target, processes)
        output.norm.update(target, processes)
    if judgement.critic.correction is not None:
        errors["correction_eta"] = critic.shrinkage.eta
        critic.shrinkage.update(judgement.critic.correction, targets[-1], processes)
    return errors


def explained(value: Tensor, target: Tensor, processes: Processes) -> float:
    """1 - Var(target - value) / Var(target) over the samples of all processes; NaN where targets hardly vary.

    1 where value differs from target by a constant, 0 for a value that is constant itself, negative for one that
    misleads.
    """
    left, total = variances(torch.stack([target - value, target]).flatten(1), processes)
    return 1 - left / total if total > NO_VARIANCE else math.nan


def improve_critic(critic: Critic, batch: CriticBatch, descent: Descent) -> float:
    """The epochs of the critic's regression on its targets; returns the mean loss over all minibatches."""
    c = descent.config
    length = 1 if batch.x.memory is None else c.chunk
    parts = (batch.shape, length, c.minibatches, descent.shuffles, descent.processes, batch.x.obs.device)
    log = []
    for _ in range(c.critic_epochs or c.epochs):
        for chunks in minibatches(*parts):
            if not len(chunks.numbers):
                log.append(sit_out(descent, 1))
                continue
            obs, state, action = chunks.of(batch.x.obs), chunks.of(batch.x.state), chunks.of(batch.x.action)
            policy, first, memory = chunks.of(batch.x.policy), chunks.of(batch.x.first), chunks.memory(batch.x.memory)
            outputs = critic.predict(CriticInput(obs, state, action, policy, first, memory))
            loss = 0.0
            for output, y, before, target in zip(critic.outputs, outputs, batch.before, batch.targets, strict=True):
                loss = loss + output.weight * value_loss(y, chunks.of(before), chunks.of(target), c.clip)
            log.append(descend(descent, loss, loss.detach()[None], torch.tensor(len(obs), device=obs.device)))
    return torch.stack(log).double().mean().item()


def value_loss(value: Tensor, before: Tensor, target: Tensor, clip: float | None) -> Tensor:
    """The critic's clipped Huber loss, a plain mean; all three in the critic's normalised units and of one shape.

    Huber: e^2 / 2 up to |e| = 10, then 10 (|e| - 5). Clipped: the larger of the losses of value and of
    before + clip(value - before, -c, c), so leaving the interval never pays (Schulman et al., 2017; Yu et al.,
    2022). clip None: not clipped. No gradient reaches before and target. Raises ValueError where shapes differ.
    """
    if value.shape != target.shape:
        raise ValueError(
            f"the critic's prediction has shape {tuple(value.shape)}; its target has {tuple(target.shape)}"
        )
    before, target = before.detach(), target.detach()
    loss = huber_loss(value, target, reduction="none", delta=HUBER_DELTA)
    if clip is not None:
        clipped = before + (value - before).clamp(-clip, clip)
        loss = torch.maximum(loss, huber_loss(clipped, target, reduction="none", delta=HUBER_DELTA))
    return loss.mean()


# ---------------------------------------------------------------------------------------------------------------------
# Both


def descend(descent: Descent, loss: Tensor, numbers: Tensor, weight: Tensor) -> Tensor:
    """One step against the gradient, which is scaled down where it is longer than `max_grad_norm`.

    loss: a mean over `weight` entries. With several processes each has a share of the entries, and the gradient is
    that of the mean over all of them; numbers `[k]` are averaged likewise and returned.
    """
    descent.optimiser.zero_grad()
    loss.backward()
    return step_along(descent, numbers, weight)


def sit_out(descent: Descent, count: int) -> Tensor:
    """`descend` for a process that has no share of a minibatch: the step of the others, and their `count` numbers."""
    descent.optimiser.zero_grad()
    device = descent.optimiser.param_groups[0]["params"][0].device
    return step_along(descent, torch.zeros(count, device=device), torch.zeros((), device=device))


def step_along(descent: Descent, numbers: Tensor, weight: Tensor) -> Tensor:
    """One step along the gradients that the parameters hold, averaged over all processes; see `descend`."""
    parameters = [p for group in descent.optimiser.param_groups for p in group["params"]]
    numbers = descent.processes.average_gradients(parameters, numbers, weight)
    nn.utils.clip_grad_norm_(parameters, descent.config.max_grad_norm, foreach=True)
    descent.optimiser.step()
    return numbers
