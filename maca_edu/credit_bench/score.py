"""One estimator on all games: its measures, its growth with the team, its cost, and what was found."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from maca_edu.credit_bench import critics, games
from maca_edu.credit_bench.batch import CreditBatch, make_batch
from maca_edu.credit_bench.critics import Critic
from maca_edu.credit_bench.estimators import Estimator
from maca_edu.credit_bench.findings import Finding, Mean, findings
from maca_edu.credit_bench.measures import Measures, Truth, measure, scores, truth
from maca_edu.credit_bench.moments import Moments, Rows, drawn_rows, every_row
from maca_edu.credit_bench.probes import Behaviour, answer, probe

BATCH, BATCHES = 512, 32  # of drawn rows, for estimators that do not judge every row on its own
GROWN, RING_BATCH = 4, 256  # batches for each size of the ring, and their rows
TIMED = 5  # calls, of which the fastest counts


@dataclass
class Case:
    """A game with what is needed to try many estimators on it, each thing made once."""

    moments: Moments
    seed: int
    made: dict[tuple[bool, bool], list] = field(default_factory=dict)
    """batches that were made: with the exact critic or not, of drawn rows or not"""

    @cached_property
    def known(self) -> Truth:
        """The truth."""
        return truth(self.moments)

    @cached_property
    def exact(self) -> Critic:
        """The critic that knows Q."""
        return critics.exact(self.moments)

    @cached_property
    def fitted(self) -> Critic | None:
        """The critic that has seen a few plays; None where the game has more than one step."""
        return critics.fitted(self.moments, np.random.default_rng(self.seed)) if self.moments.one_shot else None

    @cached_property
    def all_rows(self) -> Rows:
        """Every joint action in every state."""
        return every_row(self.moments)

    @cached_property
    def drawn(self) -> list[Rows]:
        """Rows as play draws them, in batches."""
        rng = np.random.default_rng(self.seed + 1)
        return [drawn_rows(self.moments, BATCH, rng) for _ in range(BATCHES)]

    def batches(self, critic: Critic, drawn: bool) -> list[tuple[Rows, CreditBatch]]:
        """Rows with what an estimator is shown of them."""
        key = (critic is self.exact, drawn)
        if key not in self.made:
            rows = self.drawn if drawn else [self.all_rows]
            self.made[key] = [(part, make_batch(self.moments, part, critic)) for part in rows]
        rngs = [np.random.default_rng(self.seed + k) for k in range(len(self.made[key]))]
        return [(part, replace(batch, rng=rng)) for (part, batch), rng in zip(self.made[key], rngs, strict=True)]


class Result(NamedTuple):
    """An estimator on one game, with one of the two critics."""

    game: str
    critic: str  # "exact" or "fitted"
    measures: Measures


class Growth(NamedTuple):
    """An estimator on a ring of n agents."""

    n_agents: int
    variance: float  # over that of the best legal baseline, on the same rows
    microseconds: float  # for each row and agent: the estimator's own time, without what the critic needed


@dataclass(frozen=True)
class Score:
    """All about one estimator."""

    estimator: Estimator
    behaviour: Behaviour
    results: tuple[Result, ...]
    growth: tuple[Growth, ...]
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> bool:
        """Whether a misconception was found."""
        return any(finding.wrong for finding in self.findings)

    def of(self, critic: str) -> list[Measures]:
        """The measures with one critic, game by game."""
        return [result.measures for result in self.results if result.critic == critic]

    @property
    def error(self) -> float:
        """Geometric mean over the games of `Measures.error`, with the fitted critic where there is one."""
        last = {result.game: result.measures.error for result in self.results}  # the fitted critic's comes after
        return geometric_mean(last.values())

    def variance(self, critic: str) -> float:
        """Geometric mean over the games of the variance over the least, with one critic."""
        return geometric_mean(m.variance for m in self.of(critic))


def geometric_mean(ratios) -> float:
    """Of positive numbers; NaN where there are none, or one is NaN."""
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


class Bench:
    """The games, and what is true in them, ready to try estimators on.

    moments: which games (default: all that are shipped). sizes: of the rings on which growth is measured. seed: of all
    that is drawn.
    """

    def __init__(self, moments: list[Moments] | None = None, sizes=games.GROWTH, seed: int = 0):
        self.seed = seed
        self.cases = [Case(m, seed) for m in (games.all_games() if moments is None else moments)]
        self.probed = Case(games.random_game(games.RANDOM[0]), seed)
        self.rings = [self.grown(n) for n in sizes]

    def grown(self, n: int) -> tuple[Moments, list[tuple[Rows, CreditBatch]]]:
        """A ring of n agents, with drawn rows."""
        ring, rng = games.ring(n), np.random.default_rng(self.seed + n)
        rows = [drawn_rows(ring, RING_BATCH, rng) for _ in range(GROWN)]
        return ring, [(part, make_batch(ring, part, critics.exact(ring), self.seed)) for part in rows]

    def score(self, estimator: Estimator) -> Score:
        """Try an estimator on everything. ValueError where it fails or gives something else than advantages."""
        behaviour = probe(estimator, self.probed.moments, self.probed.exact, self.seed)
        drawn = not (behaviour.repeats and behaviour.row_by_row)
        results = []
        for case in self.cases:
            results.append(Result(case.moments.name, "exact", tried(estimator, case, case.exact, drawn)))
            if estimator.critic and case.fitted is not None:
                results.append(Result(case.moments.name, "fitted", tried(estimator, case, case.fitted, drawn)))
        over_time = [case for case in self.cases if drawn and not case.moments.one_shot]
        surer = {c.moments.name: tried(estimator, c, c.exact, False) for c in over_time if behaviour.settled}
        means = [Mean.of(result, surer.get(result.game, result.measures)) for result in results]
        growth = [grow(estimator, ring, batches) for ring, batches in self.rings]
        return Score(estimator, behaviour, tuple(results), tuple(growth), tuple(findings(behaviour, means)))


def tried(estimator: Estimator, case: Case, critic: Critic, drawn: bool) -> Measures:
    """An estimator's measures on one game with one critic."""
    batches = case.batches(critic, drawn)
    answers = [answer(estimator, batch) for _, batch in batches]
    rows = Rows(*(np.concatenate(x) for x in zip(*(part for part, _ in batches), strict=True)))
    rows = rows._replace(weight=rows.weight / len(batches))
    groups = None if answers[0][1] is None else np.concatenate([g for _, g in answers])
    advantage = np.concatenate([a for a, _ in answers])
    returns = np.concatenate([batch.returns for _, batch in batches])
    return measure(case.moments, case.known, rows, advantage, returns, drawn, groups)


def grow(estimator: Estimator, ring: Moments, batches: list[tuple[Rows, CreditBatch]]) -> Growth:
    """The estimator's variance on a ring against the best legal baseline on the same rows, and its time."""
    found, best, fastest = [], [], math.inf
    for rows, batch in batches:
        fresh = replace(batch, rng=np.random.default_rng(0))
        score = scores(ring, rows)
        found.append(answer(estimator, fresh)[0][:, :, None] * score)
        best.append((batch.returns[:, None] - batch.best)[:, :, None] * score)
    for _ in range(TIMED):
        batch = batches[0][1].map(np.copy)
        start = time.perf_counter()
        estimator.function(batch)
        fastest = min(fastest, time.perf_counter() - start)
    found, best = np.concatenate(found), np.concatenate(best)
    scale = (found.mean(axis=0) * best.mean(axis=0)).sum() / (best.mean(axis=0) ** 2).sum()
    ratio = found.var(axis=0).sum() / scale**2 / best.var(axis=0).sum() if scale > 0 else math.nan
    return Growth(ring.n_agents, float(ratio), 1e6 * fastest / (RING_BATCH * ring.n_agents))


def ranked(scores: list[Score]) -> list[Score]:
    """The smallest error first; those with a misconception after all others."""
    return sorted(scores, key=lambda s: (s.wrong, math.inf if math.isnan(s.error) else s.error))
