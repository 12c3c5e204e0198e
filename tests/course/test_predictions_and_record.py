"""Predictions are answered kindly and the same way each time; recorded numbers are stored as the book reads them."""

import re

import numpy as np
import pytest

from maca_edu.course import record, reveal
from maca_edu.course.class_copy import LABS
from maca_edu.course.reasons import REASONS


@pytest.mark.parametrize(
    ("prediction", "answer", "text"),
    [
        (None, 0.5, "You wrote no prediction. Measured: 0.5."),
        (..., 3, "You wrote no prediction. Measured: 3."),
        (0.5, 0.5, "You predicted 0.5, and that is what comes out. Measured: 0.5."),
        ("0.495", 0.5, "You predicted 0.495, and that is what comes out. Measured: 0.5."),
        (1, -0.0, "You predicted 1. Measured: 0. What did the prediction leave out?"),
        ("lots", 2.0, "You wrote 'lots'; a number is needed here. Measured: 2."),
        (True, 1.0, "You wrote True; a number is needed here. Measured: 1."),
        ([1, 2], 1.0, "You wrote [1, 2]; a number is needed here. Measured: 1."),
        (" joint. ", "Joint", "You predicted joint, and that is what comes out. Measured: Joint."),
        (["joint"], "Joint", "You wrote ['joint']; a word is needed here. Measured: Joint."),
        (2.5, {"B"}, "You wrote 2.5; a group of agents, such as 'AB' is needed here. Measured: B."),
    ],
)
def test_reveal(prediction, answer, text):
    assert repr(reveal(prediction, answer)) == text


@pytest.mark.parametrize(
    "prediction",
    [
        "AB",
        "BA",
        "b, a",
        "A and B",
        "{A, B}",
        ["A", "B"],
        ("B", "A"),
        {"A", "B"},
        frozenset("AB"),
        (0, 1),
        [1, "A"],
        ["AB"],
    ],
)
def test_a_group_may_be_written_in_many_ways(prediction):
    assert repr(reveal(prediction, {"A", "B"})) == "You predicted AB, and that is what comes out. Measured: AB."


@pytest.mark.parametrize("prediction", ["A", "ABC", 1, (0, 1, 2), "", [], 99])
def test_another_group_is_another_group(prediction):
    assert "What did the prediction leave out?" in repr(reveal(prediction, {"A", "B"}))


def test_the_number_of_an_agent_is_its_name():
    assert repr(reveal(1, {"B"})) == "You predicted B, and that is what comes out. Measured: B."


class Unshowable:
    def __float__(self):
        raise ValueError


@pytest.mark.parametrize("answer", [0.5, "joint", {"A"}])
@pytest.mark.parametrize(
    "prediction", [object(), Unshowable(), np.ones(3), np.array("x"), {"a": 1}, 1j, 10**400, b"A", float("nan"), reveal]
)
def test_reveal_never_raises(prediction, answer):
    assert "Measured: " in repr(reveal(prediction, answer))


def test_reveal_escapes_and_gives_the_reason():
    shown = reveal("<b>", "x < y", because="Because `a < b`.")
    assert repr(shown).endswith("Because `a < b`.")
    assert "<code>a &lt; b</code>" in shown._repr_html_()
    assert "<b>" not in shown._repr_html_()


def test_the_tolerance_is_absolute():
    assert "comes out" in repr(reveal(9, 10, tolerance=1))
    assert "leave out" in repr(reveal(9, 10))


@pytest.fixture
def stored(monkeypatch):
    """A function that records a value and returns the text stored for it."""

    def store(value):
        calls = []
        monkeypatch.setitem(record.__globals__, "display", lambda data, raw, metadata: calls.append((data, metadata)))
        record("key", value)
        ((data, metadata),) = calls
        assert metadata == {"scrapbook": {"name": "key", "mime_prefix": "application/papermill.record/"}}
        assert list(data) == ["application/papermill.record/text/plain"]
        return data["application/papermill.record/text/plain"]

    return store


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (-0.25, ".2f", "-0.25"),
        (np.float64(1 / 3), ".3f", "0.333"),
        (1e-17, ".1f", "0.0"),
        (-1e-17, ".1f", "0.0"),
        (np.int64(12345678), ",d", "12,345,678"),
        (3, "s", "3"),
        ("a word", "s", "a word"),
        (0.256, ".0%", "26%"),
    ],
)
def test_recorded_values_are_quoted_as_the_book_formats_them(stored, value, spec, text):
    format_plain_text = pytest.importorskip("myst_nb.core.variables").format_plain_text
    assert format_plain_text(stored(value), spec) == text


@pytest.mark.parametrize("value", [float("nan"), np.ones(2)])
def test_only_one_finite_number_can_be_recorded(value):
    with pytest.raises(ValueError, match="'key'; only a finite number or a word"):
        record("key", value)


def test_a_reason_is_looked_up_by_its_name():
    assert repr(reveal(None, 1, reason="ch05_number")).endswith(REASONS["ch05_number"])
    with pytest.raises(ValueError, match="reason='ch05_numbr'; allowed are the names"):
        reveal(None, 1, reason="ch05_numbr")


def test_the_labs_of_part_one_show_no_reasons_and_every_recorded_one_is_used_once():
    labs = {path.name: path.read_text() for path in sorted((LABS / "src").glob("[0-9][0-9]_*.md"))}
    part_one = [lab for name, lab in labs.items() if "01" <= name[:2] <= "06"]
    assert len(part_one) == 6
    assert all("because=" not in lab and "because =" not in lab for lab in part_one)
    assert sorted(re.findall(r'reason="(\w+)"', "".join(labs.values()))) == sorted(REASONS)
