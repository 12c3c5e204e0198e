"""Nothing asks the network unless somebody asked for it: commands run where every other address is refused."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from maca_edu.cli import COMMANDS as KNOWN

ROOT = Path(__file__).parents[2]

# Python runs this in every process, before anything else. An audit hook sees what Python's sockets do, also when the
# socket was made by C code of the interpreter, and cannot be taken away again.
WATCHMAN = """
import os
import sys

LOCAL = ("127.", "::1", "localhost")
OF_ADDRESSES = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
OF_NAMES = ("socket.getaddrinfo", "socket.gethostbyname")


def watch(event, arguments):
    if event in OF_ADDRESSES:
        address = arguments[1]  # None where the socket is connected, a path or a number where it is no socket of IP
        if isinstance(address, tuple) and not str(address[0]).startswith(LOCAL):
            tell(event, address)
    elif event in OF_NAMES:
        if not str(arguments[0]).startswith(LOCAL):
            tell(event, arguments[0])


def tell(event, address):
    with open(os.environ["MACA_WATCHMAN"], "a", encoding="utf-8") as file:
        file.write(f"{event} {address}\\n")
    raise OSError(f"{event} {address} is refused here")


sys.addaudithook(watch)
"""


@pytest.fixture
def watched(tmp_path):
    """Run Python with these words, without a network: what it asked the network for, and how it ended."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCHMAN)
    heard = tmp_path / "heard.txt"
    path = os.pathsep.join([str(tmp_path / "site"), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": path, "MACA_WATCHMAN": str(heard)}

    def run(*words: str) -> tuple[str, subprocess.CompletedProcess]:
        heard.write_text("")
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
        return heard.read_text(), done

    return run


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "import socket; socket.create_connection(('198.51.100.1', 80), timeout=1)"],
        ["-c", "import urllib.request as r; r.urlopen('http://example.org', timeout=1)"],
        ["-c", "import socket; socket.socket().bind(('0.0.0.0', 0))"],
        ["-c", "import socket as s; s.socket(type=s.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 9))"],
        ["-c", "import socket as s; s.socket(type=s.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('198.51.100.1', 9))"],
        ["-c", "import socket; socket.gethostbyname('example.org')"],
        ["-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; "
               "socket.getaddrinfo(\\'example.org\\', 80)'])"],
    ],
)  # fmt: skip
def test_the_watchman_hears(watched, words):
    heard, _ = watched(*words)
    assert heard


BATTLES = ROOT / "book" / "data" / "table2" / "smacv2_5_units"
WAREHOUSE = ROOT / "maca_edu" / "experiments" / "runs" / "warehouse"
LEFT_OUT = {"app", "bench"}  # a server with tests of its own, and minutes of measuring
COMMANDS = f"""
train --env toy/xor --method mappo --steps 64 --batch 2 --out run --processes 1
train --env toy/xor --method mappo --steps 64 --batch 2 --out both --processes 2
evaluate run --episodes 2
watch run --out film.gif
credit run --out credit
budget run --moments 4 --out measured
sweep --envs toy/xor --methods mappo --steps 256 --seeds 1 --processes 1 --out swept
curves swept --out curves.png
table 2 {BATTLES}
figure 2 {BATTLES} --out two.png
figure 6 {WAREHOUSE} --out six.png
compare {BATTLES}:maca {BATTLES}:mappo
credit-bench mappo
class-copy labs
grade handed
own-games names.txt
own-grades answers.csv
methods
params
doctor
envs
"""
ONE_BY_ONE = f"""
from maca_edu.cli import main
from maca_edu.widgets import psi_explorer, sigma_explorer

if __name__ == "__main__":  # the workers of two processes import this file, too
    for command in {COMMANDS!r}.strip().splitlines():
        assert main(command.split()) == 0, command
    sigma_explorer()
    psi_explorer()
"""


def test_every_command_is_run_but_for_two():
    assert {line.split()[0] for line in COMMANDS.strip().splitlines()} == KNOWN - LEFT_OUT


def test_commands_and_explorers_ask_nobody(watched, tmp_path):
    answer = nbformat.v4.new_code_cell("def my_score(pi, action):\n    return 0 * pi")
    (tmp_path / "handed").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[answer]), tmp_path / "handed" / "ada.ipynb")
    (tmp_path / "names.txt").write_text("Ada Lovelace\n")
    (tmp_path / "answers.csv").write_text("student,1,2,3,4,5\nAda Lovelace,1,2,3,4,5\n")
    (tmp_path / "one_by_one.py").write_text(ONE_BY_ONE)
    heard, done = watched("one_by_one.py")
    assert done.returncode == 0, done.stderr
    assert heard == ""
