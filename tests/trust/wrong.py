"""What nobody should type, call or open: random command lines, arguments of wrong types and shapes, crafted runs.

Each function here is one attempt, as in `faults`. What is refused is refused in one sentence, and nothing is written.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import children
import faults
import numpy as np
import test_command_lines as lines
import test_damaged_files as damaged
import torch
from children import in_child

import maca_edu
from maca_edu import credit, envs, exact
from maca_edu.cli import main
from maca_edu.training.config import Config
from toy_envs import OneShotGame, RewardTerm, warehouse_v0

AT_ONCE = 20  # command lines or calls of an attempt
MEMORY = 2**32  # bytes that a child gets beyond what it has: who is told to take more is told so


def in_child_said(work: Callable[[], str | None], folder: Path) -> str | None:
    """What `work` says is wrong, done in a child that stands in the folder; or how the child ended."""
    verdict = folder / "verdict.txt"
    place = folder / "place"
    place.mkdir()

    def work_there() -> int:
        os.chdir(place)
        children.limit_memory(MEMORY)
        verdict.write_text(work() or "")
        return 0

    ended = in_child(work_there)
    if ended.status != 0 or ended.hangs:
        return (
            f"it ended with {ended.status}{', for it hangs' * ended.hangs}: {ended.printed[-300:]} {ended.said[-900:]}"
        )
    return verdict.read_text() or None


# ---------------------------------------------------------------------------------------------------------------------
# Command lines


def command(rng: random.Random, folder: Path) -> str | None:
    """Random words behind `maca-edu` end with a status and a sentence, and leave nothing where they are refused."""

    def work() -> str | None:
        shutil.copytree(faults.undisturbed(0)[0], "run")
        Path("file.txt").write_text("a word\n")
        for _ in range(AT_ONCE):
            words, before = lines.command_line(rng), lines.files_in(Path())
            print(words, flush=True)
            errors = io.StringIO()
            with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
                status = status_of(words)
            fault = fault_of_line(status, errors.getvalue(), lines.files_in(Path()) == before)
            if fault is not None:
                return f"{words}: {fault}"
        return None

    faults.undisturbed(0)
    return in_child_said(work, folder)


def status_of(words: list[str]) -> int:
    """The exit status of a command."""
    try:
        return main(words) or 0
    except SystemExit as stop:  # of --help
        return stop.code or 0


def fault_of_line(status: int, said: str, untouched: bool) -> str | None:
    """What is wrong with the end of a command."""
    if status == 0:
        return None
    if status not in (1, 2) or not said.startswith("maca-edu: ") or len(said.splitlines()) != 1:
        return f"it ended with {status} and said {said[-500:]!r}"
    return None if untouched else f"it said {said!r} and changed files all the same"


# ---------------------------------------------------------------------------------------------------------------------
# Calls


def good_calls() -> list[tuple[Callable, dict]]:
    """Functions with arguments that are right, by name."""
    q, policy = np.arange(8.0).reshape(2, 2, 2), np.full((3, 2), 0.5)
    game = warehouse_v0.game(preset="tiny", horizon=3)
    everywhere = np.full((len(game.agents), 5), 0.2)
    term = RewardTerm("one", (0, 1), np.ones((2, 2)))
    probabilities, action = torch.full((4, 3, 2), 0.5), torch.zeros(4, 3, dtype=torch.long)
    attention, psi = torch.full((4, 3, 3), 1 / 3), torch.full((4, 3, 3), 1 / 3)
    config = Config(rollout=4, actor_sizes=(4,), critic_sizes=(4,))
    trained = dict(env="toy/xor?n_agents=2", method="mappo", steps=16, seed=0, batch=4, config=config)
    return [
        (exact.value, dict(q=q, policy=policy)),
        (exact.advantage, dict(q=q, policy=policy, group=[0, 1])),
        (exact.baseline, dict(q=q, policy=policy, group=[0, 1])),
        (exact.minimum_variance_baseline, dict(q=q, policy=policy, agent=0, group=[0, 1])),
        (exact.gradient_moments, dict(q=q, policy=policy, agent=0, baseline=q)),
        (exact.optimal_mixture, dict(q=q, policy=policy, agent=0, groups=[[0], [0, 1]])),
        (exact.credit_spectrum, dict(q=q, policy=policy)),
        (exact.level_shares, dict(q=q, policy=policy)),
        (exact.shapley_values, dict(payoff=q, policy=policy, action=[0, 1, 0])),
        (exact.difference_rewards, dict(payoff=q, action=[0, 1, 0], default=0)),
        (exact.enumerate_states, dict(game=game, max_states=5_000)),
        (exact.solve, dict(game=game, policy=everywhere, gamma=0.9)),
        (exact.lambda_return, dict(game=game, policy=everywhere, gamma=0.9, lam=0.5)),
        (exact.visits, dict(game=game, policy=everywhere)),
        (exact.corrected_share, dict(now=[1.0, 0.5], left=[0.5, 0.2], gamma=0.9, lam=0.9)),
        (RewardTerm, dict(name="one", agents=(0, 1), table=np.ones((2, 2)))),
        (OneShotGame, dict(n_agents=2, n_actions=2, terms=[term])),
        (envs.make, dict(name="toy/xor?n_agents=2", batch=2)),
        (lambda seed: envs.make("toy/xor?n_agents=2", 2).reset(seed), dict(seed=0)),
        (step_of_xor, dict(action=np.zeros((2, 2), dtype=int))),
        (credit.corrset, dict(attention=attention, sigma=0.3)),
        (credit.attention_psi, dict(attention=attention, sigma=0.3)),
        (credit.marginals, dict(policy=probabilities, action=action, group=torch.ones(4, 3, dtype=torch.bool))),
        (credit.mix, dict(psi=psi, baselines=torch.ones(4, 3, 3))),
        (credit.without, dict(psi=psi, baseline=0)),
        (Config, dict(rollout=4, lr=1e-3, epochs=2)),
        (maca_edu.train, trained),
    ]


def step_of_xor(action) -> None:
    env = envs.make("toy/xor?n_agents=2", 2)
    env.reset(0)
    env.step(action)


def call(rng: random.Random, folder: Path) -> str | None:
    """One argument of a call is replaced by a random value: it works, or ValueError says so in one sentence."""

    def work() -> str | None:
        for _ in range(AT_ONCE):
            function, arguments = rng.choice(good_calls())
            name = rng.choice(sorted(arguments))
            value = anything(rng)
            wrong = arguments | {name: value}
            said = f"{getattr(function, '__qualname__', function)}({name}={str(value)[:200]!r} {type(value).__name__})"
            print(said, flush=True)
            try:
                function(**wrong)
            except ValueError as error:
                if "\n" in str(error) or not str(error):
                    return f"{said}: {error!r}"
            except Exception as error:
                return f"{said}: {error!r}"
        return None

    return in_child_said(work, folder)


def anything(rng: random.Random):
    """A value that a caller might pass by mistake."""
    numbers = (-1, 0, 1, 2, 3, 10**6, 2**70, 0.5, -0.5, 1e300, float("nan"), float("inf"), True, 1j)
    words = ("", "x", "a\nb", "toy/xor", b"x")
    others = (None, [], (), {}, {0: 1}, [[0], [0, 1]], [[1.0], [2.0, 3.0]], {0, 1}, object(), range(3), len, int)
    kind = rng.choice(("number", "word", "other", "array", "array", "tensor"))
    if kind == "array":
        return array(rng)
    if kind == "tensor":
        found = array(rng)
        return torch.from_numpy(found) if found.dtype.kind in "fibc" else torch.zeros(0)
    return rng.choice({"number": numbers, "word": words, "other": others}[kind])


def array(rng: random.Random) -> np.ndarray:
    """An array of random shape and type, perhaps with NaN."""
    shape = [rng.randint(0, 4) for _ in range(rng.randint(0, 4))]
    kind = rng.choice(("float64", "float32", "int64", "bool", "complex128", "object", "U3"))
    draws = np.random.default_rng(rng.randrange(2**32))
    found = np.asarray(draws.normal(size=shape))
    if rng.random() < 0.3 and found.size:
        found.flat[0] = rng.choice((np.nan, np.inf, -1e300))
    with np.errstate(all="ignore"):
        return np.asarray(np.nan_to_num(found) if kind in ("int64", "bool") else found, dtype=kind)


# ---------------------------------------------------------------------------------------------------------------------
# Run directories


def crafted_run(rng: random.Random, folder: Path) -> str | None:
    """A run with damaged or rewritten files is used, or refused in one sentence that names it."""
    whole = faults.undisturbed(0)[0]
    uses = {name: use for name, use in damaged.USES.items() if name != "resume"}
    uses["resume"] = lambda run: in_words(faults.train_words(0, run))

    def work() -> str | None:
        run = Path("run").absolute()
        for _ in range(AT_ONCE):
            for made in (run, run.parent / "credit"):
                shutil.rmtree(made, ignore_errors=True)
            shutil.copytree(whole, run)
            done = [rng.choice((damage, rewrite))(rng, run) for _ in range(rng.randint(1, 2))]
            name = rng.choice(sorted(uses))
            print(name, done, flush=True)
            try:
                said = damaged.refusal(lambda name=name: uses[name](run))
            except Exception as error:
                return f"{name} after {done}: {error!r}"
            if said is not None and (str(run) not in said or "\n" in said):
                return f"{name} after {done}: {said!r}"
        return None

    return in_child_said(work, folder)


def in_words(words: list) -> None:
    """Run a command; what it says on its error stream is raised where it fails."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        status = main(list(map(str, words)))
    if status != 0:
        raise ValueError(errors.getvalue().strip().splitlines()[-1].rpartition("\r")[2])


def damage(rng: random.Random, run: Path) -> str:
    """Do to one file what chance does; returns what."""
    file, how = rng.choice(("config.json", "metrics.csv", "state.npz", "best.npz")), rng.choice(HOW)
    path = run / file
    if path.is_file() and not path.is_symlink():
        damaged.damage(path, how, rng.random(), rng.randrange(256))
    return f"{file}: {how}"


HOW = ("flip", "flip", "flip", "cut", "insert", "zeros", "twice", "other", "folder", "link", "link to itself", "gone")


def rewrite(rng: random.Random, run: Path) -> str:
    """Say something else in config.json; returns what."""
    path = run / "config.json"
    if path.is_symlink() or not path.is_file():
        return "nothing"
    try:
        settings = json.loads(path.read_text())
        name = rng.choice(sorted(settings))
    except (ValueError, TypeError, IndexError):  # damaged already
        return "nothing"
    values = (None, True, -1, 0, 3, 10**9, 1e300, "x", "", "toy/ring", [], [1], [10**9], [[1]], {}, {"a": 1}, [3] * 999)
    settings[name] = rng.choice(values)
    path.write_text(json.dumps(settings))
    return f"config.json: {name}={str(settings[name])[:40]!r}"
