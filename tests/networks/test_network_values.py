"""COMA's Q does not see the agent's own action; VDN adds; QMIX rises in every utility."""

import torch

from maca_edu.networks import ComaCritic, QMixer, UtilityCritic, vdn

B, N, A, OBS, STATE = 8, 4, 3, 5, 6


def test_coma_is_independent_of_the_own_action():
    torch.manual_seed(0)
    critic, state = ComaCritic(STATE, N, A), torch.randn(B, STATE)
    action = torch.randint(0, A, (B, N))
    before = critic(state, torch.eye(A)[action])[0]
    for i in range(N):
        changed = action.clone()
        changed[:, i] = (changed[:, i] + 1) % A
        after = critic(state, torch.eye(A)[changed])[0]
        assert torch.equal(after[:, i], before[:, i])
        others = [j for j in range(N) if j != i]
        assert ((after - before)[:, others].abs().sum(-1) > 0).all()


def test_utilities_are_permuted_with_the_agents_and_vdn_adds_them():
    torch.manual_seed(0)
    obs, order = torch.randn(B, N, OBS), torch.tensor([2, 0, 3, 1])
    critic = UtilityCritic(OBS, A)
    assert torch.allclose(critic(obs[:, order])[0], critic(obs)[0][:, order], atol=1e-6)
    utilities = torch.randn(B, N, requires_grad=True)
    assert torch.allclose(vdn(utilities), sum(utilities[:, i] for i in range(N)))
    vdn(utilities).sum().backward()
    assert torch.equal(utilities.grad, torch.ones(B, N))


def test_qmix_falls_in_no_utility():
    torch.manual_seed(0)
    signs = []
    for _ in range(10):
        mixer = QMixer(N, STATE)
        utilities = (5 * torch.randn(B, N)).requires_grad_()
        mixer(utilities, torch.randn(B, STATE)).sum().backward()
        assert (utilities.grad >= 0).all()
        signs.append(utilities.grad)
    assert (torch.stack(signs) > 0).float().mean() > 0.9  # and does not ignore them
    one, two = mixer(utilities, torch.zeros(B, STATE)), mixer(utilities, torch.ones(B, STATE))
    assert not torch.allclose(one, two)


def test_qmix_bends_upwards_only():
    """A utility counts the more, the higher another is (chapter 8): increasing differences for each pair of agents."""
    torch.manual_seed(0)
    for _ in range(5):
        mixer = QMixer(N, STATE)
        x, state, rise = torch.randn(64, N), torch.randn(64, STATE), torch.rand(64, N)
        for i in range(N):
            for j in range(i):
                first, second = (rise * (torch.arange(N) == agent) for agent in (i, j))
                alone = mixer(x + first, state) - mixer(x, state)
                with_company = mixer(x + first + second, state) - mixer(x + second, state)
                assert (with_company >= alone - 1e-4).all()
                assert (with_company > alone + 1e-3).any()
