"""The critic of corrected returns: V, and beside it a Q for what the actions add, which takes later luck out.

A lambda-advantage is made of the TD errors of all later steps, and with them of the luck of all later actions. Let g
say what a joint action adds to V, with mean 0 under the policy that played. Then

    A^c_t = delta_t + sum over l >= 1 of (gamma lambda)^l (delta_{t+l} - g(s_{t+l}, a_{t+l}))

has the mean of the lambda-advantage in every state and for every joint action a_t, whatever V and g are, as long as
both were there before the rollout: each g that is subtracted has mean 0, given all that happened before. It has less
variance where g knows something. This is a trajectory-wise control variate (Cheng et al., 2020). Agent i's advantage
is A^c_t - E[g | a_-G] over the actions of a group G, and a mixture of groups is a mixture of these.

g is a difference, Q(s, a) - Q(s, pi), of MACA's critic, whose heads are linear in each action, so that the mean is 0
exactly. It begins at 0. V is a network of its own, so that nothing that g learns reaches it. g is found by regression
of c(s) + g(s, a) on A^c; c(s), MACA's value head, takes up V's error, and is used nowhere else.
A g that is wrong makes the returns noisier, so it is multiplied by eta, the factor which would have been best in
earlier rollouts.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from maca_edu.credit import one_hot, weighed_by_score
from maca_edu.training.config import Config
from maca_edu.training.critics import Maca, Output, ValueCritic
from maca_edu.training.processes import Processes
from maca_edu.training.records import CriticInput, CriticWords, Sizes
from maca_edu.training.value_norm import ValueNorm

LEAST_ETA = 0.05
MEMORY = 0.8  # the weight of the past when a rollout is taken in


class Shrinkage:
    """eta, the factor of g: sum of g A^c over sum of g^2 in earlier rollouts, at least LEAST_ETA and at most 1.

    sums: the two, `[2]`, float64, on the CPU. Before g was ever tried eta is LEAST_ETA.
    """

    def __init__(self):
        self.sums = torch.zeros(2, dtype=torch.float64, device="cpu")

    @property
    def eta(self) -> float:
        """What g is multiplied by now."""
        product, square = self.sums.tolist()
        return min(max(product / square, LEAST_ETA), 1.0) if square > 0 else LEAST_ETA

    def update(self, correction: Tensor, target: Tensor, processes: Processes) -> None:
        """Take in a rollout's eta g, as it was, and A^c, both `[S]`; with several processes, everybody's."""
        g, target = correction.double() / self.eta, target.double()
        means = torch.stack([(g * target).mean(), g.square().mean()])
        means = processes.average(means, torch.tensor(len(g), device=g.device))
        self.sums = MEMORY * self.sums + (1 - MEMORY) * means.cpu()

    def state_dict(self) -> dict:
        """The two sums."""
        return {"sums": self.sums}

    def load_state_dict(self, state: dict) -> None:
        """Go on with what `state_dict` saved."""
        self.sums = state["sums"]


class CorrectedMaca(nn.Module):
    """V(s) from a network of its own, and g from MACA's critic; see the top of this file.

    Its Q(s, a) is V + eta g, and its baselines are V + eta E[g | a_-G]. options: those of `Maca`.
    """

    needs_action = False

    def __init__(self, sizes: Sizes, config: Config, **options):
        super().__init__()
        self.value = ValueCritic(sizes, config)
        self.maca = Maca(sizes, replace(config, centred=False, value="mlp"), **options)
        self.net.forget_actions()
        self.outputs = (self.value.outputs[0], Output("g", 1.0, ValueNorm()))
        self.shrinkage = Shrinkage()

    @property
    def net(self):
        """MACA's network."""
        return self.maca.net

    def judge(self, x: CriticInput) -> CriticWords:
        """V, eta g, and what MACA's critic says, with V + eta g for Q(s, a)."""
        of_value, of_maca = self.split(x.memory)
        words = self.value.judge(x._replace(memory=of_value))
        z, memory = self.net(x.obs, of_maca, x.first)
        action, policy = one_hot(x.action, x.policy), x.policy
        attention, groups, psi = self.maca.relations(z)

        q, mean = self.net.q(z, action), self.net.q(z, policy)  # [S]
        scale = self.outputs[1].norm.std * self.shrinkage.eta
        correction = scale * (q - mean)

        def baseline(raw: Tensor) -> Tensor:  # [..., S, n], a mean of Q over the actions of a group
            return words.value + scale * (raw - mean.unsqueeze(-1))

        best = self.net.with_own_action(z, weighed_by_score(policy), action, policy) if self.maca.best else None
        return CriticWords(
            outputs=(*words.outputs, self.net.value(z) + q - mean),
            bootstrap=words.bootstrap,
            memory=self.join(words.memory, memory),
            value=words.value,
            q=words.value + correction.unsqueeze(-1),
            baselines=baseline(self.net.baselines(z, policy, action, groups)),
            psi=psi,
            best=None if best is None else baseline(best),
            attention=attention,
            corrset=groups,
            correction=correction,
        )

    def bootstrap(self, x: CriticInput) -> Tensor:
        """V."""
        return self.value.bootstrap(x._replace(memory=self.split(x.memory)[0]))

    def predict(self, x: CriticInput) -> tuple[Tensor, ...]:
        """V and c + g in the networks' units, each `[S]`; g is not shrunk."""
        of_value, of_maca = self.split(x.memory)
        z, _ = self.net(x.obs, of_maca, x.first)
        g = self.net.q(z, one_hot(x.action, x.policy)) - self.net.q(z, x.policy)
        return (*self.value.predict(x._replace(memory=of_value)), self.net.value(z) + g)

    def levels(self, x: CriticInput) -> Tensor:
        """Q(s, a) split by credit assignment level, `[S, n + 1]`; entry 0, which nobody reads, is not V."""
        z, _ = self.net(x.obs, self.split(x.memory)[1], x.first)
        scale = self.outputs[1].norm.std * self.shrinkage.eta
        return scale * self.net.level_spectrum(z, x.policy, one_hot(x.action, x.policy))

    # V's memory `[B, H]` and MACA's `[B, n, E]` travel as one, `[B, H + n E]`.

    def blank_memory(self, batch: int, device: torch.device) -> Tensor | None:
        """`[B, H + n E]`."""
        return self.join(self.value.blank_memory(batch, device), self.maca.blank_memory(batch, device))

    def join(self, of_value: Tensor | None, of_maca: Tensor | None) -> Tensor | None:
        """The two memories as one."""
        return None if of_value is None else torch.cat([of_value, of_maca.flatten(1)], dim=-1)

    def split(self, memory: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """V's memory and MACA's."""
        if memory is None:
            return None, None
        size = self.value.memory_shape[-1]
        return memory[:, :size], memory[:, size:].unflatten(-1, self.maca.memory_shape)


def maca_critic(sizes: Sizes, config: Config, **options) -> Maca | CorrectedMaca:
    """MACA's critic, or with corrected returns the one that makes them; options: those of both."""
    return (CorrectedMaca if config.returns == "corrected" else Maca)(sizes, config, **options)
