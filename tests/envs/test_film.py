"""Films: the right pictures in the right order, whole files, and clear words where there can be none."""

import importlib.util
import sys
import types

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from maca_edu.envs import film, mpe, pictures, smax
from maca_edu.envs.smax_scenarios import KINDS
from toy_envs.adapter import ParallelGame
from toy_envs.fridge_v0 import game

needs_mpe2 = pytest.mark.skipif(importlib.util.find_spec("mpe2") is None, reason="mpe2 is not installed")
needs_jaxmarl = pytest.mark.skipif(importlib.util.find_spec("jaxmarl") is None, reason="jaxmarl is not installed")


class Idle:
    """A player that always takes the first legal action, and remembers what it was asked."""

    def __init__(self, numbers=None):
        self.numbers, self.first, self.views = numbers, [], []

    def __call__(self, view, first):
        self.first.append(first.tolist())
        self.views.append(view)
        return view.available.argmax(-1) if self.numbers is None else self.numbers * view.available


def frames(path):
    """A .gif's pictures and how long each stands."""
    with Image.open(path) as gif:
        shown = []
        for k in range(gif.n_frames):
            gif.seek(k)
            shown.append((np.asarray(gif.convert("RGB")), gif.info["duration"]))
        return shown


def test_a_film_of_a_one_shot_game(tmp_path):
    player = Idle()
    path = film.record(player, "toy/fridge", tmp_path / "new" / "film.gif", episodes=2)
    shown = frames(path)
    assert [wait for _, wait in shown] == [film.SLOW, film.HOLD] * 2  # before and after the only step
    assert player.first == [[True], [True]]
    assert (shown[0][0] != shown[1][0]).any()
    assert [file.name for file in path.parent.iterdir()] == ["film.gif"]


def test_all_steps_are_shown_and_the_memory_is_told_of_beginnings(tmp_path):
    player = Idle()
    shown = frames(film.record(player, "toy/warehouse?preset=tiny&horizon=5", tmp_path / "film.gif", episodes=2))
    assert player.first == [[True], *[[False]] * 4] * 2
    assert len(player.views) == 10
    assert sum(wait for _, wait in shown) == 2 * (5 * film.SLOW + film.HOLD)  # equal pictures may be merged
    assert all(view.obs.shape[0] == 1 for view in player.views)


def test_the_seed_decides_the_film(tmp_path):
    name = "toy/warehouse?preset=tiny&horizon=3"
    one, same, other = (tmp_path / f"{k}.gif" for k in range(3))
    for path, seed in ((one, 1), (same, 1), (other, 3)):
        film.record(Idle(), name, path, seed=seed)
    assert one.read_bytes() == same.read_bytes()
    assert one.read_bytes() != other.read_bytes()


@needs_mpe2
@pytest.mark.parametrize("which", ["simple_spread", "simple_reference", "simple_speaker_listener?continuous=false"])
def test_films_of_particles(which, tmp_path):
    numbers = None if "continuous=false" in which else np.float32(0.5)
    name = f"mpe/{which}{'&' if '?' in which else '?'}horizon=3"
    shown = frames(film.record(Idle(numbers), name, tmp_path / "film.gif"))
    assert shown[-1][1] == film.HOLD
    assert all(side % 2 == 0 for side in shown[0][0].shape[:2])


@needs_mpe2
def test_particles_stand_where_they_are():
    single = mpe.single("mpe/simple_spread")
    single.reset(0)
    world = single.env.game.world
    places = [(0, 0), (0.8, 0), (0, 0.8), (-0.8, -0.8), (0.5, 0.5), (1, 1)]
    for entity, place in zip(world.entities, places, strict=True):
        entity.state.p_pos = np.array(place, dtype=float)
    picture = np.asarray(pictures.particles(world))
    blue, side = [0, 114, 178], pictures.SIDE
    middle, step = side // 2, side / 2.5
    for x, y in ((-0.1, 0), (0.7, 0), (-0.1, 0.8)):  # beside the letters
        column, row = round(middle + x * step), round(middle - y * step)
        assert_allclose(picture[row, column], blue, atol=12)
    assert_allclose(picture[round(middle + 0.3 * step), middle + 30], [250, 248, 243], atol=12)


@needs_jaxmarl
def test_a_battle_is_shown_as_it_is():
    played = film.SmaxStage("smax/3m?time_limit=30&state=scaled")
    view, rng, checked = played.reset(1), np.random.default_rng(0), 0
    over = False
    while not over:
        drawn = np.asarray(played.draw())
        truth = played.env.positions()
        alive = truth.health[0] > 0
        assert_allclose(played.units.position[alive], truth.position[0][alive], rtol=1e-6)
        assert_allclose(played.units.health, truth.health[0], rtol=1e-6)
        assert_array_equal(played.units.kind, truth.kind[0])
        assert drawn.shape[1] == 620
        view, _, over, _ = played.step((rng.random(view.available.shape) * view.available).argmax(-1))
        checked += 1
    played.draw()
    assert checked > 3
    assert not played.units.health.all()  # somebody died, and is drawn where they fell
    assert played.units.position.min() > 0


def test_a_battles_picture_shows_sides_health_and_the_dead():
    position = np.array([[9.0, 18.0], [9.0, 10.0], [23.0, 18.0], [23.0, 10.0]])
    units = smax.Units(position, np.array([1.0, 0.0, 0.5, 1.0]), np.array([0, 0, 2, 3]))
    drawn = np.asarray(pictures.battle(units, 2, [(0, 2)], KINDS)).astype(int)
    scale = 620 / 33

    def colour(x, y):
        return drawn[round(620 - (y + 0.5) * scale), round((x + 0.5) * scale)]

    ally, enemy, floor = [0, 114, 178], [213, 94, 0], [250, 248, 243]
    assert_allclose(colour(9, 17.45), ally, atol=12)
    assert_allclose(colour(23, 17.45), enemy, atol=12)
    assert_allclose(colour(9, 9.45), floor, atol=12)  # a cross, no disc
    assert abs(colour(15, 18) - floor).sum() > 30  # the shot
    bar = 18 + 1.7 * 0.75 - 0.107
    assert_allclose(colour(22.6, bar), enemy, atol=12)
    assert_allclose(colour(23.4, bar), [255, 255, 255], atol=12)


def test_titles_fit():
    short = np.zeros((11, 301, 3), dtype=np.uint8)
    sheet = pictures.titled(short, "a very long name of an environment?with=options&and=more", "step 12   return 3.40")
    assert sheet.size == (302, 12 + pictures.STRIP)
    assert np.asarray(sheet)[: pictures.STRIP - 2].min() < 100  # something is written


def test_what_cannot_be_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"names that end in .gif or .mp4"):
        film.record(Idle(), "toy/fridge", tmp_path / "film.avi")
    with pytest.raises(ValueError, match="episodes=0"):
        film.record(Idle(), "toy/fridge", tmp_path / "film.gif", episodes=0)
    with pytest.raises(ValueError, match="cannot be filmed"):
        film.record(Idle(), "smac/3m", tmp_path / "film.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_game_that_draws_nothing_says_so(tmp_path, monkeypatch):
    module = types.ModuleType("blind_game")

    class Blind(ParallelGame):
        def render(self):
            return None

    module.parallel_env = lambda render_mode: Blind(game(), render_mode)
    monkeypatch.setitem(sys.modules, "blind_game", module)
    with pytest.raises(ValueError, match="draws nothing with render_mode='rgb_array'"):
        film.record(Idle(), "pettingzoo/blind_game", tmp_path / "film.gif")


def test_mp4_needs_a_package_and_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ValueError, match=r"an .mp4 needs imageio-ffmpeg; .*pip install .*film.*; or write a .gif"):
        film.record(Idle(), "toy/fridge", tmp_path / "film.mp4")


def test_mp4_gets_every_picture_for_its_time(tmp_path, monkeypatch):
    sent = []

    def write_frames(path, size, **options):
        open(path, "wb").close()
        while True:
            picture = yield
            sent.append((size, picture))

    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", types.SimpleNamespace(write_frames=write_frames))
    path = film.record(Idle(), "toy/fridge", tmp_path / "film.mp4")
    assert path.exists()
    assert len(sent) == round(film.SLOW / 40) + round(film.HOLD / 40)
    assert all(len(picture) == 3 * size[0] * size[1] for size, picture in sent)


def test_a_player_that_fails_leaves_nothing_and_keeps_the_old_film(tmp_path):
    path = tmp_path / "film.gif"
    path.write_bytes(b"old")

    def fail(view, first):
        raise RuntimeError("no idea")

    with pytest.raises(RuntimeError, match="no idea"):
        film.record(fail, "toy/fridge", path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]
