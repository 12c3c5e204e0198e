"""The labs that a reader works in: copies without outputs, so that no answer is seen before it is asked for.

    python -m maca_edu.course.my_labs my_labs

The labs in notebooks/ keep their outputs, for the book and for the tests. A copy that the reader has changed is never
written again; one that is as it was made follows its lab.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat

from maca_edu.checks import check_path
from maca_edu.course.class_copy import LABS, without_outputs
from maca_edu.files import write_whole

BOOK = LABS.parent / "book" / "_build" / "html"
MADE = ".made.json"  # {name: the digest of what was written}
TO_CHAPTER = re.compile(r"\(\.\./book/(chapters|methods|guides)/(\w+)\.md\)")
SERVED = r"(/static/html/\1/\2.html)"  # where JupyterLab serves the built book, see LAB in the Makefile
HOW_TO_READ = "how_to_read_the_book.ipynb"
NO_BOOK = f"""# How to read the book

The book is not built yet. In a terminal, in the course's folder, type

    make book

It needs `npm` once, for three JavaScript files. Then `make lab` again: the labs' links will lead to its pages. Without
`npm`, the chapters can be read as text files in `book/chapters`. [Back to the labs]({"00_start_here.ipynb"})
"""


class Copies(NamedTuple):
    """What was done, by the names of the labs."""

    written: list[str]  # new, or made again because their lab has changed
    kept: list[str]  # the reader's own, while their lab has changed since it was copied


def my_labs(folder: str | Path, labs: Path = LABS, book: Path = BOOK) -> Copies:
    """Bring a reader's copies of the labs up to date; what the reader has written stays.

    book: the built book, to which the labs' links lead. Raises ValueError where there are no labs.
    """
    folder, labs = check_path("folder", folder), check_path("labs", labs)
    sources = sorted(labs.glob("[0-9][0-9]*_*.ipynb"))
    if not sources:
        raise ValueError(f"labs={str(labs)!r} holds no labs; run this from a checkout of the course")
    folder.mkdir(parents=True, exist_ok=True)
    made = read_made(folder)
    texts = {source.name: for_reader(nbformat.read(source, as_version=4), book.is_dir()) for source in sources}
    if not book.is_dir():
        page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(NO_BOOK, id="how")])
        texts[HOW_TO_READ] = nbformat.writes(page) + "\n"
    written, kept = [], []
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or digest(path.read_text(encoding="utf-8")) == made.get(name):
            if not path.exists() or digest(text) != made.get(name):
                write_whole(path, text)
                written.append(name)
            made[name] = digest(text)
        elif digest(text) != made.get(name):
            kept.append(name)
    write_whole(folder / MADE, json.dumps(made, indent=1) + "\n")
    return Copies(written, kept)


def for_reader(notebook, book_is_built: bool) -> str:
    """The notebook's text, without outputs, its links to the book leading to pages."""
    notebook = without_outputs(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = TO_CHAPTER.sub(SERVED if book_is_built else f"({HOW_TO_READ})", cell.source)
    return nbformat.writes(notebook) + "\n"


def read_made(folder: Path) -> dict[str, str]:
    """What was written at the last time; {} where nothing was, or the file is damaged: then all is the reader's own."""
    try:
        made = json.loads((folder / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return made if isinstance(made, dict) else {}


def digest(text: str) -> str:
    """A text's fingerprint."""
    return hashlib.sha256(text.encode()).hexdigest()


def main(folder: str) -> None:
    """Make the copies and say what was done."""
    copies = my_labs(folder)
    if copies.written:
        print(f"Your labs are in {folder}: {len(copies.written)} written.")
    for name in copies.kept:
        print(f"{folder}/{name} is yours and stays as it is; its lab has changed. To get the new one, rename yours.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Use: python -m maca_edu.course.my_labs FOLDER")
    main(sys.argv[1])
