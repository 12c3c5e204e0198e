"""The attention that chapter 11 measures: what was written down is what the settings say."""

import numpy as np
import pytest

from maca_edu.course.trained_attention import cases
from toy_envs import longring_v0, ring_v0


def partners_of(game, state):
    members = game.members(np.array([state]))[0]
    return np.array(
        [[(members[:, i] & members[:, j]).any() for j in range(len(game.agents))] for i in range(len(game.agents))]
    )


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize(
    ("setting", "game", "states"),
    [
        ("ring", ring_v0.game(8, 3), [[0]]),
        ("undecided ring", ring_v0.game(8, 3), [[0]]),
        ("long ring", longring_v0.game(7, 3, rounds=8, moving=True), [[0, 1], [0, 2]]),
    ],
)
def test_eight_runs_with_weights_and_the_partners_of_the_state(setting, game, states, trained):
    found = cases(setting, trained)
    assert [(case.seed, case.state) for case in found] == [(s, k) for s in range(20, 28) for k in range(len(states))]
    for case in found:
        np.testing.assert_allclose(case.attention.sum(axis=1), 1, atol=1e-4)
        np.testing.assert_array_equal(case.partners, partners_of(game, states[case.state]))
        assert ((case.sure >= 0.5) & (case.sure <= 1)).all()


def test_both_rings_begin_with_the_same_teams_and_end_with_others():
    for one, other in zip(cases("ring", False), cases("undecided ring", False), strict=True):
        np.testing.assert_array_equal(one.attention, other.attention)
    ends = [np.stack([case.attention for case in cases(s, True)]) for s in ("ring", "undecided ring")]
    assert abs(ends[0] - ends[1]).max() > 0.01


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValueError, match="setting='square'; allowed are \"ring\""):
        cases("square", True)
