"""What a run may be told, beyond its environment, its method, its length and its seed."""

from __future__ import annotations

from dataclasses import dataclass

ADVANTAGES = ("return", "critic")
TIME_LIMITS = ("bootstrap", "harl")


@dataclass(frozen=True)
class Config:
    """The numbers of a run; the defaults suit two cores and the toy games."""

    rollout: int = 8
    """steps in every environment between two updates"""
    gamma: float = 0.99
    """discount"""
    lam: float = 0.95
    """lambda of the returns"""
    advantage: str = "return"
    """what stands for Q(s, a): the lambda-return ("return") or the critic's own Q ("critic")"""
    time_limits: str = "bootstrap"
    """value of an episode that the clock cut: its final state's ("bootstrap") or, as in HARL, none ("harl")"""
    lr: float = 2e-3
    """learning rate of actor and critic (Adam)"""
    clip: float = 0.2
    """how far from 1 PPO lets the ratio of new to old probability go, and the critic's outputs from the old ones"""
    epochs: int = 5
    """passes over a rollout"""
    minibatches: int = 2
    """parts of a pass"""
    entropy: float = 0.01
    """weight of the policy's entropy"""
    max_grad_norm: float = 10.0
    """longest gradient"""
    actor_sizes: tuple[int, ...] = (64, 64)
    """widths of the actor's layers"""
    critic_sizes: tuple[int, ...] = (64, 64)
    """widths of the layers of every critic but MACA's"""
    embed: int = 32
    """MACA's critic: width of a token"""
    z_size: int = 64
    """MACA's critic: width of z"""
    sigma: float | None = None
    """threshold of the CorrSets, from 0 to 1; None: 1/n"""
    centred: bool = False
    """MACA's critic: Q = V + g(a) - E[g], so that Q(s, pi) is V"""
    psi_mode: str = "bias"
    """what CMA-ES looks for: three biases ("bias") or a linear map of z ("linear")"""
    psi_population: int = 8
    """candidates in one of its generations, even"""

    def __post_init__(self):
        """Raises ValueError where a number or a word is wrong."""
        for name in ("rollout", "epochs", "minibatches"):
            self.check(name, getattr(self, name) >= 1, "integers from 1")
        for name in ("lr", "clip", "max_grad_norm"):
            self.check(name, getattr(self, name) > 0, "positive numbers")
        for name in ("gamma", "lam"):
            self.check(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        self.check("sigma", self.sigma is None or 0 <= self.sigma <= 1, "0 to 1 and None")
        self.check("entropy", self.entropy >= 0, "numbers from 0")
        for name in ("actor_sizes", "critic_sizes"):
            self.check(name, len(getattr(self, name)) > 0, "one width or more")
        self.check("advantage", self.advantage in ADVANTAGES, ", ".join(ADVANTAGES))
        self.check("time_limits", self.time_limits in TIME_LIMITS, ", ".join(TIME_LIMITS))

    def check(self, name: str, good: bool, allowed: str) -> None:
        """ValueError that names the setting, unless it is good."""
        if not good:
            raise ValueError(f"{name}={getattr(self, name)!r}; allowed are {allowed}")
