"""Chapter 7, a team PPO: the checks of the lab's exercises."""

from __future__ import annotations

import numpy as np

from maca_edu.course.answers import as_array, as_number
from maca_edu.course.chapter06 import reject
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise


@exercise("a policy that obeys the mask", difficulty=1, minutes=10)
def check_masked_policy(candidate):
    """The candidate's array is a softmax over the legal actions of every agent, exactly 0 elsewhere."""
    for logits, legal in random_masks():
        with np.errstate(all="ignore"):
            result = candidate(logits, legal)
        if np.shape(result) == logits.shape and not np.isfinite(np.asarray(result, dtype=float)).all():
            raise Mistake("Logits may be large: subtract the largest legal one of each agent before you take exp.")
        got = as_array(result, logits.shape)
        want = masked_softmax(logits, legal)
        if np.allclose(got, want) and (got[~legal] == 0).all():
            continue
        everything = np.ones_like(legal)
        wrong = {
            "You leave the mask out: illegal actions keep their probability.": masked_softmax(logits, everything),
            "A logit of 0 forbids nothing, for exp(0) is 1. Illegal actions need a logit far below all others.": (
                masked_softmax(logits * legal, everything)
            ),
            "You delete illegal actions after the softmax, and the rest no longer sums to 1. Divide by its sum.": (
                masked_softmax(logits, everything) * legal
            ),
            "Your mask is the wrong way round: `legal` is True where an action is allowed.": (
                masked_softmax(logits, ~legal)
            ),
            "You forget the logits: legal actions are not equally likely.": legal / legal.sum(axis=1, keepdims=True),
            "You sum over the agents. Each row, one agent's actions, must sum to 1.": (
                masked_softmax(logits.T, legal.T).T
            ),
        }
        for message, answer in wrong.items():
            if abs(logits).max() < 100 and np.allclose(got, answer):  # far from 0, different slips look the same
                raise Mistake(message)
        if (got[~legal] > 0).any():
            raise Mistake(
                f"An illegal action has probability {got[~legal].max():.2g}. It must be exactly 0, however large or "
                "small the logits are: put minus infinity in the place of its logit, or the lowest number there is."
            )
        reject(got.ravel(), want.ravel(), {}, "the probabilities")
    return "Illegal actions have probability 0, and so their logits have gradient 0."


@exercise("lambda-returns with ends and cuts", difficulty=2, minutes=15)
def check_lambda_returns(candidate):
    """The candidate's array is the lambda-return of every step, with ends, cuts and the next episode told apart."""
    for reward, value, after, ended, cut, gamma, lam in random_steps():
        got = as_array(candidate(reward, value, after, ended, cut, gamma, lam), reward.shape)
        stops, no, last = ended | cut, np.zeros_like(ended), np.arange(len(ended)) == len(ended) - 1
        first_end, first_cut = (x & (np.arange(len(x)) == x.argmax()) for x in (ended, cut))
        shifted, closed = np.append(value[1:], after[-1]), np.append(value[1:], 0.0)
        nothing_last, no_return_last = (np.append(after[:-1], share * after[-1]) for share in (0.0, 1 - lam))
        want = returned(reward, value, after, ended, stops, gamma, lam)
        reject(
            got,
            want,
            {
                "You take a cut for an end. The game would have gone on: `after` counts there.": (
                    returned(reward, value, after, stops, stops, gamma, lam)
                ),
                "You add a value after an end. Nothing follows where the game is over.": (
                    returned(reward, value, after, no, stops, gamma, lam)
                ),
                "Your sum runs on into the next episode. Stop it at ends and at cuts.": (
                    returned(reward, value, after, ended, no, gamma, lam)
                ),
                "Your sum runs on past a cut, into the next episode. A cut stops it, too.": (
                    returned(reward, value, after, ended, ended, gamma, lam)
                ),
                "Your sum runs on past an end, into the next episode. An end stops it, too.": (
                    returned(reward, value, after, ended, cut, gamma, lam)
                ),
                "At a cut you take `value` of the next row, which is of the next episode. Take `after`.": (
                    returned(reward, value, shifted, ended, stops, gamma, lam)
                ),
                "You take `value` of the next row, and 0 beyond the last. At a cut that is another episode's, and "
                "the last row is no end. `after` has the value that follows, in every row.": (
                    returned(reward, value, closed, ended, stops, gamma, lam)
                ),
                "You put a value of 0 after the last row, which is no end. Its `after` says what follows.": (
                    returned(reward, value, nothing_last, ended, stops, gamma, lam)
                ),
                "Your recursion begins with a return of 0 beyond the last row. The last row is no end: begin with its "
                "`after`.": returned(reward, value, no_return_last, ended, stops, gamma, lam),
                "Here the last row is an end, and nothing follows it: its return is its reward.": (
                    returned(reward, value, after, ended & ~last, stops, gamma, lam)
                ),
                "You go by the first end and the first cut. There may be several of each, or none.": (
                    returned(reward, value, after, first_end, first_end | first_cut, gamma, lam)
                ),
                "That is the lambda-advantage. The return is the advantage plus `value`.": want - value,
                "You leave lambda out. Each TD error further on is multiplied by gamma times lambda.": (
                    returned(reward, value, after, ended, stops, gamma, 1.0)
                ),
                "That is the return for lambda = 0: it looks one step ahead only.": (
                    returned(reward, value, after, ended, stops, gamma, 0.0)
                ),
            },
            f"with gamma = {gamma}, lambda = {lam}, reward = {listed(reward)}, value = {listed(value)}, "
            f"after = {listed(after)}, {told_rows('ends', ended)} and {told_rows('cuts', cut)}, "
            "the lambda-returns",
        )
    return "Two ways to stop, and only one of them means that nothing follows."


@exercise("ValueNorm's statistics", difficulty=2, minutes=15)
def check_statistics(candidate):
    """The candidate's pair is the debiased running mean and deviation of the targets, the latter at least 0.1."""
    rng = np.random.default_rng(11)
    for updates, S, beta, scale in ((1, 6, 0.9, 5.0), (3, 6, 0.9, 50.0), (4, 9, 0.5, 2.0), (3, 4, 0.8, 1e-4)):
        batches = scale * rng.normal(rng.normal(size=(updates, 1)), 1.0, size=(updates, S))
        got = as_array(candidate(batches, beta), (2,))
        weights = (1 - beta) * beta ** np.arange(updates)[::-1]  # [U], the oldest first
        total, means, squares = weights.sum(), batches.mean(axis=1), (batches**2).mean(axis=1)
        m, q = weights @ means, weights @ squares
        within = weights @ batches.var(axis=1) / total
        want = np.array([m / total, deviation(q / total, m / total)])
        wrong = {
            "You do not divide by the weight of all seen so far. They began at 0 and are too small at first.": (
                m,
                deviation(q, m),
            ),
            "You divide the mean by the weight, but not the mean square.": (m / total, deviation(q, m / total)),
            "Your deviation is the root of the mean square. Subtract the square of the mean first.": (
                m / total,
                deviation(q / total, 0.0),
            ),
            "You average the variances of the batches. Their means differ, too: use the running mean square.": (
                m / total,
                deviation(within, 0.0),
            ),
            "You weigh all batches alike. Each update multiplies what was there by beta.": (
                means.mean(),
                deviation(squares.mean(), means.mean()),
            ),
            "You return the variance. The deviation is its root.": (m / total, deviation(q / total, m / total) ** 2),
            "Your deviation may become tiny, and dividing by it may blow up. It must be at least 0.1.": (
                m / total,
                max(q / total - (m / total) ** 2, 0.0) ** 0.5,
            ),
            "You have kept the newest batch only. The running sums remember the older ones.": (
                means[-1],
                deviation(squares[-1], means[-1]),
            ),
            "Beta is the weight of the past, 1 - beta that of the new batch. You swap them.": (
                swapped_statistics(batches, 1 - beta)
            ),
        }
        reject(got, want, {message: np.array(answer) for message, answer in wrong.items()}, "mean and deviation")
    return "After the first update the statistics are those of its batch, whatever beta is."


@exercise("PPO's clipped loss", difficulty=2, minutes=15)
def check_policy_loss(candidate):
    """The candidate's number is minus the mean of min(rho A, clip(rho) A) over the living."""
    for ratio, advantage, clip, alive in random_ratios():
        got = as_number(candidate(ratio, advantage, clip, alive))
        want = loss_of(ratio, advantage, clip, alive)
        near, everybody = ratio.clip(1 - clip, 1 + clip), np.ones_like(alive)
        plain = ratio * advantage
        wrong = {
            "The sign is wrong. The surrogate is to grow, so the loss is minus its mean.": -want,
            "You leave the clip out.": -(plain * alive).sum() / alive.sum(),
            "You clip always. Take the smaller of the clipped and the unclipped product.": (
                -(near * advantage * alive).sum() / alive.sum()
            ),
            "You take the larger product. Then leaving the interval would pay: take the smaller.": (
                -(np.maximum(plain, near * advantage) * alive).sum() / alive.sum()
            ),
            "The dead are in your loss. They act on paper only.": loss_of(ratio, advantage, clip, everybody),
            "You divide by the number of all agents and samples. Divide by the number of the living.": (
                want * alive.mean()
            ),
            "That is the sum over the living. Take their mean.": want * alive.sum(),
            "You take the smaller ratio first, and then multiply. For blame that is the larger product.": (
                -(np.minimum(ratio, near) * advantage * alive).sum() / alive.sum()
            ),
            "You clip the product. The interval is for the ratio.": (
                -(np.minimum(plain, plain.clip(1 - clip, 1 + clip)) * alive).sum() / alive.sum()
            ),
        }
        if np.isclose(got, want):
            continue
        for message, answer in wrong.items():
            if np.isclose(got, answer):
                raise Mistake(message)
        raise Mistake(f"On a random example the loss is {told_apart(got, want)}.")
    return "One loss for the whole team: every living agent of every sample counts once."


@exercise("what the surrogate follows", difficulty=3, minutes=15)
def check_score_weights(candidate):
    """The candidate's array is minus the derivative of the loss by every log-probability, against differences."""
    for ratio, advantage, clip, alive in random_ratios():
        got = as_array(candidate(ratio, advantage, clip, alive), ratio.shape)
        want = -slopes(ratio, advantage, clip, alive)
        inside = (ratio > 1 - clip) & (ratio < 1 + clip)
        passed = np.where(advantage > 0, ratio < 1 + clip, ratio > 1 - clip)
        share = alive / alive.sum()
        if (abs(got[~alive]) > 1e-6).any():
            k, i = np.unravel_index(np.argmax(abs(np.where(alive, 0.0, got))), got.shape)
            raise Mistake(
                f"The dead move nobody's policy. Agent {i} is dead in sample {k}, and you give it the weight "
                f"{got[k, i]:.4g}: it must be 0."
            )
        wrong = {
            "You leave the ratio out. By the log-probability the slope is the ratio times that by the ratio.": (
                passed * advantage * share
            ),
            "Outside the interval the slope is not always 0. It is where the advantage asks to go further out.": (
                inside * ratio * advantage * share
            ),
            "You leave the clip out: some of these entries no longer move the policy.": ratio * advantage * share,
            "Your clip is on the wrong side. Praise stops above 1 + clip, blame below 1 - clip.": (
                np.where(advantage > 0, ratio > 1 - clip, ratio < 1 + clip) * ratio * advantage * share
            ),
            "You divide by the number of all entries. The loss is a mean over the living.": (
                passed * ratio * advantage * alive / alive.size
            ),
            "The loss is a mean: divide by the number of the living.": passed * ratio * advantage * alive,
            "The sign is wrong. Praised actions are to become likelier.": -want,
        }
        reject_table(got, want, wrong)
    return "At ratio 1 the weights are the advantages: the policy gradient of chapter 2."


def reject_table(got, want, wrong: dict) -> None:
    """`reject` for tables of slopes that were found by differences, so that they are right to six digits only."""
    if np.allclose(got, want, atol=1e-6):
        return
    for message, answer in wrong.items():
        if np.allclose(got, answer, atol=1e-6) and not np.allclose(answer, want, atol=1e-6):
            raise Mistake(message)
    k, i = worst_place(got, want)
    raise Mistake(f"On a random example the weight of sample {k}, agent {i} is {told_apart(got[k, i], want[k, i])}.")


def listed(numbers) -> str:
    """Numbers as a message writes them: [0.20, 0.50, -0.30]."""
    return "[" + ", ".join(f"{number:.2f}" for number in numbers) + "]"


def told_rows(what: str, stops: np.ndarray) -> str:
    """The rows where it is True, as a message writes them: "ends with rows [1, 4]", or "no ends"."""
    rows = np.flatnonzero(stops).tolist()
    return f"{what} with rows {rows}" if rows else f"no {what}"


# ---------------------------------------------------------------------------------------------------------------------
# The right answers, slowly


def masked_softmax(logits: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Softmax over the legal actions of each row, 0 elsewhere; a row without a legal action is all 0. `[n, A]`."""
    lifted = np.where(legal, logits, -np.inf)
    top = lifted.max(axis=1, keepdims=True)
    weights = np.where(legal, np.exp(lifted - np.where(np.isfinite(top), top, 0.0)), 0.0)
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)


def returned(reward, value, after, ended, stops, gamma: float, lam: float) -> np.ndarray:
    """Lambda-returns `[T]`: no value follows where `ended`, and the sum of TD errors stops where `stops`."""
    T = len(reward)
    deltas = reward + gamma * np.where(ended, 0.0, after) - value
    total = np.zeros(T)
    for t in range(T):
        for k in range(t, T):
            total[t] += (gamma * lam) ** (k - t) * deltas[k]
            if stops[k]:
                break
    return total + value


def deviation(square: float, mean: float) -> float:
    """The root of square - mean^2, at least 0.1."""
    return max(square - mean**2, 0.01) ** 0.5


def swapped_statistics(batches: np.ndarray, beta: float) -> tuple[float, float]:
    """ValueNorm's mean and deviation with this weight of the past."""
    weights = (1 - beta) * beta ** np.arange(len(batches))[::-1]
    m, q = (weights @ x / weights.sum() for x in (batches.mean(axis=1), (batches**2).mean(axis=1)))
    return m, deviation(q, m)


def loss_of(ratio, advantage, clip: float, alive) -> float:
    """PPO's loss, entry by entry."""
    total = 0.0
    for k, i in np.ndindex(ratio.shape):
        if alive[k, i]:
            clipped = min(max(ratio[k, i], 1 - clip), 1 + clip)
            total += min(ratio[k, i] * advantage[k, i], clipped * advantage[k, i])
    return -total / alive.sum()


def slopes(ratio, advantage, clip: float, alive, step: float = 1e-6) -> np.ndarray:
    """The loss's derivatives by the log-probabilities of the new policy, by central differences."""
    found = np.zeros_like(ratio)
    for at in np.ndindex(ratio.shape):
        up, down = ratio.copy(), ratio.copy()
        up[at], down[at] = ratio[at] * np.exp(step), ratio[at] * np.exp(-step)
        found[at] = (loss_of(up, advantage, clip, alive) - loss_of(down, advantage, clip, alive)) / (2 * step)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Random examples


def random_masks():
    """Logits and masks `[n, A]`, both kinds of action in every row; the last logits are far from 0, each in its way."""
    rng = np.random.default_rng(12)
    yield rng.normal(size=(2, 3)), np.array([[False, True, True], [True, True, False]])
    for n, A in ((3, 4), (4, 5), (5, 3)):
        yield rng.normal(size=(n, A)), random_mask(rng, n, A)
    legal = random_mask(rng, 3, 4)
    for shift in (1000.0, -1000.0, [[0.0], [2000.0], [-2000.0]], 2000.0 * ~legal):  # the last: illegal ones far above
        yield rng.normal(size=(3, 4)) + shift, legal


def random_mask(rng: np.random.Generator, n: int, A: int) -> np.ndarray:
    """Which actions are legal, `[n, A]`: at least one of each row, and not all of them."""
    legal, one = rng.random(size=(n, A)) < 0.6, rng.integers(A, size=n)
    legal[np.arange(n), one], legal[np.arange(n), one - 1] = True, False
    return legal


def random_steps():
    """Rewards, values, values after each step, ends and cuts `[T]`, never both at once, with gamma and lambda."""
    rng = np.random.default_rng(13)
    for T, ends, cuts, gamma, lam in (
        (6, [1], [3], 0.9, 0.7),
        (8, [0, 5], [2, 4], 0.8, 0.5),  # several, one in the first row, two side by side
        (7, [2, 6], [1], 0.95, 0.9),  # an end in the last row
        (5, [3], [0, 4], 0.7, 0.8),  # a cut in the last row
        (9, [], [], 1.0, 0.6),
    ):
        ended, cut = np.isin(np.arange(T), ends), np.isin(np.arange(T), cuts)
        reward, value = rng.normal(size=T), rng.normal(size=T)
        after = np.where(ended | cut, rng.normal(size=T), np.append(value[1:], rng.normal()))
        yield reward, value, after, ended, cut, gamma, lam


def random_ratios():
    """Ratios, advantages `[S, n]`, a clip and who is alive; ratios fall on both sides of the interval."""
    rng = np.random.default_rng(14)
    for S, n, clip in ((6, 3, 0.2), (5, 4, 0.1), (8, 2, 0.35)):
        ratio = np.exp(rng.normal(scale=0.4, size=(S, n)))
        alive = rng.random(size=(S, n)) < 0.7
        alive[0] = True
        yield ratio, rng.normal(size=(S, n)), clip, alive
