"""Environments by name: which family serves a name, and what it says without making anything."""

import pytest

from maca_edu import envs


def test_every_name_is_listed_once_and_served_by_its_family():
    names = envs.names()
    assert len(set(names)) == len(names)
    assert all(name in envs.family(name).names() for name in names)
    assert {name.partition("/")[0] for name in names} == set(envs.FAMILIES) - {"pettingzoo"}  # which has no list


@pytest.mark.parametrize("call", [envs.family, envs.describe, lambda name: envs.make(name, 1)])
def test_an_unknown_family_is_refused(call):
    with pytest.raises(ValueError, match=r"env='atari/pong'; allowed are toy/\.\.\., mpe/\.\.\."):
        call("atari/pong")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("toy/ring?n_agents=8", "8 agents, 2 actions, horizon 1"),
        ("jaxmpe/simple_reference", "2 agents, 15 numbers each, horizon 25"),
        ("jaxmpe/simple_reference?continuous=false&horizon=7", "2 agents, 50 actions, horizon 7"),
        ("smax/8m_vs_9m?time_limit=60", "8 agents, 14 actions, horizon 60"),
    ],
)
def test_sizes_in_words(name, words):
    assert envs.describe(name) == words


def test_games_that_are_programs_are_evaluated_a_few_at_a_time():
    assert [envs.at_once(name, 40) for name in ("toy/fridge", "smac/3m", "smacv2/zerg_5_vs_5")] == [40, 8, 8]
    assert envs.at_once("smac/3m", 3) == 3
