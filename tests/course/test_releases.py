"""The sources for nbgrader and otter keep to those programs' formats, and what they hide from students stays hidden.

The programs themselves are asked where they are installed. Elsewhere the format is checked by hand, and the students'
copy is made as both programs document it: marked regions are taken out.
"""

import re

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from maca_edu.cli import main
from maca_edu.course.class_copy import class_copy
from maca_edu.course.grade import labs_with_exercises
from maca_edu.course.releases import assertion_of, points_of, release

STEMS = [path.stem for path in labs_with_exercises()]
KEYS = {"cell_type", "grade", "grade_id", "locked", "schema_version", "solution", "task"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """{program: the folder of its sources}, and under "plain" the students' copy."""
    folder = tmp_path_factory.mktemp("releases")
    class_copy(folder / "plain")
    for program in ("nbgrader", "otter"):
        release(folder / program, program)
    return folder


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def source_for_nbgrader(folders, stem):
    return read(folders / "nbgrader" / "source" / stem / f"{stem}.ipynb")


def source_for_otter(folders, stem):
    return read(folders / "otter" / stem / f"{stem}.ipynb")


def texts(notebook) -> list[str]:
    return [cell.source.strip() for cell in notebook.cells]


def cleared(source: str, begin: str, end: str) -> str:
    """A cell without the lines from one that holds `begin` to one that holds `end`."""
    kept, inside = [], False
    for line in source.split("\n"):
        inside = inside or begin in line
        if not inside:
            kept.append(line)
        inside = inside and end not in line
    return "\n".join(kept).strip()


# ---------------------------------------------------------------------------------------------------------------------
# nbgrader


@pytest.mark.parametrize("stem", STEMS)
def test_the_metadata_are_those_of_schema_3(folders, stem):
    cells = [c for c in source_for_nbgrader(folders, stem).cells if "nbgrader" in c.metadata]
    marks = [cell.metadata["nbgrader"] for cell in cells]
    ids = [mark["grade_id"] for mark in marks]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[\w-]+", grade_id) for grade_id in ids)
    for cell, mark in zip(cells, marks, strict=True):
        assert set(mark) == (KEYS | {"points"} if mark["grade"] else KEYS)
        assert (mark["schema_version"], mark["cell_type"], mark["task"]) == (3, cell.cell_type, False)
        assert (mark["solution"], mark["locked"]) in ((True, False), (False, True))
        assert mark["solution"] == ("### BEGIN SOLUTION" in cell.source)
        assert mark["grade"] == ("### BEGIN HIDDEN TESTS" in cell.source)
    exercises = re.findall(r"exercise-(\w+)", " ".join(ids))
    assert ids.count("setup") == 1
    assert exercises == re.findall(r"check-(\w+)", " ".join(ids))
    points = {mark["grade_id"]: mark["points"] for mark in marks if mark["grade"]}
    assert points == {f"check-{name}": points_of(name, stem) for name in exercises}


@pytest.mark.parametrize("stem", STEMS)
def test_what_nbgrader_releases_is_the_students_copy(folders, stem):
    source = source_for_nbgrader(folders, stem)
    without = [cleared(text, "BEGIN SOLUTION", "END SOLUTION") for text in texts(source)]
    released = [cleared(text, "BEGIN HIDDEN TESTS", "END HIDDEN TESTS") for text in without]
    assert released == texts(read(folders / "plain" / f"{stem}.ipynb"))


def test_the_settings_leave_nothing_where_a_solution_was(folders):
    class Settings(dict):
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__

        def __missing__(self, key):
            return self.setdefault(key, Settings())

    settings = Settings()
    exec((folders / "nbgrader" / "nbgrader_config.py").read_text(), {"get_config": lambda: settings})
    assert settings.ClearSolutions.code_stub == {"python": ""}


def test_nbgrader_takes_them(folders):
    nbgraderformat = pytest.importorskip("nbgrader.nbgraderformat")
    for stem in STEMS:
        path = folders / "nbgrader" / "source" / stem / f"{stem}.ipynb"
        nbgraderformat.read(str(path), as_version=4)  # validates


# ---------------------------------------------------------------------------------------------------------------------
# otter


@pytest.mark.parametrize("stem", STEMS)
def test_questions_are_nested_as_otter_reads_them(folders, stem):
    cells = source_for_otter(folders, stem).cells
    raw = [(number, cell.source.split("\n")[0]) for number, cell in enumerate(cells) if cell.cell_type == "raw"]
    assert raw[0] == (0, "# ASSIGNMENT CONFIG")
    block = ["BEGIN QUESTION", "BEGIN SOLUTION", "END SOLUTION", "BEGIN TESTS", "END TESTS", "END QUESTION"]
    said = [line.removeprefix("# ") for _, line in raw[1:]]
    assert said == block * (len(said) // 6)
    assert said
    for number, line in raw[1:]:
        if line == "# BEGIN QUESTION":
            question = yaml.safe_load(cells[number].source.split("\n", 1)[1])
            name = question["name"]
            assert question["points"] == points_of(name, stem)
            assert f"exercise-{name}" in cells[number + 2].metadata.tags
            assert cells[number + 5].source.startswith(f"from maca_edu.course.chapter{stem[:2]} import check_{name} as")
            assert [cell.cell_type for cell in cells[number : number + 8]] == [
                *("raw", "raw", "code", "raw", "raw", "code", "raw", "raw")
            ]


@pytest.mark.parametrize("stem", STEMS)
def test_what_otter_hands_out_is_the_students_copy(folders, stem):
    cells, handed, in_tests = source_for_otter(folders, stem).cells, [], False
    for cell in cells:
        in_tests = (in_tests or cell.source == "# BEGIN TESTS") and cell.source != "# END TESTS"
        if cell.cell_type != "raw" and not in_tests:
            handed.append(cleared(cell.source, "# BEGIN SOLUTION NO PROMPT", "# END SOLUTION"))
    assert handed == texts(read(folders / "plain" / f"{stem}.ipynb"))


def test_otter_takes_one(folders, tmp_path):
    assign = pytest.importorskip("otter.api")
    stem = STEMS[0]
    from otter.assign import main as otter_assign

    assert assign
    otter_assign(str(folders / "otter" / stem / f"{stem}.ipynb"), str(tmp_path / "out"), no_run_tests=True)
    assert (tmp_path / "out" / "student" / f"{stem}.ipynb").exists()


# ---------------------------------------------------------------------------------------------------------------------
# Both


def test_the_same_labs_give_the_same_bytes(folders, tmp_path):
    release(tmp_path / "again", "otter")
    for path in (tmp_path / "again").rglob("*.ipynb"):
        assert path.read_bytes() == (folders / "otter" / path.relative_to(tmp_path / "again")).read_bytes()


def test_with_its_solutions_a_source_runs_and_a_stub_does_not_pass(folders):
    stem = "02_policy_gradients_for_teams"
    notebook = source_for_nbgrader(folders, stem)
    NotebookClient(notebook, timeout=120).execute()  # a hidden test that fails would raise
    namespace = {}
    exec("def my_score(pi, action):\n    ...", namespace)
    with pytest.raises(AssertionError, match="Write your answer"):
        exec(assertion_of("score", "check_score(my_score)", stem), namespace)


def test_the_command_and_its_refusals(tmp_path, capsys):
    assert main(["class-copy", str(tmp_path / "new"), "--grader", "otter"]) == 0
    assert capsys.readouterr().out.split()[0].endswith(f"{STEMS[0]}.ipynb")
    assert main(["class-copy", str(tmp_path / "new"), "--grader", "nbgrader"]) == 2
    assert "new or an empty one" in capsys.readouterr().err
    with pytest.raises(ValueError, match="program='canvas'; allowed are"):
        release(tmp_path / "other", "canvas")
