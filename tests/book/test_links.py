"""Links inside a small book: what leads somewhere, what does not, and what is said of it."""

import links
import pytest

GOOD = """<html><head><link href="_static/a.css?v=1"></head><body><a href="#top-of-it">down</a><p id="top-of-it">
<a href="#">up</a><a href="chapters/01%20one.html#thm-%C3%A4">a theorem</a><a href="https://example.org/x#y">out</a>
<a href="mailto:a@example.org">mail</a><img src="data:image/png;base64,AA"><a href="_static/a.css#no-page">style</a>
<script>var text = '<a href="nowhere.html">'</script></body></html>"""
CHAPTER = '<h1 id="thm-ä">One</h1><a name="old"></a><a href="../index.html#top-of-it">back</a><a href="#old">here</a>'


@pytest.fixture
def built(tmp_path, monkeypatch):
    built = tmp_path / "html"
    for name, text in (("index.html", GOOD), ("chapters/01 one.html", CHAPTER), ("_static/a.css", "a {}")):
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (built / name).write_text(text, encoding="utf-8")
    (tmp_path / "outside.html").write_text("outside")
    monkeypatch.setattr(links, "BUILT", built)
    return built


def test_a_sound_book_has_no_broken_link(built, capsys):
    assert links.main([]) == 0
    assert capsys.readouterr().out.strip() == "2 pages, 0 broken links"


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("gone.html", "leads to no file"),
        ("chapters/", "leads to no file"),
        ("chapters/01%20one.html#thm-b", "leads to no such place on its page"),
        ("#down-there", "leads to no such place on its page"),
        ("../outside.html", "leads out of the book"),
        ("/static/html/index.html", "leads out of the book"),
        ("file:///home/me/index.html", "names a file of one machine"),
    ],
)
@pytest.mark.parametrize("tag", ['<a href="{}">', '<img src="{}">'])
def test_a_broken_link_is_named_with_its_page(built, capsys, link, wrong, tag):
    (built / "index.html").write_text(GOOD + tag.format(link))
    assert links.main([]) == 1
    assert capsys.readouterr().out.splitlines() == [f"index.html: {link} {wrong}", "2 pages, 1 broken links"]


def test_slides_are_checked_when_they_are_asked_for(built, capsys):
    (built / "slides").mkdir()
    (built / "slides" / "01.html").write_text('<a href="../index.html#top-of-it"></a><a href="../index.html#no"></a>')
    assert links.main([]) == 0
    assert links.main(["slides"]) == 1
    assert "slides/01.html: ../index.html#no leads to no such place" in capsys.readouterr().out


def test_a_book_that_is_not_there_is_no_sound_book(tmp_path, monkeypatch):
    monkeypatch.setattr(links, "BUILT", tmp_path / "nothing")
    with pytest.raises(SystemExit, match="There are no pages"):
        links.main([])
