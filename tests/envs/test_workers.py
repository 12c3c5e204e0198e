"""Copies of a game in worker processes: the contract, and everything that can go wrong."""

import functools
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fake_singles import Drift, Faulty, Glide, Walk, WithProgram
from numpy.testing import assert_array_equal

from maca_edu.envs.workers import Limits, Vector
from maca_edu.team_env import View
from maca_edu.training import checkpoint

B = 4
SHORT = Limits(start=60.0, reset=1.0, step=1.0)


def vector(single=Walk, batch=B, processes=0, **options):
    return Vector(single, batch, processes, "walk", **options)


def legal(env, rng):
    """Random legal actions."""
    scores = np.where(env.view().available, rng.random((env.batch, env.n_agents, env.n_actions)), -1.0)
    return scores.argmax(-1)


def play(env, steps, seed=0):
    """Everything that `steps` random steps return, as flat lists of arrays."""
    rng, seen = np.random.default_rng(seed), []
    for _ in range(steps):
        step = env.step(legal(env, rng))
        seen.append([*step.view, *step.final, *step[2:6], *step.info.values()])
    return seen


def gone(pid):
    """Whether a process has ended; a zombie that waits for its parent has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pids, seconds=20.0):
    until = time.monotonic() + seconds
    while not all(map(gone, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return [pid for pid in pids if not gone(pid)]


@pytest.fixture
def made():
    """Environments to close, so that a failing test leaves no process."""
    envs = []
    yield lambda *args, **options: envs.append(vector(*args, **options)) or envs[-1]
    for env in envs:
        env.close()


@pytest.mark.parametrize("single", [Walk, Glide])
def test_shapes_and_types(made, single):
    env = made(single)
    view = env.reset(1)
    shapes = [((B, 2, 2), np.float32), ((B, 1), np.float32), ((B, 2, 3), bool), ((B, 2), bool)]
    step = env.step(np.ones((B, 2), int) if single is Walk else np.ones((B, 2, 3), np.float32))
    for seen in (view, step.view, step.final, env.view()):
        assert [(x.shape, x.dtype) for x in seen] == shapes
    for x, dtype in ((step.reward, np.float32), (step.terminated, bool), (step.truncated, bool)):
        assert (x.shape, x.dtype) == ((B,), dtype)
    assert (step.won is None) == (single is Glide)
    assert set(step.info) == ({"far", "discarded"} if single is Walk else {"discarded"})


def test_the_same_as_the_games_one_by_one(made):
    """The oracle: each copy played alone, with the seed its row was given."""
    env = made(processes=2)
    view, rng, k, ends = env.reset(5), np.random.default_rng(0), np.zeros(B, dtype=int), 0
    alone = [Walk() for _ in range(B)]
    first = [game.reset(seed_of(5, row, 0)) for row, game in enumerate(alone)]
    check_rows(view, first)
    for _ in range(30):
        action = legal(env, rng)
        step = env.step(action)
        for row, game in enumerate(alone):
            last, reward, terminated, truncated, won, info = game.step(action[row])
            truncated = truncated and not terminated
            check_row(step.final, row, last)
            now = (step.reward[row], step.terminated[row], step.truncated[row], step.won[row], step.info["far"][row])
            assert now == (np.float32(reward), terminated, truncated, won, np.float32(info["far"]))
            if terminated or truncated:
                k[row], ends = k[row] + 1, ends + 1
                last = game.reset(seed_of(5, row, k[row]))
            check_row(step.view, row, last)
        assert step.info["discarded"].sum() == 0
    assert ends > 5
    assert env.counts == dict(restarts=0, discarded=0)


def seed_of(seed, row, k):
    return int(np.random.SeedSequence((seed, row, k)).generate_state(1)[0])


def check_rows(view, expected):
    for row, one in enumerate(expected):
        check_row(view, row, one)


def check_row(view, row, expected):
    for field, one in zip(View._fields, expected, strict=True):
        assert_array_equal(getattr(view, field)[row], np.asarray(one).astype(getattr(view, field).dtype))


def test_workers_change_nothing(made):
    one, two, three = made(), made(processes=2), made(processes=3)
    for env in (one, two, three):
        env.reset(3)
    plain = play(one, 25)
    for other in (two, three):
        for a, b in zip(plain, play(other, 25), strict=True):
            for x, y in zip(a, b, strict=True):
                assert_array_equal(x, y)


def test_another_seed_is_another_game(made):
    one, two = made(), made()
    assert (one.reset(3).obs != two.reset(4).obs).any()
    assert len({tuple(row) for row in one.view().obs[:, :, 0]}) > 1


def test_returned_arrays_are_the_callers(made):
    env = made()
    view = env.reset(0)
    step = env.step(np.ones((B, 2), int))
    kept = [x.copy() for x in (*view, *step.view, *step.final, step.reward, step.truncated)]
    env.view().obs[:] = 99.0
    step.view.available[:] = False
    expected = env.view()
    play(env, 12)
    for x, y in zip((*view, *step.view, *step.final, step.reward, step.truncated), kept, strict=True):
        if x is not step.view.available:
            assert_array_equal(x, y)
    assert expected.available.any()
    assert (expected.obs != 99.0).all()


@pytest.mark.parametrize("processes", [0, 2])
def test_a_saved_state_is_replayed(made, tmp_path, processes):
    one, two = made(processes=processes), made(processes=processes)
    one.reset(3)
    play(one, 13)
    checkpoint.save(tmp_path / "state.npz", one.state_dict())
    two.load_state_dict(checkpoint.load(tmp_path / "state.npz"))
    for a, b in zip(play(one, 13, 1), play(two, 13, 1), strict=True):
        for x, y in zip(a, b, strict=True):
            assert_array_equal(x, y)


def test_a_state_before_the_first_step_is_replayed(made):
    one, two = made(), made()
    one.reset(8)
    two.load_state_dict(one.state_dict())
    assert_array_equal(one.view().obs, two.view().obs)


def test_a_replay_that_shows_something_else_is_an_error(made):
    env = made(Drift)
    env.reset(0)
    env.step(np.ones((B, 2), int))
    with pytest.raises((ValueError, RuntimeError), match=r"shows something else|not deterministic"):
        env.load_state_dict(env.state_dict())


def test_a_replay_that_ends_early_is_an_error(made):
    env = made()
    env.reset(0)
    state = env.state_dict() | dict(lengths=np.array([6, 0, 0, 0]), actions=np.ones((6, 2), int))
    with pytest.raises(RuntimeError, match="not deterministic"):
        env.load_state_dict(state)


def test_where_nothing_can_be_replayed_new_episodes_begin(made, caplog):
    env, other = made(deterministic=False), made(deterministic=False)
    env.reset(3)
    play(env, 2)
    state = env.state_dict()
    assert set(state) == {"seed", "episode"}
    other.load_state_dict(state)
    assert "new episodes begin" in caplog.text
    check_rows(other.view(), [Walk().reset(seed_of(3, row, state["episode"][row] + 1)) for row in range(B)])


def test_a_worker_starts_without_torch():
    """Which takes seconds to import, and a worker only steps games."""
    code = "import sys, maca_edu.envs.workers.worker_main; print([m for m in ('torch', 'jax') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_cannot_be_sent_to_a_worker_is_an_error(made, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    env = made(lambda: Walk(), processes=1)
    with pytest.raises((AttributeError, pickle.PicklingError), match=r"pickle|local object"):
        env.reset(0)
    assert not list(tmp_path.iterdir())


def test_a_forked_process_leaves_the_workers_alone(made):
    env = made(processes=1)
    env.reset(0)
    child = os.fork()
    if child == 0:
        env.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    play(env, 3)
    assert env.counts == {"restarts": 0, "discarded": 0}


@pytest.mark.parametrize("processes", [0, 2])
def test_an_exception_reaches_the_caller(made, tmp_path, processes):
    env = made(functools.partial(Faulty, "error", "step", tmp_path / "marker"), processes=processes)
    env.reset(0)
    with pytest.raises(RuntimeError, match=r"environment .*: KeyError: 'no such unit'(.|\n)*fake_singles.py"):
        play(env, 3)
    with pytest.raises(RuntimeError, match="closed"):
        env.view()
    with pytest.raises(RuntimeError, match="closed"):
        env.reset(0)


def test_a_wrong_shape_is_named(made, tmp_path):
    env = made(functools.partial(Faulty, "shape", "reset", tmp_path / "marker"), processes=1)
    env.reset(0)
    with pytest.raises(RuntimeError, match=r"obs has shape \(1, 1\); expected \(2, 2\)"):
        play(env, 20)


@pytest.mark.parametrize("kind", ["crash", "hang", "broken"])
def test_a_lost_step_discards_the_episodes_and_goes_on(made, tmp_path, caplog, kind):
    env = made(functools.partial(Faulty, kind, "step", tmp_path / "marker"), processes=2, limits=SHORT)
    env.reset(3)
    play(env, 2)
    before = env.view()
    step = env.step(legal(env, np.random.default_rng(1)))
    lost = step.info["discarded"] > 0
    assert lost.tolist() in ([True, True, False, False], [False, False, True, True])
    assert (step.truncated & lost).sum() == lost.sum()
    assert not (step.won | step.terminated)[lost].any()
    first_of_it = np.flatnonzero(lost)[0]  # the copy that failed, whose step is lost
    assert step.reward[first_of_it] == 0.0
    assert (step.reward[~lost] != 0.0).all()
    for field in View._fields:
        assert_array_equal(getattr(step.final, field)[first_of_it], getattr(before, field)[first_of_it])
    check_row(step.view, first_of_it, Walk().reset(seed_of(3, first_of_it, 1)))
    assert env.counts == dict(restarts=1, discarded=2)
    word = dict(crash="ended with code 7", hang="no answer in 2 seconds", broken="the game is gone")[kind]
    assert word in caplog.text
    assert f"environment {first_of_it}, {first_of_it + 1}:" in caplog.text
    play(env, 12)
    assert env.counts["restarts"] == 1


def test_a_step_that_is_known_keeps_its_reward(made, tmp_path):
    """Two copies in one worker: the first has made its step when the second crashes in the same one."""
    env, plain = made(functools.partial(Faulty, "crash", "step", tmp_path / "marker", which=2), 2, 1), made(batch=2)
    env.reset(3), plain.reset(3)
    for _ in range(3):
        step, expected = env.step(np.ones((2, 2), int)), plain.step(np.ones((2, 2), int))
    assert step.info["discarded"].tolist() == [1.0, 1.0]
    assert step.truncated.tolist() == [True, True]
    assert step.reward.tolist() == [expected.reward[0], 0.0]
    assert_array_equal(step.final.obs[0], expected.final.obs[0])
    assert step.final.obs[1, 0, 1] == 2  # the second's last view is that of two steps
    assert_array_equal(step.view.obs[:, :, 1], 0)
    assert env.counts == dict(restarts=1, discarded=2)


@pytest.mark.parametrize("processes", [0, 2])
def test_an_episode_that_ended_before_the_reset_failed_is_kept(made, tmp_path, processes):
    """The third reset of a copy fails: its second episode ended by itself and counts."""
    env = made(functools.partial(Faulty, "broken", "reset", tmp_path / "marker"), processes=processes)
    plain = made()
    env.reset(3), plain.reset(3)
    rng = np.random.default_rng(0)
    while env.counts["restarts"] == 0:
        action = legal(env, rng)
        step, expected = env.step(action), plain.step(action)
        fine = step.info["discarded"] == 0
        assert_array_equal(step.reward[fine], expected.reward[fine])
        assert_array_equal(step.truncated[fine], expected.truncated[fine])
    ended = step.terminated | (step.truncated & fine)
    assert ended.any()
    assert_array_equal(step.final.obs[ended], expected.final.obs[ended])
    assert (step.view.obs[:, :, 1][ended | ~fine] == 0).all()


@pytest.mark.parametrize(("processes", "kind"), [(0, "broken"), (2, "broken"), (1, "crash")])
def test_who_fails_again_and_again_is_given_up(made, tmp_path, processes, kind):
    env = made(
        functools.partial(Faulty, kind, "reset", tmp_path / "marker", always=True), processes=processes, restarts=2
    )
    word = "the game is gone" if kind == "broken" else "its process ended with code 7"
    with pytest.raises(RuntimeError, match=f"walk, environment .*: failed 3 times in a row: {word}"):
        env.reset(0)
    with pytest.raises(RuntimeError, match="closed"):
        env.view()


def test_a_replay_survives_a_crash(made, tmp_path):
    one = made()
    one.reset(3)
    play(one, 3)
    env = made(functools.partial(Faulty, "crash", "step", tmp_path / "marker"), processes=2)
    env.load_state_dict(one.state_dict())
    assert env.counts["restarts"] >= 1
    assert_array_equal(env.view().obs, one.view().obs)


def test_a_check_before_episodes_begin(made):
    def ready():
        raise ValueError("no game")

    env = made(ready=ready)
    with pytest.raises(ValueError, match="no game"):
        env.reset(0)


@pytest.mark.parametrize(
    ("single", "action", "message"),
    [
        (Walk, np.ones((B, 3), int), r"action has shape \(4, 3\); expected \(4, 2\)"),
        (Walk, np.ones((B, 2)), "action has type float64; expected integers"),
        (Walk, np.full((B, 2), 3), r"action\[0, 0\]=3; allowed there are \[0, 1"),
        (Walk, np.full((B, 2), -1), r"action\[0, 0\]=-1; allowed there are"),
        (Glide, np.ones((B, 2), int), r"action has shape \(4, 2\); expected \(4, 2, 3\)"),
        (Glide, np.full((B, 2, 3), np.nan), r"action\[0, 0, 0\]=nan; allowed there are finite numbers"),
    ],
)
def test_wrong_actions_are_refused(made, single, action, message):
    env = made(single)
    env.reset(0)
    with pytest.raises(ValueError, match=message):
        env.step(action)
    env.step(np.ones((B, 2) if single is Walk else (B, 2, 3), int))


def test_masked_actions_are_refused(made):
    env = made(batch=8)
    env.reset(0)
    rows = np.flatnonzero(~env.view().available[:, 0, 2])
    while rows.size == 0:
        env.step(np.tile([2 if env.view().available[:, 0, 2].all() else 1, 2], (8, 1)))
        rows = np.flatnonzero(~env.view().available[:, 0, 2])
    action = np.ones((8, 2), int)
    action[rows[0], 0] = 2
    with pytest.raises(ValueError, match=rf"action\[{rows[0]}, 0\]=2; allowed there are \[0, 1\]"):
        env.step(action)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(batch=0), "batch=0"),
        (dict(processes=-1), "processes=-1"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        vector(**options)


def test_no_more_workers_than_copies(made):
    assert [host.rows for host in made(processes=9)._hosts] == [[0], [1], [2], [3]]


def test_before_the_first_reset_and_with_another_batch(made):
    env = made()
    with pytest.raises(RuntimeError, match="was not reset"):
        env.view()
    with pytest.raises(RuntimeError, match="was not reset"):
        env.step(np.ones((B, 2), int))
    with pytest.raises(ValueError, match="seed=-1"):
        env.reset(-1)
    env.reset(0)
    with pytest.raises(ValueError, match="the saved environment has 4 copies"):
        made(batch=2).load_state_dict(env.state_dict())


def pids_in(folder, count):
    until = time.monotonic() + 30
    while len(list(folder.glob("pids-*"))) < count:
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.2)
    return [int(word) for path in folder.glob("pids-*") for word in path.read_text().split()]


def test_close_ends_workers_and_their_programs(made, tmp_path):
    env = made(functools.partial(WithProgram, tmp_path), processes=2)
    env.reset(0)
    pids = pids_in(tmp_path, 2)
    folders = [host.folder for host in env._hosts]
    assert len(pids) == 4
    assert not any(map(gone, pids))
    env.close()
    env.close()
    assert wait_until_gone(pids) == []
    assert not any(map(os.path.exists, folders))


def test_forgetting_an_environment_ends_its_workers(tmp_path):
    env = vector(functools.partial(WithProgram, tmp_path), processes=1)
    env.reset(0)
    pids = pids_in(tmp_path, 1)
    del env
    assert wait_until_gone(pids) == []


SCRIPT = """
import functools, sys, time
sys.path.insert(0, {here!r})
from fake_singles import Stubborn, WithProgram
from maca_edu.envs.workers import Vector
import numpy as np

if __name__ == "__main__":
    env = Vector(functools.partial({single}, {folder!r}), 2, 2)
    env.reset(0)
    print("ready", flush=True)
    {then}
"""


@pytest.mark.parametrize(
    ("how", "then"),
    [
        (signal.SIGINT, "while True: env.step(np.ones((2, 2), int))"),
        (signal.SIGINT, "time.sleep(1000)"),
        (signal.SIGTERM, "time.sleep(1000)"),
        (signal.SIGKILL, "while True: env.step(np.ones((2, 2), int))"),
        (None, "raise ValueError('the trainer failed')"),
        (None, "pass"),
    ],
)
def test_nothing_is_left_when_the_parent_ends(tmp_path, how, then):
    parent, pids = start_script(tmp_path, "WithProgram", then)
    if how is not None:
        os.killpg(parent.pid, how)  # as a terminal does: to the whole foreground group
    _, errors = parent.communicate(timeout=30)
    assert wait_until_gone(pids) == []
    assert list((tmp_path / "temporary").glob("maca-edu-*")) == []
    if how == signal.SIGINT:
        assert errors.rstrip().endswith("KeyboardInterrupt")
        assert errors.count("Traceback") == 1  # the parent's own; the workers say nothing


def test_pressing_ctrl_c_again_leaves_nothing_either(tmp_path):
    parent, pids = start_script(tmp_path, "Stubborn", "time.sleep(1000)")
    os.killpg(parent.pid, signal.SIGINT)
    time.sleep(1.0)
    assert not any(map(gone, pids))
    os.killpg(parent.pid, signal.SIGINT)
    parent.communicate(timeout=30)
    assert wait_until_gone(pids) == []


def start_script(folder, single, then):
    """A Python process whose environment has two workers with a program each, and the four process numbers."""
    script = folder / "script.py"
    here = str(Path(__file__).parent)
    script.write_text(textwrap.dedent(SCRIPT).format(here=here, folder=str(folder), then=then, single=single))
    (folder / "temporary").mkdir()
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pipes["env"] = os.environ | {"TMPDIR": str(folder / "temporary")}
    parent = subprocess.Popen([sys.executable, script], start_new_session=True, **pipes)
    timer = threading.Timer(60.0, parent.kill)  # a script that hangs fails the test and does not hang it
    timer.start()
    assert parent.stdout.readline() == "ready\n"
    timer.cancel()
    pids = pids_in(folder, 2)
    assert len(pids) == 4
    return parent, pids
