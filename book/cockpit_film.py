"""Make the moving picture of the cockpit for README and start page: an episode of the warehouse, step by step.

python book/cockpit_film.py      # writes book/_static/cockpit.gif, and cockpit.png for readers who want nothing to move
"""

import io
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from maca_edu.widgets import cockpit_figure

OUT = Path(__file__).parent / "_static" / "cockpit.gif"
STEPS = range(1, 19, 2)
STILL = 9  # the step that stands for all
SHOWN = 1600  # milliseconds of a step


def picture(step: int) -> Image.Image:
    """A moment of the episode, 910 pixels wide."""
    figure, file = cockpit_figure("warehouse", step), io.BytesIO()
    figure.savefig(file, format="png", dpi=70)
    plt.close(figure)
    return Image.open(file).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)


if __name__ == "__main__":
    first, *others = [picture(step) for step in STEPS]
    first.save(OUT, save_all=True, append_images=others, duration=SHOWN, loop=0, optimize=True)
    picture(STILL).save(OUT.with_suffix(".png"), optimize=True)
    print(f"Written to {OUT.name}: {OUT.stat().st_size:,} bytes")
