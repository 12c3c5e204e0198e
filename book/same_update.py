"""Let HARL's MAPPO play Spread, and ours learn from the same rollouts: how far do their weights drift apart?

    PYTHONPATH=HARL python book/same_update.py

HARL here is a folder with a copy of HARL's repository. It needs absl-py, PyYAML, setproctitle, tensorboardX, and Python
older than 3.13. Both sides begin at HARL's weights and go on with their own. It writes book/data/peers/same_update.csv,
and same_update.md, a table of it.

HARL's ValueNorm takes in a rollout's returns before each of the critic's steps, ours once. So one trial is HARL as it
is; in the others its ValueNorm does as ours. HARL's actor with a GRU is compared as it is, and with its chunks of steps
in order, see `in_order`. In the last trial our side has another setting, to see that a difference would show.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn

from maca_edu import envs
from maca_edu.experiments.sweep_tables import read_csv, texts, write_csv
from maca_edu.files import write_whole
from maca_edu.team_env import NOTHING, View
from maca_edu.training.config import Config
from maca_edu.training.learner import Learner
from maca_edu.training.methods import METHODS
from maca_edu.training.records import Finals, Memory, Rollout, Seen, Sizes

DATA = Path(__file__).parent / "data" / "peers"
STEPS, COPIES, UPDATES = 50, 8, 6
ALIKE = Config(  # HARL's file mappo.yaml, but for the rollout's length
    rollout=STEPS, lr=5e-4, clip=0.2, epochs=5, minibatches=1, entropy=0.01, max_grad_norm=10.0,
    actor_sizes=(128, 128), critic_sizes=(128, 128), time_limits="harl", diagnose_every=0,
)  # fmt: skip


class Trial(NamedTuple):
    """What is compared."""

    name: str
    ours: Config = ALIKE
    theirs: Mapping[str, float] = NOTHING  # what is changed in HARL's settings
    once: bool = True  # HARL's ValueNorm takes in a rollout's returns once
    ordered: bool = False  # HARL's shared actor gets the chunks of all agents in order
    env: str = "mpe/simple_spread"


HARSH = dataclasses.replace(ALIKE, lr=5e-3, clip=0.05, max_grad_norm=0.1)
THEIR_HARSH = MappingProxyType(dict(lr=5e-3, critic_lr=5e-3, clip_param=0.05, max_grad_norm=0.1))
GRU = dataclasses.replace(ALIKE, recurrent=True, chunk=10)
THEIR_GRU = MappingProxyType(dict(use_recurrent_policy=True, data_chunk_length=10))
MOVES = "mpe/simple_spread?continuous=false"
TRIALS = (
    Trial("HARL as it is", once=False),
    Trial("value statistics once a rollout"),
    Trial("clipped much", HARSH, THEIR_HARSH),
    Trial("discrete actions", env=MOVES),
    Trial("discrete actions, GRUs", GRU, THEIR_GRU, env=MOVES),
    Trial("discrete actions, GRUs, chunks in order", GRU, THEIR_GRU, ordered=True, env=MOVES),
    Trial("our entropy bonus .02", dataclasses.replace(ALIKE, entropy=0.02)),
)


class Drift(NamedTuple):
    """A row of same_update.csv. Of all weights the largest: how far from the start, and how far from the other's."""

    trial: str
    updates: int
    clipped: float  # the share of ratios beyond the clip, mean over the epochs
    actor_moved: float
    actor_apart: float
    critic_moved: float
    critic_apart: float


class Copies:
    """Copies of Spread as HARL's runners want them: everything once for each agent."""

    def __init__(self, name: str, seed: int, copies: int):
        self.env, self.seed = envs.make(name, copies), seed
        self.n_agents, numbers = self.env.n_agents, self.env.n_actions
        self.observation_space = [Box(-np.inf, np.inf, (self.env.obs_size,))] * self.n_agents
        self.share_observation_space = [Box(-np.inf, np.inf, (self.env.state_size,))] * self.n_agents
        self.action_space = [Box(0.0, 1.0, (numbers,)) if self.env.continuous else Discrete(numbers)] * self.n_agents

    def reset(self):
        """Observations `[B, n, d]`, states `[B, n, s]`, and the legal actions."""
        return self.seen(self.env.reset(self.seed))

    def step(self, action: np.ndarray):
        """What is seen, rewards `[B, n, 1]`, ends `[B, n]`, and for each agent whether the clock cut the episode."""
        step = self.env.step(action if self.env.continuous else action[..., 0])
        obs, state, legal = self.seen(step.view)
        cut = [[{"bad_transition": bool(late)}] * self.n_agents for late in step.truncated]
        rewards, done = self.for_each(step.reward[:, None]), self.for_each(step.terminated | step.truncated)
        return obs, state, rewards, done, cut, legal

    def seen(self, view: View):
        """The legal actions are `[B, n, A]`, or None for each copy where actions are continuous."""
        legal = np.full(self.env.batch, None) if self.env.continuous else view.available
        return view.obs, self.for_each(view.state), legal

    def for_each(self, x: np.ndarray) -> np.ndarray:
        """`[B, ...]` as `[B, n, ...]`."""
        return np.repeat(x[:, None], self.n_agents, axis=1)


def harl_runner(env: str, told: Mapping[str, float], logs: str):
    """HARL's runner of MAPPO on `Copies`, with its own settings for particle games but for those it is told."""
    from harl.runners import RUNNER_REGISTRY, on_policy_base_runner
    from harl.utils.configs_tools import get_defaults_yaml_args, update_args

    settings, of_game = get_defaults_yaml_args("mappo", "pettingzoo_mpe")
    update_args(dict(cuda=False, torch_threads=1, use_eval=False, log_dir=logs, **told), settings, of_game)
    on_policy_base_runner.make_train_env = lambda name, seed, copies, options: Copies(env, seed, copies)
    names = dict(algo="mappo", env="pettingzoo_mpe", exp_name="peers")
    return RUNNER_REGISTRY["mappo"](names, settings, of_game)


def harl_plays(runner) -> None:
    """Fill the runner's buffers with a rollout, and compute its returns."""
    runner.prep_rollout()
    for t in range(runner.algo_args["train"]["episode_length"]):
        values, actions, log_probs, *memories = runner.collect(t)
        runner.insert((*runner.envs.step(actions), values, actions, log_probs, *memories))
    runner.compute()
    runner.prep_training()


def as_rollout(runner) -> Rollout:
    """The rollout in the runner's buffers as our record.

    The last views of episodes that the clock cut are zeros: HARL does not keep them, and gives such steps no advantage.
    """
    critic, env = runner.critic_buffer, runner.envs.env
    obs, action = of_agents(runner, "obs"), of_agents(runner, "actions")  # [T + 1, B, n, d], [T, B, n, A or 1]
    state, reward = tensor(critic.share_obs), tensor(critic.rewards[..., 0])
    first, truncated = tensor(critic.masks[..., 0] == 0), tensor(critic.bad_masks[1:, :, 0] == 0)
    legal = torch.ones(*action.shape[:3], env.n_actions, dtype=torch.bool)
    cuts = truncated.flatten().nonzero().squeeze(-1)
    unseen = Seen(*(torch.zeros(len(cuts), *x.shape[2:]) for x in (obs, state)), legal.flatten(0, 1)[cuts])
    last = Seen(obs[-1], state[-1], legal[0])
    return Rollout(
        obs[:-1], state[:-1], legal, legal[..., 0], action if env.continuous else action[..., 0].long(), reward,
        torch.zeros_like(truncated), truncated, first[:-1], Finals(cuts, unseen), last, first[-1],
        memory_before(runner), None, None,
    )  # fmt: skip


def memory_before(runner) -> Memory:
    """What the GRUs remember before the first step."""
    if not runner.algo_args["model"]["use_recurrent_policy"]:
        return Memory(None, None)
    critic = tensor(runner.critic_buffer.rnn_states_critic[0, :, 0])
    return Memory(of_agents(runner, "rnn_states")[0, :, :, 0], critic)


def of_agents(runner, name: str) -> Tensor:
    """What the actors' buffers have under a name, `[T or T + 1, B, n, ...]`."""
    return torch.from_numpy(np.stack([getattr(buffer, name) for buffer in runner.actor_buffer], axis=2))


def tensor(x: np.ndarray) -> Tensor:
    """A copy, which later rollouts do not change."""
    return torch.from_numpy(x.copy())


class Sides(NamedTuple):
    """The weights of a network on both sides, in one order."""

    theirs: list[Tensor]
    ours: list[Tensor]


def weights(net: nn.Module, *head: Tensor) -> list[Tensor]:
    """The weights of HARL's network in the order of ours: those of its layers, its GRU, then its head."""
    memory = net.rnn.parameters() if hasattr(net, "rnn") else ()
    return [*net.base.feature_norm.parameters(), *net.base.mlp.parameters(), *memory, *head]


def our_weights(net: nn.Module, *more: Tensor) -> list[Tensor]:
    """The weights of an actor or a critic of ours, in the order of its layers, then the head's and more."""
    return [*net.trunk.parameters(), *net.out.parameters(), *more]


def largest(x: list[Tensor], y: list[Tensor]) -> float:
    """The largest difference of two lists of weights."""
    return max((a - b).abs().max().item() for a, b in zip(x, y, strict=True))


def networks(runner, learner: Learner) -> tuple[Sides, Sides]:
    """The weights of both actors, and of both critics."""
    actor, critic = runner.actor[0].actor, runner.critic.critic
    out, ours = actor.act.action_out, learner.actor.nets[0]
    if learner.sizes.continuous:
        theirs = weights(actor, *out.fc_mean.parameters(), out.log_std)
        actors = Sides(theirs, our_weights(ours, ours.log_std))
    else:
        actors = Sides(weights(actor, *out.linear.parameters()), our_weights(ours))
    return actors, Sides(weights(critic, *critic.v_out.parameters()), our_weights(learner.critic.net))


def take_in_once(value_norm) -> list:
    """Let HARL's ValueNorm take in returns only while the list that comes back is empty."""
    seen, update = [], value_norm.update

    def update_once(returns):
        if not seen:
            seen.append(True)
            update(returns)

    value_norm.update = update_once
    return seen


def in_order(actor, n_agents: int) -> None:
    """Let HARL's shared actor learn from the chunks of all agents in the order in which its GRU reads them.

    The GRU reads the L first steps of all chunks, then their second steps, and so on. HARL's `share_param_train` hands
    it all steps of the first agent's chunks, then all of the second's. What belongs to a chunk as a whole, the memory
    before it, is in the right order.
    """
    update = actor.update

    def update_in_order(sample):
        def time_first(x):  # [n * L * N, ...] to [L * n * N, ...]
            agents = x.reshape(n_agents, actor.data_chunk_length, -1, *x.shape[1:])
            return np.ascontiguousarray(agents.swapaxes(0, 1)).reshape(x.shape)

        obs, memory, *others = sample
        return update((time_first(obs), memory, *(None if x is None else time_first(x) for x in others)))

    actor.update = update_in_order


def drifts(trial: Trial, logs: str) -> list[Drift]:
    """HARL plays and learns, ours learns with it; a row for each update."""
    told = dict(seed=0, episode_length=STEPS, n_rollout_threads=COPIES, **trial.theirs)
    runner = harl_runner(trial.env, told, logs)
    env = runner.envs.env
    sizes = Sizes(env.obs_size, env.state_size, env.n_agents, env.n_actions, env.continuous)
    learner = Learner(sizes, METHODS["mappo"], 0, trial.ours)
    both = networks(runner, learner)
    for sides in both:
        nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(sides.theirs), sides.ours)
    start = [[x.detach().clone() for x in sides.theirs] for sides in both]
    seen = take_in_once(runner.value_normalizer) if trial.once else []
    if trial.ordered:
        in_order(runner.actor[0], env.n_agents)
    runner.warmup()
    rows = []
    for update in range(1, UPDATES + 1):
        seen.clear()
        harl_plays(runner)
        log = learner.update(as_rollout(runner)).log
        runner.train()
        runner.after_update()
        moved = [largest(sides.theirs, begun) for sides, begun in zip(both, start, strict=True)]
        apart = [largest(*sides) for sides in both]
        rows.append(Drift(trial.name, update, log["clip_fraction"], moved[0], apart[0], moved[1], apart[1]))
    return rows


def table(rows: list[Drift]) -> str:
    """The first and the last update of each trial."""
    lines = ["| trial | updates | ratios clipped | actor: moved | apart | critic: moved | apart |", "|---" * 7 + "|"]
    for row in rows:
        if row.updates in (1, UPDATES):
            numbers = " | ".join(f"{x:.1e}" for x in row[3:])
            lines.append(f"| {row.trial} | {row.updates} | {row.clipped:.0%} | {numbers} |")
    return "\n".join(lines)


def read() -> list[Drift]:
    """The rows of same_update.csv."""
    rows = (list(row.values()) for row in read_csv(DATA / "same_update.csv"))
    return [Drift(trial, int(updates), *map(float, numbers)) for trial, updates, *numbers in rows]


def main() -> None:
    """All trials."""
    with tempfile.TemporaryDirectory() as logs:
        rows = [row for trial in TRIALS for row in drifts(trial, logs)]
    write_csv(DATA / "same_update.csv", Drift._fields, [(*row[:2], *texts(row[2:], ".3g")) for row in rows])
    write_whole(DATA / "same_update.md", table(read()) + "\n")
    print(table(read()))


if __name__ == "__main__":
    main()
