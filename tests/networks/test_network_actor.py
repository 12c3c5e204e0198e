"""The actor: masks, the Gaussian, sampling with a generator."""

import math

import pytest
import torch
from torch.distributions import Categorical

from maca_edu.networks import Actor, Choice, draw_action, draw_noise, expected_action, greedy, together
from maca_edu.networks.actor import legal_logits

B, N, OBS, A = 6, 3, 5, 4


def drawn(distribution, generator):
    """Actions, from noise of the generator."""
    shape = expected_action(distribution).shape
    return draw_action(distribution, draw_noise(generator, shape, continuous=not isinstance(distribution, Choice)))


def masked(seed: int = 0):
    torch.manual_seed(seed)
    available = torch.rand(B, N, A) < 0.5
    available[..., 2] = True  # everybody has something to do
    actor = Actor(OBS, A)
    with torch.no_grad():
        actor.out.weight *= 1000  # far from uniform, so that a forbidden action can be the likeliest
    return actor, torch.randn(B, N, OBS), available


@pytest.mark.parametrize("seed", range(5))
def test_illegal_actions_have_no_probability(seed):
    actor, obs, available = masked(seed)
    distribution, hidden = actor(obs, available)
    probs = expected_action(distribution)
    assert hidden is None
    assert (probs[~available] == 0).all()
    assert torch.allclose(probs.sum(-1), torch.ones(B, N))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(200):
        assert available.gather(-1, drawn(distribution, generator).unsqueeze(-1)).all()
    assert available.gather(-1, greedy(distribution).unsqueeze(-1)).all()


def test_masked_gradient_is_finite():
    actor, obs, available = masked()
    distribution, _ = actor(obs, available)
    action = greedy(distribution)
    (distribution.log_prob(action).sum() + distribution.entropy().sum()).backward()
    assert all(torch.isfinite(p.grad).all() for p in actor.parameters())
    assert any(p.grad.abs().sum() > 0 for p in actor.parameters())


def test_a_choice_is_torchs_categorical():
    torch.manual_seed(0)
    logits = torch.randn(B, N, A, dtype=torch.float64, requires_grad=True)
    available = torch.rand(B, N, A) < 0.5
    available[..., 2] = True
    action = available.double().argmax(dim=-1)  # [B, N], the first legal one
    plain = Categorical(logits=logits.masked_fill(~available, -torch.inf), validate_args=False)
    found = []
    for d in (plain, Choice(legal_logits(logits, available))):
        values = d.log_prob(action), d.entropy(), d.probs
        loss = values[0].square().sum() + values[1].sin().sum() + values[2].square().sum()
        found.append([*values, *torch.autograd.grad(loss, logits)])
    for expected, value in zip(*found, strict=True):
        assert torch.allclose(value, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("continuous", [False, True])
def test_separate_networks_act_as_one(continuous):
    torch.manual_seed(0)
    alone = [Actor(OBS, A, continuous=continuous)(torch.randn(B, 1, OBS))[0] for _ in range(N)]
    team = together(alone)
    action = greedy(team)
    assert torch.equal(action, torch.cat([greedy(d) for d in alone], dim=1))
    for i, d in enumerate(alone):
        assert torch.allclose(team.log_prob(action)[:, i], d.log_prob(action[:, i : i + 1])[:, 0])


def test_an_agent_without_actions_is_an_error():
    actor, obs, available = masked()
    available[4, 1] = False
    with pytest.raises(ValueError, match="available allows agent 1 no action in sample 4"):
        actor(obs, available)
    with pytest.raises(ValueError, match=r"available has dtype torch.int64; expected torch.bool"):
        actor(obs, available.long())
    with pytest.raises(ValueError, match=r"available has the shape \[6, 4\]; expected \[6, 3, 4\]"):
        actor(obs, available[:, 0])


def test_a_fresh_policy_is_almost_uniform():
    torch.manual_seed(0)
    probs = expected_action(Actor(OBS, A)(torch.randn(B, N, OBS))[0])
    assert (probs - 1 / A).abs().max() < 0.01  # the last layer's gain is 0.01


def test_sampling_follows_the_generator():
    obs = torch.zeros(B, N, OBS)
    for distribution in (Actor(OBS, A)(obs)[0], Actor(OBS, A, continuous=True)(obs)[0]):
        first, second, third = (drawn(distribution, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
        assert torch.equal(first, second)
        assert not torch.equal(first, third)


@pytest.mark.parametrize(("log_std", "x", "y"), [(1.0, 1.0, 0.5), (-0.7, 2.0, 0.3)])
def test_gaussian_std(log_std, x, y):
    actor = Actor(OBS, A, continuous=True, std_x=x, std_y=y)
    with torch.no_grad():
        actor.log_std.fill_(log_std)
    obs = torch.randn(B, N, OBS)
    distribution, _ = actor(obs)
    std = y / (1 + math.exp(-log_std / x))
    assert torch.allclose(distribution.stddev, torch.tensor(std))
    mean, action = expected_action(distribution), drawn(distribution, torch.Generator().manual_seed(0))
    density = -(((action - mean) / std) ** 2) / 2 - math.log(std * math.sqrt(2 * math.pi))
    assert torch.allclose(distribution.log_prob(action), density.sum(-1), atol=1e-5)  # "prod": one ratio per agent


def test_numbers_that_an_agent_does_not_have_are_zero_and_count_for_nothing():
    actor, obs = Actor(OBS, A, continuous=True), torch.randn(B, N, OBS)
    real = torch.ones(B, N, A, dtype=torch.bool)
    real[:, 1, 2:] = False  # agent 1 has two numbers
    distribution = actor(obs, real)[0]
    action = drawn(distribution, torch.Generator().manual_seed(0))
    assert (action[:, 1, 2:] == 0).all()
    assert (action[real] != 0).all()
    assert (greedy(distribution)[:, 1, 2:] == 0).all()
    base = distribution.base_dist
    assert torch.allclose(distribution.log_prob(action)[:, 1], base.log_prob(action)[:, 1, :2].sum(-1))
    assert torch.allclose(distribution.entropy()[:, 1], base.entropy()[:, 1, :2].sum(-1))
    assert torch.allclose(distribution.log_prob(action)[:, 0], base.log_prob(action)[:, 0].sum(-1))
