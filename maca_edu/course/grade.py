"""Points for the labs that students handed in. Only their answers run, each in a process of its own.

The checks and the setup cells are those of the course, never the student's: what a notebook prints, or what it calls a
check, gives no points. This is no sandbox: an answer may do whatever the user may who grades. Grade where the students'
code can do harm to nothing: in a container, or as a user who owns nothing.
"""

from __future__ import annotations

import ast
import csv
import dis
import html
import importlib
import io
import types
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

import nbformat

from maca_edu.checks import Allowed, check, check_path
from maca_edu.course.apart import judge
from maca_edu.course.class_copy import LABS
from maca_edu.course.verdict import LOOKS, rich
from maca_edu.files import read_text, write_whole

MOST_BYTES = 50_000_000  # of a notebook
MADE_BY = "<!-- made by maca-edu grade -->"


class Exercise(NamedTuple):
    """One exercise as the course has it: `answer` is the name that the stub gives."""

    name: str
    answer: str
    check: object


class Lab(NamedTuple):
    """One lab as the course has it: what its setup cells make, and its exercises."""

    number: str  # "02"
    title: str  # "02_policy_gradients_for_teams"
    setup: dict
    exercises: tuple[Exercise, ...]


class Handed(NamedTuple):
    """One notebook that was handed in."""

    student: str
    path: Path


class Grade(NamedTuple):
    """One row of the table. Where a file could not be read, `status` is "not read" and `message` says why."""

    student: str
    lab: str
    exercise: str
    points: int
    of: int
    status: str
    message: str


class Statement(NamedTuple):
    """A statement of a student's notebook: what it makes, what it looks up, and whether an exercise's cell has it."""

    source: str
    makes: frozenset[str]
    needs: frozenset[str]
    tags: frozenset[str]


# ---------------------------------------------------------------------------------------------------------------------
# The course's labs


@cache
def lab_of(path: Path) -> Lab:
    """A lab of the course. Its setup cells run here."""
    notebook = nbformat.read(path, as_version=4)
    checks = importlib.import_module(f"maca_edu.course.chapter{path.name[:2]}")
    setup, found = {}, []
    for cell in code_cells(notebook):
        for tag in tags_of(cell):
            if tag == "setup":
                exec(cell.source, setup)
            if tag.startswith("exercise-"):
                name = tag.removeprefix("exercise-")
                (answer,) = statements_of(cell)[-1].makes
                found.append(Exercise(name, answer, getattr(checks, f"check_{name}")))
    return Lab(path.name[:2], path.stem, setup, tuple(found))


def labs_with_exercises(folder: Path = LABS) -> dict[Path, frozenset[str]]:
    """The labs of the course that have exercises, each with its exercises' tags and the names that the stubs give."""
    labs = {}
    for path in sorted(Path(folder).glob("[0-9][0-9]_*.ipynb")):
        cells = code_cells(nbformat.read(path, as_version=4))
        stubs = [cell for cell in cells if any(tag.startswith("exercise-") for tag in tags_of(cell))]
        if stubs:
            labs[path] = frozenset().union(*(signs_of(cell) for cell in stubs))
    if not labs:
        raise ValueError(f"labs={str(folder)!r} holds no labs; run this from a checkout of the course")
    return labs


def code_cells(notebook) -> list:
    """The code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags_of(cell) -> frozenset[str]:
    """A cell's tags."""
    tags = cell.metadata.get("tags", [])
    return frozenset(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset()


def signs_of(cell) -> frozenset[str]:
    """By what a cell is known: its exercise's tag, and the names that it makes."""
    tags = {tag for tag in tags_of(cell) if tag.startswith("exercise-")}
    return frozenset(tags).union(*(statement.makes for statement in statements_of(cell)))


# ---------------------------------------------------------------------------------------------------------------------
# What was handed in


def handed_in(folder: Path) -> list[Handed]:
    """The notebooks in a folder: in one sub-folder for each student, or named after the students.

    ada/02_policy_gradients_for_teams.ipynb, ada_02_policy_gradients_for_teams.ipynb and ada.ipynb are ada's.
    Raises ValueError where there is none, or where a file names no student.
    """
    if not folder.is_dir():
        raise ValueError(f"folder={str(folder)!r} is not a folder; name the one with the students' notebooks")
    found = []
    for path in sorted(folder.rglob("*.ipynb")):
        place = path.relative_to(folder)
        if not any(part.startswith(".") for part in place.parts):
            found.append(Handed(place.parts[0] if len(place.parts) > 1 else student_in(path), path))
    if not found:
        raise ValueError(f"folder={str(folder)!r} holds no notebooks; hand-ins end in .ipynb")
    return found


def student_in(path: Path) -> str:
    """The student whom a file's name gives. Raises ValueError where it gives none."""
    name = path.stem
    for lab in LABS.glob("[0-9][0-9]*_*.ipynb"):
        name = name.removesuffix(lab.stem)
    name = name.strip(" _-")
    if not name:
        raise ValueError(f"{path.name!r} names no student; rename it as in 'ada_{path.name}', or put it into 'ada/'")
    return name


def statements_of(cell) -> list[Statement]:
    """A cell's statements; the whole cell as one where it is not Python."""
    tags = frozenset(tag for tag in tags_of(cell) if tag.startswith("exercise-"))
    try:
        body = ast.parse(cell.source).body
        return [statement_of(node, ast.get_source_segment(cell.source, node), tags) for node in body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [Statement(cell.source, frozenset(), frozenset(), tags)]


def statement_of(node: ast.stmt, source: str, tags: frozenset[str]) -> Statement:
    """A statement with the names that it makes at the top of the notebook, and those that it looks up."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        makes = {node.name}
    elif isinstance(node, ast.Import | ast.ImportFrom):
        makes = {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        makes = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    else:
        makes = set()
    needs = looked_up(compile(ast.Module([node], []), "<answer>", "exec"))
    return Statement(source, frozenset(makes), frozenset(needs), tags)


def looked_up(code: types.CodeType) -> set[str]:
    """The notebook's names that a piece of code uses, in the functions inside it too."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_NAME", "LOAD_GLOBAL")}
    return names.union(*(looked_up(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)))


def answer_in(notebook, exercise: Exercise, setup: Collection[str] = ()) -> list[str]:
    """The statements of an answer: its cell, and what that needs from other cells, in the notebook's order.

    The cell is known by its tag, or by the name that the exercise asks for. setup: names that the course gives.
    """
    cells = [cell for cell in code_cells(notebook) if "setup" not in tags_of(cell)]
    statements = [statement for cell in cells for statement in statements_of(cell)]
    wanted, taken = {exercise.answer}, set()
    while True:
        more = {
            number
            for number, statement in enumerate(statements)
            if statement.makes & wanted or f"exercise-{exercise.name}" in statement.tags
        } - taken
        if not more:
            return [statements[number].source for number in sorted(taken)]
        taken |= more
        wanted |= {name for number in more for name in statements[number].needs}.difference(setup)


# ---------------------------------------------------------------------------------------------------------------------
# Grades


def grade(folder: str | Path, seconds: float = 20.0) -> Iterator[Grade]:
    """Grade every exercise of every notebook in a folder, one after the other.

    folder: see `handed_in`. seconds: the limit for one exercise. A lab that a student hands in twice is refused.
    Raises ValueError where the folder or the limit will not do.
    """
    check("seconds", seconds, Annotated[float, Allowed("numbers above 0, up to 3600", lambda x: 0 < x <= 3600)])
    labs, notebooks = labs_with_exercises(), handed_in(check_path("folder", folder))
    done = set()
    for student, path in notebooks:
        try:
            notebook, lab = read_notebook(path, labs)
            if (student, lab) in done:
                raise ValueError("a second copy of the same lab; leave one")
        except ValueError as error:
            yield Grade(student, "", "", 0, 0, "not read", f"{path.name}: {error}.")
            continue
        done.add((student, lab))
        yield from grade_notebook(student, notebook, lab_of(lab), seconds)


def read_notebook(path: Path, labs: dict[Path, frozenset[str]]):
    """A notebook and the path of the lab that it is a copy of. Raises ValueError where there is no telling."""
    try:
        notebook = nbformat.reads(read_text(path, MOST_BYTES), as_version=4)
        signs = [sign for cell in code_cells(notebook) for sign in signs_of(cell)]
    except Exception:  # whatever nbformat raises where the JSON is not a notebook's
        raise ValueError("not a notebook") from None
    shared = Counter({lab: len(known.intersection(signs)) for lab, known in labs.items()})
    lab, count = shared.most_common(1)[0]
    if not count:
        raise ValueError("has no exercise of a lab")
    return notebook, lab


def grade_notebook(student: str, notebook, lab: Lab, seconds: float) -> Iterator[Grade]:
    """The grades of one notebook. An exercise is worth its difficulty, or nothing."""
    for exercise in lab.exercises:
        statements = answer_in(notebook, exercise, lab.setup)
        verdict = judge(exercise.check, lab.setup, statements, exercise.answer, seconds)
        of = exercise.check.difficulty
        points = of if verdict.status == "correct" else 0
        yield Grade(student, lab.number, exercise.name, points, of, verdict.status, verdict.message)


# ---------------------------------------------------------------------------------------------------------------------
# Written down


def check_free(out: Path, force: bool) -> None:
    """Raises ValueError where `out` is no .csv in a folder, or a file is in the way that this program did not write."""
    out = check_path("out", out)
    if out.suffix != ".csv":
        raise ValueError(f"out={str(out)!r}; allowed are names that end in .csv")
    if not out.parent.is_dir():
        raise ValueError(f"out={str(out)!r}; there is no folder {str(out.parent)!r}")
    for path, start in ((out, ",".join(Grade._fields)), (out.with_suffix(".html"), MADE_BY)):
        if path.exists() and not force and not starts_with(path, start):
            raise ValueError(f"{str(path)!r} exists and holds no grades; choose another name, or add --force")


def starts_with(path: Path, text: str) -> bool:
    """Whether a plain file begins so."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(text)) == text.encode()


def write_grades(grades: Iterable[Grade], out: Path) -> Path:
    """Write the table to `out` and a page beside it; returns the page's path."""
    grades, table = list(grades), io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Grade._fields)
    writer.writerows(grades)
    write_whole(out, table.getvalue())
    write_whole(out.with_suffix(".html"), page(grades))
    return out.with_suffix(".html")


def page(grades: list[Grade]) -> str:
    """All grades as one HTML page that needs no other file."""
    by_student = defaultdict(list)
    for row in grades:
        by_student[row.student].append(row)
    parts = [
        f'{MADE_BY}<!doctype html><html lang="en"><meta charset="utf-8"><title>Grades</title>',
        "<style>body{font:16px sans-serif;margin:2em auto;max-width:60em;padding:0 1em}"
        "td,th{text-align:left;padding:.2em .8em;vertical-align:top}code{background:#eee}</style><h1>Grades</h1>",
    ]
    for student, rows in by_student.items():
        points, of = sum(row.points for row in rows), sum(row.of for row in rows)
        parts.append(f"<details><summary>{html.escape(student)}: {points} of {of} points</summary><table>")
        parts.append("<tr><th>Lab</th><th>Exercise</th><th>Points</th><th>Verdict</th></tr>")
        parts += [page_row(row) for row in rows]
        parts.append("</table></details>")
    return "\n".join([*parts, "</html>\n"])


def page_row(row: Grade) -> str:
    """One exercise in the page."""
    icon, colour = LOOKS.get(row.status, LOOKS["try again"])
    verdict = f'<span style="color:{colour}">{icon}</span> {row.status.capitalize()}. {rich(row.message)}'
    cells = (row.lab, f"<code>{html.escape(row.exercise)}</code>", f"{row.points} of {row.of}", verdict)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
