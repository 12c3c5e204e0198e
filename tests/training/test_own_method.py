"""A method of one's own trains without touching the library, and its mistakes are found before anything is written."""

import dataclasses
import re

import numpy as np
import pytest
import torch

import maca_edu
from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.critics import Maca, ValueCritic
from maca_edu.training.methods import Method
from maca_edu.training.ppo import update_in_turn

SMALL = Config(rollout=4, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16)
STEPS = 3 * 4 * 8  # three updates in eight environments


def less_than_mappo(batch):
    """MAPPO's advantage, of which agent 0 gets a tenth."""
    share = torch.tensor([0.1, 1.0, 1.0, 1.0])
    return share * (batch.target - batch.value)


def as_mappo(batch):
    return batch.target - batch.value


def as_happo(batch):
    return batch.factor * (batch.target - batch.value)


MINE = Method(name="mine", critic=ValueCritic, advantage=less_than_mappo)


def train(method, **options):
    return loop.train(envs.make("toy/fridge", 8), method, STEPS, config=SMALL, **options)


def weights(run):
    return torch.cat([p.detach().flatten() for p in run.learner.actor.parameters()])


def test_it_trains_and_its_advantage_is_what_is_followed():
    run = train(MINE)
    assert np.isfinite(run.metrics["policy_loss"]).all()
    assert run.settings["method"] == "mine"
    mappo = weights(train("mappo"))
    assert not torch.equal(weights(run), mappo)
    assert torch.equal(weights(train(dataclasses.replace(MINE, advantage=as_mappo))), mappo)
    happo = Method(name="mine", critic=ValueCritic, advantage=as_happo, update=update_in_turn, separate=True)
    assert torch.equal(weights(train(happo)), weights(train("happo")))


def test_it_is_written_resumed_and_loaded(tmp_path):
    out = tmp_path / "run"
    maca_edu.train("toy/fridge", MINE, STEPS, batch=8, config=SMALL, out=out)
    longer = maca_edu.train("toy/fridge", MINE, 2 * STEPS, batch=8, config=SMALL, out=out, resume=True)
    assert longer.metrics["update"].tolist() == [1, 2, 3, 4, 5, 6]
    for again in (maca_edu.load(out, MINE), loop.load(envs.make("toy/fridge", 2), out, method=MINE)):
        assert torch.equal(weights(again), weights(longer))
        assert maca_edu.evaluate(again, episodes=5) == maca_edu.evaluate(longer, episodes=5)
    with pytest.raises(ValueError, match=r"method='mine'; allowed are mappo, .*, or a Method of your own"):
        loop.load(envs.make("toy/fridge", 2), out)


def asks_for_baselines(batch):
    return batch.target - batch.baselines[0]


def misspelt(batch):
    return batch.targt - batch.value


def does_not_fit(batch):
    return batch.target - torch.zeros(3, 3)


def beyond_the_end(batch):
    return batch.target - batch.value[:, 7:8].index_select(1, torch.tensor([3]))


def no_column(batch):
    return (batch.target - batch.value).squeeze(-1)


def one_for_each_action(batch):
    return batch.target.unsqueeze(-1) * batch.policy


def no_tensor(batch):
    return 1.0


def nothing(batch):
    """The return is forgotten."""


def not_finite(batch):
    return (batch.target - batch.value) / 0.0


FIELDS = "from this method's critic it may ask for target, action, policy, alive, factor, value"
SHAPES = r"allowed are tensors of shape \(8, 4\) or \(8, 1\)$"
MISTAKES = (
    (asks_for_baselines, f"failed: .*{FIELDS}$"),
    (misspelt, f"failed: .*'targt'; {FIELDS}$"),
    (does_not_fit, f"failed: .*{FIELDS}$"),
    (beyond_the_end, f"failed: .*{FIELDS}$"),
    (no_column, rf"gave \(8,\); {SHAPES}"),
    (one_for_each_action, rf"gave \(8, 4, 2\); {SHAPES}"),
    (no_tensor, f"gave float; {SHAPES}"),
    (nothing, f"gave NoneType; {SHAPES}"),
    (not_finite, "gave numbers that are not finite; allowed are finite ones$"),
)


@pytest.mark.parametrize(("advantage", "message"), MISTAKES, ids=lambda x: getattr(x, "__name__", ""))
def test_mistakes_are_found_before_anything_is_written(advantage, message, tmp_path):
    method, out = dataclasses.replace(MINE, advantage=advantage), tmp_path / "run"
    message = f"(?s)^advantage={advantage.__name__} {message}"
    with pytest.raises(ValueError, match=message):
        train(method, out=out)
    with pytest.raises(ValueError, match=message):
        maca_edu.train("toy/fridge", method, STEPS, batch=8, config=SMALL, out=out)
    assert not out.exists()


def test_what_it_may_ask_for_is_what_its_critic_gives():
    with pytest.raises(ValueError, match="failed") as error:
        train(Method(name="mine", critic=Maca, advantage=misspelt))
    given = re.search("it may ask for (.*)$", str(error.value)).group(1).split(", ")
    assert set(given) == {
        *("target", "action", "policy", "alive", "factor"),
        *("value", "q", "baselines", "psi", "attention", "corrset"),
    }


def test_a_name_that_is_taken_is_refused(tmp_path):
    taken, out = dataclasses.replace(MINE, name="maca"), tmp_path / "run"
    for attempt in (train, lambda method, out: maca_edu.train("toy/fridge", method, STEPS, out=out)):
        with pytest.raises(ValueError, match="method='maca' is the name of another method"):
            attempt(taken, out=out)
    assert not out.exists()
