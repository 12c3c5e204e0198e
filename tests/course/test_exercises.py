"""Every exercise of every lab: the stub is seen as untouched, the solution passes, and every mutant is told why not.

Stubs, checks and solutions are read from the labs' sources, so that what is tested is what readers see:
a stub is a code cell tagged `exercise-<name>`, its check a code cell tagged `check-<name>`, its solution the Python
fence after `<!-- solution: <name> -->`. Mutants are in `mutants_chapterNN.py` beside this file:

    MUTANTS = {name: [(description, change, fragment of the message), ...]}

where `change` is a pair (old, new) of texts replaced in the solution, or a whole source in place of the solution.
"""

import importlib.util
import inspect
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext
import pytest

HERE = Path(__file__).parent
SOURCES = {path.name[:2]: path for path in sorted((HERE.parents[1] / "notebooks" / "src").glob("[0-9][0-9]_*.md"))}
LABS = [number for number in SOURCES if number != "00"]
SOLUTION = re.compile(r"<!-- solution: (\w+) -->\s*```python\n(.*?)```", re.DOTALL)


@dataclass
class Exercise:
    """One exercise as its lab shows it: Python sources."""

    setup: str
    stub: str
    check: str
    solution: str

    def verdict(self, answer: str):
        """What the lab's check cell says when `answer` stands in the exercise's cell."""
        names = {}
        exec(self.setup, names)
        exec(answer, names)
        return eval(self.check.strip(), names)


@cache
def lab(number: str):
    return jupytext.read(SOURCES[number], fmt="md:myst")


def markdown(number: str) -> str:
    return "\n\n".join(cell.source for cell in lab(number).cells if cell.cell_type == "markdown")


def tagged(number: str, prefix: str) -> dict[str, str]:
    """The sources of the code cells with a tag `prefix<name>`, by name."""
    found = {}
    for cell in lab(number).cells:
        for tag in cell.metadata.get("tags", []):
            if cell.cell_type == "code" and tag.startswith(prefix):
                name = tag.removeprefix(prefix)
                assert name not in found, f"lab {number}: two cells are tagged {tag}"
                found[name] = cell.source
    return found


@cache
def exercises(number: str) -> dict[str, Exercise]:
    setup = "\n".join(
        cell.source
        for cell in lab(number).cells
        if cell.cell_type == "code" and "setup" in cell.metadata.get("tags", [])
    )
    stubs, checks = tagged(number, "exercise-"), tagged(number, "check-")
    solutions = dict(SOLUTION.findall(markdown(number)))
    assert stubs.keys() == checks.keys() == solutions.keys(), f"lab {number}: stubs, checks and solutions do not match"
    return {name: Exercise(setup, stubs[name], checks[name], solutions[name]) for name in stubs}


@cache
def mutants(number: str) -> dict[str, list]:
    path = HERE / f"mutants_chapter{number}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MUTANTS


def every_exercise():
    return [pytest.param(number, name, id=f"{number}-{name}") for number in LABS for name in exercises(number)]


def every_mutant():
    return [
        pytest.param(number, name, change, message, id=f"{number}-{name}-{description}")
        for number in LABS
        for name in exercises(number)
        for description, change, message in mutants(number).get(name, [])
    ]


@pytest.mark.parametrize("number", LABS)
def test_a_lab_has_three_to_five_exercises_with_two_mutants_each(number):
    assert 3 <= len(exercises(number)) <= 5
    assert mutants(number).keys() == exercises(number).keys()
    for name, changes in mutants(number).items():
        assert len(changes) >= 2, f"{name} has {len(changes)} mutants"
        assert len({description for description, _, _ in changes}) == len(changes), f"{name}: a description twice"


@pytest.mark.parametrize("number", LABS)
def test_every_exercise_has_a_hint_above_its_solution(number):
    folds = re.findall(r"<summary>(Hint|Solution)</summary>", markdown(number))
    assert folds == ["Hint", "Solution"] * len(exercises(number))


@pytest.mark.parametrize("number", LABS)
def test_every_check_of_the_chapter_is_used_and_introduced(number):
    module = importlib.import_module(f"maca_edu.course.chapter{number}")
    checks = {name: f for name, f in inspect.getmembers(module, callable) if name.startswith("check_")}
    assert {name.removeprefix("check_") for name in checks} == exercises(number).keys()
    text = markdown(number).casefold()
    for name, check in checks.items():
        assert check.title.casefold() in text, f"the lab has no heading with the title of {name}"
        assert check.label.casefold() in text, f"the lab does not say: {check.label}"
        assert exercises(number)[name.removeprefix("check_")].check.strip().startswith(f"{name}(")


@pytest.mark.parametrize(("number", "name"), every_exercise())
def test_the_untouched_stub_is_not_attempted(number, name):
    exercise = exercises(number)[name]
    assert exercise.verdict(exercise.stub).status == "not attempted"


@pytest.mark.parametrize(("number", "name"), every_exercise())
def test_the_solution_is_correct_and_the_verdict_repeats(number, name):
    exercise = exercises(number)[name]
    verdict = exercise.verdict(exercise.solution)
    assert verdict.status == "correct", verdict
    assert exercise.verdict(exercise.solution) == verdict


@pytest.mark.parametrize(("number", "name", "change", "message"), every_mutant())
def test_a_mutant_is_told_its_misconception(number, name, change, message):
    exercise = exercises(number)[name]
    if isinstance(change, str):
        answer = change
    else:
        old, new = change
        assert old in exercise.solution, f"the solution does not contain {old!r}"
        answer = exercise.solution.replace(old, new)
    verdict = exercise.verdict(answer)
    assert verdict.status == "try again", verdict
    assert message in verdict.message
