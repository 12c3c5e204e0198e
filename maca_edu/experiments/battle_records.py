"""Record battles of a trained team with their true credit, for chapter 16 and its lab, which replay them without JAX.

    maca-edu train --env smax/2s3z --method maca --steps 122880 --processes 1 --out runs/battle
    python -m maca_edu.experiments.battle_records runs/battle

One battle is measured: in every step everything is asked in copies of the moment. Eight more are only played, with the
attention of the critic and the true partners. The file is part of the package, maca_edu/widgets/data/battle.json,
and says its commands, seeds, date and versions. `maca_edu.widgets.battle_record` reads it.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from maca_edu import envs
from maca_edu.credit import attention_rollout
from maca_edu.envs.smax_scenarios import BATTLES
from maca_edu.experiments.credit import Moment, opinion, play, rollout_of
from maca_edu.experiments.run import load
from maca_edu.files import write_whole
from maca_edu.networks import draw_action, draw_noise
from maca_edu.team_env import TeamEnv, View
from maca_edu.training.counterfactual import alternatives, forked_returns
from maca_edu.training.learner import Learner
from maca_edu.training.records import as_seen
from maca_edu.training.rng import torch_stream

OUT = Path(__file__).parents[1] / "widgets" / "data" / "battle.json"
COMMANDS = (
    "maca-edu train --env smax/2s3z --method maca --steps 122880 --processes 1 --out runs/battle",
    "python -m maca_edu.experiments.battle_records runs/battle",
)
ENV, STOP = "smax/2s3z", 4
MEASURED_SEEDS, PLAYED_SEED, PLAYED = (1600,), 1602, 8
COPIES, LOOKAHEAD = 12, 8
LOOKAHEADS, COMPARED_EVERY = (1, 2, 8, 32), 14  # how far the comparisons look, and at which steps of a battle


class Opinions(NamedTuple):
    """The run's critic, and the one it was before its first update."""

    learned: Learner
    untrained: Learner


def both(learner: Learner, seed: int) -> Opinions:
    """A learner and a new one with its settings."""
    return Opinions(learner, Learner(learner.sizes, learner.method, seed, learner.config, learner.device))


@torch.no_grad()
def attention(learner: Learner, view: View) -> np.ndarray:
    """Who attends to whom, `[B, n, n]`."""
    encoding, _ = learner.critic.net(as_seen(view, learner.device).obs, None, None)
    return attention_rollout(encoding.attentions).double().numpy()


def silenced(action: np.ndarray) -> np.ndarray:
    """All joint actions in which some agents stop instead: `[2^n, n]`; bit i of the number says that agent i acts."""
    n = len(action)
    kept = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 > 0
    return np.where(kept, action, STOP)


def paid_if(env: TeamEnv, action: np.ndarray, learner: Learner, seed: int) -> np.ndarray:
    """The reward of the step if only some agents did what they did and all others stopped, `[2^n]`."""
    rows = silenced(action)[None, :, None]  # [1, 2^n, 1, n]
    return forked_returns(env, np.array([0]), rows, learner.actor, 1.0, seed, lookahead=1)[0, :, 0]


def compared(env: TeamEnv, view: View, action: np.ndarray, learner: Learner, seed: int) -> list[list[float]]:
    """For each lookahead the mean variances, over agents that live and actions that they might have played instead, of

    a copy's difference with shared chance, and of the same with chance of its own.
    """
    rows = alternatives(action, view.available[0])
    other = view.available[0] & (np.arange(env.n_actions) != action[:, None]) & view.alive[0][:, None]
    played = np.repeat(rows.reshape(1, -1, 1, env.n_agents), COPIES, axis=2)
    found = []
    for lookahead in LOOKAHEADS:
        returns = forked_returns(
            env, np.array([0]), played, learner.actor, learner.config.gamma, seed, lookahead=lookahead
        ).reshape(env.n_agents, env.n_actions, COPIES)
        here = returns[0, action[0]]
        shared = (returns - here).var(axis=-1, ddof=1)
        alone = returns.var(axis=-1, ddof=1) + here.var(ddof=1)
        found.append([float(shared[other].mean()), float(alone[other].mean())])
    return found


def measured_battle(critics: Opinions, seed: int) -> dict:
    """A battle with its units, credit and worths."""
    learner, steps, moments = critics.learned, [], []
    with contextlib.closing(envs.make(ENV, 1)) as env, contextlib.closing(envs.make(ENV, 1)) as again:
        env.reset(seed)
        units = env.positions()
        view = again.reset(seed)  # the same battle once more, one step behind: copies are made of the moment
        for t, moment in enumerate(play(learner, env, seed, COPIES, LOOKAHEAD)):
            steps.append(one_step(critics, moment, units))
            steps[-1]["paid_if"] = rounded(paid_if(again, moment.action, learner, seed + t), 6)
            if t % COMPARED_EVERY == 0:
                steps[-1]["compared"] = rounded(compared(again, view, moment.action, learner, seed + t), 9)
            units, view = env.positions(), again.step(moment.action[None]).view
            moments.append(moment)
    thought = opinion(learner, learner, rollout_of(learner, moments, seed))
    for step, from_return, from_q in zip(steps, thought.advantage, thought.critic_advantage, strict=True):
        step["learned"], step["critic"] = rounded(from_return, 6), rounded(from_q, 6)
    return {"seed": seed, "won": bool(moments[-1].step.won[0]), "steps": steps}


def one_step(critics: Opinions, moment: Moment, units) -> dict:
    """What is written down of a step; units: where they were before it."""
    credit = moment.step.credit
    return attended(critics, moment.view, 0) | {
        "position": rounded(units.position[0], 2),
        "health": rounded(units.health[0], 3),
        "action": moment.action.tolist(),
        "amount": rounded(credit.amount[0], 6),
        "members": credit.members[0].astype(int).tolist(),
        "worth": rounded(moment.advantage.mean, 6),
        "error": rounded(moment.advantage.error, 6),
    }


def attended(critics: Opinions, view: View, copy: int) -> dict:
    """The living and the attention of both critics in one copy of the game."""
    return {
        "alive": np.asarray(view.alive)[copy].astype(int).tolist(),
        "attention": per_mille(attention(critics.learned, view)[copy]),
        "untrained": per_mille(attention(critics.untrained, view)[copy]),
    }


def played_battles(critics: Opinions) -> list[dict]:
    """Battles that are only played, all at once, each until it ends.

    There are 2^n of them, as many as the copies in `paid_if`, so that nothing is compiled again; PLAYED are kept.
    """
    batch = 2**critics.learned.sizes.n_agents
    battles, over = [{"steps": []} for _ in range(PLAYED)], np.zeros(PLAYED, dtype=bool)
    chance = torch_stream(np.random.default_rng(PLAYED_SEED))
    with contextlib.closing(envs.make(ENV, batch)) as env:
        view = env.reset(PLAYED_SEED)
        while not over.all():
            seen = as_seen(view, critics.learned.device)
            with torch.no_grad():
                distribution, _ = critics.learned.actor(seen.obs, seen.available, None, None)
            noise = draw_noise(chance, (batch, env.n_agents, env.n_actions), env.continuous)
            step = env.step(draw_action(distribution, noise).numpy())
            for b in np.flatnonzero(~over):
                members = step.credit.members[b].astype(int).tolist()
                battles[b]["steps"].append(attended(critics, view, b) | {"members": members})
            over |= (step.terminated | step.truncated)[:PLAYED]
            view = step.view
    return battles


def per_mille(weights: np.ndarray) -> list:
    """Weights as whole thousandths, which takes little room in a file."""
    return np.round(1000 * weights).astype(int).tolist()


def rounded(x, digits: int) -> list:
    """Numbers as JSON holds them; no minus before a zero."""
    return (np.round(np.asarray(x, dtype=float), digits) + 0.0).tolist()


def main(run: str) -> None:
    """Write the file."""
    torch.set_num_threads(1)
    trained = load(run)
    if trained.settings["env"] != ENV or trained.learner.config.recurrent:
        raise ValueError(f"run={run!r} is not one of {ENV} without memory, as the first command makes it")
    critics = both(trained.learner, trained.settings["seed"])
    kinds, allies = BATTLES[ENV.removeprefix("smax/")].kinds, trained.learner.sizes.n_agents
    about = {
        "commands": COMMANDS,
        "seeds": {"run": trained.settings["seed"], "measured": MEASURED_SEEDS, "played": PLAYED_SEED},
        "copies": COPIES,
        "lookahead": LOOKAHEAD,
        "date": datetime.date.today().isoformat(),
        "versions": {name: version(name) for name in ("maca-edu", "torch", "numpy", "jax", "jaxmarl")}
        | {"python": platform.python_version()},
    }
    measured = []
    for seed in MEASURED_SEEDS:
        measured.append(measured_battle(critics, seed))
        print(f"battle {seed}: {len(measured[-1]['steps'])} steps", flush=True)
    everything = {
        "about": about,
        "kinds": kinds,
        "allies": allies,
        "lookaheads": LOOKAHEADS,
        "measured": measured,
        "played": played_battles(critics),
    }
    write_whole(OUT, json.dumps(everything, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Use: python -m maca_edu.experiments.battle_records RUN")
    main(sys.argv[1])
