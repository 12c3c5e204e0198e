"""Build the labs: `python -m maca_edu.course.build [NN ...]` executes notebooks/src/NN_*.md into notebooks/NN_*.ipynb.

A lab's source is a text file (jupytext, md:myst). The notebook is written whole or not at all, and two builds on one
machine give the same bytes: no time stamps, no versions, cell ids and widget ids counted from zero.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

from maca_edu.files import write_whole
from maca_edu.installing import install_command

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WIDGETS = "application/vnd.jupyter.widget-state+json"
CELL_SECONDS = 120  # a cell that takes longer is stopped


class BuildError(Exception):
    """A lab could not be built; the message says which cell and why."""


def main(argv=None) -> int:
    """Build the labs named by number, or all; 0 where all went well."""
    parser = argparse.ArgumentParser(prog="python -m maca_edu.course.build", description="Execute the labs' sources.")
    parser.add_argument("numbers", nargs="*", metavar="NN", help="numbers of the labs, such as 01 (default: all)")
    try:
        for source in find_sources(parser.parse_args(argv).numbers):
            seconds = build(source, NOTEBOOKS / f"{source.stem}.ipynb")
            print(f"{source.stem}: {seconds:.1f} s", flush=True)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def find_sources(numbers, folder: Path = NOTEBOOKS / "src") -> list[Path]:
    """The sources whose names start with one of the numbers, all of them where none is given."""
    sources = sorted(folder.glob("[0-9][0-9]*_*.md"))
    known = {source.name[:2] for source in sources}
    unknown = [number for number in numbers if number not in known]
    if unknown or not sources:
        wanted = ", ".join(unknown) or "any lab"
        raise BuildError(f"Found no source of {wanted} in {folder}; there are: {', '.join(sorted(known)) or 'none'}.")
    return [source for source in sources if not numbers or source.name[:2] in numbers]


def build(source: Path, target: Path) -> float:
    """Execute one source and write its notebook; returns the seconds taken. BuildError where a cell fails."""
    try:
        import jupytext
        import nbformat
    except ImportError as error:
        raise BuildError(f"Building labs needs {error.name}; get it with: {install_command('test')}") from None
    start = time.perf_counter()
    notebook = jupytext.read(source, fmt="md:myst")
    execute(notebook, source.stem, target.parent)
    text = nbformat.writes(tidy(notebook)) + "\n"
    write_whole(target, text)
    return time.perf_counter() - start


def execute(notebook, name: str, folder: Path) -> None:
    """Run every cell in place, in `folder`, with the Python that runs this program."""
    try:
        from jupyter_client import AsyncKernelManager
        from jupyter_client.kernelspec import KernelSpecManager
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ImportError as error:
        raise BuildError(f"Building labs needs {error.name}; get it with: {install_command('test')}") from None
    # With no folders to search, "python3" is the kernel of sys.executable and no other on this machine.
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=CELL_SECONDS,
        record_timing=False,
        store_widget_state=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(cleanup_kc=True)  # the kernel is ended with the last cell
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise BuildError(f"{name}: {explain(notebook, error)}\nThe old notebook, if any, is left as it was.") from None


def explain(notebook, error) -> str:
    """Which cell failed, its source, and the end of its traceback, without terminal colours."""
    ran = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.get("execution_count")]
    failed = [out for cell in ran for out in cell.outputs if out.output_type == "error"]
    reason = "\n".join(failed[-1].traceback[-3:]) if failed else str(error)
    reason = re.sub(r"\x1b\[[0-9;]*m", "", reason)
    source = ran[-1].source if ran else ""
    return f"code cell {len(ran)} failed.\n\n{source}\n\n{reason}\n"


def tidy(notebook):
    """The notebook without what differs from build to build, and with alt texts where the book looks for them.

    Time stamps are removed; ids of cells and widgets are replaced by numbers; prints in a row are joined.
    """
    import nbformat

    kept = {key: notebook.metadata[key] for key in ("kernelspec", "widgets") if key in notebook.metadata}
    notebook.metadata = nbformat.from_dict(kept)
    notebook.metadata["language_info"] = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    notebook.metadata["language_info"]["pygments_lexer"] = "ipython3"
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = join_streams(cell.outputs)
        alt = [out.metadata["image/png"]["alt"] for out in cell.get("outputs", []) if has_alt(out)]
        if alt:
            cell.metadata["mystnb"] = {"image": {"alt": alt[0]}}
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    text = nbformat.writes(notebook)
    for number, model in enumerate(state):  # in the order in which the widgets were made
        text = text.replace(model, f"{number:032x}")
    notebook = nbformat.reads(text, as_version=4)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for model in notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {}).values():
        if model["model_name"] == "LayoutModel":  # dozens of CSS properties, nearly all unset
            model["state"] = {key: value for key, value in model["state"].items() if value is not None}
    return notebook


def join_streams(outputs: list) -> list:
    """The outputs of a cell with prints that follow each other as one: the kernel cuts them where a moment passes."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def has_alt(output) -> bool:
    """True for a figure displayed by `maca_edu.widgets.show`."""
    return "alt" in output.get("metadata", {}).get("image/png", {})


if __name__ == "__main__":
    sys.exit(main())
