"""Chapter 6, the warehouse: the checks of the lab's exercises."""

from __future__ import annotations

import numpy as np

from maca_edu.course.answers import as_array, as_number
from maca_edu.course.unequal import told_apart
from maca_edu.course.verdict import Mistake, exercise


@exercise("TD errors", difficulty=1, minutes=5)
def check_td_errors(candidate):
    """The candidate's array is r + gamma V(s') - V(s) along random episodes."""
    for rewards, values, gamma in random_episodes():
        got, now, after = as_array(candidate(rewards, values, gamma), rewards.shape), values[:-1], values[1:]
        want = rewards + gamma * after - now
        reject(
            got,
            want,
            {
                "You do not discount the value after the step. It lies one step ahead: multiply it by gamma.": (
                    rewards + after - now
                ),
                "You swap before and after. What was hoped for before the step is subtracted.": (
                    rewards + gamma * now - after
                ),
                "You forget what was paid. A TD error is the reward plus the change of the outlook.": gamma * after
                - now,
                "You subtract too late a value: both of yours lie after the step.": rewards + gamma * after - after,
                "You take the critic's word before the step, but not after it. Add gamma times the value reached.": (
                    rewards - now
                ),
                "You discount by the time of the step as well. A TD error looks one step ahead, wherever it stands.": (
                    gamma ** np.arange(len(rewards)) * want
                ),
            },
            "the TD errors",
        )
    return "With the exact V these are the joint advantages of the steps."


@exercise("lambda-advantages", difficulty=1, minutes=10)
def check_lambda_advantages(candidate):
    """The candidate's array is the discounted sum of the TD errors from each step on."""
    for (deltas, _, gamma), lam in zip(random_episodes(), (0.6, 0.8, 0.3, 0.9, 0.95), strict=True):
        got, want = as_array(candidate(deltas, gamma, lam), deltas.shape), ahead(deltas, gamma * lam)
        reject(
            got,
            want,
            {
                "You add up the steps before t. A step is judged by what comes after it: run from the end.": (
                    ahead(deltas[::-1], gamma * lam)[::-1]
                ),
                "You leave lambda out. Each step ahead is multiplied by gamma times lambda.": ahead(deltas, gamma),
                "You leave gamma out. Each step ahead is multiplied by gamma times lambda.": ahead(deltas, lam),
                "You forget the step itself. The sum starts with k = 0.": want - deltas,
                "You divide by the sum of the weights. The lambda-advantage is a sum, not an average.": (
                    want * (1 - gamma * lam)
                ),
                "You add one step ahead only. The sum runs to the end of the episode.": (
                    deltas + gamma * lam * np.append(deltas[1:], 0.0)
                ),
                "You do not weigh the steps ahead. Multiply by gamma times lambda once for each.": ahead(deltas, 1.0),
            },
            "the lambda-advantages",
        )
    return "One multiplication for each step, from the last to the first."


@exercise("the variance of the lambda-return", difficulty=2, minutes=10)
def check_return_variance(candidate):
    """The candidate's array solves U = own + (gamma lambda)^2 P U on random games that end."""
    for P, gamma, lam, rng in random_chains():
        own = rng.uniform(0.1, 1.0, size=len(P))
        got = as_array(candidate(P, own, gamma, lam), own.shape)
        reject(
            got,
            solved(P, own, (gamma * lam) ** 2),
            {
                "You weigh the next state's variance by gamma lambda. A variance is a square: use (gamma lambda)^2.": (
                    solved(P, own, gamma * lam)
                ),
                "You go backwards in time: P[s, s'] leads from s to s'. Use P, not its transpose.": (
                    solved(P.T, own, (gamma * lam) ** 2)
                ),
                "That is what the present joint action owns, and no more. Add the later steps.": own,
                "You look one step ahead only. The next state's variance contains that of all later ones.": (
                    own + (gamma * lam) ** 2 * P @ own
                ),
                "You leave lambda out. With lambda below 1 the critic cuts off a part of the later noise.": (
                    solved(P, own, gamma**2)
                ),
                "You leave gamma out.": solved(P, own, lam**2),
                "You leave out the discount. Noise one step ahead counts (gamma lambda)^2 times.": solved(P, own, 1.0),
                "You square the chances of going on as well. Only the amounts are squared, not their probabilities.": (
                    solved(P**2, own, (gamma * lam) ** 2)
                ),
            },
            "the variances",
        )
    return "One linear system, like the one for V, with the square of the discount."


@exercise("the budget of an episode", difficulty=2, minutes=10)
def check_episode_share(candidate):
    """The candidate's number is the share that the present joint actions own, for random surprises."""
    rng = np.random.default_rng(9)
    for T, gamma, lam in ((3, 0.95, 0.8), (6, 0.9, 0.7), (12, 0.8, 0.95), (1, 0.9, 0.5), (40, 0.99, 0.97)):
        surprises = rng.uniform(0.1, 1.0, size=T)
        beta, t = (gamma * lam) ** 2, np.arange(T)
        got = as_number(candidate(surprises, gamma, lam))
        want = shared(surprises, beta)
        wrong = {
            "That is an endless stream's share. An episode begins: a surprise at time t has only t steps before it.": (
                1 - beta
            ),
            "You use gamma lambda where variances need its square.": shared(surprises, gamma * lam),
            "You are off by one. A surprise at time t is in the advantages of t + 1 steps, its own among them.": (
                (1 - beta) / max(1 - surprises @ beta**t / surprises.sum(), 1e-9)
            ),
            "You weigh all times alike. Large surprises count for more.": shared(np.ones(T), beta),
            "You charge a surprise to the steps after it. It enters the advantages of those before it.": (
                shared(surprises[::-1], beta)
            ),
            "You charge every surprise in full. It fades by (gamma lambda)^2 with each step.": (
                surprises.sum() / (surprises @ (t + 1))
            ),
            "That is its inverse: divide what belongs to the steps by all there is.": 1 / want,
        }
        if not np.isclose(got, want):
            for message, value in wrong.items():
                if np.isclose(got, value):
                    raise Mistake(message)
            raise Mistake(f"With {T} random surprises the share is {want:.3f}; your function returned {got:.3f}.")
    return (
        "In an episode of one step the share is 1; in a long one it comes close to 1 minus the square of gamma lambda."
    )


@exercise("what a wrong critic does", difficulty=3, minutes=15)
def check_critic_bias(candidate):
    """The candidate's array is gamma (1 - lambda) times the discounted error ahead, on random games that end."""
    for P, gamma, lam, rng in random_chains():
        error = rng.normal(size=len(P))
        got = as_array(candidate(P, error, gamma, lam), error.shape)
        want = gamma * (1 - lam) * solved(P, error, gamma * lam)
        reject(
            got,
            want,
            {
                "You ask the critic in full at every step. The lambda-return gives its word the weight 1 - lambda.": (
                    gamma * solved(P, error, gamma * lam)
                ),
                "You forget that the state reached lies one step ahead: gamma.": (1 - lam)
                * solved(P, error, gamma * lam),
                "You square gamma lambda. That is right for variances; a bias is a mean.": (
                    gamma * (1 - lam) * solved(P, error, (gamma * lam) ** 2)
                ),
                "You go backwards in time: P[s, s'] leads from s to s'. Use P, not its transpose.": (
                    gamma * (1 - lam) * solved(P.T, error, gamma * lam)
                ),
                "You use the error of the state reached only. The critic is asked again at every later step.": (
                    gamma * (1 - lam) * error
                ),
                "You start one step too late. The first error is that of the state reached, s' itself.": (
                    gamma * (1 - lam) * P @ solved(P, error, gamma * lam)
                ),
                "You leave lambda out of the steps ahead: each is weighed by gamma times lambda.": (
                    gamma * (1 - lam) * solved(P, error, gamma)
                ),
            },
            "the biases",
        )
    return "At lambda = 1 it is zero, whatever the critic says."


def reject(got, want, wrong: dict, what: str) -> None:
    """Do nothing where the answer `got` is right; else raise the Mistake that fits it.

    wrong: `{message: the answer that this misconception gives}`. what: the subject of the message where none fits.
    """
    if np.allclose(got, want):
        return
    for message, answer in wrong.items():
        if np.allclose(got, answer) and not np.allclose(answer, want):
            raise Mistake(message)
    k = int(np.argmax(abs(got - want)))
    raise Mistake(
        f"On a random example of length {len(want)}, entry {k} of {what} should be {told_apart(got[k], want[k], 3)}."
    )


def random_episodes():
    """Random episodes, short ones and a long one: rewards `[T]`, values `[T + 1]`, and a discount."""
    rng = np.random.default_rng(6)
    for T, gamma in ((3, 0.9), (4, 0.7), (5, 0.95), (6, 0.8), (40, 0.99)):
        yield rng.normal(size=T), rng.normal(size=T + 1), gamma


def random_chains():
    """Random games that end, the last of them late: transition probabilities `[S, S]`, gamma, lambda, and a generator.

    The rows of the probabilities have different sums below 1.
    """
    rng = np.random.default_rng(8)
    cases = ((2, 0.9, 0.7, 0.8), (3, 0.7, 0.9, 0.8), (4, 0.8, 0.5, 0.8), (5, 0.99, 0.95, 0.998))
    for S, gamma, lam, least in cases:
        yield rng.uniform(least, 1.0, size=(S, 1)) * rng.dirichlet(np.ones(S), size=S), gamma, lam, rng


def ahead(deltas: np.ndarray, weight: float) -> np.ndarray:
    """For each step t the sum over k >= 0 of weight^k deltas[t + k], `[T]`."""
    return np.array([sum(weight**k * d for k, d in enumerate(deltas[t:])) for t in range(len(deltas))])


def solved(P: np.ndarray, amounts: np.ndarray, weight: float) -> np.ndarray:
    """The solution x of x = amounts + weight P x."""
    return np.linalg.solve(np.eye(len(P)) - weight * P, amounts)


def shared(surprises: np.ndarray, beta: float) -> float:
    """What the present joint actions own of all variance in an episode (the theorem on the budget of an episode).

    surprises: `[T]`, the variance that each step's joint action brings in; beta = (gamma lambda)^2. The surprise of
    time t counts in the variance of steps t, t - 1, ..., 0, with the weights 1, beta, ..., beta^t.
    """
    charged = [sum(beta**k for k in range(t + 1)) for t in range(len(surprises))]
    return float(surprises.sum() / (surprises @ charged))
