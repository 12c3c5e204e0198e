"""The tables of "V over units" are what the data say, and so are its sentences."""

import sys
from pathlib import Path

import numpy as np
import pytest

from maca_edu.experiments.learning_curves import Curves

BOOK = Path(__file__).parents[2] / "book"
sys.path.insert(0, str(BOOK))
import units  # noqa: E402

ALL = [comparison for comparison in (units.MAIN, *units.OTHERS, *units.MAPS) if units.there(comparison)]
GUIDE = (BOOK / "guides" / "units.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("comparison", ALL, ids=lambda comparison: comparison.name)
def test_tables_are_made_of_the_data(comparison):
    text = (units.DATA / f"{comparison.name}.md").read_text()
    assert text == f"{units.table(comparison)}\n\n{units.differences(comparison)}\n"
    assert f"../data/units/{comparison.name}.md" in GUIDE
    assert all(f"../data/units/{arm.folder}/source.md" in GUIDE for arm in units.own_arms(comparison))
    assert (BOOK / "_static" / "units_smax_2s3z.png").stat().st_size > 10_000


def test_steps_to_a_level():
    curves = Curves(np.array([10, 20, 30]), np.array([[0.1, 0.5, 0.4], [0.6, 0.2, 0.9], [0.0, 0.1, 0.2]]))
    np.testing.assert_array_equal(units.first_at(curves, 0.5), [20, 10, np.nan])
    assert units.reached(units.first_at(curves, 0.5)) == "0k (2 of 3 runs)"
    assert units.sooner(np.array([10.0, np.nan, 5.0]), np.array([20.0, 30.0, 5.0])) == "1 sooner, 1 later"


def test_an_interval_by_hand():
    """1, 2, 3: mean 2, standard deviation 1, and t of two degrees of freedom is 4.303."""
    mean, half = units.interval(np.array([1.0, 2.0, 3.0]))
    assert (mean, half) == pytest.approx((2.0, 4.303 / 3**0.5), abs=1e-3)
    assert units.signed(np.array([1.0, 2.0, 3.0])) == "+2.000 ± 2.484"
    assert units.ratio(np.array([2.0, 2.0]), np.array([1.0, 1.0])) == "× 2.00 (2.00 to 2.00)"


def test_claims_of_the_guide():
    """What the guide's sentences say, asserted on the data."""
    mlp, attention, sums = (units.read(arm) for arm in units.MAIN.arms)
    assert all(list(runs.seeds) == list(range(60, 68)) for runs in (mlp, attention, sums))
    mean, half = units.interval(attention.mean - mlp.mean)
    assert mean == pytest.approx(0.127, abs=5e-4)
    assert mean - half > 0.05
    assert (attention.mean > mlp.mean).all()
    assert (attention.to_half < mlp.to_half).all()
    assert attention.to_half.mean() < 0.8 * mlp.to_half.mean()
    mean, half = units.interval(attention.mean - sums.mean)
    assert mean == pytest.approx(-0.002, abs=5e-4)
    assert half > 0.03
    mean, half = units.interval(attention.greedy - mlp.greedy)
    assert mean - half > 0  # against the prediction
    assert np.exp(np.log(attention.minutes / mlp.minutes).mean()) > 1.25  # against the prediction
    assert 0.12 < 1 - np.exp(np.log(attention.error / mlp.error).mean()) < 0.14  # an eighth


def test_claims_about_what_makes_the_difference():
    """No other MLP comes near; of what is not shared four seeds cannot tell."""
    mlp, attention, sums = (units.read(arm) for arm in units.MAIN.arms)
    plain, whole = units.read(units.PLAIN), units.read(units.WHOLE)
    for other in (mlp, plain, whole):
        for reader in (attention, sums):
            mean, half = units.interval(reader.mean - other.mean)
            assert mean > half  # the interval is above 0
    assert units.signed(plain.mean - mlp.mean).startswith("-")
    sums, apart, mlp = units.compared(next(c for c in units.OTHERS if c.name == "apart"))
    assert (apart.mean < sums.mean).all()
    share = (apart.mean.mean() - mlp.mean.mean()) / (sums.mean.mean() - mlp.mean.mean())
    assert share == pytest.approx(0.57, abs=5e-3)
    assert units.signed(apart.mean - mlp.mean) == "+0.092 ± 0.178"
    mlp, longer = units.compared(next(c for c in units.OTHERS if c.name == "epochs"))
    assert (longer.mean > mlp.mean).all()
    assert units.signed(attention.mean[:6] - longer.mean) == "+0.036 ± 0.072"
    plus = next(comparison for comparison in units.OTHERS if comparison.name == "plus")
    mlp, alone, everything = units.compared(plus)
    mean, half = units.interval(everything.mean - mlp.mean)
    assert (mean, half) == pytest.approx((0.164, 0.012), abs=6e-4)
    mean, half = units.interval(everything.mean - alone.mean)
    assert (mean, half) == pytest.approx((0.029, 0.067), abs=6e-4)
    assert abs(mean) < 0.06  # as predicted


def test_claims_about_the_cost():
    """What the guide says of the table of times."""
    lines = (units.DATA / "time.md").read_text(encoding="utf-8").splitlines()[2:]
    rows = {cells[1].strip(): [int(x) for x in cells[2:6]] for cells in (line.split("|") for line in lines)}
    mlp, attention, maca, maca_attention = rows["whole update"]
    assert attention / mlp == pytest.approx(1.26, abs=5e-3)
    assert maca_attention / maca == pytest.approx(1.17, abs=5e-3)
    mlp, attention, *_ = rows["train the critic"]
    assert attention > 2 * mlp
    assert attention / rows["whole update"][1] == pytest.approx(1 / 3, abs=0.01)
    mlp, attention, sums = (units.read(arm) for arm in units.MAIN.arms)
    assert "× 1.17 " in units.ratio(sums.minutes, mlp.minutes)


def test_claims_about_other_maps():
    found = {comparison.name: units.compared(comparison) for comparison in units.MAPS if units.there(comparison)}
    changes = {name: units.interval(runs.mean - reference.mean) for name, (reference, runs) in found.items()}
    assert changes["smacv2_5_units_mappo"] == pytest.approx((0.039, 0.062), abs=6e-4)
    assert changes["smacv2_5_units_maca"] == pytest.approx((-0.021, 0.106), abs=6e-4)
    higher = {name: (runs.mean > reference.mean).sum() for name, (reference, runs) in found.items()}
    assert (higher["smacv2_5_units_mappo"], higher["smacv2_5_units_maca"]) == (3, 1)
    assert all(runs.error.mean() < reference.error.mean() for reference, runs in found.values())
    for name in set(found) - {"smacv2_5_units_mappo", "smacv2_5_units_maca"}:
        assert max(runs.mean.max() for runs in found[name]) < 0.01
