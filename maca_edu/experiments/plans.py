"""Which runs a sweep has: those of a named plan, of a file, or of lists of environments, methods and settings.

A plan is a list of parts, one for each environment; a part has arms, a length and options. Its runs are all arms on all
seeds. Named plans follow a table of the paper, with one of three budgets:

quick   minutes on two processors, for a class; too short to conclude anything
small   hours: 204,800 steps in battles and particle games, greedy evaluations of 40 episodes every 20 updates
paper   the paper's tasks, lengths, settings and protocol (sections 5.1 and C): weeks of processor time

A sweep has at most MOST_RUNS runs. They are counted before the list of them is made.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from maca_edu import envs
from maca_edu.checks import check_integer, shown
from maca_edu.experiments.jobs import Job
from maca_edu.experiments.options import arm_options, grid_choices, options_in_words, with_grid
from maca_edu.files import read_text, write_whole
from maca_edu.training.config import Config
from maca_edu.training.methods import METHODS

Budget = Literal["quick", "small", "paper"]
SEEDS = {"quick": 3, "small": 5, "paper": 5}
TOY_SEEDS = 10  # of the plan toys with budget small, and of lists without --seeds
PROTOCOL_STEPS, PROTOCOL_EPISODES = 160_000, 40  # the paper's evaluations (section 5.1)
LARGEST_PLAN = 10_000_000  # bytes
MOST_RUNS = 10_000  # of a sweep
LARGEST_COUNT = 10**15  # of runs, that a message writes out
SEED_BITS = 128  # of a run's seed at most: it names a folder


class Part(NamedTuple):
    """The runs of a plan in one environment, but for their seeds."""

    env: str
    arms: tuple[str, ...]
    steps: int
    options: str = ""


# ---------------------------------------------------------------------------------------------------------------------
# Named plans

SEVEN = ("maca", "mappo", "ippo", "ppo-mix", "ppo-sum", "coma", "happo")  # the columns of Tables 2 and 5
ABLATIONS = ("maca", "maca-jnt", "maca-cor", "maca-ind", "maca-nocor", "maca-noind", "maca-nojnt")  # of Table 3
EPOCHS_AND_CLIPS = ((10, 0.05), (10, 0.075), (10, 0.1), (10, 0.125), (5, 0.05), (5, 0.1))  # the rows of Table 16
TIMES_ONE_OVER_N = (0.9, 0.95, 1.0, 1.05, 1.1)  # the columns of Table 17
STEPS = {"quick": 20_480, "small": 204_800}  # in battles and particle games
OPTIONS = {
    "quick": "--preset quick --evaluate-every 5 --evaluate-episodes 40",
    "small": "--preset quick --evaluate-every 20 --evaluate-episodes 40",
    "paper": "--preset paper --evaluate-every 40 --evaluate-episodes 40",  # 40 updates of 20 * 200 steps are 160,000
}
PAPER_STEPS = {  # Tables 2 and 5
    "smac/25m": 3_000_000, "smac/5m_vs_6m": 8_000_000, "smac/8m_vs_9m": 8_000_000, "smac/10m_vs_11m": 8_000_000,
    "smac/3s5z": 8_000_000, "smacv2/protoss_5_vs_5": 10_000_000, "smacv2/terran_5_vs_5": 10_000_000,
    "smacv2/zerg_5_vs_5": 10_000_000, "smacv2/protoss_10_vs_10": 10_000_000, "smacv2/terran_10_vs_10": 10_000_000,
    "smacv2/zerg_10_vs_10": 10_000_000, "mpe/simple_spread": 8_000_000, "mpe/simple_reference": 8_000_000,
    "mpe/simple_speaker_listener": 8_000_000,
}  # fmt: skip


def battle(env: str, arms: tuple[str, ...], budget: Budget) -> Part:
    """The part of a plan in a battle or a particle game."""
    steps = PAPER_STEPS[env.partition("?")[0]] if budget == "paper" else STEPS[budget]
    return Part(env, arms, steps, OPTIONS[budget])


def toys(budget: Budget) -> list[Part]:
    """Every method in the toy games. Raises ValueError for the budget "paper": the paper has no toy games."""
    if budget == "paper":
        raise ValueError("budget='paper'; for toys, which are not in the paper, allowed are quick and small")
    long = 20_480 if budget == "quick" else 204_800
    warehouse = "--batch 128 --lr 1e-3 --entropy 0.05 --epochs 4 --minibatches 4 --diagnose-every 50"
    methods = tuple(METHODS)
    return [
        Part("toy/fridge", methods, 8_192, "--diagnose-every 0"),
        Part("toy/ring?n_agents=16&span=3", methods, 8_192, "--diagnose-every 0"),
        Part("toy/climb", methods, 8_192, "--diagnose-every 0"),
        Part("toy/warehouse?preset=practice", methods, long, warehouse),
        Part("toy/longring", methods, long, "--diagnose-every 0"),
    ]


def table2(budget: Budget) -> list[Part]:
    """Seven methods in battles."""
    if budget == "paper":
        names = [env for env in PAPER_STEPS if env.startswith(("smac/", "smacv2/"))]
        return [battle(env, SEVEN, budget) for env in names]
    arms = ("mappo", "ippo", "happo", "coma", "ppo-sum", "ppo-mix", "maca", "maca-multilinear")
    return [battle(env, arms, budget) for env in ("smax/smacv2_5_units", "smax/protoss_5_vs_5", "smax/5m_vs_6m")]


def table3(budget: Budget) -> list[Part]:
    """MACA and its ablations."""
    if budget == "paper":
        arms = (*ABLATIONS[:1], "maca-dec", *ABLATIONS[1:])
        return [battle(env, arms, budget) for env in ("smac/5m_vs_6m", "smacv2/protoss_10_vs_10")]
    return [battle("smax/smacv2_5_units", ABLATIONS, budget)]


def table5(budget: Budget) -> list[Part]:
    """Seven methods in particle games, with continuous actions, and with the collisions of the paper's Spread."""
    family = "mpe" if budget == "paper" else "jaxmpe"
    tasks = ("simple_spread?collisions=v2", "simple_reference", "simple_speaker_listener")
    return [battle(f"{family}/{task}", SEVEN, budget) for task in tasks]


def table16(budget: Budget) -> list[Part]:
    """MACA with other epochs and clip parameters."""
    arms = tuple(f"maca epochs={epochs} clip={clip}" for epochs, clip in EPOCHS_AND_CLIPS)
    if budget == "paper":
        names = ("smac/25m", "smac/5m_vs_6m", "smacv2/protoss_5_vs_5", "smacv2/protoss_10_vs_10")
        return [battle(env, arms, budget) for env in names]
    return [Part("toy/ring", arms, 8_192, "--diagnose-every 0"), battle("smax/protoss_5_vs_5", arms, budget)]


def table17(budget: Budget) -> list[Part]:
    """MACA with other thresholds of the CorrSets: 0.9/n to 1.1/n; one task has n = 10 agents, the others 5."""
    of_five, of_ten = (tuple(f"maca sigma={round(x / n, 4)}" for x in TIMES_ONE_OVER_N) for n in (5, 10))
    if budget == "paper":
        return [battle("smac/5m_vs_6m", of_five, budget), battle("smacv2/protoss_10_vs_10", of_ten, budget)]
    return [Part("toy/ring", of_five, 8_192, "--diagnose-every 0"), battle("smax/protoss_5_vs_5", of_five, budget)]


NAMED: dict[str, Callable[[Budget], list[Part]]] = {
    "toys": toys, "table2": table2, "table3": table3, "table5": table5, "table16": table16, "table17": table17,
}  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# What is asked for


@dataclass(frozen=True)
class Asked:
    """What a user asks for, as `maca-edu sweep` takes it; None and () stand for what was not said."""

    name: str = ""  # of a named plan, or of a file that `write_plan` could have written; "": none
    budget: Budget = "quick"
    envs: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None  # or arms
    grid: tuple[str, ...] = ()
    steps: int | None = None
    seeds: int | None = None
    first_seed: int = 0
    options: str = ""
    paper_protocol: bool = False


def jobs_of(asked: Asked) -> list[Job]:
    """The runs that are asked for, the first seed of all arms before the second.

    Raises ValueError, in one sentence, where something is wrong or missing.
    """
    if asked.name.endswith(".csv"):
        if asked != Asked(asked.name):
            raise ValueError(f"name={asked.name!r} is a file, which says all about its runs; leave the other words out")
        return read_plan(asked.name)
    check_integer("first_seed", asked.first_seed, 0)
    seeds = check_integer("seeds", number_of_seeds(asked), 1)
    parts = named_parts(asked) if asked.name else listed_parts(asked)
    arms = sum(len(part.arms) for part in parts) * math.prod(map(len, grid_choices(asked.grid)))
    check_runs(seeds * arms, "this sweep")
    check_seed("first_seed + seeds - 1", asked.first_seed + seeds - 1)
    jobs = [job for part in parts for job in jobs_of_part(part, asked)]
    return [replace(job, seed=asked.first_seed + k) for k in range(seeds) for job in jobs]


def check_runs(runs: int, who: str) -> None:
    """Raises ValueError where more than MOST_RUNS runs are asked for; who: what asks for them."""
    if runs > MOST_RUNS:
        count = f"{runs:,}" if runs <= LARGEST_COUNT else f"more than {LARGEST_COUNT:,}"
        raise ValueError(f"{who} asks for {count} runs; allowed in one sweep are at most {MOST_RUNS:,}")


def check_seed(name: str, seed: int) -> None:
    """Raises ValueError where a seed has more than SEED_BITS bits; name: what the message calls it."""
    if seed.bit_length() > SEED_BITS:
        raise ValueError(f"{name}={shown(seed)}; allowed are integers from 0 and below 2^{SEED_BITS}")


def number_of_seeds(asked: Asked) -> int:
    """How many seeds each arm gets."""
    if asked.seeds is not None:
        return asked.seeds
    return SEEDS[asked.budget] if asked.name and (asked.name, asked.budget) != ("toys", "small") else TOY_SEEDS


def listed_parts(asked: Asked) -> list[Part]:
    """The parts that lists of environments and methods make."""
    for name, chosen in (("envs", asked.envs), ("methods", asked.methods)):
        if chosen is None:
            raise ValueError(f"{name} is missing; name a plan, one of {', '.join(NAMED)}, or give envs, methods, steps")
        if not chosen:
            raise ValueError(f"{name}=[]; allowed is one name or more")
    if asked.steps is None:
        raise ValueError("steps is missing; without a named plan it has no default")
    return [Part(env, asked.methods, asked.steps) for env in dict.fromkeys(asked.envs)]


def named_parts(asked: Asked) -> list[Part]:
    """The parts of a named plan, those with the environments and the methods that are asked for."""
    if asked.name not in NAMED:
        raise ValueError(f"name={asked.name!r}; allowed are {', '.join(NAMED)}, or a file that ends in .csv")
    parts = NAMED[asked.name](asked.budget)
    known_envs = list(dict.fromkeys(part.env for part in parts))
    known_arms = list(dict.fromkeys(arm for part in parts for arm in part.arms))
    wanted_envs = chosen("envs", asked.envs, known_envs)
    wanted_arms = chosen("methods", asked.methods, known_arms)
    found = []
    for part in parts:
        arms = tuple(arm for arm in part.arms if arm in wanted_arms)
        if part.env in wanted_envs and arms:
            found.append(part._replace(arms=arms, steps=asked.steps or part.steps))
    return found


def chosen(name: str, wanted: tuple[str, ...] | None, known: list[str]) -> list[str]:
    """Those of a plan's names that are wanted. Raises ValueError where the plan lacks one."""
    for word in known if wanted is None else wanted:
        if word not in known:
            raise ValueError(f"{name}={word!r}; this plan has {', '.join(known)}")
    if wanted == ():
        raise ValueError(f"{name}=[]; allowed is one name or more")
    return known if wanted is None else list(wanted)


def jobs_of_part(part: Part, asked: Asked) -> list[Job]:
    """The part's runs, all with seed 0."""
    envs.describe(part.env)  # complains where there is no such environment
    jobs = []
    for arm in with_grid(part.arms, asked.grid):
        job = job_of(part.env, arm, 0, part.steps, f"{part.options} {asked.options}".strip())
        jobs.append(with_paper_protocol(job) if asked.paper_protocol else job)
    return list(dict.fromkeys(jobs))


@functools.cache
def options_of(options: str, env: str, arm: str):
    """`arm_options`, read once for all seeds."""
    return arm_options(options, env, arm)


def job_of(env: str, arm: str, seed: int, steps: int, options: str) -> Job:
    """A run from its words."""
    found, arm = options_of(options, env, arm)
    method, _, varied = arm.partition(" ")
    return Job(env, method, seed, steps, found.batch, found.config, found.save_every, varied)


def with_paper_protocol(job: Job) -> Job:
    """The run with the paper's evaluations: every 160,000 steps, or what is nearest in whole updates, 40 episodes."""
    every = max(round(PROTOCOL_STEPS / job.in_update), 1)
    config: Config = replace(job.config, evaluate_every=every, evaluate_episodes=PROTOCOL_EPISODES)
    return replace(job, config=config)


def command_of(asked: Asked) -> str:
    """The command that asks for the same, without its directory."""
    words = ["maca-edu", "sweep"]
    if asked.name:
        words += [asked.name]
    if asked.name in NAMED:
        words += ["--budget", asked.budget]
    for name, values in (("--envs", asked.envs), ("--methods", asked.methods), ("--grid", asked.grid or None)):
        words += [] if values is None else [name, *values]
    if not asked.name.endswith(".csv"):
        words += ["--seeds", str(number_of_seeds(asked))]
    words += [] if asked.steps is None else ["--steps", str(asked.steps)]
    words += ["--first-seed", str(asked.first_seed)] if asked.first_seed else []
    words += ["--paper-protocol"] if asked.paper_protocol else []
    options = f" --options={shlex.quote(asked.options)}" if asked.options else ""
    return shlex.join(words) + options


# ---------------------------------------------------------------------------------------------------------------------
# A plan in a file

COLUMNS = ("env", "arm", "seed", "steps", "options")


def write_plan(path: str | Path, jobs: list[Job]) -> None:
    """Write the runs to a .csv, a line each, in words that `read_plan` understands."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    words = functools.cache(lambda job: options_in_words(job))
    for job in jobs:
        writer.writerow((job.env, job.arm, job.seed, job.steps, words(replace(job, seed=0))))
    write_whole(path, text.getvalue())


def is_plan(path: str | Path) -> bool:
    """Whether a file's first line is that of a plan. Raises ValueError where it is no text of at most LARGEST_PLAN."""
    return set(read_text(path, LARGEST_PLAN).partition("\n")[0].strip().split(",")) == set(COLUMNS)


def read_plan(path: str | Path) -> list[Job]:
    """The runs that a file lists. Raises ValueError where they are too many, and names the line where one is wrong."""
    reader = csv.DictReader(io.StringIO(read_text(path, LARGEST_PLAN)))
    try:
        lines = list(itertools.islice(reader, MOST_RUNS))
        more = sum(1 for _ in reader)
    except csv.Error as error:
        raise ValueError(f"{str(path)!r} is no plan ({error})") from None
    if set(reader.fieldnames or ()) != set(COLUMNS):
        raise ValueError(f"{str(path)!r} is no plan: its first line is not {','.join(COLUMNS)}")
    check_runs(len(lines) + more, repr(str(path)))
    jobs = []
    for number, line in enumerate(lines, 2):
        try:
            seed, steps = int(line["seed"]), int(line["steps"])
            check_seed("seed", seed)
            envs.describe(line["env"])
            jobs.append(job_of(line["env"], line["arm"], seed, steps, line["options"]))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{str(path)!r}, line {number}: {error}") from None
    return list(dict.fromkeys(jobs))
