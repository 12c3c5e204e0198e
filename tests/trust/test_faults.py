"""Disks that are full or read-only, a clock that goes backwards, memory that is not there, more than there can be."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import pytest

import maca_edu
from maca_edu.cli import main
from maca_edu.experiments.jobs import Job, run_folder
from maca_edu.experiments.local_engine import LocalEngine
from maca_edu.experiments.sweep import sweep
from maca_edu.training.config import Config

HERE = Path(__file__).parent
ENV = "toy/xor?n_agents=2"
SMALL = Config(rollout=4, actor_sizes=(4,), critic_sizes=(4,), diagnose_every=0)
JOB = Job(ENV, "mappo", 0, 64, 4, SMALL)
CLOCKS = ("_seconds", "_per_second")

IN_A_WORLD_OF_ITS_OWN = """
import os, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import children
if not children.world_of_its_own():
    print("not allowed"), sys.exit(0)
from maca_edu.cli import main
out = Path({out!r})
train = ["train", "--out", str(out / "run"), "--env", {env!r}, "--method", "mappo", "--batch", "2", "--rollout", "4"]
train += ["--save-every", "1", "--processes", "1", "--resume", "--steps"]
"""


def in_a_world_of_its_own(out, commands):
    """What a process prints and says that may mount disks which it alone sees; skipped where that is not allowed."""
    start = IN_A_WORLD_OF_ITS_OWN.format(here=str(HERE), out=str(out), env=ENV) + commands
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=False)
    if "not allowed" in done.stdout:
        pytest.skip("the system lets no process mount a disk of its own")
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_full_disk_ends_in_one_sentence_and_nothing_is_lost(tmp_path):
    """There is room for the first checkpoint and not for the second beside it; then the disk grows."""
    done = in_a_world_of_its_own(
        tmp_path,
        """
assert children.small_disk(out, 2**20)
print(main([*train, "16"]))
taken = os.statvfs(out).f_blocks - os.statvfs(out).f_bfree
assert children.small_disk(out, (taken + 2) * os.statvfs(out).f_bsize, again=True)
print(main([*train, "160"]))
assert children.small_disk(out, 2**24, again=True)
print(main(["evaluate", str(out / "run")]))
print(main([*train, "160"]))
print(sorted(path.name for path in (out / "run").iterdir()))
""",
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if line in "012"] == ["0", "2", "0", "0"], done.stderr
    assert "maca-edu: No space left on device" in done.stderr
    assert lines[-1] == str(["config.json", "findings.json", "metrics.csv", "progress.png", "state.npz", "tensorboard"])


def test_a_read_only_folder_is_one_sentence_and_its_runs_are_played(tmp_path):
    done = in_a_world_of_its_own(
        tmp_path,
        """
assert main([*train, "16"]) == 0
assert children.read_only(out)
print("now", file=sys.stderr)
run = str(out / "run")
print(main([*train, "800"]))
print(main(["sweep", "--out", str(out / "sweep"), "--envs", "toy/xor", "--methods", "mappo", "--steps", "512"]))
print(main(["watch", run, "--out", str(out / "film.gif")]))
print(main(["credit", run, "--out", str(out / "credit")]))
print(main(["class-copy", str(out / "labs")]))
print(main(["evaluate", run, "--episodes", "2"]))
""",
    )
    assert [line for line in done.stdout.splitlines() if line in "012"] == ["2", "2", "2", "2", "2", "0"], done.stderr
    said = done.stderr.partition("now\n")[2].splitlines()
    assert len(said) == 5, said
    assert all(line.startswith("maca-edu: ") and "Read-only file system" in line for line in said), said


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path, monkeypatch):
    """Every look at it shows an hour less than the one before."""
    maca_edu.train(ENV, "mappo", 64, 0, tmp_path / "whole", batch=4, config=SMALL)
    clock = iter(range(2 * 10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    maca_edu.train(ENV, "mappo", 32, 0, tmp_path / "cut", batch=4, config=SMALL)
    cut = maca_edu.train(ENV, "mappo", 64, 0, tmp_path / "cut", batch=4, config=SMALL, resume=True)
    whole = maca_edu.load(tmp_path / "whole")
    assert time.time() < 2 * 10**9 - 3600
    for name, column in whole.metrics.items():
        if not name.endswith(CLOCKS):
            assert str(cut.metrics[name].tolist()) == str(column.tolist()), name
    assert (cut.metrics["env_seconds"] >= 0).all()
    sweep(tmp_path / "sweep", [JOB], "a command", LocalEngine(tmp_path / "sweep", 1))
    assert (tmp_path / "sweep" / "final.csv").exists()


TOO_LARGE = dataclasses.replace(SMALL, critic_sizes=(1_000_000, 1_000_000))  # four terabytes


def test_a_run_without_memory_is_named_and_the_others_finish(tmp_path):
    giant = dataclasses.replace(JOB, seed=1, method="ippo", config=TOO_LARGE)
    with pytest.raises(ValueError, match=r"1 of 2 runs failed; the first is ippo in .*allocate.*its log is [^\n]*$"):
        sweep(tmp_path, [giant, JOB], "a command", LocalEngine(tmp_path, 1))
    assert (run_folder(tmp_path, JOB) / "final.json").exists()
    assert not (tmp_path / "final.csv").exists()


def test_at_the_command_line_there_is_not_enough_memory(tmp_path, capsys):
    words = ["--method", "mappo", "--critic-sizes", "1000000", "1000000", "--steps", "512"]
    assert main(["train", "--out", str(tmp_path / "run"), "--env", ENV, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "maca-edu: there is not enough memory for 4,000,000,000,000 bytes more"
    assert not (tmp_path / "run").exists()


XOR = "--env toy/xor --method mappo --processes 1"
TOO_MANY = {
    "agents": (
        "train --env toy/ring?n_agents=1000000 --method mappo --steps 512",
        "n_agents=1000000; allowed is an integer from 3 to 100",
    ),
    "agents of a sweep": (
        "sweep --envs toy/ring?n_agents=1000000 --methods mappo --steps 512",
        "n_agents=1000000; allowed is an integer from 3 to 100",
    ),
    "environments": (  # terabytes
        f"train {XOR} --batch 1000000000000 --rollout 8 --steps 8000000000000",
        "there is not enough memory: ",
    ),
    "seeds": (
        "sweep --envs toy/xor --methods mappo --steps 512 --seeds 100000000",
        "this sweep asks for 100,000,000 runs; allowed in one sweep are at most 10,000",
    ),
    "seeds of a plan": (
        "sweep toys --seeds 100000000",
        "this sweep asks for 10,000,000,000 runs; allowed in one sweep are at most 10,000",
    ),
    "seeds of a dry run": (
        "sweep --envs toy/xor --methods mappo --steps 512 --seeds 100000000 --dry-run",
        "this sweep asks for 100,000,000 runs; allowed in one sweep are at most 10,000",
    ),
    "first seed": (
        f"sweep --envs toy/xor --methods mappo --steps 512 --seeds 1 --first-seed {10**260}",
        "first_seed + seeds - 1=1000",
    ),
}


@pytest.mark.parametrize(("line", "said"), TOO_MANY.values(), ids=TOO_MANY.keys())
def test_more_than_fits_is_one_sentence_and_nothing_is_written(tmp_path, capsys, line, said):
    assert main([*line.split(), "--out", str(tmp_path / "run")]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"maca-edu: {said}")
    assert not (tmp_path / "run").exists()
