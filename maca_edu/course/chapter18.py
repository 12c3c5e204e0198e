"""Chapter 18, experiments you can trust: the checks of the lab's exercises."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm, t

from maca_edu.course.answers import as_array, as_number, name_slip
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise


@exercise("an interval from few seeds", difficulty=1, minutes=10, without="maca_edu")
def check_interval(candidate):
    """The candidate's ends are those of Student's 95 % interval of the mean."""
    rng = np.random.default_rng(18)
    for n in (3, 2, 5, 10, 30):
        scores = rng.normal(rng.normal(), 1, size=n)
        got, want = as_array(candidate(scores), (2,)), mean_and_half(scores, t.ppf(0.975, n - 1)) @ ENDS
        if not np.allclose(got, want):
            explain_interval(got, want, scores)
    return "With 2 seeds the interval is 13 standard errors long on either side, with 30 it is 2."


ENDS = np.array([[1.0, 1.0], [-1.0, 1.0]])  # mean and half width to the lower and the upper end


def mean_and_half(scores, quantile: float, ddof: int = 1) -> np.ndarray:
    """The mean, and so many standard errors, `[2]`."""
    return np.array([scores.mean(), quantile * scores.std(ddof=ddof) / math.sqrt(len(scores))])


def explain_interval(got, want, scores):
    """Raise the Mistake that fits a wrong answer to the exercise on intervals."""
    n = len(scores)
    quantile = t.ppf(0.975, n - 1)
    mean, half = mean_and_half(scores, quantile)
    wrong = {
        "You use the normal distribution's 1.96. The deviation is estimated from the same few runs; Student's quantile "
        "pays for that.": mean_and_half(scores, norm.ppf(0.975)) @ ENDS,
        "Your deviation divides by n. The mean was fitted to the same runs, so divide by n − 1: "
        "`ddof=1`.": mean_and_half(scores, quantile, ddof=0) @ ENDS,
        "Of n runs one degree of freedom goes to the mean: n − 1 are left.": mean_and_half(scores, t.ppf(0.975, n))
        @ ENDS,
        "0.95 leaves 5 % at each end. A 95 % interval leaves 2.5 %: use 0.975.": mean_and_half(
            scores, t.ppf(0.95, n - 1)
        )
        @ ENDS,
        "That is the spread of single runs. The mean of n runs spreads less, by √n.": np.array([mean, half * n**0.5])
        @ ENDS,
        "You divide by n, and the standard error by √n.": np.array([mean, half / n**0.5]) @ ENDS,
        "Return the two ends, lower one first, not the mean and the half width.": np.array([mean, half]),
        "The lower end comes first.": want[::-1],
        "The interval lies around the mean of the runs, not around their median.": want - mean + np.median(scores),
    }
    for message, ends in wrong.items():
        if np.allclose(got, ends):
            raise Mistake(message)
    raise Mistake(
        f"For the scores {listed(scores[:5])}{', ...' if n > 5 else ''} the lower end is "
        f"{told_apart(got[0], want[0])}; the upper end is {told_apart(got[1], want[1])}."
    )


@exercise("how many seeds", difficulty=2, minutes=15, without="maca_edu")
def check_seeds(candidate):
    """The candidate's number is the least whole number of seeds for a power of 80 % by the normal formula."""
    rng = np.random.default_rng(19)
    for _ in range(20):
        difference, std = float(rng.uniform(0.02, 0.08)), float(rng.uniform(0.05, 0.3))
        exact_number = 2 * ((norm.ppf(0.975) + norm.ppf(0.8)) * std / difference) ** 2
        want, got = math.ceil(exact_number), as_number(candidate(difference, std))
        if got != want:
            explain_seeds(got, want, exact_number, difference, std)
        if as_number(candidate(-difference, std)) != want:
            raise Mistake("A difference of −0.05 takes as many seeds as one of 0.05.")
    return "Half the difference takes four times as many seeds."


def explain_seeds(got, want, exact_number, difference, std):
    """Raise the Mistake that fits a wrong answer to the exercise on the number of seeds."""
    both, test = norm.ppf(0.975) + norm.ppf(0.8), norm.ppf(0.975)
    one_sided = norm.ppf(0.95) + norm.ppf(0.8)
    wrong = {
        "You count one arm's noise. A difference of two means has twice the variance of one mean.": exact_number / 2,
        "With these seeds the measured difference is just as likely to fall short of the test's threshold as to pass "
        "it: a power of one half. Add the quantile for 80 %.": exact_number * (test / both) ** 2,
        "You test in one direction only. Nobody knew beforehand which arm is the better one: use 0.975.": exact_number
        * (one_sided / both) ** 2,
        "Square the ratio of noise to difference: the standard error falls with √n.": math.sqrt(exact_number),
        "You square the difference and not the deviation. Both stand in one ratio.": exact_number / std,
        "You square the deviation and not the difference. Both stand in one ratio.": exact_number * difference,
        "You square the ratio and not the sum of the two quantiles.": exact_number / both,
        "You add the squares of the quantiles; square their sum.": exact_number
        * (test**2 + norm.ppf(0.8) ** 2)
        / both**2,
        "Your number is for a power of 97.5 %: the second quantile belongs to 0.8.": exact_number
        * (2 * test / both) ** 2,
        "You count the seeds of both arms. The question is how many each arm needs.": exact_number * 2,
    }
    name_slip(got, exact_number, wrong)
    raise Mistake(
        f"For a difference of {difference:.3f} and a deviation of {std:.3f} each arm needs {want} seeds; your function "
        f"returned {got:g}."
    )


@exercise("choose, then report", difficulty=1, minutes=5)
def check_report(candidate):
    """The candidate chooses the setting on one set of seeds and reports its mean on the other."""
    rng = np.random.default_rng(20)
    for _ in range(20):
        settings, seeds = int(rng.integers(4, 9)), int(rng.integers(3, 6))
        choosing, reporting = rng.normal(size=(settings, seeds)), rng.normal(size=(settings, seeds + 2))
        want, got = reporting[choosing.mean(axis=1).argmax()].mean(), as_number(candidate(choosing, reporting))
        if not np.isclose(got, want):
            explain_report(got, choosing, reporting)
    return "The seeds that chose say nothing in the report, so the report is not too high on average."


def explain_report(got, choosing, reporting):
    """Raise the Mistake that fits a wrong answer to the exercise on choosing and reporting."""
    pooled = np.concatenate([choosing, reporting], axis=1)
    best = choosing.mean(axis=1).argmax()
    wrong = {
        "You report the best setting's mean on the seeds that chose it: that is the winner's curse.": choosing[
            best
        ].mean(),
        "You report the best mean of the reporting seeds, so these seeds choose as well.": reporting.mean(axis=1).max(),
        "The seeds that chose the setting are in your report, too.": pooled[best].mean(),
        "Both sets of seeds choose and report here. Keep them apart.": pooled.mean(axis=1).max(),
        "You choose the setting of the best single run. Choose by the mean over seeds.": reporting[
            choosing.max(axis=1).argmax()
        ].mean(),
        "You choose the lowest mean. A higher score is better.": reporting[choosing.mean(axis=1).argmin()].mean(),
        "You report the best run of the chosen setting. Report the mean over its seeds.": reporting[best].max(),
        "You report the mean over all settings: nothing was chosen.": reporting.mean(),
    }
    for message, number in wrong.items():
        if np.isclose(got, number):
            raise Mistake(message)
    raise Mistake(f"The chosen setting's mean on the other seeds is {told_apart(got, reporting[best].mean())}.")


@exercise("leave one out", difficulty=2, minutes=10)
def check_leave_one_out(candidate):
    """The candidate subtracts from each reward the mean of the other answers to the same prompt."""
    rng = np.random.default_rng(21)
    for prompts, k in ((5, 3), (3, 2), (4, 8), (1, 4)):
        rewards = rng.normal(size=(prompts, k)) + 2 * rng.normal(size=(prompts, 1))
        got = as_array(candidate(rewards), (prompts, k))
        want = rewards - (rewards.sum(axis=1, keepdims=True) - rewards) / (k - 1)
        if not np.allclose(got, want):
            explain_leave_one_out(got, want, rewards)
    return "A sample's baseline does not contain the sample, so it is legal."


def explain_leave_one_out(got, want, rewards):
    """Raise the Mistake that fits a wrong answer to the exercise on leave-one-out baselines."""
    prompts, k = rewards.shape
    others = rewards.sum(axis=1, keepdims=True) - rewards
    group, spread = rewards.mean(axis=1, keepdims=True), rewards.std(axis=1, keepdims=True)
    wrong = {
        "Each sample is part of its own baseline. Your advantages are too small by the factor (k − 1)/k.": rewards
        - group,
        "You divide the others' sum by k, and there are k − 1 of them.": rewards - others / k,
        "You subtract the others' sum. Divide it by their number.": rewards - others,
        "That is the baseline. The advantage is the reward less the baseline.": others / (k - 1),
        "The sign is wrong: an answer better than the others has a positive advantage.": -want,
        "You divide by the spread of the answers, which the exercise does not ask for. The spread contains the "
        "sample.": want / spread,
        "You subtract the group's mean and divide by its spread. Leave the sample out, and do not divide.": (
            rewards - group
        )
        / spread,
    }
    for message, advantages in wrong.items():
        if np.allclose(got, advantages):
            raise Mistake(message)
    if np.allclose(got, rewards - rewards.mean()) or np.allclose(
        got, rewards - (rewards.sum() - rewards) / (prompts * k - 1)
    ):
        raise Mistake(
            "Answers to other prompts are in your baseline. A prompt is a state, and a hard one has lower rewards."
        )
    i, k = worst_place(got, want)
    raise Mistake(
        f"For the rewards {listed(rewards[i])} of a prompt the advantage of answer {k} is "
        f"{told_apart(got[i, k], want[i, k])}."
    )


def listed(numbers) -> str:
    """Numbers as a message writes them: (0.20, 0.50, 0.30)."""
    return "(" + ", ".join(f"{number + 0.0:.2f}" for number in numbers) + ")"
