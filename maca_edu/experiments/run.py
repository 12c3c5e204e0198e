"""Train, load and evaluate by name; `maca_edu.train`, `maca_edu.load` and `maca_edu.evaluate` are these."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import torch

from maca_edu import envs, stopping
from maca_edu.checks import check, check_integer, check_path
from maca_edu.experiments import parallel
from maca_edu.experiments.devices import choose_device, device_of_views
from maca_edu.experiments.learning_curves import draw_run
from maca_edu.experiments.memory import keep_memory
from maca_edu.experiments.monitor import Monitor
from maca_edu.experiments.parallel import Share, helpers
from maca_edu.experiments.presets import preset as choose_preset
from maca_edu.experiments.trust import make_environment
from maca_edu.files import write_whole
from maca_edu.team_env import TeamEnv, check_team_env
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.learner import check_learning
from maca_edu.training.methods import METHODS, Method, configured, find
from maca_edu.training.run_directory import RunDirectory
from maca_edu.training.trainer import sizes_of


def train(
    env: str | TeamEnv,
    method: str | Method = "maca",
    steps: int = 10_000,
    seed: int = 0,
    out=None,
    batch: int | None = None,
    preset: str | None = None,
    config: Config | None = None,
    resume: bool = False,
    save_every: int = 20,
    progress: bool = False,
    processes: int | None = None,
    device: str = "auto",
    spare: TeamEnv | None = None,
) -> loop.Run:
    """Train a method in an environment; returns a `loop.Run`.

    env: a name of `maca-edu envs`, such as "toy/fridge", of which `batch` copies are stepped together, or a `TeamEnv`.
    method: a name of `maca-edu methods`, or a `methods.Method` of your own. steps: at most so many environment-steps,
    counted once for the whole team. out: a new directory, None: nothing is written. preset: one of `presets.PRESETS`,
    from which config and batch are taken where they are None. resume, save_every: see `loop.train`. progress: show a
    progress bar. processes: how many share the environments and learn together, see `parallel`; None: chosen by
    `parallel.choose`, or as the run has it that is resumed. device: "auto", "cpu" or "cuda", see `devices`.
    spare: where env is a `TeamEnv`, a second one of the same game, if config asks for evaluations or a paired search.
    Each process computes with one thread. Raises ValueError where an argument is wrong.
    """
    method, steps, seed = find(method), check_integer("steps", steps, 1), check_integer("seed", seed, 0)
    save_every, resume = check_integer("save_every", save_every, 1), check("resume", resume, bool)
    out = None if out is None else check_path("out", out)
    check("progress", progress, bool)
    if not isinstance(env, str):
        check_team_env("env", env, "the name of an environment, or a TeamEnv, see maca_edu.team_env")
    if spare is not None:
        check_team_env("spare", spare)
    name = env if isinstance(env, str) else env.name
    settings, copies = choose_preset(preset, name, method)
    config = configured(method, check("config", settings if config is None else config, Config))
    batch = check_integer("batch", copies if batch is None else batch, 1) if isinstance(env, str) else env.batch
    chosen_device = choose_device(device, config, batch)
    count = choose_processes(env, method, config, batch, processes, chosen_device, out if resume else None)
    to_send = method.name if method.name in METHODS else method
    share = Share(0, count, "", name, batch // count, to_send, steps, seed, config, save_every, str(chosen_device))
    report = MonitorFromFirstRow(out, total_steps(steps, config, batch), progress)
    keep_memory()
    with one_thread(), contextlib.ExitStack() as stack:
        stack.callback(report.close)
        needs_spare = spare is None and (config.evaluate_every or config.psi_design == "paired")
        if needs_spare and not isinstance(env, str):
            raise ValueError("spare=None; evaluate_every and psi_design='paired' need a second TeamEnv of the game")
        if isinstance(env, str):
            env = stack.enter_context(contextlib.closing(envs.make(name, share.batch, device_of_views(chosen_device))))
        if needs_spare:
            spare = envs.make(name, envs.at_once(name, config.evaluate_episodes))
            stack.enter_context(contextlib.closing(spare))
        together = stack.enter_context(helpers(share))
        run = loop.train(
            env, method, steps, seed, out, config, resume, save_every, report, spare, chosen_device, together
        )
    if out is not None:
        with RunDirectory(out).writing():
            found = [finding._asdict() for finding in run.findings]
            write_whole(out / "findings.json", json.dumps(found, indent=2) + "\n")
            draw_run(run.metrics, f"{method.name} on {name}, seed {seed}", out / "progress.png")
    return run


def check_run(env: str, method: str | Method, steps: int, batch: int, config: Config) -> None:
    """Raises ValueError where `train` would refuse these before its first step: so before anything is written.

    The arguments are those of `train`. A copy of the environment is made and closed.
    """
    method, config = find(method), check("config", config, Config)
    in_update = config.rollout * check_integer("batch", batch, 1)
    if check_integer("steps", steps, 1) < in_update:
        raise ValueError(f"steps={steps}; one update takes rollout * batch = {in_update} steps")
    with contextlib.closing(envs.make(env, 1)) as one:
        try:
            check_learning(sizes_of(one), method, config, batch)
        except ValueError as error:
            raise ValueError(f"{method.name} in {env}: {error}") from None


def choose_processes(
    env: str | TeamEnv, method: Method, config: Config, batch: int, asked: int | None, device: torch.device, resumed
) -> int:
    """How many processes learn together; resumed: the directory of the run that is continued, or None."""
    if asked is None and resumed is not None and RunDirectory(resumed).exists():
        asked = RunDirectory(resumed).settings().get("processes", 1)
    if asked is None and (not isinstance(env, str) or device.type != "cpu"):
        asked = 1
    if not isinstance(env, str) and asked is not None and check_integer("processes", asked, 1) > 1:
        raise ValueError(f"processes={asked}; with an environment that is already made allowed is 1")
    return parallel.choose(asked, method, config, batch)


def total_steps(steps: int, config: Config, batch: int) -> int:
    """The environment-steps that a run of at most `steps` really has: whole updates."""
    in_update = config.rollout * batch
    return steps // in_update * in_update


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have torch compute with one thread: with several, a single busy neighbour can make it slower than that."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class MonitorFromFirstRow:
    """Makes a Monitor when the first row of metrics comes: where a run is refused, nothing has been written.

    out: the run's directory or None. steps: environment-steps of the whole run. progress: show a bar.
    """

    def __init__(self, out, steps: int, progress: bool):
        self.out, self.steps, self.progress, self.monitor = out, steps, progress, None

    def __call__(self, row: dict) -> None:
        stopping.check()
        if self.monitor is None:
            steps_per_update = row["env_steps"] // row["update"]
            done_before = steps_per_update * (row["update"] - 1)
            self.monitor = Monitor(self.out, done_before, self.steps, self.progress)
        self.monitor(row)

    def close(self) -> None:
        """End the bar and the events, if there were any rows."""
        if self.monitor is not None:
            self.monitor.close()


def load(
    path,
    method: Method | None = None,
    trust_env: str | None = None,
    env: TeamEnv | None = None,
    best: bool = False,
) -> loop.Run:
    """The run in a directory that `train` wrote, as of its last checkpoint, or of that with the best greedy evaluation.

    method, env: yours, where it was trained with a `Method` or in a `TeamEnv` of your own; of the environment only the
    sizes are used. trust_env: the module, or the whole name, of an environment outside this library that the run may
    import, see `trust`. Raises ValueError where there is no run, it is damaged, or its environment is not trusted.
    """
    if env is not None:
        return loop.load(env, path, method, best=best)
    with contextlib.closing(make_environment(RunDirectory(path), 1, trust_env)) as made:
        return loop.load(made, path, method, best=best)


def evaluate(
    run,
    episodes: int = 40,
    seed: int = 0,
    trust_env: str | None = None,
    env: TeamEnv | None = None,
    best: bool = False,
) -> dict:
    """Play greedily, each episode on a seed that training never used.

    run: a `loop.Run` or a run's directory. trust_env: see `load`. env: yours, where it was trained in a `TeamEnv` of
    your own; it is reset. best: of a directory, play its best checkpoint instead of the last.
    Returns return_mean, return_std, in the units of the reward and not discounted, and win_rate (None where there is no
    winning). Raises ValueError where episodes is not positive, and RuntimeError where an episode does not end, see
    `play.play_episodes`.
    """
    check_integer("episodes", episodes, 1)
    check_integer("seed", seed, 0)
    if not isinstance(run, loop.Run):
        run = load(check_path("run", run), trust_env=trust_env, env=env, best=best)
    if env is not None:
        return loop.play(run, env, seed, episodes)._asdict()
    name = run.settings["env"]
    with contextlib.closing(envs.make(name, envs.at_once(name, episodes))) as made:
        return loop.play(run, made, seed, episodes)._asdict()
