"""The battles that SMAX can be asked for: on its own maps and on ours.

    map                                                       teams
    3m 8m 25m 5m_vs_6m 10m_vs_11m 27m_vs_30m                  marines; SMAX's own maps
    2s3z 3s5z 3s5z_vs_3s6z 3s_vs_5z 6h_vs_8z                  stalkers and zealots, hydralisks; SMAX's own maps
    smacv2_5_units smacv2_10_units smacv2_20_units            random teams of all six kinds of unit; SMAX's own maps
    8m_vs_9m                                                  marines; ours
    protoss_5_vs_5 terran_5_vs_5 zerg_5_vs_5, _10_vs_10       random teams of one race; ours

In the random teams each ally is drawn uniformly from its map's kinds and the enemies are the same units. SMAX has no
shields, and of each race's three kinds in SMACv2 (drawn there with weights .45, .45 and .1) it lacks the third:

    race       kinds                    missing
    protoss    stalker, zealot          colossus
    terran     marine, marauder         medivac
    zerg       zergling, hydralisk      baneling

So win rates here are not those of StarCraft II.

Random teams start surrounded or reflected, as in SMACv2. On SMAX's own maps, one battle of ten has a unit outside the
map, which dies in the first step unless `walls=false`; on ours everyone starts inside.

This file imports no JAX, so that names can be listed without it.
"""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("marine", "marauder", "stalker", "zealot", "zergling", "hydralisk")  # numbered 0 to 5 in SMAX
RACES = {"protoss": ("stalker", "zealot"), "terran": ("marine", "marauder"), "zerg": ("zergling", "hydralisk")}


class Battle(NamedTuple):
    """Who fights."""

    allies: int  # how many
    enemies: int  # how many
    kinds: tuple[str, ...]  # of every unit, allies first; where random, those from which units are drawn
    random: bool = False  # whether teams and their places are drawn anew for each battle


def fixed(allies: dict[str, int], enemies: dict[str, int] | None = None) -> Battle:
    """A battle of the same units every time; the enemies are the same as the allies where none are given."""
    teams = [[kind for kind, count in team.items() for _ in range(count)] for team in (allies, enemies or allies)]
    return Battle(len(teams[0]), len(teams[1]), (*teams[0], *teams[1]))


def drawn(size: int, kinds: tuple[str, ...]) -> Battle:
    """A battle of random teams."""
    return Battle(size, size, kinds, random=True)


BATTLES = {
    "3m": fixed(dict(marine=3)),
    "8m": fixed(dict(marine=8)),
    "25m": fixed(dict(marine=25)),
    "5m_vs_6m": fixed(dict(marine=5), dict(marine=6)),
    "8m_vs_9m": fixed(dict(marine=8), dict(marine=9)),
    "10m_vs_11m": fixed(dict(marine=10), dict(marine=11)),
    "27m_vs_30m": fixed(dict(marine=27), dict(marine=30)),
    "2s3z": fixed(dict(stalker=2, zealot=3)),
    "3s5z": fixed(dict(stalker=3, zealot=5)),
    "3s5z_vs_3s6z": fixed(dict(stalker=3, zealot=5), dict(stalker=3, zealot=6)),
    "3s_vs_5z": fixed(dict(stalker=3), dict(zealot=5)),
    "6h_vs_8z": fixed(dict(hydralisk=6), dict(zealot=8)),
    **{f"smacv2_{size}_units": drawn(size, KINDS) for size in (5, 10, 20)},
    **{f"{race}_{size}_vs_{size}": drawn(size, kinds) for race, kinds in RACES.items() for size in (5, 10)},
}
