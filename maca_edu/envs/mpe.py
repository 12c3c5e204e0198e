"""The paper's three particle games (Table 5), from the package mpe2. Options, as in mpe/simple_spread?continuous=false:

continuous  true as in the paper, or false: five moves, words, or in simple_reference all 50 pairs of both
reward      sum of the agents' rewards, as in HARL, on which the paper builds; mean; or shared, where they are equal
horizon     25, steps after which an episode is cut
collisions  of simple_spread: v3, or v2, where each agent also collides with itself, as in the games behind Table 5
processes   how many worker processes share the copies; 0: this process, which is faster for games as small as these
All other options are mpe2's own: N and local_ratio of simple_spread, ...

Actions. The numbers of a continuous action go from 0 to 1, as in HARL, and a team's are clipped to that; they are not
scaled to -1 to 1 as in other games. In three pairs of runs the two did not differ visibly (MAPPO on Spread, preset
quick, 300,000 steps, seeds 0 to 2, 2026-11-29): a team begins with numbers around 0, of which half are clipped, and the
other half push to every side.

Rewards. Speaker and listener share theirs. Elsewhere an agent gets local_ratio = .5 times its own (Spread: -1 for each
collision it is in; Reference: minus the distance that it should shorten) and .5 times the team's.

Compared with Table 5. HARL asks for pettingzoo 1.22.2, whose games differ from mpe2's in two ways:
* In its simple_spread_v2 each agent also collides with itself: with three agents, 25 steps and the sum of the rewards
  that adds a constant -37.5 to the return. simple_spread_v3 no longer does this; collisions=v2 brings it back. Table
  5's returns make sense only with the constant. Without it random actions get -78. Agents that go straight to landmarks
  of their own, so that their ways add up to the least, get -20.1 (512 episodes, standard error .4), which with the
  constant is -57.6. MACA's -61.95 in the table would be -24.5 without it, MAPPO's -67.96 would be -30.5.
* There an action moves its agent in the same step. mpe2 adds the old velocity to the position before it changes the
  velocity, so that the agent moves in the next step. For the agents that go straight this makes .4.
"""

from __future__ import annotations

import functools

from maca_edu.checks import check_integer
from maca_edu.envs import options
from maca_edu.envs.family import Family
from maca_edu.envs.particles import ITSELF, Particles
from maca_edu.envs.pettingzoo import ParallelSingle, build
from maca_edu.envs.workers import Vector

GAMES = {  # the module of mpe2 that has the game
    "mpe/simple_spread": "mpe2.simple_spread_v3",
    "mpe/simple_reference": "mpe2.simple_reference_v3",
    "mpe/simple_speaker_listener": "mpe2.simple_speaker_listener_v4",
}
COLLISIONS = ("v3", "v2")
OURS = {"max_cycles": "horizon", "continuous_actions": "continuous"}  # mpe2's options that have another name here
TOGETHER = {"continuous", "reward", "horizon", "collisions", "processes", "N", "local_ratio", "dynamic_rescaling"}


class Direct:
    """mpe2's game as its `parallel_env` plays it, without the wrappers around the game.

    The wrappers take as much time as the game itself. They let agents take turns and check the actions, which `Vector`
    does already.
    """

    def __init__(self, game):
        self.game, self.max_cycles, self.possible_agents = game, game.max_cycles, game.possible_agents
        self.observation_space, self.action_space = game.observation_space, game.action_space
        self.render = game.render
        self.agents: list[str] = []

    def reset(self, seed: int):
        """Begin an episode. Returns observations and empty infos, by agent."""
        self.game.reset(seed=seed)
        self.agents = list(self.possible_agents)
        return self._observations(), {}

    def step(self, actions: dict):
        """Play a step. Returns observations, rewards, terminations, truncations and empty infos, by agent."""
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
    """One copy of the game that `name` asks for. extra: options for mpe2 that are not in the name.

    Raises ValueError where there is no such game or option.
    """
    bare, chosen = options.split(name)
    if bare not in GAMES:
        raise ValueError(f"env={name!r}; allowed are {', '.join(GAMES)}, options as in mpe/simple_spread?N=5")
    chosen.pop("processes", None)
    reward, with_itself = chosen.pop("reward", "sum"), collides_with_itself(name, chosen)
    for theirs, ours in OURS.items():
        if theirs in chosen:
            raise ValueError(f"env={name!r} has no option {theirs}; it is called {ours} here")
    told = dict(
        max_cycles=check_integer("horizon", chosen.pop("horizon", 25), 1),
        continuous_actions=options.truth("continuous", chosen.pop("continuous", True)),
    )
    game = build(name, GAMES[bare], "raw_env", chosen | told | extra)
    if with_itself:
        game.scenario.reward = functools.partial(reward_of_v2, game.scenario.reward)
    return ParallelSingle(Direct(game), reward, None, name, own_units=True)  # its own clock is max_cycles


def collides_with_itself(name: str, chosen: dict) -> bool:
    """Take the option collisions out of `chosen`: whether it is v2. Raises ValueError where it is neither v2 nor v3, or
    the game that `name` asks for has no collisions."""
    if "collisions" not in chosen:
        return False
    game, version = name.partition("?")[0], chosen.pop("collisions")
    if not game.endswith("/simple_spread"):
        raise ValueError(f"collisions={version!r}; {game} has no collisions, only simple_spread has")
    if version not in COLLISIONS:
        raise ValueError(f"collisions={version!r}; allowed are {', '.join(COLLISIONS)}")
    return version == "v2"


def reward_of_v2(reward, agent, world) -> float:
    """An agent's own reward in simple_spread_v2, from that in simple_spread_v3: it is one collision less."""
    return reward(agent, world) - ITSELF


def names() -> list[str]:
    """The particle games' names."""
    return list(GAMES)


def make(name: str, batch: int) -> Particles | Vector:
    """`batch` copies of the game that `name` asks for, such as "mpe/simple_spread?continuous=false".

    `Particles` steps them all together. Where processes is not 0, or an option of mpe2's changes what agents see or
    when games end (those not in TOGETHER), mpe2 steps each copy by itself.
    Raises ValueError where there is no such game or option, or mpe2 is not installed.
    """
    chosen = options.split(name)[1]
    processes = chosen.get("processes", 0)
    if processes == 0 and chosen.keys() <= TOGETHER:
        return Particles(single(name), batch, name, collides_with_itself(name, chosen))
    return Vector(functools.partial(single, name), batch, processes, name)


FAMILY = Family(names, make, packages=("mpe2",))
