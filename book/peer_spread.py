"""HARL's MAPPO and ours learn Spread, each by itself, with the same settings.

    PYTHONPATH=HARL python book/peer_spread.py spread 2100 2101 2102 2103 2104
    PYTHONPATH=HARL python book/peer_spread.py spread_long 2110 2111 2112 2113 2114

The word names one of SETTINGS, the numbers are seeds. HARL: see same_update.py, which also has the settings that both
share and `Copies`, by which both play the same game. It adds to book/data/peers/spread.csv and spread_runs.csv, or to
spread_long.csv and spread_long_runs.csv; peer_curves.py draws them.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from peer_curves import Part, Trained, in_parts, run_all
from same_update import ALIKE, harl_plays, harl_runner

from maca_edu import envs
from maca_edu.team_env import View
from maca_edu.training.config import Config
from maca_edu.training.loop import play, train
from maca_edu.training.play import env_seed, play_episodes

SPREAD = "mpe/simple_spread"
EPISODE = 25  # steps
EPISODES = 256  # of greedy play
PARTS = 25  # of a curve


class Setting(NamedTuple):
    """What both sides share beside HARL's file mappo.yaml."""

    rollout: int  # steps, whole episodes
    copies: int
    updates: int
    lr: float
    epochs: int

    @property
    def ours(self) -> Config:
        """As we say it."""
        return dataclasses.replace(ALIKE, rollout=self.rollout, lr=self.lr, epochs=self.epochs)

    @property
    def theirs(self) -> dict[str, float]:
        """As HARL says it."""
        return dict(
            episode_length=self.rollout, n_rollout_threads=self.copies,
            lr=self.lr, critic_lr=self.lr, ppo_epoch=self.epochs, critic_epoch=self.epochs,
        )  # fmt: skip


SETTINGS = {
    "spread": Setting(rollout=25, copies=32, updates=100, lr=1e-3, epochs=10),
    "spread_long": Setting(rollout=200, copies=20, updates=125, lr=5e-4, epochs=5),  # as HARL publishes it for Spread
}


def harl(setting: Setting, seed: int) -> Trained:
    """HARL's MAPPO."""
    with tempfile.TemporaryDirectory() as logs:
        runner = harl_runner(SPREAD, setting.theirs | dict(seed=seed), logs)
    runner.warmup()
    rows = []
    episodes = setting.rollout // EPISODE * setting.copies
    for update in range(1, setting.updates + 1):
        harl_plays(runner)
        total = runner.critic_buffer.rewards.sum()
        rows.append(Part(update * setting.rollout * setting.copies, episodes, float(total / episodes)))
        runner.train()
        runner.after_update()
    played = play_episodes(Greedy(runner), envs.make(SPREAD, EPISODES), env_seed(seed, "evaluate"))
    return Trained(in_parts(rows, PARTS), played.return_mean)


class Greedy:
    """The likeliest actions of HARL's actors, for `play_episodes`."""

    def __init__(self, runner):
        self.actors, size = runner.actor, runner.rnn_hidden_size
        self.blank = np.zeros((EPISODES, 1, size), dtype=np.float32)

    @torch.no_grad()
    def __call__(self, view: View, first: np.ndarray) -> np.ndarray:
        """The actions `[B, n, A]`; without a GRU neither memory nor `first` matter."""
        ones = np.ones((EPISODES, 1), dtype=np.float32)
        chosen = [
            actor.act(view.obs[:, i], self.blank, ones, deterministic=True)[0] for i, actor in enumerate(self.actors)
        ]
        return torch.stack(chosen, dim=1).numpy()


def ours(setting: Setting, seed: int) -> Trained:
    """Our MAPPO."""
    rows = []

    def note(row: dict) -> None:
        rows.append(Part(row["env_steps"], row["episodes"], row["return_mean"]))

    steps = setting.updates * setting.rollout * setting.copies
    run = train(envs.make(SPREAD, setting.copies), "mappo", steps, seed, config=setting.ours, report=note)
    return Trained(in_parts(rows, PARTS), play(run, envs.make(SPREAD, EPISODES), seed).return_mean)


if __name__ == "__main__":
    torch.set_num_threads(1)
    name, *seeds = sys.argv[1:]
    sides = {"HARL's": partial(harl, SETTINGS[name]), "ours": partial(ours, SETTINGS[name])}
    run_all(name, sides, [int(seed) for seed in seeds])
