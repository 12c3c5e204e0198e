"""The psi explorer tells the truth: every number it shows is recomputed here another way."""

import base64
import io
import re

import ipywidgets as widgets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from PIL import Image

from maca_edu import exact
from maca_edu.widgets import psi_explorer
from maca_edu.widgets.mixture_explorer import panel
from maca_edu.widgets.mixture_pictures import BANDS, CORNERS, HEIGHT, WIDTH, colours, heat_map, mixture_at
from maca_edu.widgets.mixture_variance import best_mixture, second_moments, settings, triangle, views_of

AGENT_VIEWS = [(name, view) for name in settings() for view in views_of(name)[:-1]]
EVERY_VIEW = [(name, view) for name in settings() for view in views_of(name)]
CHANCE = st.integers(50, 99).map(lambda percent: percent / 100)
PSI = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(lambda parts: np.array(parts) / sum(parts))


def directly(name, view, p, psi):
    """Means and the variance at psi from the library: build the mixture of baselines, then ask for its moments."""
    setting = settings()[name]
    q, policy = setting.game.payoff(), setting.policy(p)
    agents = range(q.ndim) if view == "team" else [setting.game.agents.index(view)]
    means, total = [], 0.0
    for i in agents:
        groups = (range(q.ndim), (i,), setting.corrsets[i])
        b = sum(weight * exact.baseline(q, policy, group) for weight, group in zip(psi, groups, strict=True))
        mean, variance = exact.gradient_moments(q, policy, i, b)
        means, total = [*means, mean], total + variance
    return means, total


def read(text, css_class):
    """What stands in the elements of a class."""
    found = re.findall(rf'class="{css_class}">([^<]*)<', text)
    return [item.replace("−", "-") for item in found]


@pytest.mark.parametrize(("name", "view"), EVERY_VIEW)
@budget(deadline=None, max_examples=15)
@given(p=CHANCE, psi=PSI)
def test_the_panel_shows_the_exact_mean_and_variance(name, view, p, psi):
    means, variance = directly(name, view, p, psi)
    text = panel(name, view, p, psi)
    (shown,) = read(text, "maca-psi-variance")
    assert float(shown) == pytest.approx(variance, abs=6e-5)
    rows = [[float(n) for n in re.findall(r"[+-][\d.]+|(?<= )0(?=,|$)", row)] for row in read(text, "maca-psi-mean")]
    assert np.allclose(rows, means, atol=6e-5, rtol=6e-4)


@pytest.mark.parametrize(("name", "view"), AGENT_VIEWS)
@pytest.mark.parametrize("p", [0.5, 0.6, 0.75, 0.9, 0.99])
def test_the_star_is_the_exact_optimum_of_an_agent(name, view, p):
    setting, now = settings()[name], triangle(name, view, p)
    q, policy, i = setting.game.payoff(), setting.policy(p), setting.game.agents.index(view)
    want = exact.optimal_mixture(q, policy, i, [range(q.ndim), (i,), setting.corrsets[i]])
    assert now.variance(now.best) == pytest.approx(float(now.variance(want)), rel=1e-9, abs=1e-12)


@budget(deadline=None, max_examples=50)
@given(
    n=st.integers(2, 4),
    A=st.integers(2, 3),
    seed=st.integers(0, 2**32 - 1),
    team=st.booleans(),
)
def test_the_closed_form_is_the_least_on_the_triangle(n, A, seed, team):
    """Any game, any policy, any CorrSets; for one agent and for a team that shares psi."""
    rng = np.random.default_rng(seed)
    q, policy = rng.normal(size=(A,) * n), rng.dirichlet(np.ones(A), size=n)
    M = np.zeros((3, 3))
    for i in range(n if team else 1):
        corrset = [j for j in range(n) if j == i or rng.random() < 0.5]
        M += second_moments(q, policy, i, corrset)
    best = best_mixture(M)
    assert best.min() >= 0
    assert best.sum() == pytest.approx(1)
    others = np.vstack([rng.dirichlet(np.ones(3), size=500), np.eye(3)])
    assert best @ M @ best <= np.einsum("km,mn,kn->k", others, M, others).min() + 1e-12
    slope = 2 * M @ best  # at the least of a convex function on the triangle no corner lies downhill
    assert (slope >= slope @ best - 1e-9 * abs(M).max()).all()


@pytest.mark.parametrize(("name", "view"), EVERY_VIEW)
def test_the_heat_map_has_the_colour_of_the_variance(name, view):
    now = triangle(name, view, 0.7)
    data = base64.b64decode(heat_map(name, view, 0.7))
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
    assert pixels[0, 0, 3] == pixels[0, -1, 3] == 0  # outside the triangle there is nothing
    low, high = now.extremes()
    rng = np.random.default_rng(0)
    for psi in rng.dirichlet(np.ones(3), size=50):
        x = psi[0] / 2 + psi[2]
        pixel = pixels[int((1 - psi[0]) * HEIGHT), int(x * WIDTH)]
        band = min(BANDS - 1, int(BANDS * (now.variance(psi) - low) / (high - low)))
        near = colours()[max(0, band - 1) : band + 2].astype(int)  # an edge may run through the pixel
        assert pixel[3] == 255
        assert (near == pixel[:3]).all(axis=1).any()


def test_kept_components_of_b_in_fridge():
    text = panel("Fridge", "B", 0.7, (0.2, 0.5, 0.3))
    rows = re.findall(r'width: 2.6em">([^<]*)</span><span>([^<]*)<', text)
    assert rows == [("1.00", "B, AB, BC, ABC"), ("0.50", "A, C, AC"), ("0.20", "D")]


def parts(explorer):
    column, shown, clicked = explorer.children
    return (*column.children, shown, clicked)


def test_live_every_control_changes_the_panel():
    games, views, p, jnt, cor, shown, _ = parts(psi_explorer("live", p=0.7))

    def expected():
        psi = (jnt.value, 1 - jnt.value - cor.value, cor.value)
        return f"{directly(games.value, views.value, p.value, psi)[1]:.4f}"

    seen = []
    for control, value in ((p, 0.9), (cor, 0.5), (jnt, 0.25), (views, "A"), (games, "Ring of six"), (views, "team")):
        control.value = value
        (variance,) = read(shown.value, "maca-psi-variance")
        assert variance == expected()
        seen.append(variance)
    assert len(set(seen)) == len(seen)
    assert list(views.options) == [*"ABCDEF", "team"]


def test_live_one_weight_pushes_the_other_down():
    *_, jnt, cor, shown, _ = parts(psi_explorer())
    cor.value = 0.8
    assert (jnt.value, cor.value) == (0.2, 0.8)
    jnt.value = 0.9
    assert (jnt.value, cor.value) == (0.9, 0.1)
    assert "Jnt 0.90, Ind 0.00, Cor 0.10" in shown.value


@budget(deadline=None, max_examples=50)
@given(psi=PSI)
def test_a_place_in_the_drawing_is_the_mixture_drawn_there(psi):
    assert mixture_at(*(psi @ CORNERS)) == pytest.approx(psi)


@budget(deadline=None, max_examples=50)
@given(x=st.floats(-200, 500), y=st.floats(-200, 500))
def test_a_place_outside_the_triangle_is_the_nearest_mixture(x, y):
    grid = np.array([(j, 40 - j - c, c) for j in range(41) for c in range(41 - j)]) / 40
    unbounded = np.linalg.lstsq(np.vstack([CORNERS.T, np.ones(3)]), [x, y, 1], rcond=None)[0]
    found = mixture_at(x, y)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    distances = np.linalg.norm(grid - unbounded, axis=1)
    assert np.linalg.norm(found - unbounded) <= distances.min() + 1e-9


def test_live_a_click_sets_psi():
    _, _, p, jnt, cor, shown, clicked = parts(psi_explorer("live", p=0.7))
    assert clicked.layout.display == "none"
    for time, psi in enumerate([(0.2, 0.5, 0.3), (0.75, 0.05, 0.2), (0, 1, 0), (1, 0, 0), (0.2, 0.5, 0.3)]):
        x, y = psi @ CORNERS
        clicked.value = f"{x} {y} {time}"
        assert (jnt.value, cor.value) == (psi[0], psi[2])
        assert read(shown.value, "maca-psi-variance") == [f"{directly('Fridge', 'B', p.value, psi)[1]:.4f}"]
    cor.value = 0.6
    clicked.value = f"{x} {y} 5"  # the same place again
    assert (jnt.value, cor.value) == (0.2, 0.3)


def test_frames_are_linked_in_the_browser(monkeypatch):
    links = []
    monkeypatch.setattr(widgets, "jslink", lambda source, target: links.append((source, target)))
    explorer = psi_explorer("frames", game="Ring of six", view="A", p=0.8)
    slider, buttons, stack = explorer.children
    assert {"maca-psi", "maca-psi-frames"} <= set(explorer._dom_classes)
    assert slider.label == "0.80"
    assert stack.selected_index == slider.index
    assert ((slider, "index"), (stack, "selected_index")) in links
    for row, label in zip(stack.children, slider.options, strict=True):
        assert ((buttons, "index"), (row, "selected_index")) in links
        p = float(label)
        psis = [(1 / 3, 1 / 3, 1 / 3), (0, 1, 0), (0, 0, 1), (1, 0, 0), triangle("Ring of six", "A", p).best]
        for leaf, psi in zip(row.children, psis, strict=True):
            variance = directly("Ring of six", "A", p, psi)[1]
            assert read(leaf.value, "maca-psi-variance") == [f"{variance:.4f}"]
            dots = re.findall(r'"maca-psi-dot" cx="([^"]*)" cy="([^"]*)"', leaf.value)  # in the order of the buttons
            assert np.allclose(np.array(dots, dtype=float), psis @ CORNERS, atol=0.051)


def test_the_drawing_has_words():
    label = re.search(r'aria-label="([^"]*)"', panel("Fridge", "B", 0.9, (0, 1, 0)))[1]
    assert "Fridge, B, p = 0.90: from 1.831 at the star, Jnt 0.00, Ind 0.15, Cor 0.85, to 2.444." in label
    assert repr(psi_explorer()).startswith("Psi explorer of Fridge, B: run this cell")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "film"}, "mode='film'; allowed are live, frames"),
        ({"game": "Chess"}, "game='Chess'; allowed are 'Fridge', 'Ring of six'"),
        ({"view": "E"}, "view='E'; in 'Fridge' allowed are 'A', 'B', 'C', 'D', 'team'"),
        ({"p": 1.0}, "p=1.0; allowed are numbers from 0.5 to 0.99"),
        ({"p": "0.7"}, "p='0.7'; allowed are numbers from 0.5 to 0.99"),
    ],
)
def test_wrong_arguments_are_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        psi_explorer(**options)
