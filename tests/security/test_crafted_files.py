"""Runs and tables made to do harm: nothing runs, nothing is imported, no memory is taken, no file appears.

Pickles are in tests/training/test_checkpoint.py, modules that a run names in tests/experiments/test_trust.py, and what
chance does to files in tests/experiments/test_damaged_files.py.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import maca_edu
from maca_edu.cli import main
from maca_edu.training import checkpoint
from maca_edu.training.config import Config

CONFIG = Config(rollout=4, actor_sizes=(4,), critic_sizes=(4,), diagnose_every=0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run as it should be."""
    out = tmp_path_factory.mktemp("whole") / "run"
    maca_edu.train("toy/xor", "mappo", 16, batch=2, config=CONFIG, out=out, processes=1)
    return out


@pytest.fixture
def run(whole, tmp_path):
    """A copy of it that may be spoiled."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def npy(header: str) -> bytes:
    """The first bytes of a .npy file that says this of itself."""
    text = header.encode() + b" " * (-len(header) % 16) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def archive(path: Path, members: dict[str, bytes], packed: bool = False) -> None:
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in members.items():
            file.writestr(name, content)


def plain(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


TREE = plain(np.frombuffer(b'{"tensor": "x"}', dtype=np.uint8))


def bomb(path):
    """Half a gigabyte of zeros in half a megabyte: it would unpack and unpack."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w", force_zip64=True) as member:
        for _ in range(16):
            member.write(bytes(2**25))


def huge_shape(path):
    """A header that says 10^18 numbers, and none of them there."""
    archive(path, {"tree.npy": TREE, "x.npy": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10**18,), }")})


def plain_huge_shape(path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 8), }"
    archive(path, {"tree.npy": TREE, "x.npy": npy(header)})


def huge_member(path):
    """The archive's own list says that a member has more bytes than the file."""
    archive(path, {"tree.npy": TREE, "x.npy": plain(np.zeros(2))})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = (2**31).to_bytes(4, "little")
    path.write_bytes(content)


def climbs_out(path):
    """Members whose names lead out of the folder, for whoever unpacks them to disk."""
    archive(path, {"tree.npy": TREE, "../../escaped.npy": plain(np.zeros(2)), "/tmp/escaped.npy": plain(np.zeros(2))})


def code_in_a_header(path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': __import__('os').mkdir('executed'), }"
    archive(path, {"tree.npy": TREE, "x.npy": npy(header)})


def deep_tree(path):
    archive(path, {"tree.npy": plain(np.frombuffer(b'{"list": [' * 100_000, dtype=np.uint8))})


CRAFTED = (bomb, huge_shape, plain_huge_shape, huge_member, climbs_out, code_in_a_header, deep_tree)


@pytest.mark.parametrize("craft", CRAFTED)
def test_a_crafted_checkpoint_is_refused(run, craft, monkeypatch):
    monkeypatch.chdir(run.parent)
    craft(run / "state.npz")
    before = sorted(run.parent.rglob("*"))
    with pytest.raises(ValueError, match=r"state\.npz"):
        maca_edu.load(run)
    assert sorted(run.parent.rglob("*")) == before


HUNGRY = """
import resource, sys
from maca_edu.training import checkpoint
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    checkpoint.load(sys.argv[1])
except ValueError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("craft", [bomb, huge_member, plain_huge_shape])
def test_refusing_takes_no_memory(tmp_path, craft):
    craft(tmp_path / "state.npz")
    command = [sys.executable, "-c", HUNGRY, str(tmp_path / "state.npz")]
    kilobytes = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert kilobytes < 100_000


@pytest.mark.parametrize("name", ["state.npz", "config.json", "metrics.csv"])
def test_a_link_in_a_run_is_not_followed(run, tmp_path, name):
    mine = tmp_path / "mine"
    shutil.copy(run / name, mine)
    (run / name).unlink()
    (run / name).symlink_to(mine)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        maca_edu.train("toy/xor", "mappo", 32, 0, run, batch=2, config=CONFIG, resume=True)


@pytest.mark.parametrize("field", ["env", "method"])
@pytest.mark.parametrize(
    "value", ["os.system", "antigravity", "pettingzoo/antigravity", "__main__", "../x", "a" * 10**6]
)
def test_no_setting_of_a_run_imports_anything(run, field, value, capsys):
    settings = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(settings | {field: value}))
    known = set(sys.modules)
    assert main(["evaluate", str(run)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert len(said) < 2_000
    assert "antigravity" not in set(sys.modules) - known


@pytest.mark.parametrize(
    "row", ["=1+1", "@SUM(A1)", "__import__('os').mkdir('executed')", "\x00", "1e999", "nan", "9" * 10**6]
)
def test_a_crafted_table_is_read_as_numbers_or_refused(tmp_path, row, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = Path(__file__).parents[2] / "book" / "data" / "table2" / "smacv2_5_units"
    results = Path(shutil.copytree(data, tmp_path / "results"))
    lines = (results / "final.csv").read_text().splitlines()
    cells = lines[-1].split(",")
    (results / "final.csv").write_text("\n".join([*lines[:-1], ",".join([*cells[:-1], row])]) + "\n")
    assert main(["table", "2", "results"]) in (0, 2)
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results"]


@pytest.mark.parametrize("line", ["9" * 10**6, "toy/xor,mappo,0," + "9" * 5_000 + ",", '"', "\x00,,,,"])
def test_a_crafted_plan_is_refused(tmp_path, line, capsys):
    (tmp_path / "plan.csv").write_text(f"env,arm,seed,steps,options\n{line}\n")
    assert main(["sweep", str(tmp_path / "plan.csv"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "plan.csv" in said
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_a_pipe_pretends_to_be_does_not_wait(run):
    (run / "state.npz").unlink()
    os.mkfifo(run / "state.npz")
    with pytest.raises(ValueError, match=r"state\.npz"):
        checkpoint.load(run / "state.npz")
