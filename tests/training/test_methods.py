"""The rows of Table 1 by hand, and how a method is found."""

import dataclasses

import pytest
import torch

from maca_edu import envs
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.methods import METHODS, configured, find, table
from maca_edu.training.records import JudgedBatch

# One sample, two agents, two actions; every number below is worked out by hand.
TABLE_1 = JudgedBatch(
    target=torch.tensor([[5.0, 5.0]]),
    value=torch.tensor([[1.0, 2.0]]),
    own_q=torch.tensor([[8.0, 1.0]]),  # of [[4, 8], [1, 3]]
    own_mean=torch.tensor([[7.0, 2.0]]),
    policy=torch.tensor([[[0.25, 0.75], [0.5, 0.5]]]),
    alive=torch.tensor([[True, True]]),
    action=torch.tensor([[1, 0]]),
    factor=torch.tensor([[1.0, 1.5]]),
    baselines=torch.tensor([[[1.0, 1.0]], [[2.0, 3.0]], [[4.0, 6.0]]]),
    psi=torch.tensor([[0.5, 0.25, 0.25]]),
    best=torch.tensor([[0.5, 6.0]]),
)
ADVANTAGES = {
    "coma": [-2, 3],  # 5 - 7, 5 - 2
    "mappo": [4, 3],
    "ippo": [4, 3],
    "ppo-sum": [1, -1],  # 8 - 7, 1 - 2
    "ppo-mix": [1, -1],
    "happo": [4, 4.5],
    "maca": [3, 2.25],  # 5 - (.5 + .5 + 1), 5 - (.5 + .75 + 1.5)
    "maca-dec": [3, 2.25],
    "maca-multilinear": [3, 2.25],
    "maca-attention": [3, 2.25],
    "maca-released": [3, 2.25],
    "maca-text": [3, 2.25],
    "maca-lsq": [3, 2.25],
    "maca-ob": [4.5, -1],
    "maca-cor": [1, -1],
    "maca-jnt": [4, 4],
    "maca-ind": [3, 2],
    "maca-nocor": [11 / 3, 10 / 3],  # 5 - (2/3 + 2/3), 5 - (2/3 + 1)
    "maca-noind": [3, 7 / 3],  # 5 - (2/3 + 4/3), 5 - (2/3 + 2)
    "maca-nojnt": [2, 0.5],  # 5 - (1 + 2), 5 - (1.5 + 3)
}


@pytest.mark.parametrize("method", METHODS)
def test_row_of_table_1(method):
    row = METHODS[method].advantage
    assert row(TABLE_1)[0].tolist() == pytest.approx(ADVANTAGES[method])
    assert "Table" in row.__doc__


def test_methods_are_found_by_name():
    assert METHODS.keys() == ADVANTAGES.keys()
    assert all(find(name) is method and method.name == name for name, method in METHODS.items())
    assert [line.split()[0] for line in table().splitlines()] == ["name", *METHODS]
    with pytest.raises(ValueError, match="method='qmix'; allowed are mappo, ippo"):
        find("qmix")


def test_a_method_of_ones_own_needs_a_name_of_its_own():
    mine = dataclasses.replace(METHODS["mappo"], name="mine")
    assert find(mine) is mine
    assert find(METHODS["mappo"]) is METHODS["mappo"]
    with pytest.raises(ValueError, match="method='mappo' is the name of another method; give yours a name of its own"):
        find(dataclasses.replace(METHODS["mappo"], advantage=METHODS["coma"].advantage))


def test_settings_that_belong_to_a_method_hold_whatever_the_preset_says(tmp_path):
    text = METHODS["maca-text"]
    for config in (Config(), METHODS["maca"].paper.config, dataclasses.replace(Config(), critic_targets="td")):
        assert configured(text, configured(text, config)) == dataclasses.replace(config, **text.settings)
    with pytest.raises(ValueError, match=r"^critic_targets='own'; maca-text has 'td'$"):
        configured(text, dataclasses.replace(Config(), critic_targets="own"))
    assert configured(METHODS["maca"], Config()) == Config()


@pytest.mark.parametrize("method", ["maca-text", "maca-released"])
def test_a_run_is_written_with_the_settings_of_its_method_and_goes_on(method, tmp_path):
    run = loop.train(
        envs.make("toy/fridge", 8), method, 64, config=Config(rollout=4, minibatches=1), out=tmp_path / "a"
    )
    assert {name: run.settings[name] for name in METHODS[method].settings} == METHODS[method].settings
    again = loop.load(envs.make("toy/fridge", 1), tmp_path / "a")
    now = dataclasses.asdict(again.learner.config)
    assert {name: now[name] for name in METHODS[method].settings} == METHODS[method].settings
