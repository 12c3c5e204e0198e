"""Credit over time: every state of a game, and the exact V and Q of a policy by dynamic programming.

    V(s) = E[Q(s, a)],     Q(s, a) = r(s, a) + gamma V(s'),     V = 0 once the game is over

Q(s, .) is a table like a one-shot game's payoff, so everything else in this package applies to it, state by state. The
reward is a sum of terms, these equations are linear, and so V and Q are sums of one V and one Q per term.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import bicgstab, splu

from maca_edu.exact.checks import check_numbers, check_policy, check_share
from maca_edu.exact.spectrum import credit_spectrum
from toy_envs.core import MAX_ENTRIES, Game, check_integer, check_is_game, shown

CHUNK = 2**16  # games stepped at once
REPLAYED = 2**12  # pairs of state and joint action of an enumeration that are played again
DIRECT = 1_500  # blocks of at most this many states are solved by elimination, larger ones by iteration


class Enumeration(NamedTuple):
    """A game written out: S states that can be reached, A^n joint actions in each, in the order of `(A,) * n`."""

    states: np.ndarray  # [S, D] in the order of their discovery, initial states first
    initial: np.ndarray  # [S] the probability of starting in each state
    next_state: np.ndarray  # [S, A^n] the number of the state reached, -1 where the game is over
    reward: np.ndarray  # [S, A^n] the team's reward


def joint_actions(n_agents: int, n_actions: int) -> np.ndarray:
    """All joint actions, `[A^n, n]`, in the order of a table of shape `(A,) * n`."""
    return np.indices((n_actions,) * n_agents).reshape(n_agents, -1).T


def step_all(game: Game, states: np.ndarray):
    """Play every joint action in every state, chunk by chunk: yields (slice of the states, Step of [c * A^n] games)."""
    actions = joint_actions(len(game.agents), len(game.actions))
    count = max(1, CHUNK // len(actions))
    for start in range(0, len(states), count):
        part = states[start : start + count]
        step = game.step(np.repeat(part, len(actions), axis=0), np.tile(actions, (len(part), 1)))
        yield slice(start, start + len(part)), step


def check_size(game: Game, n_states: int, max_states: int) -> None:
    """ValueError where a game turns out to be too large to be written out."""
    if n_states > max_states:
        raise ValueError(f"{game.name!r} has more than max_states={max_states:,} states; choose a smaller game")
    J = len(game.actions) ** len(game.agents)
    if n_states * J > MAX_ENTRIES:
        raise ValueError(
            f"{game.name!r} has at least {n_states:,} states with {J:,} joint actions each; "
            f"at most {MAX_ENTRIES:,} pairs can be enumerated"
        )


def enumerate_states(game: Game, max_states: int = 50_000) -> Enumeration:
    """Follow every joint action from every initial state, breadth first, until nothing new appears.

    game: any `toy_envs.Game`; its horizon plays no part. Returns an `Enumeration`, whose states are read-only.
    Raises ValueError where there are more than `max_states` states or more than 2^24 pairs of state and joint action.
    """
    J = len(check_is_game(game).actions) ** len(game.agents)
    check_integer("max_states", max_states, 1)
    rows, chance = game.initial_states()
    rows = np.ascontiguousarray(rows)
    key = np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))  # a row's bytes, so that a dict can find it
    number: dict[bytes, int] = {}  # state -> its number, counting from 0 as they are discovered

    def look_up(states: np.ndarray) -> list[int]:
        found = np.ascontiguousarray(states, dtype=rows.dtype).view(key).ravel().tolist()
        indices = [number.setdefault(state, len(number)) for state in found]
        check_size(game, len(number), max_states)
        return indices

    def listed(start: int) -> np.ndarray:
        return np.frombuffer(b"".join(list(number)[start:]), rows.dtype).reshape(-1, rows.shape[1])

    first = look_up(rows)
    next_state, reward, done = [], [], 0
    while done < len(number):
        frontier = listed(done)
        done = len(number)
        for _, step in step_all(game, frontier):
            indices = np.full(len(step.state), -1, dtype=np.int32)
            indices[~step.terminated] = look_up(step.state[~step.terminated])
            next_state.append(indices.reshape(-1, J))
            reward.append(step.reward.reshape(-1, J))
    initial = np.bincount(first, weights=chance, minlength=len(number))
    paid = check_numbers(f"the reward of {game.name!r}", np.concatenate(reward))
    return Enumeration(listed(0), initial, np.concatenate(next_state), paid)


def written_out(game: Game, enumeration: Enumeration | None) -> Enumeration:
    """The game's enumeration, made where it is None.

    Raises ValueError where it is that of another game: one with other initial states, or that plays otherwise where up
    to REPLAYED pairs of state and joint action are played again.
    """
    if enumeration is None:
        return enumerate_states(game)
    n, A = len(check_is_game(game).agents), len(game.actions)
    if not isinstance(enumeration, Enumeration):
        raise ValueError(f"enumeration={shown(enumeration)}; allowed is what enumerate_states returned, or None")
    joint = enumeration.next_state.shape[1]
    if joint != A**n:
        raise ValueError(f"enumeration has {joint} joint actions; {game.name!r} has {A}^{n} = {A**n}")
    if not (starts_alike(game, enumeration) and plays_alike(game, enumeration)):
        raise ValueError(
            f"enumeration is that of another game than this {game.name!r}; allowed is what enumerate_states(game) "
            "returned, or None"
        )
    return enumeration


def starts_alike(game: Game, enumeration: Enumeration) -> bool:
    """Whether the game has the enumeration's initial states, with their probabilities."""
    rows, chance = game.initial_states()
    _, where, number = np.unique(rows, axis=0, return_index=True, return_inverse=True)  # one may be named twice
    order = np.argsort(where)  # as they were discovered
    first = slice(len(order))
    chance = np.bincount(number.ravel(), weights=chance)[order]
    return np.array_equal(rows[where[order]], enumeration.states[first]) and np.allclose(
        chance, enumeration.initial[first]
    )


def plays_alike(game: Game, enumeration: Enumeration) -> bool:
    """Whether some of the states, first to last, pay and lead on as the enumeration says."""
    states, _, next_state, reward = enumeration
    count = min(len(states), max(1, REPLAYED // next_state.shape[1]))
    chosen = np.linspace(0, len(states) - 1, count).astype(int)
    for part, step in step_all(game, states[chosen]):
        goes_on = ~step.terminated
        expected = next_state[chosen[part]].ravel()
        paid = reward[chosen[part]].ravel()
        alike = np.array_equal(goes_on, expected >= 0) and np.allclose(step.reward, paid, atol=1e-12 * abs(paid).max())
        if not (alike and np.array_equal(step.state[goes_on], states[expected[goes_on]])):
            return False
    return True


def joint_policy(game: Game, policy, n_states: int) -> np.ndarray:
    """The probability of every joint action, `[S, A^n]`, from a policy `[n, A]` or `[S, n, A]`."""
    n, A = len(game.agents), len(game.actions)
    policy = check_numbers("policy", policy)
    policy = check_policy(policy, (n_states, n, A)) if policy.ndim == 3 else check_policy(policy, (n, A))[None]
    joint = policy[:, 0]
    for i in range(1, n):
        joint = (joint[:, :, None] * policy[:, i, None, :]).reshape(len(policy), -1)
    return np.broadcast_to(joint, (n_states, A**n))


def transitions(joint: np.ndarray, next_state: np.ndarray) -> csr_array:
    """The probability of going from state to state, sparse `[S, S]`; a row sums to 1 - P(the game ends)."""
    S, J = next_state.shape
    live = next_state >= 0
    weight = np.where(live, joint, 0.0).ravel()
    P = csr_array((weight, np.where(live, next_state, 0).ravel(), np.arange(0, S * J + 1, J)), shape=(S, S))
    P.sum_duplicates()
    P.eliminate_zeros()
    return P


def check_ends(P: csr_array, joint: np.ndarray, next_state: np.ndarray) -> None:
    """ValueError unless the end can be reached from every state; if it can, the game ends with probability 1."""
    ends = ((next_state < 0) & (joint > 0)).any(axis=1)  # [S] in one step; then in two, in three, ...
    while True:
        more = ends | (P @ ends > 0)
        if (more == ends).all():
            break
        ends = more
    stuck = np.flatnonzero(~ends)
    if len(stuck):
        raise ValueError(
            f"gamma=1 needs a game that ends, but under this policy it never ends from {len(stuck):,} of {len(ends):,} "
            f"states (state number {stuck[0]} is one); use gamma < 1 or a policy that gives every action a chance"
        )


def equation_solver(P: csr_array, gamma: float):
    """A function that solves x = y + gamma P x for x `[S]`, as well as rounding allows.

    States that can reach each other form a block. Many games move on from block to block and never come back (a
    delivered load stays delivered), so with the states in the order of the blocks elimination stays inside them.
    """
    M = (eye_array(P.shape[0]) - gamma * P).tocsr()
    _, block = connected_components(P, connection="strong")
    if np.bincount(block).max() > DIRECT:
        return lambda y: abs(y).max() * bicgstab(M, y / abs(y).max(), rtol=1e-12, maxiter=3_000)[0]
    order = np.argsort(block, kind="stable")
    factors = splu(M[order][:, order].tocsc(), permc_spec="NATURAL")
    back = np.argsort(order)
    return lambda y: factors.solve(y[order])[back]


def evaluate(P: csr_array, expected: np.ndarray, gamma: float) -> np.ndarray:
    """Solve V = expected + gamma P V for V `[K, S]`, K reward functions at once, and verify it."""
    too_long = f"gamma={gamma:g} with this policy makes episodes too long for V to be exact; use a smaller gamma"
    try:
        solve_for = equation_solver(P, gamma)
    except RuntimeError:  # the matrix is singular, up to rounding
        raise ValueError(too_long) from None
    values = np.zeros_like(expected)
    for k, r in enumerate(expected):
        V, residual = values[k], r
        while abs(residual).max() > 1e-14 * abs(V).max():  # solve, then solve for what rounding left over
            better = V + solve_for(residual)
            left = r - (better - gamma * (P @ better))
            if not abs(left).max() < abs(residual).max() / 2:
                break  # it no longer helps
            V, residual = better, left
        # V is exact for rewards that are off by `residual`, which must be little beside V and beside the rewards.
        if abs(residual).max() > min(1e-10 * abs(V).max(), 1e-8 * abs(r).max()):
            raise ValueError(f"{too_long} (rewards would be off by {abs(residual).max():.1e})")
        values[k] = V
    return values


def solve(game: Game, policy, gamma: float, enumeration: Enumeration | None = None) -> tuple[np.ndarray, np.ndarray]:
    """V `[S]` and Q `[S, A, ..., A]` of a policy, exactly, states in the order of `enumerate_states` (section 3.1).

    game: any `toy_envs.Game`; policy: `[n, A]`, the same in every state, or `[S, n, A]`; gamma: the discount, 0 to 1;
    enumeration: what `enumerate_states(game)` returned, to save its time. Values are those of the game without its
    horizon, which cuts episodes but ends no game. In a one-shot game S = 1 and Q[0] is `game.payoff()`.
    Raises ValueError where an argument is wrong, the game is too large, or gamma = 1 and the game may never end.
    """
    enumeration = written_out(game, enumeration)
    V, Q = _solve_many(game, policy, gamma, enumeration, enumeration.reward[None])
    return V[0], Q[0]


def solve_terms(game: Game, policy, gamma: float, enumeration: Enumeration | None = None) -> dict:
    """One (V, Q) for each reward term, by name: as if that term were the whole reward. They add up to those of `solve`.

    Arguments, shapes and errors are those of `solve`. A term's Q may depend on agents that do not belong to the term:
    what they do now changes the states in which its members act later.
    """
    enumeration = written_out(game, enumeration)
    payments = np.empty((len(game.reward_terms), *enumeration.reward.shape))  # [K, S, A^n], turned into Q in place
    for part, step in step_all(game, enumeration.states):
        payments[:, part] = step.payments.T.reshape(len(payments), -1, payments.shape[2])
    V, Q = _solve_many(game, policy, gamma, enumeration, payments)
    return {term.name: (V[k], Q[k]) for k, term in enumerate(game.reward_terms)}


def term_spectrum(terms: dict, policy, state: int) -> dict:
    """The credit spectrum of each reward term's Q in one state: `{term: {group: component}}` (see `credit_spectrum`).

    terms: what `solve_terms` returned; policy: the one given there; state: its number. Summed over the terms, the
    components of a group are those of the whole Q.
    Raises ValueError where an argument is wrong.
    """
    Q = values_of_terms(terms)
    n_states, A, n = *next(iter(Q.values())).shape[:2], next(iter(Q.values())).ndim - 1
    state = check_integer("state", state, 0, n_states - 1)
    policy = check_numbers("policy", policy)
    here = check_policy(policy, (n_states, n, A))[state] if policy.ndim == 3 else policy
    return {name: credit_spectrum(values[state], here) for name, values in Q.items()}


def values_of_terms(terms: dict) -> dict[str, np.ndarray]:
    """The Q `[S, A, ..., A]` of each term, all of one shape, from what `solve_terms` returned; else ValueError."""
    pairs = terms.values() if isinstance(terms, dict) else ()
    if not pairs or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError(f"terms={shown(terms)}; allowed is what solve_terms returned")
    Q = {name: check_numbers(f"Q of term {name!r}", values) for name, (_, values) in terms.items()}
    shapes = {values.shape for values in Q.values()}
    shape = shapes.pop()
    if shapes or len(shape) < 2 or len(set(shape[1:])) != 1:
        found = ", ".join(f"{name!r}: {values.shape}" for name, values in Q.items())
        raise ValueError(f"terms has Qs of shapes {found}; allowed is one shape (S, A, ..., A), as from solve_terms")
    return Q


def _solve_many(game: Game, policy, gamma: float, enumeration: Enumeration, payments: np.ndarray):
    """V `[K, S]` and Q `[K, S, A, ..., A]` for K reward functions `[K, S, A^n]` (section 3.1)."""
    gamma = check_share("gamma", gamma)
    n, A = len(game.agents), len(game.actions)
    states, _, next_state, _ = enumeration
    joint = joint_policy(game, policy, len(states))
    P = transitions(joint, next_state)
    if gamma == 1:
        check_ends(P, joint, next_state)
    V = evaluate(P, np.einsum("sj,ksj->ks", joint, payments), gamma)
    Q = np.empty_like(payments)
    for v, q, paid in zip(V, Q, payments, strict=True):
        q[:] = paid + gamma * np.append(v, 0.0)[next_state]  # number -1 finds the 0: the game is over
    return V, Q.reshape(*V.shape, *(A,) * n)
