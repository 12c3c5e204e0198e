"""Every game as a PettingZoo environment: PettingZoo's own tests, credit, episodes and errors."""

import itertools
import subprocess
import sys
import warnings

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test, state_test

from toy_envs import (
    OneShotGame,
    RewardTerm,
    climb_v0,
    fridge_v0,
    longring_v0,
    penalty_v0,
    ring_v0,
    warehouse_v0,
    xor_v0,
)
from toy_envs.adapter import ParallelGame

GAMES = {
    "fridge": (fridge_v0, {}),
    "ring": (ring_v0, {}),
    "ring of 32": (ring_v0, {"n_agents": 32, "span": 3, "cost": 0.1}),
    "long ring": (longring_v0, {"rounds": 6}),
    "long ring that moves": (longring_v0, {"n_agents": 30, "span": 3, "rounds": 4, "moving": True}),
    "climb": (climb_v0, {}),
    "penalty": (penalty_v0, {"penalty": -10}),
    "xor": (xor_v0, {"n_agents": 3}),
    **{f"warehouse {name}": (warehouse_v0, {"preset": name}) for name in warehouse_v0.PRESETS},
    "random team": (warehouse_v0, {"preset": "team", "random": True}),
}
every_game = pytest.mark.parametrize(("module", "options"), GAMES.values(), ids=GAMES)


@pytest.fixture
def strict():
    """Warnings are errors, but for PettingZoo's advice to call agents `player_0` rather than `A`."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="We recommend agents to be named in the format")
        yield


def play(env, seed, steps=8):
    """The observations, rewards and infos of some steps with random actions."""
    rng = np.random.default_rng(seed)
    seen = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        if not env.agents:
            seen.append(env.reset()[0])
        observation, reward, *_, info = env.step({a: rng.integers(env.action_space(a).n) for a in env.agents})
        seen.append((observation, reward, info))
    return seen


@every_game
def test_pettingzoos_own_tests_pass_without_a_warning(module, options, strict, capsys):
    parallel_api_test(module.parallel_env(**options))
    api_test(module.env(**options))
    parallel_seed_test(lambda: module.parallel_env(**options))
    seed_test(lambda: module.env(**options))
    assert capsys.readouterr().out.splitlines() == [
        "Passed Parallel API test",
        "Starting API test",
        "Passed API test",
    ]


@every_game
@pytest.mark.filterwarnings("ignore:State is a single number")
@pytest.mark.filterwarnings("ignore:State numpy array is all zeros")
def test_state_fits_its_space(module, options):
    state_test(module.env(**options), module.parallel_env(**options))


@every_game
def test_credit_adds_up_to_the_shared_reward_to_the_last_bit(module, options):
    env = module.parallel_env(**options)
    terms = [term.name for term in env.game.reward_terms]
    rng = np.random.default_rng(1)
    env.reset(seed=1)
    for _ in range(20):
        if not env.agents:
            env.reset()
        agents = env.agents
        members = env.game.members(env._state)[0]
        _, reward, _, _, info = env.step({a: int(rng.integers(env.action_space(a).n)) for a in agents})
        assert len(set(reward.values())) == 1
        for agent in agents:
            credit, groups = info[agent]["credit"], info[agent]["members"]
            assert list(credit) == list(groups) == terms
            assert sum(credit.values()) == reward[agent]
            assert {type(amount) for amount in credit.values()} == {type(reward[agent])} == {float}
            for row, group in zip(members, groups.values(), strict=True):
                assert group == tuple(name for name, member in zip(agents, row, strict=True) if member)


def test_credit_adds_up_where_rounding_matters():
    terms = [RewardTerm(f"t{k}", (0,), [0.0, amount]) for k, amount in enumerate((0.1, 1e16, 0.7, -1e16, 0.3))]
    env = ParallelGame(OneShotGame(1, 2, terms))
    env.reset(seed=0)
    _, reward, _, _, info = env.step({"A": 1})
    assert reward["A"] == sum(info["A"]["credit"].values())


def test_infos_of_two_agents_share_nothing():
    env = fridge_v0.parallel_env()
    env.reset(seed=0)
    info = env.step(dict.fromkeys("ABCD", 1))[-1]
    info["A"]["credit"]["fridge"] = 0.0
    assert info["B"]["credit"]["fridge"] == 6.0
    assert info["B"]["members"] == {
        "fridge": ("A", "B", "C"),
        "backpack": ("A",),
        **{f"effort_{agent}": (agent,) for agent in "ABCD"},
    }


@every_game
def test_observations_and_states_lie_between_minus_one_and_one(module, options):
    env = module.parallel_env(**options)
    rng = np.random.default_rng(2)
    env.reset(seed=2)
    for _ in range(50):
        if not env.agents:
            env.reset()
        observation = env.step({a: rng.integers(env.action_space(a).n) for a in env.agents})[0]
        assert all(env.observation_space(agent).contains(seen) for agent, seen in observation.items())
        assert env.state_space.contains(env.state())


@every_game
def test_the_same_seed_gives_the_same_game(module, options):
    first, second = (play(module.parallel_env(**options), seed=3) for _ in range(2))
    np.testing.assert_equal(first, second)


def test_reset_without_a_seed_goes_on_with_the_old_generator():
    def starts(env):
        return np.array([env.state() for seed in (7, None, None, None) if env.reset(seed=seed)])

    env = warehouse_v0.parallel_env(preset="team", random=True)
    first, again = starts(env), starts(env)
    assert np.array_equal(first, again)
    assert len(np.unique(first, axis=0)) > 1


def test_the_first_reset_needs_no_seed():
    env = warehouse_v0.parallel_env(preset="team", random=True)
    env.reset()
    assert env.agents == list(env.game.agents)


class Clock(OneShotGame):
    """A game that never ends by itself: the state counts the steps."""

    horizon = 3

    def step(self, state, action):
        step = super().step(state, action)
        return step._replace(state=state + 1, terminated=np.zeros(len(state), dtype=bool))


def test_an_episode_is_truncated_at_the_horizon():
    env = ParallelGame(Clock(2, 2, [RewardTerm("one", (0,), [0.0, 1.0])]))
    for _ in range(2):
        env.reset(seed=0)
        ends = [env.step({"A": 0, "B": 0})[2:4] for _ in range(3)]
        assert [end["A"] for end, _ in ends] == [False, False, False]
        assert [cut["B"] for _, cut in ends] == [False, False, True]
        assert env.agents == []


def test_a_game_that_ends_at_the_horizon_is_terminated_not_truncated():
    env = climb_v0.parallel_env()
    env.reset()
    _, _, terminated, truncated, _ = env.step({"A": 0, "B": 0})
    assert terminated == {"A": True, "B": True}
    assert truncated == {"A": False, "B": False}


def test_agents_in_turn_receive_the_same_credit():
    env = fridge_v0.env()
    env.reset(seed=0)
    for action in (1, 1, 1, 0):
        env.step(action)
    assert env.rewards == dict.fromkeys("ABCD", 5.0)
    assert sum(env.infos["D"]["credit"].values()) == 5.0


def test_metadata():
    env = ring_v0.parallel_env(render_mode="ansi", n_agents=7)
    assert env.metadata["name"] == str(env) == "ring_v0"
    assert env.metadata["render_modes"] == ["ansi", "rgb_array"]
    assert env.possible_agents == list("ABCDEFG")
    assert env.action_space("A") is env.action_space("A")
    assert env.observation_space("A").shape == (7,)


def step_after(reset, actions):
    env = fridge_v0.parallel_env()
    if reset:
        env.reset(seed=0)
    return env.step(actions)


def step_twice():
    env = climb_v0.parallel_env()
    env.reset(seed=0)
    env.step({"A": 0, "B": 0})
    env.step({"A": 0, "B": 0})


LIFT = dict.fromkeys("ABCD", 1)


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (
            lambda: step_after(False, LIFT),
            ResetNeeded,
            "step() was called before reset(); call reset() first",
        ),
        (
            step_twice,
            ResetNeeded,
            "step() was called after the end of the episode; call reset() to start another",
        ),
        (
            lambda: fridge_v0.parallel_env().state(),
            ResetNeeded,
            "state() was called before reset(); call reset() first",
        ),
        (
            lambda: fridge_v0.parallel_env(render_mode="ansi").render(),
            ResetNeeded,
            "render() was called before reset(); call reset() first",
        ),
        (
            lambda: fridge_v0.parallel_env().render(),
            ValueError,
            "render_mode=None draws nothing; make the environment with 'ansi' or 'rgb_array'",
        ),
        (
            lambda: fridge_v0.parallel_env(render_mode="human"),
            ValueError,
            "render_mode='human'; allowed are None, 'ansi' and 'rgb_array'",
        ),
        (
            lambda: step_after(True, {"A": 1, "B": 1, "C": 1}),
            ValueError,
            "actions lacks agent 'D'; every agent acts in every step",
        ),
        (
            lambda: step_after(True, LIFT | {"E": 1}),
            ValueError,
            "actions names 'E'; the agents are A, B, C, D",
        ),
        (
            lambda: step_after(True, LIFT | {"B": 2}),
            ValueError,
            "the action of agent 'B' is 2; allowed are 0 (rest), 1 (lift)",
        ),
        (
            lambda: step_after(True, LIFT | {"B": -1}),
            ValueError,
            "the action of agent 'B' is -1; allowed are 0 (rest), 1 (lift)",
        ),
        (
            lambda: step_after(True, LIFT | {"C": 0.5}),
            ValueError,
            "the action of agent 'C' is 0.5; allowed are 0 (rest), 1 (lift)",
        ),
        (
            lambda: step_after(True, LIFT | {"C": None}),
            ValueError,
            "the action of agent 'C' is None; allowed are 0 (rest), 1 (lift)",
        ),
    ],
)
def test_errors_are_one_sentence(call, kind, sentence):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("module", "make"), list(itertools.product((fridge_v0, ring_v0, xor_v0), ("game", "env", "parallel_env")))
)
def test_an_unknown_option_is_named_with_those_allowed(module, make):
    with pytest.raises(ValueError, match=r"unknown option 'agents'; the options of this game are: (fridge|n_agents)"):
        getattr(module, make)(agents=3)


def test_a_wrong_action_leaves_the_game_as_it_was():
    env = fridge_v0.parallel_env()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="agent 'B'"):
        env.step(LIFT | {"B": 2})
    assert env.step(LIFT)[1]["A"] == 4.0


def test_playing_never_loads_matplotlib_and_drawing_never_loads_pyplot():
    script = (
        "import sys; from toy_envs import fridge_v0\n"
        "env = fridge_v0.parallel_env(render_mode='rgb_array'); env.reset(seed=0)\n"
        "env.step(dict.fromkeys('ABCD', 1)); assert 'matplotlib' not in sys.modules\n"
        "env.render(); assert 'matplotlib.pyplot' not in sys.modules; assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("agent", ["Z", "", "a", 0, None, True, ["A"], {}, float("nan"), np.zeros(2)])
@pytest.mark.parametrize("make", [fridge_v0.parallel_env, fridge_v0.env])
def test_an_agent_that_does_not_play_is_named(make, agent):
    env = make()
    for space in (env.observation_space, env.action_space):
        with pytest.raises(ValueError, match=r"^agent=.*; the agents are A, B, C, D$"):
            space(agent)
