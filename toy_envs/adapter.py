"""Every toy game as a PettingZoo environment, with the true credit of each step in `infos`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import parallel_to_aec

from toy_envs.core import Game, check_integer, check_is_game, shown, whole

RENDER_MODES = ("ansi", "rgb_array")


class ParallelGame(ParallelEnv):
    """One copy of a `Game` as a PettingZoo environment in which all agents act at once.

    Every agent receives the same reward, the sum of what the reward terms paid. After a step
    `infos[agent]["credit"]` is {term: amount} and `infos[agent]["members"]` is {term: names of its agents},
    and `sum(infos[agent]["credit"].values()) == reward` to the last bit.

    game: any object with the methods of `toy_envs.core.Game`. Where it has a method
        `render(state, action, payments, mode)` (the state reached [D]; the joint action [n] and the payments [K]
        of the last step, both None after a reset) this draws it; otherwise `toy_envs.render` draws a one-shot game.
    render_mode: None, "ansi" (text) or "rgb_array" (a picture, uint8 [H, W, 3]).

    Raises ValueError for a wrong render_mode or action, gymnasium's ResetNeeded where no episode is running.
    """

    def __init__(self, game: Game, render_mode: str | None = None):
        if render_mode is not None and (not isinstance(render_mode, str) or render_mode not in RENDER_MODES):
            raise ValueError(f"render_mode={shown(render_mode)}; allowed are None, 'ansi' and 'rgb_array'")
        self.game = check_is_game(game)
        self.horizon = game.horizon
        self.render_mode = render_mode
        self.metadata = {"name": game.name, "render_modes": list(RENDER_MODES), "render_fps": 2}
        self.possible_agents = list(game.agents)
        self.agents: list[str] = []
        example = game.reset(np.random.default_rng(0), 1)  # [1, D]
        shape = game.observe(example).shape[2:]
        self._observation_spaces = {agent: Box(-1.0, 1.0, shape, np.float32) for agent in game.agents}
        self._action_spaces = {agent: Discrete(len(game.actions)) for agent in game.agents}
        self.state_space = Box(-1.0, 1.0, game.features(example).shape[1:], np.float32)
        self._rng: np.random.Generator | None = None
        self._state: np.ndarray | None = None  # [1, D]
        self._steps = 0
        self._last: tuple[np.ndarray | None, np.ndarray | None] = (None, None)  # action [n] and payments [K]

    def observation_space(self, agent: str) -> Box:
        """What an agent's observation may be; always the same object for the same agent."""
        return self._observation_spaces[self._checked_name(agent)]

    def action_space(self, agent: str) -> Discrete:
        """What an agent's action may be; always the same object for the same agent."""
        return self._action_spaces[self._checked_name(agent)]

    def _checked_name(self, agent) -> str:
        if not isinstance(agent, str) or agent not in self.possible_agents:
            raise ValueError(f"agent={shown(agent)}; the agents are {', '.join(self.possible_agents)}")
        return agent

    def reset(self, seed: int | None = None, options: dict | None = None):
        """Start an episode; return observations and (empty) infos.

        seed: a new random Generator from this seed; None goes on with the old one. options: not used.
        """
        seed = None if seed is None else check_integer("seed", seed, 0)
        if seed is not None or self._rng is None:
            self._rng = np.random.default_rng(seed)
        self._state = self.game.reset(self._rng, 1)
        self._steps = 0
        self._last = (None, None)
        self.agents = list(self.possible_agents)
        return self._observations(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]):
        """Play one joint action; return observations, rewards, terminations, truncations and infos by agent."""
        if self._state is None:
            raise ResetNeeded("step() was called before reset(); call reset() first")
        if not self.agents:
            raise ResetNeeded("step() was called after the end of the episode; call reset() to start another")
        action = self._joint_action(actions)  # [n]
        members = self.game.members(self._state)[0]  # [K, n] of the state in which the action was taken
        step = self.game.step(self._state, action[None])
        self._state = step.state
        self._steps += 1
        self._last = (action, step.payments[0])
        terminated = bool(step.terminated[0])
        truncated = not terminated and self._steps >= self.game.horizon

        names = [term.name for term in self.game.reward_terms]
        credit = dict(zip(names, step.payments[0].tolist(), strict=True))
        groups = {
            name: tuple(self.possible_agents[i] for i in np.flatnonzero(row))
            for name, row in zip(names, members, strict=True)
        }
        reward = float(sum(credit.values()))
        agents = self.agents
        if terminated or truncated:
            self.agents = []
        infos = {agent: {"credit": dict(credit), "members": dict(groups)} for agent in agents}
        return (
            self._observations(),
            dict.fromkeys(agents, reward),
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            infos,
        )

    def state(self) -> np.ndarray:
        """The whole state as numbers for a central critic, float32 [s]."""
        if self._state is None:
            raise ResetNeeded("state() was called before reset(); call reset() first")
        return self.game.features(self._state)[0]

    def render(self) -> str | np.ndarray:
        """Draw the state reached and the step that led to it: a text ("ansi") or uint8 [H, W, 3] ("rgb_array")."""
        if self.render_mode is None:
            raise ValueError("render_mode=None draws nothing; make the environment with 'ansi' or 'rgb_array'")
        if self._state is None:
            raise ResetNeeded("render() was called before reset(); call reset() first")
        if hasattr(self.game, "render"):
            return self.game.render(self._state[0], *self._last, self.render_mode)
        from toy_envs.render import render_one_shot  # only here, so that playing never loads matplotlib

        return render_one_shot(self.game, self._last[0], self.render_mode)

    def close(self) -> None:
        """Nothing to close: pictures are drawn in memory."""

    def _observations(self) -> dict[str, np.ndarray]:
        return dict(zip(self.possible_agents, self.game.observe(self._state)[0], strict=True))

    def _joint_action(self, actions: dict[str, int]) -> np.ndarray:
        """The dictionary as an integer array [n], or one sentence that says what is wrong with it."""
        if not isinstance(actions, Mapping):
            raise ValueError(f"actions={shown(actions)}; allowed is a dict, the name of every agent to its action")
        for agent in self.possible_agents:
            if agent not in actions:
                raise ValueError(f"actions lacks agent {agent!r}; every agent acts in every step")
        for agent in actions:
            if agent not in self._action_spaces:
                raise ValueError(f"actions names {agent!r}; the agents are {', '.join(self.possible_agents)}")
        return np.array([self._action(agent, actions[agent]) for agent in self.possible_agents])

    def _action(self, agent: str, action) -> int:
        names = self.game.actions
        number = whole(action)
        if number is None or not 0 <= number < len(names):
            allowed = ", ".join(f"{a} ({name})" for a, name in enumerate(names))
            raise ValueError(f"the action of agent {agent!r} is {shown(action)}; allowed are {allowed}")
        return number


def checked_options(make_game: Callable[..., Game]) -> Callable[..., Game]:
    """Decorate a game's constructor so that an unknown option raises ValueError naming those allowed."""
    allowed = tuple(inspect.signature(make_game).parameters)

    @functools.wraps(make_game)
    def checked(*values, **options):
        for name in options:
            if name not in allowed:
                known = ", ".join(allowed) if allowed else "none"
                raise ValueError(f"unknown option {name!r}; the options of this game are: {known}")
        return make_game(*values, **options)

    return checked


def environments(make_game: Callable[..., Game]) -> tuple[Callable[..., ParallelGame], Callable[..., AECEnv]]:
    """The functions `parallel_env` and `env` of a game's module, from its function `game`."""

    def parallel_env(render_mode: str | None = None, **options) -> ParallelGame:
        """The game as a PettingZoo environment in which all agents act at once; options as in `game`."""
        return ParallelGame(make_game(**options), render_mode)

    def env(render_mode: str | None = None, **options) -> AECEnv:
        """The game as a PettingZoo environment in which agents act in turn; options as in `game`."""
        return parallel_to_aec(parallel_env(render_mode, **options))

    return parallel_env, env
