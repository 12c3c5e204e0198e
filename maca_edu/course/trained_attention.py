"""The attention that chapter 11 measures: of trained and untrained critics, with the true partners beside it."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).parents[2] / "book" / "data" / "ch11"  # of `python book/trained_attention.py`


class Case(NamedTuple):
    """Attention in one state of one run."""

    seed: int
    state: int  # which of the states that were looked at
    sure: np.ndarray  # [n] probability of each agent's likely action
    attention: np.ndarray  # [n, n] rows of weights, none of them negative
    partners: np.ndarray  # [n, n] bool: who shares a term of the reward with whom; everybody with oneself


@cache
def cases(setting: str, trained: bool) -> tuple[Case, ...]:
    """What was written down of a setting before the first update, or after the last one (`trained`).

    setting: "ring", "undecided ring" or "long ring". ValueError for another.
    """
    path = DATA / f"{setting.replace(' ', '_')}.csv"
    if not path.exists():
        raise ValueError(f'setting={setting!r}; allowed are "ring", "undecided ring" and "long ring"')
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    together = {}
    for row in rows:
        if (int(row["update"]) > 0) == trained:
            together.setdefault((int(row["seed"]), int(row["state"])), []).append(row)
    return tuple(
        Case(
            seed,
            state,
            np.array([float(row["sure"]) for row in agents]),
            np.array([[float(x) for x in row["attention"].split()] for row in agents]),
            np.array([[mark == "1" for mark in row["partners"]] for row in agents]),
        )
        for (seed, state), agents in together.items()
    )
