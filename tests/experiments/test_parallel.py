"""A training in two processes: the same bits again, resumed or not, and nothing lost when one of them is killed."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import maca_edu
from maca_edu.experiments import parallel
from maca_edu.training import checkpoint
from maca_edu.training.config import Config
from maca_edu.training.critics import ValueCritic
from maca_edu.training.methods import MAPPO, Method

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
GAME = "toy/warehouse?preset=tiny&horizon=6"
SMALL = Config(rollout=8, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, recurrent=True, chunk=4)
EACH = 8 * SMALL.rollout  # environment-steps of an update


def train(updates, out, method="maca", **options):
    steps = updates * EACH
    return maca_edu.train(GAME, method, steps, 3, out, batch=8, config=SMALL, save_every=2, processes=2, **options)


def alive(pid):
    return Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"


def test_a_run_of_two_processes_is_repeated_and_resumed_to_the_last_bit(tmp_path):
    whole = train(6, tmp_path / "whole")
    assert whole.settings["processes"] == 2
    assert whole.metrics["env_steps"][-1] == 6 * EACH
    train(4, tmp_path / "cut")
    settings = json.loads((tmp_path / "cut" / "config.json").read_text())
    assert (settings["processes"], settings["batch"]) == (2, 8)
    with pytest.raises(ValueError, match="another processes"):
        maca_edu.train(
            GAME, "maca", 6 * EACH, 3, tmp_path / "cut", batch=8, config=SMALL, resume=True, processes=1
        )  # fmt: skip
    maca_edu.train(GAME, "maca", 6 * EACH, 3, tmp_path / "cut", batch=8, config=SMALL, resume=True)  # 2, as before
    first, second = (checkpoint.load(tmp_path / name / "state.npz") for name in ("whole", "cut"))
    assert str(first) == str(second)
    np.testing.assert_array_equal(first["actor"]["nets.0.out.weight"], second["actor"]["nets.0.out.weight"])
    played = [maca_edu.evaluate(tmp_path / name, 20) for name in ("whole", "cut")]
    assert played[0] == played[1]


def test_a_killed_helper_ends_the_run_with_one_sentence_and_nothing_is_lost(tmp_path):
    killed = []

    class Kill:
        """Kills the helper after the third update."""

        def __call__(self, row):
            if row["update"] == 3:
                (pid,) = children(os.getpid())
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

        def close(self):
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("maca_edu.experiments.run.MonitorFromFirstRow", lambda *arguments: Kill())
        with pytest.raises(RuntimeError, match=r"process 1 of 2 ended with code -9.*\(resume\)"):
            train(6, tmp_path / "run")
    assert not alive(killed[0])
    assert checkpoint.load(tmp_path / "run" / "state.npz")["updates"] == 2
    train(6, tmp_path / "run", resume=True)
    whole = train(6, tmp_path / "whole")
    state = checkpoint.load(tmp_path / "run" / "state.npz")
    assert str(state) == str(checkpoint.load(tmp_path / "whole" / "state.npz"))
    assert len(whole.metrics["update"]) == 6


def children(pid):
    """The helpers that process `pid` started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().split(")")[1].split()[1])
            command = (folder / "cmdline").read_text()
        except OSError:  # it has just ended
            continue
        if parent == pid and "help_along" in command:
            found.append(int(folder.name))
    return found


def test_helpers_end_with_the_process_that_started_them(tmp_path):
    words = [sys.executable, "-m", "maca_edu", "train", "--env", GAME, "--out", str(tmp_path / "run")]
    words += ["--batch", "8", "--steps", "1000000", "--processes", "2"]
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "run" / "metrics.csv").exists() or not children(run.pid):
        assert run.poll() is None
        time.sleep(0.05)
    (helper,) = children(run.pid)
    run.kill()
    run.wait()
    until = time.monotonic() + 30
    while alive(helper) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(helper)


def test_a_script_needs_no_main_guard(tmp_path):
    """Helpers import nothing of the caller's: `maca_edu.train` may stand at the top of a script."""
    script = tmp_path / "script.py"
    line = f"maca_edu.train({GAME!r}, 'mappo', {2 * EACH}, batch=8, config={SMALL!r}, processes=2)"
    script.write_text(f"import maca_edu\nfrom maca_edu.training.config import Config\nprint({line}.settings)\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'processes': 2") == 1


def advantage(batch):
    return batch.target - batch.value


def test_how_many_processes_there_are(monkeypatch):
    large = dataclasses.replace(SMALL, rollout=1_000)
    monkeypatch.setattr(parallel, "cores", lambda: 4)
    assert parallel.choose(None, MAPPO, SMALL, 64) == 1  # a small rollout
    assert parallel.choose(None, MAPPO, large, 64) == 4
    assert parallel.choose(None, MAPPO, large, 9) == 3  # a divisor of the environments
    local = Method("mine", ValueCritic, lambda batch: batch.target)
    assert parallel.choose(None, local, large, 64) == 1
    importable = Method("mine", ValueCritic, advantage)
    assert parallel.choose(None, importable, large, 64) == 4
    with pytest.raises(ValueError, match="processes=2; method='mine' is defined in a notebook or a script"):
        parallel.choose(2, local, large, 64)
    for wrong in (0, 3, 128):
        with pytest.raises(ValueError, match=f"processes={wrong}; for 64 environments allowed are 1, 2, 4"):
            parallel.choose(wrong, MAPPO, large, 64)
