"""Slides for every chapter, made of the built book: `make slides`.

    python book/slides.py      # reads book/_build/html, writes book/_build/html/slides/NN.html and index.html

A deck follows the lecturer's page: the question, the prediction, a slide for each step of the board plan with the
definitions and theorems it names, the lab's figures, the misconceptions, the homework. What the lecturer's page says
about minutes and the projector is in the speaker notes: press S. Nothing is written twice: a change of the text changes
the slides.
"""

from __future__ import annotations

import posixpath
import re
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

from bs4 import BeautifulSoup, Tag

BUILT = Path(__file__).parent / "_build" / "html"

PAGE = """<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="../_static/vendor/reveal.js/dist/reveal.css">
<link rel="stylesheet" href="../_static/slides.css">
<script>window.MathJax = {{"tex": {{"inlineMath": [["\\\\(", "\\\\)"]]}}, "svg": {{"fontCache": "global"}}}}</script>
<script defer src="../_static/vendor/mathjax/es5/tex-svg-full.js"></script>
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="../_static/vendor/reveal.js/dist/reveal.js"></script>
<script src="../_static/vendor/reveal.js/plugin/notes/notes.js"></script>
<script>Reveal.initialize({{hash: true, slideNumber: "c/t", controlsTutorial: false, transition: "none",
    center: false, width: 1280, height: 720, margin: 0.05, plugins: [RevealNotes]}})</script>
</body>
</html>
"""

LIST = """<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides</title>
<link rel="stylesheet" href="../_static/slides.css">
</head>
<body class="index">
<h1>Slides</h1>
<ol>
{items}
</ol>
<p>Arrow keys turn the slides, S opens the speaker notes, F fills the screen.</p>
</body>
</html>
"""


class Slide(NamedTuple):
    """One slide: a heading, what is shown, and what only the lecturer sees. body, notes: HTML."""

    heading: str
    body: str
    notes: str = ""
    kind: str = "plain"

    def html(self) -> str:
        notes = f'<aside class="notes">{self.notes}</aside>' if self.notes else ""
        heading = f"<h2>{self.heading}</h2>\n" if self.heading else ""
        return f'<section class="{self.kind}">\n{heading}<div class="body">{self.body}</div>\n{notes}</section>'


def read(page: Path) -> Tag:
    """The article of a built page, its links made to lead on from the slides. SystemExit where it was not built."""
    if not page.exists():
        raise SystemExit(f"{page} is not there; make book writes it")
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one("article")
    for link in article.select("a[href]"):
        link["href"] = seen_from_slides(link["href"], page)
    return article


def seen_from_slides(link: str, page: Path) -> str:
    """A link of a page, which stands in a folder of the book, as it reads in the folder of the slides."""
    if "://" in link:
        return link
    path = page.name + link if link.startswith("#") else link
    return posixpath.normpath(f"../{page.parent.name}/{path}")


def inner(tag: Tag | None) -> str:
    """What a tag holds, with the links' marks removed; "" for None."""
    if tag is None:
        return ""
    for mark in tag.select("a.headerlink"):
        mark.decompose()
    return tag.decode_contents().strip()


def heading(tag: Tag | None) -> str:
    """The text of a heading, without its link's mark."""
    return "" if tag is None else tag.get_text().rstrip("#").strip()


def section(article: Tag, name: str) -> str:
    """What a section of a page holds, without its heading; "" where there is no such section."""
    found = article.select_one(f"section#{name}")
    if found is None:
        return ""
    title = found.find(["h2", "h3"])
    if title is not None:
        title.decompose()
    return inner(found)


def statement(article: Tag, label: str) -> Slide | None:
    """A definition or theorem of the text, without its proof; None where the label belongs to nothing of that kind."""
    box = article.select_one(f'div.proof.admonition[id="{label}"]')
    if box is None:
        return None
    return Slide(heading(box.select_one("p.admonition-title")), inner(box.select_one("section")), kind="statement")


def board(teaching: Tag, text: Tag) -> list[Slide]:
    """A slide for each step of the board plan, each followed by the statements it names, the first time they occur."""
    steps = teaching.select("section#board-plan > ol > li")
    slides, shown = [], set()
    for number, step in enumerate(steps, 1):
        labels = [link["href"].partition("#")[2] for link in step.select("a.reference") if "#" in link["href"]]
        slides.append(Slide(f"Board {number} of {len(steps)}", inner(step), kind="board"))
        for label in labels:
            said = statement(text, label) if label not in shown else None
            if said is not None:
                slides.append(said)
            shown.add(label)
    return slides


def figures(lab: Tag, notes: str) -> list[Slide]:
    """A slide for each figure of the lab, under the heading of its section; its description is in the notes."""
    slides = []
    for image in lab.select("img[src]"):
        if image["src"].startswith("data:") or not image.get("alt"):
            continue
        title = heading(image.find_previous(["h2", "h3"]))
        shown = f'<img src="{image["src"]}" alt="{escape(image["alt"])}">'
        slides.append(Slide(title, shown, f"<p>{escape(image['alt'])}</p>{notes}", kind="figure"))
    return slides


def misconceptions(teaching: Tag) -> list[Slide]:
    """A slide for each row of the table: what they think, and the question; the answer comes with the next key."""
    slides = []
    for row in teaching.select("section#misconceptions tbody tr"):
        thinks, ask, answer = (inner(cell) for cell in row.select("td")[:3])
        body = f'<div class="ask">{ask}</div><div class="fragment answer">{answer}</div>'
        slides.append(Slide("True or false?", f'<div class="thinks">{thinks}</div>{body}', kind="misconception"))
    return slides


def deck(number: str) -> tuple[str, list[Slide]]:
    """The title and the slides of a chapter; number: two digits."""
    text_page = next((BUILT / "chapters").glob(f"{number}_*.html"))
    text, teaching = read(text_page), read(BUILT / "teaching" / f"{number}.html")
    lab = read(BUILT / "labs" / text_page.name)
    title = re.sub(r"^\d+\. ", "", heading(text.find("h1")))
    question = text.select_one("div.admonition.question")
    predict = text.select_one("div.admonition.predict")
    for box in (question, predict):
        if box is not None:
            box.select_one("p.admonition-title").decompose()
    minutes, projector = section(teaching, "ninety-minutes"), section(teaching, "on-the-projector")
    first = f'<p class="chapter">Chapter {int(number)}</p><h1>{title}</h1><div class="question">{inner(question)}</div>'
    slides = [
        Slide("", first, minutes, "title"),
        Slide("Write down your prediction", inner(predict), section(teaching, "goals"), "predict"),
        *board(teaching, text),
        *figures(lab, projector),
        *misconceptions(teaching),
        Slide("Until next time", section(teaching, "homework"), section(teaching, "for-discussion"), "homework"),
    ]
    return title, [slide for slide in slides if slide.body]


def write(number: str) -> str:
    """Write a chapter's deck; returns its title."""
    title, slides = deck(number)
    page = PAGE.format(title=escape(title), slides="\n".join(slide.html() for slide in slides))
    (BUILT / "slides" / f"{number}.html").write_text(page, encoding="utf-8")
    return title


def chapters() -> list[str]:
    """The numbers of the chapters that have a lecturer's page."""
    pages = (BUILT / "teaching").glob("[0-9][0-9].html")
    return sorted(page.stem for page in pages)


def main() -> None:
    if not (BUILT / "index.html").exists():
        sys.exit("The slides are made of the built book; make slides builds both.")
    (BUILT / "slides").mkdir(exist_ok=True)
    titles = {number: write(number) for number in chapters()}
    items = "\n".join(f'<li value="{int(n)}"><a href="{n}.html">{escape(t)}</a></li>' for n, t in titles.items())
    (BUILT / "slides" / "index.html").write_text(LIST.format(items=items), encoding="utf-8")
    print(f"Open {BUILT / 'slides' / 'index.html'}")


if __name__ == "__main__":
    main()
