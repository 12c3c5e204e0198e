"""Copies of a game at work on their rows of the shared arrays, in this process or in a worker."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from maca_edu.envs.workers.commands import Command, Replay, Reset, Step
from maca_edu.envs.workers.shared_arrays import Sizes, arrays_in
from maca_edu.envs.workers.single import Single, SingleStep
from maca_edu.team_env import View


class Plan(NamedTuple):
    """All that a host must know to make its copies; it is sent to worker processes."""

    make_single: Callable[[], Single]
    rows: list[int]  # which of the batch's B copies it holds
    info_names: tuple[str, ...]  # which numbers of a step's info are written, in this order
    sizes: Sizes
    memory: object  # bytes from `shared_arrays.allocate`


class Copies:
    """The copies that one host holds.

    before_reset: called when an episode ended in a step, before the reset that follows.
    """

    def __init__(self, plan: Plan, before_reset: Callable[[], None]):
        self.plan, self.before_reset = plan, before_reset
        self.arrays = arrays_in(plan.memory, plan.sizes)
        self.singles = [plan.make_single() for _ in plan.rows]

    def carry_out(self, command: Command) -> None:
        """Do what a command says in every copy, one after another."""
        match command:
            case Reset():
                self.reset()
            case Step():
                self.step()
            case Replay(played):
                self.replay(played)

    def reset(self) -> None:
        """Begin an episode in every copy."""
        for row, single in zip(self.plan.rows, self.singles, strict=True):
            self.begin_episode(row, single)

    def begin_episode(self, row: int, single: Single) -> None:
        """Begin an episode in one copy, on the seed in its row."""
        put(self.arrays.view, row, single.reset(int(self.arrays.seed[row])))

    def step(self) -> None:
        """Play every copy's action; where an episode ended, write down what was seen last and begin the next."""
        arrays = self.arrays
        for row, single in zip(self.plan.rows, self.singles, strict=True):
            step = SingleStep(*single.step(arrays.action[row].copy()))
            ended = step.terminated or step.truncated
            put(arrays.final if ended else arrays.view, row, step.view)
            arrays.reward[row], arrays.won[row] = step.reward, bool(step.won)
            arrays.terminated[row], arrays.truncated[row] = step.terminated, step.truncated
            arrays.info[row] = [step.info[name] for name in self.plan.info_names]
            arrays.stepped[row] = True  # last: from here on the step is known whatever happens to this process
            if ended:
                self.before_reset()
                self.begin_episode(row, single)

    def replay(self, played: list[list[np.ndarray]]) -> None:
        """Begin an episode in every copy and play the actions given. Raises RuntimeError where one ends in that."""
        self.reset()
        for row, single, actions in zip(self.plan.rows, self.singles, played, strict=True):
            for action in actions:
                step = SingleStep(*single.step(action))
                if step.terminated or step.truncated:
                    raise RuntimeError("the episode ended in its replay: the game is not deterministic")
                put(self.arrays.view, row, step.view)

    def close(self) -> None:
        """Close every copy."""
        for single in self.singles:
            single.close()


def put(views: View, row: int, seen: View | tuple) -> None:
    """Write what one copy's agents see into its row. Raises ValueError where a shape is wrong."""
    for name, place, array in zip(View._fields, views, seen, strict=True):
        if np.shape(array) != place[row].shape:
            raise ValueError(f"{name} has shape {np.shape(array)}; expected {place[row].shape}")
        place[row] = array


def report(rows: list[int], error: Exception) -> str:
    """What went wrong in the copies of these rows: a ValueError's sentence, otherwise the message and where it came."""
    if isinstance(error, ValueError):
        return f"environment {', '.join(map(str, rows))}: {error}"
    where = "".join(traceback.format_exception(error)).rstrip()
    return f"environment {', '.join(map(str, rows))}: {type(error).__name__}: {error}\n{where}"
