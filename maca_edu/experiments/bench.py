"""How long things take: `maca-edu bench` measures the learner, `maca-edu bench worlds` whole trainings.

A machine is never as fast twice, so what is compared runs alternately in one process, and what is reported are ratios:
the median over the rounds of the time of one over the time of the other in the same round, with the quartiles.

    core      baselines   fused against pi-bar written out, 25 agents: time, and the most memory held at once
              update      MACA's update over MAPPO's at the sizes of 5m_vs_6m, without and with a GRU
              split       shares of environment, acting and learning in short trainings
              growth      time of a critic per sample, forward, baselines and backward, with the number of agents
    worlds    steps per second of MAPPO with a GRU, in the settings of two other code bases
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib import resources
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from maca_edu import envs
from maca_edu.credit import marginals
from maca_edu.experiments.doctor import installed
from maca_edu.experiments.memory import keep_memory
from maca_edu.experiments.presets import preset
from maca_edu.networks import MacaCritic, VCritic
from maca_edu.networks.layers import eye
from maca_edu.team_env import TeamStep, View
from maca_edu.training.config import Config
from maca_edu.training.learner import Learner
from maca_edu.training.loop import Trainer
from maca_edu.training.methods import find
from maca_edu.training.records import Memory, Rollout, Sizes
from maca_edu.training.rollout import RolloutBuffer

SMAC = Sizes(obs=124, state=249, n_agents=5, n_actions=12)  # 5m_vs_6m (Table 6)
AGENTS = (5, 10, 25, 50, 100)
HEADS = ("additive", "conditioned", "multilinear")
SPLIT = {"toy/warehouse": None, "smax/5m_vs_6m": "jaxmarl"}  # the package each needs

# Settings of JaxMARL's script mappo_rnn_smax, and of HARL's MAPPO with a GRU; environment, copies, Config.
WORLDS = {
    "smax/5m_vs_6m": (
        128,
        dict(
            rollout=128, epochs=4, minibatches=4, actor_sizes=(128, 128), critic_sizes=(128, 128), chunk=128,
            lr=2e-3, clip=0.2, entropy=0.0, max_grad_norm=0.25,
        ),
    ),
    "mpe/simple_spread?continuous=false": (
        8,
        dict(
            rollout=200, epochs=10, minibatches=1, actor_sizes=(64, 64, 64), critic_sizes=(64, 64, 64), chunk=10,
            lr=5e-4, clip=0.2,
        ),
    ),
}  # fmt: skip


def core(
    rounds: int = 9,
    samples: tuple[int, ...] = (128, 1000),
    rollouts: tuple[tuple[int, int], ...] = ((50, 4), (200, 20)),
    agents: tuple[int, ...] = AGENTS,
    split_updates: int = 6,
) -> dict:
    """All of `core`, with one thread; rounds: of alternating measurements; samples: batch sizes of the baselines.

    rollouts: steps and environments of the updates; agents: of the growth; split_updates: length of the trainings.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_memory()
    try:
        return about(1, rounds=rounds) | {
            "baselines": [baselines(head, size, rounds) for head in HEADS for size in samples],
            "update": [update(gru, *shape, rounds) for shape in rollouts for gru in (False, True)],
            "split": [
                split(env, method, split_updates)
                for env, package in SPLIT.items()
                if package is None or installed(package)
                for method in ("mappo", "maca")
            ],
            "growth": growth(agents, rounds),
        }
    finally:
        torch.set_num_threads(threads)


def worlds(updates: int = 4, threads: int = 1, peers: tuple[str, ...] = ()) -> dict:
    """Steps per second of whole trainings, each in a process of its own, whose first update compiles and is left out.

    peers: what other code bases reached on the same machine in the same hour, as in "JaxMARL mappo_rnn_smax=1520"; see
    below; a name with JaxMARL is compared with SMAX, one with HARL with Spread. Raises ValueError where one is not so.

    JaxMARL: run baselines/MAPPO/mappo_rnn_smax.py of its repository with MAP_NAME=5m_vs_6m and otherwise the settings
    of its config file, and divide NUM_ENVS * NUM_STEPS by the time between two of its log entries. HARL: run
    examples/train.py --algo mappo --env pettingzoo_mpe --scenario simple_spread_v2 --continuous_actions False
    --n_rollout_threads 8 --use_recurrent_policy True --hidden_sizes [64,64,64] --ppo_epoch 10 --critic_epoch 10
    --cuda False --use_eval False and take the steps per second that it prints. Run them and this alternately.
    """
    told = [peer(words) for words in peers]
    rows = []
    for name in WORLDS:
        package = "jaxmarl" if name.startswith("smax") else "mpe2"
        if not installed(package):
            rows.append({"env": name, "missing": package})
            continue
        code = f"from maca_edu.experiments import bench; bench.child({name!r}, {updates}, {threads})"
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
        row = json.loads(done.stdout.splitlines()[-1])
        theirs = {who: rate for who, rate in told if ("JaxMARL" in who) == name.startswith("smax")}
        row["peers"] = {who: {"steps_per_second": r, "ratio": row["steps_per_second"] / r} for who, r in theirs.items()}
        rows.append(row)
    return about(threads, updates=updates) | {"worlds": rows}


def peer(words: str) -> tuple[str, float]:
    """A name and steps per second from "NAME=NUMBER". Raises ValueError where it is not that."""
    name, _, rate = words.rpartition("=")
    try:
        good = ("JaxMARL" in name) != ("HARL" in name) and float(rate) > 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f'peer={words!r}; allowed is a name with JaxMARL or HARL, =, and a positive number: "HARL=250"'
        )
    return name, float(rate)


def about(threads: int, **settings) -> dict:
    """The date, what runs, and the settings."""
    packages = ("maca-edu", "torch", "numpy", "jax", "jaxmarl", "mpe2")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages if installed(name)}
    machine = f"{platform.machine()}, {os.cpu_count()} processors"
    return dict(date=date.today().isoformat(), versions=versions, machine=machine, threads=threads, settings=settings)


def alternate(tasks: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds that each task took in every round; all run once before that."""
    times = {name: [] for name in tasks}
    for k in range(rounds + 1):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            if k:
                times[name].append(time.perf_counter() - began)
    return times


def compare(times: dict[str, list[float]], slow: str, fast: str) -> dict:
    """The ratio slow / fast: median and quartiles over the rounds."""
    ratios = [a / b for a, b in zip(times[slow], times[fast], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return {"ratio": middle, "quartiles": [low, high]}


def seconds(times: dict[str, list[float]]) -> dict:
    """The median of each task, under its name with `_seconds`."""
    return {f"{name}_seconds": statistics.median(x) for name, x in times.items()}


def peak_bytes(task: Callable) -> int:
    """The most memory in tensors that `task` held at once beyond what there was before, by torch's profiler."""
    task()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        task()
    held = peak = 0
    for event in sorted(record.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def joint_actions(samples: int, n: int, n_actions: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Random policies and one-hot actions `[B, n, A]`, and CorrSets of about half the agents, `[B, n, n]`."""
    generator = torch.Generator().manual_seed(seed)
    policy = torch.rand(samples, n, n_actions, generator=generator)
    policy /= policy.sum(dim=-1, keepdim=True)
    action = torch.eye(n_actions)[torch.randint(n_actions, (samples, n), generator=generator)]
    groups = torch.rand(samples, n, n, generator=generator) < 0.5
    return policy, action, groups | eye(groups)


def naive_baselines(critic: MacaCritic, z, policy: Tensor, action: Tensor, groups: Tensor) -> Tensor:
    """What `critic.baselines` gives, `[3, B, n]`, from pi-bar written out, `[B, n, n, A]` for each baseline."""
    everyone, alone = torch.ones_like(groups), eye(groups).expand_as(groups)
    return torch.stack([critic.q(z, marginals(policy, action, group)) for group in (everyone, alone, groups)])


@torch.no_grad()
def baselines(head: str, samples: int, rounds: int, n: int = 25, n_actions: int = 30) -> dict:
    """Fused baselines against naive ones, forward, with the sizes of 25m where nothing else is said."""
    torch.manual_seed(0)
    critic = MacaCritic(10, n, n_actions, head=head, recurrent=False)
    z, _ = critic(torch.randn(samples, n, 10))
    x = joint_actions(samples, n, n_actions)
    tasks = {"naive": lambda: naive_baselines(critic, z, *x), "fused": lambda: critic.baselines(z, *x)}
    times = alternate(tasks, rounds)
    held = {f"{name}_bytes": peak_bytes(task) for name, task in tasks.items()}
    row = dict(head=head, samples=samples, agents=n, actions=n_actions)
    return row | compare(times, "naive", "fused") | seconds(times) | held


def noise_rollout(steps: int, batch: int, sizes: Sizes = SMAC, seed: int = 0) -> Rollout:
    """A rollout of noise, with episodes of 25 steps on average, begun without memory."""
    generator = np.random.default_rng(seed)
    n, n_actions, everyone = sizes.n_agents, sizes.n_actions, np.ones((batch, sizes.n_agents), dtype=bool)
    every_action = np.ones((batch, n, n_actions), dtype=bool)
    buffer = RolloutBuffer(sizes, steps, batch)

    def view() -> View:
        obs = generator.standard_normal((batch, n, sizes.obs), dtype=np.float32)
        state = generator.standard_normal((batch, sizes.state), dtype=np.float32)
        return View(obs, state, every_action, everyone)

    for _ in range(steps):
        action = torch.from_numpy(generator.integers(n_actions, size=(batch, n)))
        over = generator.random(batch) < 0.04
        reward = generator.standard_normal(batch, dtype=np.float32)
        now = view()
        buffer.add(now, action, TeamStep(now, now, reward, over, np.zeros_like(over)))
    return buffer.rollout(view(), Memory(None, None))


def update(recurrent: bool, steps: int, batch: int, rounds: int, epochs: int = 2) -> dict:
    """MACA's update over MAPPO's on the same rollout, networks and settings of the paper but for the epochs.

    arithmetic: the same ratio of what matrix products multiply and add, below which no code gets where these take most
    of the time.
    """
    played = noise_rollout(steps, batch)
    learners = {}
    for name in ("mappo", "maca"):
        config, _ = preset("paper", "smac/5m_vs_6m", name)
        config = dataclasses.replace(config, rollout=steps, epochs=epochs, recurrent=recurrent)
        learners[name] = Learner(SMAC, find(name), 0, config)
    tasks = {name: lambda x=x: x.update(played._replace(memory=x.blank_memory(batch))) for name, x in learners.items()}
    work = {name: arithmetic(task) for name, task in tasks.items()}
    times = alternate(tasks, rounds)
    row = dict(recurrent=recurrent, steps=steps, batch=batch, epochs=epochs)
    row |= compare(times, "maca", "mappo") | seconds(times)
    return row | {"arithmetic": work["maca"] / work["mappo"]}


def arithmetic(task: Callable) -> int:
    """How many multiplications and additions the matrix products in `task` take."""
    with FlopCounterMode(display=False) as counter:
        task()
    return counter.get_total_flops()


def timed(task: Callable, log: list[float]) -> Callable:
    """The same task, whose seconds are written down."""

    def run(*args):
        began = time.perf_counter()
        result = task(*args)
        log.append(time.perf_counter() - began)
        return result

    return run


def split(env: str, method: str, updates: int, batch: int = 64) -> dict:
    """Shares of environment, acting and learning in a training with the quick preset; the first update is left out."""
    return {"batch": batch} | train(env, batch, method, preset("quick", env, method)[0], updates)


def train(env: str, batch: int, method: str, config: Config, updates: int) -> dict:
    """Train and report shares and steps per second, in total time and in processors' time, after the first update."""
    game = envs.make(env, batch)
    try:
        trainer = Trainer(game, find(method), 0, dataclasses.replace(config, diagnose_every=0), updates + 1)
        first, rows, began = trainer.step(), [], (time.perf_counter(), time.process_time())
        rows = [trainer.step() for _ in range(updates)]
        wall, processors = time.perf_counter() - began[0], time.process_time() - began[1]
    finally:
        game.close()
    parts = {name: sum(row[f"{name}_seconds"] for row in rows) for name in ("env", "act", "learn")}
    steps = updates * config.rollout * batch
    shares = {f"{name}_share": part / sum(parts.values()) for name, part in parts.items()}
    row = dict(env=env, method=method, steps=steps) | shares
    compiled = first["env_seconds"] - rows[0]["env_seconds"]
    return row | dict(steps_per_second=steps / wall, steps_per_cpu_second=steps / processors, compile_seconds=compiled)


def child(env: str, updates: int, threads: int) -> None:
    """One of WORLDS, as a line of JSON: what `train` says, and the most memory the process ever held."""
    keep_memory()
    torch.set_num_threads(threads)
    batch, options = WORLDS[env]
    row = dict(batch=batch, settings=options) | train(env, batch, "mappo", Config(recurrent=True, **options), updates)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps(row | {"peak_bytes": peak}))


def growth(agents: tuple[int, ...], rounds: int, samples: int = 64) -> list[dict]:
    """Seconds per sample of MACA's critic (with its baselines) and MAPPO's, forward and backward; without GRUs.

    The sizes of the observations are fixed, the state is all of them: that is how a state grows.
    """
    rows = []
    for n in agents:
        times = alternate(critic_tasks(n, samples), rounds)
        per_sample = {name: value / samples for name, value in seconds(times).items()}
        rows.append({"agents": n, "samples": samples} | per_sample | compare(times, "maca", "mappo"))
    return rows


def critic_tasks(n: int, samples: int, obs_size: int = 64, n_actions: int = 12) -> dict[str, Callable]:
    """What `growth` measures for n agents."""
    torch.manual_seed(0)
    obs, x = torch.randn(samples, n, obs_size), joint_actions(samples, n, n_actions)
    critics = {"maca": MacaCritic(obs_size, n, n_actions, recurrent=False)}
    critics["mappo"] = VCritic(n * obs_size, recurrent=False)

    def maca():
        z, _ = critics["maca"](obs)
        terms = critics["maca"].value(z), critics["maca"].q(z, x[1]), critics["maca"].baselines(z, *x)
        sum(term.square().mean() for term in terms).backward()

    def mappo():
        critics["mappo"](obs.flatten(1))[0].square().mean().backward()

    return {"maca": maca, "mappo": mappo}


def plot(results: dict, path) -> None:
    """Draw `growth` on logarithmic axes."""
    import matplotlib.pyplot as plt

    style = resources.files("maca_edu") / "maca.mplstyle"
    rows = results["growth"]
    agents = [row["agents"] for row in rows]
    with plt.style.context(str(style)):
        figure, ax = plt.subplots()
        for name, label, marker in (("maca", "MACA: V, Q, three baselines", "o"), ("mappo", "MAPPO: V", "s")):
            ax.loglog(agents, [1e6 * row[f"{name}_seconds"] for row in rows], marker=marker, label=label)
        ax.set_xticks(agents, [str(n) for n in agents])
        ax.yaxis.set_major_formatter("{x:,g}")
        ax.minorticks_off()
        ax.set(xlabel="agents", ylabel="microseconds per sample", title="A critic's forward and backward pass")
        ax.legend()
        figure.savefig(path)
        plt.close(figure)


def table(results: dict) -> str:
    """What `core` or `worlds` measured, to be read."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    threads = f"{results['threads']} thread{'s' * (results['threads'] > 1)}"
    lines = [f"{results['date']}, {results['machine']}, {threads}; {versions}"]
    for title, rows in results.items():
        if title in PRINTED:
            heading, line = PRINTED[title]
            lines += ["", heading, *(f"  {line(row)}" for row in rows)]
    return "\n".join(lines)


def print_ratio(row: dict) -> str:
    low, high = row["quartiles"]
    return f"{row['ratio']:6.2f}  (quartiles {low:.2f} to {high:.2f})"


def print_baselines(row: dict) -> str:
    memory = " against ".join(f"{row[f'{name}_bytes'] / 2**20:,.1f}" for name in ("naive", "fused"))
    return f"{row['head']:<12} {row['samples']:>4} samples  {print_ratio(row)}  {memory} MiB"


def print_update(row: dict) -> str:
    net, shape = "GRU" if row["recurrent"] else "MLP", f"{row['steps']} x {row['batch']} steps, {row['epochs']} epochs"
    rest = f"arithmetic {row['arithmetic']:.2f}"
    return f"{net}  {shape:<26} {print_ratio(row)}  {rest}"


def print_shares(row: dict) -> str:
    shares = ", ".join(f"{100 * row[f'{name}_share']:3.0f} % {name}" for name in ("env", "act", "learn"))
    return f"{row['env']:<16} {row['method']:<6} {row['batch']} at once  {shares}"


def print_growth(row: dict) -> str:
    times = "".join(f"{name} {1e6 * row[f'{name}_seconds']:8.0f} us   " for name in ("maca", "mappo"))
    return f"{row['agents']:>3} agents   {times}{print_ratio(row)}"


def print_world(row: dict) -> str:
    if "missing" in row:
        return f"{row['env']}: needs {row['missing']}"
    rates = f"{row['steps_per_second']:,.0f} steps/s, {row['steps_per_cpu_second']:,.0f} per second of one processor"
    memory, compiled = row["peak_bytes"] / 2**20, max(row["compile_seconds"], 0.0)
    shares = (
        f"environment {100 * row['env_share']:.0f} %, peak {memory:,.0f} MiB, compiling not counted: {compiled:.0f} s"
    )
    peers = "".join(f"\n    {x['ratio']:.2f} times {who}" for who, x in row["peers"].items())
    return f"{row['env']}\n    {rates}\n    {shares}{peers}"


PRINTED = {
    "baselines": ("Baselines of 25 agents, naive over fused: time, and peak memory", print_baselines),
    "update": ("MACA's update over MAPPO's at 5m_vs_6m sizes", print_update),
    "split": ("Where the time goes, quick preset", print_shares),
    "growth": ("A critic per sample, forward, baselines and backward; MACA's over MAPPO's", print_growth),
    "worlds": ("MAPPO with a GRU, the settings of JaxMARL's script (smax) and of HARL (mpe)", print_world),
}
