"""The commands that install what is missing, written so that they work from where the user stands."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent  # where pyproject.toml is, unless the package was installed alone


def install_command(extra: str | None = None) -> str:
    """The command that installs an extra of this project, such as "jax"; None: what everything needs.

    From a checkout it keeps the versions of constraints.txt. A package that was installed without its checkout names
    what the extra consists of, because it may be on no index.
    """
    pip = f"{python_command()} -m pip install"
    if (CHECKOUT / "constraints.txt").is_file():
        constraints, project = shown(CHECKOUT / "constraints.txt"), shown(CHECKOUT)
        target = f"{project}[{extra}]" if extra else project
        return f"{pip} -c {shlex.quote(constraints)} -e {shlex.quote(target)}"
    return " ".join([pip, *(shlex.quote(requirement) for requirement in requirements(extra))])


def python_command() -> str:
    """How to call the Python that runs now: by its name where that finds it, otherwise by its path."""
    found = shutil.which("python")
    if found is not None and Path(found).absolute() == Path(sys.executable).absolute():
        return "python"
    return shlex.quote(shown(Path(sys.executable)))


def shown(path: Path) -> str:
    """A path as one would type it here: relative where it lies in the current folder, otherwise in full."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the current folder is gone
        return str(path.absolute())


def requirements(extra: str | None) -> list[str]:
    """What an installed copy of this project says that the extra, or with None the project itself, needs."""
    try:
        lines = requires("maca-edu") or []
    except PackageNotFoundError:
        lines = []
    wanted = []
    for line in lines:
        requirement, _, marker = line.partition(";")
        belongs_to = re.search(r"extra\s*==\s*['\"](.+?)['\"]", marker)
        if (belongs_to.group(1) if belongs_to else None) == extra:
            wanted.append(requirement.strip())
    return wanted or [f"maca-edu[{extra}]" if extra else "maca-edu"]
