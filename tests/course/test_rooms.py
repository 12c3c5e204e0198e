"""What the page about rooms and machines says of this project is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book" / "teaching" / "rooms.md").read_text(encoding="utf-8")
ONLY_UNIX = """
import importlib, re, sys
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None  # importing one of them fails, as it does on Windows
for source in sys.argv[1:]:
    for module in re.findall(r"^from (maca_edu[\\w.]*|toy_envs[\\w.]*) import", open(source).read(), re.MULTILINE):
        importlib.import_module(module)
"""


def imports(*labs: Path) -> subprocess.CompletedProcess:
    """Import what labs import, with the modules hidden that only Unix has."""
    paths = {"PYTHONPATH": ":".join(path for path in sys.path if path), "MPLBACKEND": "agg"}
    words = [sys.executable, "-c", ONLY_UNIX, *map(str, labs)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=paths, check=False)


def test_part_one_asks_for_nothing_that_only_unix_has():
    labs = sorted((ROOT / "notebooks" / "src").glob("0[0-6]*_*.md"))
    assert len(labs) == 8  # six chapters, the start page and the self-test
    done = imports(*labs)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["course/my_labs", "training/trainer", "experiments/sweep", "course/grade"])
def test_what_writes_files_does(name, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"from maca_edu.{name.replace('/', '.')} import *\n")
    done = imports(script)
    assert done.returncode != 0
    assert "import of fcntl halted" in done.stderr


@pytest.mark.parametrize("command", re.findall(r"-m (maca_edu[\w.]+)", PAGE))
def test_the_modules_that_it_runs_are_there(command):
    assert (ROOT / f"{command.replace('.', '/')}.py").exists()


def test_binder_has_the_python_of_the_course_and_a_post_build_that_can_run():
    ours, theirs = (yaml.safe_load((ROOT / name).read_text()) for name in ("environment.yml", "binder/environment.yml"))
    assert theirs["dependencies"] == [ours["dependencies"][0], "pip"]
    script = ROOT / "binder" / "postBuild"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "--constraint constraints.txt" in script.read_text()


def test_what_was_not_run_says_so():
    sections = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    said = {title for title, text in zip(sections[::2], sections[1::2], strict=True) if "*Not run here.*" in text}
    assert said == {"Windows", "A room of laptops", "JupyterHub", "Binder", "Colab"}
