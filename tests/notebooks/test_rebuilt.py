"""A stored lab that somebody changed by hand is told from one that a run gives, with the place where it differs."""

import base64
import copy
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from maca_edu.course import build as builder
from maca_edu.course.rebuilt import RECORD, SHADES, compare_pictures, differences

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LAB = nbformat.read(NOTEBOOKS / "01_who_carried_the_fridge.ipynb", as_version=4)


def states(notebook) -> dict:
    """The stored widgets."""
    return notebook.metadata["widgets"][builder.WIDGETS]["state"]


def encoded(picture: np.ndarray) -> str:
    """`[height, width, 3]`, 0 to 255, as a PNG in base64."""
    buffer = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def decoded(png: str) -> np.ndarray:
    """The colours of a PNG in base64."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def figures(notebook) -> list:
    """The data of every output that is a figure."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data for output in outputs if "image/png" in output.get("data", {})]


def plus_seven(notebook):
    """The console of a game that pays +6 shows +7."""
    model = next(model for model in states(notebook).values() if ">+6<" in model["state"].get("value", ""))
    model["state"]["value"] = model["state"]["value"].replace(">+6<", ">+7<")


def upside_down(notebook):
    """A figure stands on its head."""
    data = figures(notebook)[0]
    data["image/png"] = encoded(decoded(data["image/png"])[::-1])


def mirrored(notebook):
    """A figure is seen in a mirror."""
    data = figures(notebook)[-1]
    data["image/png"] = encoded(decoded(data["image/png"])[:, ::-1])


def other_colours(notebook):
    """What is blue in a figure is vermillion."""
    data = figures(notebook)[1]
    picture = decoded(data["image/png"])
    blue = np.abs(picture - (0x00, 0x72, 0xB2)).max(axis=-1) < 12
    assert blue.any()
    picture[blue] = (0xD5, 0x5E, 0x00)
    data["image/png"] = encoded(picture)


def frame_upside_down(notebook):
    """One picture behind a slider stands on its head."""
    model = next(model for model in states(notebook).values() if "base64," in model["state"].get("value", ""))
    begin, png, end = re.split(r"base64,([^\"]*)", model["state"]["value"], maxsplit=1)
    model["state"]["value"] = f"{begin}base64,{encoded(decoded(png)[::-1])}{end}"


def other_size(notebook):
    """A figure has a line of pixels less."""
    data = figures(notebook)[0]
    data["image/png"] = encoded(decoded(data["image/png"])[1:])


def other_start(notebook):
    """A slider stands elsewhere."""
    model = next(model for model in states(notebook).values() if model["model_name"] == "SelectionSliderModel")
    model["state"]["index"] += 1


def other_button(notebook):
    """Another button of a console is pressed."""
    model = next(model for model in states(notebook).values() if model["model_name"] == "ToggleButtonsModel")
    model["state"]["index"] = 1 - model["state"]["index"]


def swapped_widgets(notebook):
    """Two cells show each other's widget."""
    views = "application/vnd.jupyter.widget-view+json"
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    first, second, *_ = [output.data for output in outputs if views in output.get("data", {})]
    first[views], second[views] = second[views], first[views]


def other_description(notebook):
    """A figure is described in other words to those who do not see it."""
    output = next(out for cell in notebook.cells for out in cell.get("outputs", []) if builder.has_alt(out))
    output.metadata["image/png"]["alt"] += " Up."


def other_print(notebook):
    """A printed number is another."""
    output = next(out for cell in notebook.cells for out in cell.get("outputs", []) if out.output_type == "stream")
    output.text = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), output.text, count=1)


def other_record(notebook):
    """A number that the book quotes is larger by a fiftieth."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    data = next(output.data for output in outputs if float(output.get("data", {}).get(RECORD, 0)))
    data[RECORD] = str(1.02 * float(data[RECORD]))


def no_widgets(notebook):
    """The widgets are gone."""
    notebook.metadata.pop("widgets")


DIFFERS = r"^cell \d+: outputs \d, data, image/png: the picture differs in [\d,]+ of [\d,]+ pixels, most at x=\d+, y="
CHANGES = {
    plus_seven: r"^widgets, \w+, state, value: stored is .*\+7.*rebuilt .*\+6",
    upside_down: DIFFERS,
    mirrored: DIFFERS,
    other_colours: DIFFERS,
    frame_upside_down: r"^widgets, \w+, state, value: the picture differs in [\d,]+ of [\d,]+ pixels",
    other_size: r"the stored picture has \d+ x \d+ pixels, the rebuilt one \d+ x \d+",
    other_button: r"^widgets, \w+, state, index: stored is \d, rebuilt \d$",
    other_start: r"^widgets, \w+, state, index: stored is \d+, rebuilt \d+$",
    swapped_widgets: r"^cell \d+: outputs \d, data, application/vnd.jupyter.widget-view\+json, model_id: stored is",
    other_description: r"^cell \d+: outputs \d, metadata, image/png, alt: stored is .* Up\.",
    other_print: r"^cell \d+: outputs \d, text: stored is",
    other_record: r"^cell \d+: outputs \d, data, application/papermill.record/text/plain: stored is",
    no_widgets: r"^widgets: \w+ is only rebuilt$",
}


def test_a_lab_is_as_stored():
    assert differences(LAB, copy.deepcopy(LAB)) == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_lab_is_found_with_the_place(change):
    changed = copy.deepcopy(LAB)
    change(changed)
    found = differences(changed, LAB)
    assert found
    assert all(re.search(CHANGES[change], line) for line in found), found


def test_what_another_processor_may_change_is_no_difference():
    stored, other = copy.deepcopy(LAB), copy.deepcopy(LAB)
    for data in figures(other):  # drawn a pixel further to the right, with other shades
        picture = np.roll(decoded(data["image/png"]), 1, axis=1)
        picture[:, 0] = picture[:, 1]
        data["image/png"] = encoded((picture + 10).clip(max=255))
    for notebook, rate in ((stored, 1 / 3), (other, 1 / 3 + 1e-9)):
        next(iter(states(notebook).values()))["state"]["rate"] = rate
        notebook.cells[-1] = nbformat.from_dict({"outputs": [{"data": {RECORD: f"{rate:.12g}"}}]})
    assert differences(stored, other) == []


def test_pictures_may_differ_by_so_much_and_no_more():
    grey = np.full((20, 30, 3), 100)
    for change, found in ((SHADES, 0), (SHADES + 1, 1), (-SHADES, 0), (-SHADES - 1, 1)):
        dot = grey.copy()
        dot[-1, -1, 2] += change
        assert len(compare_pictures("here", encoded(grey), encoded(dot))) == found
        assert len(compare_pictures("here", encoded(dot), encoded(grey))) == found
    (line,) = compare_pictures("here", encoded(grey), encoded(dot))
    assert line.endswith("differs in 1 of 600 pixels, most at x=29, y=19: by 41 of 255 shades, allowed are 40")


def test_a_line_may_move_by_a_pixel_and_not_by_two():
    for moved, found in ((0, 0), (1, 0), (2, 1)):
        pictures = [np.full((20, 30, 3), 255), np.full((20, 30, 3), 255)]
        pictures[0][8], pictures[1][8 + moved] = 0, 0
        assert len(compare_pictures("here", *map(encoded, pictures))) == found


TINY = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
---

# A tiny lab

```{code-cell} ipython3
import time
import matplotlib.pyplot as plt
from maca_edu.widgets import console, show, style
from toy_envs import fridge_v0
style.use()
fig, ax = plt.subplots()
ax.plot([1, 2], [3, 5], label="up")
show(fig, alt="A line that goes up.")
print(f"took {time.perf_counter():.6f} seconds")
```

```{code-cell} ipython3
console(fridge_v0.game(), action=[1, 1, 1, 1])
```
"""


@pytest.fixture(scope="module")
def nbval(tmp_path_factory):
    """What `pytest --nbval` prints of a tiny lab and of copies of it that were changed."""
    folder = tmp_path_factory.mktemp("labs")
    shutil.copy(NOTEBOOKS / "conftest.py", folder)
    (folder / "tiny.md").write_text(TINY, encoding="utf-8")
    builder.build(folder / "tiny.md", folder / "right.ipynb")
    for change in (plus_seven, upside_down, other_button):
        notebook = nbformat.read(folder / "right.ipynb", as_version=4)
        change(notebook)
        nbformat.write(notebook, folder / f"{change.__name__}.ipynb")
    words = [sys.executable, "-m", "pytest", "--nbval", ".", "--nbval-sanitize-with", str(NOTEBOOKS / "sanitize.cfg")]
    words += ["-p", "no:cacheprovider", "-q", "--color=no"]
    path = {"PYTHONPATH": str(NOTEBOOKS.parent)}
    return subprocess.run(words, cwd=folder, env=os.environ | path, capture_output=True, text=True).stdout


def test_nbval_finds_changed_widgets_and_pictures(nbval):
    assert re.search("^3 failed, 9 passed", nbval, re.MULTILINE), nbval
    assert re.search(r"plus_seven.ipynb run again does not show what is stored:\nwidgets, .*\+7.*rebuilt .*\+6", nbval)
    assert re.search(r"upside_down.ipynb run again does not show what is stored:\ncell 1: .*the picture differs", nbval)
    assert re.search(r"other_button.ipynb run again .*:\nwidgets, \w+, state, index: stored is 0, rebuilt 1\n", nbval)


def test_what_a_marked_cell_shows_is_not_compared():
    changed = copy.deepcopy(LAB)
    upside_down(changed)
    assert differences(LAB, changed)
    stored = copy.deepcopy(LAB)
    for cell in stored.cells:
        cell.metadata["tags"] = ["nbval-ignore-output"]
    assert not differences(stored, changed)
