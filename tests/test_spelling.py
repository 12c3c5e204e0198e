"""`make lint` finds misspellings, and its list of exceptions holds no word that is not needed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXCEPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["codespell"]["ignore-words-list"]
SPELLED = re.search(r"^SPELLED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


def codespell(*arguments, cwd=ROOT):
    """codespell with the settings of the folder: this project's, or none."""
    command = [sys.executable, "-m", "codespell_lib", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_a_misspelling_is_found(tmp_path):
    text = tmp_path / "chapter.md"
    text.write_text("The advan" + "atge is the same.\n")  # in two parts: this file is read, too
    assert codespell(text).returncode != 0
    text.write_text("The critic is the same in every colour.\n")
    assert codespell(text).returncode == 0


def test_texts_labs_and_code_are_read():
    assert {"book", "notebooks/src", "maca_edu", "toy_envs", "tests", "README.md"} <= set(SPELLED)
    assert [path for path in SPELLED if not (ROOT / path).exists()] == []


def test_every_exception_is_needed(tmp_path):
    """Without the list codespell stumbles over each of its words, and a text has it."""
    (tmp_path / "words.md").write_text("\n".join(EXCEPTIONS))
    assert codespell(tmp_path / "words.md").returncode == 0
    assert len(codespell(tmp_path / "words.md", cwd=tmp_path).stdout.splitlines()) == len(EXCEPTIONS)
    files = [file for path in SPELLED for file in [ROOT / path, *(ROOT / path).rglob("*.*")]]
    texts = [file.read_text("utf-8") for file in files if file.is_file() and file.suffix in (".md", ".py", ".bib")]
    found = {word.lower() for text in texts for word in re.findall(r"[A-Za-z]+", text)}
    assert [word for word in EXCEPTIONS if word.lower() not in found] == []
