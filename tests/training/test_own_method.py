"""A method of one's own trains without touching the library, and its mistakes are found before anything is written."""

import dataclasses
import re

import numpy as np
import pytest
import torch

import maca_edu
from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.advantages import apply_row
from maca_edu.training.config import Config
from maca_edu.training.critics import Maca, ValueCritic
from maca_edu.training.methods import Method
from maca_edu.training.ppo import update_in_turn
from maca_edu.training.records import JudgedBatch

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


def train(method, config=SMALL, **options):
    return loop.train(envs.make("toy/fridge", 8), method, STEPS, config=config, **options)


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


def writes_into_its_batch(batch):
    return batch.target.sub_(batch.value)


def whole_numbers(batch):
    return (batch.target - batch.value).round().long()


def truth_values(batch):
    return batch.target > batch.value


def complex_numbers(batch):
    return (batch.target - batch.value).to(torch.complex64)


def looks_up_nothing(batch):
    return {}["baseline"]


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
    (writes_into_its_batch, "writes into target; allowed are functions that leave the batch as it is$"),
    (whole_numbers, "gave numbers of torch.int64; allowed are floating-point ones$"),
    (truth_values, "gave numbers of torch.bool; allowed are floating-point ones$"),
    (complex_numbers, "gave numbers of torch.complex64; allowed are floating-point ones$"),
    (looks_up_nothing, f"failed: KeyError: 'baseline'; {FIELDS}$"),
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


def test_numbers_that_were_not_finite_before_are_named():
    batch = JudgedBatch(*(torch.ones(8, 4) for _ in range(3)), torch.ones(8, 4, dtype=torch.bool), torch.ones(8, 1))
    with pytest.raises(ValueError, match="not finite, and so are those of value that it was given; allowed are finite"):
        apply_row(as_mappo, batch._replace(value=torch.full((8, 1), torch.nan)))


def judging(**changed):
    """A ValueCritic whose `judge` says something else in some fields: functions of what it would have said."""

    class Other(ValueCritic):
        def judge(self, x):
            words = super().judge(x)
            return words._replace(**{name: change(words) for name, change in changed.items()})

    return Other


def predicting(change):
    """A ValueCritic whose `predict` is changed by a function of V, `[S]`."""

    class Other(ValueCritic):
        def predict(self, x):
            return change(super().predict(x)[0])

    return Other


class OwnBootstrap(ValueCritic):
    def bootstrap(self, x):
        return super().bootstrap(x).unsqueeze(-1)


class AsksForAnAction(ValueCritic):
    def bootstrap(self, x):
        return super().bootstrap(x) + 0 * x.action[:, 0]


class Fails(ValueCritic):
    def judge(self, x):
        return {}["v"]


class SaysNothing(ValueCritic):
    def judge(self, x):
        """The words are forgotten."""


class NotANumber(ValueCritic):
    def read(self, x):
        v, memory = super().read(x)
        return v * torch.nan, memory


class Writes(ValueCritic):
    def judge(self, x):
        x.state.mul_(2)
        return super().judge(x)


class OwnLevels(ValueCritic):
    def levels(self, x):
        return torch.zeros(8, 3)


class NoModule:
    def __init__(self, sizes, config):
        pass


class Lacks(torch.nn.Module):
    outputs = ()

    def __init__(self, sizes, config):
        super().__init__()


class NoOutputs(ValueCritic):
    def __init__(self, sizes, config):
        super().__init__(sizes, config)
        self.outputs = [output.name for output in self.outputs]


WRONG_CRITICS = (
    (predicting(lambda v: (v.unsqueeze(-1),)), r"predict's output 'v' has the shape \[8, 1\]; expected \[8\]"),
    (predicting(lambda v: (v, v)), "predict gave 2 predictions; needed is a tuple with one for each .*, v$"),
    (predicting(lambda v: v), "predict gave tensor.*; needed is a tuple with one for each of its outputs, v$"),
    (predicting(lambda v: (v.detach(),)), "predict gave numbers without a gradient"),
    (judging(bootstrap=lambda w: w.value), r"judge's bootstrap has the shape \[8, 1\]; expected \[8\] or \[8, 4\]"),
    (judging(bootstrap=lambda w: w.value.mean()), r"judge's bootstrap has the shape \[\]; expected \[8\] or \[8, 4\]"),
    (judging(outputs=lambda w: (w.value,)), r"judge's output 'v' has the shape \[8, 1\]; expected \[8\]"),
    (judging(value=lambda w: w.bootstrap), r"judge's value has the shape \[8\]; expected \[8, 1\] or \[8, 4\]"),
    (judging(psi=lambda w: w.value), r"judge's psi has the shape \[8, 1\]; expected \[8, 3\] or \[8, 4, 3\]"),
    (judging(corrset=lambda w: torch.ones(8, 4, 4)), "judge's corrset has dtype torch.float32; expected torch.bool"),
    (OwnBootstrap, r"bootstrap has the shape \[8, 1\]; expected \[8\]"),
    (OwnLevels, r"levels has the shape \[8, 3\]; expected \[8, 5\]"),
    (AsksForAnAction, "bootstrap failed: TypeError: 'NoneType' object is not subscriptable$"),
    (Fails, "judge failed: KeyError: 'v'$"),
    (SaysNothing, "judge gave None; allowed is records.CriticWords$"),
    (NotANumber, "judge's bootstrap holds nan; every number must be finite$"),
    (Writes, "writes into state; allowed are critics that leave it as it is$"),
)


@pytest.mark.parametrize(("critic", "message"), WRONG_CRITICS)
def test_what_a_critic_says_is_looked_at_before_anything_is_written(critic, message, tmp_path):
    with pytest.raises(
        ValueError, match=f"(?s)^critic={critic.__name__}: {message}|^critic={critic.__name__} {message}"
    ):
        train(Method("mine", critic, as_mappo), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_a_critic_remembers_is_looked_at():
    wrong = judging(memory=lambda words: words.memory[:, :3])
    with pytest.raises(ValueError, match=r"^critic=Other: judge's memory has the shape \[8, 3\]; expected \[8, 16\]"):
        train(Method("mine", wrong, as_mappo), config=dataclasses.replace(SMALL, recurrent=True, chunk=2))


@pytest.mark.parametrize(
    ("critic", "message"),
    [
        (NoModule, "its critic is <.*>; allowed are modules, torch.nn.Module$"),
        (Lacks, "its critic=Lacks.* lacks needs_action, judge, bootstrap, predict, levels, blank_memory; allowed"),
        (NoOutputs, r"its critic has outputs=\['v'\]; allowed is a tuple of critics.Output, at least one$"),
    ],
)
def test_what_makes_a_critic_makes_one(critic, message):
    with pytest.raises(ValueError, match=f"^method='mine': {message}"):
        train(Method("mine", critic, as_mappo))


def test_psi_is_for_critics_that_have_what_it_needs():
    for psi, lacks in (("search", "no psi head to search for"), ("squares", "no baselines to weigh")):
        with pytest.raises(ValueError, match=f"psi='{psi}' is not for method='mine', whose critic has {lacks}"):
            train(dataclasses.replace(MINE, psi=psi))
    with pytest.raises(ValueError, match="advantage='critic' is not for method='mine', whose critic has no q"):
        train(dataclasses.replace(MINE, own_q=True, settings={"advantage": "critic"}))


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


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"name": ""}, "name=''; allowed are one or more words in a line, with single blanks$"),
        ({"name": " mine"}, "name=' mine'; allowed are one or more words in a line"),
        ({"name": None}, "name=None; allowed are one or more words in a line"),
        ({"psi": "hunt"}, "psi='hunt'; allowed are 'search', 'squares', 'critic', ''$"),
        ({"critic": None}, "critic=None; allowed are functions and classes$"),
        ({"advantage": "maca"}, "advantage='maca'; allowed are functions and classes$"),
        ({"update": None}, "update=None; allowed are functions and classes$"),
        ({"separate": 1}, "separate=1; allowed are True and False$"),
        ({"formula": 1}, "formula=1; allowed are words$"),
        ({"paper": {}}, "paper={}; allowed are PaperSettings$"),
        ({"settings": ["gamma"]}, r"settings=\['gamma'\]; allowed is a dictionary of settings of a run, by name$"),
        ({"settings": {"gama": 0.9}}, "settings has gama; allowed are rollout, gamma, lam,"),
        ({"settings": {"gamma": 9}}, "settings: gamma=9; allowed are 0 to 1$"),
    ],
)
def test_a_method_is_checked_where_it_is_made(field, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        dataclasses.replace(MINE, **field)
