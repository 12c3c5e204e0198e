"""MACA's critic: V(s), Q(s, a) and every baseline from one encoding of the observations (section 4.2, Figure 1).

A baseline asks for E[Q(s, a)] with the actions of a group drawn and the others' as played. The critic is fed

    pi_bar[i, j] = pi_j if j is in G_i, otherwise a_j as a one-hot vector

instead of actions, and Q(s, pi_bar) equals the expectation wherever Q is linear in each agent's action by itself.
Three heads are, and are described by `Coefficients`; with x_j for agent j's action or policy, they are

    additive      Q = v(z) + sum_j x_j . u_j                         the paper: u does not depend on the state
    conditioned   Q = v(z) + sum_j x_j . u(h_j)
    multilinear   Q = v(z) + sum_j x_j . u(h_j) + sum_r w_r(z) prod_j (1 + x_j . f_r(h_j))

Only the last lets agents' actions interact. The fourth, `decoder` (the ablation MACA-Dec), is a transformer: it is not
linear, so Q(s, pi_bar) is not the expectation.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from maca_edu.checks import check, check_integer
from maca_edu.networks.checks import check_floats, check_kind, check_truths
from maca_edu.networks.encoder import Attention, Encoder, t_fixup, t_fixup_as_released
from maca_edu.networks.layers import eye


class Encoding(NamedTuple):
    """What the encoder says about S samples; every method of the critic starts from it."""

    state: Tensor  # [S, Z] the paper's z_s
    tokens: Tensor  # [S, n, E] one for each agent, h_1 .. h_n
    attentions: tuple[Tensor, ...]  # one [S, heads, n, n] for each block


class Coefficients(NamedTuple):
    """A Q that is linear in each agent's action: constant + sum_j x_j . slope_j + sum_r w_r prod_j (1 + x_j . f_jr)."""

    constant: Tensor  # [S]
    slope: Tensor  # [S, n, A] or [1, n, A]
    factor: Tensor | None = None  # [S, n, A, R]
    weight: Tensor | None = None  # [S, R]


class AdditiveHead(nn.Module):
    """One linear map of [z, joint action], and another to a number, with nothing between (Table 6, row MACA)."""

    def __init__(self, z_size: int, n_agents: int, n_actions: int):
        super().__init__()
        self.z_size, self.shape = z_size, (1, n_agents, n_actions)
        self.mix = nn.Linear(z_size + n_agents * n_actions, 256)
        self.out = nn.Linear(256, 1)

    def forward(self, z: Encoding) -> Coefficients:
        """The two maps multiplied: a number per feature of z and per action of each agent."""
        weight = (self.out.weight @ self.mix.weight).squeeze(0)  # [Z + n * A]
        bias = self.out(self.mix.bias)  # [1]
        return Coefficients(z.state @ weight[: self.z_size] + bias, weight[self.z_size :].view(self.shape))


class MultilinearHead(nn.Module):
    """Slopes and factors from each agent's token, by one map that all agents share; rank 0 is the conditioned head."""

    def __init__(self, z_size: int, embed: int, n_agents: int, n_actions: int, rank: int):
        super().__init__()
        self.n_actions, self.rank = n_actions, rank
        self.constant = nn.Linear(z_size, 1)
        self.slope = nn.Linear(embed, n_actions)
        if rank:
            self.factor = nn.Linear(embed, n_actions * rank)
            self.weight = nn.Linear(z_size, rank)

    def forward(self, z: Encoding) -> Coefficients:
        constant, slope = self.constant(z.state).squeeze(-1), self.slope(z.tokens)
        if not self.rank:
            return Coefficients(constant, slope)
        factor = self.factor(z.tokens).unflatten(-1, (self.n_actions, self.rank))
        return Coefficients(constant, slope, factor, self.weight(z.state))


class DecoderHead(nn.Module):
    """A transformer decoder: actions attend to one another, then to the tokens (Figure 7, MACA-Dec)."""

    def __init__(self, z_size: int, embed: int, n_heads: int, n_agents: int, n_actions: int):
        super().__init__()
        self.embedding = nn.Sequential(nn.Linear(n_actions, embed), nn.GELU(), nn.LayerNorm(embed))
        self.norm_1, self.norm_2, self.norm_3 = (nn.LayerNorm(embed) for _ in range(3))
        self.among, self.towards = Attention(embed, n_heads), Attention(embed, n_heads)
        self.mlp = nn.Sequential(nn.Linear(embed, embed), nn.GELU(), nn.Linear(embed, embed))
        self.read = nn.Sequential(nn.Linear(embed, embed), nn.GELU(), nn.LayerNorm(embed))
        self.flat = flat_layer(n_agents * embed, z_size)
        self.out = value_head(z_size)

    def forward(self, tokens: Tensor, joint: Tensor) -> Tensor:
        """tokens and joint `[..., n, E]` and `[..., n, A]` to `[...]`."""
        x = self.embedding(joint)  # [..., n, E]
        x = x + self.among(self.norm_1(x))[0]
        x = x + self.towards(self.norm_2(x), tokens)[0]
        x = x + self.mlp(self.norm_3(x))
        return self.out(self.flat(self.read(x).flatten(-2))).squeeze(-1)


def flat_layer(in_size: int, z_size: int) -> nn.Module:
    return nn.Sequential(nn.Linear(in_size, z_size), nn.GELU(), nn.LayerNorm(z_size))


def value_head(z_size: int) -> nn.Module:
    return nn.Sequential(nn.Linear(z_size, 64), nn.GELU(), nn.LayerNorm(64), nn.Linear(64, 1))


class MacaCritic(nn.Module):
    """Encoder, V, Q and psi. `z, memory = critic(obs)`, then `value(z)`, `q(z, ...)`, `baselines(z, ...)`, `psi(z)`.

    head: "additive" (the paper), "conditioned", "multilinear" or "decoder"; see above.
    rank: R, how many products the multilinear head adds up.
    centred: Q becomes V(z) + Q(z, x) - Q(z, policy), so that Q(s, pi) is V exactly; q() then needs the policy.
    feature_norm: LayerNorm on the observations. start: "t-fixup", or "released" as in the authors' code.
    Actions are one-hot or vectors, `[S, n, A]`; policies are their expectations. sizes: Table 10.
    Raises ValueError where the head is unknown or a size is not a positive integer, and its methods where a shape is
    wrong or a number is not finite.
    """

    HEADS = ("additive", "conditioned", "multilinear", "decoder")
    LOGIT_BOUND = 1.95  # of psi: no weight falls below softmax(-1.95, 1.95, 1.95), which is 0.01

    def __init__(
        self,
        obs_size: int,
        n_agents: int,
        n_actions: int,
        head: str = "additive",
        rank: int = 8,
        centred: bool = False,
        recurrent: bool = True,
        embed: int = 64,
        z_size: int = 256,
        n_layers: int = 1,
        n_heads: int = 1,
        feature_norm: bool = True,
        start: str = "t-fixup",
    ):
        super().__init__()
        sizes = dict(obs_size=obs_size, n_agents=n_agents, n_actions=n_actions, rank=rank, embed=embed, z_size=z_size)
        for name, size in {**sizes, "n_layers": n_layers, "n_heads": n_heads}.items():
            check_integer(name, size, 1)
        self.n_agents, self.n_actions, self.z_size = n_agents, n_actions, z_size
        self.centred = check("centred", centred, bool)
        self.encoder = Encoder(obs_size, embed, n_layers, n_heads, recurrent, feature_norm)
        self.flat = flat_layer(n_agents * embed, z_size)
        self.v = value_head(z_size)
        if head == "additive":
            self.head = AdditiveHead(z_size, n_agents, n_actions)
        elif head in ("conditioned", "multilinear"):
            self.head = MultilinearHead(z_size, embed, n_agents, n_actions, rank if head == "multilinear" else 0)
        elif head == "decoder":
            self.head = DecoderHead(z_size, embed, n_heads, n_agents, n_actions)
        else:
            raise ValueError(f"head={head!r}; allowed are {', '.join(self.HEADS)}")
        self.psi_head = nn.Linear(z_size, 3)
        if start not in ("t-fixup", "released"):
            raise ValueError(f"start={start!r}; allowed are t-fixup, released")
        initialise = t_fixup if start == "t-fixup" else t_fixup_as_released
        initialise(self, n_layers)
        if head == "multilinear":  # products of n factors start near 1
            self.head.factor.weight.data *= 0.5 * n_agents**-0.5
        nn.init.zeros_(self.psi_head.weight)  # with biases of 0, psi starts at 1/3 each
        nn.init.zeros_(self.psi_head.bias)
        self.psi_head.requires_grad_(False)  # CMA-ES finds it, not the gradient

    def forget_actions(self) -> None:
        """Let no action change Q, exactly, until it is trained. Raises ValueError for the decoder."""
        if isinstance(self.head, DecoderHead):
            raise ValueError(
                "head='decoder' is not linear in each action; allowed are additive, conditioned, multilinear"
            )
        layers = [self.head.out] if isinstance(self.head, AdditiveHead) else [self.head.slope]
        if isinstance(self.head, MultilinearHead) and self.head.rank:
            layers.append(self.head.weight)
        for layer in layers:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, obs: Tensor, memory: Tensor | None = None, first: Tensor | None = None):
        """obs `[S, n, d]` to an Encoding and the memory after each sample, `[S, n, H]`; memory, first: see `layers`."""
        tokens, attentions, memory = self.encoder(obs, memory, first)
        return Encoding(self.flat(tokens.flatten(1)), tokens, attentions), memory

    def value(self, z: Encoding) -> Tensor:
        """V(s), `[S]`."""
        return self.v(self.state_of(z)).squeeze(-1)

    def state_of(self, z: Encoding) -> Tensor:
        """z_s, `[S, Z]`, finite. Raises ValueError where z is not an Encoding of this critic's size."""
        return check_floats("z.state", check_kind("z", z, Encoding).state, f"S, {self.z_size}")

    def check_joint(self, z: Encoding, **named: Tensor) -> None:
        """ValueError unless each tensor holds actions or policies of all agents, `[S, n, A]`.

        S is as many samples as z has, or any number where z has one.
        """
        S = len(self.state_of(z))
        for name, x in named.items():
            check_floats(name, x, f"{'S' if S == 1 else S}, {self.n_agents}, {self.n_actions}")

    def psi(self, z: Encoding) -> Tensor:
        """The weights of the joint, individual and CorrSet baselines, `[S, 3]`; they sum to 1 (Eq. 3).

        The clamp is ours: a noisy search cannot drive a weight below 0.01.
        """
        return self.psi_head(self.state_of(z)).clamp(-self.LOGIT_BOUND, self.LOGIT_BOUND).softmax(dim=-1)

    def q(self, z: Encoding, joint: Tensor, policy: Tensor | None = None) -> Tensor:
        """Q(s, joint), `[S]`; for joint actions `[S, n, n, A]`, a pi-bar per agent, `[S, n]`.

        joint: `[S, n, A]`, one-hot actions, policies, or a mixture of both; policy: `[S, n, A]`, for a centred critic.
        Raises ValueError where a centred critic gets no policy.
        """
        S, n, A = len(self.state_of(z)), self.n_agents, self.n_actions
        S = "S" if S == 1 else S
        check_floats("joint", joint, f"{S}, {n}, {A}", f"{S}, {n}, {n}, {A}")
        per_agent = joint.dim() > z.tokens.dim()
        q = self._uncentred(z, joint)
        if self.centred:
            if policy is None:
                raise ValueError("policy is None; a centred critic needs it, for Q = V + Q(a) - Q(policy)")
            self.check_joint(z, policy=policy)
            shift = self.value(z) - self._uncentred(z, policy)  # [S]
            q = q + (shift.unsqueeze(-1) if per_agent else shift)
        return q

    def _uncentred(self, z: Encoding, joint: Tensor) -> Tensor:
        per_agent = joint.dim() > z.tokens.dim()
        if isinstance(self.head, DecoderHead):
            return self.head(z.tokens.unsqueeze(1) if per_agent else z.tokens, joint)
        c = self.head(z)
        if per_agent:
            c = Coefficients(*(None if x is None else x.unsqueeze(1) for x in c))
        return q_of(c, joint)

    def baselines(self, z: Encoding, policy: Tensor, action: Tensor, corrset: Tensor) -> Tensor:
        """The three baselines of every agent, `[3, S, n]`: joint, individual, CorrSet (Eq. 2 with pi-bar, section 4.2).

        policy, action: `[S, n, A]`, the actions one-hot; corrset: bool `[n, n]` or `[S, n, n]`, row i is C_i.
        Memory O(S n^2), except with the decoder. Raises ValueError where an agent is not in its own CorrSet.
        """
        self.check_joint(z, policy=policy, action=action)
        n = self.n_agents
        check_truths("corrset", corrset, f"{n}, {n}", f"{len(policy)}, {n}, {n}")
        if not corrset.diagonal(dim1=-2, dim2=-1).all():
            raise ValueError("corrset lacks an agent in its own row; every agent belongs to its own set")
        if isinstance(self.head, DecoderHead):
            baselines = self._decoder_baselines(z, policy, action, corrset)
        else:
            baselines = fused_baselines(self.head(z), policy, action, corrset)
        if self.centred:
            baselines = baselines + (self.value(z) - self._uncentred(z, policy)).unsqueeze(-1)
        return baselines

    def _decoder_baselines(self, z: Encoding, policy: Tensor, action: Tensor, corrset: Tensor) -> Tensor:
        groups = (eye(corrset), corrset)
        bars = [torch.where(group.unsqueeze(-1), policy.unsqueeze(1), action.unsqueeze(1)) for group in groups]
        joint = self._uncentred(z, policy).unsqueeze(-1).expand(policy.shape[:2])  # [S, n]
        return torch.stack([joint, *(self._uncentred(z, bar) for bar in bars)])

    def with_own_action(self, z: Encoding, own: Tensor, action: Tensor, policy: Tensor) -> Tensor:
        """Q(s, (x_i, a_-i)) of every agent, `[S, n]`: x_i in the place of its action, the others' as played.

        own: x, `[S, n, A]`; action, policy: as in `baselines`. Raises ValueError for the decoder, which is not linear.
        """
        if isinstance(self.head, DecoderHead):
            raise ValueError("head='decoder' is not linear in each action, so a mixture of actions has no meaning")
        self.check_joint(z, own=own, action=action, policy=policy)
        alone = torch.eye(action.shape[1], dtype=torch.bool, device=action.device)
        _, q, _ = fused_baselines(self.head(z), own, action, alone)
        if self.centred:
            q = q + (self.value(z) - self._uncentred(z, policy)).unsqueeze(-1)
        return q

    def level_spectrum(self, z: Encoding, policy: Tensor, action: Tensor) -> Tensor:
        """Q(s, a) split by credit assignment level, `[S, n + 1]`: entry k adds up Q_H(a) over |H| = k; entry 0 is V.

        Under the policy the levels are uncorrelated, so a batch's mean square of entry k estimates level k's variance.
        Raises ValueError for the decoder, whose levels only enumeration finds.
        """
        if isinstance(self.head, DecoderHead):
            raise ValueError("head='decoder' is not linear in each action; enumerate Q and use exact.credit_spectrum")
        self.check_joint(z, policy=policy, action=action)
        levels = level_spectrum(self.head(z), policy, action)
        if self.centred:
            levels = torch.cat([self.value(z).unsqueeze(-1), levels[:, 1:]], dim=-1)
        return levels


def parts(c: Coefficients, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """What each agent's x_j adds, `[..., n]`, and its factor in each product, `[..., n, R]` or None."""
    added = (c.slope * x).sum(dim=-1)
    return added, None if c.factor is None else 1 + torch.einsum("...a,...ar->...r", x, c.factor)


def q_of(c: Coefficients, x: Tensor) -> Tensor:
    """Q for actions or policies x `[..., n, A]`: `[...]`."""
    added, factors = parts(c, x)
    q = c.constant + added.sum(dim=-1)
    return q if factors is None else q + (c.weight * factors.prod(dim=-2)).sum(dim=-1)


def fused_baselines(c: Coefficients, policy: Tensor, action: Tensor, corrset: Tensor) -> Tensor:
    """Joint, individual and CorrSet baselines `[3, S, n]` without pi-bar.

    An agent counts in sums only, and drawing its action instead of playing it changes its count: over all agents for
    the joint baseline, its own for the individual, over its CorrSet, a matrix product, for the last.
    """
    if c.factor is None:
        drawn, played = counts(c, policy), counts(c, action)  # [S, n, 1]
    else:  # the factors are read once for both
        drawn, played = counts(c, torch.stack([policy, action]))  # [S, n, 1 + 2R]
    change = drawn - played
    joint = change.sum(dim=-2, keepdim=True).expand_as(change)
    changes = torch.stack([joint, change, corrset.to(change) @ change])  # [3, S, n, 1 + 2R]
    sums = played.sum(dim=-2, keepdim=True) + changes
    q = c.constant.unsqueeze(-1) + sums[..., 0]  # [3, S, n]
    if c.factor is None:
        return q
    logs, minus_signs = (x.contiguous() for x in sums[..., 1:].chunk(2, dim=-1))  # [3, S, n, R]
    products = logs.exp() * (1 - 2 * (minus_signs % 2))
    return q + (products @ c.weight.unsqueeze(-1)).squeeze(-1)


def counts(c: Coefficients, x: Tensor) -> Tensor:
    """What of each agent adds up, `[..., n, 1 + 2R]`: its part, the logarithms of its factors, and their minus signs.

    A factor of 0 counts as the smallest positive number: its product is 0 to rounding, and has no gradient there.
    """
    added, factors = parts(c, x)
    if factors is None:
        return added.unsqueeze(-1)
    logs = factors.abs().clamp_min(torch.finfo(factors.dtype).tiny).log()
    return torch.cat([added.unsqueeze(-1), logs, (factors < 0).to(logs)], dim=-1)


def level_spectrum(c: Coefficients, policy: Tensor, action: Tensor) -> Tensor:
    """Level k of Q(a), k = 0..n, `[S, n + 1]`, in O(n^2 R) where enumeration takes A^n.

    An agent's factor is its mean plus a deviation that averages to 0, so the components of level k are what t^k
    gathers in prod_j (mean_j + t * deviation_j): an elementary symmetric polynomial, built up one agent at a time.
    Raises ValueError where a shape is wrong or a number is not finite.
    """
    check_kind("c", c, Coefficients)
    n, A = c.slope.shape[-2:]
    check_floats("policy", policy, f"S, {n}, {A}")
    check_floats("action", action, f"{len(policy)}, {n}, {A}")
    (mean, mean_factor), (played, played_factor) = parts(c, policy), parts(c, action)
    level_0 = c.constant + mean.sum(dim=-1)  # [S]
    level_1 = (played - mean).sum(dim=-1)
    levels = torch.stack([level_0, level_1, *[torch.zeros_like(level_0)] * (n - 1)], dim=-1)  # [S, n + 1]
    if c.factor is None:
        return levels
    polynomial = c.weight.unsqueeze(1)  # [S, 1, R], the coefficients of t^0, t^1, ...
    for m, d in zip(mean_factor.unbind(dim=-2), (played_factor - mean_factor).unbind(dim=-2), strict=True):  # [S, R]
        none = torch.zeros_like(polynomial[:, :1])
        without, with_agent = torch.cat([polynomial, none], dim=1), torch.cat([none, polynomial], dim=1)
        polynomial = without * m.unsqueeze(1) + with_agent * d.unsqueeze(1)  # [S, j + 1, R]
    return levels + polynomial.sum(dim=-1)
