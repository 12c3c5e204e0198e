"""psi by least squares: the mixture whose gradient was least noisy in earlier batches.

The mean of the policy gradient does not depend on psi (Lemma A.1), so the mixture of least variance is the one of least
mean square, which a batch shows. With the estimate Q of Q(s, a) and the baselines b_k of agent i,

    G_kl = mean over samples of w_i (Q - b_k) (Q - b_l),     w_i = |grad log pi_i(a_i)|^2,
    psi  = the point of the simplex where psi' G psi is least.

The gradient in w_i is that by the logits, e_{a_i} - pi_i: the gradient of Eq. 1 and of chapter 5's theorems. It costs
nothing, and backpropagation makes the network's gradient of it by a linear map. This is `exact.optimal_mixture` with
samples in the place of probabilities; both solve the same least-squares problem.

Only **earlier** batches count, in a running mean. So psi knows nothing of the actions that it is used for, and the
gradient has the mean that it has with any fixed psi.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from maca_edu.credit import INDIVIDUAL, one_hot, squared_scores
from maca_edu.exact import shortest_mixture
from maca_edu.training.processes import Processes
from maca_edu.training.records import JudgedBatch

MEMORY = 0.8  # the weight of the past when a batch is taken in
ENOUGH = 40  # samples; before so many were seen, psi is the individual baseline alone
ALONE = np.eye(3)[INDIVIDUAL]
TIE = 1e-6  # of G's mean diagonal: what the other two baselines must gain, so that rounding decides nothing


class PsiSquares:
    """The weights of the three baselines, and the moments that they follow from.

    n_agents, per_agent: one psi for the whole team, R = 1, or one for each agent, R = n. moments: `[R, 3, 3]`, G, up to
    a factor; seen: `[R]`, the samples in which somebody, or the agent, lived. Both are float64 and on the CPU.
    """

    def __init__(self, n_agents: int, per_agent: bool = False):
        self.rows = n_agents if per_agent else 1
        self.moments = torch.zeros(self.rows, 3, 3, dtype=torch.float64, device="cpu")
        self.seen = torch.zeros(self.rows, dtype=torch.float64, device="cpu")

    @property
    def psi(self) -> Tensor:
        """The weights now, `[R, 3]` in float64, in the order joint, individual, CorrSet."""
        pairs = zip(self.moments.numpy(), self.seen.tolist(), strict=True)
        return torch.from_numpy(np.stack([best_psi(G) if seen >= ENOUGH else ALONE for G, seen in pairs]))

    def weigh(self, batch: JudgedBatch) -> JudgedBatch:
        """The batch with these weights as its psi, `[S, 3]`, or `[S, n, 3]` for each agent."""
        S, n = batch.alive.shape
        return batch._replace(psi=self.psi.to(batch.target).expand((S, 3) if self.rows == 1 else (S, n, 3)))

    def take_in(self, batch: JudgedBatch, processes: Processes) -> None:
        """Let later batches profit from this one; with several processes, from everybody's."""
        sums, lives = moments_of(batch)  # [n, 3, 3], [n]
        samples = lives
        if self.rows == 1:
            sums, lives = sums.sum(dim=0, keepdim=True), lives.sum(dim=0, keepdim=True)
            samples = batch.alive.any(dim=-1).sum(dim=0, keepdim=True)
        packed = torch.cat([sums.flatten(), lives.to(sums), samples.to(sums)])
        total = processes.count * processes.average(packed, torch.ones((), device=packed.device)).cpu()
        sums, lives, samples = total.split([9 * self.rows, self.rows, self.rows])
        lives = lives.view(-1, 1, 1)
        moved = MEMORY * self.moments + (1 - MEMORY) * sums.view(-1, 3, 3) / lives.clamp(min=1)
        self.moments = torch.where(lives > 0, moved, self.moments)
        self.seen = self.seen + samples

    def state_dict(self) -> dict:
        """The moments and the numbers of samples."""
        return {"moments": self.moments, "seen": self.seen}

    def load_state_dict(self, state: dict) -> None:
        """Go on with what `state_dict` saved."""
        self.moments, self.seen = state["moments"], state["seen"]


def moments_of(batch: JudgedBatch) -> tuple[Tensor, Tensor]:
    """The sums of w_i (Q - b_k) (Q - b_l) over the samples in which agent i lives, `[n, 3, 3]`; their numbers, `[n]`.

    In float64, because baselines may differ little from each other and much from Q.
    """
    played = one_hot(batch.action, batch.policy)  # [S, n, A]
    w = torch.where(batch.alive, (played * squared_scores(batch.policy)).sum(dim=-1), 0.0).double()  # [S, n]
    gaps = (batch.target - batch.baselines).double()  # [3, S, n]
    return torch.einsum("sn,ksn,lsn->nkl", w, gaps, gaps), batch.alive.sum(dim=0)


def best_psi(G: np.ndarray) -> np.ndarray:
    """The psi `[3]` on the simplex where psi' G psi is least; G: `[3, 3]`, symmetric, no direction below 0.

    Baselines that are equal would leave psi to rounding, so weights that gain nothing go to the individual one.
    """
    penalty = TIE * np.trace(G) / 3 * np.diag(1 - ALONE)
    values, directions = np.linalg.eigh(G + penalty)
    root = np.sqrt(values.clip(min=0))[:, None] * directions.T  # root' root = G
    return shortest_mixture(root)
