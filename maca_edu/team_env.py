"""The contract between a game and whoever trains in it: B copies of a game, stepped together, one reward for the team.

This is the whole of it: training uses no name of an environment that is not here, and every environment has them all.
The adapters that follow the contract are in `maca_edu.envs`.

Steps are counted per environment, never per agent. Where an episode ends the environment starts the next one by
itself; a step returns both what the agents see now and what they saw last, from which an episode that the clock cut
off is bootstrapped.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np

from maca_edu.checks import check_parts

PARTS = (  # of a `TeamEnv`, as far as training and play need them
    *("name", "batch", "n_agents", "n_actions", "obs_size", "state_size", "horizon", "continuous", "deterministic"),
    *("entities", "reset", "step", "view"),
)
NOTHING = MappingProxyType({})


class View(NamedTuple):
    """What is known before the agents act.

    All four are NumPy arrays, or all four are arrays of another library that speak DLPack: `torch.from_dlpack` gives a
    tensor that shares their memory, on the device where they are. These nobody may write to. Only an environment that
    was made with a device shows them, see `maca_edu.envs.make`.
    """

    obs: np.ndarray  # [B, n, d] float32, each agent's observation
    state: np.ndarray  # [B, s] float32, the state of the game, for a central critic
    available: np.ndarray  # [B, n, A] bool, the legal actions, at least one for each agent
    alive: np.ndarray  # [B, n] bool


class Credit(NamedTuple):
    """Who earned what in a step: the reward as a sum of K terms, each with its members.

    What each term is called stands in `TeamEnv.terms`. The amounts add up to the reward, to rounding.
    """

    amount: np.ndarray  # [B, K] float32, what each term paid
    members: np.ndarray  # [B, K, n] bool, on whose actions each term depends in this step

    def partners(self) -> np.ndarray:
        """Who is a member of a term together with whom, bool `[B, n, n]`; the diagonal is true."""
        members = self.members.astype(np.float32)
        together = members.transpose(0, 2, 1) @ members > 0
        return together | np.eye(members.shape[-1], dtype=bool)


class TeamStep(NamedTuple):
    """What a step returns.

    The views are as `View` says; all else is small and always NumPy's.

    info holds numbers, each `[B]`, that are read where an episode ended; their means over episodes become columns of
    the run's metrics. The adapters in `maca_edu.envs` use these names:

    "dead_allies", "dead_enemies"   how many units of each team are dead after the step (SMAX, SMAC, SMACv2)
    "discarded"                     1 where the game broke down and the episode was given up; the step then counts as
                                    truncated

    Training gives a meaning to "discarded" only: such an episode says nothing of the team and is left out of all
    statistics but the count of discarded ones.
    """

    view: View  # now; where an episode ended, of the next one
    final: View  # after the step and before any reset: where an episode ended, what was seen last; elsewhere as view
    reward: np.ndarray  # [B] float32
    terminated: np.ndarray  # [B] bool, the game is over: nothing follows
    truncated: np.ndarray  # [B] bool, the clock ran out; never where terminated
    won: np.ndarray | None = None  # [B] bool, the episode that ended was won; None where there is no winning
    info: dict[str, np.ndarray] = NOTHING
    credit: Credit | None = None  # None where the game does not declare who earned what


class Part(NamedTuple):
    """Numbers of a state that belong to the units of a group, one unit after the other."""

    first: int  # where the numbers of the group's first unit begin
    width: int  # how many numbers each unit has here


class Group(NamedTuple):
    """Units that a state describes alike, such as the allies in a battle."""

    name: str
    count: int  # how many units there are, the dead ones too
    parts: tuple[Part, ...]  # where their numbers stand
    health_first: bool = False  # the first of a unit's numbers is 0 where it is dead, and only there

    def where(self) -> np.ndarray:
        """Where in a state the numbers of each unit stand, `[count, width]` long, width over all parts."""
        unit = np.arange(self.count)[:, None]
        return np.concatenate([part.first + part.width * unit + np.arange(part.width) for part in self.parts], axis=1)


class Entities(NamedTuple):
    """Which numbers of a state speak of which unit; no number speaks of two."""

    groups: tuple[Group, ...]

    def others(self, state_size: int) -> np.ndarray:
        """Where in a state of that size stand the numbers that speak of no unit, `[k]` long, in order."""
        owned = np.concatenate([group.where().ravel() for group in self.groups])
        return np.setdiff1d(np.arange(state_size), owned)


class TeamEnv(Protocol):
    """B environments of n agents with A actions each.

    Agents whose own spaces are smaller than others' are padded: with zeros in obs, with False in available. Arrays
    that an environment returned are the caller's: later steps do not change them.
    """

    name: str
    batch: int
    n_agents: int
    n_actions: int  # how many actions there are; where continuous, how many numbers an action has
    obs_size: int
    state_size: int
    horizon: int  # steps after which an episode is cut
    continuous: bool  # actions are float32 [B, n, A], clipped to -1 to 1 or the game's own range, see `envs.bounds`;
    # available marks the numbers used
    deterministic: bool  # the same seed and actions give the same episode, so that a saved one can be continued
    terms: tuple[str, ...] | None  # the names of the reward's K terms; None: the game does not declare them
    entities: Entities | None  # which numbers of the state speak of which unit; None: not known

    def reset(self, seed: int) -> View:
        """Start new episodes everywhere; the seed decides all that follows, but for the actions."""

    def step(self, action: np.ndarray) -> TeamStep:
        """Play joint actions, integers `[B, n]` or, where continuous, floats `[B, n, A]`.

        action: a NumPy array; an environment whose views speak DLPack takes a tensor, too, on any device.
        Raises ValueError where one is not legal or not finite.
        """

    def view(self) -> View:
        """What is known now; the view that the last reset or step returned."""

    def fork(self, copies: np.ndarray, seeds: np.ndarray) -> TeamEnv:
        """Another environment, whose copy b starts where copy `copies[b]` of this one stands; this one stays as it is.

        copies: integers `[B']` from 0 to B - 1, any number of times each. seeds: integers `[B']` from 0; what is random
        in copy b from now on follows from `seeds[b]`, so copies with the same seed differ by what is done in them only.
        Raises ValueError where an argument is wrong or the game cannot be copied in the middle of an episode.
        """

    def state_dict(self) -> dict:
        """Arrays, numbers and words from which another copy of the environment goes on identically.

        Where the game is not deterministic, `load_state_dict` begins new episodes instead.
        """

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state` was saved."""

    def close(self) -> None:
        """Give back processes, windows and memory; calling it twice is harmless."""


def check_step(name: str, step: TeamStep) -> TeamStep:
    """Return what a step of the environment `name` gave. Raises ValueError where its reward or its ends are not arrays
    as `TeamStep` says, or an episode was both terminated and truncated."""
    for word in ("terminated", "truncated"):
        said = getattr(step, word)
        if not isinstance(said, np.ndarray) or said.dtype != bool:
            raise ValueError(f"env={name!r}: {word} is {kind_of(said)}; needed is a NumPy array of bool")
    if (step.terminated & step.truncated).any():
        raise ValueError(
            f"env={name!r}: an episode is terminated and truncated; truncated is never where terminated is"
        )
    reward = step.reward
    if not isinstance(reward, np.ndarray) or reward.dtype.kind not in "biuf":
        raise ValueError(f"env={name!r}: reward is {kind_of(reward)}; needed is a NumPy array of numbers")
    if not np.isfinite(reward).all():
        raise ValueError(f"env={name!r}: reward holds {reward[~np.isfinite(reward)][0]}; every number must be finite")
    return step


def kind_of(said) -> str:
    """What somebody said instead of an array, for messages."""
    return f"an array of {said.dtype}" if isinstance(said, np.ndarray) else type(said).__name__


def check_unchanged(name: str, view: View, before: View) -> None:
    """ValueError where a step of the environment `name` wrote into the view before it; before: a copy of that view."""
    for word, now, then in zip(view._fields, view, before, strict=True):
        if not np.array_equal(now, then, equal_nan=True):
            raise ValueError(
                f"env={name!r}: a step changed the {word} that was shown before it; arrays that an environment "
                "returned are the caller's: later steps do not change them"
            )


def check_team_env(name: str, env, words: str = "a TeamEnv, see maca_edu.team_env") -> TeamEnv:
    """Return the argument `env`, which has all that training and play need; words: what is allowed."""
    return check_parts(name, env, PARTS, words)
