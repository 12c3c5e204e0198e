"""Results directories for tests, written as sweeps write them."""

import json

import numpy as np

from maca_edu.experiments.sweep_tables import write_csv

CURVES = ("env", "method", "seed", "env_steps", "return_mean", "win_rate", "greedy_return_mean", "greedy_win_rate")
FINAL = ("env", "method", "seed", "return_mean", "return_std", "win_rate")
BEST = ("best_return_mean", "best_return_std", "best_win_rate")
COMMAND = "maca-edu sweep --envs smax/5m_vs_6m --methods maca mappo --seeds 3 --steps 200000"


def write_results(folder, scores, wins=True, best=False, command=COMMAND, steps=200_000):
    """A results directory. scores: {(env, arm): scores of its runs}, shares of games won or returns.

    A run's curve goes in a straight line from 0 to its score. best: with the columns of the absolute metric, which is
    .1 above the score, but no win rate above 1.
    """
    folder.mkdir(parents=True)
    curves, final = [], []
    for (env, arm), reached in scores.items():
        for seed, score in enumerate(reached):
            for k in range(1, 6):
                now = score * k / 5
                curves.append((env, arm, seed, k * steps // 5, 2 * now, now, 2 * now, now) if wins else
                              (env, arm, seed, k * steps // 5, now, "", "", ""))  # fmt: skip
            row = (env, arm, seed, 2 * score, 0.1, score) if wins else (env, arm, seed, score, 0.1, "")
            final.append(row + ((row[3] + 0.1, 0.1, min(score + 0.1, 1.0) if wins else "") if best else ()))
    write_csv(folder / "curves.csv", CURVES, curves)
    write_csv(folder / "final.csv", FINAL + (BEST if best else ()), final)
    measured = [(*row[:3], 2.5, 0.4, 0.9, 0.02 if row[1].startswith("maca") else "") for row in final]
    columns = ("env", "method", "seed", "minutes", "variance_method", "cosine_method", "action_r2")
    write_csv(folder / "measured.csv", columns, measured)
    about = {"command": command, "date": "2026-11-29", "versions": {"torch": "2.13.0"}, "commit": "abc123"}
    (folder / "sweep.json").write_text(json.dumps(about))
    return folder


def battles(folder, seeds=3, envs=("smax/smacv2_5_units", "smax/protoss_5_vs_5", "smax/5m_vs_6m"), **options):
    """A results directory as table2's: eight arms in three battles."""
    arms = ("mappo", "ippo", "happo", "coma", "ppo-sum", "ppo-mix", "maca", "maca-multilinear")
    rng = np.random.default_rng(0)
    scores = {(env, arm): (0.1 * k + rng.uniform(0, 0.2, seeds)).tolist() for env in envs for k, arm in enumerate(arms)}
    return write_results(folder, scores, **options)
