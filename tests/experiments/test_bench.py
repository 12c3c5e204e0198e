"""The bench measures what it says it measures; how long it took is not tested."""

import json
import subprocess
import sys

import pytest
import torch

from maca_edu.experiments import bench
from maca_edu.networks import MacaCritic


@pytest.fixture(scope="module")
def core():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "SPLIT", {"toy/warehouse": None, "smax/5m_vs_6m": "a package that nobody has"})
        return bench.core(rounds=2, samples=(3,), rollouts=((10, 4),), agents=(2, 3), split_updates=1)


def test_core_has_every_measurement_and_is_json(core):
    assert json.loads(json.dumps(core)) == core
    assert {"date", "versions", "machine", "threads", "settings"} <= core.keys()
    assert {"python", "torch", "maca-edu"} <= core["versions"].keys()
    assert [(row["head"], row["samples"]) for row in core["baselines"]] == [(head, 3) for head in bench.HEADS]
    assert [row["recurrent"] for row in core["update"]] == [False, True]
    assert [row["agents"] for row in core["growth"]] == [2, 3]
    for row in core["baselines"] + core["update"] + core["growth"]:
        low, high = row["quartiles"]
        assert 0 < low <= row["ratio"] <= high
    assert [(row["env"], row["method"]) for row in core["split"]] == [("toy/warehouse", x) for x in ("mappo", "maca")]
    for row in core["split"]:
        assert sum(row[f"{name}_share"] for name in ("env", "act", "learn")) == pytest.approx(1)
    assert all(0 < row["critic_share"] < 1 < row["arithmetic"] for row in core["update"])


def test_the_table_shows_every_row(core):
    text = bench.table(core)
    for head in bench.HEADS:
        assert head in text
    assert text.count("toy/warehouse") == 2
    assert "MLP" in text
    assert "GRU" in text
    assert text.startswith(core["date"])


@pytest.mark.parametrize("head", bench.HEADS)
@pytest.mark.parametrize("n", [3, 25])
def test_fused_equals_naive_on_the_benchs_inputs(head, n):
    torch.manual_seed(0)
    critic = MacaCritic(10, n, 4, head=head, recurrent=False)
    z, _ = critic(torch.randn(5, n, 10))
    x = bench.joint_actions(5, n, 4)
    with torch.no_grad():
        fused, naive = critic.baselines(z, *x), bench.naive_baselines(critic, z, *x)
    assert torch.allclose(fused, naive, atol=1e-5)
    assert not torch.allclose(fused[0], fused[1], atol=1e-3)


def test_random_joint_actions_are_what_they_should_be():
    policy, action, groups = bench.joint_actions(50, 4, 3)
    assert torch.allclose(policy.sum(dim=-1), torch.ones(50, 4))
    assert torch.equal(action.sum(dim=-1), torch.ones(50, 4))
    assert groups.diagonal(dim1=1, dim2=2).all()
    assert 0.5 < groups.float().mean() < 0.75  # the diagonal, and half of the others: 0.625


@pytest.mark.parametrize("head", bench.HEADS)
def test_fused_baselines_hold_less_memory_than_pi_bar(head):
    row = bench.baselines(head, samples=8, rounds=1)
    one_pi_bar = 8 * 25 * 25 * row["actions"] * 4
    assert row["naive_bytes"] > one_pi_bar > row["fused_bytes"]


def test_peak_bytes_counts_what_is_held_at_once():
    def one_after_the_other():
        torch.ones(1000).sum()
        torch.ones(1000).sum()

    def together():
        first, second = torch.ones(1000), torch.ones(1000)
        return first.sum() + second.sum()

    assert 4000 <= bench.peak_bytes(one_after_the_other) < 8000 <= bench.peak_bytes(together) < 12000


def test_alternate_runs_all_once_more_than_it_measures():
    calls = []
    times = bench.alternate({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] * 4
    assert {name: len(x) for name, x in times.items()} == {"a": 3, "b": 3}


def test_arithmetic_counts_multiplications_and_additions():
    assert bench.arithmetic(lambda: torch.ones(2, 3) @ torch.ones(3, 5)) == 2 * 2 * 3 * 5


def test_compare_takes_ratios_within_a_round():
    times = {"slow": [2.0, 30.0, 8.0], "fast": [1.0, 10.0, 2.0]}
    assert bench.compare(times, "slow", "fast") == {"ratio": 3.0, "quartiles": [2.5, 3.5]}
    assert bench.compare({"slow": [6.0], "fast": [3.0]}, "slow", "fast") == {"ratio": 2.0, "quartiles": [2.0, 2.0]}


def test_the_plot_is_drawn(core, tmp_path):
    bench.plot(core, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_worlds_compares_each_world_with_its_own_peers(monkeypatch):
    pytest.importorskip("mpe2")
    name = "mpe/simple_spread?continuous=false"
    small = dict(rollout=10, epochs=1, minibatches=1, actor_sizes=(8,), critic_sizes=(8,), chunk=5)
    row = {"batch": 2, "settings": small} | bench.train(name, 2, "mappo", bench.Config(recurrent=True, **small), 1)
    answer = type("Done", (), {"stdout": "a warning\n" + json.dumps(row | {"peak_bytes": 2**20}) + "\n"})
    monkeypatch.setattr(bench, "WORLDS", {name: (2, small)})
    monkeypatch.setattr(bench.subprocess, "run", lambda *args, **options: answer)
    result = bench.worlds(peers=("HARL=2", "JaxMARL mappo_rnn_smax=5"))
    (world,) = result["worlds"]
    assert json.loads(json.dumps(result)) is not None
    assert world["peers"] == {"HARL": {"steps_per_second": 2.0, "ratio": world["steps_per_second"] / 2}}
    assert "times HARL" in bench.table(result)
    assert world["steps"] == 20


def test_a_child_prints_one_line_of_json(monkeypatch, capsys):
    pytest.importorskip("mpe2")
    name = "mpe/simple_spread?continuous=false"
    small = dict(rollout=10, epochs=1, minibatches=1, actor_sizes=(8,), critic_sizes=(8,), chunk=5)
    monkeypatch.setattr(bench, "WORLDS", {name: (2, small)})
    bench.child(name, 1, 1)
    row = json.loads(capsys.readouterr().out)
    assert row["env"] == name
    assert row["settings"] == json.loads(json.dumps(small))
    assert row["peak_bytes"] > 2**20


def test_a_world_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(bench, "installed", lambda package: None)
    result = bench.worlds()
    assert [row["missing"] for row in result["worlds"]] == ["jaxmarl", "mpe2"]
    assert "needs jaxmarl" in bench.table(result)


@pytest.mark.parametrize("words", ["HARL", "HARL=fast", "HARL=0", "another=5", "JaxMARL and HARL=5"])
def test_a_peer_that_is_not_one_is_an_error(words):
    with pytest.raises(ValueError, match=r"peer=.*allowed is a name with JaxMARL or HARL"):
        bench.worlds(peers=(words,))


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
