"""Chapter 9, counterfactuals and turns: the checks of the lab's exercises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from maca_edu import exact
from maca_edu.course.answers import as_array
from maca_edu.course.unequal import told_apart, worst_place
from maca_edu.course.verdict import Mistake, exercise, random_games


@exercise("COMA's advantage", difficulty=1, minutes=5)
def check_coma(candidate):
    """The candidate's numbers are Q of the action played less the policy's mean of Q, on random samples."""
    rng = np.random.default_rng(9)
    for S, n, A in ((5, 3, 3), (4, 2, 4), (1, 5, 2)):
        q_values, policy = rng.normal(size=(S, n, A)), rng.dirichlet(np.ones(A), size=(S, n))
        action = rng.integers(A, size=(S, n))
        action[0, 0] = (q_values[0, 0].argmax() + 1) % A  # not the best one everywhere
        played = np.take_along_axis(q_values, action[..., None], axis=2)[..., 0]  # [S, n]
        expected = (policy * q_values).sum(axis=2)
        chance = np.take_along_axis(policy, action[..., None], axis=2)[..., 0]
        want = played - expected
        got = as_array(candidate(q_values, policy, action), (S, n))
        if np.allclose(got, want):
            continue
        for wrong, message in (
            (played, "That is Q of the action played. Subtract what the agent's habit is worth."),
            (expected, "That is the baseline. The advantage is Q of the action played, less the baseline."),
            (-want, "The sign is wrong: what was played, less what is usual."),
            (
                played - q_values.mean(axis=2),
                "You subtract the plain mean over actions. Weigh each action by the policy: that is the agent's habit.",
            ),
            (
                played - q_values.max(axis=2),
                "You subtract the best action's value. COMA compares with the agent's habit, not with its best action.",
            ),
            (
                played - chance * played,
                "You average over the action played only. Sum over all actions that the agent could have taken.",
            ),
            (
                played - expected.mean(axis=1, keepdims=True),
                "You subtract one number for the whole team. Every agent has a baseline of its own.",
            ),
        ):
            if np.allclose(got, wrong):
                raise Mistake(message)
        s, i = worst_place(got, want)
        raise Mistake(
            f"In a random batch the advantage of sample {s}, agent {i} is {told_apart(got[s, i], want[s, i])}."
        )
    return "One row of the critic is enough for an agent: the others' actions are already in it."


@exercise("the bias of a wrong critic", difficulty=2, minutes=10, without="maca_edu")
def check_bias(candidate):
    """The candidate's vector is E[(e - e_i) score] on random errors, which only the agent's own component makes."""
    for error, policy in (*random_games(3, n=3, A=3, seed=9), *random_games(3, n=4, A=2, seed=10)):
        for agent in range(error.ndim):
            want = exact.gradient_moments(error, policy, agent, 0.0)[0]
            got = as_array(candidate(error, policy, agent), want.shape)
            if np.allclose(got, want):
                continue
            pi, given = policy[agent], mean_given(error, policy, agent)
            plain = mean_given(error, np.full_like(policy, 1 / policy.shape[1]), agent)
            for wrong, message in (
                (given - pi @ given, "That is the error's own component. An action counts as often as it is played."),
                (
                    pi * given,
                    "Subtract the error's mean: a critic that is too high everywhere turns nobody. Your entries do not "
                    "sum to 0.",
                ),
                (
                    given,
                    "That is E[e | a_i = c]. Subtract the error's mean, and weigh by the agent's probability of c.",
                ),
                (-want, "The sign is wrong. Where the critic is too high for an action, the agent plays it more."),
                (pi * (plain - pi @ plain), "You average over the others as if they tossed coins. They have policies."),
                (pi * (given - given.mean()), "You subtract the plain mean over actions. Weigh it by the policy."),
                (np.zeros_like(want), "Zero is the bias of a wrong baseline. Here the error also replaces the reward."),
            ):
                if np.allclose(got, wrong) and not np.allclose(wrong, want):
                    raise Mistake(message)
            c = worst_place(got, want)
            raise Mistake(
                f"With a random error entry {c[0]} of the bias of agent {agent} is {told_apart(got[c], want[c])}."
            )
    return "It is the gradient of a game that pays the error."


@exercise("an error that turns nobody", difficulty=3, minutes=15)
def check_harmless(candidate):
    """The candidate's error has rms 1, no agent's gradient is biased by it, and every agent's advantage changes."""
    rng = np.random.default_rng(11)
    for n, A in ((2, 2), (3, 3), (4, 2)):
        policy = rng.dirichlet(np.full(A, 2.0), size=n)
        error = as_array(candidate(policy), (A,) * n)
        told = f"With {n} agents and {A} actions"
        if not np.any(error):
            raise Mistake(f"{told} your error is zero everywhere. A critic without errors is no exercise.")
        if np.allclose(error, error.flat[0]):
            raise Mistake(f"{told} your error is a constant. It turns nobody, but no advantage changes either.")
        biases = [np.abs(exact.gradient_moments(error, policy, i, 0.0)[0]).max() for i in range(n)]
        if max(biases) > 1e-7:
            uniform = np.full_like(policy, 1 / A)
            coins = [np.abs(exact.gradient_moments(error, uniform, i, 0.0)[0]).max() for i in range(n)]
            why = (
                "It would turn nobody in a team that tosses coins; use the policy that is given."
                if max(coins) < 1e-7
                else "Averaged over the others, your error still depends on this agent's action."
            )
            raise Mistake(f"{told} the gradient of agent {int(np.argmax(biases))} is bent. {why}")
        for i in range(n):
            if np.allclose(exact.advantage(error, policy, (i,)), 0):
                raise Mistake(
                    f"{told} agent {i} does not notice your error: it does not depend on that agent's action. "
                    "Let every agent be part of it."
                )
        size = np.sqrt(exact.value(error**2, policy))
        if not np.isclose(size, 1):
            raise Mistake(f"{told} the root mean square of the error under the policy must be {told_apart(size, 1)}.")
    return "It has one component only, that of all agents together: noise for everybody, bias for nobody."


@exercise("the factors of a turn", difficulty=2, minutes=10)
def check_factors(candidate):
    """The candidate gives each agent the product of the ratios of those before it in the order."""
    rng = np.random.default_rng(12)
    for S, order in ((4, (2, 0, 3, 1)), (3, (0, 1, 2)), (2, (3, 1, 4, 0, 2))):
        n = len(order)
        ratios = rng.uniform(0.5, 1.5, size=(S, n))
        want = factors(ratios, order)
        got = as_array(candidate(ratios, order), (S, n))
        if np.allclose(got, want):
            continue
        alone = np.ones_like(want)
        for before, i in pairwise(order):
            alone[:, i] = ratios[:, before]
        added = np.ones_like(want)
        for place, i in enumerate(order[1:], start=1):
            added[:, i] = ratios[:, list(order[:place])].sum(axis=1)
        in_order = want[:, list(order)]  # column m belongs to the agent in place m
        for wrong, message in (
            (want * ratios, "You include the agent's own ratio. The factor holds those who were updated before it."),
            (
                factors(ratios, order[::-1]),
                "You multiply the ratios of those who come later. They still play their old policies.",
            ),
            (
                factors(ratios, range(n)),
                "You go through the agents by number. They are updated in the order that is given.",
            ),
            (in_order, "Column m of your answer belongs to the agent in place m. Column i must belong to agent i."),
            (alone, "You use the ratio of the last agent only. All who were updated before have changed."),
            (added, "You add the ratios. The agents draw independently, so probabilities multiply."),
            (np.ones_like(want), "All your factors are 1: that is an update of all agents at once."),
            (
                want / want.mean(axis=0),
                "You divide by the mean. The factor's expectation is 1 already; its sample mean is not.",
            ),
        ):
            if np.allclose(got, wrong):
                raise Mistake(message)
        if not np.allclose(got[:, order[0]], 1):
            raise Mistake(f"Agent {order[0]} is first in the order {order}: nobody has changed, so its factor is 1.")
        s, i = worst_place(got, want)
        raise Mistake(
            f"In the order {order} with the ratios {ratios[s].round(2)} the factor of agent {i} is "
            f"{told_apart(got[s, i], want[s, i])}."
        )
    return "The first agent has factor 1, and the last carries everybody's ratio but its own."


@exercise("best answers in turn", difficulty=2, minutes=10)
def check_turn(candidate):
    """The candidate's policy comes from best answers, one agent after the other, on random games."""
    cases, answers = [], []
    for n, A, order, seed in (
        (3, 3, (2, 0, 1), 13),
        (3, 2, (1, 2, 0), 14),
        (2, 3, (1, 0), 15),
        (4, 2, (2, 0, 3, 1), 16),
    ):
        for q, policy in random_games(4, n=n, A=A, seed=seed):
            cases.append((q, policy, order))
            answers.append(as_array(candidate(q, policy, order), policy.shape))

    def agrees(solve):
        """Whether a way to solve it, right or wrong, explains every answer."""
        return all(np.allclose(got, solve(*case)) for got, case in zip(answers, cases, strict=True))

    if agrees(best_answers):
        return "No step of a turn lowers the team's value, whatever the order."
    if any((got < -1e-9).any() or not np.allclose(got.sum(axis=1), 1) for got in answers):
        raise Mistake("A row of your answer is not a distribution. Return a policy, `[n, A]`.")
    for message, solve in WRONG_TURNS.items():
        if agrees(solve):
            raise Mistake(message)
    at = next(k for k, got in enumerate(answers) if not np.allclose(got, best_answers(*cases[k])))
    if not np.allclose(answers[at].max(axis=1), 1):
        raise Mistake(
            f"A best answer puts all probability on one action. With the order {cases[at][2]}, row "
            f"{answers[at].max(axis=1).argmin()} of your answer does not."
        )
    raise Mistake(
        f"In a random game with the order {cases[at][2]} the actions are {best_answers(*cases[at]).argmax(axis=1)}; "
        f"yours are {answers[at].argmax(axis=1)}. Average over the others with their policies of the moment."
    )


def mean_given(q: np.ndarray, policy: np.ndarray, agent: int) -> np.ndarray:
    """E[q | a_agent = c] for every action c, `[A]`."""
    for j in reversed(range(q.ndim)):
        if j != agent:
            q = np.tensordot(q, policy[j], axes=(j, 0))
    return q


def factors(ratios: np.ndarray, order) -> np.ndarray:
    """HAPPO's M of every agent `[S, n]`: the product of the ratios `[S, n]` of those before it in the order."""
    result, so_far = np.ones_like(ratios), np.ones(len(ratios))
    for i in order:
        result[:, i] = so_far
        so_far = so_far * ratios[:, i]
    return result


def best_answers(q: np.ndarray, policy: np.ndarray, order) -> np.ndarray:
    """The policy `[n, A]` after each agent of the order in turn has put all probability on its best action."""
    policy = policy.copy()
    for i in order:
        policy[i] = np.eye(policy.shape[1])[mean_given(q, policy, i).argmax()]
    return policy


def best_joint(q: np.ndarray) -> np.ndarray:
    """The policy `[n, A]` that plays the best joint action."""
    return np.eye(q.shape[0])[list(np.unravel_index(q.argmax(), q.shape))]


WRONG_TURNS = {
    "You update all agents at once: each answers the others' old policies.": lambda q, policy, order: np.stack(
        [best_answers(q, policy, (i,))[i] for i in range(len(policy))]
    ),
    "You go through the order backwards.": lambda q, policy, order: best_answers(q, policy, order[::-1]),
    "You go through the agents by number.": lambda q, policy, order: best_answers(q, policy, sorted(order)),
    "Your agents choose the worst action.": lambda q, policy, order: best_answers(-q, policy, order),
    "You update only the first agent.": lambda q, policy, order: best_answers(q, policy, order[:1]),
    "You play the best joint action. An agent in its turn can change its own part only.": (
        lambda q, policy, order: best_joint(q)
    ),
}
