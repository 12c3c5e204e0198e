"""Which error stops PPO-Sum and PPO-Mix in Fridge? Chapter 8 takes their errors away, one at a time.

    python book/which_error.py

It writes `runs.csv` (how every run ended), `early.csv` (the first updates of PPO-Sum) and `made.json` (the command, the
date and the versions) into book/data/ch08. The seeds differ from those of the guide "What was learned".
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch

from maca_edu import __version__, envs, exact
from maca_edu.experiments.presets import preset
from maca_edu.training.methods import METHODS, PPO_MIX, PPO_SUM, Method
from maca_edu.training.records import JudgedBatch
from maca_edu.training.trainer import Trainer
from toy_envs import fridge_v0

DATA = Path(__file__).parent / "data" / "ch08"
UPDATES = 32  # of the policies, as in the guide: 8,192 joint actions
EARLY = 12  # updates of which early.csv keeps the details
FRIDGE = fridge_v0.game().payoff()

# ---------------------------------------------------------------------------------------------------------------------
# Three other sums in the place of the learned one. In Fridge all agents see the same at all times, so the policy of
# every sample is that of the first.


def signal(policy: np.ndarray) -> np.ndarray:
    """The utilities of the best sum under this policy, `[n, A]`, each agent's of mean zero (theorem of chapter 8)."""
    policy = policy.astype(float) / policy.sum(axis=1, keepdims=True, dtype=float)
    parts = exact.credit_spectrum(FRIDGE, policy)
    n, A = policy.shape
    return np.array([[parts[(i,)][tuple(a if j == i else 0 for j in range(n))] for a in range(A)] for i in range(n)])


def of_played(utilities: np.ndarray, batch: JudgedBatch) -> torch.Tensor:
    """The advantages `[S, n]` that utilities `[n, A]` give: the played action's, less their mean under the policy."""
    u = torch.as_tensor(utilities, dtype=batch.policy.dtype).expand_as(batch.policy)
    return u.gather(-1, batch.action.unsqueeze(-1)).squeeze(-1) - (batch.policy * u).sum(dim=-1)


def present(batch: JudgedBatch) -> torch.Tensor:
    """The best sum under the present policies: neither lag nor sampling error."""
    return of_played(signal(batch.policy[0].numpy()), batch)


def rollout_fit(batch: JudgedBatch) -> torch.Tensor:
    """The sum that fits the rollout best (least squares): sampling error, no lag."""
    S, n, A = batch.policy.shape
    one_hot = torch.nn.functional.one_hot(batch.action, A).flatten(1).double().numpy()  # [S, n * A]
    solution = np.linalg.lstsq(one_hot, batch.target[:, 0].double().numpy(), rcond=None)[0]
    return of_played(solution.reshape(n, A), batch)


@dataclass
class Lagged:
    """The best sum under the policies of `lag` updates ago: lag, no sampling error."""

    lag: int
    past: list[np.ndarray] = field(default_factory=list)  # the policies [n, A] before each update, the latest last

    def __call__(self, batch: JudgedBatch) -> torch.Tensor:
        policies = [*self.past, batch.policy[0].numpy()]
        return of_played(signal(policies[max(len(self.past) - self.lag, 0)]), batch)


@dataclass
class Rescued:
    """PPO-Sum's own advantage in the first `until` updates, and then the best sum under the present policies."""

    until: int
    past: list[np.ndarray] = field(default_factory=list)

    def __call__(self, batch: JudgedBatch) -> torch.Tensor:
        return PPO_SUM.advantage(batch) if len(self.past) < self.until else present(batch)


# ---------------------------------------------------------------------------------------------------------------------
# The runs


@dataclass(frozen=True)
class Variant:
    """A method, and for how many updates its critic learns before the policies move."""

    name: str
    method: Method
    still: int = 0


def variants() -> list[Variant]:
    """The variants that are compared, new for every run, because some remember the policies."""

    def of_sum(name: str, advantage, still: int = 0) -> Variant:
        return Variant(name, replace(PPO_SUM, name=name, advantage=advantage), still)

    return [
        Variant("ppo-sum", METHODS["ppo-sum"]),
        of_sum("present", present),
        of_sum("rollout-fit", rollout_fit),
        of_sum("lag-1", Lagged(1)),
        of_sum("lag-8", Lagged(8)),
        Variant("still-8", METHODS["ppo-sum"], still=8),
        of_sum("rescued-8", Rescued(8)),
        Variant("ppo-mix", PPO_MIX),
        Variant("mix-still-8", PPO_MIX, still=8),
    ]


def policy_of(trainer: Trainer) -> np.ndarray:
    """The team's policy now, `[n, A]`."""
    view = trainer.env.view()
    with torch.no_grad():
        choice, _ = trainer.learner.actor(
            torch.as_tensor(view.obs[:1], dtype=torch.float32), torch.as_tensor(view.available[:1])
        )
    return choice.probs[0].numpy()


def learned_of(trainer: Trainer) -> np.ndarray:
    """What the critic thinks a lift is worth to each agent, `[n]`, in the units of the reward."""
    critic, obs = trainer.learner.critic, torch.as_tensor(trainer.env.view().obs[:1], dtype=torch.float32)
    with torch.no_grad():
        utilities, _ = critic.net(obs, None, torch.ones(1, dtype=torch.bool))
    return ((utilities[0, :, 1] - utilities[0, :, 0]) * critic.outputs[0].norm.std).numpy()


def stand_still(trainer: Trainer, updates: int) -> None:
    """Let the critic learn for so many updates, and put the policies back after each."""
    for _ in range(updates):
        actor, optimiser = trainer.learner.actor, trainer.learner.actor_descent.optimiser
        before = {name: x.clone() for name, x in actor.state_dict().items()}
        moments = {p: {k: torch.clone(x) for k, x in state.items()} for p, state in optimiser.state.items()}
        trainer.step()
        actor.load_state_dict(before)
        optimiser.state.clear()
        optimiser.state.update(moments)


def run(variant: Variant, seed: int) -> tuple[float, list[list]]:
    """Train one team; returns its greedy reward and, for the first updates, [update, lift [n], learned, signal]."""
    config, copies = preset(None, "toy/fridge", variant.method)
    config = replace(config, diagnose_every=0)
    env = envs.make("toy/fridge", copies)
    trainer = Trainer(env, variant.method, seed, config, UPDATES + variant.still)
    stand_still(trainer, variant.still)
    past = getattr(variant.method.advantage, "past", [])
    early = []
    for update in range(UPDATES):
        policy = policy_of(trainer)
        if update < EARLY:
            worth = signal(policy)
            early.append([update, policy[:, 1], learned_of(trainer), worth[:, 1] - worth[:, 0]])
        trainer.step()
        past.append(policy)
    return float(FRIDGE[tuple(policy_of(trainer).argmax(axis=1))]), early


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--seeds", type=int, default=40, help="how many seeds")
    parser.add_argument("--only", nargs="*", help="names of variants (default: all)")
    parser.add_argument("--out", type=Path, default=DATA)
    told = parser.parse_args()
    torch.set_num_threads(1)
    told.out.mkdir(parents=True, exist_ok=True)
    with open(told.out / "runs.csv", "w", newline="") as runs, open(told.out / "early.csv", "w", newline="") as early:
        ends, starts = csv.writer(runs, lineterminator="\n"), csv.writer(early, lineterminator="\n")
        ends.writerow(["variant", "seed", "greedy_reward"])
        starts.writerow(["seed", "update", *(f"{what}_{i}" for what in ("lift", "learned", "signal") for i in "ABCD")])
        for seed in range(told.first, told.first + told.seeds):
            for variant in variants():
                if told.only and variant.name not in told.only:
                    continue
                reward, details = run(variant, seed)
                ends.writerow([variant.name, seed, f"{reward:g}"])
                runs.flush()
                if variant.name == "ppo-sum":
                    for update, *rows in details:
                        starts.writerow([seed, update, *(f"{x:.4f}" for row in rows for x in row)])
    versions = {"maca-edu": __version__, "torch": torch.__version__, "numpy": np.__version__}
    versions["python"] = platform.python_version()
    made = dict(command="python book/which_error.py", date=str(date.today()), versions=versions)
    (told.out / "made.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
