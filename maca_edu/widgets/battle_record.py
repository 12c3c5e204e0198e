"""The recorded battles of chapter 16: who hit whom, whom the critic attended to, and what actions were worth."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).parent / "data" / "battle.json"  # of `python -m maca_edu.experiments.battle_records`


class Moments(NamedTuple):
    """T steps of battles, as far as attention and partners go."""

    battle: np.ndarray  # [T], the number of the battle
    alive: np.ndarray  # [T, n] bool
    members: np.ndarray  # [T, K, n] bool, of the terms: an enemy each, and the win
    attention: np.ndarray  # [T, n, n], of the run's critic
    untrained: np.ndarray  # [T, n, n], of the same critic before its first update

    def partners(self) -> np.ndarray:
        """Who is a member of a term together with whom, bool `[T, n, n]`; the diagonal is true."""
        members = self.members.astype(int)
        return (members.transpose(0, 2, 1) @ members > 0) | np.eye(self.alive.shape[1], dtype=bool)


class Battle(NamedTuple):
    """A battle of T steps in which everything was measured, n allies against m enemies."""

    seed: int
    won: bool
    moments: Moments
    position: np.ndarray  # [T, n + m, 2], before each step, in map units
    health: np.ndarray  # [T, n + m], share of a whole unit's
    action: np.ndarray  # [T, n]
    amount: np.ndarray  # [T, K], what each term paid
    paid_if: np.ndarray  # [T] + [2] * n, the step's reward if only the agents with index 1 act and the others stop
    worth: np.ndarray  # [T, n], the measured advantage over some steps
    error: np.ndarray  # [T, n], its standard error
    learned: np.ndarray  # [T, n], the method's advantage, from the lambda-return
    critic: np.ndarray  # [T, n], the same with the critic's own Q
    compared: np.ndarray  # [C, L, 2], variance of a forked difference by lookahead, with shared chance and without


class Recorded(NamedTuple):
    """All that was recorded."""

    about: dict  # commands, seeds, copies, date, versions
    kinds: tuple[str, ...]  # of every unit, allies first
    allies: int
    lookaheads: tuple[int, ...]
    measured: tuple[Battle, ...]
    moments: Moments  # of all battles, the measured ones first


@cache
def recorded() -> Recorded:
    """The battles in the package's file."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    measured = tuple(battle_of(k, battle, data["allies"]) for k, battle in enumerate(data["measured"]))
    played = [moments_of(len(measured) + k, battle["steps"]) for k, battle in enumerate(data["played"])]
    every = [*(battle.moments for battle in measured), *played]
    together = Moments(*(np.concatenate(parts) for parts in zip(*every, strict=True)))
    kinds, lookaheads = tuple(data["kinds"]), tuple(data["lookaheads"])
    return Recorded(data["about"], kinds, data["allies"], lookaheads, measured, together)


def battle_of(number: int, battle: dict, n: int) -> Battle:
    """A measured battle, from its part of the file; n: how many allies."""
    steps = battle["steps"]

    def column(name: str) -> np.ndarray:
        return np.array([step[name] for step in steps])

    agents_in_order = [0, *range(n, 0, -1)]  # bit i of a number in `paid_if` is agent i's, NumPy counts from the left
    paid_if = column("paid_if").reshape(-1, *[2] * n).transpose(agents_in_order)
    return Battle(
        battle["seed"],
        battle["won"],
        moments_of(number, steps),
        *(column(name) for name in ("position", "health", "action", "amount")),
        paid_if,
        *(column(name) for name in ("worth", "error", "learned", "critic")),
        np.array([step["compared"] for step in steps if "compared" in step]),
    )


def moments_of(number: int, steps: list[dict]) -> Moments:
    """The steps of a battle as far as attention and partners go."""
    alive, members = (np.array([step[name] for step in steps], dtype=bool) for name in ("alive", "members"))
    attention, untrained = (np.array([step[name] for step in steps]) / 1000 for name in ("attention", "untrained"))
    return Moments(np.full(len(steps), number), alive, members, attention, untrained)
