"""Mutants: one small change in the library each, and whether the tests notice.

    pip install --target /tmp/cosmic-ray cosmic-ray==8.7.0
    PYTHONPATH=/tmp/cosmic-ray python tests/trust/mutants.py --seed 15 --each 12
    PYTHONPATH=/tmp/cosmic-ray python tests/trust/mutants.py --only training/ppo --again "improve_critic:287"

cosmic-ray says which changes there are: another operator, another number, no `not`, no decorator and so on. Of every
module in TESTS as many as asked for are drawn with the seed, each at another place, and run in a process of its own
against the module's test files until one test fails. No file is changed: the process imports the mutant in place of
the module. A mutant that needs ten times the processor time of the tests is noticed, too. A test that starts a process
of its own notices nothing, because there the module is as it was.

Prints a line for every mutant that no test noticed, with what was changed, and a table at the end. Whether a survivor
is equivalent, so that nobody could notice it, is for a reader to say.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.abc
import importlib.util
import os
import random
import resource
import sys
from pathlib import Path
from typing import NamedTuple

import hypothesis  # what takes long to import, and is not changed, is imported once, before all forks
import pytest
import torch
from hypothesis import Phase

ROOT = Path(__file__).parents[2]
TESTS = {  # the fast ones first
    "exact/baselines": ("exact/test_exact_baselines",),
    "exact/budget": ("exact/test_exact_budget",),
    "exact/checks": (
        "exact/test_exact_checks",
        "exact/test_exact_credit",
        "exact/test_exact_moments",
        "exact/test_exact_baselines",
    ),
    "exact/credit": ("exact/test_exact_credit",),
    "exact/dynamic": ("exact/test_exact_dynamic",),
    "exact/moments": ("exact/test_exact_moments",),
    "exact/returns": ("exact/test_returns",),
    "exact/spectrum": ("exact/test_exact_spectrum",),
    "credit/groups": ("credit/test_credit_functions", "credit/test_credit_baselines"),
    "credit/mixture": ("credit/test_credit_functions", "credit/test_credit_baselines"),
    "credit/scores": ("credit/test_credit_functions", "credit/test_credit_baselines"),
    "credit/weights": ("credit/test_credit_functions", "credit/test_credit_baselines"),
    "training/returns": ("training/test_lambda_returns", "training/test_critic_targets", "training/test_corrected"),
    "training/ppo": (
        "training/test_losses",
        "training/test_buffer",
        "training/test_corrected",
        "training/test_recurrent_and_continuous",
    ),
}
PATIENCE = 10  # times the processor time of the tests of the module as it is
NOTICED, SURVIVED = "noticed", "survived"


class Mutant(NamedTuple):
    """One change: where it is and the module's source with it."""

    place: str  # the function, and the number of the line
    operator: str
    source: str


class Instead(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports a module from another source."""

    def __init__(self, name: str, path: Path, source: str):
        self.name, self.path, self.source = name, str(path), source

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_filename(self, name):
        return self.path

    def get_data(self, path):
        return self.source.encode()

    def path_stats(self, path):  # no compiled file is read or written
        raise OSError


def mutants(path: Path) -> list[Mutant]:
    """Every change that cosmic-ray knows for a file, but for those that change nothing that runs."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.ast.ast_query import ASTQuery
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    source = path.read_text(encoding="utf-8")
    found = []
    for name in operator_names():
        if get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        places = [(node, at) for node in ast_nodes(get_ast(source)) for at, _ in operator.mutation_positions(node)]
        for occurrence, (node, (line, column)) in enumerate(places):
            changed = mutate_code(source, operator, occurrence)
            if changed is not None and what_runs(changed) != what_runs(source):
                where = f"{ASTQuery(node).get_definition_name() or 'module'}:{line}"
                found.append(((line, column), Mutant(where, name.removeprefix("core/"), changed)))
    return found


def what_runs(source: str) -> str:
    """A program without its annotations, which nothing evaluates here; "" where it is none."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Name("annotation")
    return ast.dump(tree)


def drawn(found: list, count: int, seed: int, name: str) -> list[Mutant]:
    """So many mutants, at most one at a place."""
    by_place = {}
    random.Random(f"{seed} {name}").shuffle(found)
    for place, mutant in found:
        by_place.setdefault(place, mutant)
    return list(by_place.values())[:count]


def run(name: str, source: str, seconds: int) -> tuple[str, float]:
    """What the tests say of a module's source, and the processor time they took: at most so many seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if child == 0:
        test(name, source, seconds)
    _, status = os.waitpid(child, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (SURVIVED if status == 0 else NOTICED), took


def test(name: str, source: str, seconds: int) -> None:
    """Run the tests of a module with another source, silently, and end this process with their status."""
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        silence = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(silence, number)
        sys.meta_path.insert(0, Instead("maca_edu." + name.replace("/", "."), module(name), source))
        files = [str(ROOT / "tests" / f"{file}.py") for file in TESTS[name]]
        status = int(pytest.main(["-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", *files]))
    finally:
        os._exit(status)


def module(name: str) -> Path:
    """The file of a module."""
    return ROOT / "maca_edu" / f"{name}.py"


def change(name: str, mutant: Mutant) -> str:
    """What a mutant changes, as lines with - and +."""
    lines = [text.splitlines() for text in (module(name).read_text(encoding="utf-8"), mutant.source)]
    diff = list(difflib.unified_diff(*lines, n=0, lineterm=""))[3:]
    return "\n".join(f"    {line}" for line in diff)


def main() -> int:
    """Draw, run and report; 1 where the tests fail without any mutant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--each", type=int, default=12, help="how many mutants of each module")
    parser.add_argument("--only", default="", help="modules whose names begin so, such as exact/")
    parser.add_argument("--again", default="", help="only mutants at this place, such as improve_critic:287")
    asked = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    torch.set_num_threads(1)
    for name in ("scipy.optimize", "scipy.sparse"):
        importlib.import_module(name)
    # One example that fails is enough; the smallest one is not looked for.
    hypothesis.settings.register_profile("first failure", phases=(Phase.explicit, Phase.generate), database=None)
    hypothesis.settings.load_profile("first failure")
    table = []
    for name in (name for name in TESTS if name.startswith(asked.only)):
        every = mutants(module(name))
        right, took = run(name, module(name).read_text(encoding="utf-8"), 600)
        if right != SURVIVED:
            print(f"{name}: its tests fail without any mutant", file=sys.stderr)
            return 1
        counts = {NOTICED: 0, SURVIVED: 0}
        for mutant in drawn(every, asked.each, asked.seed, name):
            if asked.again not in mutant.place:
                continue
            outcome, _ = run(name, mutant.source, 10 + int(PATIENCE * took))
            counts[outcome] += 1
            if outcome == SURVIVED:
                print(f"{name} {mutant.place} {mutant.operator}\n{change(name, mutant)}", flush=True)
        table.append((name, len(every), sum(counts.values()), counts[NOTICED], counts[SURVIVED]))
        print(f"{name}: {counts}, of {len(every)}; the tests take {took:.1f} s", flush=True)
    print("\nmodule | possible | tried | noticed | survived")
    for row in [*table, ("all", *(sum(numbers) for numbers in list(zip(*table, strict=True))[1:]))]:
        print(" | ".join(map(str, row)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
