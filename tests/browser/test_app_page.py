"""The page of explorers, as `make app` serves it: live, large, from this machine alone, and for nobody else."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import ROOT, free_port, is_elsewhere, jupyter_folders, stop, watched_page
from plays import click_psi, drag, moments, play_fridge, play_replay, read_sliders
from playwright.sync_api import Locator, Page, expect
from test_cockpit_page import check_numbers, readout, slider

from maca_edu.course.projector.page import TABS
from maca_edu.widgets.cockpit_explorer import flight_of
from maca_edu.widgets.corrset_moments import corrsets, recorded
from maca_edu.widgets.mixture_variance import settings

pytestmark = pytest.mark.browser

PATIENCE = 180_000  # ms: the cockpit imports torch, and a busy machine is slow
SMALLEST = 13  # pixels of type on a screen 1280 x 720: 1/55 of its height
# The size on the screen of each piece of text that is seen, with the text
TYPE = """() => {
    const found = [], walk = document.createTreeWalker(document.querySelector(".maca-app"), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const part = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
        if (!text || !part.checkVisibility() || part.closest("style, option, title")) continue;
        const picture = part.closest("svg");
        const scale = picture ? picture.getBoundingClientRect().width / picture.viewBox.baseVal.width
                              : part.currentCSSZoom;
        found.push([parseFloat(getComputedStyle(part).fontSize) * scale, text]);
    }
    return found;
}"""


class App(NamedTuple):
    """A page that is served."""

    server: subprocess.Popen
    address: str  # with the token


@contextlib.contextmanager
def served(folder):
    """`maca-edu app` on a free port."""
    if find_spec("voila") is None:
        pytest.fail("These tests need Voila: `make browser-test` installs it.", pytrace=False)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "maca_edu", "app", f"--port={free_port()}", "--no-browser"],
            cwd=folder, env=os.environ | jupyter_folders(folder) | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", server.stdout.readline())
        assert found, (folder / "log").read_text()
        yield App(server, found[0])
    finally:
        stop(server)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The page is served for all tests here."""
    with served(tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture(scope="module")
def opened(chromium, app):
    """The page, in a browser that reaches nobody but this machine."""
    with watched_page(chromium) as page:
        sockets = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.context.route(is_elsewhere, lambda route: route.abort())
        page.set_viewport_size({"width": 1280, "height": 720})
        page.goto(app.address)
        expect(page.locator(".maca-app .maca-console")).to_be_visible(timeout=PATIENCE)
        yield page
        assert sockets
        assert [url for url in sockets if is_elsewhere(url)] == []


def tab(page: Page, title: str, css_class: str) -> Locator:
    """Open a tab; its explorer, once it is there."""
    page.get_by_role("tab", name=title).click()
    explorer = page.locator(f".maca-app .{css_class}")
    expect(explorer).to_be_visible(timeout=PATIENCE)
    return explorer


def press(explorer: Locator, number: int, *keys: str):
    """Press keys on a slider."""
    handle = explorer.get_by_role("slider").nth(number)
    handle.focus()
    for key in keys:
        handle.press(key)


def test_the_console_answers(opened):
    expect(opened.get_by_role("tab")).to_have_text([tab.title for tab in TABS])
    play_fridge(opened.locator(".maca-console"))


def test_the_weights_move_by_keyboard_and_mouse(opened):
    explorer = tab(opened, "Weights ψ", "maca-psi")
    fridge, seen = settings()["Fridge"], set()

    def check():
        p, jnt, cor = read_sliders(explorer)
        _, variance = moments(fridge, 1, p, (jnt, 1 - jnt - cor, cor))
        expect(explorer.locator(".maca-psi-variance")).to_have_text(f"{variance:.4f}")
        seen.add(explorer.locator(".maca-psi-variance").inner_text())

    check()
    for number, keys in ((1, ["ArrowRight"] * 5), (0, ["End"]), (2, ["Home"])):
        before = explorer.locator("svg").get_attribute("aria-label")
        press(explorer, number, *keys)
        expect(explorer.locator("svg")).not_to_have_attribute("aria-label", before)
        check()
    drag(opened, explorer, 0, 0.3)
    check()
    click_psi(explorer, (0.2, 0.5, 0.3))
    expect(explorer.locator(".widget-readout").nth(1)).to_have_text("0.20")
    expect(explorer.locator(".widget-readout").nth(2)).to_have_text("0.30")
    check()
    assert len(seen) == 6


def test_the_threshold_moves_by_keyboard(opened):
    explorer = tab(opened, "Threshold σ", "maca-sigma")
    game, groups = recorded()["Warehouse"], set()
    for keys in (["Home"], ["ArrowRight"] * 12, ["End"]):
        press(explorer, 0, *keys)
        sigma, update = read_sliders(explorer)
        members = np.flatnonzero(corrsets(game.at(int(update)).attention, sigma / len(game.agents))[0])
        expect(explorer.locator(".maca-sigma-members")).to_have_text("".join(game.agents[j] for j in members))
        groups.add(tuple(members))
    assert len(groups) > 1


def test_the_cockpit_moves_by_keyboard(opened):
    cockpit, flight = tab(opened, "Cockpit", "maca-cockpit"), flight_of("warehouse")
    for label, key in (("step", "Home"), ("step", "ArrowRight"), ("σ in 1/n", "Home")):
        handle = slider(cockpit, label).get_by_role("slider")
        handle.focus()
        handle.press(key)
    assert (readout(cockpit, "step"), readout(cockpit, "σ in 1/n")) == (2, 0)
    check_numbers(cockpit, flight, 2, 0, None)


def test_the_replay_plays(opened):
    play_replay(tab(opened, "Replay", "maca-replay"))


@pytest.mark.parametrize("size", [(1024, 768), (1280, 720), (1920, 1080)])
def test_type_is_large_and_nothing_sticks_out(opened, size):
    """On an old projector, a usual one and a sharp one: every control is seen without scrolling."""
    width, height = size
    opened.set_viewport_size({"width": width, "height": height})
    classes = ("maca-console", "maca-psi", "maca-sigma", "maca-cockpit", "maca-replay")
    for (title, *_), css_class in zip(TABS, classes, strict=True):
        explorer = tab(opened, title, css_class)
        small = [(size, text) for size, text in opened.evaluate(TYPE) if size < SMALLEST * min(1, width / 1280)]
        assert small == [], title
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, title
        controls = explorer.locator(".widget-slider, .widget-dropdown, .widget-toggle-buttons").all()
        assert controls
        for control in controls:
            if control.is_visible():
                box = control.bounding_box()
                assert box["y"] + box["height"] <= height, f"{title}: a control lies below the screen's edge"
                assert box["x"] + box["width"] <= width, title


def is_refused(address: str) -> bool:
    """Whether an address answers with a fault, or with the form that asks for the token."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return "/login" in answer.url
    except urllib.error.HTTPError as error:
        return error.code in (403, 404)


def test_it_is_this_machines_and_has_a_token(app):
    base = app.address.partition("?")[0]
    kernel = "api/kernels/11111111-1111-1111-1111-111111111111"
    for path in ("", kernel, f"{kernel}/channels", "voila/files/explorers.ipynb", "voila/files/page.py", "page.py"):
        assert is_refused(base + path), path
    assert is_refused(app.address[:-1])  # a wrong token
    assert not is_refused(f"{base}voila/static/voila.js")  # what Voila brings is no secret
    if Path("/proc/net/tcp").exists():
        port = int(re.search(r":(\d+)/", base)[1])
        assert listening_at(port) == {"0100007F"}  # 127.0.0.1


def listening_at(port: int) -> set[str]:
    """The addresses at which somebody listens on a port, as Linux writes them."""
    tables = [Path("/proc/net", name).read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and int(line[1].split(":")[1], 16) == port}


def test_ctrl_c_ends_the_page_and_its_kernels(tmp_path):
    with served(tmp_path) as app:
        with urllib.request.urlopen(app.address, timeout=180) as answer:  # a kernel starts, and makes the page
            assert b"widget-view+json" in answer.read()
        os.killpg(app.server.pid, signal.SIGINT)
        assert app.server.wait(timeout=120) in (0, 130)
        with pytest.raises(ProcessLookupError):
            os.killpg(app.server.pid, 0)
