"""Record whom MACA's critic attends to while a team learns, for the sigma explorer.

    python -m maca_edu.experiments.attention_records

A team is trained on each of a few games, and at some updates three things are written down about one moment of the
game: the attention of every agent, the policy, and the exact Q of that policy. The file is part of the package:
maca_edu/widgets/data/attention.json, with its command, seeds, date and versions.
"""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from maca_edu import envs, exact
from maca_edu.credit import attention_rollout
from maca_edu.experiments.presets import preset
from maca_edu.files import write_whole
from maca_edu.team_env import View
from maca_edu.training.learner import Learner
from maca_edu.training.loop import one_step
from maca_edu.training.methods import find
from maca_edu.training.records import as_seen
from maca_edu.training.trainer import Trainer
from toy_envs import fridge_v0, longring_v0, ring_v0, warehouse_v0

OUT = Path(__file__).parents[1] / "widgets" / "data" / "attention.json"
COMMAND = "python -m maca_edu.experiments.attention_records"
UPDATES = (0, 1, 2, 4, 8, 16, 32, 64)
SEED, GAMMA = 0, 0.99
BATCH = 16


class Subject(NamedTuple):
    """A game, the environment that a team learns in, and the moment that is looked at."""

    title: str
    game: object  # of toy_envs
    env: str
    state: np.ndarray  # [1, D]
    moment: str  # in words


def subjects() -> list[Subject]:
    """The games of the explorer."""
    ring, warehouse = longring_v0.game(7, 3, rounds=8, moving=True), warehouse_v0.game("small")
    start = np.zeros((1, 1), dtype=np.int64)
    at_work = warehouse.place(cells=[(1, 1), (1, 1), (2, 2)], loads=[0, 1, 2])
    return [
        Subject("Fridge", fridge_v0.game(), "toy/fridge", start, "the one state of the game"),
        Subject("Ring of eight", ring_v0.game(8, 3), "toy/ring?n_agents=8&span=3", start, "the one state of the game"),
        Subject(
            "Long ring that moves", ring, "toy/longring?n_agents=7&span=3&rounds=8&moving=true", np.array([[0, 2]]),
            "the first round, ropes between every second agent",
        ),
        Subject(
            "Warehouse", warehouse, "toy/warehouse?preset=small", at_work,
            "A and B stand at their load, the load of all three is delivered",
        ),
    ]  # fmt: skip


def learners(subject: Subject) -> Iterator[tuple[int, Learner]]:
    """A team that learns, after each number of updates in UPDATES."""
    config, _ = preset(None, subject.env, "maca")
    trainer = Trainer(envs.make(subject.env, BATCH), find("maca"), SEED, config, UPDATES[-1])
    for update in range(UPDATES[-1] + 1):
        if update in UPDATES:
            yield update, trainer.learner
        if update < UPDATES[-1]:
            one_step(trainer)


@torch.no_grad()
def policies(learner: Learner, game, states: np.ndarray) -> np.ndarray:
    """The policy in each of the states, `[S, n, A]`."""
    seen = seen_in(game, states)
    distribution, _ = learner.actor(seen.obs, seen.available, None, None)
    policy = distribution.probs.double().numpy()
    return policy / policy.sum(axis=-1, keepdims=True)  # 1 in double precision, too


@torch.no_grad()
def attention(learner: Learner, game, state: np.ndarray) -> np.ndarray:
    """Who attends to whom in one state, `[n, n]`."""
    encoding, _ = learner.critic.net(seen_in(game, state).obs, None, None)
    return attention_rollout(encoding.attentions)[0].double().numpy()


def seen_in(game, states: np.ndarray):
    """What agents and critic see in states `[S, D]`."""
    shape = (len(states), len(game.agents))
    everything = np.ones((*shape, len(game.actions)), dtype=bool)
    view = View(game.observe(states), game.features(states), everything, np.ones(shape, dtype=bool))
    return as_seen(view, torch.device("cpu"))


def exact_q(subject: Subject, learner: Learner) -> np.ndarray:
    """Q of the state that is looked at, `[A] * n`, if everybody follows the policy from the next step on."""
    game = subject.game
    if game.horizon == 1:
        return game.payoff()
    if subject.title.startswith("Long ring"):  # what is done now changes nothing later: V only adds a constant
        return game.round_game(int(subject.state[0, 1])).payoff()
    enumeration = exact.enumerate_states(game)
    _, Q = exact.solve(game, policies(learner, game, enumeration.states), GAMMA, enumeration)
    (number,) = np.flatnonzero((enumeration.states == subject.state).all(axis=1))
    return Q[number]


def record(subject: Subject) -> dict:
    """Everything that the explorer shows of one game."""
    partners = subject.game.members(subject.state)[0].astype(int)  # [K, n]
    steps = []
    for updates, learner in learners(subject):
        steps.append(
            {
                "update": updates,
                "attention": attention(learner, subject.game, subject.state).round(5).tolist(),
                "policy": policies(learner, subject.game, subject.state)[0].round(6).tolist(),
                "q": exact_q(subject, learner).round(6).ravel().tolist(),
            }
        )
        print(f"{subject.title}: {updates} updates", flush=True)
    return {
        "title": subject.title,
        "env": subject.env,
        "moment": subject.moment,
        "agents": list(subject.game.agents),
        "actions": list(subject.game.actions),
        "partners": (partners.T @ partners > 0).astype(int).tolist(),
        "steps": steps,
    }


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)
    about = {
        "command": COMMAND,
        "seed": SEED,
        "date": datetime.date.today().isoformat(),
        "versions": {name: version(name) for name in ("maca-edu", "torch", "numpy")}
        | {"python": platform.python_version()},
    }
    write_whole(OUT, json.dumps({"about": about, "games": [record(subject) for subject in subjects()]}) + "\n")


if __name__ == "__main__":
    main()
