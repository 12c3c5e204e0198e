"""A sweep that was stopped goes on, never mixes settings, and says which runs failed."""

import dataclasses
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maca_edu.cli import main
from maca_edu.experiments import sweep as module
from maca_edu.experiments.jobs import Job, log_file, run_folder
from maca_edu.experiments.local_engine import LocalEngine
from maca_edu.experiments.options import run_options
from maca_edu.experiments.presets import preset
from maca_edu.experiments.run import train
from maca_edu.experiments.run_job import run_job, source_of_game
from maca_edu.experiments.sweep import refuse_another_game, refuse_other_runs, sweep
from maca_edu.experiments.sweep_tables import read_curves, read_final
from maca_edu.training.config import Config
from maca_edu.training.run_directory import RunDirectory

ENV = "toy/xor?n_agents=2"
JOB = Job(ENV, "mappo", seed=3, steps=128, batch=8, config=Config(diagnose_every=0))
LATER = dataclasses.replace(JOB, seed=12)
DATA = Path(__file__).parents[2] / "book" / "data"


def test_a_sweep_that_was_stopped_goes_on(tmp_path):
    """Stopped by Ctrl-C between two checkpoints, it ends as if it had never stopped when the command is given again."""
    words = ["sweep", "--out", str(tmp_path), "--envs", ENV, "--methods", "mappo", "--steps", "3840", "--seeds", "1"]
    words += ["--options=--batch 8 --save-every 7 --diagnose-every 0"]  # 60 updates
    job = dataclasses.replace(JOB, steps=3_840, seed=0)
    folder = run_folder(tmp_path, job)

    process = subprocess.Popen([sys.executable, "-m", "maca_edu", *words], stderr=subprocess.DEVNULL)
    while not (folder / "state.npz").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert not (folder / "final.json").exists()
    assert not (tmp_path / "final.csv").exists()

    assert main(words) == 0
    returns = [row["return_mean"] for row in RunDirectory(folder).rows(60)]
    whole = train(ENV, "mappo", job.steps, job.seed, batch=job.batch, config=job.config)
    assert returns == whole.metrics["return_mean"].tolist()
    (final,) = read_final(tmp_path / "final.csv")
    assert final.return_mean == json.loads((folder / "final.json").read_text())["return_mean"]


def test_a_run_that_fails_is_named_and_the_others_finish(tmp_path):
    bad = dataclasses.replace(JOB, env="toy/fridge", config=Config(lr=1e38))
    with pytest.raises(ValueError, match="1 of 2 runs failed; the first is") as caught:
        sweep(tmp_path, [JOB, bad], "maca-edu sweep", LocalEngine(tmp_path, 1))
    assert f"{bad}: RuntimeError: update 1, " in str(caught.value)
    assert f"its log is {log_file(tmp_path, bad)}" in str(caught.value)
    assert "is not a finite number" in log_file(tmp_path, bad).read_text()
    assert (run_folder(tmp_path, JOB) / "final.json").exists()
    assert not (tmp_path / "curves.csv").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--envs", "toy/bridge"], "env='toy/bridge'; allowed are toy/fridge"),
        (["--envs"], "envs=[]; allowed is one name or more"),
        (["--methods"], "methods=[]; allowed is one name or more"),
        (["--methods", "qmix"], "method='qmix'"),
        (["--seeds", "0"], "seeds=0; allowed is an integer of at least 1"),
        (["--first-seed", "-1"], "first_seed=-1; allowed is an integer of at least 0"),
        (["--steps", "0"], "steps=0; allowed are integers from 1"),
        (["--steps", "255"], "steps=255; one update takes rollout * batch = 256 steps"),
        (["--processes", "0"], "processes=0; allowed is an integer of at least 1"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_a_sweep_that_cannot_begin_leaves_nothing(tmp_path, capsys, change, message):
    words = ["sweep", "--out", str(tmp_path / "x"), "--envs", ENV, "--methods", "mappo", "--steps", "256"]
    assert main([*words, *change]) == 2
    assert capsys.readouterr().err.startswith(f"maca-edu: {message}")
    assert not (tmp_path / "x").exists()


def test_a_run_says_why_it_failed(tmp_path):
    bad = dataclasses.replace(JOB, config=Config(minibatches=1_000))
    assert "minibatches=1000" in run_job(tmp_path, bad)
    assert "Traceback" in log_file(tmp_path, bad).read_text()
    assert not run_folder(tmp_path, bad).exists()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A sweep's directory with two finished runs."""
    out = tmp_path_factory.mktemp("sweep")
    for job in (JOB, LATER):
        assert run_job(out, job) is None
    return out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": Config(lr=0.1, diagnose_every=0)}, "lr=0.002, not 0.1"),
        ({"config": Config(critic_sizes=(32,), diagnose_every=0)}, r"critic_sizes=\[64, 64\], not \[32\]"),
        ({"steps": 64}, "steps=128, not 64"),
        ({"batch": 4}, "batch=8, not 4"),
        ({"seed": 4}, "holds another run"),
        ({"method": "ippo"}, "holds another run"),
    ],
)
def test_other_runs_are_not_mixed_in(finished, change, message):
    """Neither other settings, nor runs that the command does not ask for."""
    with pytest.raises(ValueError, match=message):
        sweep(finished, [dataclasses.replace(JOB, **change), LATER], "a command")


def test_a_run_of_an_older_version_is_not_mixed_in(finished, tmp_path):
    out = Path(shutil.copytree(finished, tmp_path / "sweep"))
    config = run_folder(out, JOB) / "config.json"
    settings = json.loads(config.read_text())
    del settings["critic_start"]
    config.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=f"a version of this library with other settings, {run_folder(out, JOB)}"):
        sweep(out, [JOB, LATER], "a command")


def test_a_sweep_may_grow(finished):
    """More seeds and methods; how often a run is saved decides nothing."""
    more = [dataclasses.replace(JOB, seed=4), dataclasses.replace(JOB, method="ippo")]
    refuse_other_runs(finished, [JOB, LATER, *more])
    refuse_other_runs(finished, [JOB, dataclasses.replace(LATER, save_every=1)])


def test_finished_runs_are_gathered_and_not_repeated(finished):
    """In the order of the seeds, whatever the order of the jobs."""
    before = [(run_folder(finished, job) / "metrics.csv").read_text() for job in (JOB, LATER)]
    sweep(finished, [LATER, JOB], "a command")
    assert [final.seed for final in read_final(finished / "final.csv")] == [3, 12]
    points = read_curves(finished / "curves.csv")
    assert [(point.seed, point.env_steps) for point in points] == [(3, 64), (3, 128), (12, 64), (12, 128)]
    assert [(run_folder(finished, job) / "metrics.csv").read_text() for job in (JOB, LATER)] == before


def test_tables_are_kept_whose_runs_are_gone(finished, tmp_path):
    """Also where the same command is given again: it would train all anew, and for other jobs the rows were lost."""
    out = Path(shutil.copytree(finished, tmp_path / "sweep"))
    sweep(out, [JOB, LATER], "a command")
    tables = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    folder = re.escape(str(run_folder(out, JOB)))
    shutil.rmtree(out / "toy-xor-n_agents=2")
    for jobs in ([JOB, LATER], [dataclasses.replace(JOB, method="ippo")], [dataclasses.replace(JOB, steps=64)]):
        with pytest.raises(ValueError, match=f"a final.csv with a run that is gone from its folder, {folder}, "):
            sweep(out, jobs, "a command")
        assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == tables
    for job in (JOB, LATER):
        run_folder(out, job).mkdir(parents=True)  # empty
    for name in ("final.csv", "curves.csv", "measured.csv"):
        with pytest.raises(ValueError, match=f"a {name} with a run that is gone from its folder, {folder}, "):
            sweep(out, [JOB, LATER], "a command")
        (out / name).unlink()
        del tables[name]
        assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == tables


def test_a_sweep_writes_over_no_files_of_others(finished, tmp_path):
    (tmp_path / "plan.csv").write_text("my,plan\n1,2\n")
    with pytest.raises(ValueError, match=r"holds a plan.csv that is no plan, and this sweep would write over it"):
        sweep(tmp_path, [JOB], "a command")
    assert (tmp_path / "plan.csv").read_text() == "my,plan\n1,2\n"
    run = Path(shutil.copytree(run_folder(finished, JOB), tmp_path / "run"))
    before = sorted(run.iterdir())
    with pytest.raises(ValueError, match=r"is the directory of a run, with its config.json; name another directory"):
        sweep(run, [JOB], "a command")
    assert sorted(run.iterdir()) == before


def test_a_game_that_was_changed_is_not_mixed_in(tmp_path, monkeypatch):
    game = tmp_path / "changing_game.py"
    game.write_text("VALUE = 5.0")
    monkeypatch.syspath_prepend(tmp_path)
    job = dataclasses.replace(JOB, env="pettingzoo/changing_game?n=2")
    folder = run_folder(tmp_path, job)
    folder.mkdir(parents=True)
    refuse_another_game(tmp_path, [job])
    for said in ({}, {"game": source_of_game(job.env)}):  # runs of earlier versions do not say it
        (folder / "final.json").write_text(json.dumps(said))
        refuse_another_game(tmp_path, [job, LATER])
    game.write_text("VALUE = 500.0")
    with pytest.raises(ValueError, match=f"{re.escape(str(folder))}, that was made before the file of that game was"):
        refuse_another_game(tmp_path, [job])
    assert {source_of_game(env) for env in ("toy/xor", "pettingzoo/toy_envs.xor_v0", "pettingzoo/no_such")} == {None}


def test_the_result_of_a_users_game_says_which_it_was(finished, monkeypatch, tmp_path):
    monkeypatch.setattr("maca_edu.experiments.run_job.source_of_game", lambda env: f"of {env}")
    assert "game" not in json.loads((run_folder(finished, JOB) / "final.json").read_text())
    assert run_job(tmp_path, JOB) is None
    assert json.loads((run_folder(tmp_path, JOB) / "final.json").read_text())["game"] == f"of {ENV}"


def test_nothing_to_do_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"jobs=\[\]"):
        sweep(tmp_path, [], "a command")
    with pytest.raises(ValueError, match="processes=0"):
        sweep(tmp_path, [JOB], "a command", LocalEngine(tmp_path, 0))


def test_options_begin_with_the_preset_of_each_method():
    options = "--preset paper --lr 1e-3 --no-recurrent --critic-sizes 32 16 --save-every 5"
    for method in ("coma", "maca"):
        chosen = run_options(options, ENV, method)
        config, batch = preset("paper", ENV, method)
        assert chosen.config == dataclasses.replace(config, lr=1e-3, recurrent=False, critic_sizes=(32, 16))
        assert (chosen.batch, chosen.save_every) == (batch, 5)
    assert run_options("--batch=7", ENV, "mappo").batch == 7
    assert run_options("", ENV, "mappo").config == preset(None, ENV, "mappo")[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--lrr 1", "options='--lrr 1': there is no '--lrr'; allowed are --batch"),
        ("--lr -1", "lr=-1.0; allowed are positive numbers"),
        ("--seed 3", "allowed are --batch, --preset, --save-every"),
        ("--preset fast", "preset='fast'"),
        ("--batch 0", "batch=0"),
        ("--lr '1", "No closing quotation"),
    ],
)
def test_a_wrong_option_is_told_before_anything_starts(tmp_path, capsys, options, message):
    words = ["sweep", "--out", str(tmp_path / "x"), "--envs", ENV, "--methods", "mappo", "--steps", "512"]
    assert main([*words, f"--options={options}"]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("file", sorted(DATA.glob("*/sweep.json")), ids=lambda file: file.parent.name)
def test_the_commands_of_the_book_are_understood(monkeypatch, tmp_path, file):
    """Each asks for the runs whose results stand beside it, and would be written down as the same command."""
    asked = []
    monkeypatch.setattr(module, "sweep", lambda out, jobs, command, *rest: asked.append((jobs, command)))
    command = json.loads(file.read_text())["command"]
    assert main([*shlex.split(command)[1:], "--out", str(tmp_path)]) == 0
    ((jobs, again),) = asked
    assert again == command
    results = {(final.env, final.method, final.seed) for final in read_final(file.parent / "final.csv")}
    assert {(job.env, job.arm, job.seed) for job in jobs} == results
