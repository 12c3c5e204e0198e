"""What is installed, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PARTS = {
    "the course and the toy games": (("numpy", "torch", "cma", "pettingzoo", "jupyterlab"), "make lab"),
    "SMAX and MPE on JaxMARL": (("jax", "jaxmarl"), "pip install -c constraints.txt -e '.[jax]'"),
    "SMAC and SMACv2": (("smacv2", "pysc2"), "pip install -c constraints.txt -e '.[starcraft]'"),
    "sweeps on a cluster": (("ray",), "pip install -c constraints.txt -e '.[cluster]'"),
}


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
    game = Path(os.environ.get("SC2PATH", Path.home() / "StarCraftII"))
    here = game.is_dir()
    advice = "" if here else "; unpack Blizzard's Linux package (4.10) there or set SC2PATH"
    return [*lines, f"{'ok     ' if here else 'missing'}  StarCraft II in {game}{advice}"]


def installed(package: str) -> str | None:
    """The version of an installed package, None where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
