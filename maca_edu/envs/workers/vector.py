"""The environment of many copies of a game that are stepped one at a time."""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing.util  # noqa: F401  # its exit handler must be registered before ours, so that ours runs first
import os
import time
import weakref
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs.actions import check_actions
from maca_edu.envs.forks import refuse_fork
from maca_edu.envs.seeds import episode_seed
from maca_edu.envs.workers.commands import Command, Replay, Reset, Step
from maca_edu.envs.workers.copies import Plan
from maca_edu.envs.workers.hosts import Host, LocalHost
from maca_edu.envs.workers.shared_arrays import Sizes, allocate, arrays_in
from maca_edu.envs.workers.single import Limits, Single
from maca_edu.envs.workers.worker_host import WorkerHost
from maca_edu.team_env import TeamEnv, TeamStep, View

LOG = logging.getLogger(__name__)
CLOSE_SECONDS = 5.0  # how long worker processes may take to close their copies before they are killed


class LostHost(NamedTuple):
    """A host whose copies are gone."""

    host: Host
    reason: str


class Vector:
    """A `TeamEnv` of `batch` copies that `make_single()` makes; one more is made and closed here to learn the sizes.

    processes: how many worker processes share the copies, at most one each; 0: they run in this process.
    name: what runs call it.
    deterministic: whether the same seed and actions always give the same episode. If so, `load_state_dict` replays the
        episodes under way; if not, it begins new ones and logs that.
    limits: how long to wait for a worker process.
    restarts: how often in a row, without an episode that ends by itself in between, a host of copies may be lost and
        made anew; once more is an error.
    ready: called before episodes begin everywhere; it raises where they cannot.

    counts: {"restarts", "discarded"}, how many hosts were made anew and how many episodes were given up so far.
    A step's info has "discarded" (see `team_env.TeamStep`) and the numbers that the single's `info_names` lists.

    Raises ValueError where batch is not positive or processes negative; RuntimeError in later calls where a copy
    raised an exception, a host was lost too often, or after `close`.
    """

    terms = None

    def __init__(
        self,
        make_single: Callable[[], Single],
        batch: int,
        processes: int = 0,
        name: str = "single",
        *,
        deterministic: bool = True,
        limits: Limits = Limits(),  # noqa: B008
        restarts: int = 3,
        ready: Callable[[], None] | None = None,
    ):
        self._hosts: list[Host] = []
        self._owner = os.getpid()
        self.name, self.deterministic = name, deterministic
        self._ready, self._restarts = ready, restarts
        self.batch = check_integer("batch", batch, 1)
        processes = min(check_integer("processes", processes, 0), batch)
        self._learn_sizes(make_single())
        self.counts = {"restarts": 0, "discarded": 0}
        self._view: View | None = None
        infos = len(self._info_names)
        sizes = Sizes(self.batch, self.n_agents, self.n_actions, self.obs_size, self.state_size, infos, self.continuous)
        memory = allocate(sizes, between_processes=processes > 0)
        self._arrays = arrays_in(memory, sizes)
        for rows in np.array_split(np.arange(batch), max(processes, 1)):
            plan = Plan(make_single, rows.tolist(), self._info_names, sizes, memory)
            self._hosts.append(WorkerHost(plan, limits) if processes else LocalHost(plan))
        _OPEN.add(self)

    def _learn_sizes(self, single: Single) -> None:
        """Take the environment's sizes from one copy, and close it."""
        self.n_agents, self.n_actions = single.n_agents, single.n_actions
        self.obs_size, self.state_size = single.obs_size, single.state_size
        self.horizon, self.continuous = single.horizon, single.continuous
        self._info_names, self._winnable = tuple(single.info_names), single.winnable
        self.entities = single.entities
        single.close()

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; copy b's k-th episode has a seed drawn from (seed, b, k)."""
        self._seed = check_integer("seed", seed, 0)
        self._episode = np.zeros(self.batch, dtype=np.int64)  # [B] which episode is under way
        self._begin(None)
        return self.view()

    def view(self) -> View:
        """What is known now. Raises RuntimeError before the first reset and after `close`."""
        if self._view is None:
            raise RuntimeError(f"{self.name} is closed or was not reset")
        return copied(self._view)

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, `[B, n]` integers or `[B, n, A]` floats. Raises ValueError where one is not legal."""
        before = self.view()
        self._arrays.action[:] = check_actions(action, self._view.available, self.continuous)
        self._arrays.stepped[:] = False
        lost = self._exchange([(host, Step()) for host in self._hosts])
        step, discarded = self._outcome(before, [row for host, _ in lost for row in host.rows])
        ended = (step.terminated | step.truncated) & ~discarded  # [B] by itself
        for host in self._hosts:
            if ended[host.rows].any():
                host.failures = 0
        self._episode[ended] += 1
        self._write_seeds(np.flatnonzero(ended), ahead=1)
        self.counts["discarded"] += int(discarded.sum())
        self._remember(ended | discarded)
        for host, reason in lost:
            self._revive(host, reason)
        self._view = copied(self._arrays.view)
        return step._replace(view=self.view())

    def _outcome(self, before: View, lost: list[int]) -> tuple[TeamStep, np.ndarray]:
        """What a step brought, `final` standing for the view too, and whose episodes are discarded [B].

        before: the view before the step. lost: the rows whose host was lost in it.
        """
        arrays = self._arrays
        stepped = arrays.stepped.copy()  # [B] whose step is known
        terminated = arrays.terminated & stepped
        truncated = arrays.truncated & stepped & ~terminated
        ended = terminated | truncated
        discarded = np.zeros(self.batch, dtype=bool)
        discarded[lost] = ~ended[lost]
        final = copied(arrays.view)
        for seen, last, earlier in zip(final, arrays.final, before, strict=True):
            seen[ended] = last[ended]
            seen[~stepped] = earlier[~stepped]
        info = {name: arrays.info[:, k] * stepped for k, name in enumerate(self._info_names)}
        info["discarded"] = discarded.astype(np.float32)
        won = arrays.won & ended if self._winnable else None
        step = TeamStep(final, final, arrays.reward * stepped, terminated, truncated | discarded, won, info)
        return step, discarded

    def fork(self, copies: np.ndarray, seeds: np.ndarray) -> TeamEnv:
        """Raises ValueError: these games cannot be copied in the middle of an episode."""
        refuse_fork(self.name)

    def state_dict(self) -> dict:
        """The seeds of the episodes under way and, where the game is deterministic, the actions played in them."""
        self.view()  # raises where there are no episodes
        state = dict(seed=self._seed, episode=self._episode.copy())
        if self.deterministic:
            lengths = np.array([len(actions) for actions in self._played])  # [B]
            in_a_row = [action for actions in self._played for action in actions]  # all of copy 0's, then 1's, ...
            state |= dict(lengths=lengths, actions=np.array(in_a_row), obs=self._view.obs.copy())
        return state

    def load_state_dict(self, state: dict) -> None:
        """Replay the episodes that were under way; where the game is not deterministic, begin the next ones.

        Raises ValueError where the number of copies differs or the replay shows something else.
        """
        if len(state["episode"]) != self.batch:
            raise ValueError(f"batch={self.batch}; the saved environment has {len(state['episode'])} copies")
        self._seed, self._episode = state["seed"], state["episode"].copy()
        if not self.deterministic or "lengths" not in state:
            LOG.warning("%s cannot be put back into the middle of a game: new episodes begin", self.name)
            self._episode += 1
            return self._begin(None)
        ends = np.cumsum(state["lengths"])
        self._begin([list(state["actions"][end - n : end]) for end, n in zip(ends, state["lengths"], strict=True)])
        if not np.allclose(self._view.obs, state["obs"], rtol=1e-4, atol=1e-5):
            raise ValueError(f"{self.name} is not the environment that was saved: replayed, it shows something else")

    def close(self) -> None:
        """End the worker processes and what they started; calling it twice is harmless."""
        hosts, self._hosts, self._view = self._hosts, [], None
        if self._owner != os.getpid():
            return  # this is a forked process: the workers are not its own
        try:
            for host in hosts:
                host.say_goodbye()
            until = time.monotonic() + CLOSE_SECONDS
            for host in hosts:
                host.wait(until)
        finally:  # also when Ctrl-C is pressed again
            for host in hosts:
                host.kill()

    def __del__(self):
        self.close()

    def _begin(self, played: list[list[np.ndarray]] | None) -> None:
        """Begin an episode in every copy, on the seeds of `_episode`, and play the actions `played[row]`, if any."""
        if not self._hosts:
            raise RuntimeError(f"{self.name} is closed")
        if self._ready is not None:
            self._ready()
        self._write_seeds(range(self.batch))
        for host, reason in self._exchange([(host, beginning(host, played)) for host in self._hosts]):
            self._revive(host, reason, played)
        self._write_seeds(range(self.batch), ahead=1)
        self._view = copied(self._arrays.view)
        self._played = [[] for _ in range(self.batch)] if played is None else played  # since each episode began

    def _exchange(self, told: list[tuple[Host, Command]]) -> list[LostHost]:
        """Have hosts carry out commands, all at the same time; returns those that were lost."""
        try:
            for host, command in told:
                host.begin(command)
            answers = [(host, host.finish()) for host, _ in told]
        except BaseException:  # Ctrl-C too: answers that nobody awaits would be taken for those to later commands
            self.close()
            raise
        return [LostHost(host, reason) for host, reason in answers if reason is not None]

    def _revive(self, host: Host, reason: str, played: list[list[np.ndarray]] | None = None) -> None:
        """Make a lost host's copies anew until they have begun episodes, each time on new seeds but for replays.

        Raises RuntimeError where they are lost more often than `restarts` allows.
        """
        lost = [LostHost(host, reason)]
        while lost:
            rows, reason = ", ".join(map(str, host.rows)), lost[0].reason
            host.failures += 1
            self.counts["restarts"] += 1
            if host.failures > self._restarts:
                self.close()
                raise RuntimeError(f"{self.name}, environment {rows}: failed {host.failures} times in a row: {reason}")
            LOG.warning("%s, environment %s: %s; it is started anew", self.name, rows, reason)
            with contextlib.suppress(Exception):  # a broken game may refuse to close
                host.kill()
            if played is None:
                self._episode[host.rows] += 1
                self._write_seeds(host.rows)
            lost = self._exchange([(host, beginning(host, played))])
        self._write_seeds(host.rows, ahead=1)

    def _write_seeds(self, rows: Iterable[int], ahead: int = 0) -> None:
        """Write the seed of the episode under way, or of one `ahead` of it, where the copies will read it."""
        for row in rows:
            self._arrays.seed[row] = episode_seed(self._seed, int(row), int(self._episode[row]) + ahead)

    def _remember(self, over: np.ndarray) -> None:
        """Keep the actions just played, for replays; those of episodes that are over are forgotten. over: [B] bool."""
        if not self.deterministic:
            return
        for row, actions in enumerate(self._played):
            actions.append(self._arrays.action[row].copy())
            if over[row]:
                actions.clear()


def beginning(host: Host, played: list[list[np.ndarray]] | None) -> Command:
    """The command that begins episodes in a host's copies and plays the actions `played[row]`, if any."""
    return Reset() if played is None else Replay([played[row] for row in host.rows])


def copied(view: View) -> View:
    """The same in arrays of its own."""
    return View(*(array.copy() for array in view))


_OPEN: weakref.WeakSet[Vector] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """End all worker processes when this process ends."""
    for env in list(_OPEN):
        env.close()
