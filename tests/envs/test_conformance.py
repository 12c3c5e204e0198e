"""The contract of `maca_edu.team_env.TeamEnv`, the same tests for every family of environments."""

import copy
import functools
import importlib.util
import inspect
import multiprocessing
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from strangers import HARMLESS_NAMES

from maca_edu import envs
from maca_edu.envs import toy
from maca_edu.envs.compiled import CompiledEnv
from maca_edu.envs.workers import Vector
from maca_edu.team_env import Entities, TeamEnv, TeamStep, View

B = 3
LONG = 60  # steps of the longer plays, enough for an episode to end in every environment

MPE = [
    "mpe/simple_spread",
    "mpe/simple_spread?continuous=false&horizon=7",
    "mpe/simple_spread?horizon=5&processes=2",
    "mpe/simple_reference?reward=mean",
    "mpe/simple_reference?continuous=false",
    "mpe/simple_speaker_listener",
    "mpe/simple_speaker_listener?continuous=false&horizon=9",
    "pettingzoo/mpe2.simple_spread_v3?reward=sum",
]
SMAX = ["smax/3m?time_limit=19"]  # each costs half a minute of compiling, hence lengths that no other test has
JAXMPE = ["jaxmpe/simple_speaker_listener?horizon=9", "jaxmpe/simple_spread?continuous=false&horizon=11"]
NAMES = [
    *toy.names(),
    "toy/ring?n_agents=8&span=3",
    "toy/longring?n_agents=30&rounds=3&moving=true",
    "toy/warehouse?preset=tiny&horizon=4",
    "pettingzoo/toy_envs.fridge_v0",
    "pettingzoo/toy_envs.warehouse_v0?preset=tiny&horizon=6&processes=1",
    *HARMLESS_NAMES,  # a small game with strangers' habits
]
NAMES += MPE if importlib.util.find_spec("mpe2") else []
NAMES += [*SMAX, *JAXMPE] if importlib.util.find_spec("jaxmarl") else []
SAME = ("fridge", "ring", "climb", "penalty", "xor")  # games in which nothing is random, like the next
SAME_NAMES = [
    name for name in NAMES if name in ("toy/warehouse", "toy/longring") or any(f"{game}_v0" in name for game in SAME)
]
SAME_NAMES += [name for name in NAMES if any(name.startswith(f"toy/{game}") for game in SAME)]
DOUBLE = "smac/double"  # the StarCraft adapter, with a stand-in for the game
NAMES += [DOUBLE] if importlib.util.find_spec("smac_double") else []


def make(name, batch):
    """`envs.make`, for the stand-in too."""
    if name != DOUBLE:
        return envs.make(name, batch)
    from smac_double import Double

    from maca_edu.envs import starcraft

    return Vector(functools.partial(starcraft.Battle, Double), batch, 0, name, deterministic=False)


@pytest.fixture(scope="module", params=NAMES)
def pair(request):
    """Two environments of the same name."""
    two = make(request.param, B), make(request.param, B)
    yield two
    for env in two:
        env.close()


@pytest.fixture
def env(pair):
    return pair[0]


@pytest.fixture
def other(pair):
    return pair[1]


def choose(env, view, rng):
    """Random legal joint actions; continuous ones partly outside the range that games clip to."""
    if env.continuous:
        return rng.uniform(-0.5, 1.5, view.available.shape).astype(np.float32) * view.available
    return (rng.random(view.available.shape) * view.available).argmax(-1)


def play(env, seed, steps):
    """Reset and play random actions; yields the view before each step, and the step."""
    rng, view = np.random.default_rng(seed), env.reset(seed)
    for _ in range(steps):
        step = env.step(choose(env, view, rng))
        yield view, step
        view = step.view


def ended(step):
    return step.terminated | step.truncated


def arrays(step):
    """All that a step returned, by name."""
    named = {f"{when}.{field}": x for when in ("view", "final") for field, x in getattr(step, when)._asdict().items()}
    named |= {name: getattr(step, name) for name in ("reward", "terminated", "truncated")}
    named |= {} if step.credit is None else step.credit._asdict()
    return named | ({} if step.won is None else {"won": step.won}) | dict(step.info)


def assert_same(a: dict, b: dict):
    assert a.keys() == b.keys()
    for name in a:
        assert_array_equal(a[name], b[name], err_msg=name)


def test_it_has_every_name_of_the_contract(env):
    methods = [name for name, _ in inspect.getmembers(TeamEnv, inspect.isfunction) if not name.startswith("_")]
    assert {"reset", "close"} < set(methods)
    assert all(callable(getattr(env, name)) for name in methods)
    assert all(hasattr(env, name) for name in TeamEnv.__annotations__)
    assert isinstance(env.name, str)
    assert isinstance(env.deterministic, bool)
    assert env.terms is None or (len(set(env.terms)) == len(env.terms) and all(isinstance(x, str) for x in env.terms))


def test_the_terms_add_up_to_the_reward(env):
    for view, step in play(env, 17, LONG):
        if env.terms is None:
            assert step.credit is None
            continue
        amount, members = step.credit
        K, n = len(env.terms), env.n_agents
        assert [(x.shape, x.dtype) for x in step.credit] == [((B, K), np.float32), ((B, K, n), bool)]
        assert_allclose(amount.sum(1), step.reward, atol=1e-5)
        assert not (members & ~view.alive[:, None]).any()


def test_entities_share_the_state_among_them(env):
    """No number speaks of two units; where a group says that health comes first, it is 0 for the dead and only them."""
    assert env.entities is None or isinstance(env.entities, Entities)
    if env.entities is None:
        return
    groups = env.entities.groups
    owned = np.concatenate([group.where().ravel() for group in groups])
    assert len({group.name for group in groups}) == len(groups)
    assert_array_equal(np.sort([*owned, *env.entities.others(env.state_size)]), np.arange(env.state_size))
    allies = [group for group in groups if group.name == "allies" and group.health_first]
    for _, step in play(env, 0, LONG if allies else 0):
        health = step.final.state[:, allies[0].where()[:, 0]]  # [B, n]
        assert_array_equal(health > 0, step.final.alive)


def test_the_contract_explains_every_key_of_info(env):
    _, step = next(play(env, 0, 1))
    assert all(f'"{key}"' in TeamStep.__doc__ for key in step.info)


def test_shapes_and_types(env):
    n, A, d, s = env.n_agents, env.n_actions, env.obs_size, env.state_size
    expected = [((B, n, d), np.float32), ((B, s), np.float32), ((B, n, A), bool), ((B, n), bool)]
    assert env.batch == B
    assert isinstance(env.continuous, bool)
    assert min(n, A, d, s, env.horizon) >= 1
    view = env.reset(0)
    step = env.step(choose(env, view, np.random.default_rng(0)))
    for seen in (view, step.view, step.final, env.view()):
        assert isinstance(seen, View)
        assert [(x.shape, x.dtype) for x in seen] == expected
    outcome = [(step.reward, np.float32), (step.terminated, bool), (step.truncated, bool)]
    outcome += [] if step.won is None else [(step.won, bool)]
    assert [(x.shape, x.dtype) for x, _ in outcome] == [((B,), dtype) for _, dtype in outcome]
    assert all(x.shape == (B,) and x.dtype.kind in "fiub" for x in step.info.values())


def test_all_numbers_are_finite(env):
    for _, step in play(env, 1, LONG):
        assert all(np.isfinite(x).all() for x in arrays(step).values())


def test_everybody_always_has_a_legal_action_and_the_dead_have_one(env):
    for view, step in play(env, 2, LONG):
        for seen in (view, step.final):
            assert seen.available.any(-1).all()
            if not env.continuous:
                assert (seen.available.sum(-1)[~seen.alive] == 1).all()


def test_the_dead_stay_dead_until_the_episode_ends(env):
    everybody = np.ones((B, env.n_agents), dtype=bool)
    for view, step in play(env, 3, LONG):
        assert not (step.final.alive & ~view.alive).any()
        assert_array_equal(step.view.alive[ended(step)], everybody[ended(step)])
    assert env.reset(3).alive.all()


def test_the_clock_cuts_episodes_at_the_horizon_and_not_before(env):
    clock, ends = np.zeros(B, dtype=int), 0
    for _, step in play(env, 4, max(LONG, env.horizon + 1) if env.horizon <= 200 else LONG):
        clock += 1
        assert not (step.terminated & step.truncated).any()
        assert_array_equal(step.truncated, (clock == env.horizon) & ~step.terminated)
        clock[ended(step)] = 0
        ends += int(ended(step).sum())
    assert ends >= B


def test_the_final_view_is_the_view_where_nothing_ended(env):
    for _, step in play(env, 5, LONG):
        on = ~ended(step)
        for seen, last in zip(step.view, step.final, strict=True):
            assert_array_equal(seen[on], last[on])


def test_the_view_is_what_the_last_step_returned(env):
    view = env.reset(6)
    assert_same(env.view()._asdict(), view._asdict())
    for _, step in play(env, 6, 5):
        assert_same(env.view()._asdict(), step.view._asdict())


def test_nobody_wins_before_the_end(env):
    for _, step in play(env, 7, LONG):
        assert step.won is None or not (step.won & ~ended(step)).any()


def test_the_same_seed_gives_the_same_play_and_another_does_not(env, other):
    for (_, a), (_, b) in zip(play(env, 8, LONG), play(other, 8, LONG), strict=True):
        assert_same(arrays(a), arrays(b))
    if env.name not in SAME_NAMES:
        assert any((a != b).any() for a, b in zip(env.reset(8), other.reset(9), strict=True))


def test_environments_of_a_batch_differ(env):
    if env.name not in SAME_NAMES:
        obs = env.reset(10).obs
        assert (obs[0] != obs[1]).any()
        assert (obs[1] != obs[2]).any()


def test_illegal_actions_are_refused_and_change_nothing(env, other):
    rng = np.random.default_rng(11)
    view, _ = env.reset(11), other.reset(11)
    for _ in range(3):
        action = choose(env, view, rng)
        for wrong in wrong_actions(env, view, action):
            with pytest.raises(ValueError, match=r"action|allowed"):
                env.step(wrong)
        step = env.step(action)
        assert_same(arrays(step), arrays(other.step(action)))
        view = step.view


def wrong_actions(env, view, action):
    """Joint actions of which one agent's is illegal, and arrays that are no joint actions."""
    yield action[:, :-1]
    yield action[:-1]
    last = (B - 1, env.n_agents - 1)
    if env.continuous:
        for number in (np.nan, np.inf):
            yield changed(action, (*last, 0), number)
        return
    yield changed(action, last, -1)
    yield changed(action, last, env.n_actions)
    yield action.astype(np.float32)
    for b, i, a in np.argwhere(~view.available)[:3]:
        yield changed(action, (b, i), a)


def changed(action, where, value):
    action = action.copy()
    action[where] = value
    return action


def test_returned_arrays_never_change_and_are_the_callers(env, other):
    returned = [(arrays(step), copy.deepcopy(arrays(step))) for _, step in play(env, 12, 12)]
    for now, then in returned:
        assert_same(now, then)
    rng = np.random.default_rng(13)
    view, _ = env.reset(13), other.reset(13)
    for _ in range(12):
        action = choose(env, view, rng)
        spoil(view._asdict())
        spoil(env.view()._asdict())
        given = action.copy()
        step = env.step(given)
        spoil(dict(action=given))
        expected = arrays(other.step(action))
        assert_same(arrays(step), expected)
        spoil(step.final._asdict())
        view = View(*(x.copy() for x in step.view))
        spoil(step.view._asdict())


def spoil(named):
    """Overwrite arrays, as far as they allow it."""
    for x in named.values():
        if x.flags.writeable:
            x[:] = 1


def test_a_saved_state_goes_on_identically(env, other):
    if env.name == DOUBLE:
        pytest.skip("StarCraft II cannot be put back into the middle of a game")
    rng = np.random.default_rng(14)
    view, _ = env.reset(14), other.reset(15)
    for turn in range(3):
        for _ in range(7):
            view = env.step(choose(env, view, rng)).view
        saved = env.state_dict()
        check_plain(saved)
        kept = copy.deepcopy(saved)
        other.load_state_dict(saved)
        assert_same(other.view()._asdict(), view._asdict())
        for _ in range(LONG // 3 if turn == 2 else 5):
            action = choose(env, view, rng)
            step = env.step(action)
            assert_same(arrays(step), arrays(other.step(action)))
            view = step.view
        assert_equal(saved, kept)


def test_a_fork_goes_on_from_the_moments_it_copies_and_changes_nothing(env, other):
    """Copies with the same seed are equal as long as the same is played in them, and so is a fork of a fork."""
    try:
        env.fork(np.arange(B), np.arange(B))
    except ValueError as error:
        assert f"env={env.name!r} cannot be forked" in str(error)  # noqa: PT017
        assert not env.name.startswith(("toy/", "smax/", "jaxmpe/"))
        return
    rng, view = np.random.default_rng(18), env.reset(18)
    other.reset(18)
    for _ in range(3):
        action = choose(env, view, rng)
        view = env.step(action).view
        other.step(action)
    copies, seeds = np.array([2, 2, 0]), np.array([7, 7, 8])
    fork = env.fork(copies, seeds)
    again = fork.fork(np.arange(B), seeds)
    assert (fork.batch, fork.name, fork.terms) == (B, env.name, env.terms)
    for seen, here in zip(fork.view(), view, strict=True):
        assert_array_equal(seen, here[copies])
    for _ in range(min(env.horizon, LONG)):
        action = choose(fork, fork.view(), rng)
        action[1] = action[0]
        step = fork.step(action)
        assert_same(arrays(step), arrays(again.step(action)))
        for name, x in arrays(step).items():
            if not name.startswith("view."):  # where an episode ended, the next ones may differ
                assert_array_equal(x[0], x[1], err_msg=name)
        if ended(step).any():
            break
    for _ in range(5):  # what the fork did is nothing to the others
        action = choose(env, view, rng)
        step = env.step(action)
        assert_same(arrays(step), arrays(other.step(action)))
        view = step.view


@pytest.mark.parametrize(
    ("copies", "seeds", "message"),
    [
        ([0, B], [0, 0], f"copies holds {B}; allowed are 0 to {B - 1}"),
        ([0, -1], [0, 0], f"copies holds -1; allowed are 0 to {B - 1}"),
        ([], [], "copies="),
        ([0.0], [0], "copies="),
        ([0, 1], [0], "seeds="),
        ([0], [-1], "seeds="),
        ([0], [0.5], "seeds="),
    ],
)
def test_wrong_forks_are_refused(copies, seeds, message):
    with pytest.raises(ValueError, match=message):
        envs.make("toy/ring", B).fork(np.array(copies), np.array(seeds))


def test_a_compiled_step_is_compiled_once(env):
    if not isinstance(env, CompiledEnv):
        pytest.skip("not compiled")
    rng, view = np.random.default_rng(16), env.reset(16)
    for _ in range(3):
        view = env.step(choose(env, view, rng)).view
        env.load_state_dict(env.state_dict())
    assert env._programs.step._cache_size() == 1


def check_plain(value):
    """Only arrays, numbers, words and dictionaries of them: what a checkpoint without pickle can hold."""
    if isinstance(value, dict):
        for key, part in value.items():
            assert isinstance(key, str)
            check_plain(part)
    else:
        assert isinstance(value, np.ndarray | np.generic | int | float | str | bool)
        assert not (isinstance(value, np.ndarray) and value.dtype == object)


def test_a_state_of_another_batch_is_refused(env):
    saved = env.state_dict()
    saved = {key: part[:2] if isinstance(part, np.ndarray) and len(part) == B else part for key, part in saved.items()}
    if any(isinstance(part, dict) for key, part in saved.items() if key != "rng"):
        pytest.skip("nested: the family's own tests do this")
    with pytest.raises(ValueError, match="batch=3"):
        env.load_state_dict(saved)


@pytest.mark.parametrize("name", NAMES)
def test_closing_gives_everything_back(name):
    resource_tracker.ensure_running()  # Python's own, started with the first shared memory; it stays
    before = children()
    env = make(name, B)
    env.reset(0)
    env.close()
    env.close()
    assert children() <= before
    assert not multiprocessing.active_children()


def children() -> set[str]:
    """Process numbers of this process's children."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments_are_refused(name):
    for batch in (0, -1, 1.5):
        with pytest.raises(ValueError, match="batch="):
            make(name, batch)
    if name == DOUBLE:
        return
    with pytest.raises(ValueError, match="no_such_option"):
        envs.make(f"{name}{'&' if '?' in name else '?'}no_such_option=1", B)
