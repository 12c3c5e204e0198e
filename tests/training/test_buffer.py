"""The rollout buffer: nothing lost, nothing twice, chunks within time, memory where it was."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from maca_edu.training.buffer import RolloutBuffer, minibatches
from maca_edu.training.returns import lambda_returns, next_values


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def filled(T=20, B=3, seed=0, ends=0.2):
    """A rollout of random steps, hidden states of size 2, first marks."""
    g = generator(seed)
    buffer = RolloutBuffer(T, B, obs=((4,), torch.float32), hidden=((2,), torch.float32), reward=((), torch.float32))
    for _ in range(T):
        over, cut = (torch.rand(B, generator=g) < ends / 2 for _ in range(2))
        row = dict(obs=torch.randn(B, 4, generator=g), hidden=torch.randn(B, 2, generator=g))
        buffer.add(**row, reward=torch.randn(B, generator=g), terminated=over, truncated=cut)
        buffer.keep_final(obs=torch.randn(B, 4, generator=g))
    return buffer


@given(st.sampled_from([1, 2, 5, 10, 20]), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
def test_every_step_exactly_once_in_chunks_that_do_not_cross_time(chunk, B, count, seed):
    count, T = min(count, 20 // chunk * B), 20
    time, env = torch.arange(T)[:, None].expand(T, B), torch.arange(B).expand(T, B)
    mark = torch.randn(T, B, 2, generator=generator(seed))
    seen = []
    for batch in minibatches(dict(time=time, env=env, mark=mark), dict(hidden=mark), chunk, count, generator(seed)):
        assert batch["time"].shape[0] == chunk
        assert (batch["time"].diff(dim=0) == 1).all()
        assert (batch["env"] == batch["env"][0]).all()
        assert (batch["time"][0] % chunk == 0).all()
        assert torch.equal(batch["mark"], mark[batch["time"], batch["env"]])
        assert torch.equal(batch["hidden"], batch["mark"][0])  # the state that the chunk's first step was begun with
        seen += zip(batch["time"].flatten().tolist(), batch["env"].flatten().tolist(), strict=True)
    assert sorted(seen) == [(t, b) for t in range(T) for b in range(B)]


def test_the_order_is_the_generators():
    steps = dict(time=torch.arange(20)[:, None].expand(20, 2))

    def order(g):
        return torch.cat([batch["time"].flatten() for batch in minibatches(steps, {}, 5, 2, g)])

    assert torch.equal(order(generator(1)), order(generator(1)))
    g = generator(1)
    assert not torch.equal(order(g), order(g))  # another epoch, another order


def test_first_steps_are_marked_across_rollouts():
    buffer = RolloutBuffer(2, 3)
    no, yes = torch.zeros(3, dtype=torch.bool), torch.tensor([True, False, False])
    buffer.add(terminated=yes, truncated=no)
    buffer.add(terminated=no, truncated=yes.roll(1))
    assert buffer["first"].tolist() == [[True] * 3, [True, False, False]]
    buffer.clear()
    assert buffer.first.tolist() == [False, True, False]
    buffer.add(terminated=no, truncated=no)
    assert buffer["first"][0].tolist() == [False, True, False]


def test_final_observations_are_kept_and_bootstrap_the_returns():
    buffer = RolloutBuffer(3, 2, reward=((), torch.float32), value=((), torch.float32))
    assert buffer.final_rows() == {}
    no = torch.zeros(2, dtype=torch.bool)
    for t in range(3):
        cut = torch.tensor([t == 1, False])
        buffer.add(reward=torch.ones(2), value=torch.zeros(2), terminated=no, truncated=cut)
        buffer.keep_final(obs=torch.tensor([[10.0 * t], [99.0]]))
    rows = buffer.final_rows()
    assert {name: row.tolist() for name, row in rows.items()} == {"time": [1], "env": [0], "obs": [[10.0]]}
    final = buffer.spread_final(rows["obs"][:, 0])  # a critic that says what it sees
    assert final.tolist() == [[0, 0], [10, 0], [0, 0]]
    after = next_values(buffer["value"], torch.full((2,), 4.0), final, buffer["truncated"])
    ends = (buffer["terminated"], buffer["truncated"])
    got = lambda_returns(buffer["reward"], buffer["value"], after, *ends, gamma=1.0, lam=1.0)
    assert got.returns.tolist() == [[12, 7], [11, 6], [5, 5]]


def test_kept_rows_are_those_of_the_episodes_that_ended():
    buffer = filled()
    ended = (buffer["terminated"] | buffer["truncated"]).nonzero().tolist()
    rows = buffer.final_rows()
    assert len(ended) > 3
    assert list(zip(rows["time"].tolist(), rows["env"].tolist(), strict=True)) == [tuple(at) for at in ended]
    buffer.clear()
    assert buffer.final_rows() == {}
    assert (buffer.spread_final(torch.zeros(0)) == 0).all()


def test_a_gru_on_chunks_repeats_what_it_did_step_by_step():
    T, B, cell = 20, 3, torch.nn.GRUCell(4, 2)
    steps = filled(T, B, seed=3)
    hidden, begun, ended = torch.zeros(B, 2), [], []
    for t in range(T):
        begun.append(torch.where(steps["first"][t, :, None], 0.0, hidden))
        hidden = cell(steps["obs"][t], begun[-1])
        ended.append(hidden)
    assert steps["first"][1:].any()
    fields = dict(obs=steps["obs"], first=steps["first"], want=torch.stack(ended))
    for batch in minibatches(fields, dict(hidden=torch.stack(begun)), 10, 2, generator()):
        h = batch["hidden"]
        for obs, first, want in zip(batch["obs"], batch["first"], batch["want"], strict=True):
            h = cell(obs, torch.where(first[:, None], 0.0, h))
            assert_close(h, want)


def test_wrong_calls_are_named():
    with pytest.raises(ValueError, match="steps=0"):
        RolloutBuffer(0, 1)
    buffer, no = RolloutBuffer(1, 2, obs=((3,), torch.float32)), torch.zeros(2, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"fields \['obs'\] are missing"):
        buffer.add(terminated=no, truncated=no)
    with pytest.raises(ValueError, match=r"obs has shape \(2, 4\); expected \(2, 3\)"):
        buffer.add(terminated=no, truncated=no, obs=torch.zeros(2, 4))
    buffer.add(terminated=no, truncated=no, obs=torch.zeros(2, 3))
    with pytest.raises(ValueError, match="full after 1 steps"):
        buffer.add(terminated=no, truncated=no, obs=torch.zeros(2, 3))
    steps = dict(x=torch.zeros(12, 2))
    with pytest.raises(ValueError, match="chunk=10; for 12 steps allowed are 1, 2, 3, 4, 6, 12"):
        next(minibatches(steps, {}, 10, 1, generator()))
    with pytest.raises(ValueError, match="count=5; allowed are 1 to 4"):
        next(minibatches(steps, {}, 6, 5, generator()))
