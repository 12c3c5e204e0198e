"""The warehouse against a plain-Python warehouse, and the promises its docstrings make."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

from toy_envs import warehouse_v0

STAY, UP, DOWN, LEFT, RIGHT, LIFT = range(6)
PRESETS = ("tiny", "small", "practice", "team", "crowd")


@st.composite
def games(draw):
    """Warehouses of many shapes."""
    n = draw(st.integers(1, 5))
    one_crew = st.sets(st.integers(0, n - 1), min_size=1).map(lambda crew: tuple(sorted(crew)))
    crews = draw(st.lists(one_crew, min_size=1, max_size=4, unique=True))
    return warehouse_v0.game(
        n_agents=n,
        height=draw(st.integers(len(crews), 5)),
        width=draw(st.integers(2, 5)),
        crews=crews,
        random=draw(st.booleans()),
        view=draw(st.integers(0, 3)),
        value=draw(st.sampled_from((1.0, 0.7))),
        walk_cost=draw(st.sampled_from((0.0, 0.0625, 0.1))),
        lift_cost=draw(st.sampled_from((0.0, 0.125, 0.3))),
    )


def busy_states(game, rng, batch):
    """States and actions `[B, D]`, `[B, n]` in which agents often lift where a load lies."""
    states, actions = [], []
    for _ in range(batch):
        loads = rng.integers(game.width, size=game.n_loads)
        cells = rng.integers((game.height, game.width), size=(game.n_agents, 2))
        meet = rng.integers(game.n_loads)
        there = rng.random(game.n_agents) < rng.choice((0.2, 0.9))
        cells[there] = (meet, loads[meet])
        crews = game.crews
        if game.random:
            crews = [rng.choice(game.n_agents, size=len(crew), replace=False) for crew in game.crews]
        states.append(game.place(cells, loads, crews)[0])
        lift = rng.random(game.n_agents) < rng.choice((0.2, 0.95))
        actions.append(np.where(lift, LIFT, rng.integers(6, size=game.n_agents)))
    return np.array(states), np.array(actions)


# -- an independent warehouse: dictionaries and loops ------------------------------------------------------------------


def read(game, row):
    """One state as dictionaries: agent -> (row, column), load -> column, load -> set of agents."""
    n, L = game.n_agents, game.n_loads
    agents = {i: (int(row[i]) // game.width, int(row[i]) % game.width) for i in range(n)}
    loads = {l: int(row[n + l]) for l in range(L)}
    crews = {l: {i for i in range(n) if int(row[n + L + l]) & (1 << i)} for l in range(L)}
    return agents, loads, crews


def plain_step(game, row, action):
    """One step as a story: returns agents, loads, the payments in order, and whether the game is over."""
    agents, loads, crews = read(game, row)
    dock = game.width - 1
    carried, load_payments = set(), []
    for l in sorted(loads):
        ready = all(agents[i] == (l, loads[l]) and action[i] == LIFT for i in crews[l])
        if ready and loads[l] != dock:
            loads[l] += 1
            carried |= crews[l]
            load_payments.append(game.value * len(crews[l]))
        else:
            load_payments.append(0.0)
    own_payments = []
    for i, (r, c) in agents.items():
        if i in carried:
            agents[i] = (r, c + 1)
        elif action[i] == UP and r > 0:
            agents[i] = (r - 1, c)
        elif action[i] == DOWN and r + 1 < game.height:
            agents[i] = (r + 1, c)
        elif action[i] == LEFT and c > 0:
            agents[i] = (r, c - 1)
        elif action[i] == RIGHT and c < dock:
            agents[i] = (r, c + 1)
        own_payments.append(-game.walk_cost if action[i] in (UP, DOWN, LEFT, RIGHT) else 0.0)
        own_payments.append(-game.lift_cost if action[i] == LIFT else 0.0)
    return agents, loads, load_payments + own_payments, all(c == dock for c in loads.values())


def plain_observation(game, row, i):
    """What agent i sees, number by number."""
    agents, loads, crews = read(game, row)
    r, c = agents[i]
    order = [(i + k) % game.n_agents for k in range(game.n_agents)]

    def look(there_r, there_c):
        if max(abs(there_r - r), abs(there_c - c)) > game.view:
            return [0.0, 0.0, 0.0]
        return [1.0, (there_r - r) / max(game.view, 1), (there_c - c) / max(game.view, 1)]

    seen = [float(r == k) for k in range(game.height)] + [float(c == k) for k in range(game.width)]
    for j in order[1:]:
        seen += look(*agents[j])
    for l in sorted(loads):
        gone = loads[l] == game.width - 1
        seen += [0.0, 0.0, 0.0, 1.0] if gone else [*look(l, loads[l]), 0.0]
    for l in sorted(loads):
        seen += [float(j in crews[l]) for j in order]
    return seen


@settings(max_examples=150, deadline=None)
@given(game=games(), seed=st.integers(0, 2**32))
def test_step_and_observations_equal_the_plain_warehouse(game, seed):
    state, action = busy_states(game, np.random.default_rng(seed), 12)
    before = state.copy()
    step, seen = game.step(state, action), game.observe(state)
    assert np.array_equal(state, before)  # step leaves its argument alone
    for b in range(len(state)):
        agents, loads, payments, over = plain_step(game, state[b], action[b])
        found_agents, found_loads, found_crews = read(game, step.state[b])
        assert (found_agents, found_loads) == (agents, loads)
        assert found_crews == read(game, state[b])[2]
        assert step.payments[b].tolist() == payments
        assert step.terminated[b] == over
        assert step.reward[b] == pytest.approx(sum(payments), abs=1e-12)  # Python 3.12 and newer add more exactly
        for i in range(game.n_agents):
            np.testing.assert_allclose(seen[b, i], plain_observation(game, state[b], i), atol=1e-6)
    assert seen.dtype == np.float32
    assert np.abs(seen).max() <= 1


def test_the_busy_states_are_busy():
    game = warehouse_v0.game("team", random=True)
    step = game.step(*busy_states(game, np.random.default_rng(0), 500))
    assert ((step.payments[:, :4] > 0).sum(axis=0) > 10).all()


# -- groups -----------------------------------------------------------------------------------------------------------


def joint_actions(game):
    return np.array(list(itertools.product(range(6), repeat=game.n_agents)))  # [A^n, n]


@pytest.mark.parametrize("options", [{}, {"random": True}, {"crews": ((0,), (1, 2), (0, 2))}, {"preset": "tiny"}])
def test_a_term_depends_on_its_members_and_on_nobody_else(options):
    game = warehouse_v0.game(**options)
    n, K, joint = game.n_agents, len(game.reward_terms), joint_actions(game)
    states, _ = busy_states(game, np.random.default_rng(1), 150)
    matters = np.zeros((K, n), dtype=bool)  # whose action ever changed what the term pays
    possible = np.zeros((K, n), dtype=bool)  # who was ever a member
    for state in states:
        paid = game.step(np.repeat(state[None], len(joint), axis=0), joint).payments
        paid = paid.reshape((6,) * n + (K,))
        member = game.members(state[None])[0]  # [K, n]
        for i in range(n):
            changes = (paid != np.take(paid, [0], axis=i)).reshape(-1, K).any(axis=0)  # [K]
            assert not (changes & ~member[:, i]).any()
            matters[:, i] |= changes
        possible |= member
    assert np.array_equal(matters, possible)
    for k, term in enumerate(game.reward_terms):
        assert set(np.flatnonzero(possible[k])) <= set(term.agents)


@settings(max_examples=50, deadline=None)
@given(game=games(), seed=st.integers(0, 2**32))
def test_members_are_the_crews_of_loads_not_yet_delivered(game, seed):
    state, _ = busy_states(game, np.random.default_rng(seed), 10)
    member = game.members(state)
    assert member.shape == (10, len(game.reward_terms), game.n_agents)
    for b in range(10):
        _, loads, crews = read(game, state[b])
        for k, term in enumerate(game.reward_terms):
            found = set(np.flatnonzero(member[b, k]))
            if k < game.n_loads:
                assert found == (set() if loads[k] == game.width - 1 else crews[k])
                assert game.random or not found or found == set(term.agents)
            else:
                assert found == set(term.agents)
                assert term.level == 1


def test_terms_come_in_the_order_promised():
    names = [term.name for term in warehouse_v0.game().reward_terms]
    own = ["walk_A", "lift_A", "walk_B", "lift_B", "walk_C", "lift_C"]
    assert names == ["load_A", "load_AB", "load_ABC", *own]
    assert [term.name for term in warehouse_v0.game("tiny").reward_terms[:2]] == ["load_0", "load_1"]
    assert [term.agents for term in warehouse_v0.game("tiny").reward_terms[:2]] == [(0, 1), (0, 1)]


def test_a_crew_that_lifts_together_earns_and_one_missing_earns_nothing():
    game = warehouse_v0.game()
    state = game.place([(2, 0)] * 3, [1, 1, 0])
    together, alone = game.step(state, np.array([[LIFT] * 3])), game.step(state, np.array([[LIFT, LIFT, STAY]]))
    assert together.payments[0].tolist() == [0, 0, 3.0, 0, -0.125, 0, -0.125, 0, -0.125]
    assert together.state.tolist() == game.place([(2, 1)] * 3, [1, 1, 1]).tolist()
    assert alone.payments[0].tolist() == [0, 0, 0, 0, -0.125, 0, -0.125, 0, 0]
    assert np.array_equal(alone.state, state)


# -- episodes ---------------------------------------------------------------------------------------------------------


def scripted(game, row):
    """Everybody walks to the first load that is still theirs and lifts once its crew is complete."""
    agents, loads, crews = read(game, row)
    action = []
    for i, (r, c) in agents.items():
        mine = [l for l in sorted(loads) if i in crews[l] and loads[l] < game.width - 1]
        if not mine:
            action.append(STAY)
            continue
        l = mine[0]
        if r != l:
            action.append(UP if r > l else DOWN)
        elif c != loads[l]:
            action.append(LEFT if c > loads[l] else RIGHT)
        else:
            action.append(LIFT if all(agents[j] == (l, loads[l]) for j in crews[l]) else STAY)
    return action


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("preset", PRESETS)
def test_the_horizon_leaves_time_to_deliver_everything(preset, random):
    game = warehouse_v0.game(preset, random=random)
    state = game.reset(np.random.default_rng(5), 20)
    loads = state[:, game.n_agents : game.n_agents + game.n_loads]
    sizes = game.members(state)[:, : game.n_loads].sum(axis=2)
    worth = (game.value * sizes * (game.width - 1 - loads)).sum(axis=1)
    earned, over = np.zeros(20), np.zeros(20, dtype=bool)
    for _ in range(game.horizon):
        step = game.step(state, np.array([scripted(game, row) for row in state]))
        assert not (over & ~step.terminated).any()
        earned += step.payments[:, : game.n_loads].sum(axis=1)
        state, over = step.state, step.terminated
    assert over.all()
    assert np.array_equal(earned, worth)


def test_a_game_ends_only_when_the_last_load_is_delivered():
    game = warehouse_v0.game()
    state = game.place([(0, 1), (1, 1), (1, 1)], [1, 2, 2])
    assert not game.step(state, np.array([[STAY, LIFT, LIFT]])).terminated[0]
    last = game.step(state, np.array([[LIFT, STAY, STAY]]))
    assert last.terminated[0]
    assert last.payments[0, 0] == 1.0
    after = game.step(last.state, np.array([[LIFT, STAY, STAY]]))
    assert after.terminated[0]
    assert after.payments[0, 0] == 0.0


# -- what is seen -----------------------------------------------------------------------------------------------------


def test_what_is_out_of_view_changes_nothing_but_crews_always_do():
    game = warehouse_v0.game("team", random=True)
    near, far = [(0, 0), (0, 1), (3, 5), (3, 4), (2, 4)], [(0, 0), (0, 1), (1, 3), (0, 5), (3, 2)]
    seen = game.observe(game.place(near, [1, 4, 4, 4]))[0, 0]
    assert np.array_equal(seen, game.observe(game.place(far, [1, 4, 4, 4]))[0, 0])
    assert np.array_equal(seen, game.observe(game.place(near, [1, 2, 3, 2]))[0, 0])
    others = ((0,), (0, 1), (2, 4), (1, 2, 3))
    assert not np.array_equal(seen, game.observe(game.place(near, [1, 4, 4, 4], others))[0, 0])
    assert not np.array_equal(seen, game.observe(game.place(near, [1, 4, 5, 4]))[0, 0])  # delivered
    assert not np.array_equal(seen, game.observe(game.place([(0, 0), (1, 1), *near[2:]], [1, 4, 4, 4]))[0, 0])


def test_every_agent_finds_itself_first():
    """Renaming the agents round the alphabet turns agent i's view into agent i + 1's."""
    game = warehouse_v0.game("team", random=True)
    state = game.reset(np.random.default_rng(2), 50)
    layout = game.unpack(state)
    renamed = []
    for b in range(50):
        cells = np.stack([np.roll(layout.row[b], 1), np.roll(layout.column[b], 1)], axis=1)
        crews = [[(i + 1) % 5 for i in np.flatnonzero(crew)] for crew in layout.crew[b]]
        renamed.append(game.place(cells, layout.load[b], crews)[0])
    assert np.array_equal(np.roll(game.observe(state), 1, axis=1), game.observe(np.array(renamed)))


# -- chance and enumeration -------------------------------------------------------------------------------------------


def test_random_episodes_differ_and_follow_their_seed():
    game = warehouse_v0.game("team", random=True)
    state = game.reset(np.random.default_rng(3), 400)
    assert np.array_equal(state, game.reset(np.random.default_rng(3), 400))
    assert not np.array_equal(state, game.reset(np.random.default_rng(4), 400))
    assert len(np.unique(state, axis=0)) == 400
    layout = game.unpack(state)
    assert (np.sort(layout.crew.sum(axis=2), axis=1) == [1, 2, 2, 3]).all()
    assert layout.load.min() == 0
    assert layout.load.max() == game.width - 2
    assert set(zip(layout.row.ravel(), layout.column.ravel(), strict=True)) == set(
        itertools.product(range(4), range(6))
    )


def test_reset_draws_every_initial_state_equally_often():
    game = warehouse_v0.game("tiny", width=3)
    states, probability = game.initial_states()
    assert len(states) == 36 * 4 * 4
    assert len(np.unique(states, axis=0)) == len(states)
    assert probability.sum() == pytest.approx(1)
    drawn, counts = np.unique(game.reset(np.random.default_rng(0), 200 * len(states)), axis=0, return_counts=True)
    assert np.array_equal(drawn, np.unique(states, axis=0))
    assert np.abs(counts - 200).max() < 6 * np.sqrt(200)


def reachable(game):
    """All states that can be reached, by following every joint action from every initial state."""
    n, L, joint = game.n_agents, game.n_loads, joint_actions(game)
    sizes = [game.height * game.width] * n + [game.width] * L + [2**n] * L
    digits = np.cumprod([1, *sizes[:-1]])  # state @ digits is another number for every state
    found = set()
    frontier = np.unique(game.initial_states()[0], axis=0)
    while len(frontier):
        found.update((frontier @ digits).tolist())
        frontier, reached = frontier[~done(game, frontier)], []
        for part in np.array_split(frontier, len(frontier) // 512 + 1):
            step = game.step(np.repeat(part, len(joint), axis=0), np.tile(joint, (len(part), 1)))
            reached.append(np.unique(step.state @ digits))
        new = np.array(sorted(set(np.concatenate(reached).tolist()) - found), dtype=np.int64)
        frontier = new[:, None] // digits % sizes
    return np.array(sorted(found))[:, None] // digits % sizes


def done(game, state):
    return game.unpack(state).delivered.all(axis=1)


@pytest.mark.parametrize(("preset", "count"), [("tiny", 3876), ("small", 12484)])
def test_the_two_small_presets_can_be_enumerated(preset, count):
    game = warehouse_v0.game(preset)
    states = reachable(game)
    assert len(states) == count <= 50_000
    features = game.features(states)
    assert len(np.unique(features, axis=0)) == count  # the features tell all states apart
    assert set(np.unique(features)) == {0.0, 1.0}


def test_too_many_initial_states_are_refused():
    with pytest.raises(ValueError, match=r"has 314,928 initial states; at most 50,000"):
        warehouse_v0.game("small", random=True).initial_states()
    with pytest.raises(ValueError, match="initial states"):
        warehouse_v0.game("crowd", random=True).initial_states()


# -- PettingZoo -------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:We recommend agents to be named")  # ours are called A, B, C, ...
@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("preset", PRESETS)
def test_pettingzoo_accepts_the_environments(preset, random):
    parallel_api_test(warehouse_v0.parallel_env(preset=preset, random=random), num_cycles=60)
    api_test(warehouse_v0.env(preset=preset, random=random), num_cycles=60)


@pytest.mark.parametrize("preset", ["tiny", "team"])
def test_pettingzoo_seeds(preset):
    parallel_seed_test(lambda: warehouse_v0.parallel_env(preset=preset, random=True))
    seed_test(lambda: warehouse_v0.env(preset=preset, random=True))


def test_credit_adds_up_to_the_reward_to_the_last_bit():
    env = warehouse_v0.parallel_env(preset="team", value=0.7, walk_cost=0.1, lift_cost=0.3, random=True)
    rng, earned = np.random.default_rng(0), 0
    for seed in range(5):
        env.reset(seed=seed)
        while env.agents:
            action = scripted(env.game, env._state[0]) if rng.random() < 0.8 else rng.integers(6, size=5)
            _, reward, _, _, info = env.step(dict(zip(env.agents, action, strict=True)))
            for agent, credit in ((agent, info[agent]["credit"]) for agent in info):
                assert sum(credit.values()) == reward[agent]
                assert list(credit) == [term.name for term in env.game.reward_terms]
            earned += reward["A"] > 0
    assert earned > 20


# -- drawings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_pictures_have_one_size_and_show_the_state(preset):
    env = warehouse_v0.parallel_env("rgb_array", preset=preset)
    env.reset(seed=0)
    first = env.render()
    env.step({agent: LEFT for agent in env.agents})
    second = env.render()
    assert first.dtype == np.uint8
    assert first.shape == second.shape
    assert first.shape[2] == 3
    assert (first != second).any()
    assert first.std() > 10


def test_the_text_shows_floor_actions_and_payments():
    game = warehouse_v0.game()
    step = game.step(game.place([(2, 0), (2, 0), (2, 0)], [2, 1, 0]), np.array([[LIFT] * 3]))
    assert game.render(step.state[0], np.full(3, LIFT), step.payments[0], "ansi").splitlines() == [
        "                   dock",
        "+-------+-------+-------+",
        "|       |       |  (A)  |",
        "|       |       |       |",
        "+-------+-------+-------+",
        "|       | [AB]  |       |",
        "|       |       |       |",
        "+-------+-------+-------+",
        "|       | [ABC] |       |",
        "|       |  ABC  |       |",
        "+-------+-------+-------+",
        "A lift  B lift  C lift",
        "load_ABC   +3",
        "lift_A     -0.125",
        "lift_B     -0.125",
        "lift_C     -0.125",
        "reward     +2.625",
    ]


def test_many_agents_in_one_cell_do_not_overlap():
    from toy_envs.render_warehouse import _places

    for count in range(1, 31):
        centres, radius = _places(count)
        assert len(centres) == count
        for (x, y), (u, v) in itertools.combinations(centres, 2):
            assert np.hypot(x - u, y - v) > 2 * radius
        for x, y in centres:
            assert radius <= x <= 1 - radius
            assert 0.44 + radius <= y <= 1 - radius


# -- wrong arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "huge"}, r"preset='huge'; allowed are 'tiny', 'small', 'practice', 'team', 'crowd'"),
        ({"colour": 1}, r"unknown option 'colour'"),
        ({"n_agents": 0}, r"n_agents=0; expected a whole number from 1 to 62"),
        ({"n_agents": 2.5}, r"n_agents=2.5; expected a whole number"),
        ({"n_agents": 2}, r"crews\[2\]=\(0, 1, 2\); with n_agents=2 agents are 0 to 1"),
        ({"crews": ()}, r"crews is empty"),
        ({"crews": 3}, r"crews=3; expected one tuple of agent numbers per load"),
        ({"crews": ((0,), ())}, r"crews\[1\] is empty"),
        ({"crews": ((0, 0),)}, r"crews\[0\]=\(0, 0\) names an agent twice"),
        ({"crews": ((-1,),)}, r"crews\[0\]=\(-1,\); with n_agents=3 agents are 0 to 2"),
        ({"crews": ((0, 1), (1, 0))}, r"names a crew twice"),
        ({"height": 2}, r"height=2; expected a whole number of at least 3: every load needs a row"),
        ({"width": 1}, r"width=1; expected a whole number of at least 2"),
        ({"view": -1}, r"view=-1; expected a whole number of at least 0"),
        ({"horizon": 0}, r"horizon=0; expected a whole number of at least 1"),
        ({"random": "yes"}, r"random='yes'; expected True or False"),
        ({"walk_cost": -1}, r"walk_cost=-1; expected a finite number of at least 0"),
        ({"lift_cost": float("nan")}, r"lift_cost=nan; expected a finite number"),
        ({"lift_cost": 1.0}, r"value=1.0; it must exceed lift_cost=1.0"),
    ],
)
def test_wrong_options_are_named(options, message):
    for make in (warehouse_v0.game, warehouse_v0.parallel_env, warehouse_v0.env):
        with pytest.raises(ValueError, match=message):
            make(**options)


def test_wrong_states_and_actions_are_named():
    game = warehouse_v0.game()
    state = game.reset(np.random.default_rng(0), 2)
    with pytest.raises(ValueError, match=r"state has shape \(2, 5\); expected \(any, 9\): games x"):
        game.step(state[:, :5], np.zeros((2, 3), dtype=int))
    with pytest.raises(ValueError, match=r"action has shape \(2, 2\); expected \(2, 3\)"):
        game.step(state, np.zeros((2, 2), dtype=int))
    with pytest.raises(ValueError, match=r"action holds 6; allowed are 0 to 5"):
        game.step(state, np.full((2, 3), 6))
    with pytest.raises(ValueError, match=r"mode='gif'; allowed are 'ansi' and 'rgb_array'"):
        game.render(state[0], mode="gif")
    with pytest.raises(ValueError, match=r"rows are below 3, columns below 3"):
        game.place([(0, 0), (0, 3), (0, 0)], [0, 0, 0])
    with pytest.raises(ValueError, match=r"loads holds 3; allowed are 0 to 2"):
        game.place([(0, 0)] * 3, [0, 0, 3])
    with pytest.raises(ValueError, match=r"cells has shape \(2, 2\); expected \(3, 2\)"):
        game.place([(0, 0)] * 2, [0, 0, 0])
    with pytest.raises(ValueError, match="loads has dtype float64; expected integers from 0 to 2"):
        game.place([(0, 0)] * 3, [0.5, 0, 0])
    with pytest.raises(ValueError, match=r"state\[1, 0\]=9; allowed there are 0 to 8"):  # off the floor
        game.step(np.array([state[0], [9, *state[1, 1:]]]), np.zeros((2, 3), dtype=int))
    with pytest.raises(ValueError, match=r"state\[0, 3\]=-1; allowed there are 0 to 2"):
        game.observe(np.array([[*state[0, :3], -1, *state[0, 4:]]]))
    with pytest.raises(ValueError, match=r"crews names 1 crews; expected 3, one per load"):
        game.place([(0, 0)] * 3, [0, 0, 0], crews=[(0,)])
