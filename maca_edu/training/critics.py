"""The critics as the learner sees them: what they are trained to predict, and what Table 1 asks of them.

All take samples x, a dict of obs `[S, n, d]`, state `[S, s]`, action `[S, n]` long and policy `[S, n, A]`, and have

    weights             for each prediction its share in the loss
    predict(x)          {prediction: [S] or [S, n]} in the critic's own units; each is trained on the lambda-returns
    judge(x, norms)     in the units of the reward, by the names of credit/table1.py: value, q_values, baselines, psi,
                        own (the critic's Q(s, a), where it has one), and `bootstrap`, [S] or [S, n], the value that
                        lambda-returns are made of. norms: {prediction: ValueNorm}
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from maca_edu.credit import attention_psi, attention_rollout, corrset, one_hot
from maca_edu.networks import ComaCritic, MacaCritic, QMixer, UtilityCritic, VCritic, vdn
from maca_edu.training.config import Config
from maca_edu.training.methods import Method


class Sizes(NamedTuple):
    """The sizes of an environment."""

    obs: int
    state: int
    n_agents: int
    n_actions: int


class Values(nn.Module):
    """V(s) for MAPPO and HAPPO, `[S]`, or V(o_i) of every agent for IPPO, `[S, n]`."""

    weights = {"v": 1.0}  # noqa: RUF012

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        self.reads = "obs" if method.critic == "observation" else "state"
        self.net = VCritic(sizes.obs if self.reads == "obs" else sizes.state, config.critic_sizes, recurrent=False)

    def predict(self, x: dict) -> dict:
        return {"v": self.net(x[self.reads])[0]}

    def judge(self, x: dict, norms: dict) -> dict:
        value = norms["v"].denormalise(self.predict(x)["v"])
        return {"bootstrap": value, "value": value if value.dim() == 2 else value.unsqueeze(-1)}


class Coma(nn.Module):
    """Q of every action of agent i, the others' as played: each agent bootstraps from its own E_{a_i}[Q]."""

    weights = {"q": 1.0}  # noqa: RUF012

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        self.net = ComaCritic(sizes.state, sizes.n_agents, sizes.n_actions, config.critic_sizes, recurrent=False)

    def all_actions(self, x: dict) -> Tensor:
        """`[S, n, A]` in the critic's units."""
        return self.net(x["state"], one_hot(x["action"], x["policy"]))[0]

    def predict(self, x: dict) -> dict:
        return {"q": taken(self.all_actions(x), x["action"])}

    def judge(self, x: dict, norms: dict) -> dict:
        q_values = norms["q"].denormalise(self.all_actions(x))
        own = taken(q_values, x["action"])
        return {"bootstrap": (x["policy"] * q_values).sum(dim=-1), "q_values": q_values, "own": own}


class Utilities(nn.Module):
    """Utilities Q_i(o_i, .), added up (PPO-Sum) or mixed (PPO-Mix) to Q(s, a), from which returns are bootstrapped.

    Only differences of one agent's utilities enter its advantage, so of the units the scale matters, not the mean.
    """

    weights = {"q": 1.0}  # noqa: RUF012

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        self.net = UtilityCritic(sizes.obs, sizes.n_actions, config.critic_sizes, recurrent=False)
        self.mixer = QMixer(sizes.n_agents, sizes.state) if method.critic == "mix" else None

    def predict(self, x: dict) -> dict:
        utilities = taken(self.net(x["obs"])[0], x["action"])  # [S, n]
        return {"q": vdn(utilities) if self.mixer is None else self.mixer(utilities, x["state"])}

    def judge(self, x: dict, norms: dict) -> dict:
        q = norms["q"].denormalise(self.predict(x)["q"])
        return {"bootstrap": q, "q_values": self.net(x["obs"])[0] * norms["q"].std}


class Maca(nn.Module):
    """MACA's V, Q and baselines from one encoding; V carries the lambda-returns. Loss weights: Table 10."""

    weights = {"v": 1.0, "q": 0.5}  # noqa: RUF012

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        options = dict(head=method.head, centred=config.centred, embed=config.embed, z_size=config.z_size)
        self.net = MacaCritic(sizes.obs, sizes.n_agents, sizes.n_actions, recurrent=False, **options)
        self.sigma = 1 / sizes.n_agents if config.sigma is None else config.sigma
        self.psi_from_attention = method.psi == "attention"

    def predict(self, x: dict) -> dict:
        z, _ = self.net(x["obs"])
        return {"v": self.net.value(z), "q": self.net.q(z, one_hot(x["action"], x["policy"]), x["policy"])}

    def judge(self, x: dict, norms: dict) -> dict:
        z, _ = self.net(x["obs"])
        action, policy = one_hot(x["action"], x["policy"]), x["policy"]
        attention = attention_rollout(z.attentions)  # [S, n, n]
        groups = corrset(attention, self.sigma)
        return {
            "bootstrap": norms["v"].denormalise(self.net.value(z)),
            "baselines": norms["q"].denormalise(self.net.baselines(z, policy, action, groups)),  # [3, S, n]
            "psi": attention_psi(attention, self.sigma) if self.psi_from_attention else self.net.psi(z),
            "own": norms["q"].denormalise(self.net.q(z, action, policy)).unsqueeze(-1),
            "corrset_size": groups.sum(dim=-1),  # [S, n]
        }

    def set_psi(self, weight, bias) -> None:
        """Load the psi head with what CMA-ES proposes: weight `[3, Z]`, bias `[3]`, NumPy arrays."""
        for parameter, values in ((self.net.psi_head.weight, weight), (self.net.psi_head.bias, bias)):
            parameter.data.copy_(torch.from_numpy(values))


def taken(q_values: Tensor, action: Tensor) -> Tensor:
    """Of q_values `[S, n, A]` those of the actions played, `[S, n]`."""
    return q_values.gather(-1, action.unsqueeze(-1)).squeeze(-1)


CRITICS = {"state": Values, "observation": Values, "coma": Coma, "sum": Utilities, "mix": Utilities, "maca": Maca}
