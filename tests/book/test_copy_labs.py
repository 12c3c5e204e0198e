"""The book's copies of the labs."""

import os

from copy_labs import copy_labs


def write(folder, **texts):
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_labs_are_copied_and_the_start_page_is_not(tmp_path):
    write(tmp_path / "notebooks", **{"00_start_here": "start", "01_one": "eins ä", "scratch": "mine"})
    copy_labs(tmp_path / "notebooks", tmp_path / "labs")
    assert names(tmp_path / "labs") == ["01_one.ipynb"]
    assert (tmp_path / "labs" / "01_one.ipynb").read_text(encoding="utf-8") == "eins ä"


def test_links_to_texts_lead_to_the_book_s_pages(tmp_path):
    write(tmp_path / "notebooks", **{"01_one": "[chapter 1](../book/chapters/01_one.md)"})
    copy_labs(tmp_path / "notebooks", tmp_path / "labs")
    assert (tmp_path / "labs" / "01_one.ipynb").read_text() == "[chapter 1](../chapters/01_one.md)"


def test_only_changed_labs_are_written_and_stale_ones_go(tmp_path):
    source, target = tmp_path / "notebooks", tmp_path / "labs"
    write(source, **{"01_one": "1", "02_two": "2", "03_three": "3"})
    copy_labs(source, target)
    for path in target.iterdir():
        os.utime(path, (1, 1))
    write(source, **{"02_two": "2, changed"})
    (source / "03_three.ipynb").unlink()
    copy_labs(source, target)
    assert names(target) == ["01_one.ipynb", "02_two.ipynb"]
    assert (target / "01_one.ipynb").stat().st_mtime == 1
    assert (target / "02_two.ipynb").read_text() == "2, changed"
