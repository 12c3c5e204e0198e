"""What every critic promises, and MACA's options: how baselines are computed, its heads, its attention."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from small_worlds import Aim, Recall
from torch.testing import assert_close

from maca_edu import envs
from maca_edu.networks import MacaCritic, UnitsCritic
from maca_edu.team_env import Entities, Group, Part
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.critics import Maca
from maca_edu.training.methods import METHODS, find
from maca_edu.training.records import CriticInput, Sizes
from maca_edu.training.trainer import Trainer

SMALL = Config(
    rollout=8, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4, chunk=4,
    recurrent=True, minibatches=3,
)  # fmt: skip
SIZES = Sizes(obs=5, state=4, n_agents=3, n_actions=2)
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=5"
HEADS = ("additive", "conditioned", "multilinear", "decoder")


def maca(head="additive"):
    """MACA with one of its critic's heads, as a method of one's own."""
    return dataclasses.replace(METHODS["maca"], name=f"maca with {head}", critic=partial(Maca, head=head))


def train(method, updates, env=WAREHOUSE, **options):
    config = dataclasses.replace(SMALL, **options)
    env = envs.make(env, 6) if isinstance(env, str) else env
    return loop.train(env, method, updates * config.rollout * env.batch, config=config)


def weights(run):
    nets = (run.learner.actor, run.learner.critic)
    return torch.cat([p.detach().flatten() for net in nets for p in net.parameters()])


def policy(run):
    return torch.cat([p.detach().flatten() for p in run.learner.actor.parameters()])


def random_input(samples=12, seed=0):
    """Two environments for six steps, as a critic reads them."""
    g = torch.Generator().manual_seed(seed)
    obs, state = torch.randn(samples, 3, 5, generator=g), torch.randn(samples, 4, generator=g)
    action, policy = torch.randint(2, (samples, 3), generator=g), torch.rand(samples, 3, 2, generator=g)
    policy = policy / policy.sum(dim=-1, keepdim=True)
    return CriticInput(obs, state, action, policy, torch.rand(samples, generator=g) < 0.3, None)


def made(method, seed=0, sizes=SIZES, **options):
    """A method's critic with large random weights and statistics that are not those of the beginning."""
    torch.manual_seed(seed)
    critic = find(method).critic(sizes, dataclasses.replace(SMALL, **options))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    for k, output in enumerate(critic.outputs):
        output.norm.update(torch.tensor([2.0, 3.0, 7.0]) * (k + 1))
    return critic


OTHER_OUTPUTS = [(method, outputs) for method in ("maca", "maca-dec") for outputs in ("q", "v+q+eq")]


@pytest.mark.parametrize(("method", "outputs"), [(method, "v+q") for method in METHODS] + OTHER_OUTPUTS)
@torch.no_grad()
def test_a_critic_says_the_same_whichever_way_it_is_asked(method, outputs):
    critic, x = made(method, critic_outputs=outputs), random_input()
    x = x._replace(memory=critic.blank_memory(2, torch.device("cpu")))
    words = critic.judge(x)
    assert_close(critic.bootstrap(x), words.bootstrap)
    for output, y, again in zip(critic.outputs, words.outputs, critic.predict(x), strict=True):
        assert_close(again, y)
        known = {"v": words.value, "q": words.q, "eq": words.bootstrap}[output.name]
        if known is not None:
            assert_close(output.norm.denormalise(y).view_as(known), known)
    if not critic.needs_action:
        assert_close(critic.bootstrap(x._replace(action=None)), words.bootstrap)


# ---------------------------------------------------------------------------------------------------------------------
# Baselines by definition


@pytest.fixture
def by_definition(monkeypatch):
    """From here on nobody may ask for the fused baselines."""

    def forbid():
        monkeypatch.setattr(MacaCritic, "baselines", None)

    return forbid


@pytest.mark.parametrize("head", HEADS)
@torch.no_grad()
def test_baselines_by_definition_are_the_fused_ones(head, by_definition):
    critic, x = made(maca(head), sigma=0.3), random_input()
    fused = critic.judge(x)
    by_definition()
    critic.config = dataclasses.replace(critic.config, baselines="definition")
    definition = critic.judge(x)
    assert 12 * 3 < fused.corrset.sum() < 12 * 9  # neither everybody alone nor everybody
    assert_close(definition.baselines, fused.baselines, atol=1e-4, rtol=1e-4)
    joint, individual, corrset = fused.baselines
    assert min((a - b).abs().max() for a, b in ((joint, individual), (individual, corrset), (corrset, joint))) > 0.01


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("head", HEADS)
def test_with_baselines_by_definition_training_is_the_same(head, centred, by_definition):
    """To rounding: the policies differ by less than a hundredth of what other CorrSets make of them."""
    fused, others = train(maca(head), 3, centred=centred), train(maca(head), 3, centred=centred, sigma=1.0)
    by_definition()
    definition = train(maca(head), 3, centred=centred, baselines="definition")
    apart, otherwise = ((policy(run) - policy(fused)).abs().max() for run in (definition, others))
    assert apart < 0.01 * otherwise
    for name in ("psi_joint", "corrset_size", "noise_individual", "action_r2", "policy_loss"):
        assert definition.metrics[name] == pytest.approx(fused.metrics[name], rel=1e-3, abs=1e-5, nan_ok=True)


def test_baselines_by_definition_of_actions_that_are_numbers(by_definition):
    options = dict(rollout=1, chunk=1, minibatches=1)
    fused = train("maca", 3, Aim(16), **options)
    by_definition()
    definition = train("maca", 3, Aim(16), baselines="definition", **options)
    assert_close(weights(definition), weights(fused), atol=1e-5, rtol=1e-4)


# ---------------------------------------------------------------------------------------------------------------------
# Heads


@pytest.mark.parametrize("head", HEADS)
@torch.no_grad()
def test_with_one_head_v_is_q_of_the_policy(head):
    critic, x = made(maca(head), critic_outputs="q"), random_input()
    assert critic.outputs[0].norm is critic.outputs[1].norm
    norm, words = critic.outputs[0].norm, critic.judge(x)
    z, _ = critic.net(x.obs, None, x.first)
    value = norm.denormalise(critic.net.q(z, x.policy, x.policy))
    assert_close(words.value, value.unsqueeze(-1))
    assert_close(words.bootstrap, value)
    assert_close(words.baselines[0], value.unsqueeze(-1).expand(-1, 3))  # it is the joint baseline, too
    two = made(maca(head), critic_outputs="v+q").judge(x)
    assert (two.value - two.baselines[0]).abs().max() > 0.1


def test_with_one_head_one_valuenorm_sees_both_targets(tmp_path):
    once = Trainer(envs.make(WAREHOUSE, 6), find("maca"), 0, dataclasses.replace(SMALL, critic_outputs="q"))
    once.step()
    v, q = (output.norm for output in once.learner.critic.outputs)
    assert v is q
    assert v.sums[2].item() == pytest.approx(1 - v.beta**2)  # the weight of two updates
    options = dict(config=dataclasses.replace(SMALL, critic_outputs="q"))
    whole = loop.train(envs.make(WAREHOUSE, 6), "maca", 4 * 48, **options)
    loop.train(envs.make(WAREHOUSE, 6), "maca", 2 * 48, out=tmp_path / "run", **options)
    resumed = loop.train(envs.make(WAREHOUSE, 6), "maca", 4 * 48, out=tmp_path / "run", resume=True, **options)
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.learner.critic.outputs[0].norm is resumed.learner.critic.outputs[1].norm
    assert torch.equal(resumed.learner.critic.outputs[0].norm.sums, whole.learner.critic.outputs[0].norm.sums)


def test_each_of_three_heads_has_a_valuenorm_of_its_own():
    critic = made("maca", critic_outputs="v+q+eq")
    assert [output.name for output in critic.outputs] == ["v", "q", "eq"]
    assert len({id(output.norm) for output in critic.outputs}) == 3


# ---------------------------------------------------------------------------------------------------------------------
# Attention


ATTENTION = dict(blocks=2, attention_heads=2, attention_residual=True)


@torch.no_grad()
def test_blocks_heads_and_residual_are_in_the_critic():
    x = random_input()
    one, several = made("maca"), made("maca", **ATTENTION)
    shapes = [[tuple(a.shape) for a in critic.net(x.obs, None, x.first)[0].attentions] for critic in (one, several)]
    assert shapes == [[(12, 1, 3, 3)], [(12, 2, 3, 3)] * 2]
    first, second = (a.mean(dim=1) for a in several.net(x.obs, None, x.first)[0].attentions)
    eye = torch.eye(3)
    by_hand = (second + eye) / 2 @ ((first + eye) / 2)
    assert_close(several.judge(x).attention, by_hand)
    several.config = dataclasses.replace(several.config, attention_residual=False)
    assert_close(several.judge(x).attention, second @ first)


@pytest.mark.parametrize("method", ["maca", "maca-dec", "maca-attention"])
def test_several_blocks_and_heads_train_and_resume(method, tmp_path):
    config = dataclasses.replace(SMALL, **ATTENTION)
    whole = loop.train(envs.make(WAREHOUSE, 6), method, 4 * 48, config=config)
    loop.train(envs.make(WAREHOUSE, 6), method, 2 * 48, config=config, out=tmp_path / "run")
    resumed = loop.train(envs.make(WAREHOUSE, 6), method, 4 * 48, config=config, out=tmp_path / "run", resume=True)
    assert torch.equal(weights(resumed), weights(whole))
    assert np.isfinite(resumed.metrics["critic_loss"]).all()
    again = loop.load(envs.make(WAREHOUSE, 1), tmp_path / "run")
    assert torch.equal(weights(again), weights(whole))


# ---------------------------------------------------------------------------------------------------------------------
# V over units

UNITS = dict(value="units", unit_embed=8)
WITH_UNITS = SIZES._replace(entities=Entities((Group("pairs", 2, (Part(0, 1), Part(2, 1))),)))


@pytest.mark.parametrize("method", ["mappo", "happo", "maca", "maca-dec"])
@torch.no_grad()
def test_a_critic_with_units_says_the_same_whichever_way_it_is_asked(method):
    critic = made(method, sizes=WITH_UNITS, recurrent=method in ("mappo", "happo"), **UNITS)
    x = random_input()._replace(memory=critic.blank_memory(2, torch.device("cpu")))
    words = critic.judge(x)
    assert_close(critic.bootstrap(x), words.bootstrap)
    assert_close(critic.bootstrap(x._replace(action=None)), words.bootstrap)
    assert_close(words.value.squeeze(-1), words.bootstrap)
    for y, again in zip(words.outputs, critic.predict(x), strict=True):
        assert_close(again, y)


@torch.no_grad()
def test_macas_v_over_units_reads_the_state_and_q_the_observations():
    critic, x = made("maca", sizes=WITH_UNITS, recurrent=False, **UNITS), random_input()
    swapped = x._replace(state=x.state[:, [1, 0, 3, 2]])  # the two units of the group
    words, other_state = critic.judge(x), critic.judge(x._replace(state=x.state + 1))
    assert_close(critic.judge(swapped).value, words.value)
    assert (other_state.value - words.value).abs().max() > 0.01
    assert_close((other_state.q, other_state.baselines, other_state.psi), (words.q, words.baselines, words.psi))
    other_obs = critic.judge(x._replace(obs=x.obs[:, [1, 0, 2]]))
    assert_close(other_obs.value, words.value)
    assert (other_obs.q - words.q).abs().max() > 0.01


@pytest.mark.parametrize(("method", "recurrent"), [("mappo", True), ("happo", False), ("maca", False)])
def test_v_over_units_trains_and_resumes(method, recurrent, tmp_path):
    config = dataclasses.replace(SMALL, recurrent=recurrent, **UNITS)
    whole = loop.train(Recall(6), method, 4 * 48, config=config)
    loop.train(Recall(6), method, 2 * 48, config=config, out=tmp_path / "run")
    resumed = loop.train(Recall(6), method, 4 * 48, config=config, out=tmp_path / "run", resume=True)
    assert torch.equal(weights(resumed), weights(whole))
    assert torch.equal(weights(loop.load(Recall(1), tmp_path / "run")), weights(whole))
    network = whole.learner.critic.units if method == "maca" else whole.learner.critic.net
    assert isinstance(network, UnitsCritic)
    assert all(p.grad.abs().sum() > 0 for p in network.groups.parameters())


def test_v_over_units_of_actions_that_are_numbers():
    run = train("mappo", 3, Aim(16), rollout=1, chunk=1, minibatches=1, **UNITS)
    assert np.isfinite(run.metrics["critic_loss"]).all()


@pytest.mark.parametrize(
    ("method", "env", "change", "message"),
    [
        ("ippo", Recall(2), {}, "value='units' is for methods with a V of the state; allowed are mappo, happo and all"),
        ("coma", Recall(2), {}, "value='units' is for methods with a V of the state"),
        ("ppo-mix", Recall(2), {}, "value='units' is for methods with a V of the state"),
        ("mappo", envs.make(WAREHOUSE, 2), {}, "value='units' needs a state of which is known which numbers speak of"),
        ("maca", envs.make(WAREHOUSE, 2), {}, "value='units' needs a state of which is known which numbers speak of"),
        ("maca", Recall(2), dict(critic_outputs="q"), r"critic_outputs='q'; with value='units' .* is 'v\+q'"),
        ("maca", Recall(2), dict(recurrent=True), "recurrent=True; with value='units' and a method of maca"),
        ("maca-dec", Recall(2), dict(centred=True), "centred=True; with value='units' and a method of maca"),
    ],
)
def test_units_are_refused_where_they_do_not_fit(method, env, change, message):
    config = dataclasses.replace(SMALL, minibatches=1, recurrent=False, **UNITS)
    with pytest.raises(ValueError, match=message):
        loop.train(env, method, 16, config=dataclasses.replace(config, **change))


def test_the_critic_may_have_epochs_of_its_own():
    steps = {}
    for epochs in (None, 1, 5):
        learner = train("mappo", 1, critic_epochs=epochs).learner
        found = (
            next(iter(d.optimiser.state.values()))["step"] for d in (learner.actor_descent, learner.critic_descent)
        )
        steps[epochs] = [int(step) for step in found]
    assert steps == {None: [6, 6], 1: [6, 3], 5: [6, 15]}  # three minibatches, two epochs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(value="gnn"), "value='gnn'; allowed are mlp, units"),
        (dict(unit_embed=0), "unit_embed=0; allowed are integers from 1"),
        (dict(unit_heads=-1), "unit_heads=-1; allowed are integers from 0"),
        (dict(critic_epochs=0), "critic_epochs=0; allowed are integers from 1 and None"),
        (dict(blocks=0), "blocks=0; allowed are integers from 1"),
        (dict(attention_heads=3), "attention_heads=3; allowed are divisors of embed=8"),
        (dict(critic_outputs="four"), r"critic_outputs='four'; allowed are q, v\+q, v\+q\+eq"),
        (dict(critic_targets="mine"), "critic_targets='mine'; allowed are shared, own, td"),
        (dict(baselines="slow"), "baselines='slow'; allowed are fused, definition"),
    ],
)
def test_wrong_options_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(SMALL, **change)
