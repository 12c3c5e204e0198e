"""Tests stop processes by SIGINT, which a job in the background of a shell, and so a test run, may have to ignore."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
