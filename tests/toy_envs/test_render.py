"""Pictures and texts: right size and form, changing with the action, and legible."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from toy_envs import OneShotGame, RewardTerm, climb_v0, fridge_v0, penalty_v0, ring_v0, warehouse_v0, xor_v0
from toy_envs.adapter import ParallelGame
from toy_envs.render import BAD, GOOD, draw_one_shot, render_one_shot

SMALL = {
    "fridge": fridge_v0.game(),
    "climb": climb_v0.game(),
    "penalty": penalty_v0.game(),
    **{f"xor {n}": xor_v0.game(n) for n in (2, 3, 4, 8)},
    **{f"ring {n}, span {span}": ring_v0.game(n, span) for n in range(3, 9) for span in (2, 3) if n > span},
}


def figure_of(game, action, figsize=(6.4, 4.8)):
    """A drawn figure, for looking at the artists in it."""
    figure = Figure(figsize=figsize, dpi=100, layout="none")
    canvas = FigureCanvasAgg(figure)
    draw_one_shot(figure.add_axes((0, 0, 1, 1)), game, action)
    canvas.draw()
    return figure


def written(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("game", [*SMALL.values(), ring_v0.game(32, 3), ring_v0.game(100)])
def test_a_picture_is_uint8_and_shows_the_action(game):
    actions = [None, np.zeros(len(game.agents), dtype=int), np.eye(len(game.agents), dtype=int)[0]]
    pictures = [render_one_shot(game, action, "rgb_array") for action in actions]
    for picture in pictures:
        assert picture.dtype == np.uint8
        assert picture.shape == (480, 640, 3)
    for one, other in itertools.combinations(pictures, 2):
        assert (one != other).any()
    assert np.array_equal(pictures[2], render_one_shot(game, actions[2], "rgb_array"))


@pytest.mark.parametrize("game", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("everybody", [None, 0, 1])
def test_labels_and_tags_stay_inside_and_apart(game, everybody):
    figure = figure_of(game, None if everybody is None else np.full(len(game.agents), everybody))
    boxes = {}
    for text in figure.axes[0].texts:
        if text.get_text() and (text.get_bbox_patch() or text.get_weight() == "bold"):
            patch = text.get_bbox_patch()
            boxes[text] = patch.get_window_extent() if patch else text.get_window_extent()
    for text, box in boxes.items():
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= 640, text
        assert box.y1 <= 480, text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        assert not a.overlaps(b), (one, other)


def test_hulls_hold_the_members_of_their_term_and_nobody_else():
    figure = figure_of(fridge_v0.game(), (1, 1, 1, 1))
    fridge, backpack = figure.axes[0].patches[:2]  # the largest first
    discs = {name: text.get_position() for text in figure.axes[0].texts for name in "ABCD" if text.get_text() == name}
    assert [name for name in "ABCD" if fridge.get_path().contains_point(discs[name])] == ["A", "B", "C"]
    assert [name for name in "ABCD" if backpack.get_path().contains_point(discs[name])] == ["A"]


def test_terms_that_pay_are_strong_and_silent_ones_pale():
    def opacity(action):
        return [patch.get_facecolor()[3] for patch in figure_of(fridge_v0.game(), action).axes[0].patches[:2]]

    assert opacity((1, 1, 1, 0)) == [0.35, 0.35]
    assert opacity((1, 1, 0, 0)) == [0.07, 0.35]
    assert opacity((0, 1, 1, 0)) == [0.07, 0.07]
    assert opacity(None) == [0.07, 0.07]


def test_what_is_written():
    texts = written(figure_of(fridge_v0.game(), (1, 1, 1, 0)))
    assert {"reward  6 + 2 − 1 − 1 − 1 = 5", "fridge  +6", "backpack  +2"} < set(texts)
    assert texts.count("−1") == texts.count("lift") == 3
    assert texts.count("rest") == 1
    texts = written(figure_of(fridge_v0.game(), None))
    assert set(texts) == {"not played yet", "fridge", "backpack", *"ABCD", ""}
    assert "climb  −30" in written(figure_of(climb_v0.game(), (0, 1)))
    assert "reward  −30" in written(figure_of(climb_v0.game(), (0, 1)))


def test_many_agents_are_counted_and_coloured_by_payment():
    action = np.array([1, 1] + [0] * 28 + [1, 0])
    figure = figure_of(ring_v0.game(32), action)
    assert "rest: 29   pull: 3\n+1 from 1 term\n−0.75 from 3 terms" in written(figure)
    assert not any("pull_" in text for text in written(figure))
    edges = [matplotlib.colors.to_hex(patch.get_edgecolor()).upper() for patch in figure.axes[0].patches]
    assert edges.count(GOOD) == 1
    assert edges.count(BAD) == 3


def test_writing_grows_with_the_axis():
    def title(figsize):
        return figure_of(fridge_v0.game(), None, figsize).axes[0].texts[0].get_fontsize()

    assert title((12.8, 9.6)) == 2 * title((6.4, 4.8)) == 30


def test_drawing_leaves_matplotlibs_settings_alone():
    before = dict(matplotlib.rcParams)
    render_one_shot(fridge_v0.game(), (1, 0, 0, 0), "rgb_array")
    assert dict(matplotlib.rcParams) == before


def test_a_single_agent_and_a_bonus_of_its_own_can_be_drawn():
    game = OneShotGame(1, 2, [RewardTerm("bonus", (0,), [-1.0, 2.0]), RewardTerm("cost", (0,), [0.0, -0.5])])
    assert {"bonus  +2", "−0.5", "A"} < set(written(figure_of(game, (1,))))


def test_fridge_as_text():
    assert render_one_shot(fridge_v0.game(), (1, 1, 0, 0), "ansi").splitlines() == [
        "fridge_v0: reward 0",
        "  A lift   B lift   C rest   D rest",
        "  fridge     A B C    0",
        "  backpack   A       +2",
        "  effort_A   A       -1",
        "  effort_B   B       -1",
        "  effort_C   C        0",
        "  effort_D   D        0",
    ]


def test_a_game_not_played_yet_as_text():
    assert render_one_shot(climb_v0.game(), None, "ansi").splitlines() == ["climb_v0: not played yet", "  agents A B"]


def test_many_agents_as_text():
    action = np.array([1, 1] + [0] * 8)
    assert render_one_shot(ring_v0.game(10), action, "ansi").splitlines() == [
        "ring_v0: reward 0.5",
        "  A pull   B pull   C rest   D rest   E rest   F rest   G rest   H rest",
        "  I rest   J rest",
        "  pull_AB   A B   +1",
        "  2 agents pay costs of their own: -0.5",
        "  17 of 20 terms pay nothing",
    ]


@pytest.mark.parametrize(
    ("action", "mode", "sentence"),
    [
        ((1, 1, 0, 0), "human", "mode='human'; allowed are 'ansi' and 'rgb_array'"),
        ((1, 1, 0), "ansi", r"action has shape \(1, 3\); expected \(1, 4\): games x agents"),
        ((1, 1, 0, 2), "rgb_array", "action holds 2; allowed are 0 to 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(action, mode, sentence):
    with pytest.raises(ValueError, match=sentence):
        render_one_shot(fridge_v0.game(), action, mode)


def test_the_environment_draws_its_last_step():
    env = fridge_v0.parallel_env(render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == render_one_shot(env.game, None, "ansi")
    env.step({"A": 1, "B": 0, "C": 0, "D": 1})
    assert env.render() == render_one_shot(env.game, (1, 0, 0, 1), "ansi")
    env.reset()
    assert env.render() == render_one_shot(env.game, None, "ansi")
    env = fridge_v0.parallel_env(render_mode="rgb_array")
    env.reset(seed=0)
    env.step({"A": 1, "B": 0, "C": 0, "D": 1})
    assert np.array_equal(env.render(), render_one_shot(env.game, (1, 0, 0, 1), "rgb_array"))


class OwnPicture(OneShotGame):
    """A game that draws itself."""

    def render(self, state, action, payments, mode):
        return f"{mode} {state} {action} {payments}"


def test_a_game_that_draws_itself_is_asked_to():
    env = ParallelGame(OwnPicture(2, 2, [RewardTerm("one", (0,), [0.0, 1.0])]), render_mode="ansi")
    env.reset(seed=0)
    assert env.render() == "ansi [0] None None"
    env.step({"A": 1, "B": 0})
    assert env.render() == "ansi [1] [1 0] [1.]"


def test_a_game_over_time_that_does_not_draw_itself_says_so():
    class Silent(OneShotGame):
        reward_terms = (RewardTerm("one", (0,)),)

        def __init__(self):
            self.name = "silent"

    with pytest.raises(ValueError, match="game='silent' has terms without tables; to be drawn it needs"):
        render_one_shot(Silent(), None, "ansi")


@pytest.mark.parametrize("game", [fridge_v0.game(), warehouse_v0.game("tiny")], ids=lambda game: game.name)
def test_a_picture_does_not_depend_on_the_reader_s_style(game):
    def picture():
        environment = ParallelGame(game, "rgb_array")
        environment.reset(seed=0)
        environment.step(dict.fromkeys(environment.agents, 1))
        return environment.render()

    plain = picture()
    with matplotlib.rc_context({"figure.constrained_layout.use": True, "axes.grid": True, "savefig.dpi": 30}):
        assert np.array_equal(picture(), plain)
