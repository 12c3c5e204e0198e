"""psi of MACA's critic: starts at a third each, is the softmax of its head's logits, no weight falls below 0.01."""

import torch

from maca_edu.networks import MacaCritic
from maca_edu.networks.critic import Encoding


def psi(bias, weight=None):
    """psi `[4, 3]` in four states, of a head with these numbers; and the softmax without the clamp."""
    critic = MacaCritic(obs_size=2, n_agents=2, n_actions=2, z_size=8)
    z = Encoding(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)), None, ())
    critic.psi_head.bias += torch.as_tensor(bias)
    critic.psi_head.weight += 0.0 if weight is None else weight
    return critic.psi(z), critic.psi_head(z.state).softmax(dim=-1)


def test_psi_starts_at_a_third_each():
    assert torch.equal(psi([0.0, 0.0, 0.0])[0], torch.full((4, 3), 1 / 3))


def test_within_its_bounds_psi_is_the_softmax_to_the_last_bit():
    clamped, softmax = psi([1.9, -1.9, 0.3])
    assert torch.equal(clamped, softmax)


def test_no_weight_falls_below_a_hundredth():
    for bias in ([-50.0, 50.0, 50.0], [50.0, -50.0, 0.0], [-3.0, 3.0, 0.0]):
        clamped, softmax = psi(bias, 5.0)
        assert clamped.min() >= 0.01
        assert softmax.min() < 0.01
