"""Runs in words: options as `maca-edu train` takes them, arms such as "maca sigma=0.18", grids of settings."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import tyro

from maca_edu.checks import check_integer
from maca_edu.refused_words import RefusedWords, parsed
from maca_edu.training.config import Config


@dataclass(frozen=True)
class RunOptions:
    """What may stand in --options of `maca-edu sweep`; the names and meanings are those of `maca-edu train`."""

    config: tyro.conf.OmitArgPrefixes[Config]
    batch: int | None = None
    """environments stepped together; None: as the preset has it"""
    preset: str | None = None
    """where the other settings begin: toy, quick, or paper; None: toy for one-shot games, quick for the others"""
    save_every: int = 20
    """updates between two checkpoints"""


# ---------------------------------------------------------------------------------------------------------------------
# Words to settings


def defaults(argv: list[str]) -> Config:
    """The settings of the preset that the words after `train` ask for, before tyro reads the others."""
    words = [word for part in argv for word in (part.split("=", 1) if part.startswith("--") else [part])]
    chosen = {"env": "toy/fridge", "method": "maca", "preset": None}
    chosen |= {word[2:]: after for word, after in pairwise(words) if word[2:] in chosen and word.startswith("--")}
    from maca_edu.experiments.presets import preset

    return preset(chosen["preset"], chosen["env"], chosen["method"])[0]


def run_options(options: str, env: str, method: str) -> RunOptions:
    """Read the words of --options for one environment and method; `batch` is filled in from the preset.

    Raises ValueError where a word is wrong.
    """
    try:
        words = shlex.split(options)
    except ValueError as error:  # a quotation mark too many
        raise ValueError(f"options={options!r}: {error}") from None
    start = RunOptions(defaults(["--env", env, "--method", method, *words]))
    try:
        prog, known = "maca-edu train", "--batch, --preset, --save-every and the settings of a run"
        chosen = parsed(lambda: tyro.cli(RunOptions, prog=prog, args=words, default=start), words, prog, known)
    except RefusedWords as error:
        raise ValueError(f"options={options!r}: {error}") from None
    from maca_edu.experiments.presets import preset
    from maca_edu.training.methods import check_settings, find

    check_settings(find(method), chosen.config)
    batch = preset(chosen.preset, env, method)[1] if chosen.batch is None else check_integer("batch", chosen.batch, 1)
    return replace(chosen, batch=batch)


# ---------------------------------------------------------------------------------------------------------------------
# Arms


def arm_options(options: str, env: str, arm: str) -> tuple[RunOptions, str]:
    """The settings of an arm's runs, and its name in the one spelling that all tables use.

    options: of all arms. env: a name. arm: a method, then settings that come on top of the options: "maca sigma=.18"
    becomes "maca sigma=0.18". Raises ValueError where there is no such method or setting, or a value is wrong.
    """
    method, *settings = arm.split() or [""]
    values = dict(setting_of(arm, word) for word in settings)
    if len(values) < len(settings):
        raise ValueError(f"arm={arm!r} has a setting twice")
    words = [word for name, value in values.items() for word in as_option(name, value)]
    chosen = run_options(" ".join([options, *words]).strip(), env, method)
    names = [f"{name.replace('_', '-')}={value_of(chosen, name)}" for name in values]
    return chosen, " ".join([method, *names])


def setting_of(arm: str, word: str) -> tuple[str, str]:
    """A setting's name, as Config has it, and its value. Raises ValueError where the word is no setting of one value.

    A setting of several numbers, such as actor_sizes, belongs into the options of all arms.
    """
    name, equals, value = word.partition("=")
    name = name.replace("-", "_")
    if name not in single_settings() or not equals or not value:
        raise ValueError(f"arm={arm!r}: {word!r} is no setting of one value, as in sigma=0.18")
    return name, value


@functools.cache
def single_settings() -> set[str]:
    """The names of the settings that an arm can have."""
    of_config = [field.name for field in dataclasses.fields(Config) if not isinstance(field.default, tuple)]
    return {*of_config, "batch", "preset"}


def as_option(name: str, value: str) -> list[str]:
    """A setting as `maca-edu train` takes it; a truth value is an option of its own, --centred or --no-centred."""
    dashed = name.replace("_", "-")
    if value in ("True", "False"):
        return [f"--{dashed}" if value == "True" else f"--no-{dashed}"]
    return [f"--{dashed}", shlex.quote(value)]


def value_of(options: RunOptions, name: str):
    """The value of a setting."""
    return getattr(options if name in ("batch", "preset") else options.config, name)


def with_grid(arms: Iterable[str], grid: Iterable[str]) -> list[str]:
    """Every arm with every combination of the grid's values.

    grid: a setting and its values in each word: ["clip=.05,.1", "epochs=5,10"] makes four arms of one.
    Raises ValueError where a word is not of that kind.
    """
    choices = grid_choices(grid)
    return [" ".join([arm, *chosen]) for arm in arms for chosen in itertools.product(*choices)]


def grid_choices(grid: Iterable[str]) -> list[list[str]]:
    """The settings that each word of a grid offers: ["clip=.05,.1", "epochs=5"] has [clip=.05, clip=.1], [epochs=5].

    Raises ValueError where a word is not of that kind.
    """
    choices = []
    for word in grid:
        name, _, values = word.partition("=")
        if not name or not all(values.split(",")):
            raise ValueError(f"grid={word!r}; allowed is a setting with its values, as in clip=0.05,0.1")
        choices.append([f"{name}={value}" for value in values.split(",")])
    return choices


# ---------------------------------------------------------------------------------------------------------------------
# Settings to words


def options_in_words(job) -> str:
    """The options of a `Job`, without those that its arm names: read again by `arm_options`, they give the same run.

    They begin with the preset that needs the fewest further words.
    """
    from maca_edu.experiments.presets import PRESETS

    varied = dict(setting_of(job.arm, word) for word in job.varied.split())
    presets = [varied["preset"]] if "preset" in varied else [None, *PRESETS]
    found = [list(words_from(job, preset, varied)) for preset in presets]
    return " ".join(min(found, key=len))


def words_from(job, preset_name: str | None, varied: dict[str, str]) -> Iterator[str]:
    """The words that make the job's settings of those of a preset; varied: the settings that the arm names."""
    from maca_edu.experiments.presets import preset
    from maca_edu.training.methods import configured, find

    config, batch = preset(preset_name, job.env, job.method)
    trained_with = configured(find(job.method), job.config)
    if preset_name is not None and "preset" not in varied:
        yield f"--preset {preset_name}"
    if job.batch != batch and "batch" not in varied:
        yield f"--batch {job.batch}"
    for field in dataclasses.fields(Config):
        value = getattr(trained_with, field.name)
        if value != getattr(config, field.name) and field.name not in varied:
            values = value if isinstance(value, tuple) else (value,)
            name, *words = as_option(field.name, str(values[0]))
            yield " ".join([name, *words, *map(str, values[1:])])
    if job.save_every != 20:
        yield f"--save-every {job.save_every}"
