"""A slider over precomputed pictures: it moves in JupyterLab and, having no need of a kernel, in the static book."""

from __future__ import annotations

import base64
import html
import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
from ipywidgets.widgets.widget_string import HTMLStyle
from PIL import Image

from maca_edu.checks import check, check_integer, shown
from maca_edu.widgets.style import check_alt, png
from toy_envs.core import members


class Explorer(widgets.VBox):
    """A box of widgets with a sentence about itself, which is shown where widgets cannot be.

    JupyterLab, for example, shows no widgets of a notebook that was run on another computer, until it is run again.
    """

    def __init__(self, children, css_class: str, text: str):
        super().__init__(children)
        self.add_class(css_class)
        self.text = text

    def __repr__(self) -> str:
        return self.text


def figure_frame(fig, alt: str) -> str:
    """A figure as one frame: `<img>` with its alt text; the figure is closed. ValueError where alt is empty.

    The picture is reduced to 256 colours: a chart looks the same and takes a third of the bytes.
    """
    alt = check_alt(alt)
    picture = Image.open(io.BytesIO(png(fig, dpi=100))).convert("RGB")
    plt.close(fig)
    buffer = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}" style="max-width: 100%">'


def frames(pictures, labels, description: str = "", start: int = 0) -> Explorer:
    """A slider that shows one of several precomputed pictures.

    pictures: HTML texts, such as those of `figure_frame`. labels: one for each, all different.
    description: what the slider sets, such as "p". start: the number of the picture shown first, from 0.
    ValueError where the labels do not fit the pictures, or start is not the number of one.
    """
    description = check("description", description, str)
    for name, given in (("pictures", pictures), ("labels", labels)):
        if members(given) is None:
            raise ValueError(f"{name}={shown(given)}; allowed is a list")
    pictures, labels = list(pictures), [str(label) for label in labels]
    if not all(isinstance(picture, str) for picture in pictures):
        raise ValueError("pictures holds what is no word; allowed are HTML texts, such as those of figure_frame")
    if not pictures or len(labels) != len(pictures) or len(set(labels)) < len(labels):
        raise ValueError(f"labels={labels} for {len(pictures)} pictures; one label for each is needed, all different")
    if check_integer("start", start, 0) >= len(pictures):
        raise ValueError(f"start={start}; allowed are 0 to {len(pictures) - 1}")
    slider = widgets.SelectionSlider(
        options=labels,
        index=start,
        description=description,
        style={"description_width": "initial"},
        layout={"width": "auto", "max_width": "44em"},
    )
    captions = [f"{description} = {label}" if description else label for label in labels]
    leaves = [
        f'{picture}<p class="maca-frames-label" style="margin: 0.2em 0">{html.escape(caption)}</p>'
        for picture, caption in zip(pictures, captions, strict=True)
    ]
    stack = widgets.Stack(html_leaves(leaves), selected_index=start)
    widgets.jslink((slider, "index"), (stack, "selected_index"))
    text = f"A slider over {len(labels)} pictures, {captions[0]} to {captions[-1]}: run this cell to move it."
    return Explorer([slider, stack], "maca-frames", text)


def html_leaves(texts) -> list[widgets.HTML]:
    """HTML widgets that share one layout and one style, which keeps the stored state small."""
    layout, style = widgets.Layout(), HTMLStyle()
    return [widgets.HTML(text, layout=layout, style=style) for text in texts]


def html_table(rows) -> str:
    """A table of (head, text) pairs, both HTML, without lines: the numbers beside an explorer's picture."""
    cell = "padding: 0 0.6em; border: none; background: none; text-align: left; vertical-align: top"
    body = "".join(
        f'<tr style="background: none"><th scope="row" style="{cell}; font-weight: normal">{head}</th>'
        f'<td style="{cell}">{text}</td></tr>'
        for head, text in rows
    )
    table = "border-collapse: collapse; font-variant-numeric: tabular-nums; color: inherit; margin: 0"
    return f'<table style="{table}"><tbody>{body}</tbody></table>'
