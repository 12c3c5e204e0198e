"""Chapter 17, SMACv2: the checks of the lab's exercises."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm, t

from maca_edu.course.answers import as_array, as_number
from maca_edu.course.unequal import told_apart
from maca_edu.course.verdict import Mistake, exercise


@exercise("one number for all teams", difficulty=1, minutes=10, without="maca_edu")
def check_blind(candidate):
    """The candidate finds the best number for all states and what it loses, on random states."""
    rng = np.random.default_rng(41)
    for S in (3, 2, 5, 8):
        chance, weight, best = rng.dirichlet(np.ones(S)), rng.uniform(0.1, 2, size=S), rng.normal(3, 2, size=S)
        got, want = as_array(candidate(chance, weight, best), (2,)), blind(chance, weight, best)
        if not np.allclose(got, want):
            explain_blind(got, want, chance, weight, best)
    return "It loses nothing where all states have the same best number, however different they are otherwise."


def blind(chance, weight, best) -> np.ndarray:
    """The best number for all states, and the variance that it loses against the best of every state, `[2]`."""
    share = [p * w for p, w in zip(chance, weight, strict=True)]
    number = sum(x * b for x, b in zip(share, best, strict=True)) / sum(share)
    return np.array([number, sum(x * (b - number) ** 2 for x, b in zip(share, best, strict=True))])


def explain_blind(got, want, chance, weight, best):
    """Raise the Mistake that fits a wrong answer to the exercise on one number for all states."""

    def lost(number):
        return float(chance @ (weight * (best - number) ** 2))

    share, plain = chance * weight, float(chance @ best)
    if np.allclose(got, want[::-1]):
        raise Mistake("The number comes first, then what it loses.")
    numbers = {
        "You weigh states by their chance alone. A state whose score is long counts for more: weigh by chance times "
        "`weight`.": plain,
        "You weigh states by `weight` alone. A state that is rarely drawn counts for less.": float(
            weight @ best / weight.sum()
        ),
        "You take every state to be equally likely and equally loud.": float(best.mean()),
        "You do not divide by the sum of the weights: chance times `weight` does not add up to 1.": float(share @ best),
    }
    for message, number in numbers.items():
        if np.isclose(got[0], number):
            raise Mistake(message)
    if not np.isclose(got[0], want[0]):
        raise Mistake(f"The best number is {told_apart(got[0], want[0])}.")
    losses = {
        "You divide the loss by the sum of the weights. That is a variance between states; the gradient's variance has "
        "it times E[w].": want[1] / share.sum(),
        "Your loss forgets `weight`: an error of the baseline is heard through the score.": float(
            chance @ (best - want[0]) ** 2
        ),
        "Your loss forgets `chance`.": float(weight @ (best - want[0]) ** 2),
        "The loss is a sum of squares, without a root.": math.sqrt(want[1]),
        "That is the loss of 0, no baseline at all. Compare with the number that you found.": lost(0.0),
        "The loss is not negative: the variance with your number, less that with each state's own.": -want[1],
    }
    for message, loss in losses.items():
        if np.isclose(got[1], loss):
            raise Mistake(message)
    raise Mistake(f"What the number {want[0]:.4f} loses is {told_apart(got[1], want[1])}.")


KNOB_ERROR = 1e-5  # a knob may also be found by a search


@exercise("one knob for all teams", difficulty=2, minutes=15, without="maca_edu")
def check_knob(candidate):
    """The candidate finds the best knob for all states and what one for each state would gain, on random parabolas."""
    rng = np.random.default_rng(42)
    for S in (2, 3, 4, 6, 3):
        chance, height = rng.dirichlet(np.ones(S)), rng.uniform(0.2, 3, size=S)
        lowest = rng.uniform(-0.8, 1.8, size=S)
        lowest[:2] = -0.6, 1.5  # two states whose knob stands at an end
        got, want = as_array(candidate(chance, height, lowest), (2,)), knob(chance, height, lowest)
        if not np.allclose(got, want, atol=KNOB_ERROR):
            explain_knob(got, want, chance, height, lowest)
    beyond = np.full(2, 0.5), np.ones(2), np.array([1.2, 1.6])  # the mean parabola is lowest outside, too
    got, want = as_array(candidate(*beyond), (2,)), knob(*beyond)
    if not np.allclose(got, want, atol=KNOB_ERROR):
        explain_knob(got, want, *beyond)
    return "Two states that both want more than 1 lose nothing with one knob: it stands at 1 for both."


def knob(chance, height, lowest) -> np.ndarray:
    """The knob in [0, 1] that is best for all states, and what a knob for each state gains over it, `[2]`."""
    share = chance * height
    one = min(max(float(share @ lowest / share.sum()), 0.0), 1.0)
    own = [min(max(float(x), 0.0), 1.0) for x in lowest]
    gains = [h * ((one - x) ** 2 - (u - x) ** 2) for h, x, u in zip(height, lowest, own, strict=True)]
    return np.array([one, float(chance @ np.array(gains))])


def explain_knob(got, want, chance, height, lowest):
    """Raise the Mistake that fits a wrong answer to the exercise on one knob for all states."""
    share, own = chance * height, np.clip(lowest, 0, 1)
    free = float(share @ lowest / share.sum())

    def gain(one, each):
        return float(share @ ((one - lowest) ** 2 - (each - lowest) ** 2))

    if np.allclose(got, want[::-1]):
        raise Mistake("The knob comes first, then the gain.")
    knobs = {
        "Your knob leaves the range from 0 to 1.": free,
        "You move every state's lowest point into [0, 1] before you average. Average the parabolas first, and move "
        "the lowest point of their mean.": float(share @ own / share.sum()),
        "You weigh states by their chance alone. A steep parabola pulls harder: weigh by chance times `height`.": float(
            np.clip(chance @ lowest, 0, 1)
        ),
        "You weigh states by `height` alone. Rare states count for less.": float(
            np.clip(height @ lowest / height.sum(), 0, 1)
        ),
    }
    for message, number in knobs.items():
        if np.isclose(got[0], number) and not np.isclose(number, want[0]):
            raise Mistake(message)
    if not np.isclose(got[0], want[0]):
        raise Mistake(f"The best knob for all states is {told_apart(got[0], want[0])}.")
    gains = {
        "Your states' own knobs leave the range from 0 to 1: a state may not go to its lowest point if that lies "
        "outside.": gain(want[0], lowest),
        "The gain is not negative: the variance with one knob, less that with each state's own.": -want[1],
        "Your gain forgets `height`.": float(chance @ ((want[0] - lowest) ** 2 - (own - lowest) ** 2)),
        "Your gain forgets `chance`.": float(height @ ((want[0] - lowest) ** 2 - (own - lowest) ** 2)),
        "You measure how far the knobs are apart. A parabola rises with the distance from its *lowest point*, which "
        "may lie outside.": float(share @ (want[0] - own) ** 2),
        "You divide by the sum of the weights. The gain is in units of the variance.": want[1] / share.sum(),
    }
    for message, number in gains.items():
        if np.isclose(got[1], number) and not np.isclose(number, want[1]):
            raise Mistake(message)
    raise Mistake(f"What a knob for each state gains over {want[0]:.4f} for all is {told_apart(got[1], want[1])}.")


@exercise("the noise of a gradient over teams", difficulty=2, minutes=10, without="maca_edu")
def check_total(candidate):
    """The candidate's variance over all states is the mean within states and the spread between them."""
    rng = np.random.default_rng(43)
    for S, A in ((2, 3), (3, 4), (5, 3), (4, 5)):
        chance = rng.dirichlet(np.ones(S))
        means, variances = rng.normal(size=(S, A)), rng.uniform(0.5, 2, size=S)
        got, want = as_number(candidate(chance, means, variances)), total(chance, means, variances)
        if not np.isclose(got, want):
            explain_total(got, want, chance, means, variances)
    return "No legal baseline changes the second part: the means are the gradient itself."


def total(chance, means, variances) -> float:
    """The variance E|g|^2 - |E g|^2 of a gradient estimate whose state is drawn first: from second moments."""
    square = sum(p * (v + m @ m) for p, m, v in zip(chance, means, variances, strict=True))
    mean = sum(p * m for p, m in zip(chance, means, strict=True))
    return float(square - mean @ mean)


def explain_total(got, want, chance, means, variances):
    """Raise the Mistake that fits a wrong answer to the exercise on the variance over states."""
    inside, mean = float(chance @ variances), chance @ means
    between = float(chance @ ((means - mean) ** 2).sum(axis=1))
    plain = means - means.mean(axis=0)
    wrong = {
        "That is the mean of the states' variances. The mean gradient differs from state to state, too.": inside,
        "That is the spread of the mean gradients alone. Within a state the estimate varies, too.": between,
        "That is the mean square. Subtract the square of the mean gradient.": inside
        + float(chance @ (means**2).sum(axis=1)),
        "Your spread does not know which states are likely: weigh it with `chance`.": inside
        + float((plain**2).sum(axis=1).mean()),
        "You weigh all states alike.": float(variances.mean() + (plain**2).sum(axis=1).mean()),
        "You average over the logits. A gradient's variance is the sum over its entries.": inside
        + between / means.shape[1],
        "You subtract the spread. Parts of a variance add up.": inside - between,
        "Your deviations are not squared.": inside + float(chance @ np.abs(means - mean).sum(axis=1)),
        "A variance takes no root.": math.sqrt(want),
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(f"Within states {inside:.4f}, between states {between:.4f}: in all it is {told_apart(got, want)}.")


@exercise("a difference of differences", difficulty=2, minutes=15, without="maca_edu")
def check_interaction(candidate):
    """The candidate's three numbers are a difference of paired differences and its t interval, on random scores."""
    rng = np.random.default_rng(44)
    for k, m in ((4, 4), (3, 5), (6, 4)):
        fixed = rng.normal(size=(k, 1)) + 0.3 * rng.normal(size=(k, 2))
        drawn = 1 + 0.5 * rng.normal(size=(m, 1)) + 0.6 * rng.normal(size=(m, 2))
        got, want = as_array(candidate(fixed, drawn), (3,)), interaction(fixed, drawn)
        if not np.allclose(got, want):
            explain_interaction(got, want, fixed, drawn)
    return "That one difference is significant and the other is not does not make them different."


def interaction(fixed, drawn) -> np.ndarray:
    """How much more a method is ahead with random teams than with fixed ones: low, estimate, high, `[3]`."""
    return ends_of(fixed[:, 0] - fixed[:, 1], drawn[:, 0] - drawn[:, 1])


def ends_of(first, second, probability: float = 0.975, ddof: int = 1, quantile: float | None = None) -> np.ndarray:
    """Low, estimate and high of the mean of `second` less that of `first`, with a common variance, `[3]`."""
    k, m = len(first), len(second)
    squares = ((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum()
    error = math.sqrt(squares / (k + m - 2 * ddof) * (1 / k + 1 / m))
    half = (t.ppf(probability, k + m - 2) if quantile is None else quantile) * error
    middle = second.mean() - first.mean()
    return np.array([middle - half, middle, middle + half])


def explain_interaction(got, want, fixed, drawn):
    """Raise the Mistake that fits a wrong answer to the exercise on differences of differences."""
    first, second = fixed[:, 0] - fixed[:, 1], drawn[:, 0] - drawn[:, 1]
    k, m = len(first), len(second)
    if np.isclose(got[1], -want[1]):
        raise Mistake(
            "The sign is turned: the method is the first column, and random teams less fixed ones are asked for."
        )
    means = {
        "That is how far the method is ahead with random teams. Subtract how far it is ahead with fixed ones.": second,
        "That is how far the method is ahead with fixed teams. It is to be subtracted from the same with random "
        "ones.": first,
        "You compare the first method alone. What all methods gain or lose with random teams has to go out.": drawn[
            :, 0
        ].mean()
        - fixed[:, 0].mean(),
        "You add the two differences.": first.mean() + second.mean(),
    }
    for message, number in means.items():
        if np.isclose(got[1], np.mean(number)):
            raise Mistake(message)
    if not np.isclose(got[1], want[1]):
        raise Mistake(f"The difference of the differences is {told_apart(got[1], want[1])}.")
    if np.allclose(got, want[::-1]):
        raise Mistake("The lower end comes first.")
    apart = math.sqrt(sum(x.var(ddof=1) / len(x) for x in (*fixed.T, *drawn.T)))
    middle, half = want[1], want[2] - want[1]
    error = half / t.ppf(0.975, k + m - 2)
    halves = {
        "You treat the two methods as independent. They share a seed and a team: take the difference seed by seed "
        "first.": apart * t.ppf(0.975, 2 * (k + m) - 4),
        "You use the normal distribution. With so few seeds Student's quantile is larger.": norm.ppf(0.975) * error,
        "0.95 leaves 5 % at each end; use 0.975.": t.ppf(0.95, k + m - 2) * error,
        "Two means were fitted, so two degrees of freedom are gone: k + m - 2 are left.": t.ppf(0.975, k + m - 1)
        * error,
        "Your deviations divide by the number of seeds. Two means were fitted to them: divide the squares by k + m - "
        "2.": half * math.sqrt((k + m - 2) / (k + m)),
        "That is the spread of single differences. Means spread less: multiply by the root of 1/k + 1/m.": half
        / math.sqrt(1 / k + 1 / m),
    }
    for message, number in halves.items():
        if np.isclose(got[2] - middle, number) and np.isclose(middle - got[0], number):
            raise Mistake(message)
    raise Mistake(
        f"The interval's lower end is {told_apart(got[0], want[0])}; its upper end is {told_apart(got[2], want[2])}. "
        "Take both sets of differences to have the same variance."
    )
