"""JaxMARL's particle games as team environments, against mpe2's: the same bodies and actions lead to the same step."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from maca_edu.envs import jaxmpe
from maca_edu.training import checkpoint

pytest.importorskip("jaxmarl")

B = 4
GAMES = [name.removeprefix("jaxmpe/") for name in jaxmpe.names()]


def random_actions(env, rng):
    """A joint action [B, n], or [B, n, A] with some numbers out of range, which are clipped."""
    if env.continuous:
        return rng.uniform(-0.2, 1.2, (B, env.n_agents, env.n_actions)).astype(np.float32)
    return np.where(env.view().available, rng.random((B, env.n_agents, env.n_actions)), -1).argmax(-1)


def place(env, singles, rng):
    """Put the bodies of mpe2's games, with random speeds, close together, into JaxMARL's state."""
    saved = env.state_dict()
    copies = {key.removeprefix("0/"): x for key, x in saved["copies"].items()}
    for b, single in enumerate(singles):
        world = single.env.game.world
        for body in world.entities:
            body.state.p_pos = rng.uniform(-0.3, 0.3, 2)
            body.state.p_vel = rng.uniform(-1, 1, 2) * body.movable
        copies["p_pos"][b] = [body.state.p_pos for body in world.entities]
        copies["p_vel"][b] = [body.state.p_vel for body in world.entities]
        known = [getattr(agent, "_goal_b", None) for agent in world.agents]
        goals = [world.landmarks.index(place) for place in known if place is not None]
        if goals and copies["goal"].ndim == 1:
            copies["goal"][b] = goals[0]
        elif goals:
            copies["goal"][b] = goals[::-1]  # mpe2: what this agent knows; JaxMARL: where this agent should go
    env.load_state_dict(saved)


@pytest.mark.parametrize("continuous", [True, False])
@pytest.mark.parametrize("game", [*GAMES, "simple_spread?collisions=v2"])
def test_a_step_is_mpe2s(game, continuous):
    mpe = pytest.importorskip("maca_edu.envs.mpe")
    pytest.importorskip("mpe2")
    query = f"{game}{'&' if '?' in game else '?'}continuous={str(continuous).lower()}"
    rng = np.random.default_rng(0)
    env, singles = jaxmpe.make(f"jaxmpe/{query}", B), [mpe.single(f"mpe/{query}") for _ in range(B)]
    env.reset(0)
    legal = np.stack([single.reset(b).available for b, single in enumerate(singles)])
    assert_array_equal(env.view().available, legal)
    assert jaxmpe.sizes(env.name) == (env.n_agents, env.n_actions, continuous, env.horizon)
    for _ in range(8):
        place(env, singles, rng)
        for _ in range(2):
            action = random_actions(env, rng)
            ours = env.step(action)
            for b, single in enumerate(singles):
                view, reward, *_ = single.step(action[b])
                for x, y in zip(ours.final, view, strict=True):
                    assert_allclose(x[b], y, rtol=1e-4, atol=1e-4)
                assert ours.reward[b] == pytest.approx(reward, rel=1e-4)


@pytest.mark.parametrize("game", GAMES)
def test_episodes_begin_as_in_mpe2_on_average(game):
    """Means and spreads of the first observations, over 8,000 beginnings of each."""
    mpe = pytest.importorskip("maca_edu.envs.mpe")
    pytest.importorskip("mpe2")
    single = mpe.single(f"mpe/{game}")
    theirs = np.stack([single.reset(seed).obs for seed in range(8000)])
    ours = jaxmpe.make(f"jaxmpe/{game}", 8000).reset(0).obs
    assert_allclose(ours.mean(0), theirs.mean(0), atol=0.06)
    assert_allclose(ours.std(0), theirs.std(0), atol=0.035)


@pytest.mark.parametrize("game", GAMES)
def test_episodes_are_cut_and_only_cut(game):
    env, rng = jaxmpe.make(f"jaxmpe/{game}?horizon=5&reward=mean", B), np.random.default_rng(0)
    env.reset(0)
    for time in range(1, 11):
        step = env.step(random_actions(env, rng))
        assert step.truncated.tolist() == [time % 5 == 0] * B
        assert not step.terminated.any()
        same = [(a == b).all() for a, b in zip(step.view, step.final, strict=True)]
        assert same == [time % 5 > 0, time % 5 > 0, True, True]
    assert jaxmpe.make(f"jaxmpe/{game}", B).horizon == 25


def test_rewards_are_added_up_or_averaged():
    envs = [jaxmpe.make(f"jaxmpe/simple_spread?reward={reward}", B) for reward in jaxmpe.REWARDS]
    action = random_actions(envs[0], np.random.default_rng(0))
    total, mean = (env.step(action).reward for env in envs)
    assert_allclose(total, 3 * mean, rtol=1e-6)
    assert (total < 0).all()


@pytest.mark.parametrize(("query", "paid"), [("", 1.5), ("&reward=mean", 0.5)])
def test_with_the_old_collisions_each_agent_pays_for_itself(query, paid):
    """Local ratio 1/2, three agents: 1.5 in every step, whether others touch or not, and 37.5 in an episode."""
    new, old = (jaxmpe.make(f"jaxmpe/simple_spread?collisions={version}{query}", B) for version in ("v3", "v2"))
    rng = np.random.default_rng(0)
    for _ in range(25):
        action = random_actions(new, rng)
        here, there = new.step(action), old.step(action)
        assert_allclose(there.reward, here.reward - paid, rtol=1e-5)
        assert_array_equal(here.final.obs, there.final.obs)


def test_speakers_and_listeners_are_padded():
    env = jaxmpe.make("jaxmpe/simple_speaker_listener", B)
    view = env.reset(0)
    assert (env.n_agents, env.n_actions, env.obs_size, env.state_size) == (2, 5, 11, 14)
    assert view.available[0].astype(int).tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert not view.obs[:, 0, 3:].any()
    assert_array_equal(view.state, np.concatenate([view.obs[:, 0, :3], view.obs[:, 1]], axis=1))
    with pytest.raises(ValueError, match=r"action\[0, 0, 0\]=nan; allowed there are finite numbers"):
        env.step(np.full((B, 2, 5), np.nan))
    with pytest.raises(ValueError, match=r"action has shape \(4, 2\); expected \(4, 2, 5\)"):
        env.step(np.zeros((B, 2)))
    spoken = jaxmpe.make("jaxmpe/simple_speaker_listener?continuous=false", B)
    with pytest.raises(ValueError, match=r"action\[0, 0\]=3; allowed there are \[0, 1, 2\]"):
        spoken.step(np.full((B, 2), 3))


def test_a_saved_state_goes_on(tmp_path):
    one, other = (jaxmpe.make("jaxmpe/simple_spread?horizon=5", B) for _ in range(2))
    one.reset(3), other.reset(4)
    rng = np.random.default_rng(1)
    for _ in range(7):
        one.step(random_actions(one, rng))
    checkpoint.save(tmp_path / "saved.npz", one.state_dict())
    other.load_state_dict(checkpoint.load(tmp_path / "saved.npz"))
    for _ in range(7):
        action = random_actions(one, rng)
        a, b = one.step(action), other.step(action)
        for x, y in zip([*a.view, *a.final], [*b.view, *b.final], strict=True):
            assert_array_equal(x, y)
        assert_array_equal([a.reward, a.truncated], [b.reward, b.truncated])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jaxmpe/simple", "env='jaxmpe/simple'; allowed are jaxmpe/simple_spread"),
        ("jaxmpe/simple_spread?N=4", "has no option N; allowed are continuous, reward, horizon, and of simple_spread"),
        ("jaxmpe/simple_spread?collisions=v1", "collisions='v1'; allowed are v3, v2"),
        ("jaxmpe/simple_reference?collisions=v2", "collisions='v2'; jaxmpe/simple_reference has no collisions, only"),
        ("jaxmpe/simple_spread?continuous=1", "continuous=1; allowed are true and false"),
        ("jaxmpe/simple_spread?reward=max", "reward='max'; allowed are sum, mean"),
        ("jaxmpe/simple_spread?horizon=0", "horizon=0; allowed is an integer of at least 1"),
    ],
)
def test_wrong_names_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        jaxmpe.make(name, B)
