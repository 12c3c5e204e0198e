"""The methods: Table 1 of the paper, the ablations of its Table 3, and variants.

A method is one object: its critic, its advantage, its update, what it can do, and the paper's settings for it. Nothing
else separates one method from another. The advantage is a function of what policy and critic thought of a batch,
`records.JudgedBatch`, and gives one number for each sample and agent, `[S, n]` or `[S, 1]`. To add a method, write its
advantage and its row here; or, without touching the library, hand a `Method` of your own to
`maca_edu.train(method=...)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

from torch import Tensor

from maca_edu.checks import Allowed, annotations, check, shown
from maca_edu.credit import CORRSET, INDIVIDUAL, JOINT, mix, without
from maca_edu.training.advantages import Advantage
from maca_edu.training.config import Config
from maca_edu.training.corrected import maca_critic
from maca_edu.training.critics import ComaCounterfactual, Critic, Maca, Utilities, ValueCritic
from maca_edu.training.ppo import Descent, PolicyBatch, PolicyLog, update_in_turn, update_together
from maca_edu.training.records import JudgedBatch, Sizes
from maca_edu.training.team import Team

# ---------------------------------------------------------------------------------------------------------------------
# Table 1: the advantage of agent i


def mappo(batch: JudgedBatch) -> Tensor:
    """Q(s, a) - E_a[Q(s, a)], with V for the expectation (Table 1, row MAPPO)."""
    return batch.target - batch.value


def ippo(batch: JudgedBatch) -> Tensor:
    """Q_i(s, a_i) - E_{a_i}[Q_i(s, a_i)], with V of the agent's observation (Table 1, row IPPO)."""
    return batch.target - batch.value


def happo(batch: JudgedBatch) -> Tensor:
    """factor * (Q(s, a) - E_a[Q(s, a)]), the factor of the agents updated before agent i (Table 1, row HAPPO)."""
    return batch.factor * (batch.target - batch.value)


def coma(batch: JudgedBatch) -> Tensor:
    """Q(s, a) - E_{a_i}[Q(s, a)] (Table 1, row COMA)."""
    return batch.target - batch.own_mean


def utilities(batch: JudgedBatch) -> Tensor:
    """Q_i(s, a_i) - E_{a_i}[Q_i(s, a_i)], where Q is the sum or a monotone mixture of the Q_i (Table 1, rows PPO-Sum
    and PPO-Mix)."""
    return batch.own_q - batch.own_mean


def maca(batch: JudgedBatch) -> Tensor:
    """Q(s, a) - (psi_1 E_a[Q] + psi_2 E_{a_i}[Q] + psi_3 E_{a_Ci}[Q]) (Table 1, row MACA; Eq. 3 and 4)."""
    return batch.target - mix(batch.psi, batch.baselines)


def maca_cor(batch: JudgedBatch) -> Tensor:
    """Q(s, a) - E_{a_Ci}[Q(s, a)] (Table 1, row MACA-Cor)."""
    return batch.target - batch.baselines[CORRSET]


def maca_jnt(batch: JudgedBatch) -> Tensor:
    """The joint baseline alone (Table 3, column MACA-Jnt)."""
    return batch.target - batch.baselines[JOINT]


def maca_ind(batch: JudgedBatch) -> Tensor:
    """The individual baseline alone (Table 3, column MACA-Ind)."""
    return batch.target - batch.baselines[INDIVIDUAL]


def maca_nocor(batch: JudgedBatch) -> Tensor:
    """MACA without the CorrSet baseline (Table 3, column MACA-NoCor)."""
    return batch.target - mix(without(batch.psi, CORRSET), batch.baselines)


def maca_noind(batch: JudgedBatch) -> Tensor:
    """MACA without the individual baseline (Table 3, column MACA-NoInd)."""
    return batch.target - mix(without(batch.psi, INDIVIDUAL), batch.baselines)


def maca_nojnt(batch: JudgedBatch) -> Tensor:
    """MACA without the joint baseline (Table 3, column MACA-NoJnt)."""
    return batch.target - mix(without(batch.psi, JOINT), batch.baselines)


def maca_ob(batch: JudgedBatch) -> Tensor:
    """Q(s, a) - E[Q w] / E[w] over a_i, w = |grad log pi_i(a_i)|^2: the best legal baseline, which is not in Table 1
    (Theorem A.2; Kuba et al., 2021)."""
    return batch.target - batch.best


# ---------------------------------------------------------------------------------------------------------------------
# What a method is


# The paper's settings that hold for all methods (Table 7). It does not say how long rollouts are; 200: HARL.
TABLE_7 = Config(
    rollout=200, gamma=0.99, lam=0.95, lr=5e-4, epochs=10, minibatches=1, entropy=0.01, max_grad_norm=10.0,
    recurrent=True, chunk=10, actor_sizes=(64, 64, 64), critic_sizes=(128, 128, 128), std_x=1.0, std_y=0.5,
)  # fmt: skip
# Of all methods with MACA's critic: Table 10; psi from a linear map of z: section 4.2; the schedule: the authors' code.
TABLE_10 = replace(
    TABLE_7, embed=64, z_size=256, critic_decay=0.01, critic_betas=(0.9, 0.95), critic_schedule="cosine",
    critic_warmup=10, psi_mode="linear",
)  # fmt: skip


@dataclass(frozen=True)
class PaperSettings:
    """What the paper chose for a method (Tables 7 to 15); only PPO's clip parameter differs from task to task."""

    config: Config  # all else
    clip_smac: float
    clip_smacv2: float
    clip_mpe: float


PSI = ("search", "squares", "critic", "")
Name = Annotated[
    str, Allowed("one or more words in a line, with single blanks", lambda x: " ".join(x.split()) == x != "")
]


@dataclass(frozen=True)
class Method:
    """What separates a method from the others."""

    name: str
    critic: Callable[[Sizes, Config], Critic]
    """makes the critic: a class of critics.py, or one with an option chosen"""
    advantage: Callable[[JudgedBatch], Tensor]
    """a row of Table 1"""
    update: Callable[[Team, PolicyBatch, Advantage, Descent], PolicyLog] = update_together
    """how the policies follow the advantage: `ppo.update_together` or, one after the other, `ppo.update_in_turn`"""
    psi: str = ""
    """where the weights of its baselines come from: "search" (CMA-ES), "squares" (least squares over earlier batches),
    "critic" (as they are), or "": none are used"""
    separate: bool = False
    """every agent has a network of its own, whatever the settings say"""
    continuous: bool = True
    """works where actions are numbers, too; if not, it needs a few actions to choose from"""
    own_q: bool = False
    """its critic has a Q(s, a), which may stand for the lambda-return (`Config.advantage`)"""
    paper: PaperSettings = PaperSettings(TABLE_7, 0.1, 0.1, 0.1)
    """the paper's settings; a method that the paper does not have gets MAPPO's"""
    critic_in_words: str = "yours"
    """for people to read"""
    settings: dict[str, object] = field(default_factory=dict, hash=False)
    """settings of a run that belong to the method, whatever the preset says: see `configured`"""
    formula: str = "yours"
    """the advantage, for people to read"""
    source: str = "you"
    """who proposed it"""

    def __post_init__(self):
        """Raises ValueError where a field is not what it should be."""
        check("name", self.name, Name)
        if self.psi not in PSI:
            raise ValueError(f"psi={shown(self.psi)}; allowed are {', '.join(map(repr, PSI))}")
        for name in ("critic", "advantage", "update"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name}={shown(getattr(self, name))}; allowed are functions and classes")
        for name in ("separate", "continuous", "own_q"):
            check(name, getattr(self, name), bool)
        for name in ("critic_in_words", "formula", "source"):
            check(name, getattr(self, name), str)
        check("paper", self.paper, PaperSettings)
        check_own_settings(self.settings)


def check_own_settings(settings) -> None:
    """ValueError unless these are settings of a run by their names, each with a value that it may have."""
    if not isinstance(settings, dict):
        raise ValueError(f"settings={shown(settings)}; allowed is a dictionary of settings of a run, by name")
    unknown = [name for name in settings if name not in annotations(Config)]
    if unknown:
        raise ValueError(f"settings has {', '.join(map(str, unknown))}; allowed are {', '.join(annotations(Config))}")
    for name, value in settings.items():
        check(f"settings: {name}", value, annotations(Config)[name])


# ---------------------------------------------------------------------------------------------------------------------
# The methods

MAPPO = Method(
    name="mappo",
    critic=ValueCritic,
    critic_in_words="V(s)",
    advantage=mappo,
    formula="Q - E_a[Q]",
    source="Yu et al. 2022",
)
IPPO = Method(
    name="ippo",
    critic=partial(ValueCritic, per_agent=True),
    critic_in_words="V(o_i)",
    advantage=ippo,
    formula="Q_i - E_ai[Q_i]",
    source="de Witt et al. 2020",
)
HAPPO = Method(
    name="happo",
    critic=ValueCritic,
    critic_in_words="V(s)",
    advantage=happo,
    formula="M (Q - E_a[Q])",
    update=update_in_turn,
    separate=True,
    source="Kuba et al. 2022",
)
COMA = Method(
    name="coma",
    critic=ComaCounterfactual,
    critic_in_words="Q(s, (., a_-i))",
    advantage=coma,
    formula="Q - E_ai[Q]",
    own_q=True,
    paper=PaperSettings(replace(TABLE_7, epochs=5), 0.05, 0.05, 0.05),
    source="Foerster et al. 2018",
)
PPO_MIX = Method(
    name="ppo-mix",
    critic=partial(Utilities, mixed=True),
    critic_in_words="mixture of Q_i",
    advantage=utilities,
    formula="Q_i - E_ai[Q_i]",
    paper=PaperSettings(replace(TABLE_7, critic_sizes=(128, 128)), 0.05, 0.05, 0.05),
    source="Table 1; mixer: Rashid et al. 2018",
)
PPO_SUM = Method(
    name="ppo-sum",
    critic=partial(Utilities, mixed=False),
    critic_in_words="sum of Q_i",
    advantage=utilities,
    formula="Q_i - E_ai[Q_i]",
    paper=PaperSettings(replace(TABLE_7, critic_sizes=(128, 128)), 0.05, 0.05, 0.05),
    source="Table 1; sum: Sunehag et al. 2018",
)
MACA = Method(
    name="maca",
    critic=maca_critic,
    critic_in_words="MACA's, additive",
    advantage=maca,
    formula="Q - (psi_1 E_a[Q] + psi_2 E_ai[Q] + psi_3 E_aCi[Q])",
    psi="search",
    own_q=True,
    paper=PaperSettings(TABLE_10, 0.05, 0.1, 0.1),
    source="Table 1",
)
# The ablations and variants differ from MACA in what their rows say.
MACA_DEC = replace(
    MACA,
    name="maca-dec",
    critic=partial(Maca, head="decoder"),
    critic_in_words="MACA's, decoder",
    source="Figure 7",
)
MACA_JNT = replace(MACA, name="maca-jnt", advantage=maca_jnt, psi="", formula="Q - E_a[Q]", source="Table 3")
MACA_COR = replace(MACA, name="maca-cor", advantage=maca_cor, psi="", formula="Q - E_aCi[Q]", source="Table 1")
MACA_IND = replace(MACA, name="maca-ind", advantage=maca_ind, psi="", formula="Q - E_ai[Q]", source="Table 3")
MACA_NOCOR = replace(MACA, name="maca-nocor", advantage=maca_nocor, formula="maca with psi_3 = 0", source="Table 3")
MACA_NOIND = replace(MACA, name="maca-noind", advantage=maca_noind, formula="maca with psi_2 = 0", source="Table 3")
MACA_NOJNT = replace(MACA, name="maca-nojnt", advantage=maca_nojnt, formula="maca with psi_1 = 0", source="Table 3")
MACA_ATTENTION = replace(
    MACA,
    name="maca-attention",
    critic=partial(maca_critic, psi_from_attention=True),
    psi="critic",
    formula="maca with psi from attention",
    source="authors' code",
)
MACA_RELEASED = replace(
    MACA_ATTENTION,
    name="maca-released",
    settings={
        "critic_outputs": "v+q+eq",
        "critic_targets": "own",
        "raw_baselines": True,
        "critic_start": "released",
        "critic_epsilon": 1e-8,
        "critic_decay": 0.01,
        "critic_betas": (0.9, 0.95),
        "critic_schedule": "cosine",
        "critic_warmup": 10,
    },
    formula="maca as the authors' code has it",
)
MACA_TEXT = replace(
    MACA,
    name="maca-text",
    settings={"advantage": "critic", "critic_targets": "td", "critic_outputs": "q", "psi_mode": "linear"},
    formula="maca as section 4.2 has it",
    source="section 4.2",
)
MACA_MULTILINEAR = replace(
    MACA,
    name="maca-multilinear",
    critic=partial(maca_critic, head="multilinear"),
    critic_in_words="MACA's, multilinear",
    source="this project",
)
MACA_LSQ = replace(
    MACA,
    name="maca-lsq",
    psi="squares",
    continuous=False,
    formula="maca with psi by least squares",
    source="this project",
)
MACA_OB = replace(
    MACA,
    name="maca-ob",
    critic=partial(maca_critic, best=True),
    advantage=maca_ob,
    psi="",
    continuous=False,
    formula="Q - E_ai[Q w] / E_ai[w]",
    source="Kuba et al. 2021",
)

METHODS = {
    method.name: method
    for method in (
        MAPPO, IPPO, HAPPO, COMA, PPO_MIX, PPO_SUM, MACA, MACA_DEC, MACA_JNT, MACA_COR, MACA_IND, MACA_NOCOR,
        MACA_NOIND, MACA_NOJNT, MACA_ATTENTION, MACA_RELEASED, MACA_TEXT, MACA_MULTILINEAR, MACA_LSQ, MACA_OB,
    )
}  # fmt: skip


def find(method: str | Method) -> Method:
    """The method of that name, or a `Method` of your own as it is.

    Raises ValueError where there is none of that name, or yours has the name of another.
    """
    if isinstance(method, Method):
        if method.name in METHODS and method is not METHODS[method.name]:
            raise ValueError(f"method={method.name!r} is the name of another method; give yours a name of its own")
        return method
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method={shown(method)}; allowed are {', '.join(METHODS)}, or a Method of your own")
    return METHODS[method]


def configured(method: Method, config: Config) -> Config:
    """The settings of a run, with those that belong to the method.

    Raises ValueError where config asks for something else than the method's, which is to say: neither that nor the
    default. At the command line, where it is known what was typed, `check_settings` is stricter.
    """
    plain = Config()
    for name, belongs in method.settings.items():
        asked = getattr(config, name)
        if asked not in (belongs, getattr(plain, name), getattr(method.paper.config, name)):
            raise ValueError(f"{name}={asked!r}; {method.name} has {belongs!r}")
    return replace(config, **method.settings)


def check_settings(method: Method, config: Config) -> None:
    """ValueError where a setting that belongs to the method has another value, were it the default of others."""
    for name, belongs in method.settings.items():
        if getattr(config, name) != belongs:
            raise ValueError(f"{name}={getattr(config, name)!r}; {method.name} has {belongs!r}")


def table() -> str:
    """Every method on a line: name, critic, advantage, update, source."""
    rows = [("name", "critic", "advantage", "update", "source")]
    for method in METHODS.values():
        update = "HAPPO" if method.update is update_in_turn else "PPO"
        rows.append((method.name, method.critic_in_words, method.formula, update, method.source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        padded = [word.ljust(width) for word, width in zip(row, widths, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
