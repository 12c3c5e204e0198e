"""A name has one game, everywhere; two names have two; and the truth is what plain loops say."""

import csv
import itertools
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maca_edu.cli import main
from maca_edu.course.class_copy import LABS
from maca_edu.course.own_games import QUESTIONS, normal, own_game, story
from maca_edu.course.own_sheets import as_number, grades, judged, sheet

NAMES = st.text(max_size=30).filter(lambda name: unicodedata.normalize("NFKD", name).strip())
ADA = [  # of "Ada Lovelace", worked out when this test was written
    "The piano pays 7 if A, B and C all lift.",
    "The chest pays 9 if A and B both lift.",
    "The lamp pays 3 if C lifts.",
    "If A lifts, that costs the team 2.",
    "If B lifts, that costs the team 1.",
    "If C lifts, that costs the team 3.",
    "The agents draw independently and lift with these probabilities: A with 0.8, B with 0.3, C with 0.2.",
]


def same(one, other) -> bool:
    return story(one) == story(other) and (one.agent, one.others) == (other.agent, other.others)


# ---------------------------------------------------------------------------------------------------------------------
# The draw


def test_a_name_has_its_game_on_every_machine_and_in_every_version():
    own = own_game("Ada Lovelace")
    assert story(own) == ADA
    assert (own.agent, own.partner, own.others) == (1, 0, {0: 1, 2: 1})


@settings(max_examples=200, deadline=None)
@given(NAMES)
def test_any_name_has_a_game_and_numbers_for_answers(name):
    own = own_game(name)
    assert same(own, own_game(name))
    assert all(np.isfinite(question.answer(own)) for question in QUESTIONS.values())
    assert sheet(name).count('class="answer"') == len(QUESTIONS)


@settings(max_examples=100, deadline=None)
@given(NAMES)
def test_capitals_spaces_and_forms_of_a_letter_do_not_matter(name):
    for written in (name.casefold(), f"  {name}\t", unicodedata.normalize("NFD", name), name.replace(" ", "   ")):
        assert normal(written) == normal(name)
        assert same(own_game(written), own_game(name))


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES)
def test_two_names_have_two_games(one, other):
    assert (normal(one) == normal(other)) == same(own_game(one), own_game(other))


def test_ten_thousand_names_hardly_share_a_game():
    told = {"\n".join(story(own_game(f"student {k}"))) for k in range(10_000)}
    assert len(told) >= 9_990  # chance alone makes fewer than three pairs of fifty million in thirty million games


def test_another_course_is_another_game():
    assert not same(own_game("Ada Lovelace"), own_game("Ada Lovelace", "2027"))


@pytest.mark.parametrize("name", ["", "  ", "\n", None, 3])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="name="):
        own_game(name)


# ---------------------------------------------------------------------------------------------------------------------
# The truth, by plain loops


def chance(own, joint, without=()) -> float:
    """The probability of a joint action, of those in `without` left out."""
    return float(np.prod([own.policy[i, joint[i]] for i in range(3) if i not in without]))


def mean(own, fixed: dict[int, int], weight=lambda joint: 1.0) -> float:
    """The mean of reward times weight where some agents' actions are fixed."""
    q = own.game.payoff()
    joints = [j for j in itertools.product((0, 1), repeat=3) if all(j[i] == a for i, a in fixed.items())]
    return sum(chance(own, joint, fixed) * q[joint] * weight(joint) for joint in joints)


def by_loops(own) -> dict[int, float]:
    q, i, j = own.game.payoff(), own.agent, own.partner
    p = own.policy[i, 1]
    squared = {1: 2 * (1 - p) ** 2, 0: 2 * p**2}  # lengths of the two scores
    price = {a: own.policy[i, a] * squared[a] for a in (0, 1)}
    return {
        1: q[own.joint(1)] - q[own.joint(0)],
        2: mean(own, {}, lambda joint: joint[i] - p),
        3: q[1, 1, 1] - mean(own, {k: 1 for k in range(3) if k != i}),
        4: mean(own, {i: 1, j: 1}) - mean(own, {i: 1}) - mean(own, {j: 1}) + mean(own, {}),
        5: sum(price[a] * q[own.joint(a)] for a in (0, 1)) / sum(price.values()),
    }


@settings(max_examples=100, deadline=None)
@given(NAMES)
def test_the_answers_are_those_of_plain_loops(name):
    own = own_game(name)
    assert {k: question.answer(own) for k, question in QUESTIONS.items()} == pytest.approx(by_loops(own))


@settings(max_examples=100, deadline=None)
@given(NAMES)
def test_the_story_tells_the_whole_game(name):
    own = own_game(name)
    said = {}
    for line in story(own)[:-1]:
        amount = int(re.search(r"(?:pays|team) (\d+)", line)[1])
        who = frozenset("ABC".index(letter) for letter in re.findall(r"\b[ABC]\b", line))
        said[line] = (who, -amount if "costs" in line else amount)
    for joint in itertools.product((0, 1), repeat=3):
        paid = sum(amount for who, amount in said.values() if all(joint[i] for i in who))
        assert paid == own.game.payoff()[joint]


@settings(max_examples=100, deadline=None)
@given(NAMES)
def test_a_slip_is_named_and_the_truth_is_right(name):
    own = own_game(name)
    for question in QUESTIONS.values():
        truth = question.answer(own)
        assert judged(question, f"{truth:.4f}", name, "")[0] == "correct"
        for wrong in question.slips(own).values():
            if abs(wrong - truth) > 0.02:
                status, said = judged(question, f"{wrong:.4f}", name, "")
                assert status == "try again"
                assert said in question.slips(own)  # this one, unless another slip leads to the same number


# ---------------------------------------------------------------------------------------------------------------------
# Sheets and grades


@pytest.mark.parametrize(
    ("given", "number"),
    [("3/8", 0.375), ("-1.5", -1.5), ("−1,5", -1.5), (" 2 ", 2), (".5", 0.5), ("-3/4", -0.75)]
    + [(bad, None) for bad in ("", "x", "1/0", "1e9", "nan", "1/2/3", "--1", "9" * 50)],
)
def test_numbers_as_people_write_them(given, number):
    assert as_number(given) == number


def write_answers(path, rows):
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([["student", *map(str, QUESTIONS)], *rows])


def test_from_names_to_points(tmp_path, capsys):
    students = ["Ada Lovelace", "Zoë <b>", "张伟"]
    (tmp_path / "students.txt").write_text("\n\n".join(students), encoding="utf-8")
    page, table = tmp_path / "own.html", tmp_path / "points.csv"
    assert main(["own-games", str(tmp_path / "students.txt"), "--out", str(page), "--course", "2026"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<section>") == 3
    assert "Zoë &lt;b&gt;" in text
    assert story(own_game("张伟", "2026"))[0] in text
    truth = {k: question.answer(own_game("张伟", "2026")) for k, question in QUESTIONS.items()}
    rows = [["张伟", *(f"{value:.3f}" for value in truth.values())], ["Zoë <b>", *["7.77"] * 4, ""]]
    write_answers(tmp_path / "answers.csv", [*rows, ["Ada Lovelace", *(f"{value:.3f}" for value in truth.values())]])
    words = ["own-grades", str(tmp_path / "answers.csv"), "--out", str(table), "--course", "2026"]
    assert main(words) == 0
    graded = list(csv.DictReader(table.open(encoding="utf-8")))
    points = {name: sum(int(row["points"]) for row in graded if row["student"] == name) for name in students}
    assert points["张伟"] == sum(question.points for question in QUESTIONS.values()) == 8
    assert max(points["Ada Lovelace"], points["Zoë <b>"]) <= 2  # a copied sheet is worth what chance gives
    assert [row["status"] for row in graded if row["student"] == "Zoë <b>"][-1] == "not attempted"
    assert "Zoë &lt;b&gt;" in table.with_suffix(".html").read_text(encoding="utf-8")
    assert main(words) == 0  # its own table is written again


def test_grades_of_another_course_are_others():
    answers = {"Ada": {k: f"{question.answer(own_game('Ada', 'a')):.3f}" for k, question in QUESTIONS.items()}}
    assert sum(row.points for row in grades(answers, "a")) == 8
    assert sum(row.points for row in grades(answers, "b")) < 8


@pytest.mark.parametrize(
    ("students", "message"),
    [("\n \n", "holds no names"), ("Ada\n ADA ", "are the same name"), ("é\ne\u0301", "are the same name")],
)
def test_lists_that_will_not_do(tmp_path, capsys, students, message):
    (tmp_path / "students.txt").write_text(students, encoding="utf-8")
    assert main(["own-games", str(tmp_path / "students.txt"), "--out", str(tmp_path / "own.html")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "own.html").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("Ada,0,5,1,2,3,4", "too many cells for 'Ada'"),
        ("Ada,1,2,3,4," + "5" * 200_000, "is no csv (field larger than field limit"),
        ('Ada,"1,2,3,4,5\nBob,1,2,3,4,5', "is no csv (unexpected end of data)"),
        ("ada,1,2,3,4,5\nAda,1,2,3,4,5", "are the same name"),
    ],
)
def test_answers_that_will_not_do(tmp_path, capsys, rows, message):
    (tmp_path / "answers.csv").write_text(f"student,1,2,3,4,5\n{rows}\n", encoding="utf-8")
    assert main(["own-grades", str(tmp_path / "answers.csv"), "--out", str(tmp_path / "grades.csv")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "grades.csv").exists()


def test_files_that_are_not_ours_are_kept(tmp_path, capsys):
    (tmp_path / "students.txt").write_text("Ada")
    (tmp_path / "own.html").write_text("mine")
    words = ["own-games", str(tmp_path / "students.txt"), "--out", str(tmp_path / "own.html")]
    assert main(words) == 2
    assert "add --force" in capsys.readouterr().err
    assert (tmp_path / "own.html").read_text() == "mine"
    assert main([*words, "--force"]) == 0
    (tmp_path / "answers.csv").write_text("student,1,2\nAda,1,2\n")
    assert main(["own-grades", str(tmp_path / "answers.csv"), "--out", str(tmp_path / "g.csv")]) == 2
    assert "allowed are student, 1, 2, 3, 4, 5" in capsys.readouterr().err
    write_answers(tmp_path / "answers.csv", [["Ada", *"12345"], ["ada", *"12345"]])
    assert main(["own-grades", str(tmp_path / "answers.csv"), "--out", str(tmp_path / "g.csv")]) == 2
    assert "are the same name" in capsys.readouterr().err


def test_the_lecturers_page_is_right():
    page = (LABS.parent / "book" / "teaching" / "own_games.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| .+ \| (\d) \| (\d) \|$", page, re.MULTILINE)
    told = {int(number): (int(chapter), int(points)) for number, chapter, points in rows}
    assert told == {number: (question.chapter, question.points) for number, question in QUESTIONS.items()}
    given = re.search(r"^    Ada Lovelace,(.+)$", page, re.MULTILINE)[1].split(",")
    course = re.search(r'own-grades .+ --course "(.+)"', page)[1]
    answers = {"Ada Lovelace": dict(zip(QUESTIONS, given, strict=True))}
    assert {row.status for row in grades(answers, course)} == {"correct"}
    (slip,) = re.findall(r'slip\'s name: "(.+?)"', page)
    assert slip in QUESTIONS[5].slips(own_game("Ada Lovelace"))
