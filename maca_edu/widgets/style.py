"""One look for every figure: the style file, the named colours, and `show`, which never forgets the alt text."""

from __future__ import annotations

import io
from importlib.resources import files

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

from maca_edu.checks import check, check_integer, shown

GOOD = "#0072B2"  # positive credit: blue
BAD = "#D55E00"  # negative credit: vermillion
NEUTRAL = "#6E6E6E"  # neither: grey

# Okabe and Ito's colours for single agents; A is never blue or vermillion, which mean good and bad.
AGENT_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")


def use():
    """Apply the course's matplotlib style (`maca_edu/maca.mplstyle`) to every figure made from here on."""
    plt.style.use(str(files("maca_edu") / "maca.mplstyle"))


def agent_colour(i: int) -> str:
    """The colour of agent i, `"#rrggbb"`; the palette starts again after six agents."""
    return AGENT_COLOURS[check_integer("i", i, 0) % len(AGENT_COLOURS)]


def level_colour(k: int, n_levels: int = 5) -> str:
    """The colour of credit assignment level k = 0..n_levels, from dark (few agents) to light (many), cividis."""
    if not check_integer("k", k, 0) <= check_integer("n_levels", n_levels, 1):
        raise ValueError(f"level k={k}; allowed are 0 to n_levels={n_levels}")
    red, green, blue, _ = plt.get_cmap("cividis")(0.9 * k / n_levels)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def check_alt(alt) -> str:
    """The alt text on one line; ValueError where there is none."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            f"alt={shown(alt)}; say in a sentence or two what the figure shows, for readers who cannot see it"
        )
    return " ".join(alt.split())


def png(fig, dpi: float | None = None) -> bytes:
    """The figure as a PNG without a time stamp or version in it: the same figure gives the same bytes."""
    if not isinstance(fig, Figure):
        raise ValueError(f"fig={shown(fig)}; allowed is a figure of matplotlib")
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi or "figure", metadata={"Software": None})
    return buffer.getvalue()


def show(fig, alt: str, name: str | None = None) -> None:
    """Display a figure with its alt text and close it.

    alt: what the figure shows, in a sentence or two. It is the output's text form, and the book's `<img alt>`.
    ValueError where it is empty.
    name: a name by which a text of the book can show the figure too, with the directive `glue`.
    """
    alt, name = check_alt(alt), check("name", name, str | None)
    data = {"image/png": png(fig), "text/plain": alt}
    plt.close(fig)
    metadata = {"image/png": {"alt": alt}}
    if name is not None:
        metadata["scrapbook"] = {"name": name, "mime_prefix": ""}
    display(data, raw=True, metadata=metadata)
