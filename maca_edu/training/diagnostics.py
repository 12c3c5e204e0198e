"""What a rollout says about the method: how much of its gradient is noise, and does its critic know what actions do?

Measured before anything is learned from the rollout, so the critic's word is out of sample. `measure` gives, where the
method has what they need, the columns

    noise_x           share of noise in the squared length of the rollout's policy gradient, with baseline x
    variance_x        variance of that gradient over its variance without a baseline
    cosine_x          of the angle between that gradient and the one with the method's first baseline
    action_share      share of the advantage's variance that the joint action owns, and level_k_share of it what is
                      owned by groups of k agents: the critic says so, which need not be true
    action_r2         how much of the advantage's variance the critic's action part explains: this is checked
    corrset_size, corrset_precision, corrset_recall, psi_joint, psi_individual, psi_corrset, entropy

where x is none, joint, individual or corrset (the lambda-return minus that baseline), method (the advantage that the
method learns from) or critic (the critic's own Q in place of the lambda-return, minus the first baseline).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from maca_edu.credit.mixture import JOINT
from maca_edu.training.losses import entropy, masked_mean

NAMES = ("joint", "individual", "corrset")  # the order of credit/mixture.py
NAN = float("nan")


def measure(
    facts: dict,
    batch: int,
    log_prob: Callable[[Tensor], Tensor] | None = None,
    parameters: Iterable[Tensor] = (),
    normalise: bool = True,
    groups: int = 8,
) -> dict[str, float]:
    """The columns above, for S = T B samples of T steps in B = `batch` environments, time first.

    facts: alive bool `[S, n]`, policy `[S, n, A]`, target (the lambda-return, `[S, 1]` or `[S, n]`), advantage `[S, n]`
    (the method's, not normalised), and of the names of credit/table1.py what the critic has: baselines, value, or
    q_values with own (its Q of the actions played, `[S, 1]` or `[S, n]`); levels `[S, n + 1]`, own split by
    `level_spectrum`; psi, only where the method uses it; corrset bool `[S, n, n]`; partners bool `[n, n]` or
    `[S, n, n]`, the truth about it; entropy `[S, n]`, where it is not that of the probabilities `policy`.
    log_prob: given the numbers `[E]` of some environments, the log-probabilities `[T, E, n]` of what was played there,
    with gradient; whole environments, so that an actor with memory can read them from their first step. None: the
    gradients' columns are there but NaN, and cost nothing. parameters: whose gradient. normalise, groups: see
    `compare_gradients`.
    """
    row = compare_gradients(facts, batch, log_prob, list(parameters), normalise, groups)
    row |= action_part(facts)
    if "corrset" in facts:
        row |= corrset_scores(facts["corrset"], facts["alive"], facts.get("partners"))
    if "psi" in facts:
        means = facts["psi"].flatten(0, -2).mean(dim=0).tolist()
        row |= {f"psi_{name}": mean for name, mean in zip(NAMES, means, strict=True)}
    spread = masked_mean(facts["entropy"], facts["alive"]) if "entropy" in facts else None
    return row | {"entropy": (entropy(facts["policy"], facts["alive"]) if spread is None else spread).item()}


def baselines_of(facts: dict) -> dict[str, Tensor]:
    """The critic's baselines by name, `[S, 1]` or `[S, n]`: MACA's three, COMA's individual one, or V as the joint."""
    if "baselines" in facts:
        return dict(zip(NAMES, facts["baselines"], strict=True))
    if "own" in facts:
        return {"individual": (facts["policy"] * facts["q_values"]).sum(dim=-1)}
    return {"joint": facts["value"]} if "value" in facts else {}


def advantages_of(facts: dict) -> dict[str, Tensor]:
    """The advantages to compare, `[S, n]`. The first is the one without a baseline."""
    baselines = baselines_of(facts)
    options = {"none": facts["target"]} | {name: facts["target"] - b for name, b in baselines.items()}
    options["method"] = facts["advantage"]
    if "own" in facts:
        options["critic"] = facts["own"] - next(iter(baselines.values()))
    return {name: x.expand_as(facts["alive"]) for name, x in options.items()}


def compare_gradients(facts, batch, log_prob, parameters, normalise=True, groups=8) -> dict[str, float]:
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
    if log_prob is None:
        return dict.fromkeys(names, NAN)
    alive, weights = facts["alive"], torch.stack(list(options.values()))  # [S, n], [X, S, n]
    if normalise:
        weights = weights - torch.stack([masked_mean(x, alive) for x in weights]).view(-1, 1, 1)
    weights = torch.where(alive, weights, 0.0) / alive.sum().clamp(min=1)
    parts = torch.arange(batch).tensor_split(min(groups, batch))
    gradients = group_gradients(log_prob, parameters, weights.unflatten(1, (-1, batch)), parts)  # [X, K, P]
    mean, variance = variance_of_mean(gradients, torch.tensor([len(part) for part in parts]))  # [X, P], [X]
    length, first = mean.square().sum(dim=-1).sqrt(), 1 if baselines_of(facts) else 0
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


def action_part(facts: dict) -> dict[str, float]:
    """action_r2, action_share and level_k_share: what the current actions own of target - V.

    With g = Q(s, a) - Q(s, pi), which are own and the joint baseline, action_r2 is 1 - Var(target - V - g) /
    Var(target - V): 1 where g explains all, 0 for a g that is 0, negative for one that misleads. COMA has Q(s, pi) of
    one agent's action only, so its V and g are those of an agent. level_k_share is the mean square of the critic's
    component of level k over Var(target - V), action_share their sum. Under the policy levels are uncorrelated with
    mean 0, so this is the variance that the *critic* expects from the actions, over one that was observed; the true
    share is another where the critic errs, and shares may exceed 1. A critic that cannot be split (with a decoder, or
    COMA's) has no shares. The target bootstraps from the critic's V: its errors enter Var(target - V) too.
    """
    if "own" not in facts:
        return {}
    value = facts["baselines"][JOINT][:, :1] if "baselines" in facts else baselines_of(facts)["individual"]
    left, g = facts["target"] - value, facts["own"] - value  # [S, 1] or [S, n]
    total = variance(left, facts["alive"])
    row = {"action_r2": 1 - ratio(variance(left - g, facts["alive"]), total)}
    if "levels" in facts:
        shares = [ratio(x, total) for x in facts["levels"][:, 1:].double().square().mean(dim=0).tolist()]
        row |= {"action_share": sum(shares)} | {f"level_{k}_share": share for k, share in enumerate(shares, 1)}
    return row


def corrset_scores(corrset: Tensor, alive: Tensor, partners: Tensor | None = None) -> dict[str, float]:
    """corrset_size, the agent itself included, and of the others admitted the share that are partners (precision) and
    of the partners the share admitted (recall).

    corrset: bool `[S, n, n]`, row i is C_i; alive: bool `[S, n]`, whose rows count; partners: bool `[n, n]` or
    `[S, n, n]`, who earns something together with i; its diagonal is not read. None: size only.
    """
    size = masked_mean(corrset.sum(dim=-1).double(), alive).item()
    if partners is None:
        return {"corrset_size": size}
    others = alive.unsqueeze(-1) & ~torch.eye(alive.shape[-1], dtype=torch.bool)
    admitted, true = corrset & others, partners & others  # [S, n, n]
    hits = (admitted & true).sum().item()
    precision, recall = ratio(hits, admitted.sum().item()), ratio(hits, true.sum().item())
    return {"corrset_size": size, "corrset_precision": precision, "corrset_recall": recall}


def variance(x: Tensor, alive: Tensor) -> float:
    """Variance over samples: of the team's `[S, 1]`, or of the living agents' `[S, n]`."""
    x = x.flatten() if x.shape[-1] == 1 else x[alive]
    return x.double().var(correction=0).item()


def ratio(part: float, whole: float) -> float:
    """part / whole, NaN where there is no whole."""
    return part / whole if whole else NAN
