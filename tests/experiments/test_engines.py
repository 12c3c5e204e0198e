"""How a sweep's runs are done: retried once, with the memory there is; how far they are, and what they will cost."""

import dataclasses
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from maca_edu.cli import main
from maca_edu.experiments import estimate as estimating
from maca_edu.experiments import local_engine, memory, sweep_progress
from maca_edu.experiments.estimate import Pace, estimate, fill_in, pairs_to_try, seconds_of
from maca_edu.experiments.jobs import Job, log_file, run_folder
from maca_edu.experiments.local_engine import KILLED, LocalEngine, Worker
from maca_edu.experiments.memory import Held
from maca_edu.experiments.run_job import run_job
from maca_edu.experiments.sweep import run_all, sweep
from maca_edu.experiments.sweep_progress import Progress, duration, last_row
from maca_edu.experiments.sweep_tables import read_final
from maca_edu.training.config import Config

ENV = "toy/xor?n_agents=2"
JOB = Job(ENV, "mappo", 0, 128, 8, Config(diagnose_every=0))
OTHER = dataclasses.replace(JOB, seed=1)


class Scripted:
    """An engine that does nothing and says of each run what the script says, one entry after the other."""

    processes = 1

    def __init__(self, script):
        self.script, self.submitted, self.closed = script, [], False

    def submit(self, job):
        self.submitted.append(job)

    def finished(self, seconds):
        return [(job, self.script[job].pop(0)) for job in self.submitted[-1:]] if self.script else []

    def close(self):
        self.closed = True


def test_a_run_that_fails_is_tried_once_more(tmp_path, capsys):
    engine = Scripted({JOB: ["first fault", None]})
    assert run_all(tmp_path, [JOB], [JOB], engine) == {}
    assert (engine.submitted, engine.closed) == ([JOB, JOB], True)
    assert f"{JOB} failed and is tried once more: first fault" in capsys.readouterr().err
    assert run_all(tmp_path, [JOB], [JOB], Scripted({JOB: ["first", "second"]})) == {JOB: "second"}
    assert f"failed twice: second; its log is {log_file(tmp_path, JOB)}" in capsys.readouterr().err


def test_a_killed_worker_is_a_failed_run_and_the_sweep_goes_on(tmp_path):
    """Its run is resumed by another worker, and there is one worker less."""
    long = dataclasses.replace(JOB, steps=64_000, save_every=1)
    engine = LocalEngine(tmp_path, 2)
    try:
        engine.submit(long)
        assert engine.finished(0.0) == []
        while not (run_folder(tmp_path, long) / "state.npz").exists():
            time.sleep(0.01)
        os.kill(engine.workers[0].process.pid, signal.SIGKILL)
        ended = []
        while not ended:
            ended = engine.finished(0.1)
        assert ended == [(long, KILLED)]
        assert (engine.workers, engine.processes) == ([], 1)
    finally:
        engine.close()


def test_another_worker_starts_only_where_there_is_memory(monkeypatch):
    """Two workers hold 3 and 2 and may grow to 4; a third would need 4 itself."""

    class Process:
        def __init__(self, pid):
            self.pid = pid

    held = {1: Held(3, 4), 2: Held(2, 2)}
    monkeypatch.setattr(local_engine, "held_by", held.get)
    engine = LocalEngine("out", 3)
    engine.need, engine.workers = 1, [Worker(Process(pid), None, JOB) for pid in (1, 2)]
    for free, fits in ((6, False), (7, True), (None, True)):
        monkeypatch.setattr(local_engine, "free_memory", lambda free=free: free)
        assert engine.has_room() is fits
    engine.workers = []
    monkeypatch.setattr(local_engine, "free_memory", lambda: 0)
    assert engine.has_room()


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="only Linux says what memory there is")
def test_memory_is_what_the_system_says():
    before = memory.held_by(os.getpid())
    block = bytearray(2**26)
    now = memory.held_by(os.getpid())
    assert 2**30 * 64 > now.peak >= now.now >= before.now + 2**25
    assert memory.free_memory() > 0
    assert memory.held_by(2**30) is None
    assert len(block) == 2**26


def test_how_far_a_run_is_stands_in_its_last_whole_line(tmp_path):
    assert last_row(tmp_path) is None
    lines = ["update,steps_per_second,entropy", *(f"{k},{10 * k},0.5" for k in range(1, 3_000))]
    (tmp_path / "metrics.csv").write_text(f"{lines[0]}\n")
    assert last_row(tmp_path) is None
    (tmp_path / "metrics.csv").write_text("\n".join(lines) + "\n3000,3")
    assert last_row(tmp_path) == sweep_progress.Reached(2_999, 1 / 29_990)


def test_time_left_is_steps_over_pace(tmp_path):
    """Two runs of 2 updates of 64 steps, one after its first update, which went at 16 steps a second: 4 + 8 seconds."""
    progress = Progress(tmp_path, [JOB, OTHER], [JOB, OTHER])
    assert progress.time_left() == ""
    folder = run_folder(tmp_path, JOB)
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text("update,steps_per_second\n1,16\n")
    progress.look()
    assert progress.time_left() == "about 12 s left"
    progress.end(JOB)
    assert progress.time_left() == "about 8 s left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (90, "2 min"), (3_599, "1 h 0 min"), (7_500, "2 h 5 min"), (180_000, "2 days 2 h")],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words


# ---------------------------------------------------------------------------------------------------------------------
# What a sweep will cost


def jobs_in(pairs):
    return [dataclasses.replace(JOB, env=env, method=method) for env, method in pairs]


def test_pairs_that_are_not_tried_are_concluded():
    everything = jobs_in((env, method) for env in ("a", "b", "c") for method in ("mappo", "ippo", "coma"))
    cross = [("a", "mappo"), ("a", "ippo"), ("a", "coma"), ("b", "mappo"), ("c", "mappo")]
    assert set(pairs_to_try(everything, set())) == set(cross)
    assert set(pairs_to_try(everything, {("a", "ippo"), ("b", "coma")})) == set(cross) - {("a", "ippo")}
    pace = {pair: Pace(step, 7.0) for pair, step in zip(cross, (2.0, 4.0, 6.0, 10.0, 1.0), strict=True)}
    fill_in(pace, everything)
    assert pace["b", "coma"] == Pace(30.0, 7.0)
    assert pace["c", "ippo"] == Pace(2.0, 7.0)
    uneven = jobs_in([("a", "mappo"), ("b", "ippo")])
    assert set(pairs_to_try(uneven, set())) == {("a", "mappo"), ("b", "ippo")}


def test_a_run_costs_its_steps_and_its_episodes():
    """2 updates of 64 steps, 100 episodes at the end; evaluations after updates 2 of 4, and 10 times the best."""
    assert seconds_of(JOB, Pace(0.5, 0.1)) == pytest.approx(64 + 10)
    evaluated = dataclasses.replace(JOB, steps=256, config=Config(evaluate_every=3, evaluate_episodes=5))
    assert seconds_of(evaluated, Pace(0.0, 1.0)) == 100 + (2 + 10) * 5


def test_what_is_compiled_once_is_counted_once(monkeypatch):
    """The first 32 episodes take 38 s, the next 3; a run with evaluations plays three numbers of episodes at once."""
    plain = dataclasses.replace(JOB, steps=256, config=Config(diagnose_every=0))
    evaluated = dataclasses.replace(plain, config=Config(diagnose_every=0, evaluate_every=2, evaluate_episodes=4))
    for job, kinds in ((plain, 1), (evaluated, 3)):
        played = iter((38.0, 3.0))
        monkeypatch.setattr(estimating, "seconds_to_play", lambda run, episodes, played=played: next(played))
        pace = estimating.measured_pace(job)
        assert pace.episode == 3 / 32
        assert kinds * 35 <= pace.start < kinds * 35 + 10  # and what the first update took longer than the others
        assert seconds_of(job, pace) - seconds_of(job, pace._replace(start=0.0)) == pytest.approx(pace.start)


def test_an_estimate_counts_what_is_left(tmp_path, monkeypatch):
    """Of three runs of 100 seconds one is finished, and one is half done; the third is of another arm."""
    third = dataclasses.replace(JOB, method="ippo")
    assert run_job(tmp_path, JOB) is None
    monkeypatch.setattr(estimating, "pace_of_run", lambda out, job: Pace(100 / 128, 0.0))
    monkeypatch.setattr(estimating, "measured_pace", lambda job: Pace(200 / 128, 0.0))
    run_folder(tmp_path, OTHER).mkdir(parents=True)
    (run_folder(tmp_path, OTHER) / "metrics.csv").write_text("update,steps_per_second\n1,16\n")
    found = estimate(tmp_path, [JOB, OTHER, third], processes=2)
    assert (found.runs, found.finished, found.begun) == (3, 1, 1)
    assert (found.seconds_left, found.seconds_in_all, found.wall_seconds) == (250, 400, 200)
    assert (found.pairs, found.pairs_from_runs, found.pairs_tried) == (2, 1, 1)


def test_a_dry_run_measures_and_writes_nothing(tmp_path, capsys):
    words = ["sweep", "--out", str(tmp_path / "x"), "--envs", ENV, "--methods", "mappo", "--grid", "clip=.1,.2"]
    assert main([*words, "--steps", "512", "--seeds", "2", "--dry-run", "--processes", "2"]) == 0
    said = capsys.readouterr().out
    assert "4: 0 finished, 0 begun" in said
    assert "of 2 pairs of environment and arm: 0 from finished runs here, 2 measured just now, 0 concluded" in said
    assert not (tmp_path / "x").exists()


def test_engines_refuse_what_is_not_theirs(tmp_path, capsys):
    words = ["sweep", "--out", str(tmp_path / "x"), "--envs", ENV, "--methods", "mappo", "--steps", "512"]
    for more, message in (
        (["--address", "auto"], "address='auto'; allowed is None with engine='local'"),
        (["--engine", "ray", "--processes", "2"], "processes=2; allowed is None with engine='ray'"),
    ):
        assert main([*words, *more]) == 2
        assert capsys.readouterr().err == f"maca-edu: {message}{', which has as many as fit' * ('ray' in more)}\n"
    assert not (tmp_path / "x").exists()


# ---------------------------------------------------------------------------------------------------------------------
# Where results come from


def test_results_say_where_they_come_from(tmp_path):
    """And say the same after a command that had nothing to do."""
    sweep(tmp_path, [JOB], "first command", LocalEngine(tmp_path, 1))
    about = (tmp_path / "sweep.json").read_text()
    for name in ("command", "date", "versions", "commit", "processor", "cpu_hours", "wall_hours"):
        assert f'"{name}"' in about
    sweep(tmp_path, [JOB], "second command", LocalEngine(tmp_path, 1))
    assert (tmp_path / "sweep.json").read_text() == about


def test_results_name_the_command_that_asked_for_all_runs(tmp_path):
    """Also where the last runs were there already: copied, or finished before the sweep was cut off at its tables."""
    sweep(tmp_path / "one", [JOB], "one seed", LocalEngine(tmp_path / "one", 1))
    sweep(tmp_path / "other", [OTHER], "the other seed", LocalEngine(tmp_path / "other", 1))
    hours = about(tmp_path / "one")["wall_hours"]
    shutil.copytree(run_folder(tmp_path / "other", OTHER), run_folder(tmp_path / "one", OTHER))
    sweep(tmp_path / "one", [JOB, OTHER], "both seeds", LocalEngine(tmp_path / "one", 1))
    assert {row.seed for row in read_final(tmp_path / "one" / "final.csv")} == {JOB.seed, OTHER.seed}
    assert about(tmp_path / "one")["command"] == "both seeds"
    assert about(tmp_path / "one")["wall_hours"] >= hours
    (tmp_path / "one" / "final.csv").unlink()  # cut off while the tables were written
    sweep(tmp_path / "one", [JOB, OTHER], "both seeds", LocalEngine(tmp_path / "one", 1))
    assert len(read_final(tmp_path / "one" / "final.csv")) == 2


def about(out: Path) -> dict:
    return json.loads((out / "sweep.json").read_text())
