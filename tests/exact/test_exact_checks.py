"""What the checks of `exact` let pass, and what their sentences name."""

import numpy as np
import pytest

from maca_edu import exact
from maca_edu.exact.checks import check_group, check_numbers, check_policy, check_share, check_table
from toy_envs import longring_v0, ring_v0
from toy_envs.core import OneShotGame, RewardTerm


@pytest.mark.parametrize("number", [0, 0.5, 1])
def test_a_share_is_a_number_from_0_to_1(number):
    assert check_share("gamma", number) == float(number)


@pytest.mark.parametrize("number", [-0.1, 1.1, float("nan"), float("inf")])
def test_no_other_number_is_a_share(number):
    with pytest.raises(ValueError, match=r"^gamma="):
        check_share("gamma", number)


def test_the_row_that_is_farthest_from_1_is_named():
    with pytest.raises(ValueError, match=r"has a row that sums to 0\.4; every row must sum to 1 within 1e-09"):
        check_policy([[0.5, 0.5], [0.2, 0.2], [0.6, 0.6]], (3, 2))


@pytest.mark.parametrize("off", [0.0, 9e-10, -9e-10])
def test_rounding_is_forgiven(off):
    policy = np.array([[0.25, 0.75 + off]])
    assert check_policy(policy, (1, 2)) is not None


@pytest.mark.parametrize("off", [2e-9, -2e-9])
def test_more_than_rounding_is_not(off):
    with pytest.raises(ValueError, match="has a row that sums to"):
        check_policy([[0.25, 0.75 + off]], (1, 2))


def test_the_least_probability_is_named():
    with pytest.raises(ValueError, match=r"policy holds -0\.25; probabilities are 0 or more"):
        check_policy([[1.125, -0.125], [1.25, -0.25]], (2, 2))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (2, 0)])
def test_what_is_no_table_of_values(shape):
    with pytest.raises(ValueError, match="expected one axis per agent, all of one length A >= 1"):
        check_table("q", np.zeros(shape))


def test_a_group_is_sorted_and_holds_the_agent():
    assert check_group([2, 0], 3, agent=0) == (0, 2)
    with pytest.raises(ValueError, match=r"group=\[0, 2\] does not contain agent 1"):
        check_group([2, 0], 3, agent=1)
    with pytest.raises(ValueError, match="names an agent twice"):
        check_group([2, 2], 3)
    with pytest.raises(ValueError, match="names agent 3; agents are 0 to 2"):
        check_group([0, 3], 3)
    with pytest.raises(ValueError, match="names agent -1; agents are 0 to 2"):
        check_group([-1], 3)


Q, HALF = np.random.default_rng(0).normal(size=(2, 2, 2)), np.full((3, 2), 0.5)
ONCE = longring_v0.game(n_agents=4, span=3, rounds=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda q: exact.value(q, HALF),
        lambda q: exact.gradient_moments(q, HALF, 0, 0.0),
        lambda q: exact.gradient_moments(Q, HALF, 0, q),
        lambda q: exact.optimal_mixture(q, HALF, 0, [(0, 1, 2), (0,)]),
        lambda q: exact.shortest_mixture(q[0]),
        lambda q: exact.level_shares(q, HALF),
        lambda q: exact.shapley_values(q, HALF, (0, 1, 1)),
        lambda q: exact.term_spectrum({"a": (None, q)}, HALF[:2], 0),
        lambda q: exact.corrected_share(q[0, 0], q[0, 0], 0.9, 0.9),
        lambda q: exact.lambda_return(ONCE, np.full((4, 2), 0.5), 0.9, 0.9, q[0, 0, :1]),
    ],
)
def test_masked_numbers_and_those_whose_squares_are_infinite_are_refused_everywhere(call):
    with pytest.raises(
        ValueError, match=r"holds a number of size \d\.?\d*e\+(199|200); allowed is up to 1e\+140, in larger units"
    ):
        call(Q * 1e200)
    with pytest.raises(ValueError, match="has masked entries; allowed are arrays without a mask"):
        call(np.ma.masked_array(Q, mask=True))


def test_a_mask_that_hides_nothing_is_let_pass():
    assert check_numbers("q", np.ma.masked_array(Q, mask=False)).shape == Q.shape
    with pytest.raises(ValueError, match="action has masked entries"):
        exact.shapley_values(Q, HALF, np.ma.masked_array([0, 1, 1], mask=[True, False, False]))


def test_a_game_that_pays_too_much_to_be_squared_is_refused():
    game = OneShotGame(2, 2, [RewardTerm("all", (0, 1), np.full((2, 2), 1e200))])
    with pytest.raises(ValueError, match=r"^the reward of .* holds a number of size 1e\+200"):
        exact.solve(game, HALF[:2], 0.9)
    assert exact.solve(ring_v0.game(4, 3), np.full((4, 2), 0.5), 0.9)[0].shape == (1,)
