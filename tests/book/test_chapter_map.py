"""The map of chapters: what labs say they need, no arrow too many, none through a box; and the README has today's."""

import xml.etree.ElementTree as ET

import chapter_map
import pytest
from chapter_map import arrows, before, chapters, column, crossing, needed, row, svg

FOUND = chapters()


@pytest.mark.parametrize(
    ("says", "numbers"),
    [
        ("nothing", set()),
        ("[chapter 9](../book/chapters/09_x.md), labs 3 to 5, PyTorch", {3, 4, 5}),
        ("[chapter 9](../book/chapters/09_x.md), labs 4, 7, 12 and 13, PyTorch", {4, 7, 12, 13}),
        (
            "[chapter 9](../book/chapters/09_x.md), labs 4 and 5 (spectrum), lab 6 (a game) and lab 10, NumPy",
            {4, 5, 6, 10},
        ),
        ("lab 1, the text of\n[chapter 9](../book/chapters/09_x.md), Python 3", {1}),
    ],
)
def test_what_a_lab_needs(says, numbers):
    assert needed(f"# Lab\n\n**Reading:** 30 minutes · **Needs:** {says}\n\n## Lab 8\n", 9) == numbers


def test_a_chapter_needs_earlier_chapters_that_are_there():
    assert FOUND[1].needs == frozenset()
    for chapter in FOUND.values():
        assert chapter.number == 1 or chapter.needs
        assert all(need in FOUND and need < chapter.number for need in chapter.needs)


def test_every_need_is_a_way_along_arrows_and_no_arrow_is_implied_by_others():
    drawn = set(arrows(FOUND))

    def reached(number, without=()):
        direct = {start for start, end in drawn - {without} if end == number}
        return direct | {earlier for start in direct for earlier in reached(start, without)}

    for number in FOUND:
        assert reached(number) == before(number, FOUND)
    for start, end in drawn:
        assert start not in reached(end, without=(start, end))


def test_no_two_boxes_in_one_place_and_no_arrow_through_a_box():
    places = [(column(number), row(number, FOUND)) for number in FOUND]
    assert len(set(places)) == len(places)
    for start, end in arrows(FOUND):
        over = crossing(start, end, FOUND)
        way = {(column(start), j) for j in range(row(start, FOUND) + 1, over + 1)}
        way |= {(column(end), j) for j in range(over + 1, row(end, FOUND))}
        assert not way & set(places), (start, end)


def test_the_map_names_every_chapter_and_leads_to_it():
    picture = ET.fromstring(svg())
    space = "{http://www.w3.org/2000/svg}"
    links = {link.get("href"): " ".join(link.itertext()) for link in picture.iter(f"{space}a")}
    assert links.keys() == {f"chapters/{chapter.name}.html" for chapter in FOUND.values()}
    for chapter in FOUND.values():
        assert links[f"chapters/{chapter.name}.html"] == f"{chapter.number} {chapter.title}"


def test_the_readmes_picture_is_todays_map():
    made = chapter_map.OUT.read_text(encoding="utf-8")
    assert made == svg(chapter_map.STYLE), "The chapters changed: run python book/chapter_map.py"
