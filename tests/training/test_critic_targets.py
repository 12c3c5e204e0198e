"""What the critic is to say, against a plain loop that walks through the rollout and asks step by step."""

import dataclasses

import numpy as np
import pytest
import torch
from small_worlds import Recall
from torch.testing import assert_close

from maca_edu import envs
from maca_edu.credit import one_hot
from maca_edu.networks import expected_action
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.judging import judge
from maca_edu.training.methods import METHODS, find
from maca_edu.training.records import CriticInput, Seen
from maca_edu.training.returns import critic_targets, next_values, rollout_returns
from maca_edu.training.trainer import Trainer

GAMMA, LAM = 0.9, 0.7
SMALL = Config(
    rollout=8, epochs=1, minibatches=1, gamma=GAMMA, lam=LAM, actor_sizes=(16,), critic_sizes=(16,), embed=8,
    z_size=16, psi_population=4, chunk=4,
)  # fmt: skip
B, T = 3, 8


def world(name):
    """The warehouse cuts every episode after 5 steps, and Recall's games are over after 3."""
    return Recall(B) if name == "recall" else envs.make("toy/warehouse?preset=tiny&horizon=5", B)


def played(name, method="maca", **options):
    """A trainer after an update, with a rollout that begins in the middle of episodes."""
    trainer = Trainer(world(name), find(method), 0, dataclasses.replace(SMALL, **options))
    trainer.step()
    return trainer, trainer.collect()[0]


class Asked:
    """The critic's outputs along a rollout in the units of the reward, asked one step after the other.

    values[t][k]: `[B]`, output k for what was seen and done in step t. following[t][k]: `[B]`, for what came after step
    t: what was seen and done next, or, where the clock cut the episode, seen last in it and drawn there.
    """

    @torch.no_grad()
    def __init__(self, learner, rollout):
        self.learner = learner
        memory, chance, cuts = rollout.memory, rollout.chance, rollout.finals.index.tolist()
        self.values, after_each = [], []
        for t in range(T):
            seen = Seen(rollout.obs[t], rollout.state[t], rollout.available[t])
            values, memory = self.ask(seen, memory, rollout.first[t], action=rollout.action[t])
            self.values.append(values)
            after_each.append(memory)
        end, _ = self.ask(rollout.last, memory, rollout.last_first, chance=chance[:B])
        self.following = [[y.clone() for y in values] for values in [*self.values[1:], end]]
        for e, sample in enumerate(cuts):
            t, b = divmod(sample, B)
            own_memory = type(memory)(*(None if m is None else m[b : b + 1] for m in after_each[t]))
            seen = Seen(*(x[e : e + 1] for x in rollout.finals.seen))
            never = torch.zeros(1, dtype=torch.bool)
            values, _ = self.ask(seen, own_memory, never, chance=chance[B + e : B + e + 1])
            for k, y in enumerate(values):
                self.following[t][k][b] = y[0]

    def ask(self, seen, memory, first, action=None, chance=None):
        """The outputs `[X]` for an action, or for one drawn by chance, and both GRUs' memory afterwards."""
        critic = self.learner.critic
        distribution, actors = self.learner.actor(seen.obs, seen.available, memory.actor, first)
        policy = expected_action(distribution)
        if action is None:  # noise_a / p_a is exponential with rate p_a, so it is the smallest with probability p_a
            action = (policy / chance).argmax(dim=-1)
        z, critics = critic.net(seen.obs, memory.critic, first)
        x = CriticInput(seen.obs, seen.state, action, policy, first, memory.critic)
        outputs = critic.outputs_of(x, z, one_hot(action, policy))
        values = [output.norm.denormalise(y) for output, y in zip(critic.outputs, outputs, strict=True)]
        return values, type(memory)(actors, critics)


def by_hand(rollout, asked, k, lam, time_limits):
    """The lambda-return of every step for output k, TD errors summed forwards, `[T, B]`."""
    target = torch.zeros(T, B)
    for b in range(B):
        for t in range(T):
            total, weight = asked.values[t][k][b], 1.0
            for step in range(t, T):
                over, cut = rollout.terminated[step, b], rollout.truncated[step, b]
                future = 0.0 if over else asked.following[step][k][b]
                if not (cut and time_limits == "harl"):
                    total = total + weight * (rollout.reward[step, b] + GAMMA * future - asked.values[step][k][b])
                if over or cut:
                    break
                weight *= GAMMA * lam
            target[t, b] = total
    return target


@pytest.mark.parametrize("time_limits", ["bootstrap", "harl"])
@pytest.mark.parametrize("targets", ["own", "td"])
@pytest.mark.parametrize(
    ("name", "outputs", "recurrent"),
    [
        ("warehouse", "v+q", True),
        ("warehouse", "v+q", False),
        ("warehouse", "v+q+eq", True),
        ("warehouse", "q", True),
        ("recall", "v+q", True),
    ],
)
def test_each_output_has_the_return_of_its_own_values(name, outputs, recurrent, targets, time_limits):
    options = dict(critic_outputs=outputs, recurrent=recurrent, critic_targets=targets, time_limits=time_limits)
    trainer, rollout = played(name, **options)
    learner, config = trainer.learner, trainer.config
    ends = rollout.truncated if name == "warehouse" else rollout.terminated
    assert 3 <= ends.sum() < T * B
    judgement = judge(learner.actor, learner.critic, rollout)
    got = critic_targets(rollout, judgement, rollout_returns(rollout, judgement, config), config)
    asked, lam = Asked(learner, rollout), LAM if targets == "own" else 0.0
    assert len(got) == len(learner.critic.outputs) == (3 if outputs == "v+q+eq" else 2)
    for k, target in enumerate(got):
        assert_close(target.view(T, B), by_hand(rollout, asked, k, lam, time_limits), atol=1e-4, rtol=1e-4)


def test_td_of_q_is_that_of_the_actions_which_were_played_next():
    """r + gamma Q(s', a') in the middle of episodes, and another number than the one that V gives."""
    trainer, rollout = played("warehouse", critic_targets="td", recurrent=True)
    learner = trainer.learner
    judgement = judge(learner.actor, learner.critic, rollout)
    v, q = (y.view(T, B) for y in judgement.values)
    targets = critic_targets(rollout, judgement, rollout_returns(rollout, judgement, trainer.config), trainer.config)
    of_v, of_q = (target.view(T, B) for target in targets)
    inside = ~rollout.truncated[:-1]
    assert_close(of_q[:-1][inside], (rollout.reward[:-1] + GAMMA * q[1:])[inside])
    assert_close(of_v[:-1][inside], (rollout.reward[:-1] + GAMMA * v[1:])[inside])
    assert (of_v - of_q)[:-1][inside].abs().min() > 1e-4


@pytest.mark.parametrize("method", ["mappo", "ippo"])
def test_critics_of_v_alone_learn_from_v(method):
    """Their own lambda-return is the one that the policies learn from; one step is r + gamma V(s'), cut or not."""
    trainer, rollout = played("warehouse", method, critic_targets="td")
    learner, td = trainer.learner, trainer.config
    judgement = judge(learner.actor, learner.critic, rollout)
    returns = rollout_returns(rollout, judgement, td)
    (own,) = critic_targets(rollout, judgement, returns, dataclasses.replace(td, critic_targets="own"))
    assert_close(own, returns)
    (one_step,) = critic_targets(rollout, judgement, returns, td)
    value, finals = judgement.critic.bootstrap.unflatten(0, (T, B)), judgement.finals.bootstrap
    after = next_values(value, judgement.last.bootstrap, rollout.truncated, rollout.finals.index, finals)
    reward = rollout.reward if method == "mappo" else rollout.reward.unsqueeze(-1)
    assert_close(one_step.unflatten(0, (T, B)), reward + GAMMA * after)


@pytest.mark.parametrize("targets", ["own", "td"])
@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if "critic_targets" not in row.settings])
def test_every_method_trains_with_targets_of_its_own(method, targets):
    run = loop.train(
        world("warehouse"), method, 3 * T * B, config=dataclasses.replace(SMALL, critic_targets=targets, recurrent=True)
    )
    assert np.isfinite(run.metrics["critic_loss"]).all()
    assert np.isfinite(run.metrics["policy_loss"]).all()


@pytest.mark.parametrize("outputs", ["v+q", "v+q+eq"])
def test_shared_targets_are_the_returns_that_the_policies_learn_from(outputs):
    trainer, rollout = played("warehouse", critic_outputs=outputs)
    assert rollout.chance is None
    learner, config = trainer.learner, trainer.config
    judgement = judge(learner.actor, learner.critic, rollout)
    returns = rollout_returns(rollout, judgement, config)
    assert all(target is returns for target in critic_targets(rollout, judgement, returns, config))
    # They are bootstrapped from the last output of three, Q(s, pi), and from V where there are two.
    own, drawn = played("warehouse", critic_outputs=outputs, critic_targets="own")
    asked, k = Asked(own.learner, drawn), 2 if outputs == "v+q+eq" else 0
    again = rollout_returns(drawn, judge(own.learner.actor, own.learner.critic, drawn), own.config)
    assert_close(again.view(T, B), by_hand(drawn, asked, k, LAM, "bootstrap"), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("targets", ["shared", "own", "td"])
def test_the_critic_learns_its_targets_each_in_its_own_units(targets):
    """The error in the metrics is that of the targets, and each output's ValueNorm has seen its own."""
    trainer, rollout = played("warehouse", critic_targets=targets, critic_outputs="v+q+eq")
    learner, config = trainer.learner, trainer.config
    judgement = judge(learner.actor, learner.critic, rollout)
    goals = critic_targets(rollout, judgement, rollout_returns(rollout, judgement, config), config)
    before = [output.norm.sums.clone() for output in learner.critic.outputs]
    log = learner.update(rollout).log
    for output, sums, value, goal in zip(learner.critic.outputs, before, judgement.values, goals, strict=True):
        assert log[f"{output.name}_rmse"] == pytest.approx((value - goal).square().mean().sqrt().item(), rel=1e-4)
        means = torch.stack([goal.mean(), goal.square().mean(), torch.ones(())]).double()
        assert_close(output.norm.sums, output.norm.beta * sums + (1 - output.norm.beta) * means, rtol=1e-5, atol=1e-9)
