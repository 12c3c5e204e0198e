"""Points come from the course's own checks: whatever a notebook prints, patches or calls a check, it gets no more."""

import csv
import importlib
import re

import jupytext
import nbformat
import numpy as np
import pytest

from maca_edu.cli import main
from maca_edu.course.apart import judge
from maca_edu.course.class_copy import LABS
from maca_edu.course.grade import Grade, answer_in, grade, lab_of, labs_with_exercises
from maca_edu.course.verdict import Mistake, exercise

SOLUTION = re.compile(r"<!-- solution: (\w+) -->\s*```python\n(.*?)```", re.DOTALL)
NUMBERS = [path.name[:2] for path in labs_with_exercises()]
LAB2 = next(LABS.glob("02_*.ipynb"))


def solutions(number: str) -> dict[str, str]:
    source = next((LABS / "src").glob(f"{number}_*.md"))
    text = "\n".join(cell.source for cell in jupytext.read(source, fmt="md:myst").cells)
    return dict(SOLUTION.findall(text))


def notebook_with(answers: dict[str, str], number: str = "02", tags: bool = True):
    """A lab's notebook with the answers, by the exercises' names, in the place of the stubs."""
    notebook = nbformat.read(next(LABS.glob(f"{number}_*.ipynb")), as_version=4)
    for cell in notebook.cells:
        for name, answer in answers.items():
            if f"exercise-{name}" in cell.metadata.get("tags", []):
                cell.source = answer
        if not tags:
            cell.metadata.pop("tags", None)
    return notebook


def hand_in(folder, student: str, notebook, name: str = LAB2.name):
    (folder / student).mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / student / name)


def points(rows) -> dict[str, int]:
    return {row.exercise: row.points for row in rows}


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solutions_get_all_points_and_the_stubs_none(tmp_path, number):
    hand_in(tmp_path, "ada", notebook_with(solutions(number), number))
    hand_in(tmp_path, "stub", notebook_with({}, number))
    rows = list(grade(tmp_path))
    exercises = lab_of(next(LABS.glob(f"{number}_*.ipynb"))).exercises
    assert [(row.student, row.exercise) for row in rows] == [
        (student, exercise.name) for student in ("ada", "stub") for exercise in exercises
    ]
    assert all(row.points == row.of > 0 for row in rows if row.student == "ada"), rows
    assert all((row.points, row.status) == (0, "not attempted") for row in rows if row.student == "stub")


def test_a_notebook_without_tags_is_known_by_its_functions(tmp_path):
    hand_in(tmp_path, "ada", notebook_with(solutions("02"), tags=False), "handed in.ipynb")
    assert all(row.points == row.of and row.lab == "02" for row in grade(tmp_path))


STUB = 'def my_score(pi, action):\n    """The gradient."""\n    ...\n'
WRONG = "def my_score(pi, action):\n    return pi * 0\n"
CHEATS = {
    "prints": WRONG + "print('✔ Correct.')\nprint('points: 8')",
    "patches the check": WRONG
    + "import maca_edu.course.chapter02 as checks\nfrom maca_edu.course import Verdict\n"
    + "checks.check_score = check_score = lambda answer: Verdict('correct', '')",
    "patches numpy": WRONG + "np.allclose = lambda *args: True\nnp.isclose = np.allclose",
    "patches when called": "def my_score(pi, action):\n    np.allclose = lambda *args: True\n    return pi * 0\n",
    "defines a check": WRONG + "def check_score(answer):\n    return 'Correct'\ncheck_score(my_score)",
    "exits": "import os\nos._exit(0)",
    "exits when called": "def my_score(pi, action):\n    raise SystemExit\n",
    "loops": "while True:\n    pass",
    "loops when called": "def my_score(pi, action):\n    while True:\n        pass\n",
    "is no Python": "def my_score(pi, action:\n",
    "returns what may not come over": "class Sly:\n    def __reduce__(self):\n        return print, ('x',)\n"
    "def my_score(pi, action):\n    return Sly()\n",
    "writes to the grader": "import sys\nframe = sys._getframe()\nwhile frame.f_back:\n    frame = frame.f_back\n"
    "    if 'pipe' in frame.f_locals:\n        frame.f_locals['pipe'].send_bytes(b'correct')\n" + WRONG,
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_gets_nothing_and_the_other_exercises_are_graded(tmp_path, cheat, capfd):
    answers = {**solutions("02"), "score": CHEATS[cheat]}
    hand_in(tmp_path, "eve", notebook_with(answers))
    rows = list(grade(tmp_path, seconds=8 if "loops" in cheat else 20))
    assert points(rows) == {
        "score": 0, "exact_gradient": 2, "sampled_gradient": 2, "is_legal": 2, "samples_needed": 1,
    }  # fmt: skip
    assert rows[0].status == "try again"
    assert "orrect" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("cheat", "message"),
    [
        ("exits", "ended Python"),
        ("loops when called", "took more than 1.5 seconds"),
        ("is no Python", "There is no `my_score`: SyntaxError"),
    ],
)
def test_a_failure_is_told(tmp_path, cheat, message):
    hand_in(tmp_path, "eve", notebook_with({"score": CHEATS[cheat]}))
    assert message in next(grade(tmp_path, seconds=1.5)).message


def test_exact_stays_forbidden(tmp_path):
    answer = "def my_exact_gradient(q, policy, agent):\n    return exact.gradient_moments(q, policy, agent, 0.0)[0]\n"
    hand_in(tmp_path, "eve", notebook_with({"exact_gradient": answer}))
    rows = {row.exercise: row for row in grade(tmp_path)}
    assert rows["exact_gradient"].points == 0
    assert "`maca_edu.exact`" in rows["exact_gradient"].message


def test_functions_among_the_arguments_stay_with_the_check():
    calls = []

    def double(x):
        calls.append(x)
        return 2 * x

    @exercise("a check that hands over a function", difficulty=1, minutes=1)
    def check(candidate):
        if candidate(double, 3) != 12:
            raise Mistake("wrong")

    def verdict(body):
        return judge(check, {}, [f"def answer(f, x):\n    return {body}"], "answer", 20).status

    assert verdict("f(f(x))") == "correct"
    assert calls == [3, 6]
    assert verdict("f(x)") == "try again"
    assert verdict("f(x, x)") == "try again"  # double takes one number


RIGHT = {  # answers in the shapes that other libraries give
    "02-score, fractions": """
from fractions import Fraction
def f(pi, action):
    return (Fraction(int(c == action)) - Fraction(p) for c, p in enumerate(pi))
""",
    "02-samples_needed, rounded up": """
import math
def f(mean, variance, z=2):
    return math.ceil(z**2 * variance / (mean @ mean))
""",
    "02-samples_needed, a tensor": """
import torch
def f(mean, variance, z=2):
    return torch.tensor(z**2 * variance / (mean @ mean), requires_grad=True)
""",
    "02-is_legal, a tensor": """
import torch
def f(baseline, agent):
    return (torch.as_tensor(baseline).std(dim=agent) < 1e-12).all()
""",
    "03-true_corrset, a view": """
def f(game, agent):
    met = dict.fromkeys(i for term in game.reward_terms if agent in term.agents for i in term.agents)
    return (met | {agent: None}).keys()
""",
    "07-masked_policy, a tensor": """
import torch
def f(logits, legal):
    return torch.softmax(torch.tensor(logits).masked_fill(~torch.tensor(legal), float("-inf")), -1)
""",
    "10-attention, a tensor": """
import torch
def f(query, key, heads):
    q, k = torch.tensor(query), torch.tensor(key)
    logits = [a @ b.T / (q.shape[1] / heads) ** 0.5 for a, b in zip(q.chunk(heads, 1), k.chunk(heads, 1))]
    return torch.stack([torch.softmax(one, -1) for one in logits])
""",
    "12-group_baseline, a tensor for the head": """
import torch
def f(head, action, policy, group):
    x = torch.eye(policy.shape[1], dtype=torch.double)[list(action)]
    for j in group:
        x[j] = torch.tensor(policy[j])
    return head(x)
""",
    "14-interval, a named tuple": """
import scipy.stats
def f(ours, theirs):
    return scipy.stats.ttest_rel(ours, theirs).confidence_interval(0.95)
""",
    "14-maca, tensors for q": """
import torch
def f(target, action, policy, attention, sigma, psi, q):
    S, n, A = policy.shape
    pi, played = torch.tensor(policy), torch.nn.functional.one_hot(torch.tensor(action), A).double()
    advantage = np.zeros((S, n))
    for i in range(n):
        alone, near = torch.arange(n) == i, torch.tensor(attention[:, i] >= sigma)
        baselines = [q(torch.where(group[..., None], pi, played)) for group in (near | True, alone, near | alone)]
        advantage[:, i] = target[:, 0] - sum(psi[:, k] * b for k, b in enumerate(baselines))
    return advantage
""",
    "18-interval, a named tuple": """
import scipy.stats
def f(scores):
    return scipy.stats.ttest_1samp(scores, 0).confidence_interval(0.95)
""",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_a_right_answer_is_right_in_the_notebook_and_apart(answer):
    number, name = answer.split(",")[0].split("-")
    check = getattr(importlib.import_module(f"maca_edu.course.chapter{number}"), f"check_{name}")
    names = {"np": np}
    exec(RIGHT[answer], names)
    assert check(names["f"]).status == "correct", check(names["f"])
    verdict = judge(check, {"np": np}, [RIGHT[answer]], "f", 60)
    assert verdict.status == "correct", verdict


def test_a_failing_trial_below_the_answer_costs_nothing(tmp_path):
    hand_in(tmp_path, "ada", notebook_with({"score": solutions("02")["score"] + "\nmy_score(not_there, 1)\n"}))
    assert next(grade(tmp_path)).points == 1


def test_an_answer_takes_its_helpers_from_other_cells_and_nothing_else():
    lab = lab_of(LAB2)
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("unit = np.eye\nboom = 1 / 0"),
            nbformat.v4.new_code_cell("def helper(n, k):\n    return unit(n)[k]"),
            nbformat.v4.new_code_cell("def my_score(pi, action):\n    return helper(len(pi), action) - pi"),
        ]
    )
    statements = answer_in(notebook, lab.exercises[0])
    assert [statement.split("\n")[0] for statement in statements] == [
        "unit = np.eye", "def helper(n, k):", "def my_score(pi, action):",
    ]  # fmt: skip


def test_students_are_read_from_folders_and_names(tmp_path):
    notebook = notebook_with({})
    hand_in(tmp_path, "ada", notebook)
    nbformat.write(notebook, tmp_path / f"ben_{LAB2.name}")
    nbformat.write(notebook, tmp_path / "cem.ipynb")
    (tmp_path / "dan.ipynb").write_text("{")
    (tmp_path / "eva.ipynb").symlink_to(tmp_path / "cem.ipynb")
    hand_in(tmp_path, "ada", notebook, "again.ipynb")
    hand_in(tmp_path, "fay", nbformat.v4.new_notebook())
    rows = list(grade(tmp_path))
    assert {row.student for row in rows if row.lab == "02"} == {"ada", "ben", "cem"}
    unread = {(row.student, row.message) for row in rows if row.status == "not read"}
    assert unread == {
        ("ada", "again.ipynb: a second copy of the same lab; leave one."),
        ("dan", "dan.ipynb: not a notebook."),
        ("eva", "eva.ipynb: not a notebook."),
        ("fay", f"{LAB2.name}: has no exercise of a lab."),
    }


@pytest.mark.parametrize(
    "text",
    [
        *("", "[1]", "7", "null", '"x"', "{}", "[" * 100_000, '{"nbformat": 4, "nbformat_minor": 5, "cells": "x"}'),
        '{"nbformat": 4, "nbformat_minor": null, "metadata": {}, "cells": []}',
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": 7}]}',
    ],
)
def test_json_that_is_no_notebook_is_named(tmp_path, text):
    (tmp_path / "dan.ipynb").write_text(text)
    (row,) = grade(tmp_path)
    assert (row.student, row.status, row.message) == ("dan", "not read", "dan.ipynb: not a notebook.")


def test_the_command_writes_a_table_and_a_page(tmp_path, capsys):
    hand_in(tmp_path / "in", "<ada>", notebook_with(solutions("02")))
    out = tmp_path / "grades.csv"
    for _ in range(2):  # its own files it writes again
        assert main(["grade", str(tmp_path / "in"), "--out", str(out)]) == 0
    assert "score                1 of 1  correct" in capsys.readouterr().out
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(Grade._fields)
    assert sum(int(row["points"]) for row in rows) == 8
    page = out.with_suffix(".html").read_text()
    assert "&lt;ada&gt;: 8 of 8 points" in page
    assert "<ada>" not in page


@pytest.mark.parametrize("name", ["grades.csv", "grades.html"])
def test_a_file_of_somebody_else_stays(tmp_path, capsys, name):
    hand_in(tmp_path / "in", "ada", notebook_with({}))
    (tmp_path / name).write_text("mine")
    words = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "grades.csv")]
    assert main(words) == 2
    assert "holds no grades; choose another name, or add --force" in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "mine"
    assert main([*words, "--force"]) == 0
    assert (tmp_path / name).read_text() != "mine"


@pytest.mark.parametrize(
    ("folder", "more", "message"),
    [
        ("missing", [], "is not a folder"),
        ("empty", [], "holds no notebooks"),
        ("bare", [], "names no student"),
        ("full", ["--out", "grades.txt"], "end in .csv"),
        ("full", ["--out", "nowhere/grades.csv"], "there is no folder 'nowhere'"),
        ("full", ["--seconds", "0"], "allowed are numbers above 0"),
    ],
)
def test_wrong_words_end_in_one_sentence(tmp_path, monkeypatch, capsys, folder, more, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    hand_in(tmp_path, "bare", notebook_with({}))
    hand_in(tmp_path / "full", "ada", notebook_with({}))
    assert main(["grade", folder, *more]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
