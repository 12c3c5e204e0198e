"""What the best team earns in the warehouse preset "practice", which the learning curves are compared with."""

import itertools

import numpy as np
import pytest

from maca_edu.exact.dynamic import enumerate_states, joint_actions
from toy_envs import warehouse_v0

GAME = warehouse_v0.game("practice")
CELLS, COLUMNS = 9, 3


def every_state(crews) -> np.ndarray:
    """All placements of three agents and three loads, `[9^3 * 3^3, 9]`, in the order that `number` counts."""
    places = itertools.product(*[range(CELLS)] * 3, *[range(COLUMNS)] * 3)
    bits = [sum(1 << i for i in crew) for crew in crews]
    return np.array([(*place, *bits) for place in places])


def number(states) -> np.ndarray:
    """The row of each state in `every_state`."""
    return np.ravel_multi_index(states[:, :6].T, (CELLS,) * 3 + (COLUMNS,) * 3)


def best_return(crews) -> float:
    """Mean over all starts of the most that can be earned until the clock stops, by backward induction."""
    states, joint = every_state(crews), joint_actions(3, 6)
    S, J = len(states), len(joint)
    reward, following = np.empty((S, J), dtype=np.float32), np.empty((S, J), dtype=np.int32)
    for part in np.array_split(np.arange(S), 20):
        step = GAME.step(states[part].repeat(J, axis=0), np.tile(joint, (len(part), 1)))
        reward[part] = step.reward.reshape(-1, J)
        following[part] = np.where(step.terminated, S, number(step.state)).reshape(-1, J)
    over = (states[:, 3:6] == COLUMNS - 1).all(axis=1)
    value = np.zeros(S + 1, dtype=np.float32)  # the last entry: the game is over
    for _ in range(GAME.horizon):
        value[:-1] = np.where(over, 0, (reward + value[following]).max(axis=1))
    starts = (states[:, 3:6] < COLUMNS - 1).all(axis=1)
    return float(value[:-1][starts].mean())


def test_the_optimum_that_the_book_quotes():
    """Crews are drawn: the rows in which the sizes lie, and who is in them.

    All agents start alike, so that only one thing about the members counts, whether the single agent is in the pair
    (it is in 2 of 3 draws), and of the orders of sizes, those upside down of each other are the same game.
    """
    assert (GAME.lift_cost, GAME.horizon, GAME.random) == (1 / 32, 18, True)
    total = 0.0
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2)):
        for single, share in (((0,), 2 / 3), ((2,), 1 / 3)):
            total += share / 3 * best_return([(single, (0, 1), (0, 1, 2))[k] for k in order])
    assert total == pytest.approx(7.961, abs=5e-4)


def test_the_optimum_of_the_preset_small():
    """From its one start, quoted by the guide "Why does my team not learn?"."""
    game = warehouse_v0.game("small")
    known = enumerate_states(game)
    value = np.zeros(len(known.states) + 1)  # the last entry: the game is over
    for _ in range(game.horizon):
        value[:-1] = (known.reward + value[known.next_state]).max(axis=1)
    assert value[:-1] @ known.initial == pytest.approx(7.9375)
