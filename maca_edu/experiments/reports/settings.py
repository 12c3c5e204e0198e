"""The names of arms in Tables 16 and 17, whose rows are settings: what the paper calls an arm of ours."""

from __future__ import annotations

import re

from maca_edu import envs
from maca_edu.experiments.presets import ONE_SHOT, preset
from maca_edu.experiments.reports.results import Run
from maca_edu.experiments.trust import trusted
from maca_edu.training.methods import METHODS


def arm_in_table(table: int, run: Run) -> str:
    """The name under which a run stands in a table.

    Table 16 names the epochs and the clip parameter of every arm, Table 17 its threshold as a multiple of 1/n, whether
    they were varied or not. Elsewhere, and for an arm that varies something else, it is the arm's own name.
    """
    method, varied = split(run.arm)
    if method not in METHODS or not method.startswith("maca"):
        return run.arm
    if table == 16 and varied.keys() <= {"epochs", "clip"}:
        epochs, clip = (float(setting(run, name)) for name in ("epochs", "clip"))
        return f"{method} epochs={epochs:g} clip={clip:g}"
    if table == 17 and varied.keys() <= {"sigma"}:
        sigma = setting(run, "sigma")
        multiple = 1.0 if sigma in (None, "None") else float(sigma) * agents_in(run.env)
        return f"{method} sigma={multiple:.3g}/n"
    return run.arm


def split(arm: str) -> tuple[str, dict[str, str]]:
    """The method of an arm, and the settings that were varied."""
    method, *words = arm.split(" ")
    return method, dict(word.partition("=")[::2] for word in words)


def setting(run: Run, name: str):
    """A setting of a run: as its arm says, else as its command said, else as the preset has it."""
    method, varied = split(run.arm)
    if name in varied:
        return varied[name]
    said = in_command(run, name)
    return getattr(preset(preset_of(run), run.env, method)[0], name) if said is None else said


def preset_of(run: Run) -> str | None:
    """The preset of a run, as the command of its sweep says; None where the command is no sweep."""
    command = run.about.command
    if not command.startswith("maca-edu sweep"):
        return None
    if in_command(run, "preset") is not None:
        return in_command(run, "preset")
    if in_command(run, "budget") == "paper":
        return "paper"
    return "toy" if run.env.partition("?")[0] in ONE_SHOT else "quick"


def in_command(run: Run, name: str) -> str | None:
    """What the command of a run's sweep gives for an option; None where it does not name it."""
    said = re.search(rf"--{name}[ =]([^\s'\"]+)", run.about.command)
    return said and said[1]


def agents_in(env: str) -> int:
    """How many agents an environment has."""
    return envs.sizes(trusted(env, None)).n_agents
