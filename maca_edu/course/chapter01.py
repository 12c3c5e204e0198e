"""Chapter 1, who carried the fridge: the checks of the lab's exercises."""

from __future__ import annotations

import numpy as np

from maca_edu.course.answers import as_number, kind
from maca_edu.course.dividends import all_groups, anchored_terms, dividends_by_group, entry_where_group_acts
from maca_edu.course.verdict import Mistake, exercise
from toy_envs.core import OneShotGame, RewardTerm


def declared_game(rng: np.random.Generator, members, n: int, A: int) -> OneShotGame:
    """A game with one reward term for each group in `members`, which pays random whole numbers."""
    terms = [
        RewardTerm(f"term {j}", group, rng.integers(-9, 10, size=(A,) * len(group))) for j, group in enumerate(members)
    ]
    return OneShotGame(n, A, terms)


def diagnose(got, want, misconceptions: dict, otherwise) -> None:
    """Do nothing where all answers are right; else raise a Mistake with the message that fits the answers best.

    got, want: the candidate's and the right answers, one for each case.
    misconceptions: `{message: the answers that this misconception gives in all cases}`.
    otherwise: a function from the number of the first wrong case to a message, for answers that fit none of them.
    """
    wrong = ~np.isclose(got, want)
    if not wrong.any():
        return
    for message, answers in misconceptions.items():
        if np.allclose(got, answers):
            raise Mistake(message)
    raise Mistake(otherwise(int(wrong.argmax())))


@exercise("from terms to the team's reward", difficulty=1, minutes=5)
def check_team_reward(candidate):
    """The candidate adds the terms of random games with overlapping groups, at every joint action."""
    rng = np.random.default_rng(1)
    games = [
        declared_game(rng, members, n=4, A=3)
        for members in (
            [(0,), (1, 2)],
            [(0, 1, 2), (0,), (2, 3)],
            [(2, 0), (3, 1, 0), (1,), (3,)],
            [(1, 2), (1, 2), (2, 1), (0,)],  # three terms of one pair
        )
    ]
    cases = [(game.reward_terms, action) for game in games for action in np.ndindex((3,) * 4)]
    got = [as_number(candidate(terms, action)) for terms, action in cases]

    def total(rule):  # the sum over all terms of rule(term, action), in every case
        return [sum(rule(term, action) for term in terms) for terms, action in cases]

    def otherwise(case):
        terms, action = cases[case]
        pays = ", ".join(f"{paid(term, action):g} by {term.agents}" for term in terms)
        return (
            f"At action {action} the terms pay {pays}, and your function returned {got[case]:g}. "
            "Add up all terms, and read a term's `agents` in their order."
        )

    misconceptions = {
        "You pay each term once for every member. A term is paid once, to the whole team.": total(
            lambda term, action: paid(term, action) * term.level
        ),
        "You divide each term by its members. Nobody shares it out: the team is paid all of it.": total(
            lambda term, action: paid(term, action) / term.level
        ),
        "You look up the actions of the first agents. A term asks for those of its own `agents`.": total(
            lambda term, action: term.table[action[: term.level]]
        ),
    }
    diagnose(got, total(paid), misconceptions, otherwise)
    return "The team is paid the sum, and no trace of the terms is left in it."


def paid(term: RewardTerm, action) -> float:
    """What a term pays for the joint action `[n]`."""
    return float(term.table[tuple(action[i] for i in term.agents)])


@exercise("what if one agent had done otherwise?", difficulty=1, minutes=5)
def check_what_if(candidate):
    """The candidate's difference changes one agent's action and has the right sign, on random payoffs."""
    rng = np.random.default_rng(2)
    cases = [
        (payoff, action, agent, other)
        for payoff in (rng.normal(size=(3,) * 3), rng.normal(size=(2,) * 4))
        for action in np.ndindex(payoff.shape)
        for agent in range(payoff.ndim)
        for other in range(len(payoff))
    ]
    got = [as_number(candidate(*case)) for case in cases]
    happened = np.array([payoff[action] for payoff, action, _, _ in cases])

    def instead(change, to=None):  # the reward when `change(i, agent)` says whose action becomes `to`, or else `other`
        return np.array([
            payoff[tuple((other if to is None else to) if change(i, agent) else a for i, a in enumerate(action))]
            for payoff, action, agent, other in cases
        ])  # fmt: skip

    want = happened - instead(lambda i, agent: i == agent)
    misconceptions = {
        "The sign is turned round: what did happen comes first, then less what would have happened.": -want,
        "That is the reward which would have been paid. Ask for the difference of two rewards.": happened - want,
        "You changed the others and kept the agent. Change one agent and hold all others still.": happened
        - instead(lambda i, agent: i != agent),
        "You changed every agent. Change one agent and hold all others still.": happened
        - instead(lambda i, agent: True),
        "You compared with action 0 every time. Compare with the action `other`.": happened
        - instead(lambda i, agent: i == agent, to=0),
    }

    def otherwise(case):
        _, action, agent, other = cases[case]
        return (
            f"At action {action}, with agent {agent} playing {other} instead, the difference is {want[case]:.3f}; "
            f"your function returned {got[case]:.3f}. Does it change that one agent and no other?"
        )

    diagnose(got, want, misconceptions, otherwise)
    return "Two rewards, one of which nobody saw."


@exercise("the dividends of a game", difficulty=3, minutes=20)
def check_dividends(candidate):
    """The candidate's dict holds every group's dividend, on random payoffs and random references."""
    rng = np.random.default_rng(3)
    cases, got, want, wrong = [], [], [], {}
    some = declared_game(rng, [(0, 2), (1,)], n=3, A=2).payoff()  # most of its groups have the dividend 0
    games = [(rng.normal(size=(2,) * len(o)), o) for o in ((0,), (0, 1), (0, 0, 0), (1, 0, 1, 1))]
    for payoff, reference in [*games, (some, (0, 0, 0)), (some, (0, 1, 1))]:
        n = payoff.ndim
        value = numbers(candidate(payoff, reference), n)
        cases += [(n, reference, group) for group in all_groups(n)]
        got += value
        want += dividends_by_group(payoff, reference).values()
        for message, answers in misconceptions_of(payoff, reference).items():
            wrong.setdefault(message, []).extend(answers.values())

    def otherwise(case):
        n, reference, group = cases[case]
        return (
            f"With {n} agents and reference {reference}, the dividend of group {group} is {want[case]:.3f}; "
            f"yours is {got[case]:.3f}. Work a group of one and a group of two with a pencil."
        )

    diagnose(got, want, wrong, otherwise)
    return "Sixteen rewards in, sixteen dividends out, and each tells which group it belongs to."


def numbers(answer, n: int) -> list[float]:
    """The dividends in the candidate's dict, group by group, or a Mistake that says what came instead."""
    if not isinstance(answer, dict):
        raise Mistake(f"Your function returned {kind(answer)}; a dict from groups to numbers is needed.")
    if missing := [group for group in all_groups(n) if group not in answer]:
        raise Mistake(
            f"For a game of {n} your dict has no key {missing[0]!r}. It needs every subset of the agents, "
            "the empty one too and those whose dividend is 0, as a tuple of rising numbers."
        )
    return [as_number(answer[group], f"At group {group} your function") for group in all_groups(n)]


def misconceptions_of(payoff: np.ndarray, reference) -> dict[str, dict]:
    """Wrong answers to the exercise on dividends, each under the message that names the thought behind it."""
    every = all_groups(payoff.ndim)
    reward = {group: entry_where_group_acts(payoff, reference, group) for group in every}
    inside = {g: [h for h in every if {*h} <= {*g}] for g in every}
    around = {g: [h for h in every if {*h} >= {*g}] for g in every}

    def alternate(sets):
        return {g: sum((-1) ** (len(g) - len(h)) * reward[h] for h in sets[g]) for g in every}

    return {
        "You hold the others at action 0. Hold them at their reference.": dividends_by_group(
            payoff, (0,) * payoff.ndim
        ),
        "The signs of groups with an odd number of agents are turned: H = G itself must count with +1.": {
            g: (-1) ** len(g) * m for g, m in alternate(inside).items()
        },
        "These are rewards, not dividends: take away what the smaller groups inside G earn already.": reward,
        "You take away the reward at the reference only. Take away what every smaller group inside G earns already.": {
            g: reward[g] - reward[()] if g else reward[g] for g in every
        },
        "You add over the groups that contain G. Add over the groups H that are contained in G.": alternate(around),
        "Every reward enters with a plus. The signs alternate: (-1) to the power |G| - |H|.": {
            g: sum(reward[h] for h in inside[g]) for g in every
        },
    }


def leveled_games() -> list[tuple[str, np.ndarray, int, int]]:
    """Games for the exercise on levels: what each is, its payoff, its highest level, how many agents matter."""
    rng = np.random.default_rng(4)
    cases = [
        (f"terms of the groups {members}", declared_game(rng, members, n=4, A=3).payoff(), max(map(len, members)))
        for members in (
            [(0,), (2,)],
            [(0,), (1,), (2,), (3,)],
            [(0, 1), (2, 3)],
            [(0, 1, 2), (0,), (3,)],
            [(0, 1, 2, 3)],
        )
    ]
    cases.append(("a payoff of 7 whatever happens", np.full((2,) * 3, 7.0), 0))
    cases.append(("a payoff of 0 whatever happens", np.zeros((2,) * 3), 0))  # no dividend at all
    cases.append(("0.1 for every agent that acts", 0.1 * np.indices((2,) * 4).sum(axis=0), 1))  # and rounding errors
    first, second, third = np.indices((3,) * 3)
    last = ((first == 2) & (second == 2)) * 1.0
    cases.append(("1 for agents 0 and 1 where both play action 2, and nothing else", last, 2))
    middle = ((first == 1) & (second == 1) & (third == 2)) * 0.5
    cases.append(("a half for all three where they play 1, 1 and 2", middle, 3))
    cases.append(("1 for agent 0, as long as agent 1 does nothing", np.array([[0.0, 0.0], [1.0, 0.0]]), 2))
    loud, left, right = np.indices((2,) * 3)
    cases.append(("100 for agent 0 and 1 for agents 1 and 2 together", 100.0 * loud + left * right, 2))
    return [
        (what, payoff, level, sum(np.ptp(payoff, axis=i).max() > 1e-9 for i in range(payoff.ndim)))
        for what, payoff, level in cases
    ]


@exercise("the highest level of a game", difficulty=2, minutes=10)
def check_highest_level(candidate):
    """The candidate finds the highest level, small dividends, rounding and constants included."""
    names, payoffs, want, matter = zip(*leveled_games(), strict=True)
    got = [as_number(candidate(payoff)) for payoff in payoffs]
    terms = [anchored_terms(payoff, (0,) * payoff.ndim) for payoff in payoffs]
    acting = [np.count_nonzero(np.indices(table.shape), axis=0) for table in terms]  # how many agents leave action 0

    def highest(tables, tolerance=1e-9):
        return [
            k[tuple(map(slice, table.shape))][np.abs(table) > tolerance].max(initial=0)
            for k, table in zip(acting, tables, strict=True)
        ]

    misconceptions = {
        "You return the number of agents. They may all be there, and each for itself: level 1.": [
            payoff.ndim for payoff in payoffs
        ],
        "You look at actions 0 and 1 only. A group may be paid for its other actions.": highest(
            [table[(slice(2),) * table.ndim] for table in terms]
        ),
        "You count the agents that matter. They may all matter, each for itself: level 1.": matter,
        "You look for rewards that are not zero. Look for dividends: `anchored_terms`.": highest(payoffs),
        "Rounding leaves dividends like 1e-17, and you count them. Use `np.isclose`, not `== 0`.": highest(terms, 0.0),
        "You count the dividends. Count the agents in the largest group that has one.": [
            np.count_nonzero(~np.isclose(table, 0)) for table in terms
        ],
        "You return the level of the largest dividend. The highest level may have a small one.": [
            k.flat[np.abs(table).argmax()] for k, table in zip(acting, terms, strict=True)
        ],
    }
    diagnose(
        got, want, misconceptions,
        lambda case: f"In a game with {names[case]} the highest level is {want[case]}; you returned {got[case]:g}.",
    )  # fmt: skip
    return "No choice of reference, and no other way to declare the terms, can lower this number."
