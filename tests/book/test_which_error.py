"""Many teams at once learn as the library's one team does: one update of each, from the same networks and rollout."""

from dataclasses import replace

import pytest
import torch
import which_error
from torch.func import stack_module_state

from maca_edu import envs
from maca_edu.training.config import Config
from maca_edu.training.methods import PPO_MIX, PPO_SUM
from maca_edu.training.trainer import Trainer

# One minibatch holds the whole rollout, so that no order matters.
CONFIG = replace(Config(), minibatches=1, diagnose_every=0)


def copied(network, module, prefix):
    """A module with the parameters of another, whose names lack the prefix."""
    module.load_state_dict({prefix + name: x.clone() for name, x in network.state_dict().items()})
    return module


@pytest.mark.parametrize("method", [PPO_SUM, PPO_MIX], ids=lambda method: method.name)
def test_an_update_is_the_librarys(method):
    trainer = Trainer(envs.make("toy/fridge", 32), method, 3, CONFIG)
    mixed = method is PPO_MIX
    many = which_error.Teams(2, 5, mixed, CONFIG)
    critic = which_error.Mixture(CONFIG, mixed)
    critic.load_state_dict({name: x.clone() for name, x in trainer.learner.critic.state_dict().items()})
    actor = copied(trainer.learner.actor.nets[0], which_error.Logits(CONFIG), "actor.")
    for stack, own in ((many.actor, actor), (many.critic, critic)):
        with torch.no_grad():
            for name, x in stack.parameters.items():
                x[1] = stack_module_state([own])[0][name][0]  # the second team starts as the library's
    for _ in range(3):
        rollout, _, _ = trainer.collect()
        action = torch.as_tensor(rollout.action).flatten(0, 1)  # [S, n]
        reward = torch.as_tensor(rollout.reward).flatten()
        trainer.learner.update(rollout)
        others = torch.zeros_like(action), torch.zeros_like(reward)  # the first team plays something else
        both = torch.stack([others[0], action]), torch.stack([others[1], reward])
        many.update(*both, which_error.learned)
        for name, x in trainer.learner.actor.nets[0].named_parameters():
            assert torch.allclose(many.actor.parameters["actor." + name][1], x, atol=2e-5), name
        for name, x in trainer.learner.critic.named_parameters():
            assert torch.allclose(many.critic.parameters[name][1], x, atol=2e-5), name
