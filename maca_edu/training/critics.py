"""The critics as the learner sees them: what they are trained to predict, and what Table 1 asks of them.

All take samples x, a dict of obs `[S, n, d]`, state `[S, s]`, action (long `[S, n]`, or `[S, n, A]` where continuous),
policy `[S, n, A]`, and for a GRU first `[S]`, where an episode begins, and hidden, the memory before the first step of
each environment (see networks/layers.py). They have

    weights             for each prediction its share in the loss
    predict(x)          {prediction: [S] or [S, n]} in the critic's own units; each is trained on the lambda-returns
    judge(x, norms)     in the units of the reward, by the names of credit/table1.py: value, q_values, baselines, psi,
                        own (the critic's Q(s, a), where it has one), and `bootstrap`, [S] or [S, n], the value that
                        lambda-returns are made of; memory, the GRU's after each sample; and what predict(x) would
                        say, `predictions`. norms: {prediction: ValueNorm}
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from maca_edu.credit import attention_psi, attention_rollout, corrset, one_hot
from maca_edu.networks import ComaCritic, Encoding, MacaCritic, QMixer, UtilityCritic, VCritic, vdn
from maca_edu.training.config import Config
from maca_edu.training.methods import Method


class Sizes(NamedTuple):
    """The sizes of an environment."""

    obs: int
    state: int
    n_agents: int
    n_actions: int
    continuous: bool = False


def recall(x: dict) -> tuple[Tensor | None, Tensor | None]:
    """The last two arguments of every network: the memory to begin with, and where to forget it."""
    return x.get("hidden"), x.get("first")


class Values(nn.Module):
    """V(s) for MAPPO and HAPPO, `[S]`, or V(o_i) of every agent for IPPO, `[S, n]`."""

    weights = {"v": 1.0}  # noqa: RUF012

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        self.reads = "obs" if method.critic == "observation" else "state"
        in_size = sizes.obs if self.reads == "obs" else sizes.state
        self.net = VCritic(in_size, config.critic_sizes, config.recurrent)

    def predict(self, x: dict) -> dict:
        return {"v": self.net(x[self.reads], *recall(x))[0]}

    def judge(self, x: dict, norms: dict) -> dict:
        v, memory = self.net(x[self.reads], *recall(x))
        value = norms["v"].denormalise(v)
        team = value if value.dim() == 2 else value.unsqueeze(-1)
        return {"bootstrap": value, "value": team, "memory": memory, "predictions": {"v": v}}


class Coma(nn.Module):
    """Q of every action of agent i, the others' as played: each agent bootstraps from its own E_{a_i}[Q]."""

    weights = {"q": 1.0}  # noqa: RUF012

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        self.net = ComaCritic(sizes.state, sizes.n_agents, sizes.n_actions, config.critic_sizes, config.recurrent)

    def all_actions(self, x: dict) -> tuple[Tensor, Tensor | None]:
        """`[S, n, A]` in the critic's units, and the memory."""
        return self.net(x["state"], one_hot(x["action"], x["policy"]), *recall(x))

    def predict(self, x: dict) -> dict:
        return {"q": taken(self.all_actions(x)[0], x["action"])}

    def judge(self, x: dict, norms: dict) -> dict:
        raw, memory = self.all_actions(x)
        predictions = {"q": taken(raw, x["action"])}
        q_values = norms["q"].denormalise(raw)
        own, expected = taken(q_values, x["action"]), (x["policy"] * q_values).sum(dim=-1)
        facts = {"bootstrap": expected, "q_values": q_values, "own": own}
        return facts | {"memory": memory, "predictions": predictions}


class Utilities(nn.Module):
    """Utilities Q_i(o_i, .), added up (PPO-Sum) or mixed (PPO-Mix) to Q(s, a), from which returns are bootstrapped.

    Only differences of one agent's utilities enter its advantage, so of the units the scale matters, not the mean.
    """

    weights = {"q": 1.0}  # noqa: RUF012

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        self.net = UtilityCritic(sizes.obs, sizes.n_actions, config.critic_sizes, config.recurrent)
        self.mixer = QMixer(sizes.n_agents, sizes.state) if method.critic == "mix" else None

    def team(self, utilities: Tensor, x: dict) -> Tensor:
        """Q(s, a) `[S]` from the utilities `[S, n, A]` of the actions played."""
        played = taken(utilities, x["action"])  # [S, n]
        return vdn(played) if self.mixer is None else self.mixer(played, x["state"])

    def predict(self, x: dict) -> dict:
        return {"q": self.team(self.net(x["obs"], *recall(x))[0], x)}

    def judge(self, x: dict, norms: dict) -> dict:
        utilities, memory = self.net(x["obs"], *recall(x))
        predictions = {"q": self.team(utilities, x)}
        facts = {"bootstrap": norms["q"].denormalise(predictions["q"]), "q_values": utilities * norms["q"].std}
        return facts | {"memory": memory, "predictions": predictions}


class Maca(nn.Module):
    """MACA's V, Q and baselines from one encoding. Loss weights: Table 10, and for Q(s, pi) the authors' code.

    The lambda-returns are bootstrapped from V, or with heads="three" from Q(s, pi).
    """

    def __init__(self, sizes: Sizes, method: Method, config: Config):
        super().__init__()
        options = dict(head=method.head, centred=config.centred, embed=config.embed, z_size=config.z_size)
        self.net = MacaCritic(sizes.obs, sizes.n_agents, sizes.n_actions, recurrent=config.recurrent, **options)
        self.sigma = 1 / sizes.n_agents if config.sigma is None else config.sigma
        self.psi_from_attention = method.psi == "attention"
        self.raw_baselines = config.raw_baselines
        self.weights = {"v": 1.0, "q": 0.5} | ({"eq": 1.0} if config.heads == "three" else {})

    def predict(self, x: dict) -> dict:
        z, _ = self.net(x["obs"], *recall(x))
        return self.predictions(z, one_hot(x["action"], x["policy"]), x["policy"])

    def predictions(self, z: Encoding, action: Tensor, policy: Tensor) -> dict:
        """What `predict` says, from the encoding of the observations and one-hot actions `[S, n, A]`."""
        predictions = {"v": self.net.value(z), "q": self.net.q(z, action, policy)}
        return predictions | ({"eq": self.net.q(z, policy, policy)} if "eq" in self.weights else {})

    def judge(self, x: dict, norms: dict) -> dict:
        z, memory = self.net(x["obs"], *recall(x))
        action, policy = one_hot(x["action"], x["policy"]), x["policy"]
        attention = attention_rollout(z.attentions)  # [S, n, n]
        groups = corrset(attention, self.sigma)
        baselines = self.net.baselines(z, policy, action, groups)  # [3, S, n]
        units = norms["q"].denormalise(baselines)
        predictions = self.predictions(z, action, policy)
        said = {name: norms[name].denormalise(x) for name, x in predictions.items()}  # [S]
        return {
            "bootstrap": said.get("eq", said["v"]),
            "value": said["v"].unsqueeze(-1),
            "baselines": torch.cat([units[:1], baselines[1:]]) if self.raw_baselines else units,
            "psi": attention_psi(attention, self.sigma) if self.psi_from_attention else self.net.psi(z),
            "own": said["q"].unsqueeze(-1),
            "corrset": groups,  # [S, n, n]
            "memory": memory,
            "predictions": predictions,
        }

    def levels(self, x: dict, norms: dict) -> Tensor:
        """Q(s, a) split by the levels of `MacaCritic.level_spectrum`, `[S, n + 1]`, in the units of the reward."""
        z, _ = self.net(x["obs"], *recall(x))
        return norms["q"].std * self.net.level_spectrum(z, x["policy"], one_hot(x["action"], x["policy"]))

    def set_psi(self, weight, bias) -> None:
        """Load the psi head with what CMA-ES proposes: weight `[3, Z]`, bias `[3]`, NumPy arrays."""
        for parameter, values in ((self.net.psi_head.weight, weight), (self.net.psi_head.bias, bias)):
            parameter.data.copy_(torch.from_numpy(values))


def taken(q_values: Tensor, action: Tensor) -> Tensor:
    """Of q_values `[S, n, A]` those of the actions played, `[S, n]`."""
    return q_values.gather(-1, action.unsqueeze(-1)).squeeze(-1)


CRITICS = {"state": Values, "observation": Values, "coma": Coma, "sum": Utilities, "mix": Utilities, "maca": Maca}
