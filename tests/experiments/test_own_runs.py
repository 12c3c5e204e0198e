"""Runs of a method that the library lacks are results as those of a sweep are."""

import re
import subprocess
import sys
from pathlib import Path

from maca_edu.cli import main
from maca_edu.experiments.sweep_tables import read_final
from maca_edu.training.run_directory import RunDirectory

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "book" / "guides" / "sweeps.md").read_text(encoding="utf-8")
(PROGRAM,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def run_program(folder: Path) -> subprocess.CompletedProcess:
    """The guide's program, shortened to 512 steps and two seeds."""
    (folder / "mine.py").write_text(PROGRAM.replace("8_192", "512").replace("range(3)", "range(2)"))
    return subprocess.run([sys.executable, "mine.py"], capture_output=True, text=True, cwd=folder)


def test_the_guides_program_makes_results_and_goes_on(tmp_path, capsys, monkeypatch):
    done = run_program(tmp_path)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    final = Path("runs/mine/final.csv")
    rows = read_final(final)
    assert [(row.env, row.method, row.seed) for row in rows] == [("toy/fridge", "mine", 0), ("toy/fridge", "mine", 1)]
    before = (final.read_bytes(), Path("runs/mine/0/metrics.csv").read_bytes())
    Path("runs/mine/1/final.json").unlink()  # as if it had been stopped before its last play
    assert run_program(tmp_path).returncode == 0
    assert (final.read_bytes(), Path("runs/mine/0/metrics.csv").read_bytes()) == before
    words = "sweep --envs toy/fridge --methods mappo --steps 512 --seeds 2 --processes 1 --out runs/theirs"
    assert main(words.split()) == 0
    capsys.readouterr()
    assert main(["compare", "runs/mine:mine", "runs/theirs:mappo", "--margin", ".1"]) == 0
    assert re.search(r"^ +mine .* 2 seeds", capsys.readouterr().out, re.MULTILINE)
    ours, theirs = (RunDirectory(path).settings() for path in ("runs/mine/0", "runs/theirs/toy-fridge/mappo/0"))
    assert ours | {"method": "mappo"} == theirs
