"""Any PettingZoo game whose agents act at once, your own too, played by a team for one reward.

"pettingzoo/my_package.my_game?size=4" plays `my_package.my_game.parallel_env(size=4)`. Three options are ours:

reward     shared (the usual one): all agents' rewards must be equal; sum or mean of the agents' rewards, the dead's
           counting as 0
horizon    steps after which an episode is cut; needed where the game does not tell when its own clock runs out
processes  how many worker processes share the copies; 0 (the usual one): they run in this process
"""

from __future__ import annotations

import functools
import importlib
import os

import numpy as np
from gymnasium import spaces

from maca_edu.checks import check_integer
from maca_edu.envs import options
from maca_edu.envs.family import Family
from maca_edu.envs.workers import SingleStep, Vector
from maca_edu.team_env import View

REWARDS = ("shared", "sum", "mean")
CLOCKS = ("max_cycles", "max_steps", "horizon")  # what games call the number of steps after which they stop


class ParallelSingle:
    """One PettingZoo `ParallelEnv` as the game of one team, for `workers.Vector`.

    Observations become vectors (numbers flattened, choices one-hot), padded with zeros to the longest. Action spaces
    must be all Discrete or all Box. A mask of legal actions is read from info["action_mask"], or from an observation
    that is a Dict of "observation" and "action_mask". The state is the game's own or, where it has none, all
    observations in a row. Agents that left the game are dead: they see zeros and have one legal action, 0.

    env: a `ParallelEnv`. reward, horizon: see above. Raises ValueError where the spaces or options do not fit.
    """

    winnable = False
    info_names = ()

    def __init__(self, env, reward: str = "shared", horizon: int | None = None):
        if reward not in REWARDS:
            raise ValueError(f"reward={reward!r}; allowed are {', '.join(REWARDS)}")
        self.env, self.reward, self.horizon = env, reward, _horizon(env, horizon)
        self.agents = list(env.possible_agents)
        self.n_agents, self.acts = len(self.agents), [env.action_space(agent) for agent in self.agents]
        self.continuous, sizes = _action_sizes(self.acts)
        self.n_actions = max(sizes)
        self.legal = np.arange(self.n_actions) < np.array(sizes)[:, None]  # [n, A] the actions that exist
        seen = [env.observation_space(agent) for agent in self.agents]
        self.masked = [isinstance(space, spaces.Dict) and "action_mask" in space.spaces for space in seen]
        self.sees = [space["observation"] if mask else space for space, mask in zip(seen, self.masked, strict=True)]
        lengths = [spaces.flatdim(space) for space in self.sees]
        self.obs_size = max(lengths)
        self.real = np.arange(self.obs_size) < np.array(lengths)[:, None]  # [n, d] the numbers that exist
        env.reset(seed=0)
        self.own_state = _has_state(env)
        self.state_size = len(self.reset(0).state)

    def reset(self, seed: int) -> View:
        """Start an episode; the seed decides all that is random in it."""
        self.time = 0
        seen, infos = self.env.reset(seed=seed)
        return self._view(seen, infos, set(self.env.agents))

    def step(self, action: np.ndarray) -> SingleStep:
        """Play a joint action, `[n]` integers or `[n, A]` floats, which are clipped to the agents' spaces.

        Raises ValueError where a reward is not finite, or rewards that should be shared differ.
        """
        acting = [agent for agent in self.agents if agent in self.env.agents]
        joint = {a: self._native(i, action[i]) for i, a in enumerate(self.agents) if a in acting}
        seen, rewards, terminated, truncated, infos = self.env.step(joint)
        self.time += 1
        dead = {agent for agent in acting if terminated.get(agent)}
        cut = {agent for agent in acting if truncated.get(agent)} - dead
        playing = set(self.env.agents) - dead - cut
        over = not playing and not cut
        late = not over and (not playing or self.time >= self.horizon)
        view = self._view(seen, infos, playing or cut or dead)  # the last view is of those who saw the end
        reward = self.team_reward([rewards.get(agent, 0.0) for agent in acting], self.time)
        return SingleStep(view, reward, over, late, None, {})

    def render(self) -> np.ndarray:
        """A picture of the game, uint8 `[height, width, 3]`; it must have been made with render_mode="rgb_array"."""
        return self.env.render()

    def close(self) -> None:
        """Close the game."""
        self.env.close()

    def _native(self, i: int, action):
        """Agent i's action in its own space."""
        space = self.acts[i]
        if not self.continuous:
            return int(action) + int(space.start)
        own = np.asarray(action[self.legal[i]], dtype=space.dtype).reshape(space.shape)
        return np.clip(own, space.low, space.high)

    def _view(self, seen: dict, infos: dict, alive: set) -> View:
        """What the agents in `alive` see, in their own spaces, as padded arrays."""
        obs = np.zeros(self.real.shape, dtype=np.float32)  # [n, d]
        available = self.legal.copy()  # [n, A]
        here = np.array([agent in alive for agent in self.agents])  # [n]
        for i, agent in enumerate(self.agents):
            if here[i]:
                own = seen[agent]["observation"] if self.masked[i] else seen[agent]
                mask = seen[agent]["action_mask"] if self.masked[i] else infos.get(agent, {}).get("action_mask")
                obs[i, self.real[i]] = _vector(self.sees[i], own)
                available[i, self.legal[i]] = True if mask is None else _checked_mask(agent, mask, self.legal[i].sum())
            elif not self.continuous:
                available[i] = np.arange(self.n_actions) == 0
        return View(obs, self._state(obs), available, here)

    def _state(self, obs: np.ndarray) -> np.ndarray:
        """The game's own state as a vector `[s]`, or all observations in a row."""
        return np.array(self.env.state(), dtype=np.float32).reshape(-1) if self.own_state else obs[self.real]

    def team_reward(self, rewards: list, step: int) -> float:
        """The team's reward from those of the agents who acted. step: which step of the episode, for messages.

        Raises ValueError where one is not finite, or where they should be equal and are not.
        """
        if not np.isfinite(rewards).all():
            raise ValueError(f"the rewards of step {step} are {rewards}; they must be finite")
        if self.reward != "shared":
            return float(sum(rewards)) / (self.n_agents if self.reward == "mean" else 1)
        low, high = min(rewards), max(rewards)
        if high - low > 1e-6 * max(1.0, abs(low)):
            raise ValueError(
                f"the rewards of step {step} are {[float(r) for r in rewards]}; a team shares one reward: "
                "say what it is with the option reward=sum or reward=mean"
            )
        return float(rewards[0])


def _horizon(env, asked: int | None) -> int:
    """Steps after which an episode is cut: by the game's own clock, or after those asked for if that is earlier."""
    found = [getattr(game, word, None) for game in (env, getattr(env, "unwrapped", env)) for word in CLOCKS]
    known = [number for number in found if isinstance(number, int) and number > 0]
    if asked is not None:
        return min([check_integer("horizon", asked, 1), *known[:1]])
    if not known:
        raise ValueError("the game does not tell when its clock runs out; say it with the option horizon=100")
    return known[0]


def _has_state(env) -> bool:
    """Whether the game, already reset, has a state of its own."""
    try:
        return hasattr(env, "state") and env.state() is not None
    except NotImplementedError:
        return False


def _action_sizes(acts: list) -> tuple[bool, list[int]]:
    """Whether actions are continuous, and each agent's number of actions, or of numbers in one where continuous."""
    if all(isinstance(space, spaces.Discrete) for space in acts):
        return False, [int(space.n) for space in acts]
    if all(isinstance(space, spaces.Box) and space.dtype.kind == "f" for space in acts):
        return True, [int(np.prod(space.shape)) for space in acts]
    kinds = ", ".join(sorted({str(space) for space in acts}))
    raise ValueError(f"the action spaces are {kinds}; allowed are all Discrete, or all Box of floating-point numbers")


def _vector(space, value) -> np.ndarray:
    """A value of an observation space as a vector of numbers."""
    if isinstance(space, spaces.Box):
        return np.asarray(value, dtype=np.float32).reshape(-1)
    return spaces.flatten(space, value)


def _checked_mask(agent: str, mask, size: int) -> np.ndarray:
    """The mask as bool `[size]`. Raises ValueError where it has another length or allows nothing."""
    mask = np.asarray(mask, dtype=bool)
    if mask.shape != (size,) or not mask.any():
        raise ValueError(f"the action mask of agent {agent!r} is {mask}; needed are {size} values, one of them true")
    return mask


def build(name: str, module: str, function: str, chosen: dict):
    """The game that `module.function(**chosen)` makes. Raises ValueError, with the environment's name, if it fails."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # games that draw with pygame would print a greeting
    try:
        make_game = getattr(importlib.import_module(module), function, None)
    except ModuleNotFoundError as error:
        root = error.name.partition(".")[0]
        raise ValueError(
            f"env={name!r}: there is no Python module {error.name!r}; check the name or get it with pip install {root}"
        ) from None
    if make_game is None:
        raise ValueError(f"env={name!r}: the module {module!r} has no function {function!r}; it must make the game")
    try:
        return make_game(**chosen)
    except (TypeError, AssertionError) as error:
        raise ValueError(f"env={name!r}: {error}") from error


def wrap(name: str, env, reward: str, horizon: int | None) -> ParallelSingle:
    """`ParallelSingle(env, reward, horizon)`. Raises ValueError, with the environment's name, if it fails."""
    try:
        return ParallelSingle(env, reward, horizon)
    except ValueError as error:
        raise ValueError(f"env={name!r}: {error}") from error


def single(name: str, **extra) -> ParallelSingle:
    """One copy of the game that `name` asks for. extra: options for the game that are not in its name.

    Raises ValueError where there is no such module or the game cannot be a team's.
    """
    bare, chosen = options.split(name)
    chosen.pop("processes", None)
    reward, horizon = chosen.pop("reward", "shared"), chosen.pop("horizon", None)
    env = build(name, bare.removeprefix("pettingzoo/"), "parallel_env", chosen | extra)
    return wrap(name, env, reward, horizon)


def names() -> list[str]:
    """None: there are as many as modules with a game."""
    return []


def make(name: str, batch: int) -> Vector:
    """`batch` copies of the game, such as "pettingzoo/mpe2.simple_spread_v3?reward=sum".

    Raises ValueError where there is no such module or the game cannot be a team's.
    """
    processes = options.split(name)[1].get("processes", 0)
    return Vector(functools.partial(single, name), batch, processes, name)


FAMILY = Family(names, make, packages=("pettingzoo",))
