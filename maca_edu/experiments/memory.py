"""Memory that a training keeps instead of giving it back to the system after every step."""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # names of numbers in glibc's malloc.h


def keep_memory() -> bool:
    """Let the C library reuse the memory of large tensors; True where that worked: with Linux and glibc.

    By default it returns large blocks to the system as soon as they are free, and the next tensor of that size costs
    time for the system to clear the same memory again. The process then holds on to the most it ever needed.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all([mallopt(MMAP_MAX, 0), mallopt(TRIM_THRESHOLD, 2**31 - 1)])
