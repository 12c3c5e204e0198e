"""A run's directory: config.json, metrics.csv with a row for each update, and the checkpoint `state.npz`; where there
are greedy evaluations, also `best.npz`, the checkpoint after the best of them.

One process at a time writes to it. The rows that a checkpoint counts on are on the disk before it is, so that after a
kill or a power cut metrics.csv has at least the checkpoint's updates; later rows are cut off when the run goes on.
Whoever reads is told in one sentence where the files do not agree. Nothing in them is executed, and what they say is
checked before it is used: a directory may come from a stranger.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import typing
from collections.abc import Iterator
from pathlib import Path

from maca_edu.checks import Count, Natural, annotations, check, check_path
from maca_edu.files import LOCK, clear_leftovers, is_leftover, open_regular, read_object, write_whole, writing_to
from maca_edu.training import checkpoint
from maca_edu.training.config import Config

# The stems of what only the process that holds the lock writes.
OURS = ("config", "metrics", "state", "best", "final", "findings", "progress")
LARGEST_SETTINGS = 100_000  # bytes of config.json
LONGEST_LINE = 100_000  # characters of a row of metrics.csv
LARGEST = dict(  # settings that decide how much memory a team takes
    actor_sizes=1_000_000, critic_sizes=1_000_000, embed=1_000_000, z_size=1_000_000, blocks=1_000,
    attention_heads=1_000, unit_embed=1_000_000, unit_heads=1_000, psi_population=4_096,
)  # fmt: skip
MOST_LAYERS = 100
RUN = dict(env=str, method=str, seed=Natural, steps=Count, batch=Count, processes=Count)  # beside the Config


class RunDirectory:
    """What is written to `path`, each file whole or not at all but for metrics.csv, which grows by lines."""

    def __init__(self, path):
        self.path = check_path("path", path)
        self.config, self.metrics, self.state = (self.path / x for x in ("config.json", "metrics.csv", "state.npz"))
        self.best = self.path / "best.npz"
        self.names: list[str] | None = None  # of the columns of metrics.csv

    # -----------------------------------------------------------------------------------------------------------------
    # Writing

    @contextlib.contextmanager
    def writing(self) -> Iterator[RunDirectory]:
        """The directory for this process alone. An interruption says what is kept."""
        with writing_to(self.path):
            try:
                clear_leftovers(self.path, OURS)
                yield self
            except KeyboardInterrupt as stop:
                stop.add_note(self.kept())
                raise

    def kept(self) -> str:
        """What an interrupted run leaves behind, in words."""
        if not os.path.lexists(self.state):
            return f"nothing is saved yet in {str(self.path)!r}; --resume begins that run again"
        saved = self.checkpoint()["updates"]  # read again: an interruption can come right after the file is written
        return f"{saved} updates are saved in {str(self.path)!r}; --resume goes on from there"

    def open(
        self, settings: dict, steps: int, resume: bool, fixed_length: bool = False, save_every: int = 1
    ) -> dict | None:
        """Begin a run, or go on with one: the state to restore, None where it begins.

        fixed_length: steps may not differ from the run's, for its learning rate is planned to its end. save_every:
        updates between checkpoints.
        Raises ValueError where the directory has files and resume is not set, the settings differ from the run's, more
        than `steps` were taken already, the checkpoint is lost, or the files do not agree.
        """
        wanted = json.loads(json.dumps(settings | {"steps": steps}))
        begun = not self.is_empty()
        if begun and not resume:
            raise ValueError(
                f"out={str(self.path)!r} is not empty; name another directory, or go on with the run there (resume)"
            )
        before = self.settings() if begun else None
        if begun:
            if of_another_version(before):
                raise ValueError(
                    f"the run in {str(self.path)!r} was begun by a version of this library with other settings, "
                    "and only that version can go on with it; name another directory for a new run"
                )
            differ = [name for name in before.keys() | wanted.keys() if before.get(name) != wanted.get(name)]
            differ = sorted(name for name in differ if fixed_length or name != "steps")
            if differ == ["steps"]:
                raise ValueError(
                    f"steps={steps}; the run in {str(self.path)!r} was planned for {before['steps']}, because its "
                    "critic's learning rate falls towards the end; begin a new run for another length"
                )
            if differ:
                raise ValueError(f"out={str(self.path)!r} holds a run with another {', '.join(differ)}")
        state = self.checkpoint() if os.path.lexists(self.state) else None
        if state is None:
            self.refuse_lost_checkpoint(save_every)
        saved = state["updates"] if state is not None else 0
        taken = saved * settings["batch"] * settings["rollout"]
        if steps < taken:
            raise ValueError(f"steps={steps}; the run in {str(self.path)!r} has already taken {taken}")
        kept = self.lines_and_rows(saved)[0] if saved else []
        if before is None or steps > before["steps"]:
            write_whole(self.config, json.dumps(wanted, indent=2) + "\n")
        write_whole(self.metrics, "".join(kept))
        self.names = cells_of(kept[0]) if kept else None
        return state

    def refuse_lost_checkpoint(self, save_every: int) -> None:
        """ValueError where no checkpoint is there but one was: to begin again would cut off all rows.

        A run that was killed before its first checkpoint has at most as many rows as come before that one.
        """
        before_first = save_every
        if os.path.lexists(self.best):  # which is written just before the checkpoint of the same update
            before_first = min(before_first, self.checkpoint(best=True)["updates"])
        if os.path.lexists(self.path / "findings.json"):  # which a run writes when it has come to its end
            before_first = 0
        written = self.count_rows()
        if written > before_first:
            raise ValueError(
                f"{str(self.state)!r} is gone although {written} updates are written, and there is a checkpoint every "
                f"{save_every}; put it back, or remove the folder to begin again"
            )

    def is_empty(self) -> bool:
        """Whether there is nothing but what a killed process left before its run began."""
        return all(path.name == LOCK or is_leftover(path.name, OURS) for path in self.path.iterdir())

    def write(self, row: dict) -> None:
        """Add a row to metrics.csv; the first row names the columns. A column that a row lacks is not a number.

        Raises ValueError where the file's first line lacks a column of the row.
        """
        first = self.names is None
        self.names = list(row) if first else self.names
        unknown = [name for name in row if name not in self.names]
        if unknown:
            raise ValueError(f"{str(self.metrics)!r} is damaged: its first line lacks {', '.join(unknown)}")
        with open_regular(self.metrics, "a", newline="") as file:
            writer = csv.DictWriter(file, self.names, restval=math.nan, lineterminator="\n")
            if first:
                writer.writeheader()
            writer.writerow(row)

    def save(self, state: dict, best: bool = False) -> None:
        """Replace the checkpoint, and the best one if it is that, after the rows that it counts on are on the disk."""
        with open_regular(self.metrics, "ab") as file:
            os.fsync(file.fileno())
        if best:
            checkpoint.save(self.best, state)
        checkpoint.save(self.state, state)

    # -----------------------------------------------------------------------------------------------------------------
    # Reading

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self.config.exists()

    def settings(self) -> dict:
        """What config.json says. Raises ValueError where there is no such run, or it says what no run does."""
        try:
            settings = read_object(self.config, LARGEST_SETTINGS, "it does not hold the settings of a run")
        except (FileNotFoundError, NotADirectoryError):
            raise ValueError(f"path={str(self.path)!r} is not the directory of a run") from None
        check_settings(settings, self.config)
        return settings

    def checkpoint(self, best: bool = False) -> dict:
        """The last checkpoint, or the best. Raises ValueError where there is none, or it does not say how many updates
        it has."""
        file = self.best if best else self.state
        if not os.path.lexists(file):
            raise ValueError(f"path={str(self.path)!r} has no {'best checkpoint' if best else 'checkpoint yet'}")
        state = checkpoint.load(file)
        if not isinstance(state, dict) or type(state.get("updates")) is not int or state["updates"] < 1:
            raise ValueError(f"{str(file)!r} is not the checkpoint of a run: it has no number of updates")
        return state

    def count_rows(self) -> int:
        """How many whole rows metrics.csv has, whatever they say."""
        if not os.path.lexists(self.metrics):
            return 0
        with open_regular(self.metrics, "r", newline="\n", encoding="utf-8", errors="replace") as file:
            return max(len(whole_lines(file, 10**9)) - 1, 0)

    def lines_and_rows(self, updates: int) -> tuple[list[str], list[dict]]:
        """The first line of metrics.csv and those of exactly so many updates; and these as rows, see `rows`.

        Raises ValueError where they are not all there, or one is damaged.
        """
        lines, rows = self.read(updates)
        if len(rows) < updates:
            raise ValueError(
                f"{str(self.metrics)!r} has {len(rows)} rows, but the run beside it is saved after {updates} updates"
            )
        return lines, rows

    def rows(self, most: int) -> list[dict]:
        """The first rows of metrics.csv, at most so many; whole numbers come back as such.

        Raises ValueError where one is damaged or not the row of the next update.
        """
        return self.read(most)[1]

    def read(self, most: int) -> tuple[list[str], list[dict]]:
        """The first lines of metrics.csv, and what they say; a last line that was cut off does not count."""
        if not os.path.lexists(self.metrics):
            return [], []
        with open_regular(self.metrics, "r", newline="\n", encoding="utf-8", errors="replace") as file:
            lines = whole_lines(file, most + 1)
        if not lines:
            return [], []
        names = cells_of(lines[0])
        if names[:1] != ["update"] or len(set(names)) < len(names):
            raise ValueError(f"{str(self.metrics)!r} is damaged: its first line does not name the columns of a run")
        rows = []
        for number, line in enumerate(lines[1:], 1):
            row = row_of(names, cells_of(line))
            if row is None:
                raise ValueError(f"{str(self.metrics)!r} is damaged: row {number} is not a row of numbers")
            if row["update"] != number:
                raise ValueError(f"{str(self.metrics)!r} is damaged: row {number} is not that of update {number}")
            rows.append(row)
        return lines, rows


def whole_lines(file: typing.TextIO, most: int) -> list[str]:
    """The first lines of a file, at most so many, up to one that is cut off or far too long."""
    lines = []
    while len(lines) < most:
        line = file.readline(LONGEST_LINE)
        if not line.endswith("\n"):
            break
        lines.append(line)
    return lines


def cells_of(line: str) -> list[str]:
    """The cells of one line of a csv; none where it is no such line."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def row_of(names: list[str], cells: list[str]) -> dict[str, int | float] | None:
    """A row of metrics by the names of its columns; None where it has not a number for each."""
    if len(cells) != len(names):
        return None
    try:
        return {name: int(cell) if cell.isdigit() else float(cell) for name, cell in zip(names, cells, strict=True)}
    except ValueError:
        return None


# ---------------------------------------------------------------------------------------------------------------------
# What config.json may say


def check_settings(settings: dict, file: Path) -> None:
    """ValueError that names the file unless `settings` are those of a run: each has its type, and is in its range."""
    missing = sorted(RUN.keys() - settings.keys() - {"processes"})
    if missing:
        raise ValueError(f"{str(file)!r} is damaged: it lacks {', '.join(missing)}")
    try:
        for name, kind in RUN.items():
            check(name, settings.get(name, 1), kind)
        for name in LARGEST.keys() & settings.keys():
            refuse_enormous(name, settings[name], LARGEST[name])
        config_of(settings)
    except ValueError as error:
        raise ValueError(f"{str(file)!r} is damaged: {error}") from None


def of_another_version(settings: dict) -> bool:
    """Whether a run was begun by a version of this library that had fewer or more settings, or other names for them."""
    known = {"env", "method", "seed", "steps", "batch", *annotations(Config)}
    return settings.keys() - {"processes"} != known


def refuse_enormous(name: str, value, largest: int) -> None:
    """ValueError where a setting, or one of several numbers in it, would take more memory than any run does."""
    values = value if isinstance(value, list) else [value]
    if len(values) > MOST_LAYERS or any(isinstance(x, int) and x > largest for x in values):
        raise ValueError(f"{name} is beyond {largest:,}, or longer than {MOST_LAYERS}")


def config_of(settings: dict) -> Config:
    """The `Config` in a run's settings. Raises ValueError where a number or a word is wrong."""
    return Config(**{name: x for name, x in settings.items() if name in annotations(Config)})
