"""Games as strangers write them: harmless habits are understood, wrong ones are one sentence."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import strangers
from numpy.testing import assert_array_equal

from maca_edu import envs
from maca_edu.envs import options, pettingzoo, readings
from maca_edu.envs.parallel_game import ParallelSingle

ROOT = Path(__file__).parents[2]


def play(env, steps):
    """Play legal actions, each agent its last; returns all steps."""
    view, played = env.reset(3), []
    for _ in range(steps):
        highest = env.n_actions - 1 - view.available[:, :, ::-1].argmax(-1)
        played.append(env.step(highest))
        view = played[-1].view
    return played


def command(words, folder):
    """What `maca-edu` says, run in `folder` from this source as an installed program would be."""
    program = "import sys; sys.path.pop(0); from maca_edu.cli import main; sys.exit(main())"
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "envs")])
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths}, check=False,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Harmless habits; the conformance suite plays these games too


@pytest.mark.parametrize("name", strangers.HARMLESS_NAMES)
def test_all_harmless_habits_are_the_same_game(name):
    """The same numbers are seen and paid, whatever way they are told; and nobody plays what is illegal."""
    env, plain = envs.make(name, 2), envs.make("pettingzoo/strangers", 2)
    is_free = not env.reset(3).available[:, 1, 2].all()
    for mine, theirs in zip(play(env, 14), play(plain, 14), strict=True):
        assert_array_equal(mine.view.obs[:, :, 0], theirs.view.obs[:, :, 0])  # the random number of every episode
        assert_array_equal(mine.truncated, theirs.truncated)
        if is_free:
            assert_array_equal(mine.view.obs, theirs.view.obs)
            assert_array_equal(mine.view.available, theirs.view.available)
            assert_array_equal(mine.reward, theirs.reward)


@pytest.mark.parametrize("habit", ["state_is_a_value", "state_of_one_agent", "state_of_words"])
def test_what_is_no_state_in_numbers_is_none(habit):
    view = envs.make(f"pettingzoo/strangers?habit={habit}", 1).reset(0)
    assert_array_equal(view.state[0], view.obs[0].ravel())


def test_a_state_in_rows_is_flattened():
    view = envs.make("pettingzoo/strangers?habit=state_in_rows", 1).reset(0)
    assert_array_equal(view.state[0], np.array([0, view.obs[0, 0, 0], 1, 2], dtype=np.float32))


@pytest.mark.parametrize("habit", ["nothing_seen_at_the_end", "observation_none_at_the_end"])
def test_who_sees_nothing_at_the_end_saw_the_step_before(habit):
    steps = play(envs.make(f"pettingzoo/strangers?habit={habit}", 1), strangers.LENGTH)
    assert steps[-1].truncated.all()
    assert_array_equal(steps[-1].final.obs, steps[-2].view.obs)


def test_rock_paper_scissors_of_pettingzoo():
    env = envs.make("pettingzoo/pettingzoo.classic.rps_v2?reward=sum", 2)
    view = env.reset(0)
    assert_array_equal(view.state, view.obs.reshape(2, -1))
    assert env.horizon == 15


# ---------------------------------------------------------------------------------------------------------------------
# Wrong games


@pytest.mark.parametrize("kind", strangers.WRONG, ids=strangers.in_words)
def test_wrong_games_are_one_sentence(kind):
    name = f"pettingzoo/strangers?habit={strangers.in_words(kind)}"
    with pytest.raises(ValueError, match=strangers.WRONG[kind]) as caught:
        play(envs.make(name, 2), 3)
    message = str(caught.value)
    assert message.startswith(f"env={name!r}")
    assert "\n" not in message


def test_every_class_is_tested():
    rest = {strangers.Game, strangers.Unmasked, strangers.LaterWrong, strangers.StrangeReward, strangers.StrangeMask}
    by_options = {strangers.HorizonIsNoClock, strangers.OwnArguments}
    by_chance = {strangers.GlobalChance, strangers.SharedChance, strangers.CountsEpisodes}
    tested = strangers.HARMLESS | strangers.WRONG.keys() | by_options | by_chance
    assert set(strangers.every_kind()) == tested | rest


def test_the_sum_of_rewards_is_checked_too():
    single = ParallelSingle(strangers.Game(), reward="sum")
    single.reset(0)
    single.env.pay = lambda agent: 9e11  # each is allowed
    with pytest.raises(ValueError, match=r"step 1: the team's reward holds 1.8e\+12"):
        single.step(np.array([0, 0]))


@pytest.mark.parametrize("kind", [strangers.NanSeen, strangers.Fails])
def test_a_game_in_the_current_folder_at_the_command_line(kind, tmp_path):
    """The file is found where the user stands, and its mistake is one sentence without a traceback."""
    (tmp_path / "my_game.py").write_text(f"from strangers import {kind.__name__} as parallel_env\n")
    done = command(["train", "--env", "pettingzoo/my_game", "--steps", "4000", "--out", "run"], tmp_path)
    assert done.returncode == 2
    assert re.match(f"maca-edu: env='pettingzoo/my_game', {strangers.WRONG[kind]}", done.stderr)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


# ---------------------------------------------------------------------------------------------------------------------
# Masks by their value


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("action_mask", np.array([1, 0, 1], dtype=np.int8), [1, 0, 1]),
        ("action_mask", [True, False, False], [1, 0, 0]),
        ("actionMask", (0.0, 1.0, 0.0), [0, 1, 0]),
        ("avail_actions", [0, 1, 1], [0, 1, 1]),
        ("available_actions", [0, 2], [1, 0, 1]),
        ("legal_moves", [2], [0, 0, 1]),
        ("legal_moves", {0, 1}, [1, 1, 0]),
        ("valid_actions", range(2), [1, 1, 0]),
        ("legal_actions", np.array([2, 1, 0]), [1, 1, 1]),
    ],
)
def test_masks_and_lists_of_actions(key, value, expected):
    assert readings.names_a_mask(key)
    assert readings.mask("here", key, value, 3).astype(int).tolist() == expected


def test_actions_that_begin_at_another_number():
    assert readings.mask("here", "legal_moves", [10, 12], 3, start=10).tolist() == [True, False, True]


@pytest.mark.parametrize("key", ["mask_of_the_sea", "attention_mask", "legal", "moves", "actions", "dead_agents", 7])
def test_other_keys_are_no_masks(key):
    assert not readings.names_a_mask(key)


def test_two_actions_available():
    assert readings.mask("here", "avail_actions", [0, 1], 2).tolist() == [False, True]
    assert readings.mask("here", "legal_moves", np.array([0, 1]), 2).tolist() == [False, True]


# ---------------------------------------------------------------------------------------------------------------------
# The clock, and arguments that are called like options


def lengths(name, steps):
    """After which of so many steps an episode was cut."""
    return [t for t, step in enumerate(play(envs.make(name, 1), steps), start=1) if step.truncated[0]]


def test_an_attribute_called_horizon_that_is_no_clock():
    name = "pettingzoo/strangers?habit=horizon_is_no_clock"
    with pytest.raises(
        ValueError, match=r"step 2: the game goes on, so its attribute horizon=2 is no clock; .*horizon=100"
    ):
        envs.make(name, 1)
    assert lengths(f"{name}&horizon=4", 12) == [4, 8, 12]
    assert lengths(f"{name}&horizon=50", 12) == [6, 12]  # the game's own end


def test_an_explicit_horizon_wins_over_the_clock_that_the_game_tells():
    assert envs.make("pettingzoo/strangers?horizon=9", 1).horizon == 9
    assert lengths("pettingzoo/strangers?horizon=4", 8) == [4, 8]


def test_a_prefix_reaches_the_games_own_arguments():
    name = "pettingzoo/strangers?habit=own_arguments"
    sights = {"": 30, "&horizon=5&reward=sum": 30, "&game.horizon=4": 40, "&game.horizon=4&game.reward=little": 41}
    for options_, sight in sights.items():
        assert envs.make(name + options_, 1).reset(0).obs[0, 0, 2] == sight
    assert lengths(f"{name}&horizon=5&game.horizon=4", 5) == [5]
    with pytest.raises(ValueError, match=r"reward='little'; allowed are shared, sum, mean; .*game.reward"):
        envs.make(f"{name}&reward=little", 1)
    with pytest.raises(ValueError, match="gives the option 'habit' twice"):
        envs.make(f"{name}&game.habit=fails", 1)


# ---------------------------------------------------------------------------------------------------------------------
# Games that do not follow their seed


@pytest.mark.parametrize("habit", ["global_chance", "shared_chance", "counts_episodes"])
def test_a_game_that_does_not_follow_its_seed_says_so_at_the_start(habit, caplog):
    name = f"pettingzoo/strangers?habit={habit}"
    pettingzoo.warn_of_chance.cache_clear()
    env, _ = envs.make(name, 2), envs.make(name, 2)
    assert not env.deterministic
    assert [record.getMessage() for record in caplog.records if "does not follow its seed" in record.getMessage()]
    assert len(caplog.records) == 1
    play(env, 2)
    env.load_state_dict(env.state_dict())  # goes on, with new episodes
    with pytest.raises(ValueError, match="deterministic=True, but the same seed gave two different episodes"):
        envs.make(f"{name}&deterministic=true", 2)


def test_deterministic_false_is_believed(caplog):
    with caplog.at_level(logging.WARNING):
        assert not envs.make("pettingzoo/strangers?habit=global_chance&deterministic=False", 2).deterministic
    assert not caplog.records
    assert envs.make("pettingzoo/strangers", 2).deterministic


# ---------------------------------------------------------------------------------------------------------------------
# Where games come from


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_game", "there is no Python module 'my_game', neither installed nor as a file my_game.py in this folder"),
        ("my_game.py", "names a file; write the module, without .py: 'pettingzoo/my_game'"),
        ("../my_game", "'../my_game' is no Python module"),
        ("folder/my_game", "'folder/my_game' is no Python module"),
        ("", "'' is no Python module"),
        ("pettingzoo.classic.rps_v9", "the package 'pettingzoo.classic' has no module 'rps_v9'; it has rps_v2"),
        ("pettingzoo.nothing.game_v1", "the package 'pettingzoo' has no module 'nothing'"),
        ("needy", "the module 'needy' needs the module 'not_there', which is not installed"),
        ("broken", r"importing the module 'broken' failed: SyntaxError: .* \(broken.py, line 1\)"),
        ("leaves", "importing the module 'leaves' failed: SystemExit: 3"),
        ("empty", "the module 'empty' has no function 'parallel_env' to make the game"),
        ("in_turn", "its agents act in turn"),
        ("nothing_made", "NoneType has no possible_agents; needed is a ParallelEnv of PettingZoo"),
        ("choosy?size=0", r"the game cannot be made: AssertionError: too small \(choosy.py, line 2\)"),
        ("choosy?sise=3", "the game has no option 'sise'; its options are size, walls"),
        ("choosy?walls=no", "walls='no'; allowed are true and false"),
        ("choosy?walls=None", "walls=None; allowed are true and false"),
    ],
)
def test_games_that_cannot_be_made(name, message, tmp_path, monkeypatch):
    sources = {
        "needy": "import not_there",
        "broken": "def parallel_env(:",
        "leaves": "import sys; sys.exit(3)",
        "empty": "parallel_env = 3",
        "in_turn": "from toy_envs.ring_v0 import env as parallel_env",
        "nothing_made": "def parallel_env(): pass",
        "choosy": "def parallel_env(size=1, walls=True):\n    assert size, 'too small'",
    }
    for module, source in sources.items():
        (tmp_path / f"{module}.py").write_text(source)
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    with pytest.raises(ValueError, match=message) as caught:
        envs.make(f"pettingzoo/{name}", 1)
    assert "pip install" not in str(caught.value)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------------------------------------------
# Options behind a name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e+12", 1e12),
        ("False", False),
        ("false", False),
        ("True", True),
        ("None", None),
        ("null", None),
        ("[[0],[0,1]]", [[0], [0, 1]]),
        ("(1,2)", (1, 2)),
        ("tiny", "tiny"),
        ("no", "no"),
        ("'3'", "3"),
        ("%24x", "$x"),
        ("a+b", "a+b"),
        ("[" * 9999, "[" * 9999),
    ],
)
def test_values_of_options(text, value):
    assert options.split(f"toy/ring?x={text}&y=1") == ("toy/ring", {"x": value, "y": 1})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy/ring?n_agents=8&n_agents=3", "gives the option 'n_agents' twice"),
        ("toy/ring?n_agents=", "has the option 'n_agents='; options look like"),
        ("toy/ring?n_agents", "has the option 'n_agents'"),
        ("toy/ring?=3", "has the option '=3'"),
        ("toy/ring?span=2&&n_agents=3", "has the option ''"),
        ("toy/warehouse?random=no", "random='no'"),
        ("mpe/simple_spread?continuous=no", "continuous='no'; allowed are true and false"),
        ("mpe/simple_spread?continuous=None", "continuous=None; allowed are true and false"),
        ("mpe/simple_spread?dynamic_rescaling=no", "dynamic_rescaling='no'; allowed are true and false"),
        ("mpe/simple_spread?horizon=long", "horizon='long'; allowed is an integer"),
        ("mpe/simple_spread?max_cycles=5", "has no option max_cycles; it is called horizon here"),
        ("pettingzoo/mpe2.simple_spread_v3?continuous_actions=no", "continuous_actions='no'; allowed are"),
        ("pettingzoo/strangers?deterministic=no", "deterministic='no'; allowed are true and false"),
        ("jaxmpe/simple_spread?continuous=no", "continuous='no'; allowed are true and false"),
        ("smax/3m?walls=None", "walls=None; allowed are true and false"),
    ],
)
def test_wrong_options_are_refused_in_every_family(name, message):
    with pytest.raises(ValueError, match=message):
        envs.make(name, 1)


@pytest.mark.parametrize("spelling", ["False", "false"])
def test_pythons_spelling_of_a_truth_value(spelling):
    assert not envs.make(f"mpe/simple_spread?continuous={spelling}", 1).continuous
