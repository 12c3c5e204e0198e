"""The texts as one PDF, fit to print: `make pdf`.

    python book/pdf.py      # reads book/_build/html, writes book/_build/pdf/maca-edu.pdf

Chromium prints one page that is put together from the built pages: the preface, the chapters, notation, formulas,
glossary and bibliography. Links between them stay links; a link to a page that is not printed, such as a lab, is plain
text. What is folded on the screen is open on paper. CHROMIUM=/path/to/chromium says where it is.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

from bs4 import BeautifulSoup

from maca_edu.files import whole_file

BUILT = Path(__file__).parent / "_build" / "html"
PDF = Path(__file__).parent / "_build" / "pdf" / "maca-edu.pdf"
BEFORE = ("preface",)
AFTER = ("notation", "part1_formulas", "part2_formulas", "part3_formulas", "glossary", "bibliography")
TITLE = "Multi-agent credit assignment, from a shared reward to MACA"

PAGE = """<!doctype html>
<html lang="en-GB" data-theme="light" data-mode="light">
<head>
<meta charset="utf-8">
<title>{title}</title>
{styles}
<link rel="stylesheet" href="../html/_static/print.css">
<script>window.MathJax = {{"tex": {{"inlineMath": [["\\\\(", "\\\\)"]]}}, "svg": {{"fontCache": "global"}},
    "options": {{"processHtmlClass": "math"}}}}</script>
<script defer src="../html/_static/vendor/mathjax/es5/tex-svg-full.js"></script>
</head>
<body>
<main class="bd-main"><div class="bd-content"><div class="bd-article-container">
<article class="bd-article printed front"><p class="title">{title}</p><p>The maca-edu authors</p>
<p class="licence">Text and figures: CC BY 4.0. Code: MIT licence.</p></article>
<article class="bd-article printed contents"><h1>Contents</h1><table>{contents}</table></article>
{texts}
</div></div></main>
</body>
</html>
"""
FOOTER = '<div style="width: 100%; text-align: center; font-size: 8pt"><span class="pageNumber"></span></div>'
SHEET = {
    "format": "A4",
    "margin": {"top": "20mm", "bottom": "20mm", "left": "22mm", "right": "22mm"},
    "print_background": True,
    "display_header_footer": True,
    "header_template": "<span></span>",
    "footer_template": FOOTER,
}

WIDTH = 627  # of the text, in pixels: A4 without its margins
# Formulas and tables that are wider than their place get smaller letters, down to half the size.
FIT = """() => document.querySelectorAll("mjx-container, table").forEach(part => {
    const room = part.parentElement.closest("p, li, dd, td, th, div, section").clientWidth;
    const width = (part.querySelector(":scope > svg") || part).getBoundingClientRect().width;
    if (room && width > room) part.style.fontSize = `${Math.max(50, 98 * room / width)}%`;
})"""


class Text(NamedTuple):
    """One printed page of the book. name: as in "chapters/01_one"; html: what stands on paper."""

    name: str
    title: str
    html: str


def names(built: Path) -> list[str]:
    """What is printed, in this order. SystemExit where the book was not built."""
    chapters = sorted(path.stem for path in (built / "chapters").glob("[0-9][0-9]_*.html"))
    if not chapters:
        raise SystemExit("The PDF is made of the built book; make pdf builds both.")
    return [*BEFORE, *(f"chapters/{name}" for name in chapters), *AFTER]


def place(name: str, anchor: str) -> str:
    """The id, in the printed page, of a place in the page `name`; the page itself where anchor is ""."""
    return f"{name}..{anchor}"


def link(href: str, name: str, printed: list[str]) -> str | None:
    """Where a link of the page `name` leads on paper; None where that is not printed."""
    if "://" in href or href.startswith("mailto:"):
        return href
    path, _, anchor = href.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else f"{name}.html"
    target = target.removesuffix(".html")
    return f"#{place(target, anchor)}" if target in printed else None


def text(name: str, built: Path, printed: list[str]) -> Text:
    """A page of the book, its links and ids made to fit into one printed page together with the others."""
    soup = BeautifulSoup((built / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article")
    for part in article.select("a.headerlink, .toctree-wrapper, script"):
        part.decompose()
    for tag in article.select("[id]"):
        tag["id"] = place(name, tag["id"])
    for anchor in article.select("a[href]"):
        href = link(anchor["href"], name, printed)
        if href is None:
            anchor.unwrap()
        else:
            anchor["href"] = href
    for image in article.select("img[src]"):
        image["src"] = posixpath.normpath(posixpath.join("../html", posixpath.dirname(name), image["src"]))
    for fold in article.select("details"):
        fold["open"] = ""
    return Text(name, article.find("h1").get_text().strip(), article.decode_contents())


def styles(built: Path) -> str:
    """The style sheets of the book's start page."""
    soup = BeautifulSoup((built / "index.html").read_text(encoding="utf-8"), "html.parser")
    sheets = [sheet["href"] for sheet in soup.select('link[rel="stylesheet"]')]
    return "\n".join(f'<link rel="stylesheet" href="../html/{escape(href)}">' for href in sheets)


def page(texts: list[Text], numbers: list[int], built: Path) -> str:
    """The page to print. numbers: for each text, the number of its first sheet, for the table of contents."""
    rows = [
        f'<tr><td><a href="#{place(each.name, "")}">{escape(each.title)}</a></td><td>{number}</td></tr>'
        for each, number in zip(texts, numbers, strict=True)
    ]
    parts = [f'<article class="bd-article printed" id="{place(each.name, "")}">{each.html}</article>' for each in texts]
    return PAGE.format(title=TITLE, styles=styles(built), contents="".join(rows), texts="\n".join(parts))


def count(pdf: bytes) -> int:
    """The number of sheets of a PDF that Chromium wrote."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def first_sheets(chromium_page) -> list[int]:
    """The number of each text's first sheet, found by printing the parts one by one: each begins a new sheet."""
    lengths = []
    for k in range(chromium_page.locator(".printed").count()):
        chromium_page.evaluate(f"document.querySelectorAll('.printed').forEach((part, k) => part.hidden = k !== {k})")
        lengths.append(count(chromium_page.pdf(**SHEET)))
    chromium_page.evaluate("document.querySelectorAll('.printed').forEach(part => part.hidden = false)")
    return [1 + sum(lengths[:k]) for k in range(2, len(lengths))]  # after the title and the contents


def find_chromium() -> str:
    """SystemExit where there is none."""
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    path = os.environ.get("CHROMIUM") or next(found, None)
    if path is None:
        raise SystemExit("make pdf prints with Chromium: install it, or say where it is with CHROMIUM=/path/to/it.")
    return path


def main() -> None:
    from playwright.sync_api import sync_playwright

    printed = names(BUILT)
    texts = [text(name, BUILT, printed) for name in printed]
    PDF.parent.mkdir(exist_ok=True)
    source = PDF.with_name("maca-edu.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--headless", "--no-sandbox"])
        sheet = browser.new_page(viewport={"width": WIDTH, "height": 900})
        sheet.emulate_media(media="print")
        sheet.set_default_timeout(600_000)
        source.write_text(page(texts, [0] * len(texts), BUILT), encoding="utf-8")
        sheet.goto(source.as_uri())
        sheet.evaluate("MathJax.startup.promise")
        sheet.evaluate(FIT)
        numbers = first_sheets(sheet)
        cells = sheet.locator(".contents td:last-child")
        cells.evaluate_all("(cells, numbers) => cells.forEach((cell, k) => cell.textContent = numbers[k])", numbers)
        with whole_file(PDF) as temporary:
            temporary.write_bytes(sheet.pdf(**SHEET, outline=True, tagged=True))
        browser.close()
    print(f"{PDF} is written: {count(PDF.read_bytes())} sheets; the last text begins on {numbers[-1]}.")


if __name__ == "__main__":
    sys.exit(main())
