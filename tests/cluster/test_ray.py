"""Sweeps on a real cluster of Ray's: two nodes on this machine, one of which is killed in mid-run."""

import json
import socket
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ray")  # make cluster-test installs it

from ray.cluster_utils import Cluster

from maca_edu.experiments.jobs import Job, log_file, run_folder
from maca_edu.experiments.local_engine import LocalEngine
from maca_edu.experiments.ray_engine import RayEngine
from maca_edu.experiments.run_job import run_job
from maca_edu.experiments.sweep import sweep
from maca_edu.training.config import Config
from maca_edu.training.run_directory import RunDirectory

CONFIG = Config(diagnose_every=0, evaluate_every=10, evaluate_episodes=4)
SHORT = [Job("toy/xor?n_agents=2", "mappo", seed, 640, 8, CONFIG, save_every=3) for seed in (0, 1)]
LONG = [Job("toy/xor?n_agents=2", "mappo", seed, 32_000, 8, CONFIG, save_every=3) for seed in (0, 1)]


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of two nodes with one processor each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node = dict(num_cpus=1, memory=4 * 2**30, object_store_memory=2**27, include_dashboard=False)
    made = started(node)
    yield made
    made.shutdown()


def started(node: dict) -> Cluster:
    """A cluster, at the third attempt if need be: Ray gives up where its agents need more than 15 seconds to start."""
    for attempt in range(3):
        made = Cluster()
        try:
            made.first, made.second = made.add_node(**node), made.add_node(**node)
            return made
        except Exception:
            made.shutdown()
            if attempt == 2:
                raise


def rows_without_clocks(out: Path, job: Job) -> list[dict]:
    rows = RunDirectory(run_folder(out, job)).rows(job.updates)
    return [{name: repr(x) for name, x in row.items() if "second" not in name} for row in rows]


def without_provenance(out: Path, job: Job) -> dict:
    result = json.loads((run_folder(out, job) / "final.json").read_text())
    return {name: x for name, x in result.items() if name.endswith(("mean", "std", "rate"))}


def test_both_engines_end_alike(cluster, tmp_path):
    engine = RayEngine(tmp_path / "ray", cluster.address)
    assert engine.processes == 2
    sweep(tmp_path / "ray", SHORT, "a command", engine)
    sweep(tmp_path / "local", SHORT, "a command", LocalEngine(tmp_path / "local", 1))
    for job in SHORT:
        assert rows_without_clocks(tmp_path / "ray", job) == rows_without_clocks(tmp_path / "local", job)
        assert without_provenance(tmp_path / "ray", job) == without_provenance(tmp_path / "local", job)
    tables = [(tmp_path / name / "final.csv").read_text() for name in ("ray", "local")]
    assert tables[0] == tables[1]


def test_a_node_that_is_killed_in_mid_run_loses_nothing(cluster, tmp_path):
    out, finished_before = tmp_path / "ray", []

    def kill_second_node():
        while not all((run_folder(out, job) / "state.npz").exists() for job in LONG):
            time.sleep(0.05)
        finished_before.extend(job for job in LONG if (run_folder(out, job) / "final.json").exists())
        cluster.remove_node(cluster.second, allow_graceful=False)

    killer = threading.Thread(target=kill_second_node, daemon=True)
    killer.start()
    sweep(out, LONG, "a command", RayEngine(out, cluster.address))
    killer.join()
    assert finished_before == []
    began = {job: log_file(out, job).read_text().count("begins or goes on") for job in LONG}
    assert sorted(began.values()) == [1, 2]
    lost = max(began, key=began.get)
    assert run_job(tmp_path / "alone", lost) is None
    assert rows_without_clocks(out, lost) == rows_without_clocks(tmp_path / "alone", lost)
    assert without_provenance(out, lost) == without_provenance(tmp_path / "alone", lost)


def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    for wrong in (address, "127.0.0.1:x", "127.0.0.1:99999999"):
        with pytest.raises(ValueError, match=f"address='{wrong}': nobody answers there"):
            RayEngine(tmp_path, wrong)
