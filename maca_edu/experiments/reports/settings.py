"""The names of arms in Tables 16 and 17, whose rows are settings: what the paper calls an arm of ours."""

from __future__ import annotations

from collections.abc import Iterable

from maca_edu import envs
from maca_edu.experiments.presets import ONE_SHOT
from maca_edu.experiments.reports.results import Run
from maca_edu.experiments.reports.trained import settings_of, values_in, words_of
from maca_edu.experiments.trust import trusted
from maca_edu.training.methods import METHODS

NOT_KNOWN = "not known"


def arm_in_table(table: int, run: Run) -> str:
    """The name under which a run stands in a table.

    Table 16 names the epochs and the clip parameter of every arm, Table 17 its threshold as a multiple of 1/n, whether
    they were varied or not. Elsewhere, and for an arm that varies something else, it is the arm's own name.
    """
    method, varied = split(run.arm)
    if method not in METHODS or not method.startswith("maca"):
        return run.arm
    if table == 16 and varied.keys() <= {"epochs", "clip"}:
        epochs, clip = (in_digits(setting(run, name)) for name in ("epochs", "clip"))
        return f"{method} epochs={epochs} clip={clip}"
    if table == 17 and varied.keys() <= {"sigma"}:
        sigma = setting(run, "sigma")
        if sigma == NOT_KNOWN:
            return f"{method} sigma={sigma}"
        multiple = 1.0 if sigma == "None" else float(sigma) * agents_in(run.env)
        return f"{method} sigma={multiple:.3g}/n"
    return run.arm


def named_as_in_table(table: int, runs: Iterable[Run]) -> list[Run]:
    """The runs under the names of `arm_in_table`. Raises ValueError where two arms of an environment share one."""
    arms: dict[tuple[str, str], str] = {}
    named = []
    for run in runs:
        name = arm_in_table(table, run)
        other = arms.setdefault((run.env, name), run.arm)
        if other != run.arm:
            raise ValueError(
                f"{other!r} and {run.arm!r} in {run.env} are both {name!r} in Table {table}; choose one of them with "
                "--methods"
            )
        named.append(run._replace(arm=name))
    return named


def in_digits(number: str) -> str:
    """A number as the paper's names have it: 0.05, 10."""
    return number if number == NOT_KNOWN else f"{float(number):g}"


def split(arm: str) -> tuple[str, dict[str, str]]:
    """The method of an arm, and the settings that were varied."""
    method, *words = arm.split(" ")
    return method, dict(word.partition("=")[::2] for word in words)


def setting(run: Run, name: str) -> str:
    """A setting of a run, in words: as its arm says, else as it was trained; NOT_KNOWN where nothing says it."""
    _, varied = split(run.arm)
    if name in varied:
        return varied[name]
    settings = None if run.options is None else settings_of(run.options, run.env, run.arm)
    return NOT_KNOWN if settings is None else str(getattr(settings.config, name))


def preset_of(run: Run) -> str | None:
    """The preset of a run; None: not known."""
    if run.options is None:
        return None
    said = split(run.arm)[1].get("preset") or values_in(words_of(run.options)).get("preset")
    return said or ("toy" if run.env.partition("?")[0] in ONE_SHOT else "quick")


def agents_in(env: str) -> int:
    """How many agents an environment has."""
    return envs.sizes(trusted(env, None)).n_agents
