"""Lambda-returns by hand, and against a plain loop that sums TD errors forwards."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from maca_edu.training.returns import lambda_returns, next_values


def column(*numbers, dtype=torch.float64):
    return torch.tensor(numbers, dtype=dtype)[:, None]  # [T, 1]


def flags(*numbers):
    return column(*numbers, dtype=torch.bool)


def test_three_steps_by_hand():
    """gamma = lambda = 1/2; the last step's future is the critic's 8."""
    value, none = column(1, 2, 4), flags(0, 0, 0)
    nobody = torch.zeros(0, dtype=torch.long)
    after = next_values(value, torch.tensor([8.0], dtype=torch.float64), none, nobody, value.new_zeros(0))
    assert after[:, 0].tolist() == [2, 4, 8]
    got = lambda_returns(column(1, 0, 2), value, after, none, none, 0.5, 0.5)
    # TD errors: 1 + 1 - 1 = 1; 0 + 2 - 2 = 0; 2 + 4 - 4 = 2
    assert got.advantage[:, 0].tolist() == [1 + 0 / 4 + 2 / 16, 0 + 2 / 4, 2]
    assert got.returns[:, 0].tolist() == [2.125, 2.5, 6]


def ending(terminated, truncated, time_limits="bootstrap"):
    """Three steps; step 1 ends the first episode, whose true final observation is worth 10, not the reset one's 4."""
    value, truncated = column(1, 2, 4), flags(0, truncated, 0)
    cuts = truncated.flatten().nonzero().squeeze(-1)  # [E]
    after = next_values(value, torch.zeros(1, dtype=torch.float64), truncated, cuts, value.new_full((len(cuts),), 10.0))
    return lambda_returns(column(1, 3, 2), value, after, flags(0, terminated, 0), truncated, 0.5, 0.5, time_limits)


def test_terminated_nothing_follows():
    assert ending(1, 0).returns[:, 0].tolist() == [2 + (3 - 2) / 4, 3, 2]


def test_truncated_is_bootstrapped_from_the_true_final_observation():
    got = ending(0, 1)
    assert got.advantage[:, 0].tolist() == [1 + 6 / 4, 3 + 5 - 2, -2]
    assert got.returns[1].item() == 3 + 0.5 * 10


def test_harl_takes_the_value_of_the_step_itself_at_a_time_limit():
    got = ending(0, 1, "harl")
    assert got.advantage[:, 0].tolist() == [1, 0, -2]
    assert got.returns[1].item() == 2  # V(s_t): the reward of 3 is lost
    assert_close(ending(1, 0, "harl").returns, ending(1, 0).returns)  # the two differ at time limits only
    assert_close(ending(1, 1, "harl").returns, ending(1, 0).returns)  # over is over, whatever the clock says


@pytest.mark.parametrize("per_agent", [False, True])
def test_next_values_against_a_plain_loop(per_agent):
    g = torch.Generator().manual_seed(0)
    T, B, agents = 6, 3, (2,) if per_agent else ()
    value, last = torch.randn(T, B, *agents, generator=g), torch.randn(B, *agents, generator=g)
    truncated = torch.rand(T, B, generator=g) < 0.3
    cuts = truncated.flatten().nonzero().squeeze(-1)
    finals = torch.randn(len(cuts), *agents, generator=g)
    assert truncated[-1].any()
    got, cut = next_values(value, last, truncated, cuts, finals), 0
    for t in range(T):
        for b in range(B):
            if truncated[t, b]:
                want, cut = finals[cut], cut + 1
            else:
                want = last[b] if t == T - 1 else value[t + 1, b]
            assert torch.equal(got[t, b], want)


def test_death_ends_nothing():
    """Agent 1 dies after step 0; the team's reward of 8 at step 2 still reaches its step 0."""
    value = torch.zeros(3, 1, 2, dtype=torch.float64)
    got = lambda_returns(column(0, 0, 8), value, value, flags(0, 0, 1), flags(0, 0, 0), 0.5, 1.0)
    assert got.advantage[:, 0].tolist() == [[2, 2], [4, 4], [8, 8]]


def forwards(reward, value, after, terminated, truncated, gamma, lam, time_limits):
    """The advantage of every step of one environment and agent: TD errors of its episode from there on, summed."""
    T, advantage = len(reward), []
    for t in range(T):
        total, weight = 0.0, 1.0
        for k in range(t, T):
            future = 0.0 if terminated[k] else after[k]
            if not (time_limits == "harl" and truncated[k] and not terminated[k]):
                total += weight * (reward[k] + gamma * future - value[k])
            if terminated[k] or truncated[k]:
                break
            weight *= gamma * lam
        advantage.append(total)
    return advantage


@given(st.integers(0, 2**32 - 1), st.sampled_from(["bootstrap", "harl"]), st.booleans(), st.booleans())
def test_against_a_plain_loop(seed, time_limits, own_rewards, per_agent):
    g = torch.Generator().manual_seed(seed)
    T, B, n, gamma, lam = 7, 3, 2, 0.9, 0.8
    shape = (T, B, n) if per_agent else (T, B)
    value, after = (torch.randn(shape, generator=g, dtype=torch.float64) for _ in range(2))
    reward = torch.randn(shape if own_rewards else (T, B), generator=g, dtype=torch.float64)
    terminated, truncated = (torch.rand(T, B, generator=g) < 0.25 for _ in range(2))
    got = lambda_returns(reward, value, after, terminated, truncated, gamma, lam, time_limits)
    assert_close(got.returns, got.advantage + value)
    for b in range(B):
        for i in range(n) if per_agent else [...]:
            at = (slice(None), b, i)
            pay = reward[at] if reward.dim() == 3 else reward[:, b]
            ends = (terminated[:, b].tolist(), truncated[:, b].tolist())
            want = forwards(pay.tolist(), value[at].tolist(), after[at].tolist(), *ends, gamma, lam, time_limits)
            assert_close(got.advantage[at], torch.tensor(want, dtype=torch.float64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(gamma=1.1), "gamma=1.1; allowed are 0 to 1"),
        (dict(lam=-1), "lam=-1; allowed are 0 to 1"),
        (dict(time_limits="none"), "time_limits='none'; allowed are bootstrap, harl"),
        (dict(reward=torch.zeros(2, 2)), r"reward has shape \(2, 2\); expected \(3, 2\)"),
        (dict(truncated=torch.zeros(3, 1)), r"truncated has shape \(3, 1\)"),
        (dict(value=torch.zeros(3)), r"value has shape \(3,\); allowed are \[T, B\]"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    zeros, never = torch.zeros(3, 2), torch.zeros(3, 2, dtype=torch.bool)
    arguments = dict(reward=zeros, value=zeros, next_value=zeros, terminated=never, truncated=never, gamma=0.9, lam=0.9)
    with pytest.raises(ValueError, match=message):
        lambda_returns(**(arguments | change))
