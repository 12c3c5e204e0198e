"""Attention: its fast paths are the plain ones, its rows sum to one."""

import pytest
import torch

from maca_edu.networks import Attention, MacaCritic
from maca_edu.networks.layers import softmax


@pytest.mark.parametrize("shape", [(3,), (4, 1), (2, 3, 5)])
def test_softmax_and_its_gradient_are_torchs(shape):
    torch.manual_seed(0)
    x = (3 * torch.randn(shape, dtype=torch.float64)).requires_grad_()
    found = []
    for y in (x.softmax(dim=-1), softmax(x)):
        found.append([y, *torch.autograd.grad(y.square().sum(), x)])
    for plain, fast in zip(*found, strict=True):
        assert torch.allclose(fast, plain, atol=1e-12)


@pytest.mark.parametrize("n_heads", [1, 2])
def test_tokens_that_attend_to_themselves_need_one_product(n_heads):
    torch.manual_seed(0)
    attention, x = Attention(8, n_heads).double(), torch.randn(3, 5, 8, dtype=torch.float64)
    found = []
    for out, weights in (attention(x, context=x), attention(x)):
        found.append([out, weights, *torch.autograd.grad(out.square().sum(), attention.parameters())])
    for plain, fast in zip(*found, strict=True):
        assert torch.allclose(fast, plain, atol=1e-12)
    assert torch.allclose(weights.sum(dim=-1), torch.ones(3, n_heads, 5, dtype=torch.float64))


def test_released_start_scales_four_matrices_of_each_block_and_leaves_the_gru_orthogonal():
    torch.manual_seed(0)
    size = 64
    net = MacaCritic(10, 3, 4, embed=size, n_layers=2, start="released")
    xavier = (2 / (size + size)) ** 0.5  # standard deviation of a square Xavier matrix
    shrunk = 0.67 * 2**-0.25
    for block in net.encoder.blocks:
        factors = {
            block.attention.query: 1.0,
            block.attention.key: 1.0,
            block.attention.value: shrunk * 2**0.5,
            block.attention.project: shrunk,
            block.mlp[0]: shrunk,
            block.mlp[2]: shrunk,
        }
        for layer, factor in factors.items():
            assert layer.weight.std().item() == pytest.approx(factor * xavier, rel=0.05)
    for weight in (net.encoder.recurrence.gru.weight_ih_l0, net.encoder.recurrence.gru.weight_hh_l0):
        torch.testing.assert_close(weight.T @ weight, torch.eye(size), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="start='cold'; allowed are t-fixup, released"):
        MacaCritic(10, 3, 4, start="cold")
