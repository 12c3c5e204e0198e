"""The command: our methods and a user's function, tables, files, a picture, and mistakes in one sentence."""

import csv
import json

import numpy as np
import pytest
import torch

from maca_edu.cli import main
from maca_edu.credit_bench import Bench, Estimator, critics, games, make_batch, ranked
from maca_edu.credit_bench.moments import every_row
from maca_edu.experiments.credit_bench import picture, tables
from maca_edu.experiments.credit_bench.choose import choose, shipped
from maca_edu.experiments.credit_bench.ours import as_estimator, uses_corrsets
from maca_edu.training.methods import METHODS

MINE = """
import torch

def individual(batch):
    batch = batch.map(torch.as_tensor)
    return batch.returns[:, None] - (batch.policy * batch.q_values).sum(-1)

number = 3

def of_nothing():
    return 1

def of_two(batch, scale):
    return scale * individual(batch)

class Kept:
    def __init__(self, batch=None):
        pass

    def __call__(self, batch):
        return individual(batch)

kept = Kept()
"""


@pytest.fixture
def bench(monkeypatch) -> Bench:
    """A small one in the place of the whole."""
    made = Bench([games.random_game(7, n_agents=3)], sizes=(4, 8))
    monkeypatch.setattr("maca_edu.credit_bench.Bench", lambda seed: made)
    return made


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "my_credit.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return "my_credit:individual"


@pytest.mark.parametrize("name", METHODS)
def test_our_methods_on_an_exact_critic_are_unbiased(name):
    """And their advantages are what `maca_edu.exact` makes of the baselines in their formulas."""
    moments = games.random_game(7, n_agents=3)
    rows = every_row(moments)
    batch = make_batch(moments, rows, critics.exact(moments))
    given = as_estimator(METHODS[name]).function(batch)
    assert isinstance(given, tuple) == uses_corrsets(METHODS[name])
    advantage = (given[0] if isinstance(given, tuple) else given).numpy()
    score = np.eye(3)[rows.action] - moments.policy[0]
    mean = np.einsum("s,sn,sna->na", rows.weight, advantage, score)
    right = np.einsum("s,s,sna->na", rows.weight, batch.returns, score)
    np.testing.assert_allclose(mean, right, atol=1e-12)


def test_who_uses_corrsets():
    users = {name for name, method in METHODS.items() if uses_corrsets(method)}
    assert users == {
        *("maca", "maca-dec", "maca-cor", "maca-noind", "maca-nojnt", "maca-attention", "maca-released", "maca-text"),
        *("maca-multilinear", "maca-lsq"),
    }


def test_least_squares_psi_beats_thirds_and_comes_from_the_batch_before():
    bench = Bench([games.random_game(101)], sizes=())
    thirds, squares = (bench.score(as_estimator(METHODS[name])) for name in ("maca", "maca-lsq"))
    assert squares.variance("exact") < thirds.variance("exact")
    assert squares.behaviour.row_by_row


def test_the_command_ranks_ours_and_a_function_of_mine(bench, mine, tmp_path, capsys):
    assert main(["credit-bench", "mappo", "coma", "maca-ind", mine, "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert f"the same as coma, given the same critic: maca-ind, {mine}" in text
    lines = [line.split() for line in text.splitlines()]
    assert [line[0] for line in lines[1:3]] == ["coma", "mappo"]
    with open(tmp_path / "out" / "games.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["estimator"], row["critic"]) for row in rows] == [
        (name, critic) for name in ("coma", "mappo") for critic in ("exact", "fitted")
    ]
    assert float(rows[0]["others"]) == 0
    assert float(rows[2]["others"]) == 1
    with open(tmp_path / "out" / "growth.csv") as file:
        assert len(list(csv.DictReader(file))) == 4
    with open(tmp_path / "out" / "summary.csv") as file:
        assert next(csv.DictReader(file))["same numbers"] == f"maca-ind {mine}"
    assert (tmp_path / "out" / "radar.png").stat().st_size > 10_000


def test_what_the_bench_leaves_out_of_a_method_is_said(bench, capsys):
    said = "maca-released is tried without its raw baselines, which are in units of their own"
    assert main(["credit-bench", "maca-attention", "maca-released"]) == 0
    text = capsys.readouterr().out
    assert f"the same as maca-attention, given the same critic: maca-released\n{said}" in text
    assert main(["credit-bench", "maca-released"]) == 0
    assert said in capsys.readouterr().out
    assert main(["credit-bench", "maca-attention"]) == 0
    assert "is tried without" not in capsys.readouterr().out


def test_what_torch_writes_to_the_batch_is_said(bench):
    def in_place(batch):
        batch = batch.map(torch.as_tensor)
        batch.earlier.returns.zero_()
        return batch.returns.sub_(batch.value)[:, None]

    (finding,) = [f for f in bench.score(Estimator("in place", in_place)).findings if f.name == "writes"]
    assert "(returns, earlier.returns)" in finding.sentence


def test_json_has_everything(bench, capsys):
    assert main(["credit-bench", "group-relative", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["estimator"] == "group-relative"
    assert {f["name"] for f in record["findings"]} == {"scale", "batch"}
    assert [result["critic"] for result in record["results"]] == ["exact"]
    assert [growth["n_agents"] for growth in record["growth"]] == [4, 8]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["qmix"], "methods='qmix'; allowed are mappo, "),
        (["mappo", "mappo"], "methods names 'mappo' twice; each may occur once"),
        (["no_such_module:f"], "methods='no_such_module:f': the module cannot be imported: ModuleNotFoundError"),
        (["my_credit:nothing"], "methods='my_credit:nothing': the module 'my_credit' has no function 'nothing'"),
        (["my_credit:number"], "methods='my_credit:number': the module 'my_credit' has no function 'number'"),
        (["my_credit:of_nothing"], "methods='my_credit:of_nothing' cannot be called with a batch alone; allowed is"),
        (["my_credit:of_two"], "methods='my_credit:of_two' cannot be called with a batch alone; allowed is"),
        (["my_credit:Kept"], "methods='my_credit:Kept' cannot be called with a batch alone; allowed is"),
        (["my credit:f"], "methods='my credit:f'; allowed is module:function"),
        ([":f"], "methods=':f'; allowed is module:function"),
        (["mappo", "--seed", "-1"], "seed=-1; allowed is"),
        (["mappo", "--out", "my_credit.py"], "out="),
    ],
)
def test_mistakes_end_in_one_sentence(mine, words, sentence, capsys):
    assert main(["credit-bench", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"maca-edu: {sentence}")
    assert said.count("\n") == 1


def test_a_module_is_imported_only_where_it_is_named(mine):
    import sys

    sys.modules.pop("my_credit", None)
    choose(["mappo"])
    assert "my_credit" not in sys.modules
    (estimator,) = choose([mine])
    assert "my_credit" in sys.modules
    assert estimator.name == mine


def test_an_object_that_is_called_is_a_function_too(mine):
    (estimator,) = choose(["my_credit:kept"])
    assert estimator.name == "my_credit:kept"


def test_without_names_all_are_tried():
    assert [e.name for e in choose([])] == list(shipped())
    assert set(METHODS) < set(shipped())


def test_ratings_are_shares(bench):
    best = bench.score(as_estimator(METHODS["maca-ob"]))
    rating = picture.ratings(best)
    assert rating.shape == (6,)
    np.testing.assert_allclose(rating[:2], 1)
    assert (rating <= 1).all()
    assert (rating >= 0).all()


def test_tables_leave_out_what_is_not_there(bench):
    scores = ranked([bench.score(shipped()["leave-one-out"])])
    (header, row) = tables.summary(scores).splitlines()[:2]
    assert "bias, fitted" in header
    assert " - " in row
    assert "level 3" in tables.by_level(scores)


def test_tensors_of_single_precision_pass(bench):
    def single(batch):
        return torch.as_tensor(batch.returns - batch.value, dtype=torch.float32)[:, None]

    assert not bench.score(Estimator("single", single)).wrong
