"""A run's directory: one writer, files that agree or say so, finite numbers only; what a file says is checked first."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import maca_edu
from maca_edu.envs import make
from maca_edu.files import LOCK, is_leftover, open_regular, whole_file, write_whole, writing_to
from maca_edu.training import checkpoint, loop
from maca_edu.training.config import Config
from maca_edu.training.run_directory import OURS, RunDirectory

ENV = "toy/xor?n_agents=2"
CONFIG = Config(rollout=4, actor_sizes=(8,), critic_sizes=(8,), embed=8, z_size=8, diagnose_every=0)
UPDATE = 4 * 2  # steps


def train(out, updates, method="mappo", config=CONFIG, save_every=1, **options):
    return loop.train(make(ENV, 2), method, updates * UPDATE, 0, out, config, save_every=save_every, **options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of MACA, five updates long, with the search for psi."""
    out = tmp_path_factory.mktemp("trained") / "run"
    train(out, 5, "maca")
    return out


@pytest.fixture
def run(trained, tmp_path):
    """A copy of that run to do mischief to."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


# ---------------------------------------------------------------------------------------------------------------------
# One writer at a time


def hold(folder):
    """Another process that writes to the folder until its input ends."""
    code = "import sys; from maca_edu.files import writing_to\n"
    code += "with writing_to(sys.argv[1]): print('held', flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    return other


def test_a_second_writer_is_refused_until_the_first_is_gone(run):
    before = (run / "metrics.csv").read_bytes()
    other = hold(run)
    try:
        for resume in (True, False):
            with pytest.raises(ValueError, match=rf"process {other.pid} on .* is writing to .*run'"):
                train(run, 6, "maca", resume=resume)
    finally:
        other.kill()  # it has no chance to take its lock away
        other.wait()
    assert (run / LOCK).exists()
    assert (run / "metrics.csv").read_bytes() == before
    assert len(train(run, 6, "maca", resume=True).metrics["update"]) == 6
    assert not (run / LOCK).exists()


def test_a_lock_that_its_owner_has_just_removed_is_no_lock(tmp_path, monkeypatch):
    """The second opens the file, the first removes it and ends, a third makes a new one: only one may have it."""
    with writing_to(tmp_path):
        stale = open_regular(tmp_path / LOCK, "a+")
    with writing_to(tmp_path):
        opened = iter([stale])

        def late(path, mode, **options):
            return next(opened, None) or open_regular(path, mode, **options)

        monkeypatch.setattr("maca_edu.files.open_regular", late)
        with pytest.raises(ValueError, match="is writing to"), writing_to(tmp_path):
            pass


def test_unfinished_files_of_killed_processes_go(tmp_path):
    leftovers = [".state.npz.12.tmp", ".config.json.12.tmp", ".state.12.tmp.npz", ".metrics.12.00ff.tmp.csv", LOCK]
    leftovers += [".progress.12.00ff.tmp.png", ".findings.12.00ff.tmp.json"]
    for name in leftovers:
        (tmp_path / name).write_text("half")
    train(tmp_path, 1)  # the directory counts as empty
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "metrics.csv", "state.npz"}
    for name in ("state.npz", ".state.npz", ".film.12.tmp.gif", "x.state.12.tmp.npz", ".stated.12.tmp.npz"):
        assert not is_leftover(name, OURS)


def test_what_whole_file_leaves_when_killed_is_recognised(tmp_path):
    with whole_file(tmp_path / "state.npz") as temporary:
        assert is_leftover(temporary.name, OURS)
        temporary.write_text("x")
    with whole_file(tmp_path / f"{'long' * 62}.txt") as temporary:  # a name of 252 characters
        temporary.write_text("x")
    assert not list(tmp_path.glob(".*"))


# ---------------------------------------------------------------------------------------------------------------------
# Files agree, or it is said


def damage(text, how):
    """metrics.csv of five rows, damaged."""
    lines = text.splitlines(keepends=True)
    return {
        "short": "".join(lines[:4]),
        "empty": "",
        "zeros": "\0" * len(text),
        "no header": "".join(lines[1:]),
        "twice": "".join([*lines[:3], lines[2], *lines[3:]]),
        "out of order": "".join([*lines[:2], lines[3], lines[2], *lines[4:]]),
        "a hole": "".join([*lines[:2], "\0" * 50 + "\n", *lines[3:]]),
        "a short row": "".join([*lines[:2], "2,16\n", *lines[3:]]),
        "a word": "".join([*lines[:2], lines[2].replace("2,16", "2,secret"), *lines[3:]]),
        "a return": "".join([*lines[:2], lines[2].replace("2,16", "2,\r16"), *lines[3:]]),
        "half the last": text[:-5],
    }[how]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("short", "has 3 rows, but .* saved after 5 updates"),
        ("empty", "has 0 rows"),
        ("zeros", "has 0 rows"),
        ("no header", "first line does not name"),
        ("twice", "row 3 is not that of update 3"),
        ("out of order", "row 2 is not that of update 2"),
        ("a hole", "row 2 is not a row of numbers"),
        ("a short row", "row 2 is not a row of numbers"),
        ("a word", "row 2 is not a row of numbers"),
        ("a return", "row 2 is not a row of numbers"),
        ("half the last", "has 4 rows"),
    ],
)
def test_metrics_that_do_not_fit_the_checkpoint_are_refused(run, how, message):
    file = run / "metrics.csv"
    file.write_text(damage(file.read_text(), how))
    damaged = file.read_bytes()
    for use in (lambda: train(run, 6, "maca", resume=True), lambda: maca_edu.load(run)):
        with pytest.raises(ValueError, match=message) as error:
            use()
        assert "metrics.csv" in str(error.value)
        assert "secret" not in str(error.value)  # the file may be a link's target: nothing of it is repeated
    assert file.read_bytes() == damaged


def test_rows_after_the_checkpoint_are_taken_again(run):
    whole = (run / "metrics.csv").read_text()
    (run / "metrics.csv").write_text(whole + whole.splitlines()[-1].replace("5,40", "6,48") + "\n7,\0\0")
    again = train(run, 7, "maca", resume=True)
    assert again.metrics["update"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (run / "metrics.csv").read_text().startswith(whole)


@pytest.mark.parametrize("left", ["more rows than come before it", "best.npz", "findings.json"])
def test_a_lost_checkpoint_is_no_run_that_has_not_begun(left, tmp_path):
    out, many, best = tmp_path / "run", left.startswith("more"), left == "best.npz"
    config = dataclasses.replace(CONFIG, evaluate_every=2 if best else 0, evaluate_episodes=2)
    options = dict(config=config, save_every=2 if many else 9, spare=make(ENV, 2))
    train(out, 3, **options)
    if left == "findings.json":
        (out / left).write_text("[]\n")
    (out / "state.npz").unlink()
    before = (out / "metrics.csv").read_bytes()
    with pytest.raises(
        ValueError, match=r"state.npz' is gone although 3 updates are written, .*; put it back, or remove"
    ):
        train(out, 4, resume=True, **options)
    assert (out / "metrics.csv").read_bytes() == before


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_a_run_killed_before_its_first_checkpoint_begins_again(rows, tmp_path):
    out = tmp_path / "run"
    train(out, 3, save_every=3)
    (out / "state.npz").unlink()
    lines = (out / "metrics.csv").read_text().splitlines(keepends=True)
    (out / "metrics.csv").write_text("".join(lines[: rows + 1]) + "4,3")  # a line that was cut off
    assert len(train(out, 3, save_every=3, resume=True).metrics["update"]) == 3


def test_a_run_killed_between_the_files_of_its_first_checkpoint_begins_again(tmp_path):
    out = tmp_path / "run"
    options = dict(config=dataclasses.replace(CONFIG, evaluate_every=3, evaluate_episodes=2), spare=make(ENV, 2))
    train(out, 3, save_every=9, **options)
    (out / "state.npz").unlink()
    assert len(train(out, 3, save_every=9, resume=True, **options).metrics["update"]) == 3


def test_the_rows_are_on_the_disk_before_the_checkpoint(tmp_path, monkeypatch):
    events = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: (events.append(os.path.basename(os.readlink(f"/proc/self/fd/{fd}"))), sync(fd))
    )
    monkeypatch.setattr(os, "replace", lambda old, new: (events.append(f"-> {Path(new).name}"), replace(old, new)))
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs Linux's list of open files")
    train(tmp_path / "run", 1)
    saved = events.index("-> state.npz")
    assert "metrics.csv" in events[events.index("-> metrics.csv") : saved]
    assert events[saved - 1].startswith(".state.")  # the checkpoint itself, under its temporary name
    assert events[saved + 1] == "run"  # its new name, in the folder's list


def test_fewer_steps_than_trained_are_refused_and_config_only_grows(run):
    config = (run / "config.json").read_bytes()
    with pytest.raises(ValueError, match=r"steps=32; the run in .* has already taken 40"):
        train(run, 4, "maca", resume=True)
    assert (run / "config.json").read_bytes() == config
    train(run, 6, "maca", resume=True)
    assert RunDirectory(run).settings()["steps"] == 48
    train(run, 6, "maca", resume=True)  # nothing is left to do, which is no mistake
    assert RunDirectory(run).settings()["steps"] == 48


def test_how_often_a_run_is_saved_is_at_least_once(tmp_path):
    for wrong in (0, -1, 2.5):
        with pytest.raises(ValueError, match=f"save_every={wrong}"):
            train(tmp_path / "run", 1, save_every=wrong)


def test_writing_a_row_reads_nothing(tmp_path, monkeypatch):
    """However long metrics.csv is."""
    directory = RunDirectory(tmp_path)
    directory.write({"update": 1, "x": 2.0})
    monkeypatch.setattr(RunDirectory, "read", None)
    directory.write({"update": 2})
    assert (tmp_path / "metrics.csv").read_text() == "update,x\n1,2.0\n2,nan\n"


# ---------------------------------------------------------------------------------------------------------------------
# Runs of another version

OLDER = Path(__file__).parent / "older_runs"  # made on 2026-11-25 by commit acadab5, with
# maca-edu train --env "toy/xor?n_agents=2" --method maca --steps 64 --batch 4 --rollout 8 --seed 1 --actor-sizes 4
# --critic-sizes 4 --embed 4 --z-size 4


@pytest.mark.parametrize("method", ["mappo", "maca"])
def test_a_run_of_an_older_version_is_not_gone_on_with(tmp_path, method):
    run = Path(shutil.copytree(OLDER / f"2026-11-25-{method}", tmp_path / "run"))
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    config = Config(rollout=8, actor_sizes=(4,), critic_sizes=(4,), embed=4, z_size=4)
    with pytest.raises(ValueError, match=r"run' was begun by a version of this library with other settings, and only"):
        maca_edu.train(ENV, method, 96, 1, run, batch=4, config=config, resume=True)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_run_of_an_older_version_is_played_where_its_checkpoint_fits():
    run = maca_edu.load(OLDER / "2026-11-25-mappo")
    assert run.metrics["env_steps"].tolist() == [32, 64]
    assert maca_edu.evaluate(run, 2)["return_mean"] in (0.0, 1.0)
    with pytest.raises(ValueError, match=r"does not fit the run: search .* a version of this library with other"):
        maca_edu.evaluate(OLDER / "2026-11-25-maca", 2)


@pytest.mark.parametrize("change", ["lacks", "knows more"])
def test_a_run_of_another_version_is_told_from_one_with_other_settings(run, change):
    """Also that of a newer version."""
    settings = json.loads((run / "config.json").read_text())
    settings = settings | {"colour": "red"} if change == "knows more" else settings
    settings.pop("critic_start" if change == "lacks" else "no such setting", None)
    (run / "config.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="was begun by a version of this library with other settings"):
        train(run, 6, "maca", resume=True)
    assert maca_edu.load(run).settings["method"] == "maca"


# ---------------------------------------------------------------------------------------------------------------------
# Only finite numbers are stored


class Wrong:
    """A toy game that goes wrong once, in its tenth step: it pays, or shows in all observations, another number."""

    def __init__(self, env, field, number):
        self.env, self.field, self.number, self.steps = env, field, number, 0

    def __getattr__(self, name):
        return getattr(self.env, name)

    def step(self, action):
        step, self.steps = self.env.step(action), self.steps + 1
        if self.steps != 10:
            return step
        if self.field == "reward":
            return step._replace(reward=np.full_like(step.reward, self.number))
        return step._replace(view=step.view._replace(obs=np.full_like(step.view.obs, self.number)))


@pytest.mark.parametrize(("field", "number"), [("reward", 1e38), ("reward", np.nan), ("obs", np.nan)])
def test_a_run_stops_before_it_stores_what_is_not_finite(tmp_path, field, number):
    with pytest.raises((RuntimeError, ValueError), match="update 3"):
        loop.train(Wrong(make(ENV, 2), field, number), "mappo", 100 * UPDATE, 0, tmp_path, CONFIG, save_every=1)
    state = checkpoint.load(tmp_path / "state.npz")
    assert state["updates"] == 2
    assert all(torch.isfinite(weight).all() for weight in state["actor"].values())
    assert len(maca_edu.load(tmp_path).metrics["update"]) == 2


def test_weights_that_are_not_finite_end_a_run_that_is_not_saved(tmp_path):
    config = Config(rollout=4, actor_sizes=(8,), critic_sizes=(8,), lr=1e38, diagnose_every=0)
    with pytest.raises(RuntimeError, match=r"update \d+, step \d+: \S+ is not a finite number"):
        train(None, 20, config=config)


@pytest.mark.parametrize("method", ["mappo", "happo", "maca"])
def test_a_learning_rate_that_is_far_too_large_is_named(method, tmp_path):
    config = dataclasses.replace(CONFIG, lr=1e300)
    message = (
        r"^update 1(, step 8)?: \S+ is not a finite number; perhaps lr=1e\+300, or a reward, is too large; nothing is"
    )
    with pytest.raises(RuntimeError, match=message):
        train(tmp_path / "run", 3, method, config)


def test_weights_that_are_not_numbers_are_not_played(run):
    state = checkpoint.load(run / "state.npz")
    name = next(iter(state["actor"]))
    state["actor"][name][0] = torch.nan
    checkpoint.save(run / "state.npz", state)
    with pytest.raises(ValueError, match=rf"state\.npz' does not fit the run: actor\.{name} is not finite"):
        maca_edu.evaluate(run)


# ---------------------------------------------------------------------------------------------------------------------
# A stranger's files


def stored(path, members):
    """A zip of (name, bytes) whose members are not packed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, content in members:
            file.writestr(name, content)


def header(shape, dtype="<f4"):
    """The beginning of a .npy file."""
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def packed(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("tree.npy", header((10**7,)) + bytes(4 * 10**7))


def words_too_deep(path):
    tree = b"[" * 100_000 + b"]" * 100_000
    stored(path, [("tree.npy", header((len(tree),), "|u1") + tree)])


@pytest.mark.parametrize(
    "write",
    [
        packed,
        words_too_deep,
        lambda path: stored(path, [("tree.npy", header((10**15,)))]),
        lambda path: stored(path, [("tree.npy", header((-4,)) + bytes(16))]),
        lambda path: stored(path, [("tree.npy", header((2**40, 2**40)))]),
        lambda path: stored(path, [("tree.npy", header((1,), "|O") + bytes(8))]),
        lambda path: stored(path, [("../tree.npy", header((2,), "|u1") + b"{}")]),
        lambda path: path.write_bytes(b"\0" * 1_000),
    ],
)
def test_a_crafted_checkpoint_is_refused_without_taking_memory(tmp_path, write):
    write(tmp_path / "state.npz")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"state\.npz' is not a checkpoint"):
            checkpoint.load(tmp_path / "state.npz")
        assert tracemalloc.get_traced_memory()[1] < 20e6  # bytes; the packed file holds 40 MB
    finally:
        tracemalloc.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def change(x, keys, value):
    """Set x[keys[0]][keys[1]]... in nested dicts and lists."""
    for key in keys[:-1]:
        x = x[key]
    x[keys[-1]] = value


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("search", "settings", "population"), "9**9**9**9"),
        (("search", "settings", "step"), "1e9"),
        (("search", "settings"), "word"),
        (("search",), []),
        (("actor_optimiser", "param_groups", 0, "eps"), 5.0),
        (("actor_optimiser", "param_groups", 0, "lr"), "word"),
        (("actor_optimiser", "param_groups", 0, "lr"), float("nan")),
        (("actor_optimiser", "param_groups"), 3),
        (("actor_optimiser", "state", 0, "exp_avg"), torch.zeros(3)),
        (("critic_optimiser", "state", 999), {}),
        (("norm_value", "sums"), torch.zeros(4, dtype=torch.float64)),
        (("norm_value", "beta"), "word"),
        (("draws",), torch.zeros(3, dtype=torch.uint8)),
        (("updates",), 2.5),
        (("updates",), "5"),
    ],
)
def test_types_and_shapes_of_a_checkpoint_are_checked_before_use(run, keys, value, monkeypatch):
    state = checkpoint.load(run / "state.npz")
    if keys[0] == "norm_value":
        keys = (next(name for name in state if name.startswith("norm_")), *keys[1:])
    change(state, keys, value)
    checkpoint.save(run / "state.npz", state)
    monkeypatch.setattr(checkpoint, "restore", None)  # nothing is given to any part
    for use in (lambda: maca_edu.load(run), lambda: train(run, 6, "maca", resume=True)):
        with pytest.raises(ValueError, match=r"state\.npz'"):
            use()


def test_an_array_of_another_shape_or_type_is_refused(run):
    state = checkpoint.load(run / "state.npz")
    name = next(iter(state["actor"]))
    for wrong in (torch.zeros(3, 3, 3), state["actor"][name].double(), state["actor"][name].numpy(), 1.0):
        checkpoint.save(run / "state.npz", state | {"actor": state["actor"] | {name: wrong}})
        with pytest.raises(ValueError, match=rf"does not fit the run: actor\.{name} is not what"):
            maca_edu.load(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actor_sizes": [500_000, 500_000]}, "ask for networks of [0-9,]+ numbers, more than the file holds"),
        ({"actor_sizes": [10**9]}, "actor_sizes"),
        ({"actor_sizes": "64"}, "actor_sizes"),
        ({"blocks": 10**6}, "blocks"),
        ({"psi_population": "9**9**9"}, "psi_population"),
        ({"psi_population": 10**9}, "psi_population"),
        ({"epochs": 2.5}, "epochs"),
        ({"recurrent": "no"}, "recurrent"),
        ({"lr": float("inf")}, "lr"),
        ({"lr": True}, "lr"),
        ({"critic_betas": [0.9]}, "critic_betas"),
        ({"sigma": "x"}, "sigma"),
        ({"seed": -1}, "seed"),
        ({"seed": [1]}, "seed"),
        ({"env": 3}, "env"),
        ({"method": None}, "method"),
        ({"clip": -1}, "clip"),
    ],
)
def test_types_and_ranges_of_config_json_are_checked(run, change, message):
    settings = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(settings | change))
    with pytest.raises(ValueError, match=message) as error:
        maca_edu.load(run)
    assert "config.json' is damaged" in str(error.value) or "state.npz' does not fit" in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "{}", "[" * 100_000, "\0" * 99, '{"env": "toy/fridge"}', " " * 200_000, "9" * 5_000]
)
def test_a_damaged_config_is_named(run, text):
    (run / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json' (is damaged|has more than)"):
        maca_edu.load(run)


def as_link(path):
    target = path.parent.parent / f"outside_{path.name}"
    path.rename(target)
    path.symlink_to(target)


def as_pipe(path):
    path.unlink()
    os.mkfifo(path)


def as_folder(path):
    path.unlink()
    path.mkdir()


def as_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("put", [as_link, as_pipe, as_folder, as_device])
@pytest.mark.parametrize("name", ["config.json", "metrics.csv", "state.npz"])
def test_only_plain_files_are_opened(run, put, name):
    """A pipe would make the reader wait for ever, a link could lead to anything."""
    put(run / name)
    for use in (lambda: maca_edu.load(run), lambda: train(run, 6, "maca", resume=True)):
        with pytest.raises(ValueError, match=rf"{name}' is not (a plain file|a checkpoint)"):
            use()


def test_a_planted_link_is_not_followed(tmp_path):
    """Neither at the file's own name, nor at a temporary one that could be foreseen."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("config.json", f".config.{os.getpid()}.tmp.json", f".config.json.{os.getpid()}.tmp", "film.gif"):
        (folder / name).symlink_to(victim)
    write_whole(folder / "config.json", "yours")
    write_whole(folder / "film.gif", "yours")
    assert victim.read_text() == "mine"
    assert (folder / "config.json").read_text() == "yours"
    (folder / LOCK).symlink_to(victim)
    with pytest.raises(ValueError, match="is not a plain file"), writing_to(folder):
        pass
    assert victim.read_text() == "mine"
