"""Chapter 12, one linear head: the checks of the lab's exercises.

A head is a function of x `[n, A]`, row j agent j's action as a one-hot vector or its policy; it gives one number, Q.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_array, as_number, as_truth
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise

Head = Callable[[np.ndarray], float]


class Counted:
    """A head that counts how often it is asked, and refuses inputs of another shape."""

    def __init__(self, head: Head, n: int, A: int):
        self.head, self.shape, self.asked = head, (n, A), 0

    def __repr__(self) -> str:
        return "a head"

    def __call__(self, x) -> float:
        x = np.asarray(x, dtype=float)
        if x.shape != self.shape:
            raise ValueError(f"the head was given an array of shape {x.shape}; it reads one of shape {self.shape}")
        self.asked += 1
        return self.head(x)


def multilinear(rng: np.random.Generator, n: int, A: int, rank: int = 2) -> Head:
    """A random head constant + sum_j x_j . u_j + sum_r w_r prod_j (1 + x_j . f_jr)."""
    constant, slope = rng.normal(), rng.normal(size=(n, A))
    weight, factor = rng.normal(size=rank), rng.normal(size=(n, A, rank))

    def head(x):
        products = (1 + np.einsum("ja,jar->jr", x, factor)).prod(axis=0)
        return float(constant + (slope * x).sum() + weight @ products)

    return head


def table_of(head: Head, n: int, A: int) -> np.ndarray:
    """Q of every joint action, `(A,) * n`."""
    q = np.empty((A,) * n)
    for action in np.ndindex(q.shape):
        q[action] = head(np.eye(A)[list(action)])
    return q


def teams(seed: int) -> Iterator[tuple[Head, np.ndarray, np.ndarray]]:
    """Random heads with their tables `(A,) * n` and policies `[n, A]`; in the last team an agent never wavers."""
    rng = np.random.default_rng(seed)
    for n, A in ((3, 3), (4, 2), (2, 4), (3, 3)):
        head = multilinear(rng, n, A)
        policy = rng.dirichlet(np.ones(A), size=n)
        if n == 3:
            policy[1] = np.roll(policy[1], 1)
        yield head, table_of(head, n, A), policy
    policy = policy.copy()
    policy[0] = [0, 1, 0]
    yield head, table_of(head, n, A), policy


@exercise("a group's baseline in one pass", difficulty=1, minutes=10)
def check_group_baseline(candidate):
    """The candidate's number is the group baseline, for all joint actions, and the head was asked once."""
    for head, q, policy in teams(seed=12):
        n, A = policy.shape
        for group in ((0,), (1, 0), (n - 1,), tuple(range(n))):
            want = exact.baseline(q, policy, group)
            for action in np.ndindex(q.shape):
                counted = Counted(head, n, A)
                got = as_number(candidate(counted, action, policy, group))
                if not np.isclose(got, want[action]):
                    explain_group_baseline(got, want[action], q, action, policy, group)
                if counted.asked != 1:
                    raise Mistake(
                        f"The number is right, but you asked the head {counted.asked} times. It is linear in each "
                        "agent's action: put the policies of the group in the place of their actions and ask once."
                    )
    return "One question instead of one for each joint action of the group."


def explain_group_baseline(got, want, q, action, policy, group):
    """Raise the Mistake that fits a wrong answer to the exercise on one pass."""
    n, A = policy.shape
    others = [j for j in range(n) if j not in group]
    first_rows = policy.copy()
    first_rows[list(group)] = policy[: len(group)]
    wrong = {
        "You let the others act again and keep the group's actions. It is the other way round.": exact.baseline(
            q, policy, others
        ),
        "You put in the policies of everybody: that is V. Agents outside the group keep what they played.": (
            exact.baseline(q, policy, range(n))
        ),
        "That is Q of the action played: nobody was averaged out.": q,
        "You give every action of the group the same weight. Put in their policies.": exact.baseline(
            q, np.full_like(policy, 1 / A), group
        ),
        "You use the first rows of `policy`. Row j belongs to agent j.": exact.baseline(q, first_rows, group),
        "You average out one member only. Every member of the group acts again.": exact.baseline(q, policy, group[:1]),
    }
    for message, table in wrong.items():
        if np.isclose(got, table[action]):
            raise Mistake(message)
    raise Mistake(f"With group {group} and action {action} the baseline is {told_apart(got, want)}.")


def heads(seed: int, n: int, A: int) -> dict[str, tuple[bool, Head, str]]:
    """Heads by name: whether they may be fed averages, the head, and what to say to whoever thinks otherwise."""
    rng = np.random.default_rng(seed)
    constant, slope, bend = rng.normal(), rng.normal(size=(n, A)), rng.normal(size=(n * A, n * A))
    products = multilinear(rng, n, A)
    apart = np.kron(1 - np.eye(n), np.ones((A, A))) * bend  # no agent is multiplied by itself

    def additive(x):
        return float(constant + (slope * x).sum())

    def pairs(x):
        return additive(x) + float(x.ravel() @ apart @ x.ravel())

    def with_itself(x):
        return additive(x) + float(x.ravel() @ bend @ x.ravel())

    def bent(x):
        return float(np.tanh(additive(x)))

    def last_bent(x):
        return additive(x) + float(np.tanh(slope[-1] @ x[-1] * 2) * (1 + x[0] @ slope[0]))

    def waver_together(x):
        return additive(x) + 3 * float(np.prod([1 - row @ row for row in x]))

    def right_in_the_middle(x):
        return additive(x) + 5 * float(x[0, 0] ** 3 - (A + 1) / A * x[0, 0] ** 2)

    def far_from_zero(x):
        return 1000 + products(x)

    return {
        "sum": (
            True,
            additive,
            "You say False for a sum over agents. The mean of a sum is the sum of the means, up to rounding.",
        ),
        "products": (
            True,
            products,
            "You say False for a sum of products over agents. Agents draw independently, so the mean of a product of "
            "their factors is the product of the means. Compare up to rounding.",
        ),
        "pairs": (
            True,
            pairs,
            "You say False for products of two different agents' actions. Their draws are independent.",
        ),
        "bent": (False, bent, "You say True for the tanh of a sum. A curve bends between the joint actions."),
        "with itself": (
            False,
            with_itself,
            "You say True for a head that multiplies an agent's input by itself. At one-hot inputs it cannot be told "
            "from a linear one; at a policy the square of a mean is not the mean of a square.",
        ),
        "last bent": (False, last_bent, "You say True for a head that is not linear in the last agent's action alone."),
        "waver together": (
            False,
            waver_together,
            "You say True for a head that is right as long as one agent's action is fixed, and wrong where all are "
            "averaged out. Let several agents act again, and all of them, too.",
        ),
        "right in the middle": (
            False,
            right_in_the_middle,
            "You say True for a head whose average happens to be right at the uniform policy. Try others.",
        ),
        "far from zero": (True, far_from_zero, "You say False because of rounding. Compare relative to Q's size."),
    }


@exercise("which heads may be fed averages", difficulty=3, minutes=15)
def check_may_average(candidate):
    """The candidate tells heads that are linear in each agent's action from those that are not."""
    for n, A, seed in ((3, 3, 1), (2, 3, 2), (3, 2, 3), (4, 2, 4)):
        for right, head, message in heads(seed, n, A).values():
            if as_truth(candidate(Counted(head, n, A), n, A)) != right:
                raise Mistake(message)
    return "You need not see inside a head to know whether it may be fed averages."


@exercise("a product, expanded", difficulty=2, minutes=10)
def check_component(candidate):
    """The candidate's number is the component of a group, for all groups and joint actions of random products."""
    rng = np.random.default_rng(14)
    for n, A in ((3, 3), (2, 4), (4, 2), (3, 2)):
        factor, policy = 1 + rng.normal(size=(n, A)), rng.dirichlet(np.ones(A), size=n)
        if (n, A) == (3, 2):
            factor[1], policy[1] = [1, -1], 0.5  # a mean of 0
        q = np.ones(())
        for row in factor:
            q = np.multiply.outer(q, row)
        for group, component in reversed(exact.credit_spectrum(q, policy).items()):  # large groups first
            for action in np.ndindex(q.shape):
                got = as_number(candidate(factor, policy, action, group))
                if not np.isclose(got, component[action]):
                    explain_component(got, component[action], factor, policy, action, group)
    return "Members add their deviations, all others their means."


def explain_component(got, want, factor, policy, action, group):
    """Raise the Mistake that fits a wrong answer to the exercise on components of a product."""
    n = len(factor)
    played, mean = factor[range(n), action], (factor * policy).sum(axis=1)
    inside = np.isin(np.arange(n), group)
    wrong = {
        "You multiply the members' f. They do not average to zero: subtract each member's mean.": (played - 1)[
            inside
        ].prod(),
        "You forgot the agents outside the group: each of them contributes its mean.": (played - mean)[inside].prod(),
        "Agents outside the group contribute their mean, not what they played.": np.where(
            inside, played - mean, played
        ).prod(),
        "Members and others are swapped: a member contributes its deviation, any other agent its mean.": np.where(
            inside, mean, played - mean
        ).prod(),
        "You average with equal weights. Use the policy.": np.where(
            inside, played - factor.mean(axis=1), factor.mean(axis=1)
        ).prod(),
        "That is the mean given the group's actions. It still holds the components of smaller groups.": np.where(
            inside, played, mean
        ).prod(),
        "The sign of a deviation is wrong: it is what was played, less the mean.": np.where(
            inside, mean - played, mean
        ).prod(),
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(f"For group {group} and action {action} the component is {told_apart(got, want)}.")


@exercise("the levels of a product", difficulty=2, minutes=15)
def check_levels(candidate):
    """The candidate's n + 1 numbers are the levels of a product, also where a mean or a deviation is zero."""
    rng = np.random.default_rng(15)
    for n in (3, 1, 2, 5, 8):
        for zero in ("", "mean", "deviation"):
            mean, deviation = rng.normal(size=n), rng.normal(size=n)
            if zero:
                (mean if zero == "mean" else deviation)[n // 2] = 0.0
            try:
                got = as_array(candidate(mean, deviation), (n + 1,))
            except Mistake as mistake:
                if zero and "finite" in str(mistake):
                    raise Mistake(
                        f"Where an agent's {zero} is 0, your numbers are not finite. Do not divide by the {zero}s: "
                        "take the agents in one after the other."
                    ) from None
                raise
            want = levels_by_listing(mean, deviation)
            if not np.allclose(got, want):
                explain_levels(got, want, mean, deviation)
    return "n steps of n numbers, where listing takes 2 to the power n."


def levels_by_listing(mean, deviation) -> np.ndarray:
    """The same by adding up all 2^n groups, `[n + 1]`."""
    n = len(mean)
    levels = np.zeros(n + 1)
    for k in range(n + 1):
        for group in combinations(range(n), k):
            inside = np.isin(np.arange(n), group)
            levels[k] += np.where(inside, deviation, mean).prod()
    return levels


def explain_levels(got, want, mean, deviation):
    """Raise the Mistake that fits a wrong answer to the exercise on levels."""
    if np.allclose(got, want[::-1]):
        raise Mistake("The order is reversed: entry 0 is the product of all means, entry n that of all deviations.")
    if np.allclose(got, levels_by_listing(np.ones_like(mean), deviation)):
        raise Mistake("You left the means out. An agent that is not in the group contributes its mean.")
    if np.allclose(got, np.cumsum(want)):
        raise Mistake("You add the levels up. Entry k holds the groups of exactly k agents.")
    if np.isclose(got.sum(), want.sum()):
        raise Mistake("The sum is right, Q itself, but it is shared out wrongly among the levels.")
    k = worst_place(got, want)
    if len(mean) > 1:
        raise Mistake(
            f"With {len(mean)} agents level {k[0]} is {told_apart(got[k], want[k])}. When an agent comes in, every "
            "level k is its mean times the OLD level k plus its deviation times the OLD level k - 1. "
            "Keep the old numbers until all new ones are there."
        )
    raise Mistake(
        f"With one agent the levels are its mean and its deviation: level {k[0]} is {told_apart(got[k], want[k])}."
    )


@exercise("the best baseline for free", difficulty=2, minutes=10)
def check_best_baseline(candidate):
    """The candidate's number is the best legal baseline of the head's table, and the head was asked once."""
    for head, q, policy in teams(seed=16):
        n, A = policy.shape
        for agent in range(n):
            want = exact.minimum_variance_baseline(q, policy, agent, (agent,))
            for action in np.ndindex(q.shape):
                counted = Counted(head, n, A)
                try:
                    got = as_number(candidate(counted, action, policy, agent))
                except Mistake as mistake:
                    if policy[agent].max() == 1 and "finite" in str(mistake):
                        raise Mistake(
                            "For an agent that never wavers all weights are 0, and you divide by their sum. Its score "
                            "is 0, so any baseline will do: put in its policy."
                        ) from None
                    raise
                if not np.isclose(got, want[action]):
                    explain_best(got, want[action], q, action, policy, agent)
                if counted.asked != 1:
                    raise Mistake(
                        f"The number is right, but you asked the head {counted.asked} times. The weights sum to 1: "
                        "they can stand in the place of the agent's action. Ask once."
                    )
    return "The same question as for the individual baseline, with other weights."


def explain_best(got, want, q, action, policy, agent):
    """Raise the Mistake that fits a wrong answer to the exercise on the best baseline."""
    pi = policy[agent]
    w = ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    along = np.moveaxis(q, agent, -1)[tuple(c for j, c in enumerate(action) if j != agent)]  # [A]
    wrong = {
        "That is the individual baseline: you weigh actions by probability alone. Weigh by probability times squared "
        "score.": along @ pi,
        "You weigh actions by their squared score alone. An action also counts as often as it is played.": along
        @ (w / w.sum()),
        "You reverse the probabilities. That is right for two actions and for no other number.": along @ pi[::-1],
        "You weigh by the length of the score. Square it.": along @ (pi * w**0.5 / (pi @ w**0.5)),
    }
    for message, number in wrong.items():
        if np.isclose(got, number) and not np.isclose(number, want):
            raise Mistake(message)
    total = pi @ w
    if 0 < total < 0.999 and not np.isclose(got, want):
        everybody = [weights_of(row) for row in policy]
        if np.isclose(got, exact.baseline(q, np.array(everybody), range(len(policy)))[action]):
            raise Mistake("You put the weights in for every agent. The others keep the actions they played.")
    raise Mistake(
        f"For agent {agent} at action {action} the best baseline is {told_apart(got, want)}. Do the weights "
        "that you put in sum to 1, and do the others keep their actions?"
    )


def weights_of(pi: np.ndarray) -> np.ndarray:
    """pi(c) times the squared score of c, over the sum; pi itself where the agent never wavers, `[A]`."""
    weights = pi * ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)
    return weights / weights.sum() if weights.sum() > 0 else pi
