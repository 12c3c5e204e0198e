"""The fused baselines against the naive ones, both against enumeration, and the levels against the exact spectrum."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from teams import FEW, LINEAR, OBS, Team, sizes
from torch.utils._python_dispatch import TorchDispatchMode

from maca_edu import exact
from maca_edu.credit import marginals
from maca_edu.networks import Encoding, MacaCritic


def naive(team):
    """Table 1's baselines the long way: Q of every agent's pi-bar."""
    n = team.policy.shape[1]
    groups = (torch.ones(n, n, dtype=torch.bool), torch.eye(n, dtype=torch.bool), team.corrset)
    bars = [marginals(team.policy, team.action, group) for group in groups]
    return torch.stack([team.critic.q(team.z, bar, team.policy) for bar in bars])


def enumerated(team):
    """E_{a_G}[Q] from the table of Q, `[3, B, n]`, with the exact baselines of `maca_edu.exact`."""
    tables, out = team.q_table().numpy(), np.empty((3, *team.action.shape))
    n = team.policy.shape[1]
    for b, table in enumerate(tables):
        policy, played = team.policy[b].numpy(), tuple(team.action[b].tolist())
        for i in range(n):
            groups = (range(n), (i,), np.flatnonzero(team.corrset[b, i].numpy()))
            for row, group in enumerate(groups):
                out[row, b, i] = exact.baseline(table, policy, group)[played]
    return torch.from_numpy(out)


@pytest.mark.parametrize("head", MacaCritic.HEADS)
@FEW
@given(size=sizes, centred=st.booleans())
def test_fused_equals_naive(head, size, centred):
    team = Team(head, **size, centred=centred)
    with torch.no_grad():
        fused = team.critic.baselines(team.z, team.policy, team.played, team.corrset)
        assert fused.shape == (3, *team.action.shape)
        assert torch.allclose(fused, naive(team), atol=1e-9)


@pytest.mark.parametrize("head", LINEAR)
@FEW
@given(size=sizes, centred=st.booleans())
def test_linear_heads_give_the_expectation(head, size, centred):
    team = Team(head, **size, centred=centred)
    with torch.no_grad():
        fused = team.critic.baselines(team.z, team.policy, team.played, team.corrset)
    assert torch.allclose(fused, enumerated(team), atol=1e-9)


@pytest.mark.parametrize("head", LINEAR)
def test_the_expectation_holds_in_single_precision(head):
    team = Team(head, n=4, A=3, B=3, seed=1)
    want = enumerated(team)
    critic = team.critic.float()
    z = Encoding(team.z.state.float(), team.z.tokens.float(), ())
    with torch.no_grad():
        got = critic.baselines(z, team.policy.float(), team.played.float(), team.corrset)
    assert (got - want).abs().max() < 1e-5 * want.abs().max()


def test_the_decoder_does_not_give_the_expectation():
    team = Team("decoder", n=3, A=3, B=8, seed=0)
    with torch.no_grad():
        fused = team.critic.baselines(team.z, team.policy, team.played, team.corrset)
        gap = (fused - enumerated(team)).abs()
    assert (gap.amax(dim=(1, 2)) > 1e-2).all()  # for the joint, the individual and the CorrSet baseline


@pytest.mark.parametrize("head", MacaCritic.HEADS)
@FEW
@given(size=sizes)
def test_baselines_ignore_the_own_action(head, size):
    team = Team(head, **size)
    (_, n), A = team.action.shape, size["A"]
    with torch.no_grad():
        before = team.critic.baselines(team.z, team.policy, team.played, team.corrset)
        for i in range(n):
            changed = team.action.clone()
            changed[:, i] = (changed[:, i] + 1) % A
            played = torch.nn.functional.one_hot(changed, A).double()
            after = team.critic.baselines(team.z, team.policy, played, team.corrset)
            assert torch.allclose(after[:, :, i], before[:, :, i], atol=1e-12)


@pytest.mark.parametrize("head", MacaCritic.HEADS)
@FEW
@given(size=sizes)
def test_a_centred_critic_has_v_as_joint_baseline(head, size):
    team = Team(head, **size, centred=True)
    with torch.no_grad():
        value = team.critic.value(team.z)
        joint, *_ = team.critic.baselines(team.z, team.policy, team.played, team.corrset)
        assert torch.allclose(team.critic.q(team.z, team.policy, team.policy), value, atol=1e-12)
        assert torch.allclose(joint, value.unsqueeze(-1).expand_as(joint), atol=1e-9)
    with pytest.raises(ValueError, match="policy is None"):
        team.critic.q(team.z, team.played)


@pytest.mark.parametrize("head", LINEAR)
@FEW
@given(size=sizes, centred=st.booleans())
def test_levels_equal_the_exact_spectrum(head, size, centred):
    team = Team(head, **size, centred=centred)
    n = size["n"]
    with torch.no_grad():
        levels = team.critic.level_spectrum(team.z, team.policy, team.played)
    for b, table in enumerate(team.q_table().numpy()):
        want, played = np.zeros(n + 1), tuple(team.action[b].tolist())
        for group, part in exact.credit_spectrum(table, team.policy[b].numpy()).items():
            want[len(group)] += part[played]
        np.testing.assert_allclose(levels[b].numpy(), want, atol=1e-9)


def test_only_the_multilinear_head_has_levels_above_one():
    for head in LINEAR:
        team = Team(head, n=4, A=3, B=8, seed=0)
        with torch.no_grad():
            above = team.critic.level_spectrum(team.z, team.policy, team.played)[:, 2:].abs()
        assert (above > 1e-6).all() if head == "multilinear" else (above == 0).all()
    with pytest.raises(ValueError, match="head='decoder' is not linear"):
        Team("decoder", n=2, A=2, B=1, seed=0).critic.level_spectrum(None, None, None)


@pytest.mark.parametrize("head", LINEAR)
def test_a_factor_of_zero_is_exact_enough(head):
    """Products go through logarithms; a factor that is exactly 0, or negative, must survive that."""
    team = Team(head, n=3, A=2, B=5, seed=2)
    if head == "multilinear":
        with torch.no_grad():
            team.critic.head.factor.weight.zero_()
            team.critic.head.factor.bias.copy_(torch.tensor([-1.0, 0.0, 2.0, -3.0, -1.0, 0.5]))  # [A, R]
    with torch.no_grad():
        fused = team.critic.baselines(team.z, team.policy, team.played, team.corrset)
        assert torch.allclose(fused, naive(team), atol=1e-9)


class Largest(TorchDispatchMode):
    """Remembers how many numbers the largest tensor held."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.numbers = max(self.numbers, out.untyped_storage().nbytes() // out.element_size())
        return out


@pytest.mark.parametrize("head", LINEAR)
def test_fused_baselines_never_build_pi_bar(head):
    B, n, A = 2, 16, 15
    team = Team(head, n, A, B, seed=0)
    with torch.no_grad(), Largest() as largest:
        team.critic.baselines(team.z, team.policy, team.played, team.corrset)
    assert largest.numbers < B * n * n * A / 2
    with torch.no_grad(), Largest() as largest:
        naive(team)
    assert largest.numbers >= B * n * n * A


def permuted(team, order):
    z = Encoding(team.z.state, team.z.tokens[:, order], ())
    return z, team.policy[:, order], team.played[:, order], team.corrset[:, order][:, :, order]


@pytest.mark.parametrize("head", ["conditioned", "multilinear"])
def test_permuting_the_agents_permutes_their_baselines(head):
    team, order = Team(head, n=4, A=3, B=5, seed=4), torch.tensor([2, 0, 3, 1])
    z, policy, played, corrset = permuted(team, order)
    with torch.no_grad():
        before = team.critic.baselines(team.z, team.policy, team.played, team.corrset)
        assert torch.allclose(team.critic.baselines(z, policy, played, corrset), before[:, :, order], atol=1e-9)
        levels = team.critic.level_spectrum(team.z, team.policy, team.played)
        assert torch.allclose(team.critic.level_spectrum(z, policy, played), levels, atol=1e-9)


def test_the_additive_head_tells_agents_apart():
    team, order = Team("additive", n=4, A=3, B=5, seed=4), torch.tensor([2, 0, 3, 1])
    z, _, played, _ = permuted(team, order)
    with torch.no_grad():
        assert not torch.allclose(team.critic.q(z, played), team.critic.q(team.z, team.played))


@pytest.mark.parametrize("recurrent", [False, True])
def test_permuting_the_agents_permutes_tokens_and_attention(recurrent):
    torch.manual_seed(0)
    critic = MacaCritic(OBS, 4, 3, recurrent=recurrent, n_layers=2, n_heads=4).double()
    obs, order = torch.randn(6, 4, OBS).double(), torch.tensor([2, 0, 3, 1])
    z, after = critic(obs)[0], critic(obs[:, order])[0]
    assert torch.allclose(after.tokens, z.tokens[:, order], atol=1e-9)
    assert len(z.attentions) == 2
    for a, b in zip(after.attentions, z.attentions, strict=True):
        assert torch.allclose(a, b[:, :, order][:, :, :, order], atol=1e-9)
        assert torch.allclose(b.sum(-1), torch.ones(6, 4, 4).double())


def test_the_additive_head_is_two_linear_maps():
    team = Team("additive", n=3, A=2, B=5, seed=0)
    head = team.critic.head
    with torch.no_grad():
        x = torch.cat([team.z.state, team.played.flatten(1)], dim=-1)
        assert torch.allclose(team.critic.q(team.z, team.played), head.out(head.mix(x)).squeeze(-1), atol=1e-9)


def test_a_corrset_without_its_own_agent_is_an_error():
    team = Team("additive", n=3, A=2, B=2, seed=0)
    team.corrset[1, 2, 2] = False
    with pytest.raises(ValueError, match="corrset"):
        team.critic.baselines(team.z, team.policy, team.played, team.corrset)
    with pytest.raises(ValueError, match="corrset"):
        team.critic.baselines(team.z, team.policy, team.played, team.corrset.double())


def test_psi_starts_at_a_third():
    team = Team("additive", n=3, A=2, B=4, seed=0)
    assert torch.allclose(team.critic.psi(team.z), torch.full((4, 3), 1 / 3).double())
