"""Labs in a real JupyterLab: run everything, then move the explorers and read back what they show."""

import re

import numpy as np
import pytest
from plays import drag, play_fridge, read_sliders
from playwright.sync_api import expect

from maca_edu import exact
from maca_edu.widgets.corrset_moments import corrsets, recorded
from maca_edu.widgets.mixture_variance import settings

pytestmark = pytest.mark.browser

OPEN = """name => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.path.endsWith(name) && panel.context.isReady && panel.sessionContext.isReady
        && panel.sessionContext.session?.kernel?.status === "idle";
}"""
CELLS = """() => [...jupyterapp.shell.currentWidget.content.model.cells].map(cell => ({
    code: cell.type === "code",
    source: cell.sharedModel.source,
    count: cell.executionCount ?? null,
    errors: cell.outputs?.toJSON().filter(output => output.output_type === "error").map(output => output.evalue) ?? [],
}))"""
SHOW = """async number => {
    const notebook = jupyterapp.shell.currentWidget.content;
    await notebook.scrollToItem(number);
    notebook.widgets[number].node.id = `cell-${number}`;
}"""


@pytest.fixture
def run_lab(page, jupyter):
    """A function that opens a lab, clears it, runs all its cells and returns the page."""

    def run(name):
        address, token = jupyter
        page.goto(f"{address}/lab/tree/notebooks/{name}?token={token}")
        page.wait_for_function(OPEN, arg=name, timeout=90_000)
        choose(page, "Edit", "Clear Outputs of All Cells")
        assert not any(cell["count"] for cell in code_cells(page))
        choose(page, "Run", "Run All Cells")
        page.wait_for_function(f"({CELLS})().every(cell => !cell.code || cell.count)", timeout=180_000)
        cells = code_cells(page)
        assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
        assert [cell["errors"] for cell in cells if cell["errors"]] == []
        return page

    return run


def choose(page, menu, entry):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def code_cells(page):
    return [cell for cell in page.evaluate(CELLS) if cell["code"]]


def show(page, source, css_class):
    """Scroll to the first cell whose source matches, and return the explorer that it made."""
    sources = [cell["source"] if cell["code"] else "" for cell in page.evaluate(CELLS)]
    number = next(i for i, text in enumerate(sources) if re.search(source, text))
    page.evaluate(SHOW, number)
    explorer = page.locator(f"#cell-{number} .{css_class}")
    expect(explorer).to_be_visible()
    return explorer


def test_the_console_of_lab_1_answers(run_lab):
    page = run_lab("01_who_carried_the_fridge.ipynb")
    for mode in ("live", "frames"):
        play_fridge(show(page, rf'console\(.*mode="{mode}"', "maca-console"))


def test_the_psi_explorer_of_lab_5_answers_the_mouse(run_lab):
    page = run_lab("05_variance_and_the_mixture.ipynb")
    explorer = show(page, r'psi_explorer\("live"', "maca-psi")
    setting, agent = settings()["Fridge"], 1
    explorer.get_by_label("game").select_option("Fridge")
    explorer.get_by_label("view").select_option("B")
    seen = set()
    for slider, share in ((0, 0.9), (1, 0.4), (2, 0.3), (0, 0.2)):  # p, psi_Jnt, psi_Cor, p again
        drag(page, explorer, slider, share)
        p, jnt, cor = read_sliders(explorer)
        mean, variance = moments(setting, agent, p, (jnt, 1 - jnt - cor, cor))
        expect(explorer.locator(".maca-psi-variance")).to_have_text(f"{variance:.4f}")
        shown = explorer.locator(".maca-psi-mean").inner_text().replace("−", "-")
        assert [float(entry) for entry in re.findall(r"[-+]\d[\d.]*", shown)] == pytest.approx(mean.round(4).tolist())
        seen.add((p, jnt, cor))
    assert len(seen) == 4, "every drag moved something"


def moments(setting, agent, p, psi):
    """What the explorer must show, computed straight from Equation 3."""
    q, policy = setting.game.payoff(), setting.policy(p)
    groups = (range(q.ndim), (agent,), setting.corrsets[agent])
    mixture = sum(weight * exact.baseline(q, policy, group) for weight, group in zip(psi, groups, strict=True))
    return exact.gradient_moments(q, policy, agent, np.asarray(mixture))


def test_the_sigma_explorer_of_lab_11_answers_the_mouse(run_lab):
    page = run_lab("11_the_corrset.ipynb")
    explorer = show(page, r'sigma_explorer\("live"', "maca-sigma")
    explorer.get_by_label("game", exact=True).select_option("Fridge")
    explorer.get_by_label("agent", exact=True).select_option("B")
    seen = set()
    for slider, share in ((1, 0.1), (0, 0.05), (0, 0.5), (1, 0.35)):  # updates, sigma, sigma, updates again
        drag(page, explorer, slider, share)
        sigma, update = read_sliders(explorer)
        game = recorded()["Fridge"]
        members = np.flatnonzero(corrsets(game.at(int(update)).attention, sigma / 4)[1])
        expect(explorer.locator(".maca-sigma-members")).to_have_text("".join(game.agents[j] for j in members))
        moment = game.at(int(update))
        baseline = exact.baseline(moment.q, moment.policy, members)
        variance = exact.gradient_moments(moment.q, moment.policy, 1, baseline)[1]
        expect(explorer.locator(".maca-sigma-variance")).to_have_text(f"{variance:#.3g}")
        seen.add((sigma, update))
    assert len(seen) == 4, "every drag moved something"


def test_the_course_opens_on_its_start_page_and_asks_nothing(page, jupyter):
    address, token = jupyter
    page.goto(f"{address}/?token={token}")
    page.wait_for_function(OPEN, arg="my_labs/00_start_here.ipynb", timeout=90_000)
    expect(page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) h1").first).to_contain_text("Start here")
    page.wait_for_timeout(2_000)  # a question about news would come now
    assert page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []


def test_a_lab_leads_to_its_chapter(page, jupyter):
    """The link opens the book's page, with its style and its formulas, in a tab of its own."""
    address, token = jupyter
    page.goto(f"{address}/lab/tree/my_labs/03_k_level_baselines.ipynb?token={token}")
    link = page.locator(".jp-RenderedMarkdown a", has_text="chapter 3").first
    expect(link).to_be_visible(timeout=90_000)
    with page.context.expect_page() as opened:
        link.click()
    chapter = opened.value
    expect(chapter.locator("h1").first).to_contain_text("k-level baselines")
    expect(chapter.locator("mjx-container").first).to_be_attached()
    assert chapter.evaluate("document.styleSheets.length") > 3
