"""With nbval: what a lab shows is compared whole with what is stored, after its last cell.

nbval compares texts. It passes over pictures and their descriptions, over the order of outputs, and over widgets, whose
states it does not keep; and it takes a recorded number for wrong that another processor rounds otherwise. So states are
kept here on their way from the kernel, and one more test for each lab compares all it shows
(`maca_edu/course/rebuilt.py`). The lab runs once for both. Kernels compute with one thread: where several run side by
side, threads that compete for the same cores wait for each other by spinning.
"""

from __future__ import annotations

import copy
import os

import nbformat
import pytest
from nbclient import NotebookClient
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams

from maca_edu.course.build import tidy
from maca_edu.course.rebuilt import RECORD, differences

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # kernels inherit it


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Behind the last cell of every lab, the comparison with what is stored."""
    last = {item.parent: number for number, item in enumerate(items) if isinstance(item, IPyNbCell)}
    for lab, number in sorted(last.items(), key=lambda pair: -pair[1]):
        cells = [item for item in items if item.parent is lab]
        items.insert(number + 1, AsStored.from_parent(lab, name="shows what is stored", cells=cells))
        keep_widgets(lab)
        lab.skip_compare += (RECORD,)


def keep_widgets(lab: IPyNbFile) -> None:
    """Let `lab.widgets` hold the state of every widget that its kernel makes, in the order of their making."""
    lab.widgets, receive = {}, lab.get_kernel_message

    def get_kernel_message(*args, **kwargs):
        message = receive(*args, **kwargs)
        content = message["content"]
        if message["msg_type"].startswith("comm") and "state" in content["data"]:
            lab.widgets.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        return message

    lab.get_kernel_message = get_kernel_message


class AsStored(pytest.Item):
    """Fails where a lab that has just been run shows other texts, pictures or widgets than are stored."""

    def __init__(self, *, cells, **kwargs):
        super().__init__(**kwargs)
        self.cells = cells

    def runtest(self):
        if [cell.cell for cell in self.cells if cell.test_outputs is not None] != code_cells(self.parent.nb):
            pytest.skip("not every cell of the lab was run")
        found = differences(self.stored(), self.rebuilt())
        if found:
            raise NotAsStored("\n".join(found))

    def stored(self):
        """The lab as it is on the disk."""
        notebook = nbformat.read(self.path, as_version=4)
        for cell, ran in zip(code_cells(notebook), self.cells, strict=True):
            cell.outputs = ran.sanitize_outputs(coalesce_streams(cell.outputs))  # as nbval does with those of a run
        return notebook

    def rebuilt(self):
        """The lab as the run that has just ended would be stored."""
        notebook = copy.deepcopy(self.parent.nb)
        notebook.metadata.pop("widgets", None)
        for cell, ran in zip(code_cells(notebook), self.cells, strict=True):
            cell.outputs = ran.sanitize_outputs(ran.test_outputs)
        client = NotebookClient(notebook)
        client.widget_state = self.parent.widgets
        client.set_widgets_metadata()
        return tidy(notebook)

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(NotAsStored):
            return f"{self.path.name} run again does not show what is stored:\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, f"{self.path.name}: {self.name}"


class NotAsStored(Exception):
    """What differs, a sentence on every line."""


def code_cells(notebook) -> list:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
