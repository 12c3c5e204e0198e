"""The command line: `maca-edu COMMAND`, the same as `python -m maca_edu COMMAND`."""

from __future__ import annotations

import sys
from pathlib import Path

import tyro

from maca_edu.course.class_copy import class_copy

app = tyro.extras.SubcommandApp()


@app.command(name="class-copy")
def class_copy_command(folder: tyro.conf.Positional[Path]) -> None:
    """Write the labs for students: without solutions, answers and outputs.

    Args:
        folder: Where to write them; a new or an empty folder.
    """
    for path in class_copy(folder):
        print(path)


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 where it went well, 2 and one sentence where an argument was wrong."""
    try:
        app.cli(prog="maca-edu", description="The commands of the course.", args=argv)
    except ValueError as error:
        print(f"maca-edu: {error}", file=sys.stderr)
        return 2
    return 0
