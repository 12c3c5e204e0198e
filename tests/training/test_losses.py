"""The losses by hand: clipping, masks, Huber, entropy, the normalised advantage, HAPPO's factor and order."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical
from torch.testing import assert_close

from maca_edu import envs
from maca_edu.networks import Gaussian
from maca_edu.networks.actor import legal_logits
from maca_edu.training import ppo
from maca_edu.training.advantages import Advantage, masked_mean
from maca_edu.training.config import Config
from maca_edu.training.methods import find, happo, mappo
from maca_edu.training.ppo import (
    clip_fraction,
    explained,
    next_factor,
    policy_loss,
    update_in_turn,
    update_together,
    value_loss,
)
from maca_edu.training.processes import OneProcess, variances
from maca_edu.training.records import JudgedBatch, Sizes
from maca_edu.training.team import Team
from maca_edu.training.trainer import Trainer


def test_surrogate_and_its_gradient_by_hand():
    """Clip .2. Good actions: inside, too likely already. Bad ones: too unlikely already, too likely."""
    ratio = torch.tensor([1.1, 1.5, 0.5, 1.5], requires_grad=True)
    loss = policy_loss(ratio, torch.tensor([1.0, 2.0, -2.0, -2.0]), clip=0.2)
    assert loss.item() == pytest.approx(-(1.1 + 2.4 - 1.6 - 3.0) / 4)
    loss.backward()
    assert_close(ratio.grad, torch.tensor([-0.25, 0.0, 0.0, 0.5]))
    assert clip_fraction(ratio, 0.2).item() == 0.75
    assert not clip_fraction(ratio, 0.2).requires_grad


def test_ratios_of_several_numbers_multiply():
    """An action of several numbers has one log-probability, so one ratio: the product of theirs."""
    mean, moved, std = torch.randn(3, 4, 2, 5, generator=torch.Generator().manual_seed(0)).unbind(0)
    std = std.exp()
    action = torch.zeros(4, 2, 5)
    ratio = (Gaussian(moved, std).log_prob(action) - Gaussian(mean, std).log_prob(action)).exp()
    each = ((mean**2 - moved**2) / (2 * std**2)).exp()  # of densities exp(-(x - mean)^2 / (2 std^2)) at x = 0
    assert_close(ratio, each.prod(dim=-1))


def judged(target, alive=None, value=None):
    """What MAPPO's row asks for, where V is 0 unless told otherwise."""
    alive = torch.ones_like(target, dtype=torch.bool) if alive is None else alive
    value = torch.zeros_like(target) if value is None else value
    nothing = torch.zeros(*target.shape, 1)
    return JudgedBatch(target, nothing.squeeze(-1).long(), nothing, alive, torch.ones(len(target), 1), value=value)


def normalised(x, alive=None):
    advantage = Advantage(mappo, judged(x, alive), OneProcess())
    return advantage.normalised(torch.ones(len(x), 1))


def test_only_the_living_count():
    alive = torch.tensor([[True, False], [True, True]])
    x = torch.tensor([[1.0, 50.0], [2.0, 6.0]])
    assert masked_mean(x, alive).item() == 3
    assert masked_mean(x).item() == 59 / 4
    assert masked_mean(x, torch.zeros(2, 2, dtype=torch.bool)).item() == 0
    assert_close(normalised(x, alive)[alive], (torch.tensor([1.0, 2.0, 6.0]) - 3) / math.sqrt(14 / 3))
    assert normalised(x, alive)[0, 1] == 0
    assert (normalised(torch.full((3, 1), 7.0)) == 0).all()
    assert (normalised(x, torch.zeros(2, 2, dtype=torch.bool)) == 0).all()


def test_happos_factor_weighs_the_advantage_and_its_mean():
    """Of A - mean the mean is subtracted as a constant baseline, so M weighs both; the deviation is that of A."""
    g = torch.Generator().manual_seed(0)
    target, value = torch.randn(2, 50, 3, generator=g) + torch.tensor([2.0, 0.0]).view(2, 1, 1)
    alive, factor = torch.rand(50, 3, generator=g) < 0.7, torch.rand(50, 1, generator=g) + 0.5
    advantage = Advantage(happo, judged(target, alive, value), OneProcess())
    A = target - value
    mean, deviation = A[alive].mean(), A[alive].std(correction=0)
    assert_close(advantage.raw, A)
    want = torch.where(alive, factor * (A - mean) / deviation, 0.0)
    assert_close(advantage.normalised(factor), want, atol=1e-4, rtol=1e-4)  # the 1e-5 that is added to the deviation
    naive = torch.where(alive, (factor * A - mean) / deviation, 0.0)
    assert (naive - want).abs().max() > 0.1


@given(st.integers(0, 2**32 - 1))
def test_masked_entries_have_no_influence(seed):
    g = torch.Generator().manual_seed(seed)
    alive = torch.rand(6, 3, generator=g) < 0.6
    alive[0, 0] = True
    target, log_ratio = torch.randn(6, 3, generator=g), 0.3 * torch.randn(6, 3, generator=g)
    logits = torch.randn(6, 3, 4, generator=g)

    def run(noise):  # noise only where masked
        a = torch.where(alive, target, target + 100 * noise)
        l = torch.where(alive, log_ratio, log_ratio + noise).requires_grad_()
        p = torch.where(alive[..., None], logits, logits + noise[..., None] * torch.arange(4))
        normal = normalised(a, alive)
        loss = policy_loss(l.exp(), normal, 0.2, alive)
        loss.backward()
        entropy = masked_mean(Categorical(logits=p).entropy(), alive)
        factor = next_factor(torch.ones(6, 3), l.detach().exp(), alive)
        return loss, l.grad, normal, entropy, clip_fraction(l.exp(), 0.2, alive), factor

    for one, other in zip(run(torch.zeros(6, 3)), run(torch.randn(6, 3, generator=g)), strict=True):
        assert_close(one, other, rtol=0, atol=0)
    assert (run(torch.zeros(6, 3))[1][~alive] == 0).all()


def test_entropy_by_hand_and_finite_where_actions_are_illegal():
    logits = torch.zeros(2, 1, 3, requires_grad=True)
    available = torch.tensor([[[True, True, False]], [[True, False, False]]])
    got = masked_mean(Categorical(logits=legal_logits(logits, available), validate_args=False).entropy())
    assert got.item() == pytest.approx(math.log(2) / 2)
    got.backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[~available] == 0).all()
    assert Categorical(logits=torch.zeros(5, 4)).entropy().mean().item() == pytest.approx(math.log(4))


def test_a_prediction_of_another_shape_is_not_spread_over_the_targets():
    with pytest.raises(ValueError, match=r"the critic's prediction has shape \(3, 1\); its target has \(3,\)"):
        value_loss(torch.zeros(3, 1), torch.zeros(3), torch.zeros(3), clip=0.2)


def test_value_loss_by_hand():
    """Huber beyond 10 is linear; clipped at .2 the larger of the two losses counts."""

    def loss(value, before, target, clip):
        return value_loss(torch.tensor([value]), torch.tensor([before]), torch.tensor([target]), clip).item()

    assert loss(4.0, 0.0, 1.0, None) == pytest.approx(4.5)
    assert loss(30.0, 0.0, 0.0, None) == pytest.approx(10 * 30 - 50)
    assert loss(1.0, 0.0, 1.0, 0.2) == pytest.approx(0.8**2 / 2)  # clipped to .2, still .8 away
    assert loss(-1.0, 0.0, 1.0, 0.2) == pytest.approx(2.0)  # the wrong way: nothing is forgiven
    assert loss(0.1, 0.0, 1.0, 0.2) == pytest.approx(0.9**2 / 2)
    assert loss(-0.1, 0.0, -1.0, 0.2) == pytest.approx(0.9**2 / 2)  # inside the interval nothing is clipped
    assert loss(-1.0, 0.0, -1.0, 0.2) == pytest.approx(0.8**2 / 2)  # clipped to -.2


def test_the_clipped_value_has_no_gradient_and_targets_get_none():
    value = torch.tensor([1.0, 0.1], requires_grad=True)
    before, target = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    value_loss(value, before, target, clip=0.2).backward()
    assert_close(value.grad, torch.tensor([0.0, -0.45]))
    assert before.grad is None
    assert target.grad is None


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 3), samples=st.integers(2, 50))
def test_variances_are_those_of_each_row(seed, rows, samples):
    x = torch.randn(rows, samples, generator=torch.Generator().manual_seed(seed)) * 7 - 3
    assert_close(torch.tensor(variances(x, OneProcess())), x.double().var(dim=1, correction=0).float())


def test_variances_of_several_processes_are_those_of_all_their_samples():
    x = torch.tensor([[1.0, 2.0, 6.0], [0.0, -1.0, 4.0]])
    parts = x.split([1, 2], dim=1)

    class Both(OneProcess):  # one process that knows what the other one brings
        def average(self, mine, weight):
            theirs = parts[1].double()
            assert weight == 1
            return (mine + 2 * torch.stack([theirs.mean(dim=1), theirs.square().mean(dim=1)])) / 3

    assert_close(torch.tensor(variances(parts[0], Both())), x.var(dim=1, correction=0))


@pytest.mark.parametrize(
    ("value", "target", "share"),
    [
        ([1.0, 2.0, 3.0], [2.0, 3.0, 4.0], 1),  # off by a constant
        ([5.0, 5.0, 5.0], [2.0, 3.0, 4.0], 0),  # knows nothing
        ([3.0, 2.0, 1.0], [1.0, 2.0, 3.0], -3),  # misleads: the error varies twice as much, its variance four times
        ([2.0, 3.0, 5.0], [1.0, 2.0, 3.0], 2 / 3),  # errors -1, -1, -2: 2/9 of 2/3 is left
        ([0.0, 1.0, 2.0], [0.1, 0.1, 0.1], math.nan),  # nothing to explain, but for rounding
        ([[1.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [2.0, 0.0]], -1 / 4),  # each agent has a value of its own
    ],
)
def test_explained_by_hand(value, target, share):
    assert explained(torch.tensor(value), torch.tensor(target), OneProcess()) == pytest.approx(share, nan_ok=True)


def test_factor_by_hand():
    ratio = torch.tensor([[2.0, 3.0, 5.0]])
    factor, before = torch.ones(1, 1), []
    for i in (2, 0, 1):
        before.append(factor.item())
        factor = next_factor(factor, ratio[:, i : i + 1], torch.ones(1, 1, dtype=torch.bool))
    assert before == [1, 5, 10]
    assert factor.item() == 30
    assert next_factor(factor, ratio[:, :1], torch.zeros(1, 1, dtype=torch.bool)).item() == 30  # dead: it stays


class Turns:
    """HAPPO's update of three agents in which PPO's epochs are replaced by a move of the agent's last bias."""

    def __init__(self, monkeypatch, seed=0):
        torch.manual_seed(0)
        self.team = Team(Sizes(4, 4, 3, 2), Config(actor_sizes=(8,)), shared=False)
        g = torch.Generator().manual_seed(1)
        obs, legal = torch.randn(10, 3, 4, generator=g), torch.ones(10, 3, 2, dtype=torch.bool)
        action, self.alive = torch.randint(2, (10, 3), generator=g), torch.rand(10, 3, generator=g) < 0.7
        first = torch.zeros(10, dtype=torch.bool)
        with torch.no_grad():
            self.before = self.team(obs, legal, None, first)[0].log_prob(action)
        self.batch = ppo.PolicyBatch((5, 2), obs, legal, self.alive, action, self.before, first, None)
        self.order, self.factors, self.advantages = [], [], []
        monkeypatch.setattr(ppo, "improve_policy", self.move)
        self.raw = torch.randn(10, 3, generator=g)
        shuffles = torch.Generator().manual_seed(seed)
        self.descent = ppo.Descent(None, Config(), shuffles, OneProcess())
        self.log = update_in_turn(self.team, self.batch, SimpleNamespace(normalised=self.normalised), self.descent)
        with torch.no_grad():
            self.after = self.team(obs, legal, None, first)[0].log_prob(action)

    def normalised(self, factor):
        self.factors.append(factor)
        return factor * self.raw

    def move(self, team, batch, advantage, descent, agent):
        assert torch.equal(batch.log_prob, self.before[:, agent : agent + 1])
        self.order.append(agent)
        self.advantages.append(advantage)
        team.nets[agent].out.bias.data += torch.tensor([0.3 * (agent + 1), -0.2])
        return ppo.PolicyLog(float(agent), 3.0)


def test_each_agent_is_weighed_by_what_those_before_it_changed(monkeypatch):
    turns = Turns(monkeypatch)
    ratio = torch.where(turns.alive, (turns.after - turns.before).exp(), 1.0)
    assert (ratio - 1).abs().max() > 0.1
    for place, agent in enumerate(turns.order):
        want = ratio[:, turns.order[:place]].prod(dim=1, keepdim=True)
        assert_close(turns.factors[place], want)
        assert not turns.factors[place].requires_grad
        assert_close(turns.advantages[place], want * turns.raw[:, agent : agent + 1])
    assert turns.log == (1.0, 3.0)  # means over agents


def test_order_is_random_and_repeatable(monkeypatch):
    orders = [[tuple(Turns(monkeypatch, seed).order) for seed in range(60)] for _ in "ab"]
    assert orders[0] == orders[1]
    assert len(set(orders[0])) == 6


def test_all_at_once_nobody_was_before(monkeypatch):
    turns = Turns(monkeypatch)
    turns.factors.clear()
    seen = []
    monkeypatch.setattr(ppo, "improve_policy", lambda team, batch, advantage, descent: seen.append(advantage))
    update_together(turns.team, turns.batch, SimpleNamespace(normalised=turns.normalised), turns.descent)
    assert (turns.factors[0] == 1).all()
    assert torch.equal(seen[0], turns.raw)


# ---------------------------------------------------------------------------------------------------------------------
# Several processes


class SecondOfTwo(OneProcess):
    """The second of two processes that share the environments; writes down what it brings to each step."""

    rank, count = 1, 2

    def __init__(self):
        self.brought = []  # (numbers, weight) at each step

    def average_gradients(self, parameters, numbers, weight):
        gradients = [p.grad for p in parameters if p.grad is not None]
        self.brought.append((len(numbers), float(weight)))
        assert (weight == 0) == (not gradients)
        return numbers


def test_who_has_no_share_of_a_minibatch_brings_as_many_numbers_as_the_others():
    small = Config(rollout=4, epochs=3, minibatches=4, actor_sizes=(8,), critic_sizes=(8,), embed=8, z_size=8)
    trainer = Trainer(envs.make("toy/ring?n_agents=3", 1), find("maca"), 0, small)
    learner, second = trainer.learner, SecondOfTwo()
    rollout, *_ = trainer.collect()
    learner.actor_descent = learner.actor_descent._replace(processes=second)
    learner.critic_descent = learner.critic_descent._replace(processes=second)
    learner.update(rollout)
    policies, critic = second.brought[:12], second.brought[12:]
    assert [numbers for numbers, _ in policies] == [2] * 12
    assert [numbers for numbers, _ in critic] == [1] * 12
    for steps, entries in ((policies, 3), (critic, 1)):  # a sample has an entry for each agent, or one
        weights = [weight for _, weight in steps]
        assert min(weights) == 0
        assert sum(weights) == 3 * 4 * entries  # in each of three epochs its four samples, once
