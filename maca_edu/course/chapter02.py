"""Chapter 2, policy gradients for teams: the checks of the lab's exercises."""

from __future__ import annotations

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_array, as_number, as_truth
from maca_edu.course.verdict import Mistake, exercise, random_game, random_games


@exercise("the score of a softmax policy", difficulty=1, minutes=5)
def check_score(candidate):
    """The candidate's vector is e_{a_i} - pi_i for random policies and every action."""
    rng = np.random.default_rng(21)
    for A in (2, 3, 4):
        pi = rng.dirichlet(np.ones(A))
        for action in range(A):
            taken = np.eye(A)[action]
            got, want = as_array(candidate(pi, action), (A,)), taken - pi
            if np.allclose(got, want):
                continue
            if np.allclose(got, taken):
                raise Mistake("The minus is missing: raising one logit lowers the probabilities of all other actions.")
            if np.allclose(got, -want):
                raise Mistake("The sign is turned round: raising the logit of the action taken makes it more likely.")
            if np.allclose(got, taken / pi):
                raise Mistake("That is the derivative by the probabilities. The gradient is taken by the logits.")
            if np.allclose(got, pi[action] * want):
                raise Mistake("That is the gradient of the probability. The score is the gradient of its logarithm.")
            raise Mistake(
                f"For pi = {pi.round(3)} and action {action} the score is {want.round(3)}, not {got.round(3)}."
            )
    return "Whatever the action, the entries add up to zero."


@exercise("the exact gradient of one agent", difficulty=2, minutes=10, without="maca_edu.exact")
def check_exact_gradient(candidate):
    """The candidate's vector is pi_i(c) (E[Q | a_i = c] - V), for every agent of random games."""
    for q, policy in (*random_games(n=3, A=3, seed=22), *random_games(2, n=4, A=2, seed=26)):
        for agent in range(q.ndim):
            pi, n = policy[agent], q.ndim
            given = conditional_mean(q, policy, agent)
            got, want = as_array(candidate(q, policy, agent), pi.shape), pi * (given - pi @ given)
            if np.allclose(got, want):
                continue
            if np.allclose(got, pi * given):
                raise Mistake("V is missing. Every entry must be compared with the mean; the entries add up to zero.")
            if np.allclose(got, given - pi @ given):
                raise Mistake("The factor pi_i(c) is missing: the logit of a rare action moves little.")
            if np.allclose(got, given - given.mean()) or np.allclose(got, pi * (given - given.mean())):
                raise Mistake("You compare with the plain mean over actions. V weighs them by the agent's own policy.")
            if np.allclose(got, want / n):
                raise Mistake("You divide by the number of agents. Nobody shares the gradient out: each has its own.")
            if np.allclose(got, pi * (plain_mean(q, agent) - pi @ plain_mean(q, agent))):
                raise Mistake("You weigh the others' actions all alike. They follow their policies.")
            first = conditional_mean(q, policy, 0)
            if np.allclose(got, policy[0] * (first - policy[0] @ first)):
                raise Mistake(f"You return agent 0's gradient, whoever is asked for; here it was agent {agent}.")
            raise Mistake(f"For agent {agent} of a random game the gradient is {want.round(3)}, not {got.round(3)}.")
    return "The mean of reward times score is the same vector: that is Theorem 2.1."


def conditional_mean(q: np.ndarray, policy: np.ndarray, agent: int) -> np.ndarray:
    """E[Q | a_i = c] for every action c of the agent, `[A]`."""
    others = [j for j in range(q.ndim) if j != agent]
    return np.moveaxis(exact.baseline(q, policy, others), agent, 0).reshape(q.shape[agent], -1)[:, 0]


def plain_mean(q: np.ndarray, agent: int) -> np.ndarray:
    """The mean of q for every action of the agent, the others' actions weighed alike, `[A]`."""
    return q.mean(axis=tuple(j for j in range(q.ndim) if j != agent))


@exercise("the gradient from a batch of joint actions", difficulty=2, minutes=10)
def check_sampled_gradient(candidate):
    """The candidate's vector is the batch's mean of (Q - b) times the score, on random games and batches."""
    rng = np.random.default_rng(23)
    batches = [(8, game) for game in random_games(n=3, A=2, seed=23)]
    batches += [(5, game) for game in random_games(2, n=4, A=3, seed=27)]
    for B, (q, policy) in batches:
        n, A = policy.shape
        for agent in range(n):
            actions = rng.integers(A, size=(B, n))
            b = exact.baseline(q, policy, [agent]) + 1.0
            weight = (q - b)[tuple(actions.T)]
            taken = np.eye(A)[actions[:, agent]]
            each = weight[:, None] * (taken - policy[agent])  # [B, A]
            got, want = as_array(candidate(q, policy, agent, actions, b), (A,)), each.mean(axis=0)
            if np.allclose(got, want):
                continue
            if np.allclose(got, each.sum(axis=0)):
                raise Mistake("That is the sum over the batch. Take the mean, or a larger batch makes larger steps.")
            if np.allclose(got, want / n):
                raise Mistake("You divide by the number of agents. Divide by the size of the batch and nothing else.")
            if np.allclose(got, (q[tuple(actions.T)][:, None] * (taken - policy[agent])).mean(axis=0)):
                raise Mistake("The baseline is not used. On average that is right too; this batch has another value.")
            if np.allclose(got, ((q + b)[tuple(actions.T)][:, None] * (taken - policy[agent])).mean(axis=0)):
                raise Mistake("You add the baseline. Subtract it from the reward.")
            if np.allclose(got, (weight[:, None] * taken).mean(axis=0)):
                raise Mistake("You weigh the one-hot action. Weigh the score: the action less the probabilities.")
            if np.allclose(got, weight.mean() * (taken - policy[agent]).mean(axis=0)):
                raise Mistake("You multiply two means. Multiply weight and score of each play first, then average.")
            raise Mistake(
                f"For agent {agent} and a batch of {B} the estimate is {want.round(3)}; your function returned "
                f"{got.round(3)}. Is the score that of this agent, and the baseline looked up at the joint action?"
            )
    return "One batch, one step: this is REINFORCE with a baseline."


def baselines_to_judge(rng: np.random.Generator):
    """Baselines for the agents of a random game: (array, agent, legal, message for the wrong judgement)."""
    q, policy = random_game(rng, 3, 3)
    for agent in range(3):
        individual = exact.baseline(q, policy, [agent])
        message = "You turned down a constant. It depends on nobody's action: it is legal for every agent."
        yield np.full(q.shape, 7.0), agent, True, message
        message = "You turned down the mean over the agent's own action. It depends on the others' actions, and it may."
        yield individual, agent, True, message
        message = "You let through the mean over the others, which keeps the own action. Look along the agent's axis."
        yield exact.baseline(q, policy, [j for j in range(3) if j != agent]), agent, False, message
        yield q, agent, False, "You let through Q itself, which depends on everybody's action."
        message = "You let through a baseline that differs in one entry. Compare all actions, in all cases."
        for entry in np.ndindex(q.shape):  # every action of the agent, in every company
            one_entry = np.zeros(q.shape)
            one_entry[entry] = 0.01
            yield one_entry, agent, False, message
        message = "You turned down a baseline that differs where others' actions do. That is allowed, wherever it is."
        for entry in np.ndindex(q.shape[1:]):
            company = np.zeros(q.shape)
            np.moveaxis(company, agent, 0)[:, *entry] = 0.01
            yield company, agent, True, message
        message = "You let through a baseline whose plain mean ignores the agent's action, but whose entries do not."
        balanced = np.outer([1.0, -1.0, 0.0], np.tile([1.0, -1.0, 0.0], 3)).reshape(q.shape)
        yield np.moveaxis(balanced, 0, agent), agent, False, message
        message = "You turned down a baseline for rounding errors of 1e-15. Use `np.isclose`, not `==`."
        yield individual + 1e-15 * rng.normal(size=q.shape), agent, True, message
        message = "You let through a baseline that changes by 0.00001 with the own action. That is no rounding error."
        yield 1e-5 * np.indices(q.shape)[agent], agent, False, message
    q, policy = random_game(rng, 4, 2)
    for agent in range(4):
        message = "You turned down the mean over the agent's own action in a game of four agents with two actions each."
        yield exact.baseline(q, policy, [agent]), agent, True, message
        message = "You let through Q itself in a game of four agents with two actions each."
        yield q, agent, False, message


@exercise("is this baseline legal?", difficulty=2, minutes=10)
def check_is_legal(candidate):
    """The candidate tells baselines that depend on the agent's own action from those that do not."""
    for b, agent, legal, message in baselines_to_judge(np.random.default_rng(24)):
        if as_truth(candidate(b, agent)) != legal:
            raise Mistake(message)
    return "Legal is a property of the array and the agent; no policy and no game enters."


def plays_to_see(mean: np.ndarray, variance: float) -> float:
    """How many joint actions make the mean of an estimate two standard errors long; mean `[A]`."""
    return 4 * variance / (mean @ mean)


def is_enough(got: float, want: float) -> bool:
    """Whether an answer to "how many?" is right: the number itself, or the next whole one."""
    return bool(np.isclose(got, want) or got == np.ceil(want))


@exercise("how many joint actions are enough?", difficulty=1, minutes=5, without="maca_edu.course")
def check_samples_needed(candidate):
    """The candidate's S makes |mean| = z standard errors; rounding up is allowed."""
    rng = np.random.default_rng(25)
    for z, A in ((1.0, 3), (2.0, 2), (3.0, 4)):
        q, policy = random_game(rng, 3, A)
        mean, variance = exact.gradient_moments(q, policy, 0, 0.0)
        variance, signal = variance + 2.0, mean @ mean
        got, want = as_number(candidate(mean, variance, z)), z**2 * variance / signal
        if is_enough(got, want):
            continue
        if z != 1 and np.isclose(got, z * variance / signal):
            raise Mistake("Square z, too: the standard error shrinks with the square root of S.")
        if z != 2 and np.isclose(got, 4 * variance / signal):
            raise Mistake(f"You answer for z = 2 always; here z was {z:g}.")
        if np.isclose(got, z * np.sqrt(variance / signal)) or np.isclose(got, np.sqrt(variance / signal)):
            raise Mistake("That is the root of the answer: S times |mean|^2 equals z^2 times the variance.")
        halves = (np.sqrt(variance) / signal, variance / np.sqrt(signal), np.sqrt(variance / signal))
        if any(np.isclose(got, z**2 * ratio) for ratio in halves):
            raise Mistake("A square is missing. Compare the squared length of the mean with the variance.")
        if np.isclose(got, z**2 * variance / (signal / A)) or abs(got) > 1e6 * want:
            raise Mistake("You average the entries of the mean. Use the vector's squared length, the sum of squares.")
        raise Mistake(
            f"With squared mean {signal:.3f}, variance {variance:.3f} and z = {z:g}, S is {want:.1f}, not {got:.1f}."
        )
    if not is_enough(as_number(candidate(mean, variance)), plays_to_see(mean, variance)):
        raise Mistake("Where z is left out it is 2, as in the stub: `z=2`.")
    return "The ratio of variance to squared mean is all that counts: rescaling the reward changes nothing."
