"""The machinery under every check: what a reader is told about every sort of answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maca_edu.course import Mistake, Verdict, as_array, as_number, exercise, random_game, random_games


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


def unfilled(q, policy):
    total = ...
    return total


@pytest.mark.parametrize("stub", [None, ..., ellipsis, docstring, passes, not_implemented, unfilled])
def test_stubs_are_not_attempted(stub):
    assert check_total(stub).status == "not attempted"


@pytest.mark.parametrize("stub", [None, {"A": ..., "B": 0.5}, {"A": None}, [..., 1]])
def test_unfilled_values_are_not_attempted(stub):
    assert check_shares(stub).status == "not attempted"


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
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
        (["a", "b"], "a list"),
        (1, "one number"),
        ([np.inf, 1], "finite"),
    ],
)
def test_as_array_names_what_came_instead(result, message):
    with pytest.raises(Mistake, match=message):
        as_array(result, (2,))


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
