"""What an earlier build of the book left behind goes, and nothing else."""

import pytest
from stale_pages import pages_to_write_again, remove_stale_files

KEPT = {
    "index.html": '<a href="chapters/01_one.html">1</a>',
    "search.html": "",
    "chapters/01_one.html": '<img src="../_images/a.png">',
    "slides/01.html": '<img alt="b" src="../_images/b.png">',
    "_static/frame.html": "",
    "_images/a.png": "",
    "_images/b.png": "",
    "_sources/index.md.txt": "",
    "_sources/chapters/01_one.md.txt": "",
}
STALE = (
    "_images/only_in_two.png",
    "_sources/planned/02_two.md.txt",
    "_sources/labs/02_two.ipynb.txt",
    "chapters/02_two.html",
    "planned/02_two.html",
)
DOCUMENTS = {"index", "chapters/01_one"}


@pytest.fixture
def built(tmp_path):
    """A built book, with what an earlier build left."""
    for name, text in (KEPT | dict.fromkeys(STALE, '<img src="../_images/only_in_two.png">')).items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_only_what_is_stale_goes(built):
    assert remove_stale_files(built, DOCUMENTS) == sorted(STALE)
    assert {path.relative_to(built).as_posix() for path in built.rglob("*.*")} == set(KEPT)
    assert not (built / "planned").exists()  # nor an empty folder
    assert not (built / "_sources" / "planned").exists()
    assert remove_stale_files(built, DOCUMENTS) == []


def test_where_a_page_came_or_went_all_pages_are_written_again(built, tmp_path):
    assert pages_to_write_again(built, DOCUMENTS) == sorted(DOCUMENTS)  # two are gone
    remove_stale_files(built, DOCUMENTS)
    assert pages_to_write_again(built, DOCUMENTS) == []
    assert pages_to_write_again(built, {*DOCUMENTS, "new"}) == ["chapters/01_one", "index", "new"]
