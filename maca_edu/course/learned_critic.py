"""What a learned critic of a one-shot game says of every joint action, and how it would bend the gradient.

A critic's error is split by the components of chapter 4: the part of agent i alone is the only one that can turn agent
i's mean gradient, and only where the critic stands for the reward.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from maca_edu import exact
from maca_edu.checks import check
from maca_edu.training.critics import ValueCritic
from maca_edu.training.learner import Learner
from maca_edu.training.methods import Method
from maca_edu.training.records import CriticInput, JudgedBatch
from toy_envs.core import OneShotGame

DATA = Path(__file__).parents[2] / "book" / "data" / "ch09"  # of `python book/learned_coma.py`
LOOKS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50)  # updates after which the experiment asks the critic


class Critique(NamedTuple):
    """COMA's critic beside the truth, under the team's policy; of the squared errors, the mean over agents."""

    error: float  # root mean square of Q-hat - Q, over the joint policy
    own: float  # root mean square of its component of the agent alone
    signal: float  # length of the team's gradient
    bias: float  # length of what the critic adds to it where it stands for the reward
    cosine: float  # between the gradient and the one that the critic gives


@torch.no_grad()
def team_policy(learner: Learner, game: OneShotGame) -> np.ndarray:
    """The team's policy `[n, A]`."""
    obs, _ = what_is_seen(game)
    legal = torch.ones(1, game.n_agents, len(game.actions), dtype=torch.bool)
    policy = learner.actor(obs, legal)[0].probs[0].double().numpy()  # [n, A]
    return policy / policy.sum(axis=1, keepdims=True)


@torch.no_grad()
def critic_tables(learner: Learner, game: OneShotGame, policy: np.ndarray) -> np.ndarray:
    """What COMA's critic tells each agent of all joint actions, `[n, A, .., A]`; policy: `[n, A]`."""
    n, A = policy.shape
    obs, state = what_is_seen(game)
    every = torch.from_numpy(np.indices((A,) * n).reshape(n, -1).T.copy())  # [S, n], all joint actions
    S = len(every)
    pi = torch.from_numpy(policy).float().expand(S, -1, -1)
    x = CriticInput(obs.expand(S, -1, -1), state.expand(S, -1), every, pi, torch.ones(S, dtype=torch.bool), None)
    q = learner.critic.judge(x).q  # [S, n]
    return q.double().T.reshape(n, *(A,) * n).numpy()


def what_is_seen(game: OneShotGame) -> tuple[Tensor, Tensor]:
    """Observations `[1, n, d]` and state `[1, s]`: a one-shot game has one of each."""
    start = game.reset(np.random.default_rng(0), 1)
    return torch.from_numpy(game.observe(start)), torch.from_numpy(game.features(start))


def critique(q_hat: np.ndarray, q: np.ndarray, policy: np.ndarray) -> Critique:
    """Hold the critic's tables `[n, A, .., A]` against the true q `[A, .., A]`."""
    errors, owns, truth, told = [], [], [], []
    for i in range(q.ndim):
        error = q_hat[i] - q
        others = [j for j in range(q.ndim) if j != i]
        own = exact.baseline(error, policy, others) - exact.value(error, policy)
        errors.append(exact.value(error**2, policy))
        owns.append(exact.value(own**2, policy))
        truth.append(exact.gradient_moments(q, policy, i, 0.0)[0])
        told.append(exact.gradient_moments(q_hat[i], policy, i, 0.0)[0])
    truth, told = np.concatenate(truth), np.concatenate(told)
    lengths = np.linalg.norm(truth) * np.linalg.norm(told)
    return Critique(
        error=float(np.sqrt(np.mean(errors))),
        own=float(np.sqrt(np.mean(owns))),
        signal=float(np.linalg.norm(truth)),
        bias=float(np.linalg.norm(told - truth)),
        cosine=float(truth @ told / lengths) if lengths > 0 else 0.0,
    )


def exact_coma(game: OneShotGame) -> Method:
    """COMA as it would be with a critic that is never wrong: the reward less the exact individual baseline."""
    table = torch.from_numpy(game.payoff()).float()

    def advantage(batch: JudgedBatch) -> Tensor:
        """Q(a) - E_{a_i}[Q(a)] from the game's own table, `[S, n]`."""
        n, A = batch.policy.shape[1:]
        baselines = []
        for i in range(n):
            choices = batch.action.unsqueeze(1).repeat(1, A, 1)  # [S, A, n]
            choices[:, :, i] = torch.arange(A)
            q = table[tuple(choices.unbind(-1))]  # [S, A]
            baselines.append((batch.policy[:, i] * q).sum(dim=-1))
        return table[tuple(batch.action.unbind(-1))].unsqueeze(-1) - torch.stack(baselines, dim=1)

    return Method("coma-exact", ValueCritic, advantage)


def measured(game: str, column: str) -> dict[str, np.ndarray]:
    """One column of the experiment of chapter 9, `{arm: [runs, updates]}`, where it was measured.

    game: "Fridge" or "Ring". column: "value", after every update, or a field of `Critique`, after those of `LOOKS`.
    """
    check("game", game, Literal["Fridge", "Ring"])
    check("column", column, Literal["value", "error", "own", "signal", "bias", "cosine"])
    with (DATA / f"{game.lower()}.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row[column]]
    numbers = {}
    for row in rows:
        numbers.setdefault(row["arm"], {}).setdefault(row["seed"], []).append(float(row[column]))
    return {arm: np.array(list(runs.values())) for arm, runs in numbers.items()}
