"""Games of JaxMARL as team environments: all B copies stepped by one compiled function, on the CPU.

A game is an object with these functions of one copy, written in JAX:

    first(key)            -> copy, view                     a new episode
    move(copy, action)    -> copy, reset key, view, outcome one step, without a restart; outcome: a dict of reward,
                                                            terminated, truncated, won (or None) and info (a dict)

and the numbers n_agents, n_actions, obs_size, state_size, horizon, continuous. A copy is a pair: JaxMARL's state and
the key from which its later random numbers come: key, step key, reset key = split(key, 3) in every step, and
key, reset key = split(key) in a reset. JaxMARL's own automatic reset is not used: it hides the last view.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.team_env import TeamStep, View

RESTARTS = 8  # copies restarted at a time: few episodes end in the same step


def import_jax():
    """The packages jax and jaxmarl.environments, on the CPU, with the compiler's cache kept between runs.

    The cache is in `JAX_COMPILATION_CACHE_DIR` where that is set, otherwise in ~/.cache/maca-edu/jax (or below
    `XDG_CACHE_HOME`). Raises ValueError where a package is missing.
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
    """A game's functions compiled for many copies."""

    def __init__(self, game):
        jax, _ = import_jax()
        self.game, self.start, self.step = game, jax.jit(jax.vmap(self.first)), jax.jit(self.play)

    def first(self, key):
        """A new copy and its view."""
        copy, view = self.game.first(key)
        return strong(copy), view

    def play(self, copies, action):
        """One step of all copies `[B, ...]`, those whose episodes ended restarted: copies, view, final, outcome."""
        import jax
        import jax.numpy as jnp

        copies, reset_keys, final, outcome = jax.vmap(self.game.move)(copies, action)
        copies, B = strong(copies), len(action)

        def restart(carry):
            ended, copies, view = carry
            rows = jnp.nonzero(ended, size=min(RESTARTS, B), fill_value=B)[0]  # B: none, dropped below
            put = partial(jax.tree.map, lambda all, new: all.at[rows].set(new, mode="drop"))
            new_copies, new_view = jax.vmap(self.first)(reset_keys[jnp.minimum(rows, B - 1)])
            return ended.at[rows].set(False, mode="drop"), put(copies, new_copies), put(view, new_view)

        ended = outcome["terminated"] | outcome["truncated"]
        _, copies, view = jax.lax.while_loop(lambda carry: carry[0].any(), restart, (ended, copies, final))
        return copies, view, final, outcome


def strong(tree):
    """The same arrays without JAX's weak types, which would have `step` compiled again for each function's copies."""
    import jax

    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, x.dtype), tree)


class CompiledEnv:
    """`batch` copies of a game (see `team_env.TeamEnv` and the top of this file).

    name: what runs call it. Raises ValueError where batch is not a positive integer.
    """

    deterministic, partners = True, None

    def __init__(self, programs: Programs, batch: int, name: str):
        self.name, self.batch = name, check_integer("batch", batch, 1)
        for field in ("n_agents", "n_actions", "obs_size", "state_size", "horizon", "continuous"):
            setattr(self, field, getattr(programs.game, field))
        self._programs = programs
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
        result = self._programs.step(self._copies, self._checked(np.asarray(action)))
        self._copies = result[0]
        self._view, final, outcome = to_numpy(result[1:])
        return TeamStep(self.view(), final, **outcome)

    def _checked(self, action: np.ndarray) -> np.ndarray:
        """The action as int32 or float32. Raises ValueError where one is not legal or not finite."""
        shape = (self.batch, self.n_agents, self.n_actions)[: 3 if self.continuous else 2]
        kinds, words = ("fiu", "numbers") if self.continuous else ("iu", "integers")
        if action.shape != shape or action.dtype.kind not in kinds:
            raise ValueError(f"action has shape {action.shape} and type {action.dtype}; allowed are {words} {shape}")
        if self.continuous:
            if not np.isfinite(action).all():
                raise ValueError("action has a number that is not finite")
            return action.astype(np.float32)
        inside = (action >= 0) & (action < self.n_actions)
        index = np.where(inside, action, 0)[..., None]
        legal = inside & np.take_along_axis(self._view.available, index, axis=-1)[..., 0]
        if not legal.all():
            b, i = np.argwhere(~legal)[0]
            allowed = np.flatnonzero(self._view.available[b, i]).tolist()
            raise ValueError(f"action[{b}, {i}]={action[b, i]}; allowed there are {allowed}")
        return action.astype(np.int32)

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
        """The copies' arrays by name."""
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
    """The arrays of a tuple or dict, or of those in it, as arrays of NumPy's that nobody else writes to."""
    return import_jax()[0].tree.map(np.array, tree)
