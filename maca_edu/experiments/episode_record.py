"""An episode of a run that is written down: what happened, and the true credit of every step.

The team plays as it trained, its actions drawn from the policy. A game of one step is played eight times, one episode
after the other. True credit is found in two ways:

    exact       where the game can be written out: Q(s, a) of every joint action, `exact.solve`, without the clock
    measured    in all games that can be copied: Q(s, a) - E_{a_i}[Q(s, a)] of the actions played, by copies of the
                moment (`training.counterfactual`), with its standard error

What policy and critic thought is not written down: the run's networks say it again (`experiments.moments`). So a record
can be read, and looked at, without the game. The file is a `training.checkpoint`, numbers and words without code.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np
import torch

from maca_edu import envs, exact
from maca_edu.envs.smax import SmaxEnv
from maca_edu.envs.toy import ToyEnv
from maca_edu.experiments.credit import Moment, play, rollout_of
from maca_edu.team_env import Credit, TeamEnv, TeamStep, View
from maca_edu.training import checkpoint
from maca_edu.training.counterfactual import Worth
from maca_edu.training.learner import Learner
from maca_edu.training.loop import Run
from maca_edu.training.records import Rollout
from toy_envs.core import Game

PLAYS = 8  # episodes of a game of one step
MOST_PAIRS = 6_000_000  # of state and joint action; a game with more is not written out


class Record(NamedTuple):
    """An episode of T steps, n agents, A actions, K terms; S = T + 1 views, the last one after the last step."""

    env: str  # the environment's name
    seed: int  # of the environment and of the actions; of a game of one step the first one, then seed + 1, ...
    obs: np.ndarray  # [S, n, d]
    state: np.ndarray  # [S, s]
    available: np.ndarray  # [S, n, A] bool
    alive: np.ndarray  # [S, n] bool
    action: np.ndarray  # [T, n]
    reward: np.ndarray  # [T]
    terminated: np.ndarray  # [T] bool, the game was over; False at the end: the clock cut the episode
    won: bool | None  # None where there is no winning
    terms: tuple[str, ...]  # the names of the reward's K terms
    amount: np.ndarray  # [T, K], what each paid
    members: np.ndarray  # [T, K, n] bool
    scene: dict[str, np.ndarray]  # what pictures are drawn from, `[T, ...]` each, see `scene_of`
    copies: int  # of each moment, for what was measured
    lookahead: int | None  # how many steps of each copy count; None: all
    credit: np.ndarray  # [T, n], measured Q(s, a) - E_{a_i}[Q(s, a)]
    credit_error: np.ndarray  # [T, n], its standard error
    q: np.ndarray | None  # [T, A, ..., A], exact Q of every joint action; None: the game cannot be written out

    @property
    def steps(self) -> int:
        """T."""
        return len(self.reward)

    def partners(self) -> np.ndarray:
        """Who is a member of a term together with whom, bool `[T, n, n]`; the diagonal is true."""
        return Credit(self.amount, self.members).partners()


# ---------------------------------------------------------------------------------------------------------------------
# Playing


def record_episode(run: Run, seed: int = 0, copies: int = 16, lookahead: int | None = None) -> Record:
    """Play an episode of a run and write it down.

    seed: of the environment and of the actions. copies, lookahead: see `credit.credit_of`; a game that can be written
    out needs few copies. Raises ValueError where the game declares no terms, cannot be copied or drawn, or observations
    are read by running means (feature_norm="running").
    """
    learner = run.learner
    if learner.features is not None:
        raise ValueError("feature_norm='running'; an episode can be recorded where it is 'layer' or 'none'")
    with contextlib.closing(envs.make(run.settings["env"], 1)) as env:
        if env.terms is None:
            raise ValueError(
                f"env={env.name!r} does not declare who earns what; games that do are toy/... and smax/..."
            )
        moments, scenes = [], []
        for episode in range(PLAYS if env.horizon == 1 else 1):
            env.reset(seed + episode)  # as `play` does
            scenes.append(scene_of(env))
            for moment in play(learner, env, seed + episode, copies, lookahead):
                moments.append(moment)
                scenes.append(scene_of(env))
            scenes.pop()  # what is there after the end
        scene = {name: np.stack([each[name] for each in scenes]) for name in scenes[0]}  # before each step
        q = exact_q(env.game, scene["state"], learner) if isinstance(env, ToyEnv) else None
        return record_of(env, seed, moments, scene, copies, lookahead, q)


def record_of(env: TeamEnv, seed: int, moments: list[Moment], scene, copies: int, lookahead, q) -> Record:
    """A record from the moments of an episode."""
    steps = [moment.step for moment in moments]
    views = [*(moment.view for moment in moments), steps[-1].final]
    obs, state, available, alive = (np.concatenate(parts) for parts in zip(*views, strict=True))
    last = steps[-1]
    return Record(
        env=env.name,
        seed=seed,
        obs=obs,
        state=state,
        available=available,
        alive=alive,
        action=np.stack([moment.action for moment in moments]),
        reward=np.concatenate([step.reward for step in steps]),
        terminated=np.concatenate([step.terminated for step in steps]),
        won=None if last.won is None else bool(last.won[0]),
        terms=tuple(env.terms),
        amount=np.concatenate([step.credit.amount for step in steps]),
        members=np.concatenate([step.credit.members for step in steps]),
        scene=scene,
        copies=copies,
        lookahead=lookahead,
        credit=np.stack([moment.advantage.mean for moment in moments]),
        credit_error=np.stack([moment.advantage.error for moment in moments]),
        q=q,
    )


def scene_of(env: TeamEnv) -> dict[str, np.ndarray]:
    """What a picture of the moment is drawn from: a toy game's state, or a battle's units.

    Raises ValueError for other games.
    """
    if isinstance(env, ToyEnv):
        return {"state": env.state_dict()["state"][0]}  # [D]
    if isinstance(env, SmaxEnv):
        units = env.positions()
        return dict(position=units.position[0], health=units.health[0], kind=units.kind[0])  # [u, 2], [u], [u]
    raise ValueError(f"env={env.name!r} cannot be drawn; games that can are toy/... and smax/...")


# ---------------------------------------------------------------------------------------------------------------------
# Exact credit


class FromHere(NamedTuple):
    """A game that always starts in one state, so that only what can follow from there is written out."""

    game: Game
    start: np.ndarray  # [1, D]

    @property
    def name(self):
        """The game's."""
        return self.game.name

    @property
    def agents(self):
        """The game's."""
        return self.game.agents

    @property
    def actions(self):
        """The game's."""
        return self.game.actions

    def step(self, state: np.ndarray, action: np.ndarray):
        """The game's."""
        return self.game.step(state, action)

    def initial_states(self) -> tuple[np.ndarray, np.ndarray]:
        """The one state, which is certain."""
        return self.start, np.ones(1)


def exact_q(game: Game, states: np.ndarray, learner: Learner) -> np.ndarray | None:
    """Q of the learner's policy in the states of an episode, `[T, A, ..., A]`; states: `[T, D]`.

    None where the game is too large to be written out, or the policy remembers, so that it is none of the state alone.
    """
    joint = len(game.actions) ** len(game.agents)
    if learner.config.recurrent or joint > MOST_PAIRS:
        return None
    here = FromHere(game, states[:1])
    try:
        enumeration = exact.enumerate_states(here, max_states=max(MOST_PAIRS // joint, len(states)))
    except ValueError:  # too many states
        return None
    _, q = exact.solve(here, policies(game, enumeration.states, learner), learner.config.gamma, enumeration)
    number = {state.tobytes(): k for k, state in enumerate(enumeration.states)}
    return q[[number[state.tobytes()] for state in states]]


@torch.no_grad()
def policies(game: Game, states: np.ndarray, learner: Learner) -> np.ndarray:
    """The policy in each of the states `[S, D]`, `[S, n, A]`, rows summing to 1 in double precision."""
    alive = np.ones((len(states), len(game.agents)), dtype=bool)
    legal = np.ones((*alive.shape, len(game.actions)), dtype=bool)  # all actions, always
    seen = learner.read(View(game.observe(states), game.features(states), legal, alive))
    distribution, _ = learner.actor(seen.obs, seen.available, None, None)
    policy = distribution.probs.double().numpy()
    return policy / policy.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------------------------------------------------------------
# The file, and the rollout


def save_record(path, record: Record) -> None:
    """Write a record to a file, whole or not at all."""
    checkpoint.save(path, record._asdict())


def load_record(path) -> Record:
    """Read what `save_record` wrote. Raises ValueError where it is no such file; executes nothing."""
    state = checkpoint.load(path)
    if not isinstance(state, dict) or state.keys() != set(Record._fields):
        raise ValueError(f"path={str(path)!r} is not the record of an episode")
    return Record(**state)


def as_rollout(record: Record, learner: Learner) -> Rollout:
    """The episode as a rollout of one environment, for a critic to judge."""
    views = [View(*parts) for parts in zip(*(x[:, None] for x in record[2:6]), strict=True)]  # [1, ...] each
    moments = []
    for t in range(record.steps):
        over, last = record.terminated[t], t == record.steps - 1
        credit = Credit(record.amount[t][None], record.members[t][None])
        ended = dict(terminated=np.array([over]), truncated=np.array([last and not over]))
        step = TeamStep(views[t + 1], views[t + 1], record.reward[t][None], **ended, credit=credit)
        unused = Worth(np.zeros(0), np.zeros(0))
        moments.append(Moment(views[t], record.action[t], step, unused, unused))
    return rollout_of(learner, moments, record.seed)
