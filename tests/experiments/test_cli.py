"""The commands print what they say, a run goes from train to evaluate, and mistakes end in one sentence."""

import re
import subprocess
import sys

import pytest

import maca_edu
from maca_edu.cli import main
from maca_edu.training.config import Config
from maca_edu.training.methods import METHODS

TABLE_6 = dict(mappo=165_747, ippo=149_497, coma=174_966, happo=165_747, maca=239_674)
TABLE_6 |= {"ppo-mix": 361_349, "ppo-sum": 134_148}


def printed(capsys, *words):
    assert main([*words]) == 0
    return capsys.readouterr().out


def test_params_prints_table_6(capsys):
    lines = [re.split(r"\s{2,}", line) for line in printed(capsys, "params", "--task", "5m_vs_6m").splitlines()]
    counts = {name: int(count.replace(",", "")) for name, count in lines}
    assert counts == TABLE_6 | {"maca's psi head": 771}


def test_methods_envs_and_doctor_print(capsys):
    assert [line.split()[0] for line in printed(capsys, "methods").splitlines()[1:]] == list(METHODS)
    assert "toy/fridge      4 agents, 2 actions, horizon 1" in printed(capsys, "envs")
    report = printed(capsys, "doctor")
    assert re.search(r"^ok +the course and the toy games: numpy \d", report, re.MULTILINE)
    assert all(line.startswith(("ok ", "missing ")) for line in report.splitlines())
    for line in report.splitlines():
        assert not line.startswith("missing") or ";" in line  # says how to get it


def test_train_evaluate_resume(capsys, tmp_path):
    out = str(tmp_path / "run")
    words = (
        "train",
        "--env",
        "toy/xor?n_agents=3",
        "--method",
        "mappo",
        "--batch",
        "4",
        "--rollout",
        "2",
        "--out",
        out,
    )
    text = printed(capsys, *words, "--steps", "32")
    assert re.search(r"^ +32 steps  return +\d\.\d+ .* 0 s left$", text, re.MULTILINE)
    lines = printed(capsys, "evaluate", out, "--episodes", "5").splitlines()
    assert [line.split()[0] for line in lines] == ["return_mean", "return_std", "win_rate"]
    assert main([*words, "--steps", "64"]) == 2
    assert "is not empty" in capsys.readouterr().err
    printed(capsys, *words, "--steps", "64", "--resume")
    assert len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) == 9


def test_mistakes_end_in_one_sentence(capsys, tmp_path):
    for words, message in (
        (["train", "--out", str(tmp_path / "x"), "--env", "toy/bridge"], "env='toy/bridge'"),
        (["train", "--out", str(tmp_path / "x"), "--method", "qmix"], "method='qmix'"),
        (["evaluate", str(tmp_path)], "is not the directory of a run"),
        (["params", "--task", "3m"], "task='3m'; allowed are 5m_vs_6m"),
    ):
        assert main(words) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_help_explains_every_option(capsys, command):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = capsys.readouterr().out
    for option in ("--seed", *(("--lr", "--resume", "--lam", "--psi-mode") if command == "train" else ())):
        assert option in text
    assert "config." not in text


def test_from_python(tmp_path):
    run = maca_edu.train(
        env="toy/ring?n_agents=3", method="ippo", steps=64, batch=8, config=Config(rollout=4), out=tmp_path / "r"
    )
    assert len(run.metrics["return_mean"]) == 2
    result = maca_edu.evaluate(run, episodes=3, seed=1)
    assert result == maca_edu.evaluate(maca_edu.load(tmp_path / "r"), episodes=3, seed=1)
    assert result.keys() == {"return_mean", "return_std", "win_rate"}
    with pytest.raises(ValueError, match="episodes=0"):
        maca_edu.evaluate(run, episodes=0)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = maca_edu.trian


def test_importing_needs_no_torch():
    code = "import sys, maca_edu, maca_edu.cli, maca_edu.training.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
