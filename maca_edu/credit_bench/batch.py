"""The record that an estimator gets: what happened, what the policies thought of it, and what the critic thinks.

Rows are moments of play in no order: no row follows from the one before it. Everything is in the units of the reward.
An estimator is a function of this record that returns an advantage for each row and agent, `[S, n]`, or that and its
CorrSets, bool `[S, n, n]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from maca_edu.credit_bench.critics import Critic
from maca_edu.credit_bench.moments import Moments, Rows, drawn_rows, joint_number
from maca_edu.credit_bench.sums import Part, averaged, group_baseline, look_up, own_values
from maca_edu.exact.baselines import squared_scores

EARLIER = 256  # rows of the batch before


@dataclass(frozen=True)
class CreditBatch:
    """S rows of n agents with A actions each. A torch user may write `batch.map(torch.as_tensor)`."""

    obs: np.ndarray  # [S, n, d] what each agent saw
    state: np.ndarray  # [S, s] the whole state as numbers
    action: np.ndarray  # [S, n] integers, as played
    legal: np.ndarray  # [S, n, A] bool
    policy: np.ndarray  # [S, n, A] the probabilities that the actions were drawn with
    reward: np.ndarray  # [S] what the step paid the team
    returns: np.ndarray  # [S] the lambda-return from the step on, an unbiased estimate of Q(s, a)
    value: np.ndarray  # [S] the critic's V(s) = E[Q(s, .)]
    q: np.ndarray  # [S] the critic's Q(s, a)
    q_values: np.ndarray  # [S, n, A] the critic's Q for each action of agent i, the others' as played
    utilities: np.ndarray  # [S, n, A] Q_i(a_i): the part of the critic's Q that agent i owns alone, V / n each included
    baselines: np.ndarray  # [3, S, n] the critic's joint, individual and CorrSet baseline
    best: np.ndarray  # [S, n] its legal baseline of least variance
    corrset: np.ndarray  # [S, n, n] bool, row i is C_i as the critic sees it
    ask: Callable  # ask(row [X], action [X, n]) -> [X]: the critic's Q in these rows' states for other joint actions
    simulate: Callable  # simulate(row, action) -> [X]: what the game would have paid at once; not every game can tell
    rng: np.random.Generator  # for estimators that draw
    earlier: CreditBatch | None = None  # a batch that was played before this one, for estimators that remember

    def map(self, convert: Callable) -> CreditBatch:
        """The same batch with every array converted, as by `torch.as_tensor`."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        changed = {name: convert(x) for name, x in arrays.items() if isinstance(x, np.ndarray)}
        return replace(self, **changed, earlier=self.earlier and self.earlier.map(convert))


def make_batch(moments: Moments, rows: Rows, critic: Critic, seed: int = 0) -> CreditBatch:
    """What an estimator is shown of the rows, and of EARLIER rows before them; seed: of `rng`."""
    before = drawn_rows(moments, EARLIER, np.random.default_rng(EARLIER))
    return replace(judged(moments, rows, critic, seed), earlier=judged(moments, before, critic, seed))


def judged(moments: Moments, rows: Rows, critic: Critic, seed: int) -> CreditBatch:
    """What an estimator is shown of the rows alone."""
    state, action = rows.state, rows.action
    N, n, A = moments.policy.shape
    policy = moments.policy[state]

    def of(group: np.ndarray) -> np.ndarray:  # group bool [N, n]
        return group_baseline(critic.q, moments.policy, group, state, action)

    value = of(np.ones((N, n), dtype=bool))  # [S]
    q_values = np.stack([own_values(critic.q, state, action, i, A) for i in range(n)], axis=1)
    weight = policy * np.stack([[squared_scores(pi) for pi in team] for team in moments.policy])[state]  # [S, n, A]
    baselines = np.stack(
        [
            np.repeat(value[:, None], n, axis=1),
            (policy * q_values).sum(axis=2),
            np.stack([of(critic.corrset[:, i]) for i in range(n)], axis=1),
        ]
    )
    returns = look_up(moments.q, state, action)
    if moments.later is not None:
        returns = returns + rows.luck * moments.later[state, joint_number(moments, action)]
    return CreditBatch(
        obs=moments.obs[state],
        state=moments.features[state],
        action=action.copy(),
        legal=np.ones((len(state), n, A), dtype=bool),
        policy=policy,
        reward=look_up(moments.reward, state, action),
        returns=returns,
        value=value,
        q=look_up(critic.q, state, action),
        q_values=q_values,
        utilities=utilities(critic, moments.policy)[state],
        baselines=baselines,
        best=(weight * q_values).sum(axis=2) / weight.sum(axis=2),
        corrset=critic.corrset[state],
        ask=lambda row, other: look_up(critic.q, state[row], np.asarray(other)),
        simulate=lambda row, other: look_up(moments.reward, state[row], np.asarray(other)),
        rng=np.random.default_rng(seed),
    )


def utilities(critic: Critic, policy: np.ndarray) -> np.ndarray:
    """The Q_i, `[N, n, A]`, whose sum is the best additive fit to the critic's Q under the policy (chapter 8)."""
    N, n, A = policy.shape
    alone, total = np.zeros((N, n, A)), np.zeros(N)
    for part in critic.q:
        everyone = averaged(part, policy, np.ones((N, n), dtype=bool))
        mean = everyone.table.reshape(N, -1)[:, 0]
        total += mean
        for j in part.agents:
            others = np.ones((N, n), dtype=bool)
            others[:, j] = False
            alone[:, j] += along(averaged(part, policy, others), j) - mean[:, None]
    return alone + total[:, None, None] / n


def along(part: Part, agent: int) -> np.ndarray:
    """A table that depends on one agent's action only, as `[N, A]`."""
    moved = np.moveaxis(part.table, 1 + part.agents.index(agent), 1)
    return moved.reshape(*moved.shape[:2], -1)[:, :, 0]
