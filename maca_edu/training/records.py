"""The records that an update hands on, from what happened to what is learned. Their shapes are written here, once.

T steps of B environments; S = T B samples, the same steps in one row, time first
n agents; A actions to choose from (or numbers in an action, where actions are continuous)
d numbers in an observation, s in a state, H in a memory

Rollout       what happened                       rollout.py fills it, step by step
PolicyWords   what the policy thought             judging.py asks for both, before anything is learned
CriticWords   what the critic thought             critics.py
JudgedBatch   what a row of Table 1 may ask for   methods.py
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maca_edu.team_env import Entities


class Sizes(NamedTuple):
    """The sizes of an environment."""

    obs: int  # d
    state: int  # s
    n_agents: int
    n_actions: int  # A
    continuous: bool = False  # an action is A numbers, not one of A
    entities: Entities | None = None  # which numbers of a state speak of which unit; None: not known


class Memory(NamedTuple):
    """What the GRUs of actor and critic remember of each episode under way; None without GRUs."""

    actor: Tensor | None  # [B, n, H]
    critic: Tensor | None  # [B, H] of a critic that reads the state, [B, n, H] of one that reads observations


class Seen(NamedTuple):
    """What is known before the agents act, in X environments or samples: a `View` as tensors."""

    obs: Tensor  # [X, n, d] float
    state: Tensor  # [X, s] float
    available: Tensor  # [X, n, A] bool, the legal actions; where continuous, the numbers that an action really has


class Finals(NamedTuple):
    """What was seen last in each of the E episodes that the clock cut; the environment shows the next ones instead."""

    index: Tensor  # [E] long, the sample, from 0 to S - 1, after which the episode was cut
    seen: Seen  # [E, ...]


class Rollout(NamedTuple):
    """What happened in T steps of B environments. Tensors of steps are `[T, B, ...]`."""

    obs: Tensor  # [T, B, n, d]
    state: Tensor  # [T, B, s]
    available: Tensor  # [T, B, n, A] bool
    alive: Tensor  # [T, B, n] bool
    action: Tensor  # [T, B, n] long, or [T, B, n, A] float where continuous
    reward: Tensor  # [T, B]
    terminated: Tensor  # [T, B] bool, the game is over: nothing follows
    truncated: Tensor  # [T, B] bool, the clock cut the episode
    first: Tensor  # [T, B] bool, the step is the first of an episode: memory is wiped before it
    finals: Finals  # of the episodes that the clock cut
    last: Seen  # [B, ...], what is seen after the last step
    last_first: Tensor  # [B] bool, what is seen then is the first of an episode
    memory: Memory  # before the first step
    chance: Tensor | None  # [B + E, n, A], for actions after the last steps and after cuts; None: nobody asks for them
    partners: Tensor | None  # [T, B, n, n] bool, who earned a term of the reward with whom; None: nobody knows

    @property
    def shape(self) -> tuple[int, int]:
        """T and B."""
        return self.reward.shape


class PolicyWords(NamedTuple):
    """What the policy thought of S samples when they were played."""

    expected: Tensor  # [S, n, A], E[a]: the probabilities, or the mean of a Gaussian
    log_prob: Tensor | None  # [S, n], of the action that was played
    entropy: Tensor  # [S, n], in nats
    memory: Tensor | None  # [S, n, H], the GRU's after each sample
    std: Tensor | None  # [S, n, A], of a Gaussian's numbers; None where there are actions to choose from


class CriticInput(NamedTuple):
    """What a critic reads of S samples."""

    obs: Tensor  # [S, n, d]
    state: Tensor  # [S, s]
    action: Tensor | None  # [S, n] long or [S, n, A]; None where the critic is asked for what no action changes
    policy: Tensor  # [S, n, A], E[a]
    first: Tensor  # [S] bool, an episode begins: memory is wiped
    memory: Tensor | None  # [B, ...], the GRU's before the first step; None: blank
    std: Tensor | None = None  # [S, n, A], of a Gaussian's numbers; None: a choice, or nobody asks for a mean


class CriticWords(NamedTuple):
    """What a critic thinks of S samples. All but `outputs` in the units of the reward; None: not this critic."""

    outputs: tuple[Tensor, ...]  # each [S] or [S, n], in the critic's own units, in the order of `critic.outputs`
    bootstrap: Tensor  # [S], or [S, n] for each agent: the value that lambda-returns are made of
    memory: Tensor | None  # [S, ...], the GRU's after each sample
    value: Tensor | None = None  # [S, 1], V(s), or [S, n], V(o_i)
    q: Tensor | None = None  # [S, 1] or [S, n], Q(s, a) of the actions played
    q_values: Tensor | None = None  # [S, n, A], Q for each action of agent i, or its utilities Q_i
    own_q: Tensor | None = None  # [S, n], the same of the action that agent i played, also where actions are numbers
    own_mean: Tensor | None = None  # [S, n], its mean over what agent i might have played, E_{a_i}
    baselines: Tensor | None = None  # [3, S, n], joint, individual, CorrSet
    psi: Tensor | None = None  # [S, 3] or [S, n, 3], their weights
    best: Tensor | None = None  # [S, n], the best legal baseline
    attention: Tensor | None = None  # [S, n, n], rows sum to 1
    corrset: Tensor | None = None  # [S, n, n] bool, row i is C_i
    correction: Tensor | None = None  # [S], what the joint action adds to V, as corrected returns have it


class JudgedBatch(NamedTuple):
    """S samples with all that policy and critic thought of them: what an advantage is computed from.

    Every row of Table 1 is a function of this record. Which of the optional fields are there depends on the critic;
    the others are None.
    """

    target: Tensor  # [S, 1] or [S, n], an estimate of Q(s, a): the lambda-return, or the critic's own Q
    action: Tensor  # [S, n] long, or [S, n, A] float, as played
    policy: Tensor  # [S, n, A], E[a]: the probabilities, or the mean of a Gaussian
    alive: Tensor  # [S, n] bool
    factor: Tensor  # [S, 1], HAPPO: new over old probability of the agents that were updated before; otherwise 1
    value: Tensor | None = None  # [S, 1], V(s), or [S, n], V(o_i)
    q: Tensor | None = None  # [S, 1] or [S, n], the critic's own Q(s, a)
    q_values: Tensor | None = None  # [S, n, A], Q for each action of agent i, or its utilities Q_i
    own_q: Tensor | None = None  # [S, n], the same of the action that agent i played, also where actions are numbers
    own_mean: Tensor | None = None  # [S, n], its mean over what agent i might have played, E_{a_i}
    baselines: Tensor | None = None  # [3, S, n], joint, individual, CorrSet ([3, S, 1] is the same for every agent)
    psi: Tensor | None = None  # [S, 3] or [S, n, 3], their weights
    best: Tensor | None = None  # [S, n], the best legal baseline
    attention: Tensor | None = None  # [S, n, n], rows sum to 1
    corrset: Tensor | None = None  # [S, n, n] bool, row i is C_i

    def given(self) -> list[str]:
        """The names of the fields that are there."""
        return list(given(self))


def given(record: NamedTuple) -> dict[str, Tensor]:
    """The fields of a record that are there, by name."""
    return {name: x for name, x in record._asdict().items() if x is not None}


def versions(record: NamedTuple) -> dict[str, int]:
    """How often each tensor of a record was written to: another number where somebody has written into it."""
    return {name: x._version for name, x in given(record).items()}


def in_one_row(x: Tensor) -> Tensor:
    """Steps `[T, B, ...]` as samples `[S, ...]`, time first, without a copy."""
    return x.flatten(0, 1)


def in_columns(x: Tensor) -> Tensor:
    """A number for each sample, `[S]`, as a column `[S, 1]` that goes with `[S, n]`; `[S, n]` as it is."""
    return x.unsqueeze(-1) if x.dim() == 1 else x


def as_seen(view, device: torch.device) -> Seen:
    """What a `View` shows, as tensors on a device; numbers have torch's default precision.

    What is there already, in that precision, is not copied: nobody may write to it.
    """
    numbers = torch.get_default_dtype()
    obs, state, available = as_tensor(view.obs), as_tensor(view.state), as_tensor(view.available)
    return Seen(obs.to(device, numbers), state.to(device, numbers), available.to(device))


def as_tensor(array) -> Tensor:
    """An array of a `View`, NumPy's or one that speaks DLPack, as a tensor that shares its memory, where it is."""
    return torch.from_numpy(array) if isinstance(array, np.ndarray) else torch.from_dlpack(array)
