"""The search for psi, the weights of the three baselines: which mixture makes the next policy better?

Section 4.2 of the MACA paper: psi = softmax(Lin(z; eta)), and eta maximises E[R(theta_{n+1}) - R(theta_n)], the return
gained by one policy update. No gradient reaches eta, so CMA-ES (Hansen, 2016; the library pycma) draws candidates
around a mean and moves the mean towards the good ones. In every update, the path is

    search.tell(return just played)      the last candidate's fitness; after a generation, the mean moves
    load_head(psi_head, search.ask())    the next candidate weighs the baselines
    ... update the policy, play on

Fitness. Candidate k weighs the baselines of update n + k. Its fitness is the gain R_{n+k+1} - R_{n+k}, less a running
mean of earlier gains: a learning team's return drifts upwards, whatever psi. Neighbouring gains share a return with
opposite signs, so candidates take their turns in random order.

Limit: episodes longer than a rollout were partly played by earlier policies. With rollouts of 32 steps and episodes of
50, the newest policy played 33 % of the episodes that end, so 33 % of an update's gain reaches its own candidate's
fitness and most of the rest goes to the next one's. `hold` lets a candidate weigh the baselines of several updates and
divides the gain by their number: then 62 % (hold=2) or 81 % (hold=4) is its own. The noise is divided, too.
A paired search has no such limit: fork the policy, update one copy with mean + step and the other with mean - step, let
both play whole episodes on the same seeds, and compare. It costs two updates for each comparison.

Coordinates. A number added to all three logits does not change psi. CMA-ES would collect its variance in that
direction and lose the others, so it searches the plane where the three logits sum to 0: two coordinates for a column.

Bounds. `MacaCritic.psi` clamps the logits, so no weight falls below 0.01, whatever eta. After each generation the mean
is drawn back towards 0 by DRAW_BACK, so that noise alone does not carry it far.

Steps. By default they keep their size: adapting step size and covariance needs a signal, and selection among mirrored
candidates shrinks the steps even without one (Brockhoff et al., 2010). `adapt=True` is CMA-ES with a diagonal
covariance (Ros & Hansen, 2008), its standard deviations kept between a third of the first step and three times it.

What may be hoped for with three biases: the largest error of a weight, median of 21 runs with fresh seeds. Returns are
measured with noise of standard deviation sd. In each update the best psi gains "effect" and 1/3 each gains nothing; the
median error of 1/3 each is 0.27. `tests/benchmarks/test_psi_quality.py` reproduces the table.

                 the default (hold=1, population=16)      hold=4, population=8
    effect       640     1,280   2,560 updates            640     1,280   2,560 updates
    no noise     0.01    0.01    0.01                     0.02    0.01    0.01
    3 sd         0.02    0.04    0.02                     0.02    0.03    0.02
    1 sd         0.07    0.03    0.03                     0.03    0.03    0.04
    0.17 sd      0.20    0.12    0.12                     0.10    0.08    0.07

Read `signal_share` before you believe a psi.
"""

from __future__ import annotations

import math
from collections import deque
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    import cma  # where a search begins, not here: pycma takes two seconds to import

MODES = ("bias", "linear")
DESIGNS = ("shuffled", "mirrored", "paired")
FIRST_STEP = {"bias": 0.45, "linear": 0.25}  # of the coordinates
MEAN_SPEED = 0.3  # the mean goes 0.3 of the way to the good candidates: it averages the noise of several generations
DRAW_BACK = 0.003  # each generation multiplies the mean by 1 - DRAW_BACK: it is halved in 231 generations
SIGNAL_GENERATIONS = 32  # over which the signal is estimated
PLANE = np.array([[1, 1], [-1, 1], [0, -2]]) / np.sqrt([2, 6])  # [3, 2]: two directions of length 1 that sum to 0


class Settings(NamedTuple):
    """The arguments of `PsiSearch`."""

    mode: str
    seed: int
    features: int
    design: str
    population: int
    step: float
    adapt: bool
    hold: int
    memory: float

    def check(self) -> None:
        """ValueError where one is wrong."""
        for name, value, allowed in (("mode", self.mode, MODES), ("design", self.design, DESIGNS)):
            if value not in allowed:
                raise ValueError(f"{name}={value!r}; allowed are {', '.join(allowed)}")
        if self.population < 4 or self.population % 2:
            raise ValueError(f"population={self.population}; allowed are even numbers from 4")
        for name, value in (("step", self.step), ("memory", self.memory)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}={value}; allowed are positive numbers")
        for name, count in (("hold", self.hold), ("features", self.features)):
            if count < 1:
                raise ValueError(f"{name}={count}; allowed are integers from 1")
        if self.design == "paired" and self.adapt:
            raise ValueError("adapt=True; a paired search lengthens its steps without end, so allowed is False")
        if self.design == "paired" and self.hold > 1:
            raise ValueError(f"hold={self.hold}; a paired search plays whole episodes after an update: allowed is 1")


class PsiSearch:
    """Candidates for eta, one for each policy update (or two for a forked one), and the mean of what has worked.

    mode: "bias", 3 logits, the same psi in every state; "linear", a linear map of z.
    seed: of a private generator; NumPy's global one is not touched. features: the length of z ("linear" only).
    design: "shuffled", independent candidates; "mirrored", pairs mean + step and mean - step, in random order;
    "paired", such pairs one after the other, for two copies of the policy (`ask_pair`, `tell_pair`).
    population: candidates in a generation, even. step: their standard deviation in each coordinate; None: FIRST_STEP.
    adapt: CMA-ES adapts step size and diagonal covariance (not with "paired"). hold: updates a candidate serves for.
    memory: how many gains the running mean remembers.

    eta is a table of logits, `[3, 1]` ("bias") or `[3, features + 1]` ("linear"; last column: the biases), rows in the
    order joint, individual, CorrSet. It starts at 0, which is psi = 1/3 each. Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        mode: str = "bias",
        seed: int = 0,
        features: int = 256,
        design: str = "mirrored",
        population: int = 16,
        step: float | None = None,
        adapt: bool = False,
        hold: int = 1,
        memory: float = 32,
    ):
        step = FIRST_STEP.get(mode, 1.0) if step is None else step
        self.settings = Settings(mode, seed, features, design, population, step, adapt, hold, memory)
        self.settings.check()
        self._start()

    def _start(self) -> None:
        """A search that has heard nothing."""
        s = self.settings
        self.generator = np.random.default_rng(s.seed)
        self.strategy = self._strategy()
        self.generations = []  # the fitness of every finished generation's candidates
        self.gradients = deque(maxlen=SIGNAL_GENERATIONS)  # see `signal_share`
        self.variances = deque(maxlen=SIGNAL_GENERATIONS)
        self.trend = 0.0  # running mean of the gains
        self.return_before = None  # the return before the present candidate's first update
        self.updates_served = 0  # by the present candidate
        self._draw_generation()

    def _strategy(self) -> cma.CMAEvolutionStrategy:
        from maca_edu.training.limited_steps import STEP_RANGE, CMAEvolutionStrategy, LimitedStepSize

        s = self.settings
        columns = 1 if s.mode == "bias" else s.features + 1
        options = dict(seed=math.nan, randn=self._standard_normal, popsize=s.population, CMA_mirrors=0)
        options |= dict(CMA_cmean=MEAN_SPEED, verbose=-10, verb_log=0, verb_disp=0)  # it writes and reads no files
        if s.adapt:
            options |= dict(CMA_diagonal=True, AdaptSigma=LimitedStepSize)
            options |= dict(minstd=s.step / STEP_RANGE, maxstd=s.step * STEP_RANGE)
        else:
            options |= dict(CMA_on=0, AdaptSigma=False)
        return CMAEvolutionStrategy(np.zeros(2 * columns), s.step, options)

    def _standard_normal(self, rows: int, size: int) -> np.ndarray:
        """Standard normal numbers `[rows, size]`; unless "shuffled", the second half is minus the first."""
        if self.settings.design == "shuffled":
            return self.generator.standard_normal((rows, size))
        half = self.generator.standard_normal((rows // 2, size))
        return np.concatenate([half, -half])

    def _draw_generation(self) -> None:
        """New candidates' coordinates `[population, 2 * columns]`, in the order of their turns, without fitness yet."""
        drawn = np.array(self.strategy.ask())
        if self.settings.design == "paired":
            plus, minus = np.split(drawn, 2)
            self.candidates = np.stack([plus, minus], axis=1).reshape(drawn.shape)  # plus, minus, plus, minus, ...
        else:
            self.candidates = self.generator.permutation(drawn)
        self.fitness = []

    def _eta(self, coordinates: np.ndarray) -> np.ndarray:
        """The table of logits `[3, columns]` at a point of the search; z has a length of about sqrt(features)."""
        table = PLANE @ coordinates.reshape(2, -1)
        table[:, :-1] /= math.sqrt(self.settings.features)
        return table

    @property
    def mean(self) -> np.ndarray:
        """eta at the mean of the candidates' distribution: what to act with away from the search."""
        return self._eta(np.array(self.strategy.mean))

    def ask(self) -> np.ndarray:
        """The candidate eta for the coming policy update. Call it once for each update."""
        self.updates_served += 1
        return self._eta(self.candidates[len(self.fitness)])

    def tell(self, team_return: float) -> None:
        """The mean return of the episodes that ended in the rollout just played.

        A rollout in which no episode ended has no return: leave it out, and the candidate serves one more update.
        Raises ValueError where the return is not finite.
        """
        now = finite("team_return", team_return)
        if self.return_before is None or self.updates_served == 0:
            self.return_before, self.updates_served = now, 0
        elif self.updates_served >= self.settings.hold:
            gain = (now - self.return_before) / self.updates_served  # by one update
            self.record_fitness(gain - self.trend)
            self.trend += (gain - self.trend) / self.settings.memory
            self.return_before, self.updates_served = now, 0

    def ask_pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Two candidates, mean + step and mean - step, for two copies of the policy. Needs design="paired"."""
        self._check_paired()
        k = len(self.fitness)
        return self._eta(self.candidates[k]), self._eta(self.candidates[k + 1])

    def tell_pair(self, plus: float, minus: float) -> None:
        """The returns of the two copies, played on the same seeds. Raises ValueError where one is not finite."""
        self._check_paired()
        half_gap = (finite("plus", plus) - finite("minus", minus)) / 2
        self.record_fitness(half_gap)
        self.record_fitness(-half_gap)

    def _check_paired(self) -> None:
        if self.settings.design != "paired":
            raise ValueError(f"design={self.settings.design!r}; pairs need design='paired'")

    def record_fitness(self, fitness: float) -> None:
        """Note what the present candidate was worth (more is better); after a generation's last, the mean moves."""
        self.fitness.append(fitness)
        if len(self.fitness) == len(self.candidates):
            self._finish_generation([float(f) for f in self.fitness])

    def _finish_generation(self, fitness: list[float]) -> None:
        """Move the mean, and draw the next generation.

        A generation without any difference says nothing; CMA-ES would rank it all the same, so it is not told.
        """
        self.generations.append(fitness)
        self._estimate_signal(np.array(fitness))
        if max(fitness) > min(fitness):
            self.strategy.tell(list(self.candidates), [-f for f in fitness])  # it minimises
            self.strategy.mean = self.strategy.mean * (1 - DRAW_BACK)
        self._draw_generation()

    def _estimate_signal(self, fitness: np.ndarray) -> None:
        steps = (self.candidates - self.strategy.mean) / self.strategy.stds  # [population, N], standard normal
        self.gradients.append((fitness - fitness.mean()) @ steps / len(fitness))  # [N]
        self.variances.append(fitness.var())

    @property
    def signal_share(self) -> float:
        """The share of the fitness's variance that candidates explain (linearly): about 0 for noise, at most about 1.

        With u_k the step of candidate k in standard deviations, f_k its fitness, and M the last 32 generations:

            a_g = mean_k (f_k - mean f) u_k                           the gradient, estimated from generation g
            share = mean over g != h of a_g . a_h / mean_g Var_k f

        Fitness a . u + noise has the variance |a|^2 + noise. Two generations' noise is independent, so a_g . a_h is
        |a|^2 on average: no bias, even where coordinates outnumber candidates. Without a signal its standard deviation
        is sqrt(2 N) / (M population) for N coordinates. Signal to noise is share / (1 - share). Close to the best psi
        the gradient is 0, and so is the share. NaN before the 8th generation.
        """
        count = len(self.gradients)
        if count < 8 or not any(self.variances):
            return math.nan
        gradients = np.array(self.gradients)  # [M, N]
        total = gradients.sum(axis=0)
        signal = (total @ total - (gradients**2).sum()) / (count * (count - 1))
        return float(signal / np.mean(self.variances))

    def state_dict(self) -> dict:
        """Numbers and words only: the settings and every fitness, from which everything else follows."""
        return dict(
            settings=self.settings._asdict(),
            generations=np.array(self.generations).reshape(-1, self.settings.population),
            fitness=list(self.fitness),
            trend=self.trend,
            return_before=self.return_before,
            updates_served=self.updates_served,
            mean=self.mean,
        )

    def load_state_dict(self, state: dict) -> None:
        """Continue where `state` was saved: the search is replayed, and ends up identical.

        A generation takes about 1 ms, one of a linear map about 4 ms.

        Raises ValueError where the replay does not reach the saved mean (another version of pycma).
        """
        self.settings = Settings(**state["settings"])
        self._start()
        for fitness in state["generations"]:
            self._finish_generation(fitness.tolist())
        if not np.allclose(self.mean, state["mean"], atol=1e-6):
            raise ValueError(f"cma {version('cma')} replays this search to another mean; use the version it ran with")
        self.fitness = list(state["fitness"])
        self.trend = state["trend"]
        self.return_before = state["return_before"]
        self.updates_served = state["updates_served"]


def load_head(head: nn.Linear, eta: np.ndarray) -> None:
    """Write a proposal into the psi head, weight `[3, Z]` and bias `[3]`; three biases leave the weight at 0.

    eta: `[3, 1]` or `[3, Z + 1]`. Raises ValueError for another shape.
    """
    rows, features = head.weight.shape
    if eta.shape not in ((rows, 1), (rows, features + 1)):
        raise ValueError(f"eta has the shape {eta.shape}; allowed are {(rows, 1)} and {(rows, features + 1)}")
    weight, bias = torch.from_numpy(eta[:, :-1]), torch.from_numpy(eta[:, -1])
    with torch.no_grad():
        head.bias.copy_(bias)
        if eta.shape[1] == 1:
            head.weight.zero_()
        else:
            head.weight.copy_(weight)


def finite(name: str, value) -> float:
    """`value` as a float; ValueError unless it is finite."""
    if not math.isfinite(value):
        raise ValueError(f"{name}={value}; allowed are finite numbers")
    return float(value)
