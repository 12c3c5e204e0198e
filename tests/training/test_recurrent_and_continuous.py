"""GRUs and Gaussian actions in the loop: what was acted on is what is learned from, and both learn what they must."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from small_worlds import Aim, Recall

from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.judging import ask_policy, judge
from maca_edu.training.learner import rate_factor
from maca_edu.training.methods import METHODS, find
from maca_edu.training.ppo import minibatches, policy_batch
from maca_edu.training.processes import OneProcess
from maca_edu.training.records import CriticInput, as_seen
from maca_edu.training.returns import rollout_returns
from maca_edu.training.trainer import Trainer

SMALL = Config(
    rollout=8, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4, chunk=4,
    recurrent=True, minibatches=3,
)  # fmt: skip
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=5"


def weights(run):
    return torch.cat(
        [p.detach().flatten() for p in (*run.learner.actor.parameters(), *run.learner.critic.parameters())]
    )


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_with_a_memory(method, separate):
    """Episodes of 5 steps in rollouts of 8, so that memory is cut, carried over, and read at final observations."""
    run = loop.train(envs.make(WAREHOUSE, 6), method, 144, config=dataclasses.replace(SMALL, separate=separate))
    assert np.isfinite(run.metrics["critic_loss"]).all()
    assert len(run.metrics["update"]) == 3
    assert len(run.learner.actor.nets) == (
        len(envs.make(WAREHOUSE, 1).game.agents) if separate or method == "happo" else 1
    )


@pytest.mark.parametrize("method", ["mappo", "happo"])
def test_what_was_acted_on_is_what_is_learned_from(method):
    """Step by step, in one pass over the rollout, and in shuffled chunks: the same log-probabilities."""
    trainer = Trainer(envs.make(WAREHOUSE, 6), find(method), 0, SMALL)
    trainer.step()
    learner, played = trainer.learner, []
    act = learner.act

    def spy(view, memory, first, best=False):
        action, memory_after = act(view, memory, first, best)
        with torch.no_grad():
            played.append(ask_policy(learner.actor, as_seen(view, "cpu"), first, memory, action).log_prob)
        return action, memory_after

    learner.act = spy
    rollout, *_ = trainer.collect()
    assert rollout.first.any()
    assert not rollout.first[0].all()  # some episodes go on from the last rollout
    judgement = judge(learner.actor, learner.critic, rollout)
    torch.testing.assert_close(judgement.policy.log_prob, torch.cat(played))
    batch = policy_batch(rollout, judgement, SMALL.chunk)
    for chunks in minibatches(batch.shape, SMALL.chunk, 3, torch.Generator().manual_seed(0), OneProcess()):
        obs, available, first = chunks.of(batch.obs), chunks.of(batch.available), chunks.of(batch.first)
        distribution, _ = learner.actor(obs, available, chunks.memory(batch.memory), first)
        torch.testing.assert_close(distribution.log_prob(chunks.of(batch.action)), chunks.of(batch.log_prob))


def test_final_observations_are_read_with_the_memory_of_their_episode():
    trainer = Trainer(envs.make(WAREHOUSE, 6), find("mappo"), 0, SMALL)
    rollout, *_ = trainer.collect()
    learner, n, cut = trainer.learner, 6, 4  # the clock cuts every episode after 5 steps
    returns = rollout_returns(rollout, judge(learner.actor, learner.critic, rollout), SMALL).view(rollout.shape)
    assert rollout.truncated[cut].all()
    assert rollout.finals.index.tolist() == [cut * n + b for b in range(n)]
    with torch.no_grad():
        memory = None
        for t in range(cut + 1):
            _, memory = learner.critic.net(rollout.state[t], memory)
        value, _ = learner.critic.net(rollout.finals.seen.state, memory)
    final = learner.critic.outputs[0].norm.denormalise(value)
    torch.testing.assert_close(returns[cut], rollout.reward[cut] + 0.99 * final)


@pytest.mark.parametrize("method", ["mappo", "maca", "happo"])
def test_a_resumed_run_remembers(method, tmp_path):
    whole = loop.train(envs.make(WAREHOUSE, 6), method, 240, config=SMALL)
    loop.train(envs.make(WAREHOUSE, 6), method, 144, config=SMALL, out=tmp_path / "run")
    resumed = loop.train(envs.make(WAREHOUSE, 6), method, 240, config=SMALL, out=tmp_path / "run", resume=True)
    assert torch.equal(weights(resumed), weights(whole))


@pytest.mark.parametrize("recurrent", [True, False])
def test_only_a_memory_recalls_the_bit(recurrent):
    config = Config(rollout=12, chunk=6, recurrent=recurrent, lr=5e-3, actor_sizes=(32,), critic_sizes=(32,))
    run = loop.train(Recall(32), "mappo", 40 * 12 * 32, config=config)
    result = loop.play(run, Recall(200), seed=0)
    if recurrent:
        assert result.win_rate == 1
        assert run.metrics["win_rate"][-1] > 0.9
        assert run.metrics["right"][-1] > 0.95
    else:
        assert 0.3 < result.win_rate < 0.7


@pytest.mark.parametrize("method", ["mappo", "happo", "maca", "maca-dec", "coma"])
def test_gaussian_actions_find_their_goals(method):
    sizes = dict(actor_sizes=(32,), critic_sizes=(32,), embed=16, z_size=32)
    config = Config(rollout=1, lr=1e-2, entropy=0.0, minibatches=1, diagnose_every=0, **sizes)
    run = loop.train(Aim(128), method, 60 * 128, config=config)
    first, last = run.metrics["return_mean"][0], run.metrics["return_mean"][-5:].mean()
    assert loop.play(run, Aim(200), seed=0).return_mean > 0.3 * first  # returns are negative
    assert last > 0.75 * first
    assert run.metrics["entropy"][0] == pytest.approx(
        5 / 3 * (0.5 * math.log(2 * math.pi * math.e) + math.log(0.5 / (1 + math.exp(-1)))), abs=0.05
    )


@pytest.mark.parametrize("method", ["ippo", "maca-multilinear", "maca-released", "coma", "ppo-sum", "ppo-mix"])
def test_gaussian_actions_train(method):
    run = loop.train(Aim(16), method, 3 * 16, config=dataclasses.replace(SMALL, rollout=1, chunk=1, minibatches=1))
    assert np.isfinite(run.metrics["policy_loss"]).all()
    assert np.isfinite(run.metrics["noise_method"][0])


def test_methods_that_need_a_few_actions_say_so():
    for method in ("maca-lsq", "maca-ob"):
        with pytest.raises(ValueError, match=f"method='{method}' needs a few actions to choose from"):
            loop.train(Aim(4), method, 4, config=Config(rollout=1))


def test_the_critics_rate_warms_up_and_falls_to_a_tenth():
    config = Config(critic_schedule="cosine", critic_warmup=10)
    rates = [rate_factor(done, 110, config) for done in range(111)]
    assert rates[0] == 0.1
    assert rates[9] == rates[10] == 1.0
    assert rates[60] == pytest.approx(0.55)
    assert rates[110] == pytest.approx(0.1)
    assert all(a >= b for a, b in pairwise(rates[10:]))
    assert {rate_factor(done, 110, Config()) for done in range(111)} == {1.0}
    trainer = Trainer(envs.make("toy/fridge", 4), find("maca"), 0, config, updates=110)
    trainer.step()
    actor, critic = trainer.learner.actor_descent.optimiser, trainer.learner.critic_descent.optimiser
    assert {group["lr"] for group in critic.param_groups} == {0.1 * config.lr}
    assert actor.param_groups[0]["lr"] == config.lr


def test_only_matrices_decay():
    trainer = Trainer(envs.make("toy/fridge", 4), find("maca"), 0, Config(critic_decay=0.5))
    groups = trainer.learner.critic_descent.optimiser.param_groups
    for group in groups:
        assert all((p.dim() >= 2) == (group["weight_decay"] == 0.5) for p in group["params"])
    trained = sum(p.numel() for group in groups for p in group["params"])
    assert trained == sum(p.numel() for p in trainer.learner.critic.parameters() if p.requires_grad)


def test_a_planned_run_cannot_be_prolonged(tmp_path):
    config = dataclasses.replace(SMALL, critic_schedule="cosine", recurrent=False)
    loop.train(envs.make("toy/fridge", 4), "maca", 64, config=config, out=tmp_path / "run")
    with pytest.raises(ValueError, match=r"was planned for .* begin a new run for another length"):
        loop.train(envs.make("toy/fridge", 4), "maca", 96, config=config, out=tmp_path / "run", resume=True)


def test_evaluation_during_training_is_greedy_on_fresh_seeds_and_changes_nothing():
    config = dataclasses.replace(SMALL, evaluate_every=2)
    plain = loop.train(envs.make(WAREHOUSE, 6), "mappo", 240, config=SMALL)
    run = loop.train(envs.make(WAREHOUSE, 6), "mappo", 240, config=config, spare=envs.make(WAREHOUSE, 9))
    assert torch.equal(weights(run), weights(plain))
    assert np.isfinite(run.metrics["greedy_return_mean"]).tolist() == [False, True, False, True, True]
    with pytest.raises(ValueError, match="spare=None; evaluate_every"):
        loop.train(envs.make(WAREHOUSE, 6), "mappo", 240, config=config)


def test_a_paired_search_leaves_the_team_alone():
    config = dataclasses.replace(SMALL, psi_design="paired", recurrent=True)
    trainer = Trainer(envs.make(WAREHOUSE, 6), find("maca"), 0, config, 5, spare=envs.make(WAREHOUSE, 4))
    trainer.step()
    rollout, *_ = trainer.collect()
    learner = trainer.learner
    nets = (learner.actor, learner.critic)
    before = [p.clone() for net in nets for p in net.state_dict().values()]
    draws = [learner.draws.get_state(), learner.actor_descent.shuffles.get_state()]
    norms = [output.norm.sums.clone() for output in learner.critic.outputs]
    returns = trainer.try_psi(rollout, *learner.search.ask_pair())
    assert len(returns) == 2
    assert all(map(math.isfinite, returns))
    after = [p for net in nets for p in net.state_dict().values()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    generators = (learner.draws, learner.actor_descent.shuffles)
    assert all(torch.equal(g.get_state(), state) for g, state in zip(generators, draws, strict=True))
    assert all(torch.equal(o.norm.sums, sums) for o, sums in zip(learner.critic.outputs, norms, strict=True))
    same = learner.search.mean
    state = trainer.trial_seeds.bit_generator.state
    first = trainer.try_psi(rollout, same, same)
    assert first[0] == first[1]  # the same candidate, the same episodes
    trainer.trial_seeds.bit_generator.state = state
    assert trainer.try_psi(rollout, same, same) == first
    for _ in range(3):
        trainer.step()
    assert (learner.search.mean != same).any()  # a generation of four was told


def test_three_heads_and_raw_baselines():
    plain = Config(rollout=4)
    three = loop.train(
        envs.make("toy/fridge", 8), "maca-attention", 96, config=dataclasses.replace(plain, critic_outputs="v+q+eq")
    )
    assert "eq_rmse" in three.metrics
    critic = Trainer(envs.make("toy/fridge", 8), find("maca"), 0, plain).learner.critic
    norm = critic.outputs[1].norm
    assert critic.outputs[1].name == "q"
    norm.update(torch.tensor([1.0, 5.0, 9.0]))
    seen = as_seen(envs.make("toy/fridge", 8).reset(0), "cpu")
    action, policy = torch.zeros(8, 4, dtype=torch.long), torch.full((8, 4, 2), 0.5)
    x = CriticInput(seen.obs, seen.state, action, policy, torch.zeros(8, dtype=torch.bool), None)
    with torch.no_grad():
        in_reward = critic.judge(x).baselines
        critic.config = dataclasses.replace(plain, raw_baselines=True)
        raw = critic.judge(x).baselines
    torch.testing.assert_close(raw[0], in_reward[0])
    torch.testing.assert_close(norm.denormalise(raw[1:]), in_reward[1:])
    assert (raw[1:] - in_reward[1:]).abs().max() > 0.1
