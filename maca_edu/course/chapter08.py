"""Chapter 8, factoring the value: the checks of the lab's exercises."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_array, as_number, as_truth
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise, random_games


@exercise("the best sum", difficulty=1, minutes=10)
def check_best_sum(candidate):
    """The candidate's table is the sum of single agents' functions that is nearest to q under the policy."""
    for n, A, seed in ((3, 3, 1), (2, 3, 2), (4, 2, 3)):
        for q, policy in random_games(count=2, n=n, A=A, seed=seed):
            got, want = as_array(candidate(q, policy), q.shape), best_sum(q, policy)
            if not np.allclose(got, want):
                explain_best_sum(got, want, q, policy)
    return "Levels 0 and 1 of the spectrum, and nothing else."


def best_sum(q: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """The best sum under the policy: levels 0 and 1."""
    return sum(part for group, part in exact.credit_spectrum(q, policy).items() if len(group) < 2)


def explain_best_sum(got, want, q, policy):
    """Raise the Mistake that fits a wrong best sum."""
    value, n = exact.value(q, policy), q.ndim
    uniform = np.full_like(policy, 1 / policy.shape[1])
    pairs = sum(part for group, part in exact.credit_spectrum(q, policy).items() if len(group) < 3)
    wrong = {
        "The mean V is missing: your table is right but for a constant. Level 0 belongs to the sum, too.": want - value,
        f"V is in each of the {n} means E[Q | a_i], so you count it {n} times. Take it off all but once.": (
            want + (n - 1) * value
        ),
        "You weigh all joint actions alike. The fit is to what the team plays: use the policy.": best_sum(q, uniform),
        "You kept the pairs. A function of two agents' actions is not a sum of functions of one.": pairs,
        "That is what the sum misses. Return the sum itself.": q - want,
    }
    for message, table in wrong.items():
        if np.allclose(got, table):
            raise Mistake(message)
    rest = exact.credit_spectrum(got, policy)
    high = max((abs(part).max() for group, part in rest.items() if len(group) > 1), default=0.0)
    if high > 1e-9:
        raise Mistake(
            "Your table is no sum: it has components of two or more agents. Keep V and the single agents' parts."
        )
    missed, least = (exact.value((q - table) ** 2, policy) for table in (got, want))
    raise Mistake(
        "Your table is a sum, but not the nearest one. In the mean square the best misses by "
        f"{told_apart(missed, least)}."
    )


@exercise("does anybody change their mind?", difficulty=2, minutes=10)
def check_is_monotone(candidate):
    """The candidate says whether two agents' table can be written as a monotone mix of utilities."""
    rng = np.random.default_rng(8)
    ordered = np.add.outer([0.0, 1.0, 4.0], [0.0, 2.0, 3.0]) ** 2  # rises along rows and columns, and is no sum
    shuffled = ordered[np.ix_([2, 0, 1], [1, 2, 0])]
    ties = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    only_a = np.array([[0.0, 5.0, 9.0], [1.0, 2.0, 3.0], [2.0, 6.0, 9.5]])  # rows 0 and 1 cross, columns do not
    peak = np.array([[0.0, 3.0, 3.5], [5.0, 6.0, 7.0], [1.0, 2.0, 4.0]])  # row 1 is above the others, which cross
    yes = [
        (ordered, "It rises along every row and column, so it is one. You ask for too much: a mix need not be a sum."),
        (
            shuffled,
            "It is the last table with its actions in another order. Numbers of actions have no order; look for one.",
        ),
        (ties, "It is one. Two actions that never differ, or differ only at times, break no order: equal is allowed."),
        (np.zeros((3, 3)), "A constant table is one: nobody prefers anything."),
    ]
    no = [
        (only_a, "Agent 0 prefers one of two actions here and the other there."),
        (only_a.T, "Agent 1 prefers one of two actions here and the other there. Look at the columns, too."),
        (peak, "Neighbouring rows do not cross, but two others do. Compare every two actions."),
        (np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]]), "Climb's agents change their minds."),
        (np.eye(2), "In this table of two actions whoever copies the other earns 1, so each changes its mind."),
    ]
    for tables, want in ((yes, True), (no, False)):
        for table, message in tables:
            if as_truth(candidate(table)) != want:
                raise Mistake(f"You say {not want} of {table.tolist()}. {message}")
    for table in random_tables(rng):
        want = is_monotone(table)
        if as_truth(candidate(table)) != want:
            raise Mistake(f"You say {not want} of {table.tolist()}; it is {want}.")
    return "Nobody may change their mind: that is all that monotony asks."


def random_tables(rng: np.random.Generator):
    """Small tables of several shapes, the first three of each shape monotone but for one entry, or wholly."""
    for shape in ((3, 3), (2, 4), (4, 2), (3, 5), (1, 3)):
        for k in range(8):
            if k < 3:
                table = np.add.outer(rng.permutation(shape[0]), rng.permutation(shape[1])).astype(float)
                table.flat[-1] += 5 * k  # the last action of each agent, which may change the other's mind
            else:
                table = rng.integers(0, 4, size=shape).astype(float)
            yield table


def differences(q: np.ndarray):
    """For each agent and each two of its actions the differences of what they earn, over the other agent's actions."""
    for table in (q, q.T):
        for c, d in combinations(range(len(table)), 2):
            yield table[c] - table[d]


def is_monotone(q: np.ndarray) -> bool:
    """True where no agent's preference between two actions changes its sign."""
    return all((x >= 0).all() or (x <= 0).all() for x in differences(q))


@exercise("the price of a changed mind", difficulty=2, minutes=10)
def check_price(candidate):
    """The candidate's number is the largest bound min(x, y) / 2 over agents and pairs of actions."""
    rng = np.random.default_rng(3)
    monotone = np.add.outer([2.0, 0.0, 1.0], [0.0, 3.0, 1.0])
    last_two = np.zeros((4, 5))
    last_two[:2, :2], last_two[-2:, -2:] = np.eye(2) / 2, np.eye(2)  # the last two actions of each agent cross most
    for q in (*rng.normal(size=(4, 3, 3)), rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), monotone, last_two):
        got, want = as_number(candidate(q)), price(q)
        if np.isclose(got, want):
            continue
        if np.isclose(want, 0):
            raise Mistake(f"Here nobody changes their mind: the price is {told_apart(got, 0)}. Cut x and y at 0.")
        both = [(max(x.max(), 0), max(-x.min(), 0)) for x in differences(q)]
        rows_only = max(min(x, y) / 2 for x, y in both[: len(q) * (len(q) - 1) // 2])
        wrong = {
            "You forgot the half: a fit in the middle of the gap misses each of its ends by half of it.": 2 * want,
            "You look at one agent. Both may change their minds, and the larger price counts.": rows_only,
            "You take the larger of x and y. The order can be chosen, and the fit chooses the cheaper one.": (
                max(max(x, y) / 2 for x, y in both)
            ),
            "You add the two up. The order can be chosen, and only one of the two gaps has to be closed.": (
                max((x + y) / 2 for x, y in both)
            ),
            "You take the cheapest pair of actions. Every pair is a bound of its own, so the largest counts.": (
                min(min(x, y) / 2 for x, y in both)
            ),
        }
        for message, number in wrong.items():
            if np.isclose(got, number):
                raise Mistake(message)
        raise Mistake(f"For {q.round(2).tolist()} the price is {told_apart(got, want)}.")
    return "A bound for every monotone mix, whatever its network."


def price(q: np.ndarray) -> float:
    """The largest min(x, y) / 2 over agents and pairs of actions."""
    return max(min(max(x.max(), 0.0), max(-x.min(), 0.0)) / 2 for x in differences(q))


@exercise("the gradient of a sum fitted yesterday", difficulty=2, minutes=10)
def check_stale_gradient(candidate):
    """The candidate's array is the mean gradient of PPO-Sum whose sum was fitted under other policies."""
    for n, A, seed in ((3, 3, 5), (2, 4, 6)):
        for (q, policy), (_, fitted) in zip(
            random_games(count=2, n=n, A=A, seed=seed), random_games(count=2, n=n, A=A, seed=seed + 50), strict=True
        ):
            for agent in range(n):
                got = as_array(candidate(q, fitted, policy, agent), (A,))
                want = mean_gradient(signal(q, fitted, agent), policy[agent])
                if not np.allclose(got, want):
                    explain_stale_gradient(
                        got, want, signal(q, fitted, agent), signal(q, policy, agent), fitted[agent], policy[agent]
                    )
    return "Every agent climbs, but with the partners of yesterday."


def signal(q: np.ndarray, policy: np.ndarray, agent: int) -> np.ndarray:
    """E[Q | a_i = c] for each action c of the agent, `[A]`."""
    others = [j for j in range(q.ndim) if j != agent]
    return np.moveaxis(exact.baseline(q, policy, others), agent, 0).reshape(len(policy[agent]), -1)[:, 0]


def mean_gradient(utility: np.ndarray, pi: np.ndarray) -> np.ndarray:
    """E[(utility - its mean) * score], `[A]`, for softmax logits."""
    return pi * (utility - pi @ utility)


def explain_stale_gradient(got, want, old, new, pi_old, pi_new):
    """Raise the Mistake that fits a wrong gradient; old and new: the agent's signals under both teams' policies."""
    wrong = {
        "That is the true gradient. The utilities were fitted to partners who followed `fitted`.": (
            mean_gradient(new, pi_new)
        ),
        "The gradient is of the agent that acts now: weigh its actions by `policy`, not by `fitted`.": (
            mean_gradient(old, pi_old)
        ),
        "The mean that PPO-Sum subtracts is under the policy that acts now, not under `fitted`.": (
            pi_new * (old - pi_old @ old)
        ),
        "That is the advantage of each action. In the gradient each counts as often as it is played.": (
            old - pi_new @ old
        ),
        "Subtract the agent's own mean: the entries of a gradient with respect to logits add up to zero.": pi_new * old,
        "The sign is wrong: the gradient points to what is better.": -want,
    }
    for message, numbers in wrong.items():
        if np.allclose(got, numbers):
            raise Mistake(message)
    c = worst_place(got, want)
    raise Mistake(f"In a random game entry {c[0]} of the gradient is {told_apart(got[c], want[c])}.")


@exercise("a game that misleads greed", difficulty=2, minutes=10)
def check_misled(candidate):
    """In the candidate's game the greedy joint action of the best sum, policies uniform, is the worst of all nine."""
    q = as_array(candidate, (3, 3), "Your payoff table")
    fit = best_sum(q, np.full((2, 3), 1 / 3))
    first, second = np.unravel_index(fit.argmax(), fit.shape)
    if np.isclose(np.sort(fit.ravel())[-2], fit.max()):
        raise Mistake(
            "The best sum has two greedy joint actions of equal value. Make one of them clearly the greatest."
        )
    if (q < q[first, second]).any():
        raise Mistake(
            f"The best sum's greedy joint action, ({first}, {second}), pays {q[first, second]:g}; the worst "
            f"pays {q.min():g}. The sum sees the means of rows and columns only: what may stand where two good "
            "ones meet?"
        )
    if (q == q.min()).sum() > 1:
        raise Mistake("The greedy joint action pays least, but another pays as little. Make it the only one.")
    return f"Greed plays ({first}, {second}) and earns {q[first, second]:g}; {q.max():g} was to be had."
