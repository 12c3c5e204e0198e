"""A run's directory: config.json, metrics.csv with a row for each update, and the checkpoint `state.npz`."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

from maca_edu.files import write_whole
from maca_edu.training import checkpoint


class RunDirectory:
    """What is written to `path`, each file whole or not at all but for metrics.csv, which grows by lines."""

    def __init__(self, path):
        self.path = Path(path)
        self.metrics, self.state = self.path / "metrics.csv", self.path / "state.npz"

    def open(self, settings: dict, steps: int, resume: bool, fixed_length: bool = False) -> dict | None:
        """Begin a run, or go on with one: the state to restore, None where it begins.

        fixed_length: steps may not differ from the run's, for its learning rate is planned to its end.
        Raises ValueError where the directory has files and resume is not set, or the settings differ from the run's.
        """
        if self.path.exists() and any(self.path.iterdir()):
            if not resume:
                raise ValueError(
                    f"out={str(self.path)!r} is not empty; name another directory, or go on with the run there (resume)"
                )
            before, now = self.settings(), json.loads(json.dumps(settings | {"steps": steps}))
            differ = sorted(
                k for k in before.keys() | now.keys() if before.get(k) != now.get(k) and (fixed_length or k != "steps")
            )
            if differ:
                raise ValueError(f"out={str(self.path)!r} holds a run with another {', '.join(differ)}")
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "config.json", json.dumps(settings | {"steps": steps}, indent=2) + "\n")
        state = self.checkpoint() if self.state.exists() else None
        kept = self.lines()[: state["updates"] + 1] if state is not None else []
        write_whole(self.metrics, "".join(kept))
        return state

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "config.json").exists()

    def settings(self) -> dict:
        """What config.json says. Raises ValueError where there is no such run."""
        try:
            return json.loads((self.path / "config.json").read_text())
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            raise ValueError(f"path={str(self.path)!r} is not the directory of a run") from None

    def checkpoint(self) -> dict:
        """The last checkpoint. Raises ValueError where there is none."""
        if not self.state.exists():
            raise ValueError(f"path={str(self.path)!r} has no checkpoint yet")
        return checkpoint.load(self.state)

    def save(self, state: dict) -> None:
        """Replace the checkpoint."""
        checkpoint.save(self.state, state)

    def lines(self) -> list[str]:
        """The whole lines of metrics.csv; a last one that was cut off is not."""
        text = self.metrics.read_text() if self.metrics.exists() else ""
        return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def rows(self, count: int) -> list[dict]:
        """The first `count` rows of metrics.csv; whole numbers come back as such."""
        table = csv.DictReader(self.lines()[: count + 1])
        return [{name: int(x) if x.isdigit() else float(x) for name, x in row.items()} for row in table]

    def write(self, row: dict) -> None:
        """Add a row to metrics.csv; the first row names the columns. A column that a row lacks is not a number."""
        names = next(csv.reader(self.lines()[:1]), list(row))
        with open(self.metrics, "a", newline="") as file:
            writer = csv.DictWriter(file, names, restval=math.nan, lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)
