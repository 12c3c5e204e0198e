"""Train MAPPO with critics that take the one of --value units apart, for the guide "V over units".

    python book/units_trials.py whole runs/units_whole --first-seed 60 --seeds 8

plain  The MLP of --value mlp without the LayerNorm at its input, which normalises a state's numbers together.
whole  The whole state is one unit, with a token of 128 numbers: an MLP with two layers more, without that LayerNorm.
apart  Every unit has an embedding of its own, and its token a place of its own: nothing is shared, and no order lost.

It writes what `maca-edu sweep` writes, and goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from maca_edu.experiments.own_runs import finish_run
from maca_edu.experiments.sweep_tables import gather
from maca_edu.networks import VCritic
from maca_edu.team_env import Entities, Group, Part
from maca_edu.training.config import Config
from maca_edu.training.critics import ValueCritic
from maca_edu.training.methods import METHODS, Method
from maca_edu.training.records import Sizes

ENV, STEPS = "smax/2s3z", 204_800


def whole(sizes: Sizes) -> Entities:
    """The state as one unit."""
    return Entities((Group("state", 1, (Part(0, sizes.state),)),))


def apart(sizes: Sizes) -> Entities:
    """Every unit as a group of its own."""
    return Entities(tuple(one for group in sizes.entities.groups for one in units_of(group)))


def units_of(group: Group) -> list[Group]:
    """The units of a group, each as a group."""
    alone = []
    for k in range(group.count):
        parts = tuple(Part(part.first + k * part.width, part.width) for part in group.parts)
        alone.append(Group(f"{group.name} {k}", 1, parts, group.health_first))
    return alone


def mappo(name: str, split: Callable[[Sizes], Entities], embed: int) -> Method:
    """MAPPO with V over other units, summed without attention."""

    def critic(sizes: Sizes, config: Config) -> ValueCritic:
        config = dataclasses.replace(config, value="units", unit_heads=0, unit_embed=embed)
        return ValueCritic(sizes._replace(entities=split(sizes)), config)

    return dataclasses.replace(METHODS["mappo"], name=f"mappo-{name}", critic=critic)


class PlainCritic(nn.Module):
    """V(s) by the trunk of `VCritic` without its first LayerNorm."""

    def __init__(self, state_size: int, hidden_sizes: tuple[int, ...]):
        super().__init__()
        net = VCritic(state_size, hidden_sizes, recurrent=False)
        self.layers, self.out = net.trunk.layers[1:], net.out

    def forward(self, x: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """Values `[S]` of states `[S, s]`, and no memory."""
        return self.out(self.layers(x)).squeeze(-1), None


def plain(sizes: Sizes, config: Config) -> ValueCritic:
    """MAPPO's critic with another network."""
    critic = ValueCritic(sizes, config)
    critic.net = PlainCritic(sizes.state, config.critic_sizes)
    return critic


TRIALS = {
    "plain": dataclasses.replace(METHODS["mappo"], name="mappo-plain", critic=plain),
    "whole": mappo("whole", whole, 128),
    "apart": mappo("apart", apart, 32),
}


def main() -> None:
    """Train on every seed, play greedily, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trial", choices=TRIALS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--first-seed", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=8)
    asked = parser.parse_args()
    folders = [
        finish_run(ENV, TRIALS[asked.trial], STEPS, seed, asked.out / str(seed), preset="quick")
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds)
    ]
    words = (asked.trial, f"runs/units_{asked.trial}", "--first-seed", asked.first_seed, "--seeds", asked.seeds)
    gather(asked.out, folders, " ".join(["python book/units_trials.py", *map(str, words)]))


if __name__ == "__main__":
    main()
