"""The table of "As fast as its peers?" is what the data say, and so are its sentences."""

from types import SimpleNamespace

import numpy as np
import same_update
import torch

ROUNDING, STEP = 1e-5, 5e-4  # of float32 in weights of about 1; of Adam, what a first step moves a weight by


def test_the_table_is_made_of_the_data():
    rows = same_update.read()
    assert (same_update.DATA / "same_update.md").read_text(encoding="utf-8") == same_update.table(rows) + "\n"
    assert [row.trial for row in rows[:: same_update.UPDATES]] == [trial.name for trial in same_update.TRIALS]


def test_claims_of_the_guide():
    as_it_is, once, harsh, control = (
        [row for row in same_update.read() if row.trial == t.name] for t in same_update.TRIALS
    )
    assert max(as_it_is[0].actor_apart, as_it_is[0].critic_apart) < ROUNDING
    assert as_it_is[-1].critic_apart > 100 * ROUNDING  # the value statistics
    assert as_it_is[-1].actor_apart < 0.1 * as_it_is[-1].actor_moved
    assert max(max(row.actor_apart, row.critic_apart) for row in once) < ROUNDING
    assert min(row.actor_moved for row in once) > STEP
    assert max(harsh[0].actor_apart, harsh[0].critic_apart, harsh[1].actor_apart, harsh[1].critic_apart) < ROUNDING
    assert harsh[-1].actor_apart < 0.05 * harsh[-1].actor_moved
    assert min(row.clipped for row in harsh) > 0.6
    assert min(row.clipped for row in once) > 0.04
    assert max(row.clipped for row in once) < 0.15
    assert control[0].actor_apart > 10 * ROUNDING  # a difference shows at once
    assert max(row.critic_apart for row in control) < ROUNDING  # and only where it is


def test_a_rollout_from_buffers_by_hand():
    """Two agents, T = 3, B = 1: the clock cuts the episode in step 1, so that step 2 is the first of the next."""
    T, B, n, d, A = 3, 1, 2, 4, 5
    rng = np.random.default_rng(0)
    actors = [SimpleNamespace(obs=rng.random((T + 1, B, d)), actions=rng.random((T, B, A))) for _ in range(n)]
    masks, bad_masks = np.ones((T + 1, B, 1)), np.ones((T + 1, B, 1))
    masks[2], bad_masks[2] = 0, 0
    critic = SimpleNamespace(
        share_obs=rng.random((T + 1, B, 7)), rewards=rng.random((T, B, 1)), masks=masks, bad_masks=bad_masks
    )
    rollout = same_update.as_rollout(SimpleNamespace(critic_buffer=critic, actor_buffer=actors))
    assert rollout.shape == (T, B)
    assert rollout.truncated.flatten().tolist() == [False, True, False]
    assert rollout.first.flatten().tolist() == [False, False, True]
    assert rollout.finals.index.tolist() == [1]
    torch.testing.assert_close(rollout.obs[2, 0, 1], torch.from_numpy(actors[1].obs[2, 0]))
    torch.testing.assert_close(rollout.action[0, 0, 1], torch.from_numpy(actors[1].actions[0, 0]))
    torch.testing.assert_close(rollout.last.state, torch.from_numpy(critic.share_obs[3]))
