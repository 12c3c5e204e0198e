"""Films of runs."""

import pytest
from PIL import Image

import maca_edu
from maca_edu.experiments.watch import watch


def test_watch_films_a_run_and_a_directory(tmp_path):
    run = maca_edu.train("toy/fridge", "mappo", steps=2_000, batch=8, out=tmp_path / "run")
    one = watch(run, tmp_path / "one.gif", episodes=2, seed=3)
    two = watch(tmp_path / "run", tmp_path / "two.gif", episodes=2, seed=3)
    assert one.read_bytes() == two.read_bytes()
    with Image.open(one) as film:
        assert film.n_frames >= 2


def test_watch_says_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r"\.gif or \.mp4"):
        watch(tmp_path / "no_run", tmp_path / "film.avi")
    with pytest.raises(ValueError, match="no_run"):
        watch(tmp_path / "no_run", tmp_path / "film.gif")
