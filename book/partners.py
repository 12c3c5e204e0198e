"""Does MACA's critic learn to look at partners? Attention before and after training, for chapter 10.

    python book/partners.py ring
    python book/partners.py warehouse
    python book/partners.py battle
    python book/partners.py pairs
    python book/partners.py control
    python book/partners.py signs

The first four train MACA with the library, five seeds each; pairs with two heads. control fits a critic to plays of
a team that plays at random, signs to those of a team that pulls where the own sign is +1. Each writes
book/data/ch10/<name>.csv, a row for each head, seed and net, untrained or trained, both in the same states, which
training did not see; and the attention of the first seed in one of these states, <name>_matrices.csv. The battle needs
the extra `jax`.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maca_edu import envs
from maca_edu.course.partners import DATA, Pairs, attention_of, fit_pairs, pairs_sample, ranking_score
from maca_edu.credit import corrset
from maca_edu.envs.toy import ToyEnv
from maca_edu.experiments.presets import preset
from maca_edu.networks import MacaCritic
from maca_edu.networks.layers import eye
from maca_edu.training.config import Config
from maca_edu.training.diagnostics import corrset_scores
from maca_edu.training.learner import Learner
from maca_edu.training.methods import find
from maca_edu.training.records import in_one_row
from maca_edu.training.trainer import Trainer, sizes_of

SEEDS = range(5)
SMALL = Config(rollout=16, lr=1e-3, diagnose_every=0)
QUICK = replace(preset("quick", "smax/2s3z", "maca")[0], diagnose_every=0)
BATCHES = 600  # of the control


class Trial(NamedTuple):
    """A game, how MACA is trained in it, and the heads that are tried."""

    env: str
    batch: int
    config: Config
    updates: int
    heads: tuple[str, ...] = ("additive",)


TRIALS = {
    "ring": Trial("toy/longring?n_agents=7&span=2&rounds=8&moving=true", 32, SMALL, 80),
    "warehouse": Trial(
        "toy/warehouse?n_agents=4&height=3&width=3&crews=((0,),(0,1),(0,1))&random=true&lift_cost=0.03125&walk_cost=0",
        64,
        QUICK,
        60,
    ),
    "battle": Trial("smax/2s3z", 64, QUICK, 50),
    "pairs": Trial("pairs", 32, SMALL, 100, ("additive", "conditioned")),
}

CONTROLS = {"control": ("additive", "conditioned"), "signs": ("additive",)}


class Row(NamedTuple):
    """What is known of one net; scores are shares, see `ranking_score` and `diagnostics.corrset_scores`."""

    head: str
    seed: int
    net: str  # untrained or trained
    score: float
    precision: float
    precision_chance: float
    recall: float
    recall_chance: float
    moved: float  # share of attention that went elsewhere since the start
    changed: float  # share of CorrSet entries, oneself not counted, that are not what they were
    result: float  # the team's mean return at the end; in the control, the critic's mean squared error


class Moments(NamedTuple):
    """States in which nets are compared."""

    obs: Tensor  # [S, n, d]
    partners: Tensor  # [S, n, n] bool
    alive: Tensor  # [S, n] bool


def make(trial: Trial):
    """The trial's environment."""
    return ToyEnv(Pairs(), trial.batch, "pairs") if trial.env == "pairs" else envs.make(trial.env, trial.batch)


def train(trial: Trial, head: str, seed: int) -> tuple[MacaCritic, MacaCritic, Moments, float]:
    """The critic before and after training, states that the trained team plays, and its mean return."""
    env, method, config = make(trial), find("maca"), replace(trial.config, q_head=head)
    trainer = Trainer(env, method, seed, config, trial.updates)
    returns = [trainer.step()["return_mean"] for _ in range(trial.updates)]
    rollout, _, _ = trainer.collect()
    moments = Moments(*map(in_one_row, (rollout.obs, rollout.partners, rollout.alive)))
    untrained = Learner(sizes_of(env), method, seed, config).critic.net
    return untrained, trainer.learner.critic.net, moments, float(np.nanmean(returns[-5:]))


def control(head: str, seed: int, follow: bool) -> tuple[MacaCritic, MacaCritic, Moments, float]:
    """The same of a critic that is fitted to plays, see `pairs_sample`; its mean squared error in place of a return."""
    net = fit_pairs(head, seed, BATCHES, follow)
    obs, action, reward, partners = pairs_sample(Pairs(), np.random.default_rng(1000 + seed), 2048, follow)
    with torch.no_grad():
        error = (net.q(net(obs)[0], action) - reward).square().mean().item()
    everybody = torch.ones(partners.shape[:2], dtype=torch.bool)
    return fit_pairs(head, seed, 0), net, Moments(obs, partners, everybody), error


def look(head: str, seed: int, net: str, attention: Tensor, before: Tensor, seen: Moments, result: float) -> Row:
    """The row of a net that looks as `attention` says, `[S, n, n]`; before: how the untrained net looked."""
    n, living = attention.shape[-1], seen.alive.unsqueeze(-1) & seen.alive.unsqueeze(-2)
    sets, sets_before = corrset(attention, 1 / n), corrset(before, 1 / n)
    sizes = corrset_scores(sets, seen.alive, seen.partners)
    moved = (attention - before).abs().sum(dim=-1)[seen.alive].mean().item() / 2
    changed = (sets != sets_before)[living & ~eye(living)].double().mean().item()
    return Row(
        head, seed, net, ranking_score(attention, seen.partners, seen.alive), sizes["corrset_precision"],
        sizes["corrset_precision_chance"], sizes["corrset_recall"], sizes["corrset_recall_chance"],
        moved, changed, result,
    )  # fmt: skip


def main(name: str) -> None:
    """Train, look, write down."""
    torch.set_num_threads(1)
    DATA.mkdir(parents=True, exist_ok=True)
    rows, matrices = [], []
    for head in TRIALS[name].heads if name in TRIALS else CONTROLS[name]:
        for seed in SEEDS:
            found = train(TRIALS[name], head, seed) if name in TRIALS else control(head, seed, name == "signs")
            untrained, trained, seen, result = found
            before, after = attention_of(untrained, seen.obs), attention_of(trained, seen.obs)
            rows.append(look(head, seed, "untrained", before, before, seen, result))
            rows.append(look(head, seed, "trained", after, before, seen, result))
            print(name, *rows[-1], sep="  ", flush=True)
            if seed == SEEDS[0]:  # a state with everybody alive and most rows to judge
                both = (seen.partners & ~eye(before)).any(dim=-1) & (~seen.partners).any(dim=-1)  # [S, n]
                place = int((both.sum(dim=-1) * seen.alive.all(dim=-1)).argmax())
                for (i, j), partner in np.ndenumerate(seen.partners[place].numpy()):
                    weights = (f"{x[place, i, j]:.4f}" for x in (before, after))
                    matrices.append((head, i, j, int(partner), *weights))
    write(f"{name}.csv", Row._fields, [[f"{x:.4f}" if isinstance(x, float) else x for x in row] for row in rows])
    write(f"{name}_matrices.csv", ("head", "row", "column", "partner", "untrained", "trained"), matrices)


def write(name: str, header, rows) -> None:
    """A table in book/data/ch10."""
    with (DATA / name).open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in (*TRIALS, *CONTROLS):
        sys.exit(f"Use: python book/partners.py {' | '.join((*TRIALS, *CONTROLS))}")
    main(sys.argv[1])
