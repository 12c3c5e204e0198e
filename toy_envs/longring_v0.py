"""Long ring: the ring played for many rounds, so that what an agent does now is heard among all that follows.

In every round each of the n agents rests or pulls. Each of the n ropes joins `span` agents and pays when all of them
pull; pulling costs each agent something. The game ends after `rounds` rounds. Five agents, span 2:

    term       agents    pays, in every round
    pull_AB    A, B      reward if both pull, otherwise 0
    ...                  and so on round the circle, up to pull_EA, which joins E and A
    cost_A     A         -cost if A pulls, otherwise 0
    ...                  and so on for every agent

Best where reward > cost: everybody pulls in every round, for rounds * n * (reward - cost). What is done in one round
changes nothing in the next, so Q(s, a) = r(s, a) + gamma V(next round): the credit of an action is that of the one-shot
ring, and only the noise of a return grows with the number of rounds.

With moving=True the ropes are tied anew after every round. Rope i joins the agents i, i + d, i + 2d, ... (modulo n);
the distance d is drawn from 1 to (n - 1) // span when the game begins, and grows by one each round, from the largest
back to 1. Then no fixed set of agents owns a rope, so the terms `rope_0`, `rope_1`, ... are declared over all agents
and `members(state)` names those of the round. Every agent sees who shares a rope with it.
"""

from __future__ import annotations

import numpy as np

from toy_envs import ring_v0
from toy_envs.adapter import checked_options, environments
from toy_envs.core import (
    OneShotGame,
    RewardTerm,
    Step,
    agent_names,
    check_action,
    check_generator,
    check_integer,
    check_number,
)
from toy_envs.render import render_one_shot

PULL = 1


class LongRing:
    """The game. A state is a row of D = 2 integers: the rounds played, and the distance d between a rope's agents.

    The arguments are those of `game`.
    """

    name = "longring_v0"
    actions = ("rest", "pull")

    def __init__(self, n_agents, span, rounds, reward, cost, moving):
        self.span = check_integer("span", span, 2, 3)
        self.n_agents = check_integer("n_agents", n_agents, self.span + 1, 100)
        self.horizon = check_integer("rounds", rounds, 1)
        self.reward, self.cost = check_number("reward", reward), check_number("cost", cost)
        if not isinstance(moving, bool | np.bool_):
            raise ValueError(f"moving={moving!r}; allowed are True and False")
        self.moving = bool(moving)
        self.distances = (self.n_agents - 1) // self.span if self.moving else 1
        if self.moving and self.distances == 1:
            raise ValueError(
                f"moving=True with n_agents={self.n_agents} leaves one way to tie ropes of {self.span}; "
                f"allowed is an n_agents of at least {2 * self.span + 1}"
            )
        self.agents = agent_names(self.n_agents)
        start, place = np.arange(self.n_agents)[:, None], np.arange(self.span)
        distance = np.arange(1, self.distances + 1)[:, None, None]
        self._ropes = (start + distance * place) % self.n_agents  # [distances, n ropes, span]
        self.reward_terms = self._declare_terms()

    def _declare_terms(self) -> tuple[RewardTerm, ...]:
        """The ropes, then what pulling costs each agent."""
        if self.moving:
            everybody = tuple(range(self.n_agents))
            ropes = [RewardTerm(f"rope_{i}", everybody) for i in range(self.n_agents)]
        else:
            ropes = [RewardTerm(term.name, term.agents) for term in self.round_game(1).reward_terms[: self.n_agents]]
        return (*ropes, *(RewardTerm(f"cost_{name}", (i,)) for i, name in enumerate(self.agents)))

    # -- states -------------------------------------------------------------------------------------------------------

    def reset(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """Initial states `[B, 2]`: no round played, and where ropes move a distance drawn at random."""
        check_generator("rng", rng)
        state = np.zeros((check_integer("batch", batch, 1), 2), dtype=np.int64)
        state[:, 1] = rng.integers(1, self.distances + 1, size=batch) if self.moving else 1
        return state

    def initial_states(self) -> tuple[np.ndarray, np.ndarray]:
        """Every initial state `[S0, 2]` and its probability `[S0]`."""
        states = np.array([[0, distance] for distance in range(1, self.distances + 1)])
        return states, np.full(self.distances, 1 / self.distances)

    def step(self, state: np.ndarray, action: np.ndarray) -> Step:
        """Play a round with joint actions `[B, n]` in states `[B, 2]`. ValueError where one is not of this game."""
        state = self._checked(state)
        pulls = check_action(action, len(state), self.n_agents, 2) == PULL  # [B, n]
        ropes = self._ropes[state[:, 1] - 1]  # [B, n ropes, span]
        together = np.take_along_axis(pulls[:, None, :], ropes, axis=2).all(axis=2)  # [B, n ropes]
        payments = np.concatenate([self.reward * together, -self.cost * pulls], axis=1) + 0.0  # no -0.0
        played = state[:, 0] + 1
        distance = state[:, 1] % self.distances + 1
        return Step(np.stack([played, distance], axis=1), payments, played >= self.horizon)

    def members(self, state: np.ndarray) -> np.ndarray:
        """Who belongs to each term, bool `[B, 2n, n]`: the ropes as they are tied in each state, then the costs."""
        state = self._checked(state)
        member = np.zeros((len(state), 2 * self.n_agents, self.n_agents), dtype=bool)
        ropes = self._ropes[state[:, 1] - 1]  # [B, n ropes, span]
        np.put_along_axis(member[:, : self.n_agents], ropes, True, axis=2)
        member[:, self.n_agents :] = np.eye(self.n_agents, dtype=bool)
        return member

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Who one is (one-hot), the share of rounds that are left, and where ropes move who shares one with oneself.

        float32 `[B, n, n + 1]`, or `[B, n, 2n + 1]` where ropes move; a mate counts 1, oneself 0.
        """
        state = self._checked(state)
        n, eye = self.n_agents, np.eye(self.n_agents, dtype=np.float32)
        who = np.broadcast_to(eye, (len(state), n, n))
        left = np.broadcast_to(self._left(state)[:, None, None], (len(state), n, 1))
        if not self.moving:
            return np.concatenate([who, left], axis=2)
        ropes = self.members(state)[:, :n].astype(np.float32)  # [B, n ropes, n]
        mates = np.minimum(ropes.transpose(0, 2, 1) @ ropes, 1.0) - eye  # [B, n, n]
        return np.concatenate([who, left, mates], axis=2)

    def features(self, state: np.ndarray) -> np.ndarray:
        """Which round comes next, and where ropes move their distance, both one-hot.

        float32 `[B, rounds]` or `[B, rounds + distances]`. After the last round no round is marked. (A single number,
        the share that is left, would be lost on networks that normalise what they read.)
        """
        state = self._checked(state)
        rounds = np.eye(self.horizon + 1, self.horizon, dtype=np.float32)[state[:, 0]]
        if not self.moving:
            return rounds
        return np.concatenate([rounds, np.eye(self.distances, dtype=np.float32)[state[:, 1] - 1]], axis=1)

    def _left(self, state: np.ndarray) -> np.ndarray:
        """The share of rounds that are left, float32 `[B]`."""
        return np.float32(1.0) - (state[:, 0] / self.horizon).astype(np.float32)

    def _checked(self, state) -> np.ndarray:
        """States `[B, 2]` of this game. ValueError where they are not."""
        state = np.asarray(state)
        if state.ndim != 2 or state.shape[1] != 2 or state.dtype.kind not in "iu":
            raise ValueError(f"state has shape {state.shape} and dtype {state.dtype}; expected (B, 2) integers")
        wrong = (state < (0, 1)) | (state > (self.horizon, self.distances))
        if wrong.any():
            row = state[wrong.any(axis=1)][0].tolist()
            raise ValueError(f"state={row}; allowed are 0 to {self.horizon} rounds and distances 1 to {self.distances}")
        return state

    # -- pictures -----------------------------------------------------------------------------------------------------

    def round_game(self, distance: int) -> OneShotGame:
        """One round as a one-shot game, its ropes tied at a distance."""
        one_shot = ring_v0.game(self.n_agents, self.span, self.reward, self.cost)
        pulled, costs = one_shot.reward_terms[0].table, one_shot.reward_terms[self.n_agents :]
        ropes = []
        for rope in self._ropes[distance - 1].tolist():
            name = "pull_" + "".join(self.agents[i] for i in rope)
            ropes.append(RewardTerm(name, tuple(rope), pulled))
        return OneShotGame(self.n_agents, 2, [*ropes, *costs], self.name, self.actions)

    def render(self, state: np.ndarray, action, payments, mode: str) -> str | np.ndarray:
        """The round that led to the state `[2]`, as text ("ansi") or uint8 `[H, W, 3]` ("rgb_array").

        action `[n]` and payments `[K]` of that round are None before the first, which shows how the ropes are tied.
        """
        played, distance = state.tolist()
        if action is not None:  # the ropes of the round that was played
            distance = (distance - 2) % self.distances + 1
        title = f"round {played} of {self.horizon}"
        return render_one_shot(self.round_game(distance), action, mode, title)


@checked_options
def game(
    n_agents: int = 5,
    span: int = 2,
    rounds: int = 20,
    reward: float = 1.0,
    cost: float = 0.25,
    moving: bool = False,
) -> LongRing:
    """Long ring with actions rest (0) and pull (1).

    n_agents: from span + 1 to 100. span: agents on a rope, 2 or 3. rounds: how many are played.
    reward: what a pulled rope pays. cost: what pulling costs each agent in each round.
    moving: the ropes are tied anew after every round; needs 2 * span + 1 agents. ValueError for anything else.
    """
    return LongRing(n_agents, span, rounds, reward, cost, moving)


parallel_env, env = environments(game)
