"""Who draws random numbers, and how many: so that neither the device nor a process changes what others draw."""

import dataclasses

import numpy as np
import pytest
import torch
from small_worlds import Aim

from maca_edu import envs
from maca_edu.training.config import Config
from maca_edu.training.judging import judge
from maca_edu.training.methods import METHODS, find
from maca_edu.training.play import Policy, play_episodes
from maca_edu.training.returns import critic_targets, rollout_returns
from maca_edu.training.trainer import Trainer

SMALL = Config(
    rollout=4, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4, chunk=2,
    recurrent=True,
)  # fmt: skip
B = 5
NEEDS_ACTION = ("coma", "ppo-mix", "ppo-sum")


def trainer_of(method, horizon=3, **options):
    env = envs.make(f"toy/warehouse?preset=tiny&horizon={horizon}", B)
    return Trainer(env, find(method), 0, dataclasses.replace(SMALL, **options))


def states(learner):
    """Of the learner's generators and of those that everybody shares."""
    torchs = (learner.draws.get_state(), learner.actor_descent.shuffles.get_state(), torch.get_rng_state())
    return [state.tolist() for state in torchs] + [str(np.random.get_state())]  # noqa: NPY002


def drawn(learner, counts, continuous=False):
    """Where the generator of actions will be when numbers for so many actions have been drawn."""
    sizes, generator = learner.sizes, torch.Generator()
    generator.set_state(learner.draws.get_state())
    for steps in counts:
        noise = torch.empty(steps, B, sizes.n_agents, sizes.n_actions)
        if continuous:
            noise.normal_(generator=generator)
        else:
            noise.exponential_(generator=generator)
    return generator.get_state()


@pytest.mark.parametrize("method", METHODS)
def test_judging_and_playing_the_best_actions_draw_nothing(method):
    trainer = trainer_of(method)
    learner, (rollout, *_) = trainer.learner, trainer.collect()
    before = states(learner)
    judgement = judge(learner.actor, learner.critic, rollout)
    critic_targets(rollout, judgement, rollout_returns(rollout, judgement, SMALL), SMALL)
    learner.try_method(trainer.env.view())
    play_episodes(Policy(learner), envs.make("toy/warehouse?preset=tiny&horizon=3", 2), seed=0)
    assert states(learner) == before


@pytest.mark.parametrize("method", [*METHODS, "maca own", "maca td", "mappo td"])
def test_a_rollout_draws_the_same_count_whatever_happened(method):
    """Its actions, and where the critic is asked about actions beyond the rollout, those: cut episodes or not."""
    name, *targets = method.split()
    options = dict(critic_targets=targets[0]) if targets else {}
    cut, whole = (trainer_of(name, horizon, **options) for horizon in (3, 50))
    asked = name in NEEDS_ACTION or bool(targets)
    assert cut.learner.critic.needs_action == (name in NEEDS_ACTION)
    for trainer in (cut, whole):
        expected = drawn(trainer.learner, [1] * 4 + ([4 + 1] if asked else []))
        rollout, *_ = trainer.collect()
        assert torch.equal(trainer.learner.draws.get_state(), expected)
        assert (rollout.chance is not None) == asked
        assert rollout.truncated.any() == (trainer is cut)
        if asked:
            assert len(rollout.chance) == B + len(rollout.finals.index)


def test_continuous_actions_draw_as_many():
    trainer = Trainer(Aim(B), find("maca"), 0, dataclasses.replace(SMALL, critic_targets="td"))
    expected = drawn(trainer.learner, [1] * 4 + [5], continuous=True)
    trainer.collect()
    assert torch.equal(trainer.learner.draws.get_state(), expected)


@pytest.mark.parametrize("method", ["happo", "coma", "maca"])
def test_training_leaves_everybodys_generators_alone(method):
    torch_state, numpy_state = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    trainer_of(method, diagnose_every=1).step()
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state()) == numpy_state  # noqa: NPY002
