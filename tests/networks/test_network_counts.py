"""Table 6: the critics' parameters at the sizes of 5m_vs_6m, to the last one."""

import pytest
from torch import nn

from maca_edu.networks import Actor, ComaCritic, MacaCritic, QMixer, UtilityCritic, VCritic, count_parameters

N, A, OBS, STATE = 5, 12, 124, 249

CRITICS = {
    "MAPPO": (165_747, lambda: VCritic(STATE)),
    "IPPO": (149_497, lambda: VCritic(OBS)),
    "COMA": (174_966, lambda: ComaCritic(STATE, N, A)),
    "HAPPO": (165_747, lambda: VCritic(STATE)),
    "PPO-Mix": (361_349, lambda: nn.ModuleList([UtilityCritic(OBS, A), QMixer(N, STATE)])),
    "PPO-Sum": (134_148, lambda: UtilityCritic(OBS, A)),
    "MACA": (239_674, lambda: MacaCritic(OBS, N, A)),
}


@pytest.mark.parametrize("method", CRITICS)
def test_table_6(method):
    published, build = CRITICS[method]
    assert count_parameters(build()) == published


@pytest.mark.parametrize("head", MacaCritic.HEADS)
def test_psi_is_counted_apart(head):
    critic = MacaCritic(OBS, N, A, head=head)
    assert count_parameters(critic, frozen=True) == 771
    psi = {id(parameter) for parameter in critic.psi_head.parameters()}
    assert all(parameter.requires_grad == (id(parameter) not in psi) for parameter in critic.parameters())


def test_decoder_is_larger():
    assert count_parameters(MacaCritic(OBS, N, A, head="decoder")) == 304_826


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="head='linear'; allowed are additive, conditioned, multilinear, decoder"):
        MacaCritic(OBS, N, A, head="linear")
    with pytest.raises(ValueError, match="rank=0"):
        MacaCritic(OBS, N, A, head="multilinear", rank=0)
    with pytest.raises(ValueError, match="n_heads=3 does not divide embed=64"):
        MacaCritic(OBS, N, A, n_heads=3)
    with pytest.raises(ValueError, match="obs_size=0"):
        Actor(0, A)
