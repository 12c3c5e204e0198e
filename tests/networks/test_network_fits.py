"""What the heads can say: payoffs of the named one-shot games, fitted by their parameters alone.

The encoder is left as it starts; with agents' numbers as observations their tokens are linearly independent, so the
shared map can give every agent factors of its own. RANKS holds, for each game, the rank with which the fit below finds
the payoff, and the rank that suffices (by construction, in the second test; for two agents fewer do not, in the third).
"""

import itertools

import numpy as np
import pytest
import torch

from maca_edu import exact
from maca_edu.networks import MacaCritic
from toy_envs import climb_v0, fridge_v0, penalty_v0, ring_v0, xor_v0

GAMES = {
    "fridge": fridge_v0.game(),
    "ring span 2": ring_v0.game(5, 2),
    "ring span 3": ring_v0.game(5, 3),
    "climb": climb_v0.game(),
    "penalty": penalty_v0.game(),
    "xor 2": xor_v0.game(2),
    "xor 3": xor_v0.game(3),
}
RANKS = {  # used by the fit, sufficient
    "fridge": (2, 1),
    "ring span 2": (32, 5),
    "ring span 3": (32, 5),
    "climb": (2, 2),
    "penalty": (2, 2),
    "xor 2": (1, 1),
    "xor 3": (2, 1),
}


def problem(game, head, rank):
    """A critic, its encoding of the only state, all joint actions one-hot `[A^n, n, A]` and their payoffs `[A^n]`."""
    torch.manual_seed(1)
    n, A = game.n_agents, game.n_actions
    critic = MacaCritic(n, n, A, head=head, rank=rank, recurrent=False).double()
    with torch.no_grad():
        z, _ = critic(torch.from_numpy(game.observe(np.zeros((1, 1), dtype=int))).double())
    actions = torch.tensor(list(itertools.product(range(A), repeat=n)))
    return critic, z, torch.eye(A).double()[actions], torch.from_numpy(game.payoff()).flatten()


def fit(critic, z, joint, payoff, adam):
    """The errors `[A^n]` of the head after Adam and then L-BFGS on its parameters."""
    unit, parameters = payoff.std(), list(critic.head.parameters())

    def loss():
        for parameter in parameters:
            parameter.grad = None
        loss = ((critic.q(z, joint) - payoff / unit) ** 2).mean()
        loss.backward()
        return loss

    optimiser = torch.optim.Adam(parameters)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.02, total_steps=max(adam, 1))
    for _ in range(adam):
        optimiser.step(loss)
        schedule.step()
    torch.optim.LBFGS(parameters, max_iter=150, tolerance_change=1e-14, line_search_fn="strong_wolfe").step(loss)
    with torch.no_grad():
        return critic.q(z, joint) * unit - payoff


@pytest.mark.parametrize("name", GAMES)
def test_the_multilinear_head_fits(name):
    used, sufficient = RANKS[name]
    assert used >= sufficient
    critic, *rest = problem(GAMES[name], "multilinear", used)
    assert fit(critic, *rest, adam=1000 if used > 2 else 500).abs().max() < 1e-3


def products(game):
    """Factors `[R, n, A]` and weights `[R]` that hold every interaction of a game's terms."""
    n = game.n_agents
    factors, weights = [], []
    for term in game.reward_terms:
        if term.level == 1:
            continue
        if n == 2:  # what no additive part explains, by singular values
            rest = term.table - term.table.mean(0) - term.table.mean(1, keepdims=True) + term.table.mean()
            u, s, v = np.linalg.svd(rest)
            for r in range(np.linalg.matrix_rank(rest)):
                factors.append([u[:, r], v[r]])
                weights.append(s[r])
        elif term.name == "xor":  # odd: the product of -1 for every 1-action is -1
            factors.append([[1, -1]] * n)
            weights.append(-0.5)
        else:  # all members choose action 1
            factors.append([[0, 1] if i in term.agents else [1, 1] for i in range(n)])
            weights.append(term.table[(1,) * term.level])
    return np.array(factors, dtype=float), np.array(weights)


@pytest.mark.parametrize("name", GAMES)
def test_the_sufficient_rank_by_construction(name):
    """With these products, what remains of the payoff is additive, so the head's slopes and constant fit it."""
    game, (_, sufficient) = GAMES[name], RANKS[name]
    critic, z, joint, payoff = problem(game, "multilinear", sufficient)
    factors, weights = products(game)
    assert len(weights) == sufficient
    n, A = game.n_agents, game.n_actions
    design = np.column_stack([np.ones(A**n), joint.flatten(1).numpy()])
    interaction = np.einsum("bia,ria->bri", joint, factors).prod(-1) @ weights
    rest, *_ = np.linalg.lstsq(design, payoff.numpy() - interaction, rcond=None)
    heads = {"slope": rest[1:].reshape(n, A), "factor": (factors - 1).transpose(1, 2, 0).reshape(n, -1)}
    with torch.no_grad():
        for layer, wanted in heads.items():  # the tokens are independent, so the shared map can give any numbers
            weight = torch.linalg.lstsq(z.tokens[0], torch.from_numpy(wanted), driver="gelsd").solution
            getattr(critic.head, layer).weight.copy_(weight.T)
        for layer, wanted in {"constant": rest[:1], "weight": weights}.items():
            getattr(critic.head, layer).weight.zero_()
            getattr(critic.head, layer).bias.copy_(torch.from_numpy(wanted))
        assert (critic.q(z, joint) - payoff).abs().max() < 1e-6


@pytest.mark.parametrize("name", ["climb", "penalty", "xor 2"])
def test_for_two_agents_fewer_products_do_not_suffice(name):
    """Additive parts vanish when rows and columns are centred, and a product leaves a matrix of rank one."""
    table, (_, sufficient) = GAMES[name].payoff(), RANKS[name]
    centred = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    assert np.linalg.matrix_rank(centred) == sufficient


@pytest.mark.parametrize("head", ["additive", "conditioned"])
@pytest.mark.parametrize("name", ["xor 2", "xor 3", "fridge"])
def test_additive_heads_miss_every_level_above_one(name, head):
    """The least squared error of any additive Q is what levels 2..n hold: for xor all of it, 1/4 per joint action."""
    game = GAMES[name]
    error = fit(*problem(game, head, 1), adam=0)
    n, A = game.n_agents, game.n_actions
    spectrum = exact.credit_spectrum(game.payoff(), np.full((n, A), 1 / A))
    best = sum((part**2).mean() for group, part in spectrum.items() if len(group) > 1)
    assert float((error**2).mean()) == pytest.approx(best, abs=1e-6)
    if name.startswith("xor"):
        assert best == pytest.approx(1 / 4)
