"""COMA's Q does not see the agent's own action; means over a Gaussian are exact; VDN adds; QMIX rises in each."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from maca_edu.networks import Actor, ComaCritic, OfChoice, QMixer, UtilityCritic, action_std, expected_action, vdn

B, N, A, OBS, STATE = 8, 4, 3, 5, 6


def test_coma_is_independent_of_the_own_action():
    torch.manual_seed(0)
    critic, state = ComaCritic(STATE, N, A), torch.randn(B, STATE)
    action = torch.randint(0, A, (B, N))
    before = critic(state, torch.eye(A)[action])[0].values
    for i in range(N):
        changed = action.clone()
        changed[:, i] = (changed[:, i] + 1) % A
        after = critic(state, torch.eye(A)[changed])[0].values
        assert torch.equal(after[:, i], before[:, i])
        others = [j for j in range(N) if j != i]
        assert ((after - before)[:, others].abs().sum(-1) > 0).all()


def test_coma_is_independent_of_the_own_numbers():
    torch.manual_seed(0)
    critic, state = ComaCritic(STATE, N, A, continuous=True), torch.randn(B, STATE)
    action, policy, std = torch.randn(B, N, A), torch.randn(B, N, A), torch.rand(B, N, A)
    own = critic(state, action)[0]
    for i in range(N):
        changed = action.clone()
        changed[:, i] += torch.randn(B, A)
        other = critic(state, changed)[0]
        means = own.mean(policy, std), other.mean(policy, std)
        assert torch.equal(means[0][:, i], means[1][:, i])
        others = [j for j in range(N) if j != i]
        assert ((means[0] - means[1])[:, others] != 0).all()
        assert (other.of(changed)[:, i] != own.of(action)[:, i]).all()  # but Q of what it played is another


def worth_of_numbers(numbers, seed=0):
    """The worth of an agent's action of so many numbers, one sample of one agent, and a policy's mean and deviation."""
    torch.manual_seed(seed)
    critic = UtilityCritic(OBS, numbers, (16,), recurrent=False, continuous=True).double()
    own, _ = critic(torch.randn(1, 1, OBS).double())
    own = own._replace(start=own.start + torch.randn_like(own.start))  # kinks on both sides
    return own.times(3.0, 1.0), torch.randn(1, 1, numbers).double(), torch.rand(1, 1, numbers).double() + 0.1


@pytest.mark.parametrize("seed", range(3))
@torch.no_grad()
def test_the_mean_over_a_gaussian_number_is_its_integral(seed):
    own, mean, std = worth_of_numbers(1, seed)

    def integrand(a):
        return own.of(torch.full((1, 1, 1), a, dtype=torch.float64)).item() * norm.pdf(a, mean.item(), std.item())

    kinks = np.sort((-own.start.flatten() / own.slope[:, 0]).numpy())
    low, high = mean.item() - 12 * std.item(), mean.item() + 12 * std.item()
    inside = [kink for kink in kinks if low < kink < high]
    assert len(inside) > 2
    total = sum(quad(integrand, a, b)[0] for a, b in zip([low, *inside], [*inside, high], strict=True))
    assert own.mean(mean, std).item() == pytest.approx(total, abs=1e-9)


@torch.no_grad()
def test_the_mean_over_several_gaussian_numbers_is_that_of_many_draws():
    own, mean, std = worth_of_numbers(4)
    draws = mean + std * torch.randn(400_000, 1, 4, dtype=torch.float64)
    q = own.of(draws)
    error = q.std().item() / len(draws) ** 0.5
    assert own.mean(mean, std).item() == pytest.approx(q.mean().item(), abs=4.5 * error)
    assert abs(own.mean(mean, 0 * std) - q.mean()).item() > 20 * error  # Q of the mean is something else


@torch.no_grad()
def test_a_number_that_is_not_real_and_a_policy_without_spread_have_the_mean_of_one_action():
    own, mean, std = worth_of_numbers(3)
    torch.testing.assert_close(own.mean(mean, 0 * std), own.of(mean))
    actor = Actor(OBS, 3, (8,), continuous=True)
    real = torch.tensor([[[True, False, True]]])
    distribution, _ = actor(torch.randn(1, 1, OBS), real)
    policy, std = expected_action(distribution).double(), action_std(distribution).double()
    assert (policy[~real] == 0).all()
    assert (std > 0).equal(real)
    other = own._replace(slope=own.slope + torch.tensor([0.0, 5.0, 0.0]))
    torch.testing.assert_close(other.mean(policy, std), own.mean(policy, std))


def test_the_mean_has_a_gradient_everywhere():
    own, mean, std = worth_of_numbers(2)
    for spread in (std, 0 * std):
        (gradient,) = torch.autograd.grad(own.mean(mean.requires_grad_(), spread).sum(), mean, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0


def test_a_choice_has_the_probabilities_mean():
    own = OfChoice(torch.tensor([[[4.0, 8.0], [1.0, 3.0]]]))
    assert own.of(torch.tensor([[1, 0]])).tolist() == [[8, 1]]
    assert own.mean(torch.tensor([[[0.25, 0.75], [0.5, 0.5]]])).tolist() == [[7, 2]]
    assert own.times(2.0, 1.0).of(torch.tensor([[1, 0]])).tolist() == [[17, 3]]


def test_utilities_are_permuted_with_the_agents_and_vdn_adds_them():
    torch.manual_seed(0)
    obs, order = torch.randn(B, N, OBS), torch.tensor([2, 0, 3, 1])
    critic = UtilityCritic(OBS, A)
    assert torch.allclose(critic(obs[:, order])[0].values, critic(obs)[0].values[:, order], atol=1e-6)
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
