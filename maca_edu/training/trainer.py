"""A learner in its environment: one rollout, one update, and what is written down of them."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Sequence

import numpy as np
import torch

from maca_edu.checks import check_parts
from maca_edu.team_env import TeamEnv, TeamStep, View, check_step, check_unchanged
from maca_edu.training import checkpoint, rng
from maca_edu.training.config import Config
from maca_edu.training.findings import Watch, glimpse
from maca_edu.training.learner import Learner, check_minibatches
from maca_edu.training.methods import Method
from maca_edu.training.play import Played, Policy, env_seed, play_episodes
from maca_edu.training.processes import OneProcess, Processes
from maca_edu.training.records import Memory, Rollout, Sizes
from maca_edu.training.rollout import RolloutBuffer

LOG = logging.getLogger(__name__)


class Trainer:
    """A learner in its environment.

    env: a `TeamEnv`, already made, with this process's share of the environments. updates: how many there will be.
    spare: another environment of the same kind, for greedy evaluations and for the two teams of a paired search; only
    process 0 needs it. Raises ValueError where an argument is wrong or the method's critic or advantage is.
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
        check_minibatches(config, env.batch * self.processes.count)
        self.learner = Learner(sizes_of(env), method, seed, config, device, self.processes)
        self.paired = self.learner.search is not None and config.psi_design == "paired"
        if self.processes.rank == 0 and spare is None and (config.evaluate_every or self.paired):
            raise ValueError("spare=None; evaluate_every and psi_design='paired' need a second environment")
        env.reset(shard_seed(env_seed(seed, "train"), self.processes.rank))
        self.learner.try_method(env.view())
        self.trial_seeds = rng.streams(seed, *rng.STREAMS)["trials"]  # of evaluations during training
        self.buffer = RolloutBuffer(sizes_of(env), config.rollout, env.batch, device)
        self.memory = self.learner.blank_memory(env.batch)  # before the step that comes next
        self.watch = Watch(sizes_of(env))
        self.knows_env = False  # until a rollout was collected
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
        if self.done == 0:
            self.warn_of_what_is_hidden(rollout)

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
            step = self.played(view, action.cpu().numpy() if takes_numpy else action)
            in_env += time.perf_counter() - began
            self.buffer.add(view, action, step)
            self.so_far += step.reward
            tally.add(step, self.so_far)
            self.so_far[step.terminated | step.truncated] = 0.0
            view = step.view
        self.knows_env = True
        self.memory = Memory(actor_memory, memory.critic)  # the critic's follows with the update
        chance = self.learner.chance_beyond(self.config.rollout, self.env.batch)
        rollout = self.buffer.rollout(view, memory, chance)
        everyones, episodes = self.processes.gather((tally, glimpse(rollout))), None
        if everyones is not None:
            tallies, glimpses = zip(*everyones, strict=True)
            self.watch.take_in(glimpses)
            episodes = EpisodeTally.means(tallies)
        return rollout, self.processes.from_first(episodes), in_env

    def played(self, view: View, action) -> TeamStep:
        """A step of the environment. Raises ValueError where it breaks the contract; whether it writes into what it
        has shown is looked at in the first rollout only."""
        looks = not self.knows_env and isinstance(view.obs, np.ndarray)
        before = copy.deepcopy(view) if looks else None
        step = check_step(self.env.name, self.env.step(action))
        if before is not None:
            check_unchanged(self.env.name, view, before)
        return step

    def warn_of_what_is_hidden(self, rollout: Rollout) -> None:
        """Say at the start of a run, once, where the networks cannot see what they are shown."""
        hidden = self.learner.hidden(rollout) if self.processes.rank == 0 else None
        if hidden is not None:
            LOG.warning("env=%r: %s", self.env.name, hidden)

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
            updates=self.done, shares=shares, trial_seeds=rng.get_state(self.trial_seeds), watch=self.watch.state_dict()
        )

    def restore(self, state: dict) -> None:
        """Go on where `capture` was called; every process reads the whole state and takes its share."""
        parts = self.learner.parts()
        checkpoint.restore(parts, {name: x for name, x in state.items() if name not in OF_TRAINER})
        self.done = state["updates"]
        rng.set_state(self.trial_seeds, state["trial_seeds"])
        self.watch.load_state_dict(state["watch"])
        share = state["shares"][self.processes.rank]
        self.env.load_state_dict(share["env"])
        memory = (share["actor_memory"], share["critic_memory"])
        self.memory = Memory(*(None if m is None else m.to(self.buffer.device) for m in memory))
        if self.env.deterministic:
            self.so_far, self.buffer.next_first = share["so_far"], share["first"].to(self.buffer.device)
        # Otherwise new episodes have begun: their returns start at 0, and the buffer marks their first steps already.


OF_TRAINER = ("updates", "shares", "trial_seeds", "watch")  # what a checkpoint holds beside the learner's parts


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
    def means(tallies: Sequence[EpisodeTally]) -> dict[str, float]:
        """The number of episodes, and the mean of every column over all tallies; not a number where none ended."""
        result = {}
        for name in tallies[0].columns:
            numbers = np.concatenate([part for tally in tallies for part in tally.columns[name]])
            if name == "return_mean":
                result["episodes"] = len(numbers)
            result[name] = float(numbers.mean()) if len(numbers) else math.nan
        return result


def shard_seed(seed: int, rank: int) -> int:
    """The seed of a process's environments; that of process 0 is the one that a single process would use."""
    if rank == 0:
        return seed
    return int(np.random.SeedSequence((seed, rank)).generate_state(1, np.uint64)[0]) // 2  # below 2**63, like all seeds


def sizes_of(env: TeamEnv) -> Sizes:
    """The sizes of a `TeamEnv`. Raises ValueError where it does not tell them."""
    parts = ("obs_size", "state_size", "n_agents", "n_actions", "continuous", "entities")
    check_parts("env", env, parts, "a TeamEnv, see maca_edu.team_env")
    return Sizes(env.obs_size, env.state_size, env.n_agents, env.n_actions, env.continuous, env.entities)
