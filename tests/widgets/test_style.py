"""The one style: readable sizes, colours that everyone can tell apart, and figures that never lack an alt text."""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from maca_edu.widgets import show, style


@pytest.fixture(autouse=True)
def restored():
    with mpl.rc_context():
        plt.switch_backend("agg")
        style.use()
        yield
    plt.close("all")


@pytest.fixture
def displayed(monkeypatch):
    """What `show` displays: a list of (data, metadata)."""
    calls = []
    monkeypatch.setattr(style, "display", lambda data, raw, metadata: calls.append((data, metadata)))
    return calls


def luminance(colour):
    """Relative luminance of WCAG 2, from 0 (black) to 1 (white)."""
    channels = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_every_text_is_at_least_12_points():
    fig, ax = plt.subplots()
    ax.plot([0, 1], label="a line")
    ax.set(title="A title", xlabel="x", ylabel="y")
    ax.legend()
    fig.canvas.draw()  # which writes the numbers on the axes
    texts = [text for text in fig.findobj(mpl.text.Text) if text.get_text()]
    assert len(texts) > 5
    assert min(text.get_fontsize() for text in texts) >= 12
    assert tuple(fig.get_size_inches()) == (7, 4)


@pytest.mark.parametrize("colour", [style.GOOD, style.BAD, style.NEUTRAL])
def test_named_colours_stand_out_on_white_and_on_black(colour):
    assert contrast(colour, "white") >= 3
    assert contrast(colour, "#111111") >= 3


def test_agents_have_colours_of_their_own_which_do_not_mean_good_or_bad():
    colours = [style.agent_colour(i) for i in range(6)]
    assert len(set(colours)) == 6
    assert not {style.GOOD, style.BAD} & set(colours)
    assert style.agent_colour(6) == colours[0]


def test_levels_grow_lighter():
    brightness = [luminance(style.level_colour(k)) for k in range(6)]
    assert brightness == sorted(brightness)
    with pytest.raises(ValueError, match="level k=6; allowed are 0 to n_levels=5"):
        style.level_colour(6)


def draw():
    fig, ax = plt.subplots()
    ax.plot([1, 2], [3, 5])
    return fig


def test_show_displays_a_picture_with_its_alt_text_and_closes_it(displayed):
    show(draw(), alt="A line\n    that goes up.")
    ((data, metadata),) = displayed
    assert data["text/plain"] == "A line that goes up."
    assert metadata == {"image/png": {"alt": "A line that goes up."}}
    assert Image.open(io.BytesIO(data["image/png"])).size == (770, 440)
    assert not plt.get_fignums()


def test_the_same_figure_gives_the_same_bytes(displayed):
    show(draw(), alt="A line.")
    show(draw(), alt="A line.")
    assert displayed[0] == displayed[1]
    assert not Image.open(io.BytesIO(displayed[0][0]["image/png"])).info.get("Software")


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_a_figure_without_alt_text_is_refused(displayed, alt):
    with pytest.raises(ValueError, match="say in a sentence or two what the figure shows"):
        show(draw(), alt=alt)
    assert not displayed
