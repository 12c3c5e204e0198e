"""The psi explorer: what a larger team costs, and what moving p costs over moving psi."""

from itertools import cycle

from maca_edu.widgets import psi_explorer
from maca_edu.widgets.mixture_pictures import heat_map
from maca_edu.widgets.mixture_variance import triangle


def sliders(game, view):
    """The sliders of p and of the CorrSet baseline's weight."""
    column, *_ = psi_explorer("live", game=game, view=view).children
    return column.children[2], column.children[-1]


def mover(slider, *places):
    """A task: move the slider to the next of the places."""
    next_places = cycle(places)

    def move():
        slider.value = next(next_places)

    return move


def forgetting(task):
    """The same task, where nothing is remembered from before."""

    def run():
        triangle.cache_clear()
        heat_map.cache_clear()
        task()

    return run


def test_a_team_of_six(compare):
    p_of_six, _ = sliders("Ring of six", "team")
    p_of_fridge, _ = sliders("Fridge", "B")
    six, fridge = mover(p_of_six, 0.6, 0.7), mover(p_of_fridge, 0.6, 0.7)
    compare("a new p: a team of six over Fridge", forgetting(six), forgetting(fridge))


def test_a_new_p_against_a_new_psi(compare):
    p, corrset = sliders("Ring of six", "team")
    compare("a team of six: a new p over a new psi", forgetting(mover(p, 0.6, 0.7)), mover(corrset, 0.1, 0.2))
