"""Chapter 15, particles: the checks of the lab's exercises."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from maca_edu.course.answers import as_array, as_number
from maca_edu.course.unequal import told_apart
from maca_edu.course.verdict import Mistake, exercise


@exercise("the score of a Gaussian number", difficulty=1, minutes=10, without="maca_edu")
def check_score(candidate):
    """The candidate's two numbers are the derivatives of the log-density, at random numbers, means and deviations."""
    rng = np.random.default_rng(41)
    for _ in range(12):
        mean, std = float(rng.normal()), float(rng.uniform(0.1, 2))
        a = mean + std * float(rng.normal())
        got, want = as_array(candidate(a, mean, std), (2,)), score(a, mean, std)
        if not np.allclose(got, want, atol=1e-6):
            explain_score(got, want, a, mean, std)
    return "The first number grows like 1/τ: a sharp policy has a long score."


def score(a: float, mean: float, std: float, step: float = 1e-5) -> np.ndarray:
    """The slopes of the log-density in the mean and in the logarithm of the deviation, by small steps, `[2]`."""
    by_mean = norm.logpdf(a, mean + step, std) - norm.logpdf(a, mean - step, std)
    by_log = norm.logpdf(a, mean, std * np.exp(step)) - norm.logpdf(a, mean, std * np.exp(-step))
    return np.array([by_mean, by_log]) / (2 * step)


def explain_score(got, want, a, mean, std):
    """Raise the Mistake that fits a wrong answer to the exercise on scores."""
    z = (a - mean) / std
    firsts = {
        "You divide by τ. The exponent has τ² below it, so its slope in the mean has, too.": z,
        "You forget to divide by τ²: the slope in the mean is steeper for a sharp policy.": a - mean,
        "The sign of the first number is wrong: a number above the mean becomes more likely if the mean rises.": -z
        / std,
        "The first number is the slope of the density. The score is that of its logarithm.": norm.pdf(a, mean, std)
        * z
        / std,
    }
    for message, number in firsts.items():
        if np.isclose(got[0], number, atol=1e-6):
            raise Mistake(message)
    if not np.isclose(got[0], want[0], atol=1e-6):
        raise Mistake(
            f"At a = {a:.3f}, mean {mean:.3f}, deviation {std:.3f} the slope in the mean is "
            f"{told_apart(got[0], want[0])}."
        )
    seconds = {
        "You forget the factor 1/τ before the exponential. Its logarithm is −log τ, with the slope −1.": z**2,
        "That is the slope in τ. Asked is the slope in log τ, which is τ times as large.": (z**2 - 1) / std,
        "The sign of the second number is wrong: a number far from the mean becomes more likely if τ grows.": 1 - z**2,
    }
    for message, number in seconds.items():
        if np.isclose(got[1], number, atol=1e-6):
            raise Mistake(message)
    raise Mistake(
        f"At a = {a:.3f}, mean {mean:.3f}, deviation {std:.3f} the slope in log τ is {told_apart(got[1], want[1])}."
    )


class Quadratic(NamedTuple):
    """Q(a) = sum_j (slope_j a_j + bend_j a_j^2) + sum_{j<k} pair_jk a_j a_k, one number for each agent."""

    slope: np.ndarray  # [n]
    bend: np.ndarray  # [n]
    pair: np.ndarray  # [n, n], zeros on the diagonal and below

    def __call__(self, a) -> np.ndarray:
        """Q of joint actions `[..., n]`, `[...]`."""
        return a @ self.slope + a**2 @ self.bend + np.einsum("...j,jk,...k->...", a, self.pair, a)


@exercise("averaging out a Gaussian", difficulty=2, minutes=10, without="maca_edu")
def check_average(candidate):
    """The candidate's number is the mean of a quadratic Q over the group's numbers, for random groups."""
    rng = np.random.default_rng(42)
    for n in (3, 2, 4, 5):
        q = Quadratic(rng.normal(size=n), rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))
        mean, std, a = rng.normal(size=n), rng.uniform(0.3, 1.5, size=n), rng.normal(size=n)
        for group in ([0], list(range(n)), list(range(1, n)), []):
            arguments = (q.slope, q.bend, q.pair, mean, std, a, group)
            got, want = as_number(candidate(*arguments)), average(q, mean, std, a, group)
            if not np.isclose(got, want):
                explain_average(got, want, q, mean, std, a, group)
    return "Products of two agents' numbers average to products of means. Squares do not."


def average(q: Quadratic, mean, std, a, group) -> float:
    """The mean of Q over the group's numbers by quadrature that is exact for quadratics: each at mean +- deviation."""
    total = 0.0
    for signs in np.ndindex(*(2,) * len(group)):
        x = np.array(a, dtype=float)
        for j, sign in zip(group, signs, strict=True):
            x[j] = mean[j] + (1 - 2 * sign) * std[j]
        total += float(q(x)) / 2 ** len(group)
    return total


def explain_average(got, want, q: Quadratic, mean, std, a, group):
    """Raise the Mistake that fits a wrong answer to the exercise on averages."""
    inside = np.isin(np.arange(len(a)), group)
    at_mean = np.where(inside, mean, a)
    variance = np.where(inside, std**2, 0.0)
    wrong = {
        "You feed the mean into the square. The mean of a² is μ² + τ².": float(q(at_mean)),
        "You add τ where τ² belongs: the mean of a² is μ² + τ².": float(q(at_mean) + q.bend @ np.sqrt(variance)),
        "You average everybody. Only the group's numbers are drawn again; the others' are as played.": float(
            q(mean) + q.bend @ std**2
        ),
        "The mean of a² is μ² plus τ², not minus.": float(q(at_mean) - q.bend @ variance),
        "You add a variance for agents outside the group, whose numbers stand.": float(q(at_mean) + q.bend @ std**2),
        "You take the action as played for the group, too, and average nobody.": float(q(a)),
        "The two factors of a product belong to two agents, who draw independently: the product's mean has no "
        "variance in it.": float(q(at_mean) + (q.bend + q.pair.sum(axis=1)) @ variance),
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(f"For the group {list(map(int, group))} of {len(a)} agents the mean is {told_apart(got, want)}.")


@exercise("fresh actions", difficulty=2, minutes=10, without="maca_edu")
def check_fresh(candidate):
    """The candidate's baseline is Q's mean over K fresh numbers of agent i, the others' as played."""
    rng = np.random.default_rng(43)
    for n, i, K in ((3, 1, 4), (2, 0, 1), (4, 3, 7)):
        q = Quadratic(rng.normal(size=n), rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))
        mean, std, a = rng.normal(size=n), rng.uniform(0.3, 1.5, size=n), rng.normal(size=n)
        noise, q = rng.normal(size=K), OneAtATime(q)
        got, want = as_number(candidate(q, mean, std, a, i, noise)), fresh_baseline(q, mean, std, a, i, noise)
        if not np.isclose(got, want):
            explain_fresh(got, want, q, mean, std, a, i, noise)
    return "It does not contain the number played, so it is legal, with one fresh action as with a thousand."


class OneAtATime:
    """Some function of one joint action `[n]`, bent more than a quadratic. It raises ValueError for other shapes."""

    def __init__(self, quadratic: Quadratic):
        self.quadratic, self.shape = quadratic, quadratic.slope.shape

    def __repr__(self) -> str:
        return "a function"

    def __call__(self, a) -> float:
        a = np.asarray(a, dtype=float)
        if a.shape != self.shape:
            raise ValueError(f"q was given an array of shape {a.shape}; it reads one of shape {self.shape}")
        return float(self.quadratic(a) + np.sin(2 * a).sum())


def fresh_baseline(q, mean, std, a, i: int, noise) -> float:
    """The mean of Q over fresh numbers of agent i, one by one."""
    values = []
    for z in noise:
        x = np.array(a, dtype=float)
        x[i] = mean[i] + std[i] * z
        values.append(float(q(x)))
    return sum(values) / len(values)


def explain_fresh(got, want, q, mean, std, a, i, noise):
    """Raise the Mistake that fits a wrong answer to the exercise on fresh actions."""
    K, n = len(noise), len(a)
    values = [fresh_baseline(q, mean, std, a, i, [z]) for z in noise]
    middle = np.array(a, dtype=float)
    middle[i] = mean[i] + std[i] * noise.mean()
    everybody = [float(q(mean + std * z)) for z in noise]
    around = [fresh_baseline(q, np.where(np.arange(n) == i, a, mean), std, a, i, [z]) for z in noise]
    wrong = {
        "You count the action played among the fresh ones. Then the baseline contains the agent's own action, and is "
        "not legal.": (sum(values) + float(q(np.asarray(a)))) / (K + 1),
        "You average the fresh actions and ask once. Q of the mean is not the mean of Q.": float(q(middle)),
        "You draw everybody again. The others' numbers stay as played.": sum(everybody) / K,
        "Fresh actions are drawn around the policy's mean, not around the action played.": sum(around) / K,
        "You divide by K − 1. A mean of K values has K of them.": sum(values) / max(K - 1, 1),
        "That is a sum. Divide it by K.": sum(values),
        "You take the action of another agent away: agents are counted from 0.": fresh_baseline(
            q, mean, std, a, (i + 1) % n, noise
        ),
        "That is the first fresh action's value alone.": values[0],
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    if np.isclose(got, fresh_baseline(q, mean, std**2, a, i, noise)):
        raise Mistake("A fresh number is the mean plus τ times the noise, not τ² times.")
    raise Mistake(f"With {K} fresh numbers of agent {i} of {n} the baseline is {told_apart(got, want)}.")


@exercise("the score of a clipped number", difficulty=3, minutes=15, without="maca_edu")
def check_clipped_score(candidate):
    """The candidate's score in the mean is that of what the game sees: atoms at the bounds, a density between."""
    rng = np.random.default_rng(44)
    for _ in range(8):
        low = float(rng.uniform(-1, 0.5))
        high = low + float(rng.uniform(0.4, 1.5))
        mean, std = float(rng.uniform(-1, 1)), float(rng.uniform(0.3, 1))
        for c in (0.6 * low + 0.4 * high, low, high):
            got, want = as_number(candidate(c, mean, std, low, high)), clipped_score(c, mean, std, low, high)
            if not np.isclose(got, want, atol=1e-5):
                explain_clipped_score(got, want, c, mean, std, low, high)
    return "All numbers beyond a bound are one action, and its probability is what counts."


def clipped_score(c: float, mean: float, std: float, low: float, high: float, step: float = 1e-5) -> float:
    """The slope in the mean of the log-probability of a clipped number, by small steps."""

    def log_probability(m: float) -> float:
        if c <= low:
            return norm.logcdf(low, m, std)
        return norm.logsf(high, m, std) if c >= high else norm.logpdf(c, m, std)

    return float(log_probability(mean + step) - log_probability(mean - step)) / (2 * step)


def explain_clipped_score(got, want, c, mean, std, low, high):
    """Raise the Mistake that fits a wrong answer to the exercise on clipped numbers."""
    plain, z = (c - mean) / std**2, (c - mean) / std
    where = "at the lower bound" if c <= low else "at the upper bound" if c >= high else "between the bounds"
    if where == "between the bounds":
        inside = norm.cdf(high, mean, std) - norm.cdf(low, mean, std)
        cut_off = plain - (norm.pdf(low, mean, std) - norm.pdf(high, mean, std)) / inside
        wrong = {
            "Between the bounds nothing is clipped, so the density there is not divided by anything: that would be a "
            "policy which draws again until it hits the interval.": cut_off,
            "Between the bounds the score is (c − μ)/τ². You divide by τ.": z,
            "Between the bounds a number is played as it was drawn, and has a score.": 0.0,
        }
    else:
        mass = norm.cdf(low, mean, std) if c <= low else norm.sf(high, mean, std)
        density = norm.pdf(c, mean, std)
        wrong = {
            f"That is the density's score {where}. There the game sees a whole tail of numbers, whose probability is "
            "Φ, not φ.": plain,
            f"The score {where} is not zero: moving the mean changes how likely that action is.": 0.0,
            "The sign is wrong: the lower bound becomes less likely if the mean rises, the upper one more.": -want,
            f"That is the slope of the probability {where}. The score is that of its logarithm: divide by it.": (
                -density if c <= low else density
            ),
            "You divide by the probability of the other side.": (-density if c <= low else density) / (1 - mass),
            "You divide by τ once too often: the density φ(z)/τ already has it.": want / std,
            "You forget that the density of a is φ(z)/τ, not φ(z).": want * std,
        }
    for message, number in wrong.items():
        if np.isclose(got, number, atol=1e-5):
            raise Mistake(message)
    raise Mistake(
        f"With mean {mean:.3f}, deviation {std:.3f} and the bounds {low:.3f} and {high:.3f}, the score of "
        f"c = {c:.3f} is {told_apart(got, want)}."
    )
