"""Chapter 17's committed runs as the lab reads them, and what its live run plays."""

import numpy as np
import pytest

from maca_edu.course import random_teams
from maca_edu.envs.smax_scenarios import KINDS


@pytest.mark.parametrize("battle", random_teams.MAPS)
def test_every_method_has_every_seed_and_ends_where_its_curve_ends(battle):
    found = random_teams.wins(battle)
    assert found.steps[-1] == 204_800
    for method in random_teams.METHODS:
        assert found.along[method].shape == (3, len(found.steps))
        assert ((found.along[method] >= 0) & (found.along[method] <= 1)).all()
        assert (np.abs(found.final[method] - found.along[method][:, -1]) < 0.4).all()  # 100 battles against 40


def test_planned_battles_are_paired_by_seed_and_won_more_often_at_the_end_than_on_the_way():
    found = random_teams.planned()
    assert (np.diff(found.seeds) == 1).all()
    assert found.seeds[0] == 1700
    for team in random_teams.TEAMS:
        assert found.along[team].shape == found.final[team].shape == (len(found.seeds), len(random_teams.PLANNED))
        assert (found.along[team] < found.final[team]).all()


def test_a_planned_number_is_that_of_its_run():
    k = list(random_teams.planned().seeds).index(1701)
    rows = [line.split(",") for line in (random_teams.DATA / "battles" / "final.csv").read_text().splitlines()]
    won = next(float(row[-4]) for row in rows if row[0] == "smax/smacv2_5_units" and row[1:3] == ["mappo", "1701"])
    assert random_teams.planned().final["RANDOM"][k, random_teams.PLANNED.index("mappo")] == pytest.approx(100 * won)


@pytest.mark.parametrize(
    ("env", "team"),
    [
        ("smax/5m_vs_6m", "FIXED"),
        ("smax/protoss_5_vs_5?walls=false", "RANDOM"),
        ("smax/smacv2_5_units", "RANDOM"),
        ("smax/smacv2_5_units?team=zealot,marine,zergling,marine,marine", "FIXED"),
    ],
)
def test_a_map_with_random_teams_and_a_team_that_is_asked_for_is_fixed(env, team):
    assert random_teams.team_of(env) == team


@pytest.mark.parametrize("team", random_teams.TEAMS)
def test_weights_add_up_to_one(team):
    steps, paths = random_teams.psi_paths(team)
    assert paths.shape == (3, len(steps), 3)
    assert np.allclose(paths.sum(axis=2), 1, atol=2e-4)


def test_sets_hold_no_more_than_was_counted():
    for kind, rows in random_teams.corrsets().items():
        pairs, admitted, partners, both = rows.T
        assert (admitted <= pairs).all()
        assert (both <= np.minimum(admitted, partners)).all()
        assert (pairs > 0).all() == (kind in ("stalker", "zealot"))


def test_a_team_is_five_units_and_seeds_play_the_same_teams():
    battles = random_teams.battles()
    assert battles.counts.shape == (len(battles.seed), len(KINDS))
    assert (battles.counts.sum(axis=1) == 5).all()
    each = [battles.counts[battles.seed == seed] for seed in np.unique(battles.seed)]
    assert all(np.array_equal(counts, each[0]) for counts in each)


def test_owners_share_the_whole():
    for parts in random_teams.budgets().values():
        assert sum(parts.values()) == pytest.approx(1, abs=0.02)


def test_what_was_not_run_is_not_there():
    with pytest.raises(ValueError, match="battle='3m'; allowed are protoss_5_vs_5, smacv2_5_units"):
        random_teams.wins("3m")


@pytest.mark.parametrize(
    ("game", "packages", "played"),
    [
        (True, ("smacv2", "jaxmarl"), "smacv2/"),
        (True, ("jaxmarl",), "smax/"),
        (False, ("smacv2", "jaxmarl"), "smax/"),
        (False, (), "toy/"),
    ],
)
def test_the_live_run_plays_the_first_world_that_is_there(monkeypatch, game, packages, played):
    def check_game(name):
        if not game:
            raise ValueError("no game")

    monkeypatch.setattr(random_teams.starcraft, "check_game", check_game)
    monkeypatch.setattr(random_teams, "find_spec", lambda name: name in packages or None)
    assert random_teams.world().startswith(played)
