"""The README's session and commands do what it says, and its links lead somewhere.

`python tests/trust/fresh_install.py` runs the commands as they stand, on what is installed anew.
"""

import doctest
import re
import shlex
from pathlib import Path

from maca_edu.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_the_session_in_the_readme():
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0


COMMANDS = re.findall(r"^    \.venv/bin/maca-edu ([^#\n]+?) *(?:#.*)?$", README.read_text(), re.MULTILINE)
MINUTES = ("bench", "credit-bench", "train --env smax/2s3z")  # take minutes; their own tests run them in small


def test_commands_of_the_readme(tmp_path, monkeypatch, capsys):
    """In order, in a folder of their own, with shorter trainings."""
    monkeypatch.chdir(tmp_path)
    for name in ("book", "maca_edu"):
        Path(name).symlink_to(ROOT / name)
    assert len(COMMANDS) > 10
    for line in COMMANDS:
        words = shlex.split(re.sub(r"--steps \d+", "--steps 512 --batch 16", line))
        if line.startswith(MINUTES):
            continue
        assert main(words) == 0, (line, capsys.readouterr().err)
    assert Path("runs/first/film.gif").exists()
    assert Path("f.png").exists()


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    assert len(links) > 6
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_targets_named_in_the_readme_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", README.read_text()))
    assert named >= {"lab", "test", "book"}
    assert named <= targets
