"""What an estimator does to its rows, found by asking it again: in another order, in part, in other units.

The answers say which misconception a wrong gradient comes from, and whether every row may be judged on its own, so that
its mean and variance can be computed instead of sampled.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import permutations

import numpy as np

from maca_edu.credit_bench.batch import CreditBatch, make_batch
from maca_edu.credit_bench.critics import Critic
from maca_edu.credit_bench.estimators import Estimator
from maca_edu.credit_bench.moments import Moments, Rows, drawn_rows, every_row

PROBED = 96  # rows
CLOSE = 1e-5  # relative: two answers are the same; single precision passes
NEARLY = 1e-3  # the same for the units: a small constant added to a deviation passes
SHIFT = 100.0
STRAIGHT = 1e-4  # relative: what a slope may leave over and still describe the whole


@dataclass(frozen=True)
class Behaviour:
    """How an estimator treats its rows."""

    repeats: bool  # the same question has the same answer
    any_order: bool  # rows in another order: the same advantages in that order
    untransposed: bool  # so it is once the answer is read as [n, S] and transposed, and only then
    row_by_row: bool  # a row's advantage does not depend on the other rows, nor on where it stands
    own_row: float  # by how much a row's advantage grows when its own return does; 1 for a return less a baseline
    degree: int | None  # 1: ten times the payments, ten times the advantage; 0: the same; None: neither
    own_degree: int | None  # the same of the advantage's change with a_i, others' actions fixed
    shifts: bool  # a constant added to all values changes the advantages: there is no baseline that takes it out
    slopes: tuple[float, ...]  # how much of Q's change with a_i, others' actions fixed, arrives in A_i
    bent: float  # what the slopes leave of that change, over all of it: 0 if A_i is Q times one less a legal baseline
    column: tuple[int, ...]  # whose column holds agent i's advantage; empty where it is its own, or unclear
    writes: tuple[str, ...]  # the fields of the batch that it changes

    @property
    def settled(self) -> bool:
        """Whether all joint actions can be asked at once, and what the batch has in common is then a constant."""
        return self.repeats and self.any_order


def answer(estimator: Estimator, batch: CreditBatch) -> tuple[np.ndarray, np.ndarray | None]:
    """Advantages `[S, n]` and CorrSets, or None. ValueError where it fails or gives something else.

    It is shown a copy, so that what it writes there changes no other answer.
    """
    return read(estimator, batch.map(np.copy))


def read(estimator: Estimator, batch: CreditBatch) -> tuple[np.ndarray, np.ndarray | None]:
    """The same, of the batch itself."""
    try:
        given = estimator.function(batch)
    except Exception as error:
        raise ValueError(f"estimator {estimator.name!r} failed: {type(error).__name__}: {error}") from error
    given, groups = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    S, n = batch.action.shape
    advantage = as_array(given)
    if advantage is None or advantage.dtype.kind not in "fiu" or advantage.shape not in ((S, n), (S, 1)):
        found = type(given).__name__ if advantage is None else f"shape {advantage.shape}, dtype {advantage.dtype}"
        raise ValueError(f"estimator {estimator.name!r} gave {found}; allowed are numbers of shape {(S, n)}")
    if not np.isfinite(advantage).all():
        raise ValueError(f"estimator {estimator.name!r} gave numbers that are not finite; allowed are finite ones")
    if groups is not None:
        groups = as_array(groups)
        if groups is None or groups.shape != (S, n, n):
            raise ValueError(
                f"estimator {estimator.name!r} gave no CorrSets of shape {(S, n, n)} beside the advantages"
            )
        groups = groups.astype(bool)
    return np.broadcast_to(advantage.astype(float), (S, n)), groups


def written(estimator: Estimator, batch: CreditBatch) -> tuple[str, ...]:
    """The fields of a batch that hold other numbers after the estimator has read it, those of the earlier batch too."""
    shown = batch.map(np.copy)
    read(estimator, shown)
    pairs = {"": (batch, shown), "earlier.": (batch.earlier, shown.earlier)}
    return tuple(
        f"{where}{field.name}"
        for where, (before, after) in pairs.items()
        for field in fields(before)
        if isinstance(getattr(before, field.name), np.ndarray)
        and not np.array_equal(getattr(before, field.name), getattr(after, field.name))
    )


def as_array(given) -> np.ndarray | None:
    """An array or a tensor of any library as an array; None where it is neither."""
    if hasattr(given, "detach"):
        given = given.detach().cpu()
    try:
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError):
        return None


def some(rows: Rows, which: np.ndarray) -> Rows:
    """Some of the rows, in that order."""
    return Rows(*(x[which] for x in rows))


def same(x: np.ndarray, y: np.ndarray, close: float = CLOSE) -> bool:
    """Whether two answers agree, up to `close` of the largest number in them."""
    return bool(abs(x - y).max() <= close * max(abs(x).max(), abs(y).max(), 1e-300))


def degree(plain: np.ndarray, tenfold: np.ndarray) -> int | None:
    """1 where ten times the payments give ten times the numbers, 0 where they give the same, None elsewhere."""
    return 1 if same(tenfold, 10 * plain, NEARLY) else 0 if same(tenfold, plain, NEARLY) else None


def transposed(advantage: np.ndarray) -> np.ndarray:
    """The numbers of `[S, n]` in their order, taken as `[n, S]` and transposed."""
    S, n = advantage.shape
    return advantage.reshape(n, S).T


def probe(estimator: Estimator, moments: Moments, critic: Critic, seed: int = 0) -> Behaviour:
    """Ask the estimator on one-shot moments that can be written out."""
    rng = np.random.default_rng(seed)
    rows = drawn_rows(moments, PROBED, rng)
    shuffled, half = rng.permutation(PROBED), np.arange(PROBED // 2)

    def ask(rows: Rows, scale: float = 1.0, shift: float = 0.0, seed: int = seed) -> np.ndarray:
        batch = make_batch(moments.in_units(scale, shift), rows, critic.in_units(scale, shift), seed)
        return answer(estimator, batch)[0]

    plain, moved = ask(rows), ask(some(rows, shuffled))
    everything = all_advantages(estimator, moments, critic, seed)
    tenfold = all_advantages(estimator, moments.in_units(10.0), critic.in_units(10.0), seed)
    slopes, bent = own_slopes(moments, everything)
    any_order = same(plain[shuffled], moved)
    return Behaviour(
        repeats=same(plain, ask(rows, seed=seed + 1)),
        any_order=any_order,
        untransposed=not any_order and same(transposed(plain)[shuffled], transposed(moved)),
        row_by_row=any_order and same(plain[half], ask(some(rows, half))),
        own_row=own_row(estimator, moments, critic, rows, seed),
        degree=degree(plain, ask(rows, scale=10.0)),
        own_degree=degree(own_change(everything), own_change(tenfold)),
        shifts=not same(plain, ask(rows, shift=SHIFT)),
        slopes=slopes,
        bent=bent,
        column=columns(moments, everything),
        writes=written(estimator, make_batch(moments, rows, critic, seed)),
    )


def own_row(estimator: Estimator, moments: Moments, critic: Critic, rows: Rows, seed: int) -> float:
    """How much the first row's advantage grows with its own return, everything else the same."""
    batch, again = (make_batch(moments, rows, critic, seed) for _ in range(2))
    step = 0.01 * max(float(batch.returns.std()), 1e-6)
    raised = batch.returns + step * (np.arange(len(batch.returns)) == 0)
    gain = answer(estimator, replace(again, returns=raised))[0] - answer(estimator, batch)[0]
    return float(gain[0].mean() / step)


def all_advantages(estimator: Estimator, moments: Moments, critic: Critic, seed: int) -> np.ndarray:
    """The advantages of every joint action of one-shot moments, `[A, ..., A, n]`."""
    advantage, _ = answer(estimator, make_batch(moments, every_row(moments), critic, seed))
    return advantage.reshape(*(moments.n_actions,) * moments.n_agents, moments.n_agents)


def own_change(advantage: np.ndarray) -> np.ndarray:
    """How each A_i of `[A, ..., A, n]` differs from its mean over a_i, others' actions fixed."""
    n = advantage.shape[-1]
    return np.stack([without_mean(advantage[..., i], i) for i in range(n)], axis=-1)


def without_mean(x: np.ndarray, axis: int) -> np.ndarray:
    """What a table has beside its mean along one axis."""
    return x - x.mean(axis=axis, keepdims=True)


def own_slopes(moments: Moments, advantage: np.ndarray) -> tuple[tuple[float, ...], float]:
    """What of Q's change with a_i arrives in A_i, for every agent, and what those slopes leave over at worst.

    Over all joint actions that differ in a_i only. Q times a factor, less any legal baseline, leaves nothing.
    """
    found = [own_slope(moments, advantage[..., i], i) for i in range(moments.n_agents)]
    return tuple(slope for slope, _ in found), max(bent for _, bent in found)


def own_slope(moments: Moments, advantage: np.ndarray, i: int) -> tuple[float, float]:
    """The same of one column `[A, ..., A]` along agent i's action."""
    dq, da = without_mean(moments.table[0], i), without_mean(advantage, i)
    slope = float((dq * da).sum() / (dq**2).sum())
    size = np.linalg.norm(da)
    if size <= 1e-10 * np.linalg.norm(dq):
        return slope, 1.0  # nothing of Q is there, so nothing is described
    return slope, float(np.linalg.norm(da - slope * dq) / size)


def columns(moments: Moments, advantage: np.ndarray) -> tuple[int, ...]:
    """Whose column holds agent i's advantage, for every i, where another order makes all of them right, and only one.

    A baseline that depends on one agent's action is legal for all others, so then several orders do.
    """
    n = moments.n_agents
    found = [[own_slope(moments, advantage[..., j], i) for j in range(n)] for i in range(n)]
    right = [[slope > 0 and bent < STRAIGHT for slope, bent in row] for row in found]
    orders = [order for order in permutations(range(n)) if all(right[i][j] for i, j in enumerate(order))]
    return orders[0] if len(orders) == 1 and orders[0] != tuple(range(n)) else ()
