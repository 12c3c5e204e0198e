"""Bring the labs from notebooks/ into the book, where each stands below its chapter."""

from __future__ import annotations

from pathlib import Path


def copy_labs(source: Path, target: Path) -> None:
    """Bring `target` up to date with the labs in `source`: copy those that changed, remove those that are gone.

    The course's start page in JupyterLab (00) has no place in the book. A lab links to its text where it stands in the
    repository; the copy links to the page.
    """
    target.mkdir(exist_ok=True)
    labs = {path.name: path for path in source.glob("[0-9][0-9]*_*.ipynb") if not path.name.startswith("00")}
    for path in target.glob("*.ipynb"):
        if path.name not in labs:
            path.unlink()
    for name, path in labs.items():
        text = path.read_text(encoding="utf-8").replace("(../book/chapters/", "(../chapters/")
        copy = target / name
        if not copy.exists() or copy.read_text(encoding="utf-8") != text:
            copy.write_text(text, encoding="utf-8")
