"""What an action is worth, measured: a moment is copied, the action is played in the copies, and a policy plays on.

    Q(s, a)  =  mean over R copies of  r_0 + gamma r_1 + gamma^2 r_2 + ...,     a_0 = a, later actions from the policy

Everything that is asked about a moment is played at once: M moments, J joint actions in each, R copies of each. The
r-th copies of all J actions share their chance, in the game and in the policy's draws, so that differences between
actions are far less noisy than the values themselves. An episode that the clock cuts ends there, so Q is that of the
game with its horizon.

    difference reward   Q(s, a) - Q(s, (d, a_-i)), d a default action (Wolpert and Tumer, 2002)
    advantage           Q(s, a) - E_{a_i}[Q(s, a)], what COMA and the individual baseline aim at

Both compare a with joint actions in which one agent does something else, `alternatives`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maca_edu.checks import check_integer
from maca_edu.networks import draw_action, draw_noise
from maca_edu.team_env import TeamEnv
from maca_edu.training.records import as_seen
from maca_edu.training.rng import torch_stream


class Worth(NamedTuple):
    """A mean over copies, and its standard error."""

    mean: np.ndarray
    error: np.ndarray


def forked_returns(
    env: TeamEnv,
    copies: np.ndarray,
    actions: np.ndarray,
    policy: Callable,
    gamma: float,
    seed: int = 0,
    memory: Tensor | None = None,
    device: torch.device | str = "cpu",
    lookahead: int | None = None,
) -> np.ndarray:
    """Discounted returns `[M, J, R]` of joint actions played in copies of M moments, the policy playing on.

    copies: `[M]`, in which of env's copies the moments are. actions: `[M, J, R, n]`, or `[M, J, R, n, A]` where
    continuous, legal ones. policy: called as `team.Team` is, with obs, available, memory and first, it gives
    distributions and the memory after it. seed: decides all chance. memory: `[B, n, H]`, the policy's after it has seen
    what is seen now; None without one. lookahead: how many steps are played and count, the first among them; None: all
    up to the end of the episode. The later ones bring most of the chance in which a small difference disappears.
    Raises ValueError where env cannot be forked or an argument is wrong.
    """
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma={gamma}; allowed are 0 to 1")
    if actions.ndim < 4 or len(actions) != len(copies):
        raise ValueError(f"actions has shape {actions.shape}; expected {len(copies)} moments x actions x copies x n")
    most = env.horizon if lookahead is None else check_integer("lookahead", lookahead, 1)
    M, J, R = actions.shape[:3]
    stream, rows = np.random.default_rng(seed), np.repeat(copies, J * R)
    seeds = np.broadcast_to(stream.integers(2**31, size=(M, 1, R)), (M, J, R))
    chance, device = torch_stream(stream), torch.device(device)
    fork = env.fork(rows, seeds.ravel())
    memory = None if memory is None else memory[torch.from_numpy(rows).to(memory.device)]
    action, total = actions.reshape(M * J * R, *actions.shape[3:]), np.zeros(M * J * R)
    running = np.ones(M * J * R, dtype=bool)
    for k in range(most):
        if k > 0:
            noise = draw_noise(chance, (M, 1, R, env.n_agents, env.n_actions), env.continuous).expand(M, J, R, -1, -1)
            action, memory = next_action(policy, as_seen(fork.view(), device), memory, noise.flatten(0, 2))
        step = fork.step(action)
        total += gamma**k * running * step.reward
        running &= ~(step.terminated | step.truncated)
        if not running.any():
            break
    fork.close()
    return total.reshape(M, J, R)


@torch.no_grad()
def next_action(policy, seen, memory: Tensor | None, noise: Tensor) -> tuple[np.ndarray, Tensor | None]:
    """What the policy does in X environments, `[X, n]` or `[X, n, A]`, by the chance `noise` `[X, n, A]`."""
    distribution, memory = policy(seen.obs, seen.available, memory, None)
    return draw_action(distribution, noise.to(seen.obs.device)).cpu().numpy(), memory


def worth(returns: np.ndarray) -> Worth:
    """Mean and standard error over the copies, which are the last axis; `[..., R]`, R at least 2.

    Of a difference between two actions take the difference of the returns: they share their chance.
    """
    if returns.shape[-1] < 2:
        raise ValueError(f"returns has {returns.shape[-1]} copies; a standard error needs at least 2")
    return Worth(returns.mean(axis=-1), returns.std(axis=-1, ddof=1) / np.sqrt(returns.shape[-1]))


def alternatives(action: np.ndarray, available: np.ndarray) -> np.ndarray:
    """Every joint action that differs from `action` in one agent at most: `[n, A, n]`.

    action: `[n]` integers; available: `[n, A]` bool, the legal ones. In number (i, a) agent i plays a, where that is
    legal, and otherwise what it played.
    """
    n, A = available.shape
    rows = np.tile(action, (n, A, 1))
    for i in range(n):
        rows[i, :, i] = np.where(available[i], np.arange(A), action[i])
    return rows


def advantages(returns: np.ndarray, action: np.ndarray, policy: np.ndarray) -> Worth:
    """Q(s, a) - E_{a_i}[Q(s, a)] of every agent, `[n]`, from the returns of the alternatives.

    returns: `[n, A, R]`, those of `alternatives(action, available)`. action: `[n]`. policy: `[n, A]`, the probabilities
    of an agent's actions, 0 where illegal.
    """
    better = returns[np.arange(len(action)), action][:, None] - returns  # [n, A, R] than each alternative
    return worth(np.einsum("ia,iar->ir", policy, better))


def difference_rewards(returns: np.ndarray, action: np.ndarray, default: int) -> Worth:
    """Q(s, a) - Q(s, (default, a_-i)) of every agent, `[n]`; arguments as in `advantages`.

    An agent for whom the default action is not legal has 0.
    """
    return worth(returns[np.arange(len(action)), action] - returns[:, default])
