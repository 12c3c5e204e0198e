"""Games of JaxMARL as team environments: all B copies are stepped by one compiled function.

A game is written in JAX for one copy (`Game`); `Programs` compiles it for B copies at once, and `CompiledEnv` is the
`TeamEnv` of them. A copy is a pair: JaxMARL's state, and the key from which the copy's later random numbers come. A
reset does  key, reset key = split(key),  every step  key, step key, reset key = split(key, 3).  JaxMARL's own automatic
reset is not used: it hides the last view.

The copies live on the processor, or on the graphics card that `place_of` was asked for. There an environment made with
a device shows JAX's own arrays (`team_env.View`), and torch reads them where they are.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import os
import sys
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs.actions import check_actions
from maca_edu.envs.forks import check_fork
from maca_edu.installing import install_command
from maca_edu.team_env import Entities, TeamStep, View

if TYPE_CHECKING:
    import torch  # it takes seconds to import, which processes that only step games do without

RESTARTS = 8  # copies restarted at a time: few episodes end in the same step
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")  # torch's types that may number an action


class Outcome(NamedTuple):
    """What happened in a step, in JAX's arrays, in the order of `TeamStep`'s fields after the views."""

    reward: Any  # [] float
    terminated: Any  # [] bool
    truncated: Any  # [] bool
    won: Any = None  # [] bool; None where there is no winning
    info: dict[str, Any] = {}  # noqa: RUF012  # never written to; JAX takes apart dicts, but not read-only ones
    credit: Any = None  # Credit, amount [K] and members [K, n]; None where the game does not declare it


class Moved(NamedTuple):
    """What a step of one copy returns."""

    copy: tuple  # JaxMARL's state and the copy's next key
    reset_key: Any  # from which the next episode would begin
    view: View  # what is known after the step, without a restart
    outcome: Outcome


class Game(Protocol):
    """One copy of a game, written in JAX: its functions are compiled for B copies."""

    n_agents: int
    n_actions: int
    obs_size: int
    state_size: int
    horizon: int
    continuous: bool
    terms: tuple[str, ...] | None
    entities: Entities | None

    def first(self, key) -> tuple[tuple, View]:
        """A new episode: the copy and its view, obs [n, d], state [s], available [n, A], alive [n]."""

    def move(self, copy: tuple, action) -> Moved:
        """Play a joint action, `[n]` or, where continuous, `[n, A]`; an episode that ends is not restarted."""


def import_jax():
    """The packages jax and jaxmarl.environments, with what was compiled kept between runs.

    JAX computes on the processor, unless `card` or `JAX_PLATFORMS` told it otherwise before.

    It is kept in `JAX_COMPILATION_CACHE_DIR` where that is set, otherwise in ~/.cache/maca-edu/jax (or below
    `XDG_CACHE_HOME`). Processes may share the folder: a process that meets a half-written file warns and compiles for
    itself. JAX never overwrites a file there; where a process was killed as it wrote and the warning comes again and
    again, delete the folder. Raises ValueError where a package is missing.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        with silence():
            import jax
            from jaxmarl import environments
    except ModuleNotFoundError as error:
        raise ValueError(
            f"smax/... and jaxmpe/... need the package {error.name}; get it with: {install_command('jax')}"
        ) from None
    if jax.config.jax_compilation_cache_dir is None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(home / "maca-edu" / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    return jax, environments


@contextlib.contextmanager
def silence():
    """Print nothing. Importing jaxmarl prints two lines about something else, and leaves sys.stdout and sys.stderr set
    to what they were when Python started, which would take a notebook's output away: both are put back."""
    before = sys.stdout, sys.stderr, sys.__stdout__
    sys.stdout = sys.__stdout__ = io.StringIO()
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.__stdout__ = before


def place_of(device: torch.device | str | None):
    """Where JAX keeps the copies of an environment made with torch's `device`; None without one.

    JAX's graphics card of the same number, or its processor: for "cpu", and where JAX sees no card.
    """
    if device is None:
        return None
    import torch

    device = torch.device(device)
    there = card(device.index or 0) if device.type == "cuda" else None
    return processor() if there is None else there


@lru_cache
def card(number: int):
    """JAX's graphics card of that number; None where JAX sees none, which is said in the log, once.

    JAX decides at its first use which devices it sees: a process that has played on the processor stays there.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cuda,cpu")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # or JAX would take most of torch's memory
    try:
        import jax
    except ModuleNotFoundError:
        return None  # import_jax will say so
    try:
        return jax.devices("cuda")[number]
    except (RuntimeError, IndexError) as error:
        os.environ["JAX_PLATFORMS"] = "cpu"  # for processes that this one starts
        jax.config.update("jax_platforms", "cpu")
        logging.getLogger(__name__).warning(
            "JaxMARL's games are played on the processor: JAX sees no graphics card %d (%s). JAX must be installed "
            "with CUDA, and no game may have been played on the processor before in this process.", number, error,
        )  # fmt: skip
        return None


def processor():
    """JAX's processor."""
    jax, _ = import_jax()
    return jax.devices("cpu")[0]


class Programs:
    """A game's functions compiled for B copies.

    start(keys) -> copies, view: new episodes. step(copies, action) -> copies, view, final, outcome: see `play`.
    """

    def __init__(self, game: Game):
        jax, _ = import_jax()
        self.game, self.start, self.step = game, jax.jit(jax.vmap(self.first)), jax.jit(self.play)

    def first(self, key):
        """A new copy and its view."""
        copy, view = self.game.first(key)
        return strong(copy), view

    def play(self, copies, action):
        """One step of all copies: the copies and their view, those whose episodes ended restarted; the final view from
        before the restarts; the outcome. Every array has the batch as its first axis. This is compiled to `step`."""
        import jax
        import jax.numpy as jnp

        copies, reset_keys, final, outcome = jax.vmap(self.game.move)(copies, action)
        copies, B = strong(copies), len(action)

        def restart(carry):
            """Restart the first few copies whose episodes ended."""
            ended, copies, view = carry
            rows = jnp.nonzero(ended, size=min(RESTARTS, B), fill_value=B)[0]  # B stands for none and is dropped below
            put = partial(jax.tree.map, lambda all, new: all.at[rows].set(new, mode="drop"))
            new_copies, new_view = jax.vmap(self.first)(reset_keys[jnp.minimum(rows, B - 1)])
            return ended.at[rows].set(False, mode="drop"), put(copies, new_copies), put(view, new_view)

        ended = outcome.terminated | outcome.truncated  # [B]
        _, copies, view = jax.lax.while_loop(lambda carry: carry[0].any(), restart, (ended, copies, final))
        return copies, view, final, outcome


def strong(tree):
    """The same arrays without JAX's weak types, with which `step` would be compiled twice: for the copies that `start`
    made and for its own."""
    import jax

    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, x.dtype), tree)


class CompiledEnv:
    """`batch` copies of a game (see `team_env.TeamEnv` and the top of this file).

    name: what runs call it. place: a device of JAX on which they live, for views that speak DLPack; None: the
    processor, and NumPy's views. Raises ValueError where batch is not a positive integer.
    """

    deterministic = True

    def __init__(self, programs: Programs, batch: int, name: str, place=None):
        self.name, self.batch = name, check_integer("batch", batch, 1)
        self._in_numpy, self._place = place is None, processor() if place is None else place
        self._programs, game = programs, programs.game
        self.n_agents, self.n_actions = game.n_agents, game.n_actions
        self.obs_size, self.state_size = game.obs_size, game.state_size
        self.horizon, self.continuous, self.terms = game.horizon, game.continuous, game.terms
        self.entities = game.entities
        self.reset(0)

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; all later random numbers follow from the seed."""
        self._wait_for_torch()
        words = np.random.SeedSequence(check_integer("seed", seed, 0)).generate_state(2 * self.batch)
        keys = self._put(words.reshape(self.batch, 2))  # one for each copy
        self._copies, self._view = self._programs.start(keys)
        return self.view()

    def view(self) -> View:
        """What is known now."""
        return self._shown(self._view)

    def step(self, action: np.ndarray | torch.Tensor) -> TeamStep:
        """Play joint actions, `[B, n]` integers or `[B, n, A]` floats. Raises ValueError where one is not legal."""
        self._wait_for_torch()
        action = self._checked(action)
        self._copies, self._view, final, outcome = self._programs.step(self._copies, action)
        return TeamStep(self.view(), self._shown(final), *to_numpy(outcome))  # to_numpy waits until all is computed

    def _checked(self, action: np.ndarray | torch.Tensor):
        """The actions as the compiled step takes them. Raises ValueError where one is not legal."""
        import torch

        if isinstance(action, torch.Tensor):
            available = torch.from_dlpack(self._view.available)
            action = action.to(available.device)
            if all_legal(action, available, self.continuous):
                in_jax = import_jax()[0].dlpack.from_dlpack
                return in_jax(action.to(torch.float32 if self.continuous else torch.int32))
            action = action.cpu().numpy()  # for check_actions to say what is wrong
        action = check_actions(action, np.asarray(self._view.available), self.continuous)
        return action.astype(np.float32 if self.continuous else np.int32, copy=False)  # JAX's usual types

    def _wait_for_torch(self) -> None:
        """Wait until torch has read what it was shown on a card: JAX may use that memory again once nobody holds it."""
        if self._place.platform == "gpu":
            import torch

            torch.cuda.synchronize()

    def _shown(self, view: View) -> View:
        """A view as the caller wants it: NumPy's arrays of its own, or JAX's, which nobody can write to."""
        return to_numpy(view) if self._in_numpy else view

    def _put(self, array: np.ndarray):
        """The array as JAX's, where the copies live."""
        return import_jax()[0].device_put(array, self._place)

    def fork(self, copies: np.ndarray, seeds: np.ndarray) -> CompiledEnv:
        """Copies of moments, each with a key of its own from its seed, see `team_env.TeamEnv.fork`.

        For another number of copies the step is compiled anew.
        """
        copies, seeds = check_fork(copies, seeds, self.batch)
        self._wait_for_torch()
        fork, rows = copy.copy(self), self._put(copies)
        fork.batch = len(copies)
        keys = np.stack([np.random.SeedSequence(int(seed)).generate_state(2) for seed in seeds])
        state, fork._view = import_jax()[0].tree.map(lambda x: x[rows], (self._copies[0], self._view))
        fork._copies = (state, self._put(keys))
        return fork

    def state_dict(self) -> dict:
        """The copies, with their keys, and the last view, all as arrays."""
        return dict(copies=self._named(self._copies), view=to_numpy(self._view)._asdict())

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called. Raises ValueError where it belongs to another environment."""
        tree, saved = import_jax()[0].tree, state["copies"]
        here = self._named(self._copies)
        shapes = [{name: (x.shape, x.dtype) for name, x in arrays.items()} for arrays in (here, saved)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"the saved environment differs from {self.name!r} with batch={self.batch}")
        self._wait_for_torch()
        self._copies = tree.unflatten(tree.structure(self._copies), [self._put(np.array(saved[name])) for name in here])
        self._view = View(**{name: self._put(np.array(x)) for name, x in state["view"].items()})

    def _named(self, copies) -> dict[str, np.ndarray]:
        """The copies' arrays by where they stand, such as "0/state/unit_health"."""
        util = import_jax()[0].tree_util
        leaves = util.tree_leaves_with_path(copies)
        return {util.keystr(path, simple=True, separator="/"): np.array(leaf) for path, leaf in leaves}

    def close(self) -> None:
        """There is nothing to give back."""


def all_legal(action: torch.Tensor, available: torch.Tensor, continuous: bool) -> bool:
    """Whether `check_actions` would let the actions pass; one number is computed where they are, and read."""
    import torch

    if continuous:
        numbers = not (action.is_complex() or action.dtype == torch.bool)
        return action.shape == available.shape and numbers and bool(action.to(torch.float32).isfinite().all())
    if action.shape != available.shape[:2] or action.dtype not in [getattr(torch, name) for name in INTEGERS]:
        return False
    exists = (action >= 0) & (action < available.shape[-1])  # [B, n]
    index = torch.where(exists, action, 0).long()[..., None]
    return bool((exists & available.gather(-1, index)[..., 0]).all())


def to_numpy(tree):
    """The same with NumPy's arrays, which nobody else writes to, in place of JAX's."""
    return import_jax()[0].tree.map(np.array, tree)
