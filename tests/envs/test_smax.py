"""SMAX as a team environment, against JaxMARL's own environment driven by hand, one battle and one step at a time."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from maca_edu.envs import compiled, smax
from maca_edu.envs.smax_scenarios import BATTLES, KINDS, RACES
from maca_edu.training import checkpoint

pytest.importorskip("jaxmarl")

B = 3
STOP = 4


def legal_actions(view, rng):
    """A random legal joint action [B, n]."""
    return np.where(view.available, rng.random(view.available.shape), -1).argmax(-1)


def flat(step):
    return [*step.view, *step.final, step.reward, step.terminated, step.truncated, step.won, *step.info.values()]


class ByHand:
    """One battle of JaxMARL's environment, stepped without any of our code; nothing is restarted by itself."""

    def __init__(self, key):
        jax, environments = compiled.import_jax()
        library = environments.smax
        self.split, scenario = jax.random.split, library.map_name_to_scenario("2s3z")
        self.env = library.HeuristicEnemySMAX(scenario=scenario, max_steps=10_000)
        self.reset(key)

    def reset(self, key):
        self.key, key = self.split(key)
        self.obs, self.state = self.env.reset(key)

    def step(self, action):
        """Reward, whether a team is dead, and the key for a restart."""
        self.key, key, reset_key = self.split(self.key, 3)
        actions = {agent: int(action[i]) for i, agent in enumerate(self.env.agents)}
        self.obs, self.state, rewards, dones, _ = self.env.step_env(key, self.state, actions)
        return float(rewards["ally_0"]), bool(dones["__all__"]), reset_key

    def seen(self):
        """Observation, world state, legal actions, who lives."""
        legal = self.env.get_avail_actions(self.state)
        obs, available = (np.stack([d[agent] for agent in self.env.agents]) for d in (self.obs, legal))
        return obs, np.asarray(self.obs["world_state"]), available, np.asarray(self.state.state.unit_alive[:5])


def test_a_batch_is_the_librarys_environment_one_at_a_time():
    limit, seed, rng = 45, 3, np.random.default_rng(0)
    env = smax.make(f"smax/2s3z?state=raw&time_limit={limit}", B)
    view = env.reset(seed)
    keys = np.random.SeedSequence(seed).generate_state(2 * B).reshape(B, 2)
    battles, clock = [ByHand(key) for key in keys], np.zeros(B, dtype=int)
    tree_map, endings = compiled.import_jax()[0].tree.map, {"over": 0, "late": 0}
    for _ in range(70):
        action = legal_actions(view, rng)
        step = env.step(action)
        clock += 1
        now = tree_map(np.array, env._copies[0])
        for b, battle in enumerate(battles):
            reward, over, reset_key = battle.step(action[b])
            late = clock[b] == limit and not over
            for ours, theirs in zip(step.final, battle.seen(), strict=True):
                assert_allclose(ours[b], theirs, rtol=1e-5, atol=1e-4)
            assert step.reward[b] == pytest.approx(reward, abs=1e-6)
            assert (step.terminated[b], step.truncated[b]) == (over, late)
            alive = np.asarray(battle.state.state.unit_alive)
            assert step.info["dead_allies"][b] == 5 - alive[:5].sum()
            assert step.info["dead_enemies"][b] == 5 - alive[5:].sum()
            assert step.won[b] == (over and alive[:5].any())
            if over or late:
                battle.reset(reset_key)
                clock[b] = 0
                endings["over" if over else "late"] += 1
            for ours, theirs in zip(step.view, battle.seen(), strict=True):
                assert_allclose(ours[b], theirs, rtol=1e-5, atol=1e-4)
            battle.state = tree_map(lambda x, b=b: x[b], now)  # rounding would add up
        view = step.view
    assert endings["over"] > 0
    assert endings["late"] > 0


def test_units_are_pushed_apart_as_in_the_library():
    jax, environments = compiled.import_jax()
    library = environments.smax
    core, rng = library.SMAX(scenario=library.map_name_to_scenario("smacv2_10_units")), np.random.default_rng(0)
    _, state = core.reset(jax.random.PRNGKey(0))
    theirs, ours = jax.jit(core._push_units_away), jax.jit(lambda state: smax.push_apart(core, state))
    for width in (1, 3, 32):
        position, alive = rng.uniform(10, 10 + width, (20, 2)).astype(np.float32), rng.random(20) < 0.8
        position[1] = position[0]  # as close as it gets
        crowd = state.replace(unit_positions=position, unit_alive=alive)
        assert_allclose(ours(crowd).unit_positions, theirs(crowd).unit_positions, rtol=1e-5)
        assert (np.abs(theirs(crowd).unit_positions - position).max() > 0.1) == (width < 32)


def arena(batch=B, limit=100, walls=True):
    """3 marines against 3, in range of each other, and what `put` needs to arrange them."""
    env = smax.make(f"smax/3m?time_limit={limit}&walls={str(walls).lower()}", batch)
    env.reset(0)
    saved = env.state_dict()
    position = saved["copies"]["0/state/unit_positions"]
    position[:] = 16 + np.array([[0, 0], [0, 2], [0, 4], [3, 0], [3, 2], [3, 4]])
    return env, saved


def put(env, saved, health, step=0):
    """Start from an arrangement with these healths [6], `step` steps into the battle, everyone about to shoot."""
    saved["copies"]["0/state/unit_health"][:] = health
    saved["copies"]["0/state/step"][:] = step
    saved["view"]["available"][:] = True
    env.load_state_dict(saved)


SHOOT = np.tile(smax.MOVES + np.arange(3), (B, 1))  # each marine the one opposite


@pytest.mark.parametrize(
    ("health", "terminated", "won", "dead"),
    [
        ([45, 45, 45, 1, 1, 1], True, True, (0, 3)),
        ([1, 1, 1, 45, 45, 45], True, False, (3, 0)),
        ([1, 1, 1, 1, 1, 1], True, False, (3, 3)),  # all shoot at once: a draw
        ([45, 45, 45, 45, 45, 45], False, False, (0, 0)),
    ],
)
def test_wins_losses_and_draws(health, terminated, won, dead):
    env, saved = arena()
    put(env, saved, health)
    step = env.step(SHOOT)
    assert step.terminated.tolist() == [terminated] * B
    assert step.won.tolist() == [won] * B
    assert list(zip(step.info["dead_allies"], step.info["dead_enemies"], strict=True)) == [dead] * B
    lost = np.maximum(np.array(health[3:]) - 9 * 1, 0)  # one shot each, of 9
    assert_allclose(step.reward, (np.array(health[3:]) - lost).sum() / 45 / 3 + won, rtol=1e-5)
    assert_array_equal(step.final.alive, np.tile(np.array(health[:3]) > 1 if terminated else [True] * 3, (B, 1)))


def aimed(view, rng):
    """A random legal joint action [B, n]; shots are preferred."""
    liking = rng.random(view.available.shape) * np.where(np.arange(view.available.shape[-1]) < smax.MOVES, 1, 5)
    return np.where(view.available, liking, -1).argmax(-1)


def test_an_ally_that_did_not_hit_an_enemy_changes_nothing_of_its_loss():
    """Every ally that shoots is silenced in a replay of the same step, with the same chance."""
    env, replay = smax.make("smax/3m", B), smax.make("smax/3m", B)
    view, rng, checked = env.reset(5), np.random.default_rng(5), {"no member": 0, "alone": 0}
    for _ in range(150):
        saved, action = env.state_dict(), aimed(view, rng)
        step = env.step(action)
        (amount, members), fell = step.credit, step.final.state[:, 30:60:10] <= 0  # [B, m] enemies dead after the step
        for i in range(env.n_agents):
            target = action[:, i] - smax.MOVES  # [B], below 0 where i moves
            silenced = np.where(target >= 0, STOP, action[:, i])
            replay.load_state_dict(saved)
            loss = replay.step(np.concatenate([action[:, :i], silenced[:, None], action[:, i + 1 :]], axis=1)).credit
            for b in range(B):
                if target[b] < 0 or (members[b, target[b], i] and fell[b, target[b]]):
                    continue  # had its target not died, it would have fought on within the step
                for e in range(3):
                    if not members[b, e, i]:
                        assert loss.amount[b, e] == amount[b, e]
                        checked["no member"] += 1
                    elif (action[b] == smax.MOVES + e).sum() == 1:
                        assert amount[b, e] > 0
                        assert loss.amount[b, e] == 0
                        checked["alone"] += 1
        view = step.view
    assert min(checked.values()) > 100, checked


def test_the_win_is_everybodys_who_was_alive():
    env, saved = arena()
    put(env, saved, [45, 45, 0, 1, 1, 0])
    saved["copies"]["0/state/unit_alive"][:] = np.array([1, 1, 0, 1, 1, 0], dtype=bool)
    env.load_state_dict(saved)
    credit = env.step(np.tile([5, 6, STOP], (B, 1))).credit
    assert env.terms == ("enemy_0", "enemy_1", "enemy_2", "win")
    assert credit.members[0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]]
    assert_allclose(credit.amount[0], [1 / 45 / 3, 1 / 45 / 3, 0, 1], rtol=1e-5)
    assert credit.partners()[0].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_an_enemy_at_the_edge_is_paid_for_without_members():
    env, saved = arena()
    saved["copies"]["0/state/unit_positions"][:, [0, 3]] = (29, 16), (32, 16)  # in range: the enemy stays and shoots
    put(env, saved, 45)
    credit = env.step(np.full((B, 3), STOP)).credit
    assert_allclose(credit.amount[:, 0], 1 / 3, rtol=1e-5)
    assert not credit.members.any()


def test_the_last_moment_is_a_win_if_it_is_one_and_a_cut_if_not():
    env, saved = arena()
    put(env, saved, [45, 45, 45, 1, 1, 1], step=99)
    step = env.step(SHOOT)
    assert step.won.all()
    assert step.terminated.all()
    assert not step.truncated.any()
    put(env, saved, 45, step=98)
    step = env.step(np.full((B, 3), STOP))
    assert not step.truncated.any()
    step = env.step(np.full((B, 3), STOP))
    assert step.truncated.all()
    assert not (step.terminated | step.won).any()
    assert (env.positions().health == 1).all()  # the next battle
    assert (step.final.obs[:, :, -10] < 1).any()  # the marines were shot at


def test_the_dead_may_only_stop_and_see_nothing():
    env, saved = arena()
    put(env, saved, [1, 45, 45, 45, 45, 45])
    step = env.step(np.full((B, 3), STOP))
    assert step.view.alive.tolist() == [[False, True, True]] * B
    assert_array_equal(step.view.available[:, 0], np.tile(np.arange(env.n_actions) == STOP, (B, 1)))
    assert not step.view.obs[:, 0].any()
    assert step.view.available[:, 1:].sum() > 2 * B
    with pytest.raises(ValueError, match=r"action\[0, 0\]=0; allowed there are \[4\]"):
        env.step(np.zeros((B, 3), dtype=int))


@pytest.mark.parametrize("walls", [True, False])
def test_walls(walls):
    env, saved = arena(walls=walls)
    saved["copies"]["0/state/unit_positions"][:] = 16
    saved["copies"]["0/state/unit_positions"][:, 0] = (31.9, 2)
    put(env, saved, 45)
    step = env.step(np.tile([1, STOP, STOP], (B, 1)))  # east
    assert step.view.alive[:, 0].tolist() == [not walls] * B


def test_a_seed_decides_everything_and_a_saved_state_goes_on(tmp_path):
    one, same, other = (smax.make("smax/3m", B) for _ in range(3))
    one.reset(3), same.reset(3), other.reset(4)
    assert (one.view().obs != other.view().obs).any()
    assert len({row.tobytes() for row in one.view().state}) == B
    rng, endings = np.random.default_rng(1), 0

    def compare(a, b, steps):
        ended = 0
        for _ in range(steps):
            action = legal_actions(a.view(), rng)
            result = a.step(action)
            for x, y in zip(flat(result), flat(b.step(action)), strict=True):
                assert_array_equal(x, y)
            ended += int((result.terminated | result.truncated).sum())
        return ended

    compare(one, same, 20)
    checkpoint.save(tmp_path / "saved.npz", one.state_dict())
    other.load_state_dict(checkpoint.load(tmp_path / "saved.npz"))
    for x, y in zip(one.view(), other.view(), strict=True):
        assert_array_equal(x, y)
    endings = compare(one, other, 100)
    assert endings >= B
    with pytest.raises(ValueError, match="the saved environment differs from 'smax/3m' with batch=2"):
        smax.make("smax/3m", 2).load_state_dict(one.state_dict())


def test_a_forks_chance_follows_from_the_seeds_of_its_copies():
    env, saved = arena()
    put(env, saved, 45)
    fork = env.fork(np.zeros(B, dtype=int), np.array([1, 1, 2]))
    state = fork.step(SHOOT).final.state  # with cooldowns, which are drawn at every shot
    assert_array_equal(state[0], state[1])
    assert (state[0] != state[2]).any()
    assert (fork.fork(np.array([2]), np.array([0])).view().state == state[2]).all()


def test_arrays_belong_to_the_caller():
    env, rng = smax.make("smax/3m", B), np.random.default_rng(0)
    env.reset(1)
    step = env.step(legal_actions(env.view(), rng))
    before, now = [x.copy() for x in flat(step)], env.view()
    for array in now:
        array[:] = 0
    saved = env.state_dict()
    for array in [*saved["copies"].values(), *saved["view"].values(), *env.positions()]:
        array[...] = 0
    env.step(legal_actions(step.view, rng))
    for x, y in zip(flat(step), before, strict=True):
        assert_array_equal(x, y)


def test_the_state_is_scaled():
    raw, scaled = (smax.make(f"smax/2s3z?state={x}&time_limit=45", B) for x in smax.STATES[::-1])
    views = raw.reset(2), scaled.reset(2)
    rng = np.random.default_rng(0)
    for _ in range(30):
        action = legal_actions(views[0], rng)
        views = raw.step(action).view, scaled.step(action).view
        a, b = (view.state[:, :100].reshape(B, 10, 10) for view in views)
        assert_array_equal(a[..., [0, 4, 5, 6, 7, 8, 9]], b[..., [0, 4, 5, 6, 7, 8, 9]])
        assert_allclose(a[..., 1:3] / 32, b[..., 1:3], rtol=1e-5)
        assert_allclose(np.clip(a[..., 3] / np.where(a[..., 6] == 1, 1.87, 0.86), 0, 1), b[..., 3], rtol=1e-5)
        assert_allclose(views[0].state[:, 110:] / 5, views[1].state[:, 110:], rtol=1e-5)
        assert np.abs(views[1].state).max() <= 1
        for x, y in zip(views[0][0:1] + views[0][2:], views[1][0:1] + views[1][2:], strict=True):
            assert_array_equal(x, y)
    assert np.abs(views[0].state).max() > 10


def battle_of_units(scaled):
    """A battle of 2s3z as JaxMARL has it, and the numbers of all units in its state, `[n + m, 12]`, as entities say."""
    jax, game = compiled.import_jax()[0], smax.Game(smax.Asked(BATTLES["2s3z"], True, 100, scaled))
    jnp, (_, battle) = jax.numpy, game.core.reset(jax.random.PRNGKey(0))

    def numbers(battle):
        state = game.core.get_world_state(jax.tree.map(jnp.asarray, battle))
        state = np.asarray(game.scale(state) if scaled else state)
        return np.concatenate([state[group.where()] for group in game.entities.groups])

    assert [group.name for group in game.entities.groups] == ["allies", "enemies"]
    assert len(game.entities.others(game.state_size)) == 0
    return battle.replace(unit_weapon_cooldowns=np.linspace(0.1, 0.4, 10, dtype=np.float32)), numbers


@pytest.mark.parametrize("scaled", [True, False])
def test_entities_tell_the_units_apart(scaled):
    """What happens to a unit in JaxMARL's own record changes this unit's numbers and nobody else's."""
    battle, numbers = battle_of_units(scaled)
    before = numbers(battle)
    assert_array_equal(before[:, 10], [0] * 5 + [1] * 5)  # teams
    for k in range(10):
        for name, columns in (("unit_health", [0]), ("unit_positions", [1, 2]), ("unit_weapon_cooldowns", [3])):
            halved = np.array(getattr(battle, name))
            halved[k] /= 2
            differs = numbers(battle.replace(**{name: halved})) != before
            assert_array_equal(np.argwhere(differs), [(k, column) for column in columns])
        alive = np.arange(10) != k
        dead = numbers(battle.replace(unit_alive=alive, unit_health=battle.unit_health * alive))
        assert_array_equal(dead[k, :10], 0)
        assert_array_equal(dead[alive], before[alive])


def test_other_units_order_is_another_order_of_their_numbers():
    battle, numbers = battle_of_units(scaled=True)
    order = np.array([3, 0, 1, 4, 2, 5, 9, 6, 8, 7])  # allies among themselves, enemies too
    names = [name for name in vars(battle) if name.startswith("unit_")]
    swapped = battle.replace(**{name: np.array(getattr(battle, name))[order] for name in names})
    assert_array_equal(numbers(swapped), numbers(battle)[order])
    assert len(np.unique(numbers(battle), axis=0)) == 10


@pytest.mark.parametrize("race", RACES)
def test_teams_of_one_race(race):
    env = smax.make(f"smax/{race}_5_vs_5", 32)  # JaxMARL's own random maps fail the last lines
    env.reset(0)
    kind = env.positions().kind
    assert {KINDS[k] for k in np.unique(kind)} == set(RACES[race])
    assert_array_equal(kind[:, :5], kind[:, 5:])
    assert len({row.tobytes() for row in kind}) > 10
    share = (kind == kind.min()).mean()  # 160 independent draws of one half: standard deviation .04
    assert 0.34 < share < 0.66
    for seed in range(5):
        env.reset(seed)
        position = env.positions().position
        assert (position > 0).all()
        assert (position < 32).all()


def test_a_team_that_is_asked_for_fights_in_every_battle():
    """Only the kinds change: the same seed gives the same places, but for large units that are pushed further apart."""
    team = ("zealot", "marine", "zealot", "stalker", "hydralisk")
    drawn, fixed = (smax.make(f"smax/smacv2_5_units{x}", 8) for x in ("", f"?team={','.join(team)}"))
    for seed in range(2):
        drawn.reset(seed), fixed.reset(seed)
        assert_array_equal(fixed.positions().kind, np.tile([KINDS.index(kind) for kind in team * 2], (8, 1)))
        assert_allclose(fixed.positions().position, drawn.positions().position, atol=1)
        assert len({row.tobytes() for row in drawn.positions().kind}) > 1
    view = fixed.view()
    assert_array_equal(view.obs[0, 0, -6:], np.arange(6) == KINDS.index("zealot"))  # an agent is told what it is


def test_sizes_of_our_own_scenario():
    env = smax.make("smax/8m_vs_9m", 2)
    view = env.reset(0)
    assert (env.n_agents, env.n_actions, env.obs_size, env.state_size) == (8, 14, 218, 204)
    assert [x.shape for x in view] == [(2, 8, 218), (2, 204), (2, 8, 14), (2, 8)]
    assert [x.dtype for x in view] == [np.float32, np.float32, bool, bool]
    assert env.positions().position.shape == (2, 17, 2)
    assert smax.sizes("smax/8m_vs_9m?walls=false") == (8, 14, False, 100)


def test_the_table_of_maps_agrees_with_the_library():
    library = compiled.import_jax()[1].smax
    from jaxmarl.environments.smax.smax_env import MAP_NAME_TO_SCENARIO

    assert list(library.SMAX().unit_type_names) == list(KINDS)
    for name, scenario in MAP_NAME_TO_SCENARIO.items():
        battle = BATTLES[name]
        assert (battle.allies, battle.enemies) == (scenario.num_allies, scenario.num_enemies)
        assert battle.random == scenario.smacv2_unit_type_generation == scenario.smacv2_position_generation
        if not battle.random:
            assert [KINDS.index(kind) for kind in battle.kinds] == scenario.unit_types.tolist()


def test_importing_is_quiet_and_names_need_no_jax():
    program = """
import sys
from maca_edu.envs import compiled, smax
assert len(smax.names()) == 21 and "jax" not in sys.modules
sys.stdout = mine = __import__("io").StringIO()
compiled.import_jax()
assert sys.stdout is mine and mine.getvalue() == ""
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jaxmarl", None)
    with pytest.raises(
        ValueError,
        match=r"smax/\.\.\. and jaxmpe/\.\.\. need the package jaxmarl; get it with: .* -m pip install .*jax",
    ):
        compiled.import_jax()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smax/2s3", "env='smax/2s3'; allowed are smax/3m"),
        ("smax/3m?speed=1", "has no option speed; allowed are walls, time_limit, state, team"),
        ("smax/3m?team=marine,marine,marine", "on smax/3m; allowed is a team on maps with random teams"),
        ("smax/smacv2_5_units?team=zealot", r"team='zealot'; allowed on smax/smacv2_5_units are 5 kinds with commas"),
        ("smax/zerg_5_vs_5?team=" + ",".join(["zealot"] * 5), "out of zergling, hydralisk"),
        ("smax/3m?walls=1", "walls=1; allowed are true and false"),
        ("smax/3m?time_limit=0", "time_limit=0; allowed is an integer of at least 1"),
        ("smax/3m?state=small", "state='small'; allowed are scaled, raw"),
    ],
)
def test_wrong_names_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        smax.make(name, B)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.full((B, 2), STOP), r"action has shape \(3, 2\); expected \(3, 3\)"),
        (np.full((B, 3), 4.0), "type float64; expected integers from 0 to 7"),
        (np.full((B, 3), 8), r"action\[0, 0\]=8; allowed there are"),
        (np.full((B, 3), -1), r"action\[0, 0\]=-1; allowed there are"),
        (np.full((B, 3), 5), r"action\[0, 0\]=5; allowed there are \[0, 1, 2, 3, 4\]"),  # out of range
    ],
)
def test_wrong_actions_are_refused(action, message):
    env = smax.make("smax/3m", B)
    env.reset(0)
    with pytest.raises(ValueError, match=message):
        env.step(action)
