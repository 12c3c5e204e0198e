"""With which options runs were trained: what a directory's plan.csv says, or else the command in its sweep.json."""

from __future__ import annotations

import functools
import itertools
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from maca_edu.experiments.options import RunOptions, arm_options
from maca_edu.experiments.plans import COLUMNS, NAMED
from maca_edu.experiments.sweep_tables import read_csv


@dataclass(frozen=True)
class Plan:
    """What a results directory says of its runs' options. runs: of plan.csv, by environment, arm and seed."""

    runs: dict[tuple[str, str, int], str]
    command: str

    def options(self, env: str, arm: str, seed: int) -> str | None:
        """The options of a run, as `maca-edu train` takes them; None: not known."""
        return self.runs[env, arm, seed] if (env, arm, seed) in self.runs else in_command(self.command, env)


def read_plan(folder: Path, command: str) -> Plan:
    """The plan of a results directory; command: that of its sweep.json. Raises ValueError where plan.csv is none."""
    file = folder / "plan.csv"
    runs = {}
    for number, row in enumerate(read_csv(file) if file.exists() else (), 1):
        try:
            runs[row["env"], row["arm"], int(row["seed"])] = row["options"]
        except (KeyError, ValueError):
            columns = ",".join(COLUMNS)
            raise ValueError(f"{str(file)!r} is damaged: row {number} is not a run's {columns}") from None
    return Plan(runs, command)


@functools.cache
def in_command(command: str, env: str) -> str | None:
    """The options that the command of a sweep gives to the runs in an environment.

    None: it is no sweep, its plan is a file, or its plan has no such environment.
    """
    words = words_of(command)
    if words[:2] != ["maca-edu", "sweep"]:
        return None
    name = "".join(word for word in words[2:3] if not word.startswith("--"))
    said = values_in(words)
    if not name:
        return said.get("options", "")
    try:
        parts = NAMED[name](said.get("budget", "quick")) if name in NAMED else []
    except (KeyError, ValueError):  # a budget that the plan does not have
        return None
    return next((f"{part.options} {said.get('options', '')}".strip() for part in parts if part.env == env), None)


def words_of(text: str) -> list[str]:
    """The words of a command or of options; none where there is a quotation mark too many."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


def values_in(words: list[str]) -> dict[str, str]:
    """{option: its value, or the first of several} in the words of a command."""
    found = {}
    for word, after in itertools.zip_longest(words, words[1:], fillvalue=""):
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            found[name[2:].replace("_", "-")] = value if equals else after
    return found


@functools.cache
def settings_of(options: str, env: str, arm: str) -> RunOptions | None:
    """All settings of an arm's runs; None where this version of the library has no such method or settings."""
    try:
        return arm_options(options, env, arm)[0]
    except ValueError:
        return None


def train_alike(env: str, arm: str, one: str | None, other: str | None) -> bool:
    """Whether runs of an arm train in the same way with two options; also where one of them is not known.

    Evaluations, measurements of noise and checkpoints change no training.
    """
    if one is None or other is None or one == other:
        return True
    found = [settings_of(options, env, arm) for options in (one, other)]
    return None not in found and training_only(found[0]) == training_only(found[1])


def training_only(settings: RunOptions) -> RunOptions:
    """The settings without those that change no training. A paired search for psi plays evaluations' episodes."""
    config = replace(settings.config, evaluate_every=0, diagnose_every=0)
    if config.psi_design != "paired":
        config = replace(config, evaluate_episodes=1)
    return replace(settings, config=config, preset=None, save_every=1)
