"""Lambda-returns: what a step was worth, from the rewards that followed and the critic's word for the rest.

    delta_t = r_t + gamma V(s_{t+1}) - V(s_t)                    one TD error
    A_t     = delta_t + gamma lambda A_{t+1}                     generalised advantage estimate (Schulman et al., 2016)
    G_t     = A_t + V(s_t)                                       the lambda-return, from which any baseline is taken

An episode may end in two ways. Terminated: the game is over, nothing follows, V(s_{t+1}) = 0. Truncated: the clock ran
out; the game would have gone on, so V(s_{t+1}) is the critic's value of the true final observation, not of the one
that the environment shows after its reset. Either way A_{t+1}, which belongs to another episode, does not enter.
Values come in the units of the reward: denormalise the critic's outputs first.

Corrected returns subtract from each later TD error what the critic knows of that step's actions, see `corrected`:

    A^c_t   = delta_t + gamma lambda (A^c_{t+1} - g_{t+1})
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from maca_edu.training.config import TIME_LIMITS, Config
from maca_edu.training.judging import Judgement
from maca_edu.training.processes import NO_VARIANCE, Processes, variances
from maca_edu.training.records import Rollout


class Returns(NamedTuple):
    """Lambda-advantages and lambda-returns, shaped like the values."""

    advantage: torch.Tensor  # [T, B] or [T, B, n]
    returns: torch.Tensor  # the same shape: advantage + value


def lambda_returns(
    reward, value, next_value, terminated, truncated, gamma: float, lam: float, time_limits="bootstrap", correction=None
) -> Returns:
    """Generalised advantage estimates and lambda-returns of T steps in B environments (Schulman et al., 2016).

    reward: `[T, B]` for the team or `[T, B, n]`. value: V(s_t), `[T, B]` or, one critic's word per agent, `[T, B, n]`.
    next_value: V(s_{t+1}), like value, see `next_values`. terminated, truncated: `[T, B]` bool.
    time_limits: what a truncated step's return is. "bootstrap": r_t + gamma V(s_{t+1}), s_{t+1} the true final state;
    "harl": V(s_t), so its advantage is 0, as the HARL code base (Zhong et al., 2024) has it.
    correction: g of the actions played, `[T, B]`, with mean 0 under the policy; None: the returns are not corrected.
    An agent's death ends nothing: later rewards still depend on what it did, so they reach its earlier steps.
    Raises ValueError where a shape or a number is wrong.
    """
    _check(reward, value, next_value, terminated, truncated, gamma, lam, time_limits, correction)
    per_agent = value.dim() == 3

    def widen(x):  # [T, B] -> [T, B, 1] where values are per agent
        return x.unsqueeze(-1) if per_agent and x.dim() == 2 else x

    delta = widen(reward) + gamma * torch.where(widen(terminated), 0.0, next_value) - value
    known = torch.zeros_like(delta) if correction is None else correction  # of delta
    if time_limits == "harl":
        unpaid = widen(truncated & ~terminated)
        delta, known = torch.where(unpaid, 0.0, delta), torch.where(unpaid, 0.0, known)

    goes_on = widen(~(terminated | truncated))  # step t + 1 belongs to the same episode
    advantage = torch.empty_like(value)
    later = torch.zeros_like(value[0])
    for t in reversed(range(len(value))):
        advantage[t] = delta[t] + gamma * lam * torch.where(goes_on[t], later, 0.0)
        later = advantage[t] - known[t]
    return Returns(advantage, advantage + value)


def next_values(value, last_value, truncated, cuts, cut_values):
    """V(s_{t+1}) of every step: the next step's value, or where the clock ran out that of the true final observation.

    value: V(s_t), `[T, B]` or `[T, B, n]`. last_value: V of what is seen after the last step, `[B]` or `[B, n]`.
    truncated: `[T, B]` bool. cuts: `[E]` long, the samples t B + b where it is true. cut_values: `[E]` or `[E, n]`, V
    of what was seen last there.
    """
    after = torch.cat([value[1:], last_value[None]])
    finals = torch.zeros_like(value).flatten(0, 1).index_copy(0, cuts, cut_values).view_as(value)
    return torch.where(truncated.reshape(truncated.shape + (1,) * (value.dim() - 2)), finals, after)


def rollout_returns(rollout: Rollout, judgement: Judgement, config: Config) -> Tensor:
    """The lambda-returns of a rollout's samples, `[S]`, or `[S, n]` where each agent has a value of its own.

    They are corrected where the critic has a word for that.
    """
    now, last, finals = judgement.critic.bootstrap, judgement.last.bootstrap, judgement.finals.bootstrap
    return _returns_from(rollout, now, last, finals, config, config.lam, judgement.critic.correction)


def correction_columns(
    rollout: Rollout, judgement: Judgement, returns: Tensor, config: Config, processes: Processes
) -> dict[str, float]:
    """correction_variance, Var(A^c) / Var(A^lambda) over all samples: below 1 the correction helps.

    NaN where the samples hardly vary; {} without a correction.
    """
    if judgement.critic.correction is None:
        return {}
    now, last, finals = judgement.critic.bootstrap, judgement.last.bootstrap, judgement.finals.bootstrap
    plain = _returns_from(rollout, now, last, finals, config, config.lam)
    corrected, uncorrected = variances(torch.stack([returns - now, plain - now]), processes)
    return {"correction_variance": corrected / uncorrected if uncorrected > NO_VARIANCE else math.nan}


def critic_targets(rollout: Rollout, judgement: Judgement, returns: Tensor, config: Config) -> list[Tensor]:
    """What each of the critic's outputs is to learn, `[S]` or `[S, n]`, in the units of the reward.

    With `critic_targets="shared"` all learn `returns`, the same lambda-returns that the policies learn from. With "own"
    each learns the lambda-return bootstrapped from itself, as in the authors' code; with "td" that with lambda = 0:
    r + gamma V(s') for V and r + gamma Q(s', a') for Q (the paper's losses, section 4.2). Of a critic that corrects
    returns the last output learns the corrected advantage, whatever the setting.
    """
    if config.critic_targets == "shared":
        targets = [returns for _ in judgement.critic.outputs]
    else:
        lam, targets = config.lam if config.critic_targets == "own" else 0.0, []
        for k, now in enumerate(judgement.values):
            last, finals = judgement.last.values[k], judgement.finals.values[k]
            targets.append(_returns_from(rollout, now, last, finals, config, lam))
    if judgement.critic.correction is not None:
        targets[-1] = returns - judgement.critic.bootstrap
    return targets


def _returns_from(
    rollout: Rollout,
    now: Tensor,
    last: Tensor,
    finals: Tensor,
    config: Config,
    lam: float,
    correction: Tensor | None = None,
) -> Tensor:
    """Lambda-returns `[S, ...]` from values now `[S, ...]`, after the last step `[B, ...]`, and at cuts `[E, ...]`.

    correction: g of the actions played, `[S]`, None: they are not corrected.
    """
    value = now.unflatten(0, rollout.shape)  # [T, B, ...]
    following = next_values(value, last, rollout.truncated, rollout.finals.index, finals)
    ends = (rollout.terminated, rollout.truncated)
    numbers = (config.gamma, lam, config.time_limits)
    known = None if correction is None else correction.view(rollout.shape)
    return lambda_returns(rollout.reward, value, following, *ends, *numbers, known).returns.flatten(0, 1)


def _check(reward, value, next_value, terminated, truncated, gamma, lam, time_limits, correction) -> None:
    """ValueError where shapes do not fit each other or a number is out of range."""
    for name, number in (("gamma", gamma), ("lam", lam)):
        if not 0 <= number <= 1:
            raise ValueError(f"{name}={number}; allowed are 0 to 1")
    if time_limits not in TIME_LIMITS:
        raise ValueError(f"time_limits={time_limits!r}; allowed are {', '.join(TIME_LIMITS)}")
    if value.dim() not in (2, 3):
        raise ValueError(f"value has shape {tuple(value.shape)}; allowed are [T, B] and [T, B, n]")
    steps = tuple(value.shape[:2])
    expected = {"next_value": (next_value, [tuple(value.shape)]), "reward": (reward, [steps, tuple(value.shape)])}
    expected |= {"terminated": (terminated, [steps]), "truncated": (truncated, [steps])}
    if correction is not None:
        expected |= {"correction": (correction, [tuple(value.shape)])}
    for name, (tensor, shapes) in expected.items():
        if tuple(tensor.shape) not in shapes:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {' or '.join(map(str, shapes))}")
