"""Install a part of this project, and say how far it is: `python install.py "the course" .[test]`.

pip is asked to be silent where it succeeds, and is quoted in full where it fails. Called by the Makefile with the
Python of the environment, .venv unless another was asked for, from the project's folder.
"""

import itertools
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-color", "--progress-bar", "off"]
QUIET_SECONDS = 20  # where the output is not a terminal, a line at most so often


def main(name: str, requirement: str) -> int:
    """Install one requirement, editable; returns pip's exit status."""
    command = [*PIP, "--constraint", "constraints.txt", "--editable", requirement]
    show = Progress(f"Installing {name} into {Path(sys.prefix).name}")
    last_lines = deque(maxlen=40)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout:
            last_lines.append(line)
            show.read(line)
    if pip.returncode:
        show.end("failed; pip says:")
        sys.stderr.writelines(last_lines)
    else:
        show.end("done")
    return pip.returncode


class Progress:
    """One line that is overwritten in a terminal, and a line now and then elsewhere."""

    def __init__(self, title: str):
        self.title, self.terminal = title, sys.stdout.isatty()
        self.found, self.began, self.told = 0, time.monotonic(), time.monotonic()
        self.wheel = itertools.cycle("|/-\\")
        print(f"{title} ...", flush=True)

    def read(self, line: str) -> None:
        """Take in a line of pip's."""
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        if word == "Collecting":
            self.found += 1
        doing = {"Collecting": "looking for", "Downloading": "downloading", "Installing": "unpacking"}.get(word)
        if doing is None:
            return
        what = "all of them" if word == "Installing" else line.split()[1].split("/")[-1]
        self.say(f"{self.found} packages found, {doing} {what}")

    def say(self, text: str) -> None:
        """Show where the work stands."""
        now = time.monotonic()
        if self.terminal:
            print(f"\r\033[K  {next(self.wheel)} {now - self.began:4.0f} s  {text[:60]}", end="", flush=True)
        elif now - self.told > QUIET_SECONDS:
            self.told = now
            print(f"  {now - self.began:4.0f} s  {text}", flush=True)

    def end(self, how: str) -> None:
        """Show that the work is over."""
        clear = "\r\033[K" if self.terminal else ""
        print(f"{clear}{self.title}: {how} after {time.monotonic() - self.began:.0f} s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit('Use: python install.py "what it is" ".[extra]"')
    sys.exit(main(*sys.argv[1:]))
