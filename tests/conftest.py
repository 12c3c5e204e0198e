"""Tests stop processes by SIGINT, which a shell's background job, and with it this one, may have been told to ignore."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
