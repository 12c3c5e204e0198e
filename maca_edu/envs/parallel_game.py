"""One copy of a PettingZoo game whose agents act at once, as the game of one team. All that it says is checked.

Where something is wrong, a ValueError names the game, the step, the agent and what is wrong.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import NamedTuple

import numpy as np
from gymnasium import spaces

from maca_edu.checks import check_integer
from maca_edu.envs import readings
from maca_edu.envs.bounds import Bounds, finite_bounds
from maca_edu.envs.game_module import in_words
from maca_edu.envs.workers import SingleStep
from maca_edu.team_env import View

REWARDS = ("shared", "sum", "mean")
CLOCKS = ("max_cycles", "max_steps")  # what games call the number of steps after which they stop
PERHAPS_CLOCK = "horizon"  # some call it so; others call something else so


class Seat(NamedTuple):
    """What one agent sees and does."""

    agent: object  # its name in the game
    acts: spaces.Space  # its actions
    bounds: Bounds | None  # of the numbers in an action; None: in the game's own units, or there are none
    size: int  # how many actions it has, or numbers in one where continuous
    sees: spaces.Space  # its observations, without masks
    length: int  # numbers in an observation
    masked: bool  # its observations should hold a mask


class Clock(NamedTuple):
    """After how many steps an episode is cut."""

    steps: int
    is_sure: bool  # false: it is an attribute called horizon, which is believed until the game goes on after it


class ParallelSingle:
    """One PettingZoo `ParallelEnv` as the game of one team, for `workers.Vector`.

    Observations become vectors (numbers flattened, choices one-hot), padded with zeros to the longest. Action spaces
    must be all Discrete or all Box. Masks of legal actions are read from infos and observations, where they are called
    action_mask, avail_actions, legal_moves or alike; an agent has one always or never. The state is the game's own or,
    where it has none in numbers, all observations in a row. Agents that left the game are dead: they see zeros and have
    one legal action, 0.
    Where actions are numbers, a team's -1 and 1 are the game's lowest and highest, see `bounds.Bounds`.

    env: a `ParallelEnv`. reward: one of REWARDS. horizon: steps after which an episode is cut; None: the game's clock
    tells. name: the environment's, for messages. own_units: actions are numbers in the game's own units.
    Raises ValueError where the spaces or options do not fit, or the first reset is wrong.
    """

    winnable = False
    info_names = ()
    entities = None

    def __init__(
        self,
        env,
        reward: str = "shared",
        horizon: int | None = None,
        name: str | None = None,
        own_units: bool = False,
    ):
        self.env, self.reward, self.time = env, reward, 0
        self.game = "the game" if name is None else f"env={name!r}"
        if reward not in REWARDS:
            raise ValueError(f"{self.game}: reward={reward!r}; allowed are {', '.join(REWARDS)}")
        check_parallel(self.game, env)
        self.clock = _clock(self.game, env, horizon)
        self.horizon = self.clock.steps
        self.agents = list(env.possible_agents)
        self.n_agents = len(self.agents)
        self.continuous, sizes = _action_sizes(self.game, [self._space("action_space", a) for a in self.agents])
        scaled = self.continuous and not own_units
        self.seats = [self._seat(agent, size, scaled) for agent, size in zip(self.agents, sizes, strict=True)]
        self.n_actions, self.obs_size = max(sizes), max(seat.length for seat in self.seats)
        self.legal = np.arange(self.n_actions) < np.array(sizes)[:, None]  # [n, A] the actions that exist
        self.real = np.arange(self.obs_size) < np.array([[seat.length] for seat in self.seats])  # [n, d] real numbers
        self.has_mask: np.ndarray | None = None  # [n] who has a mask of legal actions; known from the first reset
        self.state_size: int | None = None  # the same
        self.own_state = False
        view = self.reset(0)
        self.own_state = self._has_state()
        self.state_size = len(self._state(view.obs))

    # -----------------------------------------------------------------------------------------------------------------
    # Playing

    def reset(self, seed: int) -> View:
        """Start an episode; the seed decides all that is random in it. Raises ValueError where the game is wrong."""
        self.time = 0
        answer = self._ask("reset", self.env.reset, seed=seed)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise ValueError(f"{self.game}: reset returned {readings.short(answer)}; needed are observations and infos")
        seen, infos = answer
        here = self._present()
        if not here:
            raise ValueError(f"{self.game}: nobody is in the game after a reset; its `agents` must be those who play")
        return self._view(seen, infos, here, set())

    def step(self, action: np.ndarray) -> SingleStep:
        """Play a joint action, `[n]` integers or `[n, A]` floats, which are clipped to -1 and 1 or the game's bounds.

        Raises ValueError where the game is wrong, or rewards that should be shared differ.
        """
        acting = [agent for agent in self.agents if agent in self.env.agents]
        joint = {a: self._native(i, action[i]) for i, a in enumerate(self.agents) if a in acting}
        self.time += 1
        answer = self._ask("step", self.env.step, joint)
        if not isinstance(answer, tuple | list) or len(answer) != 5:
            raise ValueError(
                f"{self._where()}: step returned {readings.short(answer)}; needed are observations, rewards, "
                "terminations, truncations and infos"
            )
        seen, rewards, terminated, truncated, infos = answer
        dead = {a for a in acting if readings.flag(self._where(a), "the terminations", terminated, a)}
        cut = {a for a in acting if readings.flag(self._where(a), "the truncations", truncated, a)} - dead
        playing = self._present() - dead - cut
        over = not playing and not cut
        if over and not dead:
            left = ", ".join(map(str, acting))
            raise ValueError(
                f"{self._where()}: agents {left} left the game, and neither terminations nor truncations say so"
            )
        late = not over and (not playing or self.time >= self.horizon)
        if late and playing and not self.clock.is_sure:
            raise ValueError(
                f"{self._where()}: the game goes on, so its attribute {PERHAPS_CLOCK}={self.horizon} is no clock; say "
                "after how many steps to cut an episode with the option horizon=100"
            )
        ended = set(acting) - playing
        view = self._view(seen, infos, playing or cut or dead or ended, ended)  # the last is of those who saw the end
        return SingleStep(view, self._team_reward(rewards, acting, playing), over, late, None, {})

    def render(self) -> np.ndarray:
        """A picture of the game, uint8 `[height, width, 3]`; it must have been made with render_mode="rgb_array"."""
        return self._ask("render", self.env.render)

    def close(self) -> None:
        """Close the game."""
        self.env.close()

    def _where(self, agent=None) -> str:
        """Where in the game something is wrong, for messages: game, step and perhaps agent."""
        when = "reset" if self.time == 0 else f"step {self.time}"
        return f"{self.game}, {when}" if agent is None else f"{self.game}, {when}, agent {agent!r}"

    def _ask(self, word: str, method: Callable, *values, **named):
        """Call the game's own method. Raises ValueError where it fails, or would end the program."""
        try:
            return method(*values, **named)
        except (Exception, SystemExit) as error:
            raise ValueError(f"{self._where()}: the game's {word} failed: {in_words(error)}") from error

    def _present(self) -> set:
        """The agents who are in the game. Raises ValueError where one is not among its possible agents."""
        present = set(self.env.agents)
        for agent in present - set(self.agents):
            known = ", ".join(map(str, self.agents))
            raise ValueError(f"{self._where(agent)}: it is not one of the game's possible agents, {known}")
        return present

    # -----------------------------------------------------------------------------------------------------------------
    # What agents do and see

    def _space(self, word: str, agent) -> spaces.Space:
        """An agent's action_space or observation_space. Raises ValueError where the game fails."""
        return self._ask(word, getattr(self.env, word), agent)

    def unbounded(self) -> list:
        """The agents whose actions have numbers without two finite bounds."""
        acts = [(seat.agent, seat.acts) for seat in self.seats] if self.continuous else []
        return [agent for agent, space in acts if not finite_bounds(space.low, space.high).all()]

    def _seat(self, agent, size: int, scaled: bool) -> Seat:
        """An agent's place in the game; scaled: for the team, its actions' bounds are -1 and 1.

        Raises ValueError where its observations cannot become vectors.
        """
        space = self._space("observation_space", agent)
        sees = readings.without_masks(space)
        masked = isinstance(space, spaces.Dict) and any(map(readings.names_a_mask, space.spaces))
        length = readings.length(self._where(agent), sees)
        acts = self._space("action_space", agent)
        bounds = Bounds.of(acts.low, acts.high) if scaled else None
        return Seat(agent, acts, bounds, size, sees, length, masked)

    def _native(self, i: int, action):
        """Agent i's action in its own space."""
        space, bounds = self.seats[i].acts, self.seats[i].bounds
        if not self.continuous:
            return int(action) + int(space.start)
        own = np.asarray(action[self.legal[i]], dtype=space.dtype).reshape(space.shape)
        return np.clip(own, space.low, space.high) if bounds is None else bounds.in_game(own)

    def _view(self, seen, infos, here: set, ended: set) -> View:
        """What the agents in `here` see, as padded arrays. ended: the agents for whom this step was the last."""
        seen, infos = self._by_agent("observations", seen), self._by_agent("infos", infos)
        obs = np.zeros(self.real.shape, dtype=np.float32)  # [n, d]
        available = self.legal.copy()  # [n, A]
        has_mask = np.zeros(self.n_agents, dtype=bool) if self.has_mask is None else self.has_mask
        for i, seat in enumerate(self.seats):
            agent, is_last = seat.agent, seat.agent in ended
            if agent not in here:
                available[i] = self.legal[i] if self.continuous else np.arange(self.n_actions) == 0
            elif is_last and seen.get(agent) is None:
                obs[i], available[i] = self.before.obs[i], self.before.available[i]
            else:
                where = self._where(agent)
                if seen.get(agent) is None:
                    raise ValueError(f"{where}: there is no observation, although the agent plays on")
                own = readings.seen_in(where, seat.sees, seen[agent])
                obs[i, : seat.length] = readings.vector(where, seat.sees, own)
                masks = readings.masks_in(where, seen[agent], infos.get(agent))
                if self.has_mask is None:
                    has_mask[i] = bool(masks)
                available[i, : seat.size] = self._legal(where, seat, masks, bool(has_mask[i]), is_last)
        self.has_mask = has_mask
        alive = np.array([agent in here for agent in self.agents])  # [n]
        self.before = View(obs, self._state(obs), available, alive)
        return self.before

    def _by_agent(self, what: str, said) -> Mapping:
        """Observations or infos by agent; {} for None. Raises ValueError where they are something else."""
        if said is None:
            return {}
        if not isinstance(said, Mapping):
            raise ValueError(f"{self._where()}: the {what} are {readings.short(said)}; needed is a dictionary by agent")
        for key in said:
            if key not in self.agents and readings.names_a_mask(key):
                raise ValueError(f"{self._where()}: the {what} hold {key!r} beside the agents; give each agent its own")
        return said

    def _legal(self, where: str, seat: Seat, masks: list, has_mask: bool, is_last: bool) -> np.ndarray:
        """An agent's legal actions, bool `[size]`: those that all its masks allow.

        Raises ValueError where it allows none, or the agent has a mask now but not always. Who has just ended may.
        """
        legal = np.ones(seat.size, dtype=bool)
        if is_last:
            return legal  # nothing follows
        if bool(masks) != (has_mask or seat.masked):
            missing, given = ("now", "at other times") if not masks else ("at the first reset", "now")
            raise ValueError(
                f"{where}: there is no mask of legal actions {missing}, but one {given}; an agent needs one always, "
                "reset included, or never"
            )
        for key, value in masks:
            legal &= readings.mask(where, key, value, seat.size, int(getattr(seat.acts, "start", 0)))
        if not legal.any() or (self.continuous and not legal.all()):
            what = "continuous actions are all legal" if self.continuous else "one action must be legal"
            raise ValueError(f"{where}: the masks forbid {np.flatnonzero(~legal).tolist()}; {what}")
        return legal

    def _has_state(self) -> bool:
        """Whether the game, already reset, has a method `state` that gives numbers."""
        for game in (self.env, getattr(self.env, "unwrapped", self.env)):
            method = getattr(game, "state", None)
            if not callable(method) or any(one.default is one.empty for one in _parameters(method)):
                return False
        try:
            state = self.env.state()
            return np.size(state) > 0 and np.asarray(state).dtype.kind in "biuf"
        except NotImplementedError:
            return False
        except (Exception, SystemExit) as error:
            raise ValueError(f"{self._where()}: the game's state failed: {in_words(error)}") from error

    def _state(self, obs: np.ndarray) -> np.ndarray:
        """The game's own state as a vector `[s]`, or all observations in a row."""
        if not self.own_state:
            return obs[self.real]
        state = readings.numbers(self._where(), "the state", self._ask("state", self.env.state))
        if self.state_size not in (None, len(state)):
            raise ValueError(f"{self._where()}: the state has {len(state)} numbers; it had {self.state_size} before")
        return state.astype(np.float32)

    # -----------------------------------------------------------------------------------------------------------------
    # The reward

    def _team_reward(self, rewards, acting: list, playing: set) -> float:
        """The team's reward in this step. Raises ValueError where an agent who plays on gets none."""
        if not isinstance(rewards, Mapping):
            raise ValueError(f"{self._where()}: the rewards are {readings.short(rewards)}; needed is a dictionary")
        earned = []
        for agent in acting:
            own = rewards.get(agent)
            if own is None and agent in playing:
                raise ValueError(f"{self._where(agent)}: there is no reward, although the agent plays on")
            if own is not None:
                earned.append(readings.number(self._where(agent), "the reward", own))
        if not earned:
            raise ValueError(f"{self._where()}: there is no reward of any agent")
        return readings.number(self._where(), "the team's reward", self.team_reward(earned, self.time))

    def team_reward(self, rewards: list, step: int) -> float:
        """The team's reward from those of the agents who acted. step: which step of the episode, for messages.

        Raises ValueError where they should be equal and are not.
        """
        if self.reward != "shared":
            return float(sum(rewards)) / (self.n_agents if self.reward == "mean" else 1)
        low, high = min(rewards), max(rewards)
        if high - low > 1e-6 * max(1.0, abs(low)):
            raise ValueError(
                f"{self.game}: the rewards of step {step} are {[float(r) for r in rewards]}; a team shares one reward: "
                "say what it is with the option reward=sum or reward=mean"
            )
        return float(rewards[0])


# ---------------------------------------------------------------------------------------------------------------------
# What kind of game it is


def check_parallel(game: str, env) -> None:
    """Raise ValueError where `env` is no `ParallelEnv`. game: the beginning of the message."""
    if hasattr(env, "agent_iter"):
        raise ValueError(
            f"{game}: its agents act in turn (an AECEnv); needed is a ParallelEnv, whose agents act at once"
        )
    for word in ("possible_agents", "observation_space", "action_space", "reset", "step"):
        if not hasattr(env, word):
            raise ValueError(f"{game}: {type(env).__name__} has no {word}; needed is a ParallelEnv of PettingZoo")
    agents = list(env.possible_agents)
    if not agents or len(set(agents)) < len(agents):
        raise ValueError(f"{game}: possible_agents={agents}; needed is at least one name, and each once")


def _clock(game: str, env, asked: int | None) -> Clock:
    """After how many steps an episode is cut: as asked for or, where nothing is asked, by the game's own clock."""
    if asked is not None:
        try:
            return Clock(check_integer("horizon", asked, 1), is_sure=True)
        except ValueError as error:
            raise ValueError(f"{game}: {error}") from None
    for word in (*CLOCKS, PERHAPS_CLOCK):
        for part in (env, getattr(env, "unwrapped", env)):
            steps = getattr(part, word, None)
            if isinstance(steps, Integral) and not isinstance(steps, bool) and steps > 0:
                return Clock(int(steps), is_sure=word in CLOCKS)
    raise ValueError(f"{game}: the game does not tell when its clock runs out; say it with the option horizon=100")


def _action_sizes(game: str, acts: list) -> tuple[bool, list[int]]:
    """Whether actions are continuous, and each agent's number of actions, or of numbers in one where continuous."""
    if all(isinstance(space, spaces.Discrete) for space in acts):
        return False, [int(space.n) for space in acts]
    if all(isinstance(space, spaces.Box) and space.dtype.kind == "f" for space in acts):
        return True, [int(np.prod(space.shape)) for space in acts]
    kinds = ", ".join(sorted({str(space) for space in acts}))
    raise ValueError(
        f"{game}: the action spaces are {kinds}; allowed are all Discrete, or all Box of floating-point numbers"
    )


def _parameters(method: Callable) -> list[inspect.Parameter]:
    """The parameters of a method that a call must or may fill; [] where Python cannot tell."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return []
    return [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
