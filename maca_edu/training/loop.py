"""The loop: play, learn, write down; and playing with what was learned."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from maca_edu.training import checkpoint, rng
from maca_edu.training.buffer import RolloutBuffer
from maca_edu.training.config import Config
from maca_edu.training.critics import Sizes
from maca_edu.training.learner import SEEN, STREAMS, Learner
from maca_edu.training.methods import find
from maca_edu.training.run_directory import RunDirectory


@dataclass
class Run:
    """A trained team: what it was told, a table of what happened, and the policy."""

    settings: dict
    metrics: dict[str, np.ndarray]  # one column each, one entry for each update
    learner: Learner

    @property
    def policy(self) -> Policy:
        """A fresh player: `policy(view)` gives the likeliest actions in what a `TeamEnv` shows."""
        return Policy(self.learner)


class Policy:
    """Plays greedily, and remembers the episodes under way where the team has a memory."""

    def __init__(self, learner: Learner):
        self.learner, self.memory = learner, None

    def __call__(self, view, first: np.ndarray | None = None) -> np.ndarray:
        """The likeliest actions, `[B, n]` (continuous: `[B, n, A]`); first: bool `[B]`, where an episode begins.

        Call it once for every step; without `first` no episode begins after the first call.
        """
        first = None if first is None else torch.from_numpy(first)
        action, self.memory = self.learner.act(view, self.memory, first, best=True)
        return action.numpy()


class Trainer:
    """A learner in its environment.

    env: a `TeamEnv`, already made; method: a name of `methods.METHODS`; updates: how many there will be; spare: another
    copy of the environment, for greedy evaluations and for the two teams of a paired search.
    """

    def __init__(self, env, method: str, seed: int, config: Config, total: int = 1, spare=None):
        if config.minibatches > (chunks := config.rollout // (config.chunk if config.recurrent else 1) * env.batch):
            raise ValueError(f"minibatches={config.minibatches}; allowed are 1 to {chunks}")
        self.env, self.config, self.total, self.spare = env, config, total, spare
        self.learner = Learner(sizes_of(env), find(method), seed, config)
        partners = getattr(env, "partners", None)
        self.learner.partners = None if partners is None else torch.from_numpy(partners)
        self.paired = self.learner.search is not None and config.psi_design == "paired"
        if spare is None and (config.evaluate_every or self.paired):
            raise ValueError("spare=None; evaluate_every and psi_design='paired' need a second environment")
        env.reset(env_seed(seed, "train"))
        self.judge = rng.streams(seed, *STREAMS)["judge"]  # seeds of evaluations during training
        self.buffer = RolloutBuffer(config.rollout, env.batch, **fields(env))
        self.memory = None  # the actor's, at the step that comes next
        self.updates, self.so_far = 0, torch.zeros(env.batch)  # [B] return of the episode under way

    def parts(self) -> dict:
        """What a checkpoint holds."""
        mine = {"env": self.env, "updates": self.updates, "so_far": self.so_far, "first": self.buffer.first}
        return self.learner.parts() | mine | {"judge": self.judge}

    def restore(self, state: dict) -> None:
        """Go on where `checkpoint.capture(self.parts())` was called."""
        plain = checkpoint.restore(self.parts(), state)
        self.updates, self.so_far, self.buffer.first = plain["updates"], plain["so_far"], plain["first"]
        if not getattr(self.env, "deterministic", True):  # new episodes begin
            self.so_far, self.buffer.first = torch.zeros(self.env.batch), torch.ones(self.env.batch, dtype=torch.bool)
        self.learner.memory = plain["memory"]
        self.memory = self.learner.memory["actor"]

    def step(self) -> dict:
        """One rollout and one update; returns a row of metrics."""
        began = time.perf_counter()
        episodes, in_env = self.collect()
        played = time.perf_counter()
        self.learner.set_critic_rate(self.updates, self.total)
        team_return = episodes["return_mean"]
        row = self.learner.update(self.buffer, last_seen(self.env), self.propose(team_return), self.diagnoses())
        self.learner.memory["actor"] = self.memory
        self.updates += 1
        now, per_update = time.perf_counter(), self.config.rollout * self.env.batch
        row = dict(update=self.updates, env_steps=self.updates * per_update) | episodes | row | self.evaluate()
        clock = dict(env_seconds=in_env, act_seconds=played - began - in_env, learn_seconds=now - played)
        return row | clock | {"steps_per_second": per_update / (now - began)}

    def collect(self) -> tuple[dict, float]:
        """Fill the buffer; returns what the episodes that ended were like, and the seconds spent in the environment.

        return_mean is of undiscounted returns; win_rate and the environment's own numbers follow where there are any.
        """
        self.buffer.clear()
        ended, in_env, view = [], 0.0, self.env.view()
        for _ in range(self.config.rollout):
            action, self.memory = self.learner.act(view, self.memory, self.buffer.first)
            began = time.perf_counter()
            step = self.env.step(action.numpy())
            in_env += time.perf_counter() - began
            outcome = {name: torch.from_numpy(getattr(step, name)) for name in ("reward", "terminated", "truncated")}
            self.buffer.add(**tensors(view), action=action, **outcome)
            self.buffer.keep_final(**tensors(step.final, *SEEN))
            self.so_far = self.so_far + outcome["reward"]
            over = step.terminated | step.truncated
            numbers = {"return_mean": self.so_far.numpy()} | ({} if step.won is None else {"win_rate": step.won})
            whole = over & (step.info.get("discarded", 0.0) == 0)  # a game that broke down says nothing of the team
            rows = {name: x[over if name == "discarded" else whole] for name, x in (numbers | step.info).items()}
            ended.append(rows)
            self.so_far = torch.where(torch.from_numpy(over), 0.0, self.so_far)
            view = step.view
        joined = {name: np.concatenate([row[name] for row in ended]) for name in ended[0]}
        count = len(joined["return_mean"])
        return {"episodes": count} | {k: float(x.mean()) if len(x) else math.nan for k, x in joined.items()}, in_env

    def propose(self, team_return: float):
        """CMA-ES hears what the last candidate for psi's head was worth, and names the next; None without a search."""
        search = self.learner.search
        if search is None:
            return None
        if self.paired:
            search.tell_pair(*self.fork(search.ask_pair()))
            return search.mean
        if math.isfinite(team_return):
            search.tell(team_return)
        return search.ask()

    def fork(self, pair) -> list[float]:
        """The mean returns of two copies of the team, each after the coming update with a candidate of its own.

        Both play the same episodes; afterwards the team is what it was.
        """
        parts = {name: part for name, part in self.learner.parts().items() if name != "search"}
        before, seed, results = copy.deepcopy(checkpoint.capture(parts)), self.judge_seed(), []
        for eta in pair:
            self.learner.update(self.buffer, last_seen(self.env), eta)
            results.append(self.play(seed)["return_mean"])
            self.learner.memory = checkpoint.restore(parts, copy.deepcopy(before))["memory"]
        return results

    def diagnoses(self) -> bool:
        """Whether the coming update measures the gradients' noise."""
        return self.config.diagnose_every > 0 and self.updates % self.config.diagnose_every == 0

    def evaluate(self) -> dict:
        """Columns of greedy play on fresh seeds, not a number between evaluations."""
        every = self.config.evaluate_every
        if not every:
            return {}
        if self.updates % every and self.updates != self.total:
            result = {"return_mean": math.nan, "win_rate": math.nan}
        else:
            result = self.play(self.judge_seed())
        wins = {} if result["win_rate"] is None else {"greedy_win_rate": result["win_rate"]}
        return {"greedy_return_mean": result["return_mean"]} | wins

    def play(self, seed: int) -> dict:
        """Greedy play in the spare environment."""
        return play_episodes(Policy(self.learner), self.spare, seed, self.config.evaluate_episodes)

    def judge_seed(self) -> int:
        """The seed of the next evaluation."""
        return int(self.judge.integers(2**63))


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
    spare=None,
) -> Run:
    """Train `method` in `env` for at most `steps` environment-steps, which are counted once for the whole team.

    env: a `TeamEnv`; one step of its B environments counts B. out: a directory to write to, None: nowhere.
    resume: go on in `out`, with the same settings but for steps, as if the run had never stopped. save_every:
    updates between checkpoints. report: called with each row of metrics. spare: a second environment of the same kind,
    where config asks for evaluations or a paired search.
    Raises ValueError where an argument is wrong or `out` exists and resume is not set.
    """
    config = Config() if config is None else config
    total = steps // (config.rollout * env.batch)
    if total < 1:
        raise ValueError(f"steps={steps}; one update takes rollout * batch = {config.rollout * env.batch} steps")
    trainer = Trainer(env, method, seed, config, total, spare)
    settings = dict(env=env.name, batch=env.batch, method=method, seed=seed, **dataclasses.asdict(config))
    rows, directory = [], None
    if out is not None:
        directory = RunDirectory(out)
        state = directory.open(settings, steps, resume, fixed_length=config.critic_schedule != "constant")
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
    config = dataclasses.replace(config, evaluate_every=0)  # there is no training to come
    learner = Learner(sizes_of(env), find(settings["method"]), settings["seed"], config)
    learner.memory = checkpoint.restore(learner.parts(), {name: state[name] for name in learner.parts()})["memory"]
    return Run(settings, columns(directory.rows(state["updates"])), learner)


def play(run: Run, env, seed: int, episodes: int | None = None) -> dict:
    """Play greedily in `env`, on seeds that training never used: see play_episodes."""
    return play_episodes(run.policy, env, env_seed(seed, "evaluate"), episodes)


def play_episodes(policy: Policy, env, seed: int, episodes: int | None = None) -> dict:
    """Play episodes: return_mean, return_std, and win_rate (None where there is no winning).

    episodes: how many, None: one in every environment. Every environment counts its first ones, as many as the others
    or one more: the first of all to end would be the short ones. Discarded episodes do not count.
    """
    view, first = env.reset(seed), np.ones(env.batch, dtype=bool)
    share, more = divmod(env.batch if episodes is None else episodes, env.batch)
    left = share + (np.arange(env.batch) < more)  # [B] episodes that are still to count
    so_far, returns, won = np.zeros(env.batch), [], []
    while left.any():
        step = env.step(policy(view, first))
        so_far += step.reward
        first = step.terminated | step.truncated
        counted = first & (left > 0) & (step.info.get("discarded", 0.0) == 0)
        returns += so_far[counted].tolist()
        won += [] if step.won is None else step.won[counted].tolist()
        left -= counted
        so_far[first] = 0.0
        view = step.view
    wins = None if step.won is None else float(np.mean(won))
    return {"return_mean": float(np.mean(returns)), "return_std": float(np.std(returns)), "win_rate": wins}


def env_seed(seed: int, purpose: str) -> int:
    """The environment's seed, one for each purpose: "train" or "evaluate"."""
    return int(rng.streams(seed, *STREAMS)[purpose].integers(2**63))


def sizes_of(env) -> Sizes:
    """The sizes of a `TeamEnv`."""
    return Sizes(env.obs_size, env.state_size, env.n_agents, env.n_actions, env.continuous)


def fields(env) -> dict:
    """What a rollout buffer keeps of a step in a `TeamEnv`: shapes and kinds of numbers."""
    n, A, flag = env.n_agents, env.n_actions, torch.bool
    action = ((n, A), torch.float32) if env.continuous else ((n,), torch.long)
    kept = dict(obs=((n, env.obs_size), torch.float32), state=((env.state_size,), torch.float32))
    return kept | dict(available=((n, A), flag), alive=((n,), flag), action=action, reward=((), torch.float32))


def last_seen(env) -> dict:
    """What the critic is shown of the step that comes next."""
    return tensors(env.view(), *SEEN)


def tensors(view, *names: str) -> dict:
    """The named fields of a view as tensors, all of them where none is named."""
    return {name: torch.from_numpy(getattr(view, name)) for name in names or view._fields}


def columns(rows: list[dict]) -> dict[str, np.ndarray]:
    """Rows of metrics as columns; what a row lacks is not a number."""
    return {name: np.array([row.get(name, math.nan) for row in rows]) for name in (rows[0] if rows else ())}
