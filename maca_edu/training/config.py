"""What a run may be told, beyond its environment, its method, its length and its seed.

A setting's annotation is its check: type, range and words, see `maca_edu.checks`. The command line reads it, too.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Annotated, Literal

from maca_edu.checks import Allowed, Count, Natural, NotNegative, Positive, Share, check_fields

TimeLimits = Literal["bootstrap", "harl"]
TIME_LIMITS = typing.get_args(TimeLimits)
Beta = Annotated[float, Allowed("numbers from 0 to below 1", lambda x: 0 <= x < 1)]
Sizes = Annotated[tuple[Count, ...], Allowed("one width or more, each an integer from 1", len)]
Population = Annotated[int, Allowed("even numbers from 4", lambda x: x >= 4 and x % 2 == 0)]


@dataclass(frozen=True)
class Config:
    """The numbers of a run; the defaults suit two cores and the toy games."""

    rollout: Count = 8
    """steps in every environment between two updates"""
    gamma: Share = 0.99
    """discount"""
    lam: Share = 0.95
    """lambda of the returns"""
    advantage: Literal["return", "critic"] = "return"
    """what stands for Q(s, a): the lambda-return ("return") or the critic's own Q ("critic")"""
    returns: Literal["lambda", "corrected"] = "lambda"
    """lambda-returns as they are ("lambda"), or with the later actions' luck taken out, as far as a critic of V and g
    knows it ("corrected")"""
    time_limits: TimeLimits = "bootstrap"
    """value of an episode that the clock cut: its final state's ("bootstrap") or, as in HARL, none ("harl")"""
    lr: Positive = 2e-3
    """learning rate of actor and critic (Adam)"""
    critic_schedule: Literal["constant", "cosine"] = "constant"
    """the critic's learning rate: the same throughout ("constant"), or falling to a tenth along a cosine ("cosine")"""
    critic_warmup: Natural = 0
    """updates in which the critic's learning rate first grows from 0"""
    critic_decay: NotNegative = 0.0
    """weight decay of the critic's matrices (AdamW)"""
    critic_betas: tuple[Beta, Beta] = (0.9, 0.999)
    """how long the critic's optimiser remembers gradients and their squares"""
    critic_epsilon: Positive = 1e-5
    """what the critic's optimiser adds to the root of the squares; Table 7 has 1e-5, the authors' code 1e-8"""
    critic_start: Literal["t-fixup", "released"] = "t-fixup"
    """how MACA's critic begins: each block's last layers made smaller ("t-fixup"); or, as in the authors' code, more
    of them, and a GRU left orthogonal ("released")"""
    clip: Positive = 0.2
    """how far from 1 PPO lets the ratio of new to old probability go, and the critic's outputs from the old ones;
    a large number, such as 100, lets them go anywhere"""
    epochs: Count = 5
    """passes over a rollout"""
    critic_epochs: Count | None = None
    """the critic's passes over a rollout; None: as many as the policies'"""
    minibatches: Count = 2
    """how many parts each pass is divided into; the optimiser takes one step for each part"""
    entropy: NotNegative = 0.01
    """weight of the policy's entropy"""
    max_grad_norm: Positive = 10.0
    """the gradient is scaled down where its length is greater"""
    recurrent: bool = False
    """actor and critic end in a GRU and remember the episode"""
    chunk: Count = 8
    """steps through which a GRU's error is passed back; divides rollout"""
    separate: bool = False
    """a policy network for each agent instead of one for all (HAPPO always has them)"""
    feature_norm: Literal["layer", "none", "running"] = "layer"
    """how observations and states are read: each minus the mean of its own numbers, over their deviation ("layer", as
    in the paper; hides both), as they are ("none"), or each number by its mean and deviation so far ("running")"""
    actor_sizes: Sizes = (64, 64)
    """widths of the actor's layers"""
    critic_sizes: Sizes = (64, 64)
    """widths of the layers of every critic but MACA's"""
    value: Literal["mlp", "units"] = "mlp"
    """V(s) reads the state as one row of numbers ("mlp"), or unit by unit, with attention over the units ("units")"""
    unit_embed: Count = 32
    """V over units: width of a unit's token"""
    unit_heads: Natural = 2
    """V over units: how many queries look at the units; 0: no attention, only means over the units of each group"""
    embed: Count = 32
    """MACA's critic: width of a token"""
    z_size: Count = 64
    """MACA's critic: width of z"""
    std_x: Positive = 1.0
    """continuous actions: their standard deviation is sigmoid(log_std / std_x) * std_y"""
    std_y: Positive = 0.5
    """continuous actions: the largest standard deviation"""
    sigma: Share | None = None
    """threshold of the CorrSets, from 0 to 1; None: 1/n"""
    centred: bool = False
    """MACA's critic: Q = V + g(a) - E[g], so that Q(s, pi) is V"""
    q_head: Literal["additive", "conditioned", "multilinear", "decoder"] | None = None
    """MACA's critic: how Q depends on actions, "additive", "conditioned", "multilinear" or "decoder"; None: as the
    method has it"""
    blocks: Count = 1
    """MACA's critic: how many attention blocks follow each other"""
    attention_heads: Count = 1
    """MACA's critic: heads of each block's attention; divides embed"""
    attention_residual: bool = False
    """MACA's critic: attention rollout counts the residual connections too (Abnar and Zuidema, 2020)"""
    critic_outputs: Literal["q", "v+q", "v+q+eq"] = "v+q"
    """MACA's critic learns V(s) and Q(s, a), each with a head ("v+q"); or V(s) is Q(s, pi), as in the paper's text
    ("q"); or Q(s, pi) is learned, too, and returns are bootstrapped from it, as in the authors' code ("v+q+eq")"""
    critic_targets: Literal["shared", "own", "td"] = "shared"
    """what the critic's outputs learn: all the same lambda-returns, which the policies learn from ("shared"); each its
    own lambda-return, as in the authors' code ("own"); or one step only, r + gamma V(s') for V and r + gamma Q(s', a')
    for Q, as in the paper's losses ("td")"""
    baselines: Literal["fused", "definition"] = "fused"
    """how MACA's baselines are computed: by sums and products ("fused"), or as Q of pi-bar written out ("definition");
    the numbers are the same to rounding"""
    raw_baselines: bool = False
    """leave two of MACA's baselines, individual and CorrSet, in the critic's units, as in the authors' code"""
    psi_mode: Literal["bias", "linear"] = "bias"
    """what CMA-ES looks for: three biases ("bias") or a linear map of z ("linear")"""
    psi_population: Population = 16
    """candidates in one of its generations, even"""
    psi_design: Literal["mirrored", "shuffled", "paired"] = "mirrored"
    """how candidates are compared: one after the other in mirrored pairs ("mirrored") or at random ("shuffled"), or two
    at a time on two copies of the team that play the same episodes ("paired")"""
    psi_step: Positive | None = None
    """how far candidates are spread around the mean, in logits; None: 0.45 for three biases, 0.25 for a linear map"""
    psi_adapt: bool = False
    """let CMA-ES adapt the spread; without a signal it only shrinks (not with "paired")"""
    psi_hold: Count = 1
    """updates that each candidate serves for before its gain is taken (not with "paired")"""
    psi_per_agent: bool = False
    """maca-lsq: every agent has a psi of its own instead of one for the team"""
    matmul: Literal["fp32", "bf16"] = "fp32"
    """how exactly the processor multiplies matrices: "fp32", or with factors rounded to "bf16", which is faster on
    processors with AMX and on no others"""
    diagnose_every: Natural = 20
    """updates from one measurement of the gradients' noise to the next; 0: none"""
    evaluate_every: Natural = 0
    """updates from one greedy evaluation to the next; 0: none"""
    evaluate_episodes: Count = 32
    """episodes of such an evaluation, and of each copy's in a paired search for psi"""

    def __post_init__(self):
        """Raises ValueError where a setting has not its type, or is out of its range, or does not fit another."""
        check_fields(self)
        divides = not self.recurrent or self.rollout % self.chunk == 0
        self.refuse("chunk", not divides, f"with a GRU, divisors of rollout={self.rollout}")
        self.refuse("attention_heads", self.embed % self.attention_heads != 0, f"divisors of embed={self.embed}")
        if self.returns == "corrected":
            needed = dict(advantage="return", critic_outputs="v+q", baselines="fused", raw_baselines=False)
            for name, value in needed.items():
                self.refuse(name, getattr(self, name) != value, f"{value}, with returns='corrected'")
            self.refuse("q_head", self.q_head == "decoder", "linear ones, with returns='corrected'")

    def refuse(self, name: str, wrong: bool, allowed: str) -> None:
        """ValueError that names the setting, where it is wrong."""
        if wrong:
            raise ValueError(f"{name}={getattr(self, name)!r}; allowed are {allowed}")
