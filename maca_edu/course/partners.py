"""Chapter 10: whether attention looks at partners, and a game in which a critic must look at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from maca_edu.credit import attention_rollout
from maca_edu.networks import MacaCritic
from maca_edu.networks.layers import eye
from toy_envs.core import RewardTerm, Step, agent_names, check_action

DATA = Path(__file__).parents[2] / "book" / "data" / "ch10"
N_AGENTS = 6
PULL = 1


class Pairs:
    """Every agent has a sign, +1 or -1, that it alone sees, and a partner that is drawn afresh; one joint action.

    Where both of a pair pull, the pair earns the sum of its two signs. So an agent that is to know what its pull is
    worth must ask its partner for the sign. A state is a row of 2n integers: the signs, then everybody's partner.
    """

    name = "pairs"
    actions = ("rest", "pull")
    horizon = 1

    def __init__(self, n_agents: int = N_AGENTS):
        self.n_agents, self.agents = n_agents, agent_names(n_agents)
        self.reward_terms = tuple(RewardTerm(f"pair_{k}", tuple(range(n_agents))) for k in range(n_agents // 2))

    def reset(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """States `[B, 2n]`."""
        n = self.n_agents
        sign = rng.choice((-1, 1), size=(batch, n))
        couples = rng.permuted(np.tile(np.arange(n), (batch, 1)), axis=1).reshape(batch, -1, 2)  # [B, n / 2, 2]
        partner = np.empty((batch, n), dtype=np.int64)
        np.put_along_axis(partner, couples.reshape(batch, -1), couples[:, :, ::-1].reshape(batch, -1), axis=1)
        return np.concatenate([sign, partner], axis=1)

    def step(self, state: np.ndarray, action: np.ndarray) -> Step:
        """Play joint actions `[B, n]`; the game is over after one."""
        pulls = check_action(action, len(state), self.n_agents, 2) == PULL
        sign, couples = state[:, : self.n_agents], self.couples(state)
        both = np.take_along_axis(pulls, couples[:, :, 0], 1) & np.take_along_axis(pulls, couples[:, :, 1], 1)
        worth = np.take_along_axis(sign, couples[:, :, 0], 1) + np.take_along_axis(sign, couples[:, :, 1], 1)
        return Step(state, np.where(both, worth, 0.0), np.ones(len(state), dtype=bool))

    def couples(self, state: np.ndarray) -> np.ndarray:
        """Who is paired with whom, `[B, n / 2, 2]`, the lower number first."""
        n = self.n_agents
        partner = state[:, n:]
        first = np.nonzero(np.arange(n) < partner)[1].reshape(len(state), -1)
        return np.stack([first, np.take_along_axis(partner, first, axis=1)], axis=2)

    def members(self, state: np.ndarray) -> np.ndarray:
        """The pairs of each state, bool `[B, n / 2, n]`."""
        return np.eye(self.n_agents, dtype=bool)[self.couples(state)].any(axis=2)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """An agent's own sign, who it is and who its partner is, float32 `[B, n, 1 + 2n]`."""
        n, one_hot = self.n_agents, np.eye(self.n_agents, dtype=np.float32)
        who = np.broadcast_to(one_hot, (len(state), n, n))
        return np.concatenate([state[:, :n, None].astype(np.float32), who, one_hot[state[:, n:]]], axis=2)

    def features(self, state: np.ndarray) -> np.ndarray:
        """All signs and all partners, float32 `[B, n + n * n]`."""
        n = self.n_agents
        partner = np.eye(n, dtype=np.float32)[state[:, n:]].reshape(len(state), -1)
        return np.concatenate([state[:, :n].astype(np.float32), partner], axis=1)


def ranking_score(attention: Tensor, partners: Tensor, alive: Tensor | None = None) -> float:
    """How often an agent gives a partner more attention than one who is not; a tie counts one half.

    attention: `[S, n, n]`; partners: bool `[S, n, n]`, the diagonal is not read; alive: bool `[S, n]`, None: all are.
    The mean over rows that have a living partner and another living agent of the share of such pairs in the right
    order. 1/2 is chance. NaN where no row has both.
    """
    others = ~eye(attention).expand_as(partners)
    if alive is not None:
        others = others & alive.unsqueeze(-1) & alive.unsqueeze(-2)
    near, far = (partners & others).unsqueeze(-1), (~partners & others).unsqueeze(-2)  # [S, n, n, 1], [S, n, 1, n]
    pairs = near & far  # [S, n, n, n]
    ahead = attention.unsqueeze(-1) - attention.unsqueeze(-2)
    right = torch.where(ahead > 0, 1.0, torch.where(ahead < 0, 0.0, 0.5))
    count = pairs.sum(dim=(-1, -2))  # [S, n]
    share = torch.where(pairs, right, 0.0).sum(dim=(-1, -2))[count > 0] / count[count > 0]
    return share.double().mean().item()


@torch.no_grad()
def attention_of(net: MacaCritic, obs: Tensor, residual: bool = False) -> Tensor:
    """Whom the critic looks at, `[S, n, n]`."""
    encoding, _ = net(obs)
    return attention_rollout(encoding.attentions, residual)


def pairs_sample(game: Pairs, rng: np.random.Generator, batch: int, follow: bool = False):
    """Plays of Pairs: observations, one-hot actions, rewards, partners.

    Agents pull with probability one half; or, with follow, where their own sign is +1.
    """
    state = game.reset(rng, batch)
    action = rng.integers(2, size=(batch, game.n_agents))
    if follow:
        action = (state[:, : game.n_agents] == 1).astype(np.int64)
    partners = np.eye(game.n_agents, dtype=bool)[state[:, game.n_agents :]]
    reward = game.step(state, action).reward.astype(np.float32)
    arrays = game.observe(state), np.eye(2, dtype=np.float32)[action], reward, partners
    return tuple(map(torch.from_numpy, arrays))


def fit_pairs(head: str, seed: int, batches: int, follow: bool = False, lr: float = 2e-3) -> MacaCritic:
    """A critic that has learned the reward of Pairs from plays, see `pairs_sample`.

    head: of `MacaCritic`. batches: of 256 plays; 0: the critic as it was drawn.
    """
    torch.manual_seed(seed)
    game, rng = Pairs(), np.random.default_rng(seed)
    net = MacaCritic(1 + 2 * game.n_agents, game.n_agents, 2, head, recurrent=False, embed=32, z_size=64)
    adam = torch.optim.Adam(net.parameters(), lr=lr)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, batches)
    for _ in range(batches):
        obs, action, reward, _ = pairs_sample(game, rng, 256, follow)
        z, _ = net(obs)
        loss = (net.q(z, action) - reward).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        rate.step()
    return net
