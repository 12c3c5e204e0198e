"""The commands print what they say, a run goes from train to evaluate, and mistakes end in one sentence."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import maca_edu
from maca_edu import envs
from maca_edu.cli import main
from maca_edu.experiments.presets import preset
from maca_edu.training.config import Config
from maca_edu.training.methods import METHODS

FILES = ("config.json", "metrics.csv", "state.npz")
TABLE_6 = dict(mappo=165_747, ippo=149_497, coma=174_966, happo=165_747, maca=239_674)
TABLE_6 |= {"ppo-mix": 361_349, "ppo-sum": 134_148}
TRAIN_OPTIONS = (
    *("--lr", "--resume", "--lam", "--psi-mode", "--critic-targets", "--critic-outputs"),
    *("--blocks", "--attention-heads", "--attention-residual", "--baselines"),
)


def printed(capsys, *words):
    assert main([*words]) == 0
    return capsys.readouterr().out


def test_params_prints_table_6(capsys):
    lines = [re.split(r"\s{2,}", line) for line in printed(capsys, "params", "--task", "5m_vs_6m").splitlines()]
    counts = {name: int(count.replace(",", "")) for name, count in lines}
    assert counts == TABLE_6 | {"maca's psi head": 771, "mappo over units": 155_969}


def test_methods_envs_and_doctor_print(capsys):
    assert [line.split()[0] for line in printed(capsys, "methods").splitlines()[1:]] == list(METHODS)
    assert re.search("^toy/fridge +4 agents, 2 actions, horizon 1$", printed(capsys, "envs", "--family", "toy"), re.M)
    everything = [line.split()[0] for line in printed(capsys, "envs").splitlines()]
    assert everything == envs.names()
    assert {"mpe/simple_spread", "smax/2s3z", "smac/3m", "smacv2/protoss_5_vs_5"} <= set(everything)
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
    assert "mappo on toy/xor?n_agents=3, seed 0: 32 steps, 4 updates" in text
    assert re.search(r"^last ten updates: return \d\.\d+$", text, re.MULTILINE)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *FILES,
        "findings.json",
        "progress.png",
        "tensorboard",
    }
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
    for option in ("--seed", *(TRAIN_OPTIONS if command == "train" else ())):
        assert option in text
    assert "config." not in text


def test_presets_are_the_tables(capsys, tmp_path):
    """Tables 7-15, typed again here by hand."""
    clips = {"mappo": (0.1,) * 3, "ippo": (0.1,) * 3, "happo": (0.1,) * 3, "maca": (0.05, 0.1, 0.1)}
    clips |= {"coma": (0.05,) * 3, "ppo-mix": (0.05,) * 3, "ppo-sum": (0.05,) * 3}
    for method, by_task in clips.items():
        for env, clip in zip(("smac/5m_vs_6m", "smacv2/zerg_5_vs_5", "mpe/simple_spread"), by_task, strict=True):
            config, batch = preset("paper", env, method)
            assert (config.clip, config.epochs, batch) == (clip, 5 if method == "coma" else 10, 20)
            common = dict(lr=5e-4, gamma=0.99, lam=0.95, entropy=0.01, max_grad_norm=10.0, minibatches=1, chunk=10)
            assert {name: getattr(config, name) for name in common} == common
            assert config.recurrent
            assert config.actor_sizes == (64, 64, 64)
    maca = preset("paper", "smax/5m_vs_6m", "maca-dec")[0]
    assert (maca.embed, maca.z_size, maca.critic_decay, maca.critic_betas) == (64, 256, 0.01, (0.9, 0.95))
    assert (maca.critic_schedule, maca.critic_warmup, maca.sigma, maca.clip) == ("cosine", 10, None, 0.05)
    assert preset("paper", "smax/protoss_5_vs_5", "maca")[0].clip == 0.1
    assert preset(None, "toy/ring?n_agents=8", "maca") == preset("toy", "", "maca")
    assert preset("quick", "smacv2/zerg_5_vs_5", "maca")[1] == 8
    assert preset(None, "toy/warehouse", "maca") == preset("quick", "", "maca")
    assert main(["train", "--out", str(tmp_path / "x"), "--preset", "fast"]) == 2
    assert "preset='fast'; allowed are toy, quick, paper" in capsys.readouterr().err


def test_a_preset_is_where_the_command_line_begins(capsys, tmp_path):
    words = ["train", "--method=coma", "--preset", "paper", "--steps", "400", "--batch", "2", "--clip", "0.3"]
    printed(capsys, *words, "--out", str(tmp_path / "run"))
    settings = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (settings["epochs"], settings["rollout"], settings["recurrent"]) == (5, 200, True)
    assert (settings["clip"], settings["batch"]) == (0.3, 2)


def test_tensorboard_reads_what_metrics_csv_says(tmp_path):
    run = maca_edu.train("toy/fridge", "maca", 256, batch=8, config=Config(rollout=8), out=tmp_path / "r")
    events = EventAccumulator(str(tmp_path / "r" / "tensorboard")).Reload()
    for name in ("return_mean", "psi_joint", "entropy"):
        scalars = events.Scalars(name)
        assert [s.step for s in scalars] == run.metrics["env_steps"].tolist()
        assert [s.value for s in scalars] == pytest.approx(run.metrics[name].tolist(), rel=1e-6)


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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--method", "maca-text", "--advantage", "return"), "advantage='return'; maca-text has 'critic'"),
        (("--method=maca-text", "--psi-mode=bias"), "psi_mode='bias'; maca-text has 'linear'"),
        (("--method", "maca-released", "--preset", "paper", "--critic-epsilon", "1e-5"), "maca-released has 1e-08"),
    ],
)
def test_a_setting_that_belongs_to_the_method_is_refused_even_where_it_is_the_default(capsys, tmp_path, words, message):
    assert main(["train", "--out", str(tmp_path / "run"), "--env", "toy/fridge", *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_such_a_setting_is_refused_in_a_sweep_and_its_own_value_is_not(capsys, tmp_path):
    line = ["sweep", *("--envs", "toy/fridge", "--methods", "maca-text", "--steps", "512", "--seeds", "1")]
    line += ["--out", str(tmp_path / "a"), "--dry-run"]
    assert main([*line, "--options=--advantage return"]) == 2
    assert "advantage='return'; maca-text has 'critic'" in capsys.readouterr().err
    assert main([*line, "--options=--advantage critic"]) == 0
    assert main(line) == 0


def test_editors_find_what_is_imported_later():
    """Whoever jumps to the definition of `maca_edu.train` reads the file, and does not run it."""
    source = ast.parse(Path(maca_edu.__file__).read_text())
    (block,) = (node for node in source.body if isinstance(node, ast.If))
    found = {name.name: node.module for node in block.body for name in node.names}
    assert found == {name: f"maca_edu.experiments.{module}" for name, module in maca_edu.LATER.items()}
    for name in found:
        assert getattr(maca_edu, name).__module__ == found[name]
