"""Lab 1 in a real JupyterLab: run everything, then change what the agents do."""

import pytest
from plays import play_fridge
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LAB = "01_who_carried_the_fridge.ipynb"
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
def lab(page, jupyter):
    address, token = jupyter
    page.goto(f"{address}/lab/tree/notebooks/{LAB}?token={token}")
    page.wait_for_function(OPEN, arg=LAB, timeout=90_000)
    return page


def choose(page, menu, entry):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def code_cells(page):
    return [cell for cell in page.evaluate(CELLS) if cell["code"]]


def show_console(page, mode):
    """Scroll to the cell that makes a console in this mode, and return the console."""
    sources = [cell["source"] for cell in page.evaluate(CELLS)]
    number = next(i for i, source in enumerate(sources) if "console(" in source and f'mode="{mode}"' in source)
    page.evaluate(SHOW, number)
    return page.locator(f"#cell-{number} .maca-console")


def test_all_cells_run_and_the_console_answers(lab):
    choose(lab, "Edit", "Clear Outputs of All Cells")
    assert not any(cell["count"] for cell in code_cells(lab))

    choose(lab, "Run", "Run All Cells")
    lab.wait_for_function(f"({CELLS})().every(cell => !cell.code || cell.count)", timeout=120_000)
    cells = code_cells(lab)
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert [cell["errors"] for cell in cells if cell["errors"]] == []

    for mode in ("live", "frames"):
        console = show_console(lab, mode)
        expect(console).to_be_visible()
        play_fridge(console)


def test_the_course_opens_on_its_start_page_and_asks_nothing(page, jupyter):
    address, token = jupyter
    page.goto(f"{address}/?token={token}")
    page.wait_for_function(OPEN, arg="notebooks/00_start_here.ipynb", timeout=90_000)
    expect(page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) h1").first).to_contain_text("Start here")
    page.wait_for_timeout(2_000)  # a question about news would come now
    assert page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []
