"""Small trained runs that come with the library, each with an episode that was recorded with its true credit.

    shipped = maca_edu.load_shipped("ring")
    shipped.run        a `loop.Run`, to play, to evaluate, to look into
    shipped.record     an `episode_record.Record`
    shipped.about      how both were made: commands, seeds, date, versions

Nothing else is needed to look at them. Playing on in a battle needs JaxMARL. `experiments.ship` made the files.
"""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from typing import NamedTuple

from maca_edu.experiments.episode_record import Record, load_record
from maca_edu.team_env import Entities
from maca_edu.training import loop

NAMES = ("fridge", "ring", "longring", "warehouse", "battle")


class Shipped(NamedTuple):
    """A run that comes with the library, and an episode of it."""

    name: str
    run: loop.Run
    record: Record
    about: dict  # of about.json


class RecordedSizes(NamedTuple):
    """The sizes of the environment of a record: all that a run needs to be loaded."""

    name: str
    obs_size: int
    state_size: int
    n_agents: int
    n_actions: int
    continuous: bool = False
    entities: Entities | None = None


def load_shipped(name: str) -> Shipped:
    """A run that comes with the library: one of NAMES. Raises ValueError where there is no such run."""
    if name not in NAMES:
        raise ValueError(f"name={name!r}; allowed are {', '.join(map(repr, NAMES))}")
    with as_file(files("maca_edu") / "experiments" / "runs" / name) as folder:
        record = load_record(folder / "episode.npz")
        run = loop.load(sizes_in(record), folder)
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    return Shipped(name, run, record, about)


def sizes_in(record: Record) -> RecordedSizes:
    """The sizes of the environment that was recorded."""
    _, n, A = record.available.shape
    return RecordedSizes(record.env, record.obs.shape[-1], record.state.shape[-1], n, A)
