"""What random teams ask of credit: psi's path, whom CorrSets hold, and what a team is worth, for chapter 17.

    python book/random_teams.py runs/t2_protoss runs/t2_5m6m

The folders are sweeps, here those of Table 2 on smax/protoss_5_vs_5 and smax/5m_vs_6m. All runs of MACA in them are
looked at, after their last update. Written to book/data/ch17 are

    psi.csv        the weights of the baselines along training
    precision.csv  size and precision of CorrSets, means over training

and of runs with random teams, which play battles on seeds that training did not see, actions drawn from their policy:

    corrsets.csv   by the kind of the other agent: how often it is admitted, and is a true partner
    battles.csv    the counts of kinds, the critic's value of the first moment, the return and who won

The battles that prediction.txt plans are judged by themselves:

    python book/random_teams.py --planned runs/fixed_1700 runs/random_1700 ...

gathers what these sweeps reached in book/data/ch17/battles, as far as all runs of a seed are there, and prints points 1
and 2 of the prediction. Without folders it prints them from the files that are there.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from maca_edu import envs
from maca_edu.course.chapter17 import interaction
from maca_edu.course.random_teams import DATA, PLANNED, TEAMS, planned, team_of
from maca_edu.credit import attention_rollout, corrset
from maca_edu.envs.smax_scenarios import KINDS
from maca_edu.experiments.run import load
from maca_edu.experiments.statistics import t_interval
from maca_edu.experiments.sweep_tables import column, gather, texts, write_csv
from maca_edu.networks import draw_action, draw_noise
from maca_edu.training.records import as_seen
from maca_edu.training.rng import torch_stream
from maca_edu.training.run_directory import RunDirectory

BATTLES, SEED = 256, 1717
PSI = ("psi_joint", "psi_individual", "psi_corrset")


class Played(NamedTuple):
    """Battles of one team, each up to its first end, and what its critic said; T steps, B battles, n allies."""

    kinds: np.ndarray  # [B, n]
    value: np.ndarray  # [B] of the first moment
    returns: np.ndarray  # [B]
    won: np.ndarray  # [B] bool
    admitted: np.ndarray  # [T, B, n, n] bool, the CorrSets at 1/n
    partners: np.ndarray  # [T, B, n, n] bool
    pairs: np.ndarray  # [T, B, n, n] bool, both alive, not the same, the battle not over


@torch.no_grad()
def play(run: Path) -> Played:
    """The battles of the team that a run trained."""
    loaded = load(run)
    learner = loaded.learner
    net, chance = learner.critic.net, torch_stream(np.random.default_rng(SEED))
    with contextlib.closing(envs.make(loaded.settings["env"], BATTLES)) as env:
        view = env.reset(SEED)
        kinds = env.positions().kind[:, : env.n_agents]
        first_value = learner.critic.outputs[0].norm.denormalise(net.value(net(as_seen(view, learner.device).obs)[0]))
        going, returns, won, sets = np.ones(BATTLES, dtype=bool), np.zeros(BATTLES), np.zeros(BATTLES, dtype=bool), []
        while going.any():
            seen = as_seen(view, learner.device)
            attention = attention_rollout(net(seen.obs)[0].attentions)  # [B, n, n]
            distribution, _ = learner.actor(seen.obs, seen.available, None, None)
            noise = draw_noise(chance, (BATTLES, env.n_agents, env.n_actions), env.continuous)
            step = env.step(draw_action(distribution, noise).numpy())
            pairs = view.alive[:, :, None] & view.alive[:, None, :] & ~np.eye(env.n_agents, dtype=bool)
            admitted = corrset(attention, 1 / env.n_agents).numpy()
            sets.append((admitted, step.credit.partners(), pairs & going[:, None, None]))
            returns += step.reward * going
            won |= step.won & going
            going &= ~(step.terminated | step.truncated)
            view = step.view
    return Played(kinds, first_value.numpy(), returns, won, *(np.stack(x) for x in zip(*sets, strict=True)))


def by_kind(played: Played) -> list[tuple]:
    """For each kind of the other agent: pairs, and how many of them are admitted, are partners, are both."""
    rows = []
    for k, name in enumerate(KINDS):
        chosen = played.pairs & (played.kinds == k)[:, None, :]  # [T, B, n, n]
        found = [(x & chosen).sum() for x in (played.admitted, played.partners, played.admitted & played.partners)]
        rows.append((name, int(chosen.sum()), *map(int, found)))
    return rows


def main(folders: list[str]) -> None:
    """Look at all runs of MACA, write down."""
    torch.set_num_threads(1)
    finished = [run.parent for folder in folders for run in sorted(Path(folder).glob("*/*/*/final.json"))]
    runs = [run for run in finished if run.parent.name == "maca"]
    psi, sets, battles, found = [], [], [], []
    for run in runs:
        about = load(run).settings
        team, seed = team_of(about["env"]), about["seed"]
        rows = RunDirectory(run).rows(10**9)
        columns = (column(rows, f"corrset_{name}") for name in ("size", "precision", "precision_chance"))
        found.append((team, seed, *(f"{np.nanmean(values):.4f}" for values in columns)))
        for row in rows:
            if all(np.isfinite(row.get(name, np.nan)) for name in PSI):
                psi.append((team, seed, int(row["env_steps"]), *(f"{row[name]:.4f}" for name in PSI)))
        if team == "RANDOM":
            played = play(run)
            sets += [(seed, *row) for row in by_kind(played)]
            counts = (played.kinds[:, :, None] == np.arange(len(KINDS))).sum(axis=1)  # [B, 6]
            rest = zip(counts.tolist(), played.value, played.returns, played.won, strict=True)
            battles += [(seed, *c, f"{v:.4f}", f"{r:.4f}", int(w)) for c, v, r, w in rest]
            print(seed, f"won {played.won.mean():.2f} of {BATTLES}", flush=True)
    write_csv(DATA / "psi.csv", ("team", "seed", "env_steps", *PSI), psi)
    write_csv(DATA / "precision.csv", ("team", "seed", "size", "precision", "chance"), found)
    write_csv(DATA / "corrsets.csv", ("seed", "kind", "pairs", "admitted", "partners", "both"), sets)
    write_csv(DATA / "battles.csv", ("seed", *KINDS, "value", "return", "won"), battles)


def gather_planned(folders: list[str]) -> None:
    """Write down what the planned battles reached."""
    runs = [file.parent for folder in folders for file in sorted(Path(folder).glob("*/*/*/final.json"))]
    gather(DATA / "battles", runs, "the commands of book/data/ch17/README")


def judge_planned() -> None:
    """Print points 1 and 2 of the prediction: intervals at 95 per cent, a difference for each seed."""
    found = planned()
    print("seeds", *found.seeds)
    for when, scores in (("mean of training", found.along), ("after training", found.final)):
        for team in TEAMS:
            each = ("  ".join((name, *texts(scores[team][:, k]))) for k, name in enumerate(PLANNED))
            print(f"{when}, {team}:", ";  ".join(each))
        report(f"{when}: FIXED less RANDOM", (scores["FIXED"] - scores["RANDOM"]).mean(axis=1))
        for k, other in enumerate(PLANNED[1:], start=1):
            for team in TEAMS:
                report(f"{when}: maca less {other}, {team}", scores[team][:, 0] - scores[team][:, k])
            low, middle, high = interaction(*(scores[team][:, [0, k]] for team in TEAMS))
            print(f"{when}: maca less {other}, RANDOM less FIXED: {middle:+.1f}, from {low:+.1f} to {high:+.1f}")
            leads = [scores[team][:, 0] - scores[team][:, k] for team in TEAMS]
            report(f"{when}: the same, paired by seed", leads[1] - leads[0])


def report(title: str, differences: np.ndarray) -> None:
    """Print the mean of differences and its interval by Student's t."""
    low, high = t_interval(differences)
    print(f"{title}: {differences.mean():+.1f}, from {low:+.1f} to {high:+.1f}; by seed", *texts(differences, "+.1f"))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Use: python book/random_teams.py FOLDER ...  or  --planned [FOLDER ...]")
    if sys.argv[1] == "--planned":
        if sys.argv[2:]:
            gather_planned(sys.argv[2:])
        judge_planned()
    else:
        main(sys.argv[1:])
