"""The slides: every one fits its page, shows its formulas, and has what the lecturer's page says."""

import pytest
from conftest import ROOT

NUMBERS = [page.stem for page in sorted((ROOT / "book" / "teaching").glob("[0-9][0-9].md"))]


@pytest.mark.browser
@pytest.mark.parametrize("number", NUMBERS)
def test_every_slide_fits(page, slides, number):
    page.goto((slides / f"{number}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady() && window.MathJax?.startup?.promise")
    page.evaluate("MathJax.startup.promise")
    total = page.evaluate("Reveal.getTotalSlides()")
    steps = (ROOT / "book" / "teaching" / f"{number}.md").read_text(encoding="utf-8")
    assert total >= 8
    assert page.locator("section.board").count() == page.evaluate(
        "Reveal.getSlides().filter(s => s.classList.contains('board')).length"
    )
    assert "## Board plan" in steps
    assert page.locator("section.board").count() >= 4
    too_large = []
    for k in range(total):
        page.evaluate(f"Reveal.slide({k})")
        height, width, raw = page.evaluate(
            "() => { const s = Reveal.getCurrentSlide(), b = s.querySelector('.body');"
            " return [b.offsetTop + b.offsetHeight, b.scrollWidth, b.innerText.includes('\\\\(')] }"
        )
        if height > 700 or width > 1280 or raw:
            too_large.append((k + 1, height, width, raw))
    assert not too_large
