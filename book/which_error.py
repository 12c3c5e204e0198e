"""Which error stops PPO-Sum and PPO-Mix in Fridge? Chapter 8 takes their errors away, one at a time.

    python book/which_error.py
    python book/which_error.py --library 10 50

It writes `runs.csv` (how every team ended), `early.csv` (what PPO-Sum's critic said in its first updates, teams of one
fate together) and `made.json` (the command, the seed, the date and the versions) into book/data/ch08.

It trains many teams at once, with the library's networks. That is possible because in a one-shot game an agent always
observes the same, so that a network has one output for each agent, and a critic one for each of 16 joint actions, and
not one for each sample. Otherwise an update is the library's: `tests/book/test_which_error.py` compares the two, number
by number.
The second command trains PPO-Sum with the library itself, one team for each seed from 10 to 49: `library.csv`.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from maca_edu import __version__, envs, train
from maca_edu.networks import Actor, QMixer, UtilityCritic
from maca_edu.training.config import Config
from maca_edu.training.ppo import value_loss
from toy_envs import fridge_v0

DATA = Path(__file__).parent / "data" / "ch08"
N, A = 4, 2  # Fridge has four agents and two actions
SAMPLES, UPDATES, EARLY = 256, 32, 12  # joint actions in a rollout; updates, as in the guide; those in early.csv
OBS, STATE = torch.eye(N), torch.ones(1, 1)  # what an agent and the mixer see, always
ACTIONS = torch.tensor(list(np.ndindex((A,) * N)))  # all joint actions, [16, n]
PLACES = A ** torch.arange(N - 1, -1, -1)  # action @ PLACES: which of the 16 it is
FRIDGE = torch.as_tensor(fridge_v0.game().payoff(), dtype=torch.float32)  # [2, 2, 2, 2]

# ---------------------------------------------------------------------------------------------------------------------
# R teams at once


class Logits(nn.Module):
    """The library's actor, of which only the logits are wanted, `[n, A]`."""

    def __init__(self, config: Config):
        super().__init__()
        self.actor = Actor(N, A, config.actor_sizes)

    def forward(self) -> Tensor:
        features, _ = self.actor.trunk(OBS)
        return self.actor.out(features)


class Mixture(nn.Module):
    """The library's utilities `[n, A]`, and the team's value of all joint actions, `[16]`, a sum or a mixture."""

    def __init__(self, config: Config, mixed: bool):
        super().__init__()
        self.net = UtilityCritic(N, A, config.critic_sizes, recurrent=False)
        self.mixer = QMixer(N, 1) if mixed else None

    def forward(self) -> tuple[Tensor, Tensor]:
        utilities = self.net(OBS[None])[0].values[0]  # [n, A]
        played = utilities[torch.arange(N), ACTIONS]  # [16, n]
        if self.mixer is None:
            return utilities, played.sum(dim=-1)
        return utilities, self.mixer(played, STATE.expand(len(played), 1))


class Stack:
    """R networks of one kind, and one optimiser for all; Adam treats every number by itself, so they do not meet."""

    def __init__(self, networks: list[nn.Module], config: Config):
        self.blank, self.config = networks[0], config
        self.parameters, _ = stack_module_state(networks)
        self.optimiser = torch.optim.Adam(self.parameters.values(), config.lr, eps=1e-5)

    def __call__(self):
        """What each network puts out."""

        def one(parameters):
            return functional_call(self.blank, parameters, ())

        return torch.vmap(one)(self.parameters)

    def descend(self, losses: Tensor) -> None:
        """One step for each network, from its own loss, `[R]`; each gradient is cut to `max_grad_norm` by itself."""
        self.optimiser.zero_grad()
        losses.sum().backward()
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        lengths = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)  # [R]
        factor = (self.config.max_grad_norm / (lengths + 1e-6)).clamp(max=1.0)
        for g in gradients:
            g.mul_(factor.view(-1, *[1] * (g.dim() - 1)))
        self.optimiser.step()


class Norms:
    """R ValueNorms: the weighted mean and deviation of all rewards seen so far (training/value_norm.py)."""

    def __init__(self, teams: int, beta: float = 0.99999):
        self.beta, self.sums = beta, torch.zeros(3, teams, dtype=torch.float64)

    def update(self, rewards: Tensor) -> None:
        x = rewards.double()
        means = torch.stack([x.mean(dim=1), x.square().mean(dim=1), torch.ones(len(x), dtype=torch.float64)])
        self.sums = self.beta * self.sums + (1 - self.beta) * means

    def mean_and_std(self) -> tuple[Tensor, Tensor]:
        """`[R, 1]` each."""
        m, q, w = self.sums
        mean = torch.where(w > 0, m / w.clamp(min=1e-300), 0.0)
        variance = torch.where(w > 0, q / w.clamp(min=1e-300), 0.0) - mean.square()
        return mean[:, None].float(), variance.clamp(min=1e-2).sqrt()[:, None].float()


# ---------------------------------------------------------------------------------------------------------------------
# Where an advantage may take its utilities from


@dataclass
class Seen:
    """What is known of R teams before an update."""

    policy: Tensor  # [R, n, A]
    past: list[Tensor]  # the policies before earlier updates, the latest last
    action: Tensor  # [R, S, n]
    reward: Tensor  # [R, S]
    utilities: Tensor  # [R, n, A], what the critic says, in the units of the reward


def signal(policy: Tensor) -> Tensor:
    """E[Q | a_i] for each action of each agent, `[R, n, A]`: the best sum under the policies, up to constants."""
    a, b, c, d = policy.unbind(dim=1)
    means = [
        torch.einsum("rb,rc,rd,abcd->ra", b, c, d, FRIDGE),
        torch.einsum("ra,rc,rd,abcd->rb", a, c, d, FRIDGE),
        torch.einsum("ra,rb,rd,abcd->rc", a, b, d, FRIDGE),
        torch.einsum("ra,rb,rc,abcd->rd", a, b, c, FRIDGE),
    ]
    return torch.stack(means, dim=1)


def learned(seen: Seen) -> Tensor:
    """The critic's utilities: all errors."""
    return seen.utilities


def present(seen: Seen) -> Tensor:
    """The best sum under the present policies: no error but that a sum is a sum."""
    return signal(seen.policy)


def rollout_fit(seen: Seen) -> Tensor:
    """The sum that fits the present rollout best, by least squares: sampling error and no lag."""
    ones = torch.ones_like(seen.reward)[..., None]
    features = torch.cat([ones, seen.action.float()], dim=-1).double()  # [R, S, 1 + n]
    squares = features.mT @ features + 1e-6 * torch.eye(1 + N, dtype=torch.float64)  # an agent may never have lifted
    lifts = torch.linalg.solve(squares, features.mT @ seen.reward.double()[..., None])[:, 1:]  # [R, n, 1]
    return torch.cat([torch.zeros_like(lifts), lifts], dim=-1).float()


def lagged(updates: int) -> Callable[[Seen], Tensor]:
    """The best sum under the policies of so many updates ago: lag and no sampling error."""

    def utilities(seen: Seen) -> Tensor:
        policies = [*seen.past, seen.policy]
        return signal(policies[max(len(seen.past) - updates, 0)])

    return utilities


def rescued(after: int) -> Callable[[Seen], Tensor]:
    """The critic's utilities in the first updates, then the best sum under the present policies."""

    def utilities(seen: Seen) -> Tensor:
        return learned(seen) if len(seen.past) < after else present(seen)

    return utilities


# ---------------------------------------------------------------------------------------------------------------------
# Training


class Teams:
    """R teams that learn Fridge by PPO with advantages from utilities; all chance follows from the seed."""

    def __init__(self, teams: int, seed: int, mixed: bool, config: Config):
        torch.manual_seed(seed)
        self.config, self.mixed = config, mixed
        self.actor = Stack([Logits(config) for _ in range(teams)], config)
        self.critic = Stack([Mixture(config, mixed) for _ in range(teams)], config)
        self.norms, self.past = Norms(teams), []

    @torch.no_grad()
    def policy(self) -> Tensor:
        """`[R, n, A]`."""
        return self.actor().softmax(dim=-1)

    def play(self) -> tuple[Tensor, Tensor]:
        """A rollout: actions `[R, S, n]` and rewards `[R, S]`."""
        lift = self.policy()[:, None, :, 1].expand(-1, SAMPLES, -1)
        action = torch.bernoulli(lift).long()
        return action, FRIDGE[tuple(action.unbind(dim=-1))]

    def minibatches(self, teams: int):
        """One pass over a rollout: numbers of samples `[R, S / minibatches]`, in an order of its own for each team."""
        return torch.rand(teams, SAMPLES).argsort(dim=1).chunk(self.config.minibatches, dim=1)

    def update(self, action: Tensor, reward: Tensor, source: Callable[[Seen], Tensor], still: bool = False) -> Tensor:
        """Learn from a rollout; returns the critic's utilities before it, `[R, n, A]`, in the units of the reward.

        source: where the advantage takes its utilities from. still: the critic learns, and the policies do not.
        """
        policy, c = self.policy(), self.config
        with torch.no_grad():
            raw, q = self.critic()  # [R, n, A] and [R, 16]
        which = action @ PLACES  # [R, S]
        before = q.gather(1, which)
        utilities = raw * self.norms.mean_and_std()[1][..., None]
        if not still:
            chosen = source(Seen(policy, self.past, action, reward, utilities))
            centred = chosen - (policy * chosen).sum(dim=-1, keepdim=True)  # [R, n, A]
            self.improve_policies(action, policy, of_played(centred, action))
            self.past.append(policy)
        self.norms.update(reward)
        mean, std = self.norms.mean_and_std()
        target = (reward - mean) / std
        for _ in range(c.epochs):
            for numbers in self.minibatches(len(action)):
                _, q = self.critic()
                rows = zip(q.gather(1, take(which, numbers)), take(before, numbers), take(target, numbers), strict=True)
                losses = [value_loss(*row, c.clip) for row in rows]
                self.critic.descend(torch.stack(losses))
        return utilities

    def improve_policies(self, action: Tensor, policy: Tensor, advantage: Tensor) -> None:
        """PPO's epochs. action, advantage: `[R, S, n]`; policy `[R, n, A]`, which played."""
        c = self.config
        centred = advantage - advantage.mean(dim=(1, 2), keepdim=True)
        normalised = centred / (centred.square().mean(dim=(1, 2), keepdim=True).sqrt() + 1e-5)
        old = of_played(policy.log(), action)
        for _ in range(c.epochs):
            for numbers in self.minibatches(len(action)):
                logs = self.actor().log_softmax(dim=-1)  # [R, n, A]
                ratio = (of_played(logs, take(action, numbers)) - take(old, numbers)).exp()
                gain = take(normalised, numbers)
                surrogate = torch.minimum(ratio * gain, ratio.clamp(1 - c.clip, 1 + c.clip) * gain).mean(dim=(1, 2))
                entropy = -(logs.exp() * logs).sum(dim=-1).mean(dim=1)
                self.actor.descend(-surrogate - c.entropy * entropy)


def of_played(table: Tensor, action: Tensor) -> Tensor:
    """Of a table `[R, n, A]` the entries of the actions played, `[R, S, n]`."""
    S = action.shape[1]
    return table[:, None].expand(-1, S, -1, -1).gather(-1, action[..., None]).squeeze(-1)


def take(x: Tensor, numbers: Tensor) -> Tensor:
    """Of x `[R, S, ...]` each team's own samples `[R, M]`: `[R, M, ...]`."""
    return x[torch.arange(len(x))[:, None], numbers]


# ---------------------------------------------------------------------------------------------------------------------
# The experiment


@dataclass(frozen=True)
class Variant:
    """What is taken away from PPO-Sum or PPO-Mix."""

    name: str
    source: Callable[[Seen], Tensor] = learned
    mixed: bool = False
    still: int = 0  # updates of the critic before the policies begin to move


VARIANTS = (
    Variant("ppo-sum"),
    Variant("present", present),
    Variant("rollout-fit", rollout_fit),
    Variant("lag-1", lagged(1)),
    Variant("lag-8", lagged(8)),
    Variant("still-8", still=8),
    Variant("rescued-8", rescued(8)),
    Variant("ppo-mix", mixed=True),
    Variant("mix-still-8", mixed=True, still=8),
)


def run(variant: Variant, teams: int, seed: int) -> tuple[Tensor, list[tuple[Tensor, Tensor, Tensor]]]:
    """Train R teams: what each earns greedily, `[R]`, and for the first updates lift probabilities, what the critic
    says a lift is worth, and what it is worth, `[R, n]` each."""
    learner = Teams(teams, seed, variant.mixed, Config())
    for _ in range(variant.still):
        learner.update(*learner.play(), variant.source, still=True)
    early = []
    for update in range(UPDATES):
        policy = learner.policy()
        said = learner.update(*learner.play(), variant.source)
        if update < EARLY:
            worth = signal(policy)
            early.append((policy[..., 1], said[..., 1] - said[..., 0], worth[..., 1] - worth[..., 0]))
    best = learner.policy().argmax(dim=-1)
    return FRIDGE[tuple(best.unbind(dim=-1))], early


def early_rows(rewards: Tensor, early) -> list[list]:
    """For teams that end with the fridge and without it: how many, and medians of what B and C lift, hear, and earn."""
    rows = []
    for fate, chosen in (("fridge", rewards >= 4), ("none", rewards < 4)):
        for update, (lift, said, worth) in enumerate(early):
            b_or_c = [x[chosen][:, 1:3].min(dim=1).values.median().item() for x in (lift, said, worth)]
            rows.append([fate, int(chosen.sum()), update, *(f"{x:.4f}" for x in b_or_c)])
    return rows


def made(path: Path, command: str, seed: int | None = None) -> None:
    """Write the command, the seed, the date and the versions behind data."""
    versions = {"maca-edu": __version__, "torch": torch.__version__, "numpy": np.__version__}
    versions["python"] = platform.python_version()
    facts = dict(command=command, seed=seed, date=str(date.today()), versions=versions)
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def library(first: int, last: int, out: Path) -> None:
    """Train PPO-Sum with the library, one team for each seed from first to last - 1, and write how each ended."""
    with open(out / "library.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["method", "seed", "greedy_reward"])
        for seed in range(first, last):
            config = replace(Config(), diagnose_every=0)
            run = train("toy/fridge", "ppo-sum", UPDATES * SAMPLES, seed, config=config, processes=1)
            best = run.policy(envs.make("toy/fridge", 1).view())[0]
            rows.writerow(["ppo-sum", seed, f"{FRIDGE[tuple(best)]:g}"])
            file.flush()
    made(out / "library.json", f"python book/which_error.py --library {first} {last}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--teams", type=int, default=100, help="how many teams learn in each variant")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--only", nargs="*", help="names of variants (default: all)")
    parser.add_argument(
        "--library", nargs=2, type=int, metavar=("FIRST", "LAST"), help="train with the library instead"
    )
    parser.add_argument("--out", type=Path, default=DATA)
    told = parser.parse_args()
    torch.set_num_threads(1)
    told.out.mkdir(parents=True, exist_ok=True)
    if told.library:
        library(*told.library, told.out)
        return
    with open(told.out / "runs.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["variant", "greedy_reward", "teams"])
        for variant in VARIANTS:
            if told.only and variant.name not in told.only:
                continue
            rewards, early = run(variant, told.teams, told.seed)
            for reward, count in zip(*np.unique(rewards.numpy(), return_counts=True), strict=True):
                rows.writerow([variant.name, f"{reward:g}", count])
            file.flush()
            if variant.name == "ppo-sum":
                with open(told.out / "early.csv", "w", newline="") as details:
                    lines = csv.writer(details, lineterminator="\n")
                    lines.writerow(["fate", "teams", "update", "least_lift", "least_said", "least_worth"])
                    lines.writerows(early_rows(rewards, early))
    made(told.out / "made.json", "python book/which_error.py", told.seed)


if __name__ == "__main__":
    main()
