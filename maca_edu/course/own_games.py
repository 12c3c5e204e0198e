"""A game for every student, drawn from the name, and five questions about it whose answers are numbers.

Nobody can copy a number, for everybody has another game. The answers are not stored: each is computed from the game by
the exact library. The draw uses SHA-256 and nothing else, so a name has the same game on every machine.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from maca_edu import exact
from maca_edu.checks import check
from toy_envs import OneShotGame, RewardTerm, agent_names

A, B, C = range(3)
NAMES = agent_names(3)
PAIRS = ((A, B), (A, C), (B, C))
WORDS = ("rests", "lifts")
ALL_LIFT = (1, 1, 1)


class OwnGame(NamedTuple):
    """What is drawn from a name. Agents are numbers; actions are 0 (rest) and 1 (lift)."""

    game: OneShotGame  # of three agents with two actions
    policy: np.ndarray  # [3, 2]
    agent: int  # whom the questions ask about
    partner: int  # who carries the chest with that agent
    others: dict[int, int]  # what the two others play, {agent: action}

    def joint(self, action: int) -> tuple[int, ...]:
        """The joint action in which the agent plays `action` and the others what was drawn for them."""
        return tuple(action if i == self.agent else self.others[i] for i in range(3))


def normal(name: str) -> str:
    """A name without what a list of names may change: capitals, spaces around and doubled, forms of one letter.

    Two names are the same if Unicode's compatibility caseless match (D146 of the standard) says so, spaces apart.
    ValueError where it is no text, or nothing is left.
    """
    text = unicodedata.normalize("NFD", check("name", name, str)).casefold()
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = " ".join(text.split())
    if not text:
        raise ValueError(f"name={name!r}; allowed are names that are not empty")
    return text


def draw(name: str, course: str, what: str, options: list):
    """One of the options, decided by the name, the course and what it is drawn for."""
    text = "\n".join((normal(name), course, what))
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return options[number % len(options)]


def own_game(name: str, course: str = "") -> OwnGame:
    """The game of a name: a piano for three, a chest for two, a lamp for one, and what each lift costs.

    course: any text, such as a year. Another one gives everybody another game. ValueError where the name is empty.
    """
    check("course", course, str)

    def drawn(what: str, options):
        return draw(name, course, what, list(options))

    pair, bearer = drawn("pair", PAIRS), drawn("bearer", (A, B, C))
    piano, chest = np.zeros((2, 2, 2)), np.zeros((2, 2))
    piano[1, 1, 1], chest[1, 1] = drawn("piano", range(6, 18)), drawn("chest", range(3, 11))
    efforts = [drawn(f"effort {agent}", (1, 2, 3)) for agent in NAMES]
    terms = [
        RewardTerm("piano", (A, B, C), piano),
        RewardTerm("chest", pair, chest),
        RewardTerm("lamp", (bearer,), [0, drawn("lamp", range(2, 8))]),
        *(RewardTerm(f"effort_{agent}", (i,), [0, -efforts[i]]) for i, agent in enumerate(NAMES)),
    ]
    lifts = np.array([drawn(f"policy {agent}", (2, 3, 4, 6, 7, 8)) for agent in NAMES]) / 10
    agent = drawn("agent", pair)
    partner = next(i for i in pair if i != agent)
    others = {i: drawn(f"action {NAMES[i]}", (0, 1)) for i in range(3) if i != agent}
    game = OneShotGame(3, 2, terms, name="own", actions=("rest", "lift"))
    return OwnGame(game, np.stack([1 - lifts, lifts], axis=1), agent, partner, others)


def story(own: OwnGame) -> list[str]:
    """The game in sentences, as a student reads it."""
    lines = [sentence(term) for term in own.game.reward_terms]
    chances = ", ".join(f"{name} with {p:g}" for name, p in zip(NAMES, own.policy[:, 1], strict=True))
    return [*lines, f"The agents draw independently and lift with these probabilities: {chances}."]


def sentence(term: RewardTerm) -> str:
    """A reward term in words."""
    pays = term.table[(1,) * term.level]
    who = [NAMES[i] for i in term.agents]
    if term.name.startswith("effort"):
        return f"If {who[0]} lifts, that costs the team {-pays:g}."
    when = {1: "{} lifts", 2: "{} and {} both lift", 3: "{}, {} and {} all lift"}[term.level]
    return f"The {term.name} pays {pays:g} if {when.format(*who)}."


def played(own: OwnGame) -> str:
    """What the two others do, in words."""
    return " and ".join(f"{NAMES[i]} {WORDS[action]}" for i, action in own.others.items())


def pair_text(own: OwnGame) -> str:
    """The agent and its partner, in words."""
    return " and ".join(NAMES[i] for i in sorted((own.agent, own.partner)))


# ---------------------------------------------------------------------------------------------------------------------
# The questions


@dataclass(frozen=True)
class OwnQuestion:
    """A question about a game, its right answer, and the numbers to which known slips lead, {message: number}."""

    chapter: int
    points: int
    text: Callable[[OwnGame], str]
    answer: Callable[[OwnGame], float]
    slips: Callable[[OwnGame], dict[str, float]]


def what_if(own: OwnGame) -> float:
    """What the agent's lift changes in the reward, the others' actions as drawn."""
    q = own.game.payoff()
    return float(q[own.joint(1)] - q[own.joint(0)])


def what_if_slips(own: OwnGame) -> dict[str, float]:
    happened = own.game.payoff()[own.joint(1)]
    return {"That is the reward if the agent lifts. What would it have been otherwise?": happened}


def lift_gradient(own: OwnGame) -> float:
    """Mean of reward times score, for the logit of lift."""
    return float(exact.gradient_moments(own.game.payoff(), own.policy, own.agent, 0.0)[0][1])


def lift_gradient_slips(own: OwnGame) -> dict[str, float]:
    p = own.policy[own.agent, 1]
    return {"That is what the lift is worth on average. Its score is missing.": lift_gradient(own) / (p * (1 - p))}


def own_advantage(own: OwnGame) -> float:
    """The advantage with the individual baseline where all lift."""
    return float(exact.advantage(own.game.payoff(), own.policy, (own.agent,))[ALL_LIFT])


def own_advantage_slips(own: OwnGame) -> dict[str, float]:
    q = own.game.payoff()
    joint = exact.advantage(q, own.policy, range(3))[ALL_LIFT]
    baseline = exact.baseline(q, own.policy, (own.agent,))[ALL_LIFT]
    return {
        "You averaged everybody out. COMA averages out the agent alone.": joint,
        "That is the baseline. Take it from the reward.": baseline,
    }


def pair_component(own: OwnGame) -> float:
    """The component of the agent and its partner where both lift."""
    pair = tuple(sorted((own.agent, own.partner)))
    return float(exact.credit_spectrum(own.game.payoff(), own.policy)[pair][ALL_LIFT])


def pair_component_slips(own: OwnGame) -> dict[str, float]:
    (chest,) = (term.table[1, 1] for term in own.game.reward_terms if term.name == "chest")
    rest = (1 - own.policy[own.agent, 1]) * (1 - own.policy[own.partner, 1])
    return {"The piano is missing: it has a part for this pair as well.": chest * rest}


def best_baseline(own: OwnGame) -> float:
    """The legal baseline of least variance, the others' actions as drawn."""
    best = exact.minimum_variance_baseline(own.game.payoff(), own.policy, own.agent, (own.agent,))
    return float(best[own.joint(1)])


def best_baseline_slips(own: OwnGame) -> dict[str, float]:
    usual = exact.baseline(own.game.payoff(), own.policy, (own.agent,))[own.joint(1)]
    return {"That is the individual baseline. The best one swaps the probabilities.": usual}


QUESTIONS = {
    1: OwnQuestion(
        1,
        1,
        lambda own: f"{played(own)}. By how much does the team's reward change if {NAMES[own.agent]} lifts, not rests?",
        what_if,
        what_if_slips,
    ),
    2: OwnQuestion(
        2,
        2,
        lambda own: (
            f"{NAMES[own.agent]} learns by reward times score, with softmax logits. What is the mean gradient of "
            "its logit of lift?"
        ),
        lift_gradient,
        lift_gradient_slips,
    ),
    3: OwnQuestion(
        3,
        1,
        lambda own: f"All three lift. What is COMA's advantage of {NAMES[own.agent]}?",
        own_advantage,
        own_advantage_slips,
    ),
    4: OwnQuestion(
        4,
        2,
        lambda own: f"{pair_text(own)} lift. What is the value of the component that belongs to these two?",
        pair_component,
        pair_component_slips,
    ),
    5: OwnQuestion(
        5,
        2,
        lambda own: (
            f"{played(own)}. Which baseline of {NAMES[own.agent]} leaves the least variance, of all legal ones?"
        ),
        best_baseline,
        best_baseline_slips,
    ),
}
