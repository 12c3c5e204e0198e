"""Figures and explorers of the labs: one style, alt texts, and explorers that also move in the static book."""

from maca_edu.widgets import style
from maca_edu.widgets.console import console
from maca_edu.widgets.frames import figure_frame, frames
from maca_edu.widgets.mixture_explorer import psi_explorer
from maca_edu.widgets.replay import replay
from maca_edu.widgets.sigma_explorer import sigma_explorer
from maca_edu.widgets.style import show

__all__ = ["console", "figure_frame", "frames", "psi_explorer", "replay", "show", "sigma_explorer", "style"]
