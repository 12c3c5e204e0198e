"""The archive for a class, made of a book of three files and one lab."""

import os
import zipfile

import bundle
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


@pytest.fixture
def built(tmp_path):
    pages = {"index.html": "start", "slides/index.html": "decks", "_static/a.js": "a"}
    pages |= {".buildinfo": "b", ".doctrees/index.doctree": "d"}
    for name, text in pages.items():
        (tmp_path / "html" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "html" / name).write_text(text)
    return tmp_path / "html"


@pytest.fixture
def labs(tmp_path):
    folded = "Try.\n\n<details><summary>Solution</summary>forty-two</details>"
    ran = new_code_cell("6 * 7", id="b", outputs=[new_output("stream", text="42")], execution_count=1)
    (tmp_path / "labs").mkdir()
    nbformat.write(new_notebook(cells=[new_markdown_cell(folded, id="a"), ran]), tmp_path / "labs" / "01_one.ipynb")
    return tmp_path / "labs"


def contents(archive):
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        return {info.filename.removeprefix("maca-edu-class/"): opened.read(info).decode() for info in opened.infolist()}


def test_book_slides_labs_and_a_read_me(tmp_path, built, labs):
    assert bundle.bundle(tmp_path / "dist" / "class.zip", built, labs, tmp_path / "book.pdf") == "written"
    held = contents(tmp_path / "dist" / "class.zip")
    in_book = {"book/index.html", "book/slides/index.html", "book/_static/a.js"}
    assert held.keys() == {"READ-ME.txt", "labs/01_one.ipynb"} | in_book
    assert held["book/index.html"] == "start"
    assert "forty-two" not in held["labs/01_one.ipynb"]
    assert nbformat.reads(held["labs/01_one.ipynb"], as_version=4).cells[1].outputs == []
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["class.zip"]


def test_the_read_me_names_only_what_is_there():
    """On the real layout of the book: what it names is a source beside this script, or made by slides.py."""
    named = [
        line.split()[0] for line in bundle.READ_ME.splitlines() if line.startswith(("book/", "labs/", "maca-edu.pdf"))
    ]
    sources = {"book/index.html": "index.md", "book/teaching/index.html": "teaching/index.md"}
    assert set(named) == {*sources, "book/slides/index.html", "labs/", "maca-edu.pdf"}
    assert all((bundle.ROOT / "book" / source).exists() for source in sources.values())


def test_the_same_book_gives_the_same_bytes(tmp_path, built, labs):
    bundle.bundle(tmp_path / "one.zip", built, labs, tmp_path / "book.pdf")
    for path in built.rglob("*"):
        os.utime(path, (10**9, 10**9))
    (built / "index.html").chmod(0o600)
    bundle.bundle(tmp_path / "two.zip", built, labs, tmp_path / "book.pdf")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.parametrize(("later", "held"), [(10, True), (-10, False)])
def test_a_pdf_older_than_the_book_stays_out(tmp_path, built, labs, later, held):
    pdf = tmp_path / "book.pdf"
    pdf.write_text("printed")
    made = (built / "index.html").stat().st_mtime
    os.utime(pdf, (made + later, made + later))
    bundle.bundle(tmp_path / "class.zip", built, labs, pdf)
    assert ("maca-edu.pdf" in contents(tmp_path / "class.zip")) == held


def test_it_says_what_became_of_an_earlier_one(tmp_path, built, labs, monkeypatch, capsys):
    for name, value in (
        ("ROOT", tmp_path),
        ("BUNDLE", tmp_path / "class.zip"),
        ("BUILT", built),
        ("LABS", labs),
        ("PDF", tmp_path / "a.pdf"),
    ):
        monkeypatch.setattr(bundle, name, value)
    said = []
    for text in ("start", "start", "another start"):
        (built / "index.html").write_text(text)
        bundle.main()
        said.append(capsys.readouterr().out)
    assert said[0].startswith("class.zip is written, ")
    assert said[1].startswith("class.zip is as it was, ")
    assert said[2].startswith("class.zip is replaced: the earlier one differed, ")


def test_an_error_leaves_the_earlier_one_and_nothing_half_written(tmp_path, built, labs, monkeypatch):
    dist = tmp_path / "dist"
    bundle.bundle(dist / "class.zip", built, labs, tmp_path / "book.pdf")
    before = (dist / "class.zip").read_bytes()

    def full_disk(archive, files):
        archive.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(bundle, "write", full_disk)
    with pytest.raises(OSError, match="no space left"):
        bundle.bundle(dist / "class.zip", built, labs, tmp_path / "book.pdf")
    assert [path.name for path in dist.iterdir()] == ["class.zip"]
    assert (dist / "class.zip").read_bytes() == before


@pytest.mark.parametrize("missing", ["index.html", "slides/index.html"])
def test_without_book_or_slides_it_says_what_to_do(tmp_path, built, labs, missing):
    (built / missing).unlink()
    with pytest.raises(SystemExit, match="make bundle builds the book and the slides first"):
        bundle.bundle(tmp_path / "class.zip", built, labs, tmp_path / "book.pdf")
    assert not (tmp_path / "class.zip").exists()
