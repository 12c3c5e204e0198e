"""Where numbers come from: the commit of this code, the processor, the versions of the packages."""

from __future__ import annotations

import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from maca_edu.installing import CHECKOUT

PACKAGES = ("maca-edu", "torch", "numpy", "cma")


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
    """The name of this machine's processor, as exactly as the system knows it."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:  # not Linux
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """The versions of the packages that decide numbers, and of Python."""
    return {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
