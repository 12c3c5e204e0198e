"""Learning curves: their statistics, what is drawn of a sweep, and what cannot be drawn."""

import math

import matplotlib.image
import numpy as np
import pytest
import scipy.stats

from maca_edu.cli import main
from maca_edu.experiments.learning_curves import curves_by_method, draw_run, draw_together
from maca_edu.experiments.statistics import running_mean, t_interval
from maca_edu.experiments.sweep_tables import CurvePoint, write_curves

NAN = float("nan")


def sweep_of(*methods, seeds=3, env="toy/xor"):
    """Points of a sweep: method number m, seed s and step t return 10 m + s + t."""
    runs = [(m, method, seed) for m, method in enumerate(methods) for seed in range(seeds)]
    return [CurvePoint(env, method, seed, t, 10.0 * m + seed + t) for m, method, seed in runs for t in (1, 2, 3)]


def test_running_means_leave_out_what_is_not_a_number():
    values = np.random.default_rng(0).normal(size=60)
    values[[4, 5, 6, 30]] = NAN
    means = running_mean(values)
    for k in range(60):
        window = [x for x in values[max(k - 2, 0) : k + 1] if not math.isnan(x)]  # a twentieth of 60 is 3
        assert math.isnan(means[k]) if not window else means[k] == pytest.approx(sum(window) / len(window))


def exponential(rng, shape):
    return rng.exponential(size=shape) - 1


def learns_or_not(rng, shape):
    """Four runs of five end near 1, the others near 0."""
    return (rng.random(shape) < 0.8) - 0.8 + 0.05 * rng.normal(size=shape)


def normal(rng, shape):
    return rng.normal(size=shape)


@pytest.mark.parametrize(
    ("runs", "seeds", "coverage"),
    [(normal, 2, 0.95), (normal, 3, 0.95), (normal, 5, 0.95), (exponential, 5, 0.88), (learns_or_not, 5, 0.67)],
)
def test_the_interval_holds_the_mean_as_often_as_it_says(runs, seeds, coverage):
    values = runs(np.random.default_rng(0), (seeds, 20_000))  # the true mean is 0
    low, high = t_interval(values)
    assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(coverage, abs=0.01)


@pytest.mark.parametrize(("seeds", "coverage"), [(3, 0.75), (5, 0.84)])
def test_the_percentile_bootstrap_holds_it_less_often(seeds, coverage):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3_000, 1, seeds))
    drawn = np.take_along_axis(values, rng.integers(seeds, size=(3_000, 500, seeds)), axis=2).mean(axis=-1)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=1)
    assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(coverage, abs=0.02)


def test_the_interval_is_scipys():
    values = np.random.default_rng(0).normal(size=(7, 3))
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(t_interval(values), (expected.low, expected.high))


def test_one_seed_has_no_interval():
    assert np.isnan(t_interval(np.ones((1, 4)))).all()


def test_curves_are_ordered_by_method_and_seed():
    points = sweep_of("mappo", "maca")
    curves = curves_by_method(points[::-1][:9] + points[:9], "return_mean", ["maca", "mappo"])
    assert list(curves) == ["maca", "mappo"]
    steps, returns = curves["mappo"]
    assert steps.tolist() == [1, 2, 3]
    assert returns.tolist() == [[1, 2, 3], [2, 3, 4], [3, 4, 5]]


def test_the_line_is_the_mean_over_seeds():
    figure = draw_together(curves_by_method(sweep_of("mappo", "maca"), "return_mean"))
    lines = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[0].get_lines()}
    assert lines == {"mappo": [2, 3, 4], "maca": [12, 13, 14]}


@pytest.mark.parametrize("count", [2, 6])
def test_curves_are_drawn(tmp_path, count):
    """Two methods on one pair of axes, six in panels; the command makes the picture's folder."""
    write_curves(tmp_path / "curves.csv", sweep_of(*"abcdef"[:count]))
    picture = tmp_path / "new" / "curves.png"
    assert main(["curves", str(tmp_path), "--out", str(picture)]) == 0
    assert matplotlib.image.imread(picture)[..., :3].std() > 0
    assert [path.name for path in picture.parent.iterdir()] == ["curves.png"]


@pytest.mark.parametrize(
    ("points", "measure", "methods", "message"),
    [
        (sweep_of("mappo"), "win_rate", None, "column='win_rate'; the sweep has return_mean"),
        (sweep_of("mappo"), "entropy", None, "column='entropy'; the sweep has return_mean"),
        (sweep_of("mappo"), "return_mean", ["maca"], "method='maca'; the sweep has mappo"),
        (sweep_of("mappo") + sweep_of("mappo", env="toy/ring"), "return_mean", None, "curves of toy/ring, toy/xor"),
        ([], "return_mean", None, "curves of nothing"),
        (sweep_of("mappo")[:-1], "return_mean", None, "seeds 0 and 2 have different env_steps"),
    ],
)
def test_what_cannot_be_drawn(points, measure, methods, message):
    with pytest.raises(ValueError, match=message):
        curves_by_method(points, measure, methods)


def test_the_picture_of_a_run_has_a_panel_for_wins(tmp_path):
    metrics = {"env_steps": np.array([8, 16]), "return_mean": np.array([NAN, 1.0])}
    draw_run(metrics, "without winning", tmp_path / "one.png")
    greedy = {"greedy_win_rate": np.array([NAN, 1.0]), "greedy_return_mean": np.array([NAN, 2.0])}
    draw_run(metrics | {"win_rate": np.array([0.0, 1.0])} | greedy, "with winning", tmp_path / "two.png")
    one, two = (matplotlib.image.imread(tmp_path / name) for name in ("one.png", "two.png"))
    assert two.shape[1] > one.shape[1]
