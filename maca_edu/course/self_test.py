"""Twelve questions on Part I. The answers are not stored: each is computed from the game by the exact library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maca_edu import exact
from maca_edu.checks import shown
from maca_edu.course.dividends import anchored_terms
from maca_edu.course.verdict import LOOKS, rich, unfilled
from toy_envs import OneShotGame, RewardTerm

A, B, C = range(3)
HALF = np.full((3, 2), 0.5)
N = (A, B, C)


def sofa() -> OneShotGame:
    """The game of the self-test: A and B carry a sofa (4), which costs each of them 1; C carries a lamp (2)."""
    terms = [
        RewardTerm("sofa", (A, B), [[0, 0], [0, 4]]),
        RewardTerm("effort_A", (A,), [0, -1]),
        RewardTerm("effort_B", (B,), [0, -1]),
        RewardTerm("lamp", (C,), [0, 2]),
    ]
    return OneShotGame(3, 2, terms, name="sofa", actions=("rest", "lift"))


Q = sofa().payoff()


@dataclass(frozen=True)
class Question:
    """One question: its chapter, what the right answer is (computed when asked), and why."""

    chapter: int
    answer: Callable[[], float | frozenset]
    why: str


def shares() -> np.ndarray:
    """How the levels 1, 2, 3 share the variance of the reward, `[3]`."""
    return exact.level_shares(Q, HALF)


def legal() -> frozenset:
    """Which of four baselines of agent A leave the mean gradient as it is, by trying them."""
    own = exact.baseline(Q, HALF, (B, C))  # averages the others out and keeps A's own action
    offered = {"a": exact.baseline(Q, HALF, N), "b": own, "c": exact.baseline(Q, HALF, (A,)), "d": Q}
    mean = exact.gradient_moments(Q, HALF, A, 0.0)[0]
    return frozenset(k for k, b in offered.items() if np.allclose(exact.gradient_moments(Q, HALF, A, b)[0], mean))


def partners() -> frozenset:
    """The agents, by letter, who share a reward term with A, A among them: the true CorrSet of A."""
    return frozenset("ABC"[i] for term in sofa().reward_terms if A in term.agents for i in term.agents)


def removable() -> int:
    """How many components are not zero and do not contain A, the component of nobody left out."""
    spectrum = exact.credit_spectrum(Q, HALF)
    return sum(bool(group) and A not in group and not np.allclose(part, 0) for group, part in spectrum.items())


def swapped() -> float:
    """A's best legal baseline where A lifts with probability 0.8, when B lifts and C rests."""
    policy = np.array([[0.2, 0.8], [0.5, 0.5], [0.5, 0.5]])
    return exact.minimum_variance_baseline(Q, policy, A, (A,))[0, 1, 0].item()


def joint_weight() -> float:
    """The best weight of the joint baseline in a game that pays 1 where both of two agents act, each with p = 0.8."""
    both = np.array([[0.0, 0.0], [0.0, 1.0]])
    return exact.optimal_mixture(both, np.array([[0.2, 0.8]] * 2), 0, [(0, 1), (0,)])[0].item()


QUESTIONS = {
    1: Question(1, lambda: int((Q == 2).sum()), "LLR pays 4 - 1 - 1 = 2, and RRL pays 2 for the lamp."),
    2: Question(
        1,
        lambda: anchored_terms(Q, (1, 1, 1))[0, 1, 1].item(),
        "RLL pays -1 + 2 = 1, LLL pays 4: A's resting alone changes 4 into 1.",
    ),
    3: Question(2, lambda: exact.gradient_moments(Q, HALF, A, 0.0)[0][1].item(), "p(1 - p)(4/2 - 1) = 1/4 times 1."),
    4: Question(2, legal, "V and the mean over A's own action ignore what A did; the other two look at it."),
    5: Question(
        3,
        lambda: exact.advantage(Q, HALF, (A,))[1, 1, 0].item(),
        "LLR pays 2, RLR pays -1; their mean is 1/2, and 2 - 1/2 = 3/2.",
    ),
    6: Question(3, partners, "Only the sofa's term holds A and somebody else, and that is B."),
    7: Question(
        4,
        lambda: exact.credit_spectrum(Q, HALF)[(A, B)][1, 1, 0].item(),
        "4 (1 - 1/2)(1 - 1/2) = 1: the part of the sofa that neither A nor B explains alone.",
    ),
    8: Question(4, lambda: shares()[1].item(), "The variances are 1/4 (A), 1/4 (B), 1 (C), 1 (A and B): 1 of 2.5."),
    9: Question(4, removable, "{B} and {C}. The component of {A, B} contains A, and that of {B, C} is zero."),
    10: Question(5, swapped, "The best baseline swaps the probabilities: 0.2 times 2 plus 0.8 times -1."),
    11: Question(5, joint_weight, "2 - 1/p with p = 0.8, as in the game in which everything hangs on everybody."),
    12: Question(6, lambda: 1 - (0.99 * 0.95) ** 2, "1 - (gamma lambda)^2: the joint action owns about a ninth."),
}


@dataclass(frozen=True)
class Report:
    """How the twelve answers stand: one line each, and a sum."""

    lines: tuple[tuple[int, str, str], ...]  # (question, status, text)

    @property
    def correct(self) -> int:
        return sum(status == "correct" for _, status, _ in self.lines)

    def __repr__(self) -> str:
        rows = [f"{number:2d}  {LOOKS[status][0]} {text}" for number, status, text in self.lines]
        return "\n".join([*rows, f"{self.correct} of {len(self.lines)} are correct."])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td>{number}</td><td style="color: {LOOKS[status][1]}">{LOOKS[status][0]}</td>'
            f'<td style="text-align: left">{rich(text)}</td></tr>'
            for number, status, text in self.lines
        )
        return f"<table>{rows}</table><p><strong>{self.correct} of {len(self.lines)} are correct.</strong></p>"


def check_part_one(answers: dict) -> Report:
    """Compare the reader's answers with the truth.

    answers: {question: answer}; a number, or for questions 4 and 6 a text or set of letters such as "ac".
    None or `...`: not answered. ValueError where a question does not exist.
    """
    if not isinstance(answers, dict):
        raise ValueError(f"answers={shown(answers)}; allowed is {{question: answer}}")
    for number in answers:
        if number not in QUESTIONS:
            raise ValueError(f"answers names question {number!r}; the questions are 1 to {len(QUESTIONS)}")
    return Report(tuple((number, *judge(question, answers.get(number))) for number, question in QUESTIONS.items()))


def judge(question: Question, given) -> tuple[str, str]:
    """The status of one answer and a sentence about it."""
    again = f"Look at chapter {question.chapter} again."
    if unfilled(given):
        return "not attempted", "Not answered yet."
    truth = question.answer()
    if isinstance(truth, frozenset):
        if not is_letters(given):
            return "try again", f"{shown(given)} is not a set of letters; letters such as `ac` are asked for."
        letters = frozenset("".join(given).replace(",", "").replace(" ", ""))
        if {x.casefold() for x in letters} == {x.casefold() for x in truth}:
            return "correct", question.why
        return "try again", f"You chose {', '.join(sorted(letters))}. {again}"
    try:
        number = float(given)
    except (TypeError, ValueError):
        return "try again", f"{given!r} is not a number; a number is asked for."
    if np.isclose(number, truth, rtol=0, atol=0.005):
        return "correct", question.why
    if np.isclose(number, -truth, rtol=0, atol=0.005):
        return "try again", f"{number:g} has the right size and the wrong sign. {again}"
    return "try again", f"{number:g} is not it. {again}"


def is_letters(given) -> bool:
    """Whether an answer is a text, or a set, list or tuple of texts."""
    return isinstance(given, str) or (
        isinstance(given, set | frozenset | list | tuple) and all(isinstance(part, str) for part in given)
    )
