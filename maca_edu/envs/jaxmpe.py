"""The paper's three particle games once more, from JaxMARL, all copies stepped by one compiled function.

The names' options are those of `mpe`: continuous=true, reward=sum (of the agents' rewards) or mean, horizon=25.
Agents, observations, actions and rewards are in mpe2's order, and from the same bodies and the same action a step of
JaxMARL's leads to the same bodies, observations and rewards, up to rounding (float32 here, float64 in mpe2).

What differs:

* Episodes begin with other random numbers, of the same distribution.
* JaxMARL looks at its clock before it counts the step, so its own episodes have one step more; ours have `horizon`.
* mpe2's further options (N, local_ratio, curriculum, ...) are not offered.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs import options
from maca_edu.envs.compiled import CompiledEnv, Programs, import_jax
from maca_edu.team_env import View

PACKAGES = ("jaxmarl",)
CONTINUOUS = True  # as long as no option says otherwise
GAMES = {
    "jaxmpe/simple_spread": "SimpleSpreadMPE",
    "jaxmpe/simple_reference": "SimpleReferenceMPE",
    "jaxmpe/simple_speaker_listener": "SimpleSpeakerListenerMPE",
}
REWARDS = ("sum", "mean")


class Game:
    """A particle game for `compiled.Programs`: JaxMARL's environment, its agents' spaces padded to the largest."""

    def __init__(self, game: str, continuous: bool, reward: str, horizon: int):
        _, environments = import_jax()
        self.game = getattr(environments, game)(action_type="Continuous" if continuous else "Discrete")
        self.continuous, self.reward, self.horizon = continuous, reward, horizon
        team = self.game.agents
        spaces = [self.game.action_space(agent) for agent in team]
        self.acts = [space.shape[0] if continuous else space.n for space in spaces]  # of each agent
        self.sees = [self.game.observation_space(agent).shape[0] for agent in team]  # of each agent
        self.n_agents, self.n_actions, self.obs_size = len(team), max(self.acts), max(self.sees)
        self.state_size = sum(self.sees)

    def first(self, key):
        """A new episode and its view."""
        import jax

        key, reset_key = jax.random.split(key)
        obs, state = self.game.reset(reset_key)
        return (state, key), self.see(obs)

    def see(self, obs) -> View:
        """What is known before the agents act: obs [n, d] padded with zeros, state [s] all observations in a row."""
        import jax.numpy as jnp

        each = [obs[agent] for agent in self.game.agents]
        padded = jnp.stack([jnp.pad(own, (0, self.obs_size - len(own))) for own in each])
        legal = np.arange(self.n_actions) < np.array(self.acts)[:, None]  # [n, A]
        return View(padded, jnp.concatenate(each), jnp.array(legal), jnp.ones(self.n_agents, dtype=bool))

    def move(self, copy, action):
        """One step of one copy; action [n], or [n, A] where continuous, clipped to 0 to 1."""
        import jax
        import jax.numpy as jnp

        state, key = copy
        key, step_key, reset_key = jax.random.split(key, 3)
        if self.continuous:
            action = [jnp.clip(action[i, :size], 0, 1) for i, size in enumerate(self.acts)]
        actions = {agent: action[i] for i, agent in enumerate(self.game.agents)}
        obs, state, rewards, _, _ = self.game.step_env(step_key, state, actions)
        total = sum(rewards[agent] for agent in self.game.agents)
        reward = total / self.n_agents if self.reward == "mean" else total
        late = state.step >= self.horizon
        outcome = dict(reward=reward, terminated=jnp.zeros_like(late), truncated=late)
        return (state, key), reset_key, self.see(obs), outcome


@lru_cache
def programs(game: str, continuous: bool, reward: str, horizon: int) -> Programs:
    """The compiled functions of a game, shared by all who play it."""
    return Programs(Game(game, continuous, reward, horizon))


def names() -> list[str]:
    """The particle games' names."""
    return list(GAMES)


def sizes(name: str) -> tuple[int, int]:
    """How many agents and actions (numbers, where continuous) the game called `name` has, without starting anything."""
    bare, chosen = options.split(name)
    reference = 15 if chosen.get("continuous", True) else 50
    return {"jaxmpe/simple_spread": (3, 5), "jaxmpe/simple_reference": (2, reference)}.get(bare, (2, 5))


def make(name: str, batch: int) -> CompiledEnv:
    """`batch` copies of the game that `name` asks for, such as "jaxmpe/simple_spread?continuous=false".

    Raises ValueError where there is no such game or option, or JaxMARL is not installed.
    """
    bare, chosen = options.split(name)
    if bare not in GAMES:
        raise ValueError(f"env={name!r}; allowed are {', '.join(GAMES)}, options as in {names()[0]}?continuous=false")
    continuous, reward = chosen.pop("continuous", True), chosen.pop("reward", "sum")
    horizon = check_integer("horizon", chosen.pop("horizon", 25), 1)
    if chosen:
        raise ValueError(f"env={name!r} has no option {', '.join(chosen)}; allowed are continuous, reward, horizon")
    if not isinstance(continuous, bool):
        raise ValueError(f"continuous={continuous!r}; allowed are true and false")
    if reward not in REWARDS:
        raise ValueError(f"reward={reward!r}; allowed are {', '.join(REWARDS)}")
    return CompiledEnv(programs(GAMES[bare], continuous, reward, horizon), batch, name)
