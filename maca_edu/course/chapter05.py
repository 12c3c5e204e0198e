"""Chapter 5, variance and the mixture: the checks of the lab's exercises."""

from __future__ import annotations

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_array, as_number
from maca_edu.course.verdict import Mistake, exercise, random_games


def games():
    """Random games of three agents with two and with three actions, and one of four agents, each with a policy."""
    for count, n, A, seed in ((3, 3, 2, 5), (3, 3, 3, 6), (1, 4, 2, 7)):
        yield from random_games(count, n, A, seed)


@exercise("the best legal baseline", difficulty=2, minutes=10)
def check_best_baseline(candidate):
    """The candidate's array is b* on random games with two and three actions, for every agent."""
    for q, policy in games():
        for agent in range(q.ndim):
            got = as_array(candidate(q, policy, agent), q.shape)
            want = exact.minimum_variance_baseline(q, policy, agent, (agent,))
            if not np.allclose(got, want):
                explain_best_baseline(got, want, q, policy, agent)
    return "For two actions this is the average with swapped probabilities."


def explain_best_baseline(got, want, q, policy, agent):
    """Raise the Mistake that fits a wrong answer to the exercise on the best legal baseline."""
    pi = policy[agent]
    w = ((np.eye(len(pi)) - pi) ** 2).sum(axis=1)

    def mean(weights):
        changed = np.tensordot(q, weights, axes=(agent, 0))
        return np.broadcast_to(np.expand_dims(changed, agent), q.shape)

    if not np.allclose(got, got.take([0], axis=agent)):
        raise Mistake("Your baseline depends on the agent's own action, so it is not legal. Average over that action.")
    wrong = {
        "That is the individual baseline: you weigh each action by its probability alone. "
        "Weigh it by probability times squared score.": mean(pi),
        "You weigh each action by its squared score alone. An action also counts as often as it is played.": mean(
            w / w.sum()
        ),
        "You have E[Q w]. Divide by E[w], so that the weights sum to 1.": mean(pi * w),
        "You reverse the probabilities. That is right for two actions and for no other number; "
        "use the squared score.": mean(pi[::-1]),
        "You weigh by the length of the score. The variance is a mean of squares: square it.": mean(
            pi * np.sqrt(w) / (pi @ np.sqrt(w))
        ),
    }
    for message, table in wrong.items():
        if np.allclose(got, table) and not np.allclose(table, want):
            raise Mistake(message)
    action = tuple(int(a) for a in np.argwhere(~np.isclose(got, want))[0])
    raise Mistake(f"In a random game the best baseline at {action} is {want[action]:.3f}; yours is {got[action]:.3f}.")


@exercise("the price of another baseline", difficulty=1, minutes=5)
def check_price(candidate):
    """The candidate's number is the variance with a legal baseline less the least variance."""
    rng = np.random.default_rng(7)
    for q, policy in games():
        for agent in range(q.ndim):
            shape = [1 if i == agent else length for i, length in enumerate(q.shape)]
            legal = np.broadcast_to(rng.normal(size=shape), q.shape)  # gibberish that cannot see the agent
            for b in (legal, exact.baseline(q, policy, (agent,)), exact.baseline(q, policy, range(q.ndim))):
                best = exact.minimum_variance_baseline(q, policy, agent, (agent,))
                gap, w = b - best, 1 - (policy[agent] ** 2).sum()
                want = exact.gradient_moments(q, policy, agent, b)[1]
                want -= exact.gradient_moments(q, policy, agent, best)[1]
                got = as_number(candidate(q, policy, agent, b))
                if np.isclose(got, want, atol=1e-9):
                    continue
                if np.isclose(got, exact.value(gap**2, policy)):
                    raise Mistake("That is E[(b - b*)^2]. Multiply it by the mean squared score E[w].")
                if np.isclose(got, w * (gap**2).mean()):
                    raise Mistake("You take the plain mean over joint actions. Weigh each by its probability.")
                if np.isclose(got, w * exact.value(gap, policy) ** 2):
                    raise Mistake("You square the mean gap. Take the mean of the squared gaps.")
                if np.isclose(got, want + exact.gradient_moments(q, policy, agent, best)[1]):
                    raise Mistake("That is the whole variance. The price is what it lies above the least.")
                raise Mistake(f"In a random game the price is {want:.4f}; your function returned {got:.4f}.")
    return "One formula for every legal baseline there is."


@exercise("the two knobs", difficulty=2, minutes=15)
def check_knobs(candidate):
    """The candidate's pair holds the lowest points of both parabolas, before any clipping."""
    for q, policy in games():
        pairs, threes = ((1, (0, 1)), (0, (0, 2)), (2, (1, 2))), ((3, (0, 1, 3)), (1, (1, 2, 3)))
        for agent, corrset in pairs if q.ndim == 3 else pairs + threes:
            got = as_array(candidate(q, policy, agent, corrset), (2,))
            c, s, d, t = averages(q, policy, agent, corrset)
            want = np.array([c / s, d / t])
            if np.allclose(got, want):
                continue
            if np.allclose(got, want[::-1]):
                raise Mistake("Both numbers are right and stand in the wrong order: near first, then far.")
            if np.allclose(got, np.clip(want, 0, 1)):
                raise Mistake("You have clipped to 0 and 1. Return the lowest points as they are.")
            if np.allclose(got, -want):
                raise Mistake("The sign is wrong: the gap is b_Ind - b*, the individual baseline less the best.")
            if np.allclose(got, [c, d]):
                raise Mistake("You have the two products E[gap * part]. Divide each by the mean square of its part.")
            whole = averages(q, policy, agent, (agent,))  # with {i} as CorrSet the far part is all of b_Ind - V
            if np.isclose(got[1], whole[2] / whole[3]):
                raise Mistake("Your far part is b_Ind - V. It starts where the near part ends: b_Cor - V.")
            raise Mistake(
                f"In a random game the knobs are {want[0]:.3f} and {want[1]:.3f}; "
                f"your function returned {got[0]:.3f} and {got[1]:.3f}."
            )
    return "Four averages, and no search."


def averages(q, policy, agent, corrset) -> tuple[float, float, float, float]:
    """c = E[O M], s = E[M^2], d = E[O F], t = E[F^2] of the text's theorem on two knobs.

    O = b_Ind - b* is the gap to the best legal baseline, M = b_Ind - b_Cor the near part, F = b_Cor - V the far part.
    """
    individual = exact.baseline(q, policy, (agent,))
    gap = individual - exact.minimum_variance_baseline(q, policy, agent, (agent,))
    near = individual - exact.baseline(q, policy, corrset)
    far = exact.baseline(q, policy, corrset) - exact.value(q, policy)
    return tuple(exact.value(x, policy) for x in (gap * near, near**2, gap * far, far**2))


@exercise("from knobs to weights", difficulty=3, minutes=15)
def check_weights(candidate):
    """The candidate's weights are the best point of the triangle, in order Jnt, Ind, Cor."""
    rng = np.random.default_rng(8)
    cases = [(0.3, 1.0, 0.1, 1.0), (2.0, 1.0, 0.5, 1.0), (-0.5, 1.0, -0.2, 2.0), (0.1, 1.0, 1.2, 2.0)]
    cases += [(*rng.normal(size=1), rng.uniform(0.2, 2), *rng.normal(size=1), rng.uniform(0.2, 2)) for _ in range(60)]
    for c, s, d, t in cases:
        c, d = float(c), float(d)
        got, want = as_array(candidate(c, s, d, t), (3,)), best_weights(c, s, d, t)
        if np.allclose(got, want):
            continue
        told = f"For c = {c:.2f}, s = {s:.2f}, d = {d:.2f}, t = {t:.2f}"
        if not np.isclose(got.sum(), 1):
            raise Mistake(f"{told} your weights sum to {got.sum():.3f}; they must sum to 1.")
        if np.allclose(np.sort(got), np.sort(want)):
            raise Mistake(f"{told} the numbers are right and the order is not. It is Jnt, Ind, Cor.")
        if got.min() < -1e-9 and d / t > c / s:
            raise Mistake(
                f"{told} the far knob would stand above the near one, and the CorrSet's weight is negative. "
                "Turn both together: add the parabolas up."
            )
        if got.min() < -1e-9:
            raise Mistake(f"{told} a weight is negative: {got.min():.3f}. Clip the knobs to 0 and 1.")
        if d / t > c / s:
            raise Mistake(
                f"{told} the knobs want to cross, so they must stand at one common place, the lowest point of the sum "
                f"of the parabolas, clipped at the end. The weights are {listed(want)}; yours are {listed(got)}."
            )
        raise Mistake(f"{told} the weights are {listed(want)}; yours are {listed(got)}.")
    return "A quadratic programme, solved with a pencil."


def best_weights(c, s, d, t) -> np.ndarray:
    """The weights (Jnt, Ind, Cor) of least variance, from the four averages of the two knobs."""
    u, v = (c / s, d / t) if d / t <= c / s else [(c + d) / (s + t)] * 2
    u, v = np.clip([u, v], 0, 1)
    return np.array([v, 1 - u, u - v])


def listed(weights) -> str:
    """Weights as a message writes them: (0.20, 0.50, 0.30)."""
    return "(" + ", ".join(f"{weight + 0.0:.2f}" for weight in weights) + ")"


@exercise("a game for the joint baseline", difficulty=3, minutes=15)
def check_joint_game(candidate):
    """In the candidate's game the joint baseline alone is best for A, whose CorrSet is {A, B}."""
    if not isinstance(candidate, tuple | list) or len(candidate) != 2:
        raise Mistake("Give a pair: the payoff table `q` and the policy.")
    q = as_array(candidate[0], (2, 2, 2), "Your payoff table")
    policy = as_array(candidate[1], (3, 2), "Your policy")
    try:
        groups = [(0, 1, 2), (0,), (0, 1)]
        jnt, ind, cor = (exact.gradient_moments(q, policy, 0, exact.baseline(q, policy, group))[1] for group in groups)
    except ValueError as error:
        raise Mistake(f"That is no game with a policy: {error}.") from None
    if max(jnt, ind, cor) < 1e-12:
        raise Mistake("No baseline leaves any noise here, so none is better. A must waver, and its action must matter.")
    if not jnt < min(ind, cor) * (1 - 1e-9):
        raise Mistake(
            f"With Jnt the variance is {jnt:.4g}, with Ind {ind:.4g}, with Cor {cor:.4g}. Jnt must be the least. "
            "A should be decided, and what its action is worth should hang on C, whom the CorrSet overlooks."
        )
    c, s, d, t = averages(q, policy, 0, (0, 1))
    best = best_weights(c, s, d, t) if min(s, t) > 1e-12 else np.array([min(d / t, 1.0), max(1 - d / t, 0.0), 0.0])
    if best[0] < 1 - 1e-6:
        raise Mistake(
            f"Jnt beats Ind and Cor, but a mixture beats Jnt: the best weights (Jnt, Ind, Cor) are {listed(best)}. "
            "What if C's action hurts the team while A does not join in? Then b_Ind depends less on C."
        )
    return f"Jnt alone: {jnt:.4g}, against {ind:.4g} for Ind and {cor:.4g} for Cor."
