"""CMA-ES for psi, the weights of the three baselines: which mixture makes the next policy better?

Section 4.2 of the MACA paper: psi = softmax(Lin(z; eta)), and eta minimises L(eta) = -E[R(theta_{n+1}) - R(theta_n)],
the return gained by one policy update. No gradient reaches eta, so CMA-ES (Hansen, 2016) samples candidates around a
mean and moves the mean towards the good ones. An update gives one noisy number, so the order of things matters:

    a population is drawn at once; candidate k weighs the baselines of update n + k
    its fitness is -(R_{n+k+1} - R_{n+k} - trend); the trend, a running mean of earlier gains, takes out the drift
    neighbouring gains share a return with opposite signs, so candidates take their turns in a shuffled order
    when all have had theirs, CMA-ES is told; away from trials (evaluation) the mean is used

A paired search costs two updates for each comparison and is cleaner: fork the policy, update one copy with
mean + step and the other with mean - step, play both on the same seeds, and let the difference of returns decide.

Adapting the step size and the covariance needs a signal. Two biases show without one: mirrored candidates shrink the
steps (Brockhoff et al., 2010), pairs ranked by their gap lengthen them. So the steps are kept within limits, the mean
moves at less than full speed, and `adapt=False` leaves both alone, which a paired search requires.

What may be hoped for, three biases, 2,560 updates, returns measured with noise sd: where the best psi gains 3 sd an
update, population 32 without adaptation ends within 0.05 of it (20 of 20 seeds); where 1 sd, typically 0.05 away;
where 0.17 sd, 0.15 away, not much better than 1/3 each. Measure your noise before you believe a psi.
"""

from __future__ import annotations

import math

import cma
import numpy as np
from cma.sigma_adaptation import CMAAdaptSigmaCSA

MODES = ("bias", "linear")
DESIGNS = ("shuffled", "mirrored", "paired")
BOUND = 3.0  # of the three biases: however long noise pushes them, no weight falls below softmax(-3, 3, 3) = 0.001


class PsiSearch:
    """Candidates for eta, one for each policy update (or two for a forked one), and the mean of what has worked.

    mode: "bias", 3 logits, the same psi in every state; "linear", 3 (features + 1) numbers, separable CMA-ES.
    seed: of a private generator; NumPy's global one is not touched. features: the length of z ("linear" only).
    design: "shuffled", independent candidates; "mirrored", pairs mean + step and mean - step, in shuffled order;
    "paired", such pairs one after the other, for two copies of the policy (`ask_pair`, `tell_pair`).
    population: candidates in a generation, even. step: their first standard deviation (default 0.3 for biases, 0.05
    for a linear map, whose z is long). adapt: CMA-ES adapts step size (from step / 3 to 3 step) and covariance
    (default: unless paired). memory: how many gains the running mean remembers.
    eta starts at 0, which is psi = 1/3 each. Raises ValueError where an argument is wrong.
    """

    def __init__(
        self, mode="bias", seed=0, features=256, design="mirrored", population=8, step=None, adapt=None, memory=32
    ):
        for name, value, allowed in (("mode", mode, MODES), ("design", design, DESIGNS)):
            if value not in allowed:
                raise ValueError(f"{name}={value!r}; allowed are {', '.join(allowed)}")
        if population < 4 or population % 2:
            raise ValueError(f"population={population}; allowed are even numbers from 4")
        if adapt and design == "paired":
            raise ValueError("adapt=True; a paired search lengthens its steps without end, so allowed is False")
        step = {"bias": 0.3, "linear": 0.05}[mode] if step is None else step
        adapt = design != "paired" if adapt is None else adapt
        for name, value in (("step", step), ("memory", memory)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}={value}; allowed are positive numbers")
        self.settings = dict(mode=mode, seed=seed, features=features, design=design, population=population)
        self.settings |= dict(step=step, adapt=adapt, memory=memory)
        self._start()

    def _start(self):
        """Forget everything: the strategy, its generator, and what it was told."""
        s = self.settings
        self.rng = np.random.default_rng(s["seed"])
        size = 3 if s["mode"] == "bias" else 3 * (s["features"] + 1)
        options = dict(seed=math.nan, randn=self._normal, popsize=s["population"], CMA_mirrors=0, CMA_cmean=0.3)
        options |= dict(verbose=-10, verb_log=0, verb_disp=0)  # write no files, and read none
        options |= dict(bounds=[-BOUND, BOUND]) if s["mode"] == "bias" else dict(CMA_diagonal=True)
        if s["adapt"]:
            options |= dict(AdaptSigma=CMAAdaptSigmaCSA, minstd=s["step"] / 3, maxstd=s["step"] * 3)
        else:
            options |= dict(AdaptSigma=False, CMA_on=0)
        self.strategy = cma.CMAEvolutionStrategy(np.zeros(size), s["step"], options)
        self.told, self.trend, self.last_return, self.on_trial = [], 0.0, None, False
        self._draw()

    def _normal(self, rows: int, size: int) -> np.ndarray:
        """Standard normal numbers `[rows, size]`, the second half the first with the other sign where mirrored."""
        if self.settings["design"] == "shuffled":
            return self.rng.standard_normal((rows, size))
        half = self.rng.standard_normal((rows // 2, size))
        return np.concatenate([half, -half])

    def _draw(self):
        """The next generation of candidates, in the order of their turns."""
        drawn = np.array(self.strategy.ask())
        half = len(drawn) // 2
        pairs = np.stack([drawn[:half], drawn[half:]], axis=1).reshape(drawn.shape)
        self.candidates = pairs if self.settings["design"] == "paired" else self.rng.permutation(drawn)
        self.fitness = []

    @property
    def mean(self) -> np.ndarray:
        """The mean of the distribution of eta: what to act with, `[3]` or `[3 (features + 1)]`."""
        return np.array(self.strategy.result.xfavorite)

    def ask(self) -> np.ndarray:
        """The candidate eta for the coming policy update, `[3]` or `[3 (features + 1)]`."""
        self.on_trial = True
        return self.candidates[len(self.fitness)].copy()

    def tell(self, team_return: float) -> None:
        """The mean return of the episodes just played, by the policy that the last candidate's update made.

        A rollout in which no episode ended has no return: leave it out, and the candidate serves one more update.
        Raises ValueError where the return is not finite.
        """
        now = finite("team_return", team_return)
        if self.on_trial and self.last_return is not None:
            gain = now - self.last_return
            self._judge(-(gain - self.trend))
            self.trend += (gain - self.trend) / self.settings["memory"]
        self.last_return, self.on_trial = now, False

    def ask_pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Two candidates, mean + step and mean - step, for two copies of the policy. Needs design="paired"."""
        self._check_paired()
        k = len(self.fitness)
        return self.candidates[k].copy(), self.candidates[k + 1].copy()

    def tell_pair(self, plus: float, minus: float) -> None:
        """The returns of the two copies, played on the same seeds. Raises ValueError where one is not finite."""
        self._check_paired()
        half_gap = (finite("plus", plus) - finite("minus", minus)) / 2
        self._judge(-half_gap)
        self._judge(half_gap)

    def _check_paired(self) -> None:
        if self.settings["design"] != "paired":
            raise ValueError(f"design={self.settings['design']!r}; pairs need design='paired'")

    def _judge(self, fitness: float) -> None:
        """Note a candidate's fitness; after the generation's last one, tell CMA-ES and draw the next.

        A generation without any difference says nothing: CMA-ES would rank it all the same, so it is not told.
        """
        self.fitness.append(fitness)
        if len(self.fitness) == len(self.candidates):
            self._finish(self.fitness)

    def _finish(self, fitness) -> None:
        fitness = [float(f) for f in fitness]
        self.told.append(fitness)
        if max(fitness) > min(fitness):
            self.strategy.tell(list(self.candidates), fitness)
        self._draw()

    def state_dict(self) -> dict:
        """Numbers and short words only: the settings, and what was told, from which everything else follows."""
        told = np.array(self.told).reshape(-1, self.settings["population"])
        now = dict(trend=self.trend, last_return=self.last_return, on_trial=self.on_trial, fitness=list(self.fitness))
        return dict(settings=dict(self.settings), told=told, now=now, mean=self.mean)

    def load_state_dict(self, state: dict) -> None:
        """Continue where `state` was saved: the search is replayed, about 1 ms a generation, and ends up identical.

        Raises ValueError where the replay does not reach the saved mean (another version of the library `cma`).
        """
        self.settings = dict(state["settings"])
        self._start()
        for fitness in state["told"]:
            self._finish(fitness)
        if not np.allclose(self.mean, state["mean"], atol=1e-6):
            raise ValueError(f"cma {cma.__version__} replays this search to another mean; use the version it ran with")
        self.trend, self.last_return = state["now"]["trend"], state["now"]["last_return"]
        self.on_trial, self.fitness = state["now"]["on_trial"], list(state["now"]["fitness"])


def weights(eta: np.ndarray) -> np.ndarray:
    """psi = softmax(eta) of three biases, order Jnt, Ind, Cor; `[3]`, sums to 1."""
    e = np.exp(eta - np.max(eta))
    return e / e.sum()


def linear_map(eta: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    """eta as a linear layer, weight `[3, features]` and bias `[3]`; the weight of three biases is 0."""
    if len(eta) == 3:
        return np.zeros((3, features)), np.array(eta)
    table = np.reshape(eta, (3, features + 1))
    return table[:, :-1].copy(), table[:, -1].copy()


def finite(name: str, value) -> float:
    """`value` as a float; ValueError unless it is finite."""
    if not math.isfinite(value):
        raise ValueError(f"{name}={value}; allowed are finite numbers")
    return float(value)


def load_head(head, eta: np.ndarray) -> None:
    """Write a proposal into the psi head."""
    import torch

    weight, bias = linear_map(eta, head.in_features)
    head.weight.data.copy_(torch.from_numpy(weight))
    head.bias.data.copy_(torch.from_numpy(bias))
