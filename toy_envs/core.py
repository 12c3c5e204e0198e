"""The core every game shares: rewards declared as a sum of terms over subsets of agents.

Equation (section 3.3 of the MACA paper):  r(s, a) = sum over G of r_G(s, a_G).
Games are batched and functional: a state goes in, a state comes out, nothing is remembered.
"""

from __future__ import annotations

import numbers
import operator
import sys
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

PARTS_OF_A_GAME = ("agents", "actions", "step")  # by which a `Game` is known
MAX_ENTRIES = 2**24  # the largest payoff table that .payoff() builds: 128 MiB of float64


def agent_names(n_agents: int) -> tuple[str, ...]:
    """Names of the agents: A, B, C, ... for up to 26 of them, otherwise A0, A1, ..."""
    if n_agents <= 26:
        return tuple(chr(ord("A") + i) for i in range(n_agents))
    return tuple(f"A{i}" for i in range(n_agents))


def check_integer(name: str, value, low: int, high: int | None = None) -> int:
    """Return the argument `value` as an int from low to high, or say in one sentence what is allowed."""
    allowed = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    number = whole(value)
    if number is None or number < low or (high is not None and number > high):
        raise ValueError(f"{name}={shown(value)}; allowed is {allowed}")
    return number


def whole(value) -> int | None:
    """The value as an int; None where it is no whole number, as True is none."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def shown(value) -> str:
    """The value as Python writes it, in one line, and not a long one."""
    line = " ".join(repr(value).split())
    return line if len(line) <= 200 else f"{line[:200]}..."


def members(collection) -> tuple | None:
    """What a collection holds; None where it is none. An array without axes only looks like one."""
    try:
        return tuple(collection)
    except TypeError:
        return None


def check_number(name: str, value) -> float:
    """Return the argument `value` as a finite float, or say in one sentence what is allowed."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not abs(value) <= sys.float_info.max:
        raise ValueError(f"{name}={shown(value)}; allowed is a finite number")
    return float(value)


def check_numbers(name: str, array) -> np.ndarray:
    """Return the argument `array` as finite floats (a float array is not copied), or say what is wrong with it."""
    try:
        found = np.asarray(array)
        kind = found.dtype.kind
        real = kind in "biuf" or (kind == "O" and all(isinstance(x, numbers.Real) for x in found.flat))
        floats = found.astype(float, copy=False) if real else None
    except (TypeError, ValueError, OverflowError, RuntimeError):  # rows of several lengths, a tensor with a gradient
        floats = None
    if floats is None:
        raise ValueError(f"{name} is not an array of numbers; allowed are finite real numbers")
    if not np.isfinite(floats).all():
        raise ValueError(f"{name} holds {floats[~np.isfinite(floats)].flat[0]}; every entry must be finite")
    return floats


def check_whole_numbers(name: str, array, shape: tuple, high: int | None = None, axes: str = "") -> np.ndarray:
    """Return the argument `array` as integers of the given shape, from 0 to high, or say what is wrong with it.

    shape: None in it stands for any length. high: None where the numbers have no bounds. axes: what they are, in words.
    """
    try:
        found = np.asarray(array)
    except (TypeError, ValueError, RuntimeError):  # rows of several lengths, a tensor with a gradient
        raise ValueError(f"{name} is not an array of integers") from None
    if found.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, found.shape, strict=True)):
        expected = str(tuple("any" if n is None else n for n in shape)).replace("'", "")
        raise ValueError(f"{name} has shape {found.shape}; expected {expected}{axes and ': ' + axes}")
    allowed = "integers" if high is None else f"integers from 0 to {high}"
    if found.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {found.dtype}; expected {allowed}")
    if high is not None and found.size and (found.min() < 0 or found.max() > high):
        raise ValueError(f"{name} holds {found[(found < 0) | (found > high)][0]}; allowed are 0 to {high}")
    return found


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
        check_word("name", self.name)
        named = members(self.agents)
        agents = (None,) if named is None else tuple(map(whole, named))
        if None in agents:
            raise ValueError(f"term {self.name!r}: agents={shown(self.agents)}; allowed are integers from 0 up")
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
        table = check_numbers(f"term {self.name!r}: table", self.table).copy()
        if table.ndim != k or len(set(table.shape)) != 1 or table.size == 0:
            raise ValueError(
                f"term {self.name!r}: table has shape {table.shape}; {need} of one length, the number of actions"
            )
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


def check_word(name: str, value) -> str:
    """Return the argument `value`, a word, or say in one sentence what is allowed."""
    if not isinstance(value, str):
        raise ValueError(f"{name}={shown(value)}; allowed is a word")
    return value


def check_is_game(game) -> Game:
    """Return the argument `game`, which has all that `Game` has."""
    lacking = [name for name in PARTS_OF_A_GAME if not hasattr(game, name)]
    if lacking:
        raise ValueError(f"game={shown(game)} lacks {', '.join(lacking)}; allowed is a toy_envs.Game")
    return game


def check_generator(name: str, value) -> np.random.Generator:
    """Return the argument `value`, which draws random numbers, or say in one sentence what is allowed."""
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name}={shown(value)}; allowed is a numpy.random.Generator")
    return value


def check_action(action, batch: int, n_agents: int, n_actions: int) -> np.ndarray:
    """Return `action` as an integer array `[B, n]`, or say in one sentence what is wrong with it."""
    return check_whole_numbers("action", action, (batch, n_agents), n_actions - 1, "games x agents")


class OneShotGame:
    """A game of one joint action: every term pays from its table and the game is over.

    n_agents, n_actions: sizes n and A; every agent has the same actions.
    terms: the reward terms; each with a table of A entries per axis, agents below n, and a name of its own.
    actions: names of the actions (default "0", "1", ...).
    """

    horizon = 1

    def __init__(self, n_agents: int, n_actions: int, terms, name: str = "one_shot", actions=None):
        self.name = check_word("name", name)
        self.n_agents = check_integer("n_agents", n_agents, 1)
        self.n_actions = check_integer("n_actions", n_actions, 2)
        self.agents = agent_names(self.n_agents)
        self.actions = self._checked_actions(map(str, range(self.n_actions)) if actions is None else actions)
        self.reward_terms = members(terms)
        if self.reward_terms is None:
            raise ValueError(f"terms={shown(terms)}; allowed is a list of RewardTerm")
        self._check_terms()

    def _checked_actions(self, names) -> tuple[str, ...]:
        """The names of the actions; ValueError unless there is a word for each, and no two are the same."""
        given, names = names, members(names)
        if names is None or not all(isinstance(name, str) for name in names):
            raise ValueError(f"actions={shown(given)}; allowed are {self.n_actions} names")
        if len(set(names)) != self.n_actions or len(names) != self.n_actions:
            raise ValueError(f"actions={names!r}; n_actions={self.n_actions} are needed, all different")
        return names

    def _check_terms(self):
        """ValueError unless every term has a name of its own, agents of this game and a table of its size."""
        if not self.reward_terms:
            raise ValueError("terms is empty; a game needs at least one reward term")
        seen: set[str] = set()
        for term in self.reward_terms:
            if not isinstance(term, RewardTerm):
                raise ValueError(f"terms holds {shown(term)}; allowed are RewardTerm")
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
        check_generator("rng", rng)
        batch = check_integer("batch", batch, 1)
        return np.zeros((batch, 1), dtype=np.int64)

    def initial_states(self) -> tuple[np.ndarray, np.ndarray]:
        """The one initial state `[1, 1]` and its probability `[1]`."""
        return np.zeros((1, 1), dtype=np.int64), np.ones(1)

    def step(self, state: np.ndarray, action: np.ndarray) -> Step:
        """Pay every term for the joint actions `[B, n]` and end the game (state 1)."""
        state = self._checked_state(state)
        action = check_action(action, len(state), self.n_agents, self.n_actions)
        payments = np.empty((len(state), len(self.reward_terms)))
        for k, term in enumerate(self.reward_terms):
            payments[:, k] = term.table[tuple(action[:, i] for i in term.agents)]
        return Step(np.ones_like(state), payments, np.ones(len(state), dtype=bool))

    def members(self, state: np.ndarray) -> np.ndarray:
        """Who belongs to each term, bool `[B, K, n]`: the same in every state."""
        state = self._checked_state(state)
        member = np.zeros((len(self.reward_terms), self.n_agents), dtype=bool)
        for k, term in enumerate(self.reward_terms):
            member[k, list(term.agents)] = True
        return np.broadcast_to(member, (len(state), *member.shape))

    def observe(self, state: np.ndarray) -> np.ndarray:
        """One-hot agent numbers, float32 `[B, n, n]`: in a one-shot game there is nothing else to see."""
        state, eye = self._checked_state(state), np.eye(self.n_agents, dtype=np.float32)
        return np.broadcast_to(eye, (len(state), *eye.shape)).copy()

    def features(self, state: np.ndarray) -> np.ndarray:
        """A constant, float32 `[B, 1]`: a one-shot game has one state."""
        return np.ones((len(self._checked_state(state)), 1), dtype=np.float32)

    def _checked_state(self, state) -> np.ndarray:
        """The states as integers `[B, 1]`; ValueError where they are something else."""
        return check_whole_numbers("state", state, (None, 1))
