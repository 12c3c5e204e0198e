"""The methods' pages: complete, in the book, and true to the code that they name."""

import dataclasses
import importlib
import re
import subprocess
import sys
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from maca_edu import exact
from maca_edu.experiments.parameters import TASKS, critic_parameters
from maca_edu.experiments.presets import preset
from maca_edu.networks import count_parameters
from maca_edu.training.config import Config
from maca_edu.training.critics import Maca
from maca_edu.training.methods import METHODS
from maca_edu.training.ppo import update_in_turn
from toy_envs import fridge_v0

BOOK = Path(__file__).parents[2] / "book"
PAGES = sorted((BOOK / "methods").glob("*.md"))
HEADINGS = [
    "The idea",
    "The equation",
    "Pseudocode",
    "Implementation details",
    "What it cannot do",
    "Parameters",
    "Hyperparameters",
    "Run it",
]
TASK = {"SMAC": "smac/5m_vs_6m", "SMACv2": "smacv2/protoss_5_vs_5", "MPE": "mpe/simple_spread"}
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
CODE = re.compile(r"`(maca_edu(?:\.\w+)+)`")
by_name = pytest.mark.parametrize("method", METHODS)
by_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


def read(name: str) -> str:
    return (BOOK / "methods" / f"{name}.md").read_text(encoding="utf-8")


def without_code_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def section(text: str, heading: str) -> str:
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def toctree(path: Path) -> list[str]:
    """What a page's toctrees list, one by one."""
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]


def resolve(name: str):
    """The module, function, class or attribute with this dotted name."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[cut:], module)
    raise ModuleNotFoundError(name)


def test_a_page_for_every_method_and_every_page_in_the_toctree():
    listed = toctree(BOOK / "methods" / "index.md")
    assert listed == ["shared", *METHODS]
    assert sorted([*listed, "index"]) == sorted(path.stem for path in PAGES)
    assert "methods/index" in toctree(BOOK / "index.md")


@by_name
def test_a_page_has_all_its_parts_in_order(method):
    text = read(method)
    assert text.startswith(f"(method-{method})=\n# ")
    assert re.findall(r"^## (.+)$", without_code_blocks(text), re.MULTILINE) == HEADINGS
    assert section(text, "The equation").count("$$") >= 2
    assert section(text, "Pseudocode").count("```") == 2
    assert len(re.findall(r"^\* \*\*", section(text, "What it cannot do"), re.MULTILINE)) >= 3
    assert f"--method {method} " in section(text, "Run it")


def critic_of(method: str):
    """The method's critic with the paper's settings at the sizes of Table 6."""
    return METHODS[method].critic(TASKS["5m_vs_6m"], METHODS[method].paper.config)


@by_name
def test_a_page_names_its_row_of_table_1_and_its_parameters(method):
    text, row = read(method), METHODS[method].advantage
    assert f"`{row.__module__}.{row.__name__}`" in section(text, "Implementation details")
    assert f"**{count_parameters(critic_of(method)):,}**" in section(text, "Parameters")


@by_name
def test_critics_have_the_sizes_of_table_6(method):
    table_6, critic = critic_parameters("5m_vs_6m"), critic_of(method)
    if isinstance(critic, Maca):
        assert count_parameters(critic, frozen=True) == table_6["maca's psi head"]
    if method in table_6:
        assert count_parameters(critic) == table_6[method]


@by_name
def test_a_page_prints_the_tables_that_the_preset_holds(method):
    text = section(read(method), "Hyperparameters")
    rows = re.findall(r"^\| (SMAC|SMACv2|MPE) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    if method.startswith("maca-"):
        assert "[MACA](maca.md)" in text
        assert rows == []
        return
    assert [task for task, *_ in rows] == list(TASK)
    for task, epochs, clip in rows:
        config, _ = preset("paper", TASK[task], method)
        assert (int(epochs), float(clip)) == (config.epochs, config.clip)


@by_page
def test_the_code_that_a_page_names_exists(path):
    text = without_code_blocks(path.read_text(encoding="utf-8"))
    names = set(CODE.findall(text))
    assert names
    for name in names:
        resolve(name)
    assert text.count("`maca_edu") == len(CODE.findall(text)), "a name in backticks that the test cannot read"


@by_page
def test_the_tests_that_a_page_names_exist(path):
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (BOOK.parent / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8")):
        assert f"def {name}(" in tests, name


@pytest.fixture(scope="module")
def options() -> set[str]:
    """What `maca-edu train` understands."""
    run = subprocess.run([sys.executable, "-m", "maca_edu", "train", "--help"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(OPTION.findall(run.stdout))


@by_page
def test_the_options_that_a_page_names_exist(path, options):
    assert {"method", "psi-mode"} <= options
    assert set(OPTION.findall(path.read_text(encoding="utf-8"))) <= options


@pytest.mark.parametrize("wrong", ["maca_edu.training.nothing", "maca_edu.training.methods.nobody", "maca_edu.x.y"])
def test_a_name_that_does_not_exist_is_found_out(wrong):
    with pytest.raises((AttributeError, ModuleNotFoundError)):
        resolve(wrong)


def test_every_setting_is_on_a_page():
    pages = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    settings = {field.name.replace("_", "-") for field in dataclasses.fields(Config)}
    assert settings - set(OPTION.findall(pages)) == set()


def test_table_1_is_the_library_s():
    rows = re.findall(r"^\| \[(.+?)\]\((.+?)\.md\) \| (.+?) \| (.+) \| (.+?) \| (.+?) \|$", read("index"), re.MULTILINE)
    expected = [
        (name, name, method.critic_in_words, "HAPPO" if method.update is update_in_turn else "PPO", method.source)
        for name, method in METHODS.items()
    ]
    assert [(name, page, critic, update, source) for name, page, critic, _, update, source in rows] == expected
    # Formulas are typeset here and in plain letters there, but two rows share one here if and only if they do there.
    formulas = {(typeset, METHODS[name].formula) for name, _, _, typeset, *_ in rows}
    assert len(formulas) == len({typeset for typeset, _ in formulas}) == len({plain for _, plain in formulas})


def test_the_own_dice_of_ppo_sum():
    """B of Fridge, everybody at .9: its utility's gradient is 19 times as noisy as the best legal baseline's."""
    q, lift = fridge_v0.game().payoff(), np.array([[0.1, 0.9]] * 3 + [[0.9, 0.1]])
    alone = exact.baseline(q, lift, (0, 2, 3)) - exact.baseline(q, lift, range(4))  # Q_{B}
    noise = exact.gradient_moments(alone, lift, 1, 0.0)[1]
    least = exact.gradient_moments(q, lift, 1, exact.minimum_variance_baseline(q, lift, 1, (1,)))[1]
    page = (BOOK / "methods" / "ppo-sum.md").read_text(encoding="utf-8")
    assert f"the variance is {noise / least:.0f} times that of the best legal baseline" in page
