"""What a run may be told, beyond its environment, its method, its length and its seed."""

from __future__ import annotations

from dataclasses import dataclass

ADVANTAGES = ("return", "critic")
CRITIC_OUTPUTS = ("q", "v+q", "v+q+eq")
CRITIC_TARGETS = ("shared", "own", "td")
BASELINES = ("fused", "definition")
MATMUL = ("fp32", "bf16")
SCHEDULES = ("constant", "cosine")
PSI_DESIGNS = ("mirrored", "shuffled", "paired")
TIME_LIMITS = ("bootstrap", "harl")
VALUES = ("mlp", "units")


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
    critic_schedule: str = "constant"
    """the critic's learning rate: the same throughout ("constant"), or falling to a tenth along a cosine ("cosine")"""
    critic_warmup: int = 0
    """updates in which the critic's learning rate first grows from 0"""
    critic_decay: float = 0.0
    """weight decay of the critic's matrices (AdamW)"""
    critic_betas: tuple[float, float] = (0.9, 0.999)
    """how long the critic's optimiser remembers gradients and their squares"""
    clip: float = 0.2
    """how far from 1 PPO lets the ratio of new to old probability go, and the critic's outputs from the old ones"""
    epochs: int = 5
    """passes over a rollout"""
    critic_epochs: int | None = None
    """the critic's passes over a rollout; None: as many as the policies'"""
    minibatches: int = 2
    """how many parts each pass is divided into; the optimiser takes one step for each part"""
    entropy: float = 0.01
    """weight of the policy's entropy"""
    max_grad_norm: float = 10.0
    """the gradient is scaled down where its length is greater"""
    recurrent: bool = False
    """actor and critic end in a GRU and remember the episode"""
    chunk: int = 8
    """steps through which a GRU's error is passed back; divides rollout"""
    separate: bool = False
    """a policy network for each agent instead of one for all (HAPPO always has them)"""
    actor_sizes: tuple[int, ...] = (64, 64)
    """widths of the actor's layers"""
    critic_sizes: tuple[int, ...] = (64, 64)
    """widths of the layers of every critic but MACA's"""
    value: str = "mlp"
    """V(s) reads the state as one row of numbers ("mlp"), or unit by unit, with attention over the units ("units")"""
    unit_embed: int = 32
    """V over units: width of a unit's token"""
    unit_heads: int = 2
    """V over units: how many queries look at the units; 0: no attention, only sums over the units of each group"""
    embed: int = 32
    """MACA's critic: width of a token"""
    z_size: int = 64
    """MACA's critic: width of z"""
    std_x: float = 1.0
    """continuous actions: their standard deviation is sigmoid(log_std / std_x) * std_y"""
    std_y: float = 0.5
    """continuous actions: the largest standard deviation"""
    sigma: float | None = None
    """threshold of the CorrSets, from 0 to 1; None: 1/n"""
    centred: bool = False
    """MACA's critic: Q = V + g(a) - E[g], so that Q(s, pi) is V"""
    blocks: int = 1
    """MACA's critic: how many attention blocks follow each other"""
    attention_heads: int = 1
    """MACA's critic: heads of each block's attention; divides embed"""
    attention_residual: bool = False
    """MACA's critic: attention rollout counts the residual connections too (Abnar and Zuidema, 2020)"""
    critic_outputs: str = "v+q"
    """MACA's critic learns V(s) and Q(s, a), each with a head ("v+q"); or V(s) is Q(s, pi), as in the paper's text
    ("q"); or Q(s, pi) is learned, too, and returns are bootstrapped from it, as in the authors' code ("v+q+eq")"""
    critic_targets: str = "shared"
    """what the critic's outputs learn: all the same lambda-returns, which the policies learn from ("shared"); each its
    own lambda-return, as in the authors' code ("own"); or one step only, r + gamma V(s') for V and r + gamma Q(s', a')
    for Q, as in the paper's losses ("td")"""
    baselines: str = "fused"
    """how MACA's baselines are computed: by sums and products ("fused"), or as Q of pi-bar written out ("definition");
    the numbers are the same to rounding"""
    raw_baselines: bool = False
    """leave two of MACA's baselines, individual and CorrSet, in the critic's units, as in the authors' code"""
    psi_mode: str = "bias"
    """what CMA-ES looks for: three biases ("bias") or a linear map of z ("linear")"""
    psi_population: int = 16
    """candidates in one of its generations, even"""
    psi_design: str = "mirrored"
    """how candidates are compared: one after the other in mirrored pairs ("mirrored") or at random ("shuffled"), or two
    at a time on two copies of the team that play the same episodes ("paired")"""
    psi_step: float | None = None
    """how far candidates are spread around the mean, in logits; None: 0.45 for three biases, 0.25 for a linear map"""
    psi_adapt: bool = False
    """let CMA-ES adapt the spread; without a signal it only shrinks (not with "paired")"""
    psi_hold: int = 1
    """updates that each candidate serves for before its gain is taken (not with "paired")"""
    matmul: str = "fp32"
    """how exactly the processor multiplies matrices: "fp32", or with factors rounded to "bf16", which is faster on
    processors with AMX and on no others"""
    diagnose_every: int = 20
    """updates from one measurement of the gradients' noise to the next; 0: none"""
    evaluate_every: int = 0
    """updates from one greedy evaluation to the next; 0: none"""
    evaluate_episodes: int = 32
    """episodes of such an evaluation, and of each copy's in a paired search for psi"""

    def __post_init__(self):
        """Raises ValueError where a number or a word is wrong."""
        for name in (
            "rollout",
            "epochs",
            "minibatches",
            "chunk",
            "evaluate_episodes",
            "blocks",
            "attention_heads",
            "psi_hold",
            "unit_embed",
        ):
            self.check(name, getattr(self, name) >= 1, "integers from 1")
        for name in ("critic_warmup", "diagnose_every", "evaluate_every", "unit_heads"):
            self.check(name, getattr(self, name) >= 0, "integers from 0")
        self.check("critic_epochs", self.critic_epochs is None or self.critic_epochs >= 1, "integers from 1 and None")
        for name in ("lr", "clip", "max_grad_norm", "std_x", "std_y"):
            self.check(name, getattr(self, name) > 0, "positive numbers")
        for name in ("gamma", "lam"):
            self.check(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        self.check("psi_step", self.psi_step is None or self.psi_step > 0, "positive numbers and None")
        self.check("sigma", self.sigma is None or 0 <= self.sigma <= 1, "0 to 1 and None")
        for name in ("entropy", "critic_decay"):
            self.check(name, getattr(self, name) >= 0, "numbers from 0")
        self.check("critic_betas", all(0 <= beta < 1 for beta in self.critic_betas), "two numbers from 0 to below 1")
        divides = not self.recurrent or self.rollout % self.chunk == 0
        self.check("chunk", divides, f"with a GRU, divisors of rollout={self.rollout}")
        for name in ("actor_sizes", "critic_sizes"):
            self.check(name, len(getattr(self, name)) > 0, "one width or more")
        self.check("attention_heads", self.embed % self.attention_heads == 0, f"divisors of embed={self.embed}")
        words = dict(
            advantage=ADVANTAGES,
            time_limits=TIME_LIMITS,
            critic_schedule=SCHEDULES,
            critic_outputs=CRITIC_OUTPUTS,
            critic_targets=CRITIC_TARGETS,
            baselines=BASELINES,
            psi_design=PSI_DESIGNS,
            matmul=MATMUL,
            value=VALUES,
        )
        for name, allowed in words.items():
            self.check(name, getattr(self, name) in allowed, ", ".join(allowed))

    def check(self, name: str, good: bool, allowed: str) -> None:
        """ValueError that names the setting, unless it is good."""
        if not good:
            raise ValueError(f"{name}={getattr(self, name)!r}; allowed are {allowed}")
