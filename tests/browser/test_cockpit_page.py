"""The cockpit in the book and in JupyterLab: what it shows against what Python computes from the shipped runs."""

import json
import urllib.request

import pytest
from plays import drag
from playwright.sync_api import Locator, expect
from test_book import visit
from test_lab import CELLS, OPEN, choose, code_cells, show

from maca_edu.widgets.cockpit_explorer import MIXTURES, flight_of
from maca_edu.widgets.cockpit_numbers import Flight, read
from maca_edu.widgets.cockpit_pictures import plain, signed

pytestmark = pytest.mark.browser

CELL = 'from maca_edu.widgets import cockpit\n\ncockpit("ring")'


def check_numbers(cockpit: Locator, flight: Flight, step: int, sigma: float, psi):
    """Compare every number of the table with Python's; step from 1, sigma in units of 1/n."""
    n = len(flight.agents)
    reading = read(flight, step - 1, min(sigma / n, 1.0), psi)
    expected = {"sigma": plain(sigma / n, 3), "critic q": plain(reading.critic.q, 2)}
    for i, agent in enumerate(flight.agents):
        expected[f"C {agent}"] = "".join(flight.agents[j] for j in range(n) if reading.corrset[i, j])
        for who, opinion in (("critic", reading.critic), ("exact", reading.exact)):
            for k, baseline in enumerate(("Jnt", "Ind", "Cor")):
                expected[f"{who} {baseline} {agent}"] = plain(opinion.baselines[k, i], 2)
            expected[f"{who} b {agent}"] = plain(opinion.mixture[i], 2)
            expected[f"{who} A {agent}"] = signed(opinion.advantage[i], 2)
        expected[f"return {agent}"] = signed(reading.from_return[i], 2)
        expected[f"credit {agent}"] = signed(reading.credit[i], 2)
    expect(cockpit.locator(".maca-cockpit-step:visible")).to_have_text(f"Step {step} of {flight.record.steps}.")
    for name, text in expected.items():  # the first waits for the page, the others are there with it
        expect(cockpit.locator(f'[data-n="{name}"]:visible')).to_have_text(text)
    check_close = [float(text.replace("−", "-")) for name, text in expected.items() if not name.startswith("C ")]
    assert len(set(check_close)) > 3, "numbers that are all the same would prove nothing"


def slider(cockpit: Locator, name: str) -> Locator:
    """The handle of a slider by its label, and its read-out."""
    return cockpit.locator(".widget-slider", has=cockpit.page.get_by_text(name, exact=True))


def readout(cockpit: Locator, name: str) -> float:
    """What a slider says."""
    return float(slider(cockpit, name).locator(".widget-readout").inner_text())


@pytest.mark.parametrize(("number", "name"), [(0, "warehouse"), (1, "fridge")])
def test_in_the_book_the_numbers_follow_step_sigma_and_psi(page, built_book, number, name):
    visit(page, built_book, "guides/cockpit")
    cockpit, flight = page.locator(".maca-cockpit").nth(number), flight_of(name)
    check_numbers(cockpit, flight, int(readout(cockpit, "step")), readout(cockpit, "σ in 1/n"), None)
    steps, sigmas = (slider(cockpit, label).get_by_role("slider") for label in ("step", "σ in 1/n"))
    seen = set()
    for key, mixture in (("Home", "thirds"), ("ArrowRight", "Jnt"), ("End", "Cor")):
        for moved in (steps, sigmas):  # by keyboard
            moved.focus()
            moved.press(key)
        cockpit.get_by_role("button", name=mixture, exact=True).press("Enter")
        where = int(readout(cockpit, "step")), readout(cockpit, "σ in 1/n")
        check_numbers(cockpit, flight, *where, MIXTURES[mixture])
        seen.add(where)
    assert len(seen) == 3
    picture = cockpit.locator("img:visible")
    assert picture.count() == 1
    assert picture.evaluate("image => image.naturalWidth") > 300


def test_type_is_large_and_the_table_fits(page, built_book):
    """As on a projector: nothing in the cockpit is smaller than 13 pixels, and at 1280 nothing is cut off."""
    visit(page, built_book, "guides/cockpit")
    cockpit = page.locator(".maca-cockpit").first
    expect(cockpit.locator("table:visible")).to_be_visible()
    sizes = cockpit.locator("td:visible, th:visible, div:visible").evaluate_all(
        "all => all.map(part => parseFloat(getComputedStyle(part).fontSize))"
    )
    assert min(sizes) >= 13
    assert cockpit.locator("table:visible").evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")


@pytest.fixture
def live(page, jupyter):
    """The live cockpit of a notebook of its own, in JupyterLab."""
    address, token = jupyter
    name = "cockpit_live.ipynb"
    write_notebook(address, token, f"notebooks/{name}")
    page.goto(f"{address}/lab/tree/notebooks/{name}?token={token}")
    page.wait_for_function(OPEN, arg=name, timeout=180_000)
    choose(page, "Run", "Run All Cells")
    page.wait_for_function(f"({CELLS})().every(cell => cell.count)", timeout=180_000)
    explorer = show(page, r"cockpit\(", "maca-cockpit")
    assert [cell["errors"] for cell in code_cells(page) if cell["errors"]] == []
    return explorer


def write_notebook(address: str, token: str, path: str):
    """A notebook with one cell, through JupyterLab's own interface."""
    cell = {"cell_type": "code", "source": CELL, "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 4}
    body = json.dumps({"type": "notebook", "format": "json", "content": content}).encode()
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/api/contents/{path}", body, headers, method="PUT")
    urllib.request.urlopen(request, timeout=60).close()


def test_in_jupyterlab_the_numbers_follow_mouse_and_keyboard(page, live):
    flight = flight_of("ring")
    check_numbers(live, flight, int(readout(live, "step")), readout(live, "σ in 1/n"), None)
    steps = slider(live, "step").get_by_role("slider")
    steps.focus()
    steps.press("Home")
    check_numbers(live, flight, 1, readout(live, "σ in 1/n"), None)
    for _ in range(2):
        steps.press("ArrowRight")
    check_numbers(live, flight, 3, readout(live, "σ in 1/n"), None)
    drag(page, live, 1, 0.2)  # sigma
    sigma = readout(live, "σ in 1/n")
    assert sigma != 1.0
    check_numbers(live, flight, 3, sigma, None)
    drag(page, live, 2, 0.25)  # psi of Jnt
    drag(page, live, 3, 0.5)  # of Cor
    jnt, cor = readout(live, "ψ Jnt"), readout(live, "ψ Cor")
    check_numbers(live, flight, 3, sigma, (jnt, max(0.0, 1 - jnt - cor), cor))
    live.get_by_label("ψ", exact=True).select_option("Ind")
    check_numbers(live, flight, 3, sigma, (0, 1, 0))
    live.get_by_label("run", exact=True).select_option("fridge")
    expect(live.locator('[data-n="C D"]:visible')).to_be_visible()
    expect(live.locator('[data-n="C E"]:visible')).to_have_count(0)
    fridge = flight_of("fridge")
    check_numbers(live, fridge, int(readout(live, "step")), 1.0, (0, 1, 0))
