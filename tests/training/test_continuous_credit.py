"""Counterfactual baselines of actions that are numbers: legal, exact, and no bias in the gradient of a known game."""

import dataclasses

import pytest
import torch
from small_worlds import Aim
from torch.testing import assert_close

from maca_edu.training import loop
from maca_edu.training.advantages import batch_of
from maca_edu.training.config import Config
from maca_edu.training.methods import find
from maca_edu.training.records import CriticInput, Sizes

SIZES = Sizes(obs=5, state=4, n_agents=3, n_actions=2, continuous=True)
SMALL = Config(rollout=1, critic_sizes=(16,), actor_sizes=(16,), recurrent=False)
N = 20_000
FEW = 4.5  # standard errors that an estimate may be off
THREE = ("coma", "ppo-sum", "ppo-mix")


def made(method):
    """A method's critic with large random weights and statistics that are not those of the beginning."""
    torch.manual_seed(0)
    critic = find(method).critic(SIZES, SMALL).double()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    critic.outputs[0].norm.update(torch.tensor([2.0, 3.0, 7.0]))
    return critic


def moment(samples, seed=1):
    """One state, a Gaussian policy, and actions drawn from it, as a critic reads them."""
    g = torch.Generator().manual_seed(seed)
    numbers = dict(generator=g, dtype=torch.float64)
    obs, state = torch.randn(1, 3, 5, **numbers), torch.randn(1, 4, **numbers)
    mean, std = torch.randn(1, 3, 2, **numbers), 0.2 + torch.rand(1, 3, 2, **numbers)
    one = [x.expand(samples, *x.shape[1:]) for x in (obs, state, mean, std)]
    action = mean + std * torch.randn(samples, 3, 2, **numbers)
    return CriticInput(*one[:2], action, one[2], torch.ones(samples, dtype=torch.bool), None, one[3])


@pytest.mark.parametrize("method", THREE)
@torch.no_grad()
def test_the_mean_is_that_of_fresh_actions_of_one_agent(method):
    """The naive way: agent i acts anew, many times, and the others do not."""
    critic, x = made(method), moment(1)
    exact = critic.judge(x).own_mean
    for i in range(3):
        many = moment(N)._replace(action=x.action.expand(N, -1, -1).clone())
        noise = torch.randn(N, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2 + i))
        many.action[:, i] = many.policy[:, i] + many.std[:, i] * noise
        q = critic.judge(many).own_q[:, i]
        assert q.std() > 0.05
        assert exact[0, i].item() == pytest.approx(q.mean().item(), abs=FEW * q.std().item() / N**0.5)


@pytest.mark.parametrize("method", THREE)
@torch.no_grad()
def test_the_mean_knows_nothing_of_the_own_action(method):
    critic, x = made(method), moment(6)
    before = critic.judge(x)
    for i in range(3):
        action = x.action.clone()
        action[:, i] += 1
        after = critic.judge(x._replace(action=action))
        assert torch.equal(after.own_mean[:, i], before.own_mean[:, i])
        assert (after.own_q[:, i] != before.own_q[:, i]).all()
        assert_close(critic.bootstrap(x), before.bootstrap)


def payoff(action):
    """A game of two levels: agents' numbers, and the product of the first two agents' sums."""
    own = action.sum(dim=-1)  # [S, n]
    return own @ torch.tensor([1.0, -2.0, 0.5]).double() + 3 * own[:, 0] * own[:, 1] - own.square().sum(dim=-1)


def slope(x):
    """dE[payoff] / d mean of each agent, `[n, A]`: of a quadratic payoff its gradient at the mean."""
    mean = x.policy[:1].clone().requires_grad_()
    return torch.autograd.grad(payoff(mean).sum(), mean)[0][0]


def worst_z(x, advantage):
    """How many standard errors the estimated gradient is off, at worst; advantage `[S, n]`."""
    score = (x.action - x.policy) / x.std.square()  # [S, n, A] of the mean
    estimates = advantage.unsqueeze(-1) * score
    error = estimates.std(dim=0) / len(advantage) ** 0.5
    return ((estimates.mean(dim=0) - slope(x)) / error).abs().max().item()


@torch.no_grad()
def test_comas_gradient_has_no_bias_whatever_its_critic_says():
    critic, x = made("coma"), moment(5 * N)
    with torch.enable_grad():
        true = slope(x)
    assert true.abs().max() > 0.5
    target = payoff(x.action).unsqueeze(-1)
    words = critic.judge(x)
    alive = torch.ones(5 * N, 3, dtype=torch.bool)
    advantage = find("coma").advantage(batch_of(words, target, x.action, x.policy, alive))
    with torch.enable_grad():
        assert worst_z(x, advantage) < FEW
        assert worst_z(x, target - words.own_q) > 1.5 * FEW  # knows the agent's own action
        assert worst_z(x, -advantage) > 1.5 * FEW


@pytest.mark.parametrize("method", ["ppo-sum", "ppo-mix"])
def test_utilities_find_their_goals_where_the_critic_learns_first(method):
    """They follow their critic without a return; with as many passes as the policies' it is followed too early."""
    sizes = dict(actor_sizes=(32,), critic_sizes=(32,))
    config = Config(rollout=1, lr=3e-3, critic_epochs=20, entropy=0.0, minibatches=1, diagnose_every=0, **sizes)
    run = loop.train(Aim(128), method, 50 * 128, config=config)
    first = run.metrics["return_mean"][0]  # returns are negative
    assert loop.play(run, Aim(200), seed=0).return_mean > 0.3 * first
    assert run.metrics["return_mean"][-5:].mean() > 0.5 * first


def test_coma_with_its_own_q_learns_too():
    config = Config(rollout=1, lr=1e-2, entropy=0.0, minibatches=1, actor_sizes=(32,), critic_sizes=(32,))
    run = loop.train(Aim(64), "coma", 40 * 64, config=dataclasses.replace(config, advantage="critic"))
    assert run.metrics["return_mean"][-5:].mean() > run.metrics["return_mean"][0]
