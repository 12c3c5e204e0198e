"""Where numbers come from: the commit of this code, the processor, the versions of the packages."""

from __future__ import annotations

import contextlib
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from maca_edu.installing import CHECKOUT

PACKAGES = ("maca-edu", "torch", "numpy", "cma")
OPTIONAL = ("jax", "jaxlib", "jaxmarl")  # some games need them
CPUINFO = Path("/proc/cpuinfo")
VECTORS = {"AVX2": "avx2", "AVX-512": "avx512f"}  # instructions on which rounding depends, and their flags


def commit() -> str:
    """The commit of the checkout that this code lies in, with "+ changes" where files differ from it; or "unknown"."""
    head, changes = git("rev-parse", "HEAD"), git("status", "--porcelain", "--untracked-files=no")
    return f"{head}{' + changes' if changes else ''}" if head else "unknown"


def git(*words: str) -> str:
    """What a command of git says about the checkout; "" where there is no git or no checkout."""
    if not (CHECKOUT / "pyproject.toml").is_file():  # installed alone, perhaps inside somebody else's checkout
        return ""
    command = ["git", "-C", str(CHECKOUT), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def processor() -> str:
    """This machine's processor: its name, family and model, and which vector instructions it has.

    As in "AMD EPYC (family 25 model 1, AVX2, no AVX-512)"; where the system does not say that, what Python knows.
    """
    try:
        said = dict(re.findall(r"^([\w ]+?)\s*: (.+)$", CPUINFO.read_text().partition("\n\n")[0], re.MULTILINE))
    except OSError:  # not Linux
        said = {}
    if not {"model name", "cpu family", "model", "flags"} <= said.keys():  # not an x86 processor
        return said.get("model name") or platform.processor() or platform.machine()
    flags = said["flags"].split()
    vectors = ", ".join(name if flag in flags else f"no {name}" for name, flag in VECTORS.items())
    return f"{said['model name']} (family {said['cpu family']} model {said['model']}, {vectors})"


def versions() -> dict[str, str]:
    """The versions of the packages that decide numbers, of those that some games need where installed, and of Python.

    They are looked up, not imported.
    """
    known = {name: version(name) for name in PACKAGES}
    for name in OPTIONAL:
        with contextlib.suppress(PackageNotFoundError):
            known[name] = version(name)
    return known | {"python": platform.python_version()}
