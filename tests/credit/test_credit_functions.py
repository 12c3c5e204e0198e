"""Groups and psi, against plain loops and hand-computed cases."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from teams import FEW, Team, sizes

from maca_edu.credit import (
    attention_psi,
    attention_rollout,
    corrset,
    marginals,
    mix,
    one_hot,
    weighed_by_score,
    without,
)
from maca_edu.credit.scores import squared_scores

FIGURE_6 = torch.tensor(  # the paper's attention weights, agents 1 to 5
    [
        [0.353, 0.146, 0.141, 0.216, 0.143],
        [0.166, 0.358, 0.154, 0.174, 0.146],
        [0.164, 0.140, 0.346, 0.160, 0.190],
        [0.220, 0.155, 0.153, 0.331, 0.141],
        [0.168, 0.149, 0.181, 0.156, 0.347],
    ]
).unsqueeze(0)


@FEW
@given(size=sizes, batched=st.booleans())
def test_marginals_entry_by_entry(size, batched):
    team = Team("additive", **size)
    B, n, A = team.policy.shape
    group = team.corrset if batched else team.corrset[0]
    bar = marginals(team.policy, team.action, group)
    assert bar.shape == (B, n, n, A)
    assert torch.equal(bar, marginals(team.policy, team.played, group))  # long or one-hot
    for b in range(B):
        for i in range(n):
            for j in range(n):
                member = group[b, i, j] if batched else group[i, j]
                row = [float(x == team.action[b, j]) for x in range(A)]
                assert bar[b, i, j].tolist() == (team.policy[b, j].tolist() if member else row)


def test_marginals_refuse_attention_as_a_group():
    with pytest.raises(ValueError, match=r"group has dtype .*; expected "):
        marginals(torch.ones(1, 2, 2) / 2, torch.zeros(1, 2, dtype=torch.long), torch.ones(2, 2))


def test_corrsets_of_figure_6():
    sets = [{j + 1 for j in row.nonzero().flatten().tolist()} for row in corrset(FIGURE_6, 0.2)[0]]
    assert sets == [{1, 4}, {2}, {3}, {1, 4}, {5}]


@FEW
@given(n=st.integers(1, 6), sigma=st.floats(0, 1), seed=st.integers(0, 1000))
def test_everybody_is_in_their_own_corrset(n, sigma, seed):
    attention = torch.randn(3, n, n, generator=torch.Generator().manual_seed(seed)).softmax(-1)
    members = corrset(attention, sigma)
    assert members.dtype == torch.bool
    assert members.diagonal(dim1=1, dim2=2).all()
    off = ~torch.eye(n, dtype=torch.bool)
    assert torch.equal(members[:, off], (attention >= sigma)[:, off])
    with pytest.raises(ValueError, match=r"sigma=1.5; allowed are 0 to 1"):
        corrset(attention, 1.5)


def test_rollout():
    random = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 3, 4, 5, 5, generator=random).softmax(-1)  # 3 samples, 4 heads
    a, b = first.mean(1), second.mean(1)
    assert torch.allclose(attention_rollout([a]), a)
    assert torch.allclose(attention_rollout((first,)), a)
    rolled = attention_rollout([first, second])
    assert torch.allclose(rolled, b @ a)  # the last block attends to what the first one made
    assert torch.allclose(rolled.sum(-1), torch.ones(3, 5))
    half = torch.eye(5) / 2
    with_residual = attention_rollout([first, second], residual=True)
    assert torch.allclose(with_residual, (half + b / 2) @ (half + a / 2))
    assert (attention_rollout([a], residual=True).diagonal(dim1=1, dim2=2) >= 0.5).all()
    with pytest.raises(ValueError, match="attentions is empty"):
        attention_rollout([])


def test_a_sure_psi_gives_each_baseline():
    baselines = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    for m in range(3):
        assert torch.equal(mix(torch.eye(3)[m].expand(4, 3), baselines), baselines[m])
        assert torch.equal(mix(torch.eye(3)[m].expand(4, 5, 3), baselines), baselines[m])
    psi = torch.tensor([0.5, 0.3, 0.2])
    want = 0.5 * baselines[0] + 0.3 * baselines[1] + 0.2 * baselines[2]
    assert torch.allclose(mix(psi.expand(4, 3), baselines), want)


def test_psi_without_a_baseline_is_the_softmax_of_the_others():
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    for m in range(3):
        kept = [k for k in range(3) if k != m]
        psi = without(logits.softmax(-1), m)
        assert (psi[:, m] == 0).all()
        assert torch.allclose(psi[:, kept], logits[:, kept].softmax(-1))


def test_psi_made_of_attention_on_figure_6():
    psi = attention_psi(FIGURE_6, 0.2)[0]
    assert psi[0].tolist() == pytest.approx([1 - 0.3 * (0.353 + 0.216), 0.3 * 0.353, 0.3 * 0.216])
    assert psi[1].tolist() == pytest.approx([1 - 0.3 * 0.358, 0.3 * 0.358, 0])


def test_one_hot():
    like = torch.zeros(1, 2, 3, dtype=torch.float64)
    assert torch.equal(one_hot(torch.tensor([[2, 0]]), like), torch.tensor([[[0, 0, 1], [1, 0, 0]]]).double())


GOOD_PSI, GOOD_ATTENTION = torch.full((2, 3), 1 / 3), torch.full((2, 4, 4), 0.25)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mix(GOOD_PSI * 2, torch.zeros(3, 2, 4)), "psi holds [0.6667, 0.6667, 0.6667]; allowed are numbers"),
        (lambda: mix(torch.tensor([[1.5, -0.5, 0.0]]), torch.zeros(3, 1, 4)), "psi holds [1.5, -0.5, 0.0]"),
        (lambda: mix(GOOD_PSI * float("nan"), torch.zeros(3, 2, 4)), "psi holds [nan, nan, nan]"),
        (lambda: mix(torch.ones(2, 4), torch.zeros(3, 2, 4)), "psi has the shape [2, 4]; expected [S, 3] or [S, n, 3]"),
        (
            lambda: mix([1.0, 0.0, 0.0], torch.zeros(3, 1, 4)),
            "psi=[1.0, 0.0, 0.0]; expected a tensor [S, 3] or [S, n, 3]",
        ),
        (lambda: without(GOOD_PSI, 3), "baseline=3; allowed are 0 (joint), 1 (individual) and 2 (CorrSet)"),
        (lambda: without(torch.tensor([[0.0, 1.0, 0.0]]), 1), "psi gives baseline 1 the weight 1"),
        (lambda: corrset(GOOD_ATTENTION * 2, 0.2), "attention holds [0.5, 0.5, 0.5, 0.5]; allowed are"),
        (lambda: corrset(GOOD_ATTENTION[:, :3], 0.2), "attention has the shape [2, 3, 4]; expected [S, n, n]"),
        (lambda: corrset(GOOD_ATTENTION, float("nan")), "sigma=nan"),
        (lambda: attention_psi(GOOD_ATTENTION, 0.2, scale=2.0), "scale=2.0; allowed are 0 to 1"),
        (lambda: attention_psi(GOOD_ATTENTION - 1, 0.2), "attention holds [-0.75"),
        (
            lambda: marginals(torch.ones(2, 4, 3), torch.zeros(2, 5).long(), torch.eye(4).bool()),
            "action has the shape [2, 5]; expected [2, 4] or [2, 4, 3]",
        ),
    ],
)
def test_what_is_no_weight_or_has_a_wrong_shape_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize("wrong", [-1, -3, 4, 7])
def test_the_action_that_does_not_exist_is_named(wrong):
    action = torch.tensor([[0, 3], [2, wrong]])
    with pytest.raises(ValueError, match=re.escape(f"action holds {wrong}; allowed are 0 to 3")):
        one_hot(action, torch.full((2, 2, 4), 0.25))


@FEW
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=5), st.booleans())
def test_scores_are_those_of_autograd(logits, batched):
    """|grad log pi(a)|^2 by the logits, one action after the other, and the policy weighed by it."""
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    policy, squares = leaf.softmax(dim=-1).detach(), []
    for a in range(len(logits)):
        (score,) = torch.autograd.grad(leaf.log_softmax(dim=-1)[a], leaf)
        squares.append(float(score.square().sum()))
    weighed = [float(p) * square for p, square in zip(policy, squares, strict=True)]
    asked = policy.expand(3, 2, -1) if batched else policy
    torch.testing.assert_close(squared_scores(asked), torch.tensor(squares, dtype=torch.float64).expand_as(asked))
    expected = torch.tensor(weighed, dtype=torch.float64) / sum(weighed)
    torch.testing.assert_close(weighed_by_score(asked), expected.expand_as(asked))


def test_without_a_choice_nothing_is_weighed():
    sure = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert torch.equal(weighed_by_score(sure), sure)
