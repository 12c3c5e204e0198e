"""A run with a damaged file is used as if nothing had happened, or refused in one sentence that names the file.

Damage is chance's: bytes changed, added or cut off, a folder or a link in the file's place, another file's content.
"""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import maca_edu
from maca_edu.cli import sentence
from maca_edu.experiments.budget import budget
from maca_edu.experiments.credit_files import write_credit
from maca_edu.experiments.local_engine import LocalEngine
from maca_edu.experiments.sweep import Job, run_folder, sweep
from maca_edu.experiments.watch import watch
from maca_edu.training.config import Config

JOB = Job("toy/xor", "mappo", 0, 32, 4, Config(rollout=4, actor_sizes=(4,), critic_sizes=(4,)))
FILES = ("config.json", "metrics.csv", "state.npz")
MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished sweep of one run."""
    out = tmp_path_factory.mktemp("sweep")
    sweep(out, [JOB], "a command", LocalEngine(out, 1))
    return out


def resume(run: Path):
    return maca_edu.train(JOB.env, JOB.method, 48, 0, run, batch=4, config=JOB.config, resume=True)


USES = {
    "load": maca_edu.load,
    "evaluate": lambda run: maca_edu.evaluate(run, 2),
    "watch": lambda run: watch(run, run.parent / "film.gif"),
    "resume": resume,
    "credit": lambda run: write_credit(run, run.parent / "credit", copies=2),
    "budget": lambda run: budget(run, moments=3, copies=4),
}


def damage(path: Path, how: str, where: float, byte: int) -> None:
    """Damage a file; where: at which part of it, from 0 to 1."""
    content = bytearray(path.read_bytes())
    at = int(where * (len(content) - 1))
    if how == "flip":
        content[at] ^= byte or 1
    elif how == "cut":
        del content[at:]
    elif how == "insert":
        content.insert(at, byte)
    elif how == "zeros":
        content[at : at + 64] = bytes(64)
    elif how == "twice":
        content = 2 * content
    elif how == "other":
        content = bytearray((path.parent / FILES[byte % 3]).read_bytes())
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how == "link":
        os.symlink(path.parent / "nowhere", path)
    elif how == "link to itself":
        os.symlink(path, path)
    elif how != "gone":
        path.write_bytes(content)


HOW = st.sampled_from(
    ("flip", "flip", "flip", "cut", "insert", "zeros", "twice", "other", "folder", "link", "link to itself", "gone")
)


def refusal(use) -> str | None:
    """Why something damaged is refused; None where it works."""
    try:
        use()
    except (ValueError, RuntimeError, OSError) as error:
        return sentence(error) if isinstance(error, OSError) else str(error)
    return None


def assert_is_one_sentence(said: str | None, path: Path) -> None:
    """What is refused is refused in one line that names the path."""
    assert said is None or (str(path) in said and "\n" not in said), said


@MANY
@given(
    use=st.sampled_from(sorted(USES)),
    file=st.sampled_from(FILES),
    how=HOW,
    where=st.floats(0, 1),
    byte=st.integers(0, 255),
)
def test_a_damaged_run_is_used_or_refused(finished, tmp_path, use, file, how, where, byte):
    run = tmp_path / "run"
    shutil.rmtree(tmp_path, ignore_errors=True)
    shutil.copytree(run_folder(finished, JOB), run)
    damage(run / file, how, where, byte)
    assert_is_one_sentence(refusal(lambda: USES[use](run)), run)


@settings(MANY, max_examples=60)
@given(file=st.sampled_from((*FILES, "final.json")), how=HOW, where=st.floats(0, 1), byte=st.integers(0, 255))
@example(file="metrics.csv", how="flip", where=0.015625, byte=0)  # a letter of the column env_steps
def test_a_damaged_run_of_a_sweep_is_gathered_or_refused(finished, tmp_path, file, how, where, byte):
    out = tmp_path / "sweep"
    shutil.rmtree(tmp_path, ignore_errors=True)
    shutil.copytree(finished, out)
    damage(run_folder(out, JOB) / file, how, where, byte)
    assert_is_one_sentence(refusal(lambda: sweep(out, [JOB], "a command", LocalEngine(out, 1))), out)


def test_what_is_whole_is_used(finished, tmp_path):
    for name, use in USES.items():
        shutil.copytree(run_folder(finished, JOB), tmp_path / name / "run")
        use(tmp_path / name / "run")
