"""The diagnostics of a one-shot game, where enumeration knows every one of them.

Rollouts are random joint actions of a tabular softmax policy; the critic's word is exact, or wrong in a known way.
"""

import dataclasses

import numpy as np
import pytest
import torch
from small_worlds import Aim
from torch.testing import assert_close

from maca_edu import envs
from maca_edu.exact import baseline, credit_spectrum, level_shares
from maca_edu.networks import Actor
from maca_edu.training import learner, loop
from maca_edu.training.config import Config
from maca_edu.training.diagnostics import (
    Facts,
    PolicyGradients,
    advantages_of,
    corrset_scores,
    group_gradients,
    measure,
    variance_of_mean,
)
from maca_edu.training.ppo import policy_loss
from maca_edu.training.records import JudgedBatch
from toy_envs import ring_v0
from toy_envs.core import OneShotGame, RewardTerm

SEEDS = (0, 3, 5)
STEPS, BATCH, AGENTS, ACTIONS = 2, 20_000, 3, 2
SAMPLES = STEPS * BATCH
FEW = 4.5  # standard errors that an estimate may be off; the chance of more is 7e-6
CORRSETS = ((0, 1), (0, 1), (2,))
NAN = float("nan")


class World:
    """Three agents: 0 and 1 share a term, all share one, each has its own. The critic errs by `error(a)`."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        groups = ((0,), (1,), (2,), (0, 1), (0, 1, 2))
        terms = [RewardTerm(str(g), g, len(g) * rng.normal(size=(ACTIONS,) * len(g))) for g in groups]
        self.q = 1 + OneShotGame(AGENTS, ACTIONS, terms).payoff()
        self.policy = rng.dirichlet([4] * ACTIONS, AGENTS)
        self.error = 0.7 * self.q.std() * rng.normal(size=self.q.shape)
        self.logits = torch.tensor(np.log(self.policy), requires_grad=True)
        self.tables = {  # baselines of agent i: a list of three tables each
            "joint": [baseline(self.q, self.policy, range(AGENTS))] * AGENTS,
            "individual": [baseline(self.q, self.policy, [i]) for i in range(AGENTS)],
            "corrset": [baseline(self.q, self.policy, CORRSETS[i]) for i in range(AGENTS)],
        }
        self.psi = np.array([0.5, 0.2, 0.3])
        mixture = [
            sum(weight * tables[i] for weight, tables in zip(self.psi, self.tables.values(), strict=True))
            for i in range(AGENTS)
        ]
        value = self.tables["joint"][0]
        self.advantages = {"none": [self.q] * AGENTS}
        self.advantages |= {name: [self.q - b for b in tables] for name, tables in self.tables.items()}
        self.advantages |= {"method": [self.q - b for b in mixture], "critic": [self.q + self.error - value] * AGENTS}

    def play(self, samples):
        """Joint actions `[S, n]`."""
        draws = self.rng.random((samples, AGENTS, 1))
        return (draws > self.policy.cumsum(axis=1)[:, :-1]).sum(axis=-1)

    def facts(self, samples=SAMPLES):
        """What the learner knows of a rollout."""
        self.action = action = self.play(samples)
        at = tuple(action.T)

        def tensor(x):
            return torch.tensor(np.array(x))

        spectrum = credit_spectrum(self.q, self.policy)
        levels = [sum(part[at] for group, part in spectrum.items() if len(group) == k) for k in range(AGENTS + 1)]
        batch = JudgedBatch(
            alive=torch.ones(samples, AGENTS, dtype=torch.bool),
            action=torch.from_numpy(action),
            policy=tensor(self.policy).expand(samples, AGENTS, ACTIONS),
            factor=torch.ones(samples, 1),
            target=tensor(self.q[at])[:, None],
            baselines=tensor([[table[at] for table in tables] for tables in self.tables.values()]).transpose(1, 2),
            q=tensor((self.q + self.error)[at])[:, None],
            psi=tensor(self.psi).expand(samples, 3),
        )
        entropy = -(batch.policy * batch.policy.log()).sum(dim=-1)
        return Facts(batch, tensor([x[at] for x in self.advantages["method"]]).T, entropy, tensor(levels).T)

    def gradients(self, batch=BATCH):
        """For `measure`: log-probabilities `[T, E, n]` of what was played in some environments, and the logits."""
        action = torch.from_numpy(self.action).unflatten(0, (-1, batch))

        def played(envs):
            chosen = action[:, envs]
            return self.logits.log_softmax(dim=-1).expand(*chosen.shape, ACTIONS).gather(-1, chosen[..., None])[..., 0]

        return PolicyGradients(played, [self.logits])


def but(facts, **changes):
    """The same facts with other fields of the batch."""
    return facts._replace(batch=facts.batch._replace(**changes))


class Exact:
    """Mean `[P]` and covariance `[P, P]`, P = n A, of one sample's gradient for a list of n advantage tables."""

    def __init__(self, world, tables, constant):
        chance = np.ones(())
        for pi in world.policy:
            chance = np.multiply.outer(chance, pi)
        centre = np.mean([(chance * table).sum() for table in tables]) if constant else 0.0
        rows = []
        for a in np.ndindex(world.q.shape):
            scores = np.eye(ACTIONS)[list(a)] - world.policy  # [n, A]
            rows.append(np.concatenate([(tables[i][a] - centre) * scores[i] for i in range(AGENTS)]) / AGENTS)
        rows, chance = np.array(rows), chance.ravel()
        self.mean = chance @ rows
        apart = rows - self.mean
        self.covariance = (chance[:, None] * apart).T @ apart
        self.trace = self.covariance.trace()

    def noise(self, samples):
        return self.trace / samples / (self.mean @ self.mean + self.trace / samples)

    def error_of_trace(self, groups):
        """The relative standard error of the trace as `groups` nearly normal means estimate it."""
        return (2 * (self.covariance**2).sum() / self.trace**2 / (groups - 1)) ** 0.5

    def error_of_length(self, samples):
        """The relative standard error of the squared length of a mean over `samples`."""
        return 2 * (self.mean @ self.covariance @ self.mean / samples) ** 0.5 / (self.mean @ self.mean)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_noise_variance_and_cosine_are_the_exact_ones(seed, normalise):
    world, groups = World(seed), 2000
    row = measure(world.facts(), BATCH, world.gradients(), normalise, groups)
    exact = {name: Exact(world, tables, normalise) for name, tables in world.advantages.items()}
    first, none = exact["joint"], exact["none"]
    for name, true in exact.items():
        error = np.hypot(true.error_of_trace(groups), true.error_of_length(SAMPLES))
        assert error < 0.05
        assert row[f"noise_{name}"] == pytest.approx(true.noise(SAMPLES), rel=FEW * error)
        error = np.hypot(true.error_of_trace(groups), none.error_of_trace(groups))
        assert row[f"variance_{name}"] == pytest.approx(true.trace / none.trace, rel=FEW * error)
        cosine = true.mean @ first.mean / np.sqrt(true.mean @ true.mean * (first.mean @ first.mean))
        turn = np.sqrt(true.noise(SAMPLES) + first.noise(SAMPLES))  # an angle in radians, one standard error or less
        assert np.arccos(min(row[f"cosine_{name}"], 1.0)) == pytest.approx(np.arccos(min(cosine, 1)), abs=FEW * turn)
    assert row["variance_none"] == 1
    assert row["cosine_joint"] == pytest.approx(1)


def test_the_worlds_tell_the_baselines_apart():
    """Otherwise the test above could not: variances differ by more than its tolerance, the wrong critic's angle too."""
    for seed in SEEDS:
        world = World(seed)
        exact = {name: Exact(world, tables, True) for name, tables in world.advantages.items()}
        traces = [exact[name].trace for name in ("joint", "individual", "corrset")]
        assert max(traces) > 1.5 * min(traces)
        wrong, first = exact["critic"].mean, exact["joint"].mean
        assert wrong @ first < 0.995 * np.sqrt(wrong @ wrong * (first @ first))


@pytest.mark.parametrize("sizes", [(4, 4, 4, 4), (5, 5, 4, 4, 4)])
def test_the_variance_of_the_mean_and_its_length_have_no_bias(sizes):
    """Over many small rollouts: E[variance] is tr Cov / S, and E|g|^2 is |E g|^2 + tr Cov / S."""
    rng, count, total = np.random.default_rng(0), 20_000, sum(sizes)
    mean, spread = np.array([0.3, -0.1, 0.2]), np.array([1.0, 0.5, 2.0])
    x = torch.tensor(mean + spread * rng.exponential(size=(count, total, 3)) - spread)  # skewed
    groups = torch.stack([part.mean(dim=1) for part in x.split(sizes, dim=1)], dim=1)  # [count, K, 3]
    got_mean, variance = variance_of_mean(groups, torch.tensor(sizes))
    assert_close(got_mean, x.mean(dim=1))
    for got, true in (
        (variance, (spread**2).sum() / total),
        (got_mean.square().sum(dim=-1), mean @ mean + (spread**2).sum() / total),
    ):
        error = got.std().item() / count**0.5
        assert abs(got.mean().item() - true) < FEW * error < 0.05 * true


def test_a_small_rollout_by_hand():
    """2 steps, 5 environments, 2 groups of 3 and 2; everything again from each sample's own gradient."""
    world = World(6)
    alive = torch.rand(10, AGENTS, generator=torch.Generator().manual_seed(0)) < 0.7
    facts = but(world.facts(10), alive=alive)
    row, alive = measure(facts, 5, world.gradients(5), groups=2), alive.numpy()
    score = np.eye(ACTIONS)[world.action] - world.policy  # [S, n, A]
    means, variances = {}, {}
    for name, x in advantages_of(facts).items():
        centred = np.where(alive, x.numpy() - x.numpy()[alive].mean(), 0)
        each = (centred[..., None] * score / alive.sum()).reshape(2, 5, -1).sum(axis=0)  # [B, n A]
        means[name] = each.sum(axis=0)
        apart = 3 * (5 * each[:3].mean(axis=0) - means[name]) ** 2 + 2 * (5 * each[3:].mean(axis=0) - means[name]) ** 2
        variances[name] = apart.sum() / 5
    for name, mean in means.items():
        assert row[f"noise_{name}"] == pytest.approx(variances[name] / (mean @ mean))
        assert row[f"variance_{name}"] == pytest.approx(variances[name] / variances["none"])
        joint = means["joint"]
        assert row[f"cosine_{name}"] == pytest.approx(mean @ joint / np.sqrt(mean @ mean * (joint @ joint)))


def test_only_the_living_push():
    """Dead agents' advantages change nothing, and a group of environments counts by its size."""
    world = World(4)
    alive = torch.rand(14, AGENTS, generator=torch.Generator().manual_seed(0)) < 0.6
    facts = but(world.facts(14), alive=alive)
    row = measure(facts, 7, world.gradients(7), groups=3)
    loud = facts._replace(advantage=facts.advantage + 100 * ~alive)
    assert measure(loud, 7, world.gradients(7), groups=3) == row
    everybody = but(facts, alive=torch.ones_like(alive))
    assert measure(everybody, 7, world.gradients(7), groups=3)["noise_method"] != row["noise_method"]


class Recurrent:
    """A rollout of an actor with memory: 6 steps, 5 environments, episodes that begin in its middle."""

    def __init__(self):
        g = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        self.actor = Actor(4, ACTIONS, (8,), recurrent=True).double()
        torch.nn.init.normal_(self.actor.out.weight)
        self.obs = torch.randn(6, 5, AGENTS, 4, generator=g).double()
        self.start = torch.rand(6, 5, generator=g) < 0.3
        self.hidden = torch.randn(5, AGENTS, 8, generator=g).double()
        self.action = torch.randint(ACTIONS, (6, 5, AGENTS), generator=g)
        self.weights = torch.randn(2, 6, 5, AGENTS, generator=g).double()  # two baselines' advantages
        self.parameters = list(self.actor.parameters())

    def log_prob(self, envs):
        steps = (x[:, envs].flatten(0, 1) for x in (self.obs, self.start))
        obs, start = steps
        distribution = self.actor(obs, None, self.hidden[envs], start)[0]
        return distribution.log_prob(self.action[:, envs].flatten(0, 1)).unflatten(0, (6, len(envs)))


def test_groups_of_environments_add_up_to_ppos_gradient_with_memory():
    """The mean over groups is the gradient of PPO's loss at ratio 1, read from whole sequences of all environments."""
    r = Recurrent()
    parts, alive = torch.arange(5).tensor_split(2), torch.ones(6, 5, AGENTS, dtype=torch.bool)
    groups = group_gradients(r.log_prob, r.parameters, r.weights / alive.sum(), parts)  # [2, 2, P]
    mean, _ = variance_of_mean(groups, torch.tensor([3, 2]))
    log_prob = r.log_prob(torch.arange(5))
    for got, advantage in zip(mean, r.weights, strict=True):
        loss = policy_loss((log_prob - log_prob.detach()).exp(), advantage, 0.2, alive)
        whole = torch.autograd.grad(loss, r.parameters, retain_graph=True)
        assert_close(got, -torch.cat([x.flatten() for x in whole]))
    parts = (parts[0], parts[1].flip(0))  # the order in a group does not matter, as weights follow
    assert_close(group_gradients(r.log_prob, r.parameters, r.weights / alive.sum(), parts), groups)
    forgetful = group_gradients(lambda envs: blank(r, envs), r.parameters, r.weights / alive.sum(), parts)
    assert (forgetful - groups).abs().max() > 0.01 * groups.abs().max()


def blank(r, envs):
    """As `log_prob`, with the memory wiped at every step."""
    obs = r.obs[:, envs].flatten(0, 1)
    distribution = r.actor(obs, None, torch.zeros(len(envs), AGENTS, 8).double(), torch.ones(len(obs)).bool())[0]
    return distribution.log_prob(r.action[:, envs].flatten(0, 1)).unflatten(0, (6, len(envs)))


def test_an_unused_parameter_has_gradient_0():
    r = Recurrent()
    spare = torch.nn.Parameter(torch.ones(2).double())
    parts = torch.arange(5).tensor_split(2)
    with_spare = group_gradients(r.log_prob, [*r.parameters, spare], r.weights, parts)
    assert_close(with_spare[..., :-2], group_gradients(r.log_prob, r.parameters, r.weights, parts))
    assert (with_spare[..., -2:] == 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_level_shares_are_the_exact_ones(seed):
    world = World(seed)
    facts = world.facts()
    row = measure(facts, BATCH)
    chance = world.policy[0][:, None, None] * world.policy[1][:, None] * world.policy[2]
    total = (chance * (world.q - (chance * world.q).sum()) ** 2).sum()
    for k, share in enumerate(level_shares(world.q, world.policy), 1):
        squares = facts.levels[:, k].square() / total
        error = np.hypot(squares.std().item(), share * 2) / SAMPLES**0.5  # and that of the observed variance
        assert row[f"level_{k}_share"] == pytest.approx(share, abs=FEW * error)
        assert error < 0.02
    assert row["action_share"] == pytest.approx(1, abs=0.03)
    twice = measure(facts._replace(levels=2 * facts.levels), BATCH)
    assert twice["action_share"] == pytest.approx(4 * row["action_share"])  # the critic's word is taken
    future = facts.batch.target + 3 * total**0.5 * torch.randn(SAMPLES, 1, generator=torch.Generator().manual_seed(0))
    assert measure(but(facts, target=future), BATCH)["action_share"] == pytest.approx(0.1, rel=0.05)
    assert "action_share" not in measure(facts._replace(levels=None), BATCH)


@pytest.mark.parametrize("seed", SEEDS)
def test_r2_of_critics_that_are_right_constant_wrong_or_worse(seed):
    world = World(seed)
    facts = world.facts()
    right, value = facts.batch.target, facts.batch.baselines[0][:, :1]

    def r2(q):
        return measure(but(facts, q=q), BATCH)["action_r2"]

    assert r2(right) == pytest.approx(1, abs=1e-12)
    assert r2(right + 5) == pytest.approx(1, abs=1e-12)  # a constant error of g is no error in the actions
    assert r2(value) == 0
    assert r2(2 * value - right) == pytest.approx(-3)
    at = tuple(world.action.T)
    assert r2(facts.batch.q) == pytest.approx(1 - world.error[at].var() / world.q[at].var())
    assert r2(facts.batch.q) < 0.9


def test_comas_r2_and_gradients_are_those_of_one_agents_action():
    world = World(0)
    facts = world.facts()
    rows = [np.moveaxis(world.q, i, -1)[tuple(np.delete(world.action, i, axis=1).T)] for i in range(AGENTS)]
    q, q_values = facts.batch.target.expand(SAMPLES, AGENTS), torch.tensor(np.stack(rows, axis=1))
    individual = (facts.batch.policy * q_values).sum(dim=-1)
    coma = but(facts._replace(levels=None), baselines=None, psi=None, q=q, own_mean=individual)
    row = measure(coma, BATCH, world.gradients(), groups=100)
    full = measure(facts, BATCH, world.gradients(), groups=100)
    assert row["action_r2"] == pytest.approx(1, abs=1e-12)
    assert row["noise_individual"] == pytest.approx(full["noise_individual"])
    assert row["cosine_individual"] == pytest.approx(1)
    assert row["variance_critic"] == pytest.approx(row["variance_individual"])
    assert not any("joint" in name or "share" in name for name in row)
    error = torch.randn(SAMPLES, AGENTS, generator=torch.Generator().manual_seed(1))
    alive = torch.rand(SAMPLES, AGENTS, generator=torch.Generator().manual_seed(2)) < 0.5
    learned = but(coma, q=q + error, alive=alive)
    left, noise = (coma.batch.target - individual)[alive], error[alive]
    assert measure(learned, BATCH)["action_r2"] == pytest.approx(1 - noise.var().item() / left.var().item())


def test_a_method_with_v_only_or_utilities_only():
    world = World(1)
    facts = world.facts()
    value = facts.batch.baselines[0][:, :1]
    plain = but(facts._replace(levels=None), baselines=None, psi=None, q=None)
    gradients = (BATCH, world.gradients(), True, 100)
    mappo = measure(but(plain, value=value), *gradients)
    assert mappo.keys() == {
        f"{x}_{y}" for x in ("noise", "variance", "cosine") for y in ("none", "joint", "method")
    } | {"entropy"}
    assert mappo["noise_joint"] == measure(facts, *gradients)["noise_joint"]
    utilities = measure(but(plain, own_q=torch.randn(SAMPLES, AGENTS)), *gradients)
    assert utilities["cosine_none"] == pytest.approx(1)
    assert utilities["cosine_method"] == pytest.approx(mappo["cosine_method"], abs=0.1)
    assert "noise_joint" not in utilities


def first_samples(facts, count):
    """The facts of the first samples only."""
    fields = {name: getattr(facts.batch, name) for name in facts.batch.given()}
    few = {name: x[:, :count] if name == "baselines" else x[:count] for name, x in fields.items()}
    return Facts(JudgedBatch(**few), facts.advantage[:count], facts.entropy[:count], facts.levels[:count])


def test_without_gradients_their_columns_are_nan():
    world = World(2)
    facts = world.facts(8)
    cheap = measure(facts, 4)
    full = measure(facts, 4, world.gradients(4))
    assert list(cheap) == list(full)
    unknown = {name for name, x in cheap.items() if np.isnan(x)}
    assert unknown == {name for name in full if name.startswith(("noise", "variance", "cosine"))}
    assert np.isfinite(list(full.values())).all()
    world.action = world.action[:2]
    alone = measure(first_samples(facts, 2), 1, world.gradients(1))  # nothing to compare with
    assert np.isnan([alone["noise_joint"], alone["variance_joint"]]).all()
    assert np.isfinite(alone["cosine_critic"])


def test_psi_entropy_and_nothing_to_explain():
    world = World(3)
    facts = world.facts(40)
    row = measure(facts, 20)
    assert [row[f"psi_{name}"] for name in ("joint", "individual", "corrset")] == pytest.approx([0.5, 0.2, 0.3])
    own_weights = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]).expand(40, 3, 3)  # [S, n, 3]
    assert measure(but(facts, psi=own_weights), 20)["psi_individual"] == pytest.approx(0.5)
    assert row["entropy"] == pytest.approx(-(world.policy * np.log(world.policy)).sum(axis=1).mean())
    facts = but(facts, alive=facts.batch.alive & (torch.arange(AGENTS) != 1))
    gaussian = torch.tensor([-1.0, 9.0, 4.0]).expand(40, 3)  # entropies that probabilities could not have
    assert measure(facts._replace(entropy=gaussian), 20)["entropy"] == 1.5
    joint = facts.batch.baselines[0][:, :1]
    assert np.isnan(measure(but(facts, target=joint, q=joint), 20)["action_r2"])
    assert "psi_joint" not in measure(but(facts, psi=None), 20)


def partners_of(game):
    """Who shares a term with whom, bool `[n, n]`."""
    members = torch.from_numpy(game.members(np.zeros((1, 1), dtype=np.int64))[0].copy()).float()  # [K, n]
    return (members.T @ members) > 0


def test_corrset_precision_and_recall_on_ring():
    partners = partners_of(ring_v0.game())  # two neighbours each
    assert partners.sum(dim=1).tolist() == [3] * 5
    alive, eye = torch.ones(4, 5, dtype=torch.bool), torch.eye(5, dtype=torch.bool)

    def scores(corrset, alive=alive, partners=partners):
        return tuple(corrset_scores(corrset.expand(4, 5, 5), alive, partners).values())[:3]

    assert scores(partners) == (3, 1, 1)
    assert scores(torch.ones(5, 5, dtype=torch.bool)) == (5, 2 / 4, 1)
    assert scores(eye) == pytest.approx((1, NAN, 0), nan_ok=True)
    one_neighbour = eye | eye.roll(1, dims=1)  # agent i admits i + 1 only
    assert scores(one_neighbour) == (2, 1, 1 / 2)
    opposite = eye | eye.roll(2, dims=1)
    assert scores(opposite) == (2, 0, 0)
    dead = alive.clone()
    dead[:, 1] = False  # a neighbour of agent 0, which neither helps nor harms it any more
    assert scores(eye | eye.roll(1, dims=1) | eye.roll(-1, dims=1), dead) == (3, 1, 1)
    assert scores(torch.ones(5, 5, dtype=torch.bool), dead) == (5, 6 / 12, 1)
    assert scores(partners, partners=partners.expand(4, 5, 5)) == (3, 1, 1)
    assert corrset_scores(partners.expand(4, 5, 5), alive) == {"corrset_size": 3}


def test_corrsets_at_random_score_what_chance_is_said_to_score():
    torch.manual_seed(0)
    S, n, draws = 6, 5, 4000
    alive, partners = torch.rand(S, n) < 0.8, torch.rand(S, n, n) < 0.4
    corrset = (torch.rand(S, n, n) < 0.6) | torch.eye(n, dtype=torch.bool)
    told, hits = corrset_scores(corrset, alive, partners), 0
    for s in range(S):
        for i in alive[s].nonzero().flatten().tolist():
            others = [j for j in range(n) if j != i and alive[s, j]]
            m = sum(int(corrset[s, i, j]) for j in others)
            orders = torch.rand(draws, len(others)).argsort(1)[:, :m]  # m of them, drawn without replacement
            hits += partners[s, i, others].float()[orders].sum().item() / draws
    pair = alive[:, :, None] & alive[:, None] & ~torch.eye(n, dtype=torch.bool)
    assert told["corrset_precision_chance"] == pytest.approx(hits / (corrset & pair).sum().item(), abs=0.01)
    assert told["corrset_recall_chance"] == pytest.approx(hits / (partners & pair).sum().item(), abs=0.01)


def test_corrset_columns_are_measured():
    world = World(5)
    facts, partners = world.facts(6), torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]]).bool()
    row = measure(but(facts, corrset=torch.ones(6, 3, 3, dtype=torch.bool))._replace(partners=partners), 3)
    assert (row["corrset_size"], row["corrset_precision"], row["corrset_recall"]) == (3, 1 / 3, 1)
    assert (row["corrset_precision_chance"], row["corrset_recall_chance"]) == (1 / 3, 1)  # everybody is admitted
    assert "corrset_precision" not in measure(but(facts, corrset=partners.expand(6, 3, 3)), 3)


SMALL = Config(rollout=4, epochs=2, recurrent=True, chunk=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16)
WAREHOUSE = "toy/warehouse?preset=tiny&horizon=6"  # rollouts begin and end in the middle of episodes


@pytest.mark.parametrize("method", ["mappo", "happo", "coma", "ppo-mix", "maca", "maca-dec", "maca-multilinear"])
def test_the_learner_measures_the_policy_that_played(method, monkeypatch):
    """With memory: what is differentiated has the log-probabilities of the rollout, for any choice of environments."""
    gaps, played = [], []

    def judge_and_remember(*arguments):
        judgement = judge(*arguments)
        played.append(judgement.policy.log_prob)
        return judgement

    def check(facts, envs, gradients=None, *rest):
        log_prob = played[-1].unflatten(0, (-1, envs))
        gaps.extend(
            (gradients.log_prob(part) - log_prob[:, part]).abs().max().item() for part in torch.arange(5).split(2)
        )
        return measure(facts, envs, gradients, *rest)

    judge = learner.judge
    monkeypatch.setattr(learner, "judge", judge_and_remember)
    monkeypatch.setattr(learner, "measure", check)
    rows = run(method, diagnose_every=1).metrics
    assert max(gaps) < 1e-5
    assert len(gaps) == 3 * 4
    for name in ("noise_none", "noise_method", "variance_method", "cosine_method", "entropy"):
        assert np.isfinite(rows[name]).all(), name
    assert ("level_1_share" in rows) == (method in ("maca", "maca-multilinear"))
    assert ("corrset_precision" in rows) == method.startswith("maca")


@pytest.mark.parametrize("method", ["mappo", "maca", "maca-multilinear"])
def test_actions_that_are_numbers_are_measured_too(method):
    rows = run(method, Aim(5), diagnose_every=1).metrics
    for name, column in rows.items():
        if name.startswith(("noise", "variance", "cosine", "level", "action", "entropy")):
            assert np.isfinite(column).all(), name
    deviation = 0.5 / (1 + np.exp(-1))  # before anything is learned; three agents name five numbers
    assert rows["entropy"][0] == pytest.approx(5 / 3 * np.log(deviation * np.sqrt(2 * np.pi * np.e)))


def run(method, env=None, **options):
    env = envs.make(WAREHOUSE, 5) if env is None else env
    return loop.train(env, method, 4 * 5 * 4, config=dataclasses.replace(SMALL, **options))


def test_measuring_changes_nothing():
    often, never = run("maca", diagnose_every=1), run("maca", diagnose_every=0)
    for a, b in zip(often.learner.actor.parameters(), never.learner.actor.parameters(), strict=True):
        assert torch.equal(a, b)
    assert np.isnan(never.metrics["noise_joint"]).all()
    assert np.isfinite(often.metrics["noise_joint"]).all()
