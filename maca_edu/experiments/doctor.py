"""What is installed, what is missing, and how to get it: the lines that `maca-edu doctor` prints.

A line begins with "ok", "missing" or "wrong"; one that is not ok says what to do.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import NamedTuple

from maca_edu.envs import starcraft as games
from maca_edu.envs.starcraft_configs import MAPS, SCENARIOS, map_file
from maca_edu.installing import install_command, python_command


class Part(NamedTuple):
    """A part of the course, the packages that it needs, and what installs them."""

    name: str
    packages: tuple[str, ...]
    extra: str | None  # the extra of this project that has them


PARTS = (
    Part("the course and the toy games", ("numpy", "torch", "cma", "pettingzoo", "jupyterlab"), None),
    Part("SMAX and MPE on JaxMARL", ("jax", "jaxmarl"), "jax"),
    Part("films as .mp4", ("imageio-ffmpeg",), "film"),
    Part("SMAC and SMACv2", ("smacv2", "pysc2"), "starcraft"),
    Part("sweeps on a cluster", ("ray",), "cluster"),
    Part("the explorers as one page", ("voila",), "app"),
)
# What SMAC and SMACv2 need, with protobuf: packages, and the modules that they install.
STARCRAFT_MODULES = {"smacv2": "smacv2", "pysc2": "pysc2", "s2clientprotocol": "s2clientprotocol"}
GET_GAME = "unpack Blizzard's Linux package 4.10 there, or set SC2PATH to where it is"
MAPS_FROM = "https://github.com/oxwhirl/smacv2/releases/download/maps/SMAC_Maps.zip"
GUIDE = 'the page "Running on StarCraft II", book/guides/starcraft.md, goes through it step by step'
FIRST_RUN = (
    "maca-edu train --env smacv2/terran_5_vs_5 --method mappo --batch 2 --rollout 64 --steps 256 --out runs/first"
)


def report() -> list[str]:
    """Lines about Python, the packages of every part of the course, and the game StarCraft II."""
    lines = [f"ok       Python {platform.python_version()}, {os.cpu_count()} processors"]
    for part in PARTS:
        found = {package: installed(package) for package in part.packages}
        missing = [package for package, number in found.items() if number is None]
        if missing:
            lines.append(f"missing  {part.name}: no {', '.join(missing)}; get it with: {install_command(part.extra)}")
        else:
            versions = ", ".join(f"{package} {number}" for package, number in found.items())
            lines.append(f"ok       {part.name}: {versions}")
    folder, more = games.game_folder(), "more: maca-edu doctor starcraft"
    if folder.is_dir():
        lines.append(f"ok       StarCraft II in {folder}; {more}")
    else:
        lines.append(f"missing  StarCraft II in {folder}; {GET_GAME}; {more}")
    return lines


def starcraft() -> list[str]:
    """Lines about everything that SMAC and SMACv2 need; the last says how many faults there are, or what to try."""
    lines = [*_packages(), _protobuf(), *_import(), _game(), _maps()]
    faults = sum(not line.startswith("ok") for line in lines)
    if faults:
        return [*lines, f"{faults} to mend, in this order; {GUIDE}"]
    return [*lines, f"All is there. A first run: {FIRST_RUN}"]


def _packages() -> list[str]:
    """A line for each package but protobuf. A copy of its source on Python's path will do: it has no version."""
    lines = []
    for package, module in STARCRAFT_MODULES.items():
        number = installed(package)
        if number is not None:
            lines.append(f"ok       {package} {number}")
        elif find_spec(module) is not None:
            lines.append(f"ok       {package} (a copy without a version)")
        else:
            other = package == "smacv2" and installed("smac") is not None
            note = "; the package named smac is something else" if other else ""
            lines.append(f"missing  the package {package}{note}; get it with: {install_command('starcraft')}")
    return lines


def _protobuf() -> str:
    """Whether the installed protobuf can read the game's messages."""
    number = installed("protobuf")
    if number is None:
        return f"missing  the package protobuf; get it with: {install_command('starcraft')}"
    in_python = os.environ.get("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION") == "python"
    if numbers(number) >= (3, 21) and not in_python:
        return (
            f"wrong    protobuf {number}: the game's messages were made for versions below 3.21; "
            f"{python_command()} -m pip install protobuf==3.20.3, "
            "or set PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python, which is slower"
        )
    return f"ok       protobuf {number}"


def _import() -> list[str]:
    """Whether smacv2 can be imported, tried in a process of its own; no line where it is not installed."""
    if find_spec("smacv2") is None:
        return []
    command = [sys.executable, "-W", "ignore", "-c", "import smacv2.env"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return [f"wrong    smacv2 could not be imported in two minutes; try: {python_command()} -c 'import smacv2.env'"]
    if done.returncode == 0:
        return ["ok       smacv2 can be imported"]
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return [f"wrong    smacv2 cannot be imported: {last}; install what it names, with: {install_command('starcraft')}"]


def _game() -> str:
    """Whether the game is there: its folder, and the program of the newest version in it."""
    folder = games.game_folder()
    told = "SC2PATH" if os.environ.get("SC2PATH") else "SC2PATH is not set"
    if not folder.is_dir():
        return f"missing  StarCraft II in {folder} ({told}); {GET_GAME}"
    versions = sorted((folder / "Versions").glob("Base*"), key=lambda base: numbers(base.name))
    if not versions:
        return f"missing  {folder / 'Versions'} holds no version of the game ({told}); {GET_GAME}"
    newest = versions[-1]
    program = newest / "SC2_x64"
    if not program.is_file():
        return f"missing  {program}, the game's program on Linux; {GET_GAME}"
    if not os.access(program, os.X_OK):
        return f"wrong    {program} may not be run; chmod +x {program}"
    if newest.name == "Base75689":
        return f"ok       StarCraft II in {folder} ({told}), {newest.name} (4.10.0)"
    note = "SMACv2's published results were made with 4.10.0, Base75689"
    return f"ok       StarCraft II in {folder} ({told}), {newest.name}; {note}"


def _maps() -> str:
    """Whether the maps of SMAC and SMACv2 are in the game's folder."""
    folder = games.game_folder() / "Maps" / "SMAC_Maps"
    wanted = sorted({map_file(task) for task in (*MAPS, *SCENARIOS)})
    missing = [name for name in wanted if not (folder / name).is_file()]
    if not missing:
        return f"ok       {len(wanted)} maps in {folder}"
    few = ", ".join(missing[:3])
    if len(missing) > 3:
        few += f" and {len(missing) - 3} more"
    return f"missing  {few} in {folder}; put there the .SC2Map files of {MAPS_FROM}"


def installed(package: str) -> str | None:
    """The version of an installed package, None where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def numbers(text: str) -> tuple[int, ...]:
    """The whole numbers in a version: "3.20.3" -> (3, 20, 3)."""
    return tuple(int(part) for part in re.findall(r"\d+", text))
