"""Chapter 13, evolving the mixture: the checks of the lab's exercises."""

from __future__ import annotations

import math

import numpy as np

from maca_edu.course.answers import as_array, as_number, name_slip
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise
from maca_edu.exact import shortest_mixture


def softmax(logits: np.ndarray) -> np.ndarray:
    """The weights that belong to the logits, along the last axis."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@exercise("recombination", difficulty=2, minutes=15)
def check_recombine(candidate):
    """The candidate's point is the weighted mean of the better half, lowest loss first."""
    rng = np.random.default_rng(13)
    for population, size in ((8, 2), (6, 2), (16, 3)):
        candidates, losses = rng.normal(size=(population, size)), rng.normal(size=population)
        got, want = as_array(candidate(candidates, losses), (size,)), recombined(candidates, losses)
        if not np.allclose(got, want):
            explain_recombine(got, want, candidates, losses)
    return "Only the order of the losses entered, not their size."


def rank_weights(population: int) -> np.ndarray:
    """The weights of CMA-ES for the better half, best first, `[population // 2]`."""
    weights = np.log((population + 1) / 2) - np.log(np.arange(1, population // 2 + 1))
    return weights / weights.sum()


def recombined(candidates, losses) -> np.ndarray:
    """The weighted mean of the better half of the candidates."""
    order = np.argsort(losses)[: len(losses) // 2]
    return rank_weights(len(losses)) @ candidates[order]


def explain_recombine(got, want, candidates, losses):
    """Raise the Mistake that fits a wrong answer to the exercise on recombination."""
    half = len(losses) // 2
    best, weights = np.argsort(losses)[:half], rank_weights(len(losses))
    raw, small = (np.log((size + 1) / 2) - np.log(np.arange(1, half + 1)) for size in (len(losses), half))
    everybody = np.log((len(losses) + 1) / 2) - np.log(np.arange(1, len(losses) + 1))
    every_point = everybody @ candidates[np.argsort(losses)]
    all_weighed = "You give all candidates a weight. The worse half gets none: the ranks go from 1 to half of them."
    wrong = {
        all_weighed: every_point / everybody.sum(),
        f"{all_weighed} Then divide by the sum of the weights.": every_point,
        "In the formula L counts all candidates, not the better half: ln((L + 1) / 2) with L = len(losses).": (
            small / small.sum() @ candidates[best]
        ),
        "`np.argsort(losses)` lists places, the best first; it is not each candidate's rank. Take its first half as "
        "places: `candidates[np.argsort(losses)[:half]]`.": weights @ candidates[np.argsort(losses) < half],
        "You take the better half, but in the order in which it comes. The weights need it sorted, best first.": (
            weights @ candidates[np.sort(best)]
        ),
        "You follow the worst half: a loss is to be small, so sort in ascending order.": recombined(
            candidates, -np.asarray(losses)
        ),
        "You weigh the better half equally. The best of it counts most.": candidates[best].mean(axis=0),
        "You take the mean of all candidates, which selects nothing.": candidates.mean(axis=0),
        "Your weights do not sum to 1. Divide them by their sum.": raw @ candidates[best],
        "The weights stand in the wrong order: the best candidate has the largest one.": weights[::-1]
        @ candidates[best],
        "You take the first half as it comes. Sort by loss first.": weights @ candidates[:half],
        "You take the best candidate alone. One lucky draw would decide everything.": candidates[best[0]],
    }
    for message, point in wrong.items():
        if np.allclose(got, point):
            raise Mistake(message)
    k = worst_place(got, want)
    raise Mistake(f"For {len(losses)} candidates entry {k[0]} of the new mean is {told_apart(got[k], want[k])}.")


@exercise("logits in the plane", difficulty=1, minutes=5)
def check_plane(candidate):
    """The candidate's logits sum to 0 and their softmax is the mixture that was asked for."""
    rng = np.random.default_rng(14)
    for psi in rng.dirichlet(np.ones(3), size=20):
        got = as_array(candidate(psi), (3,))
        weights = softmax(got)
        if np.allclose(got, psi - 1 / 3):
            raise Mistake("You have moved the weights into the plane, not the logits. Take the logarithm first.")
        if np.allclose(weights, psi) and not np.isclose(got.sum(), 0, atol=1e-6):
            raise Mistake(
                f"The softmax is right, but the sum of the logits must be {told_apart(got.sum(), 0)}. Subtract their "
                "mean: that changes no weight and leads into the plane."
            )
        if np.allclose(weights, 1 / 3):
            raise Mistake("All your logits are equal, and so are the weights. Subtract one number from all of them.")
        if not np.allclose(weights, psi):
            k = worst_place(weights, psi)
            raise Mistake(f"Entry {k[0]} of the logits' softmax should be {told_apart(weights[k], psi[k])}.")
    return "One mixture, one point of the plane: the third direction is gone."


@exercise("how many comparisons", difficulty=2, minutes=10)
def check_comparisons(candidate):
    """The candidate's number is the least whole number of paired comparisons that reaches z standard errors."""
    for effect, variance, plays, z in random_effects():
        exact_number = 2 * variance * z**2 / (plays * effect**2)
        want, got = math.ceil(exact_number), as_number(candidate(effect, variance, plays, z))
        if got != want:
            explain_comparisons(got, want, exact_number, effect, variance, plays, z)
    return "The effect stands in the denominator, and squared."


def random_effects():
    """Effects, variances, numbers of plays and z; the last ones need a whole number of comparisons before rounding."""
    rng = np.random.default_rng(15)
    for _ in range(20):
        effect, variance = float(rng.uniform(0.01, 0.05)), float(rng.uniform(2, 9))
        yield effect, variance, int(rng.integers(2, 9)), float(rng.uniform(1.5, 3))
    yield 0.5, 2.0, 4, 2.0


def explain_comparisons(got, want, exact_number, effect, variance, plays, z):
    """Raise the Mistake that fits a wrong answer to the exercise on the number of comparisons."""
    wrong = {
        "You count one return's noise. A comparison is a difference of two, and has twice the variance.": exact_number
        / 2,
        "A return is a mean of several plays, so its variance is divided by their number.": exact_number * plays,
        "Your number is too large by the square of `plays`. Divide the variance by `plays`: neither multiply it, nor "
        "divide `effect`, which is the mean difference of the two returns already.": exact_number * plays**2,
        "`variance` is a variance already: it is not squared, and no root is taken of it.": exact_number
        / math.sqrt(variance),
        "Square the ratio of noise to effect: the standard error falls with the root of n.": math.sqrt(exact_number),
        "You square the effect and not z. Both stand in one ratio.": exact_number / z,
        "You square z and not the effect. Both stand in one ratio.": exact_number * effect,
    }
    name_slip(got, exact_number, wrong)
    raise Mistake(
        f"For an effect of {effect:.3f}, a variance of {variance:.3f}, {plays} plays and z = {z:.3f} it takes {want}; "
        f"your function returned {got:g}."
    )


@exercise("an order without drift", difficulty=2, minutes=10)
def check_order(candidate):
    """The candidate's eight turns cancel a level, a straight drift and a bent one."""
    if isinstance(candidate, list | tuple | np.ndarray) and len(candidate) != 8:
        raise Mistake(f"Your order has {len(candidate)} turns; eight are needed.")
    signs = as_array(candidate, (8,), "Your order")
    if not np.isin(signs, (-1, 1)).all():
        raise Mistake("A turn is +1 or −1: mean plus step, or mean minus step.")
    if signs.sum() != 0:
        raise Mistake(
            f"Plus has {int((signs == 1).sum())} turns of eight. Both signs need four, or a mere level of the fitness "
            "looks like a slope."
        )
    times = np.arange(8)
    if signs @ times != 0:
        raise Mistake(
            f"A straight drift of 1 a turn still leaves {signs @ times / 8:g} in the estimated slope. The mean time of "
            "the pluses must be that of the minuses."
        )
    if signs @ times**2 != 0:
        raise Mistake(
            "Level and straight drift cancel, a bent one does not: the squares of the times must have equal sums, too. "
            "Take four turns that cancel a straight drift, and then the same four with the signs changed."
        )
    return "Level, straight and bent drift all cancel, and the step's effect counts eight times."


@exercise("psi from moments", difficulty=3, minutes=20, without="maca_edu.training")
def check_psi(candidate):
    """The candidate's psi is the point of the simplex where psi' G psi is least."""
    for G in moment_tables():
        got = as_array(candidate(G), (3,))
        values, directions = np.linalg.eigh(G)
        want = shortest_mixture(np.sqrt(values)[:, None] * directions.T)
        if not np.allclose(got, want, atol=1e-5):
            explain_psi(got, want, G)
    return "Three corners, three edges, one inner point: seven candidates are all there are."


def moment_tables():
    """Positive definite G `[3, 3]`: one whose best psi lies inside, and forty of any kind."""
    yield np.diag([1.0, 2.0, 4.0])
    rng = np.random.default_rng(16)
    for _ in range(40):
        root = rng.normal(size=(4, 3)) + rng.normal(size=(4, 1))  # the three have something in common
        yield root.T @ root + 0.01 * np.eye(3)


def explain_psi(got, want, G):
    """Raise the Mistake that fits a wrong answer to the exercise on psi from moments."""
    told = f"For G = {[[round(float(x), 2) for x in row] for row in G]}"
    if not np.isclose(got.sum(), 1):
        raise Mistake(f"{told} the sum of the weights must be {told_apart(got.sum(), 1)}.")
    free = np.linalg.solve(G, np.ones(3))
    free = free / free.sum()
    if got.min() < -1e-9:
        raise Mistake(
            f"{told} a weight is negative: {got.min():.3g}. Then the best point lies on an edge or in a corner."
        )
    clipped = np.clip(free, 0, None)
    inverse = 1 / np.diag(G)
    if np.allclose(got, clipped / clipped.sum()):
        raise Mistake(
            f"{told} you cut negative weights off and scale the rest. Where one weight becomes 0, the best place for "
            "the other two moves: solve again without it."
        )
    if np.allclose(got, inverse / inverse.sum()):
        raise Mistake("You use G's diagonal alone. Baselines err together, so the products off the diagonal count.")
    if np.allclose(got, np.eye(3)[np.diag(G).argmin()]):
        raise Mistake(
            f"{told} that is the best corner. A mixture reaches {told_apart(got @ G @ got, want @ G @ want)}."
        )
    if abs(got - want).max() < 0.02:
        raise Mistake(
            f"{told} your psi is close to the best one and off by {abs(got - want).max():.5f}. A grid or a search only "
            "comes near: solve for each of the seven sets of weights."
        )
    raise Mistake(
        f"{told} psi' G psi is least at {listed(want)}, with {want @ G @ want:.4f}; at your {listed(got)} it is "
        f"{got @ G @ got:.4f}."
    )


def listed(numbers) -> str:
    """Numbers as a message writes them: (0.20, 0.50, 0.30)."""
    return "(" + ", ".join(f"{number + 0.0:.2f}" for number in numbers) + ")"
