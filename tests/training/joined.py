"""Train in double precision, for test_processes: as one of several processes, or alone with everybody's environments.

python joined.py RANK COUNT MEETING METHOD OUT      RANK "all": alone, with the environments of all COUNT processes
"""

import dataclasses
import sys

import numpy as np
import torch

from maca_edu import envs
from maca_edu.team_env import Credit, TeamStep, View
from maca_edu.training import loop
from maca_edu.training.config import Config
from maca_edu.training.processes import ManyProcesses, OneProcess
from maca_edu.training.trainer import shard_seed

GAME, EACH = "toy/warehouse?preset=tiny&horizon=6", 4  # episodes of 6 steps in rollouts of 8: some are cut on the way
CONFIG = Config(
    rollout=8, epochs=2, minibatches=3, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, psi_population=4,
    recurrent=True, chunk=4, diagnose_every=2,
)  # fmt: skip


class Joined:
    """The environments of several processes as one: each part has the seed that its process would have given it."""

    def __init__(self, parts):
        self.parts, first = parts, parts[0]
        self.batch = sum(part.batch for part in parts)
        self.name, self.horizon, self.terms, self.deterministic = first.name, first.horizon, first.terms, True
        self.n_agents, self.n_actions, self.continuous = first.n_agents, first.n_actions, first.continuous
        self.obs_size, self.state_size, self.entities = first.obs_size, first.state_size, first.entities

    def reset(self, seed):
        self.parts[0].reset(seed)
        for rank, part in enumerate(self.parts[1:], 1):
            part.reset(shard_seed(seed, rank))
        return self.view()

    def view(self):
        return join(View, [part.view() for part in self.parts])

    def step(self, action):
        actions = np.split(action, len(self.parts))
        steps = [part.step(own) for part, own in zip(self.parts, actions, strict=True)]
        views = join(View, [step.view for step in steps]), join(View, [step.final for step in steps])
        rest = [np.concatenate([getattr(step, name) for step in steps]) for name in TeamStep._fields[2:5]]
        return TeamStep(*views, *rest, credit=join(Credit, [step.credit for step in steps]))

    def state_dict(self):
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state):
        for part, own in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(own)

    def close(self):
        pass


def join(record, parts):
    """Records of arrays, `[B, ...]` each, as one."""
    return record(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def main(rank, count, folder, *methods):
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    count, everything = int(count), {}
    alone = rank == "all"
    processes = OneProcess() if alone else ManyProcesses(int(rank), count, f"{folder}/meeting")
    for words in methods:
        method, _, returns = words.partition(":")
        config = dataclasses.replace(CONFIG, returns=returns or "lambda")
        env = Joined([envs.make(GAME, EACH) for _ in range(count)]) if alone else envs.make(GAME, EACH)
        name, _, norm = method.partition("+")  # as in mappo+running
        config = dataclasses.replace(config, feature_norm=norm or "layer")
        run = loop.train(env, name, 4 * CONFIG.rollout * EACH * count, seed=3, config=config, processes=processes)
        nets = (run.learner.actor, run.learner.critic)
        weights = torch.cat([p.detach().flatten() for net in nets for p in net.parameters()])
        everything[words] = {"weights": weights, "metrics": {k: torch.tensor(v) for k, v in run.metrics.items()}}
    torch.save(everything, f"{folder}/{rank}.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
