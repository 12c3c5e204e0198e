"""Every method of `METHODS` as an estimator of the bench: its own advantage, on what the bench's critic says.

The networks play no part, so methods that differ only in their critic give the same numbers here. psi is thirds where a
search finds it (that is where the search begins), and least squares over the earlier batch where the method has that.
Of the settings that belong to a method only `advantage` counts here: the bench's critic has one system of units.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from maca_edu.credit import CORRSET, attention_psi
from maca_edu.credit_bench import CreditBatch, Estimator
from maca_edu.networks import OfChoice
from maca_edu.training.methods import METHODS, PPO_MIX, PPO_SUM, Method
from maca_edu.training.processes import OneProcess
from maca_edu.training.psi_squares import PsiSquares
from maca_edu.training.records import JudgedBatch

RAW = "is tried without its raw baselines, which are in units of their own: the bench's critic has one system of units"
UTILITIES = {PPO_SUM.name, PPO_MIX.name}


def judged(batch: CreditBatch, method: Method) -> JudgedBatch:
    """What a row of Table 1 may ask for, from the bench's record; psi is thirds."""
    arrays = batch.map(torch.as_tensor)
    S, n = arrays.action.shape
    attention = arrays.corrset.double()
    from_critic = method.settings.get("advantage") == "critic"
    own = OfChoice(arrays.utilities if method.name in UTILITIES else arrays.q_values)
    return JudgedBatch(
        target=(arrays.q if from_critic else arrays.returns)[:, None],
        action=arrays.action,
        policy=arrays.policy,
        alive=torch.ones(S, n, dtype=torch.bool),
        factor=torch.ones(S, 1, dtype=torch.float64),
        value=arrays.value[:, None],
        q=arrays.q[:, None],
        q_values=own.values,
        own_q=own.of(arrays.action),
        own_mean=own.mean(arrays.policy),
        baselines=arrays.baselines,
        psi=torch.full((S, 3), 1 / 3, dtype=torch.float64),
        best=arrays.best,
        attention=attention / attention.sum(dim=-1, keepdim=True),  # equal weights for everyone in C_i
        corrset=arrays.corrset,
    )


def weighed(batch: JudgedBatch, before: JudgedBatch, method: Method) -> JudgedBatch:
    """The batch with the method's psi."""
    if method.psi == "squares":
        squares = PsiSquares(batch.action.shape[1])
        squares.take_in(before, OneProcess())
        return squares.weigh(batch)
    if method.psi == "critic":
        return batch._replace(psi=attention_psi(batch.attention, 1 / batch.action.shape[1]))
    return batch


def as_estimator(method: Method) -> Estimator:
    """The method's advantage, with its CorrSets where its baseline uses them."""

    def function(batch: CreditBatch) -> Tensor | tuple[Tensor, np.ndarray]:
        asked = weighed(judged(batch, method), judged(batch.earlier, method), method)
        advantage = method.advantage(asked).expand(batch.action.shape)
        return (advantage, batch.corrset) if uses_corrsets(method) else advantage

    note = RAW if method.settings.get("raw_baselines") else ""
    return Estimator(method.name, function, method.formula, method.source, note=note)


def uses_corrsets(method: Method) -> bool:
    """Whether the CorrSet baseline has a part in the method's advantage: taking it away changes the numbers."""
    S, n = 2, 3
    probe = JudgedBatch(
        target=torch.zeros(S, 1),
        action=torch.zeros(S, n, dtype=torch.long),
        policy=torch.full((S, n, 2), 0.5),
        alive=torch.ones(S, n, dtype=torch.bool),
        factor=torch.ones(S, 1),
        value=torch.zeros(S, 1),
        own_q=torch.zeros(S, n),
        own_mean=torch.zeros(S, n),
        baselines=torch.zeros(3, S, n),
        psi=torch.full((S, 3), 1 / 3),
        best=torch.zeros(S, n),
    )
    other = probe.baselines.clone()
    other[CORRSET] = 1.0
    return bool((method.advantage(probe) != method.advantage(probe._replace(baselines=other))).any())


def ours() -> list[Estimator]:
    """All of them; PPO-Mix, whose mixture the bench does not have, comes after PPO-Sum, whose utilities it gets."""
    return [as_estimator(method) for method in sorted(METHODS.values(), key=lambda method: method is PPO_MIX)]
