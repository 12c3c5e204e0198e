"""SMAC and SMACv2: the adapter on a stand-in for the package, and the real package where it is installed.

The tests marked `starcraft` need the package smacv2. They drive its constructor and get_env_info for every map, and its
own reset and step with a stand-in for the game. Those marked so that also need StarCraft II say so.
"""

import functools
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from smac_double import LIMIT, SHOOT, A, Double, M, N
from test_workers import pids_in, play, wait_until_gone

from maca_edu import envs
from maca_edu.envs import starcraft, starcraft_configs
from maca_edu.envs.workers import Limits, Vector

B = 3
REAL = importlib.util.find_spec("smacv2") is not None
real = pytest.mark.starcraft
installed = pytest.mark.skipif(not REAL, reason="the package smacv2 is not installed")
SHORT = Limits(start=60.0, reset=1.0, step=1.0)


def battles(batch=B, processes=0, agent_ids=False, last_actions=False, limits=SHORT, **double):
    """Battles between doubles."""
    make_one = functools.partial(Double, **double)
    copies = functools.partial(starcraft.Battle, make_one, agent_ids, last_actions)
    return Vector(copies, batch, processes, "smac/double", deterministic=False, limits=limits)


@pytest.fixture
def made():
    """Environments to close, so that a failing test leaves no process."""
    opened = []
    yield lambda *args, **options: opened.append(battles(*args, **options)) or opened[-1]
    for env in opened:
        env.close()


def shoot(env):
    """Everybody who lives shoots the first enemy that can be shot, the dead do nothing."""
    targets = env.view().available[..., SHOOT:]
    return np.where(env.view().available[..., 0], 0, SHOOT + targets.argmax(-1))


def stand(env):
    """Everybody who lives stops."""
    return np.where(env.view().available[..., 0], 0, 1)


def test_the_contract(made):
    env = made()
    view = env.reset(0)
    sizes = (env.n_agents, env.n_actions, env.obs_size, env.state_size, env.horizon)
    assert sizes == (N, A, 5, N + M + N * A, LIMIT)
    step = env.step(shoot(env))
    for seen in (view, step.view, step.final):
        kinds = [(x.shape, x.dtype.name) for x in seen]
        expected = [((B, N, 5), "float32"), ((B, 33), "float32"), ((B, N, A), "bool"), ((B, N), "bool")]
        assert kinds == expected
    assert set(step.info) == {"dead_allies", "dead_enemies", "discarded"}
    assert not env.continuous
    assert not env.deterministic


def test_entities_are_the_units_of_the_package(made):
    """The state of the stand-in has the package's order: allies, enemies, the allies' last actions."""
    env = made(batch=1)
    allies, enemies = env.entities.groups
    before = env.reset(0).state[0]
    assert_array_equal(before[allies.where()[:, 0]], before[:N])
    state = env.step(shoot(env)).final.state[0]
    assert_array_equal(state[enemies.where()], [[0], [8], [8]])  # the first was shot
    did = state[allies.where()[:, 1:]]  # [N, A]
    assert_array_equal(did.argmax(-1), [SHOOT] * N)
    assert len(env.entities.others(env.state_size)) == 0


@pytest.mark.parametrize(("last_actions", "clock"), [(True, True), (True, False), (False, True), (False, False)])
def test_entities_of_a_state_with_and_without_last_actions(last_actions, clock):
    """3 allies of 4 numbers and 2 enemies of 3, 8 actions."""
    size = 3 * 4 + 2 * 3 + 3 * 8 * last_actions + clock
    info = dict(state_shape=size, n_agents=3, n_actions=8, agent_features=["x"] * 4, enemy_features=["x"] * 3)
    found = starcraft.entities(info, 2)
    allies, enemies = found.groups
    assert allies.where()[1].tolist() == [4, 5, 6, 7, *(range(26, 34) if last_actions else ())]
    assert enemies.where().tolist() == [[12, 13, 14], [15, 16, 17]]
    assert found.others(size).tolist() == [size - 1] * clock


def test_a_battle_won(made):
    env = made(calm=True)
    env.reset(0)
    first, second = env.step(shoot(env)), env.step(shoot(env))
    assert first.reward.tolist() == [8.0] * B  # three shots of 4 at an enemy that has 8: the rest is lost
    assert second.reward.tolist() == [8.0] * B
    third = env.step(shoot(env))
    assert third.terminated.all()
    assert third.won.all()
    assert not third.truncated.any()
    assert third.reward.tolist() == [208.0] * B
    assert third.info["dead_enemies"].tolist() == [M] * B
    assert third.info["dead_allies"].tolist() == [0] * B
    assert (third.final.state[:, N : N + M] == 0).all()
    assert (third.view.state[:, N : N + M] == 8).all()


def test_death_is_read_from_health(made):
    env = made(batch=1)
    env.reset(1)
    deaths = 0
    for _ in range(LIMIT):
        step = env.step(stand(env))
        assert_array_equal(step.final.alive, step.final.state[:, :N] > 0)
        dead = ~step.final.alive
        assert (step.final.available[dead] == (np.arange(A) == 0)).all()
        assert not step.final.available[step.final.alive][:, 0].any()
        deaths += int(0 < dead.sum() < N)
        if step.terminated.any() or step.truncated.any():
            break
    assert deaths  # some, but not all, were dead


def test_a_battle_lost(made):
    env = made(batch=1)
    env.reset(1)
    for _ in range(LIMIT):
        step = env.step(stand(env))
        if step.terminated[0]:
            break
    assert step.terminated.tolist() == [True]
    assert step.won.tolist() == [False]
    assert step.info["dead_allies"].tolist() == [N]
    assert not step.final.alive.any()
    assert step.view.alive.all()


@pytest.mark.parametrize("clock", [True, False])
def test_the_clock_truncates(made, clock):
    """Whether the package ends the episode at its limit or the adapter does."""
    env = made(calm=True, clock=clock)
    env.reset(0)
    for k in range(1, 2 * LIMIT + 1):
        step = env.step(stand(env))
        assert step.truncated.tolist() == [k % LIMIT == 0] * B
        assert not step.terminated.any()
        assert not step.won.any()
        assert (step.final.obs[..., 1] == (k - 1) % LIMIT + 1).all()
    assert (step.view.obs[..., 1] == 0).all()


def test_ids_and_last_actions_are_appended(made):
    env, plain = made(agent_ids=True, last_actions=True), made()
    view = env.reset(3)
    assert env.obs_size == plain.obs_size + N + A
    assert_array_equal(view.obs[..., :5], plain.reset(3).obs)
    assert_array_equal(view.obs[..., 5 : 5 + N], np.tile(np.eye(N), (B, 1, 1)))
    assert not view.obs[..., 5 + N :].any()
    while True:
        action = stand(env)
        step = env.step(action)
        alive = step.final.alive[..., None]
        assert_array_equal(step.final.obs[..., 5 + N :], np.eye(A)[action] * alive)
        assert_array_equal(step.final.obs[..., 5 : 5 + N], np.eye(N) * alive)
        if (step.terminated | step.truncated).any():
            break
    assert not step.final.alive.all()
    ended = step.terminated | step.truncated
    assert not step.view.obs[ended][..., 5 + N :].any()


def test_a_seed_draws_teams_and_places(made):
    one, two, other = made(), made(processes=2), made()
    random.seed(1), np.random.seed(1)  # noqa: NPY002
    outside = random.getstate()
    a, b, c = one.reset(3), two.reset(3), other.reset(4)
    assert_array_equal(a.obs, b.obs)
    assert_array_equal(a.state, b.state)
    assert (a.obs != c.obs).any()
    assert len({row.tobytes() for row in a.obs}) == B
    for x, y in zip(play(one, 20), play(two, 20), strict=True):
        for p, q in zip(x, y, strict=True):
            assert_array_equal(p, q)
    assert random.getstate() == outside
    assert np.random.rand() == np.random.RandomState(1).rand()  # noqa: NPY002


def test_the_games_own_seed_is_the_episodes():
    battle = starcraft.Battle(Double)
    seeds = []
    for seed in (1, 2, 1):
        battle.reset(seed)
        seeds.append(battle.game.env._seed)
        assert type(battle.game.env._seed) is int
    assert seeds[0] == seeds[2] != seeds[1]


def test_every_generator_is_replaced():
    """Also those of distributions inside distributions."""
    game, generator = Double(), np.random.default_rng(0)
    starcraft.give_generator(game.env_key_to_distribution_map["start_positions"], generator)
    outer = game.env_key_to_distribution_map["start_positions"]
    assert outer.rng is generator
    assert outer.inner.rng is generator


def test_no_second_game_beside_the_first():
    """Until an episode has ended the package starts a game in every reset and forgets the one before."""
    battle = starcraft.Battle(functools.partial(Double, calm=True))
    battle.reset(0)
    first = battle.game
    battle.reset(1)
    assert first.closed
    assert (first.games, battle.game.games) == (1, 1)
    for enemy in range(M):
        over = battle.step(np.full(N, SHOOT + enemy))[2]
    assert over
    kept = battle.game
    battle.reset(2)
    battle.reset(3)
    assert battle.game is kept
    assert kept.games == 1


FAULTS = {
    "none": "restarted in the middle of a reset",
    "restarted": "restarted in the middle of a reset",
    "units": r"\(2, 3\) units instead of \(3, 3\)",
    "key": "KeyError in reset: 0",
    "reset_hang": "no answer in",
    "reset_crash": "ended with code 9",
}


CASES = [(fault, episode) for fault in FAULTS for episode in (1, 2)]
CASES.remove(("reset_hang", 1))  # the same as in the second episode, and a worker's start may take longer


@pytest.mark.parametrize(("fault", "episode"), CASES)
def test_a_reset_that_fails_is_repeated_with_a_new_game(made, tmp_path, caplog, fault, episode):
    processes = int(fault in ("reset_hang", "reset_crash"))
    env = made(batch=1, processes=processes, fault=fault, marker=tmp_path / "marker", episode=episode, calm=True)
    env.reset(0)
    assert env.counts == dict(restarts=2 - episode, discarded=0)
    for _ in range(3):
        step = env.step(shoot(env))
    assert step.won.tolist() == [True]  # the battle before the failed reset counts
    assert step.info["discarded"].tolist() == [0.0]
    assert env.counts == dict(restarts=1, discarded=0)
    assert step.view.alive.all()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert re.search(FAULTS[fault], caplog.text)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("lost", "the game was lost in a step"),
        ("step_hang", "no answer in"),
        ("step_crash", "ended with code 9"),
        ("assertion", "AssertionError in step: No-op only available for dead agents"),
    ],
)
def test_a_step_that_fails_discards_the_episode(made, tmp_path, caplog, fault, word):
    processes = 2 * (fault in ("step_hang", "step_crash"))
    env = made(batch=2, processes=processes, fault=fault, marker=tmp_path / "marker", episode=2, calm=True)
    env.reset(5)
    while not (tmp_path / "marker").exists():
        before, step = env.view(), env.step(shoot(env))
    lost = step.info["discarded"] > 0
    assert lost.any()  # both, where both failed before either had left its mark, or share a process
    assert step.truncated[lost].all()
    assert not (step.terminated | step.won)[lost].any()
    assert not step.reward[lost].any()
    assert_array_equal(step.final.state[lost], before.state[lost])
    assert (step.view.state[:, N : N + M][lost] == 8).all()
    assert env.counts == dict(restarts=lost.sum() if processes else 1, discarded=lost.sum())
    assert word in caplog.text
    play(env, 10)
    assert env.counts["discarded"] == lost.sum()


def test_a_game_that_never_starts_is_an_error(made):
    env = made(batch=1, fault="key")
    with pytest.raises(RuntimeError, match="environment 0: failed 4 times in a row: KeyError in reset: 0"):
        env.reset(0)


@pytest.mark.parametrize("fault", [None, "step_hang"])
def test_no_game_is_left(made, tmp_path, fault):
    """Neither when the environment closes nor when a worker hangs, whose game is another program."""
    env = made(batch=2, processes=2, fault=fault, folder=tmp_path, marker=tmp_path / "marker")
    env.reset(0)
    pids = pids_in(tmp_path, 2)
    assert len(pids) == 4
    if fault:
        env.step(shoot(env))
        assert env.counts["restarts"] >= 1
        pids = pids_in(tmp_path, 3)
    env.close()
    assert wait_until_gone(pids) == []


def test_names():
    names = starcraft.names()
    assert len(names) == len(set(names)) == 23 + 15
    assert {"smac/5m_vs_6m", "smac/2c_vs_64zg", "smacv2/protoss_5_vs_5", "smacv2/zerg_20_vs_23"} <= set(names)
    assert set(names) <= set(envs.names())


def test_names_come_without_the_package():
    code = "import sys; from maca_edu.envs import starcraft; starcraft.names(); print({'smacv2'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_arguments_are_new_each_time():
    first = starcraft_configs.arguments("terran_10_vs_11")
    draws = first["capability_config"]
    assert (draws["n_units"], draws["n_enemies"]) == (10, 11)
    assert first["map_name"] == "10gen_terran"
    draws["team_gen"]["weights"][0] = 9
    draws["team_gen"]["unit_types"].append("ghost")
    draws["start_positions"]["p"] = 2
    again = starcraft_configs.arguments("terran_10_vs_11")["capability_config"]
    assert again["team_gen"]["weights"] == [0.45, 0.45, 0.1]
    assert again["team_gen"]["unit_types"] == ["marine", "marauder", "medivac"]
    assert again["start_positions"]["p"] == 0.5


@pytest.fixture
def package(monkeypatch):
    """A package called smacv2 whose wrapper is the double; it keeps what it was told."""
    told = []

    def wrapper(**arguments):
        told.append(arguments)
        game = Double()
        game.env.unit_type_bits = 0
        return game

    module = types.ModuleType("smacv2.env")
    module.StarCraftCapabilityEnvWrapper = wrapper
    for name in ("smacv2", "smacv2.env"):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(module, "__spec__", SimpleNamespace(), raising=False)
    return told


def test_options_reach_the_package(package):
    env = envs.make("smacv2/zerg_10_vs_11?difficulty=9&prob_obs_enemy=0.0&action_mask=false&agent_ids=true", 4)
    (told,) = package
    expected = starcraft_configs.arguments("zerg_10_vs_11")
    assert told == expected | dict(difficulty="9", prob_obs_enemy=0.0, action_mask=False)
    assert told["continuing_episode"]
    assert (env.batch, env.obs_size, env.name.partition("?")[0]) == (4, 5 + N, "smacv2/zerg_10_vs_11")
    assert len(env._hosts) == 4
    env = envs.make("smac/3m?processes=2&reset_seconds=30&step_seconds=5", 4)
    assert len(env._hosts) == 2
    assert env._hosts[0].limits == Limits(reset=30, step=5)
    assert package[1] == starcraft_configs.arguments("3m")
    assert package[1]["capability_config"] == {}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smac/4m", "env='smac/4m'; allowed are smac/3m, smac/8m"),
        ("smacv2/protoss_6_vs_6", "allowed are smac/3m"),
        ("smac/3m?speed=2", "has no option 'speed'; allowed are action_mask, agent_ids"),
        ("smac/3m?agent_ids=1", "agent_ids=1; allowed are true and false"),
        ("smac/3m?processes=0", "processes=0; allowed is an integer of at least 1"),
        ("smac/3m?reset_seconds=soon", "reset_seconds='soon'"),
        ("smac/3m?step_seconds=0", "step_seconds=0; allowed is a positive number"),
    ],
)
def test_wrong_names_and_options_are_refused(package, name, message):
    with pytest.raises(ValueError, match=message):
        envs.make(name, B)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "smacv2", None)
    for name, twin in (("smac/3m", True), ("smacv2/protoss_5_vs_5", True), ("smac/corridor", False)):
        with pytest.raises(ValueError, match="needs the package smacv2 and the game") as caught:
            envs.make(name, 1)
        complain(caught.value, name, twin)


def complain(error, name, twin):
    """One sentence that names the guide and, where there is one, the twin."""
    words = str(error)
    assert words.startswith(f"env={name!r} needs ")
    assert '"Running on StarCraft II", book/guides/starcraft.md' in words
    assert "\n" not in words
    assert (f"smax/{name.partition('/')[2]} is much like it and needs no game" in words) == twin


def test_without_the_game(package, monkeypatch, tmp_path):
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    env = envs.make("smacv2/terran_10_vs_10", 2)
    with pytest.raises(ValueError, match="needs the game StarCraft II, which is not in") as caught:
        env.reset(0)
    complain(caught.value, "smacv2/terran_10_vs_10", True)
    (tmp_path / "Versions").mkdir()
    with pytest.raises(ValueError, match=r"needs the map .*SMAC_Maps/32x32_flat.SC2Map"):
        env.reset(0)
    maps = tmp_path / "Maps" / "SMAC_Maps"
    maps.mkdir(parents=True)
    (maps / "32x32_flat.SC2Map").touch()
    starcraft.check_game(env.name)
    with pytest.raises(ValueError, match=r"needs the map .*SMAC_Maps/MMM.SC2Map"):
        starcraft.check_game("smac/MMM?agent_ids=true")
    monkeypatch.delenv("SC2PATH")
    assert starcraft.game_folder() == Path.home() / "StarCraftII"


def old_map(types_known):
    """What `repair` mends: units that appear as soon as the map is empty, and types from other numbers."""
    game = SimpleNamespace(steps=0, killed=[], unit_type_bits=types_known, _min_unit_type=100)
    see = lambda *tags: SimpleNamespace(  # noqa: E731
        observation=SimpleNamespace(raw_data=SimpleNamespace(units=[SimpleNamespace(tag=tag) for tag in tags]))
    )
    views = iter([see(1, 2), see(2), see(7, 8)])
    game._obs = see(2, 1)
    game._kill_units = game.killed.append
    game._controller = SimpleNamespace(
        step=lambda n: setattr(game, "steps", game.steps + n), observe=lambda: next(views)
    )
    game.get_unit_type_id = lambda unit, ally: unit.unit_type - 73
    return game


def test_the_repairs():
    game = old_map(types_known=2)
    starcraft.repair(SimpleNamespace(env=game))
    game._kill_all_units()
    assert game.killed == [[1, 2]]
    assert game.steps == 6  # until the new ones are there, not for ever
    assert game.get_unit_type_id(SimpleNamespace(unit_type=101), True) == 1
    assert game.get_unit_type_id(SimpleNamespace(unit_type=74), False) == 1
    plain = old_map(types_known=0)
    before = plain.get_unit_type_id
    starcraft.repair(SimpleNamespace(env=plain))
    assert plain.get_unit_type_id is before


def test_the_guide_names_what_there_is(package):
    guide = Path(__file__).parents[2] / starcraft.GUIDE.partition(", ")[2].partition(",")[0]
    text = guide.read_text()
    assert "# Running on StarCraft II" in text
    named = set(re.findall(r"(?<!oxwhirl/)smac(?:v2)?/\w+(?:\?[\w=&.]+)?", text))
    assert len(named) > 10
    for name in named:
        envs.make(name, 1)
    for option in [*starcraft_configs.OPTIONS, *starcraft.TRUTHS, "processes", "reset_seconds", "step_seconds"]:
        assert f"`{option}`" in text


# From here on the real package.

TASKS = [name.partition("/")[2] for name in starcraft.names()]


@real
@installed
@pytest.mark.parametrize("name", starcraft.names())
def test_the_real_package_is_told_what_it_understands(name):
    task = name.partition("/")[2]
    env = envs.make(name, 1)
    game = starcraft.make_game({}, task)
    info = game.get_env_info()
    units = starcraft_configs.arguments(task)["capability_config"].get("n_units", info["n_agents"])
    assert (env.n_agents, env.n_actions, env.horizon) == (units, info["n_actions"], info["episode_limit"])
    assert (env.obs_size, env.state_size) == (info["obs_shape"], info["state_shape"])
    assert env.n_actions == 6 + game.n_enemies
    assert game.continuing_episode
    if "_vs_" in task and task.split("_")[0] in starcraft_configs.RACES:
        assert f"{env.n_agents}_vs_{game.n_enemies}" == task.partition("_")[2]


@real
@installed
def test_the_sizes_that_are_known():
    sizes = {"protoss": (92, 130), "terran": (82, 120), "zerg": (82, 120)}
    for race, (obs, state) in sizes.items():
        env = envs.make(f"smacv2/{race}_5_vs_5", 1)
        assert (env.obs_size, env.state_size, env.n_actions, env.horizon) == (obs, state, 11, 200)
    env = envs.make("smac/5m_vs_6m?agent_ids=true&last_actions=true", 1)
    assert (env.obs_size, env.state_size) == (55 + 5 + 12, 98)


@real
@installed
def test_all_of_the_packages_maps_are_served():
    from smacv2.env.starcraft2.maps import smac_maps

    known = {name for name in smac_maps.get_smac_map_registry() if not name.startswith("10gen_")}
    assert known == set(starcraft_configs.MAPS)
    for task in TASKS:
        key = task if task in known else f"10gen_{task.partition('_')[0]}"
        filename = smac_maps.get_smac_map_registry()[key]["map_name"]
        assert starcraft_configs.map_file(task) == f"{filename}.SC2Map"


@real
@installed
def test_a_program_that_never_answers_is_ended(monkeypatch, tmp_path):
    """The real package starts a real program, which is no game; nothing of it is left, on disk neither."""
    program = tmp_path / "Versions" / "Base75689" / "SC2_x64"
    maps = tmp_path / "Maps" / "SMAC_Maps"
    for folder in (program.parent, maps):
        folder.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho $PPID $$ > {tmp_path}/pids-$$\nexec sleep 1000\n")
    program.chmod(0o755)
    (maps / "3m.SC2Map").touch()
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    env = envs.make("smac/3m?reset_seconds=3", 1)
    monkeypatch.setattr(env, "_restarts", 1)
    monkeypatch.setattr(env._hosts[0], "limits", env._hosts[0].limits._replace(start=5.0))
    with pytest.raises(RuntimeError, match="failed 2 times in a row: no answer in 8 seconds"):
        env.reset(0)
    pids = pids_in(tmp_path, 2)
    assert wait_until_gone(pids) == []
    assert not list(tmp_path.glob("maca-edu-*"))
    assert not list(tmp_path.glob("sc-*"))


@real
@installed
@pytest.mark.parametrize("race", starcraft_configs.RACES)
def test_the_configuration_is_the_published_one(race):
    import inspect

    import smacv2

    yaml = pytest.importorskip("yaml")
    file = Path(smacv2.__path__[0]) / "examples" / "configs" / f"sc2_gen_{race}.yaml"
    if not file.exists():
        pytest.skip("the package was installed without its examples")
    published = yaml.safe_load(file.read_text())["env_args"]
    ours = starcraft_configs.arguments(f"{race}_5_vs_5")
    inner = ours.pop("capability_config"), published.pop("capability_config")
    assert inner[0] == inner[1]
    from smacv2.env import StarCraft2Env

    usual = {name: field.default for name, field in inspect.signature(StarCraft2Env).parameters.items()}
    assert {**usual, **published, "continuing_episode": True} == {**usual, **ours, "capability_config": {}}


@real
@installed
def test_the_real_draws_follow_the_seed():
    def draws(seed):
        game = starcraft.make_game({}, "terran_10_vs_11")
        with starcraft.Randomness(game, seed):
            return [way.generate() for way in game.env_key_to_distribution_map.values() for _ in range(5)]

    assert repr(draws(1)) == repr(draws(1))
    assert repr(draws(1)) != repr(draws(2))


@real
@installed
def test_the_real_package_without_the_game(monkeypatch, tmp_path):
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    for name in ("smac/3m", "smacv2/protoss_5_vs_5"):
        with pytest.raises(ValueError, match="needs the game StarCraft II") as caught:
            envs.make(name, 2).reset(0)
        complain(caught.value, name, True)
    with pytest.raises(starcraft.Broken, match="FileNotFoundError in reset"):
        starcraft.Battle(functools.partial(starcraft.make_game, {}, "3m")).reset(0)


def real_battles(task, batch=2, processes=0, **options):
    """The real package on the stand-in for the game."""
    import fake_game

    copies = functools.partial(fake_game.make_battle, task, **options)
    return Vector(copies, batch, processes, f"smac/{task}", deterministic=False, limits=SHORT._replace(reset=10.0))


@real
@installed
@pytest.mark.parametrize("task", ["3m", "5m_vs_6m", "2s3z", "1c3s5z", "MMM", "protoss_5_vs_5", "terran_10_vs_11"])
def test_the_real_package_plays_episodes(task):
    env = real_battles(task, agent_ids=True, last_actions=True)
    view, ends = env.reset(0), 0
    assert view.alive.all()
    rng = np.random.default_rng(0)
    for _ in range(60):
        action = (rng.random(env.view().available.shape) * env.view().available).argmax(-1)
        step = env.step(action)
        ended = step.terminated | step.truncated
        ends += ended.sum()
        assert (step.final.available.sum(-1) > 0).all()
        dead = ~step.final.alive
        assert (step.final.available[dead] == (np.arange(env.n_actions) == 0)).all()
        assert not step.final.obs[dead].any()
        assert step.view.alive[ended].all()
        assert_array_equal(step.info["dead_allies"], dead.sum(-1))
    assert ends >= 4
    assert env.counts == dict(restarts=0, discarded=0)
    assert np.isfinite(step.final.obs).all()
    env.close()


@real
@installed
def test_real_episodes_follow_the_seed():
    runs = []
    for seed, processes in ((1, 0), (1, 2), (2, 0)):
        env = real_battles("zerg_5_vs_5", processes=processes)
        env.reset(seed)
        runs.append([row for step in play(env, 30) for row in step])
        env.close()
    for x, y in zip(runs[0], runs[1], strict=True):
        assert_array_equal(x, y)
    assert any((x != y).any() for x, y in zip(runs[0], runs[2], strict=True))


@real
@installed
def test_the_real_clock_truncates():
    env = real_battles("3m", batch=1)
    env.reset(0)
    for k in range(1, 61):
        battle = env._hosts[0].copies.singles[0]
        for unit in battle.game.configuration.started[-1].units.values():
            unit.health = 30  # nobody dies
        step = env.step(stand(env))
        assert step.truncated.tolist() == [k == 60]
        assert not step.terminated.any()
    env.close()


@real
@installed
@pytest.mark.parametrize("fault", ["observe", "hang"])
@pytest.mark.parametrize("at", [0, 2, 40])
def test_the_real_packages_faults(tmp_path, fault, at):
    """The game goes wrong at the start, in a step, in a later episode."""
    env = real_battles("3m", 1, 1, fault=fault, at=at, marker=tmp_path / "marker")
    env.reset(0)
    rng = np.random.default_rng(0)
    for _ in range(60):
        action = (rng.random(env.view().available.shape) * env.view().available).argmax(-1)
        env.step(action)
    assert (tmp_path / "marker").exists()
    assert env.counts["restarts"] == 1
    in_reset = at == 0 and fault == "observe"  # the first reset looks but does not step
    assert env.counts["discarded"] == int(not in_reset)
    env.close()


@real
@installed
def test_what_is_repaired_is_broken_in_the_real_package():
    """If this fails the package was mended and `repair` can go."""
    env = real_battles("2s3z", batch=1, mend=False)
    with pytest.raises(RuntimeError, match="failed 4 times in a row: IndexError in reset"):
        env.reset(0)
    env = real_battles("3m", 1, 1, mend=False)
    env.reset(0)
    while env.counts["restarts"] == 0:
        step = env.step(stand(env))
    assert step.terminated.all()  # the reset after the first battle hung
    env.close()


@real
@installed
@pytest.mark.skipif(not (starcraft.game_folder() / "Versions").is_dir(), reason="StarCraft II is not installed")
@pytest.mark.parametrize("name", ["smac/3m", "smac/2s3z", "smacv2/protoss_5_vs_5", "smacv2/terran_10_vs_11"])
def test_episodes_in_the_game_itself(name):
    env = envs.make(name, 2)
    env.reset(0)
    teams, ends, rng = [env.view().state], 0, np.random.default_rng(0)
    while ends < 4:
        step = env.step((rng.random(env.view().available.shape) * env.view().available).argmax(-1))
        ended = step.terminated | step.truncated
        ends += ended.sum()
        assert np.isfinite(step.final.obs).all()
        assert step.view.alive[ended].all()
    assert env.counts["discarded"] == 0
    env.close()
    again = envs.make(name, 2)
    if name.startswith("smacv2"):
        np.testing.assert_allclose(again.reset(0).state, teams[0], atol=0.1)  # the same teams, about the same places
    again.close()
