"""JupyterLab, as `make lab` starts it, listens to this machine only and asks for a token."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTENING = "0A"  # the state of a socket in /proc/net/tcp


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listeners(port: int) -> list[str]:
    """The addresses at which somebody listens on a port, as the kernel writes them: 0100007F is 127.0.0.1."""
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            if state == LISTENING and int(address.rpartition(":")[2], 16) == port:
                found.append(address.rpartition(":")[0])
    return found


@pytest.fixture
def lab(tmp_path):
    """`make lab` on a free port, without a browser: the port and the server's token."""
    dry = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "lab", "LAB_ARGS="],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    program, *options = shlex.split(dry.stdout.splitlines()[-1])
    assert program.endswith("/bin/jupyter")
    port, log = free_port(), tmp_path / "log"
    folders = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    command = [sys.executable, "-m", "jupyter", *options, "--no-browser", f"--port={port}"]
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | folders, stdout=output, stderr=output, start_new_session=True
        )
    try:
        until = time.monotonic() + 120
        runtime = Path(folders["JUPYTER_RUNTIME_DIR"])
        while not (listeners(port) and list(runtime.glob("jpserver-*.json"))):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        (written,) = runtime.glob("jpserver-*.json")
        yield port, json.loads(written.read_text())["token"]
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux says who listens where in /proc")
def test_the_lab_is_this_machines_and_has_a_token(lab):
    port, token = lab
    assert set(listeners(port)) <= {"0100007F", "00000000000000000000000001000000"}  # 127.0.0.1 and ::1
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents", timeout=60)
    assert refused.value.code == 403
    assert len(token) >= 40
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents?token={token}", timeout=60) as answer:
        assert answer.status == 200
