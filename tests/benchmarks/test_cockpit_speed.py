"""The cockpit: how long a redraw takes, from a control's new value to the new panels."""

from itertools import cycle

import pytest

from maca_edu.widgets import cockpit

RUNS = ("warehouse", "longring", "battle")


def mover(name, label, places):
    """A task: move a control of the live cockpit of a run to the next of the places."""
    _, controls, *_ = cockpit(name).children
    (control,) = (each for each in controls.children if getattr(each, "description", "") == label)
    following = cycle(places)

    def move():
        control.value = next(following)

    return move


@pytest.mark.parametrize("name", RUNS)
def test_another_sigma(clock, name):
    clock(f"cockpit of {name}: another sigma", mover(name, "σ in 1/n", (0.5, 0.9, 1.1, 2.0)))


@pytest.mark.parametrize("name", RUNS)
def test_a_step_that_was_not_seen_before(clock, name):
    clock(f"cockpit of {name}: a new step, with its picture", mover(name, "step", range(1, 9)), rounds=7)
