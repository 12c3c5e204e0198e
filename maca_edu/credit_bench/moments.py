"""What an estimator is tried on: moments of a game, in which everything that is true is known.

A moment is a state in which the team is about to act. Its Q(s, .) is known for every joint action, and so are the
policy, who shares a term of the reward with whom, and how much luck the later actions of the episode add to a return.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from maca_edu.credit_bench.sums import Part, Parts, written_out
from maca_edu.exact import credit_spectrum, enumerate_states, lambda_return, solve, visits
from toy_envs.core import Game, OneShotGame

GAMMA, LAMBDA = 0.99, 0.95


class Rows(NamedTuple):
    """S rows of a batch: the state, the joint action, the luck of what follows, and how much the row counts."""

    state: np.ndarray  # [S] the number of the state, 0 to N - 1
    action: np.ndarray  # [S, n]
    luck: np.ndarray  # [S] -1 or 1, or 0 where nothing follows
    weight: np.ndarray  # [S] sums to 1; the estimator is not told


@dataclass(frozen=True)
class Moments:
    """N moments of one game."""

    name: str
    q: Parts  # Q(s, a), the truth
    reward: Parts  # what the step pays at once
    policy: np.ndarray  # [N, n, A]
    visits: np.ndarray  # [N] how often an episode is there, sums to 1
    partners: np.ndarray  # [N, n, n] bool, who shares a term of the reward with whom; everyone with itself
    obs: np.ndarray  # [N, n, d]
    features: np.ndarray  # [N, s]
    later: np.ndarray | None = None  # [N, A^n] deviation of the return when state and joint action are known; None: 0

    @property
    def n_agents(self) -> int:
        """n."""
        return self.policy.shape[1]

    @property
    def n_actions(self) -> int:
        """A."""
        return self.policy.shape[2]

    @property
    def one_shot(self) -> bool:
        """Whether nothing follows."""
        return self.later is None

    @cached_property
    def table(self) -> np.ndarray:
        """Q as one table, `[N, A, ..., A]`."""
        return written_out(self.q, self.n_agents, self.n_actions)

    @cached_property
    def components(self) -> dict[tuple[int, ...], np.ndarray]:
        """The credit spectrum of Q in every state: each group's component, `[N, A^n]` (chapter 4)."""
        spectra = [credit_spectrum(q, policy) for q, policy in zip(self.table, self.policy, strict=True)]
        return {group: np.stack([spectrum[group].ravel() for spectrum in spectra]) for group in spectra[0]}

    def in_units(self, scale: float, shift: float = 0.0) -> Moments:
        """The same moments with every payment times `scale`, and then every Q plus `shift`."""
        later = None if self.later is None else scale * self.later
        q, reward = in_units(self.q, scale, shift), in_units(self.reward, scale, shift)
        return replace(self, q=q, reward=reward, later=later)


def in_units(parts: Parts, scale: float, shift: float) -> Parts:
    """The sum times `scale`, plus `shift`."""
    scaled = tuple(Part(part.agents, scale * part.table) for part in parts)
    return (*scaled, Part((), np.full(len(parts[0].table), shift)))


# ---------------------------------------------------------------------------------------------------------------------
# From a game to its moments


def one_shot(name: str, game: OneShotGame, policy) -> Moments:
    """The one moment of a one-shot game; policy: `[n, A]`."""
    parts = tuple(Part(term.agents, term.table[None]) for term in game.reward_terms)
    start = np.zeros((1, 1), dtype=np.int64)
    return Moments(
        name=name,
        q=parts,
        reward=parts,
        policy=np.asarray(policy, dtype=float)[None],
        visits=np.ones(1),
        partners=partners_of(game, start),
        obs=game.observe(start),
        features=game.features(start),
    )


def over_time(name: str, game: Game, policy, count: int, rng: np.random.Generator) -> Moments:
    """`count` moments of a game over time, drawn by how often an episode is there, none of them twice.

    policy: `[n, A]`, the same in every state. The luck of later actions is that of a lambda-return with GAMMA, LAMBDA
    and the exact V.
    """
    written = enumerate_states(game)
    _, Q = solve(game, policy, GAMMA, written)
    returns = lambda_return(game, policy, GAMMA, LAMBDA, enumeration=written)
    often = visits(game, policy, enumeration=written)
    count = min(count, np.count_nonzero(often))
    chosen = np.sort(rng.choice(len(often), size=count, replace=False, p=often / often.sum()))
    following = np.append(returns.variance, 0.0)[written.next_state[chosen]]  # [N, A^n]
    everyone, shape = tuple(range(len(game.agents))), (count, *Q.shape[1:])
    states = written.states[chosen]
    return Moments(
        name=name,
        q=(Part(everyone, Q[chosen]),),
        reward=(Part(everyone, written.reward[chosen].reshape(shape)),),
        policy=np.broadcast_to(policy, (count, *np.shape(policy))).astype(float),
        visits=np.full(count, 1 / count),
        partners=partners_of(game, states),
        obs=game.observe(states),
        features=game.features(states),
        later=GAMMA * LAMBDA * np.sqrt(following),
    )


def partners_of(game: Game, states: np.ndarray) -> np.ndarray:
    """Who shares a term with whom, bool `[N, n, n]`; everyone with itself."""
    member = game.members(states).astype(int)  # [N, K, n]
    together = np.einsum("ski,skj->sij", member, member) > 0
    return together | np.eye(len(game.agents), dtype=bool)


# ---------------------------------------------------------------------------------------------------------------------
# Rows


def every_row(moments: Moments) -> Rows:
    """Every joint action in every state with its probability: what is computed from these rows is exact.

    Where something follows, a joint action comes twice, with the return one deviation above its mean and one below:
    mean and variance are then those of the whole distribution.
    """
    N, n, A = moments.policy.shape
    joint = np.indices((A,) * n).reshape(n, -1).T  # [A^n, n]
    state, action = np.repeat(np.arange(N), len(joint)), np.tile(joint, (N, 1))
    weight = moments.visits[state] * probability(moments, state, action)
    if moments.one_shot:
        return Rows(state, action, np.zeros(len(state)), weight)
    luck = np.repeat([-1.0, 1.0], len(state))
    return Rows(np.tile(state, 2), np.tile(action, (2, 1)), luck, np.tile(weight, 2) / 2)


def drawn_rows(moments: Moments, count: int, rng: np.random.Generator) -> Rows:
    """`count` rows drawn as play draws them; they count alike."""
    state = rng.choice(len(moments.visits), size=count, p=moments.visits)
    below = rng.random((count, moments.n_agents, 1)) > moments.policy[state].cumsum(axis=2)[:, :, :-1]
    luck = np.zeros(count) if moments.one_shot else rng.choice([-1.0, 1.0], size=count)
    return Rows(state, below.sum(axis=2), luck, np.full(count, 1 / count))


def probability(moments: Moments, state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """The probability of the joint actions `[S, n]` in their states, `[S]`."""
    return np.take_along_axis(moments.policy[state], action[:, :, None], axis=2)[:, :, 0].prod(axis=1)


def joint_number(moments: Moments, action: np.ndarray) -> np.ndarray:
    """The place of each joint action in a flat table `[A^n]`, `[S]`."""
    return np.ravel_multi_index(tuple(action.T), (moments.n_actions,) * moments.n_agents)
