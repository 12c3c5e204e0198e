"""At the command line: one writer, one sentence for whatever is wrong with a file, and an orderly end."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import maca_edu
from maca_edu import stopping
from maca_edu.cli import main
from maca_edu.experiments import sweep as module
from maca_edu.experiments.jobs import Job, run_folder
from maca_edu.experiments.run_job import run_job
from maca_edu.experiments.sweep import sweep
from maca_edu.files import LOCK, writing_to
from maca_edu.team_env import TeamStep, View
from maca_edu.training import checkpoint, loop
from maca_edu.training.config import Config
from maca_edu.training.play import play_episodes

ENV = "toy/xor?n_agents=2"
SMALL = ["--env", ENV, "--method", "mappo", "--batch", "2", "--rollout", "4", "--diagnose-every", "0"]
JOB = Job(ENV, "mappo", seed=0, steps=64, batch=4, config=Config(diagnose_every=0))


def refused(capsys, *words):
    """The one line on the error stream of a command that ends with 2."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("maca-edu: ")
    return line


def start(*words, **options):
    command = [sys.executable, "-m", "maca_edu", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


# ---------------------------------------------------------------------------------------------------------------------
# One writer


def test_a_live_run_is_refused_to_train_resume_and_sweep(tmp_path, capsys):
    out = tmp_path / "run"
    with writing_to(out):
        for more in ([], ["--resume"]):
            assert f"is writing to '{out}'" in refused(capsys, "train", "--out", out, *SMALL, "--steps", "64", *more)
    with writing_to(tmp_path / "sweep"), pytest.raises(ValueError, match="is writing to"):
        sweep(tmp_path / "sweep", [JOB], "a command")
    with writing_to(run_folder(tmp_path / "other", JOB)):
        assert "is writing to" in run_job(tmp_path / "other", JOB)


def test_two_trainings_at_once_leave_one_run(tmp_path):
    """Whoever comes second says so, and metrics.csv is that of one run."""
    out = tmp_path / "run"
    both = [start("train", "--out", out, *SMALL, "--steps", "1600", "--resume") for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    codes = [process.returncode for process in both]
    assert 0 in codes
    for code, error in zip(codes, errors, strict=True):
        assert code == 0 or "is writing to" in error
    assert len(maca_edu.load(out).metrics["update"]) == 200
    assert not (out / LOCK).exists()


def test_a_sweep_does_not_take_damaged_runs(tmp_path):
    assert run_job(tmp_path, JOB) is None
    folder = run_folder(tmp_path, JOB)
    metrics, final = folder / "metrics.csv", folder / "final.json"
    whole = metrics.read_text()
    metrics.write_text("\n".join(whole.splitlines()[:2]) + "\n")
    with pytest.raises(ValueError, match=r"metrics\.csv' has 1 rows"):
        sweep(tmp_path, [JOB], "a command")
    metrics.write_text(whole)
    for text in ("\0\0", "[1]", '{"return_mean": 1.0}', '{"return_mean": [1], "return_std": 0.0, "win_rate": null}'):
        final.write_text(text)
        with pytest.raises(ValueError, match=r"final\.json' is damaged"):
            sweep(tmp_path, [JOB], "a command")
    final.unlink()
    (tmp_path / "sweep.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"sweep\.json' is damaged"):
        sweep(tmp_path, [JOB], "a command")
    assert not final.exists()  # it was said before anything was run
    (tmp_path / "sweep.json").unlink()
    sweep(tmp_path, [JOB], "a command")
    assert (tmp_path / "curves.csv").exists()


def test_a_sweep_with_other_steps_is_refused_whole(tmp_path, capsys):
    words = ["sweep", "--out", tmp_path, "--envs", ENV, "--methods", "mappo", "--seeds", "1", "--options=--batch 4"]
    assert main([str(word) for word in [*words, "--steps", "64"]]) == 0
    assert "steps=64, not 128" in refused(capsys, *words, "--steps", "128")
    assert "steps=64, not 32" in refused(capsys, *words, "--steps", "32")
    (tmp_path / ".curves.csv.12.tmp").write_text("half")
    assert main([str(word) for word in [*words, "--steps", "64"]]) == 0
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("text", ["", "env,method\n", "env,method,seed,env_steps,return_mean\na,b,c,d,e\n", "\0" * 99])
def test_damaged_curves_are_named(tmp_path, capsys, text):
    (tmp_path / "curves.csv").write_text(text)
    refused(capsys, "curves", tmp_path, "--out", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


# ---------------------------------------------------------------------------------------------------------------------
# Files in the way


def test_whatever_is_in_the_way_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for out in ("file", "file/run", "dangling", "n" * 300, "a\0b"):
        refused(capsys, "train", "--out", tmp_path / out, *SMALL, "--steps", "64")
    for out in ("file", "file/run", "dangling"):
        main(["train", "--out", str(tmp_path / out), *SMALL, "--steps", "64"])
        assert "something that is not a folder is in the way" in capsys.readouterr().err
    for option in ("--json", "--plot"):  # before anything is measured
        refused(capsys, "bench", option, tmp_path / "file" / "x.png")
    maca_edu.train(ENV, "mappo", 64, batch=2, out=tmp_path / "run", processes=1)
    for out in ("file/film.gif", f"{'n' * 300}.gif"):
        refused(capsys, "watch", tmp_path / "run", "--out", tmp_path / out)
    (tmp_path / "folder.gif").mkdir()
    refused(capsys, "watch", tmp_path / "run", "--out", tmp_path / "folder.gif")
    refused(capsys, "sweep", "--out", tmp_path / "file", "--envs", ENV, "--methods", "mappo", "--steps", "512")
    refused(capsys, "evaluate", tmp_path / ("n" * 300))
    assert (tmp_path / "file").read_text() == "x"


def test_a_full_disk_is_one_sentence_and_the_checkpoint_stays(tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    assert main(["train", "--out", str(out), *SMALL, "--steps", "64"]) == 0
    before = (out / "state.npz").read_bytes()
    capsys.readouterr()

    def full(file, **arrays):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(np, "savez", full)
    assert main(["train", "--out", str(out), *SMALL, "--steps", "128", "--resume"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "maca-edu: No space left on device"
    assert (out / "state.npz").read_bytes() == before
    assert not list(out.glob(".*"))


def test_a_reader_that_leaves_is_no_mistake():
    process = start("methods")
    process.stdout.close()  # as `| head` does
    assert process.stderr.read() == ""
    assert process.wait() == 141


# ---------------------------------------------------------------------------------------------------------------------
# Numbers, and games without end


def test_an_infinite_rate_ends_with_two(tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "x"), *SMALL, "--steps", "800", "--lr", "inf"]) == 2
    assert not (tmp_path / "x" / "state.npz").exists()
    out = tmp_path / "y"
    assert main(["train", "--out", str(out), *SMALL, "--steps", "800", "--lr", "1e38", "--save-every", "1"]) == 2
    assert "is not a finite number" in capsys.readouterr().err.splitlines()[-1]
    if (out / "state.npz").exists():
        maca_edu.load(out)


class Endless:
    """Two agents in a game that forgets its clock."""

    name, batch, n_agents, n_actions, obs_size, state_size = "own/endless", 2, 2, 2, 3, 3
    horizon, continuous, deterministic, terms, entities = 5, False, True, None, None

    def reset(self, seed):
        return self.view()

    def view(self):
        ones = np.ones((2, 2, 3), dtype=np.float32)
        return View(ones, ones[:, 0].copy(), np.ones((2, 2, 2), dtype=bool), np.ones((2, 2), dtype=bool))

    def step(self, action):
        never = np.zeros(2, dtype=bool)
        return TeamStep(self.view(), self.view(), np.ones(2, dtype=np.float32), never, never)


def test_greedy_play_of_a_game_without_end_ends():
    with pytest.raises(RuntimeError, match="own/endless: an episode has not ended after 250 steps; its horizon is 5"):
        play_episodes(lambda view, first: np.zeros((2, 2), dtype=int), Endless(), seed=0)
    config = Config(rollout=4, actor_sizes=(8,), critic_sizes=(8,), diagnose_every=0, evaluate_every=1)
    with pytest.raises(RuntimeError, match="has not ended"):
        loop.train(Endless(), "mappo", 80, config=config, spare=Endless())


# ---------------------------------------------------------------------------------------------------------------------
# Stopping


def stopped(out, numbers, pause=0.0):
    """Send signals to a training once it has saved; its exit status and what it said last."""
    process = start("train", "--out", out, *SMALL, "--steps", "100000000", "--save-every", "3")
    while not (out / "state.npz").exists():
        assert process.poll() is None
        time.sleep(0.01)
    for number in numbers:
        process.send_signal(number)
        time.sleep(pause)
    errors = process.communicate(timeout=60)[1]
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    return process.returncode, errors.splitlines()[-1]


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ([signal.SIGINT], 130),
        ([signal.SIGTERM], 143),
        ([signal.SIGINT, signal.SIGINT, signal.SIGINT], 130),
        ([signal.SIGINT, signal.SIGTERM], 130),
    ],
)
def test_a_stop_says_what_is_kept(tmp_path, numbers, status):
    out = tmp_path / "run"
    code, words = stopped(out, numbers, pause=0.02)
    saved = checkpoint.load(out / "state.npz")["updates"]
    assert code == status
    assert words == f"maca-edu: stopped; {saved} updates are saved in '{out}'; --resume goes on from there"
    assert {path.name for path in out.iterdir()} == {"config.json", "metrics.csv", "state.npz", "tensorboard"}
    words = ["--steps", str((saved + 1) * 8), "--save-every", "3", "--resume"]
    config = json.loads((out / "config.json").read_text())
    assert main(["train", "--out", str(out), *SMALL, *words]) == 0  # fewer steps than planned, more than were taken
    assert json.loads((out / "config.json").read_text()) == config


def test_an_interruption_that_a_library_swallows_still_stops(tmp_path, capsys, monkeypatch):
    """np.savez makes "Can't close the ZIP file" of it; a callback loses it altogether."""
    savez, out = np.savez, tmp_path / "run"

    def interrupted(file, **arrays):
        if not stopping.asked:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ValueError("Can't close the ZIP file while there is an open writing handle on it") from None
        savez(file, **arrays)

    def lost(file, **arrays):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            savez(file, **arrays)

    for k, save in enumerate((interrupted, lost)):
        monkeypatch.setattr(np, "savez", save)
        words = ["train", "--out", str(out) + str(k), *SMALL, "--steps", "8000", "--save-every", "2"]
        assert main(words) == 130
        assert capsys.readouterr().err.splitlines()[-1].startswith("maca-edu: stopped")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_sweep_that_is_stopped_says_what_is_kept(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_all", interrupted)
    words = ["sweep", "--out", str(tmp_path), "--envs", ENV, "--methods", "mappo", "--steps", "512"]
    assert main(words) == 130
    assert f"is kept in '{tmp_path}'; the same command goes on" in capsys.readouterr().err
