"""The bench measures what it says it measures; how long it took is not tested."""

import dataclasses
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from maca_edu.cli import main
from maca_edu.experiments.bench import critics, growth, report, timing, updates, worlds
from maca_edu.experiments.bench.core import Plan, measure
from maca_edu.experiments.bench.neighbour import busy_neighbour
from maca_edu.experiments.bench.one_training import Order, Training, in_a_process_of_its_own
from maca_edu.experiments.bench.timing import Ratio
from maca_edu.networks import MacaCritic
from maca_edu.training.config import Config

SMALL = Config(
    recurrent=True, rollout=10, chunk=5, epochs=1, minibatches=1, actor_sizes=(8,), critic_sizes=(8,), diagnose_every=0
)
TINY = worlds.World("toy/warehouse", "HARL", batch=4, config=SMALL, updates=1)


def assert_ratio(ratio):
    assert 0 < ratio.low <= ratio.median <= ratio.high < math.inf


# ---------------------------------------------------------------------------------------------------------------------
# Timing


def test_alternate_runs_all_once_more_than_it_measures():
    calls = []
    times = timing.alternate(3, lambda: calls.append("a"), lambda: calls.append("b"))
    assert calls == ["a", "b"] * 4
    assert [len(log) for log in times] == [3, 3]


def test_ratios_are_taken_within_a_round():
    assert timing.ratio([2.0, 30.0, 8.0], [1.0, 10.0, 2.0]) == Ratio(3.0, low=2.5, high=3.5)
    assert timing.ratio([6.0], [3.0]) == Ratio(2.0, low=2.0, high=2.0)


def test_arithmetic_counts_multiplications_and_additions():
    assert timing.arithmetic(lambda: torch.ones(2, 3) @ torch.ones(3, 5)) == 2 * 2 * 3 * 5


def test_peak_bytes_counts_what_is_held_at_once():
    def one_after_the_other():
        torch.ones(1000).sum()
        torch.ones(1000).sum()

    def together():
        first, second = torch.ones(1000), torch.ones(1000)
        return first.sum() + second.sum()

    assert 4000 <= timing.peak_bytes(one_after_the_other) < 8000 <= timing.peak_bytes(together) < 12000


# ---------------------------------------------------------------------------------------------------------------------
# Core


@pytest.fixture(scope="module")
def core():
    return measure(
        Plan(
            rounds=2, samples=(3,), rollouts=((10, 4),), teams=(2,), agents=(2, 3), environments=(1, 64),
            games=("toy/warehouse",), updates=1,
        )
    )  # fmt: skip


def test_core_measures_what_was_planned(core):
    assert [(row.head, row.samples) for row in core.baselines] == [(head, 3) for head in critics.HEADS]
    assert [(row.recurrent, row.steps, row.batch) for row in core.updates] == [(False, 10, 4), (True, 10, 4)]
    assert [(row.agents, row.recurrent) for row in core.definition] == [(2, False), (2, True)]
    assert [(row.env, row.method) for row in core.shares] == [("toy/warehouse", "mappo"), ("toy/warehouse", "maca")]
    assert [row.size for row in core.agents] == [2, 3]
    assert [row.size for row in core.environments] == [1, 64]


def test_ratios_of_core_are_positive(core):
    for row in core.baselines:
        assert_ratio(row.naive_over_fused)
    for row in core.updates:
        assert_ratio(row.maca_over_mappo)
        assert row.arithmetic > 1
    for row in core.definition:
        assert_ratio(row.definition_over_fused)
    for row in core.shares:
        assert row.env_share + row.act_share + row.learn_share == pytest.approx(1)
    for rows in (core.agents, core.environments):
        assert rows[0].mappo == Ratio(1.0, low=1.0, high=1.0)  # the unit
        for row in rows:
            assert_ratio(row.maca_over_mappo)


def test_core_is_written_as_text_json_and_figure(core, tmp_path):
    text = report.core_text(core)
    assert text.startswith(core.about.date)
    for words in (*critics.HEADS, "GRU", "MLP", "2 agents", "1 environment ", "64 environments"):
        assert words in text
    assert json.loads(json.dumps(dataclasses.asdict(core)))["plan"]["samples"] == [3]
    report.plot(core, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("head", critics.HEADS)
@pytest.mark.parametrize("n", [3, 25])
def test_fused_equals_naive_on_the_benchs_inputs(head, n):
    torch.manual_seed(0)
    critic = MacaCritic(10, n, 4, head=head, recurrent=False)
    z, _ = critic(torch.randn(5, n, 10))
    x = critics.joint_actions(5, n, 4)
    with torch.no_grad():
        fused, naive = critic.baselines(z, *x), critics.naive_baselines(critic, z, *x)
    assert torch.allclose(fused, naive, atol=1e-5)
    assert not torch.allclose(fused[0], fused[1], atol=1e-3)


@pytest.mark.parametrize("head", critics.HEADS)
def test_fused_baselines_hold_less_memory_than_pi_bar(head):
    row = critics.compare_baselines(head, samples=8, rounds=1)
    one_pi_bar = 8 * row.agents**2 * row.actions * 4
    assert row.naive_bytes > one_pi_bar > row.fused_bytes


def test_random_joint_actions_are_what_they_should_be():
    policy, action, groups = critics.joint_actions(50, 4, 3)
    assert torch.allclose(policy.sum(dim=-1), torch.ones(50, 4))
    assert torch.equal(action.sum(dim=-1), torch.ones(50, 4))
    assert groups.diagonal(dim1=1, dim2=2).all()
    assert 0.5 < groups.float().mean() < 0.75  # the diagonal, and half of the others: 0.625


def test_growth_is_in_units_of_mappos_first_time_per_sample(monkeypatch):
    times = [[1.0], [3.0], [4.0], [8.0]]  # seconds: MAPPO and MACA at size 1, then at size 2
    monkeypatch.setattr(growth, "alternate", lambda rounds, *tasks: times)
    small, large = growth.Pair(None, None, samples=1), growth.Pair(None, None, samples=2)
    first, second = growth.grow((1, 2), [small, large], rounds=1)
    assert (first.mappo.median, first.maca.median, first.maca_over_mappo.median) == (1, 3, 3)
    assert (second.mappo.median, second.maca.median, second.maca_over_mappo.median) == (2, 4, 2)


def test_a_rollout_of_noise_has_what_an_update_needs():
    rollout = updates.noise_rollout(steps=6, batch=3)
    assert rollout.shape == (6, 3)
    assert rollout.obs.std() > 0.9


# ---------------------------------------------------------------------------------------------------------------------
# Worlds


def test_a_training_in_two_processes_measures_both():
    one = in_a_process_of_its_own(Order("toy/warehouse", 4, SMALL, updates=1, processes=1))
    two = in_a_process_of_its_own(Order("toy/warehouse", 4, SMALL, updates=1, processes=2))
    for training in (one, two):
        assert training.steps_per_second > 0
        assert 0 < training.env_share < 1
    assert one.peak_bytes > 2**20
    assert two.peak_bytes > one.peak_bytes + 50 * 2**20  # what is here already counts in both, so no ratio


def test_a_training_that_fails_says_why():
    with pytest.raises(RuntimeError, match=r"toy/nothing ended with code 1: ValueError: .*toy/nothing"):
        in_a_process_of_its_own(Order("toy/nothing", 4, SMALL, updates=1, processes=1))


@pytest.fixture
def trained(monkeypatch):
    """Orders that were given, instead of trainings: twice as fast in two processes, half as fast beside a neighbour."""
    orders = []

    def train(order):
        beside = len(orders) % 4 >= 2
        orders.append(order)
        return Training(100.0 * order.processes / (1 + beside), env_share=0.25, peak_bytes=order.processes * 2**20)

    monkeypatch.setattr(worlds, "in_a_process_of_its_own", train)
    return orders


def test_worlds_alternates_its_variants_and_takes_ratios(trained):
    result = worlds.measure(rounds=2, processes=2, peers=("HARL=50", "JaxMARL mappo_rnn_smax=5"), worlds=(TINY,))
    assert [order.processes for order in trained] == [1, 2, 1, 2] * 2
    (row,) = result.worlds
    assert row.processes == 2
    assert row.many_over_one == row.many_over_one_beside == Ratio(2.0, low=2.0, high=2.0)
    assert row.one_beside_over_idle == row.many_beside_over_idle == Ratio(0.5, low=0.5, high=0.5)
    assert (row.one_peak_bytes, row.many_peak_bytes) == (2**20, 2**21)
    (peer,) = row.peers  # HARL's settings are compared with HARL alone
    assert (peer.peer.name, peer.one.median, peer.many.median) == ("HARL", 2.0, 4.0)
    text = report.worlds_text(result)
    assert "2 processes over HARL, idle" in text
    assert "JaxMARL" not in text
    assert json.loads(json.dumps(dataclasses.asdict(result)))["worlds"][0]["processes"] == 2


def test_a_world_that_is_not_installed_is_named(monkeypatch, trained):
    monkeypatch.setattr(worlds, "missing", lambda env: ["a package"])
    result = worlds.measure(rounds=1, processes=2, worlds=(TINY,))
    assert trained == []
    assert "toy/warehouse: not measured, needs a package" in report.worlds_text(result)


# ---------------------------------------------------------------------------------------------------------------------
# The neighbour


def test_the_neighbour_lives_as_long_as_the_block():
    with busy_neighbour() as neighbour:
        assert neighbour.poll() is None
    assert neighbour.poll() is not None


def test_the_neighbour_is_dead_after_an_error():
    with pytest.raises(RuntimeError, match="a training failed"), busy_neighbour() as neighbour:
        raise RuntimeError("a training failed")
    assert neighbour.poll() is not None


KILLED = """
import os, signal
from maca_edu.experiments.bench.neighbour import busy_neighbour
with busy_neighbour() as neighbour:
    print(neighbour.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_the_neighbour_ends_where_the_bench_is_killed():
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    neighbour = Path("/proc", done.stdout.strip())
    deadline = time.monotonic() + 30
    while is_alive(neighbour) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(neighbour)


def is_alive(process):
    """Whether a process in /proc runs; one that ended and that nobody has asked for does not."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ---------------------------------------------------------------------------------------------------------------------
# Wrong arguments


@pytest.mark.parametrize("words", ["HARL", "HARL=fast", "HARL=0", "HARL=nan", "another=5", "JaxMARL and HARL=5"])
def test_a_peer_that_is_not_one_is_an_error(words):
    with pytest.raises(ValueError, match=r"peer=.*allowed is a name with JaxMARL or HARL"):
        worlds.measure(peers=(words,))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["worlds", "--processes", "1"], "processes=1; allowed are numbers from 2, because one process is"),
        (["worlds", "--processes", "3"], "processes=3; for 128 environments allowed are 1, 2, 4, 8"),
        (["worlds", "--peer", "fast"], "peer='fast'; allowed is a name with JaxMARL or HARL"),
        (["worlds", "--plot", "x.png"], "plot='x.png'; allowed is None for worlds"),
        (["core", "--processes", "2"], "processes=2; allowed is None for core"),
        (["core", "--peer", "HARL=2"], "peer='HARL=2'; allowed is none for core"),
    ],
)
def test_wrong_arguments_give_one_sentence(words, sentence, capsys):
    assert main(["bench", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"maca-edu: {sentence}")
    assert error.count("\n") == 1


# ---------------------------------------------------------------------------------------------------------------------
# Memory that is kept


KEEP = """
import resource
import torch
from maca_edu.experiments.memory import keep_memory
torch.set_num_threads(1)
assert keep_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(4_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
def test_memory_that_is_kept_is_not_cleared_again():
    done = subprocess.run([sys.executable, "-c", KEEP], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # 16 MB, twenty times over: 78,000 pages of 4 KiB
