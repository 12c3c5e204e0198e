"""What every test run needs, however it was started.

Tests stop processes by SIGINT, which a job in the background of a shell, and so a test run, may have to ignore.
And they compute with one thread, as do the processes that they start: threads that compete for the same cores wait for
each other by spinning. The libraries read these variables once, when they are imported.
"""

import os
import signal

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """The tests that take minutes begin first: where two run side by side, nobody waits for the last one."""
    items.sort(key=lambda item: "tests/trust/" not in item.nodeid)
