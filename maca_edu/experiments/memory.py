"""Freed memory that a training keeps, instead of giving it back to the operating system and asking for it again."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # as in glibc's malloc.h
NEVER = 2**31 - 1  # bytes that must be free at the end of the heap before it is made smaller


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
