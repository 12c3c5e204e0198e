"""The slider over frames: every picture with its alt text and its name, linked without a kernel."""

import base64
import io
import re

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from maca_edu.widgets import figure_frame, frames


def draw():
    fig, ax = plt.subplots(figsize=(4, 3))
    ax.plot([1, 2], [3, 5], color="#0072B2")
    ax.imshow(np.arange(64).reshape(8, 8), cmap="cividis", extent=(1, 1.5, 4, 5), aspect="auto")
    return fig


def test_a_figure_becomes_an_image_with_its_alt_text():
    fig = draw()
    frame = figure_frame(fig, alt='Both "a" & b.')
    assert 'alt="Both &quot;a&quot; &amp; b."' in frame
    picture = Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]*)", frame)[1])))
    assert picture.size == (400, 300)
    assert fig.number not in plt.get_fignums()
    assert figure_frame(draw(), alt='Both "a" & b.') == frame


def test_fewer_colours_look_the_same():
    fig = draw()
    buffer = io.BytesIO()
    fig.savefig(buffer, dpi=100)
    exact = np.asarray(Image.open(buffer).convert("RGB"), dtype=int)
    frame = base64.b64decode(re.search(r"base64,([^\"]*)", figure_frame(fig, alt="A picture."))[1])
    reduced = np.asarray(Image.open(io.BytesIO(frame)).convert("RGB"), dtype=int)
    difference = np.abs(exact - reduced).max(axis=2)
    assert np.mean(difference > 8) < 0.001  # of 255
    assert len(frame) < len(buffer.getvalue())


def test_a_figure_without_alt_text_is_refused():
    fig = draw()
    with pytest.raises(ValueError, match="say in a sentence or two"):
        figure_frame(fig, alt=" ")
    plt.close(fig)


def test_the_slider_names_every_frame_and_is_linked_to_the_stack(monkeypatch):
    links = []
    monkeypatch.setattr(widgets, "jslink", lambda source, target: links.append((source, target)))
    explorer = frames(["<b>low</b>", "<b>high</b>"], labels=[0.1, 0.9], description="p", start=1)
    slider, stack = explorer.children
    assert "maca-frames" in explorer._dom_classes
    assert slider.options == ("0.1", "0.9")
    assert slider.index == stack.selected_index == 1
    assert [re.sub("<[^>]*>", "|", child.value) for child in stack.children] == ["|low||p = 0.1|", "|high||p = 0.9|"]
    assert repr(explorer) == "A slider over 2 pictures, p = 0.1 to p = 0.9: run this cell to move it."
    assert links == [((slider, "index"), (stack, "selected_index"))]


@pytest.mark.parametrize(
    ("pictures", "labels", "start", "message"),
    [
        ([], [], 0, "for 0 pictures"),
        (["a", "b"], ["x"], 0, "for 2 pictures; one label for each is needed, all different"),
        (["a", "b"], ["x", "x"], 0, "all different"),
        (["a", "b"], ["x", "y"], 2, "start=2; allowed are 0 to 1"),
    ],
)
def test_wrong_arguments_are_one_sentence(pictures, labels, start, message):
    with pytest.raises(ValueError, match=message):
        frames(pictures, labels, start=start)
