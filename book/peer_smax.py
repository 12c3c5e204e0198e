"""JaxMARL's MAPPO and ours learn 2s3z of SMAX, each by itself, with the same settings as far as they go.

    PYTHONPATH=JaxMARL/baselines/MAPPO python book/peer_smax.py 2100 2101 2102 2103 2104

The numbers are seeds. JaxMARL here is a folder with a copy of its repository, whose script mappo_rnn_smax.py is run as
it is; the game comes from the installed package jaxmarl. It adds to book/data/peers/smax.csv and smax_runs.csv;
peer_curves.py draws them. With --why other sides are trained, each with one difference taken away.

The script asks for four packages. Three of them (hydra, omegaconf, wandb) it needs for its command line and to report;
the fourth (distrax) does not go together with the version of JAX that is used here: `stand_in` replaces them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from peer_curves import CHANGED, Part, Trained, in_parts, run_all

from maca_edu import envs
from maca_edu.envs.compiled import import_jax
from maca_edu.team_env import View
from maca_edu.training import critics
from maca_edu.training.config import Config
from maca_edu.training.loop import play, train
from maca_edu.training.play import env_seed, play_episodes
from maca_edu.training.value_norm import ValueNorm

BATTLE = "smax/2s3z?time_limit=101&state=raw"  # JaxMARL's clock stops after 101 steps, and its state is not scaled
COPIES, ROLLOUT, UPDATES, PARTS, WIDTH = 64, 32, 50, 25, 64
EPISODES = 256  # of greedy play
THEIRS = dict(
    NUM_ENVS=COPIES, NUM_STEPS=ROLLOUT, TOTAL_TIMESTEPS=COPIES * ROLLOUT * UPDATES, FC_DIM_SIZE=WIDTH,
    GRU_HIDDEN_DIM=WIDTH, LR=2e-3, ANNEAL_LR=False, UPDATE_EPOCHS=4, NUM_MINIBATCHES=4, GAMMA=0.99, GAE_LAMBDA=0.95,
    CLIP_EPS=0.2, SCALE_CLIP_EPS=False, ENT_COEF=0.0, VF_COEF=0.5, MAX_GRAD_NORM=0.25, OBS_WITH_AGENT_ID=True,
    MAP_NAME="2s3z", ENV_KWARGS=dict(see_enemy_actions=True, walls_cause_death=True, attack_mode="closest"),
)  # fmt: skip
# Its file mappo_homogenous_rnn_smax.yaml, but for the first five, and for the learning rate, which falls to 0 there.
OURS = Config(
    rollout=ROLLOUT, chunk=ROLLOUT, recurrent=True, actor_sizes=(WIDTH,), critic_sizes=(WIDTH,), feature_norm="none",
    lr=2e-3, epochs=4, minibatches=4, gamma=0.99, lam=0.95, clip=0.2, entropy=0.0, max_grad_norm=0.25, diagnose_every=0,
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# JaxMARL's


class Choice:
    """What the script uses of distrax.Categorical."""

    def __init__(self, logits):
        self.log_probs = import_jax()[0].nn.log_softmax(logits)

    def sample(self, seed):
        return import_jax()[0].random.categorical(seed, self.log_probs)

    def log_prob(self, action):
        jnp = import_jax()[0].numpy
        return jnp.take_along_axis(self.log_probs, action[..., None], axis=-1)[..., 0]

    def entropy(self):
        jnp = import_jax()[0].numpy
        p = jnp.exp(self.log_probs)
        return -jnp.where(p > 0, p * self.log_probs, 0.0).sum(axis=-1)


def stand_in() -> None:
    """Put what the script uses of four packages in their place."""
    sys.modules["distrax"] = SimpleNamespace(Categorical=Choice)
    sys.modules["hydra"] = SimpleNamespace(main=lambda **settings: lambda function: function)
    sys.modules["omegaconf"], sys.modules["wandb"] = SimpleNamespace(OmegaConf=None), SimpleNamespace()


class Program(NamedTuple):
    """JaxMARL's training, compiled, and what it reports."""

    train: Callable  # of a key
    rows: list[Part]  # an entry for each update of the training under way
    actor: object  # its policy's network


@lru_cache
def program(normed: bool) -> Program:
    """JaxMARL's training. normed: see `jaxmarl`."""
    jax, _ = import_jax()
    stand_in()
    sys.modules.pop("mappo_rnn_smax", None)
    import mappo_rnn_smax as script

    # The script has 128 where the GRU's width belongs.
    script.ScannedRNN.initialize_carry = staticmethod(lambda batch, width: jax.numpy.zeros((batch, WIDTH)))
    if normed:
        relu, norm = script.nn.relu, script.nn.LayerNorm
        script.nn = SimpleNamespace(**vars(script.nn) | dict(relu=lambda x: norm()(relu(x))))
    rows: list[Part] = []
    with patch.object(jax.experimental, "io_callback", partial(report_to, rows, jax.experimental.io_callback)):
        trained = jax.jit(script.make_train(dict(THEIRS))).lower(jax.random.PRNGKey(0)).compile()
    return Program(trained, rows, script.ActorRNN(envs.make(BATTLE, 1).n_actions, config=THEIRS))


def report_to(rows: list[Part], io_callback: Callable, callback: Callable, result, metric):
    """In place of JAX's `io_callback`: what the script has for wandb goes to the rows, with the episodes counted."""

    def note(metric: dict) -> None:
        ended = metric["returned_episode"][..., 0]  # [T, B]; the agents' entries are the same
        parts = (metric[name][..., 0][ended].mean() for name in ("returned_episode_returns", "returned_won_episode"))
        numbers = map(float, parts) if ended.any() else (np.nan, np.nan)
        rows.append(Part((int(metric["update_steps"]) + 1) * COPIES * ROLLOUT, int(ended.sum()), *numbers))

    return io_callback(note, result, metric)


def jaxmarl(seed: int, normed: bool = False) -> Trained:
    """JaxMARL's MAPPO. normed: a LayerNorm follows each ReLU."""
    jax, _ = import_jax()
    training = program(normed)
    training.rows.clear()
    state, _ = training.train(jax.random.PRNGKey(seed))["runner_state"]
    jax.effects_barrier()
    weights = state[0][0].params  # of the actor
    played = play_episodes(Greedy(training.actor, weights), envs.make(BATTLE, EPISODES), env_seed(seed, "evaluate"))
    return Trained(in_parts(training.rows, PARTS), played.return_mean, played.win_rate)


class Greedy:
    """The likeliest actions of JaxMARL's policy, for `play_episodes`; its memory is wiped where a battle begins."""

    def __init__(self, actor, weights):
        def likeliest(memory, seen):
            memory, policy = actor.apply(weights, memory, seen)
            return memory, policy.log_probs.argmax(axis=-1)

        self.memory, self.likeliest = None, import_jax()[0].jit(likeliest)

    def __call__(self, view: View, first: np.ndarray) -> np.ndarray:
        """The actions `[B, n]`."""
        B, n, _ = view.obs.shape
        if self.memory is None:
            self.memory = np.zeros((B * n, WIDTH), dtype=np.float32)
        seen = view.obs.reshape(1, B * n, -1), first.repeat(n)[None], view.available.reshape(1, B * n, -1).astype(int)
        self.memory, action = self.likeliest(self.memory, seen)
        return np.asarray(action).reshape(B, n)


# ---------------------------------------------------------------------------------------------------------------------
# Ours


class AsTheyAre(ValueNorm):
    """Leaves values in the units of the reward."""

    mean, std = 0.0, 1.0


def ours(seed: int, normalised: bool = True) -> Trained:
    """Our MAPPO; normalised: the critic learns normalised returns."""
    rows = []

    def note(row: dict) -> None:
        rows.append(Part(row["env_steps"], row["episodes"], row["return_mean"], row["win_rate"]))

    norm = ValueNorm if normalised else AsTheyAre
    with patch.object(critics, "ValueNorm", norm):
        run = train(envs.make(BATTLE, COPIES), "mappo", COPIES * ROLLOUT * UPDATES, seed, config=OURS, report=note)
    played = play(run, envs.make(BATTLE, EPISODES), seed)
    return Trained(in_parts(rows, PARTS), played.return_mean, played.win_rate)


SIDES = {"JaxMARL's": jaxmarl, "ours": ours}
CHANGES = (partial(jaxmarl, normed=True), partial(ours, normalised=False))

if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    words = sys.argv[1:]
    sides = dict(zip(CHANGED, CHANGES, strict=True)) if "--why" in words else SIDES
    run_all("smax", sides, [int(word) for word in words if word != "--why"])
