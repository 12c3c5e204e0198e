"""Chapter 11, the CorrSet: the checks of the lab's exercises."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_agents, as_array, as_number, group_text, kind
from maca_edu.course.unequal import told_apart
from maca_edu.course.verdict import Mistake, exercise, random_games

Prices = dict[tuple[int, ...], float]  # of groups without the agent, each a rising tuple


def price(q, policy, agent: int, group) -> float:
    """What keeping a group's component adds to the variance of an agent's gradient with the individual baseline."""
    individual = exact.baseline(q, policy, (agent,))
    kept = individual - exact.credit_spectrum(q, policy)[group]
    variances = (exact.gradient_moments(q, policy, agent, b)[1] for b in (kept, individual))
    return next(variances) - next(variances)


def others_of(agent: int, n: int) -> list[int]:
    """All agents but one."""
    return [j for j in range(n) if j != agent]


def groups_of(agents) -> Iterator[tuple[int, ...]]:
    """All groups of these agents that have a member, small ones first."""
    for k in range(1, len(agents) + 1):
        yield from combinations(agents, k)


@exercise("the price of a group", difficulty=2, minutes=15, without="maca_edu.course")
def check_price(candidate):
    """The candidate's number is what keeping a component costs, on random games, for all agents and groups."""
    for n, A, seed in ((3, 3, 21), (4, 2, 22)):
        for q, policy in random_games(count=2, n=n, A=A, seed=seed):
            for agent in range(n):
                for group in groups_of(others_of(agent, n)):
                    got, want = as_number(candidate(q, policy, agent, group)), price(q, policy, agent, group)
                    if not np.isclose(got, want):
                        explain_price(got, want, q, policy, agent, group)
    return "Positive for noise that is only noise. It can be negative where the group has a component with the agent."


def explain_price(got, want, q, policy, agent, group):
    """Raise the Mistake that fits a wrong answer to the exercise on prices."""
    n, parts = q.ndim, exact.credit_spectrum(q, policy)
    own, joined = parts[group], parts[tuple(sorted((*group, agent)))]
    along = [-1 if j == agent else 1 for j in range(n)]
    w = ((np.eye(policy.shape[1]) - policy[agent]) ** 2).sum(axis=1).reshape(along)
    length = exact.value(np.broadcast_to(w, q.shape), policy)
    alone, mixed = length * exact.value(own**2, policy), exact.value(w * own * joined, policy)
    uniform = np.full_like(policy, 1 / policy.shape[1])

    def weighed(scores, axis) -> float:
        """The price with these squared scores `[A]`, laid along an agent's axis."""
        along = [-1 if j == axis else 1 for j in range(n)]
        return exact.value(scores.reshape(along) * (own**2 + 2 * own * joined), policy)

    wrong = {
        "You charge the group's own noise and forget that it meets the component of the group together with the agent. "
        "Expand the square: there is a mixed term.": alone,
        "The mixed term of a square counts twice.": alone + mixed,
        "The sign of the mixed term is wrong. Keeping adds the two components, and squares the sum.": alone - 2 * mixed,
        "You leave the score out. Each term is weighed by its squared length w.": exact.value(own**2, policy)
        + 2 * exact.value(own * joined, policy),
        "You take the length of the score for w. Its square is needed.": exact.value(
            np.sqrt(w) * (own**2 + 2 * own * joined), policy
        ),
        "You give every joint action the same weight. Average under the policy.": float(
            (w * (own**2 + 2 * own * joined)).mean()
        ),
        "That is all the noise of the two components. Subtract what is there anyway: w times the square of the one "
        "with the agent.": exact.value(w * (own + joined) ** 2, policy),
        "That is the price of admitting the group as members: it pays for every group that they meet. Asked is the one "
        "component.": sum(
            price(q, policy, agent, other) for other in groups_of(others_of(agent, n)) if set(other) & set(group)
        ),
        "You use the squared scores of a uniform policy.": weighed(
            ((np.eye(policy.shape[1]) - uniform[agent]) ** 2).sum(axis=1), agent
        ),
        "Your w squares one entry of the score only, that of the action taken. The score has an entry for every "
        "action, minus its probability for those not taken; add up the squares of all.": weighed(
            (1 - policy[agent]) ** 2, agent
        ),
    }
    wrong |= {
        f"Your w varies with the action of agent {j}; it belongs on the axis of agent {agent}. NumPy lines a vector up "
        "with the last axis. Reshape w: its length on the agent's own axis, 1 on every other.": weighed(w.ravel(), j)
        for j in others_of(agent, n)
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(
        f"In a random game of {n} agents, for agent {agent} and the group {group_text(group)}, the price is "
        f"{told_apart(got, want)}."
    )


@exercise("from attention to CorrSets", difficulty=1, minutes=5, without="maca_edu")
def check_corrset(candidate):
    """The candidate's mask is the CorrSets of random attention, with entries on the threshold and agents that overlook
    themselves."""
    rng = np.random.default_rng(23)
    for n in (4, 5, 3, 7):
        attention = rng.dirichlet(np.ones(n), size=n)
        attention[0] = np.full(n, 1 / n)  # on the threshold
        attention[1] = np.eye(n)[n - 1]  # looks at somebody else only
        for sigma in (1 / n, float(attention[2, 0]), 0.0, 0.9):
            want = (attention >= sigma) | np.eye(n, dtype=bool)
            got = as_array(candidate(attention, sigma), (n, n))
            if not np.array_equal(got, want):
                explain_corrset(got, want, attention, sigma)
    return "A threshold, and everybody in their own set."


def explain_corrset(got, want, attention, sigma):
    """Raise the Mistake that fits a wrong answer to the exercise on CorrSets."""
    n, own = len(attention), np.eye(len(attention), dtype=bool)
    wrong = {
        "An agent is missing from its own CorrSet. It belongs there whatever its attention to itself is: a baseline "
        "must average over oneself.": attention >= sigma,
        "Attention equal to the threshold admits, too: at least sigma.": (attention > sigma) | own,
        "Rows and columns are swapped. Row i holds those whom agent i admits.": want.T,
        "You admit those below the threshold.": (attention < sigma) | own,
        "You compare with sigma / n. Here sigma is the threshold itself.": (attention >= sigma / n) | own,
        "You ask for both directions. Agent i admits j by its own attention to j.": (
            (np.minimum(attention, attention.T) >= sigma) | own
        ),
    }
    for message, mask in wrong.items():
        if np.array_equal(got, mask):
            raise Mistake(message)
    i, j = (int(x) for x in np.argwhere(got != want)[0])
    inside = "belongs" if want[i, j] else "does not belong"
    raise Mistake(
        f"With attention {attention[i, j]:.6g} from agent {i} to agent {j} and sigma = {sigma:.6g}, agent {j} {inside} "
        f"to the CorrSet of agent {i}. Return one mask of True and False, shape ({n}, {n})."
    )


@exercise("the ladder", difficulty=2, minutes=10, without="maca_edu")
def check_ladder(candidate):
    """The candidate lists an agent's CorrSets from the smallest sigma to the largest, with ties."""
    rng = np.random.default_rng(24)
    for n, agent in ((5, 2), (4, 0), (6, 5), (3, 1)):
        for tied in (False, True):
            row = rng.dirichlet(np.ones(n))
            extreme = row.argmin() if tied else row.argmax()
            row[[agent, extreme]] = row[[extreme, agent]]  # its own attention plays no part, and is nobody else's
            if tied:
                first, second, *_ = others_of(agent, n)
                row[second] = row[first]
            got, want = as_sets(candidate(row, agent)), ladder(row, agent)
            if got != want:
                explain_ladder(got, want, row, agent)
    return "At most n sets, each inside the one before, whatever sigma is."


def ladder(row: np.ndarray, agent: int) -> list[frozenset[int]]:
    """The different CorrSets of an agent as sigma rises from 0 to 1 and beyond the largest entry."""
    others = others_of(agent, len(row))
    heights = sorted({float(row[j]) for j in others})
    return [frozenset({agent, *(j for j in others if row[j] >= height)}) for height in [*heights, np.inf]]


def as_sets(result) -> list[frozenset[int]]:
    """The result as a list of sets of agents, or a Mistake that says what came instead."""
    if not isinstance(result, list | tuple):
        raise Mistake(f"Your function returned {kind(result)}; a list of sets such as [{{0, 1}}, {{0}}] is needed.")
    return [as_agents(members) for members in result]


def explain_ladder(got, want, row, agent):
    """Raise the Mistake that fits a wrong answer to the exercise on the ladder."""
    n, told = len(row), f"For agent {agent} with the row {row.round(3).tolist()}"
    if got == want[::-1]:
        raise Mistake("The order is reversed. Sigma rises, so the sets become smaller.")
    if any(agent not in members for members in got):
        raise Mistake(f"{told} you list a set without the agent. It stays, however large sigma is.")
    if not got or got[0] != frozenset(range(n)):
        raise Mistake(f"{told} the ladder begins with everybody: below the smallest entry all are admitted.")
    faults = []
    if len(set(got)) < len(got):
        faults.append("you list a set twice. A step belongs to another agent's entry; the agent's own changes nothing.")
    if got[-1] != frozenset({agent}):
        faults.append("the ladder ends with the agent alone: above the largest entry nobody else is admitted.")
    if faults:
        raise Mistake(f"{told} {' And '.join(faults)}")
    if set(want) < set(got):
        raise Mistake(f"{told} you let agents with equal attention go one after the other. No sigma parts them.")
    if got[1] == frozenset(range(n)) - {max(others_of(agent, n), key=lambda j: row[j])}:
        raise Mistake(
            f"{told} you let the largest entry go first. As sigma rises the smallest one falls below it first."
        )
    raise Mistake(f"{told} the sets are {texts(want)}; yours are {texts(got)}.")


def texts(sets) -> str:
    """Sets of agents as a message writes them."""
    return ", ".join(group_text(members) for members in sets)


@exercise("precision, recall and chance", difficulty=2, minutes=15, without="maca_edu")
def check_scores(candidate):
    """The candidate's three numbers are those of counting pairs, on random CorrSets and partners."""
    rng = np.random.default_rng(25)
    for n in (5, 4, 7, 6):
        corrset, partners = rng.random((n, n)) < 0.45, rng.random((n, n)) < 0.4
        partners = partners | partners.T
        for mask in (corrset, partners):
            np.fill_diagonal(mask, True)
        corrset[0, 1:], corrset[1] = False, True  # agents with very different numbers of admissions
        partners[0], partners[:, 0] = False, False  # and a loner
        partners[0, 0] = True
        order = rng.permutation(n)
        corrset, partners = (mask[np.ix_(order, order)] for mask in (corrset, partners))
        got, want = as_array(candidate(corrset, partners), (3,)), scores(corrset, partners)
        if not np.allclose(got, want):
            explain_scores(got, want, corrset, partners)
    return "Three counts of ordered pairs, and never oneself."


def scores(corrset, partners) -> tuple[float, float, float]:
    """Precision, recall and precision at chance, by counting pairs of different agents."""
    n = len(corrset)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    admitted, true = [pair for pair in pairs if corrset[pair]], [pair for pair in pairs if partners[pair]]
    hits = len(set(admitted) & set(true))
    lucky = sum(sum(partners[i, j] for j in others_of(i, n)) / (n - 1) for i, _ in admitted)
    return hits / len(admitted), hits / len(true), lucky / len(admitted)


def explain_scores(got, want, corrset, partners):
    """Raise the Mistake that fits a wrong answer to the exercise on precision and recall."""
    n, others = len(corrset), ~np.eye(len(corrset), dtype=bool)
    admitted, true = corrset & others, partners & others
    hits = (admitted & true).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_agent = np.nanmean(hits / admitted.sum(axis=1)), np.nanmean(hits / true.sum(axis=1))
    both = (corrset & partners).sum()
    if np.allclose(got[:2], (both / corrset.sum(), both / partners.sum())):
        raise Mistake("You count the agents themselves. Everybody is in their own set for free; count pairs of two.")
    if np.allclose(got[:2], (want[1], want[0])):
        raise Mistake(
            "Precision and recall are swapped. Precision is a share of those admitted, recall of the partners."
        )
    if np.allclose(got[:2], by_agent):
        raise Mistake("You average shares over the agents. Count the pairs of all agents first, then divide once.")
    if not np.allclose(got[:2], want[:2]):
        raise Mistake(
            f"With n = {n}, {admitted.sum()} pairs admitted, {true.sum()} pairs of partners and {hits.sum()} both, "
            f"precision is {told_apart(got[0], want[0])}; recall is {told_apart(got[1], want[1])}."
        )
    if np.isclose(got[2], true.sum() / (n * (n - 1))):
        raise Mistake(
            "Your chance is the share of partners among all pairs. An agent that admits many counts more often: "
            "draw as many others at random for each agent as it admits."
        )
    if np.isclose(got[2], (admitted.sum(axis=1) * true.sum(axis=1)).sum() / n / admitted.sum()):
        raise Mistake("You draw from n agents. Nobody draws oneself: there are n - 1.")
    if np.isclose(got[2], admitted.sum() / (n * (n - 1))):
        raise Mistake("That is the recall of random sets, the share that is admitted. Asked is their precision.")
    raise Mistake(f"Precision and recall are right; the precision of random sets is {told_apart(got[2], want[2])}.")


@exercise("a set drawn at random", difficulty=3, minutes=15, without="maca_edu")
def check_random_set(candidate):
    """The candidate's number is the mean price of a random set, for random prices of groups."""
    rng = np.random.default_rng(26)
    for n in (4, 3, 5, 6):
        for agent in (0, n - 1, 1):
            others = others_of(agent, n)
            prices = {group: float(rng.normal()) for group in groups_of(others)}
            for m in (*range(1, n), 0):
                got, want = as_number(candidate(dict(prices), n, m)), random_set(prices, others, m)
                if not np.isclose(got, want):
                    explain_random_set(got, want, prices, n, others, m)
    return "A group is met unless all m are drawn from the others outside it."


def random_set(prices: Prices, others, m: int) -> float:
    """The mean over all sets of m others of the prices that the set pays, by listing them."""
    sets = list(combinations(others, m))
    return sum(cost for some in sets for group, cost in prices.items() if set(group) & set(some)) / len(sets)


def explain_random_set(got, want, prices, n, others, m):
    """Raise the Mistake that fits a wrong answer to the exercise on random sets."""

    def mean(chance) -> float:
        return sum(chance(len(group)) * cost for group, cost in prices.items())

    sets = comb(n - 1, m)
    wrong = {
        "You treat a group like a single agent. A group is met as soon as one of its members is drawn, so large groups "
        "are met more often.": mean(lambda k: m / (n - 1)),
        "You draw with replacement. The m others are different agents.": mean(lambda k: 1 - (1 - m / (n - 1)) ** k),
        "You count the groups that lie inside the set. A set pays for every group that it meets.": mean(
            lambda k: comb(n - 1 - k, m - k) / sets if m >= k else 0.0
        ),
        "That is the chance to miss a group. Asked is the chance to meet it.": mean(
            lambda k: comb(n - 1 - k, m) / sets
        ),
        "You draw from n agents. The agent itself is in the set already: n - 1 are left.": mean(
            lambda k: 1 - comb(n - k, m) / comb(n, m)
        ),
        "Your set pays for all groups, as everybody together does. One of m others pays for those that it meets.": mean(
            lambda k: 1.0
        ),
        "Your set holds m agents with the agent itself. m counts the others.": random_set(
            prices, others, max(m - 1, 0)
        ),
        "You add up all sets. Divide by their number.": want * sets,
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(f"With n = {n} agents and m = {m} others drawn, the mean price is {told_apart(got, want)}.")
