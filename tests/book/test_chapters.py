"""Every chapter's text and lab belong together, and the start page tells of all eighteen."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted((BOOK / "chapters").glob("[0-9][0-9]_*.md"))
LABS = {path.stem for path in (BOOK.parent / "notebooks").glob("[0-9][0-9]_*.ipynb")} - {"00_start_here"}


def test_a_text_for_every_lab_and_a_lab_for_every_text():
    assert {path.stem for path in CHAPTERS} == LABS


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_text_has_its_lab_below_it_and_links_to_it_at_both_ends(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"```\{toctree\}\n:hidden:\n\n\.\./labs/" + path.stem + r"\n```", text)
    boxes = [match.start() for match in re.finditer(":class: lab-link", text)]
    assert len(boxes) == 2
    first, last = (text[start:].split(":::")[0] for start in boxes)
    assert f"(../labs/{path.stem}.ipynb)" in first
    assert f"(../labs/{path.stem}.ipynb)" in last
    assert text.index("# ") < boxes[0] < text.index("\n## ") < text.rindex("\n## ") < boxes[1]


def test_the_start_page_lists_eighteen_chapters_and_links_to_those_that_are_there():
    rows = re.findall(r"^\| (\d+) \| (.+?) \| .+ \|$", (BOOK / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 19))
    linked = {Path(name).stem for _, cell in rows for name in re.findall(r"\((chapters/.+?)\)", cell)}
    assert linked == {path.stem for path in CHAPTERS}
