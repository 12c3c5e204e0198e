"""Advice on what to install can be typed where the user stands."""

import shlex
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
    assert "Installing nothing into .venv: failed" in done.stdout
    assert "no_such_folder" in done.stderr
