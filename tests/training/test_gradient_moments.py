"""Every method's gradient estimate has the mean and the variance that enumeration gives it, if its critic is exact.

One-shot games, tabular softmax policies, and what each row of Table 1 asks for made from `exact.baseline`. The rows are
tried on N random joint actions, as in training, and on every joint action weighted by its probability, where
no chance is left.
"""

from functools import reduce

import numpy as np
import pytest
import torch

from maca_edu.credit import attention_psi, marginals, one_hot, weighed_by_score
from maca_edu.exact import baseline, gradient_moments, minimum_variance_baseline
from maca_edu.networks import Actor, MacaCritic, OfChoice
from maca_edu.networks.critic import DecoderHead
from maca_edu.training.methods import METHODS
from maca_edu.training.ppo import policy_loss
from maca_edu.training.records import JudgedBatch

N, AGENTS, ACTIONS = 40_000, 3, 3
FEW = 4.5  # standard errors that an estimate may be off; the chance of more is 7e-6
SEEDS = (0, 1)
UTILITIES = ("ppo-sum", "ppo-mix")
RELEASED = ("maca-attention", "maca-released")


class World:
    """A random payoff q `(A,) * n`, a policy, one that some agents have moved to, CorrSets, psi, utilities."""

    def __init__(self, seed, additive=False):
        self.rng = rng = np.random.default_rng(seed)
        self.utilities = 3 * rng.normal(size=(AGENTS, ACTIONS))
        if additive:  # utilities that add up to Q are an exact critic of this game only
            self.q = reduce(np.add.outer, self.utilities)
        else:
            self.q = 2 + 3 * rng.normal(size=(ACTIONS,) * AGENTS)
        self.policy, self.moved = rng.dirichlet([2] * ACTIONS, (2, AGENTS))
        self.order = rng.permutation(AGENTS).tolist()  # of HAPPO's updates
        self.attention = rng.dirichlet([2] * AGENTS, AGENTS)  # [n, n]
        self.groups = (self.attention >= 1 / AGENTS) | np.eye(AGENTS, dtype=bool)
        self.psi = rng.dirichlet([1, 1, 1])

    def levels(self, agent):
        """The joint, individual and CorrSet baselines of an agent, each of q's shape."""
        groups = (range(AGENTS), [agent], np.flatnonzero(self.groups[agent]))
        return np.stack([baseline(self.q, self.policy, group) for group in groups])

    def best(self, agent):
        """The legal baseline of least variance, of q's shape (Theorem A.2)."""
        return minimum_variance_baseline(self.q, self.policy, agent, [agent])

    def draw(self, count):
        """Joint actions `[count, n]` from the policy."""
        draws = self.rng.random((count, AGENTS, 1))
        return (draws > self.policy.cumsum(axis=1)[:, :-1]).sum(axis=-1)

    def everything(self):
        """Every joint action `[A^n, n]` and its probability."""
        action = np.stack(np.unravel_index(np.arange(self.q.size), self.q.shape), axis=1)
        return action, np.prod([self.policy[i][action[:, i]] for i in range(AGENTS)], axis=0)


def sequential_factors(ratio, order):
    """HAPPO's M of every agent, `[B, n]`: the product of the ratios `[B, n]` of the agents before it in order."""
    factors, now = torch.ones_like(ratio), torch.ones_like(ratio[:, 0])
    for i in order:
        factors[:, i] = now
        now = now * ratio[:, i]
    return factors


def judged(world, action, utilities=False):
    """What Table 1 may ask for, from exact numbers; action `[B, n]`."""
    at = tuple(action.T)
    everyones = np.stack([world.levels(i)[(slice(None), *at)] for i in range(AGENTS)], axis=-1)  # [3, B, n]
    alone = [np.moveaxis(world.q, i, -1)[tuple(np.delete(action, i, axis=1).T)] for i in range(AGENTS)]  # [B, A] each
    q_values = np.broadcast_to(world.utilities, (len(action), AGENTS, ACTIONS)) if utilities else np.stack(alone, 1)
    own = OfChoice(torch.tensor(np.array(q_values)))
    best = np.stack([world.best(i)[at] for i in range(AGENTS)], axis=-1)  # [B, n]
    ratio = world.moved / world.policy  # [n, A]
    ratios = np.stack([ratio[i][action[:, i]] for i in range(AGENTS)], axis=-1)
    return JudgedBatch(
        target=torch.tensor(world.q[at][:, None]),  # [B, 1]
        action=torch.from_numpy(action),
        policy=torch.tensor(world.policy).expand(len(action), AGENTS, ACTIONS),
        alive=torch.ones(len(action), AGENTS, dtype=torch.bool),
        factor=sequential_factors(torch.tensor(ratios), world.order),
        value=torch.tensor(everyones[0, :, :1]),
        own_q=own.of(torch.from_numpy(action)),
        own_mean=own.mean(torch.tensor(world.policy)),
        baselines=torch.tensor(everyones),
        psi=torch.tensor(world.psi).expand(len(action), 3),
        best=torch.tensor(best),
        attention=torch.tensor(world.attention).expand(len(action), AGENTS, AGENTS),
    )


def advantages(world, method, action):
    """The row's word, `[B, n]`."""
    batch = judged(world, action, method in UTILITIES)
    if method in RELEASED:
        batch = batch._replace(psi=attention_psi(batch.attention, 1 / AGENTS))  # [B, n, 3]
    return METHODS[method].advantage(batch).expand(len(action), AGENTS).numpy()


def expected(world, method, agent):
    """Mean and variance of an agent's gradient by enumeration, from the method's name and nothing else."""
    joint, individual, corrset = world.levels(agent)
    jnt, ind, cor = world.psi
    if method == "happo":  # the gradient where the agents before this one play their new policies already
        before = world.order[: world.order.index(agent)]
        ratios = [world.moved[j] / world.policy[j] if j in before else np.ones(ACTIONS) for j in range(AGENTS)]
        table = reduce(np.multiply.outer, ratios) * (world.q - joint)
        return gradient_moments(table, world.policy, agent, 0.0)
    if method in RELEASED:
        own = world.attention[agent, agent]
        others = sum(world.attention[agent, j] for j in range(AGENTS) if j != agent and world.groups[agent, j])
        jnt, ind, cor = 1 - 0.3 * own - 0.3 * others, 0.3 * own, 0.3 * others
    mixture = jnt * joint + ind * individual + cor * corrset
    table_1 = dict.fromkeys(("mappo", "ippo", "maca-jnt"), joint)
    table_1 |= dict.fromkeys(("coma", "maca-ind", *UTILITIES), individual) | {"maca-cor": corrset}
    table_1 |= dict.fromkeys(("maca", "maca-dec", "maca-multilinear", "maca-lsq", "maca-text", *RELEASED), mixture)
    table_1["maca-ob"] = world.best(agent)
    table_1["maca-nocor"] = (jnt * joint + ind * individual) / (jnt + ind)
    table_1["maca-noind"] = (jnt * joint + cor * corrset) / (jnt + cor)
    table_1["maca-nojnt"] = (ind * individual + cor * corrset) / (ind + cor)
    return gradient_moments(world.q, world.policy, agent, table_1[method])


def estimates(world, action, advantage, agent):
    """An agent's gradient estimates (Eq. 1), `[B, A]`, one for each joint action."""
    score = np.eye(ACTIONS)[action[:, agent]] - world.policy[agent]
    return advantage[:, agent, None] * score


def z_scores(g, mean, variance):
    """How many standard errors the mean `[A]` and the variance of estimates g `[N, A]` lie from what is expected."""
    off = (g.mean(axis=0) - mean) / (g.std(axis=0) / len(g) ** 0.5 + 1e-12)
    square = ((g - mean) ** 2).sum(axis=1)  # its mean is the variance
    return np.append(abs(off), abs(square.mean() - variance) / (square.std() / len(g) ** 0.5 + 1e-12))


def worst_z(world, method, advantage, action):
    return max(
        z_scores(estimates(world, action, advantage, i), *expected(world, method, i)).max() for i in range(AGENTS)
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", SEEDS)
def test_sampled_gradients_have_the_exact_moments(method, seed):
    world = World(seed, additive=method in UTILITIES)
    action = world.draw(N)
    assert worst_z(world, method, advantages(world, method, action), action) < FEW


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(10))
def test_enumerated_gradients_have_the_exact_moments(method, seed):
    world = World(seed, additive=method in UTILITIES)
    action, chance = world.everything()
    advantage = advantages(world, method, action)
    for agent in range(AGENTS):
        g, (mean, variance) = estimates(world, action, advantage, agent), expected(world, method, agent)
        np.testing.assert_allclose(chance @ g, mean, atol=1e-12)
        np.testing.assert_allclose(chance @ ((g - mean) ** 2).sum(axis=1), variance, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_all_means_are_the_policy_gradient(method):
    """No baseline moves the mean (Lemma A.1); HAPPO's is the gradient after the others' moves, not before."""
    world = World(5, additive=method in UTILITIES)
    for place, agent in enumerate(world.order):
        mean, _ = expected(world, method, agent)
        policy = world.policy.copy()
        if method == "happo":
            policy[world.order[:place]] = world.moved[world.order[:place]]
        np.testing.assert_allclose(mean, gradient_moments(world.q, policy, agent, 0.0)[0], atol=1e-12)
        if method == "happo" and place:
            assert abs(mean - gradient_moments(world.q, world.policy, agent, 0.0)[0]).max() > 0.01


def others_out(world, action):
    """E[Q | a_i], `[B, n]`: the average over everybody's actions but the own one, no legal baseline."""
    every = range(AGENTS)
    tables = [baseline(world.q, world.policy, [j for j in every if j != i]) for i in every]
    return np.stack([table[tuple(action.T)] for table in tables], axis=1)


ERRORS = {
    "the sign": lambda w, x, a: -a,
    "half of it": lambda w, x, a: a / 2,
    "a baseline that knows the own action": lambda w, x, a: x.target.numpy() - others_out(w, x.action.numpy()),
    "no baseline": lambda w, x, a: a + x.value.numpy(),
    "another agent's advantage": lambda w, x, a: np.roll(a, 1, axis=1),
    "a little less": lambda w, x, a: 0.97 * a,
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_sampled_test_can_fail(error, seed):
    world = World(seed)
    action = world.draw(N)
    wrong = ERRORS[error](world, judged(world, action), advantages(world, "maca", action))
    assert worst_z(world, "maca", wrong, action) > 1.5 * FEW


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sampled_test_tells_the_methods_apart(seed):
    """Each row in the place of a row with another baseline is found out, by the variance alone."""
    world = World(seed)
    action = world.draw(N)
    for method, other in (("mappo", "coma"), ("maca", "maca-cor"), ("maca-nocor", "maca-noind"), ("happo", "mappo")):
        assert worst_z(world, method, advantages(world, other, action), action) > 1.5 * FEW


def test_utilities_of_another_game_are_no_exact_critic():
    world = World(0)  # not additive
    action = world.draw(N)
    for method in UTILITIES:
        assert worst_z(world, method, advantages(world, method, action), action) > 1.5 * FEW


class Critic:
    """MACA's critic with large random weights, and the game whose payoff is its word: an exact critic, then."""

    def __init__(self, head, seed):
        torch.manual_seed(seed)
        self.net = MacaCritic(4, AGENTS, ACTIONS, head=head, rank=3, recurrent=False).double()
        with torch.no_grad():
            for parameter in self.net.head.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
            self.z, _ = self.net(torch.randn(1, AGENTS, 4).double())
        self.world = world = World(seed)
        self.action, self.chance = world.everything()
        with torch.no_grad():
            self.look(world)

    def look(self, world):
        count = len(self.action)
        z = type(self.z)(
            *(x.expand(count, *x.shape[1:]) for x in self.z[:2]), tuple(x.expand(count, -1, -1, -1) for x in self.z[2])
        )
        policy = torch.tensor(world.policy).expand(count, AGENTS, ACTIONS)
        played = one_hot(torch.from_numpy(self.action), policy)
        world.q = self.net.q(z, played, policy).numpy().reshape(world.q.shape)
        groups = torch.from_numpy(world.groups)
        baselines = self.net.baselines(z, policy, played, groups)
        self.naive = self.net.q(z, marginals(policy, torch.from_numpy(self.action), groups), policy)
        self.batch = judged(world, self.action)._replace(baselines=baselines)
        if not isinstance(self.net.head, DecoderHead):
            self.best = self.net.with_own_action(z, weighed_by_score(policy), played, policy)  # [B, n]

    def worst_error(self):
        """How far mean and variance of MACA's gradient are from the exact ones, relative to the deviation."""
        advantage, errors = METHODS["maca"].advantage(self.batch).numpy(), []
        for agent in range(AGENTS):
            g = estimates(self.world, self.action, advantage, agent)
            mean, variance = expected(self.world, "maca", agent)
            errors.append(abs(self.chance @ g - mean).max() / variance**0.5)
            errors.append(abs(self.chance @ ((g - mean) ** 2).sum(axis=1) / variance - 1))
        return max(errors)


@pytest.mark.parametrize("head", MacaCritic.HEADS)
@pytest.mark.parametrize("seed", SEEDS)
def test_macas_critic_gives_the_gradient_of_the_game_that_it_believes_in(head, seed):
    """The three linear heads know their own expectations; the decoder's Q(s, pi_bar) is something else."""
    critic = Critic(head, seed)
    torch.testing.assert_close(critic.batch.baselines[2], critic.naive)
    error = critic.worst_error()
    assert error < 1e-9 if head != "decoder" else error > 1e-3


@pytest.mark.parametrize("head", MacaCritic.HEADS[:3])
@pytest.mark.parametrize("seed", range(5))
def test_macas_critic_knows_its_best_legal_baseline(head, seed):
    """A policy weighed by the score, fed in the place of an agent's action, is E[Q w] / E[w] over its actions."""
    critic = Critic(head, seed)
    exact = critic.batch.best
    torch.testing.assert_close(critic.best, exact)
    if head == "multilinear":
        assert (exact - critic.batch.baselines[1]).abs().max() > 0.1
    variances = [
        gradient_moments(critic.world.q, critic.world.policy, 0, b[:, 0].numpy().reshape(critic.world.q.shape))[1]
        for b in (critic.best, *critic.batch.baselines)
    ]
    assert variances[0] <= min(variances) * (1 + 1e-12)


def test_with_two_actions_the_best_baseline_swaps_the_probabilities():
    policy = torch.tensor([[0.9, 0.1], [0.5, 0.5], [1.0, 0.0], [1 - 1e-6, 1e-6]], dtype=torch.float64)
    swapped = policy.flip(-1)
    swapped[2] = policy[2]  # no choice, no score: the policy stays
    torch.testing.assert_close(weighed_by_score(policy), swapped)
    torch.testing.assert_close(weighed_by_score(policy.float()), swapped.float(), rtol=0.1, atol=0)
    three = weighed_by_score(torch.tensor([0.6, 0.4, 0.0]))  # the third action is illegal: nobody plays it
    torch.testing.assert_close(three, torch.tensor([0.4, 0.6, 0.0]))


def batch_of_actions(n=AGENTS, samples=50, seed=0):
    """Observations, legal actions, actions played, living agents and advantages: random, as from a rollout."""
    g = torch.Generator().manual_seed(seed)
    obs = torch.randn(samples, n, 4, generator=g)
    available = torch.rand(samples, n, ACTIONS, generator=g) < 0.7
    available[..., 0] = True
    action = torch.multinomial(available.float().flatten(0, 1), 1, generator=g).view(samples, n)
    alive = torch.rand(samples, n, generator=g) < 0.8
    return obs, available, action, alive, torch.randn(samples, n, generator=g)


def gradient(loss, actor):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(actor.parameters()))])


def score_gradient(actor, obs, available, action, alive, advantage):
    """The mean of A_i (e_{a_i} - pi_i) over the living, sent back through the logits: Eq. 1 by hand."""
    logits = actor.out(actor.trunk(obs)[0])
    policy = logits.masked_fill(~available, -torch.inf).softmax(dim=-1)
    score = torch.nn.functional.one_hot(action, ACTIONS) - policy
    push = torch.where(alive[..., None], advantage[..., None] * score, 0.0) / alive.sum()
    return gradient((logits * push.detach()).sum(), actor)


def surrogate_gradient(actor, obs, available, action, alive, advantage, old=0.0):
    """Of PPO's loss, `old` added to the old log-probabilities: 0 is a ratio of 1."""
    log_prob = actor(obs, available)[0].log_prob(action)
    ratio = (log_prob - log_prob.detach() - old).exp()
    return -gradient(policy_loss(ratio, advantage, 0.2, alive), actor)


def actor_with_large_logits(seed=0):
    torch.manual_seed(seed)
    actor = Actor(4, ACTIONS, (16, 16))
    torch.nn.init.normal_(actor.out.weight)
    return actor


@pytest.mark.parametrize("seed", range(3))
def test_ppos_loss_at_ratio_1_has_the_score_functions_gradient(seed):
    actor, batch = actor_with_large_logits(seed), batch_of_actions(seed=seed)
    by_hand = score_gradient(actor, *batch)
    torch.testing.assert_close(surrogate_gradient(actor, *batch), by_hand, rtol=1e-4, atol=1e-6)
    assert by_hand.norm() > 0.01
    *others, alive, advantage = batch
    for wrong in ((alive, -advantage), (torch.ones_like(alive), advantage), (alive, advantage.roll(1, dims=1))):
        assert (surrogate_gradient(actor, *others, *wrong) - by_hand).norm() > 0.1 * by_hand.norm()
    assert (surrogate_gradient(actor, *batch, old=0.3) - by_hand).norm() > 0.1 * by_hand.norm()


def test_an_agents_own_network_gets_its_own_agents_gradient():
    """HAPPO's loss for one agent: its factor times its advantage, through its network alone."""
    obs, available, action, alive, advantage = batch_of_actions(seed=4)
    actors = [actor_with_large_logits(seed) for seed in range(AGENTS)]
    factor = torch.rand(len(obs), 1, generator=torch.Generator().manual_seed(1)) + 0.5
    for i, actor in enumerate(actors):
        own = [x[:, i : i + 1] for x in (obs, available, action, alive)]
        got = surrogate_gradient(actor, *own, factor * advantage[:, i : i + 1])
        by_hand = score_gradient(actor, *own, factor * advantage[:, i : i + 1])
        torch.testing.assert_close(got, by_hand, rtol=1e-4, atol=1e-6)
        plain = score_gradient(actor, *own, advantage[:, i : i + 1])
        assert (got - plain).norm() > 0.05 * plain.norm()
