"""Corrected returns: no bias, exact where the critic is, and nothing that a batch is judged by knows that batch."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from small_worlds import Recall
from torch.testing import assert_close

from maca_edu import envs
from maca_edu.credit import marginals, one_hot
from maca_edu.training import learner as learner_module
from maca_edu.training import loop, returns
from maca_edu.training.config import Config
from maca_edu.training.corrected import LEAST_ETA, MEMORY, CorrectedMaca, Shrinkage
from maca_edu.training.judging import judge
from maca_edu.training.methods import METHODS, find
from maca_edu.training.ppo import value_loss
from maca_edu.training.processes import OneProcess
from maca_edu.training.records import CriticInput, Sizes
from maca_edu.training.returns import correction_columns, critic_targets, lambda_returns, rollout_returns
from maca_edu.training.trainer import Trainer

SMALL = Config(
    rollout=8, epochs=2, minibatches=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4,
    chunk=4, returns="corrected", diagnose_every=1,
)  # fmt: skip
SIZES = Sizes(obs=5, state=4, n_agents=3, n_actions=2)
WITH_SETTINGS = ["maca-released", "maca-text"]  # their own settings leave no place for corrected returns
LINEAR = [name for name in METHODS if name.startswith("maca") and name not in ("maca-dec", *WITH_SETTINGS)]
HEADS = ("additive", "conditioned", "multilinear")
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=5"


def trained(method="maca-ind", updates=3, env=WAREHOUSE, seed=0, **options):
    trainer = Trainer(envs.make(env, 6), find(method), seed, dataclasses.replace(SMALL, **options))
    for _ in range(updates):
        trainer.step()
    return trainer


# ---------------------------------------------------------------------------------------------------------------------
# The returns


def random_steps(seed, T=9, B=4):
    g = torch.Generator().manual_seed(seed)
    reward, value, after, known = (torch.randn(T, B, generator=g).double() for _ in range(4))
    terminated, truncated = (torch.rand(T, B, generator=g) < 0.2 for _ in range(2))
    return reward, value, after, terminated, truncated, known


@pytest.mark.parametrize("time_limits", ["bootstrap", "harl"])
@pytest.mark.parametrize("seed", range(5))
def test_against_a_plain_loop_that_sums_forwards(seed, time_limits):
    """Nothing of a step after the end of an episode enters, whether the game was over or the clock cut it."""
    reward, value, after, terminated, truncated, known = steps = random_steps(seed)
    got = lambda_returns(*steps[:5], 0.9, 0.7, time_limits, known).advantage
    for t, b in np.ndindex(*reward.shape):
        total, weight = 0.0, 1.0
        for step in range(t, len(reward)):
            over, cut = terminated[step, b], truncated[step, b]
            if not (cut and not over and time_limits == "harl"):
                delta = reward[step, b] + 0.9 * (0 if over else after[step, b]) - value[step, b]
                total += weight * (delta - (known[step, b] if step > t else 0))
            if over or cut:
                break
            weight *= 0.9 * 0.7
        assert got[t, b].item() == pytest.approx(float(total))


def test_no_correction_and_one_of_zeros_are_the_same_bits():
    *steps, known = random_steps(0)
    plain = lambda_returns(*steps, 0.9, 0.7)
    nothing = lambda_returns(*steps, 0.9, 0.7, correction=torch.zeros_like(known))
    assert torch.equal(plain.advantage, nothing.advantage)
    with pytest.raises(ValueError, match="correction has shape"):
        lambda_returns(*steps, 0.9, 0.7, correction=known[1:])


class Chain:
    """Two agents, two actions, three states, three steps: every sequence of joint actions, and its probability."""

    T, GAMMA, LAM = 3, 0.9, 0.8

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.following = rng.integers(3, size=(3, 4))  # [state, joint action]
        self.paid = rng.normal(size=(3, 4))
        policy = rng.dirichlet([1, 1], size=(3, 2))  # [state, agent, action]
        self.joint = np.einsum("sa,sb->sab", policy[:, 0], policy[:, 1]).reshape(3, 4)
        self.sequences = np.array(list(itertools.product(range(4), repeat=self.T))).T  # [T, B]
        states, chance = [np.zeros(self.sequences.shape[1], dtype=int)], np.ones(self.sequences.shape[1])
        for action in self.sequences:
            chance = chance * self.joint[states[-1], action]
            states.append(self.following[states[-1], action])
        self.states, self.chance = np.array(states), chance  # [T + 1, B], [B]

    def advantages(self, value, g=None):
        """A^lambda or A^c of the first step for every sequence, `[B]`; value `[T + 1, 3]`, g `[T, 3, 4]`."""
        T, s, a = self.T, self.states, self.sequences
        at = np.arange(T)[:, None]
        v, after = value[at, s[:T]], value[at + 1, s[1:]]
        over = np.repeat(np.arange(T)[:, None] == T - 1, s.shape[1], axis=1)
        known = None if g is None else torch.tensor(g[at, s[:T], a])
        steps = (self.paid[s[:T], a], v, after, over, np.zeros_like(over))
        return lambda_returns(*map(torch.tensor, steps), self.GAMMA, self.LAM, correction=known).advantage[0].numpy()

    def given_the_first(self, x):
        """E[x] and Var(x) for each first joint action, `[4]` each."""
        first = np.array([self.sequences[0] == a for a in range(4)])  # [4, B]
        weight = first * self.chance / (first * self.chance).sum(axis=1, keepdims=True)
        mean = weight @ x
        return mean, weight @ x**2 - mean**2

    def exact(self):
        """V `[T + 1, 3]` and g = Q - V `[T, 3, 4]` of every step."""
        value, g = np.zeros((self.T + 1, 3)), np.zeros((self.T, 3, 4))
        for t in reversed(range(self.T)):
            q = self.paid + self.GAMMA * value[t + 1][self.following]
            value[t] = (self.joint * q).sum(axis=1)
            g[t] = q - value[t][:, None]
        return value, g


@pytest.mark.parametrize("seed", range(5))
def test_whatever_v_and_g_are_the_mean_is_that_of_the_lambda_advantage(seed):
    chain, rng = Chain(seed), np.random.default_rng(seed + 100)
    value, g = rng.normal(size=(4, 3)), 3 * rng.normal(size=(3, 3, 4))
    uncentred = g.copy()
    g -= (chain.joint * g).sum(axis=-1, keepdims=True)
    plain, corrected = chain.given_the_first(chain.advantages(value)), chain.given_the_first(chain.advantages(value, g))
    np.testing.assert_allclose(corrected[0], plain[0], atol=1e-12)
    assert abs(corrected[1] - plain[1]).max() > 0.1
    biased, _ = chain.given_the_first(chain.advantages(value, uncentred))
    assert abs(biased - plain[0]).max() > 0.01  # a g whose mean is not 0 would be found out


@pytest.mark.parametrize("seed", range(5))
def test_with_an_exact_critic_one_sample_is_q(seed):
    """The variance falls to that of the present joint action: none, once it is given."""
    chain = Chain(seed)
    value, g = chain.exact()
    advantage = chain.advantages(value, g)
    np.testing.assert_allclose(advantage, g[0, 0, chain.sequences[0]], atol=1e-12)
    assert chain.given_the_first(chain.advantages(value))[1].max() > 0.1


# ---------------------------------------------------------------------------------------------------------------------
# The critic


def random_critic(head="multilinear", best=True, seed=0):
    """A critic with large random weights that has tried its g."""
    torch.manual_seed(seed)
    critic = CorrectedMaca(SIZES, SMALL, head=head, best=best).double()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    for k, output in enumerate(critic.outputs):
        output.norm.update(torch.tensor([2.0, 3.0, 7.0]) * (k + 1))
    critic.shrinkage.sums = torch.tensor([0.6, 1.0], dtype=torch.float64)
    return critic


def every_action(seed=0):
    """One sample, every joint action of three agents; agent 0 may not take action 1. And their probabilities."""
    g = torch.Generator().manual_seed(seed)
    action = torch.tensor(list(itertools.product(range(2), repeat=3)))
    policy = torch.rand(1, 3, 2, generator=g).double()
    policy[0, 0] = torch.tensor([1.0, 0.0])
    policy = (policy / policy.sum(dim=-1, keepdim=True)).expand(8, -1, -1)
    obs, state = torch.randn(1, 3, 5, generator=g).double(), torch.randn(1, 4, generator=g).double()
    chance = (one_hot(action, policy) * policy).sum(dim=-1).prod(dim=-1)
    first = torch.ones(8, dtype=torch.bool)
    return CriticInput(obs.expand(8, -1, -1), state.expand(8, -1), action, policy, first, None), chance


@pytest.mark.parametrize("head", HEADS)
@torch.no_grad()
def test_g_has_mean_0_and_baselines_are_its_means(head):
    """Under masks, too; the dead draw from their policies like the others."""
    critic, (x, chance) = random_critic(head), every_action()
    words = critic.judge(x)
    assert chance @ words.correction == pytest.approx(0, abs=1e-12)
    assert words.correction.abs().max() > 0.1
    assert_close(words.q, words.value + words.correction[:, None])
    assert_close(words.baselines[0], words.value.expand(8, 3))
    policy, z = x.policy, critic.net(x.obs, None, x.first)[0]
    scale = 0.6 * critic.outputs[1].norm.std
    for group, baseline in zip((torch.eye(3) > 0, words.corrset), words.baselines[1:], strict=True):
        naive = critic.net.q(z, marginals(policy, x.action, group)) - critic.net.q(z, policy)[:, None]
        assert_close(baseline, words.value + scale * naive)
    for agent in range(3):  # legal: the best baseline does not know the agent's own action
        pairs = words.best[:, agent].view(2, 2, 2).movedim(agent, 0)
        assert_close(pairs[0], pairs[1])
    assert_close(critic.predict(x)[1], words.outputs[1])
    assert_close(critic.levels(x)[:, 1:].sum(dim=-1), words.correction)


@pytest.mark.parametrize("head", HEADS)
def test_g_begins_at_0_and_the_first_returns_are_the_same_bits(head):
    trainer = Trainer(envs.make(WAREHOUSE, 6), find("maca-ind"), 0, dataclasses.replace(SMALL, q_head=head))
    rollout, *_ = trainer.collect()
    judgement = judge(trainer.learner.actor, trainer.learner.critic, rollout)
    assert (judgement.critic.correction == 0).all()
    plain = judgement._replace(critic=judgement.critic._replace(correction=None))
    returns = [rollout_returns(rollout, words, trainer.config) for words in (judgement, plain)]
    assert torch.equal(*returns)
    trainer.learner.update(rollout)
    after = judge(trainer.learner.actor, trainer.learner.critic, rollout).critic.correction
    assert after.abs().max() > 0  # it learns


def test_nothing_that_g_learns_reaches_v():
    critic, (x, _) = random_critic(), every_action()
    of_value, of_maca = list(critic.value.parameters()), [p for p in critic.maca.parameters() if p.requires_grad]
    v, g = critic.predict(x)
    for output, own, others in ((g, of_maca, of_value), (v, of_value, of_maca)):
        loss = value_loss(output, output.detach(), torch.ones_like(output), None)
        gradients = torch.autograd.grad(loss, [*own, *others], allow_unused=True)
        assert all(gradient is None for gradient in gradients[len(own) :])
        assert any(gradient is not None and (gradient != 0).any() for gradient in gradients[: len(own)])


def test_the_last_output_learns_the_corrected_advantage():
    for targets in ("shared", "own", "td"):
        trainer = trained(critic_targets=targets)
        rollout, *_ = trainer.collect()
        judgement = judge(trainer.learner.actor, trainer.learner.critic, rollout)
        returns = rollout_returns(rollout, judgement, trainer.config)
        v, g = critic_targets(rollout, judgement, returns, trainer.config)
        assert_close(g, returns - judgement.critic.bootstrap)
        assert torch.equal(v, returns) == (targets == "shared")


def test_how_much_the_correction_saves_is_a_ratio_of_variances(monkeypatch):
    trainer = trained()
    rollout, *_ = trainer.collect()
    judgement = judge(trainer.learner.actor, trainer.learner.critic, rollout)
    value = judgement.critic.bootstrap
    corrected = rollout_returns(rollout, judgement, trainer.config)
    without = judgement._replace(critic=judgement.critic._replace(correction=None))
    plain = rollout_returns(rollout, without, trainer.config)
    columns = correction_columns(rollout, judgement, corrected, trainer.config, OneProcess())
    ratio = (corrected - value).numpy().var(dtype=float) / (plain - value).numpy().var(dtype=float)
    assert columns == {"correction_variance": pytest.approx(ratio)}
    assert abs(ratio - 1) > 0.0001
    assert correction_columns(rollout, without, plain, trainer.config, OneProcess()) == {}
    monkeypatch.setattr(returns, "_returns_from", lambda rollout, now, *_: now + 0.1)  # one advantage for all
    columns = correction_columns(rollout, judgement, corrected, trainer.config, OneProcess())
    assert np.isnan(columns["correction_variance"])


def test_shrinkage_by_hand():
    shrinkage, one = Shrinkage(), OneProcess()
    assert shrinkage.eta == LEAST_ETA
    zeros = torch.zeros(4)
    shrinkage.update(zeros, torch.ones(4), one)
    assert shrinkage.eta == LEAST_ETA  # g was 0: nothing is known
    g = torch.tensor([1.0, -1.0, 2.0, -2.0])
    shrinkage.update(LEAST_ETA * g, 0.5 * g + torch.tensor([3.0, 3.0, 3.0, 3.0]), one)
    assert shrinkage.eta == pytest.approx(0.5)
    shrinkage.update(0.5 * g, -g, one)  # sums of products .2 (.8 .5 - 1) 2.5, below 0
    assert shrinkage.sums.tolist() == pytest.approx([0.2 * (MEMORY * 0.5 - 1) * 2.5, 0.2 * (MEMORY + 1) * 2.5])
    assert shrinkage.eta == LEAST_ETA
    for _ in range(30):
        shrinkage.update(shrinkage.eta * g, 5 * g, one)
    assert shrinkage.eta == 1


def test_a_rollout_teaches_how_far_its_correction_can_be_trusted():
    trainer = trained()
    learner, shrinkage = trainer.learner, trainer.learner.critic.shrinkage
    rollout, *_ = trainer.collect()
    judgement = judge(learner.actor, learner.critic, rollout)
    corrected = rollout_returns(rollout, judgement, trainer.config) - judgement.critic.bootstrap
    expected = Shrinkage()
    expected.sums = shrinkage.sums
    expected.update(judgement.critic.correction, corrected, OneProcess())
    assert not torch.equal(expected.sums, shrinkage.sums)
    learner.update(rollout)
    assert_close(shrinkage.sums, expected.sums)


# ---------------------------------------------------------------------------------------------------------------------
# The update


def known_of_two_rewards():
    """Q(s, a), which holds V, eta and g, as the third update has it; and had its rollout been paid otherwise."""
    seen = []

    def spy(batch):
        seen.append(batch.q)
        return METHODS["maca-ind"].advantage(batch)

    mine, result = dataclasses.replace(METHODS["maca-ind"], name="mine", advantage=spy), []
    for other in (False, True):
        trainer = Trainer(envs.make(WAREHOUSE, 6), mine, 0, SMALL)
        trainer.step()
        trainer.step()
        rollout, *_ = trainer.collect()
        paid = (
            torch.randn(rollout.reward.shape, generator=torch.Generator().manual_seed(0)) if other else rollout.reward
        )
        seen.clear()
        trainer.learner.update(rollout._replace(reward=paid))
        result.append(seen[0])
    return result


def test_what_corrects_a_rollout_knows_nothing_of_it():
    assert torch.equal(*known_of_two_rewards())


def g_first(learner, judgement, rollout):
    """The mutant that trains the critic before the advantage is taken."""
    returns = rollout_returns(rollout, judgement, learner.config)
    targets = critic_targets(rollout, judgement, returns, learner.config)
    steps = learner_module.critic_batch(rollout, judgement, learner.critic, targets, learner.config.chunk)
    learner_module.improve_critic(learner.critic, steps, learner.critic_descent)


def eta_first(learner, judgement, rollout):
    """The mutant whose eta knows the batch."""
    returns = rollout_returns(rollout, judgement, learner.config)
    target = returns - judgement.critic.bootstrap
    learner.critic.shrinkage.update(judgement.critic.correction, target, OneProcess())


@pytest.mark.parametrize("mutant", [g_first, eta_first])
def test_mutants_are_found_out(mutant, monkeypatch):
    update = learner_module.Learner.update

    def too_early(self, rollout, eta=None, diagnose=False):
        mutant(self, judge(self.actor, self.critic, rollout), rollout)
        return update(self, rollout, eta, diagnose)

    monkeypatch.setattr(learner_module.Learner, "update", too_early)
    assert not torch.equal(*known_of_two_rewards())


@pytest.mark.parametrize("method", LINEAR)
def test_every_method_with_a_linear_q_trains(method):
    run = loop.train(envs.make(WAREHOUSE, 6), method, 3 * 48, config=dataclasses.replace(SMALL, recurrent=True))
    for name in ("policy_loss", "critic_loss", "v_rmse", "g_rmse", "correction_variance"):
        assert np.isfinite(run.metrics[name]).all()
    assert run.metrics["correction_variance"][0] == 1  # g is 0 in the first rollout
    assert (run.metrics["correction_variance"][1:] != 1).all()
    assert run.metrics["correction_eta"].tolist()[:2] == [LEAST_ETA, LEAST_ETA]


@pytest.mark.parametrize(("method", "setting"), [("maca-released", "critic_outputs"), ("maca-text", "advantage")])
def test_a_method_whose_settings_leave_no_place_says_which(method, setting):
    with pytest.raises(ValueError, match=rf"^{setting}=.*; allowed are .*, with returns='corrected'$"):
        loop.train(envs.make(WAREHOUSE, 6), method, 3 * 48, config=SMALL)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in (*LINEAR, *WITH_SETTINGS)])
def test_the_others_say_that_they_cannot(method):
    with pytest.raises(ValueError, match=rf"returns='corrected' is not for method='{method}', whose critic has no Q"):
        Trainer(envs.make(WAREHOUSE, 6), find(method), 0, SMALL)


@pytest.mark.parametrize(
    "options", [dict(advantage="critic"), dict(critic_outputs="q"), dict(raw_baselines=True), dict(q_head="decoder")]
)
def test_settings_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError, match="with returns='corrected'"):
        dataclasses.replace(SMALL, **options)


def test_a_resumed_run_is_the_same_run(tmp_path):
    config = dataclasses.replace(SMALL, recurrent=True)

    def train(updates, out, **options):
        return loop.train(envs.make(WAREHOUSE, 6), "maca-lsq", updates * 48, out=out, config=config, **options)

    whole, cut = train(6, tmp_path / "whole"), train(3, tmp_path / "cut")
    went_on = train(6, tmp_path / "cut", resume=True)
    for name in ("correction_eta", "correction_variance", "psi_joint", "policy_loss", "critic_loss"):
        np.testing.assert_array_equal(whole.metrics[name], went_on.metrics[name])
    assert len(cut.metrics["update"]) == 3
    again = loop.load(envs.make(WAREHOUSE, 6), tmp_path / "cut")
    assert again.learner.critic.shrinkage.eta == went_on.learner.critic.shrinkage.eta


def test_games_that_end_by_themselves_train_too():
    run = loop.train(
        Recall(6), "maca-ob", 3 * 48, config=dataclasses.replace(SMALL, recurrent=True, q_head="multilinear")
    )
    assert np.isfinite(run.metrics["policy_loss"]).all()
