"""The self-test: the pencil's answers are right, wrong ones are told apart, and the lab asks what is checked."""

import re
from pathlib import Path

import pytest

from maca_edu.course.self_test import QUESTIONS, check_part_one, sofa

SOURCE = Path(__file__).parents[2] / "notebooks" / "src" / "06b_self_test.md"
# Worked by hand, not with the library.
PENCIL = {1: 2, 2: -3, 3: 1 / 4, 4: "ac", 5: 3 / 2, 6: "AB", 7: 1, 8: 0.4, 9: 2, 10: -0.4, 11: 0.75, 12: 0.12}


def test_the_game_pays_what_the_text_says():
    payoff = sofa().payoff()
    for a, b, c in [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]:
        assert payoff[a, b, c] == 4 * a * b - a - b + 2 * c


def test_the_answers_worked_by_hand_are_all_correct():
    report = check_part_one(PENCIL)
    assert [number for number, status, _ in report.lines if status != "correct"] == []
    assert report.correct == 12
    assert repr(report).endswith("12 of 12 are correct.")


@pytest.mark.parametrize("number", sorted(QUESTIONS))
def test_a_wrong_answer_is_sent_back_to_its_chapter(number):
    wrong = "b" if number in (4, 6) else PENCIL[number] + 0.5
    ((_, status, text),) = [line for line in check_part_one({number: wrong}).lines if line[0] == number]
    assert status == "try again"
    assert f"chapter {QUESTIONS[number].chapter}" in text


@pytest.mark.parametrize("number", [2, 3, 5, 8])
def test_a_wrong_sign_is_named(number):
    lines = check_part_one({number: -PENCIL[number]}).lines
    assert "wrong sign" in lines[number - 1][2]


@pytest.mark.parametrize("letters", ["ac", "ca", "a, c", {"a", "c"}, ["c", "a"], "AC"])
def test_letters_may_be_written_in_any_way(letters):
    assert check_part_one({4: letters}).correct == 1


def test_unanswered_and_unusable_answers():
    report = check_part_one({1: None, 2: ..., 3: "many"})
    assert [status for _, status, _ in report.lines[:3]] == ["not attempted", "not attempted", "try again"]
    assert "not a number" in report.lines[2][2]
    assert report.correct == 0
    assert "<table>" in report._repr_html_()


@pytest.mark.parametrize("answer", [3, 5.0, {"a": 1, "c": 2}, [0, 2], True, b"ac"])
def test_what_is_no_set_of_letters_is_sent_back(answer):
    _, status, text = check_part_one({4: answer}).lines[3]
    assert status == "try again"
    assert "letters such as `ac` are asked for" in text


def test_a_question_that_does_not_exist():
    with pytest.raises(ValueError, match="question 13; the questions are 1 to 12"):
        check_part_one({13: 0})


def test_the_lab_asks_every_question_under_its_chapter():
    asked = {}
    for chapter, part in re.findall(r"^## Chapter (\d)\n(.*?)(?=^## )", SOURCE.read_text(), re.DOTALL | re.MULTILINE):
        asked |= {int(number): int(chapter) for number in re.findall(r"^\*\*(\d+)\.\*\*", part, re.MULTILINE)}
    assert asked == {number: question.chapter for number, question in QUESTIONS.items()}
