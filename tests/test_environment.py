"""environment.yml, pyproject.toml and constraints.txt say the same, and what they say is installed."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONSTRAINTS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}


def requirements(lines):
    """{canonical name: Requirement} of requirement strings."""
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def conda_file():
    """The Python version, the pip options and the pip requirements of environment.yml."""
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    options = [line for line in pip if line.startswith("-")]
    return dependencies[0], options, requirements(line for line in pip if not line.startswith("-"))


def test_environment_yml_lists_what_pyproject_asks_for():
    wanted = requirements(
        PROJECT["dependencies"] + EXTRAS["test"] + EXTRAS["book"] + EXTRAS["starcraft"],
    )
    python, options, listed = conda_file()
    assert listed.keys() == wanted.keys()
    assert {name: r.url for name, r in listed.items()} == {name: r.url for name, r in wanted.items()}
    assert options == ["--constraint constraints.txt", "--editable ."]
    assert f">={python.removeprefix('python=')}" == PROJECT["requires-python"]


def test_every_line_of_environment_yml_says_what_it_is_for():
    lines = (ROOT / "environment.yml").read_text().split("- pip:\n")[1].splitlines()
    packages = [line for line in lines if re.match(r"\s+- [A-Za-z]", line)]
    assert len(packages) > 20
    assert [line for line in packages if not re.search(r"# .*chapters? \d+|# all chapters", line)] == []


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_versions_live_in_constraints_only(extra):
    for name, requirement in requirements(EXTRAS[extra] if extra else PROJECT["dependencies"]).items():
        assert not requirement.specifier, f"{name}: versions belong into constraints.txt"
        assert requirement.url or name in CONSTRAINTS, f"{name} has no version in constraints.txt"


def test_packages_from_git_are_fixed_to_a_commit():
    urls = [r.url for lines in EXTRAS.values() for r in requirements(lines).values() if r.url]
    assert urls
    assert all(re.search(r"@[0-9a-f]{40}$", url) for url in urls)


def test_installed_versions_are_the_pinned_ones():
    for name in requirements(PROJECT["dependencies"] + EXTRAS["test"]):
        installed = metadata.version(name).split("+")[0]  # torch 2.13.0+cpu is torch 2.13.0
        assert installed == CONSTRAINTS[name], f"{name}: run `make test` to renew .venv"


def test_contributing_says_what_each_dependency_is_for():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    names = requirements(PROJECT["dependencies"] + [line for lines in EXTRAS.values() for line in lines])
    assert [name for name, r in names.items() if f"`{r.name}`" not in text] == []
