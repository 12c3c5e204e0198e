"""Figures and explorers of the labs: one style, alt texts, and explorers that also move in the static book.

The cockpit needs torch, which is imported when it is first used.
"""

from maca_edu.widgets import style
from maca_edu.widgets.console import console
from maca_edu.widgets.frames import figure_frame, frames
from maca_edu.widgets.mixture_explorer import psi_explorer
from maca_edu.widgets.replay import replay
from maca_edu.widgets.sigma_explorer import sigma_explorer
from maca_edu.widgets.style import show

__all__ = [
    "cockpit",
    "cockpit_figure",
    "console",
    "figure_frame",
    "frames",
    "psi_explorer",
    "replay",
    "show",
    "sigma_explorer",
    "style",
]


def __getattr__(name: str):
    modules = {"cockpit": "cockpit_explorer", "cockpit_figure": "cockpit_figures"}
    if name not in modules:
        raise AttributeError(f"module 'maca_edu.widgets' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"maca_edu.widgets.{modules[name]}"), name)
