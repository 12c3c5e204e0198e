"""The labs for two programs that hand out and grade notebooks: nbgrader and otter-grader.

Both take a *source*: the lab as students get it, with the solution of each exercise and the test of it marked, so that
the program can take them out for the students and put them back for grading. The solutions are those that are folded
away in the course's labs. Sources are for the lecturer alone.

    nbgrader    marks in the metadata of cells (schema 3), and ### BEGIN SOLUTION, ### BEGIN HIDDEN TESTS in them
    otter       raw cells around a question: # BEGIN QUESTION, # BEGIN SOLUTION, # BEGIN TESTS (Otter Assign)
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import nbformat
from nbformat import NotebookNode

from maca_edu.checks import check, check_path
from maca_edu.course.class_copy import LABS, for_students, labs_in, write_folder

Program = Literal["nbgrader", "otter"]
SOLUTION = re.compile(r"<!-- solution: (\w+) -->\s*```python\n(.*?)```", re.DOTALL)
NBGRADER_CONFIG = '''"""Settings for the labs of maca-edu."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "maca_edu"
# A solution leaves nothing behind, because the stub above it stays: the students' copy runs from top to bottom.
c.ClearSolutions.code_stub = {"python": ""}
c.ExecutePreprocessor.timeout = 120
'''


def release(folder: str | Path, program: Program, labs: Path = LABS) -> list[Path]:
    """Write the sources of every lab with exercises into `folder`, which must be new or empty; returns the files.

    ValueError where it holds something already, there are no labs, or the program is another one.
    """
    check("program", program, Program)
    folder, sources = check_path("folder", folder), labs_in(labs)
    prepare = {"nbgrader": for_nbgrader, "otter": for_otter}[program]
    files = {}
    for path in sources:
        notebook = nbformat.read(path, as_version=4)
        if any(exercise_of(cell) for cell in notebook.cells):
            name = f"source/{path.stem}/{path.name}" if program == "nbgrader" else f"{path.stem}/{path.name}"
            files[name] = nbformat.writes(prepare(notebook, path.stem)) + "\n"
    if program == "nbgrader":
        files["nbgrader_config.py"] = NBGRADER_CONFIG
    return write_folder(folder, files)


# ---------------------------------------------------------------------------------------------------------------------
# What a lab holds


def named_by(cell: NotebookNode, prefix: str) -> str:
    """What follows the prefix in one of the cell's tags; "" where none begins so."""
    return next((tag.removeprefix(prefix) for tag in cell.metadata.get("tags", []) if tag.startswith(prefix)), "")


def exercise_of(cell: NotebookNode) -> str:
    """The name of the exercise whose stub this cell is; "" for other cells."""
    return named_by(cell, "exercise-")


def solutions_in(notebook: NotebookNode) -> dict[str, str]:
    """The folded solutions of a lab, {exercise: code}."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return {name: code.strip("\n") for name, code in SOLUTION.findall(text)}


def assertion_of(name: str, check_cell: str, stem: str) -> str:
    """Code that fails unless the course's own check says "correct", whatever the notebook calls a check.

    check_cell: the lab's cell that calls the check, as in check_score(my_score).
    """
    answer = check_cell.strip().removeprefix(f"check_{name}(").removesuffix(")")
    chapter = f"maca_edu.course.chapter{stem[:2]}"
    return (
        f"from {chapter} import check_{name} as check_of_the_course\n\n"
        f"verdict_of_the_course = check_of_the_course({answer})\n"
        'assert verdict_of_the_course.status == "correct", verdict_of_the_course.message'
    )


def points_of(name: str, stem: str) -> int:
    """What an exercise is worth: its difficulty, as in `maca-edu grade`."""
    return getattr(importlib.import_module(f"maca_edu.course.chapter{stem[:2]}"), f"check_{name}").difficulty


# ---------------------------------------------------------------------------------------------------------------------
# nbgrader


def for_nbgrader(notebook: NotebookNode, stem: str) -> NotebookNode:
    """The source of an assignment. Setup and check cells are locked; a check cell gives the exercise's points."""
    solutions = solutions_in(notebook)
    notebook = for_students(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        exercise, checked = exercise_of(cell), named_by(cell, "check-")
        if "setup" in cell.metadata.get("tags", []):
            cell.metadata["nbgrader"] = mark("setup", locked=True)
        if exercise:
            cell.source = f"{cell.source}\n### BEGIN SOLUTION\n{solutions[exercise]}\n### END SOLUTION"
            cell.metadata["nbgrader"] = mark(f"exercise-{exercise}", solution=True)
        if checked:
            hidden = assertion_of(checked, cell.source, stem)
            cell.source = f"{cell.source}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
            cell.metadata["nbgrader"] = mark(f"check-{checked}", locked=True, points=points_of(checked, stem))
    return notebook


def mark(grade_id: str, locked: bool = False, solution: bool = False, points: int | None = None) -> dict:
    """A cell's metadata for nbgrader, schema 3. points: None for a cell that gives none."""
    marks = {
        "cell_type": "code",
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return marks if points is None else {**marks, "points": points}


# ---------------------------------------------------------------------------------------------------------------------
# otter


def for_otter(notebook: NotebookNode, stem: str) -> NotebookNode:
    """The notebook that `otter assign` reads. An exercise is a question, and its check is the test."""
    solutions = solutions_in(notebook)
    notebook = for_students(notebook)
    tests = {named_by(cell, "check-"): cell.source for cell in notebook.cells if named_by(cell, "check-")}
    raw = raw_cells()
    cells = [raw(f"# ASSIGNMENT CONFIG\nname: {stem}\nexport_cell: false")]
    for cell in notebook.cells:
        name = exercise_of(cell)
        if not name:
            cells.append(cell)
            continue
        cell.source = f"{cell.source}\n# BEGIN SOLUTION NO PROMPT\n{solutions[name]}\n# END SOLUTION"
        test = nbformat.v4.new_code_cell(assertion_of(name, tests[name], stem), id=f"test-{name}".replace("_", "-"))
        cells += [
            raw(f"# BEGIN QUESTION\nname: {name}\npoints: {points_of(name, stem)}"),
            *(raw("# BEGIN SOLUTION"), cell, raw("# END SOLUTION")),
            *(raw("# BEGIN TESTS"), test, raw("# END TESTS")),
            raw("# END QUESTION"),
        ]
    notebook.cells = cells
    return notebook


def raw_cells() -> Callable[[str], NotebookNode]:
    """A maker of raw cells that numbers them, so that the same lab gives the same bytes."""
    made: list[str] = []

    def raw(source: str) -> NotebookNode:
        made.append(source)
        return nbformat.v4.new_raw_cell(source, id=f"raw-{len(made):03d}")

    return raw
