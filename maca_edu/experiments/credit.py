"""True and learned credit side by side, for episodes of a finished run.

The team plays as it trained: actions are drawn from the policy. In every step

    true       the terms that the game declares, with their members
               what the joint action was worth: Q(s, a), measured in copies of the moment (`training.counterfactual`)
               what agent i's action was worth: Q(s, a) - E_{a_i}[Q(s, a)], measured in the same way
    learned    the critic's Q(s, a), its baselines and CorrSets, and the method's advantage, as an update of the run
               would see them: with the lambda-return of the episode, and with the critic's own Q in its place

The same questions are put to a critic that has learned nothing, the run's own before its first update: what the learned
one says counts only where it says more.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maca_edu import envs
from maca_edu.checks import check_integer
from maca_edu.networks import draw_action, draw_noise
from maca_edu.team_env import Credit, TeamEnv, TeamStep, View
from maca_edu.training.advantages import Advantage, apply_row, batch_of
from maca_edu.training.counterfactual import Worth, advantages, alternatives, forked_returns, worth
from maca_edu.training.diagnostics import corrset_scores
from maca_edu.training.judging import judge
from maca_edu.training.learner import Learner
from maca_edu.training.loop import Run, env_seed
from maca_edu.training.processes import OneProcess
from maca_edu.training.records import Memory, Rollout, as_seen, in_columns, in_one_row
from maca_edu.training.returns import rollout_returns
from maca_edu.training.rng import torch_stream
from maca_edu.training.rollout import RolloutBuffer


class Moment(NamedTuple):
    """A step of an episode, in an environment of one copy."""

    view: View  # before it, with a batch of one
    action: np.ndarray  # [n]
    step: TeamStep
    q: Worth  # [], of the joint action
    advantage: Worth  # [n]


class Measured(NamedTuple):
    """What actions were worth in the T steps of an episode, by copies of every moment."""

    q: Worth  # [T]
    advantage: Worth  # [T, n]


class Learned(NamedTuple):
    """What a critic thought of the T steps of an episode, in the units of the reward; None: not this critic."""

    advantage: np.ndarray  # [T, n], the method's, from the lambda-return
    critic_advantage: np.ndarray | None  # [T, n], the method's, from the critic's own Q
    q: np.ndarray | None  # [T, n], Q(s, a); the same for all agents, but for COMA's
    baselines: np.ndarray | None  # [3, T, n], joint, individual, CorrSet
    corrset: np.ndarray | None  # [T, n, n] bool, row i is C_i


class Episode(NamedTuple):
    """An episode of T steps with its credit."""

    seed: int  # of the environment
    action: np.ndarray  # [T, n]
    alive: np.ndarray  # [T, n] bool
    reward: np.ndarray  # [T]
    won: bool | None  # None where there is no winning
    names: tuple[str, ...]  # of the reward's K terms
    terms: Credit  # amount [T, K], members [T, K, n]
    measured: Measured
    learned: Learned
    untrained: Learned


class Scores(NamedTuple):
    """How well a critic knows the true credit, over the steps of living agents; None: it cannot be said.

    correlation: of the method's advantage with the measured one, for all agents and for each; critic_correlation: the
    same with the critic's own Q in place of the lambda-return. The others: see `diagnostics.corrset_scores`.
    """

    correlation: float | None
    correlation_by_agent: list[float | None]
    critic_correlation: float | None
    critic_correlation_by_agent: list[float | None]
    corrset_size: float | None = None
    corrset_precision: float | None = None
    corrset_recall: float | None = None
    corrset_precision_chance: float | None = None
    corrset_recall_chance: float | None = None


class Summary(NamedTuple):
    """What the episodes say together."""

    env: str
    method: str
    run_seed: int
    seed: int
    episodes: int
    copies: int
    lookahead: int | None
    steps: int
    return_mean: float
    measured_deviation: float  # of the measured advantage over the steps of living agents, in units of the reward
    measured_noise: float  # share of its variance that is the measurement's own
    ceiling: float  # the correlation with it of an advantage that is exactly right
    learned: Scores
    untrained: Scores


# ---------------------------------------------------------------------------------------------------------------------
# Playing and measuring


def credit_of(run: Run, episodes: int, seed: int, copies: int, lookahead: int | None = None) -> Iterator[Episode]:
    """Play episodes of a run, on seeds that training never used, with the true and the learned credit of each.

    copies: of every moment, for each action that one agent might have played instead, at least 2. lookahead: see
        `counterfactual.forked_returns`.
    Raises ValueError where an argument is wrong, or the run's game declares no terms or cannot be forked.
    """
    check_integer("episodes", episodes, 1)
    check_integer("copies", copies, 2)
    learner, settings = run.learner, run.settings
    untrained = Learner(learner.sizes, learner.method, settings["seed"], learner.config, learner.device)
    with contextlib.closing(envs.make(settings["env"], 1)) as env:
        if env.terms is None:
            raise ValueError(
                f"env={env.name!r} does not declare who earns what; games that do are toy/... and smax/..."
            )
        for number in np.random.SeedSequence(env_seed(seed, "evaluate")).generate_state(episodes):
            moments = list(play(learner, env, int(number), copies, lookahead))
            rollout = rollout_of(learner, moments, int(number))
            known = opinion(learner, learner, rollout), opinion(learner, untrained, rollout)
            yield episode_of(int(number), env.terms, moments, *known)


def play(learner: Learner, env: TeamEnv, seed: int, copies: int, lookahead: int | None = None) -> Iterator[Moment]:
    """Play an episode in an environment of one copy, and measure what every agent's action was worth."""
    stream = np.random.default_rng(seed)
    chance, shape = torch_stream(stream), (env.n_agents, env.n_actions)
    view, memory, over = env.reset(seed), learner.actor.blank_memory(1, learner.device), False
    while not over:
        seen = as_seen(view, learner.device)
        with torch.no_grad():
            distribution, memory = learner.policy(seen.obs, seen.available, memory, None)
        noise = draw_noise(chance, (1, *shape), env.continuous).to(learner.device)
        action, policy = draw_action(distribution, noise)[0].cpu().numpy(), distribution.probs[0].cpu().numpy()
        rows = alternatives(action, view.available[0])  # [n, A, n]
        played = np.repeat(rows.reshape(1, -1, 1, env.n_agents), copies, axis=2)  # [1, n A, R, n]
        gamma, number, here = learner.config.gamma, int(stream.integers(2**31)), np.array([0])
        returns = forked_returns(env, here, played, learner.policy, gamma, number, memory, learner.device, lookahead)
        returns = returns.reshape(*shape, copies)
        step = env.step(action[None])
        yield Moment(view, action, step, worth(returns[0, action[0]]), advantages(returns, action, policy))
        view, over = step.view, bool(step.terminated[0] or step.truncated[0])


def rollout_of(learner: Learner, moments: list[Moment], seed: int) -> Rollout:
    """An episode as a rollout of one environment, as critics read it. seed: decides what is drawn after it."""
    buffer = RolloutBuffer(learner.sizes, len(moments), 1, learner.device)
    for moment in moments:
        buffer.add(moment.view, torch.from_numpy(moment.action[None]), moment.step)
    chance = None
    if learner.critic.needs_action:
        sizes, generator = learner.sizes, torch.Generator().manual_seed(seed)
        shape = (len(moments) + 1, 1, sizes.n_agents, sizes.n_actions)
        chance = draw_noise(generator, shape, sizes.continuous).to(learner.device)
    rollout = buffer.rollout(moments[-1].step.view, learner.blank_memory(1), chance)
    return rollout if learner.features is None else learner.features.read_rollout(rollout)


def opinion(player: Learner, judging: Learner, rollout: Rollout) -> Learned:
    """What the critic of `judging` thinks of a rollout that `player` played."""
    memory = Memory(rollout.memory.actor, judging.blank_memory(1).critic)
    judgement = judge(player.actor, judging.critic, rollout._replace(memory=memory))
    words, x, row = judgement.critic, judgement.x, player.method.advantage
    returns = in_columns(rollout_returns(rollout, judgement, player.config))
    batch = batch_of(words, returns, x.action, x.policy, in_one_row(rollout.alive))
    from_q = None if words.q is None else apply_row(row, batch._replace(target=words.q))
    return Learned(
        Advantage(row, batch, OneProcess()).raw.cpu().numpy(),
        in_numpy(from_q),
        None if words.q is None else in_numpy(words.q.expand(batch.alive.shape)),
        None if words.baselines is None else in_numpy(words.baselines.expand(3, *batch.alive.shape)),
        in_numpy(words.corrset),
    )


def in_numpy(x: Tensor | None) -> np.ndarray | None:
    """The tensor as an array."""
    return None if x is None else x.cpu().numpy()


def episode_of(
    seed: int, names: tuple[str, ...], moments: list[Moment], learned: Learned, untrained: Learned
) -> Episode:
    """An episode from its moments and what two critics thought of them; names: of the reward's terms."""
    views, actions, steps, q, advantage = zip(*moments, strict=True)
    measured = Measured(*(Worth(*map(np.stack, zip(*parts, strict=True))) for parts in (q, advantage)))
    terms = Credit(*(np.concatenate(parts) for parts in zip(*(step.credit for step in steps), strict=True)))
    alive = np.concatenate([np.asarray(view.alive) for view in views])
    reward = np.concatenate([step.reward for step in steps])
    won = None if steps[-1].won is None else bool(steps[-1].won[0])
    return Episode(seed, np.stack(actions), alive, reward, won, names, terms, measured, learned, untrained)


# ---------------------------------------------------------------------------------------------------------------------
# Comparing


def summary_of(run: Run, episodes: list[Episode], seed: int, copies: int, lookahead: int | None) -> Summary:
    """What the episodes say together."""
    alive = np.concatenate([episode.alive for episode in episodes])
    true = np.concatenate([episode.measured.advantage.mean for episode in episodes])
    error = np.concatenate([episode.measured.advantage.error for episode in episodes])
    variance = float(true[alive].var())
    noise = float(np.square(error[alive]).mean()) / variance if variance else math.nan
    return Summary(
        run.settings["env"],
        run.settings["method"],
        run.settings["seed"],
        seed,
        len(episodes),
        copies,
        lookahead,
        steps=len(alive),
        return_mean=float(np.mean([episode.reward.sum() for episode in episodes])),
        measured_deviation=math.sqrt(variance),
        measured_noise=noise,
        ceiling=math.sqrt(max(1 - noise, 0)),
        learned=scores(episodes, [episode.learned for episode in episodes]),
        untrained=scores(episodes, [episode.untrained for episode in episodes]),
    )


def scores(episodes: list[Episode], opinions: list[Learned]) -> Scores:
    """How well a critic's opinions of episodes agree with what was measured."""
    alive = np.concatenate([episode.alive for episode in episodes])
    true = np.concatenate([episode.measured.advantage.mean for episode in episodes])
    found = correlations(np.concatenate([x.advantage for x in opinions]), true, alive)
    own = (None, [None] * alive.shape[1])
    if opinions[0].critic_advantage is not None:
        own = correlations(np.concatenate([x.critic_advantage for x in opinions]), true, alive)
    sets = {}
    if opinions[0].corrset is not None:
        partners = np.concatenate([episode.terms.partners() for episode in episodes])
        corrset = np.concatenate([x.corrset for x in opinions])
        sets = corrset_scores(*(torch.from_numpy(x) for x in (corrset, alive, partners)))
    return Scores(*found, *own, **{name: finite(number) for name, number in sets.items()})


def correlations(x: np.ndarray, y: np.ndarray, alive: np.ndarray) -> tuple[float | None, list[float | None]]:
    """The correlation of x and y over the steps of living agents, of all and of each agent; all `[T, n]`."""
    each = [correlation(x[own, i], y[own, i]) for i, own in enumerate(alive.T)]
    return correlation(x[alive], y[alive]), each


def correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    """Pearson's correlation of two rows; None where one of them is constant."""
    if len(x) < 2 or x.std() < 1e-12 or y.std() < 1e-12:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def finite(number: float) -> float | None:
    """The number, None where it is not finite, as JSON has it."""
    return number if math.isfinite(number) else None
