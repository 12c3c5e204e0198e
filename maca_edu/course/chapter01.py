"""Chapter 1, who carried the fridge: dividends of a payoff, and the checks of the lab's exercises."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from maca_edu.course.verdict import Mistake, as_number, exercise, kind
from toy_envs.core import OneShotGame, RewardTerm


def anchored_terms(payoff: np.ndarray, reference) -> np.ndarray:
    """Every dividend of a payoff `[A] * n`, as an array of the same shape (Theorem 1.1).

    The entry at the joint action a is m_G(a_G), where G are the agents whose action is not the reference: one
    entry for each joint action, no more and no less. The entry at the reference itself is the constant.
    reference: one action for each agent; ValueError where it is not.
    """
    n = payoff.ndim
    if len(reference) != n or not all(0 <= o < A for o, A in zip(reference, payoff.shape, strict=False)):
        raise ValueError(f"reference={reference!r}; expected {n} actions, each below the payoff's axis {payoff.shape}")
    terms = np.array(payoff, dtype=float)
    for i, o in enumerate(reference):
        at_rest = terms.take([o], axis=i)  # agent i at its reference
        terms = terms - at_rest
        terms[(slice(None),) * i + (slice(o, o + 1),)] = at_rest
    return terms


def groups(n: int) -> list[tuple[int, ...]]:
    """All subsets of n agents, the small ones first."""
    return [group for k in range(n + 1) for group in combinations(range(n), k)]


def declared_game(rng: np.random.Generator, members, n: int, A: int) -> OneShotGame:
    """A game with one random term for each group in `members`."""
    terms = [
        RewardTerm(f"term {j}", group, rng.integers(-9, 10, size=(A,) * len(group))) for j, group in enumerate(members)
    ]
    return OneShotGame(n, A, terms)


@exercise("from terms to the team's reward", difficulty=1, minutes=5)
def check_team_reward(candidate):
    """The candidate adds the terms of random games with overlapping groups, at every joint action."""
    rng = np.random.default_rng(1)
    for members in ([(0,), (1, 2)], [(0, 1, 2), (0,), (2, 3)], [(2, 0), (3, 1, 0), (1,), (3,)]):
        game = declared_game(rng, members, n=4, A=3)
        for action in np.ndindex((3,) * 4):
            paid = [t.table[tuple(action[i] for i in t.agents)] for t in game.reward_terms]
            got, want = as_number(candidate(game.reward_terms, action)), sum(paid)
            if np.isclose(got, want):
                continue
            if np.isclose(got, sum(p * t.level for p, t in zip(paid, game.reward_terms, strict=True))):
                raise Mistake("You pay each term once for every member. A term is paid once to the whole team.")
            if np.isclose(got, sum(p / t.level for p, t in zip(paid, game.reward_terms, strict=True))):
                raise Mistake("You divide each term by its members. Nobody shares it out: the team is paid all of it.")
            if np.isclose(got, sum(t.table[action[: t.level]] for t in game.reward_terms)):
                raise Mistake("You look up the actions of the first agents. A term asks for those of its own `agents`.")
            raise Mistake(
                f"With terms of the groups {members} at action {action} the terms pay {[float(p) for p in paid]}, "
                f"which is {want:g} together; your function returned {got:g}. Read a term's `agents` in their order."
            )
    return "The team is paid the sum, and no trace of the terms is left in it."


@exercise("what if one agent had done otherwise?", difficulty=1, minutes=5)
def check_what_if(candidate):
    """The candidate's difference changes one agent's action and has the right sign, on random payoffs."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        payoff = rng.normal(size=(3,) * 3)
        action = tuple(int(a) for a in rng.integers(3, size=3))
        agent, other = int(rng.integers(3)), int(rng.integers(3))
        changed = (*action[:agent], other, *action[agent + 1 :])
        alone = tuple(action[agent] if i == agent else other for i in range(3))
        got, want = as_number(candidate(payoff, action, agent, other)), payoff[action] - payoff[changed]
        if np.isclose(got, want):
            continue
        if np.isclose(got, -want):
            raise Mistake("The sign is turned round: what did happen comes first, then less what would have happened.")
        if np.isclose(got, payoff[changed]):
            raise Mistake("That is the reward which would have been paid. Ask for the difference of two rewards.")
        if np.isclose(got, payoff[action] - payoff[alone]):
            raise Mistake("You changed the others and kept the agent. Change one agent and hold all others still.")
        raise Mistake(
            f"At action {action}, with agent {agent} playing {other} instead, the difference is {want:.3f}; "
            f"your function returned {got:.3f}. Does it change one agent and no other?"
        )
    return "Two rewards, one of which nobody saw."


@exercise("the dividends of a game", difficulty=3, minutes=20)
def check_dividends(candidate):
    """The candidate's dict holds every group's dividend, on random payoffs and random references."""
    rng = np.random.default_rng(3)
    for n in (1, 2, 3, 4):
        payoff = rng.normal(size=(2,) * n)
        for reference in ((0,) * n, tuple(int(o) for o in rng.integers(2, size=n))):
            compare_dividends(candidate(payoff, reference), payoff, reference)
    return "Sixteen rewards in, sixteen dividends out, and each tells which group it belongs to."


def compare_dividends(got, payoff: np.ndarray, reference: tuple[int, ...]):
    """Raise the Mistake that fits a wrong answer to the exercise on dividends."""
    if not isinstance(got, dict):
        raise Mistake(f"Your function returned {kind(got)}; a dict from groups to numbers is needed.")
    n = payoff.ndim
    if missing := [group for group in groups(n) if group not in got]:
        raise Mistake(
            f"With {n} agents your dict has no key {missing[0]!r}. It needs every subset of the agents, "
            "the empty one too, as a tuple of rising numbers."
        )
    value = {group: as_number(got[group], f"At group {group} your function") for group in groups(n)}
    want = dividends_of(payoff, reference)
    if agree(value, want):
        return
    for wrong, message in misconceptions(payoff, reference):
        if agree(value, wrong):
            raise Mistake(message)
    group = next(g for g in want if not np.isclose(value[g], want[g]))
    raise Mistake(
        f"With {n} agents and reference {reference}, the dividend of group {group} is {want[group]:.3f}; "
        f"yours is {value[group]:.3f}. Work a group of one and a group of two with a pencil."
    )


def misconceptions(payoff: np.ndarray, reference):
    """Wrong answers to the exercise on dividends, each with the message that names the thought behind it."""
    every, n = groups(payoff.ndim), payoff.ndim
    reward = {group: played(payoff, reference, group) for group in every}
    inside = {g: [h for h in every if {*h} <= {*g}] for g in every}
    around = {g: [h for h in every if {*h} >= {*g}] for g in every}

    def alternate(sets):
        return {g: sum((-1) ** (len(g) - len(h)) * reward[h] for h in sets[g]) for g in every}

    yield (
        dividends_of(payoff, (0,) * n),
        f"With reference {reference} you still hold the others at action 0. Hold them at their reference.",
    )
    yield (
        {g: (-1) ** len(g) * m for g, m in alternate(inside).items()},
        "The signs of groups with an odd number of agents are turned: H = G itself must count with +1.",
    )
    yield reward, "These are rewards, not dividends: take away what the smaller groups inside G earn already."
    yield (
        {g: reward[g] - reward[()] if g else reward[g] for g in every},
        "You take away the reward at the reference only. Take away what every smaller group inside G earns already.",
    )
    yield alternate(around), "You add over the groups that contain G. Add over the groups H that are contained in G."
    yield (
        {g: sum(reward[h] for h in inside[g]) for g in every},
        "Every reward enters with a plus. The signs alternate: (-1) to the power |G| - |H|.",
    )


def played(payoff: np.ndarray, reference, group) -> float:
    """The reward when the members of `group` leave their reference and the others keep it (two actions)."""
    return float(payoff[tuple(1 - o if i in group else o for i, o in enumerate(reference))])


def dividends_of(payoff: np.ndarray, reference) -> dict[tuple[int, ...], float]:
    """Every group's dividend when all its members leave their reference (two actions)."""
    terms = anchored_terms(payoff, reference)
    return {group: played(terms, reference, group) for group in groups(payoff.ndim)}


def agree(value: dict, want: dict) -> bool:
    """True where the two dicts hold the same numbers."""
    return all(np.isclose(value[group], want[group]) for group in want)


# groups whose terms make a game, and its highest level
LEVELS = [
    ([(0,), (1,), (2,), (3,)], 1),
    ([(0, 1), (2, 3)], 2),
    ([(0, 1, 2), (0,), (3,)], 3),
    ([(0,), (1, 3), (2,)], 2),
    ([(0, 1, 2, 3)], 4),
]


@exercise("the highest level of a game", difficulty=2, minutes=10)
def check_highest_level(candidate):
    """The candidate finds the highest level of random games, some of them declared at a level too high."""
    rng = np.random.default_rng(4)
    cases = [(declared_game(rng, members, n=4, A=3).payoff(), level, members) for members, level in LEVELS]
    cases.append((np.full((2,) * 3, 7.0), 0, [()]))  # a constant
    cases.append((0.1 * np.indices((3,) * 4).sum(axis=0), 1, [(0,), (1,), (2,), (3,)]))  # rounding leaves 1e-17
    cases.append((100.0 * np.indices((2,) * 3)[0] + np.indices((2,) * 3)[1:].prod(axis=0), 2, [(0,), (1, 2)]))
    for payoff, want, members in cases:
        got, n = as_number(candidate(payoff)), payoff.ndim
        if got == want:
            continue
        told = f"On a game of {n} agents with terms of the groups {members}"
        terms = anchored_terms(payoff, (0,) * n)
        acting = np.count_nonzero(np.indices(terms.shape), axis=0)  # how many agents leave action 0
        if got == acting.flat[np.abs(terms).argmax()]:
            raise Mistake(f"{told} you return the level of the largest dividend. The highest level may be a small one.")
        if got == np.count_nonzero(terms) or got == np.count_nonzero(~np.isclose(terms, 0)):
            raise Mistake(f"{told} you count the dividends. Count the agents in the largest group that has one.")
        if got == acting[terms != 0].max(initial=0):
            raise Mistake(f"{told} rounding leaves dividends like 1e-17. Use `np.isclose`, not `== 0`.")
        if got == len({i for group in members for i in group}):
            raise Mistake(f"{told} you count the agents that matter. They may all matter, each for itself: level 1.")
        raise Mistake(f"{told} the highest level is {want}; your function returned {got:g}.")
    return "No choice of reference, and no other way to declare the terms, can lower this number."
