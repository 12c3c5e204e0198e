"""axe-core, on every page, and in dark on a page of every kind: nothing keeps a reader out who hears or sees little.

The book's pages in the light are looked at by test_book, which has them open anyway.
"""

import pytest
from accessibility import findings
from conftest import ROOT
from test_book import PAGES, visit
from test_slide_pages import NUMBERS

pytestmark = pytest.mark.browser

SELF_TESTS = sorted(f"labs/{path.stem}" for path in (ROOT / "notebooks").glob("*_self_test.ipynb"))
KINDS = {
    "start page": "index",
    "text at the front": "glossary",
    "formulas": "part1_formulas",
    "code with numbered lines": "equations",
    "list of figures": "figures",
    "index": "terms",
    "claims": "claims",
    "search": "search",
    "chapter": "chapters/02_policy_gradients_for_teams",
    "lab with a console": "labs/01_who_carried_the_fridge",
    "lab with sliders": "labs/05_variance_and_the_mixture",
    "lab with a replay": "labs/06_the_warehouse",
    "lab with a battle": "labs/16_starcraft_without_starcraft",
    "guide": "guides/training",
    "guide with figures": "guides/curves",
    "guide with a cockpit": "guides/cockpit",
    "method": "methods/maca",
    "for lecturers": "teaching/01",
    "sheet to write on": "teaching/predictions",
    "cards to cut out": "teaching/fridge_cards",
}
# Reveal hides all slides of a deck but the one that is shown
UNCOVER = """() => document.querySelectorAll("section[aria-hidden]").forEach(slide => {
    slide.hidden = false;
    slide.removeAttribute("aria-hidden");
})"""


@pytest.mark.parametrize("name", SELF_TESTS)
def test_no_serious_finding(page, built_book, axe, name):
    check(page, built_book, axe, name, "light")


@pytest.mark.parametrize("kind", KINDS)
def test_no_serious_finding_in_the_dark(page, built_book, axe, kind):
    check(page, built_book, axe, KINDS[kind], "dark")


def check(page, built_book, axe, name, scheme):
    page.emulate_media(color_scheme=scheme)
    visit(page, built_book, name)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert findings(page, axe) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_no_serious_finding_on_any_slide(page, slides, axe, number):
    page.goto(f"{(slides / number).as_uri()}.html?print-pdf")
    page.wait_for_selector(".pdf-page")
    page.evaluate("MathJax.startup.promise")
    page.evaluate(UNCOVER)
    assert findings(page, axe) == []


def test_no_serious_finding_on_the_list_of_slides(page, slides, axe):
    page.goto((slides / "index.html").as_uri())
    assert findings(page, axe) == []


def test_no_page_is_left_out(built_book, slides):
    built = built_book.parent
    pages = {path.relative_to(built).with_suffix("").as_posix() for path in built.rglob("*.html")}
    looked_at = {*PAGES, *SELF_TESTS, "slides/index", *(f"slides/{number}" for number in NUMBERS)}
    assert {name for name in pages if not name.startswith("_static/")} == looked_at


def test_a_faulty_page_has_findings(page, axe):
    page.set_content(
        '<html lang="en"><title>t</title><main><h1>h</h1><p style="color: #ccc">faint</p><button></button>'
    )
    assert {line.partition(":")[0] for line in findings(page, axe)} == {"color-contrast", "button-name"}
