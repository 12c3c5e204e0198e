"""The quick part of `make trust`: every kind of fault once, and proof that a fault would be found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def program(*words, sabotage=""):
    """How tests/trust/trust.py ends in a process of its own, after an act of sabotage in that process."""
    start = f"import sys; sys.path.insert(0, {str(HERE)!r}); import trust\n{sabotage}\nsys.exit(trust.main())"
    return subprocess.run([sys.executable, "-c", start, *words], capture_output=True, text=True, cwd=ROOT, check=False)


def test_every_kind_is_survived_once():
    done = program("--tries", "1", "--seed", "3", "--minutes", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^(\S.*?) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    assert len(rows) > 10
    assert all((tried, survived) == ("1", "1") for kind, tried, survived in rows if kind != "all")


# Files that are not written whole; runs that do not go on; refusals that are no ValueError.
TORN = """
import contextlib, pathlib
from maca_edu.training import checkpoint
@contextlib.contextmanager
def in_place(path):
    pathlib.Path(path).write_bytes(b"half")
    yield pathlib.Path(path)
checkpoint.whole_file = in_place
"""
LOST = """
from maca_edu.training.trainer import Trainer
Trainer.restore = lambda self, state: None
"""
RUDE = """
import maca_edu.exact
def rude(q, policy):
    raise KeyError("no such thing")
for name in ("value", "credit_spectrum", "level_shares"):
    setattr(maca_edu.exact, name, rude)
"""


@pytest.mark.parametrize(
    ("sabotage", "kind", "word"),
    [
        (TORN, "kill at a checkpoint", "cannot be loaded"),
        (LOST, "kill at metrics", "metrics.csv"),
        (RUDE, "call", "no such thing"),
    ],
)
def test_what_is_lost_or_torn_or_rude_is_found(sabotage, kind, word):
    done = program("--only", kind, "--tries", "6", "--seed", "0", sabotage=sabotage)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"NOT SURVIVED: {kind}" in done.stdout
    assert word in done.stdout


def test_an_attempt_is_repeated_by_its_number():
    first = program("--only", "call", "--seed", "11", "--tries", "3", sabotage=RUDE).stdout
    fault, number = re.findall(r"^(NOT SURVIVED: .*)\n.*--attempt (\d+)$", first, re.MULTILINE)[-1]
    again = program("--only", "call", "--seed", "11", "--attempt", number, sabotage=RUDE).stdout
    assert re.findall(r"^NOT SURVIVED: .*$", again, re.MULTILINE) == [fault]
