"""Files that stay in order whatever else touches their folder.

whole_file, write_whole    written whole or not at all: a reader never meets half a file, however the writer ended
open_regular, read_text    only plain files are opened: no link leads elsewhere, no pipe makes a reader wait for ever
read_object                and a JSON object in one
clear_leftovers            unfinished files of processes that were killed
writing_to                 a folder to which one process at a time writes
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
import socket
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

LOCK = ".maca-edu.lock"
NO_PLAIN_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR)  # a link, a pipe without a reader, a folder

# ---------------------------------------------------------------------------------------------------------------------
# Written whole


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the name `path` when the block ends without an error.

    The temporary file ends like `path` (.png, .mp4), so that libraries which look at the ending write the right kind.
    It is new, and nobody can foresee its name, so no link can be waiting there. Its contents are on the disk before it
    takes the name. After an error it is removed, and what was at `path` stays.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem[:40]}.{os.getpid()}.{secrets.token_hex(8)}.tmp{path.suffix}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_leftovers(folder: Path, stems: Collection[str]) -> None:
    """Remove what `whole_file` left in a folder where a process was killed.

    stems: of the files that only the process which has locked the folder writes ("state" for state.npz).
    """
    for path in list(folder.iterdir()):
        if is_leftover(path.name, stems):
            path.unlink(missing_ok=True)


def is_leftover(name: str, stems: Collection[str]) -> bool:
    """Whether a file's name is that of an unfinished file: .state.123.0a1b.tmp.npz, or as once .state.npz.123.tmp."""
    found = re.fullmatch(r"\.(\w+)(\.\w+)?\.\d+(\.[0-9a-f]+)?\.tmp(\.\w+)?", name)
    return found is not None and found[1] in stems


# ---------------------------------------------------------------------------------------------------------------------
# Opened safely


def open_regular(path: str | os.PathLike, mode: str = "rb", **options) -> IO:
    """`open(path, mode, **options)` for a plain file.

    Raises ValueError where something else has that name: a link, a folder, a pipe, a device.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)

    wrong = ValueError(f"{os.fspath(path)!r} is not a plain file but a link, a folder or a pipe")
    try:
        file = open(path, mode, opener=opener, **options)  # noqa: SIM115  (the caller closes it)
    except OSError as error:
        if error.errno in NO_PLAIN_FILE:
            raise wrong from None
        raise
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise wrong
    return file


def read_text(path: str | os.PathLike, most: int) -> str:
    """The text of a plain file. Raises ValueError where it has more than `most` bytes or is not UTF-8."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{os.fspath(path)!r} has more than {most:,} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{os.fspath(path)!r} is damaged: it is not text") from None


def read_object(path: str | os.PathLike, most: int, damage: str) -> dict:
    """The JSON object in a plain file of at most `most` bytes.

    Raises ValueError where the file holds anything else; damage: how that is said, as in "it is not a result".
    """
    text = read_text(path, most)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, a number of thousands of digits, lists in lists without end
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{os.fspath(path)!r} is damaged: {damage}")
    return found


# ---------------------------------------------------------------------------------------------------------------------
# One writer at a time


@contextlib.contextmanager
def writing_to(folder: str | os.PathLike) -> Iterator[None]:
    """Have this process alone write to a folder, which is made where it is missing.

    The system itself ends the lock with the process, however that ends. Raises ValueError where another process, or
    another part of this one, writes there.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with take_lock(folder / LOCK):
        try:
            yield
        finally:
            (folder / LOCK).unlink(missing_ok=True)


def take_lock(path: Path) -> IO:
    """The lock file, open and locked. Raises ValueError where it is locked already."""
    while True:
        file = open_regular(path, "a+", encoding="utf-8", errors="replace")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                file.seek(0)
                owner = file.read(200).strip() or "another process"
            raise ValueError(f"{owner} is writing to {str(path.parent)!r}; wait for it, or end it") from None
        if still_has(file, path):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()
            return file
        file.close()  # its owner removed it after we had opened it: take the next one


def still_has(file: IO, path: Path) -> bool:
    """Whether the open file is the one that has the name `path` now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.lstat(path))
    except FileNotFoundError:
        return False
