"""Own games on paper and back: a sheet for every student, and points for the numbers that come back.

maca-edu own-games students.txt --out own_games.html
maca-edu own-grades answers.csv --out own_grades.csv
"""

from __future__ import annotations

import csv
import html
import io
import re
from pathlib import Path

from maca_edu.course.grade import Grade, starts_with
from maca_edu.course.own_games import QUESTIONS, OwnQuestion, normal, own_game, story
from maca_edu.files import read_text, write_whole

MOST_BYTES = 5_000_000  # of a list of names, or of a table of answers
TOLERANCE = 0.005  # two digits behind the point are enough
NUMBER = re.compile(r"([+-]?(?:\d{1,9}(?:\.\d{0,20})?|\.\d{1,20}))(?:/(\d{1,9}))?")
MADE_BY = "<!-- made by maca-edu own-games -->"
LAB = "own"  # what stands in the column of the labs
STYLE = """body { font: 16px/1.5 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; }
section { break-after: page; }
li { margin-bottom: 0.6em; }
.answer { display: block; width: 14em; height: 2.2em; border-bottom: 1px solid; }"""


def students_in(path: Path) -> list[str]:
    """The names in a text file, one a line. ValueError where there is none, or two would have the same game."""
    lines = read_text(path, MOST_BYTES).splitlines()
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise ValueError(f"students={str(path)!r} holds no names; one a line is needed")
    check_different(names)
    return names


def check_different(names: list[str]) -> None:
    """ValueError where two names are the same but for capitals, spaces or forms of a letter."""
    seen: dict[str, str] = {}
    for name in names:
        if normal(name) in seen:
            raise ValueError(f"{seen[normal(name)]!r} and {name!r} are the same name; add something to one of them")
        seen[normal(name)] = name


def check_page_free(out: Path, force: bool) -> None:
    """ValueError where `out` is no .html in a folder, or a file is in the way that this program did not write."""
    if out.suffix != ".html":
        raise ValueError(f"out={str(out)!r}; allowed are names that end in .html")
    if not out.parent.is_dir():
        raise ValueError(f"out={str(out)!r}; there is no folder {str(out.parent)!r}")
    if out.exists() and not force and not starts_with(out, MADE_BY):
        raise ValueError(f"{str(out)!r} exists and holds no own games; choose another name, or add --force")


def write_sheets(names: list[str], course: str, out: Path) -> None:
    """Write one HTML page with a sheet of paper for each student."""
    sheets = "\n".join(sheet(name, course) for name in names)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Own games</title><style>{STYLE}</style>'
    write_whole(out, f"{MADE_BY}{head}\n{sheets}\n</html>\n")


def sheet(name: str, course: str = "") -> str:
    """The game and the questions of one student, as a piece of HTML."""
    own = own_game(name, course)
    prices = "".join(f"<li>{html.escape(line)}</li>" for line in story(own))
    asked = "".join(
        f"<li>{html.escape(question.text(own))} <em>Chapter {question.chapter}, {plural(question.points)}.</em>"
        '<span class="answer"></span></li>'
        for question in QUESTIONS.values()
    )
    return (
        f"<section><h1>{html.escape(name)}</h1><p>Agents A, B and C rest or lift. This game is yours alone; work with "
        "a pencil. Give fractions, or decimals with two digits behind the point.</p>"
        f"<ul>{prices}</ul><ol>{asked}</ol></section>"
    )


def plural(points: int) -> str:
    """So many points, in words."""
    return "1 point" if points == 1 else f"{points} points"


# ---------------------------------------------------------------------------------------------------------------------
# Grades


def read_answers(path: Path) -> dict[str, dict[int, str]]:
    """A table of answers, `{student: {question: what is written}}`: a column `student`, and one for each question.

    ValueError where the file is no csv, a column is missing or unknown, a line has more cells than there are columns,
    or a student is there twice.
    """
    table = csv.DictReader(io.StringIO(read_text(path, MOST_BYTES).removeprefix("\ufeff")), strict=True)
    columns = ["student", *map(str, QUESTIONS)]
    try:
        if sorted(table.fieldnames or []) != sorted(columns):
            names = ", ".join(table.fieldnames or ())
            raise ValueError(f"answers={str(path)!r} has the columns {names}; allowed are {', '.join(columns)}")
        rows = [row for row in table if (row["student"] or "").strip()]
    except csv.Error as error:
        raise ValueError(f"answers={str(path)!r} is no csv ({error})") from None
    for row in rows:
        if None in row:  # DictReader's name for what is behind the last column
            raise ValueError(
                f"answers={str(path)!r} has too many cells for {row['student']!r}; put an answer that holds a comma "
                'in quotes, such as "0,5"'
            )
    check_different([row["student"].strip() for row in rows])
    return {row["student"].strip(): {k: (row[str(k)] or "").strip() for k in QUESTIONS} for row in rows}


def grades(answers: dict[str, dict[int, str]], course: str = "") -> list[Grade]:
    """A row for every question of every student; the truth is computed from the student's own game."""
    return [
        grade_answer(student, number, QUESTIONS[number], given, course)
        for student, written in answers.items()
        for number, given in written.items()
    ]


def grade_answer(student: str, number: int, question: OwnQuestion, given: str, course: str) -> Grade:
    """One row: all points or none."""
    status, message = judged(question, given, student, course)
    points = question.points if status == "correct" else 0
    return Grade(student, LAB, str(number), points, question.points, status, message)


def judged(question: OwnQuestion, given: str, student: str, course: str) -> tuple[str, str]:
    """The status of one answer, and a sentence about it."""
    if not given:
        return "not attempted", "No answer."
    number = as_number(given)
    if number is None:
        return "try again", f"{given!r} is no number."
    own = own_game(student, course)
    truth = question.answer(own)
    if abs(number - truth) <= TOLERANCE:
        return "correct", "Right."
    for message, wrong in question.slips(own).items():
        if abs(number - wrong) <= TOLERANCE:
            return "try again", message
    if abs(number + truth) <= TOLERANCE:
        return "try again", "The size is right and the sign is not."
    return "try again", f"{given} is not it. Look at chapter {question.chapter} again."


def as_number(given: str) -> float | None:
    """A decimal number or a fraction as people write them, with a comma or a long minus sign; None where it is none."""
    found = NUMBER.fullmatch(given.replace("−", "-").replace(",", ".").replace(" ", ""))
    if found is None:
        return None
    above, below = float(found[1]), float(found[2] or 1)
    return above / below if below else None
