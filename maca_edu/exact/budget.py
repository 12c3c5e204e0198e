"""Who owns the variance of a lambda-advantage: three owners, for any critic, and what corrected returns leave of them.

A moment is a state that an episode visits, each as often as it is visited. The advantage A of a moment varies because
moments differ and because actions are drawn. With the mean m(s) = E[A | s] and the law of total variance, used twice,

    Var(A) = Var(m(s))  +  E[Var(E[A | s, a] | s)]  +  E[Var(A | s, a)]
             critic        the joint action judged     later actions

With the exact V the first is 0. Steps are deterministic; a game that throws dice has a fourth owner.

Corrected returns take from every later TD error a guess g(s, a) of what its joint action added, E[g(s, .)] = 0
(trajectory-wise control variates, Cheng et al., 2020):

    A^c_t = delta_t + gamma lambda B_{t+1},      B_t = A^c_t - g(s_t, a_t)

The mean of A^c given s and a is that of the lambda-advantage, so the first two owners keep what they have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maca_edu.exact.checks import check_numbers, check_share, check_variances
from maca_edu.exact.dynamic import Enumeration, evaluate
from maca_edu.exact.returns import LambdaReturn, checked_horizon, follow, lambda_return, spread, visits
from toy_envs.core import Game


class Owners(NamedTuple):
    """What each owner has of the variance of the advantage, in squared units of the reward; they add up to it."""

    critic: float  # the critic's error: moments whose advantage is not 0 on average
    now: float  # the joint action that is judged
    later: float  # the actions of later steps

    @property
    def shares(self) -> Owners:
        """Their shares of the whole, which add up to 1. Raises ValueError where nothing varies."""
        if sum(self) == 0:
            raise ValueError("the advantage does not vary, so nobody has a share of its variance")
        return Owners(*(part / sum(self) for part in self))


def three_owners(
    game: Game, policy, gamma: float, lam: float, critic=None, g=None, horizon=None, enumeration=None
) -> Owners:
    """The variance of the advantage over all moments of an episode, by owner, exactly.

    policy: `[n, A]` or `[S, n, A]`; gamma, lam: 0 to 1; critic: V^, `[S]` (default: the exact V). g: what corrected
    returns know of the later actions, `[S, A, ..., A]` (default: nothing, then it is the lambda-advantage).
    horizon: episodes are cut after so many steps, and the critic has the word for the rest (default: they are not;
    not with g). enumeration: what `enumerate_states(game)` returned, to save its time.
    Raises ValueError where an argument is wrong, or the game may never end and no horizon is given.
    """
    horizon = checked_horizon(horizon)
    if g is not None and horizon is not None:
        raise ValueError(f"horizon={horizon} goes without g only; allowed with g is None")
    e, joint, P = follow(game, policy, enumeration)
    if critic is None:
        critic = evaluate(P, (joint * e.reward).sum(axis=1)[None], gamma)[0]
    if horizon is None:
        weights = [visits(game, policy, enumeration=e)]  # one group of moments, with all of the game ahead
        found = [corrected_return(game, policy, gamma, lam, 0.0 if g is None else g, critic, e)]
    else:
        weights, found, now = [], [], e.initial  # a group for each time, with fewer and fewer steps ahead
        for left in range(horizon, 0, -1):
            weights.append(now)
            found.append(lambda_return(game, policy, gamma, lam, critic, left, e))
            now = P.T @ now
    weight = np.concatenate(weights) / np.sum(weights)
    mean = np.concatenate([(joint * part.mean.reshape(joint.shape)).sum(axis=1) - critic for part in found])
    own, variance = (np.concatenate([getattr(part, name) for part in found]) for name in ("own", "variance"))
    return Owners(weight @ (mean - weight @ mean) ** 2, weight @ own, weight @ (variance - own))


def corrected_return(
    game: Game, policy, gamma: float, lam: float, g, critic=None, enumeration: Enumeration | None = None
) -> LambdaReturn:
    """Mean and variance of the corrected return V^(s_t) + A^c_t in every state, exactly.

    g: `[S, A, ..., A]`, or 0.0 for none, of which the mean over the policy's actions has to be 0 in every state. The
    other arguments, the result and the errors are those of `lambda_return`; the mean is the same as there.
    """
    e, joint, P = follow(game, policy, enumeration)
    plain = lambda_return(game, policy, gamma, lam, critic, enumeration=e)
    mean = plain.mean.reshape(joint.shape)
    g = check_correction(g, joint)
    left = evaluate(P, spread(joint, mean - g)[None], (gamma * lam) ** 2)[0]  # [S] Var[B | s]
    return plain._replace(variance=plain.own + (gamma * lam) ** 2 * (P @ left))


def corrected_share(now, left, gamma: float, lam: float) -> float:
    """The share of the variance that present joint actions own, where V is exact and returns are corrected.

    now: `[T]`, the mean over episodes of Var[Q(s_t, a)] at time t, 0 for episodes that are over. left: `[T]`, the same
    of Var[Q(s_t, a) - g(s_t, a)], what g does not know. With beta = (gamma lambda)^2

        sum of now_t  /  [ sum of now_t + sum of left_t (beta + beta^2 + ... + beta^t) ]

    because step t's rest is charged to each of the t steps before it. With left = now it is the budget of the
    lambda-advantage (chapter 6). Raises ValueError where an argument is wrong, as a negative variance is, or nothing
    varies.
    """
    now, left = check_variances("now", now), check_variances("left", left)
    beta = (check_share("gamma", gamma) * check_share("lam", lam)) ** 2
    if now.ndim != 1 or now.shape != left.shape:
        raise ValueError(f"now has shape {now.shape} and left {left.shape}; expected one number for each time in both")
    charged = np.cumsum(beta ** np.arange(len(now))) - 1.0  # [T]: 0, beta, beta + beta^2, ...
    total = now.sum() + left @ charged
    if not total > 0:
        raise ValueError("now and left hold no variance, so there is nothing to share")
    return float(now.sum() / total)


def check_correction(g, joint: np.ndarray) -> np.ndarray:
    """g as `[S, A^n]`. Raises ValueError where its shape is wrong or its mean under the policy is not 0."""
    g = check_numbers("g", g)
    if g.ndim and (g.shape[0] != len(joint) or g.size != joint.size):
        raise ValueError(f"g has shape {g.shape}; expected a number for each of {joint.shape} states and joint actions")
    g = np.broadcast_to(g, joint.shape) if g.ndim == 0 else g.reshape(joint.shape)
    mean = abs((joint * g).sum(axis=1))
    if mean.max() > 1e-9 * max(1.0, abs(g).max()):
        s = int(mean.argmax())
        raise ValueError(f"g has the mean {(joint[s] * g[s]).sum():.3g} in state number {s}; it has to be 0 everywhere")
    return g
