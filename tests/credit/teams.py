"""Random critics, policies and joint actions for the tests of this folder, in float64 where numbers are compared."""

import itertools

import torch
from hypothesis import settings
from hypothesis import strategies as st

from maca_edu.credit import one_hot
from maca_edu.networks import MacaCritic

FEW = settings(deadline=None, derandomize=True, max_examples=25)  # as slow as it takes, the same examples every time
LINEAR = ("additive", "conditioned", "multilinear")
OBS = 5

sizes = st.fixed_dictionaries(
    {"n": st.integers(1, 4), "A": st.integers(2, 3), "B": st.integers(1, 3), "seed": st.integers(0, 10**6)}
)


class Team:
    """A critic with large random weights in its head, and B samples of policy, action and CorrSet."""

    def __init__(self, head, n, A, B, seed, centred=False):
        self.random = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.critic = MacaCritic(OBS, n, A, head=head, rank=3, centred=centred, recurrent=False).double()
        with torch.no_grad():
            for parameter in self.critic.head.parameters():
                parameter += 0.2 * torch.randn(parameter.shape, generator=self.random, dtype=torch.float64)
            self.z, _ = self.critic(self.normal(B, n, OBS))
            self.policy = (2 * self.normal(B, n, A)).softmax(-1)
        self.action = torch.randint(A, (B, n), generator=self.random)
        self.played = one_hot(self.action, self.policy)
        self.corrset = (torch.rand(B, n, n, generator=self.random) < 0.5) | torch.eye(n, dtype=torch.bool)

    def normal(self, *shape):
        return torch.randn(shape, generator=self.random, dtype=torch.float64)

    def q_table(self):
        """Q of every joint action, `[B] + [A] * n`, by asking the critic for one at a time."""
        B, n, A = self.policy.shape
        with torch.no_grad():
            columns = [
                self.critic.q(self.z, torch.eye(A).double()[list(a)].expand(B, n, A), self.policy)
                for a in itertools.product(range(A), repeat=n)
            ]
        return torch.stack(columns, dim=1).view(B, *[A] * n)
