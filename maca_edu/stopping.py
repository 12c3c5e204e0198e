"""Ctrl-C (SIGINT) and the polite kill (SIGTERM) stop a command once, in order, with an exit status of their own.

A signal comes between any two instructions of Python, also where its KeyboardInterrupt is lost: in a callback, or
inside a library that makes another exception of it. So it is written down as well: `asked` says what came, and `check`,
called after every update, stops a run that went on.
"""

from __future__ import annotations

import signal
import threading
import time

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}  # 128 and the signal's number, as shells count
PATIENCE = 3.0  # seconds in which a second signal is taken for the same wish: the first is still being obeyed

asked: int | None = None  # the signal that came first
_when = 0.0
_before: dict[int, object] = {}  # what the signals meant before `listen`


def listen() -> None:
    """From now on both signals raise KeyboardInterrupt, but for those that are ignored, as in background jobs.

    Only a process's main thread can ask for that; elsewhere nothing changes.
    """
    global asked
    asked = None
    if threading.current_thread() is threading.main_thread():
        for number in STATUS:
            _before[number] = signal.getsignal(number)
            if _before[number] is not signal.SIG_IGN:
                signal.signal(number, _stop)


def listen_no_more(ending: bool) -> None:
    """Give the signals their former meaning back, or none at all where the process is ending and its work is done."""
    if threading.current_thread() is threading.main_thread():
        while _before:
            number, before = _before.popitem()
            signal.signal(number, signal.SIG_IGN if ending else before)


def status() -> int:
    """The exit status after a stop."""
    return STATUS[signal.SIGINT if asked is None else asked]


def check() -> None:
    """Raises KeyboardInterrupt where one was asked for and was lost."""
    if asked is not None:
        raise KeyboardInterrupt


def _stop(number: int, frame) -> None:
    """What a signal does."""
    global asked, _when
    now = time.monotonic()
    if asked is not None and now - _when < PATIENCE:
        return
    asked, _when = number if asked is None else asked, now
    raise KeyboardInterrupt
