"""How long one step of the psi explorer's sliders takes: below 100 ms it feels immediate. Reported, never asserted."""

from itertools import cycle

from maca_edu.widgets import psi_explorer
from maca_edu.widgets.mixture_pictures import heat_map
from maca_edu.widgets.mixture_variance import triangle


def controls(game, view):
    column, shown = psi_explorer("live", game=game, view=view).children
    return (*column.children, shown)


def test_one_step_of_p_in_fridge(benchmark):
    _, _, p, _, _, _ = controls("Fridge", "B")
    benchmark(step, p, cycle([0.6, 0.7]))


def test_one_step_of_p_for_a_team_of_six(benchmark):
    _, _, p, _, _, _ = controls("Ring of six", "team")
    benchmark(step, p, cycle([0.6, 0.7]))


def test_one_step_of_psi(benchmark):
    *_, cor, _ = controls("Ring of six", "team")
    benchmark(slide, cor, cycle([0.1, 0.2]))


def step(slider, values):
    """Move to a p that has not been computed before."""
    triangle.cache_clear()
    heat_map.cache_clear()
    slide(slider, values)


def slide(slider, values):
    slider.value = next(values)
