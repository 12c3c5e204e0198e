"""Lambda-returns without sampling: what they get right, how noisy they are, and whose noise it is.

A critic is a guess V^ of V, one number per state. The lambda-return from time t mixes what was paid with that guess,

    G_t = r_t + gamma ((1 - lambda) V^(s_{t+1}) + lambda G_{t+1}),     G = 0 once the game is over

and G_t - V^(s_t) is the lambda-advantage, the discounted sum of the TD errors (Schulman et al., 2016). Steps are
deterministic, so given a state and a joint action only the actions of later steps are left to chance:

    mean        q(s, a) = E[G | s, a]               which is Q(s, a) where V^ = V or lambda = 1
    own         w(s)    = Var[q(s, a)]              a drawn from the policy: what the present joint action owns
    variance    u(s)    = Var[G | s] = w(s) + (gamma lambda)^2 E[u(s')]             (law of total variance)

A k-level baseline is a function of the current state and actions, so it can work on the first part alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from maca_edu.exact.checks import check_numbers, check_share
from maca_edu.exact.dynamic import Enumeration, check_ends, evaluate, joint_policy, transitions, written_out
from toy_envs.core import Game, shown, whole


class LambdaReturn(NamedTuple):
    """The lambda-return of every state: its mean by joint action, its variance, and the present joint action's part."""

    mean: np.ndarray  # [S, A, ..., A] E[G | s, a]
    variance: np.ndarray  # [S] Var[G | s], which is also that of the lambda-advantage
    own: np.ndarray  # [S] the part of it that the present joint action owns; the rest is later actions' noise


def lambda_return(
    game: Game, policy, gamma: float, lam: float, critic=None, horizon=None, enumeration: Enumeration | None = None
) -> LambdaReturn:
    """Mean and variance of the lambda-return in every state, exactly; states in the order of `enumerate_states`.

    policy: `[n, A]` or `[S, n, A]`; gamma, lam: 0 to 1; critic: V^, `[S]` (default: the exact V, then the mean is Q).
    horizon: collect this many steps, 1 or more, and take the critic's word for the rest (default: to the end).
    enumeration: what `enumerate_states(game)` returned, to save its time.
    Raises ValueError where an argument is wrong, or where gamma = 1 and the game may never end.
    """
    gamma, lam, horizon = check_share("gamma", gamma), check_share("lam", lam), checked_horizon(horizon)
    e, joint, P = follow(game, policy, enumeration)
    exact = critic is None
    if gamma == 1 and (exact or horizon is None):
        check_ends(P, joint, e.next_state)
    critic = evaluate(P, (joint * e.reward).sum(axis=1)[None], gamma)[0] if exact else check_numbers("critic", critic)
    if critic.shape != e.initial.shape:
        raise ValueError(f"critic has shape {critic.shape}; expected {e.initial.shape}: one value per state")

    steps, decay = horizon or 0, (gamma * lam) ** 2
    target = e.reward + gamma * (1 - lam) * reached(critic, e)  # [S, A^n]: what the next step already makes known
    m = critic  # [S]: E[G | s], at first where no step is left and the critic has the last word
    if not (exact or steps):
        m = evaluate(P, (joint * target).sum(axis=1)[None], gamma * lam)[0]
    mean = target + gamma * lam * reached(m, e)
    own = spread(joint, mean)
    u = np.zeros_like(own) if steps else evaluate(P, own[None], decay)[0]
    for step in range(steps):  # one step left, then two, ...
        if step and not exact:
            mean = target + gamma * lam * reached((joint * mean).sum(axis=1), e)
            own = spread(joint, mean)
        u = own + decay * (P @ u)
    shape = (len(game.actions),) * len(game.agents)
    return LambdaReturn(mean.reshape(-1, *shape), u, own)


def visits(game: Game, policy, horizon=None, enumeration: Enumeration | None = None) -> np.ndarray:
    """How often an episode is in each state, on average, `[S]`: N(s) = P(start in s) + the sum of N(s') P(s | s').

    policy: `[n, A]` or `[S, n, A]`; horizon: count this many steps only (default: to the end of the game).
    The sum is the mean length of an episode.
    Raises ValueError where an argument is wrong, or where the game may never end and no horizon is given.
    """
    horizon = checked_horizon(horizon)
    e, joint, P = follow(game, policy, enumeration)
    back = P.T.tocsr()
    if horizon is None:
        check_ends(P, joint, e.next_state)
        return evaluate(back, e.initial[None], 1.0)[0]
    counted, now = np.zeros_like(e.initial), e.initial
    for _ in range(horizon):
        counted, now = counted + now, back @ now
    return counted


def checked_horizon(horizon) -> int | None:
    """The horizon. Raises ValueError unless it is a whole number from 1, or None."""
    number = whole(horizon)
    if horizon is not None and (number is None or number < 1):
        raise ValueError(f"horizon={shown(horizon)}; allowed are whole numbers from 1, or None: to the end of the game")
    return number


def follow(game: Game, policy, enumeration=None) -> tuple[Enumeration, np.ndarray, csr_array]:
    """The game written out, the probability of every joint action `[S, A^n]`, and that of every next state `[S, S]`."""
    enumeration = written_out(game, enumeration)
    joint = joint_policy(game, policy, len(enumeration.states))
    return enumeration, joint, transitions(joint, enumeration.next_state)


def reached(values: np.ndarray, enumeration: Enumeration) -> np.ndarray:
    """The value of the state that each joint action leads to, `[S, A^n]`; 0 where the game is over."""
    return np.append(values, 0.0)[enumeration.next_state]


def spread(joint: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The variance, over the policy's joint actions, of a value for each of them `[S, A^n]`: `[S]`."""
    gap = values - (joint * values).sum(axis=1, keepdims=True)
    return (joint * gap**2).sum(axis=1)
