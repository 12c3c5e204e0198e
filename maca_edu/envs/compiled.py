"""Games of JaxMARL as team environments: all B copies are stepped by one compiled function, on the CPU.

A game is written in JAX for one copy (`Game`); `Programs` compiles it for B copies at once, and `CompiledEnv` is the
`TeamEnv` of them. A copy is a pair: JaxMARL's state, and the key from which the copy's later random numbers come. A
reset does  key, reset key = split(key),  every step  key, step key, reset key = split(key, 3).  JaxMARL's own automatic
reset is not used: it hides the last view.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs.actions import check_actions
from maca_edu.team_env import TeamStep, View

RESTARTS = 8  # copies restarted at a time: few episodes end in the same step


class Outcome(NamedTuple):
    """What happened in a step, in JAX's arrays, in the order of `TeamStep`'s fields after the views."""

    reward: Any  # [] float
    terminated: Any  # [] bool
    truncated: Any  # [] bool
    won: Any = None  # [] bool; None where there is no winning
    info: dict[str, Any] = {}  # noqa: RUF012  # never written to; JAX takes apart dicts, but not read-only ones


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

    def first(self, key) -> tuple[tuple, View]:
        """A new episode: the copy and its view, obs [n, d], state [s], available [n, A], alive [n]."""

    def move(self, copy: tuple, action) -> Moved:
        """Play a joint action, `[n]` or, where continuous, `[n, A]`; an episode that ends is not restarted."""


def import_jax():
    """The packages jax and jaxmarl.environments, on the CPU, with what was compiled kept between runs.

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
            f"smax/... and jaxmpe/... need the package {error.name}: pip install 'maca-edu[jax]'"
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

    name: what runs call it. Raises ValueError where batch is not a positive integer.
    """

    deterministic, partners = True, None

    def __init__(self, programs: Programs, batch: int, name: str):
        self.name, self.batch = name, check_integer("batch", batch, 1)
        self._programs, game = programs, programs.game
        self.n_agents, self.n_actions = game.n_agents, game.n_actions
        self.obs_size, self.state_size = game.obs_size, game.state_size
        self.horizon, self.continuous = game.horizon, game.continuous
        self.reset(0)

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; all later random numbers follow from the seed."""
        words = np.random.SeedSequence(check_integer("seed", seed, 0)).generate_state(2 * self.batch)
        self._copies, view = self._programs.start(on_cpu(words.reshape(self.batch, 2)))  # a key for each copy
        self._view = to_numpy(view)
        return self.view()

    def view(self) -> View:
        """What is known now."""
        return View(*(array.copy() for array in self._view))

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, `[B, n]` integers or `[B, n, A]` floats. Raises ValueError where one is not legal."""
        action = check_actions(action, self._view.available, self.continuous)
        action = action.astype(np.float32 if self.continuous else np.int32, copy=False)  # JAX's usual types
        self._copies, view, final, outcome = self._programs.step(self._copies, action)
        self._view = to_numpy(view)
        return TeamStep(self.view(), to_numpy(final), *to_numpy(outcome))

    def state_dict(self) -> dict:
        """The copies, with their keys, and the last view, all as arrays."""
        return dict(copies=self._named(self._copies), view=self.view()._asdict())

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was called. Raises ValueError where it belongs to another environment."""
        tree, saved = import_jax()[0].tree, state["copies"]
        here = self._named(self._copies)
        shapes = [{name: (x.shape, x.dtype) for name, x in arrays.items()} for arrays in (here, saved)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"the saved environment differs from {self.name!r} with batch={self.batch}")
        self._copies = tree.unflatten(tree.structure(self._copies), [on_cpu(np.array(saved[name])) for name in here])
        self._view = View(**{name: np.array(x) for name, x in state["view"].items()})

    def _named(self, copies) -> dict[str, np.ndarray]:
        """The copies' arrays by where they stand, such as "0/state/unit_health"."""
        util = import_jax()[0].tree_util
        leaves = util.tree_leaves_with_path(copies)
        return {util.keystr(path, simple=True, separator="/"): np.array(leaf) for path, leaf in leaves}

    def close(self) -> None:
        """There is nothing to give back."""


def on_cpu(array: np.ndarray):
    """The array as JAX's, on the CPU."""
    jax, _ = import_jax()
    return jax.device_put(array, jax.devices("cpu")[0])


def to_numpy(tree):
    """The same with NumPy's arrays, which nobody else writes to, in place of JAX's."""
    return import_jax()[0].tree.map(np.array, tree)
