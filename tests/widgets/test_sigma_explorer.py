"""The sigma explorer: its numbers against plain loops, its pictures, its two modes, and what it refuses."""

import re
from itertools import combinations

import ipywidgets as widgets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maca_edu import exact
from maca_edu.widgets import sigma_explorer
from maca_edu.widgets.corrset_moments import FIGURE_6, best_set, corrsets, recorded, scores, variances
from maca_edu.widgets.sigma_explorer import FRAMES_SIGMA, FRAMES_UPDATES, panel

GAMES = list(recorded())
KNOWN = [title for title in GAMES if title != FIGURE_6]


@pytest.mark.parametrize("title", GAMES)
def test_what_was_recorded_is_attention_a_policy_and_a_table(title):
    game = recorded()[title]
    n = len(game.agents)
    for step in game.steps:
        np.testing.assert_allclose(step.attention.sum(axis=1), 1, atol=2e-3)
        assert step.attention.shape == (n, n)
        if title in KNOWN:
            np.testing.assert_allclose(step.policy.sum(axis=1), 1, atol=1e-5)
            assert step.q.ndim == n
            assert (game.partners == game.partners.T).all()


@given(st.integers(0, 10**6), st.integers(2, 7), st.floats(0, 1))
def test_scores_agree_with_counting_pairs(seed, n, sigma):
    rng = np.random.default_rng(seed)
    attention, partners = rng.dirichlet(np.ones(n), size=n), rng.random((n, n)) < 0.5
    corrset = corrsets(attention, sigma)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    admitted = [pair for pair in pairs if attention[pair] >= sigma]
    true = [pair for pair in pairs if partners[pair]]
    hits = len(set(admitted) & set(true))
    found = scores(corrset, partners)
    assert found.size == pytest.approx((len(admitted) + n) / n)
    assert found.precision == pytest.approx(hits / len(admitted)) if admitted else np.isnan(found.precision)
    assert found.recall == pytest.approx(hits / len(true)) if true else np.isnan(found.recall)


def test_chance_is_the_precision_of_corrsets_drawn_at_random():
    rng = np.random.default_rng(0)
    n, partners = 6, rng.random((6, 6)) < 0.4
    corrset = corrsets(rng.dirichlet(np.ones(n), size=n), 1 / n)
    precisions = []
    for _ in range(4000):
        drawn = np.eye(n, dtype=bool)
        for i in range(n):
            others = [j for j in range(n) if j != i]
            drawn[i, rng.choice(others, size=corrset[i].sum() - 1, replace=False)] = True
        precisions.append(scores(drawn, partners).precision)
    assert scores(corrset, partners).chance == pytest.approx(np.mean(precisions), abs=0.01)


@pytest.mark.parametrize("title", KNOWN)
def test_the_variances_are_those_of_the_four_baselines(title):
    game = recorded()[title]
    step, agent = game.steps[-1], len(game.agents) - 1
    costs = variances(title, step.update, agent, 1 / len(game.agents))
    members = np.flatnonzero(corrsets(step.attention, 1 / len(game.agents))[agent])
    for cost, group in ((costs.individual, [agent]), (costs.corrset, members), (costs.joint, range(len(game.agents)))):
        baseline = exact.baseline(step.q, step.policy, group)
        assert cost == pytest.approx(exact.gradient_moments(step.q, step.policy, agent, baseline)[1])
    every = [
        (agent, *others) for k in range(agent + 1) for others in combinations(range(agent), k)
    ]  # agent is the last
    cost_of = {}
    for group in every:
        baseline = exact.baseline(step.q, step.policy, group)
        cost_of[group] = exact.gradient_moments(step.q, step.policy, agent, baseline)[1]
    assert costs.best == pytest.approx(min(cost_of.values()))
    assert cost_of[agent, *sorted(set(best_set(title, step.update, agent)) - {agent})] == pytest.approx(costs.best)
    assert costs.chance == pytest.approx(
        np.mean([cost for group, cost in cost_of.items() if len(group) == len(members)])
    )
    # A threshold that nobody reaches leaves the agent alone, and one of 0 admits everybody.
    assert variances(title, step.update, agent, 1.01).corrset == costs.individual
    assert variances(title, step.update, agent, 0.0).corrset == costs.joint


def test_the_published_matrix_makes_the_corrsets_that_the_paper_shows():
    sets = corrsets(recorded()[FIGURE_6].steps[0].attention, 1 / 5)
    assert [np.flatnonzero(row).tolist() for row in sets] == [[0, 3], [1], [2], [0, 3], [4]]


@pytest.mark.parametrize("title", GAMES)
def test_the_panel_says_what_it_shows(title):
    game = recorded()[title]
    n = len(game.agents)
    text = panel(game, game.agents[0], game.steps[-1].update, 1.0)
    sets = corrsets(game.steps[-1].attention, 1 / n)
    members = "".join(game.agents[j] for j in np.flatnonzero(sets[0]))
    assert f'<span class="maca-sigma-members">{members}</span>' in text
    assert text.count('role="img"') == 3
    assert all(re.findall(r'aria-label="([^"]+)"', text))
    if title in KNOWN:
        found = scores(sets, game.partners)
        assert f'<span class="maca-sigma-recall">{found.recall:.2f}</span>' in text
    else:
        assert "not known" in text


def test_no_set_is_called_the_best_where_all_leave_the_same():
    game = recorded()["Ring of eight"]
    assert "Cor, best: AB<" in panel(game, "A", 2, 1.0)
    assert "Cor, best: all within 1 %" in panel(game, "A", 64, 1.0)
    costs = variances(game.title, 64, 0, 1 / 8)
    assert max(costs) < 1.01 * min(costs)


def test_a_game_with_one_moment_has_no_slider_for_updates():
    game, _, _, learned = sigma_explorer("live", "Fridge").children[0].children
    assert learned.layout.display != "none"
    game.value = FIGURE_6
    assert learned.layout.display == "none"
    game.value = "Fridge"
    assert learned.layout.display != "none"
    assert sigma_explorer("live", FIGURE_6).children[0].children[3].layout.display == "none"


def controls(explorer):
    """The explorer's menus and sliders by their description."""
    return {w.description: w for w in (*explorer.children, *explorer.children[0].children) if hasattr(w, "description")}


def test_in_live_mode_everything_follows_the_menus_and_sliders():
    explorer = sigma_explorer("live", "Fridge")
    box, shown = explorer.children
    game, agent, threshold, learned = box.children
    before = shown.value
    threshold.value = 0.0
    assert "C of A" in shown.value
    assert '<span class="maca-sigma-members">ABCD</span>' in shown.value != before
    agent.value, learned.value = "D", 0
    assert "C of D" in shown.value
    game.value = FIGURE_6  # five agents, one moment, no partners
    assert agent.options == ("1", "2", "3", "4", "5")
    assert "not known" in shown.value
    for title in GAMES:
        game.value = title
        assert recorded()[title].moment in shown.value


def test_in_frames_mode_every_pair_of_sliders_has_its_panel():
    explorer = sigma_explorer("frames", "Fridge", agent="B", sigma=1.0)
    sigmas, learned, stack = explorer.children
    assert isinstance(stack, widgets.Stack)
    game = recorded()["Fridge"]
    assert learned.options == tuple(map(str, FRAMES_UPDATES))
    for row, update in zip(stack.children, FRAMES_UPDATES, strict=True):
        assert [leaf.value for leaf in row.children] == [panel(game, "B", update, x) for x in FRAMES_SIGMA]
    assert sigmas.options[sigmas.index] == "1.00"
    size = sum(len(leaf.value) for row in stack.children for leaf in row.children)
    assert size < 1_500_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(mode="film"), "mode='film'; allowed are live, frames"),
        (dict(game="Chess"), "game='Chess'; allowed are 'Fridge'"),
        (dict(agent="Z"), "agent='Z'; in 'Fridge' allowed are 'A', 'B', 'C', 'D'"),
        (dict(update=3), "update=3; in 'Fridge' allowed are 0, 1, 2"),
        (dict(sigma=4), "sigma=4; allowed are numbers from 0 to 3"),
        (dict(sigma=True), "sigma=True; allowed are numbers"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sigma_explorer(**options)
