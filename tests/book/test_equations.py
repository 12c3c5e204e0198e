"""The page of equations: every number of the paper is on it, and what it names exists."""

import ast
import importlib
import re
from functools import reduce
from typing import NamedTuple

import code_places
import pytest
from code_places import ROOT, place

# What the paper numbers, counted in its text, and the rows of its Table 1 without MACA's own, which is Eq. 3 and 4
NUMBERED = ["Eq. 1", "Eq. 2", "Eq. 3", "Eq. 4", "Lemma A.1", "Theorem A.2", "Lemma A.3", "Lemma A.4"]
ROWS = ["COMA", "HAPPO", "IPPO", "MACA-Cor", "MAPPO", "PPO-Mix", "PPO-Sum"]
PAGE = (ROOT / "book" / "equations.md").read_text(encoding="utf-8")
CHAPTERS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "book" / "chapters").glob("*.md"))


class Entry(NamedTuple):
    """An equation on the page."""

    number: str  # "Eq. 2", "Section 4.2", "Table 1, row COMA"
    text: str

    @property
    def code(self) -> list[tuple[str, str, str]]:
        """File, function and line of each excerpt."""
        return re.findall(r"^```\{code-line\} (\S+) (\S+)\n(.+)\n```$", self.text, re.MULTILINE)

    @property
    def tests(self) -> list[str]:
        return re.findall(r"^pytest (\S+::\w+)$", self.text, re.MULTILINE)


ENTRIES = [Entry(*found) for found in re.findall(r"^### (.+?): (.+?)(?=^\(|^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)]
CODE = sorted({(entry.number, *code) for entry in ENTRIES for code in entry.code})


def names(number: str) -> list[str]:
    """How our docstrings name it: rows of a table by the table and by their own names."""
    table, _, rows = number.partition(", row")
    return [table, *rows.removeprefix("s").strip().split(" and ")] if rows else [number]


def test_every_number_of_the_paper_is_there_once_and_in_order():
    numbers = [entry.number for entry in ENTRIES]
    assert len(numbers) == PAGE.count("\n### ")
    assert numbers[: len(NUMBERED)] == NUMBERED
    assert sorted(row for number in numbers if "Table" in number for row in names(number)[1:]) == ROWS


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.text.splitlines()[0])
def test_an_equation_has_code_a_chapter_and_tests(entry):
    assert bool(entry.code) == (entry.number != "Lemma A.4")  # a limit is computed nowhere
    assert len(entry.code) == entry.text.count("{code-line}")
    labels, pages = re.findall(r"\{prf:ref\}`(.+?)`", entry.text), re.findall(r"\(([\w/]+\.md)\)", entry.text)
    assert "*Derived:*" in entry.text
    assert labels or pages
    assert [label for label in labels if f":label: {label}\n" not in CHAPTERS] == []
    assert [page for page in pages if not (ROOT / "book" / page).is_file()] == []
    assert entry.tests


@pytest.mark.parametrize(("number", "file", "name", "line"), CODE)
def test_the_line_is_there_and_the_function_or_what_it_is_part_of_names_the_equation(number, file, name, line):
    at = place(file, name, line)
    assert (ROOT / file).read_text(encoding="utf-8").splitlines()[at.line - 1].strip() == line
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    parts = name.split(".")
    things = [reduce(getattr, parts[:k], module) for k in range(len(parts) + 1)]
    said = " ".join(" ".join((thing.__doc__ or "").split()) for thing in things)
    said = re.sub(r"(Eq\. \d) and (\d)", r"\1 and Eq. \2", said).replace("section", "Section")
    assert [wanted for wanted in names(number) if not re.search(re.escape(wanted) + r"(?!\d)", said)] == []


@pytest.mark.parametrize("test", sorted({test for entry in ENTRIES for test in entry.tests}))
def test_the_test_exists(test):
    file, name = test.split("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("file", "name", "line", "wrong"),
    [
        ("maca_edu/credit/mixture.py", "mixed", "x", "has no mixed"),
        ("maca_edu/training/critics.py", "Maca.mixed", "x", "has no Maca.mixed"),
        ("maca_edu/credit/mixture.py", "mix", "return psi", "has this line 0 times"),
        ("maca_edu/training/returns.py", "lambda_returns", "", "has this line [2-9] times"),
    ],
)
def test_a_line_that_is_not_there_once_is_refused(file, name, line, wrong):
    with pytest.raises(ValueError, match=wrong):
        place(file, name, line)


def test_a_method_is_looked_for_in_its_class_and_its_decorator_belongs_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(code_places, "ROOT", tmp_path)
    lines = ["def f():", "    return 1", "class C:", "    @property", "    def f(self):", "        return 1"]
    (tmp_path / "m.py").write_text("\n".join(lines))
    assert place("m.py", "f", "return 1") == (1, 2, 2)
    assert place("m.py", "C.f", "return 1") == (4, 6, 6)
