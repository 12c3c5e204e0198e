"""The loop: play, learn, write down; and playing with what was learned."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from maca_edu.training import checkpoint, rng
from maca_edu.training.buffer import RolloutBuffer
from maca_edu.training.config import Config
from maca_edu.training.critics import Sizes
from maca_edu.training.learner import STREAMS, Learner
from maca_edu.training.methods import find
from maca_edu.training.run_directory import RunDirectory


@dataclass
class Run:
    """A trained team: what it was told, a table of what happened, and the policy."""

    settings: dict
    metrics: dict[str, np.ndarray]  # one column each, one entry for each update
    learner: Learner

    def policy(self, view) -> np.ndarray:
        """The likeliest actions `[B, n]` in what a `TeamEnv` shows."""
        return self.learner.act(view, best=True).numpy()


class Trainer:
    """A learner in its environment. env: a `TeamEnv`, already made; method: a name of `methods.METHODS`."""

    def __init__(self, env, method: str, seed: int, config: Config):
        if config.minibatches > config.rollout * env.batch:
            raise ValueError(f"minibatches={config.minibatches}; allowed are 1 to {config.rollout * env.batch}")
        self.env, self.config = env, config
        self.learner = Learner(sizes_of(env), find(method), seed, config)
        env.reset(env_seed(seed, "train"))
        n, A, flag = env.n_agents, env.n_actions, torch.bool
        fields = dict(obs=((n, env.obs_size), torch.float32), state=((env.state_size,), torch.float32))
        fields |= dict(available=((n, A), flag), alive=((n,), flag), action=((n,), torch.long))
        self.buffer = RolloutBuffer(config.rollout, env.batch, reward=((), torch.float32), **fields)
        self.updates, self.so_far = 0, torch.zeros(env.batch)  # [B] return of the episode under way

    def parts(self) -> dict:
        """What a checkpoint holds."""
        return self.learner.parts() | {"env": self.env, "updates": self.updates, "so_far": self.so_far}

    def restore(self, state: dict) -> None:
        """Go on where `checkpoint.capture(self.parts())` was called."""
        plain = checkpoint.restore(self.parts(), state)
        self.updates, self.so_far = plain["updates"], plain["so_far"]

    def step(self) -> dict:
        """One rollout and one update; returns a row of metrics."""
        began = time.perf_counter()
        ended = self.collect()
        played = time.perf_counter()
        team_return = float(np.mean(ended)) if ended else None
        row = self.learner.update(self.buffer, tensors(self.env.view(), "obs", "state", "available"), team_return)
        self.updates += 1
        now, per_update = time.perf_counter(), self.config.rollout * self.env.batch
        head = dict(update=self.updates, env_steps=self.updates * per_update, episodes=len(ended))
        clock = dict(
            play_seconds=played - began, learn_seconds=now - played, steps_per_second=per_update / (now - began)
        )
        return head | {"return_mean": float("nan") if team_return is None else team_return} | row | clock

    def collect(self) -> list[float]:
        """Fill the buffer; returns the returns, undiscounted, of the episodes that ended."""
        self.buffer.clear()
        ended, view = [], self.env.view()
        for _ in range(self.config.rollout):
            action = self.learner.act(view)
            step = self.env.step(action.numpy())
            outcome = {name: torch.from_numpy(getattr(step, name)) for name in ("reward", "terminated", "truncated")}
            self.buffer.add(**tensors(view), action=action, **outcome)
            self.buffer.keep_final(**tensors(step.final, "obs", "state", "available"))
            self.so_far = self.so_far + outcome["reward"]
            over = outcome["terminated"] | outcome["truncated"]
            ended += self.so_far[over].tolist()
            self.so_far = torch.where(over, 0.0, self.so_far)
            view = step.view
        return ended


def train(
    env,
    method: str,
    steps: int,
    seed: int = 0,
    out=None,
    config: Config | None = None,
    resume: bool = False,
    save_every: int = 20,
    report: Callable[[dict], None] | None = None,
) -> Run:
    """Train `method` in `env` for at most `steps` environment-steps, which are counted once for the whole team.

    env: a `TeamEnv`; one step of its B environments counts B. out: a directory to write to, None: nowhere.
    resume: go on in `out`, with the same settings but for steps, as if the run had never stopped. save_every:
    updates between checkpoints. report: called with each row of metrics.
    Raises ValueError where an argument is wrong or `out` exists and resume is not set.
    """
    config = Config() if config is None else config
    total = steps // (config.rollout * env.batch)
    if total < 1:
        raise ValueError(f"steps={steps}; one update takes rollout * batch = {config.rollout * env.batch} steps")
    trainer = Trainer(env, method, seed, config)
    settings = dict(env=env.name, batch=env.batch, method=method, seed=seed, **dataclasses.asdict(config))
    rows, directory = [], None
    if out is not None:
        directory = RunDirectory(out)
        state = directory.open(settings, steps, resume)
        if state is not None:
            trainer.restore(state)
            rows = directory.rows(trainer.updates)
    while trainer.updates < total:
        rows.append(trainer.step())
        if directory is not None:
            directory.write(rows[-1])
            if trainer.updates % save_every == 0 or trainer.updates == total:
                directory.save(checkpoint.capture(trainer.parts()))
        if report is not None:
            report(rows[-1])
    return Run(settings, columns(rows), trainer.learner)


def load(env, path) -> Run:
    """The run in directory `path`, in its environment `env`. Raises ValueError where there is no finished part."""
    directory = RunDirectory(path)
    settings, state = directory.settings(), directory.checkpoint()
    names = {field.name for field in dataclasses.fields(Config)}
    config = Config(**{name: tuple(x) if isinstance(x, list) else x for name, x in settings.items() if name in names})
    trainer = Trainer(env, settings["method"], settings["seed"], config)
    trainer.restore(state)
    return Run(settings, columns(directory.rows(trainer.updates)), trainer.learner)


def play(run: Run, env, seed: int) -> dict:
    """Play one greedy episode in every environment of `env`, on seeds that training never used.

    Returns return_mean, return_std and win_rate (None where there is no winning). Every environment counts its first
    episode only: the first to end would be the short ones.
    """
    view = env.reset(env_seed(seed, "evaluate"))
    returns, running, won = np.zeros(env.batch), np.ones(env.batch, dtype=bool), np.zeros(env.batch, dtype=bool)
    while running.any():
        step = env.step(run.policy(view))
        returns[running] += step.reward[running]
        if step.won is not None:
            won |= running & step.won
        running &= ~(step.terminated | step.truncated)
        view = step.view
    wins = None if step.won is None else float(won.mean())
    return {"return_mean": float(returns.mean()), "return_std": float(returns.std()), "win_rate": wins}


def env_seed(seed: int, purpose: str) -> int:
    """The environment's seed, one for each purpose: "train" or "evaluate"."""
    return int(rng.streams(seed, *STREAMS)[purpose].integers(2**63))


def sizes_of(env) -> Sizes:
    """The sizes of a `TeamEnv`."""
    return Sizes(env.obs_size, env.state_size, env.n_agents, env.n_actions)


def tensors(view, *names: str) -> dict:
    """The named fields of a view as tensors, all of them where none is named."""
    return {name: torch.from_numpy(getattr(view, name)) for name in names or view._fields}


def columns(rows: list[dict]) -> dict[str, np.ndarray]:
    """Rows of metrics as columns."""
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}
