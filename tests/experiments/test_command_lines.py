"""Whatever is typed behind `maca-edu` ends with a status and a sentence, never with a traceback."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import maca_edu
from maca_edu.checks import annotations
from maca_edu.cli import main
from maca_edu.training.config import Config

LINES = 500
NUMBERS = ("x", "", "nan", "inf", "-1", "0", "1", "2", "3", "2.5", "True", "None", "1e-3", "0.5", "1j", "1e999")
COUNTS = ("-1", "0", "1", "2", "2.5", "x", "", "nan", "True")
PATHS = ("new", "new/deeper", "", "run", "file.txt", "file.txt/new", "new.gif", "new.png", "no such run")
METHODS = ("mappo", "maca", "happo", "qmix", "", "maca mappo", "3")
ENVS = (
    *("toy/fridge", "toy/ring?n_agents=3", "toy/ring?n_agents=True", "toy/ring?n_agents=2.5", "toy/ring?n_agents=nan"),
    *("toy/xor?n_agents=x", "toy/xor?", "toy/xor?n_agents", "toy/xor?n_agents=2&n_agents=3", "toy/xor?colour=red"),
    *("toy/penalty?penalty=nan", "toy/penalty?penalty=1e999", "toy/warehouse?preset=zoo", "toy/warehouse?view=1.5"),
    *("toy/warehouse?crews=[[0],[true]]", "toy/", "toy", "", "?", "atari/pong", "smac/none", "smax/none", "mpe/none"),
    *("jaxmpe/none", "pettingzoo/no_such_module", "pettingzoo/..", "pettingzoo/a.py"),
)
OPTIONS = {  # of each command, with good and bad values; {}: words without a name come first
    "train": dict(env=ENVS, method=METHODS, steps=("32", *COUNTS), seed=COUNTS, batch=("4", *COUNTS))
    | dict(preset=("toy", "fast", ""), save_every=COUNTS, processes=("1", *COUNTS), device=("cpu", "tpu", ""))
    | {name: NUMBERS for name in annotations(Config)},
    "evaluate": dict(episodes=COUNTS, seed=COUNTS, trust_env=("", "x")),
    "watch": dict(out=PATHS, episodes=("0", "-1", "x"), seed=COUNTS, trust_env=("", "x")),
    "sweep": dict(envs=("", *ENVS), methods=METHODS, seeds=("0", "-1", "x", ""), steps=COUNTS, first_seed=COUNTS)
    | dict(grid=("clip=.1", "clip", "", "=1", "clip=x"), budget=("small", "x"), address=("auto",), engine=("x",))
    | dict(processes=("0", "-1", "x"), options=("--lr -1", "--lrr", "'", "--batch 0", "--actor-sizes", "--seed 1")),
    "curves": dict(out=PATHS, column=("seed", "", "return_mean", "x"), methods=METHODS),
    "table": dict(format=("csv", "latex", "marl-eval", "html"), out=PATHS, methods=METHODS, level=NUMBERS),
    "figure": dict(out=PATHS, methods=METHODS, seed=COUNTS, step=COUNTS),
    "compare": dict(margin=NUMBERS, measure=("final", "best", "curve", "x")),
    "bench": dict(json=PATHS, plot=PATHS, peer=("", "x", "HARL=0", "HARL=nan"), rounds=("0", "-1", "x", "")),
    "credit-bench": dict(seed=("-1", "x", ""), out=PATHS),
    "envs": dict(family=("toy", "", "none")),
    "params": dict(task=("5m_vs_6m", "3m", "")),
    "class-copy": {},
    "grade": dict(out=PATHS, seconds=("0", "-1", "x", "nan", "")),
    "own-games": dict(out=PATHS, course=("", "a", "a\nb")),
    "own-grades": dict(out=PATHS, course=("", "a")),
    "methods": {},
    "app": dict(port=("0", "-1", "70000", "2.5", "x", "")),
    "doctor": {},
}
FIRST = {"evaluate": PATHS, "watch": PATHS, "curves": PATHS, "class-copy": ("run", "file.txt", ""), "grade": PATHS}
FIRST |= {"table": ("1", "2", "7", ""), "figure": ("2", "6", "profiles", "7"), "compare": ("run", "run:maca", "")}
FIRST |= {"own-games": PATHS, "own-grades": PATHS}
FIRST |= {"bench": ("worlds", "core", "all"), "doctor": ("everything", "starcraft", "all")}
NEEDED = {  # what keeps most lines valid up to the value that is tried, or from taking long
    "train": ("--out", "new", "--env", "toy/xor", "--steps", "32", "--batch", "4", "--rollout", "4"),
    "sweep": ("--out", "new", "--envs", "toy/xor", "--methods", "mappo", "--steps", "32", "--processes", "0"),
    "bench": ("--rounds", "0"),
    "app": ("--port", "0"),
    "credit-bench": ("qmix",),
    "watch": ("--out", "new.gif", "--episodes", "0"),
    "curves": ("--out", "new.png"),
}


def command_line(rng: random.Random) -> list[str]:
    """A random command with up to three random options."""
    command = rng.choice([*OPTIONS, *["train"] * 6, *["sweep"] * 2, "trane"])
    known = OPTIONS.get(command, {})
    words = [command, *NEEDED.get(command, ())]
    if rng.random() < 0.9:
        words += [rng.choice(values) for values in (FIRST.get(command),) if values]
    for name in rng.sample(sorted(known), min(len(known), rng.randint(0, 3))):
        words += [f"--{name.replace('_', '-')}", *rng.choice(known[name]).split(" ")]
    if rng.random() < 0.1:
        words.append(rng.choice(("--help", "--no-such-option", "stray", "--out", "--", "-1")))
    return words


def files_in(folder: Path) -> dict[str, int]:
    """Every file below the folder, and when it was changed."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} | {
        str(path): 0 for path in folder.rglob("*") if path.is_dir()
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a tiny run and a file."""
    monkeypatch.chdir(tmp_path)
    maca_edu.train("toy/xor", "mappo", 32, batch=4, config=Config(rollout=4), out="run")
    Path("file.txt").write_text("a word\n")
    return tmp_path


def ended(words: list[str]) -> int:
    """The exit status."""
    try:
        return main(words)
    except SystemExit as stop:  # of --help
        return stop.code


def test_every_line_ends_with_a_status_and_a_sentence(folder, capsys):
    rng, statuses = random.Random(0), []
    for _ in range(LINES):
        words, before = command_line(rng), files_in(folder)
        status = ended(words) or 0
        said = capsys.readouterr().err
        assert status in (0, 1, 2), words
        assert "Traceback" not in said, words
        if status == 0:
            for path in folder.iterdir():
                if path.name not in ("run", "file.txt"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        else:
            assert files_in(folder) == before, (words, said)
            assert said.startswith("maca-edu: "), (words, said)
            assert len(said.splitlines()) == 1, (words, said)
        statuses.append(status)
    assert min(statuses.count(0), statuses.count(2)) > LINES / 10  # the lines are neither all good nor all bad


def test_a_process_of_its_own_ends_in_the_same_way(folder):
    lines = [
        *(["train", "--out", "new", "--lr", "inf"], ["train", "--out", "new", "--env", "toy/ring?n_agents=True"]),
        *(["sweep", "--out", "new", "--envs", "--methods", "maca"], ["sweep", "--out", "", "--steps", "x"]),
        *(
            ["evaluate"],
            ["evaluate", ""],
            ["watch", "run", "--out", ""],
            ["class-copy", "run"],
            ["trane"],
            ["doctor", "x"],
        ),
    ]
    before = files_in(folder)
    paths = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    for words in lines:
        process = [sys.executable, "-m", "maca_edu", *words]
        done = subprocess.run(process, capture_output=True, text=True, check=False, env=paths, cwd=folder)
        assert done.returncode == 2, words
        assert done.stderr.startswith("maca-edu: "), words
        assert len(done.stderr.splitlines()) == 1, words
    assert files_in(folder) == before


def test_an_interruption_while_the_command_line_is_imported_is_quiet(tmp_path):
    (tmp_path / "tyro.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from maca_edu.__main__ import main; sys.exit(main())"
    ended = subprocess.run([sys.executable, "-c", start], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")
