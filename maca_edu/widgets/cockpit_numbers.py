"""The numbers of the cockpit: what a run's critic thinks of a moment, and the truth, at any sigma and psi.

A `Flight` is an episode with all that does not depend on sigma and psi. `read` takes a moment of it, a threshold sigma
and weights psi, and gives everything that follows from them, a `Reading`:

    C_i = {j: attention_ij >= sigma} and i           b_i = psi_1 Jnt + psi_2 Ind + psi_3 Cor           A_i = Q - b_i

once with the critic's Q and, where the exact Q is known, once with that. True credit is Q - E_{a_i}[Q], exact or
measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maca_edu import exact
from maca_edu.credit import corrset, mix, one_hot
from maca_edu.experiments.episode_record import Record, as_rollout
from maca_edu.networks.critic import Encoding
from maca_edu.training import methods
from maca_edu.training.advantages import batch_of
from maca_edu.training.critics import Maca
from maca_edu.training.judging import judge
from maca_edu.training.learner import Learner
from maca_edu.training.loop import Run
from maca_edu.training.records import CriticInput, in_columns, in_one_row
from maca_edu.training.returns import rollout_returns
from toy_envs.core import agent_names

MIXED = tuple(name for name, method in methods.METHODS.items() if method.advantage is methods.maca)


class Flight(NamedTuple):
    """An episode of T steps with what critic and policy think of it, whatever sigma and psi are."""

    title: str
    record: Record
    learner: Learner
    agents: tuple[str, ...]  # names
    actions: tuple[str, ...]  # names
    x: CriticInput  # what the critic read
    z: Encoding  # what it made of that
    attention: Tensor  # [T, n, n]
    psi: Tensor  # [T, n, 3], as trained: joint, individual, CorrSet
    policy: np.ndarray  # [T, n, A], the probabilities of actions
    q: np.ndarray  # [T], the critic's Q(s, a)
    returns: np.ndarray  # [T], lambda-returns
    partners: np.ndarray  # [T, n, n] bool, who shares a term of the reward with whom
    credit: np.ndarray  # [T, n], true Q - E_{a_i}[Q]: exact where the exact Q is known, otherwise measured

    @property
    def sigma(self) -> float:
        """The threshold that the run was trained with."""
        return self.learner.critic.sigma


class Opinion(NamedTuple):
    """What somebody's Q says of a moment."""

    q: float  # Q(s, a)
    baselines: np.ndarray  # [3, n], joint, individual, CorrSet
    mixture: np.ndarray  # [n], b
    advantage: np.ndarray  # [n], Q - b


class Reading(NamedTuple):
    """A moment at a threshold and weights."""

    sigma: float
    psi: np.ndarray  # [n, 3]
    attention: np.ndarray  # [n, n]
    corrset: np.ndarray  # [n, n] bool, row i is C_i
    critic: Opinion
    exact: Opinion | None  # None: the exact Q is not known
    from_return: np.ndarray  # [n], the lambda-return - b, which the policies of most runs follow
    credit: np.ndarray  # [n], true Q - E_{a_i}[Q]
    credit_error: np.ndarray | None  # [n], its standard error; None: it is exact
    alive: np.ndarray  # [n] bool


@torch.no_grad()
def flight(run: Run, record: Record, title: str) -> Flight:
    """An episode with what the run's critic thinks of it.

    Raises ValueError where the method's advantage is not MACA's mixture, or its returns are corrected.
    """
    learner = run.learner
    if learner.method.advantage is not methods.maca or not isinstance(learner.critic, Maca):
        raise ValueError(
            f"run: it was trained with method={learner.method.name!r}, returns={learner.config.returns!r}; the cockpit "
            f"shows {', '.join(MIXED)} with returns='lambda'"
        )
    critic, rollout = learner.critic, as_rollout(record, learner)
    judgement = judge(learner.actor, critic, rollout)
    x, words, n = judgement.x, judgement.critic, rollout.alive.shape[-1]
    z, _ = critic.net(x.obs, x.memory, x.first)
    returns = rollout_returns(rollout, judgement, learner.config)
    batch = batch_of(words, in_columns(returns), x.action, x.policy, in_one_row(rollout.alive))
    batch = batch if learner.squares is None else learner.squares.weigh(batch)
    psi = batch.psi if batch.psi.dim() == 3 else batch.psi.unsqueeze(1).expand(-1, n, -1)
    names = agent_names(n) if record.env.startswith("toy/") else tuple(map(str, range(n)))  # as the pictures call them
    return Flight(
        title, record, learner, names, action_names(record), x, z, words.attention, psi,
        policy=x.policy.numpy(),
        q=words.q.squeeze(-1).numpy(),
        returns=returns.numpy(),
        partners=record.partners(),
        credit=true_credit(record, x.policy.numpy()),
    )  # fmt: skip


def action_names(record: Record) -> tuple[str, ...]:
    """What the actions are called."""
    from maca_edu.envs import smax, toy  # here, so that reading numbers needs no games

    if record.env.startswith("toy/"):
        return tuple(toy.make(record.env, 1).game.actions)
    moves = ("north", "east", "south", "west", "stop")
    return (*moves, *(f"shoot {k}" for k in range(record.available.shape[-1] - smax.MOVES)))


@torch.no_grad()
def read(flight: Flight, step: int, sigma: float | None = None, psi=None) -> Reading:
    """What is known of step `step` (0 to T - 1) at threshold sigma and weights psi, joint, individual, CorrSet.

    sigma: 0 to 1; None: as trained. psi: three numbers that sum to 1; None: as trained.
    """
    learner, record, now = flight.learner, flight.record, slice(step, step + 1)
    sigma = flight.sigma if sigma is None else float(sigma)
    attention, policy = flight.attention[now], flight.x.policy[now]
    groups = corrset(attention, sigma)
    n = groups.shape[-1]
    psi = flight.psi[now] if psi is None else torch.tensor(psi, dtype=attention.dtype).expand(1, n, 3)
    z = Encoding(flight.z.state[now], flight.z.tokens[now], tuple(x[now] for x in flight.z.attentions))
    baselines = learner.critic.baselines(z, policy, one_hot(flight.x.action[now], policy), groups)  # [3, 1, n]
    mixture = mix(psi, baselines)[0].numpy()
    q = float(flight.q[step])
    critic = Opinion(q, baselines[:, 0].numpy(), mixture, q - mixture)
    weights, sets = psi[0].double().numpy(), groups[0].numpy()
    truth = None if record.q is None else exact_opinion(flight, step, sets, weights)
    error = record.credit_error[step] if truth is None else None
    from_return = float(flight.returns[step]) - mixture
    return Reading(
        sigma,
        weights,
        attention[0].numpy(),
        sets,
        critic,
        truth,
        from_return,
        flight.credit[step],
        error,
        record.alive[step],
    )


def true_credit(record: Record, policy: np.ndarray) -> np.ndarray:
    """Q - E_{a_i}[Q] of every step and agent, `[T, n]`; policy: `[T, n, A]`."""
    if record.q is None:
        return record.credit
    credit = np.empty(record.credit.shape)
    for t, i in np.ndindex(credit.shape):
        advantage = exact.advantage(record.q[t], in_double(policy[t]), (i,))
        credit[t, i] = advantage[tuple(record.action[t])]
    return credit


def in_double(policy: np.ndarray) -> np.ndarray:
    """Rows of probabilities `[n, A]` that sum to 1 in double precision, too."""
    policy = policy.astype(float)
    return policy / policy.sum(axis=-1, keepdims=True)


def exact_opinion(flight: Flight, step: int, sets: np.ndarray, psi: np.ndarray) -> Opinion:
    """The same with the exact Q: baselines of CorrSets `[n, n]`, mixed by psi `[n, 3]`."""
    table, played = flight.record.q[step], tuple(flight.record.action[step])
    policy = in_double(flight.policy[step])
    n = len(policy)
    groups = [[range(n)] * n, [(i,) for i in range(n)], [np.flatnonzero(row) for row in sets]]
    baselines = np.array([[exact.baseline(table, policy, group)[played] for group in row] for row in groups])
    q, mixture = float(table[played]), np.einsum("ik,ki->i", psi, baselines)
    return Opinion(q, baselines, mixture, q - mixture)
