"""The page that is printed, put together from a book of six small pages. Chromium is not asked."""

import re

import pdf
import pytest

CHAPTER = """<article><section id="chapter-01"><h1>1. Ropes<a class="headerlink" href="#chapter-01">#</a></h1>
<p id="lem">See <a href="#lem">here</a>, <a href="../glossary.html#credit">credit</a>,
<a href="../labs/01_ropes.html">Lab 1</a> and <a href="https://example.org/x">elsewhere</a>.</p>
<img src="../_images/a.png" alt="a">
<details><summary>Answer</summary>All.</details><script>no()</script></section></article>"""


@pytest.fixture
def built(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "01_ropes.html").write_text(CHAPTER)
    for name in (*pdf.BEFORE, *pdf.AFTER):
        page = f'<article><h1 id="credit">{name}</h1><a href="chapters/01_ropes.html">1</a></article>'
        (tmp_path / f"{name}.html").write_text(page)
    (tmp_path / "index.html").write_text('<link rel="stylesheet" href="_static/a.css?v=1">')
    return tmp_path


@pytest.fixture
def printed(built):
    """The page, with sheets 3, 4, ... in its table of contents."""
    names = pdf.names(built)
    texts = [pdf.text(name, built, names) for name in names]
    return pdf.page(texts, list(range(3, 3 + len(texts))), built)


def test_the_texts_stand_in_their_order(printed):
    rows = re.findall(r'<tr><td><a href="#([^"]*)">([^<]*)</a></td><td>(\d+)</td></tr>', printed)
    assert [title for _, title, _ in rows] == ["preface", "1. Ropes", *pdf.AFTER]
    assert [int(number) for *_, number in rows] == list(range(3, 5 + len(pdf.AFTER)))
    begins = [printed.index(f'id="{anchor}"') for anchor, *_ in rows]
    assert begins == sorted(begins)


def test_every_link_inside_leads_to_one_place(printed):
    anchors = re.findall(r'id="([^"]*)"', printed)
    assert len(anchors) == len(set(anchors))
    inside = re.findall(r'href="#([^"]*)"', printed)
    assert len(inside) > 12
    assert set(inside) <= set(anchors)


def test_a_link_to_what_is_not_printed_is_plain_text(printed):
    assert "labs/01_ropes" not in printed
    assert "Lab 1 and" in printed
    assert 'href="https://example.org/x"' in printed


def test_pictures_styles_and_folds_are_fit_for_paper(printed):
    assert 'src="../html/_images/a.png"' in printed
    assert 'href="../html/_static/a.css?v=1"' in printed
    assert '<details open="">' in printed
    assert "headerlink" not in printed
    assert "no()" not in printed


def test_sheets_are_counted():
    assert pdf.count(b"<</Type /Pages /Count 2>> <</Type /Page\n>> <</Type /Page /A 1>>") == 2


def test_without_a_book_or_chromium_it_says_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="made of the built book"):
        pdf.names(tmp_path)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="prints with Chromium"):
        pdf.find_chromium()
