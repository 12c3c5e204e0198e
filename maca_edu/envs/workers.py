"""Environments that step one at a time, B of them together: in worker processes with shared memory, or in this one.

A family of games writes `Single`, one copy of its game; `Vector` makes a `TeamEnv` of many. It resets episodes that
ended, keeps what was seen last, and gives each episode of each copy a seed of its own, drawn from the reset's seed.

What may go wrong, and what happens then:
* A copy raises an exception: it reaches the caller as RuntimeError with the message and the worker's traceback.
* A worker process dies, does not answer in time, or its game raises `Broken`: its whole process group is killed and it
  starts anew. The episodes under way in it are discarded and counted. The trainer sees such an episode as truncated,
  with info["discarded"] = 1: what was played before is true and may be learned from, so it ends as if the clock had
  cut it, bootstrapped from the last view that is known. If the step itself was lost, its reward is 0 and its final
  view the one before it. Returns and wins of discarded episodes mean nothing: leave them out of statistics.
* The parent ends, is killed or interrupted: nothing is left. Workers are in process groups of their own, ignore
  Ctrl-C, and kill their group, with all programs they started, when the parent is gone.

With workers, `make_single` is sent to new Python processes: it must be importable (a function of a module, or
functools.partial of one), and a script that uses workers begins with `if __name__ == "__main__":`. Workers need the
process groups and signals of Linux or macOS.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.util  # its own exit handler must be registered before ours, so that ours runs first
import os
import shutil
import signal
import tempfile
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.team_env import TeamStep, View

LOG = logging.getLogger(__name__)
SPAWN = multiprocessing.get_context("spawn")
CLOSE_SECONDS = 5.0  # how long a worker may take to say goodbye


class Single(Protocol):
    """One copy of a game. Arrays have no batch axis; their types may be anything that NumPy converts."""

    n_agents: int
    n_actions: int
    obs_size: int
    state_size: int
    horizon: int
    continuous: bool
    winnable: bool  # whether episodes can be won
    info_names: tuple[str, ...]  # the numbers that step's info always has

    def reset(self, seed: int) -> tuple:
        """Begin an episode; the seed, below 2**32, decides it. Returns obs [n, d], state [s], available [n, A], alive
        [n]."""

    def step(self, action: np.ndarray) -> tuple:
        """Play [n] integers or [n, A] floats, already checked. Returns (obs, state, available, alive), reward,
        terminated, truncated, won, info."""

    def close(self) -> None:
        """Give everything back."""


class Broken(RuntimeError):
    """The game behind a `Single` is of no use any more and must be started anew; its episode is discarded."""


class Limits(NamedTuple):
    """How long to wait for one copy, in seconds. With processes=0 nothing can be stopped and nothing is."""

    start: float = 120.0  # a worker: Python, imports, the copies' constructors
    reset: float = 120.0
    step: float = 60.0


class Vector:
    """A `TeamEnv` of `batch` copies that `make_single()` makes; one more is made and closed here to learn the sizes.

    processes: how many worker processes share the copies, at most one each; 0: they run in this process.
    deterministic: whether the same seed and actions always give the same episode; then `load_state_dict` replays the
    episodes under way, otherwise it begins new ones and logs that. limits: how long to wait for a worker. restarts:
    how often in a row, without an episode that ends by itself in between, a worker is started anew before it is an
    error. ready: called before episodes begin everywhere; it raises where they cannot.
    counts: {"restarts", "discarded"}, of workers and episodes since the environment was made.

    Raises ValueError where batch is not positive or processes negative; RuntimeError in later calls where a copy
    raised an exception, a worker failed too often, or after `close`.
    """

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
        self._hosts, self._owner = [], os.getpid()
        self.name, self.deterministic, self.partners, self._ready = name, deterministic, None, ready
        self.batch = check_integer("batch", batch, 1)
        processes = min(check_integer("processes", processes, 0), batch)
        probe = make_single()
        for field in ("n_agents", "n_actions", "obs_size", "state_size", "horizon", "continuous"):
            setattr(self, field, getattr(probe, field))
        self._info_names, self._winnable = tuple(probe.info_names), probe.winnable
        probe.close()
        self.counts, self._restarts, self._view = dict(restarts=0, discarded=0), restarts, None
        fields = _fields(self)
        memory = SPAWN.RawArray("b", _arrays(None, fields)) if processes else bytearray(_arrays(None, fields))
        self._arrays = _arrays(memory, fields)
        for rows in np.array_split(np.arange(batch), max(processes, 1)):
            plan = _Plan(make_single, rows.tolist(), self._info_names, fields)
            self._hosts.append(_Worker(plan, memory, limits) if processes else _Here(plan, memory))
        _OPEN.add(self)

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; environment i's k-th episode has a seed drawn from (seed, i, k)."""
        self._seed = check_integer("seed", seed, 0)
        self._episode = np.zeros(self.batch, dtype=np.int64)  # [B] which episode is under way
        self._begin()
        return self.view()

    def view(self) -> View:
        """What is known now."""
        if self._view is None:
            raise RuntimeError(f"{self.name} is closed or was not reset")
        return View(*(x.copy() for x in self._view))

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, `[B, n]` integers or `[B, n, A]` floats. Raises ValueError where one is not legal."""
        before = self.view()
        self._arrays["action"][:] = self._checked(np.asarray(action))
        self._arrays["stepped"][:] = False
        lost = self._exchange("step")
        step, discarded = self._outcome(before, [row for host, _ in lost for row in host.rows])
        ended = (step.terminated | step.truncated) & ~discarded
        for host in self._hosts:
            host.failures = 0 if ended[host.rows].any() else host.failures
        self._episode[ended] += 1
        self._write_seeds(np.flatnonzero(ended), 1)
        self.counts["discarded"] += int(discarded.sum())
        self._remember(ended | discarded)
        for host, reason in lost:
            self._revive(host, reason)
        self._view = self._read()
        return step._replace(view=self.view())

    def _outcome(self, before: View, lost: list[int]) -> tuple[TeamStep, np.ndarray]:
        """What a step brought, still without the view after it, and whose episodes are discarded [B].

        before: the view before it. lost: the rows whose host was lost in it.
        """
        arrays, stepped = self._arrays, self._arrays["stepped"].copy()  # [B] whose step is known
        terminated = arrays["terminated"] & stepped
        truncated = arrays["truncated"] & stepped & ~terminated
        ended, discarded = terminated | truncated, np.zeros(self.batch, dtype=bool)
        discarded[lost] = ~ended[lost]
        final = self._read()
        for seen, last, earlier in zip(final, self._read("final_"), before, strict=True):
            seen[ended] = last[ended]
            seen[~stepped] = earlier[~stepped]
        info = {name: arrays["info"][:, k] * stepped for k, name in enumerate(self._info_names)}
        info["discarded"] = discarded.astype(np.float32)
        won = arrays["won"] & ended if self._winnable else None
        step = TeamStep(final, final, arrays["reward"] * stepped, terminated, truncated | discarded, won, info)
        return step, discarded

    def state_dict(self) -> dict:
        """The seeds of the episodes under way and, where replaying is possible, the actions played in them."""
        self.view()
        state = dict(seed=self._seed, episode=self._episode.copy())
        if self.deterministic:
            lengths = np.array([len(played) for played in self._played])  # [B]
            played = [action for row in self._played for action in row]
            state |= dict(lengths=lengths, actions=np.array(played), obs=self._view.obs.copy())
        return state

    def load_state_dict(self, state: dict) -> None:
        """Replay the episodes that were under way; where the game is not deterministic, begin the next ones.

        Raises ValueError where the number of environments differs or the replay shows something else.
        """
        if len(state["episode"]) != self.batch:
            raise ValueError(f"batch={self.batch}; the saved environment has {len(state['episode'])} copies")
        self._seed, self._episode = state["seed"], state["episode"].copy()
        if not self.deterministic:
            LOG.warning("%s cannot be put back into the middle of a game: new episodes begin", self.name)
            self._episode += 1
            return self._begin()
        ends = np.cumsum(state["lengths"])
        played = [list(state["actions"][end - n : end]) for end, n in zip(ends, state["lengths"], strict=True)]
        self._begin(played)
        if not np.allclose(self._view.obs, state["obs"], rtol=1e-4, atol=1e-5):
            raise ValueError(f"{self.name} is not the environment that was saved: replayed, it shows something else")

    def close(self) -> None:
        """End the workers and what they started; calling it twice is harmless."""
        hosts, self._hosts, self._view = self._hosts, [], None
        if self._owner != os.getpid():
            return  # a copy in a forked process: the workers are not its own
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

    def _begin(self, played: list | None = None) -> None:
        """Reset every copy on the episodes' seeds, then play the actions `played[row]`."""
        if not self._hosts:
            raise RuntimeError(f"{self.name} is closed")
        if self._ready is not None:
            self._ready()
        self._write_seeds(range(self.batch))
        lost = self._exchange("reset" if played is None else "replay", played)
        for host, reason in lost:
            self._revive(host, reason, played)
        self._write_seeds(range(self.batch), 1)
        self._view = self._read()
        self._played = [[] for _ in range(self.batch)] if played is None else played

    def _exchange(self, command: str, played: list | None = None, hosts: list | None = None) -> list:
        """Have hosts, all of them at once, do something; returns (host, reason) for those that were lost."""
        hosts = self._hosts if hosts is None else hosts
        try:
            for host in hosts:
                host.begin(command, None if played is None else [played[row] for row in host.rows])
            answers = [(host, host.finish()) for host in hosts]
        except BaseException:  # Ctrl-C too: answers that nobody awaits would be taken for those to later commands
            self.close()
            raise
        return [(host, reason) for host, reason in answers if reason is not None]

    def _revive(self, host: _Here | _Worker, reason: str | None, played: list | None = None) -> None:
        """Start a host anew until its copies have begun episodes, each time on new seeds but for replays."""
        while reason is not None:
            rows = ", ".join(map(str, host.rows))
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
            lost = self._exchange("reset" if played is None else "replay", played, [host])
            reason = lost[0][1] if lost else None
        self._write_seeds(host.rows, 1)

    def _write_seeds(self, rows, ahead: int = 0) -> None:
        """Write where the copies will read it the seed, below 2**32, of the episode under way or of one ahead."""
        for row in rows:
            key = (self._seed, int(row), int(self._episode[row]) + ahead)
            self._arrays["seed"][row] = np.random.SeedSequence(key).generate_state(1)[0]

    def _remember(self, over: np.ndarray) -> None:
        """Keep the actions played since each episode began, for replays."""
        for row in range(self.batch) if self.deterministic else ():
            self._played[row].append(self._arrays["action"][row].copy())
            if over[row]:
                self._played[row].clear()

    def _read(self, prefix: str = "") -> View:
        """A copy of what the copies see, or of what they saw last."""
        return View(*(self._arrays[prefix + field].copy() for field in View._fields))

    def _checked(self, action: np.ndarray) -> np.ndarray:
        """The joint actions. Raises ValueError where one is not legal now."""
        shape = self._arrays["action"].shape
        if action.shape != shape:
            raise ValueError(f"action has shape {action.shape}; expected {shape}")
        if self.continuous:
            if not np.isfinite(action).all():
                raise ValueError("action has a number that is not finite")
            return action
        if action.dtype.kind not in "iu":
            raise ValueError(f"action has type {action.dtype}; expected integers")
        inside = (action >= 0) & (action < self.n_actions)
        legal = np.take_along_axis(self._view.available, np.where(inside, action, 0)[..., None], -1)[..., 0] & inside
        for row, agent in np.argwhere(~legal)[:1]:
            allowed = np.flatnonzero(self._view.available[row, agent]).tolist()
            raise ValueError(f"action[{row}, {agent}]={action[row, agent]}; allowed are {allowed}")
        return action


class _Plan(NamedTuple):
    """What a host is to do; it is sent to worker processes."""

    make_single: Callable[[], Single]
    rows: list[int]  # which of the batch it holds
    info_names: tuple[str, ...]
    fields: dict  # of the shared memory


class _Copies:
    """Copies of a game at work on their rows of the arrays."""

    def __init__(self, plan: _Plan, memory, tell: Callable[[str], None]):
        self.plan, self.tell, self.arrays = plan, tell, _arrays(memory, plan.fields)
        self.singles = [plan.make_single() for _ in plan.rows]

    def reset(self, _) -> None:
        """Begin an episode in every row, on the seed that stands there."""
        for row, single in zip(self.plan.rows, self.singles, strict=True):
            self.put(row, single.reset(int(self.arrays["seed"][row])))

    def step(self, _) -> None:
        """Play each row's actions; where an episode ended, write down what was seen last and begin the next."""
        arrays = self.arrays
        for row, single in zip(self.plan.rows, self.singles, strict=True):
            view, reward, terminated, truncated, won, info = single.step(arrays["action"][row].copy())
            ended = terminated or truncated
            self.put(row, view, "final_" if ended else "")
            arrays["reward"][row], arrays["won"][row] = reward, won
            arrays["terminated"][row], arrays["truncated"][row] = terminated, truncated
            arrays["info"][row] = [info[name] for name in self.plan.info_names]
            arrays["stepped"][row] = True  # last: from here on the step is known whatever happens to this process
            if ended:
                self.tell("resetting")
                self.put(row, single.reset(int(arrays["seed"][row])))

    def replay(self, played: list) -> None:
        """Begin an episode in every row and play the actions given for it."""
        self.reset(None)
        for row, single, actions in zip(self.plan.rows, self.singles, played, strict=True):
            for action in actions:
                view, _, terminated, truncated, _, _ = single.step(action)
                if terminated or truncated:
                    raise RuntimeError("the episode ended in its replay: the game is not deterministic")
                self.put(row, view)

    def put(self, row: int, view: tuple, prefix: str = "") -> None:
        """Write a view into its row. Raises ValueError where a shape is wrong."""
        for field, seen in zip(View._fields, view, strict=True):
            place = self.arrays[prefix + field][row]
            if np.shape(seen) != place.shape:
                raise ValueError(f"{field} has shape {np.shape(seen)}; expected {place.shape}")
            place[:] = seen

    def close(self) -> None:
        """Close every copy."""
        for single in self.singles:
            single.close()


class _Here:
    """The host of copies that run in this process."""

    def __init__(self, plan: _Plan, memory):
        self.plan, self.memory, self.rows, self.failures, self.copies = plan, memory, plan.rows, 0, None

    def begin(self, command: str, detail) -> None:
        """Take note of a command."""
        self.command, self.detail = command, detail

    def finish(self) -> str | None:
        """Do it; returns why the copies are lost, None where all is well."""
        try:
            if self.copies is None:
                self.copies = _Copies(self.plan, self.memory, lambda word: None)
            getattr(self.copies, self.command)(self.detail)
        except Broken as error:
            return str(error)
        except ValueError:  # a wrong option or a wrong game: its sentence is the message
            raise
        except Exception as error:
            raise RuntimeError(_report(self.rows, error)) from error
        return None

    def say_goodbye(self) -> None:
        """Nothing to prepare."""

    def wait(self, until: float) -> None:
        """Nothing to wait for."""

    def kill(self) -> None:
        """Close the copies."""
        copies, self.copies = self.copies, None
        if copies is not None:
            copies.close()


class _Worker:
    """The host of copies that run in a process of their own, which starts with the first command."""

    def __init__(self, plan: _Plan, memory, limits: Limits):
        self.plan, self.memory, self.limits, self.rows = plan, memory, limits, plan.rows
        self.failures, self.process = 0, None

    def start(self) -> None:
        """Start the process, in a folder for temporary files that goes with it."""
        self.folder = tempfile.mkdtemp(prefix="maca-edu-")
        self.pipe, theirs = SPAWN.Pipe()
        arguments = (self.plan, self.memory, theirs, self.folder)
        process = SPAWN.Process(target=_work, args=arguments, daemon=True)
        old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: Ctrl-C is not for the child
        try:
            process.start()
            self.process = process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)
            theirs.close()
            if self.process is None:
                shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, command: str, detail) -> None:
        """Send a command and set the time by which it is to be done."""
        self.seconds = self.limits.start if self.process is None else 0.0
        if self.process is None:
            self.start()
        each = self.limits.step if command == "step" else self.limits.reset
        if command == "replay":
            each += self.limits.step * max(map(len, detail))
        self.seconds += each * len(self.rows)
        self.deadline = time.monotonic() + self.seconds
        with contextlib.suppress(OSError):  # the process may be dead, as finish will find
            self.pipe.send((command, detail))

    def finish(self) -> str | None:
        """Wait until it is done; returns why the process is lost, None where all is well."""
        while True:
            if not self.pipe.poll(max(self.deadline - time.monotonic(), 0.0)):
                return f"no answer in {self.seconds:g} seconds"
            try:
                word, detail = self.pipe.recv()
            except (EOFError, OSError):
                self.process.join(1.0)
                return f"its process ended with code {self.process.exitcode}"
            if word == "error":
                raise RuntimeError(detail)
            if word != "resetting":
                return detail if word == "broken" else None
            self.deadline, self.seconds = self.deadline + self.limits.reset, self.seconds + self.limits.reset

    def say_goodbye(self) -> None:
        """Ask the process to close its copies and end."""
        if self.process is not None:
            with contextlib.suppress(OSError):  # it may be dead already
                self.pipe.send(("close", None))

    def wait(self, until: float) -> None:
        """Wait for the process to end, at most until that time."""
        if self.process is not None:
            multiprocessing.connection.wait([self.process.sentinel], max(until - time.monotonic(), 0.0))

    def kill(self) -> None:
        """Kill the process and all it started."""
        process, self.process = self.process, None
        if process is None:
            return
        _kill_group(process.pid)
        process.kill()
        process.join()
        process.close()
        self.pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _work(plan: _Plan, memory, pipe, folder: str) -> None:
    """What a worker process does; whatever happens, all that it started ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setsid()
    threading.Thread(target=_end_with_the_parent, args=(folder,), daemon=True).start()
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    try:
        _serve(plan, memory, pipe)
    finally:
        _end(folder)


def _serve(plan: _Plan, memory, pipe) -> None:
    """Make the copies, then do one command after another."""
    try:
        copies = _Copies(plan, memory, lambda word: pipe.send((word, None)))
        while (message := pipe.recv())[0] != "close":
            getattr(copies, message[0])(message[1])
            pipe.send(("done", None))
        copies.close()
    except Broken as error:
        pipe.send(("broken", str(error)))
    except Exception as error:  # also where the parent is gone, of which nobody hears
        pipe.send(("error", _report(plan.rows, error)))


def _end_with_the_parent(folder: str) -> None:
    """Wait until the parent is gone, then end too."""
    multiprocessing.parent_process().join()
    _end(folder)


def _end(folder: str) -> None:
    """Remove the worker's temporary files, then kill this process and all that it started."""
    shutil.rmtree(folder, ignore_errors=True)
    _kill_group(os.getpid())


def _kill_group(pid: int) -> None:
    """Kill the process group that a worker leads; harmless where there is none."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _report(rows: list[int], error: Exception) -> str:
    """What went wrong in a copy, and where."""
    where = "".join(traceback.format_exception(error)).rstrip()
    return f"environment {', '.join(map(str, rows))}: {type(error).__name__}: {error}\n{where}"


def _fields(env: Vector) -> dict[str, tuple]:
    """Shape and type of every array that is shared."""
    B, n, A, d, s = env.batch, env.n_agents, env.n_actions, env.obs_size, env.state_size
    number, flag = np.float32, np.bool_
    views = dict(obs=((B, n, d), number), state=((B, s), number), available=((B, n, A), flag), alive=((B, n), flag))
    action = ((B, n, A), number) if env.continuous else ((B, n), np.int64)
    flags = {name: ((B,), flag) for name in ("terminated", "truncated", "won", "stepped")}
    rest = dict(seed=((B,), np.int64), action=action, reward=((B,), number), info=((B, len(env._info_names)), number))
    return views | {f"final_{name}": spec for name, spec in views.items()} | flags | rest


def _arrays(memory, fields: dict[str, tuple]) -> dict[str, np.ndarray] | int:
    """The shared arrays in `memory`; where that is None, how many bytes they need."""
    start, arrays = 0, {}
    for name, (shape, dtype) in fields.items():
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if memory is not None:
            arrays[name] = np.frombuffer(memory, dtype, int(np.prod(shape)), start).reshape(shape)
        start += -(-size // 8) * 8  # every array begins at a multiple of 8 bytes
    return start if memory is None else arrays


_OPEN: weakref.WeakSet[Vector] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """End all workers when this process ends."""
    for env in list(_OPEN):
        env.close()
