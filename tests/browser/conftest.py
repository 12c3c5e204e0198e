"""A real Chromium, a real JupyterLab and the built book."""

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from maca_edu.course.my_labs import my_labs

ROOT = Path(__file__).parents[2]
AXE = ROOT / "tests" / "browser" / "vendor" / "axe-core" / "axe.min.js"
HTML = ROOT / "book" / "_build" / "html"
expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong

MISSING = (
    "These tests drive Chromium, which is not here: install it (`apt-get install chromium`), "
    "or say where it is with CHROMIUM=/path/to/chromium."
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


def find_chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None or not Path(path).exists():
        pytest.fail(MISSING, pytrace=False)
    return path


@pytest.fixture(scope="session")
def chromium():
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=shlex.split(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """An empty page, see `watched_page`."""
    with watched_page(chromium) as page:
        yield page


@contextlib.contextmanager
def watched_page(chromium):
    """An empty page, 1280 wide. The test fails on any error in the page, and when it asks a machine other than this."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page, faults = context.new_page(), []
    page.set_default_navigation_timeout(120_000)
    page.on("console", lambda message: message.type == "error" and faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("request", lambda request: is_elsewhere(request.url) and faults.append(f"asked for {request.url}"))
    yield page
    context.close()
    assert not faults, "\n".join(faults)


def is_elsewhere(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme not in ("file", "data", "blob", "about") and address.hostname not in (
        "localhost",
        "127.0.0.1",
    )


@pytest.fixture(scope="session")
def built_book() -> Path:
    """The built book's first page. Builds it where it is missing or older than its sources."""
    index = HTML / "index.html"
    sources = [path for path in (ROOT / "book").rglob("*") if path.is_file() and "_build" not in path.parts]
    sources += (ROOT / "notebooks").glob("*.ipynb")
    ours = [path for path in sources if not {"labs", "__pycache__"} & set(path.relative_to(ROOT).parts)]
    if not index.exists() or index.stat().st_mtime < max(path.stat().st_mtime for path in ours):
        for command in ("book/vendor.py", f"-m sphinx -W --keep-going -q -b html book {HTML}"):
            run = subprocess.run([sys.executable, *command.split()], cwd=ROOT, capture_output=True, text=True)
            assert run.returncode == 0, run.stdout + run.stderr
        index.touch()
    return index


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core, which is fetched where it is missing."""
    run = subprocess.run([sys.executable, ROOT / "book" / "vendor.py", "tests"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def slides(built_book) -> Path:
    """The folder of the slides. Makes them where they are missing or older than the book."""
    folder = built_book.parent / "slides"
    index = folder / "index.html"
    if not index.exists() or index.stat().st_mtime < built_book.stat().st_mtime:
        subprocess.run([sys.executable, ROOT / "book" / "slides.py"], check=True)
    return folder


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory, built_book):
    """`make lab` with a copy of the labs: `(address, token)` of a JupyterLab that is ready."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    my_labs(folder / "my_labs")
    (folder / "book").mkdir()
    (folder / "book" / "_build").symlink_to(built_book.parent.parent)
    port, token = free_port(), secrets.token_hex(16)
    log = folder / "jupyter.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*make_lab(), "--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
             f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"],
            cwd=folder, env=os.environ | jupyter_folders(folder), stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_ready(server, f"{address}/api?token={token}", log)
        yield address, token
    finally:
        stop(server)


def make_lab() -> list[str]:
    """The command with which `make lab` starts JupyterLab, run by this Python."""
    run = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "lab", "LAB_ARGS="],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    program, *options = shlex.split(run.stdout.splitlines()[-1])
    assert program == ".venv/bin/jupyter", program
    return [sys.executable, "-m", "jupyter", *options]


def jupyter_folders(folder: Path) -> dict[str, str]:
    """Nobody's own settings, and nothing left behind."""
    names = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run"}
    return {name: str(folder / place) for name, place in (names | {"IPYTHONDIR": "ipython"}).items()}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(server, url: str, log: Path, seconds: float = 60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}", pytrace=False)


def stop(server):
    """End JupyterLab and its kernels: the whole process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(timeout=15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
