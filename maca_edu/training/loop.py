"""Whole runs: train, write down, load again."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from maca_edu.checks import check, check_integer, check_parts, check_path, shown
from maca_edu.team_env import TeamEnv, check_team_env
from maca_edu.training import checkpoint, rng
from maca_edu.training.config import Config
from maca_edu.training.findings import Finding, findings
from maca_edu.training.finite import fault_of, first_not_finite
from maca_edu.training.learner import Learner, blueprint
from maca_edu.training.methods import Method, configured, find
from maca_edu.training.play import Played, Policy, env_seed, play_episodes
from maca_edu.training.precision import matmul
from maca_edu.training.processes import OneProcess, Processes
from maca_edu.training.records import Sizes, as_tensor
from maca_edu.training.run_directory import RunDirectory, config_of, of_another_version
from maca_edu.training.trainer import OF_TRAINER, Trainer, sizes_of

NOT_EVALUATED = (-math.inf, -math.inf)  # less than the score of any evaluation


@dataclass
class Run:
    """A trained team: what it was told, a table of what happened, and the policy."""

    settings: dict
    metrics: dict[str, np.ndarray]  # one column each, one entry for each update
    learner: Learner
    findings: tuple[Finding, ...] = ()  # what the run noticed about itself; () after `load`

    @property
    def policy(self) -> Policy:
        """A fresh player: `policy(view)` gives the likeliest actions in what a `TeamEnv` shows."""
        return Policy(self.learner)


def train(
    env: TeamEnv,
    method: str | Method,
    steps: int,
    seed: int = 0,
    out=None,
    config: Config | None = None,
    resume: bool = False,
    save_every: int = 20,
    report: Callable[[dict], None] | None = None,
    spare: TeamEnv | None = None,
    device: torch.device | str = "cpu",
    processes: Processes | None = None,
) -> Run:
    """Train a method in `env` for at most `steps` environment-steps, which are counted once for the whole team.

    env: a `TeamEnv`; one step of its B environments counts B, and with several processes those of all. method: a name
    of `methods.METHODS` or a `Method` of your own. out: a directory to write to, None: nowhere. resume: go on in `out`,
    with the same settings but for steps, as if the run had never stopped. save_every: updates between checkpoints.
    report: called with each row of metrics. spare: a second environment of the same kind, where config asks for
    evaluations or a paired search. Only process 0 writes and reports.
    Raises ValueError where an argument is wrong, `out` exists and resume is not set, or another process writes there;
    RuntimeError where a number is no longer finite: the last checkpoint is kept.
    """
    config = check("config", Config() if config is None else config, Config)
    processes = OneProcess() if processes is None else processes
    check_team_env("env", env)
    check_parts("processes", processes, ("rank", "count", "average", "gather"), "Processes, see training.processes")
    if spare is not None:
        check_team_env("spare", spare)
    if report is not None:
        check_parts("report", report, ("__call__",), "a function of a row of metrics")
    device = check_device(device)
    method, save_every = find(method), check_integer("save_every", save_every, 1)
    config = configured(method, config)
    steps, seed, resume = (
        check_integer("steps", steps, 1),
        check_integer("seed", seed, 0),
        check("resume", resume, bool),
    )
    out = None if out is None else check_path("out", out)
    in_update = config.rollout * env.batch * processes.count
    updates = steps // in_update
    if updates < 1:
        raise ValueError(f"steps={steps}; one update takes rollout * batch = {in_update} steps")
    trainer = Trainer(env, method, seed, config, updates, spare, device, processes)
    settings = dict(
        env=env.name, batch=env.batch * processes.count, method=method.name, seed=seed, processes=processes.count,
        **dataclasses.asdict(config),
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        table, directory, state, best = Table(), None, None, NOT_EVALUATED
        if out is not None and processes.rank == 0:
            directory = stack.enter_context(RunDirectory(out).writing())
            planned = config.critic_schedule != "constant"
            state = directory.open(settings, steps, resume, fixed_length=planned, save_every=save_every)
        state, is_saved = processes.from_first((state, out is not None))
        if state is not None:
            restore(trainer, state, out or "")
            rows = directory.rows(trainer.done) if directory is not None else []
            table = Table(rows)
            best = processes.from_first(max(map(greedy_score, rows), default=NOT_EVALUATED))
        stack.enter_context(matmul(config.matmul))
        while trainer.done < updates:
            row = one_step(trainer, directory)
            is_best, best = greedy_score(row) > best, max(greedy_score(row), best)
            saves = is_saved and (is_best or trainer.done % save_every == 0 or trainer.done == updates)
            state = trainer.capture() if saves else None
            if processes.rank > 0:
                continue
            refuse_not_finite(trainer, row, state, directory)
            table.append(row)
            if directory is not None:
                directory.write(row)
                if saves:
                    directory.save(state, is_best)
            if report is not None:
                report(row)
    metrics = table.columns()
    return Run(settings, metrics, trainer.learner, findings(metrics, trainer.watch))


class Table:
    """Rows of metrics, kept by columns with eight bytes for a number: a run of a week has many.

    The first row names the columns. A column that a row lacks is not a number there.
    """

    def __init__(self, rows: Iterable[dict] = ()):
        self.numbers: dict[str, array] = {}
        self.whole: set[str] = set()  # names of columns that hold whole numbers only
        for row in rows:
            self.append(row)

    def append(self, row: dict) -> None:
        """Take in one row."""
        if not self.numbers:
            self.numbers, self.whole = {name: array("d") for name in row}, set(row)
        for name, column in self.numbers.items():
            column.append(row.get(name, math.nan))
        self.whole = {name for name in self.whole if isinstance(row.get(name), int | np.integer)}

    def columns(self) -> dict[str, np.ndarray]:
        """The columns by their names, `[updates]` each."""
        return {name: np.array(x, dtype=int if name in self.whole else float) for name, x in self.numbers.items()}


def greedy_score(row: dict) -> tuple[float, float]:
    """How good a row's greedy evaluation is, to be compared: first by its wins, then by its return."""
    wins, reached = (row.get(name, math.nan) for name in ("greedy_win_rate", "greedy_return_mean"))
    if math.isnan(reached):
        return NOT_EVALUATED
    return 0.0 if math.isnan(wins) else wins, reached  # not a number where there is no winning


def check_device(device) -> torch.device:
    """Return the argument `device` as torch's; ValueError where torch does not know it."""
    if isinstance(device, str | torch.device):
        with contextlib.suppress(RuntimeError):
            return torch.device(device)
    raise ValueError(f"device={shown(device)}; allowed is a device of torch, such as 'cpu' or 'cuda'")


def one_step(trainer: Trainer, directory: RunDirectory | None) -> dict[str, float]:
    """`trainer.step()`; where it raises ValueError, the sentence begins with the update.

    Networks refuse what is not finite. Where it comes from the game, or from themselves, the sentence says that.
    """
    try:
        return trainer.step()
    except ValueError as error:
        update, view = trainer.done + 1, trainer.env.view()
        weights = fault_of({}, trainer.learner.actor, trainer.learner.critic)
        if weights is not None:
            raise RuntimeError(f"update {update}: {says_not_finite(trainer, weights, directory)}") from error
        seen = first_not_finite(dict(obs=as_tensor(view.obs), state=as_tensor(view.state)))
        if seen is not None:
            raise ValueError(f"update {update}: env={trainer.env.name!r} shows {seen} that is not finite") from error
        raise ValueError(f"update {update}: {error}") from error


def says_not_finite(trainer: Trainer, name: str, directory: RunDirectory | None) -> str:
    """What to say where a number of a run, or a weight of a network, is not finite any more."""
    kept = "" if directory is None else f"; {directory.kept()}"
    return f"{name} is not a finite number; perhaps lr={trainer.config.lr}, or a reward, is too large{kept}"


def refuse_not_finite(trainer: Trainer, row: dict, state: dict | None, directory: RunDirectory | None) -> None:
    """RuntimeError that names the first number which is not finite, before anything is written.

    state: what would be saved now, None: nothing. What environments hold is theirs, and may be infinite.
    """
    name = fault_of(row, trainer.learner.actor, trainer.learner.critic)
    if name is None and state is not None:
        shares = [{part: x for part, x in share.items() if part != "env"} for share in state["shares"]]
        name = first_not_finite(state | {"shares": shares})
    if name is not None:
        where = f"update {trainer.done}, step {row['env_steps']}"
        raise RuntimeError(f"{where}: {says_not_finite(trainer, name, directory)}")


def restore(trainer: Trainer, state: dict, path) -> None:
    """Go on from the checkpoint in directory `path`. Raises ValueError where it is not one of such a run."""
    try:
        check_state(trainer.learner, state)
        shares, trials = state["shares"], rng.get_state(trainer.trial_seeds)
        checkpoint.check_like("trial_seeds", trials, state["trial_seeds"])
        checkpoint.check_like("watch", trainer.watch.state_dict(), state["watch"])
        if not isinstance(shares, list) or len(shares) != trainer.processes.count:
            raise ValueError(f"it is not of {trainer.processes.count} processes")
        share = shares[trainer.processes.rank]
        now = dict(so_far=trainer.so_far, first=trainer.buffer.next_first.cpu())
        now |= dict(actor_memory=trainer.memory.actor, critic_memory=trainer.memory.critic)
        checkpoint.check_like("share", now, {name: share[name] for name in now})
        trainer.restore(state)
    except checkpoint.DAMAGED as error:
        raise ValueError(f"{os.path.join(path, 'state.npz')!r} does not fit this run: {first_line(error)}") from error


def check_state(learner: Learner, state: dict) -> None:
    """ValueError unless a checkpoint fits the learner and all its numbers are finite."""
    parts = {name: x for name, x in state.items() if name not in OF_TRAINER}
    checkpoint.check(learner.parts(), parts)
    name = first_not_finite(parts)
    if name is not None:
        raise ValueError(f"{name} is not finite")


def first_line(error: Exception) -> str:
    """The first line of what an exception says."""
    return str(error).partition("\n")[0]


def load(
    env: TeamEnv, path, method: Method | None = None, device: torch.device | str = "cpu", best: bool = False
) -> Run:
    """The run in directory `path`, in its environment `env`; method: yours, where the run was trained with one.

    best: as of the checkpoint with the best greedy evaluation, not as of the last one.
    Raises ValueError where there is no finished part, or the files are damaged or do not agree. Executes nothing that
    the directory holds.
    """
    directory, device = RunDirectory(path), check_device(device)
    if method is not None and not isinstance(method, Method):
        raise ValueError(f"method={shown(method)}; allowed is a Method of your own, or None")
    settings, state = directory.settings(), directory.checkpoint(best)
    if method is not None and method.name != settings["method"]:
        raise ValueError(f"method={method.name!r}; the run in {str(path)!r} was trained with {settings['method']!r}")
    config, sizes = config_of(settings), sizes_of(env)
    try:
        method = find(method or settings["method"])
    except ValueError as error:
        raise ValueError(f"{str(directory.config)!r}: {error}") from None
    try:
        refuse_larger_networks(sizes, method, config, directory.state.stat().st_size)
        learner = Learner(sizes, method, settings["seed"], config, device)
        check_state(learner, state)
        checkpoint.restore(learner.parts(), {name: x for name, x in state.items() if name not in OF_TRAINER})
    except checkpoint.DAMAGED as error:
        older = "; it was begun by a version of this library with other settings" * of_another_version(settings)
        raise ValueError(f"{str(directory.state)!r} does not fit the run: {first_line(error)}{older}") from error
    rows = directory.lines_and_rows(state["updates"])[1]
    return Run(settings | {"env": env.name}, Table(rows).columns(), learner)


def refuse_larger_networks(sizes: Sizes, method: Method, config: Config, size: int) -> None:
    """ValueError where the networks have more numbers than a checkpoint of `size` bytes can hold.

    They are built without memory and counted.
    """
    numbers = sum(p.numel() for network in blueprint(sizes, method, config) for p in network.parameters())
    if 4 * numbers > size:
        raise ValueError(f"its settings ask for networks of {numbers:,} numbers, more than the file holds")


def play(run: Run, env: TeamEnv, seed: int, episodes: int | None = None) -> Played:
    """Play greedily in `env`, on seeds that training never used: see `play.play_episodes`."""
    if not isinstance(run, Run):
        raise ValueError(f"run={shown(run)}; allowed is a loop.Run, which train and load return")
    return play_episodes(run.policy, env, env_seed(seed, "evaluate"), episodes)
