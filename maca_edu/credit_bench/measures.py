"""What an estimator's advantages are worth, measured on rows whose truth is known.

Every measure is a weighted mean over rows. On `every_row` it is exact; on drawn rows it is an estimate.
An agent's gradient estimate from one row is g = A_i (e_{a_i} - pi_i), by the softmax logits of its state (Eq. 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from maca_edu.credit_bench.moments import Moments, Rows, joint_number
from maca_edu.credit_bench.sums import written_out
from maca_edu.exact import baseline, gradient_moments, minimum_variance_baseline

LEAST = 1e-9  # of what is possible: a variance below it is none
ROWS = 256  # of a batch, for the error of its mean gradient
REFINED = 3  # times that the scale is found again


class Truth(NamedTuple):
    """What is known of the gradients of all agents, in every state."""

    gradient: np.ndarray  # [N, n, A]
    at_once: np.ndarray  # [N, n, A] the gradient if the step's payment were all
    least: float  # the variance with the best legal baseline, later luck included, summed over agents
    best: np.ndarray  # [N, n, A^n] the best legal baseline for every joint action


class Gradient(NamedTuple):
    """The mean of an estimator's gradient, against the true one."""

    bias: float  # length of the difference, over that of the true gradient
    scale: float  # kappa: the true gradient times it comes nearest to the mean
    turn: float  # what is left of the bias then, over |kappa| times the true gradient's length
    z: float  # how sure the bias is: its largest entry in standard errors; inf where rows were not drawn
    turn_z: float  # how sure the turn is
    length: float  # of the mean gradient, over that of the true one
    length_z: float  # how sure it is that there is any


class Fit(NamedTuple):
    """A mean gradient written as a sum of known ones, each times a factor."""

    factors: tuple[float, ...]
    left: float  # length of what they leave, over that of the mean gradient
    left_z: float  # how sure it is


class OverTime(NamedTuple):
    """Two ways for a gradient to be wrong where something follows a step."""

    steps: Fit  # by the gradients of what is paid at once and of what is paid later
    states: Fit  # by the true gradient of every state


class Kept(NamedTuple):
    """How much of the noise is still there: the estimator's part along each component, squared."""

    signal: float  # mean factor of the components {i}; 1 for what is unbiased
    partners: float  # share of the variance of components with i and others; 1 for every legal baseline
    others: float  # share of the variance of components without i; 0 for COMA, 1 for MAPPO


class Groups(NamedTuple):
    """CorrSets against the agents who share a term with agent i."""

    precision: float
    recall: float


@dataclass(frozen=True)
class Measures:
    """All of it, for one estimator on one game."""

    gradient: Gradient
    variance: float  # of the gradient estimates, over kappa^2 and over the least: 1 is the best legal baseline
    error: float  # of the mean of ROWS rows, turn and variance together, over that of the best legal baseline
    kept: Kept
    correlation: tuple[float | None, ...]  # with the true credit of level 1, 2, ..., n; None where there is none
    groups: Groups | None
    over_time: OverTime | None  # None where nothing follows


def truth(moments: Moments) -> Truth:
    """The true gradients and the least variance, exactly. ValueError where there is no gradient or no variance."""
    N, n, A = moments.policy.shape
    gradient, at_once, best, least = np.zeros((N, n, A)), np.zeros((N, n, A)), np.zeros((N, n, A**n)), 0.0
    paid = written_out(moments.reward, n, A)
    for s, (q, policy) in enumerate(zip(moments.table, moments.policy, strict=True)):
        for i in range(n):
            at_once[s, i], _ = gradient_moments(paid[s], policy, i, 0.0)
            b = minimum_variance_baseline(q, policy, i, [i])
            gradient[s, i], variance = gradient_moments(q, policy, i, b)
            best[s, i] = b.ravel()
            least += moments.visits[s] * (variance + luck_of(moments, s, i))
    if abs(gradient).max() <= LEAST * abs(moments.table).max() or least <= 0:
        raise ValueError(f"moments={moments.name!r} has no gradient or no noise at this policy; choose another policy")
    return Truth(gradient, at_once, least, best)


def luck_of(moments: Moments, s: int, i: int) -> float:
    """What later luck adds to the variance of agent i's gradient in state s: E[w_i sd^2]."""
    if moments.later is None:
        return 0.0
    policy = moments.policy[s]
    square = (moments.later[s] ** 2).reshape((policy.shape[1],) * len(policy))
    others = [j for j in range(len(policy)) if j != i]
    by_own = baseline(square, policy, others)
    mean = np.moveaxis(by_own, i, 0).reshape(policy.shape[1], -1)[:, 0]
    score = np.eye(policy.shape[1]) - policy[i]
    return float((policy[i] * mean) @ (score**2).sum(axis=1))


def scores(moments: Moments, rows: Rows) -> np.ndarray:
    """e_{a_i} - pi_i of every row and agent, `[S, n, A]`."""
    return np.eye(moments.n_actions)[rows.action] - moments.policy[rows.state]


def sum_by_state(moments: Moments, rows: Rows, x: np.ndarray) -> np.ndarray:
    """The weighted sum of x `[S, ...]` over the rows of each state, `[N, ...]`."""
    total = np.zeros((len(moments.visits), *x.shape[1:]))
    np.add.at(total, rows.state, rows.weight.reshape(-1, *[1] * (x.ndim - 1)) * x)
    return total


def measure(moments: Moments, known: Truth, rows: Rows, advantage, returns, sampled: bool, groups=None) -> Measures:
    """All measures of advantages `[S, n]` on rows with the returns `[S]`; groups: CorrSets, bool `[S, n, n]`, or None.

    sampled: the rows were drawn; then the mean gradient is measured as a difference from that of the best legal
    baseline on the same rows, whose mean is known.
    """
    score = scores(moments, rows)
    gradient = mean_gradient(moments, known, rows, advantage, returns, score, sampled)
    estimate = advantage[:, :, None] * score  # [S, n, A]
    visits = np.maximum(sum_by_state(moments, rows, np.ones(len(rows.state))), 1e-300)
    mean = sum_by_state(moments, rows, estimate) / visits[:, None, None]
    square = rows.weight @ (estimate**2).sum(axis=(1, 2))
    variance = max(0.0, square - visits @ (mean**2).sum(axis=(1, 2)))
    ratio = variance / gradient.scale**2 / known.least if gradient.scale > LEAST else float("nan")
    length_squared = ((known.gradient * moments.visits[:, None, None]) ** 2).sum()
    return Measures(
        gradient=gradient,
        variance=float(ratio),
        error=float(ratio + gradient.turn**2 * length_squared * ROWS / known.least),
        kept=kept(moments, rows, advantage, gradient.scale),
        correlation=correlations(moments, rows, advantage),
        groups=None if groups is None else partners(moments, rows, groups),
        over_time=None if moments.one_shot else over_time(moments, known, rows, estimate, sampled),
    )


def mean_gradient(moments: Moments, known: Truth, rows: Rows, advantage, returns, score, sampled: bool) -> Gradient:
    """Where the mean gradient points, and how far that is from the truth."""
    true = known.gradient * moments.visits[:, None, None]  # [N, n, A]: a state counts as often as it is visited
    best = returns[:, None] - known.best[rows.state, :, joint_number(moments, rows.action)]  # [S, n]
    size = np.sqrt((true**2).sum())
    off = difference(moments, rows, (advantage - best)[:, :, None] * score, sampled)
    scale, left = 1.0, off
    for _ in range(REFINED if sampled else 1):  # the nearer the scale, the less of the best baseline's noise is left
        found = scale * true + left.mean
        scale = float((found * true).sum() / size**2)
        left = difference(moments, rows, (advantage - scale * best)[:, :, None] * score, sampled)
    whole = difference(moments, rows, advantage[:, :, None] * score, sampled)
    return Gradient(
        bias=float(off.length / size),
        scale=scale,
        turn=float(left.length / max(abs(scale) * size, 1e-300)),
        z=off.z,
        turn_z=left.z,
        length=float(whole.length / size),
        length_z=whole.z,
    )


def over_time(moments: Moments, known: Truth, rows: Rows, estimate: np.ndarray, sampled: bool) -> OverTime:
    """What the mean of the gradient estimates `[S, n, A]` of a game over time is made of."""
    later = known.gradient - known.at_once
    by_state = np.eye(len(moments.visits))[:, :, None, None] * known.gradient  # [N, N, n, A]: in one state each
    return OverTime(
        steps=fit(moments, rows, estimate, np.stack([known.at_once, later]), sampled),
        states=fit(moments, rows, estimate, by_state, sampled),
    )


def fit(moments: Moments, rows: Rows, estimate: np.ndarray, parts: np.ndarray, sampled: bool) -> Fit:
    """The factors of gradients `[P, N, n, A]` whose sum comes nearest to the mean estimate, least squares."""
    weighed = (parts * moments.visits[:, None, None]).reshape(len(parts), -1)
    whole = difference(moments, rows, estimate, sampled)
    factors = np.linalg.lstsq(weighed.T, whole.mean.ravel(), rcond=1e-9)[0]
    left = difference(moments, rows, estimate - np.tensordot(factors, parts, axes=1)[rows.state], sampled)
    return Fit(tuple(map(float, factors)), float(left.length / max(whole.length, 1e-300)), left.z)


class Difference(NamedTuple):
    """The mean of something whose mean is 0 where an estimator is right."""

    mean: np.ndarray  # [N, n, A]
    length: float  # of the mean, less what chance adds to it on average
    z: float  # the largest entry in standard errors; inf where rows were not drawn


def difference(moments: Moments, rows: Rows, x: np.ndarray, sampled: bool) -> Difference:
    """The mean of x `[S, n, A]`, state by state, and whether it is an accident."""
    mean = sum_by_state(moments, rows, x)
    if not sampled:
        return Difference(mean, float(np.sqrt((mean**2).sum())), float("inf"))
    error = np.sqrt(np.maximum(sum_by_state(moments, rows, x**2) - mean**2, 0.0) / len(rows.state))
    least = 1e-12 * max(abs(mean).max(), 1e-300)
    length = np.sqrt(max(0.0, (mean**2).sum() - (error**2).sum()))
    return Difference(mean, float(length), float((abs(mean) / np.maximum(error, least)).max()))


def kept(moments: Moments, rows: Rows, advantage, scale: float) -> Kept:
    """How much of each component the advantages hold, over kappa: signal, noise with partners, noise of others."""
    number = joint_number(moments, rows.action)
    n, scale = moments.n_agents, scale if abs(scale) > LEAST else 1.0
    found, whole = np.zeros((3, 2)), np.zeros(3)  # rows: signal, partners, others
    q = moments.table.reshape(len(moments.visits), -1)[rows.state, number]
    moved = sum_by_state(moments, rows, q**2)  # [N]
    for group, table in moments.components.items():
        if not group:
            continue
        component = table[rows.state, number]  # [S]
        size = sum_by_state(moments, rows, component**2)  # [N]
        along = sum_by_state(moments, rows, advantage * component[:, None])  # [N, n]
        there = size > LEAST * moved  # elsewhere the component is rounding
        for i in range(n):
            kind = 2 if i not in group else 0 if len(group) == 1 else 1
            factor = along[there, i] / size[there] / scale
            found[kind] += [size[there] @ factor, size[there] @ factor**2]
            whole[kind] += size[there].sum()
    total = np.maximum(whole, 1e-300)
    none = whole <= LEAST * whole.sum()
    linear, squared = np.where(none[:, None], 0.0, found / total[:, None]).T
    return Kept(float(linear[0]), float(squared[1]), float(squared[2]))


def correlations(moments: Moments, rows: Rows, advantage) -> tuple[float | None, ...]:
    """With the true credit of each level, the components of that size that hold agent i; over all agents and rows."""
    n, number = moments.n_agents, joint_number(moments, rows.action)
    credit = np.zeros((n, *advantage.shape))  # [level, S, n]
    for group, table in moments.components.items():
        for i in group:
            credit[len(group) - 1, :, i] += table[rows.state, number]
    weight = rows.weight[:, None] / n
    centred = advantage - (weight * advantage).sum()
    spread = (weight * centred**2).sum()
    size = (weight * credit**2).sum(axis=(1, 2))  # [level]
    found = []
    for level in range(n):
        if size[level] <= LEAST * size.sum() or spread <= 0:
            found.append(None)
        else:
            found.append(float((weight * centred * credit[level]).sum() / np.sqrt(spread * size[level])))
    return tuple(found)


def partners(moments: Moments, rows: Rows, groups: np.ndarray) -> Groups:
    """Precision and recall of CorrSets, bool `[S, n, n]`, over pairs of different agents."""
    pairs = ~np.eye(moments.n_agents, dtype=bool)
    true, groups = moments.partners[rows.state] & pairs, groups & pairs
    hit = rows.weight @ (true & groups).sum(axis=(1, 2))
    named, there = rows.weight @ groups.sum(axis=(1, 2)), rows.weight @ true.sum(axis=(1, 2))
    return Groups(float(hit / named) if named > 0 else float("nan"), float(hit / there) if there > 0 else float("nan"))
