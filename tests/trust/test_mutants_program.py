"""The program that makes mutants: what it covers, that its mutants are imported, and what counts as no change."""

import importlib
import sys
from pathlib import Path

import mutants
import pytest

ROOT = Path(__file__).parents[2]


def test_every_module_of_exact_and_credit_is_tried_against_tests_that_exist():
    for package in ("exact", "credit"):
        files = {f"{package}/{path.stem}" for path in (ROOT / "maca_edu" / package).glob("*.py")}
        assert files - {f"{package}/__init__"} == {name for name in mutants.TESTS if name.startswith(f"{package}/")}
    for name, files in mutants.TESTS.items():
        assert mutants.module(name).is_file()
        assert [file for file in files if not (ROOT / "tests" / f"{file}.py").is_file()] == []


def test_a_mutant_is_imported_in_place_of_the_module(tmp_path, monkeypatch):
    path = tmp_path / "a_module_of_this_test.py"
    path.write_text("mark = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [mutants.Instead(path.stem, path, "mark = 7\n"), *sys.meta_path])
    assert importlib.import_module(path.stem).mark == 7
    assert path.read_text() == "mark = 1\n"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("changed", "same"),
    [("def f(x: int | None) -> int:\n    return x + 1", True), ("def f(x):\n    return x - 1", False)],
)
def test_an_annotation_is_nothing_that_runs(changed, same):
    plain = "def f(x):\n    return x + 1"
    assert (mutants.what_runs(changed) == mutants.what_runs(plain)) is same


def test_as_many_as_asked_for_are_drawn_each_at_another_place():
    found = [((line, 0), mutants.Mutant(f"f:{line}", "", "")) for line in range(10) for _ in range(3)]
    chosen = [mutant.place for mutant in mutants.drawn(found, 6, 15, "exact/credit")]
    assert len(set(chosen)) == len(chosen) == 6
    assert chosen == [mutant.place for mutant in mutants.drawn(sorted(found), 6, 15, "exact/credit")]
    assert chosen != [mutant.place for mutant in mutants.drawn(sorted(found), 6, 16, "exact/credit")]
