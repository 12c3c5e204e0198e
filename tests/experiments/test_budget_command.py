"""The command that measures the variance budget of runs."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import maca_edu
from maca_edu.cli import main
from maca_edu.experiments.budget import Budget, budget, draw
from maca_edu.training.budget import Share, owner_names
from maca_edu.training.config import Config

WORDS = ("--moments", "6", "--copies", "4", "--seed", "3")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run."""
    path = tmp_path_factory.mktemp("runs") / "short"
    config = Config(actor_sizes=(8,), critic_sizes=(8,), rollout=4)
    maca_edu.train("toy/longring?n_agents=4&rounds=3", "mappo", 32, batch=4, config=config, out=path, processes=1)
    return path


def test_the_table_the_files_and_python_agree(run, tmp_path, capsys):
    out = tmp_path / "budget"
    assert main(["budget", str(run), str(run), *WORDS, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert text.count("mappo on toy/longring?n_agents=4&rounds=3, seed 0, 32 steps") == 2
    assert "6 moments, 10 joint actions in each, 4 copies of each" in text
    with open(out / "budget.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["owner"] for row in rows] == 2 * owner_names(4)
    found = budget(run, 6, 4, 3)
    for row, part in zip(rows, 2 * found.shares, strict=True):
        assert float(row["share"]) == pytest.approx(part.share, rel=1e-5)
        assert f"{100 * part.share:.1f} %" in text
        assert part.low <= part.share <= part.high
    about = json.loads((out / "budget.json").read_text())
    assert about["command"].startswith(f"maca-edu budget {run} {run} --moments 6 --copies 4 --seed 3")
    assert {"date", "versions"} < about.keys()
    with Image.open(out / "budget.png") as picture:
        assert picture.width > 400


def test_the_picture_has_a_bar_of_full_height_for_each_run(tmp_path):
    shares = [
        Share(name, 1.0, share, 0, 1) for name, share in zip(owner_names(5), (0.6, 0.1, 0.1, 0.3, -0.1), strict=True)
    ]
    told = ("mappo", 0, 10, 64, 4, 0, 12)
    path = tmp_path / "budget.png"
    draw([Budget("runs/a", "toy/ring", *told, shares), Budget("runs/b", "toy/ring", *told, shares)], path)
    with Image.open(path) as picture:
        count = {colour: number for number, colour in picture.convert("RGB").getcolors(10**6)}
    for drawn in ((0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2), (0x56, 0xB4, 0xE9), (0xE6, 0x9F, 0x00)):
        assert count[drawn] > 1_000
    assert count[0x99, 0x99, 0x99] < 1_000  # what was measured below 0 is in the legend only


def test_mistakes_end_in_one_sentence(run, tmp_path, capsys):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("")
    config = Config(actor_sizes=(8,), critic_sizes=(8,), rollout=4)
    for env, method, name in (("toy/fridge", "coma", "coma"), ("mpe/simple_spread", "mappo", "mpe")):
        maca_edu.train(env, method, 8, batch=2, config=config, out=tmp_path / name, processes=1)
    for words, message in (
        ([str(tmp_path / "nowhere")], "is not the directory of a run"),
        ([str(run), "--out", str(tmp_path / "used")], "is in use; name a new or an empty folder"),
        ([str(run), "--moments", "2"], "moments=2; allowed is an integer of at least 3"),
        ([str(run), "--copies", "5"], "copies=5; allowed is an even integer of at least 4"),
        ([str(tmp_path / "coma")], "critic has no V(s) and no joint baseline"),
        ([str(tmp_path / "mpe")], "'mpe/simple_spread' cannot be forked; environments that can are"),
    ):
        assert main(["budget", *words]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert len(error.splitlines()) == 1


def test_a_run_changes_what_is_measured_but_not_how(run):
    one, other = budget(run, 6, 4, 3), budget(run, 6, 4, 4)
    assert one == budget(run, 6, 4, 3)
    assert one.shares != other.shares
    assert np.isclose(sum(part.share for part in other.shares), 1)
