"""Several processes that share the environments learn what one would learn from all of them."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

SCRIPT = Path(__file__).with_name("joined.py")
METHODS = (
    "mappo",
    "happo",
    "maca",
    "coma",
    "ppo-mix",
    "maca-lsq",
    "maca-lsq:corrected",
    "mappo+running",
    "maca+running",
)
COUNT = 3
CLOCK = ("_seconds", "_per_second")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What each of three processes ends with, and what one process ends with that has all environments."""
    folder = tmp_path_factory.mktemp("trained")
    ranks = ["all", *map(str, range(COUNT))]
    words = [[sys.executable, str(SCRIPT), rank, str(COUNT), str(folder), *METHODS] for rank in ranks]
    runs = [subprocess.Popen(line, cwd=SCRIPT.parents[2]) for line in words]
    assert [run.wait() for run in runs] == [0] * len(runs)
    return [torch.load(folder / f"{rank}.pt") for rank in ranks]


@pytest.mark.parametrize("method", METHODS)
def test_processes_learn_what_one_would_learn(method, trained):
    """In double precision: equal up to rounding, with GRUs, cut episodes, diagnoses, and minibatches that a process has
    no share of. Among themselves the processes are equal to the last bit."""
    alone, *together = (everything[method] for everything in trained)
    for one in together:
        assert torch.equal(one["weights"], together[0]["weights"])
    assert_close(together[0]["weights"], alone["weights"], rtol=0, atol=1e-9)
    assert alone["metrics"].keys() == together[0]["metrics"].keys()
    for name, column in alone["metrics"].items():
        if not name.endswith(CLOCK):
            assert_close(together[0]["metrics"][name], column, rtol=1e-6, atol=1e-8, equal_nan=True, msg=name)
    assert torch.isfinite(alone["metrics"]["return_mean"]).any()
