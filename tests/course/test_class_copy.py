"""The students' copy holds no solutions and no outputs, runs from top to bottom, and never overwrites anything."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from maca_edu.cli import main
from maca_edu.course.class_copy import LABS, class_copy, for_students

NAMES = sorted(path.name for path in LABS.glob("[0-9][0-9]*_*.ipynb"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "labs"
    class_copy(folder)
    return folder


def test_every_lab_is_there_and_readable_by_others(copy):
    assert sorted(path.name for path in copy.iterdir()) == NAMES
    assert len(NAMES) > 3
    assert copy.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", NAMES)
def test_no_solution_no_answer_no_output(copy, name):
    notebook = nbformat.read(copy / name, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "solution:" not in text
    assert not re.search(r"<summary>(Solution|Answer)", text)
    assert text.count("<details>") == text.count("</details>")  # hints stay, whole
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert "widgets" not in notebook.metadata
    assert "](../" not in text  # nothing leads out of the folder


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_folds_is_lost(copy, name):
    full, short = (nbformat.read(folder / name, as_version=4) for folder in (LABS, copy))
    code = [[cell.source for cell in notebook.cells if cell.cell_type == "code"] for notebook in (full, short)]
    assert code[0] == code[1]
    headings = [
        re.findall(r"^#+ .*$", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.MULTILINE)
        for notebook in (full, short)
    ]
    kept = [re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", line) for line in headings[1]]
    assert [line for line in kept if line.startswith("#")] == [
        re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", line) for line in headings[0] if not line.startswith("# solution")
    ]


# Every lab runs in `make nbval`, and a copy has the same code. What is left to ask is whether it runs in a folder that
# holds nothing else: of the labs that read the most, and of those that students write into, one each.
@pytest.mark.parametrize(
    "name", ["01_who_carried_the_fridge.ipynb", "06b_self_test.ipynb", "18_experiments_you_can_trust.ipynb"]
)
def test_the_copy_runs_from_top_to_bottom(copy, name):
    notebook = nbformat.read(copy / name, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(copy)}}).execute()
    assert notebook.cells[-1].cell_type in ("code", "markdown")
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_no_code_looks_into_the_folder_above(copy, name):
    notebook = nbformat.read(copy / name, as_version=4)
    assert not any("../" in cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_hints_stay():
    source = (
        "Before.\n\n<details><summary>Hint</summary>\n\nlook\n\n</details>\n\n"
        "<details><summary>Solution</summary>\n\nx\n\n</details>\n\nAfter."
    )
    notebook = for_students(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)]))
    assert notebook.cells[0].source == "Before.\n\n<details><summary>Hint</summary>\n\nlook\n\n</details>\n\nAfter."


def test_a_folder_in_use_is_left_alone(tmp_path, capsys):
    (tmp_path / "homework.txt").write_text("mine")
    assert main(["class-copy", str(tmp_path)]) == 2
    assert "new or an empty one" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["homework.txt"]


def test_a_broken_lab_leaves_nothing_behind(tmp_path):
    (tmp_path / "labs").mkdir()
    (tmp_path / "labs" / "01_broken.ipynb").write_text("{")
    with pytest.raises(nbformat.reader.NotJSONError):
        class_copy(tmp_path / "copy", labs=tmp_path / "labs")
    assert [path.name for path in tmp_path.iterdir()] == ["labs"]


def test_where_there_are_no_labs(tmp_path):
    with pytest.raises(ValueError, match="holds no labs"):
        class_copy(tmp_path / "copy", labs=Path(tmp_path))


def test_the_command_prints_what_it_wrote(tmp_path, capsys):
    assert main(["class-copy", str(tmp_path / "copy")]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "copy" / name) for name in NAMES]
