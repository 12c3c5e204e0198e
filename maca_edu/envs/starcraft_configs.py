"""What the `smacv2` package is told to play SMAC's maps and SMACv2's scenarios; nothing of it is imported here.

A SMAC map is played with the package's own defaults, which are SMAC's. A SMACv2 scenario has its race's published
configuration (examples/configs/sc2_gen_<race>.yaml), of which only the two teams' sizes change. One argument differs
everywhere: continuing_episode=True, because only then does the package say that the clock ended an episode; it changes
nothing else. Some of the published files give n_enemies in two places; the package reads the one beside n_units.
"""

from __future__ import annotations

# SMAC's maps, in the package's order.
MAPS = (
    *("3m", "8m", "25m", "5m_vs_6m", "8m_vs_9m", "10m_vs_11m", "27m_vs_30m", "MMM", "MMM2", "2s3z", "3s5z"),
    *("3s5z_vs_3s6z", "3s_vs_3z", "3s_vs_4z", "3s_vs_5z", "1c3s5z", "2m_vs_1z", "corridor", "6h_vs_8z", "2s_vs_1sc"),
    *("so_many_baneling", "bane_vs_bane", "2c_vs_64zg"),
)

# SMACv2's races: which units are drawn, how likely each is, and of which a team must not consist alone.
RACES = {
    "protoss": dict(unit_types=["stalker", "zealot", "colossus"], weights=[0.45, 0.45, 0.1]),
    "terran": dict(
        unit_types=["marine", "marauder", "medivac"], weights=[0.45, 0.45, 0.1], exception_unit_types=["medivac"]
    ),
    "zerg": dict(
        unit_types=["zergling", "baneling", "hydralisk"], weights=[0.45, 0.1, 0.45], exception_unit_types=["baneling"]
    ),
}
# Allies and enemies.
SIZES = ((5, 5), (10, 10), (20, 20), (10, 11), (20, 23))
SCENARIOS = {f"{race}_{a}_vs_{b}": (race, a, b) for race in RACES for a, b in SIZES}

# What an environment's name may change behind its question mark, and the values it has otherwise.
OPTIONS = dict(
    difficulty="7",
    step_mul=8,
    move_amount=2,
    obs_last_action=False,
    obs_timestep_number=False,
    obs_pathing_grid=False,
    obs_terrain_height=False,
    state_last_action=True,
    state_timestep_number=False,
    reward_sparse=False,
    reward_only_positive=True,
    conic_fov=False,
    num_fov_actions=12,
    prob_obs_enemy=1.0,
    action_mask=True,
)


def arguments(task: str) -> dict:
    """New keyword arguments of StarCraftCapabilityEnvWrapper for a map of SMAC or a scenario of SMACv2.

    Nothing in it is shared: the package writes into the dictionaries it is given.
    """
    common = dict(OPTIONS, continuing_episode=True)
    if task in MAPS:
        return dict(common, map_name=task, capability_config={})
    race, n_units, n_enemies = SCENARIOS[task]
    team = {key: list(value) for key, value in RACES[race].items()}
    draws = dict(
        n_units=n_units,
        n_enemies=n_enemies,
        team_gen=dict(team, dist_type="weighted_teams", observe=True),
        start_positions=dict(dist_type="surrounded_and_reflect", p=0.5, map_x=32, map_y=32),
    )
    own = dict(map_name=f"10gen_{race}", obs_own_pos=True, use_unit_ranges=True, min_attack_range=2)
    return dict(common, **own, capability_config=draws)


def map_file(task: str) -> str:
    """The file, in StarCraftII/Maps/SMAC_Maps, on which a task is played."""
    return f"{task}.SC2Map" if task in MAPS else "32x32_flat.SC2Map"
