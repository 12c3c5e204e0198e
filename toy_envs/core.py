"""The core every game shares: rewards declared as a sum of terms over subsets of agents.

Equation (section 3.3 of the MACA paper):  r(s, a) = sum over G of r_G(s, a_G).
Games are batched and functional: a state goes in, a state comes out, nothing is remembered.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

MAX_ENTRIES = 2**24  # the largest payoff table that .payoff() builds: 128 MiB of float64


def agent_names(n_agents: int) -> tuple[str, ...]:
    """Names of the agents: A, B, C, ... for up to 26 of them, otherwise A0, A1, ..."""
    if n_agents <= 26:
        return tuple(chr(ord("A") + i) for i in range(n_agents))
    return tuple(f"A{i}" for i in range(n_agents))


def check_integer(name: str, value, low: int, high: int | None = None) -> int:
    """Return the argument `value` as an int from low to high, or say in one sentence what is allowed."""
    allowed = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={value!r}; allowed is {allowed}") from None
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name}={value!r}; allowed is {allowed}")
    return number


def check_number(name: str, value) -> float:
    """Return the argument `value` as a finite float, or say in one sentence what is allowed."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"{name}={value!r}; allowed is a finite number")
    return number


@dataclass(frozen=True, eq=False)
class RewardTerm:
    """One term r_G of the reward: what the agents in G earn together, and nobody else affects.

    name: how the term is called in `infos[agent]["credit"]`.
    agents: the members of G, each named once; their number is the term's credit assignment level.
    table: `[A] * len(agents)`, the payment for each joint action a_G; None where the payment also
        depends on the state (sequential games).
    """

    name: str
    agents: tuple[int, ...]
    table: np.ndarray | None = None

    def __post_init__(self):
        try:
            agents = tuple(operator.index(i) for i in self.agents)
        except TypeError:
            raise ValueError(f"term {self.name!r}: agents={self.agents!r}; allowed are integers from 0 up") from None
        if not agents:
            raise ValueError(f"term {self.name!r}: agents is empty; name at least one agent")
        if len(set(agents)) < len(agents):
            raise ValueError(f"term {self.name!r}: agents={agents} names an agent twice; each may occur once")
        if min(agents) < 0:
            raise ValueError(f"term {self.name!r}: agents={agents}; allowed are integers from 0 up")
        object.__setattr__(self, "agents", agents)
        if self.table is not None:
            object.__setattr__(self, "table", self._checked_table())

    def _checked_table(self) -> np.ndarray:
        """A private, read-only copy of the table as floats; ValueError where it does not fit the agents."""
        k = len(self.agents)
        need = f"{k} agents need {k} axes" if k > 1 else "1 agent needs 1 axis"
        try:
            table = np.array(self.table, dtype=float)
        except (TypeError, ValueError):
            raise ValueError(f"term {self.name!r}: table is not an array of numbers; {need} of one length") from None
        if table.ndim != k or len(set(table.shape)) != 1:
            raise ValueError(
                f"term {self.name!r}: table has shape {table.shape}; {need} of one length, the number of actions"
            )
        if not np.isfinite(table).all():
            raise ValueError(f"term {self.name!r}: table holds a value that is not finite; allowed are finite numbers")
        table.setflags(write=False)
        return table

    @property
    def level(self) -> int:
        """The credit assignment level k = |G|."""
        return len(self.agents)


class Step(NamedTuple):
    """What one step of B games returns."""

    state: np.ndarray  # [B, D] integers: the states reached
    payments: np.ndarray  # [B, K] what each of the K reward terms paid
    terminated: np.ndarray  # [B] bool: the game is over (no future reward)

    @property
    def reward(self) -> np.ndarray:
        """The team's reward, [B]: the payments added from the first term to the last."""
        total = self.payments[:, 0].copy()
        for k in range(1, self.payments.shape[1]):
            total += self.payments[:, k]
        return total


class Game(Protocol):
    """What every game offers. B games are stepped at once; a state is a row of D integers.

    Randomness enters only at `reset`, from the Generator given; `step` is a function. So a game can be
    enumerated exactly by following every joint action from every initial state.
    """

    name: str
    agents: tuple[str, ...]  # n names
    actions: tuple[str, ...]  # A names, the same for every agent
    reward_terms: tuple[RewardTerm, ...]  # K terms
    horizon: int  # steps after which an episode is cut (truncated, not terminated)

    def reset(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """Initial states, `[B, D]`."""

    def initial_states(self) -> tuple[np.ndarray, np.ndarray]:
        """Every initial state `[S0, D]` and its probability `[S0]`; ValueError where there are too many."""

    def step(self, state: np.ndarray, action: np.ndarray) -> Step:
        """Play joint actions `[B, n]` in states `[B, D]`."""

    def members(self, state: np.ndarray) -> np.ndarray:
        """Who belongs to each term, bool `[B, K, n]`: the true groups, which may differ between states."""

    def observe(self, state: np.ndarray) -> np.ndarray:
        """What each agent sees, float32 `[B, n, d]`, every number from -1 to 1."""

    def features(self, state: np.ndarray) -> np.ndarray:
        """The whole state as numbers for a central critic, float32 `[B, s]`, every number from -1 to 1."""


def check_action(action, batch: int, n_agents: int, n_actions: int) -> np.ndarray:
    """Return `action` as an integer array `[B, n]`, or say in one sentence what is wrong with it."""
    action = np.asarray(action)
    if action.shape != (batch, n_agents):
        raise ValueError(f"action has shape {action.shape}; expected ({batch}, {n_agents}): games x agents")
    if action.dtype.kind not in "iu":
        raise ValueError(f"action has dtype {action.dtype}; expected integers from 0 to {n_actions - 1}")
    if action.size and (action.min() < 0 or action.max() >= n_actions):
        wrong = action[(action < 0) | (action >= n_actions)][0]
        raise ValueError(f"action holds {wrong}; allowed are 0 to {n_actions - 1}")
    return action


class OneShotGame:
    """A game of one joint action: every term pays from its table and the game is over.

    n_agents, n_actions: sizes n and A; every agent has the same actions.
    terms: the reward terms; each with a table of A entries per axis, agents below n, and a name of its own.
    actions: names of the actions (default "0", "1", ...).
    """

    horizon = 1

    def __init__(self, n_agents: int, n_actions: int, terms, name: str = "one_shot", actions=None):
        self.name = name
        self.n_agents = check_integer("n_agents", n_agents, 1)
        self.n_actions = check_integer("n_actions", n_actions, 2)
        self.agents = agent_names(self.n_agents)
        self.actions = tuple(actions) if actions is not None else tuple(str(a) for a in range(self.n_actions))
        if len(self.actions) != self.n_actions:
            raise ValueError(f"actions={actions!r} has {len(self.actions)} names; n_actions={n_actions} are needed")
        self.reward_terms = tuple(terms)
        self._check_terms()

    def _check_terms(self):
        """ValueError unless every term has a name of its own, agents of this game and a table of its size."""
        if not self.reward_terms:
            raise ValueError("terms is empty; a game needs at least one reward term")
        seen: set[str] = set()
        for term in self.reward_terms:
            if term.name in seen:
                raise ValueError(f"two terms are called {term.name!r}; every term needs a name of its own")
            seen.add(term.name)
            if max(term.agents) >= self.n_agents:
                raise ValueError(
                    f"term {term.name!r} names agent {max(term.agents)}; with n_agents={self.n_agents} "
                    f"agents are 0 to {self.n_agents - 1}"
                )
            found = None if term.table is None else term.table.shape
            if found != (self.n_actions,) * term.level:
                expected = (self.n_actions,) * term.level
                raise ValueError(f"term {term.name!r}: table has shape {found}; expected {expected}")

    def _wide_tables(self):
        """Every term's table as a view with one axis for each agent, of length 1 for those outside the term."""
        n, A = self.n_agents, self.n_actions
        if A**n > MAX_ENTRIES:
            raise ValueError(
                f"the payoff of {self.name!r} has {A}^{n} joint actions; at most {MAX_ENTRIES:,} can be enumerated"
            )
        for term in self.reward_terms:
            order = np.argsort(term.agents)  # the table's axes in the order of the agents
            shape = [A if i in term.agents else 1 for i in range(n)]
            yield term.table.transpose(order).reshape(shape)

    def term_payoffs(self) -> dict[str, np.ndarray]:
        """Each term's payment for every joint action, `{name: [A] * n}`, read-only; ValueError as in `payoff`."""
        shape = (self.n_actions,) * self.n_agents
        names = [term.name for term in self.reward_terms]
        return {name: np.broadcast_to(table, shape) for name, table in zip(names, self._wide_tables(), strict=True)}

    def payoff(self) -> np.ndarray:
        """The team's reward for every joint action, `[A] * n`; ValueError where A^n is too large."""
        tables = self._wide_tables()
        total = np.broadcast_to(next(tables), (self.n_actions,) * self.n_agents).copy()
        for table in tables:  # from the first term to the last, like Step.reward
            total += table
        return total

    def reset(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """Initial states `[B, 1]`: all zero (the game has not been played yet)."""
        return np.zeros((batch, 1), dtype=np.int64)

    def initial_states(self) -> tuple[np.ndarray, np.ndarray]:
        """The one initial state `[1, 1]` and its probability `[1]`."""
        return np.zeros((1, 1), dtype=np.int64), np.ones(1)

    def step(self, state: np.ndarray, action: np.ndarray) -> Step:
        """Pay every term for the joint actions `[B, n]` and end the game (state 1)."""
        action = check_action(action, len(state), self.n_agents, self.n_actions)
        payments = np.empty((len(state), len(self.reward_terms)))
        for k, term in enumerate(self.reward_terms):
            payments[:, k] = term.table[tuple(action[:, i] for i in term.agents)]
        return Step(np.ones_like(state), payments, np.ones(len(state), dtype=bool))

    def members(self, state: np.ndarray) -> np.ndarray:
        """Who belongs to each term, bool `[B, K, n]`: the same in every state."""
        member = np.zeros((len(self.reward_terms), self.n_agents), dtype=bool)
        for k, term in enumerate(self.reward_terms):
            member[k, list(term.agents)] = True
        return np.broadcast_to(member, (len(state), *member.shape))

    def observe(self, state: np.ndarray) -> np.ndarray:
        """One-hot agent numbers, float32 `[B, n, n]`: in a one-shot game there is nothing else to see."""
        eye = np.eye(self.n_agents, dtype=np.float32)
        return np.broadcast_to(eye, (len(state), *eye.shape)).copy()

    def features(self, state: np.ndarray) -> np.ndarray:
        """A constant, float32 `[B, 1]`: a one-shot game has one state."""
        return np.ones((len(state), 1), dtype=np.float32)
