"""The guide "Your own game": every file and every command on it, in order, in an empty folder."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from maca_edu.cli import main

GUIDE = Path(__file__).parents[2] / "book" / "guides" / "your_own_game.md"


def in_order(text):
    """The guide's files, outputs and commands: ("python", code), ("text", output), ("command", words)."""
    pattern = re.compile(r"^```(python|text)\n(.*?)\n```$|^    (maca-edu [^\n]*)$", re.MULTILINE | re.DOTALL)
    return [(kind, inside) if kind else ("command", line) for kind, inside, line in pattern.findall(text)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder in which the user stands; modules imported from it are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def test_the_guide_from_an_empty_file_to_a_film(folder, capsys):
    printed, codes = "", []
    for kind, inside in in_order(GUIDE.read_text()):
        if kind == "text":
            assert inside in printed
            continue
        capsys.readouterr()
        if kind == "python":
            file = folder / re.match(r"# (\w+\.py)\n", inside).group(1)
            file.write_text(inside + "\n")
            runpy.run_path(str(file))
        else:
            codes.append(main(shlex.split(inside)[1:]))
        printed = "".join(capsys.readouterr())
        if kind == "command" and " evaluate " in inside:
            assert float(re.search(r"return_mean +([-.0-9]+)", printed).group(1)) > (4.9 if "piano" in inside else 0.9)
    assert codes == [0] * (len(codes) - 1) + [2]  # the last shows what a wrong game is told
    assert {film.name for film in folder.glob("*.gif")} == {"piano.gif", "garden.gif", "my_game.gif"}
