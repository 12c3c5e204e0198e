"""The map of chapters: an arrow leads from a chapter to those whose labs say that they need it.

    python book/chapter_map.py      # writes book/_static/chapter_map.svg for the README; every build makes the book's

What a lab needs stands in its first lines. An arrow that others imply is left out.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from pathlib import Path
from typing import NamedTuple

BOOK = Path(__file__).parent
LABS = BOOK.parent / "notebooks" / "src"
OUT = BOOK / "_static" / "chapter_map.svg"
WIDTH, HEIGHT, ACROSS, DOWN, EDGE = 142, 54, 160, 92, 8  # of a box; from box to box; around the map
COLUMNS = {8: 0, 10: 0, 7: 2, 9: 2, 17: 2, 18: 2, 13: 3, 14: 3, 12: 4, 15: 4}
SPINE = 1  # the column of all others; on a phone it is seen first
PARTS = ((6, "one"), (14, "two"), (18, "three"))  # the last chapter of each part
STYLE = """.box { fill: #fff; stroke-width: 2; } .one { stroke: #0072b2; } .two { stroke: #e69f00; }
.three { stroke: #009e73; } text { fill: #1a1a1a; } .arrow { stroke: #8a8a8a; } .tip { fill: #8a8a8a; }"""


class Chapter(NamedTuple):
    """A chapter on the map."""

    number: int
    name: str  # "04_the_credit_spectrum"
    title: str
    needs: frozenset[int]  # the chapters that its lab asks for


def needed(text: str, number: int) -> frozenset[int]:
    """The numbers behind "Needs:" in a lab: "labs 3 to 5, lab 7 and lab 10" are 3, 4, 5, 7 and 10.

    number: the lab's own, which it always needs.
    """
    said = re.search(r"\*\*Needs:\*\* (.+)", text.replace("](\n", "]("))
    words = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", said[1]) if said else ""
    found = set()
    for run in re.findall(r"(?:labs?|chapters?) (\d+(?:(?:, | and | to )\d+)*)", words):
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", run):
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found - {number})


def chapters() -> dict[int, Chapter]:
    """The chapters that are there, by number."""
    found = {}
    for path in sorted((BOOK / "chapters").glob("[0-9][0-9]_*.md")):
        number, text = int(path.stem[:2]), path.read_text(encoding="utf-8")
        lab = (LABS / path.name).read_text(encoding="utf-8")
        found[number] = Chapter(number, path.stem, re.search(r"^# (.+)$", text, re.MULTILINE)[1], needed(lab, number))
    return found


def before(number: int, found: dict[int, Chapter]) -> set[int]:
    """All chapters that a chapter needs, directly or by way of others."""
    return {earlier for need in found[number].needs for earlier in {need} | before(need, found)}


def arrows(found: dict[int, Chapter]) -> list[tuple[int, int]]:
    """(from, to) for each need that no other need implies."""
    return [
        (need, chapter.number)
        for chapter in found.values()
        for need in sorted(chapter.needs)
        if not any(need in before(other, found) for other in chapter.needs)
    ]


def row(number: int, found: dict[int, Chapter]) -> int:
    """How many arrows the longest way to a chapter has."""
    return max((row(need, found) + 1 for need in found[number].needs), default=0)


def column(number: int) -> int:
    return COLUMNS.get(number, SPINE)


def corner(number: int, found: dict[int, Chapter]) -> tuple[int, int]:
    """The upper left corner of a chapter's box."""
    return EDGE + ACROSS * column(number), EDGE + DOWN * row(number, found)


def crossing(start: int, end: int, found: dict[int, Chapter]) -> int:
    """The row below which an arrow goes over to the column of its end: the first for which no box is in its way."""
    taken = {(column(number), row(number, found)) for number in found}
    first, last = row(start, found), row(end, found)
    for k in range(first, last):
        above = {(column(start), j) for j in range(first + 1, k + 1)}
        below = {(column(end), j) for j in range(k + 1, last)}
        if not (above | below) & taken:
            return k
    return first


def arrow(start: int, end: int, found: dict[int, Chapter]) -> str:
    (x, y), (u, v) = corner(start, found), corner(end, found)
    x, u = x + WIDTH // 2, u + WIDTH // 2
    over = EDGE + DOWN * crossing(start, end, found) + HEIGHT  # from here, and back to vertical above the next row
    free = DOWN - HEIGHT
    curve = f"C{x} {over + free // 2} {u} {over + free // 2} {u} {over + free - 7}"
    return f'<path class="arrow" d="M{x} {y + HEIGHT} V{over} {curve} V{v - 7}" marker-end="url(#tip)"/>'


def box(chapter: Chapter, found: dict[int, Chapter]) -> str:
    """A chapter's box, which leads to its page."""
    x, y = corner(chapter.number, found)
    part = next(name for last, name in PARTS if chapter.number <= last)
    lines = textwrap.wrap(f"{chapter.number} {chapter.title}", 19)
    first = y + HEIGHT // 2 + 5 - 9 * (len(lines) - 1)
    words = "".join(
        f'<tspan x="{x + WIDTH // 2}" y="{first + 18 * k}">{escape(line)}</tspan>' for k, line in enumerate(lines)
    )
    return (
        f'<a href="chapters/{chapter.name}.html"><rect class="box {part}" x="{x}" y="{y}" width="{WIDTH}" '
        f'height="{HEIGHT}" rx="6"/><text text-anchor="middle">{words}</text></a>'
    )


def svg(style: str = "") -> str:
    """The map. style: its colours; "" where the page that holds it has them."""
    found = chapters()
    width = 2 * EDGE + ACROSS * (max(COLUMNS.values()) + 1) - (ACROSS - WIDTH)
    height = 2 * EDGE + DOWN * max(row(number, found) for number in found) + HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chapter-map" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="14" role="group" '
        'aria-label="Map of chapters">',
        f"<style>{style}</style>" if style else "",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="2" refY="4" markerWidth="8" markerHeight="8" orient="90" '
        'markerUnits="userSpaceOnUse"><path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>' if style else "",
        '<g fill="none" stroke-width="1.5">',
        *(arrow(start, end, found) for start, end in arrows(found)),
        "</g>",
        *(box(chapter, found) for chapter in found.values()),
        "</svg>",
    ]
    return "\n".join(filter(None, parts)) + "\n"


if __name__ == "__main__":
    OUT.write_text(svg(STYLE), encoding="utf-8")
    print(f"Written to {OUT.relative_to(BOOK.parent)}")
