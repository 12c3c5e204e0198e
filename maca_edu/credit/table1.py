"""Table 1, a function for each row: what separates the methods is the advantage of agent i, and nothing else.

    target      [B, n]     an estimate of Q(s, a): the lambda-return, or the critic's own Q
    value       [B, n]     V of the state, the same for every agent, or of the agent's observation
    q_values    [B, n, A]  Q for all of agent i's actions, or its utilities Q_i
    policy      [B, n, A]  probabilities
    action      [B, n]     long, as played
    baselines   [3, B, n]  joint, individual, CorrSet (a `[B, 1]` in place of `[B, n]` is the same for every agent)
    psi         [B, 3]     or [B, n, 3]

All give advantages `[B, n]`. `ROWS` finds a row by its method's name, and a row's parameters name what it needs.
"""

from __future__ import annotations

from torch import Tensor

from maca_edu.credit.mixture import CORRSET, INDIVIDUAL, JOINT, mix, without


def coma(target: Tensor, q_values: Tensor, policy: Tensor) -> Tensor:
    """Q(s, a) - E_{a_i}[Q(s, a)] (Table 1, row COMA)."""
    return target - (policy * q_values).sum(dim=-1)


def mappo(target: Tensor, value: Tensor) -> Tensor:
    """Q(s, a) - E_a[Q(s, a)], with V for the expectation (Table 1, row MAPPO)."""
    return target - value


def ippo(target: Tensor, value: Tensor) -> Tensor:
    """Q_i(s, a_i) - E_{a_i}[Q_i(s, a_i)], with V of the agent's observation (Table 1, row IPPO)."""
    return target - value


def ppo_sum(q_values: Tensor, policy: Tensor, action: Tensor) -> Tensor:
    """Q_i(s, a_i) - E_{a_i}[Q_i(s, a_i)], where Q is the sum of the Q_i (Table 1, row PPO-Sum)."""
    taken = q_values.gather(-1, action.unsqueeze(-1)).squeeze(-1)  # [B, n]
    return taken - (policy * q_values).sum(dim=-1)


def ppo_mix(q_values: Tensor, policy: Tensor, action: Tensor) -> Tensor:
    """The same difference, where Q is a monotone mixture of the Q_i (Table 1, row PPO-Mix)."""
    return ppo_sum(q_values, policy, action)


def happo(target: Tensor, value: Tensor, factor: Tensor) -> Tensor:
    """factor * (Q(s, a) - E_a[Q(s, a)]), factor the product of new over old pi_j of the agents updated before i,
    `[B, n]` (Table 1, row HAPPO)."""
    return factor * (target - value)


def maca(target: Tensor, baselines: Tensor, psi: Tensor) -> Tensor:
    """Q(s, a) - (psi_1 E_a[Q] + psi_2 E_{a_i}[Q] + psi_3 E_{a_Ci}[Q]) (Table 1, row MACA; Eq. 3 and 4)."""
    return target - mix(psi, baselines)


def maca_cor(target: Tensor, baselines: Tensor) -> Tensor:
    """Q(s, a) - E_{a_Ci}[Q(s, a)] (Table 1, row MACA-Cor)."""
    return target - baselines[CORRSET]


def maca_jnt(target: Tensor, baselines: Tensor) -> Tensor:
    """The joint baseline alone (Table 3, column MACA-Jnt)."""
    return target - baselines[JOINT]


def maca_ind(target: Tensor, baselines: Tensor) -> Tensor:
    """The individual baseline alone (Table 3, column MACA-Ind)."""
    return target - baselines[INDIVIDUAL]


def maca_nocor(target: Tensor, baselines: Tensor, psi: Tensor) -> Tensor:
    """MACA without the CorrSet baseline (Table 3, column MACA-NoCor)."""
    return maca(target, baselines, without(psi, CORRSET))


def maca_noind(target: Tensor, baselines: Tensor, psi: Tensor) -> Tensor:
    """MACA without the individual baseline (Table 3, column MACA-NoInd)."""
    return maca(target, baselines, without(psi, INDIVIDUAL))


def maca_nojnt(target: Tensor, baselines: Tensor, psi: Tensor) -> Tensor:
    """MACA without the joint baseline (Table 3, column MACA-NoJnt)."""
    return maca(target, baselines, without(psi, JOINT))


ROWS = {
    "coma": coma,
    "mappo": mappo,
    "ippo": ippo,
    "ppo-sum": ppo_sum,
    "ppo-mix": ppo_mix,
    "happo": happo,
    "maca": maca,
    "maca-dec": maca,  # another head of the critic
    "maca-multilinear": maca,
    "maca-released": maca,  # psi from attention_psi
    "maca-cor": maca_cor,
    "maca-jnt": maca_jnt,
    "maca-ind": maca_ind,
    "maca-nocor": maca_nocor,
    "maca-noind": maca_noind,
    "maca-nojnt": maca_nojnt,
}
