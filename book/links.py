"""Every link inside the built book leads to a file, and to a place in it, that exist.

    python book/links.py           # the pages of book/_build/html; make book runs it
    python book/links.py slides    # the slides; make slides runs it

Links to other sites are not followed. Prints what is broken, and then ends with status 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

BUILT = Path(__file__).parent / "_build" / "html"
DECKS = "slides"


class Page(NamedTuple):
    """What a page links to, and the places in it that can be linked to."""

    links: set[str]
    anchors: set[str]


class Reader(HTMLParser):
    """Collects the links and the anchors of a page."""

    def __init__(self):
        super().__init__()
        self.page = Page(links=set(), anchors=set())

    def handle_starttag(self, tag, attributes):
        said = {name: value for name, value in attributes if value is not None}
        self.page.links.update(said[name] for name in ("href", "src") if name in said)
        self.page.anchors.update(said[name] for name in ("id", "name") if name in said)


def read(file: Path) -> Page:
    """The links and anchors of one page."""
    reader = Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    return reader.page


def fault(link: str, file: Path, built: Path, book: dict[Path, Page]) -> str:
    """What is wrong with a link of the page `file`; "" where nothing is, or it leads to another site.

    built: the folder of the book; book: its pages.
    """
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return "names a file of one machine" if parts.scheme == "file" else ""
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_relative_to(built):
        return "leads out of the book"
    if not target.is_file():
        return "leads to no file"
    anchor = unquote(parts.fragment)
    if anchor and target in book and anchor not in book[target].anchors:
        return "leads to no such place on its page"
    return ""


def broken(built: Path, files: Iterable[Path]) -> list[str]:
    """A line for each broken link of these pages of the book in `built`: the page, the link, what is wrong."""
    built = built.resolve()
    book = {file: read(file) for file in built.rglob("*.html")}
    lines = []
    for file in sorted(path.resolve() for path in files):
        faults = {link: fault(link, file, built, book) for link in sorted(book[file].links)}
        lines += [f"{file.relative_to(built)}: {link} {wrong}" for link, wrong in faults.items() if wrong]
    return lines


def pages(built: Path) -> list[Path]:
    """The book's pages, without the slides, which are made afterwards."""
    return [path for path in built.rglob("*.html") if path.relative_to(built).parts[0] not in (DECKS, "_static")]


def main(arguments: list[str]) -> int:
    if arguments not in ([], [DECKS]):
        raise SystemExit("Use: python book/links.py [slides]")
    files = list((BUILT / DECKS).glob("*.html")) if arguments else pages(BUILT)
    if not files:
        raise SystemExit(f"There are no pages in {BUILT}; make book and make slides write them.")
    lines = broken(BUILT, files)
    print("\n".join([*lines, f"{len(files)} pages, {len(lines)} broken links"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
