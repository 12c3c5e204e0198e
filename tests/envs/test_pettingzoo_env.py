"""PettingZoo games as team environments: every kind of space, deaths, masks, rewards, clocks; and mpe2's games."""

import functools
import importlib
import importlib.util
import itertools
import sys
import types

import numpy as np
import pytest
from gymnasium import spaces
from numpy.testing import assert_allclose, assert_array_equal
from pettingzoo import ParallelEnv

from maca_edu import envs
from maca_edu.envs import mpe
from maca_edu.envs.particles import Particles
from maca_edu.envs.pettingzoo import ParallelSingle
from maca_edu.envs.workers import Vector

needs_mpe2 = pytest.mark.skipif(importlib.util.find_spec("mpe2") is None, reason="mpe2 is not installed")


def box(*shape, low=-5.0, high=5.0):
    return spaces.Box(low, high, shape, np.float32)


class Zoo(ParallelEnv):
    """Agents with every kind of observation; `leaves` goes after its second step, the others after `length`."""

    metadata = {"name": "zoo"}  # noqa: RUF012

    def __init__(self, rewards=(1.0,) * 5, length=4, end="terminated", mask=(0, 1, 1), has_state=False, max_steps=None):
        self.rewards, self.length, self.end, self.mask, self.has_state = rewards, length, end, mask, has_state
        if max_steps is not None:
            self.max_steps = max_steps
        self.possible_agents = ["boxed", "leaves", "bits", "many", "masked"]
        masked = spaces.Dict({"observation": box(1), "action_mask": spaces.MultiBinary(3)})
        kinds = [box(2, 2), spaces.Discrete(3, start=2), spaces.MultiBinary(2), spaces.MultiDiscrete([2, 3]), masked]
        self.kinds = dict(zip(self.possible_agents, kinds, strict=True))
        self.sizes = dict(zip(self.possible_agents, (2, 2, 4, 2, 3), strict=True))
        self.played = []

    def observation_space(self, agent):
        return self.kinds[agent]

    def action_space(self, agent):
        return spaces.Discrete(self.sizes[agent], start=10 if agent == "bits" else 0)

    def _see(self, agents):
        own = {
            "boxed": np.array([[1, 2], [3, self.time]], dtype=np.float32),
            "leaves": 3,
            "bits": np.array([0, 1]),
            "many": np.array([1, 2]),
            "masked": {"observation": np.array([0.5], dtype=np.float32), "action_mask": np.array(self.mask)},
        }
        return {agent: own[agent] for agent in agents}

    def _infos(self, agents):
        return {agent: {"action_mask": np.array([1, 0, 1, 0])} if agent == "bits" else {} for agent in agents}

    def reset(self, seed=None, options=None):
        self.time, self.agents = 0, list(self.possible_agents)
        return self._see(self.agents), self._infos(self.agents)

    def step(self, actions):
        self.played.append(actions)
        self.time += 1
        acted, ends = self.agents, self.time >= self.length
        gone = acted if ends else ["leaves"] if self.time == 2 else []
        over = {agent: agent in gone and (not ends or self.end != "truncated") for agent in acted}
        late = {agent: agent in gone and ends and self.end != "terminated" for agent in acted}
        self.agents = [agent for agent in acted if agent not in gone]
        paid = dict(zip(self.possible_agents, self.rewards, strict=True))
        return self._see(acted), {agent: paid[agent] for agent in acted}, over, late, self._infos(acted)

    def state(self):
        if not self.has_state:
            raise NotImplementedError
        return np.array([[self.time, 7]])


class Crane(ParallelEnv):
    """Two agents with continuous actions of different shapes, and no clock."""

    metadata = {"name": "crane"}  # noqa: RUF012
    possible_agents = ["hook", "boom"]  # noqa: RUF012

    def observation_space(self, agent):
        return box(1)

    def action_space(self, agent):
        return box(2, 2, low=-1.0, high=2.0) if agent == "hook" else box(1, low=0.0, high=1.0)

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        return self._see(), {}

    def _see(self):
        return {agent: np.zeros(1, dtype=np.float32) for agent in self.agents}

    def step(self, actions):
        self.played = actions
        no = dict.fromkeys(self.agents, False)
        return self._see(), dict.fromkeys(self.agents, 1.0), no, dict(no), {}


@pytest.fixture
def zoo(monkeypatch):
    """The module `zoo_games` with parallel_env = Zoo, as if a user had written it."""
    module = types.ModuleType("zoo_games")
    module.parallel_env = Zoo
    monkeypatch.setitem(sys.modules, "zoo_games", module)
    return module


LEGAL = np.array([0, 0, 2, 1, 1])


def test_every_space_becomes_a_vector():
    single = ParallelSingle(Zoo(), horizon=9)
    obs, state, available, alive = single.reset(0)
    expected = [[1, 2, 3, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 1], [0.5, 0, 0, 0, 0]]
    assert_array_equal(obs, np.array(expected, dtype=np.float32))
    assert_array_equal(state, [1, 2, 3, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0.5])
    assert available.astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 1, 0]]
    assert alive.all()
    assert (single.n_agents, single.n_actions, single.obs_size, single.state_size) == (5, 4, 5, 15)
    assert single.continuous is False


def test_actions_reach_the_game_in_its_own_numbers():
    single = ParallelSingle(Zoo(), horizon=9)
    single.reset(0)
    single.step(LEGAL)
    assert single.env.played[-1] == {"boxed": 0, "leaves": 0, "bits": 12, "many": 1, "masked": 1}


def test_who_leaves_is_dead_has_a_no_op_and_acts_no_more():
    single = ParallelSingle(Zoo(), horizon=9)
    single.reset(0)
    assert single.step(LEGAL)[0].alive.all()
    view, reward, over, late, *_ = single.step(LEGAL)
    assert view.alive.tolist() == [True, False, True, True, True]
    assert view.available[1].tolist() == [True, False, False, False]
    assert not view.obs[1].any()
    assert len(view.state) == 15
    assert (reward, over, late) == (1.0, False, False)
    single.step(LEGAL)
    assert "leaves" not in single.env.played[-1]


@pytest.mark.parametrize(
    ("end", "over", "late"), [("terminated", True, False), ("truncated", False, True), ("both", True, False)]
)
def test_the_game_ends_by_itself(end, over, late):
    single = ParallelSingle(Zoo(end=end), horizon=9)
    single.reset(0)
    ends = [single.step(LEGAL)[2:4] for _ in range(3)]
    assert ends == [(False, False)] * 3
    view, _, *ended = single.step(LEGAL)[:4]
    assert tuple(ended) == (over, late)
    assert view.alive.tolist() == [True, False, True, True, True]
    assert view.obs[0, 3] == 4  # what was seen last, not zeros


def test_the_horizon_cuts_but_does_not_hide_an_end():
    for horizon, expected in ((3, (False, True)), (4, (True, False))):
        single = ParallelSingle(Zoo(), horizon=horizon)
        single.reset(0)
        ends = [single.step(LEGAL)[2:4] for _ in range(horizon)]
        assert ends[-1] == expected
        assert set(ends[:-1]) == {(False, False)}


def test_the_clock_is_the_games_or_the_one_asked_for():
    assert ParallelSingle(Zoo(max_steps=6)).horizon == 6
    assert ParallelSingle(Zoo(max_steps=6), horizon=4).horizon == 4
    assert ParallelSingle(Zoo(max_steps=6), horizon=8).horizon == 8  # an explicit option wins
    with pytest.raises(ValueError, match="does not tell when its clock runs out"):
        ParallelSingle(Zoo())
    with pytest.raises(ValueError, match="horizon=0"):
        ParallelSingle(Zoo(), horizon=0)


def test_the_games_state_where_it_has_one():
    single = ParallelSingle(Zoo(has_state=True), horizon=9)
    single.reset(0)
    assert single.step(LEGAL)[0].state.tolist() == [1, 7]


def test_rewards_are_shared_summed_or_averaged():
    unequal = (1.0, 2.0, 3.0, 4.0, 5.0)
    single = ParallelSingle(Zoo(unequal), horizon=9)
    single.reset(0)
    with pytest.raises(
        ValueError, match=r"rewards of step 1 are \[1.0, 2.0, 3.0, 4.0, 5.0\].*reward=sum or reward=mean"
    ):
        single.step(LEGAL)
    for reward, before, after in (("sum", 15, 13), ("mean", 3, 13 / 5)):
        single = ParallelSingle(Zoo(unequal), reward, 9)
        single.reset(0)
        assert [single.step(LEGAL)[1] for _ in range(3)] == [before, before, after]  # `leaves` earned 2
    single = ParallelSingle(Zoo((float("nan"),) * 5), "sum", 9)
    single.reset(0)
    with pytest.raises(ValueError, match="step 1, agent 'boxed': the reward holds nan"):
        single.step(LEGAL)
    with pytest.raises(ValueError, match="reward='first'; allowed are shared, sum, mean"):
        ParallelSingle(Zoo(), "first", 9)


def test_wrong_masks_are_refused():
    for mask in ((0, 0, 0), (1, 1)):
        with pytest.raises(ValueError, match="agent 'masked': the action_mask is"):
            ParallelSingle(Zoo(mask=mask), horizon=9)


def test_continuous_actions_are_clipped_and_shaped():
    single = ParallelSingle(Crane(), horizon=2)
    view = single.reset(0)
    assert single.continuous
    assert view.available.tolist() == [[True] * 4, [True, False, False, False]]
    ended = single.step(np.array([[-3, 0.5, 3, 0], [-1, 9, 9, 9]], dtype=np.float32))
    assert_array_equal(single.env.played["hook"], [[-1, 1.25], [2, 0.5]])  # from -1 to 1 to the hook's -1 to 2
    assert_array_equal(single.env.played["boom"], [0])
    assert {action.dtype for action in single.env.played.values()} == {np.dtype(np.float32)}
    assert ended[1:4] == (1.0, False, False)
    assert single.step(np.zeros((2, 4)))[2:4] == (False, True)


def test_action_spaces_of_two_kinds_are_refused():
    class Mixed(Crane):
        def action_space(self, agent):
            return spaces.Discrete(2) if agent == "hook" else box(1)

    with pytest.raises(ValueError, match=r"the action spaces are .*; allowed are all Discrete, or all Box"):
        ParallelSingle(Mixed(), horizon=2)


def test_a_users_module_by_its_name(zoo):
    env = envs.make("pettingzoo/zoo_games?length=3&horizon=9", 2)
    env.reset(0)
    ends = [env.step(np.tile(LEGAL, (2, 1))) for _ in range(3)]
    assert [step.terminated.tolist() for step in ends] == [[False] * 2, [False] * 2, [True] * 2]
    assert not ends[-1].final.alive[:, 1].any()
    assert ends[-1].view.alive.all()
    with pytest.raises(ValueError, match=r"action\[0, 4\]=0; allowed there are \[1, 2\]"):
        env.step(np.zeros((2, 5), dtype=int))


def test_unequal_rewards_are_named_by_make(zoo):
    with pytest.raises(ValueError, match="rewards of step 1"):
        envs.make("pettingzoo/zoo_games?rewards=[1,2,3,4,5]&horizon=9", 1)


def test_a_users_module_in_worker_processes(tmp_path, monkeypatch):
    source = "from toy_envs.warehouse_v0 import parallel_env\n"
    (tmp_path / "somebodys_game.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    workers = envs.make("pettingzoo/somebodys_game?preset=tiny&horizon=4&processes=1", 2)
    here = envs.make("pettingzoo/somebodys_game?preset=tiny&horizon=4", 2)
    try:
        assert_array_equal(workers.reset(1).obs, here.reset(1).obs)
    finally:
        workers.close()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pettingzoo/no_such_package.game", "there is no Python module 'no_such_package', neither installed"),
        ("pettingzoo/json", "'json' has no function 'parallel_env'"),
        ("pettingzoo/toy_envs.ring_v0?spam=1", "unknown option 'spam'"),
        ("pettingzoo/zoo_games", "env='pettingzoo/zoo_games': the game does not tell"),
        ("mpe/simple_tag", "env='mpe/simple_tag'; allowed are mpe/simple_spread, mpe/simple_reference"),
    ],
)
def test_wrong_names_are_refused(name, message, zoo):
    with pytest.raises(ValueError, match=message):
        envs.make(name, 2)


@needs_mpe2
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("spam=1", "env='mpe/simple_spread.spam=1': .*spam"),
        ("local_ratio=2", "local_ratio"),
        ("reward=first", "reward='first'; allowed are"),
        ("processes=-1", "processes=-1; allowed"),
    ],
)
def test_wrong_options_of_mpe_are_refused(query, message):
    with pytest.raises(ValueError, match=message):
        envs.make(f"mpe/simple_spread?{query}", 2)


@pytest.mark.parametrize("game", ["fridge", "ring", "climb", "penalty", "xor"])
def test_toy_games_pay_the_same_either_way(game):
    toy, zoo = envs.make(f"toy/{game}", 16), envs.make(f"pettingzoo/toy_envs.{game}_v0", 16)
    assert_array_equal(toy.reset(0).obs, zoo.reset(0).obs)
    action = np.random.default_rng(0).integers(toy.n_actions, size=(16, toy.n_agents))
    for a, b in zip(toy.step(action), zoo.step(action), strict=True):
        if isinstance(a, np.ndarray):
            assert_array_equal(a, b)


def test_the_warehouse_is_the_same_either_way():
    name = "pettingzoo/toy_envs.warehouse_v0?preset=tiny"
    single = importlib.import_module("maca_edu.envs.pettingzoo").single(name)
    game, rng, ended = single.env.game, np.random.default_rng(0), 0
    for seed in range(5):
        state, over, late = game.reset(np.random.default_rng(seed), 1), False, False
        assert_array_equal(single.reset(seed).obs, game.observe(state)[0])
        while not (over or late):
            action = rng.integers(single.n_actions, size=single.n_agents)
            played = game.step(state, action[None])
            state = played.state
            view, reward, over, late, *_ = single.step(action)
            assert_allclose(reward, played.reward[0])
            assert_array_equal(view.obs, game.observe(state)[0])
            assert_array_equal(view.state, game.features(state)[0])
            assert over == played.terminated[0]
        ended += late
    assert ended


@needs_mpe2
@pytest.mark.parametrize("continuous", [True, False])
@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("simple_spread", {}),
        ("simple_spread", dict(N=4, local_ratio=0.2)),
        ("simple_spread", dict(N=1, terminate_on_success=True)),
        ("simple_reference", {}),
        ("simple_speaker_listener", {}),
    ],
)
def test_mpe_plays_as_mpe2s_parallel_env(name, extra, continuous):
    """Step by step the same observations, states, rewards and ends, on the same seeds."""
    query = "&".join(f"{key}={str(value).lower()}" for key, value in dict(extra, continuous=continuous).items())
    single = mpe.single(f"mpe/{name}?{query}")
    module = importlib.import_module(mpe.GAMES[f"mpe/{name}"])
    theirs = module.parallel_env(continuous_actions=continuous, max_cycles=25, **extra)
    rng, early = np.random.default_rng(1), 0
    for seed in range(40 if "terminate_on_success" in extra else 3):
        seen, _ = theirs.reset(seed=seed)
        view, steps, ended = single.reset(seed), 0, False
        while not ended:
            for i, agent in enumerate(theirs.possible_agents):
                assert_array_equal(view.obs[i, : len(seen[agent])], seen[agent])
                assert not view.obs[i, len(seen[agent]) :].any()
            assert_array_equal(view.state, theirs.state())
            action, joint = random_joint(theirs, view, continuous, rng)
            seen, rewards, over, late, _ = theirs.step(joint)
            view, reward, *ends = single.step(action)[:4]
            assert_allclose(reward, sum(rewards.values()), rtol=1e-12)
            assert ends == [all(over.values()), all(late.values())]
            steps, ended = steps + 1, any(ends)
        early += steps < 25
    assert early > 0 if "terminate_on_success" in extra else early == 0


@needs_mpe2
@pytest.mark.parametrize(
    "name",
    [
        "mpe/simple_spread",
        "mpe/simple_spread?continuous=false&N=5&local_ratio=0.3&reward=mean",
        "mpe/simple_spread?N=4&local_ratio=0.3&collisions=v2",
        "mpe/simple_spread?N=1&horizon=3",
        "mpe/simple_reference?reward=mean",
        "mpe/simple_reference?continuous=false&local_ratio=1",
        "mpe/simple_speaker_listener?reward=shared",
        "mpe/simple_speaker_listener?continuous=false",
    ],
)
def test_particles_together_are_particles_one_by_one(name):
    """To the last bit, over three episodes in which agents push each other."""
    together, alone = envs.make(name, 4), Vector(functools.partial(mpe.single, name), 4)
    assert isinstance(together, Particles)
    rng, view, _, touched = np.random.default_rng(0), together.reset(7), alone.reset(7), 0
    for t in range(3 * together.horizon):
        if together.continuous:
            action = rng.uniform(-0.2, 1.2, view.available.shape).astype(np.float32)
        else:
            action = (rng.random(view.available.shape) * view.available).argmax(-1)
        if "spread" in name and together.n_agents > 1 and t % 2:
            action = towards_the_middle(view, together)
        a, b = together.step(action), alone.step(action)
        for ours, theirs in zip((*a.view, *a.final, *a[2:5]), (*b.view, *b.final, *b[2:5]), strict=True):
            assert_array_equal(ours, theirs)
        touched += crowded(a.final) if "spread" in name else 0
        view = a.view
    assert touched or together.n_agents == 1 or "spread" not in name


def towards_the_middle(view, env):
    """Actions that bring all agents of Spread together."""
    x, y = view.obs[..., 2], view.obs[..., 3]
    if env.continuous:
        zero = np.zeros_like(x)
        return np.stack([zero, (x > 0) * 1, (x < 0) * 1, (y > 0) * 1, (y < 0) * 1], axis=-1).astype(np.float32)
    sideways = abs(x) > abs(y)
    return np.where(sideways, np.where(x > 0, 1, 2), np.where(y > 0, 3, 4))


def crowded(view):
    """Whether two agents of Spread touch somewhere."""
    place = view.obs[..., 2:4]
    distance = np.hypot(*np.moveaxis(place[:, :, None] - place[:, None], -1, 0))
    return bool(((distance > 0) & (distance < 0.3)).any())


@needs_mpe2
def test_what_simple_plays_of_spread_get():
    """The returns that `maca_edu.envs.mpe` and the guides compare Table 5 with."""
    rng = np.random.default_rng(0)
    random = spread_return(lambda env, t: rng.random((env.batch, 3, 5)))
    assert abs(random + 78) < 2
    assert abs(spread_return(lambda env, t: np.zeros((env.batch, 3, 5))) + 72.7) < 2
    assert abs(spread_return(Straight(agree=False)) + 49.5) < 2
    assert abs(spread_return(Straight()) + 20.1) < 1


@needs_mpe2
@pytest.mark.parametrize(
    ("game", "still", "middle"), [("simple_reference", -53.1, -33.9), ("simple_speaker_listener", -67.9, -30.1)]
)
def test_what_players_without_words_get(game, still, middle):
    """The returns that the guide of the paper's tables compares Reference and Speaker-Listener with."""
    assert abs(wordless_return(game, walks=False) - still) < 0.1
    assert abs(wordless_return(game, walks=True) - middle) < 0.1


def wordless_return(game, walks):
    """The mean return of 512 episodes in which nobody says anything; bodies walk to the landmarks' middle or stand."""
    env = envs.make(f"mpe/{game}", 512)
    env.reset(0)
    total = np.zeros(512)
    for _ in range(25):
        x, action = env._bodies, np.zeros((512, 2, env.n_actions), dtype=np.float32)
        push = np.clip(4 * (x.places.mean(axis=1, keepdims=True) - x.agents) - 1.5 * x.speed, -1, 1)
        if walks:
            x_way, y_way = np.moveaxis(push, -1, 0)
            action[..., 1:5] = np.maximum(np.stack([-x_way, x_way, -y_way, y_way], axis=-1), 0)
        if game == "simple_speaker_listener":
            action[:, 0] = 0  # the speaker has no body to move
        total += env.step(action).reward
    return total.mean()


@needs_mpe2
def test_the_old_collisions_by_hand():
    """Three agents on a line, 0.2 apart, radius 0.15: the outer ones touch the middle, which touches both."""
    for query, own in (("", (-1, -2, -1)), ("?collisions=v3", (-1, -2, -1)), ("?collisions=v2", (-2, -3, -2))):
        one = mpe.single(f"mpe/simple_spread{query}")
        one.reset(0)
        world = one.env.game.world
        for i, (agent, place) in enumerate(zip(world.agents, world.landmarks, strict=True)):
            agent.state.p_pos, place.state.p_pos = np.array([0.2 * i, 0.0]), np.array([0.2 * i, 0.5])
        assert tuple(one.env.game.scenario.reward(agent, world) for agent in world.agents) == own
        assert one.env.game.scenario.global_reward(world) == pytest.approx(-1.5)


@needs_mpe2
def test_the_old_collisions_cost_a_constant():
    """Local ratio 1/2, three agents: 1.5 in every step, 37.5 in an episode, whether others touch or not."""
    new, old = (envs.make(f"mpe/simple_spread?collisions={version}", 64) for version in ("v3", "v2"))
    plain, rng, total = envs.make("mpe/simple_spread", 64), np.random.default_rng(0), np.zeros(64)
    for env in (new, old, plain):
        env.reset(3)
    for _ in range(25):
        action = rng.random((64, 3, 5)).astype(np.float32)
        rewards = [env.step(action).reward for env in (new, old, plain)]
        np.testing.assert_allclose(rewards[1], rewards[0] - 1.5, rtol=1e-5)
        np.testing.assert_array_equal(rewards[2], rewards[0])
        total += rewards[1] - rewards[0]
    np.testing.assert_allclose(total, -37.5, rtol=1e-5)


@needs_mpe2
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mpe/simple_spread?collisions=v1", "collisions='v1'; allowed are v3, v2"),
        ("mpe/simple_spread?collisions=true", "collisions=True; allowed are v3, v2"),
        ("mpe/simple_reference?collisions=v2", "collisions='v2'; mpe/simple_reference has no collisions, only simple_"),
        ("mpe/simple_speaker_listener?collisions=v3", "mpe/simple_speaker_listener has no collisions, only simple_"),
    ],
)
def test_collisions_are_of_spread_only(name, message):
    with pytest.raises(ValueError, match=message):
        envs.make(name, 2)


def spread_return(choose):
    """The mean return of 512 episodes of Spread; choose(env, t) gives the actions."""
    env = envs.make("mpe/simple_spread", 512)
    env.reset(0)
    return sum(env.step(choose(env, t).astype(np.float32)).reward for t in range(25)).mean()


class Straight:
    """Sends every agent to a landmark of its own so that the ways add up to the least; or, where agents do not agree,
    each to the landmark that is nearest at first."""

    def __init__(self, agree=True):
        self.agree = agree

    def __call__(self, env, t):
        x = env._bodies
        if t == 0:
            ways = np.linalg.norm(x.agents[:, :, None] - x.places[:, None], axis=-1)  # [B, agent, landmark]
            plans = np.array(list(itertools.permutations(range(3))))
            costs = np.stack([sum(ways[:, i, plan[i]] for i in range(3)) for plan in plans], axis=1)
            self.plan = plans[costs.argmin(1)] if self.agree else ways.argmin(2)
        goal = np.take_along_axis(x.places, self.plan[..., None], axis=1)
        push = np.clip(4 * (goal - x.agents) - 1.5 * x.speed, -1, 1)
        left, right, down, up = -push[..., 0], push[..., 0], -push[..., 1], push[..., 1]
        return np.maximum(np.stack([np.zeros_like(up), left, right, down, up], axis=-1), 0)


@needs_mpe2
def test_options_that_change_mpe2s_rules_are_played_by_mpe2():
    for query in ("num_agent_neighbors=1", "terminate_on_success=true", "curriculum=true"):
        assert isinstance(envs.make(f"mpe/simple_spread?{query}", 1), Vector)


@needs_mpe2
def test_unequal_rewards_of_particles_are_named():
    env = envs.make("mpe/simple_reference?reward=shared", 2)
    view = env.reset(0)
    with pytest.raises(ValueError, match="rewards of step 1 are"):
        env.step(np.zeros(view.available.shape))


def random_joint(theirs, view, continuous, rng):
    """A random legal action as an array and in mpe2's own form; continuous ones partly outside the range."""
    if not continuous:
        action = np.array([rng.choice(np.flatnonzero(legal)) for legal in view.available])
        return action, {agent: int(a) for agent, a in zip(theirs.possible_agents, action, strict=True)}
    action = rng.uniform(-0.2, 1.2, view.available.shape).astype(np.float32) * view.available
    sizes = view.available.sum(-1)
    return action, {
        agent: np.clip(a[:size], 0, 1) for agent, a, size in zip(theirs.possible_agents, action, sizes, strict=True)
    }


@needs_mpe2
def test_speaker_and_listener_are_padded():
    view = mpe.single("mpe/simple_speaker_listener").reset(0)
    assert view.available.sum(-1).tolist() == [3, 5]
    assert view.obs.shape == (2, 11)
    assert not view.obs[0, 3:].any()
    assert view.obs[1, 2:8].all()
    assert len(view.state) == 14
    discrete = envs.make("mpe/simple_speaker_listener?continuous=false", 1)
    assert discrete.reset(0).available.sum(-1).tolist() == [[3, 5]]
    with pytest.raises(ValueError, match=r"action\[0, 0\]=3; allowed there are \[0, 1, 2\]"):
        discrete.step(np.array([[3, 4]]))


@needs_mpe2
def test_the_sizes_are_those_of_the_paper_s_games():
    sizes = {}
    for name in mpe.names():
        for continuous in ("true", "false"):
            one = mpe.single(f"{name}?continuous={continuous}")
            sizes[name, continuous] = (one.n_agents, one.obs_size, one.state_size, one.n_actions)
            assert one.horizon == 25
    expected = [(3, 18, 54, 5), (3, 18, 54, 5), (2, 21, 42, 15), (2, 21, 42, 50), (2, 11, 14, 5), (2, 11, 14, 5)]
    assert list(sizes.values()) == expected


@needs_mpe2
def test_spread_is_shared_only_without_local_rewards():
    shared = mpe.single("mpe/simple_spread?reward=shared&local_ratio=0")
    shared.reset(0)
    shared.step(np.zeros((3, 5)))
    crowded = mpe.single("mpe/simple_reference?reward=shared")
    crowded.reset(0)
    with pytest.raises(ValueError, match="rewards of step 1"):
        crowded.step(np.zeros((2, 15)))
