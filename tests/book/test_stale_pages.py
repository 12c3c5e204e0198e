"""Pages of the built book whose text is gone."""

from stale_pages import remove_stale_pages


def test_only_pages_without_a_text_go(tmp_path):
    kept = {
        "index.html",
        "search.html",
        "chapters/01_one.html",
        "slides/01.html",
        "_static/frame.html",
        "_images/a.png",
    }
    for name in {*kept, "chapters/02_two.html", "planned/02_two.html"}:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert remove_stale_pages(tmp_path, {"index", "chapters/01_one"}) == ["chapters/02_two", "planned/02_two"]
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")} == kept
