"""The labs as readers get them: in step with their sources, executed in order, with figures that can be seen and heard.

nbval compares a lab's outputs with a fresh run, but passes on a lab that never ran and on an empty picture.
"""

import base64
import html
import io
import re
from functools import cache
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest
from PIL import Image

from maca_edu.course.rebuilt import SHADES, beyond, pixels, ranges

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in (NOTEBOOKS / "src").glob("[0-9][0-9]*_*.md"))
# The start page (00) and the self-test (06b) have no figures and no exercises.
LABS = [name for name in NAMES if re.match(r"\d\d_", name) and not name.startswith("00")]
WIDGETS = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


@cache
def source(name):
    return jupytext.read(NOTEBOOKS / "src" / f"{name}.md", fmt="md:myst")


@cache
def notebook(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(name):
    return [cell for cell in notebook(name).cells if cell.cell_type == "code"]


def outputs(name):
    return [output for cell in code_cells(name) for output in cell.outputs]


def widget_state(name):
    return notebook(name).metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})


def tags(cell):
    return cell.metadata.get("tags", [])


def shown_figures(name):
    """(PNG bytes, alt text) of every figure that `show` displayed."""
    return [
        (base64.b64decode(output.data["image/png"]), output.metadata.get("image/png", {}).get("alt", ""))
        for output in outputs(name)
        if "image/png" in output.get("data", {})
    ]


def framed_figures(name):
    """(PNG bytes, alt text) of every picture in a slider's frames."""
    figures = []
    for model in widget_state(name).values():
        for tag in re.findall(r"<img [^>]*>", str(model["state"].get("value", ""))):
            data = re.search(r'src="data:image/png;base64,([^"]*)"', tag)
            alt = re.search(r'alt="([^"]*)"', tag)
            figures.append((base64.b64decode(data[1]), html.unescape(alt[1]) if alt else ""))
    return figures


def test_every_source_has_a_notebook_and_every_notebook_a_source():
    assert NAMES
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_in_step_with_its_source(name):
    wanted, found = source(name).cells, notebook(name).cells
    assert len(found) == len(wanted), "run `make notebooks`"
    for number, (want, cell) in enumerate(zip(wanted, found, strict=True)):
        same = (cell.cell_type, cell.source, tags(cell)) == (want.cell_type, want.source, tags(want))
        assert same, f"cell {number} differs from the source: run `make notebooks`"


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_ran_once_from_top_to_bottom(name):
    nbformat.validate(notebook(name))
    assert [cell.execution_count for cell in code_cells(name)] == list(range(1, len(code_cells(name)) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_a_lab_that_trains_by_hand_does_so_with_one_thread(name):
    code = "\n".join(cell.source for cell in code_cells(name))
    assert "Trainer(" not in code or "torch.set_num_threads(1)" in code


@pytest.mark.parametrize("name", NAMES)
def test_no_output_is_an_error_or_a_warning(name):
    for output in outputs(name):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.get("text")


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_shown_is_stored(name):
    state = widget_state(name)
    for output in outputs(name):
        if VIEW in output.get("data", {}):
            assert output.data[VIEW]["model_id"] in state
    for model in state.values():
        for other in re.findall(r"IPY_MODEL_(\w+)", str(model["state"])):
            assert other in state


@pytest.mark.parametrize("name", NAMES)
def test_the_header_says_what_awaits_the_reader(name):
    header = notebook(name).cells[0]
    assert header.cell_type == "markdown"
    assert header.source.startswith("# ")
    assert re.search(r"^\*\*Question\.\*\* .+\?", header.source, re.MULTILINE)
    assert "**You will be able to**" in header.source
    assert re.search(r"\*\*Reading:\*\* \d+ minutes", header.source)
    assert "**Needs:**" in header.source
    assert int(re.search(r"\*\*Running:\*\* (\d+) seconds", header.source)[1]) < 60


@pytest.mark.parametrize("name", NAMES)
def test_the_claim_is_asserted_after_the_last_exercise(name):
    cells = code_cells(name)
    claims = [number for number, cell in enumerate(cells) if "claim" in tags(cell)]
    checks = [number for number, cell in enumerate(cells) if any(tag.startswith("check-") for tag in tags(cell))]
    assert claims
    assert max(claims) > max(checks, default=-1)
    for number in claims:
        assert re.search(r"^\s*assert ", cells[number].source, re.MULTILINE)


@pytest.mark.parametrize("name", LABS)
def test_every_figure_shows_something(name):
    figures = shown_figures(name) + framed_figures(name)
    assert figures
    for data, alt in figures:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        counts = [count for count, _ in picture.getcolors(maxcolors=2**24)]
        assert len(counts) > 2, f"only {len(counts)} colours: {alt}"
        assert max(counts) < 0.99 * sum(counts), f"almost blank: {alt}"


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_an_alt_text_that_reaches_the_reader(name):
    assert all(len(alt.split()) >= 4 for _, alt in shown_figures(name) + framed_figures(name))
    for cell in code_cells(name):
        figures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(figures) <= 1, "the book can give a cell one alt text: show one figure in a cell"
        for output in figures:
            alt = output.metadata["image/png"]["alt"]
            assert output.data["text/plain"] == alt
            assert cell.metadata["mystnb"]["image"]["alt"] == alt


WRONG = {  # pictures that nbval has to take for others than the stored one
    "upside down": lambda picture: picture[::-1],
    "mirrored": lambda picture: picture[:, ::-1],
    "moved by two pixels": lambda picture: np.roll(picture, 2, axis=0),
    "red and blue change places": lambda picture: picture[..., ::-1],
}


@pytest.mark.parametrize("name", LABS)
def test_a_wrong_picture_would_be_found(name):
    shown = [output.data["image/png"] for output in outputs(name) if "image/png" in output.get("data", {})]
    in_widgets = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", str(widget_state(name)))
    for number, png in enumerate(shown + in_widgets):
        picture = pixels(png)
        low, high = ranges(picture)
        for change, wrong in WRONG.items():
            assert beyond(wrong(picture), low, high).max() > SHADES, f"picture {number} {change}"


def test_the_start_page_lists_every_lab_with_its_minutes():
    rows = re.findall(r"\[[^]]*\]\((\w+)\.ipynb\) \| (.*) \| (\d+) \|", source("00_start_here").cells[0].source)
    assert [name for name, _, _ in rows] == LABS
    for name, question, minutes in rows:
        header = source(name).cells[0].source
        assert f"**Question.** {question}" in header
        assert f"**Reading:** {minutes} minutes" in header
