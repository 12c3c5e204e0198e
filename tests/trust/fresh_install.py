"""The first install as on a new machine: a new home, no caches, a clean copy of this checkout; then README's commands.

    python tests/trust/fresh_install.py --python python3.11
    python tests/trust/fresh_install.py --python python3.13 --only course
    python tests/trust/fresh_install.py --python python3.11 --only conda

course   `make .venv/.lab`, as `make lab` does it first, the README's session, and its commands `.venv/bin/maca-edu`
conda    the pip part of environment.yml in an empty virtual environment, without the packages that come from a
         repository of git where that cannot be reached; then one training

Prints what each step took, by the clock on the wall and of the processor, and what the folder holds afterwards; ends
with 1 where a step failed. pip asks whatever index the machine is set to, so the time depends on the network.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONG = ("bench",)  # takes the better part of an hour
NEEDS_MORE = ("--env smax/",)  # another install


def main() -> int:
    """Install, run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="python3", help="the Python of the virtual environment")
    parser.add_argument("--only", choices=("course", "conda"), help="one of the two; otherwise both")
    asked = parser.parse_args()
    ways = {"course": course, "conda": conda}
    good = [ways[name](asked.python) for name in ways if asked.only in (None, name)]
    return 0 if all(good) else 1


class Machine:
    """An empty home beside a clean copy of the last commit, and the commands that were run there."""

    def __init__(self, folder: str):
        self.folder, self.home, self.course = Path(folder), Path(folder) / "home", Path(folder) / "maca-edu"
        self.home.mkdir()
        self.good = True
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "LANG", "LC_", "SSL_"))}
        proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        new = dict(HOME=str(self.home), PATH="/usr/local/bin:/usr/bin:/bin", PIP_NO_CACHE_DIR="1", OMP_NUM_THREADS="1")
        self.environment = kept | proxies | new
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(self.course)], check=True)

    def run(self, words: list[str]) -> None:
        """Run a command in the copy, and say how it ended, after how many seconds."""
        began, worked = time.monotonic(), processor_seconds()
        done = subprocess.run(
            words, cwd=self.course, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        how = "ok    " if done.returncode == 0 else "failed"
        took, worked = time.monotonic() - began, processor_seconds() - worked
        print(f"{how} {took:6.0f} s, processor {worked:4.0f} s  {' '.join(words)[:120]}", flush=True)
        if done.returncode:
            self.good = False
            print((done.stdout + done.stderr)[-3000:], flush=True)

    def report(self, name: str) -> bool:
        """Say how much the disk holds now; returns whether everything went well."""
        python = subprocess.run([self.course / ".venv/bin/python", "-V"], capture_output=True, text=True).stdout.strip()
        sizes = ", ".join(f"{part} {megabytes(self.folder / part):,} MB" for part in ("maca-edu/.venv", "home"))
        print(f"{name}, {python}: {'everything went well' if self.good else 'something failed'}; {sizes}", flush=True)
        return self.good


def course(python: str) -> bool:
    """What `make lab` installs, and the README's own words."""
    with tempfile.TemporaryDirectory(prefix="maca-edu-fresh-") as folder:
        machine = Machine(folder)
        machine.run(["make", ".venv/.lab", f"PYTHON={where(python)}"])
        machine.run([".venv/bin/python", "-m", "doctest", "README.md"])
        for line in commands((ROOT / "README.md").read_text(encoding="utf-8")):
            if line.split()[1] not in LONG and not any(word in line for word in NEEDS_MORE):
                machine.run(line.split())
        return machine.report("course")


def conda(python: str) -> bool:
    """The pip part of environment.yml, as conda hands it to pip."""
    with tempfile.TemporaryDirectory(prefix="maca-edu-fresh-") as folder:
        machine = Machine(folder)
        wanted = pip_part((ROOT / "environment.yml").read_text(encoding="utf-8"))
        if not reachable(wanted):
            print("left out: " + ", ".join(line.split()[0] for line in wanted if "git+" in line), flush=True)
            wanted = [line for line in wanted if "git+" not in line]
        (machine.course / "conda.requirements.txt").write_text("\n".join(wanted) + "\n")
        machine.run([where(python), "-m", "venv", ".venv"])
        machine.run([".venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "conda.requirements.txt"])
        machine.run([".venv/bin/maca-edu", "train", "--env", "toy/fridge", "--steps", "2000", "--out", "runs/first"])
        return machine.report("conda")


def where(python: str) -> str:
    """The full path of a Python, which may not be on the new machine's PATH."""
    found = subprocess.run([python, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"--python={python!r} does not run")
    return found.stdout.strip()


def commands(readme: str) -> list[str]:
    """The indented lines of the README that begin with .venv/bin/maca-edu, without their comments."""
    lines = re.findall(r"^    (\.venv/bin/maca-edu [^#\n]+)", readme, re.MULTILINE)
    return [line.strip() for line in lines]


def pip_part(environment: str) -> list[str]:
    """The requirements below "pip:" in environment.yml, without comments."""
    lines = environment.partition("- pip:\n")[2].splitlines()
    return [line.partition(" #")[0].strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]


def reachable(requirements: list[str]) -> bool:
    """Whether the git repositories among the requirements answer."""
    addresses = [found[1] for line in requirements if (found := re.search(r"git\+(\S+?)@", line))]
    asked = dict(os.environ, GIT_TERMINAL_PROMPT="0")
    answers = [subprocess.run(["git", "ls-remote", url, "HEAD"], capture_output=True, env=asked) for url in addresses]
    return all(answer.returncode == 0 for answer in answers)


def processor_seconds() -> float:
    """What the commands so far have taken of the processors."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def megabytes(folder: Path) -> int:
    """What a folder takes on the disk; links are not followed."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return round(sum(path.stat().st_size for path in files) / 1e6)


if __name__ == "__main__":
    sys.exit(main())
