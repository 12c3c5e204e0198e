"""`make lint` finds misspellings, and its list of exceptions holds no word that is not needed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXCEPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["codespell"]["ignore-words-list"]
SPELLED = re.search(r"^SPELLED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


def codespell(*arguments):
    """codespell with this project's settings."""
    command = [sys.executable, "-m", "codespell_lib", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_misspelling_is_found(tmp_path):
    text = tmp_path / "chapter.md"
    text.write_text("The advan" + "atge is the same.\n")  # in two parts: this file is read, too
    assert codespell(text).returncode != 0
    text.write_text("The critic is the same in every colour.\n")
    assert codespell(text).returncode == 0


def test_texts_labs_and_code_are_read():
    assert {"book", "notebooks/src", "maca_edu", "toy_envs", "tests", "README.md"} <= set(SPELLED)
    assert [path for path in SPELLED if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("word", EXCEPTIONS)
def test_every_exception_is_needed(word, tmp_path):
    (tmp_path / "word.md").write_text(word)
    assert codespell(tmp_path / "word.md").returncode == 0
    files = [ROOT / path for path in SPELLED if (ROOT / path).is_file()]
    files += [file for path in SPELLED for kind in ("md", "py", "bib") for file in (ROOT / path).rglob(f"*.{kind}")]
    used = re.compile(rf"(?<![a-z]){word}(?![a-z])", re.IGNORECASE)
    own = Path(__file__)
    assert any(used.search(file.read_text(encoding="utf-8")) for file in files if file != own), f"no text says {word}"
