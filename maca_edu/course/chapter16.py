"""Chapter 16, StarCraft without StarCraft: the checks of the lab's exercises."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from maca_edu.course.answers import as_array, as_number, group_text
from maca_edu.course.unequal import told_apart
from maca_edu.course.verdict import Mistake, exercise


@exercise("the partners of a step", difficulty=1, minutes=5, without="maca_edu")
def check_partners(candidate):
    """The candidate's mask joins the members of a term, on random terms, with terms that nobody is a member of."""
    rng = np.random.default_rng(31)
    for n, K in ((4, 3), (5, 6), (3, 2), (6, 4)):
        members = rng.random((K, n)) < 0.35
        members[0], members[1, :2], members[:, -1] = False, True, False  # no member; a pair; an agent without a term
        members[-1, : n - 1] = members[-1, : n - 1] | (np.arange(n - 1) < 1)
        members = members[:, rng.permutation(n)]
        got, want = as_array(candidate(members), (n, n)), partners_of(members)
        if not np.array_equal(got, want):
            explain_partners(got, want, members)
    return "Somebody who hits alone, or hits nothing, is alone with itself."


def partners_of(members) -> np.ndarray:
    """Who is a member of a term together with whom, by asking for every pair; the diagonal is true."""
    n = members.shape[1]
    return np.array([[i == j or any(term[i] and term[j] for term in members) for j in range(n)] for i in range(n)])


def explain_partners(got, want, members):
    """Raise the Mistake that fits a wrong answer to the exercise on partners."""
    n, whole = members.shape[1], members.astype(int)
    together = whole.T @ whole
    busy = members.any(axis=0)
    wrong = {
        "An agent without a term is missing on the diagonal. Everybody is with oneself, also somebody who hits "
        "nothing.": together > 0,
        "You count terms. Return True or False: one term in common is enough.": together,
        "You join everybody who is a member of some term. Two agents are partners in the same term only.": (
            busy[:, None] & busy
        )
        | np.eye(n, dtype=bool),
        "You ask for all terms in common. One is enough.": np.array(
            [[i == j or bool(np.array_equal(members[:, i], members[:, j])) for j in range(n)] for i in range(n)]
        ),
        "You leave out the diagonal. Everybody is with oneself.": want & ~np.eye(n, dtype=bool),
    }
    for message, mask in wrong.items():
        if np.array_equal(got, mask):
            raise Mistake(message)
    i, j = (int(x) for x in np.argwhere(got != want)[0])
    both = [k for k, term in enumerate(members) if term[i] and term[j]]
    raise Mistake(
        f"Agents {i} and {j} are both members of the terms {both}; entry ({i}, {j}) of your answer is {got[i, j]:g}. "
        f"Return one mask of True and False, shape ({n}, {n})."
    )


@exercise("what a shot was worth", difficulty=2, minutes=10, without="maca_edu")
def check_differences(candidate):
    """The candidate's numbers are rewards with a shot less rewards without it, on random battles."""
    rng = np.random.default_rng(32)
    for m, n in ((2, 3), (3, 4), (1, 3), (2, 5)):
        hits = rng.integers(m, size=n) == np.arange(m)[:, None]  # [m, n]
        hits[0, :2] = True  # somebody has a partner, and may hit several enemies
        damage = np.where(hits, rng.uniform(1, 5, size=(m, n)), 0.0)
        damage[:, -1] = 0  # somebody does not shoot
        damage = damage[:, rng.permutation(n)]
        everything = damage.sum(axis=1)
        for share in (1.5, 0.2, 0.7):  # no overkill, single shots that are enough, overkill
            health = share * everything + (everything == 0)
            got, want = as_array(candidate(damage, health), (n,)), differences(damage, health)
            if not np.allclose(got, want):
                explain_differences(got, want, damage, health)
    return "Where the others would have killed the enemy anyway, a shot was worth nothing."


def paid(damage, health) -> float:
    """The reward of a moment in which all these shots land: what the enemies lose."""
    return float(sum(min(left, sum(row)) for row, left in zip(damage, health, strict=True)))


def differences(damage, health) -> np.ndarray:
    """Every ally's difference reward, by leaving its shots out."""
    n = damage.shape[1]
    without = [np.where(np.arange(n) == i, 0.0, damage) for i in range(n)]
    return np.array([paid(damage, health) - paid(rest, health) for rest in without])


def explain_differences(got, want, damage, health):
    """Raise the Mistake that fits a wrong answer to the exercise on difference rewards."""
    n, dealt = damage.shape[1], damage.sum(axis=1)
    lost = np.minimum(dealt, health)
    safe, hits = np.where(dealt > 0, dealt, 1.0), damage > 0
    alone = np.minimum(damage, health[:, None]).sum(axis=0)
    by_enemy = lost[:, None] - np.minimum(dealt[:, None] - damage, health[:, None])  # [m, n]
    wrong = {
        "You count one enemy for each ally. An ally may hit several here: what its shots were worth adds up.": (
            by_enemy[damage.argmax(axis=0), range(n)]
        ),
        "That is the damage that was dealt. An enemy cannot lose more health than it has left.": damage.sum(axis=0),
        "That is what each shot would have done alone. Asked is what is missing if it alone is left out: the others "
        "still shoot.": alone,
        "You share out what an enemy lost by damage. A difference reward leaves one shot out and asks what the others "
        "would have achieved.": (damage * lost[:, None] / safe[:, None]).sum(axis=0),
        "You share out what an enemy lost in equal parts. A difference reward leaves one shot out.": (
            hits * lost[:, None] / np.maximum(hits.sum(axis=1), 1)[:, None]
        ).sum(axis=0),
        "You give every ally the reward with its shot. Subtract the reward without it.": np.full(n, lost.sum()),
        "That is the reward without the shot. Subtract it from the reward with it.": lost.sum() - want,
        "The sign is wrong: the reward with the shot comes first.": -want,
        "You add up all enemies' health before you compare. Each enemy loses at most its own.": np.array(
            [min(damage.sum(), health.sum()) - min(damage.sum() - damage[:, i].sum(), health.sum()) for i in range(n)]
        ),
    }
    for message, numbers in wrong.items():
        if np.allclose(got, numbers):
            raise Mistake(message)
    i = int(np.argmax(abs(got - want)))
    raise Mistake(
        f"With damage {damage.round(2).tolist()} (a row for each enemy) and health {np.round(health, 2).tolist()}, "
        f"ally {i}'s shot was worth {told_apart(got[i], want[i])}."
    )


@exercise("the dividend of a clamped sum", difficulty=2, minutes=15, without="maca_edu")
def check_dividend(candidate):
    """The candidate's number is a dividend of min(health, damage), for random damages and all groups."""
    rng = np.random.default_rng(33)
    for n in (3, 2, 4):
        damage = rng.uniform(1, 4, size=n)
        for health in (0.6 * damage.sum(), 0.9 * damage.min(), 1.2 * damage.sum()):
            for group in groups_of(n):
                got, want = as_number(candidate(damage, health, group)), dividend(damage, health, group)
                if not np.isclose(got, want):
                    explain_dividend(got, want, damage, health, group)
    return "A shot alone never has a negative dividend, a pair never a positive one, and three of them can have either."


def groups_of(n: int) -> list[tuple[int, ...]]:
    """All groups of n agents that have a member, large ones first."""
    return [group for k in range(n, 0, -1) for group in combinations(range(n), k)]


def dividend(damage, health, group) -> float:
    """What a group earns beyond what smaller groups in it earn: from the smaller ones' dividends, one by one."""
    earned = min(health, sum(damage[i] for i in group))
    smaller = [part for k in range(1, len(group)) for part in combinations(group, k)]
    return float(earned - sum(dividend(damage, health, part) for part in smaller))


def explain_dividend(got, want, damage, health, group):
    """Raise the Mistake that fits a wrong answer to the exercise on dividends."""
    whole = min(health, sum(damage[i] for i in group))
    parts = [part for k in range(len(group) + 1) for part in combinations(group, k)]
    wrong = {
        "That is what the group earns. A dividend leaves out what smaller groups in it earn already.": whole,
        "You subtract single agents only. Groups in between have dividends, too.": whole
        - sum(min(health, damage[i]) for i in group),
        "Your sum has no clamp: an enemy loses at most its health.": float(sum(damage[i] for i in group))
        if len(group) == 1
        else 0.0,
        "You subtract what smaller groups *earn*. Signs alternate: members are left out, and put back where they were "
        "left out twice.": whole - sum(min(health, sum(damage[i] for i in part)) for part in parts[:-1]),
        "Signs do not alternate. A smaller group counts with the sign of the number of members that are left out.": sum(
            min(health, sum(damage[i] for i in part)) for part in parts
        ),
        "The signs are turned: the whole group counts with plus.": sum(
            (-1) ** len(part) * min(health, sum(damage[i] for i in part)) for part in parts
        ),
        "The whole sign is wrong: the whole group counts with plus.": -want,
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(
        f"With damages {damage.round(2).tolist()} and health {health:.2f}, the dividend of {group_text(group)} is "
        f"{told_apart(got, want)}."
    )


@exercise("a forked comparison", difficulty=2, minutes=10, without="maca_edu")
def check_comparison(candidate):
    """The candidate's three numbers are a paired mean and two standard errors, on random returns."""
    rng = np.random.default_rng(34)
    for R, together in ((8, 0.9), (5, 0.0), (12, -0.5)):
        chance = rng.normal(size=(2, R))
        first = 1 + chance[0]
        second = 0.5 + 2 * (together * chance[0] + np.sqrt(1 - together**2) * chance[1])
        got, want = as_array(candidate(first, second), (3,)), comparison(first, second)
        if not np.allclose(got, want):
            explain_comparison(got, want, first, second)
    return "Shared chance helps where good luck for one action is good luck for the other."


def comparison(first, second) -> np.ndarray:
    """Mean difference, its standard error where copies share their chance, and the one if they did not."""
    R = len(first)
    difference = [x - y for x, y in zip(first, second, strict=True)]
    mean = sum(difference) / R
    paired = sum((x - mean) ** 2 for x in difference) / (R - 1) / R
    apart = [sum((x - sum(row) / R) ** 2 for x in row) / (R - 1) / R for row in (first, second)]
    return np.array([mean, paired**0.5, sum(apart) ** 0.5])


def explain_comparison(got, want, first, second):
    """Raise the Mistake that fits a wrong answer to the exercise on forked comparisons."""
    R, gap = len(first), first - second
    apart = first.var(ddof=1) + second.var(ddof=1)
    if np.isclose(got[0], -want[0]):
        raise Mistake("The difference is first less second.")
    if not np.isclose(got[0], want[0]):
        raise Mistake(f"The mean difference is {told_apart(got[0], want[0])}.")
    if np.allclose(got[1:], want[:0:-1]):
        raise Mistake("The two errors are swapped: the one with shared chance comes first.")
    messages = {
        "You divide squares by R. The mean is estimated from the same copies: divide by R - 1 (`ddof=1`).": (
            gap.std() / R**0.5,
            ((first.var() + second.var()) / R) ** 0.5,
        ),
        "That is how far single copies scatter. A mean of R copies scatters less, by the root of R.": (
            gap.std(ddof=1),
            apart**0.5,
        ),
        "That is a variance. A standard error is its root.": (gap.var(ddof=1) / R, apart / R),
        "You divide by R. The variance of a mean is the R-th part, the error the root of that.": (
            gap.std(ddof=1) / R,
            apart**0.5 / R,
        ),
    }
    for message, numbers in messages.items():
        if np.allclose(got[1:], numbers):
            raise Mistake(message)
    if np.isclose(got[1], want[2]):
        raise Mistake("Your first error treats the copies as independent. Take the difference copy by copy first.")
    if not np.isclose(got[1], want[1]):
        raise Mistake(f"The error with shared chance is {told_apart(got[1], want[1])}.")
    if np.isclose(got[2], (first.std(ddof=1) + second.std(ddof=1)) / R**0.5):
        raise Mistake("Errors of independent means do not add up. Their squares do.")
    if np.isclose(got[2], abs(first.var(ddof=1) - second.var(ddof=1)) ** 0.5 / R**0.5):
        raise Mistake("You subtract the variances. A difference is as noisy as a sum: they add up.")
    raise Mistake(f"The error without shared chance is {told_apart(got[2], want[2])}.")
