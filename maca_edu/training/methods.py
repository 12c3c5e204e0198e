"""The methods: Table 1 of the paper, the ablations of its Table 3, and two variants. One row each.

A row names a critic (`critics.CRITICS`), an advantage (`credit.ROWS`, by the method's name) and an update. To add a
method, add a function to credit/table1.py and a row here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """What separates a method from the others.

    critic: a key of `critics.CRITICS`. advantage: in words and symbols. update: "PPO", all agents at once with shared
    parameters, or "HAPPO", one after the other, each with its own. source: who proposed it. head: of MACA's critic.
    psi: where its weights come from, "search" (CMA-ES), "attention", or "" where there are none.
    """

    name: str
    critic: str
    advantage: str
    update: str
    source: str
    head: str = "additive"
    psi: str = ""


MIXED = "Q - (psi_1 E_a[Q] + psi_2 E_ai[Q] + psi_3 E_aCi[Q])"

_ROWS = (
    Method("mappo", "state", "Q - E_a[Q]", "PPO", "Yu et al. 2022"),
    Method("ippo", "observation", "Q_i - E_ai[Q_i]", "PPO", "de Witt et al. 2020"),
    Method("happo", "state", "M (Q - E_a[Q])", "HAPPO", "Kuba et al. 2022"),
    Method("coma", "coma", "Q - E_ai[Q]", "PPO", "Foerster et al. 2018"),
    Method("ppo-mix", "mix", "Q_i - E_ai[Q_i]", "PPO", "Table 1; mixer: Rashid et al. 2018"),
    Method("ppo-sum", "sum", "Q_i - E_ai[Q_i]", "PPO", "Table 1; sum: Sunehag et al. 2018"),
    Method("maca", "maca", MIXED, "PPO", "Table 1", psi="search"),
    Method("maca-dec", "maca", MIXED, "PPO", "Figure 7", head="decoder", psi="search"),
    Method("maca-jnt", "maca", "Q - E_a[Q]", "PPO", "Table 3"),
    Method("maca-cor", "maca", "Q - E_aCi[Q]", "PPO", "Table 1"),
    Method("maca-ind", "maca", "Q - E_ai[Q]", "PPO", "Table 3"),
    Method("maca-nocor", "maca", "maca with psi_3 = 0", "PPO", "Table 3", psi="search"),
    Method("maca-noind", "maca", "maca with psi_2 = 0", "PPO", "Table 3", psi="search"),
    Method("maca-nojnt", "maca", "maca with psi_1 = 0", "PPO", "Table 3", psi="search"),
    Method("maca-released", "maca", "maca with psi from attention", "PPO", "authors' code", psi="attention"),
    Method("maca-multilinear", "maca", MIXED, "PPO", "this project", head="multilinear", psi="search"),
)
METHODS = {method.name: method for method in _ROWS}


def find(name: str) -> Method:
    """The method called `name`; ValueError where there is none."""
    if name not in METHODS:
        raise ValueError(f"method={name!r}; allowed are {', '.join(METHODS)}")
    return METHODS[name]


def table() -> str:
    """Every method on a line: name, critic, advantage, update, source."""
    rows = [("name", "critic", "advantage", "update", "source")]
    for m in _ROWS:
        critic = f"{m.critic} ({m.head})" if m.critic == "maca" else m.critic
        rows.append((m.name, critic, m.advantage, m.update, m.source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
