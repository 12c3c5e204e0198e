"""What a sweep will cost, before it begins: runs, processor time, and when it will be done.

The time of a run comes from finished runs of its arm and environment in the sweep's directory. Where there are none, a
few updates are trained and a few episodes are played now. Not every pair of an arm and an environment is tried: one arm
in every environment, and every arm in one environment, which has them all. What an arm takes longer than another is
taken to be the same factor in all environments.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from maca_edu import envs
from maca_edu.experiments.jobs import Job, run_folder
from maca_edu.experiments.run import evaluate, train
from maca_edu.experiments.run_job import BEST_TIMES, FINAL_EPISODES, is_finished
from maca_edu.experiments.sweep_progress import duration, last_row
from maca_edu.experiments.sweep_tables import seconds_of_run
from maca_edu.training.loop import Run

TRIED_UPDATES = 3  # the first of them compiles and fills caches
TRIED_EPISODES = 32


class Pace(NamedTuple):
    """What a run takes, in seconds. Of a finished run only the whole is known, and all of it is counted in `step`."""

    step: float  # an environment-step in training
    episode: float  # an episode of greedy play
    start: float = 0.0  # once in a run: what its first update and its first episodes take longer than all later ones


@dataclass(frozen=True)
class Estimate:
    """What is known of a sweep before it begins. Seconds are of one processor core, but for `wall_seconds`."""

    runs: int
    finished: int
    begun: int
    seconds_left: float
    seconds_in_all: float
    wall_seconds: float
    processes: int
    pairs: int  # of an environment and an arm
    pairs_from_runs: int  # whose speed comes from finished runs
    pairs_tried: int  # whose speed was measured now

    def __str__(self) -> str:
        at_work = f"{self.processes} at a time" if self.processes > 1 else "one at a time"
        done = datetime.now() + timedelta(seconds=self.wall_seconds)
        others = self.pairs - self.pairs_from_runs - self.pairs_tried
        return "\n".join([
            f"runs        {self.runs}: {self.finished} finished, {self.begun} begun",
            f"CPU-hours   {self.seconds_left / 3600:.2f} left, {self.seconds_in_all / 3600:.2f} in all",
            f"end         {done:%Y-%m-%d %H:%M} if started now: {duration(self.wall_seconds)}, {at_work}",
            f"speed       of {self.pairs} pairs of environment and arm: {self.pairs_from_runs} from finished runs "
            f"here, {self.pairs_tried} measured just now, {others} concluded from those",
        ])  # fmt: skip


def estimate(out: str | Path, jobs: list[Job], processes: int) -> Estimate:
    """What training all jobs in directory `out` will take, with so many runs at a time. Writes nothing."""
    finished = [job for job in jobs if is_finished(run_folder(out, job), job)]
    done = set(finished)
    reached = {job: last_row(run_folder(out, job)) for job in jobs if job not in done}
    pace = {pair_of(job): pace_of_run(out, job) for job in finished}
    from_runs = len(pace)
    to_try = pairs_to_try(jobs, set(pace))
    for pair, job in to_try.items():
        pace[pair] = measured_pace(job)
    fill_in(pace, jobs)
    whole = {job: seconds_of(job, pace[pair_of(job)]) for job in jobs}
    shares = {job: 1 - (0 if last is None else last.updates) / job.updates for job, last in reached.items()}
    left = [share * whole[job] for job, share in shares.items()]
    at_work = max(min(processes, len(left)), 1)
    return Estimate(
        runs=len(jobs),
        finished=len(finished),
        begun=sum(last is not None for last in reached.values()),
        seconds_left=sum(left),
        seconds_in_all=sum(whole.values()),
        wall_seconds=max(sum(left) / at_work, max(left, default=0.0)),
        processes=at_work,
        pairs=len({pair_of(job) for job in jobs}),
        pairs_from_runs=from_runs,
        pairs_tried=len(to_try),
    )


def pair_of(job: Job) -> tuple[str, str]:
    """The environment and the arm of a run."""
    return job.env, job.arm


def pairs_to_try(jobs: list[Job], known: set[tuple[str, str]]) -> dict[tuple[str, str], Job]:
    """A run for each pair that must be tried, so that `fill_in` can conclude all others."""
    job_of = {pair_of(job): job for job in reversed(jobs)}
    first_env, first_arm = pair_of(jobs[0])
    found = {}
    for env, arm in job_of:
        in_cross = env == first_env or arm == first_arm
        can_be_concluded = (first_env, arm) in job_of and (env, first_arm) in job_of
        if (env, arm) not in known and (in_cross or not can_be_concluded):
            found[env, arm] = job_of[env, arm]
    return found


def fill_in(pace: dict[tuple[str, str], Pace], jobs: list[Job]) -> None:
    """Conclude what is missing: an arm takes the same factor longer than the first arm as in the first environment."""
    first_env, first_arm = pair_of(jobs[0])
    for env, arm in dict.fromkeys(map(pair_of, jobs)):
        if (env, arm) not in pace:
            factor = pace[first_env, arm].step / pace[first_env, first_arm].step
            pace[env, arm] = pace[env, first_arm]._replace(step=factor * pace[env, first_arm].step)


def pace_of_run(out: str | Path, job: Job) -> Pace:
    """The pace of a finished run: all its seconds, over its steps."""
    return Pace(seconds_of_run(run_folder(out, job)) / (job.updates * job.in_update), 0.0)


def measured_pace(job: Job) -> Pace:
    """The pace of a run as a short one just now has it. Writes nothing."""
    config = replace(job.config, evaluate_every=0)
    steps = TRIED_UPDATES * job.in_update
    run = train(job.env, job.method, steps, batch=job.batch, config=config, processes=1, device="cpu")
    first, *later = sum(run.metrics[name] for name in ("env_seconds", "act_seconds", "learn_seconds"))
    update = sum(later) / len(later)
    episodes = envs.at_once(job.env, TRIED_EPISODES)
    first_play, play = (seconds_to_play(run, episodes) for _ in range(2))
    # JaxMARL's worlds are compiled for each number of copies: those of training, and those of each kind of evaluation.
    kinds = 3 if job.config.evaluate_every else 1
    start = max(first - update, 0.0) + kinds * max(first_play - play, 0.0)
    return Pace(update / job.in_update, play / episodes, start)


def seconds_to_play(run: Run, episodes: int) -> float:
    """What so many episodes of greedy play take."""
    began = time.perf_counter()
    evaluate(run, episodes)
    return time.perf_counter() - began


def seconds_of(job: Job, pace: Pace) -> float:
    """The seconds of a whole run with its evaluations."""
    episodes = FINAL_EPISODES
    if job.config.evaluate_every:
        evaluations = -(-job.updates // job.config.evaluate_every)  # rounded up: the last update always has one
        episodes += (evaluations + BEST_TIMES) * job.config.evaluate_episodes
    return pace.start + job.updates * job.in_update * pace.step + episodes * pace.episode
