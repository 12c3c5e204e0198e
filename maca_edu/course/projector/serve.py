"""Serve the page on this machine: `maca-edu app`.

Voila runs the notebook `explorers.ipynb`, which has one cell, and shows what it makes, without code. Our template loads
nothing from the network: Voila's own asks for a font elsewhere.
"""

from __future__ import annotations

import errno
import os
import socket
from importlib.util import find_spec
from pathlib import Path

from maca_edu.checks import shown
from maca_edu.installing import install_command

HERE = Path(__file__).parent
NOTEBOOK = HERE / "explorers.ipynb"
ADDRESS = "127.0.0.1"
PORT = 8866


def serve(port: int = PORT, browser: bool = True) -> None:
    """Serve the page until Ctrl-C, and open it in a browser.

    ValueError where the port is none or is taken, or Voila is not installed.
    """
    if type(port) is not int or not 1024 <= port <= 65535:
        raise ValueError(f"port={shown(port)}; allowed are 1024 to 65535")
    if find_spec("voila") is None:
        raise ValueError(f"the page of explorers needs the package voila; get it with: {install_command('app')}")
    check_free(port)
    folders = [str(HERE / "jupyter"), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, folders))  # where Voila looks for templates
    from maca_edu.course.projector.server import run

    run(NOTEBOOK, ADDRESS, port, browser)


def check_free(port: int) -> None:
    """ValueError where somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that has just ended does not count
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ValueError(
                f"port={port} is taken, perhaps by an earlier start of this page; stop that one, or choose another port"
            ) from None
