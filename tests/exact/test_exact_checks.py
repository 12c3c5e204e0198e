"""What the checks of `exact` let pass, and what their sentences name."""

import numpy as np
import pytest

from maca_edu.exact.checks import check_group, check_policy, check_share, check_table


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
