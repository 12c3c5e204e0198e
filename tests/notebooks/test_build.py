"""The notebook builder: the same bytes twice, nothing half-written, and a message that says what went wrong."""

import json
import sys

import nbformat
import pytest

from maca_edu.course import build as builder

HEADER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
---

# A tiny lab

"""


def lab(*cells, tags=""):
    return HEADER + "\n".join(f"```{{code-cell}} ipython3\n{tags}{cell}\n```\n" for cell in cells)


@pytest.fixture
def tiny(tmp_path):
    """A function that builds a tiny lab and returns the path of its notebook."""

    def make(text):
        source, target = tmp_path / "90_tiny.md", tmp_path / "90_tiny.ipynb"
        source.write_text(text, encoding="utf-8")
        builder.build(source, target)
        return target

    return make


FIGURE = """import matplotlib.pyplot as plt
from maca_edu.widgets import console, show, style
from toy_envs import fridge_v0
style.use()
fig, ax = plt.subplots()
ax.plot([1, 2], [3, 5], label="up")
ax.legend()
show(fig, alt="A line that goes up.")"""


def test_two_builds_give_the_same_bytes(tiny):
    text = lab(FIGURE, "console(fridge_v0.game(), mode='frames')", "console(fridge_v0.game())")
    first = tiny(text).read_bytes()
    assert tiny(text).read_bytes() == first
    notebook = nbformat.reads(first.decode(), as_version=4)
    nbformat.validate(notebook)
    assert sys.version.split()[0] not in json.dumps(notebook.metadata["language_info"])
    assert [cell.get("execution_count") for cell in notebook.cells] == [None, 1, 2, 3]
    assert notebook.cells[1].metadata["mystnb"]["image"]["alt"] == "A line that goes up."
    state = notebook.metadata["widgets"][builder.WIDGETS]["state"]
    assert list(state) == [f"{number:032x}" for number in range(len(state))]
    shown = notebook.cells[2].outputs[0].data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert state[shown]["state"]["_dom_classes"] == ["maca-console"]


def test_a_pause_between_two_prints_does_not_part_them(tiny):
    path = tiny(lab("import time\nprint('one', flush=True)\ntime.sleep(0.5)\nprint('two')\ndisplay(3)\nprint('four')"))
    outputs = nbformat.read(path, as_version=4).cells[1].outputs
    found = [output.get("text") or output.data["text/plain"] for output in outputs]
    assert found == ["one\ntwo\n", "3", "four\n"]


def test_the_kernel_is_the_python_that_builds_and_works_beside_the_notebook(tiny):
    path = tiny(lab("import os, sys\nprint(sys.executable)\nprint(os.getcwd())"))
    (output,) = nbformat.read(path, as_version=4).cells[1].outputs
    assert output.text.split() == [sys.executable, str(path.parent)]


def test_a_failing_cell_leaves_the_old_notebook_and_says_which(tiny):
    path = tiny(lab("x = 1"))
    before = path.read_bytes()
    with pytest.raises(builder.BuildError, match=r"code cell 2 failed(.|\n)*x / 0(.|\n)*ZeroDivisionError"):
        tiny(lab("x = 1", "x / 0", "x = 2"))
    assert path.read_bytes() == before
    assert [file.name for file in sorted(path.parent.iterdir())] == ["90_tiny.ipynb", "90_tiny.md"]


@pytest.mark.parametrize("package", ["jupytext", "nbclient"])
def test_a_missing_package_is_one_sentence(tiny, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(builder.BuildError, match=rf"^Building labs needs {package}; get it with: .*\.\[test\]"):
        tiny(lab("x = 1"))


def test_labs_are_chosen_by_number(tmp_path):
    for name in ("01_one.md", "02_two.md", "notes.md"):
        (tmp_path / name).touch()
    assert [path.name for path in builder.find_sources([], tmp_path)] == ["01_one.md", "02_two.md"]
    assert [path.name for path in builder.find_sources(["02"], tmp_path)] == ["02_two.md"]
    with pytest.raises(builder.BuildError, match=r"Found no source of 07 in .*; there are: 01, 02"):
        builder.find_sources(["01", "07"], tmp_path)


def test_the_command_says_what_is_wrong_and_fails(capsys):
    assert builder.main(["99"]) == 1
    assert "Found no source of 99" in capsys.readouterr().err
