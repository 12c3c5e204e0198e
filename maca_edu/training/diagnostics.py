"""What a rollout says about the method: how much of its gradient is noise, and does its critic know what actions do?

Measured before anything is learned from the rollout, so the critic's word is out of sample. `measure` gives, where the
method has what they need, the columns

    noise_x           share of noise in the squared length of the rollout's policy gradient, with baseline x
    variance_x        variance of that gradient over its variance without a baseline
    cosine_x          of the angle between that gradient and the one with the method's first baseline
    action_share      share of the advantage's variance that the joint action owns, and level_k_share of it what is
                      owned by groups of k agents: the critic says so, which need not be true
    action_r2         how much of the advantage's variance the critic's action part explains: this is checked
    corrset_size, corrset_precision, corrset_recall, and the last two by chance: corrset_precision_chance, ...
    psi_joint, psi_individual, psi_corrset, entropy

where x is none, joint, individual or corrset (the lambda-return minus that baseline), method (the advantage that the
method learns from) or critic (the critic's own Q in place of the lambda-return, minus the first baseline).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from maca_edu.credit import JOINT
from maca_edu.networks.layers import eye
from maca_edu.training.records import JudgedBatch
from maca_edu.training.team import Team

NAMES = ("joint", "individual", "corrset")  # the baselines, in the order of credit/mixture.py
NAN = float("nan")


class PolicyInput(NamedTuple):
    """What the policies read when S samples were played."""

    obs: Tensor  # [S, n, d]
    first: Tensor  # [S] bool
    available: Tensor  # [S, n, A] bool
    memory: Tensor | None  # [B, n, H], before the first step


class Facts(NamedTuple):
    """What a measurement needs of S samples."""

    batch: JudgedBatch  # its psi is None where the method does not weigh baselines
    advantage: Tensor  # [S, n], the method's, not normalised
    entropy: Tensor  # [S, n], in nats
    levels: Tensor | None = None  # [S, n + 1], the critic's Q(s, a) split by level; None where it cannot be
    partners: Tensor | None = None  # [S, n, n] bool, who earned something with whom; None where nobody knows
    read: PolicyInput | None = None  # what the policies read, where their gradients are to be measured


class PolicyGradients(NamedTuple):
    """The log-probabilities of what was played, with gradient, for some environments at a time.

    log_prob: of numbers `[E]` of environments, `[T, E, n]`; whole environments, so that an actor with memory can read
    them from their first step. parameters: whose gradient.
    """

    log_prob: Callable[[Tensor], Tensor]
    parameters: list[Tensor]

    @staticmethod
    def of(team: Team, read: PolicyInput, action: Tensor, shape: tuple[int, int]) -> PolicyGradients:
        """Of a team, what it read and what it played, `[S, n]` or `[S, n, A]`; shape: T and B."""

        def log_prob(envs: Tensor) -> Tensor:
            def of_envs(x: Tensor) -> Tensor:
                return x.unflatten(0, shape)[:, envs].flatten(0, 1)

            memory = None if read.memory is None else read.memory[envs]
            distribution, _ = team(of_envs(read.obs), of_envs(read.available), memory, of_envs(read.first))
            return distribution.log_prob(of_envs(action)).unflatten(0, (shape[0], len(envs)))

        return PolicyGradients(log_prob, list(team.parameters()))


def measure(
    facts: Facts, envs: int, gradients: PolicyGradients | None = None, normalise: bool = True, groups: int = 8
) -> dict[str, float]:
    """The columns above, for S = T B samples of T steps in B = `envs` environments, time first.

    gradients: None: their columns are there but NaN, and cost nothing. normalise, groups: see `compare_gradients`.
    """
    batch = facts.batch
    row = compare_gradients(facts, envs, gradients, normalise, groups)
    row |= action_part(facts)
    if batch.corrset is not None:
        row |= corrset_scores(batch.corrset, batch.alive, facts.partners)
    if batch.psi is not None:
        means = batch.psi.flatten(0, -2).mean(dim=0).tolist()
        row |= {f"psi_{name}": mean for name, mean in zip(NAMES, means, strict=True)}
    return row | {"entropy": mean_of(facts.entropy, batch.alive).item()}


def baselines_of(batch: JudgedBatch) -> dict[str, Tensor]:
    """The critic's baselines by name, `[S, 1]` or `[S, n]`: MACA's three, COMA's individual one, or V as the joint."""
    if batch.baselines is not None:
        return dict(zip(NAMES, batch.baselines, strict=True))
    if batch.q is not None:
        return {"individual": batch.own_mean}
    return {"joint": batch.value} if batch.value is not None else {}


def advantages_of(facts: Facts) -> dict[str, Tensor]:
    """The advantages to compare, by the names of the columns, `[S, n]`. The first is the one without a baseline."""
    batch = facts.batch
    baselines = baselines_of(batch)
    options = {"none": batch.target}
    for name, baseline in baselines.items():
        options[name] = batch.target - baseline
    options["method"] = facts.advantage
    if batch.q is not None:
        options["critic"] = batch.q - next(iter(baselines.values()))
    return {name: x.expand_as(batch.alive) for name, x in options.items()}


def compare_gradients(
    facts: Facts, envs: int, gradients: PolicyGradients | None, normalise: bool = True, groups: int = 8
) -> dict[str, float]:
    """noise_x, variance_x and cosine_x of every baseline, all from the same actions.

    The gradient is that of PPO's surrogate at ratio 1, the mean of A_i grad log pi_i over the living: g. Means over
    groups of environments, which are independent of one another, tell its variance tr Cov(g) (`variance_of_mean`).

        noise     tr Cov(g) / |g|^2, both without bias for their expectations: E|g|^2 = |E g|^2 + tr Cov(g); the
                  estimate may exceed 1 where there is little but noise
        variance  tr Cov(g_x) / tr Cov(g_none), the pure effect of the baseline
        cosine    <g_x, g_1> / (|g_x| |g_1|), 1 the first baseline (none, where the critic has no baseline). Both
                  share the noise of the actions, so it tells how alike two updates are, not how true

    With s the noise, s / (1 - s) is tr Cov(g) over the squared length of the true gradient, its bias removed, and S
    times that the simple noise scale of McCandlish et al. (2018), in samples. It is not logged because it has no finite
    estimate where the signal is weak. Noise and cosine do not depend on the advantage's unit; variances are compared
    in the reward's, before advantages are divided by their deviation, because dividing each by its own would hide
    what the baseline does. One environment alone shows no variance: noise and variance are NaN.
    normalise: subtract from each advantage its mean over the living, as the learner does, which makes "none" a constant
    baseline; False: it is 0.
    Cost: one forward pass of the actor over the rollout and a backward pass for each x, at most 6, all at once.
    """
    options = advantages_of(facts)
    names = [f"{kind}_{name}" for kind in ("noise", "variance", "cosine") for name in options]
    if gradients is None:
        return dict.fromkeys(names, NAN)
    alive, weights = facts.batch.alive, torch.stack(list(options.values()))  # [S, n], [X, S, n]
    if normalise:
        weights = weights - torch.stack([mean_of(x, alive) for x in weights]).view(-1, 1, 1)
    weights = torch.where(alive, weights, 0.0) / alive.sum().clamp(min=1)
    parts = torch.arange(envs, device=alive.device).tensor_split(min(groups, envs))
    of_groups = group_gradients(*gradients, weights.unflatten(1, (-1, envs)), parts)  # [X, K, P]
    sizes = torch.tensor([len(part) for part in parts], device=alive.device)
    mean, variance = variance_of_mean(of_groups, sizes)  # [X, P], [X]
    length, first = mean.square().sum(dim=-1).sqrt(), 1 if baselines_of(facts.batch) else 0
    noise = variance / length.square()
    cosine = mean @ mean[first] / (length * length[first])
    return dict(zip(names, torch.cat([noise, variance / variance[0], cosine]).tolist(), strict=True))


def group_gradients(log_prob, parameters, weights: Tensor, parts) -> Tensor:
    """For each weighting the gradient of sum(weights * log_prob) that each group of environments would give if all
    were like it, `[X, K, P]` in float64; weights `[X, T, B, n]`, parts: K tensors of environments' numbers."""
    rows = []
    for part in parts:
        played = log_prob(part)  # [T, E, n]
        x = weights[:, :, part] * (weights.shape[2] / len(part))  # [X, T, E, n]
        gradients = torch.autograd.grad(played, parameters, x, is_grads_batched=True, materialize_grads=True)
        wide = (g.expand(len(x), *p.shape) for g, p in zip(gradients, parameters, strict=True))  # unused: one 0 for all
        rows.append(torch.cat([g.flatten(1) for g in wide], dim=1).double())  # [X, P]
    return torch.stack(rows, dim=1)


def variance_of_mean(gradients: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Of K group means `[..., K, P]` over `sizes` environments each: their mean `[..., P]` and its variance `[...]`.

    The variance is tr Cov of the mean over all B environments, without bias: a group of m varies m times less than an
    environment, so sum_k m_k |g_k - g|^2 / (K - 1) estimates one environment's, and B of them vary B times less.
    """
    share = sizes.to(gradients) / sizes.sum()  # [K]
    mean = (share.unsqueeze(-1) * gradients).sum(dim=-2)
    apart = (gradients - mean.unsqueeze(-2)).square().sum(dim=-1)  # [..., K]
    return mean, (share * apart).sum(dim=-1) / (len(sizes) - 1)


def action_part(facts: Facts) -> dict[str, float]:
    """action_r2, action_share and level_k_share: what the current actions own of target - V.

    With g = Q(s, a) - Q(s, pi), the critic's Q and its joint baseline, action_r2 is 1 - Var(target - V - g) /
    Var(target - V): 1 where g explains all, 0 for a g that is 0, negative for one that misleads. COMA has Q(s, pi) of
    one agent's action only, so its V and g are those of an agent. level_k_share is the mean square of the critic's
    component of level k over Var(target - V), action_share their sum. Under the policy levels are uncorrelated with
    mean 0, so this is the variance that the *critic* expects from the actions, over one that was observed; the true
    share is another where the critic errs, and shares may exceed 1. A critic that cannot be split (with a decoder, or
    COMA's) has no shares. The target bootstraps from the critic's V: its errors enter Var(target - V) too.
    """
    batch = facts.batch
    if batch.q is None:
        return {}
    value = batch.baselines[JOINT][:, :1] if batch.baselines is not None else baselines_of(batch)["individual"]
    left, g = batch.target - value, batch.q - value  # [S, 1] or [S, n]
    total = variance(left, batch.alive)
    row = {"action_r2": 1 - ratio(variance(left - g, batch.alive), total)}
    if facts.levels is not None:
        shares = [ratio(x, total) for x in facts.levels[:, 1:].double().square().mean(dim=0).tolist()]
        row |= {"action_share": sum(shares)} | {f"level_{k}_share": share for k, share in enumerate(shares, 1)}
    return row


def corrset_scores(corrset: Tensor, alive: Tensor, partners: Tensor | None = None) -> dict[str, float]:
    """corrset_size, the agent itself included, and of the others admitted the share that are partners (precision) and
    of the partners the share admitted (recall); both again for CorrSets drawn at random (chance).

    corrset: bool `[S, n, n]`, row i is C_i; alive: bool `[S, n]`: the rows of the living count, and in them the living
    others. partners: bool `[n, n]` or `[S, n, n]`, who earns something together with i; its diagonal is not read.
    None: size only. Chance: each C_i admits as many of the living others as it does, drawn uniformly. Of m admitted out
    of k, when p of them are partners, m p / k are partners on average.
    """
    size = mean_of(corrset.sum(dim=-1).double(), alive).item()
    if partners is None:
        return {"corrset_size": size}
    others = alive.unsqueeze(-1) & alive.unsqueeze(-2) & ~eye(corrset)
    admitted, true = corrset & others, partners & others  # [S, n, n]
    m, p, k = (x.sum(dim=-1).double() for x in (admitted, true, others))  # [S, n]
    hits, by_chance = (admitted & true).sum().item(), (m * p / k.clamp(min=1)).sum().item()
    return {
        "corrset_size": size,
        "corrset_precision": ratio(hits, m.sum().item()),
        "corrset_recall": ratio(hits, p.sum().item()),
        "corrset_precision_chance": ratio(by_chance, m.sum().item()),
        "corrset_recall_chance": ratio(by_chance, p.sum().item()),
    }


def mean_of(x: Tensor, alive: Tensor) -> Tensor:
    """The mean of x over the living agents' samples; both `[S, n]`."""
    return torch.where(alive, x, 0.0).sum() / alive.sum().clamp(min=1)


def variance(x: Tensor, alive: Tensor) -> float:
    """Variance over samples: of the team's `[S, 1]`, or of the living agents' `[S, n]`."""
    x = x.flatten() if x.shape[-1] == 1 else x[alive]
    return x.double().var(correction=0).item()


def ratio(part: float, whole: float) -> float:
    """part / whole, NaN where there is no whole."""
    return part / whole if whole else NAN


def join(parts: list[Facts], shape: tuple[int, int]) -> Facts:
    """The facts of several processes as if one had played everything; shape: T and B of each process."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    fields = {}
    for name in first.batch.given():
        axis = 1 if name == "baselines" else 0  # which holds the samples
        fields[name] = join_samples([getattr(part.batch, name) for part in parts], shape, axis)
    return Facts(
        JudgedBatch(**fields),
        advantage=join_samples([part.advantage for part in parts], shape),
        entropy=join_samples([part.entropy for part in parts], shape),
        levels=None if first.levels is None else join_samples([part.levels for part in parts], shape),
        partners=None if first.partners is None else join_samples([part.partners for part in parts], shape),
        read=None if first.read is None else join_inputs([part.read for part in parts], shape),
    )


def join_inputs(parts: list[PolicyInput], shape: tuple[int, int]) -> PolicyInput:
    """What the policies of several processes read, as if one had read everything."""
    return PolicyInput(
        obs=join_samples([part.obs for part in parts], shape),
        first=join_samples([part.first for part in parts], shape),
        available=join_samples([part.available for part in parts], shape),
        memory=None if parts[0].memory is None else torch.cat([part.memory for part in parts]),
    )


def join_samples(parts: list[Tensor], shape: tuple[int, int], axis: int = 0) -> Tensor:
    """Samples of several processes, `[S, ...]` each, in one row, time first; axis: which one they are in.

    In process 0 of two, environments 0 and 1; in process 1, environments 2 and 3: joined, every step has 0, 1, 2, 3.
    """
    return torch.cat([x.unflatten(axis, shape) for x in parts], dim=axis + 1).flatten(axis, axis + 1)
