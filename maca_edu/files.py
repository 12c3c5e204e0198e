"""Files that are written whole or not at all: a reader never meets half a file, however the writer ended."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the name `path` when the block ends without an error.

    The temporary file ends like `path` (.png, .mp4), so that libraries which look at the ending write the right kind.
    Its contents are on the disk before it takes the name. After an error it is removed, and what was at `path` stays.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
