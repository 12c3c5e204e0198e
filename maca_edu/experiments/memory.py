"""Memory: what is free on this machine, what a process holds, and freed memory that a training keeps."""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path
from typing import NamedTuple

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # as in glibc's malloc.h
NEVER = 2**31 - 1  # bytes that must be free at the end of the heap before it is made smaller


class Held(NamedTuple):
    """The bytes that a process holds now, and the most that it ever held."""

    now: int
    peak: int


def free_memory() -> int | None:
    """Bytes that processes can still take without pushing others out; None where the system does not say.

    The smaller of what the machine has and what the process's control group (a container, a job of a batch system)
    leaves. Source: proc(5), cgroups(7).
    """
    try:
        found = [kilobytes(Path("/proc/meminfo").read_text(), "MemAvailable")]
    except OSError:  # not Linux
        return None
    group = Path("/sys/fs/cgroup") / Path("/proc/self/cgroup").read_text().rpartition("::/")[2].strip()
    try:
        limit, taken = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        cache = int(re.search(r"^inactive_file (\d+)", (group / "memory.stat").read_text(), re.MULTILINE)[1])
        found.append(limit - taken + cache)  # the cache of files gives way
    except (OSError, ValueError):  # no such files, or "max": no limit
        pass
    return min(found)


def held_by(pid: int) -> Held | None:
    """The memory that a process holds; None where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return Held(kilobytes(status, "VmRSS"), kilobytes(status, "VmHWM"))
    except (OSError, TypeError):  # not Linux, or the process has ended
        return None


def kilobytes(text: str, name: str) -> int:
    """The entry "name: 12 kB" of one of the system's files, in bytes."""
    return 1024 * int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1])


def keep_memory() -> bool:
    """Tell the C library to keep freed memory for the next tensor; True where it obeys, which is on Linux with glibc.

    By default it returns a large block to the operating system as soon as it is free. The next tensor of that size then
    waits until the system has handed out the memory again, cleared. The price: the process keeps as much memory as it
    ever needed at once. Source: mallopt(3).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library than glibc
        return False
    no_blocks_apart = mallopt(M_MMAP_MAX, 0)
    no_shrinking = mallopt(M_TRIM_THRESHOLD, NEVER)
    return bool(no_blocks_apart and no_shrinking)
