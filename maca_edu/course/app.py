"""The explorers as one page for the projector: `make app`.

    python -m maca_edu.course.app build/app      # writes explorers.ipynb, which Voila serves as a page

A tab holds one explorer. They are live: each asks the page's own kernel.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from maca_edu.checks import check_path
from maca_edu.files import write_whole

NAME = "explorers.ipynb"
CODE = """\
import ipywidgets as widgets

from maca_edu.widgets import cockpit, console, psi_explorer, sigma_explorer
from toy_envs import fridge_v0

explorers = {
    "Fridge": console(fridge_v0.game()),
    "Mixtures, ψ": psi_explorer(),
    "CorrSets, σ": sigma_explorer(),
    "Cockpit: warehouse": cockpit("warehouse"),
    "Cockpit: Fridge": cockpit("fridge"),
}
widgets.Tab(children=list(explorers.values()), titles=list(explorers))
"""


def notebook() -> nbformat.NotebookNode:
    """The notebook of the page: one cell, which shows the tabs."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE, id="tabs")], metadata=kernel)


def write_app(folder: str | Path) -> Path:
    """Write the page's notebook into a folder, which is made where it is missing; returns its path."""
    folder = check_path("folder", folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / NAME, nbformat.writes(notebook()) + "\n")
    return folder / NAME


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Use: python -m maca_edu.course.app FOLDER")
    print(write_app(sys.argv[1]))
