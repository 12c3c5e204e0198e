"""ValueNorm's formulas by hand, the round trip, and one normaliser for each target."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from maca_edu.training.value_norm import ValueNorm


def test_two_updates_by_hand():
    norm = ValueNorm(beta=0.5)
    norm.update(torch.tensor([[1.0, 3.0]]))  # mean 2, mean square 5, weight 1/2
    assert (norm.mean, norm.std) == (2.0, 1.0)
    norm.update(torch.tensor([8.0]))  # m = 2/4 + 8/2 = 4.5; q = 5/4 + 64/2 = 33.25; w = 3/4
    assert norm.mean == pytest.approx(6)
    assert norm.std == pytest.approx((33.25 / 0.75 - 36) ** 0.5)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_a_long_memory_weighs_all_updates_alike(targets):
    norm = ValueNorm()  # beta = 0.99999
    for target in targets:
        norm.update(torch.tensor([target], dtype=torch.float64))
    x = torch.tensor(targets, dtype=torch.float64)
    assert norm.mean == pytest.approx(x.mean().item(), rel=1e-3, abs=0.3)
    assert norm.std == pytest.approx(max(x.var(correction=0).item(), 1e-2) ** 0.5, rel=1e-2, abs=1e-6)


def test_debiased_and_the_variance_has_a_floor():
    norm = ValueNorm()
    assert (norm.mean, norm.std) == (0.0, 0.1)
    norm.update(torch.full((4,), 500.0))
    assert norm.mean == pytest.approx(500)  # not 500 (1 - beta) = 0.005
    assert norm.std == pytest.approx(0.1)


@given(st.floats(-1e3, 1e3), st.floats(0.0, 1e3), st.integers(0, 1000))
def test_round_trip(mean, spread, seed):
    norm = ValueNorm(0.9)
    x = mean + spread * torch.randn(3, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    norm.update(x)
    assert_close(norm.denormalise(norm.normalise(x)), x)
    if spread > 1:
        assert norm.normalise(x).mean().abs() < 1e-6
        assert norm.normalise(x).var(correction=0).item() == pytest.approx(1)


def test_baselines_go_back_through_their_own_statistics():
    """Returns near 100; a baseline trained on targets near 20 in its own units. The wrong way back shifts it by 80."""
    returns, q = ValueNorm(), ValueNorm()
    returns.update(torch.tensor([90.0, 110.0]))
    q.update(torch.tensor([15.0, 25.0]))
    output = q.normalise(torch.tensor([22.0]))  # what the critic learns to say
    assert_close(q.denormalise(output), torch.tensor([22.0]))
    assert_close(returns.denormalise(output), torch.tensor([104.0]))
    assert_close(output, torch.tensor([0.4]))  # left in the critic's units it is no baseline at all


def test_state_goes_on_identically():
    one, other = ValueNorm(0.99), ValueNorm()
    one.update(torch.arange(5.0))
    other.load_state_dict(one.state_dict())
    saved = one.state_dict()
    for norm in (one, other):
        norm.update(torch.tensor([7.0]))
    assert torch.equal(one.sums, other.sums)
    assert not torch.equal(one.sums, saved["sums"])  # a saved state stays as it was


@pytest.mark.parametrize("targets", [[float("nan")], [1.0, float("inf")], []])
def test_targets_are_finite(targets):
    with pytest.raises(ValueError, match="not finite"):
        ValueNorm().update(torch.tensor(targets))
    with pytest.raises(ValueError, match=r"beta=1\.0"):
        ValueNorm(beta=1.0)
