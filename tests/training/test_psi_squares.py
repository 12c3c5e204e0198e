"""psi by least squares: the solver, what is counted, and that a batch's psi knows nothing of the batch."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from maca_edu import envs
from maca_edu.exact import baseline, gradient_moments, optimal_mixture
from maca_edu.training import loop, psi_squares
from maca_edu.training.config import Config
from maca_edu.training.methods import METHODS, find
from maca_edu.training.processes import OneProcess
from maca_edu.training.psi_squares import ENOUGH, MEMORY, TIE, PsiSquares, best_psi, moments_of
from maca_edu.training.records import JudgedBatch
from maca_edu.training.trainer import Trainer

SMALL = Config(rollout=4, epochs=2, actor_sizes=(16,), critic_sizes=(16,), embed=8, z_size=16, diagnose_every=1)
IND = [0, 1, 0]


def random_batch(samples=30, n=3, A=3, seed=0):
    g = torch.Generator().manual_seed(seed)
    policy = torch.rand(samples, n, A, generator=g).double()
    return JudgedBatch(
        target=torch.randn(samples, 1, generator=g).double(),
        action=torch.randint(A, (samples, n), generator=g),
        policy=policy / policy.sum(dim=-1, keepdim=True),
        alive=torch.rand(samples, n, generator=g) < 0.7,
        factor=torch.ones(samples, 1).double(),
        baselines=torch.randn(3, samples, n, generator=g).double(),
    )


def test_moments_against_a_plain_loop():
    batch = random_batch()
    sums, lives = moments_of(batch)
    want, count = torch.zeros(3, 3, 3).double(), [0, 0, 0]
    for s in range(30):
        for i in range(3):
            if not batch.alive[s, i]:
                continue
            score = -batch.policy[s, i].clone()
            score[batch.action[s, i]] += 1
            gap = batch.target[s, 0] - batch.baselines[:, s, i]
            want[i] += (score @ score) * torch.outer(gap, gap)
            count[i] += 1
    assert_close(sums, want)
    assert lives.tolist() == count


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_the_best_psi_is_least_on_a_grid(seed, rank):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(rank, 3)) + rng.normal()
    psi = best_psi(root.T @ root)
    assert psi.sum() == pytest.approx(1)
    assert (psi >= 0).all()
    grid = [(a / 20, b / 20, 1 - (a + b) / 20) for a in range(21) for b in range(21 - a)]
    nothing = TIE * (root**2).sum()
    assert ((root @ psi) ** 2).sum() <= min(((root @ point) ** 2).sum() for point in grid) + nothing


def test_rounding_decides_nothing():
    """Equal baselines: the individual one, and nearly so however they are rounded."""
    np.testing.assert_allclose(best_psi(7 * np.ones((3, 3))), IND, atol=1e-6)
    rounded = 7 + 1e-14 * np.array([[1, -2, 3], [-2, 1, 0], [3, 0, -1]])
    np.testing.assert_allclose(best_psi(rounded), IND, atol=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_with_every_joint_action_it_is_the_exact_optimum(seed):
    """A batch that holds each joint action in proportion to its probability: chapter 5's best mixture."""
    rng = np.random.default_rng(seed)
    parts = rng.multinomial(20 - 3, [1 / 3] * 3, size=3) + 1  # twentieths
    q, policy, groups = rng.normal(size=(3, 3, 3)), parts / 20, ([0, 1, 2], [1], [1, 2])
    at = np.stack(np.unravel_index(np.arange(27), q.shape), axis=1)
    copies = np.prod([parts[i][at[:, i]] for i in range(3)], axis=0)
    action = np.repeat(at, copies, axis=0)  # 8000 samples
    levels = np.stack([baseline(q, policy, group)[tuple(action.T)] for group in groups])  # [3, S]
    batch = JudgedBatch(
        target=torch.tensor(q[tuple(action.T)][:, None]),
        action=torch.from_numpy(action),
        policy=torch.tensor(policy).expand(len(action), 3, 3),
        alive=torch.tensor([[False, True, False]]).expand(len(action), 3),
        factor=torch.ones(len(action), 1).double(),
        baselines=torch.tensor(levels)[..., None].expand(3, -1, 3),
    )
    squares = PsiSquares(3)
    squares.take_in(batch, OneProcess())
    psi, best = squares.psi[0].numpy(), optimal_mixture(q, policy, 1, groups)

    def variance(weights):
        mixed = sum(weight * baseline(q, policy, group) for weight, group in zip(weights, groups, strict=True))
        return gradient_moments(q, policy, 1, mixed)[1]

    assert variance(psi) == pytest.approx(variance(best), rel=1e-9)
    assert variance(best) < 0.99 * variance([1 / 3] * 3)
    np.testing.assert_allclose(psi, best, atol=1e-3)


@pytest.mark.parametrize("per_agent", [False, True])
def test_psi_is_individual_until_enough_was_seen(per_agent):
    squares, batch = PsiSquares(3, per_agent), random_batch(ENOUGH - 1)
    squares.take_in(batch, OneProcess())
    assert squares.psi.tolist() == [IND] * (3 if per_agent else 1)
    one = random_batch(1, seed=1)._replace(alive=torch.tensor([[True, False, False]]))
    squares.take_in(one, OneProcess())
    if per_agent:
        assert squares.seen.tolist() == (batch.alive.sum(dim=0) + torch.tensor([1, 0, 0])).tolist()
    else:
        assert squares.seen.tolist() == [batch.alive.any(dim=-1).sum() + 1]
    squares.take_in(random_batch(2 * ENOUGH, seed=2), OneProcess())
    assert all(psi != IND for psi in squares.psi.tolist())
    assert squares.weigh(batch).psi.shape == ((len(batch.target), 3, 3) if per_agent else (len(batch.target), 3))


def test_the_past_fades_and_an_agent_that_never_lived_keeps_its_past():
    squares, batches = PsiSquares(3, per_agent=True), [random_batch(seed=seed) for seed in range(3)]
    batches[2] = batches[2]._replace(alive=batches[2].alive & torch.tensor([True, True, False]))
    for batch in batches:
        squares.take_in(batch, OneProcess())
    means = [sums / lives.clamp(min=1).view(-1, 1, 1) for sums, lives in map(moments_of, batches)]
    weight = 1 - MEMORY
    assert_close(squares.moments[0], weight * (MEMORY**2 * means[0] + MEMORY * means[1] + means[2])[0])
    assert_close(squares.moments[2], weight * (MEMORY * means[0] + means[1])[2])


def psi_of_two_rewards(method, config=SMALL):
    """psi in the third update, and in the same update had its rollout paid otherwise; `[S, 3]` or `[S, n, 3]` each."""
    seen = []

    def spy(batch):
        seen.append(batch.psi)
        return METHODS["maca"].advantage(batch)

    mine, result = dataclasses.replace(method, name="mine", advantage=spy), []
    for factor in (1.0, -3.0):
        trainer = Trainer(envs.make("toy/fridge", 16), mine, 2, config)
        trainer.step()
        trainer.step()
        assert trainer.learner.squares.seen.min() >= ENOUGH
        rollout, *_ = trainer.collect()
        noise = torch.randn(rollout.reward.shape, generator=torch.Generator().manual_seed(0))
        seen.clear()
        trainer.learner.update(rollout._replace(reward=rollout.reward if factor == 1 else factor * noise))
        result.append(seen[0])
    return result


@pytest.mark.parametrize("per_agent", [False, True])
def test_psi_knows_nothing_of_the_batch_that_it_weighs(per_agent):
    one, other = psi_of_two_rewards(METHODS["maca-lsq"], dataclasses.replace(SMALL, psi_per_agent=per_agent))
    assert torch.equal(one, other)


def test_psi_from_this_batch_would_be_found_out(monkeypatch):
    """The mutant: each batch is taken in before it is weighed."""
    weigh = PsiSquares.weigh

    def too_early(self, batch):
        self.take_in(batch, OneProcess())
        return weigh(self, batch)

    monkeypatch.setattr(psi_squares.PsiSquares, "weigh", too_early)
    one, other = psi_of_two_rewards(METHODS["maca-lsq"])
    assert not torch.equal(one, other)


@pytest.mark.parametrize("per_agent", [False, True])
def test_psi_is_logged_saved_and_restored(per_agent, tmp_path):
    config = dataclasses.replace(SMALL, psi_per_agent=per_agent)

    def train(steps, out, **options):
        return loop.train(envs.make("toy/fridge", 8), "maca-lsq", steps * 32, out=out, config=config, **options)

    whole, cut = train(6, tmp_path / "whole"), train(3, tmp_path / "cut")
    assert cut.metrics["psi_individual"].tolist()[:2] == [1, 1]  # 0 and 32 samples seen
    assert cut.metrics["psi_joint"].tolist()[:2] == [0, 0]
    assert whole.metrics["psi_individual"].min() < 1
    went_on = train(6, tmp_path / "cut", resume=True)
    for name in ("psi_joint", "psi_individual", "psi_corrset", "policy_loss", "critic_loss"):
        np.testing.assert_array_equal(whole.metrics[name], went_on.metrics[name])
    assert torch.equal(whole.learner.squares.moments, went_on.learner.squares.moments)
    assert loop.load(envs.make("toy/fridge", 8), tmp_path / "cut").learner.squares.seen.tolist() == [6 * 32] * (
        4 if per_agent else 1
    )


def test_it_belongs_to_no_other_method():
    trainer = Trainer(envs.make("toy/fridge", 8), find("maca"), 0, SMALL)
    assert trainer.learner.squares is None
    assert "squares" not in trainer.learner.parts()
