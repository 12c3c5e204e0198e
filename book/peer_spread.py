"""HARL's MAPPO and ours learn Spread, each by itself, with the same settings.

    PYTHONPATH=HARL python book/peer_spread.py 2100 2101 2102 2103 2104

The numbers are seeds. HARL: see same_update.py, which also has the settings that both share and `Copies`, by which both
play the same game. It adds to book/data/peers/spread.csv and spread_runs.csv; peer_curves.py draws them.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile

import numpy as np
import torch
from peer_curves import Part, Trained, in_parts, run_all
from same_update import ALIKE, harl_plays, harl_runner

from maca_edu import envs
from maca_edu.team_env import View
from maca_edu.training.loop import play, train
from maca_edu.training.play import env_seed, play_episodes

SPREAD = "mpe/simple_spread"
HORIZON, COPIES, UPDATES, PARTS = 25, 32, 100, 25  # a rollout is an episode in each copy
EPISODES = 256  # of greedy play
OURS = dataclasses.replace(ALIKE, rollout=HORIZON, lr=1e-3, epochs=10)
THEIRS = dict(
    episode_length=HORIZON, n_rollout_threads=COPIES, lr=1e-3, critic_lr=1e-3, ppo_epoch=10, critic_epoch=10
)  # beside HARL's file mappo.yaml


def harl(seed: int) -> Trained:
    """HARL's MAPPO."""
    with tempfile.TemporaryDirectory() as logs:
        runner = harl_runner(SPREAD, THEIRS | dict(seed=seed), logs)
    runner.warmup()
    rows = []
    for update in range(1, UPDATES + 1):
        harl_plays(runner)
        returns = runner.critic_buffer.rewards[..., 0].sum(axis=0)  # [B], as each rollout is one episode
        rows.append(Part(update * HORIZON * COPIES, COPIES, float(returns.mean())))
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


def ours(seed: int) -> Trained:
    """Our MAPPO."""
    rows = []

    def note(row: dict) -> None:
        rows.append(Part(row["env_steps"], row["episodes"], row["return_mean"]))

    steps = UPDATES * HORIZON * COPIES
    run = train(envs.make(SPREAD, COPIES), "mappo", steps, seed, config=OURS, report=note)
    return Trained(in_parts(rows, PARTS), play(run, envs.make(SPREAD, EPISODES), seed).return_mean)


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_all("spread", {"HARL's": harl, "ours": ours}, [int(seed) for seed in sys.argv[1:]])
