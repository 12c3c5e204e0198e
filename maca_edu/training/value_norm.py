"""ValueNorm: the critic learns targets of mean 0 and variance 1, whatever the game pays.

PopArt's statistics (van Hasselt et al., 2016) without its rescaling of the output layer, as MAPPO uses them (Yu et
al., 2022). With beta close to 1 and both running means starting at 0, every update multiplies by beta and adds

    m <- beta m + (1 - beta) mean(x)      q <- beta q + (1 - beta) mean(x^2)      w <- beta w + (1 - beta)

so m / w and q / w are weighted means of all that was seen (debiased), and

    normalise(x) = (x - m/w) / sqrt(v)    denormalise(y) = y sqrt(v) + m/w    v = max(q/w - (m/w)^2, 0.01)

Every target has its own ValueNorm. A critic's outputs for different targets must go back through the statistics they
were trained with: returns in the game's units minus a baseline in another unit is an advantage of nothing.
"""

from __future__ import annotations

import torch

from maca_edu.training.processes import Processes

MIN_VARIANCE = 1e-2


class ValueNorm:
    """Running mean and variance of one target, one number each, kept in float64.

    beta: the weight of the past at each update, 0 <= beta < 1; 0.99999 weighs up to 100,000 updates about alike.
    Before the first update the mean is 0 and the variance 0.01, its lower limit.
    """

    def __init__(self, beta: float = 0.99999):
        if not 0 <= beta < 1:
            raise ValueError(f"beta={beta}; allowed are numbers from 0 up to but not including 1")
        self.beta = beta
        self.sums = torch.zeros(3, dtype=torch.float64, device="cpu")  # m, q, w

    def update(self, targets: torch.Tensor, processes: Processes | None = None) -> None:
        """Take in targets of any shape, of all processes. ValueError where one is not finite or there are none."""
        x = targets.detach().to(self.sums.dtype)
        if x.numel() == 0 or not torch.isfinite(x).all():
            raise ValueError(f"targets of shape {tuple(x.shape)} are empty or not finite; allowed are finite numbers")
        means = torch.stack([x.mean(), x.square().mean(), torch.ones_like(x.mean())])
        if processes is not None:
            means = processes.average(means, torch.tensor(x.numel(), device=x.device))
        self.sums = self.beta * self.sums + (1 - self.beta) * means.cpu()

    @property
    def mean(self) -> float:
        """The debiased running mean."""
        m, _, w = self.sums.tolist()
        return m / w if w else 0.0

    @property
    def std(self) -> float:
        """The square root of the debiased running variance, at least 0.1."""
        _, q, w = self.sums.tolist()
        return max(q / w - self.mean**2 if w else 0.0, MIN_VARIANCE) ** 0.5

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        """From the game's units to the critic's; any shape."""
        return (x - self.mean) / self.std

    def denormalise(self, y: torch.Tensor) -> torch.Tensor:
        """From the critic's units to the game's; any shape."""
        return y * self.std + self.mean

    def state_dict(self) -> dict:
        """beta and the three running sums."""
        return {"beta": self.beta, "sums": self.sums}

    def load_state_dict(self, state: dict) -> None:
        """Continue with the statistics that `state_dict` saved."""
        self.beta, self.sums = state["beta"], state["sums"]
