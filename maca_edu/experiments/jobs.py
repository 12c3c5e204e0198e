"""One run of a sweep: all that decides it, and where it is written."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from maca_edu.checks import Count, Natural, check_fields
from maca_edu.training.config import Config
from maca_edu.training.methods import configured, find


@dataclass(frozen=True)
class Job:
    """One run of a sweep: all that decides it.

    env, method: names, as in `experiments.run.train`. steps: environment-steps of the run, at most. batch: environments
    stepped together. config: every other setting. save_every: updates between two checkpoints; decides nothing else.
    varied: the settings that tell the run's arm from others of its method, as in "sigma=0.18 epochs=5"; they are part
    of config (or batch), and only named here. Raises ValueError where a field is wrong, or the steps are not enough
    for one update.
    """

    env: str
    method: str
    seed: Natural
    steps: Count
    batch: Count
    config: Config
    save_every: Count = 20
    varied: str = ""

    def __post_init__(self):
        check_fields(self)
        if self.steps < self.in_update:
            raise ValueError(f"steps={self.steps}; one update takes rollout * batch = {self.in_update} steps")

    def __str__(self) -> str:
        return f"{self.arm} in {self.env}, seed {self.seed}"

    @property
    def arm(self) -> str:
        """What is compared: the method, and the settings that are varied; the column `method` of a sweep's tables."""
        return f"{self.method} {self.varied}".strip()

    @property
    def in_update(self) -> int:
        """Environment-steps of one update."""
        return self.config.rollout * self.batch

    @property
    def updates(self) -> int:
        """How many updates the run has."""
        return self.steps // self.in_update


def run_folder(out: str | Path, job: Job) -> Path:
    """The directory of a job's run: out/environment/arm/seed."""
    return folder_of(out, job.env, job.arm, job.seed)


def folder_of(out: str | Path, env: str, arm: str, seed: int) -> Path:
    """The directory of a run of a sweep, by what names it in the sweep's tables."""
    return Path(out) / env.replace("/", "-").replace("?", "-") / arm.replace(" ", "_") / str(seed)


def log_file(out: str | Path, job: Job) -> Path:
    """The log of a job, beside its directory."""
    folder = run_folder(out, job)
    return folder.with_name(f"{folder.name}.log.txt")


def settings_of(job: Job) -> dict:
    """What the run's config.json will say, if it is this job's."""
    settings = dict(env=job.env, method=job.method, seed=job.seed, steps=job.steps, batch=job.batch)
    settings |= dataclasses.asdict(configured(find(job.method), job.config))
    return json.loads(json.dumps(settings))  # JSON has lists where Python has tuples
