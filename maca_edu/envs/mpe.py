"""The paper's three particle games (Table 5), from the package mpe2: mpe/simple_spread?continuous=false.

continuous  true as in the paper, or false: five moves, letters, or in simple_reference all 50 pairs of both
reward      sum of the agents' rewards, as in HARL, on which the paper builds; mean; or shared, where they are equal
horizon     25
processes   how many worker processes play, 0: this one, which is faster for games as small as these
All other options are mpe2's own: N and local_ratio of simple_spread, ...

Rewards. Speaker and listener share theirs. Elsewhere an agent gets local_ratio = .5 times its own (Spread: -1 for each
collision it is in; Reference: minus the distance that it should shorten) and .5 times the team's.

Compared with Table 5. HARL asks for pettingzoo 1.22.2, whose games differ from mpe2's in two ways:
* In its simple_spread_v2 each agent also collides with itself: with three agents, 25 steps and the sum of the rewards
  that is a constant -37.5 in the return. simple_spread_v3 has it no more. Table 5's returns make sense with it only:
  here random actions get -78 and agents that go straight to landmarks of their own, the nearest way in total, -20.1
  (512 episodes, standard error .4), -57.6 with the constant; MACA's -61.95 would be -24.5 here, MAPPO's -67.96 -30.5.
* There an action moves its agent in the same step; mpe2 adds the old speed to the place before it changes the speed, so
  that it does so in the next one. For the agents that go straight this makes .4.
"""

from __future__ import annotations

import functools

from maca_edu.envs import options
from maca_edu.envs.particles import Particles
from maca_edu.envs.pettingzoo import ParallelSingle, build, wrap
from maca_edu.envs.workers import Vector

PACKAGES = ("mpe2",)
GAMES = {
    "mpe/simple_spread": "mpe2.simple_spread_v3",
    "mpe/simple_reference": "mpe2.simple_reference_v3",
    "mpe/simple_speaker_listener": "mpe2.simple_speaker_listener_v4",
}
TOGETHER = {"continuous", "reward", "horizon", "processes", "N", "local_ratio", "dynamic_rescaling"}


class Direct:
    """mpe2's game as its `parallel_env` plays it, without the wrappers in which agents take turns.

    They cost as much time as the game. They check actions, which `Vector` does, and hand them over one by one.
    """

    def __init__(self, game):
        self.game, self.max_cycles, self.possible_agents = game, game.max_cycles, game.possible_agents
        self.observation_space, self.action_space = game.observation_space, game.action_space
        self.render = game.render
        self.agents: list[str] = []

    def reset(self, seed: int):
        """Observations and empty infos."""
        self.game.reset(seed=seed)
        self.agents = list(self.possible_agents)
        return self._observations(), {}

    def step(self, actions: dict):
        """Observations, rewards, terminations, truncations and empty infos by agent."""
        game, agents = self.game, self.agents
        game.current_actions = [actions[agent] for agent in agents]
        game._execute_world_step()
        game.steps += 1
        late = game.steps >= game.max_cycles
        over = not late and game.scenario.is_terminal(game.world)
        if late or over:
            self.agents = []
        return self._observations(), game.rewards, dict.fromkeys(agents, over), dict.fromkeys(agents, late), {}

    def close(self) -> None:
        """Nothing: the game's own `close` would end drawing in all other copies too."""

    def _observations(self) -> dict:
        game = self.game
        return {agent.name: game.scenario.observation(agent, game.world) for agent in game.world.agents}


def single(name: str, **extra) -> ParallelSingle:
    """One copy of the game that `name` asks for; extra: options for mpe2 that are not in the name."""
    bare, chosen = options.split(name)
    if bare not in GAMES:
        raise ValueError(f"env={name!r}; allowed are {', '.join(GAMES)}, options as in mpe/simple_spread?N=5")
    chosen.pop("processes", None)
    own = dict(reward=chosen.pop("reward", "sum"))
    told = dict(max_cycles=chosen.pop("horizon", 25), continuous_actions=chosen.pop("continuous", True))
    return wrap(name, Direct(build(name, GAMES[bare], "raw_env", chosen | told | extra)), own)


def names() -> list[str]:
    """The particle games' names."""
    return list(GAMES)


def make(name: str, batch: int) -> Particles | Vector:
    """`batch` copies of the game that `name` asks for, such as "mpe/simple_spread?continuous=false".

    They are stepped together by `Particles`; with processes, or with an option of mpe2's that changes what agents see
    or when games end, mpe2 steps each by itself. Raises ValueError where there is no such game or option, or mpe2 is
    not installed.
    """
    chosen = options.split(name)[1]
    processes = chosen.get("processes", 0)
    if processes == 0 and chosen.keys() <= TOGETHER:
        return Particles(single(name), batch, name)
    return Vector(functools.partial(single, name), batch, processes, name)
