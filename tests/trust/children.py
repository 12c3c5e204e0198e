"""Work in a child process that something happens to: it is killed, stopped, or finds no room.

The child is a copy of this process (fork), so it has all modules loaded and begins at once. This process computes with
one thread, which such a copy needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LIMIT = 900.0  # seconds; who takes longer hangs
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")  # names of Python's audit events


class Ended(NamedTuple):
    """How a child ended."""

    status: int  # its exit status, or minus the number of the signal that ended it
    said: str  # on its error stream
    printed: str
    hangs: bool


class Operation(NamedTuple):
    """Something that a process did with a file."""

    event: str  # one of OPERATIONS
    path: str  # relative to the folder that is watched


# ---------------------------------------------------------------------------------------------------------------------
# A child


def in_child(work: Callable[[], int | None], during: Callable[[int], None] | None = None, limit=LIMIT) -> Ended:
    """How a copy of this process ends that does `work`, whose result is its exit status.

    during: what this process does meanwhile; it is told the child's number as soon as the child listens to signals.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ready)
            be_child(work, out.fileno(), err.fileno(), tell)
        os.close(tell)
        os.read(ready, 1)
        os.close(ready)
        if during is not None:
            with contextlib.suppress(ProcessLookupError):
                during(child)
        status, hangs = wait_for(child, limit)
        said, printed = (words(file) for file in (err, out))
    return Ended(status, said, printed, hangs)


def be_child(work: Callable[[], int | None], out: int, err: int, tell: int) -> None:
    """Do the work, and end this process, which is the copy."""
    status = 70
    try:
        os.setsid()  # what it starts can be killed with it
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout, sys.stderr = (open(fd, "w", buffering=1, closefd=False) for fd in (1, 2))  # noqa: SIM115
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        from maca_edu import stopping

        stopping.listen()
        os.write(tell, b"x")
        status = work() or 0
    except SystemExit as stop:  # of --help
        status = stop.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)


def wait_for(child: int, limit: float) -> tuple[int, bool]:
    """The status of a child, and whether it had to be killed because it hangs. Nothing that it started is left."""
    until, hangs = time.monotonic() + limit, False
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > until:
            hangs, until = True, time.monotonic() + limit
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(status), hangs


def words(file) -> str:
    """All that a file holds."""
    file.seek(0)
    return file.read().decode(errors="replace")


# ---------------------------------------------------------------------------------------------------------------------
# What happens to it


def at_operation(number: int, folder: Path, happens: Callable[[], None]) -> None:
    """From now on, have this process call `happens()` just before its number-th operation on files below `folder`."""
    count = itertools.count(1)

    def hook(event: str, arguments: tuple) -> None:
        if event in OPERATIONS and touched(arguments, folder) is not None and next(count) == number:
            happens()

    sys.addaudithook(hook)


def operations(work: Callable[[], int | None], folder: Path) -> tuple[Ended, list[Operation]]:
    """How a child ends that does `work`, and what it does with files below `folder`, in order."""
    with tempfile.NamedTemporaryFile("w+") as log:

        def watched() -> int | None:
            def hook(event: str, arguments: tuple) -> None:
                if event in OPERATIONS and (path := touched(arguments, folder)) is not None:
                    log.write(json.dumps([event, path]) + "\n")
                    log.flush()

            sys.addaudithook(hook)
            return work()

        ended = in_child(watched)
        log.seek(0)
        return ended, [Operation(*json.loads(line)) for line in log]


def touched(arguments: tuple, folder: Path) -> str | None:
    """The path below `folder` that an operation is about, relative to it; None where it is about none."""
    for argument in arguments:
        path = os.fspath(argument) if isinstance(argument, str | os.PathLike) else ""
        if isinstance(path, str) and path.startswith(str(folder)):
            return os.path.relpath(path, folder)
    return None


def die() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(number: int) -> Callable[[], None]:
    """What raises the system's error of that number, as in `refuse(errno.ENOSPC)`."""

    def raises() -> None:
        raise OSError(number, os.strerror(number))

    return raises


def limit_files(most: int) -> None:
    """From now on no file of this process becomes larger than so many bytes: writing on fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def limit_memory(more: int) -> None:
    """From now on this process gets so many more bytes of memory, then none."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, resource.RLIM_INFINITY))


# ---------------------------------------------------------------------------------------------------------------------
# Folders that cannot be written to, and disks that are full

NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000  # flags of Linux' unshare
PRIVATE, REMOUNT, READ_ONLY, BIND, ALL_BELOW = 1 << 18, 32, 1, 4096, 16384  # flags of its mount


def world_of_its_own() -> bool:
    """Let this process mount disks that it alone sees; False where the system does not allow that."""
    if not sys.platform.startswith("linux"):
        return False
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None).unshare(NEW_USER | NEW_MOUNTS) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    return mount(None, Path("/"), None, PRIVATE | ALL_BELOW)


def small_disk(folder: Path, size: int, again: bool = False) -> bool:
    """Mount a disk of so many bytes at a folder, or change its size; False where the system does not allow that."""
    return mount("tmpfs", folder, "tmpfs", REMOUNT if again else 0, f"size={size}")


def read_only(folder: Path) -> bool:
    """Have nobody write below a folder any more, root neither; False where the system does not allow that."""
    return mount(str(folder), folder, None, BIND) and mount(None, folder, None, BIND | REMOUNT | READ_ONLY)


def mount(what: str | None, where: Path, kind: str | None, flags: int, options: str = "") -> bool:
    """The system's mount; whether it went well."""
    encoded = [None if x is None else x.encode() for x in (what, str(where), kind)]
    return ctypes.CDLL(None).mount(*encoded, ctypes.c_ulong(flags), options.encode() or None) == 0
