"""Who owns the variance of a run's advantage, measured: copies of a moment that share less and less of their chance.

A moment is what an episode of the frozen team, its actions drawn as in training, shows before a step; every step of an
episode is as likely to be taken as any other. In copies of it the team plays on to the end of the episode, and A is
the advantage that training would make of that with the run's own critic, gamma, lambda and time limits: the
lambda-advantage, corrected where the run corrects its returns. (Training itself looks only as far as its rollout and
asks the critic there.) Of two copies take the mean product of their A, over moments and chance, where they share

    everything                                          E[A A'] = whole
    the moment, the joint action, the game's chance               game      later actions are drawn apart
    the moment, the joint action                                  action    so is the game's chance
    the moment, the actions of n - d agents                       sharing[d]
    the moment                                                    moment    = sharing[n]
    nothing                                                       nothing

By the law of total variance the differences of neighbours are what each owner adds, and they add up to Var(A):

    critic   moment - nothing     moments whose advantage is not 0 on average, though an exact V would make it so
    now      action - moment      the joint action that is judged
    later    whole - game         actions of later steps, given the game's chance
    game     game - action        the game's chance alone

No product has a copy twice, so no estimate is biased. An owner that has nothing may be measured a little below 0.
The joint action's part is split by credit assignment level: with the variance sigma_k^2 of level k,

    sharing[d] = E[A]_s^2 + sum over k of sigma_k^2 (n - d choose k) / (n choose k)

because a share of (n - d choose k) / (n choose k) of the groups of size k lies among n - d agents.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
import scipy.stats
import torch
from torch import Tensor

from maca_edu.networks import action_std, draw_action, draw_noise, expected_action
from maca_edu.team_env import TeamEnv
from maca_edu.training.judging import look_ahead, memory_at
from maca_edu.training.learner import Learner
from maca_edu.training.records import CriticInput, CriticWords, Memory, Seen
from maca_edu.training.returns import lambda_returns
from maca_edu.training.rng import torch_stream

SPLIT_UP_TO = 3  # agents, of whom all mixtures of two joint actions are played, so that all levels can be told apart


class Design(NamedTuple):
    """Which joint actions are played in a moment: mixtures of two, a and b, both drawn from the policy."""

    takes_b: np.ndarray  # [J, n] bool, which agents act as in b
    distance: np.ndarray  # [J, J], of how many agents the actions differ
    weight: np.ndarray  # [J], with sum 1, of each mixture in means


class Share(NamedTuple):
    """An owner's part of the variance, with Student's 95 % interval over moments (jackknife)."""

    owner: str
    variance: float  # in squared units of the reward
    share: float  # of the whole
    low: float
    high: float


# ---------------------------------------------------------------------------------------------------------------------
# Measuring


def mixtures(n_agents: int) -> Design:
    """a, b, and what comes of them when one agent, or all but one, act as in b; up to three agents: all mixtures.

    The weights are such that `sharing[n - 1] - sharing[n]` compares actions that differ in one agent only, so that most
    of what is luck cancels.
    """
    n = n_agents
    rows = [[j >> i & 1 for i in range(n)] for j in range(2**n)] if n <= SPLIT_UP_TO else [[0] * n, [1] * n]
    if n > SPLIT_UP_TO:
        rows += [[int(i == k) for i in range(n)] for k in range(n)] + [
            [int(i != k) for i in range(n)] for k in range(n)
        ]
    takes_b = np.array(rows, dtype=bool)
    distance = (takes_b[:, None] != takes_b).sum(axis=-1)  # [J, J]
    weight = (distance == n - 1).sum(axis=1)
    return Design(takes_b, distance, weight / weight.sum())


def measure_moments(learner: Learner, env: TeamEnv, moments: int, copies: int, seed: int = 0) -> np.ndarray:
    """Advantages `[M, J, K, 2, E]` in copies of M moments, one of each of env's M copies.

    J: the joint actions of `mixtures`. K = copies / 2: the game's chance; every two copies that share it differ by
    later actions. The same K pairs of chance are used for all joint actions. E: 1, or n where every agent has a value
    of its own. env: is reset. copies: even, at least 4.
    Raises ValueError where an argument is wrong, env cannot be forked, or the critic has no value of a state.
    """
    if learner.critic.needs_action:
        raise ValueError(
            "the run's critic has no V(s) and no joint baseline, so its lambda-advantage has no budget; methods that "
            "have one are mappo, happo, ippo and all of maca"
        )
    if moments < 3:
        raise ValueError(f"moments={moments}; allowed is an integer of at least 3")
    if copies < 4 or copies % 2:
        raise ValueError(f"copies={copies}; allowed is an even integer of at least 4")
    if env.batch != moments:
        raise ValueError(f"env has {env.batch} copies; expected one for each of moments={moments}")
    design, stream = mixtures(env.n_agents), np.random.default_rng(seed)
    chance = torch_stream(stream)
    at_once = -(-moments // env.horizon)  # moments that are forked together: a fork has always the same size
    results: list[np.ndarray | None] = [None] * moments
    view = env.reset(int(stream.integers(2**31)))
    time, due = np.zeros(moments, dtype=int), stream.integers(env.horizon, size=moments)
    first, memory = np.ones(moments, dtype=bool), learner.blank_memory(moments)
    while any(result is None for result in results):
        noise = draw_noise(chance, (3, moments, env.n_agents, env.n_actions), env.continuous)
        asked = ask(learner, learner.read(view), first, memory, noise)
        played, a, b = asked.actions
        now = [m for m in range(moments) if results[m] is None and time[m] == due[m]]
        for start in range(0, len(now), at_once):
            some = now[start : start + at_once]
            rows = np.resize(some, at_once)  # filled up with repetitions, which are dropped
            mixed = mix_actions(a[rows], b[rows], design)
            parts = forked_advantages(learner, env, rows, mixed, asked, copies // 2, stream)
            for m, part in zip(some, parts, strict=False):
                results[m] = part
        step = env.step(played)
        view, memory, first = step.view, asked.memory, step.terminated | step.truncated
        time = np.where(first, 0, time + 1)
        due = np.where(first, stream.integers(env.horizon, size=moments), due)  # it ended before: once more
    return np.stack(results)


class Asked(NamedTuple):
    """What policy and critic say of X views."""

    actions: list[np.ndarray]  # drawn from the policy, each [X, n] or [X, n, A]
    words: CriticWords
    memory: Memory  # after them


@torch.no_grad()
def ask(learner: Learner, seen: Seen, first: np.ndarray, memory: Memory, noise: Tensor) -> Asked:
    """Ask about X views; first: bool `[X]`, an episode begins. noise: chance for one action or more, `[D, X, n, A]`.

    The critic is told the first of the actions.
    """
    begins = torch.from_numpy(first).to(learner.device)
    distribution, after = learner.actor(seen.obs, seen.available, memory.actor, begins)
    actions = [draw_action(distribution, each.to(learner.device)) for each in noise]
    policy, std = expected_action(distribution), action_std(distribution)
    x = CriticInput(seen.obs, seen.state, actions[0], policy, begins, memory.critic, std)
    words = learner.critic.judge(x)
    return Asked([action.cpu().numpy() for action in actions], words, Memory(after, words.memory))


def mix_actions(a: np.ndarray, b: np.ndarray, design: Design) -> np.ndarray:
    """The joint actions of a design, `[P, J, n]` or `[P, J, n, A]`, from a and b, `[P, n]` or `[P, n, A]`."""
    takes_b = design.takes_b.reshape(design.takes_b.shape + (1,) * (a.ndim - 2))
    return np.where(takes_b, b[:, None], a[:, None])


@torch.no_grad()
def forked_advantages(
    learner: Learner, env: TeamEnv, rows: np.ndarray, actions: np.ndarray, asked: Asked, K: int, stream
) -> np.ndarray:
    """The advantages `[P, J, K, 2, E]` of joint actions `[P, J, n]` in copies of the moments of env's copies `rows`.

    asked: what policy and critic say of all of env's copies now. stream: decides all chance.
    """
    P, J = actions.shape[:2]
    picked = np.repeat(rows, J * K * 2)
    seeds = np.broadcast_to(stream.integers(2**31, size=(P, 1, K, 1)), (P, J, K, 2))
    chance, fork = torch_stream(stream), env.fork(picked, seeds.ravel())
    memory = memory_at(asked.memory, torch.from_numpy(picked).to(learner.device))
    value, known = asked.words.bootstrap[picked], asked.words.correction
    known = None if known is None else known[picked]
    action = np.repeat(actions, K * 2, axis=1).reshape(len(picked), *actions.shape[2:])
    going_on, nobody, steps = np.ones(len(picked), dtype=bool), np.zeros(len(picked), dtype=bool), []
    while going_on.any():
        step = fork.step(action)
        going_on &= ~(step.terminated | step.truncated)
        noise = draw_noise(chance, (P, 1, K, 2, env.n_agents, env.n_actions), env.continuous)
        noise = noise.expand(P, J, K, 2, -1, -1).flatten(0, 3)
        after = ask(learner, learner.read(step.view), nobody, memory, noise[None])
        following = after.words.bootstrap
        if step.truncated.any():
            cut = torch.from_numpy(step.truncated).to(learner.device)
            views = learner.read(step.final), torch.zeros_like(cut)
            final = look_ahead(learner.actor, learner.critic, *views, memory, None).bootstrap
            following = torch.where(cut.view(-1, *[1] * (final.dim() - 1)), final, following)
        steps.append(
            Step(*map(torch.from_numpy, (step.reward, step.terminated, step.truncated)), value, following, known)
        )
        action, memory, value, known = after.actions[0], after.memory, after.words.bootstrap, after.words.correction
    fork.close()
    return first_advantages(steps, learner).reshape(P, J, K, 2, -1)


class Step(NamedTuple):
    """A step of X copies."""

    reward: Tensor  # [X]
    terminated: Tensor  # [X] bool
    truncated: Tensor  # [X] bool
    value: Tensor  # [X] or [X, n], V before it
    following: Tensor  # like value, V after it
    known: Tensor | None  # [X], what the run's correction says of its actions; None without one


def first_advantages(steps: list[Step], learner: Learner) -> np.ndarray:
    """The advantages of the first of some steps, `[X]` or `[X, n]`; what follows an episode's end does not enter."""
    config, last = learner.config, steps[0]
    columns = [
        torch.stack([x.cpu().double() if x.is_floating_point() else x for x in column])
        for column in zip(*[step[:5] for step in steps], strict=True)
    ]
    reward, terminated, truncated, value, following = columns
    known = None if last.known is None else torch.stack([step.known.cpu().double() for step in steps])
    numbers = (config.gamma, config.lam, config.time_limits)
    return lambda_returns(reward, value, following, terminated, truncated, *numbers, known).advantage[0].numpy()


# ---------------------------------------------------------------------------------------------------------------------
# From copies to shares


class Products(NamedTuple):
    """Mean products of two copies in each of M moments, by what they share; see the top of this file."""

    whole: np.ndarray  # [M]
    game: np.ndarray  # [M]
    sharing: np.ndarray  # [M, D], the joint action but for d agents, for each of D distances d, from 0 to n
    mean: np.ndarray  # [M, E], of A itself


def shares(advantages: np.ndarray, n_agents: int) -> list[Share]:
    """The owners' shares, from `measure_moments`' advantages `[M, J, K, 2, E]`. They add up to 1.

    Intervals are over moments, which are drawn independently; they hold for this team and this critic, and say nothing
    of other runs. Raises ValueError where nothing varies.
    """
    design = mixtures(n_agents)
    distances, levels = level_weights(n_agents)
    centred = advantages - advantages.mean(axis=(0, 1, 2, 3))  # changes no difference of products
    products = products_of(centred, design, distances)
    M = len(advantages)
    variance = variances(*(part.mean(axis=0) for part in products[:3]), product_of_strangers(products.mean), levels)
    if not variance.sum() > 0:
        raise ValueError("the advantage does not vary, so nobody has a share of its variance")
    without = [np.delete(np.arange(M), m) for m in range(M)]
    left_out = np.array(
        [
            variances(
                *(part[rest].mean(axis=0) for part in products[:3]), product_of_strangers(products.mean[rest]), levels
            )
            for rest in without
        ]
    )  # [M, O]
    left_out /= left_out.sum(axis=1, keepdims=True)
    error = np.sqrt((M - 1) / M * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    share, width = variance / variance.sum(), scipy.stats.t.ppf(0.975, M - 1) * error
    columns = (owner_names(n_agents), variance, share, share - width, share + width)
    return [Share(name, *map(float, numbers)) for name, *numbers in zip(*columns, strict=True)]


def products_of(A: np.ndarray, design: Design, distances: list[int]) -> Products:
    """Mean products of two copies, from A `[M, J, K, 2, E]`; no copy is multiplied by itself but in `whole`."""
    K, E, n = A.shape[2], A.shape[4], design.takes_b.shape[1]
    whole = (A**2).mean(axis=(2, 3, 4)) @ design.weight
    game = (A[:, :, :, 0] * A[:, :, :, 1]).mean(axis=(2, 3)) @ design.weight
    Z = A.mean(axis=3)  # [M, J, K, E]
    total = Z.sum(axis=2)  # [M, J, E]
    apart = np.einsum("mie,mje->mij", total, total) - np.einsum("mike,mjke->mij", Z, Z)
    apart /= K * (K - 1) * E  # [M, J, J]: mixtures i and j with different chance
    sharing = []
    for d in distances:
        pairs = (design.distance == d) * (design.weight[:, None] if d in (0, n) else 1.0)
        sharing.append((apart * pairs).sum(axis=(1, 2)) / pairs.sum())
    mean = np.einsum("j,mjke->me", design.weight, Z) / K
    return Products(whole, game, np.stack(sharing, axis=1), mean)


def product_of_strangers(mean: np.ndarray) -> float:
    """The mean product of two different moments; mean: `[M, E]`."""
    M, E = mean.shape
    return float((mean.sum(axis=0) ** 2 - (mean**2).sum(axis=0)).sum() / (M * (M - 1) * E))


def variances(whole: float, game: float, sharing: np.ndarray, strangers: float, levels: np.ndarray) -> np.ndarray:
    """What each owner has, in the order of `owner_names`; levels: `level_weights`'."""
    return np.array([sharing[-1] - strangers, *(levels @ sharing), whole - game, game - sharing[0]])


def level_weights(n_agents: int) -> tuple[list[int], np.ndarray]:
    """The D distances whose products tell levels apart, and `[levels, D]`: each sigma_k^2 as a weighted sum of them.

    Up to three agents all levels; of more, level 1 and the others together.
    """
    n = n_agents
    if n <= SPLIT_UP_TO:
        within = [[comb(n - d, k) / comb(n, k) for k in range(n + 1)] for d in range(n + 1)]
        return list(range(n + 1)), np.linalg.inv(within)[1:]
    return [0, n - 1, n], np.array([[0, n, -n], [1, -n, n - 1]])


def owner_names(n_agents: int) -> list[str]:
    """The owners, in words."""
    n = n_agents
    levels = [str(k) for k in range(1, n + 1)] if n <= SPLIT_UP_TO else ["1", f"2 to {n}"]
    words = [f"joint action, level{'s' if ' ' in level else ''} {level}" for level in levels]
    return ["critic's error", *words, "later actions", "chance of the game"]
