"""The loop: play, learn, write down."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from maca_edu.checks import check_integer
from maca_edu.team_env import TeamEnv, TeamStep
from maca_edu.training import checkpoint, rng
from maca_edu.training.config import Config
from maca_edu.training.finite import fault_of, first_not_finite
from maca_edu.training.learner import Learner
from maca_edu.training.methods import Method, find
from maca_edu.training.play import Played, Policy, env_seed, play_episodes
from maca_edu.training.precision import matmul
from maca_edu.training.processes import OneProcess, Processes
from maca_edu.training.records import Memory, Rollout, Sizes
from maca_edu.training.rollout import RolloutBuffer
from maca_edu.training.run_directory import RunDirectory, config_of
from maca_edu.training.team import Team


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


class Trainer:
    """A learner in its environment.

    env: a `TeamEnv`, already made, with this process's share of the environments. updates: how many there will be.
    spare: another environment of the same kind, for greedy evaluations and for the two teams of a paired search; only
    process 0 needs it. Raises ValueError where an argument is wrong or the method's advantage cannot be evaluated.
    """

    def __init__(
        self,
        env: TeamEnv,
        method: Method,
        seed: int,
        config: Config,
        updates: int = 1,
        spare: TeamEnv | None = None,
        device: torch.device | str = "cpu",
        processes: Processes | None = None,
    ):
        self.processes = OneProcess() if processes is None else processes
        self.env, self.config, self.updates, self.spare = env, config, updates, spare
        chunk = config.chunk if config.recurrent else 1
        chunks = config.rollout // chunk * env.batch * self.processes.count
        if config.minibatches > chunks:
            raise ValueError(f"minibatches={config.minibatches}; allowed are 1 to {chunks}")
        self.learner = Learner(sizes_of(env), method, seed, config, device, self.processes)
        self.paired = self.learner.search is not None and config.psi_design == "paired"
        if self.processes.rank == 0 and spare is None and (config.evaluate_every or self.paired):
            raise ValueError("spare=None; evaluate_every and psi_design='paired' need a second environment")
        env.reset(shard_seed(env_seed(seed, "train"), self.processes.rank))
        self.learner.try_advantage(env.view())
        self.trial_seeds = rng.streams(seed, *rng.STREAMS)["trials"]  # of evaluations during training
        self.buffer = RolloutBuffer(sizes_of(env), config.rollout, env.batch, device)
        self.memory = self.learner.blank_memory(env.batch)  # before the step that comes next
        self.partners = None if env.partners is None else torch.from_numpy(env.partners).to(device)
        self.done = 0  # updates
        self.so_far = np.zeros(env.batch, dtype=np.float32)  # [B] return of the episode under way

    # -----------------------------------------------------------------------------------------------------------------
    # One step of training

    def step(self) -> dict[str, float]:
        """One rollout and one update; returns a row of metrics. Which columns there are depends on method and game."""
        # 1. Collect. Everybody plays `rollout` steps in every environment.
        began = time.perf_counter()
        rollout, episodes, in_env = self.collect()
        played = time.perf_counter()

        # 2. psi. CMA-ES hears what its last proposal was worth, and makes the next.
        self.learner.set_critic_rate(self.done, self.updates)
        eta = self.propose_psi(rollout, episodes["return_mean"])

        # 3. Update. Judge, returns, advantages, policies, critic.
        log, critic_memory = self.learner.update(rollout, eta, self.diagnoses())
        self.memory = self.memory._replace(critic=critic_memory)
        self.done += 1
        learned = time.perf_counter()

        # 4. Evaluate, now and then.
        evaluation = self.greedy_columns()

        # 5. Write down.
        steps = self.config.rollout * self.env.batch * self.processes.count
        clock = dict(env_seconds=in_env, act_seconds=played - began - in_env, learn_seconds=learned - played)
        search = self.learner.search
        signal = {} if search is None else {"psi_signal_share": search.signal_share}
        row = dict(update=self.done, env_steps=self.done * steps) | episodes | log | signal | evaluation | clock
        return row | dict(steps_per_second=steps / (learned - began))

    def collect(self) -> tuple[Rollout, dict[str, float], float]:
        """Play a rollout; returns it, what the episodes that ended in it were like, and the seconds spent in games."""
        memory, in_env = self.memory, 0.0
        actor_memory, view = memory.actor, self.env.view()
        takes_numpy = isinstance(view.obs, np.ndarray)  # see team_env.View
        tally = EpisodeTally()
        self.buffer.clear()
        for _ in range(self.config.rollout):
            action, actor_memory = self.learner.act(view, actor_memory, self.buffer.next_first)
            began = time.perf_counter()
            step = self.env.step(action.cpu().numpy() if takes_numpy else action)
            in_env += time.perf_counter() - began
            self.buffer.add(view, action, step)
            self.so_far += step.reward
            tally.add(step, self.so_far)
            self.so_far[step.terminated | step.truncated] = 0.0
            view = step.view
        self.memory = Memory(actor_memory, memory.critic)  # the critic's follows with the update
        chance = self.learner.chance_beyond(self.config.rollout, self.env.batch)
        rollout = self.buffer.rollout(view, memory, chance, self.partners)
        everyones = self.processes.gather(tally)
        episodes = None if everyones is None else EpisodeTally.means(everyones)
        return rollout, self.processes.from_first(episodes), in_env

    def diagnoses(self) -> bool:
        """Whether the coming update measures the gradients' noise."""
        return self.config.diagnose_every > 0 and self.done % self.config.diagnose_every == 0

    # -----------------------------------------------------------------------------------------------------------------
    # The search for psi

    def propose_psi(self, rollout: Rollout, team_return: float) -> np.ndarray | None:
        """Tell the search the return of the policy that its last proposal made, and ask for the next; None without one.

        Every process keeps a search of its own, which hears the same numbers and says the same.
        """
        search = self.learner.search
        if search is None:
            return None
        if self.paired:
            plus, minus = search.ask_pair()
            search.tell_pair(*self.try_psi(rollout, plus, minus))
            return search.mean
        if math.isfinite(team_return):  # an episode ended
            search.tell(team_return)
        return search.ask()

    def try_psi(self, rollout: Rollout, *proposals: np.ndarray) -> list[float]:
        """The mean return of a copy of the team after an update with each proposal; all play the same episodes.

        Afterwards the team is what it was.
        """
        parts = {name: part for name, part in self.learner.parts().items() if name != "search"}
        before = copy.deepcopy(checkpoint.capture(parts))
        seed = self.trial_seed()
        returns = []
        for eta in proposals:
            self.learner.update(rollout, eta)
            returns.append(self.play(seed).return_mean)
            checkpoint.restore(parts, copy.deepcopy(before))
        return returns

    # -----------------------------------------------------------------------------------------------------------------
    # Evaluation during training

    def greedy_columns(self) -> dict[str, float]:
        """Columns of greedy play on fresh seeds; not a number between evaluations, {} where there are none."""
        if not self.config.evaluate_every:
            return {}
        due = self.done % self.config.evaluate_every == 0 or self.done == self.updates
        played = self.play(self.trial_seed()) if due else Played(math.nan, math.nan, math.nan)
        columns = {"greedy_return_mean": played.return_mean}
        return columns if played.win_rate is None else columns | {"greedy_win_rate": played.win_rate}

    def play(self, seed: int) -> Played:
        """Greedy play in the spare environment: process 0 plays, and tells the others."""
        played = None
        if self.processes.rank == 0:
            played = play_episodes(Policy(self.learner), self.spare, seed, self.config.evaluate_episodes)
        return self.processes.from_first(played)

    def trial_seed(self) -> int:
        """The seed of the next evaluation."""
        return int(self.trial_seeds.integers(2**63))

    # -----------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def capture(self) -> dict | None:
        """All that a run needs to go on, in process 0; None in the others."""
        share = dict(
            env=self.env.state_dict(), so_far=self.so_far.copy(), first=self.buffer.next_first,
            actor_memory=self.memory.actor, critic_memory=self.memory.critic,
        )  # fmt: skip
        shares = self.processes.gather(share)
        if shares is None:
            return None
        return checkpoint.capture(self.learner.parts()) | dict(
            updates=self.done, shares=shares, trial_seeds=rng.get_state(self.trial_seeds)
        )

    def restore(self, state: dict) -> None:
        """Go on where `capture` was called; every process reads the whole state and takes its share."""
        parts = self.learner.parts()
        checkpoint.restore(parts, {name: x for name, x in state.items() if name not in OF_TRAINER})
        self.done = state["updates"]
        rng.set_state(self.trial_seeds, state["trial_seeds"])
        share = state["shares"][self.processes.rank]
        self.env.load_state_dict(share["env"])
        memory = (share["actor_memory"], share["critic_memory"])
        self.memory = Memory(*(None if m is None else m.to(self.buffer.device) for m in memory))
        if self.env.deterministic:
            self.so_far, self.buffer.next_first = share["so_far"], share["first"].to(self.buffer.device)
        # Otherwise new episodes have begun: their returns start at 0, and the buffer marks their first steps already.


OF_TRAINER = ("updates", "shares", "trial_seeds")  # what a checkpoint holds beside the learner's parts


class EpisodeTally:
    """What the episodes that ended in a rollout were like: columns of numbers, one entry for each episode."""

    def __init__(self):
        self.columns: dict[str, list[np.ndarray]] = {}

    def add(self, step: TeamStep, so_far: np.ndarray) -> None:
        """Take in the episodes that a step ended; so_far: their undiscounted returns, `[B]`."""
        over = step.terminated | step.truncated
        whole = over & (step.info.get("discarded", 0.0) == 0)  # a game that broke down says nothing of the team
        self._append("return_mean", so_far[whole])
        if step.won is not None:
            self._append("win_rate", step.won[whole])
        for name, numbers in step.info.items():
            self._append(name, numbers[over if name == "discarded" else whole])

    def _append(self, name: str, numbers: np.ndarray) -> None:
        self.columns.setdefault(name, []).append(numbers)

    @staticmethod
    def means(tallies: list[EpisodeTally]) -> dict[str, float]:
        """The number of episodes, and the mean of every column over all tallies; not a number where none ended."""
        result = {}
        for name in tallies[0].columns:
            numbers = np.concatenate([part for tally in tallies for part in tally.columns[name]])
            if name == "return_mean":
                result["episodes"] = len(numbers)
            result[name] = float(numbers.mean()) if len(numbers) else math.nan
        return result


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
    config = Config() if config is None else config
    processes = OneProcess() if processes is None else processes
    method, save_every = find(method), check_integer("save_every", save_every, 1)
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
        rows, directory, state = [], None, None
        if out is not None and processes.rank == 0:
            directory = stack.enter_context(RunDirectory(out).writing())
            state = directory.open(settings, steps, resume, fixed_length=config.critic_schedule != "constant")
        state, is_saved = processes.from_first((state, out is not None))
        if state is not None:
            restore(trainer, state, out or "")
            rows = directory.rows(trainer.done) if directory is not None else []
        stack.enter_context(matmul(config.matmul))
        while trainer.done < updates:
            row = one_step(trainer)
            saves = is_saved and (trainer.done % save_every == 0 or trainer.done == updates)
            state = trainer.capture() if saves else None
            if processes.rank > 0:
                continue
            refuse_not_finite(trainer, row, state, directory)
            rows.append(row)
            if directory is not None:
                directory.write(row)
                if saves:
                    directory.save(state)
            if report is not None:
                report(row)
    return Run(settings, columns(rows), trainer.learner)


def one_step(trainer: Trainer) -> dict[str, float]:
    """`trainer.step()`; where it raises ValueError, the sentence begins with the update."""
    try:
        return trainer.step()
    except ValueError as error:
        raise ValueError(f"update {trainer.done + 1}: {error}") from error


def refuse_not_finite(trainer: Trainer, row: dict, state: dict | None, directory: RunDirectory | None) -> None:
    """RuntimeError that names the first number which is not finite, before anything is written.

    state: what would be saved now, None: nothing. What environments hold is theirs, and may be infinite.
    """
    name = fault_of(row, trainer.learner.actor, trainer.learner.critic)
    if name is None and state is not None:
        shares = [{part: x for part, x in share.items() if part != "env"} for share in state["shares"]]
        name = first_not_finite(state | {"shares": shares})
    if name is not None:
        kept = "" if directory is None else f"; {directory.kept()}"
        raise RuntimeError(f"update {trainer.done}, step {row['env_steps']}: {name} is not a finite number{kept}")


def restore(trainer: Trainer, state: dict, path) -> None:
    """Go on from the checkpoint in directory `path`. Raises ValueError where it is not one of such a run."""
    try:
        check_state(trainer.learner, state)
        shares, trials = state["shares"], rng.get_state(trainer.trial_seeds)
        checkpoint.check_like("trial_seeds", trials, state["trial_seeds"])
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


def shard_seed(seed: int, rank: int) -> int:
    """The seed of a process's environments; that of process 0 is the one that a single process would use."""
    if rank == 0:
        return seed
    return int(np.random.SeedSequence((seed, rank)).generate_state(1, np.uint64)[0]) // 2  # below 2**63, like all seeds


def load(env: TeamEnv, path, method: Method | None = None, device: torch.device | str = "cpu") -> Run:
    """The run in directory `path`, in its environment `env`; method: yours, where the run was trained with one.

    Raises ValueError where there is no finished part, or the files are damaged or do not agree. Executes nothing that
    the directory holds.
    """
    directory = RunDirectory(path)
    settings, state = directory.settings(), directory.checkpoint()
    if method is not None and method.name != settings["method"]:
        raise ValueError(f"method={method.name!r}; the run in {str(path)!r} was trained with {settings['method']!r}")
    config, method, sizes = config_of(settings), find(method or settings["method"]), sizes_of(env)
    try:
        refuse_larger_networks(sizes, method, config, directory.state.stat().st_size)
        learner = Learner(sizes, method, settings["seed"], config, device)
        check_state(learner, state)
        checkpoint.restore(learner.parts(), {name: x for name, x in state.items() if name not in OF_TRAINER})
    except checkpoint.DAMAGED as error:
        raise ValueError(f"{str(directory.state)!r} does not fit the run: {first_line(error)}") from error
    rows = directory.lines_and_rows(state["updates"])[1]
    return Run(settings | {"env": env.name}, columns(rows), learner)


def refuse_larger_networks(sizes: Sizes, method: Method, config: Config, size: int) -> None:
    """ValueError where the networks have more numbers than a checkpoint of `size` bytes can hold.

    They are built without memory (on torch's device "meta") and counted.
    """
    with torch.device("meta"):
        networks = Team(sizes, config, shared=not (method.separate or config.separate)), method.critic(sizes, config)
    numbers = sum(p.numel() for network in networks for p in network.parameters())
    if 4 * numbers > size:
        raise ValueError(f"its settings ask for networks of {numbers:,} numbers, more than the file holds")


def play(run: Run, env: TeamEnv, seed: int, episodes: int | None = None) -> Played:
    """Play greedily in `env`, on seeds that training never used: see `play.play_episodes`."""
    return play_episodes(run.policy, env, env_seed(seed, "evaluate"), episodes)


def sizes_of(env: TeamEnv) -> Sizes:
    """The sizes of a `TeamEnv`."""
    return Sizes(env.obs_size, env.state_size, env.n_agents, env.n_actions, env.continuous)


def columns(rows: list[dict]) -> dict[str, np.ndarray]:
    """Rows of metrics as columns; what a row lacks is not a number."""
    return {name: np.array([row.get(name, math.nan) for row in rows]) for name in (rows[0] if rows else ())}
