"""A run that is killed (signal 9) and resumed is to the last bit the run that nobody killed."""

import csv
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from maca_edu.cli import main

UPDATES, BATCH, ROLLOUT = 35, 4, 8
CLOCK = ("_seconds", "_per_second")
WORDS = [
    *("--env", "toy/warehouse?preset=tiny&horizon=6", "--method", "maca", "--seed", "3"),
    *("--batch", str(BATCH), "--rollout", str(ROLLOUT), "--steps", str(UPDATES * BATCH * ROLLOUT)),
    *("--recurrent", "--chunk", "4", "--epochs", "2", "--save-every", "7"),
    *("--actor-sizes", "16", "--critic-sizes", "16", "--embed", "8", "--z-size", "16"),
]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signal 9 is a signal of POSIX systems")


def start(out, *words):
    """The command of the run, in a process of its own."""
    command = [sys.executable, "-m", "maca_edu", "train", "--out", str(out), *WORDS, *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def written(out):
    """How many updates metrics.csv tells of, counting its lines as a stranger would."""
    path = out / "metrics.csv"
    return max(path.read_text().count("\n") - 1, 0) if path.exists() else 0


def kill_after(updates, out):
    """Start, kill after so many updates and a moment more, and return how many updates are in metrics.csv."""
    run = start(out)
    try:
        while written(out) < updates or not (out / "state.npz").exists():
            assert run.poll() is None, run.communicate()[1]
            time.sleep(0.002)
        time.sleep(random.Random(updates).uniform(0, 0.02))
    finally:
        run.kill()
        run.communicate()
    assert run.returncode == -9
    return written(out)


def metrics(out):
    """The columns of metrics.csv as text, but for those that depend on the clock."""
    with open(out / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0] if not name.endswith(CLOCK)}


def arrays(out):
    """The last checkpoint: each array's type, shape and bytes, and the tree that says what they are."""
    with np.load(out / "state.npz", allow_pickle=False) as file:
        return {name: (file[name].dtype, file[name].shape, file[name].tobytes()) for name in file.files}


def test_killed_and_resumed_it_is_the_run_that_nobody_killed(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert main(["train", "--out", str(whole), *WORDS]) == 0
    done = kill_after(10, cut)
    assert 10 <= done < UPDATES
    assert arrays(cut) != arrays(whole)
    rest = start(cut, "--resume")
    errors = rest.communicate()[1]
    assert rest.returncode == 0, errors
    expected, got = metrics(whole), metrics(cut)
    assert got == expected
    assert got["update"] == [str(update) for update in range(1, UPDATES + 1)]
    assert {"return_mean", "policy_loss", "critic_loss", "psi_joint"} <= got.keys()
    assert arrays(cut) == arrays(whole)
