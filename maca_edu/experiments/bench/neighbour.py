"""A busy neighbour: another process that keeps one core busy, as on a machine that is shared."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# It counts as long as the process that started it lives, so that it ends even where that one is killed.
COUNT = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    sum(range(1_000_000))
"""


@contextlib.contextmanager
def busy_neighbour() -> Iterator[subprocess.Popen]:
    """Keep one core busy during the block; the neighbour is dead when it ends, however it ends."""
    neighbour = subprocess.Popen([sys.executable, "-c", COUNT, str(os.getpid())])
    try:
        yield neighbour
    finally:
        neighbour.kill()
        neighbour.wait()
