"""The advantage that the policies follow: a row of Table 1, normalised over the whole rollout.

Entries are samples of agents; `alive` marks those of agents that live. The dead act on paper only and count nowhere.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from maca_edu.training.processes import Processes
from maca_edu.training.records import CriticWords, JudgedBatch, given, versions

EPSILON = 1e-5  # added to the deviation


class Advantage:
    """A row of Table 1 for the samples of a rollout.

    row: a function of a `JudgedBatch`. raw: what it gives with HAPPO's factor 1, `[S, n]`, in the units of the reward.
    Raises ValueError where the row fails or gives another shape or numbers that are not finite.
    """

    def __init__(self, row: Callable[[JudgedBatch], Tensor], batch: JudgedBatch, processes: Processes):
        self.row, self.batch = row, batch
        self.raw = apply_row(row, batch)
        alive = batch.alive
        self.mean = processes.average(masked_mean(self.raw, alive), alive.sum())
        centred = torch.where(alive, self.raw - self.mean, 0.0)
        self.deviation = processes.average(masked_mean(centred.square(), alive), alive.sum()).sqrt()

    def normalised(self, factor: Tensor) -> Tensor:
        """(A - mean) / deviation over all agents and samples of the rollout, `[S, n]`; 0 for the dead.

        factor: HAPPO's M, `[S, 1]`. Where it is not 1, the mean was taken before the advantage was weighed by it, so
        the mean is weighed, too: what is subtracted stays a constant baseline.
        """
        weighed = apply_row(self.row, self.batch._replace(factor=factor))
        centred = torch.where(self.batch.alive, weighed - factor * self.mean, 0.0)
        return centred / (self.deviation + EPSILON)


def batch_of(words: CriticWords, target: Tensor, action: Tensor, policy: Tensor, alive: Tensor) -> JudgedBatch:
    """What an advantage is computed from, HAPPO's factor still 1.

    target `[S, 1]` or `[S, n]`, action `[S, n]` or `[S, n, A]`, policy `[S, n, A]`, alive `[S, n]`.
    """
    return JudgedBatch(
        target,
        action,
        policy,
        alive,
        factor=torch.ones_like(target[:, :1]),
        value=words.value,
        q=words.q,
        q_values=words.q_values,
        own_q=words.own_q,
        own_mean=words.own_mean,
        baselines=words.baselines,
        psi=words.psi,
        best=words.best,
        attention=words.attention,
        corrset=words.corrset,
    )


def apply_row(row: Callable[[JudgedBatch], Tensor], batch: JudgedBatch) -> Tensor:
    """The row's advantages, `[S, n]`. Raises ValueError where it gives none, and says what it may ask for."""
    named, before = f"advantage={getattr(row, '__name__', 'advantage')}", versions(batch)
    try:
        advantage = row(batch)
    except Exception as error:
        raise ValueError(
            f"{named} failed: {type(error).__name__}: {error}; from this method's critic it may ask for "
            f"{', '.join(batch.given())}"
        ) from error
    after = versions(batch)
    written = [name for name, count in before.items() if after[name] != count]
    if written:
        raise ValueError(
            f"{named} writes into {', '.join(written)}; allowed are functions that leave the batch as it is"
        )
    shape, S = tuple(batch.alive.shape), len(batch.alive)
    if not isinstance(advantage, Tensor) or tuple(advantage.shape) not in (shape, (S, 1)):
        what = tuple(advantage.shape) if isinstance(advantage, Tensor) else type(advantage).__name__
        raise ValueError(f"{named} gave {what}; allowed are tensors of shape {shape} or {(S, 1)}")
    if not advantage.is_floating_point():
        raise ValueError(f"{named} gave numbers of {advantage.dtype}; allowed are floating-point ones")
    if not torch.isfinite(advantage).all():
        causes = [name for name, x in given(batch).items() if not torch.isfinite(x).all()]
        because = f", and so are those of {', '.join(causes)} that it was given" if causes else ""
        raise ValueError(f"{named} gave numbers that are not finite{because}; allowed are finite ones")
    return advantage.detach().expand(shape)


def masked_mean(x: Tensor, alive: Tensor | None = None) -> Tensor:
    """Mean of x over the entries where alive (bool, x's shape; None: all); 0 where there are none."""
    if alive is None:
        return x.mean()
    return torch.where(alive, x, 0.0).sum() / alive.sum().clamp(min=1)
