"""The paper's three particle games once more, from JaxMARL, all copies stepped by one compiled function.

The names' options are those of `mpe`: continuous=true, reward=sum (of the agents' rewards) or mean, horizon=25, and
of simple_spread collisions=v3, or v2, where each agent also collides with itself.
Agents, observations, actions and rewards are in mpe2's order. From the same bodies and the same action, a step leads to
the same bodies, observations and rewards as in mpe2, up to rounding: JaxMARL counts in float32, mpe2 in float64.

What differs:

* Episodes begin with other random numbers, of the same distribution.
* mpe2's further options (N, local_ratio, curriculum, ...) are not offered.

JaxMARL looks at its clock before it counts the step, so that its own episodes have one step more; here they have
`horizon` steps.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from maca_edu.checks import check_integer
from maca_edu.envs import options
from maca_edu.envs.compiled import CompiledEnv, Moved, Outcome, Programs, import_jax, place_of
from maca_edu.envs.family import Family, Sizes
from maca_edu.envs.mpe import collides_with_itself
from maca_edu.envs.particles import ITSELF
from maca_edu.team_env import View

if TYPE_CHECKING:
    import torch

REWARDS = ("sum", "mean")


class Known(NamedTuple):
    """What is known of a game without JaxMARL."""

    in_jaxmarl: str  # its class there
    n_agents: int
    numbers: int  # that an action has, where continuous
    actions: int  # that there are, where not


GAMES = {
    "jaxmpe/simple_spread": Known("SimpleSpreadMPE", 3, 5, 5),
    "jaxmpe/simple_reference": Known("SimpleReferenceMPE", 2, 15, 50),
    "jaxmpe/simple_speaker_listener": Known("SimpleSpeakerListenerMPE", 2, 5, 5),
}


class Asked(NamedTuple):
    """What a name asks for."""

    known: Known
    continuous: bool
    reward: str  # one of REWARDS
    horizon: int
    with_itself: bool  # each agent also collides with itself


class Game:
    """A particle game for `compiled.Programs`: JaxMARL's environment, its agents' spaces padded to the largest."""

    terms = None

    def __init__(self, asked: Asked):
        _, environments = import_jax()
        make_game = getattr(environments, asked.known.in_jaxmarl)
        self.game = make_game(action_type="Continuous" if asked.continuous else "Discrete")
        self.continuous, self.reward, self.horizon = asked.continuous, asked.reward, asked.horizon
        self.paid_for_itself = self.game.local_ratio * ITSELF if asked.with_itself else 0.0  # by each agent, every step
        team = self.game.agents
        spaces = [self.game.action_space(agent) for agent in team]
        self.acts = [space.shape[0] if self.continuous else space.n for space in spaces]  # of each agent
        self.sees = [self.game.observation_space(agent).shape[0] for agent in team]  # of each agent
        self.n_agents, self.n_actions, self.obs_size = len(team), max(self.acts), max(self.sees)
        self.state_size, self.entities = sum(self.sees), None

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

    def move(self, copy, action) -> Moved:
        """One step of one copy; action [n], or [n, A] where continuous, clipped to 0 to 1."""
        import jax
        import jax.numpy as jnp

        state, key = copy
        key, step_key, reset_key = jax.random.split(key, 3)
        if self.continuous:
            action = [jnp.clip(action[i, :size], 0, 1) for i, size in enumerate(self.acts)]
        actions = {agent: action[i] for i, agent in enumerate(self.game.agents)}
        obs, state, rewards, _, _ = self.game.step_env(step_key, state, actions)
        total = sum(rewards[agent] - self.paid_for_itself for agent in self.game.agents)
        reward = total / self.n_agents if self.reward == "mean" else total
        late = state.step >= self.horizon
        outcome = Outcome(reward, terminated=jnp.zeros_like(late), truncated=late)
        return Moved((state, key), reset_key, self.see(obs), outcome)


@lru_cache
def programs(asked: Asked) -> Programs:
    """The compiled functions of a game, shared by all who play it in this process."""
    return Programs(Game(asked))


def names() -> list[str]:
    """The particle games' names."""
    return list(GAMES)


def sizes(name: str) -> Sizes:
    """The sizes of the game that `name` asks for; nothing is imported or compiled. Raises ValueError as `make`."""
    asked = _asked(name)
    known, continuous = asked.known, asked.continuous
    return Sizes(known.n_agents, known.numbers if continuous else known.actions, continuous, asked.horizon)


def make(name: str, batch: int, device: torch.device | str | None = None) -> CompiledEnv:
    """`batch` copies of the game that `name` asks for, such as "jaxmpe/simple_spread?continuous=false".

    device: see `envs.make`. Raises ValueError where there is no such game or option, or JaxMARL is not installed.
    """
    asked, place = _asked(name), place_of(device)  # JAX hears of the device before a game is built
    return CompiledEnv(programs(asked), batch, name, place)


def _asked(name: str) -> Asked:
    """What `name` asks for. Raises ValueError where there is no such game or option."""
    bare, chosen = options.split(name)
    if bare not in GAMES:
        raise ValueError(f"env={name!r}; allowed are {', '.join(GAMES)}, options as in {names()[0]}?continuous=false")
    continuous, reward = options.truth("continuous", chosen.pop("continuous", True)), chosen.pop("reward", "sum")
    horizon = check_integer("horizon", chosen.pop("horizon", 25), 1)
    with_itself = collides_with_itself(name, chosen)
    if chosen:
        allowed = "continuous, reward, horizon, and of simple_spread collisions"
        raise ValueError(f"env={name!r} has no option {', '.join(chosen)}; allowed are {allowed}")
    if reward not in REWARDS:
        raise ValueError(f"reward={reward!r}; allowed are {', '.join(REWARDS)}")
    return Asked(GAMES[bare], continuous, reward, horizon, with_itself)


FAMILY = Family(names, make, packages=("jaxmarl",), sizes=sizes, takes_device=True)
