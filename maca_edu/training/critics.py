"""The critics of all methods, as training sees them: each says what it thinks, and what it is trained to predict.

Every critic is a module with

    outputs             what it predicts, in a fixed order; each prediction has its weight in the loss and a ValueNorm
    judge(x)            all that Table 1 may ask for, in the units of the reward
    bootstrap(x)        the value from which lambda-returns are bootstrapped, `[S]` or `[S, n]`, and nothing else
    predict(x)          the outputs, in the critic's own units, to be trained
    blank_memory(batch) the GRU's memory before anything was seen, None without a GRU
    levels(x)           Q(s, a) split by credit assignment level, None where the critic cannot be split
    needs_action        whether `bootstrap` of a state asks for an action to be drawn there

x is a `records.CriticInput` of S samples.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from maca_edu.credit import attention_psi, attention_rollout, corrset, marginals, one_hot, weighed_by_score
from maca_edu.networks import (
    ComaCritic,
    Encoding,
    MacaCritic,
    OfChoice,
    OfNumbers,
    QMixer,
    UnitsCritic,
    UtilityCritic,
    VCritic,
    vdn,
)
from maca_edu.networks.layers import eye
from maca_edu.training.config import Config
from maca_edu.training.records import CriticInput, CriticWords, Sizes
from maca_edu.training.value_norm import ValueNorm


class Output(NamedTuple):
    """One of a critic's predictions."""

    name: str  # v, q or eq; metrics are called by it: v_rmse
    weight: float  # its share in the critic's loss
    norm: ValueNorm  # from the units of the reward to those the network works in, and back


class Critic(Protocol):
    """What training asks of a critic of S samples, n agents; see the top of this file.

    A number of each sample is a row `[S]`, never a column `[S, 1]`, but for the fields of `CriticWords` that say so.
    Before a run begins all of it is tried, see `trying`.
    """

    outputs: tuple[Output, ...]  # at least one
    needs_action: bool  # whether `bootstrap` of a state asks for an action to be drawn there

    def judge(self, x: CriticInput) -> CriticWords:
        """All that it thinks: outputs as `predict` gives them, bootstrap as `bootstrap` does, and of the optional
        fields those that its advantages ask for, such as value `[S, 1]`. Called without gradients."""

    def bootstrap(self, x: CriticInput) -> Tensor:
        """The value from which returns are bootstrapped, `[S]` or `[S, n]`, in the units of the reward. Called without
        gradients; x.action is None unless `needs_action` is set or outputs learn from themselves."""

    def predict(self, x: CriticInput) -> tuple[Tensor, ...]:
        """One prediction for each of `outputs`, in the critic's own units, with gradients.

        Each is `[S]` or `[S, n]`; where targets are shared all learn the returns, and have the bootstrap's shape.
        """

    def levels(self, x: CriticInput) -> Tensor | None:
        """Q(s, a) split by credit assignment level, `[S, n + 1]`; None where it cannot be split."""

    def blank_memory(self, batch: int, device: torch.device) -> Tensor | None:
        """The memory of a GRU in B = `batch` environments before anything was seen, `[B, ...]`; None without a GRU."""


class ValueCritic(nn.Module):
    """V(s) for MAPPO and HAPPO, `[S]`, or V(o_i) of every agent for IPPO, `[S, n]`."""

    needs_action = False

    def __init__(self, sizes: Sizes, config: Config, per_agent: bool = False):
        super().__init__()
        self.per_agent = per_agent
        if per_agent:
            refuse_units(config)
            layer = config.feature_norm == "layer"
            self.net = VCritic(sizes.obs, config.critic_sizes, config.recurrent, layer)
        else:
            self.net = state_critic(sizes, config)
        self.outputs = (Output("v", 1.0, ValueNorm()),)
        agents = (sizes.n_agents,) if per_agent else ()
        self.memory_shape = (*agents, config.critic_sizes[-1]) if config.recurrent else None

    def read(self, x: CriticInput) -> tuple[Tensor, Tensor | None]:
        """V in the network's units, and the memory after each sample."""
        return self.net(x.obs if self.per_agent else x.state, x.memory, x.first)

    def judge(self, x: CriticInput) -> CriticWords:
        """V, which is also what returns are bootstrapped from."""
        v, memory = self.read(x)
        value = self.outputs[0].norm.denormalise(v)
        for_each_agent = value if self.per_agent else value.unsqueeze(-1)
        return CriticWords((v,), bootstrap=value, memory=memory, value=for_each_agent)

    def bootstrap(self, x: CriticInput) -> Tensor:
        """V."""
        return self.outputs[0].norm.denormalise(self.read(x)[0])

    def predict(self, x: CriticInput) -> tuple[Tensor, ...]:
        """V in the network's units."""
        return (self.read(x)[0],)

    def levels(self, x: CriticInput) -> None:
        """It knows nothing of actions."""

    def blank_memory(self, batch: int, device: torch.device) -> Tensor | None:
        """`[B, H]` or `[B, n, H]`."""
        return blank(self.memory_shape, batch, device)


class ComaCounterfactual(nn.Module):
    """COMA: Q of whatever agent i might do, the others' actions as played; each bootstraps from its own E_{a_i}[Q]."""

    needs_action = True  # the others' actions are part of the input

    def __init__(self, sizes: Sizes, config: Config):
        super().__init__()
        refuse_units(config)
        self.net = ComaCritic(
            sizes.state, sizes.n_agents, sizes.n_actions, config.critic_sizes, config.recurrent,
            feature_norm=config.feature_norm == "layer", continuous=sizes.continuous,
        )  # fmt: skip
        self.outputs = (Output("q", 1.0, ValueNorm()),)
        self.memory_shape = (sizes.n_agents, config.critic_sizes[-1]) if config.recurrent else None

    def read(self, x: CriticInput) -> tuple[OfChoice | OfNumbers, Tensor | None]:
        """Q of each agent's own action, in the network's units, and the memory after each sample."""
        return self.net(x.state, one_hot(x.action, x.policy), x.memory, x.first)

    def in_reward(self, own: OfChoice | OfNumbers) -> OfChoice | OfNumbers:
        """The same in the units of the reward."""
        norm = self.outputs[0].norm
        return own.times(norm.std, norm.mean)

    def judge(self, x: CriticInput) -> CriticWords:
        """Q of all actions, of the one played, and its expectation."""
        raw, memory = self.read(x)
        own = self.in_reward(raw)
        q, mean = own.of(x.action), own.mean(x.policy, x.std)  # [S, n]
        return CriticWords((raw.of(x.action),), mean, memory, q=q, q_values=own.values, own_q=q, own_mean=mean)

    def bootstrap(self, x: CriticInput) -> Tensor:
        """E_{a_i}[Q] for each agent i, `[S, n]`."""
        return self.in_reward(self.read(x)[0]).mean(x.policy, x.std)

    def predict(self, x: CriticInput) -> tuple[Tensor, ...]:
        """Q of the action played, `[S, n]`."""
        return (self.read(x)[0].of(x.action),)

    def levels(self, x: CriticInput) -> None:
        """It is not split: an agent's Q is of its own action only."""

    def blank_memory(self, batch: int, device: torch.device) -> Tensor | None:
        """`[B, n, H]`."""
        return blank(self.memory_shape, batch, device)


class Utilities(nn.Module):
    """Utilities Q_i(o_i, .), added up (PPO-Sum) or mixed (PPO-Mix) to Q(s, a), from which returns are bootstrapped.

    Only differences of one agent's utilities enter its advantage, so of the units the scale matters, not the mean.
    """

    needs_action = True  # Q(s, a) is of a joint action

    def __init__(self, sizes: Sizes, config: Config, mixed: bool):
        super().__init__()
        refuse_units(config)
        layer = config.feature_norm == "layer"
        widths = (config.critic_sizes, config.recurrent, layer)
        self.net = UtilityCritic(sizes.obs, sizes.n_actions, *widths, continuous=sizes.continuous)
        self.mixer = QMixer(sizes.n_agents, sizes.state) if mixed else None
        self.outputs = (Output("q", 1.0, ValueNorm()),)
        self.memory_shape = (sizes.n_agents, config.critic_sizes[-1]) if config.recurrent else None

    def read(self, x: CriticInput) -> tuple[OfChoice | OfNumbers, Tensor, Tensor | None]:
        """Utilities and Q(s, a) `[S]` in the network's units, and the memory after each sample."""
        utilities, memory = self.net(x.obs, x.memory, x.first)
        played = utilities.of(x.action)  # [S, n]
        q = vdn(played) if self.mixer is None else self.mixer(played, x.state)
        return utilities, q, memory

    def judge(self, x: CriticInput) -> CriticWords:
        """The utilities and Q(s, a)."""
        utilities, q, memory = self.read(x)
        norm = self.outputs[0].norm
        own = utilities.times(norm.std)
        words = dict(q_values=own.values, own_q=own.of(x.action), own_mean=own.mean(x.policy, x.std))
        return CriticWords((q,), norm.denormalise(q), memory, **words)

    def bootstrap(self, x: CriticInput) -> Tensor:
        """Q(s, a)."""
        return self.outputs[0].norm.denormalise(self.read(x)[1])

    def predict(self, x: CriticInput) -> tuple[Tensor, ...]:
        """Q(s, a) in the network's units."""
        return (self.read(x)[1],)

    def levels(self, x: CriticInput) -> None:
        """It is not split: an agent's Q is of its own action only."""

    def blank_memory(self, batch: int, device: torch.device) -> Tensor | None:
        """`[B, n, H]`."""
        return blank(self.memory_shape, batch, device)


# What MACA's critic learns, with the weights of the losses: V and Q from Table 10, Q(s, pi) from the authors' code.
MACA_OUTPUTS = {
    "q": (("v", 1.0), ("q", 0.5)),  # V(s) is Q(s, pi)
    "v+q": (("v", 1.0), ("q", 0.5)),  # V(s) has a head of its own
    "v+q+eq": (("v", 1.0), ("q", 0.5), ("eq", 1.0)),  # and Q(s, pi) is learned, too: returns are bootstrapped from it
}


class Maca(nn.Module):
    """MACA's V, Q, baselines and psi from one encoding of the observations (section 4.2, Figure 1).

    head: of `MacaCritic`, where `config.q_head` asks for no other. psi_from_attention: the weights are made of
    attention, as in the authors' code, instead of by the psi head. best: say the best legal baseline, too; it needs a
    linear head and actions to choose from. With value="units" V is a network of its own on the state, in place of V's
    head on the encoding. Raises ValueError where that does not go with the other settings.
    """

    needs_action = False

    def __init__(
        self,
        sizes: Sizes,
        config: Config,
        head: str = "additive",
        psi_from_attention: bool = False,
        best: bool = False,
    ):
        super().__init__()
        head = config.q_head or head
        self.net = MacaCritic(
            sizes.obs, sizes.n_agents, sizes.n_actions, head=head, recurrent=config.recurrent, centred=config.centred,
            embed=config.embed, z_size=config.z_size, n_layers=config.blocks, n_heads=config.attention_heads,
            feature_norm=config.feature_norm == "layer", start=config.critic_start,
        )  # fmt: skip
        self.units = None
        if config.value == "units":
            check_units_of_maca(config)
            self.net.v, self.units = None, state_critic(sizes, config)
        self.config, self.head, self.psi_from_attention, self.best = config, head, psi_from_attention, best
        self.sigma = 1 / sizes.n_agents if config.sigma is None else config.sigma
        names = MACA_OUTPUTS[config.critic_outputs]
        one_norm = ValueNorm()  # V and Q have the same units where they are one network
        norms = [one_norm if config.critic_outputs == "q" else ValueNorm() for _ in names]
        self.outputs = tuple(Output(name, weight, norm) for (name, weight), norm in zip(names, norms, strict=True))
        self.memory_shape = (sizes.n_agents, config.embed) if config.recurrent else None

    def judge(self, x: CriticInput) -> CriticWords:
        """V, Q(s, a), the three baselines, psi, and the attention and CorrSets that they are made of."""
        z, memory = self.net(x.obs, x.memory, x.first)
        action, policy = one_hot(x.action, x.policy), x.policy
        attention, groups, psi = self.relations(z)
        outputs = self.outputs_of(x, z, action)
        v, q, *eq = (output.norm.denormalise(y) for output, y in zip(self.outputs, outputs, strict=True))
        return CriticWords(
            outputs,
            bootstrap=eq[0] if eq else v,
            memory=memory,
            value=v.unsqueeze(-1),
            q=q.unsqueeze(-1),
            baselines=self.baselines(z, policy, action, groups),
            psi=psi,
            best=self.best_baseline(z, policy, action) if self.best else None,
            attention=attention,
            corrset=groups,
        )

    def relations(self, z: Encoding) -> tuple[Tensor, Tensor, Tensor]:
        """Attention and CorrSets, each `[S, n, n]`, and psi, `[S, 3]` or `[S, n, 3]`."""
        attention = attention_rollout(z.attentions, self.config.attention_residual)
        psi = attention_psi(attention, self.sigma) if self.psi_from_attention else self.net.psi(z)
        return attention, corrset(attention, self.sigma), psi

    def baselines(self, z: Encoding, policy: Tensor, action: Tensor, groups: Tensor) -> Tensor:
        """The joint, individual and CorrSet baselines, `[3, S, n]`, in the units of the reward.

        By definition each is Q of pi-bar: the policy's probabilities for the agents of a group, the others' actions as
        played (section 4.2). The fused form gives the same without writing pi-bar out, [S, n, n, A] for each.
        """
        if self.config.baselines == "definition":
            everybody, alone = torch.ones_like(groups), eye(groups).expand_as(groups)
            pi_bars = (marginals(policy, action, group) for group in (everybody, alone, groups))
            baselines = torch.stack([self.net.q(z, pi_bar, policy) for pi_bar in pi_bars])
        else:
            baselines = self.net.baselines(z, policy, action, groups)
        in_reward = self.outputs[1].norm.denormalise(baselines)  # Q's units
        if self.config.raw_baselines:  # as in the authors' code, which brings only the joint one back
            return torch.cat([in_reward[:1], baselines[1:]])
        return in_reward

    def best_baseline(self, z: Encoding, policy: Tensor, action: Tensor) -> Tensor:
        """The best legal baseline of every agent, `[S, n]`, in the units of the reward: E[Q w] / E[w] over a_i."""
        raw = self.net.with_own_action(z, weighed_by_score(policy), action, policy)
        return self.outputs[1].norm.denormalise(raw)

    def bootstrap(self, x: CriticInput) -> Tensor:
        """V(s); where Q(s, pi) is learned, too, that one."""
        z, _ = self.net(x.obs, x.memory, x.first)
        raw = self.net.q(z, x.policy, x.policy) if self.config.critic_outputs == "v+q+eq" else self.state_value(x, z)
        return self.outputs[-1 if self.config.critic_outputs == "v+q+eq" else 0].norm.denormalise(raw)

    def predict(self, x: CriticInput) -> tuple[Tensor, ...]:
        """The outputs in the network's units, each `[S]`."""
        z, _ = self.net(x.obs, x.memory, x.first)
        return self.outputs_of(x, z, one_hot(x.action, x.policy))

    def outputs_of(self, x: CriticInput, z: Encoding, action: Tensor) -> tuple[Tensor, ...]:
        """V and Q(s, a), and with three outputs Q(s, pi), each `[S]`; action: one-hot or numbers, `[S, n, A]`."""
        v, q = self.state_value(x, z), self.net.q(z, action, x.policy)
        return (v, q, self.net.q(z, x.policy, x.policy)) if self.config.critic_outputs == "v+q+eq" else (v, q)

    def state_value(self, x: CriticInput, z: Encoding) -> Tensor:
        """V(s), `[S]`, in the network's units."""
        if self.units is not None:
            return self.units(x.state)[0]
        return self.net.q(z, x.policy, x.policy) if self.config.critic_outputs == "q" else self.net.value(z)

    def levels(self, x: CriticInput) -> Tensor | None:
        """Q(s, a) split by credit assignment level, `[S, n + 1]`, in the units of the reward; None for a decoder.

        Entry 0, which nobody reads, lacks the mean of the ValueNorm.
        """
        if self.head == "decoder":
            return None
        z, _ = self.net(x.obs, x.memory, x.first)
        return self.outputs[1].norm.std * self.net.level_spectrum(z, x.policy, one_hot(x.action, x.policy))

    def blank_memory(self, batch: int, device: torch.device) -> Tensor | None:
        """`[B, n, E]`, E the width of a token."""
        return blank(self.memory_shape, batch, device)


def state_critic(sizes: Sizes, config: Config) -> VCritic | UnitsCritic:
    """The network of V(s) that `Config.value` asks for. Raises ValueError where the state's units cannot be told."""
    if config.value == "mlp":
        return VCritic(sizes.state, config.critic_sizes, config.recurrent, config.feature_norm == "layer")
    if config.feature_norm == "running":
        raise ValueError(
            "feature_norm='running' hides which units are dead; with value='units' allowed are 'layer' and 'none'"
        )
    if sizes.entities is None:
        raise ValueError(
            "value='units' needs a state of which is known which numbers speak of which unit; allowed are smax, smac, "
            "smacv2, and environments of your own with entities"
        )
    widths = (config.unit_embed, config.unit_heads, config.critic_sizes)
    return UnitsCritic(sizes.state, sizes.entities, *widths, config.recurrent)


def refuse_units(config: Config) -> None:
    """ValueError where V over units is asked of a method without a V of the state."""
    if config.value == "units":
        raise ValueError("value='units' is for methods with a V of the state; allowed are mappo, happo and all of maca")


def check_units_of_maca(config: Config) -> None:
    """ValueError where V over units does not go with the settings of MACA's critic."""
    for name, needed in (("critic_outputs", "v+q"), ("recurrent", False), ("centred", False)):
        if getattr(config, name) != needed:
            raise ValueError(
                f"{name}={getattr(config, name)!r}; with value='units' and a method of maca allowed is {needed!r}"
            )


def blank(shape: tuple[int, ...] | None, batch: int, device: torch.device) -> Tensor | None:
    """A GRU's memory of B episodes before anything was seen, zeros `[B, *shape]`; None where there is no GRU."""
    return None if shape is None else torch.zeros(batch, *shape, device=device)
