"""The page of explorers: what is in its tabs, and what is said where it cannot be served. Needs no Voila."""

import importlib.util
import re
import socket
import subprocess
from pathlib import Path

import ipywidgets as widgets
import pytest

from maca_edu.cli import main
from maca_edu.course.projector import page as pages
from maca_edu.course.projector import serve as served
from maca_edu.widgets.frames import Explorer

ROOT = Path(__file__).parents[2]


def shown(page: widgets.Tab, number: int) -> widgets.Widget:
    """What stands below the sentence of a tab."""
    return page.children[number].children[1]


def test_an_explorer_is_made_when_its_tab_is_opened():
    page = pages.page()
    assert page.titles == tuple(tab.title for tab in pages.TABS)
    made = [isinstance(shown(page, k), Explorer) for k in range(len(pages.TABS))]
    assert made == [True] + [False] * (len(pages.TABS) - 1)
    first = shown(page, 0)
    for number, words in ((1, "maca-psi"), (2, "maca-sigma"), (3, "maca-cockpit"), (4, "maca-replay")):
        assert "preparing" in shown(page, number).value
        page.selected_index = number
        assert words in shown(page, number)._dom_classes
    page.selected_index = 0
    assert shown(page, 0) is first  # made once


def test_a_tab_says_what_to_do_in_one_sentence():
    for number, tab in enumerate(pages.TABS):
        assert re.fullmatch(r"[A-ZO][^.?!]+[.?]", tab.sentence), tab.title
        assert len(tab.title) <= 12
        assert f"(Chapter {tab.chapter})" in pages.page().children[number].children[0].value


def test_the_replay_ends_with_the_episodes_reward():
    from maca_edu.experiments.shipped import load_shipped

    record = load_shipped("warehouse").record
    *_, last = pages.trained_replay().children[1].children
    assert f"Step {record.steps} of {record.steps}." in last.value
    paid = re.search(r'maca-replay-total">(.+?)<', last.value)[1]
    assert float(paid.replace("−", "-")) == pytest.approx(record.reward.sum(), abs=1e-4)


def test_an_explorer_that_fails_leaves_a_sentence():
    def fail():
        raise FileNotFoundError("no <run>")

    said = pages.made(pages.Tab("x", 1, "X.", fail)).value
    assert "This explorer could not be made. FileNotFoundError: no &lt;run&gt;" in said


@pytest.mark.parametrize("port", ["0", "80", "65536", "-1"])
def test_a_port_that_is_none(capsys, port):
    assert main(["app", "--port", port]) == 2
    assert capsys.readouterr().err == f"maca-edu: port={port}; allowed are 1024 to 65535\n"


def test_without_voila_the_page_says_what_to_install(capsys, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(served, "find_spec", lambda name: None if name == "voila" else found(name))
    assert main(["app"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("maca-edu: the page of explorers needs the package voila; get it with: ")
    assert "[app]" in said
    assert len(said.splitlines()) == 1


def test_a_port_that_is_taken(capsys, monkeypatch):
    monkeypatch.setattr(served, "find_spec", lambda name: "here")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["app", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"maca-edu: port={port} is taken")
    assert len(said.splitlines()) == 1


def test_only_the_page_itself_installs_voila():
    """`make lab` and `make test` do not; the browser tests drive the page, too."""

    def installs(target: str) -> bool:
        dry = subprocess.run(
            ["make", "--no-print-directory", "--dry-run", "--always-make", target],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return '".[app]"' in dry.stdout

    assert {target: installs(target) for target in ("lab", "test", "book", "app", "browser-test")} == {
        "lab": False,
        "test": False,
        "book": False,
        "app": True,
        "browser-test": True,
    }


def test_nothing_of_the_page_stands_elsewhere():
    """The addresses that Voila's template asks are in blocks that ours replaces; the browser test sees the rest."""
    files = [path for path in (served.HERE / "jupyter").rglob("*") if path.is_file()]
    assert len(files) == 3
    assert [path.name for path in files if "//" in path.read_text(encoding="utf-8").replace("{#-", "")] == []
