"""Advice on what to install can be typed where the user stands."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maca_edu import installing
from maca_edu.installing import CHECKOUT, install_command


def paths_of(command):
    """The constraints and the project that a command names."""
    words = shlex.split(command)
    return words[words.index("-c") + 1], words[words.index("-e") + 1].split("[")[0]


@pytest.mark.parametrize("folder", [".", "tests", "/"])
def test_the_paths_in_the_command_exist_from_every_folder(folder, monkeypatch):
    monkeypatch.chdir(CHECKOUT / folder)
    constraints, project = paths_of(install_command("jax"))
    assert Path(constraints).samefile(CHECKOUT / "constraints.txt")
    assert Path(project).samefile(CHECKOUT)
    assert install_command("jax").endswith("[jax]'")
    assert not install_command().endswith("]'")


def test_the_python_it_names_is_the_one_that_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    python = shlex.split(install_command())[0]
    assert python == "python"  # the environment is activated
    monkeypatch.setenv("PATH", "/nowhere")
    python = shlex.split(install_command())[0]
    prefix = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert prefix.stdout.strip() == sys.prefix


def test_a_copy_without_its_checkout_names_the_packages(monkeypatch, tmp_path):
    """What is installed from a wheel has no constraints.txt and need not be on an index."""
    monkeypatch.setattr(installing, "CHECKOUT", tmp_path)
    words = shlex.split(install_command("jax"))
    assert {"jax", "jaxmarl", "flax"} <= set(words)
    assert "torch" not in words
    assert "torch" in shlex.split(install_command())


def test_the_installer_quotes_pip_where_it_fails(tmp_path):
    command = [sys.executable, str(CHECKOUT / "install.py"), "nothing", "./no_such_folder"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode != 0
    assert f"Installing nothing into {Path(sys.prefix).name}: failed" in done.stdout
    assert "no_such_folder" in done.stderr


@pytest.mark.parametrize("words", [[], ["PYTHON=./python3.11"], ["PYTHON=./python3.13"]], ids=" ".join)
def test_make_does_not_take_one_python_for_another(tmp_path, words):
    shutil.copy(CHECKOUT / "Makefile", tmp_path)
    for place, version in ((".venv/bin/python", "3.11.7"), ("python3.11", "3.11.7"), ("python3.13", "3.13.0")):
        python = tmp_path / place
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f"#!/bin/sh\necho Python {version}\n")
        python.chmod(0o755)
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VENV", "PYTHON")  # of the make that runs this test
    alone = {name: value for name, value in os.environ.items() if name not in outer}
    done = subprocess.run(["make", "same-python", *words], cwd=tmp_path, env=alone, capture_output=True, text=True)
    if words == ["PYTHON=./python3.13"]:
        assert done.returncode == 2
        assert ".venv holds Python 3.11.7, and ./python3.13 is Python 3.13.0." in done.stdout
        assert "Keep both: make same-python PYTHON=./python3.13 VENV=.venv-new" in done.stdout
    else:
        assert (done.returncode, done.stdout) == (0, "")
