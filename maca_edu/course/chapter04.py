"""Chapter 4, the credit spectrum: the checks of the lab's exercises."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_array, as_number, as_truth, demand_any_order, group_text
from maca_edu.course.verdict import Mistake, exercise, random_games

KEEPS_OTHERS = (
    "still depends on the actions of agents outside H: it holds every component that contains H. In E[Q | a_G] "
    "everybody outside G is averaged out."
)


@exercise("one component of the reward", difficulty=2, minutes=10)
def check_component(candidate):
    """The candidate's array is the component of the group, on random games, for groups of every size."""
    cases = [(game, ((0, 2), (1,), (2, 1), (0, 1, 2), ())) for game in random_games(2, n=3, A=3, seed=6)]
    cases += [(game, ((3, 0), (2,))) for game in random_games(1, n=4, A=2, seed=6)]
    for (q, policy), groups in cases:
        for H in groups:
            want = exact.credit_spectrum(q, policy)[tuple(sorted(H))]
            demand_any_order(lambda group: candidate(q, policy, group), H, want)  # noqa: B023  (called at once)
            result = candidate(q, policy, H)
            once = want[tuple(slice(None) if i in H else 0 for i in range(q.ndim))]
            if np.shape(result) != q.shape and np.size(result) == once.size and np.allclose(np.squeeze(result), once):
                raise Mistake(
                    f"The numbers are right, but each stands there once: the shape is {np.shape(result)}. Repeat them "
                    f"along the axes of the agents outside H, to q's shape {q.shape}."
                )
            got = as_array(result, q.shape)
            if not np.allclose(got, want):
                explain_component(got, q, policy, H, want)
    return "The definition, or a product of averages and differences: both give the same function."


def explain_component(got: np.ndarray, q, policy, H, want: np.ndarray):
    """Raise the Mistake that fits a wrong answer to the exercise on one component."""
    others = [i for i in range(q.ndim) if i not in H]
    uniform = np.full_like(policy, 1 / policy.shape[1])
    subsets = [G for k in range(len(H) + 1) for G in combinations(H, k)]
    given = {G: exact.baseline(q, policy, [i for i in range(q.ndim) if i not in G]) for G in subsets}
    for wrong, message in (
        (given[tuple(H)], "is still the mean of Q given the members' actions. Take away what smaller groups say."),
        *((sign * differences_only(q, policy, H), KEEPS_OTHERS) for sign in (1, -1)),
        (exact.baseline(q, policy, H), "averages out the members of H. Average out the others."),
        (exact.advantage(q, policy, H), "is the advantage of H. It keeps every component that meets H, not H's alone."),
        (sum(given.values()), "adds the conditional means without alternating signs."),
        (
            sum((-1) ** len(G) * given[G] for G in subsets),
            "has the wrong sign: the sign is minus one to the power |H| - |G|, so the largest group counts plus.",
        ),
        (exact.credit_spectrum(q, policy)[tuple(others)], "is the component of the agents outside H."),
        (given[tuple(H)] - given[()], "takes V away, but not the groups between nobody and H."),
        (
            exact.credit_spectrum(q, uniform)[tuple(sorted(H))],
            "gives every action the same weight. Weigh actions by the policy.",
        ),
    ):
        if np.allclose(got, wrong):
            raise Mistake(f"For H = {group_text(H)} your array {message}")
    action = tuple(int(a) for a in np.argwhere(~np.isclose(got, want))[0])
    if len(H) and not all(np.allclose(exact.baseline(got, policy, (i,)), 0) for i in H):
        raise Mistake(
            f"For H = {group_text(H)} your array does not average to zero over each member of H. A component must: at "
            f"joint action {action} it is {want[action]:.3f}, and yours is {got[action]:.3f}."
        )
    raise Mistake(
        f"In a random game, for H = {group_text(H)} and joint action {action}, the component is {want[action]:.3f}; "
        f"yours is {got[action]:.3f}. It must not depend on the agents {group_text(others)}."
    )


def differences_only(q, policy, H) -> np.ndarray:
    """Q less its average over each member of H, one after the other; the others' actions are kept."""
    for i in H:
        q = q - exact.baseline(q, policy, (i,))
    return q


@exercise("how the levels share the variance", difficulty=2, minutes=10)
def check_level_shares(candidate):
    """The candidate's shares are those of the exact spectrum, on random games of three and four agents."""
    for n, A in ((3, 3), (4, 2)):
        for q, policy in random_games(count=2, n=n, A=A, seed=7):
            want = exact.level_shares(q, policy)
            result = candidate(q, policy)
            if np.shape(result) == (n + 1,):
                raise Mistake(
                    f"Your function returned {n + 1} shares for {n} agents. Levels run from 1 to n; the empty group's "
                    "component is V, which does not vary and belongs to no level."
                )
            got = as_array(result, (n,))
            if not np.allclose(got, want):
                explain_shares(got, want, q, policy)
    return "Components are orthogonal, so each level's variances simply add up."


def explain_shares(got: np.ndarray, want: np.ndarray, q, policy):
    """Raise the Mistake that fits a wrong answer to the exercise on level shares."""
    n = q.ndim
    parts = {H: f for H, f in exact.credit_spectrum(q, policy).items() if H}
    uniform = np.full_like(policy, 1 / policy.shape[1])
    by_level = {
        "plain": per_level(n, {H: (f**2).mean() for H, f in parts.items()}),
        "root": per_level(n, {H: np.sqrt(exact.value(f**2, policy)) for H, f in parts.items()}),
        "absolute": per_level(n, {H: exact.value(abs(f), policy) for H, f in parts.items()}),
    }
    total = exact.value(q**2, policy) - exact.value(q, policy) ** 2
    if np.allclose(got, want * total):
        raise Mistake("Those are the variances of the levels. Divide by their sum, so that the shares add up to 1.")
    if np.allclose(got * exact.value(q**2, policy), want * total):
        raise Mistake("You divide by E[Q^2], which contains V^2. Divide by the variance: V itself does not vary.")
    with_v = want * total
    with_v[-1] += exact.value(q, policy) ** 2
    if np.allclose(got, normalised(with_v)):
        raise Mistake("You count V^2 with the last level: an empty group has len(H) - 1 = -1. Leave it out.")
    if np.allclose(got, by_level["plain"]) or np.allclose(got, exact.level_shares(q, uniform)):
        raise Mistake("You give every joint action the same weight. Weigh them by the policy, with `exact.value`.")
    if np.allclose(got, by_level["root"]):
        raise Mistake("You add standard deviations. Variances add up, their roots do not.")
    if np.allclose(got, by_level["absolute"]):
        raise Mistake("You add mean absolute values. Variances add up: square the component before you average.")
    means = want / [comb(n, k) for k in range(1, n + 1)]
    if np.allclose(got, means) or np.allclose(got, normalised(means)):
        raise Mistake("You average over the groups of a level. Add them: a level owns what all its groups own.")
    if np.allclose(np.sort(got), np.sort(want)) or np.allclose(got[1:], want[:-1]):
        raise Mistake("Your shares stand at the wrong levels. Entry 0 is level 1, entry k - 1 is level k.")
    if not np.isclose(got.sum(), 1):
        raise Mistake(f"Your shares add up to {got.sum():.3f}. They must add up to 1: components are orthogonal.")
    raise Mistake(f"In a random game the shares are {want.round(3)}; yours are {got.round(3)}.")


def per_level(n: int, sizes: dict[tuple[int, ...], float]) -> np.ndarray:
    """Sizes by group added up by level and divided by their sum, `[n]`."""
    return normalised(np.array([sum(s for H, s in sizes.items() if len(H) == k) for k in range(1, n + 1)]))


def normalised(array: np.ndarray) -> np.ndarray:
    """The array divided by its sum."""
    return array / array.sum()


@exercise("does the advantage keep this component?", difficulty=1, minutes=5)
def check_kept(candidate):
    """The candidate's answer is "H meets G" for all pairs of groups of four agents."""
    groups = [G for k in (1, 2, 3, 4, 0) for G in combinations(range(4), k)]
    answers = {(H, G): as_truth(candidate(H, G)) for H in groups for G in groups if G}
    if all(got == (not set(H) & set(G)) for (H, G), got in answers.items()):
        raise Mistake("Those are the components that the baseline holds. The advantage Q - b keeps all the others.")
    if all(got == (set(H) <= set(G)) for (H, G), got in answers.items()):
        raise Mistake("You ask that all of H act again. One member that is averaged out deletes Q_H from b.")
    if all(got == (set(G) <= set(H)) for (H, G), got in answers.items()):
        raise Mistake("You ask that H contain all of G. One shared agent is enough.")
    if all(got == (set(H) == set(G)) for (H, G), got in answers.items()):
        raise Mistake("You keep the component of G only. The advantage keeps every component that meets G.")
    for (H, G), got in answers.items():
        want = bool(set(H) & set(G))
        if got == want:
            continue
        if not H:
            raise Mistake(
                f"You say that the advantage of G = {group_text(G)} keeps the component of nobody. That is V, a "
                "constant: every baseline contains it, and so no advantage does."
            )
        does, meet = ("keeps", "meet") if want else ("does not keep", "share no agent")
        raise Mistake(
            f"The advantage of G = {group_text(G)} {does} the component of H = {group_text(H)}: the two {meet}."
        )
    return "One shared agent is enough."


@exercise("MACA's weight on a component", difficulty=2, minutes=10)
def check_maca_weight(candidate):
    """The candidate's weights are those of the corollary, for all groups of four agents and several CorrSets."""
    cases = [(0, (0, 1), (0.2, 0.45, 0.35)), (2, (1, 2, 3), (0.1, 0.3, 0.6)), (3, (3,), (0.25, 0.35, 0.4))]
    groups = [G for k in (1, 2, 3, 4, 0) for G in combinations(range(4), k)]
    for agent, corrset, psi in cases:
        jnt, ind, cor = psi
        for H in groups:
            got = as_number(candidate(H, agent, corrset, psi))
            meets = bool(set(H) & set(corrset))
            want = 1.0 if agent in H else jnt + cor if meets else jnt if H else 0.0
            if np.isclose(got, want):
                continue
            told = f"For agent {agent} with CorrSet {group_text(corrset)} and psi {psi}, H = {group_text(H)}: "
            if not H:
                raise Mistake(f"{told}the component of nobody is V. Every baseline holds it, no advantage does: 0.")
            if agent in H:
                raise Mistake(
                    f"{told}your weight is {got:.2f}. H contains the agent, so all three advantages keep it in full, "
                    "and their weights add up to 1."
                )
            if np.isclose(got, 1 - want):
                raise Mistake(f"{told}{got:.2f} is its weight in the baseline. The advantage holds the rest.")
            if meets and np.isclose(got, cor):
                raise Mistake(f"{told}you forget the joint baseline. It averages out everybody, so it meets H too.")
            if not meets and np.isclose(got, jnt + cor):
                raise Mistake(f"{told}H does not meet the CorrSet, so the CorrSet's advantage does not keep it.")
            if np.isclose(got, ind + cor) or np.isclose(got, ind):
                raise Mistake(f"{told}you count the individual advantage, but it keeps only groups with the agent.")
            if np.isclose(got, 1.0):
                raise Mistake(f"{told}you keep it in full. Without the agent in H, some of the three delete it.")
            raise Mistake(f"{told}the weight is {want:.2f}, and yours is {got:.2f}.")
    return "With the agent: 1. Without it, psi decides."


@exercise("the signal of an agent", difficulty=2, minutes=10)
def check_signal(candidate):
    """The candidate's array is Q_{i} by action, on random games, for every agent."""
    for q, policy in (*random_games(2, n=3, A=3, seed=8), *random_games(1, n=4, A=2, seed=8)):
        n, A = policy.shape
        uniform = np.full_like(policy, 1 / A)
        for agent in range(n):
            given = conditional(q, policy, agent)
            want = given - policy[agent] @ given
            got = as_array(candidate(q, policy, agent), (A,))
            if np.allclose(got, want):
                continue
            told = f"For agent {agent}"
            mixed = uniform.copy()
            mixed[agent] = policy[agent]
            plain = conditional(q, uniform, agent)
            half = conditional(q, mixed, agent)
            for wrong, message in (
                (given, "you return the mean of Q given each action. Take V away: the signal compares with the usual."),
                (
                    policy[agent] * want,
                    "that is the gradient, pi(c) A(c). The signal is A(c) alone.",
                ),
                (
                    given - given.mean(),
                    "you compare with the plain mean over actions. The policy says what is usual.",
                ),
                (plain - plain.mean(), "you weigh all actions alike. Weigh them by the policies."),
                (
                    half - policy[agent] @ half,
                    "you weigh the others' actions alike. Weigh them by the policies.",
                ),
                (-want, "the sign is wrong: it is E[Q | a_i] less V."),
                (given - q.mean(), "you take away the plain mean of q. V weighs joint actions by the policies."),
            ):
                if np.allclose(got, wrong):
                    raise Mistake(f"{told} {message}")
            if not np.isclose(policy[agent] @ got, 0):
                raise Mistake(
                    f"{told} your numbers average to {policy[agent] @ got:.3f} under its policy. A component averages "
                    f"to 0 over each member; the signal is {want.round(3)}, and yours {got.round(3)}."
                )
            raise Mistake(f"{told} the signal is {want.round(3)}, and yours is {got.round(3)}.")
    return "One number per action, and the whole expected gradient is in them."


def conditional(q, policy, agent: int) -> np.ndarray:
    """E[Q | a_i] for each action of the agent, `[A]`."""
    others = [j for j in range(q.ndim) if j != agent]
    index = tuple(slice(None) if j == agent else 0 for j in range(q.ndim))
    return exact.baseline(q, policy, others)[index]
