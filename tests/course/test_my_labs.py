"""A reader's copies: nothing is spoiled, links lead to pages, and what the reader wrote is never lost."""

import json
import re

import nbformat
import pytest

from maca_edu.course.class_copy import LABS
from maca_edu.course.my_labs import HOW_TO_READ, my_labs

NAMES = sorted(path.name for path in LABS.glob("[0-9][0-9]*_*.ipynb"))


@pytest.fixture
def labs(tmp_path):
    """Two small labs with outputs and a link to their chapter; a folder for the copies; a built book."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("00_start_here", "01_first"):
        write_lab(folder / f"{name}.ipynb", "1 + 1")
    (tmp_path / "html").mkdir()
    return folder


def write_lab(path, code):
    output = nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)
    cells = [
        nbformat.v4.new_markdown_cell("See [chapter 1](../book/chapters/01_first.md).", id="a"),
        nbformat.v4.new_code_cell(code, outputs=[output], execution_count=1, id="b"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def test_all_labs_are_copied_without_outputs_and_their_links_lead_to_the_book(tmp_path):
    (tmp_path / "html").mkdir()
    assert my_labs(tmp_path / "mine", book=tmp_path / "html").written == NAMES
    for name in NAMES:
        notebook = nbformat.read(tmp_path / "mine" / name, as_version=4)
        assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")
        assert "widgets" not in notebook.metadata
        text = "\n".join(cell.source for cell in notebook.cells)
        assert "(../" not in text
        for page in re.findall(r"\(/static/html/(chapters/\w+)\.html\)", text):
            assert (LABS.parent / "book" / f"{page}.md").is_file()


def test_without_a_book_the_links_say_how_to_get_it(labs, tmp_path):
    copies = my_labs(tmp_path / "mine", labs, tmp_path / "nothing")
    assert copies.written == ["00_start_here.ipynb", "01_first.ipynb", HOW_TO_READ]
    assert f"({HOW_TO_READ})" in (tmp_path / "mine" / "01_first.ipynb").read_text()
    assert "make book" in (tmp_path / "mine" / HOW_TO_READ).read_text()
    my_labs(tmp_path / "mine", labs, tmp_path / "html")  # built since
    assert "(/static/html/chapters/01_first.html)" in (tmp_path / "mine" / "01_first.ipynb").read_text()


def test_what_the_reader_wrote_stays(labs, tmp_path):
    mine = tmp_path / "mine"
    my_labs(mine, labs, tmp_path / "html")
    assert my_labs(mine, labs, tmp_path / "html") == ([], [])
    own = (mine / "01_first.ipynb").read_text().replace("1 + 1", "my own work")
    (mine / "01_first.ipynb").write_text(own)
    assert my_labs(mine, labs, tmp_path / "html") == ([], [])
    for name in ("00_start_here", "01_first"):
        write_lab(labs / f"{name}.ipynb", "2 + 2")  # the course goes on
    assert my_labs(mine, labs, tmp_path / "html") == (["00_start_here.ipynb"], ["01_first.ipynb"])
    assert (mine / "01_first.ipynb").read_text() == own
    (mine / "01_first.ipynb").rename(mine / "mine.ipynb")
    assert my_labs(mine, labs, tmp_path / "html") == (["01_first.ipynb"], [])
    assert (mine / "mine.ipynb").read_text() == own


@pytest.mark.parametrize("record", ["", "[]", "7", "[" * 100_000, None])
def test_a_lost_record_overwrites_nothing(labs, tmp_path, record):
    mine = tmp_path / "mine"
    my_labs(mine, labs, tmp_path / "html")
    (mine / "01_first.ipynb").write_text("my own work")
    if record is None:
        (mine / ".made.json").unlink()
    else:
        (mine / ".made.json").write_text(record)
    my_labs(mine, labs, tmp_path / "html")
    assert (mine / "01_first.ipynb").read_text() == "my own work"
    assert json.loads((mine / ".made.json").read_text()) is not None


def test_no_labs_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="holds no labs; run this from a checkout of the course"):
        my_labs(tmp_path / "mine", tmp_path)
