"""A copy of the labs to hand out: no solutions, no answers, no outputs. It still runs from top to bottom."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import nbformat

from maca_edu.checks import check_path

LABS = Path(__file__).parents[2] / "notebooks"
FOLD = re.compile(r"\n*<details>\s*<summary>(Solution|Answer)s?</summary>.*?</details>\n*", re.DOTALL)
PROMISE = " A solution is folded away beneath it."  # of the start page; not true of a class copy
LINK_OUT = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")  # leads out of the folder of the labs


def class_copy(folder: str | Path, labs: Path = LABS) -> list[Path]:
    """Write a student's copy of every lab into `folder`, which must be new or empty; returns the files.

    The folder is written whole or not at all. ValueError where it holds something already, or there are no labs.
    """
    folder, sources = check_path("folder", folder), labs_in(labs)
    notebooks = {source.name: for_students(nbformat.read(source, as_version=4)) for source in sources}
    return write_folder(folder, {name: nbformat.writes(notebook) + "\n" for name, notebook in notebooks.items()})


def labs_in(folder: str | Path) -> list[Path]:
    """The labs in a folder, in their order. ValueError where there are none."""
    sources = sorted(check_path("labs", folder).glob("[0-9][0-9]*_*.ipynb"))
    if not sources:
        raise ValueError(f"labs={str(folder)!r} holds no labs; run this from a checkout of the course")
    return sources


def write_folder(folder: Path, files: dict[str, str]) -> list[Path]:
    """Write a folder of text files, `{name: text}`, whole or not at all; a name may have folders in it.

    ValueError where the folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"folder={str(folder)!r} is in use; name a new or an empty one, so that nothing is overwritten"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        temporary.chmod(0o755)
        for name, text in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_text(text, encoding="utf-8")
        os.replace(temporary, folder)  # an empty folder of that name is replaced
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return [folder / name for name in files]


def for_students(notebook):
    """The notebook without folded solutions and answers, outputs, stored widgets, and links that leave the folder."""
    notebook = without_outputs(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            source = cell.source.replace(PROMISE, "")
            cell.source = LINK_OUT.sub(r"\1", FOLD.sub("\n\n", source)).strip("\n")
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    return notebook


def without_outputs(notebook):
    """The notebook as it was before it ran."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    return notebook
