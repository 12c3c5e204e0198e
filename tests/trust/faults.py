"""Runs, sweeps and films that something happens to: a kill, a stop, a full disk, no memory, a wrong clock.

Each function here is one attempt: it is given random numbers and an empty folder, and returns None where nothing was
lost or torn, otherwise what was. Nothing is lost: the same command, given again, ends with the same bits as one that
nothing happened to. Nothing is torn: what lies in the folder in between can be read, or is not there.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import functools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import children
import numpy as np
from children import Ended, in_child

import maca_edu
from maca_edu import __main__ as program
from maca_edu.cli import main

CLOCKS = ("_seconds", "_per_second")
SMALL = "--actor-sizes 16 --critic-sizes 16 --embed 8 --z-size 16 --processes 1"
EVALUATED = "--env toy/xor?n_agents=2 --method mappo --batch 4 --rollout 4 --steps 480 --save-every 4"
EVALUATED += " --evaluate-every 3 --evaluate-episodes 4"
WITH_MEMORY = "--env toy/warehouse?preset=tiny&horizon=6 --method maca --batch 2 --rollout 8 --steps 240 --save-every 2"
WITH_MEMORY += " --recurrent --chunk 4 --epochs 2"
RUNS = tuple(f"{words} {SMALL}".split() for words in (EVALUATED, WITH_MEMORY))
SWEEP = ["--envs", "toy/xor?n_agents=2", "--methods", "mappo", "--steps", "480", "--seeds", "2", "--processes", "1"]
SWEEP += ["--options=--batch 4 --rollout 4 --save-every 4 --evaluate-every 10 --evaluate-episodes 4"]
STOPPED = {130, 143}


def run_main(*words) -> int:
    """The command line as a process of its own has it."""
    sys.argv = ["maca-edu", *map(str, words)]
    return program.main()


def train_words(kind: int, out: Path) -> list:
    return ["train", "--out", out, *RUNS[kind], "--resume"]


# ---------------------------------------------------------------------------------------------------------------------
# What nothing happened to


@functools.cache
def scratch() -> tempfile.TemporaryDirectory:
    """A folder that is removed when this program ends."""
    return tempfile.TemporaryDirectory(prefix="maca-edu-trust-")


@functools.cache
def undisturbed(kind: int) -> tuple[Path, list[children.Operation], float]:
    """A run of RUNS that nothing happened to, what it did with files, and the seconds that it took."""
    out = Path(scratch().name) / f"run{kind}"
    began = time.monotonic()
    ended, log = children.operations(lambda: run_main(*train_words(kind, out)), out)
    assert ended.status == 0, ended.said
    return out, log, time.monotonic() - began


@functools.cache
def undisturbed_sweep() -> tuple[Path, list[children.Operation], float]:
    """The same of a sweep; what its workers do with files is not among the operations."""
    out = Path(scratch().name) / "sweep"
    began = time.monotonic()
    ended, log = children.operations(lambda: run_main("sweep", "--out", out, *SWEEP), out)
    assert ended.status == 0, ended.said
    return out, log, time.monotonic() - began


@functools.cache
def undisturbed_film() -> tuple[Path, list[children.Operation], float]:
    """The same of a film of the first run."""
    folder = Path(scratch().name) / "film"
    folder.mkdir()
    began = time.monotonic()
    ended, log = children.operations(lambda: run_main(*film_words(folder)), folder)
    assert ended.status == 0, ended.said
    return folder / "film.gif", log, time.monotonic() - began


def film_words(folder: Path) -> list:
    return ["watch", undisturbed(0)[0], "--out", folder / "film.gif", "--episodes", "1"]


# ---------------------------------------------------------------------------------------------------------------------
# Whether anything is lost or torn


def difference(out: Path, whole: Path) -> str | None:
    """What is not the same in two finished runs, but for clocks and TensorBoard's files; None: nothing."""
    found, wanted = (sorted(path.name for path in folder.iterdir()) for folder in (out, whole))
    if found != wanted:
        return f"the folder holds {found}, not {wanted}"
    if metrics(out) != metrics(whole):
        return "metrics.csv is another"
    for name in ("state.npz", "best.npz"):
        if (whole / name).exists() and arrays(out / name) != arrays(whole / name):
            return f"{name} is another"
    for name in ("config.json", "findings.json"):
        if (whole / name).exists() and (out / name).read_bytes() != (whole / name).read_bytes():
            return f"{name} is another"
    return None


def metrics(out: Path) -> dict[str, list[str]]:
    """The columns of metrics.csv as text, but for those that depend on the clock."""
    with open(out / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0] if not name.endswith(CLOCKS)}


def arrays(path: Path) -> dict[str, tuple]:
    """A checkpoint: each array's type, shape and bytes, and the tree that says what they are."""
    with np.load(path, allow_pickle=False) as file:
        return {name: (str(file[name].dtype), file[name].shape, file[name].tobytes()) for name in file.files}


def torn(out: Path) -> str | None:
    """What in a run's folder cannot be read; None: everything that is there can."""
    if not (out / "state.npz").exists():
        return None
    try:
        run = maca_edu.load(out)
    except Exception as error:
        return f"what was left cannot be loaded: {error!r}"
    return None if len(run.metrics["update"]) > 0 else "a checkpoint without rows"


def sweep_difference(out: Path, whole: Path) -> str | None:
    """What is not the same in two finished sweeps, but for clocks."""
    for name in ("plan.csv", "curves.csv", "final.csv"):
        if (out / name).read_bytes() != (whole / name).read_bytes():
            return f"{name} is another"
    json.loads((out / "sweep.json").read_text())
    left = [str(path) for path in out.rglob(".*")]
    if left:
        return f"left behind: {left}"
    runs = [file.parent.relative_to(whole) for file in whole.glob("*/*/*/config.json")]
    return next((f"{run}: {found}" for run in runs if (found := difference(out / run, whole / run))), None)


def traceback_in(ended: Ended) -> str | None:
    """What is wrong with the words of a command that ended by itself, well or not."""
    if ended.hangs:
        return f"it hangs; it said: {ended.said[-300:]}"
    for word in ("Traceback", "Exception ignored"):
        if word in ended.said:
            return f"it said: {ended.said[-1500:]}"
    return None


def sentence_in(ended: Ended) -> str | None:
    """What is wrong with the words of a command that had to give up: its last line is one sentence, its status 2."""
    last = (ended.said.strip().splitlines() or [""])[-1].rpartition("\r")[2]
    if ended.status == 0 or (ended.status == 2 and "maca-edu: " in last):
        return traceback_in(ended)
    return f"it ended with {ended.status} and said: {ended.said[-1500:]}"


def finish(kind: int, out: Path) -> str | None:
    """Go on with a run to its end; what is then wrong with it."""
    before = torn(out)
    if before is not None:
        return before
    ended = in_child(lambda: run_main(*train_words(kind, out)))
    if ended.status != 0:
        return f"the command that went on ended with {ended.status} and said: {ended.said[-1500:]}"
    return difference(out, undisturbed(kind)[0])


# ---------------------------------------------------------------------------------------------------------------------
# Killed


def killed_in_training(rng: random.Random, folder: Path) -> str | None:
    """Killed up to three times at any moment."""
    kind, out = rng.randrange(len(RUNS)), folder / "run"
    for _ in range(rng.randint(1, 3)):
        moment = rng.uniform(0, undisturbed(kind)[2])
        in_child(lambda: run_main(*train_words(kind, out)), lambda child, at=moment: kill(child, at))
        if torn(out):
            return torn(out)
    return finish(kind, out)


def kill(child: int, after: float, number: int = signal.SIGKILL) -> None:
    """Wait so many seconds, then send the signal."""
    time.sleep(after)
    os.kill(child, number)


def at_operations_on(*stems: str) -> Callable[[random.Random, Path], str | None]:
    """An attempt: killed just before an operation on one of the run's files, or on any other than those of `stems`
    where the first of them is "not"."""

    def attempt(rng: random.Random, folder: Path) -> str | None:
        kind, out = rng.randrange(len(RUNS)), folder / "run"
        log = undisturbed(kind)[1]
        fitting = [k for k, operation in enumerate(log, 1) if is_of(operation.path, stems)]
        number = rng.choice(fitting)

        def work() -> int:
            children.at_operation(number, out, children.die)
            return run_main(*train_words(kind, out))

        ended = in_child(work)
        if ended.status != -signal.SIGKILL:
            return f"it was not killed at operation {number} but ended with {ended.status}: {ended.said[-300:]}"
        return finish(kind, out)

    return attempt


def is_of(path: str, stems: tuple[str, ...]) -> bool:
    """Whether an operation is on a file whose name begins with one of the stems, or with none after "not"."""
    of_one = Path(path).name.lstrip(".").startswith(stems)
    return of_one != (stems[0] == "not")


killed_at_a_checkpoint = at_operations_on("state", "best")
killed_at_metrics = at_operations_on("metrics")
killed_at_the_folder = at_operations_on("not", "state", "best", "metrics")


def killed_in_a_sweep(rng: random.Random, folder: Path) -> str | None:
    """The command, or one of its workers, is killed at any moment; the same command goes on."""
    whole, _, seconds = undisturbed_sweep()
    out, moment, whom = folder / "sweep", rng.uniform(0, seconds), rng.choice(("command", "worker"))

    def work() -> int:
        return run_main("sweep", "--out", out, *SWEEP)

    def during(child: int) -> None:
        time.sleep(moment)
        for process in [child] if whom == "command" else children_of(child)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    ended = in_child(work, during)
    if ended.hangs:
        return traceback_in(ended)
    if whom == "worker" and ended.status != 0:
        return f"without one of its workers it ended with {ended.status} and said: {ended.said[-1500:]}"
    fault = next((found for run in out.glob("*/*/*/") if (found := torn(run))), None)
    if fault is not None:
        return fault
    ended = in_child(work)
    return sweep_difference(out, whole) if ended.status == 0 else f"afterwards it said: {ended.said[-1500:]}"


def children_of(process: int) -> list[int]:
    """The worker processes of a sweep."""
    found = Path(f"/proc/{process}/task/{process}/children")
    numbers = [int(word) for word in found.read_text().split()] if found.exists() else []
    return [number for number in numbers if "spawn_main" in command_of(number)]


def command_of(process: int) -> str:
    """How a process was called; "" where it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def killed_at_tables(rng: random.Random, folder: Path) -> str | None:
    """A sweep whose runs are finished is killed just before an operation on its own files; then repeated."""
    whole, out = undisturbed_sweep()[0], folder / "sweep"
    shutil.copytree(whole, out)
    for name in rng.sample(("curves.csv", "final.csv", "measured.csv", "sweep.json"), rng.randint(0, 4)):
        (out / name).unlink()
    whole_tables = {path.name: path.read_bytes() for path in out.glob("*.csv")}

    def work(number: int | None = None) -> int:
        if number is not None:
            children.at_operation(number, out, children.die)
        return run_main("sweep", "--out", out, *SWEEP)

    in_child(lambda: work(rng.randint(1, 60)))
    for name in whole_tables:
        if name in ("plan.csv", "curves.csv", "final.csv") and (out / name).read_bytes() != (whole / name).read_bytes():
            return f"{name} is torn"
    ended = in_child(work)
    return sweep_difference(out, whole) if ended.status == 0 else f"afterwards it said: {ended.said[-1500:]}"


def killed_in_a_film(rng: random.Random, folder: Path) -> str | None:
    """A film is whole, or the one before it is still there."""
    whole, log, seconds = undisturbed_film()
    film, moment, number = folder / "film.gif", rng.uniform(0, seconds), rng.randint(1, len(log))
    before = rng.choice((None, b"the film before"))
    if before is not None:
        film.write_bytes(before)
    by_operation = rng.random() < 0.5

    def work() -> int:
        if by_operation:
            children.at_operation(number, folder, children.die)
        return run_main(*film_words(folder))

    in_child(work, None if by_operation else lambda child: kill(child, moment))
    left = film.read_bytes() if film.exists() else None
    if left not in (before, whole.read_bytes()):
        return f"the film is torn: {len(left)} bytes"
    ended = in_child(lambda: run_main(*film_words(folder)))
    return None if ended.status == 0 and film.read_bytes() == whole.read_bytes() else f"it said: {ended.said[-1500:]}"


# ---------------------------------------------------------------------------------------------------------------------
# Stopped


def stopped(rng: random.Random, folder: Path) -> str | None:
    """Ctrl-C or the polite kill, up to three times at any moment, in training, a sweep or a film."""
    what = rng.choice(("train", "train", "sweep", "film"))
    if what == "sweep":
        whole, _, seconds = undisturbed_sweep()
        words = ["sweep", "--out", folder / "sweep", *SWEEP]
    elif what == "film":
        whole, _, seconds = undisturbed_film()
        words = film_words(folder)
    else:
        kind = rng.randrange(len(RUNS))
        whole, _, seconds = undisturbed(kind)
        words = train_words(kind, folder / "run")
    numbers = [rng.choice((signal.SIGINT, signal.SIGTERM)) for _ in range(rng.randint(1, 3))]
    pauses = [rng.uniform(0, seconds)] + [rng.choice((0.0, rng.uniform(0, 0.3))) for _ in numbers[1:]]

    def during(child: int) -> None:
        for number, pause in zip(numbers, pauses, strict=True):
            kill(child, pause, number)

    ended = in_child(lambda: run_main(*words), during)
    fault = traceback_in(ended)
    if fault is None and ended.status not in {0, *STOPPED}:
        fault = f"{numbers} after {pauses}: it ended with {ended.status} and said: {ended.said[-1500:]}"
    if fault is None and ended.status != 0 and "maca-edu: stopped" not in ended.said.strip().splitlines()[-1]:
        fault = f"it did not say last what is kept: {ended.said[-1500:]}"
    if fault is not None or what == "train":
        return fault or finish(kind, folder / "run")
    ended = in_child(lambda: run_main(*words))
    if ended.status != 0:
        return f"afterwards it ended with {ended.status} and said: {ended.said[-1500:]}"
    if what == "sweep":
        return sweep_difference(folder / "sweep", whole)
    return None if (folder / "film.gif").read_bytes() == whole.read_bytes() else "the film is another"


# ---------------------------------------------------------------------------------------------------------------------
# No room, no memory, a wrong clock


def full_disk(rng: random.Random, folder: Path) -> str | None:
    """Files that cannot grow beyond a random size; or an operation that the system refuses, as on a full disk."""
    kind, out = rng.randrange(len(RUNS)), folder / "run"
    number, size = rng.randint(1, len(undisturbed(kind)[1])), rng.randint(0, 200_000)
    refusal = children.refuse(rng.choice((errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS)))
    by_size = rng.random() < 0.5

    def work() -> int:
        if by_size:
            children.limit_files(size)
        else:
            children.at_operation(number, out, refusal)
        return run_main(*train_words(kind, out))

    return sentence_in(in_child(work)) or finish(kind, out)


def small_disk(rng: random.Random, folder: Path) -> str | None:
    """A disk of a random size; what did not fit is done again when there is room. All in one child, which sees it."""
    kind, size = rng.randrange(len(RUNS)), rng.randint(4_096, 1_000_000)
    whole = undisturbed(kind)[0]
    fault = folder / "fault.txt"
    disk = folder / "disk"
    disk.mkdir()

    def work() -> int:
        if not (children.world_of_its_own() and children.small_disk(disk, size)):
            return 0
        status = main(list(map(str, train_words(kind, disk / "run"))))
        if status != 0:
            children.small_disk(disk, 2**26, again=True)
            status = torn(disk / "run") or main(list(map(str, train_words(kind, disk / "run"))))
        fault.write_text(str(status or difference(disk / "run", whole) or ""))
        return 0

    ended = in_child(work)
    said = fault.read_text() if fault.exists() else ""
    return traceback_in(ended) or (f"{said}; it said: {ended.said[-1500:]}" if said else None)


def little_memory(rng: random.Random, folder: Path) -> str | None:
    """A training that gets no more memory. A library may end the process itself then; nothing is lost all the same."""
    kind, out, more = rng.randrange(len(RUNS)), folder / "run", rng.randint(0, 2**26)

    def work() -> int:
        children.limit_memory(more)
        return run_main(*train_words(kind, out))

    ended = in_child(work)
    if ended.hangs:
        return "it hangs"
    return finish(kind, out)


def wrong_clock(rng: random.Random, folder: Path) -> str | None:
    """A clock that jumps back and forth by up to a year, before and after a kill."""
    kind, out = rng.randrange(len(RUNS)), folder / "run"
    now, jumps, moment = time.time, random.Random(rng.random()), rng.uniform(0, undisturbed(kind)[2])

    def work() -> int:
        time.time = lambda: now() - jumps.uniform(0, 3.2e7)
        time.time_ns = lambda: int(1e9 * time.time())
        return run_main(*train_words(kind, out))

    in_child(work, lambda child: kill(child, moment))
    ended = in_child(work)
    return sentence_in(ended) or finish(kind, out)
