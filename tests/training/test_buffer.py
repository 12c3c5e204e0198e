"""The rollout buffer: nothing lost, nothing twice, chunks within time, memory where it was."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from maca_edu.team_env import Credit, TeamStep, View
from maca_edu.training.ppo import before_chunks, minibatches
from maca_edu.training.processes import OneProcess
from maca_edu.training.records import Memory, Sizes
from maca_edu.training.returns import lambda_returns, next_values
from maca_edu.training.rollout import RolloutBuffer

SIZES = Sizes(obs=4, state=3, n_agents=2, n_actions=3)
NO_MEMORY = Memory(None, None)


class Shard(NamedTuple):
    """One of several processes, as far as `minibatches` looks."""

    rank: int
    count: int


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_view(rng, B):
    legal = rng.random((B, 2, 3)) < 0.7
    legal[..., 0] = True
    obs, state = (rng.normal(size=(B, *shape)).astype(np.float32) for shape in ((2, 4), (3,)))
    return View(obs, state, legal, rng.random((B, 2)) < 0.9)


def random_steps(T=20, B=3, seed=0, ends=0.2):
    """T random steps of B environments: what was seen, done, and came of it."""
    rng = np.random.default_rng(seed)
    steps = []
    for _ in range(T):
        terminated = rng.random(B) < ends / 2
        truncated = (rng.random(B) < ends / 2) & ~terminated
        reward = rng.normal(size=B).astype(np.float32)
        step = TeamStep(random_view(rng, B), random_view(rng, B), reward, terminated, truncated)
        steps.append((random_view(rng, B), torch.from_numpy(rng.integers(3, size=(B, 2))), step))
    return steps


def filled(T=20, B=3, seed=0, ends=0.2):
    """A buffer with random steps, and these steps."""
    buffer, steps = RolloutBuffer(SIZES, T, B), random_steps(T, B, seed, ends)
    for step in steps:
        buffer.add(*step)
    return buffer, steps


def plain_step(terminated, truncated, reward=(0, 0, 0)):
    """A step of three environments, of which only the ends and the rewards matter."""
    view = random_view(np.random.default_rng(0), 3)
    flags = (np.array(x, dtype=bool) for x in (terminated, truncated))
    return view, torch.zeros(3, 2, dtype=torch.long), TeamStep(view, view, np.array(reward, dtype=np.float32), *flags)


def test_what_was_added_is_what_is_read():
    buffer, steps = filled()
    last = random_view(np.random.default_rng(9), 3)
    rollout = buffer.rollout(last, NO_MEMORY)
    assert rollout.shape == (20, 3)
    for t, (view, action, step) in enumerate(steps):
        for name, array in view._asdict().items():
            assert torch.equal(getattr(rollout, name)[t], torch.from_numpy(array)), name
        for name in ("reward", "terminated", "truncated"):
            assert torch.equal(getattr(rollout, name)[t], torch.from_numpy(getattr(step, name))), name
        assert torch.equal(rollout.action[t], action)
    for name, x in rollout.last._asdict().items():
        assert torch.equal(x, torch.from_numpy(getattr(last, name))), name
    assert torch.equal(rollout.last_first, rollout.terminated[-1] | rollout.truncated[-1])


def test_partners_are_kept_step_by_step():
    assert filled(T=2)[0].rollout(random_view(np.random.default_rng(9), 3), NO_MEMORY).partners is None
    buffer, rng, expected = RolloutBuffer(SIZES, 4, 3), np.random.default_rng(1), []
    for view, action, step in random_steps(T=4):
        members = rng.random((3, 5, 2)) < 0.3  # five terms of two agents
        together = (members[:, :, 0] & members[:, :, 1]).any(1)  # [B]
        expected.append([[[True, both], [both, True]] for both in together.tolist()])
        credit = Credit(np.zeros((3, 5), dtype=np.float32), members)
        buffer.add(view, action, step._replace(credit=credit))
    rollout = buffer.rollout(random_view(rng, 3), NO_MEMORY)
    assert rollout.partners.tolist() == expected


@given(st.sampled_from([1, 2, 5, 10, 20]), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
def test_every_sample_exactly_once_in_chunks_that_do_not_cross_time(length, B, count, seed):
    count, T = min(count, 20 // length * B), 20
    time = torch.arange(T).repeat_interleave(B)  # [S], of samples in one row, time first
    env = torch.arange(B).repeat(T)
    before = torch.randn(T // length, B, 2, generator=generator(seed))  # a memory before each chunk
    parts, seen = 0, []
    for chunks in minibatches((T, B), length, count, generator(seed), OneProcess()):
        t, b = (chunks.of(x).unflatten(0, (length, -1)) for x in (time, env))  # [L, M]
        assert (t.diff(dim=0) == 1).all()
        assert (b == b[0]).all()
        assert (t[0] % length == 0).all()
        assert torch.equal(chunks.memory(before), before[t[0] // length, b[0]])
        assert chunks.memory(None) is None
        parts += 1
        seen += zip(t.flatten().tolist(), b.flatten().tolist(), strict=True)
    assert parts == count
    assert sorted(seen) == [(t, b) for t in range(T) for b in range(B)]


@given(st.sampled_from([1, 5, 10]), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
def test_two_processes_share_the_minibatches_of_one(length, B, count, seed):
    """Each keeps, in order, the chunks of its own environments; together they have all chunks, each once."""
    T = 20
    count = min(count, 20 // length * 2 * B)
    whole = minibatches((T, 2 * B), length, count, generator(seed), OneProcess())
    shards = [minibatches((T, B), length, count, generator(seed), Shard(rank, 2)) for rank in range(2)]
    for chunks, *parts in zip(whole, *shards, strict=True):
        row, env = chunks.numbers // (2 * B), chunks.numbers % (2 * B)
        time, player = chunks.samples // (2 * B), chunks.samples % (2 * B)
        for rank, part in enumerate(parts):
            mine, played = env // B == rank, player // B == rank
            assert torch.equal(part.numbers, (row * B + env - rank * B)[mine])
            assert torch.equal(part.samples, (time * B + player - rank * B)[played])
        assert sum(len(part.samples) for part in parts) == len(chunks.samples)


def test_the_order_is_the_generators():
    def order(g):
        return torch.cat([chunks.samples for chunks in minibatches((20, 2), 5, 2, g, OneProcess())])

    assert torch.equal(order(generator(1)), order(generator(1)))
    g = generator(1)
    assert not torch.equal(order(g), order(g))  # another epoch, another order


def test_first_steps_are_marked_across_rollouts():
    buffer = RolloutBuffer(SIZES, 2, 3)
    buffer.add(*plain_step([1, 0, 0], [0, 0, 0]))
    buffer.add(*plain_step([0, 0, 0], [0, 1, 0]))
    rollout = buffer.rollout(plain_step([0] * 3, [0] * 3)[0], NO_MEMORY)
    assert rollout.first.tolist() == [[True] * 3, [True, False, False]]
    assert rollout.last_first.tolist() == [False, True, False]
    buffer.clear()
    assert buffer.next_first.tolist() == [False, True, False]
    buffer.add(*plain_step([0, 0, 0], [0, 0, 0]))
    assert buffer.first[0].tolist() == [False, True, False]


def test_final_observations_are_kept_and_bootstrap_the_returns():
    """A reward of 1 in each of three steps; of the first environment the clock cuts an episode after step 1."""
    buffer = RolloutBuffer(SIZES, 3, 3)
    for t in range(3):
        view, action, step = plain_step([0, 0, 0], [t == 1, 0, 0], reward=[1, 1, 1])
        final = view._replace(state=np.full((3, 3), 10.0 * t, dtype=np.float32))
        buffer.add(view, action, step._replace(final=final))
    rollout = buffer.rollout(view, NO_MEMORY)
    assert rollout.finals.index.tolist() == [1 * 3 + 0]
    assert rollout.finals.seen.state.tolist() == [[10.0] * 3]
    value, says_what_it_sees = torch.zeros(3, 3), rollout.finals.seen.state[:, 0]
    after = next_values(value, torch.full((3,), 4.0), rollout.truncated, rollout.finals.index, says_what_it_sees)
    assert after.tolist() == [[0, 0, 0], [10, 0, 0], [4, 4, 4]]
    got = lambda_returns(rollout.reward, value, after, rollout.terminated, rollout.truncated, gamma=1.0, lam=1.0)
    assert got.returns.tolist() == [[12, 7, 7], [11, 6, 6], [5, 5, 5]]


def test_kept_are_the_episodes_that_the_clock_cut():
    buffer, steps = filled()
    chance = torch.rand(21, 3, 2, 3, generator=generator())  # after the last steps, and after each step
    rollout = buffer.rollout(steps[0][0], NO_MEMORY, chance)
    cut = [(t, b) for t, (_, _, step) in enumerate(steps) for b in range(3) if step.truncated[b]]
    assert len(cut) > 3
    assert rollout.terminated.sum() > 3  # whose last observations nobody needs
    assert rollout.finals.index.tolist() == [t * 3 + b for t, b in cut]
    for name, x in rollout.finals.seen._asdict().items():
        kept = torch.from_numpy(np.stack([getattr(steps[t][2].final, name)[b] for t, b in cut]))
        assert torch.equal(x, kept), name
    assert torch.equal(rollout.chance[:3], chance[0])
    assert torch.equal(rollout.chance[3:], torch.stack([chance[1 + t, b] for t, b in cut]))
    buffer.clear()
    for step in random_steps(ends=0):
        buffer.add(*step)
    finals = buffer.rollout(steps[0][0], NO_MEMORY).finals
    assert len(finals.index) == 0
    assert [tuple(x.shape) for x in finals.seen] == [(0, 2, 4), (0, 3), (0, 2, 3)]


def test_a_gru_on_chunks_repeats_what_it_did_step_by_step():
    T, B, L, cell = 20, 3, 10, torch.nn.GRUCell(3, 2)
    buffer, _ = filled(T, B, seed=3)
    start, after = torch.randn(B, 2, generator=generator()), []
    buffer.first[0] = torch.tensor([True, False, True])  # the second episode was under way before
    h = start
    for t in range(T):
        h = cell(buffer.state[t], torch.where(buffer.first[t, :, None], 0.0, h))
        after.append(h)
    assert buffer.first[1:].any()
    state, first, want = buffer.state.flatten(0, 1), buffer.first.flatten(), torch.cat(after)
    before = before_chunks(start, want, (T, B), L)
    assert before_chunks(None, None, (T, B), L) is None
    for chunks in minibatches((T, B), L, 2, generator(), OneProcess()):
        h = chunks.memory(before)
        steps = (chunks.of(x).unflatten(0, (L, -1)) for x in (state, first, want))
        for x, begins, y in zip(*steps, strict=True):
            h = cell(x, torch.where(begins[:, None], 0.0, h))
            assert_close(h, y)


def test_wrong_calls_are_named():
    for steps, batch, message in ((0, 1, "steps=0"), (1, 0, "batch=0")):
        with pytest.raises(ValueError, match=message):
            RolloutBuffer(SIZES, steps, batch)
    buffer = RolloutBuffer(SIZES, 1, 3)
    view, action, step = plain_step([0, 0, 0], [0, 0, 0])
    with pytest.raises(ValueError, match=r"the buffer holds 0 of 1 steps; add\(\) the others first"):
        buffer.rollout(view, NO_MEMORY)
    with pytest.raises(ValueError, match=r"obs has shape \(3, 2, 5\); expected \(3, 2, 4\)"):
        buffer.add(view._replace(obs=np.zeros((3, 2, 5), dtype=np.float32)), action, step)
    with pytest.raises(ValueError, match=r"action has shape \(3, 1\); expected \(3, 2\)"):
        buffer.add(view, action[:, :1], step)
    buffer.add(view, action, step)
    with pytest.raises(ValueError, match="full after 1 steps"):
        buffer.add(view, action, step)
    with pytest.raises(ValueError, match="chunk=10; for 12 steps allowed are 1, 2, 3, 4, 6, 12"):
        next(minibatches((12, 2), 10, 1, generator(), OneProcess()))
    with pytest.raises(ValueError, match="minibatches=5; allowed are 1 to 4"):
        next(minibatches((12, 2), 6, 5, generator(), OneProcess()))
    with pytest.raises(ValueError, match="minibatches=9; allowed are 1 to 8"):
        next(minibatches((12, 2), 6, 9, generator(), Shard(1, 2)))
