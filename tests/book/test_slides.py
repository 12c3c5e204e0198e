"""Slides made of three small pages."""

import pytest
import slides

TEXT = """<article><h1>3. Ropes<a class="headerlink" href="#">#</a></h1>
<div class="question admonition"><p class="admonition-title">The question</p><p>Who pulls?</p></div>
<div class="predict admonition"><p class="admonition-title">Write</p><p>How many?</p></div>
<div class="proof theorem admonition" id="thm-rope"><p class="admonition-title">Theorem 3.1 (Ropes)</p>
<section><p>All pull.</p></section></div>
<div class="proof admonition" id="proof"><p>Because.</p></div></article>"""
TEACHING = """<article><section id="goals"><h2>Goals</h2><p>Know ropes.</p></section>
<section id="ninety-minutes"><h2>Ninety minutes</h2><p>All of them.</p></section>
<section id="board-plan"><h2>Board plan</h2><ol>
<li><p>Draw. See <a class="reference internal" href="../chapters/03_ropes.html#thm-rope">Theorem 3.1</a>.</p></li>
<li><p>Again <a class="reference internal" href="../chapters/03_ropes.html#thm-rope">Theorem 3.1</a>.</p></li>
</ol></section>
<section id="misconceptions"><table><thead><tr><th>They think</th></tr></thead>
<tbody><tr><td><p>One is enough</p></td><td>Who else?</td><td>All</td></tr></tbody></table></section>
<section id="on-the-projector"><h2>On the projector</h2><p>Point.</p></section>
<section id="homework"><h2>Homework</h2><p>Exercise 2.</p></section></article>"""
LAB = """<article><h2>1. Pull</h2><img src="../_images/a.png" alt="Bars &amp; lines">
<img src="data:x" alt="no"></article>"""


@pytest.fixture
def built(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "BUILT", tmp_path)
    for folder, name, page in (("chapters", "03_ropes", TEXT), ("teaching", "03", TEACHING), ("labs", "03_ropes", LAB)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.html").write_text(page)
    (tmp_path / "index.html").write_text("")
    return tmp_path


def test_a_deck_follows_the_lecturers_page(built):
    title, deck = slides.deck("03")
    assert title == "Ropes"
    headings = ["", "Write down your prediction", "Board 1 of 2", "Theorem 3.1 (Ropes)", "Board 2 of 2", "1. Pull"]
    assert [slide.heading for slide in deck] == [*headings, "True or false?", "Until next time"]
    first, theorem, figure, doubt = deck[0], deck[3], deck[5], deck[6]
    assert "Who pulls?" in first.body
    assert "All of them." in first.notes
    assert "All pull." in theorem.body
    assert "Because." not in theorem.body
    assert 'alt="Bars &amp; lines"' in figure.body
    assert "Point." in figure.notes
    assert '<div class="fragment answer">All</div>' in doubt.body


@pytest.mark.parametrize(
    ("link", "seen"),
    [
        ("#thm-rope", "../chapters/03_ropes.html#thm-rope"),
        ("04_knots.html#def", "../chapters/04_knots.html#def"),
        ("../labs/03_ropes.html", "../labs/03_ropes.html"),
        ("../index.html", "../index.html"),
        ("https://example.org/a", "https://example.org/a"),
    ],
)
def test_a_link_leads_on_from_the_slides(link, seen, tmp_path):
    assert slides.seen_from_slides(link, tmp_path / "chapters" / "03_ropes.html") == seen


def test_decks_and_their_list_are_written(built, capsys):
    slides.main()
    assert "Ropes" in (built / "slides" / "index.html").read_text()
    page = (built / "slides" / "03.html").read_text()
    assert page.count("<section") == 8
    assert "headerlink" not in page
    assert '<aside class="notes">' in page


def test_without_a_book_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "BUILT", tmp_path)
    with pytest.raises(SystemExit, match="made of the built book"):
        slides.main()
