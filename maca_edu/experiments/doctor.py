"""What is installed, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from maca_edu.envs import starcraft as games
from maca_edu.envs.starcraft_configs import MAPS, SCENARIOS, map_file

SMACV2 = "pip install -c constraints.txt -e '.[starcraft]'"
PARTS = {
    "the course and the toy games": (("numpy", "torch", "cma", "pettingzoo", "jupyterlab"), "make lab"),
    "SMAX and MPE on JaxMARL": (("jax", "jaxmarl"), "pip install -c constraints.txt -e '.[jax]'"),
    "SMAC and SMACv2": (("smacv2", "pysc2"), SMACV2),
    "sweeps on a cluster": (("ray",), "pip install -c constraints.txt -e '.[cluster]'"),
}
MODULES = {"smacv2": "smacv2", "pysc2": "pysc2", "s2clientprotocol": "s2clientprotocol", "protobuf": "google.protobuf"}
GAME = "unpack Blizzard's Linux package 4.10 there, or set SC2PATH to where it is"
MAPS_FROM = "https://github.com/oxwhirl/smacv2/releases/download/maps/SMAC_Maps.zip"
GUIDE = 'the page "Running on StarCraft II", book/guides/starcraft.md, goes through it step by step'
FIRST_RUN = (
    "maca-edu train --env smacv2/terran_5_vs_5 --method mappo --batch 2 --rollout 64 --steps 256 --out runs/first"
)


def report() -> list[str]:
    """Lines about Python, every group of packages, and the StarCraft II game."""
    lines = [f"ok       Python {platform.python_version()}, {os.cpu_count()} processors"]
    for part, (packages, remedy) in PARTS.items():
        found = {name: installed(name) for name in packages}
        missing = [name for name, number in found.items() if number is None]
        words = ", ".join(f"{name} {number}" for name, number in found.items() if number)
        status = (
            f"missing  {part}: no {', '.join(missing)}; get it with: {remedy}"
            if missing
            else f"ok       {part}: {words}"
        )
        lines.append(status)
    game = games.game_folder()
    here = game.is_dir()
    advice = "; more: maca-edu doctor starcraft" if here else f"; {GAME}; more: maca-edu doctor starcraft"
    return [*lines, f"{'ok     ' if here else 'missing'}  StarCraft II in {game}{advice}"]


def starcraft() -> list[str]:
    """Lines about everything that SMAC and SMACv2 need, each with what to do where it is not as it should be."""
    lines = [*_packages(), *_import(), *_game(), *_maps()]
    faults = sum(not line.startswith("ok") for line in lines)
    if faults:
        return [*lines, f"{faults} to mend, from the top; {GUIDE}"]
    return [*lines, f"All is there. A first run: {FIRST_RUN}"]


def _packages() -> list[str]:
    """The packages and their versions."""
    lines = []
    for name, module in MODULES.items():
        number = installed(name)
        if number is None and (name == "protobuf" or find_spec(module) is None):
            other = "; the package named smac is something else" if name == "smacv2" and installed("smac") else ""
            lines.append(f"missing  the package {name}{other}; get it with: {SMACV2}")
        else:
            lines.append(f"ok       {name} {number or '(a copy without a version)'}")
    number = installed("protobuf")
    slow = os.environ.get("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION") == "python"
    if number is not None and numbers(number) >= (3, 21) and not slow:
        lines[-1] = (
            f"wrong    protobuf {number}: the game's messages were made for versions below 3.21; "
            "pip install protobuf==3.20.3, or set PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python, which is slower"
        )
    return lines


def _import() -> list[str]:
    """Whether the package can be imported, tried in a process of its own."""
    if find_spec("smacv2") is None:
        return []
    command = [sys.executable, "-W", "ignore", "-c", "import smacv2.env"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return ["wrong    smacv2 could not be imported in two minutes; try: python -c 'import smacv2.env'"]
    if done.returncode == 0:
        return ["ok       smacv2 can be imported"]
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return [f"wrong    smacv2 cannot be imported: {last}; install what it names, with: {SMACV2}"]


def _game() -> list[str]:
    """The folder of the game and the newest version in it."""
    folder = games.game_folder()
    told = "SC2PATH" if os.environ.get("SC2PATH") else "SC2PATH is not set"
    if not folder.is_dir():
        return [f"missing  StarCraft II in {folder} ({told}); {GAME}"]
    bases = sorted((folder / "Versions").glob("Base*"), key=lambda base: numbers(base.name))
    if not bases:
        return [f"missing  {folder / 'Versions'} holds no version of the game ({told}); {GAME}"]
    program = bases[-1] / "SC2_x64"
    if not program.is_file():
        return [f"missing  {program}, the game's program on Linux; {GAME}"]
    if not os.access(program, os.X_OK):
        return [f"wrong    {program} may not be run; chmod +x {program}"]
    known = (
        " (4.10.0)"
        if bases[-1].name == "Base75689"
        else "; SMACv2's published results were made with 4.10.0, Base75689"
    )
    return [f"ok       StarCraft II in {folder} ({told}), {bases[-1].name}{known}"]


def _maps() -> list[str]:
    """The maps of SMAC and SMACv2."""
    folder = games.game_folder() / "Maps" / "SMAC_Maps"
    wanted = sorted({map_file(task) for task in (*MAPS, *SCENARIOS)})
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        few = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        return [f"missing  {few} in {folder}; put there the .SC2Map files of {MAPS_FROM}"]
    return [f"ok       {len(wanted)} maps in {folder}"]


def installed(package: str) -> str | None:
    """The version of an installed package, None where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def numbers(text: str) -> tuple[int, ...]:
    """The whole numbers in a version: "3.20.3" -> (3, 20, 3)."""
    return tuple(int(part) for part in re.findall(r"\d+", text))
