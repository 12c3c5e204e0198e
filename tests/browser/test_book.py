"""The built book, opened from disk: it needs no network and no kernel, and fits a phone."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import numpy as np
import pytest
from accessibility import findings
from plays import click_frames, move_frames, play_fridge, play_psi, play_replay, play_sigma
from playwright.sync_api import expect

from maca_edu.widgets.corrset_moments import corrsets, recorded
from maca_edu.widgets.sigma_explorer import FRAMES_SIGMA

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
LABS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb") if not path.stem.startswith("00"))
WITH_FRAMES = LABS[:4]  # the labs with a slider over pictures; 5 and 6 have explorers of their own
TEXTS = sorted(
    path.relative_to(BOOK).with_suffix("").as_posix()
    for path in BOOK.rglob("*.md")
    if not {"_build", "data"} & set(path.parts)
)
PAGES = ["search", *TEXTS, *(f"labs/{name}" for name in LABS)]

READY = """async () => {
    if (window.MathJax?.startup) await MathJax.startup.promise;
    const views = document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]');
    while ([...views].some(view => !view.parentElement.querySelector(".jupyter-widgets, .widget-subarea > *")))
        await new Promise(resolve => setTimeout(resolve, 100));
}"""
# What a reader sees as prose: no code, no scripts, no formulas that were drawn
PROSE = """() => {
    const copy = document.querySelector("article").cloneNode(true);
    copy.querySelectorAll("pre, code, script, style, mjx-container").forEach(part => part.remove());
    return copy.textContent;
}"""


def visit(page, built_book, name) -> list[str]:
    """Open a page, wait until its formulas and widgets are drawn; returns every address it asked for."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((built_book.parent / f"{name}.html").as_uri())
    page.evaluate(READY)
    return asked


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_well_from_disk(page, built_book, axe, name):
    asked = visit(page, built_book, name)
    check_no_server_was_asked(asked)
    check_nobody_is_kept_out(page, axe)
    check_formulas_are_drawn(page, name)
    check_pictures_have_words(page)
    check_links_lead_somewhere(page)
    check_nothing_sticks_out(page)


def check_nobody_is_kept_out(page, axe):
    """Nobody who hears or sees little, or uses the keyboard only."""
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert findings(page, axe) == []


def check_no_server_was_asked(asked):
    assert any(".css" in url for url in asked)
    assert [url for url in asked if urlsplit(url).scheme not in ("file", "data", "blob")] == []


def check_formulas_are_drawn(page, name):
    assert page.locator(".math:not(:has(mjx-container))").all_inner_texts() == []
    assert page.locator("mjx-container [data-mml-node=merror]").count() == 0
    if name.startswith(("chapters/", "labs/")):
        assert page.locator("mjx-container").count() > 0
    if name != "search":
        assert re.findall(r".{0,20}(?:\$|\\\(|\\\[).{0,20}", page.evaluate(PROSE)) == []


def check_pictures_have_words(page):
    pictures = page.locator("img").evaluate_all("images => images.map(image => [image.src.slice(0, 80), image.alt])")
    assert [source for source, alt in pictures if not alt.strip()] == []


def check_links_lead_somewhere(page):
    hrefs = page.locator("a[href]").evaluate_all("links => links.map(link => link.href.baseVal ?? link.href)")
    hrefs = [urljoin(page.url, href) for href in hrefs]  # links in a drawing are not made whole
    assert [href for href in set(hrefs) if urlsplit(href).scheme == "file" and not leads_somewhere(href)] == []


def check_nothing_sticks_out(page):
    """Neither on a phone nor on a desk does a page scroll sideways."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelector('main').getBoundingClientRect().right") <= width


def leads_somewhere(href: str) -> bool:
    parts = urlsplit(href)
    path = Path(unquote(parts.path))
    return path.is_file() and (not parts.fragment or f'id="{unquote(parts.fragment)}"' in path.read_text("utf-8"))


@pytest.mark.parametrize("name", WITH_FRAMES)
def test_sliders_move_without_a_kernel(page, built_book, name):
    visit(page, built_book, f"labs/{name}")
    frames = page.locator(".maca-frames")
    assert frames.count() > 0
    for number in range(frames.count()):
        move_frames(frames.nth(number))


def test_the_console_of_lab_1_answers_without_a_kernel(page, built_book):
    lab = "01_who_carried_the_fridge"
    cells = json.loads((ROOT / "notebooks" / f"{lab}.ipynb").read_text("utf-8"))["cells"]
    consoles = [source for source in ("".join(cell["source"]) for cell in cells) if source.startswith("console(")]
    number = next(i for i, source in enumerate(consoles) if 'mode="frames"' in source)
    visit(page, built_book, f"labs/{lab}")
    play_fridge(page.locator(".maca-console").nth(number))


def test_the_psi_explorer_answers_without_a_kernel(page, built_book):
    visit(page, built_book, "labs/05_variance_and_the_mixture")
    play_psi(page.locator(".maca-psi-frames"))


def test_the_sigma_explorer_answers_without_a_kernel(page, built_book):
    visit(page, built_book, "labs/11_the_corrset")
    row = recorded()["Ring of eight"].at(2).attention
    lowest, highest = (corrsets(row, share / 8)[0] for share in (FRAMES_SIGMA[0], FRAMES_SIGMA[-1]))
    names = {key: "".join("ABCDEFGH"[j] for j in np.flatnonzero(s)) for key, s in (("Home", lowest), ("End", highest))}
    play_sigma(page.locator(".maca-sigma-frames"), names)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_click_in_the_triangle_chooses_the_nearest_mixture_without_a_kernel(page, built_book, width):
    page.set_viewport_size({"width": width, "height": 844})
    visit(page, built_book, "labs/05_variance_and_the_mixture")
    click_frames(page.locator(".maca-psi-frames"), "Fridge", "B")


def test_the_replay_plays_without_a_kernel(page, built_book):
    visit(page, built_book, "labs/06_the_warehouse")
    play_replay(page.locator(".maca-replay").first)


@pytest.mark.parametrize("name", ["01_who_carried_the_fridge", "05_variance_and_the_mixture", "11_the_corrset"])
def test_an_explorer_that_needs_python_says_so_and_stands_still(page, built_book, name):
    visit(page, built_book, f"labs/{name}")
    explorer = page.locator(".maca-live")
    expect(explorer).to_have_attribute("inert", "")
    expect(page.locator(".maca-live-note")).to_contain_text("open the lab in JupyterLab")


def test_search_finds_a_text_and_its_lab(page, built_book):
    page.goto((built_book.parent / "search.html").as_uri() + "?q=fridge")
    results = page.locator("#search-results a")
    expect(results.first).to_be_visible()
    found = {
        Path(urlsplit(link).path).parent.name for link in results.evaluate_all("all => all.map(link => link.href)")
    }
    assert {"chapters", "labs"} <= found


# What can be seen of the part that has the focus: the colour and width of its outline, or of the arrow in it
FOCUS = """() => {
    const part = document.activeElement, arrow = part.querySelector(":scope > .toctree-toggle");
    const style = getComputedStyle(arrow || part);
    return [part.tagName, part.closest("article") !== null, style.outlineStyle, style.outlineWidth];
}"""


@pytest.mark.parametrize(("name", "width"), [("chapters/03_k_level_baselines", 1280), ("index", 390)])
def test_with_the_keyboard_the_place_is_always_seen(page, built_book, name, width):
    page.set_viewport_size({"width": width, "height": 844})
    visit(page, built_book, name)
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUS))
    assert {tag for tag, *_ in seen} >= ({"A", "BUTTON", "SUMMARY"} if width == 1280 else {"A", "BUTTON"})
    assert [where for where in seen if where[2:] != ["solid", "3px"]] == []


def test_the_first_key_offers_to_skip_to_the_text(page, built_book):
    visit(page, built_book, "chapters/03_k_level_baselines")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)[:2] == ["A", True]


def test_search_needs_the_keyboard_only_and_no_server(page, built_book):
    asked = visit(page, built_book, "index")
    page.keyboard.press("Control+k")
    page.keyboard.type("overkill")
    page.keyboard.press("Enter")
    results = page.locator("#search-results a")
    expect(results.filter(has_text="StarCraft without StarCraft").first).to_be_visible()
    assert urlsplit(page.url).scheme == "file"
    check_no_server_was_asked(asked)


def test_a_figure_is_legible_in_the_dark(page, built_book):
    page.emulate_media(color_scheme="dark")
    visit(page, built_book, f"labs/{LABS[0]}")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    papers = page.locator(".cell_output img:visible, .cell_output .widget-subarea").evaluate_all(
        "all => all.map(part => getComputedStyle(part).backgroundColor)"
    )
    assert papers
    assert set(papers) == {"rgb(255, 255, 255)"}


def test_on_a_phone_wide_formulas_scroll_and_the_explorers_are_whole(page, built_book):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, built_book, "chapters/02_policy_gradients_for_teams")
    wide = page.locator("mjx-container.wide")
    expect(wide.first).to_be_attached()
    assert wide.evaluate_all("all => all.every(each => each.clientWidth < each.scrollWidth)")
    visit(page, built_book, "labs/01_who_carried_the_fridge")
    console = page.locator(".maca-console:not(.maca-live)")
    assert console.evaluate("box => box.scrollWidth <= box.clientWidth")
    visit(page, built_book, "labs/06_the_warehouse")
    player = page.locator(".maca-replay").first
    expect(player.get_by_role("button", name="Play or pause")).to_be_visible()
    expect(player.get_by_role("slider", name="step")).to_be_visible()
    assert player.locator("img:visible").bounding_box()["width"] > 700
