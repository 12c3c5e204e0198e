"""What is handed out on paper: the score table is that of the game, and no chapter's prediction is forgotten."""

import re
from pathlib import Path

import numpy as np
import pytest

from toy_envs import fridge_v0

BOOK = Path(__file__).parents[2] / "book"
TEXTS = {path.name[:2]: path.read_text(encoding="utf-8") for path in sorted(BOOK.glob("chapters/[0-9][0-9]_*.md"))}
CARDS = (BOOK / "teaching" / "fridge_cards.md").read_text(encoding="utf-8")


def test_the_cashiers_table_holds_the_rewards_of_all_sixteen_joint_actions():
    payoff = fridge_v0.game().payoff()  # [2, 2, 2, 2], action 1 is lift
    rows = re.findall(r"^\| (rests|lifts) \| (rests|lifts) \| (rests|lifts) \| (\S+) \| (\S+) \|$", CARDS, re.MULTILINE)
    printed = {tuple(int(word == "lifts") for word in row[:3]): [number(cell) for cell in row[3:]] for row in rows}
    assert printed == {abc: list(payoff[abc]) for abc in np.ndindex(2, 2, 2)}


def test_what_the_lecturer_is_told_about_fridge_is_so():
    payoff = fridge_v0.game().payoff()
    zeros = np.argwhere(payoff == 0)
    assert sorted(zeros.sum(axis=1)) == [0, 2, 2, 2]  # "In one of them nobody lifts, and in the other three two do."
    assert set(payoff[1, 1, 1]) == {5, 4}  # "D hears 5 after a rest and 4 after a lift"
    worth_of_b = payoff[:, 1] - payoff[:, 0]  # [A, C, D]
    assert (worth_of_b[1, 1] == 5).all()
    assert (worth_of_b[0] == -1).all()
    assert (worth_of_b[1, 0] == -1).all()
    terms = {term.name: term.table.max() for term in fridge_v0.game().reward_terms if term.table.max()}
    assert terms == {"fridge": 6, "backpack": 2}


def number(cell: str) -> float:
    """A number as the page prints it."""
    return float(cell.replace("−", "-"))


def asked(text: str) -> int:
    """How many predictions a chapter asks for: the items of its box, or two, as in chapter 1, where there are none."""
    box = text.split(":class: predict\n")[1].split("\n:::")[0]
    return len(re.findall(r"^\d+\. ", box, re.MULTILINE)) or 2


@pytest.mark.parametrize("chapter", TEXTS)
def test_the_prediction_sheet_has_a_row_for_every_question(chapter):
    sheet = (BOOK / "teaching" / "predictions.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| {int(chapter)}[. ](\w) \| .+ \| \|$", sheet, re.MULTILINE)
    wanted = asked(TEXTS[chapter])
    assert rows in ([str(k + 1) for k in range(wanted)], list("abcdef"[:wanted]))


def labels(text: str) -> set[str]:
    """What a text may be referred to by: its theorems and equations."""
    return set(re.findall(r"^:label: (\S+)$", text, re.MULTILINE)) | set(re.findall(r"\((eq-[\w-]+)\)", text))


@pytest.mark.parametrize("part", [1, 2, 3])
def test_a_formula_stands_under_the_chapter_that_it_comes_from(part):
    text = (BOOK / f"part{part}_formulas.md").read_text(encoding="utf-8")
    sections = re.split(r"^## Chapter (\d+): .+$", text, flags=re.MULTILINE)[1:]
    chapters = dict(zip(sections[::2], sections[1::2], strict=True))
    first, last = {1: (1, 6), 2: (7, 14), 3: (15, 18)}[part]
    assert [f"{int(number):02d}" for number in chapters] == [n for n in TEXTS if first <= int(n) <= last]
    for number, rows in chapters.items():
        sources = re.findall(r"\{(?:prf:ref|eq)\}`([\w-]+)`", rows)
        assert sources
        assert set(sources) <= labels(TEXTS[f"{int(number):02d}"])
