"""From three baselines to one: psi, in the order joint, individual, CorrSet (Eq. 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from maca_edu.checks import Share, check, shown
from maca_edu.credit.weights import check_weights
from maca_edu.networks.checks import check_floats
from maca_edu.networks.layers import eye

JOINT, INDIVIDUAL, CORRSET = 0, 1, 2


def mix(psi: Tensor, baselines: Tensor) -> Tensor:
    """MACA's baseline, `[S, n]`: the baselines weighted by psi (Eq. 3).

    psi: `[S, 3]`, or `[S, n, 3]` for weights of each agent's own; baselines: `[3, S, n]`.
    Raises ValueError where psi does not hold weights, or baselines have another shape or are not finite.
    """
    check_weights("psi", psi, ("S, 3", "S, n, 3"))
    check_floats("baselines", baselines, f"3, {len(psi)}, {psi.shape[1] if psi.dim() == 3 else 'n'}")
    psi = psi.unsqueeze(1) if psi.dim() == 2 else psi  # [S, 1 or n, 3]
    return (psi * baselines.permute(1, 2, 0)).sum(dim=-1)


def without(psi: Tensor, baseline: int) -> Tensor:
    """psi with one baseline's weight at 0 and the softmax of the others' logits (section 5.3): they are rescaled.

    psi: `[S, 3]` or `[S, n, 3]`, positive; baseline: JOINT, INDIVIDUAL or CORRSET.
    Raises ValueError where psi does not hold weights, there is no such baseline, or nothing would be left.
    """
    check_weights("psi", psi, ("S, 3", "S, n, 3"))
    if type(baseline) is not int or baseline not in (JOINT, INDIVIDUAL, CORRSET):
        raise ValueError(f"baseline={shown(baseline)}; allowed are 0 (joint), 1 (individual) and 2 (CorrSet)")
    if (psi[..., baseline] == 1).any():
        raise ValueError(f"psi gives baseline {baseline} the weight 1, so nothing is left without it")
    kept = psi * (torch.arange(3, device=psi.device) != baseline)
    return kept / kept.sum(dim=-1, keepdim=True)


def attention_psi(attention: Tensor, sigma: float, scale: float = 0.3) -> Tensor:
    """The weights that the authors' released code makes of attention instead of learning them, `[S, n, 3]`.

    individual: scale * attention_ii; CorrSet: scale * the sum of attention_ij >= sigma over j != i; joint: the rest.
    sigma, scale: from 0 to 1. Raises ValueError where they are not, or the rows of attention are no weights.
    """
    check_weights("attention", attention, ("S, n, n",))
    sigma, scale = check("sigma", sigma, Share), check("scale", scale, Share)
    own = attention.diagonal(dim1=-2, dim2=-1)  # [S, n]
    partners = (attention >= sigma) & ~eye(attention)
    individual, corrset = scale * own, scale * (attention * partners).sum(dim=-1)
    return torch.stack([(1 - individual - corrset).clamp(0, 1), individual, corrset], dim=-1)
