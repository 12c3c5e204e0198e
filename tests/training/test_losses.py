"""The losses by hand: clipping, masks, Huber, entropy, HAPPO's factor."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from maca_edu.training.losses import (
    action_ratio,
    agent_order,
    clip_fraction,
    entropy,
    masked_mean,
    next_factor,
    normalise_advantage,
    policy_loss,
    sequential_factors,
    value_loss,
)


def test_surrogate_and_its_gradient_by_hand():
    """Clip .2. Good actions: inside, too likely already. Bad ones: too unlikely already, too likely."""
    ratio = torch.tensor([1.1, 1.5, 0.5, 1.5], requires_grad=True)
    loss = policy_loss(ratio, torch.tensor([1.0, 2.0, -2.0, -2.0]), clip=0.2)
    assert loss.item() == pytest.approx(-(1.1 + 2.4 - 1.6 - 3.0) / 4)
    loss.backward()
    assert_close(ratio.grad, torch.tensor([-0.25, 0.0, 0.0, 0.5]))
    assert clip_fraction(ratio, 0.2).item() == 0.75


def test_ratios_of_several_numbers_multiply():
    new, old = torch.tensor([[0.1, 0.2], [-1.0, 1.0]]), torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    assert_close(action_ratio(new, old, dims=1), torch.tensor([math.exp(0.3), 1.0]))
    assert_close(action_ratio(new, old, dims=1), new.exp().prod(dim=-1))
    assert_close(action_ratio(new, old), new.exp())


def test_only_the_living_count():
    active = torch.tensor([[True, False], [True, True]])
    x = torch.tensor([[1.0, 50.0], [2.0, 6.0]])
    assert masked_mean(x, active).item() == 3
    assert masked_mean(x, torch.zeros(2, 2, dtype=torch.bool)).item() == 0
    assert_close(normalise_advantage(x, active)[active], (torch.tensor([1.0, 2.0, 6.0]) - 3) / math.sqrt(14 / 3))
    assert normalise_advantage(x, active)[0, 1] == 0
    assert (normalise_advantage(torch.full((3,), 7.0)) == 0).all()


@given(st.integers(0, 2**32 - 1))
def test_masked_entries_have_no_influence(seed):
    g = torch.Generator().manual_seed(seed)
    active = torch.rand(6, 3, generator=g) < 0.6
    active[0, 0] = True
    advantage, log_ratio = torch.randn(6, 3, generator=g), 0.3 * torch.randn(6, 3, generator=g)
    logits = torch.randn(6, 3, 4, generator=g)

    def run(noise):  # noise only where masked
        a = torch.where(active, advantage, advantage + 100 * noise)
        l = torch.where(active, log_ratio, log_ratio + noise).requires_grad_()
        p = torch.where(active[..., None], logits, logits + noise[..., None] * torch.arange(4)).softmax(dim=-1)
        normal = normalise_advantage(a, active)
        loss = policy_loss(l.exp(), normal, 0.2, active)
        loss.backward()
        return loss, l.grad, normal, entropy(p, active), sequential_factors(l.exp(), [2, 0, 1], active)

    for one, other in zip(run(torch.zeros(6, 3)), run(torch.randn(6, 3, generator=g)), strict=True):
        assert_close(one, other, rtol=0, atol=0)
    assert (run(torch.zeros(6, 3))[1][~active] == 0).all()


def test_entropy_by_hand_and_finite_where_actions_are_illegal():
    logits = torch.tensor([[0.0, 0.0, -math.inf], [0.0, -math.inf, -math.inf]], requires_grad=True)
    got = entropy(logits.softmax(dim=-1))
    assert got.item() == pytest.approx(math.log(2) / 2)
    got.backward()
    assert torch.isfinite(logits.grad).all()
    assert entropy(torch.full((5, 4), 0.25)).item() == pytest.approx(math.log(4))


def test_value_loss_by_hand():
    """Huber beyond 10 is linear; clipped at .2 the larger of the two losses counts."""

    def loss(value, old, target, clip):
        return value_loss(torch.tensor([value]), torch.tensor([old]), torch.tensor([target]), clip).item()

    assert loss(4.0, 0.0, 1.0, None) == pytest.approx(4.5)
    assert loss(30.0, 0.0, 0.0, None) == pytest.approx(10 * 30 - 50)
    assert loss(1.0, 0.0, 1.0, 0.2) == pytest.approx(0.8**2 / 2)  # clipped to .2, still .8 away
    assert loss(-1.0, 0.0, 1.0, 0.2) == pytest.approx(2.0)  # the wrong way: nothing is forgiven
    assert loss(0.1, 0.0, 1.0, 0.2) == pytest.approx(0.9**2 / 2)


def test_the_clipped_value_has_no_gradient_and_targets_get_none():
    value = torch.tensor([1.0, 0.1], requires_grad=True)
    old, target = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    value_loss(value, old, target, clip=0.2).backward()
    assert_close(value.grad, torch.tensor([0.0, -0.45]))
    assert old.grad is None
    assert target.grad is None


def test_factor_by_hand():
    ratio = torch.tensor([[2.0, 3.0, 5.0]])
    assert sequential_factors(ratio, [0, 1, 2]).tolist() == [[1, 2, 6]]
    assert sequential_factors(ratio, [2, 0, 1]).tolist() == [[5, 10, 1]]
    assert sequential_factors(ratio, [2, 0, 1], torch.tensor([[False, True, True]])).tolist() == [[5, 5, 1]]
    now = torch.ones(1)
    for i, want in ((2, 1), (0, 5), (1, 10)):
        assert now.item() == want
        now = next_factor(now, ratio[:, i])
    assert not next_factor(now, ratio.requires_grad_()[:, 0]).requires_grad
    with pytest.raises(ValueError, match=r"order=\[0, 0, 1\]"):
        sequential_factors(ratio, [0, 0, 1])


def test_order_is_random_and_repeatable():
    orders = [[tuple(agent_order(3, g)) for _ in range(60)] for g in (torch.Generator().manual_seed(4) for _ in "ab")]
    assert orders[0] == orders[1]
    assert len(set(orders[0])) == 6
