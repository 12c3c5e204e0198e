"""The machinery under every check: what a reader is told about every sort of answer."""

import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maca_edu.course import Mistake, Verdict, as_array, as_number, exercise, random_game, random_games
from maca_edu.course.answers import as_agents


@exercise("the sum of a table", difficulty=2, minutes=10)
def check_total(candidate):
    """The candidate's number is the sum of the table."""
    for q, policy in random_games():
        if not np.isclose(as_number(candidate(q, policy)), q.sum()):
            raise Mistake("Add up `q`, <all> of it.")


@exercise("a table of shares", difficulty=1, minutes=1)
def check_shares(candidate):
    """The candidate is a dict of shares that sum to 1."""
    if not np.isclose(sum(candidate.values()), 1):
        raise Mistake("The shares must sum to 1.")
    return "One half each."


def ellipsis(q, policy): ...


def docstring(q, policy):
    """Only words."""


def passes(q, policy):
    pass


def not_implemented(q, policy):
    """Words."""
    raise NotImplementedError


def not_implemented_yet(q, policy):
    raise NotImplementedError("to do")


class CalledStub:
    def __call__(self, q, policy): ...


def unfilled(q, policy):
    total = ...
    return total


STUBS = [
    None, ..., ellipsis, docstring, passes, not_implemented, not_implemented_yet, unfilled, CalledStub(),
    partial(ellipsis, policy=1),
]  # fmt: skip


@pytest.mark.parametrize("stub", STUBS)
def test_stubs_are_not_attempted(stub):
    assert check_total(stub).status == "not attempted"


@pytest.mark.parametrize("stub", [None, {"A": ..., "B": 0.5}, {"A": None}, [..., 1]])
def test_unfilled_values_are_not_attempted(stub):
    assert check_shares(stub).status == "not attempted"


def not_in_this_case(q, policy):
    if q.ndim == 3:
        raise NotImplementedError("three agents")
    return q.sum()


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        (not_in_this_case, "Your function raised NotImplementedError: three agents"),
        (lambda q, policy: [1.0, None], "Entry 1 of what your function returned is None"),
        (lambda q, policy: {"all": ...}, "Entry 'all' of what your function returned is `...`"),
        (lambda q, policy: [[].append(x) for x in q.flat], "Entry 0 of what your function returned is None"),
        (lambda q, policy: ((0, None), 1), "Entry 0 of what your function returned has a part that is None"),
        (partial(lambda factor, q, policy: print(end=""), 1), "returned None"),
        (lambda q, policy: 0.0, "Add up"),
        (lambda q, policy: print(end=""), "returned None"),
        (lambda q, policy: q, "returned an array of shape (2, 2, 2); one number is needed"),
        (lambda q, policy: "many", "returned a str; one number"),
        (lambda q, policy: float("nan"), "a finite number"),
        (lambda q, policy: q[9], "IndexError: index 9 is out of bounds"),
        (lambda q, policy: q[9], "array of shape (2, 2, 2), an array of shape (3, 2)"),
        (lambda q: 0.0, "TypeError"),
        (3, "could not be checked: TypeError"),
    ],
)
def test_wrong_answers_are_told_why(candidate, message):
    verdict = check_total(candidate)
    assert verdict.status == "try again"
    assert message in verdict.message


def test_correct_answers_and_praise():
    assert check_total(lambda q, policy: q.sum()) == Verdict("correct", "Your answer passes every test.")
    assert check_shares({"A": 0.5, "B": 0.5}) == Verdict("correct", "One half each.")


def test_a_candidate_that_writes_into_its_input_does_not_fool_the_check():
    def overwrite(q, policy):
        q[...] = 0
        return 0.0

    assert check_total(overwrite).status == "try again"


@exercise("running sums", difficulty=1, minutes=1)
def check_running(candidate):
    """The candidate's array is the running sum, and its argument stays what it was."""
    given = np.arange(4.0)
    if not np.allclose(as_array(candidate(given), (4,)), [0, 1, 3, 6]):
        raise Mistake("Add up.")


class InPlace:
    def __call__(self, numbers):
        return np.cumsum(numbers, out=numbers)


def in_place(factor, numbers):
    return InPlace()(numbers)


@pytest.mark.parametrize(
    ("candidate", "name"),
    [(InPlace(), "`numbers`"), (partial(in_place, 1), "`numbers`"), (InPlace().__call__, "`numbers`")],
)
def test_whatever_can_be_called_gets_copies(candidate, name):
    verdict = check_running(candidate)
    assert verdict.status == "try again"
    assert f"writes into its argument {name}" in verdict.message
    assert check_running(np.cumsum).status == "correct"


def test_label_and_title():
    assert check_total.title == "the sum of a table"
    assert check_total.label == "difficulty 2 of 3, 10 minutes"
    with pytest.raises(ValueError, match="difficulty=4; allowed are 1, 2 and 3"):
        exercise("too hard", difficulty=4, minutes=1)


@pytest.mark.parametrize("status", ["correct", "not attempted", "try again"])
def test_a_verdict_says_its_status_in_words_and_escapes_its_message(status):
    verdict = Verdict(status, "Is `a < b`?")
    assert status in repr(verdict).lower()
    html = verdict._repr_html_()
    assert status in html.lower()
    assert "<code>a &lt; b</code>" in html
    assert html == Verdict(status, "Is `a < b`?")._repr_html_()


def test_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="status='right'; allowed are 'correct'"):
        Verdict("right", "")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ([1, 2, 3], r"a list; an array of shape \(2,\)"),
        (["a", "b"], "texts; real numbers are needed"),
        (["1", "2"], "texts; real numbers are needed"),
        ([1, 2j], "complex numbers; real numbers are needed"),
        (np.array([1, 2], dtype="m8[s]"), "lengths of time; real numbers are needed"),
        ([1, "2"], "texts; real numbers are needed"),
        ([object(), 1], "a list"),
        (1, "one number"),
        ([np.inf, 1], "finite"),
    ],
)
def test_as_array_names_what_came_instead(result, message):
    with pytest.raises(Mistake, match=message):
        as_array(result, (2,))


@pytest.mark.parametrize(
    "result", [2j, np.complex128(2), np.array(2j), "2", b"2", [2], None, np.datetime64("2026-01-01")]
)
def test_as_number_takes_real_numbers_only(result):
    with pytest.raises(Mistake, match="needed"):
        as_number(result)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ([True, False, True], "True and False"),
        (np.array([True, False]), "True and False"),
        ({0.5, 2.5}, "Agents are whole numbers"),
        ({0, np.inf}, "a set of agents such as"),
        ({1j}, "a set of agents such as"),
        ({"A"}, "names an agent 'A'"),
        (3, "a set of agents such as"),
    ],
)
def test_as_agents_takes_whole_numbers_only(result, message):
    with pytest.raises(Mistake, match=message):
        as_agents(result)


def test_as_agents_passes_good_sets_on():
    for result in ({0, 2}, [2, 0], np.array([0, 2]), (0.0, 2.0), range(0, 3, 2), {0: "a", 2: "b"}):
        assert as_agents(result) == {0, 2}


def test_as_array_and_as_number_pass_good_values_on():
    np.testing.assert_array_equal(as_array([1, 2], (2,)), [1.0, 2.0])
    assert as_number(np.float32(2)) == as_number(np.array(2)) == as_number(2) == 2.0


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(2, 4))
def test_random_games_have_the_shapes_they_promise(seed, n, A):
    q, policy = random_game(np.random.default_rng(seed), n, A)
    assert q.shape == (A,) * n
    assert policy.shape == (n, A)
    assert (policy >= 0).all()
    np.testing.assert_allclose(policy.sum(axis=1), 1)


def test_random_games_repeat():
    for (q, policy), (again, same) in zip(random_games(), random_games(), strict=True):
        np.testing.assert_array_equal(q, again)
        np.testing.assert_array_equal(policy, same)


@exercise("a callback", difficulty=1, minutes=1, without="maca_edu")
def check_callback(candidate):
    """The candidate calls what it is given, which may use the library."""
    if as_number(candidate(lambda x, times=1: times * as_number(x))) != 4:
        raise Mistake("Call it.")


def test_a_checks_own_function_may_use_what_the_answer_may_not():
    assert check_callback(lambda head: head(np.array(2.0), times=2)).status == "correct"
    assert "uses `maca_edu`" in check_callback(lambda head: as_number(head(4.0))).message
    assert "uses `maca_edu`" in check_callback(lambda head: head(next(map(as_number, [4.0])))).message


def test_a_profiler_of_the_readers_own_goes_on():
    def profiler(*event): ...

    sys.setprofile(profiler)
    try:
        check_callback(lambda head: head(4.0))
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
