"""Chapter 3, k-level baselines: the checks of the lab's exercises."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_agents, as_array, as_number, demand_any_order, group_text, kind
from maca_edu.course.verdict import Mistake, exercise, random_games
from toy_envs import fridge_v0, ring_v0
from toy_envs.core import OneShotGame, RewardTerm


@exercise("all groups of an agent", difficulty=1, minutes=5)
def check_all_groups(candidate):
    """The candidate lists each of the 2^(n-1) groups that contain the agent, once, in any order."""
    for n, agent in ((4, 1), (4, 3), (5, 2), (2, 1), (1, 0)):
        got = as_groups(candidate(n, agent), n)
        told = f"With n = {n} and agent = {agent}"
        if without := [group for group in got if agent not in group]:
            raise Mistake(
                f"{told} you list the group {group_text(without[0])}, which does not contain the agent. "
                "Its baseline would depend on the agent's own action."
            )
        if len(set(got)) < len(got):
            raise Mistake(f"{told} a group is listed twice. The order of its members makes no new group.")
        want = {frozenset({agent, *others}) for k in range(n) for others in combinations(rest(n, agent), k)}
        if missing := sorted(want - set(got), key=len):
            which = "the agent alone" if len(missing[0]) == 1 else "everybody" if len(missing[0]) == n else "a group"
            raise Mistake(
                f"{told} there are {len(want)} groups and you list {len(got)}. {which.capitalize()} is missing: "
                f"{group_text(missing[0])}. Levels run from 1 to n, both included."
            )
    return "Every other agent is in or out: 2 to the power n - 1."


@exercise("the baseline of a group", difficulty=2, minutes=10)
def check_group_baseline(candidate):
    """The candidate's array is the group baseline on random games, for groups of every level."""
    cases = [(game, ((1,), (0, 2), (3, 1), (2, 0, 3), (0, 1, 2, 3))) for game in random_games(3, n=4, A=2, seed=3)]
    cases += [(game, ((2,), (1, 0))) for game in random_games(2, n=3, A=3, seed=3)]
    for (q, policy), groups in cases:
        for group in groups:
            want = exact.baseline(q, policy, group)
            demand_any_order(lambda members: candidate(q, policy, members), group, want)  # noqa: B023  (called at once)
            result = candidate(q, policy, group)
            once = want[tuple(0 if i in group else slice(None) for i in range(q.ndim))]
            if np.size(result) == once.size and np.allclose(np.squeeze(as_array(result, np.shape(result))), once):
                raise Mistake(
                    f"The numbers are right, but each stands there once: the shape is {np.shape(result)}. Repeat them "
                    f"along the axes of the group, to q's shape {q.shape} (`keepdims` and `np.broadcast_to`)."
                )
            got = as_array(result, q.shape)
            if not np.allclose(got, want):
                explain_baseline(got, want, q, policy, group)
    return "One array, constant along the axes of its group."


def explain_baseline(got: np.ndarray, want: np.ndarray, q, policy, group):
    """Raise the Mistake that fits a wrong answer to the exercise on group baselines."""
    others = [i for i in range(q.ndim) if i not in group]
    uniform = np.full_like(policy, 1 / policy.shape[1])
    first_rows = policy.copy()
    first_rows[list(group)] = policy[: len(group)]
    wrong = {
        "You average out the agents outside the group and keep the group's actions. It is the other way round.": (
            exact.baseline(q, policy, others)
        ),
        "You average out everybody: that is the value V. Agents outside the group keep the actions they played.": (
            exact.baseline(q, policy, range(q.ndim))
        ),
        "You average out one agent only. Every member of the group acts again.": exact.baseline(q, policy, group[:1]),
        "You give every action the same weight. Weigh actions by the policy.": exact.baseline(q, uniform, group),
        "You use the first rows of `policy`. Agent i acts by `policy[i]`, wherever i stands in the group.": (
            exact.baseline(q, first_rows, group)
        ),
        "That is the advantage Q - b. Return b, the average itself.": q - want,
    }
    for message, table in wrong.items():
        if np.allclose(got, table):
            raise Mistake(message)
    action = tuple(int(a) for a in np.argwhere(~np.isclose(got, want))[0])
    raise Mistake(
        f"In a random game, with group {group} and joint action {action}, the baseline is {want[action]:.3f}; yours is "
        f"{got[action]:.3f}. Remember that after an average without `keepdims` the axes of later agents move up by one."
    )


@exercise("the true CorrSet", difficulty=1, minutes=5)
def check_true_corrset(candidate):
    """The candidate finds the agents who share a term with the agent, in a chain of terms, Fridge and Ring."""
    chain = declared(6, [(3,), (1, 0), (1, 2), (2, 3), (5, 4)])
    loners = declared(4, [(2, 1)])  # agents 0 and 3 belong to no term
    for game in (chain, fridge_v0.game(), ring_v0.game(n_agents=7, span=3), loners):
        for agent in range(game.n_agents):
            got = as_agents(candidate(game, agent))
            met = [set(term.agents) for term in game.reward_terms if agent in term.agents]
            want = {agent}.union(*met)
            if got == want:
                continue
            told = (
                f"In {game.name} you give agent {agent} the set {group_text(got)}; "
                f"the true CorrSet is {group_text(want)}."
            )
            if got == want - {agent}:
                raise Mistake(f"{told} The agent itself always belongs to it: a baseline must average over oneself.")
            if got == {agent}.union(*(set(term.agents) for term in game.reward_terms)):
                raise Mistake(f"{told} You join the members of all terms. Ask first whether the agent is a member.")
            if got == reachable(game, agent):
                raise Mistake(f"{told} You add the partners of partners as well. One shared term, not a chain of them.")
            if got in met:
                raise Mistake(f"{told} You stop at one term. An agent may belong to several; join them all.")
            raise Mistake(told)
    return "In a game of ours the partners can be read off. Learning them is the subject of chapter 11."


@exercise("what a coalition is worth", difficulty=2, minutes=10)
def check_worth(candidate):
    """The candidate's number is E[Q | the coalition plays its part], on random games and for every coalition."""
    games = (*random_games(3, n=3, A=3, seed=4), *random_games(1, n=4, A=2, seed=4))
    for (q, policy), action in zip(games, [(2, 0, 1)] * 3 + [(1, 0, 0, 1)], strict=True):
        n = q.ndim
        for size in (1, 2, 0, *range(3, n + 1)):
            for coalition in combinations(range(n), size):
                others = [i for i in range(n) if i not in coalition]
                want = exact.baseline(q, policy, others)[action]
                got = as_number(candidate(q, policy, action, coalition))
                if np.isclose(got, want):
                    continue
                told = f"With coalition {coalition} of agents {', '.join(map(str, range(n)))}"
                if np.isclose(got, exact.baseline(q, policy, coalition)[action]):
                    raise Mistake(f"{told} you let the coalition act again. Its members play their part of `action`.")
                if np.isclose(got, q[tuple(a if i in coalition else 0 for i, a in enumerate(action))]):
                    raise Mistake(f"{told} you set the others to action 0. They have not joined: they follow `policy`.")
                if np.isclose(got, want - exact.value(q, policy)):
                    raise Mistake(f"{told} you take V away. Here the coalition of nobody is worth V, not 0.")
                if np.isclose(got, q[action]):
                    raise Mistake(f"{told} you return Q. Only the coalition plays its part; average over the others.")
                raise Mistake(f"{told} the worth at action {action} is {want:.3f}; your function returned {got:.3f}.")
    return "A coalition's worth is the group baseline of everybody else."


@exercise("Shapley values of three agents", difficulty=3, minutes=15)
def check_shapley_three(candidate):
    """The candidate's three numbers are the Shapley values of random coalition worths."""
    rng = np.random.default_rng(5)
    coalitions = [c for k in range(4) for c in combinations(range(3), k)]
    for _ in range(5):
        w = {coalition: float(rng.normal()) for coalition in coalitions}
        got, want = as_array(candidate(dict(w)), (3,)), shapley(w)
        if np.allclose(got, want):
            continue
        everybody, nobody = w[0, 1, 2], w[()]
        last = [everybody - w[tuple(rest(3, i))] for i in range(3)]
        first = [w[i,] - nobody for i in range(3)]
        in_turn = [w[0,] - nobody, w[0, 1] - w[0,], everybody - w[0, 1]]
        plain = [np.mean([w[tuple(sorted((*c, i)))] - w[c] for c in coalitions if i not in c]) for i in range(3)]
        for wrong, message in (
            (last, "You pay each agent as if it joined last. Average over all places in the queue."),
            (first, "You pay each agent as if it joined first. Average over all places in the queue."),
            (in_turn, "You use one order of joining. There are six; average over them."),
            (
                plain,
                "You weigh all coalitions alike. Whoever joins first or last does so in 2 of 6 orders, so those "
                "coalitions count 1/3 and those in between 1/6.",
            ),
            (6 * want, "You add over the six orders. Divide by their number."),
            (np.full(3, (everybody - nobody) / 3), "You share equally. Pay an agent for what it adds on joining."),
        ):
            if np.allclose(got, wrong):
                raise Mistake(message)
        if not np.isclose(got.sum(), everybody - nobody):
            raise Mistake(
                f"Your values sum to {got.sum():.3f}. In every order the payments add up to w(all) - w(nobody), "
                f"here {everybody - nobody:.3f}, and so must their averages."
            )
        raise Mistake(f"With worths {rounded(w)} the values are {want.round(2)}; yours are {got.round(2)}.")
    return "They divide exactly what there is to divide: Q - V."


def as_groups(result, n: int) -> list[frozenset[int]]:
    """The result as a list of sets of agents, or a Mistake that says what came instead."""
    try:
        groups = [tuple(group) for group in result]
    except TypeError:
        raise Mistake(f"Your function returned {kind(result)}; a list of groups such as (0, 2) is needed.") from None
    sets = [as_agents(group) for group in groups]
    for group, members in zip(groups, sets, strict=True):
        if len(members) < len(group):
            raise Mistake(f"The group {group} names an agent twice. A group is a set.")
        if not members <= set(range(n)):
            raise Mistake(f"The group {group} names an agent that does not exist; with n = {n} they are 0 to {n - 1}.")
    return sets


def rest(n: int, agent: int) -> list[int]:
    """All agents but one."""
    return [i for i in range(n) if i != agent]


def declared(n: int, groups) -> OneShotGame:
    """A game of two actions with one term for each group, which pays 1 when all its members play action 1."""
    terms = [
        RewardTerm(f"term_{k}", group, np.indices((2,) * len(group)).prod(axis=0)) for k, group in enumerate(groups)
    ]
    return OneShotGame(n, 2, terms, name=f"a game with terms of the groups {groups}")


def reachable(game: OneShotGame, agent: int) -> set[int]:
    """The agents joined to this one by a chain of shared terms."""
    found = {agent}
    for _ in range(game.n_agents):
        found = found.union(*(set(term.agents) for term in game.reward_terms if found & set(term.agents)))
    return found


def shapley(w: dict[tuple[int, ...], float]) -> np.ndarray:
    """Shapley values of three agents: marginal contributions averaged over the six orders, `[3]`."""
    values = np.zeros(3)
    for order in permutations(range(3)):
        for place, i in enumerate(order):
            values[i] += (w[tuple(sorted(order[: place + 1]))] - w[tuple(sorted(order[:place]))]) / 6
    return values


def rounded(w: dict) -> dict:
    """The worths with two decimals, for a message."""
    return {coalition: round(value, 2) for coalition, value in w.items()}
